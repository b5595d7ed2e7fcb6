"""How the daemon itself is doing: the last poll of each source, whether work goes on, and who is told of it.

systemd's watchdog is fed, and the heartbeat URL pinged, from real progress alone: a process that merely exists is not
healthy. Knows no scheduler and no time of day; it is told what happened, and asked.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.core.ports import Trouble

SLACK = timedelta(seconds=60)
"""What a poll may take on top of its interval before it counts as missing."""

SHOWN = 3
"""How many failing sources a summary names."""

MISSES = 2
"""How many intervals may pass without a finished poll."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """One source: when a poll last finished, when one last succeeded, and the verdict or failure of the last. In
    seconds that passed.
    """

    every: timedelta
    since: float
    finished_at: float | None = None
    good_at: float | None = None
    verdict: str = ""


class Health:
    """What is known of the daemon's work. Safe to use from several threads.

    `elapsed` counts seconds that pass: by the time of day, what happened before a clock was set back would be well for
    as long as it was set back.
    """

    def __init__(self, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._elapsed = elapsed
        self._lock = threading.Lock()
        self._sources: dict[str, SourceHealth] = {}
        self._stepped_at: float | None = None
        self._polls: Counter[str] = Counter()
        self._sole = True
        self._troubles: dict[str, Trouble] = {}
        self.problems = 0

    def expect(self, sources: Mapping[str, timedelta]) -> None:
        """Expect polls of these sources at these intervals from now on."""
        with self._lock:
            watched, now = self._sources, self._elapsed()
            self._sources = {
                key: replace(watched[key], every=every) if key in watched else SourceHealth(every=every, since=now)
                for key, every in sources.items()
            }

    def polled(self, key: str, verdict: str) -> None:
        """Note that a poll has ended."""
        with self._lock:
            self._polls[verdict] += 1
            if key in self._sources:
                now = self._elapsed()
                good_at = self._sources[key].good_at if verdict == "failed" else now
                self._sources[key] = replace(self._sources[key], finished_at=now, good_at=good_at, verdict=verdict)

    def stepped(self) -> None:
        """Note that a step has ended: the relay's, with the store written or readable, or one that saw that another
        daemon works.
        """
        with self._lock:
            self._stepped_at = self._elapsed()

    def sole(self, *, held: bool) -> None:
        """Note that the daemon's lock is held, or was lost: then nothing is polled, since another daemon may do so."""
        with self._lock:
            if held and not self._sole:
                # Nothing was due while it was lost.
                now = self._elapsed()
                self._sources = {
                    key: SourceHealth(every=source.every, since=now) for key, source in self._sources.items()
                }
            self._sole = held

    def failing(self, ability: str, reason: str, at: datetime) -> None:
        """Note that an ability (`STORING`, `PUBLISHING`) is not there now; the first failure dates the trouble."""
        with self._lock:
            before = self._troubles.get(ability)
            self._troubles[ability] = Trouble(since=before.since if before else at, reason=reason)

    def works(self, ability: str) -> None:
        """Note that an ability is there now."""
        with self._lock:
            self._troubles.pop(ability, None)

    def trouble(self, ability: str) -> Trouble | None:
        """Return why an ability is not there; None where it is."""
        with self._lock:
            return self._troubles.get(ability)

    def troubles(self) -> Mapping[str, Trouble]:
        """Return everything that the daemon cannot do now."""
        with self._lock:
            return dict(self._troubles)

    def problem(self) -> None:
        """Count a job that overran or raised."""
        with self._lock:
            self.problems += 1

    def polls(self) -> Mapping[str, int]:
        """Return how many polls have ended, by verdict, since the daemon started."""
        with self._lock:
            return dict(self._polls)

    def working(self, patience: timedelta) -> bool:
        """Return whether work goes on: the lock is held, steps end, and polls end, whatever they found."""
        with self._lock:
            return self._sole and self._progressing(patience)

    def alive(self, patience: timedelta) -> bool:
        """Return whether another start would mend nothing: work goes on, or waits for another daemon to end."""
        with self._lock:
            return self._progressing(patience)

    def seeing(self) -> bool:
        """Return whether every source was truly read as often as it should be."""
        with self._lock:
            now = self._elapsed()
            return bool(self._sources) and all(
                health.good_at is not None and health.verdict != "failed" and not _overdue(health, health.good_at, now)
                for health in self._sources.values()
            )

    def summary(self) -> str:
        """Return in a line what a person is told who asks the service manager."""
        with self._lock:
            if not self._sole:
                return "Another daemon has the lock, or nobody can hold it: nothing is polled or sent."
            failing = sorted(key for key, health in self._sources.items() if health.verdict == "failed")
            parts = [f"{len(self._sources)} source{'s' if len(self._sources) != 1 else ''} polled"]
            if failing:
                more = f" and {len(failing) - SHOWN} more" if len(failing) > SHOWN else ""
                parts.append(f"{len(failing)} failing: {', '.join(failing[:SHOWN])}{more}")
            parts += [f"{ability} fails: {trouble.reason}" for ability, trouble in sorted(self._troubles.items())]
            return " ".join("; ".join(parts).split())

    def _progressing(self, patience: timedelta) -> bool:
        now = self._elapsed()
        if self._stepped_at is None or now - self._stepped_at > patience.total_seconds():
            return False
        return not self._sole or all(not _overdue(health, health.finished_at, now) for health in self._sources.values())


def _overdue(one: SourceHealth, last: float | None, now: float) -> bool:
    since = one.since if last is None else last
    return now - since > (MISSES * one.every + SLACK).total_seconds()


def notify_systemd(state: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Send a state (`READY=1`) to the service manager, if there is one; returns whether it was sent.

    Source: sd_notify(3).
    """
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):  # an abstract socket's name begins with a null byte
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        try:
            channel.sendto(state.encode(), address)
        except OSError:
            return False
    return True


def watchdog_interval(environ: Mapping[str, str] = os.environ) -> timedelta | None:
    """Return how long the service manager waits for a sign of life, None where it does not watch this process."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    microseconds = environ.get("WATCHDOG_USEC", "")
    return timedelta(microseconds=int(microseconds)) if microseconds.isdigit() and int(microseconds) > 0 else None
