"""When a cache is read late: looked up in the measurements that are kept of the write before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from monitor.core.cache_writes import CACHING, LATE_READ, LIFETIME, WRITER, CacheWrite, outstanding
from monitor.core.configuration import SourceSpec
from monitor.core.ports import MeasurementQuery, Reader


def awaiting(reader: Reader, spec: SourceSpec, now: datetime) -> CacheWrite | None:
    """Return the write that a late reader reads next: the oldest that the cache has to keep, and that is later than the
    last one it tried; None for any other source.
    """
    writer = spec.option(WRITER)
    if not writer:
        return None
    last = next(reader.measurements(MeasurementQuery(source=spec.key, newest_first=True, limit=1)), None)
    writes = reader.measurements(MeasurementQuery(source=writer, since=now - LIFETIME))
    return outstanding(writes, None if last is None else last.at)


def readers_of(key: str, specs: Mapping[str, SourceSpec]) -> Iterator[SourceSpec]:
    """Yield the late readers that a poll of a source concerns: those of what it writes, and itself."""
    polled = specs.get(key)
    if polled is None or polled.route not in (CACHING, LATE_READ):
        return  # not looked for among all sources after each of their polls
    for spec in specs.values():
        writer = spec.option(WRITER)
        if writer and key in (writer, spec.key):
            yield spec
