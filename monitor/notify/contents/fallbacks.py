"""What an item says of a fallback that is lost or back."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.core.events import Event
from monitor.notify.contents.shared import entry_of, void_acknowledgement
from monitor.notify.rules import Commit, Content, Recipients


def fallback_lost(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    parts = (f"its fallback {events[0].data['reason']}", void_acknowledgement(commit, entry_of(to)))
    return Content(
        since=events[0].occurred_at,
        brief=f"fallback {entry_of(to).spec.fallback} denied",
        summary="; ".join(part for part in parts if part),
    )


def fallback_restored(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    fallback = events[0].data["fallback"]
    return Content(
        since=events[0].occurred_at,
        brief=f"fallback {fallback} back",
        summary=f"its fallback {fallback} is allowed again",
    )
