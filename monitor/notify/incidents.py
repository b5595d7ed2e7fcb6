"""Which incident an item is part of: one name from the first message of something to the last.

A pause is named by its entry and the event that began it (`luna-17`), what a source withholds by the source and its
event. Mail and chat put messages of one name into one thread, an alarm service opens and closes one alarm by it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from monitor.core import events as ev
from monitor.core.entry import LISTED_AGAIN, UNLISTED, Entry
from monitor.core.events import Event
from monitor.core.notices import Reason
from monitor.notify.rules import Commit

_ENDS = frozenset({ev.SOURCE_RECOVERED, ev.SOURCE_HOLD_ENDED})
_REST = re.compile(r"[^A-Za-z0-9._@-]+")


def of(commit: Commit, reason: Reason, entry: Entry | None, events: Sequence[Event]) -> str:
    """Return the name of the incident that events are part of, as their items tell it for one reason."""
    event = events[0]
    if event.type in _ENDS or entry is None:
        begun = event.cause if event.type in _ENDS and event.cause is not None else event.position
        return named(event.source or event.subject, begun)
    before = commit.before(entry.key)
    pause = entry.pause or (before.pause if before is not None else None)
    if reason in (Reason.HELD, Reason.BLIND) and event.type != ev.ENTRY_REMINDED:
        return named(event.source, event.position)
    if event.type.startswith("check.") and reason in (Reason.STALE, Reason.RECOVERED):
        return _of_check(event, before)
    if event.type in (ev.ENTRY_FALLBACK_LOST, ev.ENTRY_FALLBACK_RESTORED):
        restored = event.type == ev.ENTRY_FALLBACK_RESTORED and before is not None
        lost = (before.fallback_lost if restored and before is not None else None) or event.position
        if pause is None or lost < pause:
            return named(entry.key, lost)
    if event.type == ev.ENTRY_REMINDED and pause is None:
        return named(entry.key, event.data["key"].replace(LISTED_AGAIN, UNLISTED, 1))
    if ev.entry_key(event) or event.type == ev.NOTICE_ACKNOWLEDGED:
        return of_acceptance(entry if pause is None and before is None else before or entry, pause)
    return named(entry.key, event.position if pause is None else pause)


def of_acceptance(entry: Entry, pause: int | None = None) -> str:
    """Return the incident to which it belongs that somebody accepts an entry: its running pause, else its status."""
    return named(entry.key, pause or entry.pause or entry.status_position)


def named(subject: str, begun: int | str) -> str:
    """Return the name of an incident by what it is about and what began it, fit for a header and a URL."""
    return _REST.sub("-", f"{subject}-{begun}").strip("-")


def _of_check(event: Event, before: Entry | None) -> str:
    """Return the incident of a check that expired, also where it is verified again: it is named by its expiry."""
    check = before.checks.get(event.data["check"]) if before is not None else None
    expired = event.type == ev.CHECK_STALE or check is None or check.position is None
    return named(ev.entry_key(event), event.position if expired or check is None else check.position or event.position)
