"""What a probe wrote to a prompt cache, and until when that has to be readable. Pure: measurements in, no clock.

The measurements are what is kept of a write: a late read is due by them, so that nothing waits for it and a restart
forgets none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from monitor.core.facts import GRANTED, Measurement

LIFETIME = timedelta(minutes=30)
"""How long a cache keeps what was written to it, at the least, as its provider states."""

LATE = 0.95
"""The share of the lifetime after which a read is a late one."""

WRITER = "writer"
"""The option of a source that reads late: the key of the one that writes."""

CACHING = "caching"
"""The route that writes to a cache and reads it at once."""

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


def outstanding(writes: Iterable[Measurement], after: datetime | None) -> CacheWrite | None:
    """Return the oldest of these writes that is later than the last late read (`after`).

    Args:
        writes: The calls of the probe that writes, in their order.
        after: When a late read was tried last; None where none was.
    """
    for at, calls in groupby(writes, key=lambda call: call.at):
        poll = list(calls)
        if len(poll) < CALLS or any(call.outcome != GRANTED for call in poll) or (after is not None and at <= after):
            continue
        counted = max(call.cache_write_tokens or 0 for call in poll)
        tokens = counted or max(call.input_tokens or 0 for call in poll)  # uncounted, it was all of the input
        if tokens:
            return CacheWrite(at=at, tokens=tokens)
    return None
