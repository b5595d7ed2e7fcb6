"""When a cache is read late: looked up in the measurements that are kept of the write before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from monitor.core.cache_writes import CALLS, WRITER, CacheWrite, outstanding
from monitor.core.configuration import SourceSpec
from monitor.core.ports import MeasurementQuery, Reader


def awaiting(reader: Reader, spec: SourceSpec) -> CacheWrite | None:
    """Return the write that a late reader has not tried to read yet; None for any other source."""
    writer = spec.option(WRITER)
    if not writer:
        return None
    writes = list(reader.measurements(MeasurementQuery(source=writer, newest_first=True, limit=CALLS)))
    reads = list(reader.measurements(MeasurementQuery(source=spec.key, newest_first=True, limit=1)))
    return outstanding(writes, reads) if writes else None


def readers_of(key: str, specs: Mapping[str, SourceSpec]) -> Iterator[SourceSpec]:
    """Yield the late readers that a poll of a source concerns: those of what it writes, and itself."""
    for spec in specs.values():
        writer = spec.option(WRITER)
        if writer and key in (writer, spec.key):
            yield spec
