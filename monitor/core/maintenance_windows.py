"""Planned maintenance: a dated window in which changes of named pins are expected, and so inform instead of pausing.

A window never moves a pin: when it ends, what deviates pauses. What a window may be is checked where one is opened.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

LONGEST = timedelta(days=31)
"""The longest window: beyond it an assumption would be switched off rather than expected to move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From `start` up to, not including, `end`, changes of pins whose key matches one of the globs are expected.

    `position` is the event that opened it, and its name.
    """

    position: int
    start: datetime
    end: datetime
    changes: tuple[str, ...]
    by: str
    reason: str

    def open(self, at: datetime) -> bool:
        """Return whether it has begun and not ended."""
        return self.start <= at < self.end


def matches(changes: Iterable[str], pin: str) -> bool:
    """Return whether a pin's key is one of those that are named."""
    return any(fnmatchcase(pin, glob) for glob in changes)


def expecting(windows: Iterable[Window], pin: str, at: datetime) -> Window | None:
    """Return the window in which a change of the pin is expected at a time, the one that lasts longest; None where
    there is none.
    """
    open_windows = [window for window in windows if window.open(at) and matches(window.changes, pin)]
    return max(open_windows, key=lambda window: window.end, default=None)
