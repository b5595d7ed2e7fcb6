"""What a probe wrote to a prompt cache, and until when that has to be readable. Pure: measurements in, no clock.

The measurements are what is kept of a write: a late read is due by them, so that nothing waits for it and a restart
forgets none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.core.facts import GRANTED, Measurement

LIFETIME = timedelta(minutes=30)
"""How long a cache keeps what was written to it, at the least, as its provider states."""

LATE = 0.95
"""The share of the lifetime after which a read is a late one."""

WRITER = "writer"
"""The option of a source that reads late: the key of the one that writes."""

LATE_READ = "caching_late"
"""The route of the source that reads late what the route `caching` wrote; it comes with it, and no table names it."""

CALLS = 2
"""Calls of a poll that writes: the write, and a read at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheWrite:
    """A prefix that was written at a time (`at`), and how many tokens it has."""

    at: datetime
    tokens: int

    @property
    def due(self) -> datetime:
        """From when on a read is a late one."""
        return self.at + LIFETIME * LATE

    @property
    def ends(self) -> datetime:
        """From when on a cache may have forgotten it."""
        return self.at + LIFETIME

    def readable(self, now: datetime) -> bool:
        """Return whether a late read says something now."""
        return self.due <= now < self.ends


def outstanding(writes: Sequence[Measurement], reads: Sequence[Measurement]) -> CacheWrite | None:
    """Return the write that no late read was tried of yet.

    Args:
        writes: The calls of the probe that writes, newest first; `CALLS` are enough.
        reads: Those of the probe that reads late, newest first; one is enough.
    """
    last = [call for call in writes if call.at == writes[0].at]
    if len(last) < CALLS or any(call.outcome != GRANTED for call in last):
        return None
    if reads and reads[0].at >= last[0].at:
        return None
    counted = max(call.cache_write_tokens or 0 for call in last)
    tokens = counted or max(call.input_tokens or 0 for call in last)  # what is not counted was all of the input
    return CacheWrite(at=last[0].at, tokens=tokens) if tokens else None
