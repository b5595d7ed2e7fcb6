"""What one connection may take: a deadline for each thing that the other side has to do, and a place among a bounded
number.

uvicorn has neither: it waits for the rest of a head or a body for ever, and takes connections until there are no
descriptors left, which would keep the rest of the process from its files, too. Where there is no room, who keeps us
waiting longest makes room: a request that came whole is always answered, however many connections one host holds open.
"""

from __future__ import annotations

import asyncio
import logging
import resource
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from monitor.core import logs
from monitor.web.responses import problem

MOST = 1024
"""Connections at a time; fewer where the process may not open four times as many files."""

LEAST = 16

LARGEST_HEAD = 16 * 1024
"""Bytes of a request's first line and headers."""

KEEP_ALIVE = 30
"""Seconds that an idle connection stays open: callers ask before each of their own calls."""

LINGER_BYTES = 256 * 1024
"""Bytes of a body that are thrown away after it was refused."""

REPORT = 60.0
"""Seconds between two lines about connections that were closed to make room."""


class Phase(Enum):
    """What a connection waits for."""

    HEAD = auto()
    BODY = auto()
    ANSWER = auto()
    """Ours to give, and the other side's to read."""
    IDLE = auto()
    LINGER = auto()


DEADLINES = {Phase.HEAD: 10.0, Phase.BODY: 15.0, Phase.ANSWER: 30.0, Phase.IDLE: float(KEEP_ALIVE), Phase.LINGER: 1.0}
"""How many seconds each may take in all, however the bytes arrive. A body that was refused is thrown away for a while
before its connection is cut: cut at once, the answer would be lost with it.
"""


def room() -> int:
    """Return how many connections the process has descriptors for, besides files, sources and destinations."""
    try:
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    except OSError:  # a sandbox that does not even let one ask
        return LEAST
    return MOST if soft == resource.RLIM_INFINITY else max(LEAST, min(MOST, soft // 4))


class Crowd:
    """All connections of a server, by what they wait for; runs on the server's event loop alone."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._phases: dict[Phase, dict[Connection, None]] = {phase: {} for phase in Phase}
        self._closed = 0
        self._reporting = False

    def enter(self, connection: Connection) -> bool:
        """Take a new connection, in the place of another where there is no room; returns whether it was taken."""
        if sum(map(len, self._phases.values())) >= self.most:
            self._report()
            last = self._longest()
            if last is None:
                return False
            last.drop()
        self._phases[Phase.HEAD][connection] = None
        return True

    def _longest(self) -> Connection | None:
        """Return who makes room: one without a whole request, the oldest of the host that has most of them; else the
        one idle for longest.
        """
        by_host: dict[str, list[Connection]] = {}
        for phase in (Phase.LINGER, Phase.HEAD, Phase.BODY):
            for connection in self._phases[phase]:
                by_host.setdefault(connection.host, []).append(connection)
        if by_host:
            return max(by_host.values(), key=len)[0]
        return next(iter(self._phases[Phase.IDLE]), None)

    def move(self, connection: Connection, old: Phase, new: Phase) -> None:
        """Note that a connection waits for something else now."""
        if connection in self._phases[old]:
            del self._phases[old][connection]
            self._phases[new][connection] = None

    def leave(self, connection: Connection, phase: Phase) -> None:
        """Forget a connection."""
        self._phases[phase].pop(connection, None)

    def _report(self) -> None:
        """Say that the limit is reached: at once, then once a minute while it goes on."""
        self._closed += 1
        if not self._reporting:
            self._reporting = True
            self._say()

    def _say(self) -> None:
        if not self._closed:
            self._reporting = False
            return
        logs.line("connections closed to make room", level=logging.WARNING, closed=self._closed, limit=self.most)
        self._closed = 0
        asyncio.get_running_loop().call_later(REPORT, self._say)


class Connection(H11Protocol):
    """One connection, which is closed when what it waits for does not come in time."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        crowd: Crowd,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.host = ""
        self._crowd = crowd
        self._phase = Phase.HEAD
        self._requests = self._request = 0  # how many were answered: in all, and when this phase began
        self._timer: asyncio.TimerHandle | None = None
        self._dropped = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a place, or say that there is none."""
        super().connection_made(_Closing(transport, self._close))  # type: ignore[arg-type]
        self.host = self.client[0] if self.client else ""
        if not self._crowd.enter(self):
            transport.write(_NO_ROOM)
            transport.close()
            return
        self._start(Phase.HEAD)

    def data_received(self, data: bytes) -> None:
        """Read on, unless what comes was refused already."""
        if self._phase is Phase.LINGER:
            self._dropped += len(data)
            if self._dropped > LINGER_BYTES:
                self.drop()
            return
        super().data_received(data)
        self._follow()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._requests += 1
        super().on_response_complete()
        self._follow()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        self._forget()
        super().connection_lost(exc)

    def drop(self) -> None:
        """Close at once, whatever is still to be sent or read."""
        self._forget()
        self.transport.abort()

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._crowd.leave(self, self._phase)

    def _follow(self) -> None:
        """Start the deadline of what is waited for now; bytes that do not end a wait do not prolong it."""
        if self.transport.is_closing():
            return
        phase = self._waits_for()
        if (phase, self._requests) != (self._phase, self._request):
            self._start(phase)

    def _waits_for(self) -> Phase:
        if self.cycle is not None and not self.cycle.response_complete:
            return Phase.BODY if self.conn.their_state is h11.SEND_BODY else Phase.ANSWER
        begun = bool(self.conn.trailing_data[0])
        return Phase.HEAD if begun or not self._requests else Phase.IDLE

    def _start(self, phase: Phase) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._crowd.move(self, self._phase, phase)
        self._phase, self._request = phase, self._requests
        self._timer = self.loop.call_later(DEADLINES[phase], self.drop)

    def _close(self, transport: asyncio.Transport) -> None:
        """Close after what was sent, but not while the other side still sends: its answer would be lost with what
        nobody read.
        """
        unread = self.conn.their_state in (h11.SEND_BODY, h11.ERROR)
        if not unread or self._phase is Phase.LINGER:
            transport.close()
            return
        self._start(Phase.LINGER)
        with suppress(OSError):  # it has gone meanwhile
            transport.write_eof()
        transport.resume_reading()


class _Closing:
    """A transport of which `close` is the connection's."""

    def __init__(self, transport: asyncio.Transport, close: Callable[[asyncio.Transport], None]) -> None:
        self._transport = transport
        self._close = close
        self._asked = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        self._asked = True
        self._close(self._transport)

    def is_closing(self) -> bool:
        return self._asked or self._transport.is_closing()


_PROBLEM = problem(
    503, "The server has as many connections as it can take: ask again.", {"Connection": "close", "Retry-After": "1"}
)
_NO_ROOM = b"\r\n".join(
    [
        b"HTTP/1.1 503 Service Unavailable",
        *(b": ".join(header) for header in _PROBLEM.raw_headers),
        b"",
        bytes(_PROBLEM.body),
    ]
)
