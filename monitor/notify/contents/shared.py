"""What the contents of several subjects need."""

from __future__ import annotations

from datetime import datetime

from monitor.core.entry import Entry
from monitor.core.events import Event
from monitor.notify.rules import Commit, Recipients


def time_of(text: str) -> datetime:
    return datetime.fromisoformat(text)


def entry_of(to: Recipients) -> Entry:
    """Return the entry that an item is about."""
    assert to.entry is not None
    return to.entry


def void_acknowledgement(commit: Commit, entry: Entry) -> str:
    """Return that whoever took a pause on did so before it became worse; empty where nobody had."""
    before = commit.before(entry.key)
    if before is None or before.acknowledged is None or entry.acknowledged is not None or entry.pause != before.pause:
        return ""
    return "the pause was acknowledged before this, which no longer counts"


def incident_in_words(event: Event) -> str:
    """Return what to add to a sentence while an incident is open on the surface that it is about."""
    incident = event.data.get("incident")
    return f"; the provider's status page says: “{incident}”" if incident else ""
