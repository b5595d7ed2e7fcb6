"""One total deadline for a call that reaches the network through other people's libraries.

Those bound each read by itself, if at all: a server that sends a byte a second, or never ends its headers, holds their
caller for as long as it likes. So such a call runs in a thread of its own. When its time is up it is left, its
connections are cut, and it may open no more.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

MOST = 100
"""Calls that were left and have not ended, as while the system resolves a name; with so many no other is begun."""

IDLE = 5.0
"""Seconds after which a thread that has no call ends."""

T = TypeVar("T")


class Overdue(Exception):
    """The call did not end in time; whether the other side took what was sent is not known."""


def bounded(act: Callable[[], T], seconds: float) -> T:
    """Return what `act` returns, or raise what it raises, within that many seconds in all.

    Raises:
        Overdue: it has not ended by then.
    """
    _watch()
    call = _Call(act)
    with _lock:
        _left[:] = [earlier for earlier in _left if earlier.ended.locked()]
        if len(_left) >= MOST:
            raise Overdue(f"{MOST} earlier calls still hang")
        # Those of a process that forked this one are not alive.
        runner = next((runner for runner in iter(_pop_idle, None) if runner.is_alive()), None)
    (runner or _Runner()).calls.put(call)
    if call.ended.acquire(timeout=seconds):
        return call.outcome()
    call.cut()
    with _lock:
        _left.append(call)
    raise Overdue(f"no answer within {seconds:g} s")


class _Call(Generic[T]):
    """One call and the connections that it uses; `ended` is locked until it has ended."""

    def __init__(self, act: Callable[[], T]) -> None:
        self._act = act
        self._returned: list[T] = []
        self._error: BaseException | None = None
        self.ended = threading.Lock()
        self.ended.acquire()
        self._lock = threading.Lock()
        self._over = False
        self._connections: list[tuple[int, socket.socket]] = []

    def run(self) -> None:
        _here.call = self
        try:
            self._returned.append(self._act())
        except BaseException as error:
            self._error = error
        finally:
            del _here.call
            self.cut()

    def outcome(self) -> T:
        if self._error is not None:
            raise self._error
        return self._returned[0]

    def keep(self, connection: Any) -> None:
        """Note a connection that is about to be used.

        Raises:
            TimeoutError: the time is up, and the connection is not to be used.
        """
        with self._lock:
            if self._over:
                raise TimeoutError("the time for this call is up")
            # A descriptor of our own: TLS moves the connection into another object, and a number may be given out
            # again.
            number = connection.fileno()
            self._connections.append((number, socket.socket(fileno=os.dup(number))))

    def release(self, connection: Any) -> None:
        """Forget a connection that outlasts the call."""
        with self._lock:
            number = connection.fileno()
            for at in reversed(range(len(self._connections))):
                if self._connections[at][0] == number:
                    self._connections.pop(at)[1].close()
                    return

    def cut(self) -> None:
        """Shut down every connection, which wakes whoever waits for it; does nothing to those that were closed
        properly.
        """
        with self._lock:
            self._over = True
            for _, connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                connection.close()
            self._connections.clear()


class _Runner(threading.Thread):
    """Runs one call after the other, since to start a thread takes longer than many a call; ends when nobody needed it
    for a while.

    A daemon thread: the interpreter waits at its end for all others, also for one that hangs.
    """

    def __init__(self) -> None:
        super().__init__(name="bounded call", daemon=True)
        self.calls: SimpleQueue[_Call[Any]] = SimpleQueue()
        self.start()

    def run(self) -> None:
        while (call := self._next()) is not None:
            call.run()
            with _lock:
                _idle.append(self)
            call.ended.release()  # now only: whoever waits for it may have another one for this thread
            del call

    def _next(self) -> _Call[Any] | None:
        while True:
            try:
                return self.calls.get(timeout=IDLE)
            except Empty:
                with _lock:
                    if self in _idle:
                        _idle.remove(self)
                        return None


_here = threading.local()
_lock = threading.Lock()
_left: list[_Call[Any]] = []
_idle: list[_Runner] = []
_watching = False


def _pop_idle() -> _Runner | None:
    return _idle.pop() if _idle else None


def use(connection: Any) -> None:
    """Note that the call that runs here uses a connection that it did not open: it is cut with the others.

    Raises:
        TimeoutError: its time is up, and the connection is not to be used.
    """
    if (call := _running()) is not None:
        call.keep(connection)


def release(connection: Any) -> None:
    """Let a connection outlast the call that runs here."""
    if (call := _running()) is not None:
        call.release(connection)


def _running() -> _Call[Any] | None:
    call: _Call[Any] | None = getattr(_here, "call", None)
    return call


def _watch() -> None:
    """Hear of every connection that is about to be made. The interpreter's audit events are the one place that all
    libraries pass.
    """
    global _watching
    with _lock:
        if not _watching:
            sys.addaudithook(_heard)
            _watching = True


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        use(arguments[0])
