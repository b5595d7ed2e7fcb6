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
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import Any, TypeVar

MOST = 100
"""Calls that were left and have not ended, as while the system resolves a name; with so many no other is begun."""

T = TypeVar("T")


class Overdue(Exception):
    """The call did not end in time; whether the other side took what was sent is not known."""


def bounded(act: Callable[[], T], seconds: float) -> T:
    """Return what `act` returns, or raise what it raises, within that many seconds in all.

    Raises:
        Overdue: it has not ended by then.
    """
    _watch()
    with _lock:
        _left[:] = [thread for thread in _left if thread.is_alive()]
        if len(_left) >= MOST:
            raise Overdue(f"{MOST} earlier calls still hang")
    call, outcome = _Call(), Future[T]()
    # A daemon thread: the interpreter waits at its end for all others, also for one that hangs.
    thread = threading.Thread(target=call.run, args=(act, outcome), name="bounded call", daemon=True)
    thread.start()
    wait([outcome], seconds)
    if outcome.done():
        return outcome.result()
    call.cut()
    with _lock:
        _left.append(thread)
    raise Overdue(f"no answer within {seconds:g} s")


class _Call:
    """The connections that one call opened."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._over = False
        self._connections: list[socket.socket] = []

    def run(self, act: Callable[[], T], outcome: Future[T]) -> None:
        _here.call = self
        try:
            outcome.set_result(act())
        except BaseException as error:
            outcome.set_exception(error)
        finally:
            self.cut()

    def keep(self, connection: Any) -> None:
        """Note a connection that is about to be made.

        Raises:
            TimeoutError: the time is up, and the connection is not made.
        """
        with self._lock:
            if self._over:
                raise TimeoutError("the time for this call is up")
            # A descriptor of our own: TLS moves the connection into another object, and a number may be given out
            # again.
            self._connections.append(socket.socket(fileno=os.dup(connection.fileno())))

    def cut(self) -> None:
        """Shut down every connection, which wakes whoever waits for it; does nothing to those that were closed
        properly.
        """
        with self._lock:
            self._over = True
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                connection.close()
            self._connections.clear()


_here = threading.local()
_lock = threading.Lock()
_left: list[threading.Thread] = []
_watching = False


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
        call: _Call | None = getattr(_here, "call", None)
        if call is not None:
            call.keep(arguments[0])
