"""Which entries are silent: who asked for it, why and until when. Reading only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from monitor.core import events as ev
from monitor.core.entry import Entry
from monitor.core.events import entry_stream
from monitor.core.ports import EventQuery, Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """One silence: `entry` is told of nothing but its pauses from `since` until `until`; `position` is its event."""

    entry: str
    since: datetime
    until: datetime
    by: str
    reason: str
    position: int


def silences(reader: Reader, now: datetime, entries: Mapping[str, Entry] | None = None) -> list[Silence]:
    """Return the silences that last at `now`, the one that ends next first; `entries` are as they stood then."""
    rows = []
    for key, entry in (reader.entries() if entries is None else entries).items():
        if entry.silenced_until is None or entry.silenced_until <= now:
            continue
        query = EventQuery(type=ev.ENTRY_SILENCED, stream=entry_stream(key), until=now, newest_first=True, limit=1)
        for recorded in reader.events(query):
            rows.append(
                Silence(
                    entry=key,
                    since=recorded.recorded_at,
                    until=entry.silenced_until,
                    by=str(recorded.event.data["by"]),
                    reason=str(recorded.event.data["reason"]),
                    position=recorded.event.position,
                )
            )
    return sorted(rows, key=lambda row: row.until)
