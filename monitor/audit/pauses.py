"""When entries were paused: for how long, why, and who ended it. Reading only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.audit.concerning import of_entry
from monitor.audit.reading import merged, of_types
from monitor.core import events as ev
from monitor.core.events import Recorded, entry_key
from monitor.core.ports import EventQuery, Reader

BEGINNINGS = (ev.ENTRY_PAUSED, ev.ENTRY_PAUSE_EXTENDED)
ENDINGS = (ev.ENTRY_RESUMED, ev.ENTRY_RETIRED, ev.ENTRY_WITHDRAWN)
CARRYING = (ev.ENTRY_DECLARED, ev.ENTRY_RENAMED, ev.ENTRY_AMENDED)
"""What may begin a row with the state of another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """One pause: what began it, what was added to it, and what ended it (None: it lasts, or the entry ended in it).

    `row` is the row of the registry by the key that it had last.
    """

    row: str
    began: Recorded
    extended: tuple[Recorded, ...] = ()
    ended: Recorded | None = None

    def length(self, now: datetime) -> timedelta:
        """Return how long it lasted, or has lasted."""
        return (now if self.ended is None else self.ended.event.occurred_at) - self.began.event.occurred_at


def pauses_of(history: Iterable[Recorded]) -> list[Pause]:
    """Return the pauses in what befell entries, the oldest first. A row that was renamed goes on under another key."""
    pauses: list[Pause] = []
    running: dict[str, list[Recorded]] = {}
    for recorded in history:
        row, type = entry_key(recorded.event), recorded.event.type
        if type in BEGINNINGS:
            running.setdefault(row, []).append(recorded)
        elif type in ENDINGS and row in running:
            pauses.append(_pause(row, running.pop(row), recorded))
        elif (carried := recorded.event.data.get("carried")) and (former := carried.get("from")) in running:
            # A row that was renamed is that row; one that was made of another goes on beside it.
            running[row] = running.pop(former) if type == ev.ENTRY_RENAMED else list(running[former])
    pauses += [_pause(row, events, None) for row, events in running.items()]
    return sorted(pauses, key=lambda pause: pause.began.event.position)


def pauses(
    reader: Reader,
    *,
    entry: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Pause]:
    """Return the pauses of every entry or of one that lasted at any time between two, the oldest first; as they were
    recorded up to the later one.

    Raises:
        Refused: there is no such entry.
    """
    types = (*BEGINNINGS, *ENDINGS, *CARRYING)
    rows = sorted(of_entry(reader, entry).rows) if entry else []
    bases = [EventQuery(stream=ev.entry_stream(row), until=until) for row in rows] or [EventQuery(until=until)]
    recorded_pauses = pauses_of(merged(reader, [query for base in bases for query in of_types(types, base)]))
    return [
        pause
        for pause in recorded_pauses
        if since is None or pause.ended is None or pause.ended.event.occurred_at >= since
    ]


def _pause(row: str, events: list[Recorded], ended: Recorded | None) -> Pause:
    return Pause(row=row, began=events[0], extended=tuple(events[1:]), ended=ended)
