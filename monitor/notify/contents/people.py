"""What an item says of the acts of people, and of an entry that left the configuration."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.core import events as ev
from monitor.core.events import Event
from monitor.notify.contents.shared import entry_of
from monitor.notify.rules import Commit, Content, Recipients
from monitor.registry.acceptance import COMMANDS


def act(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return who moved an entry by hand, and why."""
    event, key = events[0], entry_of(to).key
    resume = f'access-monitor resume {key} --by YOU --reason "…" --expect {entry_of(to).position}'
    following = {ev.ENTRY_PAUSED: (f"access-monitor why {key}", resume)}
    return Content(
        since=event.occurred_at,
        by=event.data["by"],
        summary=_said(event),
        commands=following.get(event.type, (f"access-monitor status {key}",)),
    )


def acknowledged(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return who has acknowledged a pause, and their note."""
    event, key = events[0], entry_of(to).key
    note = f": “{event.data['note']}”" if event.data.get("note") else ""
    return Content(
        since=event.occurred_at,
        by=event.data["by"],
        summary=f"{event.data['by']} acknowledged the pause{note}; it is not repeated unless it gets worse",
        commands=(f"access-monitor status {key}",),
    )


def _said(event: Event) -> str:
    """Return an act of a person in a sentence: who did what, and why."""
    verb = event.type.partition(".")[2]
    who = event.data["by"]
    asked_by = event.data.get("requested_by")
    also = f", as {asked_by} had asked" if asked_by else ""
    waived = event.data.get("waived", ())
    without = f"; without {', '.join(waived)}, which {who} waived" if waived else ""
    return f"{who} {verb} it{also}: “{event.data['reason']}”{without}"


def approval(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return that one person asked for an acceptance, and how another confirms it."""
    entry, data = entry_of(to), events[0].data
    command = COMMANDS[data["act"]]
    return Content(
        since=events[0].occurred_at,
        by=data["by"],
        summary=f"{data['by']} asks to {command} it: “{data['reason']}”; another person has to confirm it",
        commands=(
            f"access-monitor {command} {entry.key} --dry-run",
            f'access-monitor {command} {entry.key} --by YOU --reason "…" --expect {entry.position}',
        ),
    )


def withdrawn(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    return Content(since=events[0].occurred_at, summary=events[0].data["reason"])
