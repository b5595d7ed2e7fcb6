"""How the daemon itself is doing: the last look at each source, whether work goes on, and who is told of it.

systemd's watchdog is fed, and the heartbeat URL pinged, from real progress alone: a process that merely exists is not healthy. Knows no
clock and no scheduler; it is told what happened, and asked.
"""

from __future__ import annotations

import os
import socket
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.pipeline.ports import Trouble

SLACK = timedelta(seconds=60)
"""What a look may take on top of its interval before it counts as missing."""

MISSES = 2
"""How many intervals may pass without a finished look."""


STORING = "storing"
PUBLISHING = "publishing"
"""What the daemon has to be able to do besides polling: write its database, write the lease files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """One source: when a look last finished, when one last succeeded, and the verdict or failure of the last."""

    every: timedelta
    since: datetime
    finished_at: datetime | None = None
    good_at: datetime | None = None
    verdict: str = ""


class Health:
    """What is known of the daemon's work. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sources: dict[str, SourceHealth] = {}
        self._stepped_at: datetime | None = None
        self._looks: Counter[str] = Counter()
        self._troubles: dict[str, Trouble] = {}
        self.problems = 0

    def expect(self, sources: Mapping[str, timedelta], at: datetime) -> None:
        """From now on, looks at these sources are due at these intervals."""
        with self._lock:
            known = self._sources
            self._sources = {
                key: replace(known[key], every=every) if key in known else SourceHealth(every=every, since=at)
                for key, every in sources.items()
            }

    def looked(self, key: str, verdict: str, at: datetime) -> None:
        """A look at a source has ended."""
        with self._lock:
            self._looks[verdict] += 1
            if key in self._sources:
                good_at = self._sources[key].good_at if verdict == "failed" else at
                self._sources[key] = replace(self._sources[key], finished_at=at, good_at=good_at, verdict=verdict)

    def stepped(self, at: datetime) -> None:
        """The relay's step has ended, with the store written or readable."""
        with self._lock:
            self._stepped_at = at

    def failing(self, ability: str, reason: str, at: datetime) -> None:
        """An ability (`STORING`, `PUBLISHING`) is not there now; the first failure dates the trouble."""
        with self._lock:
            before = self._troubles.get(ability)
            self._troubles[ability] = Trouble(since=before.since if before else at, reason=reason)

    def works(self, ability: str) -> None:
        """An ability is there now."""
        with self._lock:
            self._troubles.pop(ability, None)

    def trouble(self, ability: str) -> Trouble | None:
        """Why an ability is not there; None where it is."""
        with self._lock:
            return self._troubles.get(ability)

    def troubles(self) -> Mapping[str, Trouble]:
        """Everything that the daemon cannot do now."""
        with self._lock:
            return dict(self._troubles)

    def problem(self) -> None:
        """A job was missed, overran or raised."""
        with self._lock:
            self.problems += 1

    def sources(self) -> Mapping[str, SourceHealth]:
        """All sources as they stand."""
        with self._lock:
            return dict(self._sources)

    def looks(self) -> Mapping[str, int]:
        """How many looks have ended, by verdict, since the daemon started."""
        with self._lock:
            return dict(self._looks)

    def working(self, now: datetime, patience: timedelta) -> bool:
        """Whether work goes on: steps end, and looks end, whatever they found."""
        with self._lock:
            if self._stepped_at is None or now - self._stepped_at > patience:
                return False
            return all(not _overdue(one, one.finished_at, now) for one in self._sources.values())

    def seeing(self, now: datetime) -> bool:
        """Whether every source was truly read as often as it should be."""
        with self._lock:
            return bool(self._sources) and all(
                one.good_at is not None and one.verdict != "failed" and not _overdue(one, one.good_at, now)
                for one in self._sources.values()
            )


def _overdue(one: SourceHealth, last: datetime | None, now: datetime) -> bool:
    return now - (last or one.since) > MISSES * one.every + SLACK


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
    """How long the service manager waits for a sign of life, None where it does not watch this process."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    microseconds = environ.get("WATCHDOG_USEC", "")
    return timedelta(microseconds=int(microseconds)) if microseconds.isdigit() and int(microseconds) > 0 else None
