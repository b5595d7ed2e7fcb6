"""The clock of one run: the time of day, which anybody may set, carried by the time that passes, which nobody can.

A step of the time of day is a fault more often than the truth: a machine resumed, a glitch of the time service, a
typing error. So a clock that was set is reported at once and followed only when whoever runs it says so, after the new
time has stood for a while. Reads no clock itself: both are given.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from monitor.core.ports import ClockStep

STEP = timedelta(minutes=1)
"""A larger difference between two readings than this is a step; a smaller one is followed."""

STANDS = timedelta(minutes=5)
"""How long a new time has to stand before it counts."""


ROUND_TRIP = 2.0
"""Seconds within which a server's time is an answer to when it was asked."""


class ServerTime:
    """The database server's time of day, which several nodes go by: one whose own clock is wrong would end the leases
    of the others, and date what it sees to another day. `ask` asks the server, `elapsed` counts seconds.
    """

    def __init__(self, ask: Callable[[], datetime], elapsed: Callable[[], float]) -> None:
        self._ask = ask
        self._elapsed = elapsed
        self._measured = ask(), elapsed()
        self.measure()

    def __call__(self) -> datetime:
        """Read it, by what has passed since the server was asked."""
        at, read_at = self._measured
        return at + timedelta(seconds=self._elapsed() - read_at)

    def measure(self) -> None:
        """Ask the server; an answer that took so long that it says little is not taken.

        Raises:
            Unavailable: it is out of reach.
        """
        before = self._elapsed()
        at = self._ask()
        after = self._elapsed()
        if after - before < ROUND_TRIP:
            self._measured = at, (before + after) / 2


class SteadyClock:
    """Now, in UTC. It never goes back but in `adopt`, and never jumps by more than a minute but there.

    `wall` is the time of day; `elapsed` counts seconds that pass, from anywhere, also while the machine is suspended.
    Safe to use from several threads.
    """

    def __init__(self, wall: Callable[[], datetime], elapsed: Callable[[], float]) -> None:
        self._wall = wall
        self._elapsed = elapsed
        self._lock = threading.Lock()
        self._at, self._read_at = wall(), elapsed()
        self._offset, self._offset_since = timedelta(0), self._read_at
        self._reported: list[tuple[timedelta, timedelta, float]] = []
        self._steps: list[ClockStep] = []

    def __call__(self) -> datetime:
        """Read it: by the time of day, or, while that was set and does not count yet, by what has passed."""
        with self._lock:
            return self._now()

    def take_steps(self) -> tuple[ClockStep, ...]:
        """Return the steps since it was last asked. A broken clock that flips between two times is reported once in
        five minutes.
        """
        with self._lock:
            self._now()
            steps, self._steps = tuple(self._steps), []
            return steps

    def stood(self) -> timedelta | None:
        """Return how far the time of day is ahead (negative: behind) if it has stood long enough to
        count; else None.
        """
        with self._lock:
            self._now()
            stands = self._offset and self._read_at - self._offset_since >= STANDS.total_seconds()
            return self._offset if stands else None

    def adopt(self) -> None:
        """Go by the time of day as it is now."""
        with self._lock:
            self._at, self._read_at = self._wall(), self._elapsed()
            self._offset = timedelta(0)

    def _now(self) -> datetime:
        wall, elapsed = self._wall(), self._elapsed()
        passed = timedelta(seconds=elapsed - self._read_at)
        carried = self._at + passed
        ahead = wall - carried
        offset = ahead if abs(ahead) > STEP else timedelta(0)
        if abs(offset - self._offset) > STEP:
            self._report(carried, offset, elapsed)
            self._offset_since = elapsed
        self._offset = offset
        if not offset:
            # What runs ahead is slowed to half until it is right again: no two readings may be in the wrong order.
            carried += max(ahead, -passed / 2)
        self._at, self._read_at = carried, elapsed
        return carried

    def _report(self, carried: datetime, offset: timedelta, elapsed: float) -> None:
        before = self._offset
        self._reported = [step for step in self._reported if elapsed - step[2] < STANDS.total_seconds()]
        if any(abs(old - before) <= STEP and abs(new - offset) <= STEP for old, new, _ in self._reported):
            return
        self._reported.append((before, offset, elapsed))
        self._steps.append(ClockStep(by=offset - before, before=carried + before, after=carried + offset))
