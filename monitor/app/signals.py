"""What is asked of a running daemon from outside: to stop, to load its configuration anew.

A signal's handler may interrupt its own thread anywhere, also inside `Event.set` and `Event.wait`, which hold a lock:
to take that lock again there is to wait for ever. So handlers set plain attributes, and the main thread is woken by the
byte that the interpreter writes for each signal.
"""

from __future__ import annotations

import os
import select
import signal
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

NUMBERS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Signals:
    """The requests to one daemon. `stop` and `wake` may be called from any thread, `wait` by the one that serves the
    requests.
    """

    def __init__(self) -> None:
        self.stopping = False
        self._reload = False
        self._patient = False
        self._readable, self._writable = os.pipe()
        for end in (self._readable, self._writable):
            os.set_blocking(end, False)
            # Not by a method: who still asks for the end of a daemon that has ended may not write into a file of
            # somebody else's.
            weakref.finalize(self, os.close, end)

    def stop(self) -> None:
        """Ask for the end; more than once is once."""
        self.stopping = True
        self.wake()

    def wake(self) -> None:
        """End a `wait` that goes on, or the next one."""
        with suppress(BlockingIOError):  # full, and so readable already
            os.write(self._writable, b"\0")

    def wait(self, seconds: float) -> None:
        """Wait for a request or a `wake`, at most so long."""
        if select.select([self._readable], [], [], max(seconds, 0))[0]:
            with suppress(BlockingIOError):
                os.read(self._readable, 65536)

    def take_reload(self) -> bool:
        """Return whether a reload was asked for since it was last taken: any number of requests is one reload."""
        if not self._reload:
            return False
        self._reload = False  # what is asked for since the question is part of the reload that comes
        return True

    def serve(self) -> None:
        """Take a stop from now on as a request that `wait` ends for; before, while the program starts, it ends the
        program at once.
        """
        self._patient = True

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Take SIGTERM, SIGINT and SIGHUP inside the block, in the main thread; after it they are ignored, since the
        process ends.
        """
        for number in NUMBERS:
            signal.signal(number, self._handle)
        before = signal.set_wakeup_fd(self._writable, warn_on_full_buffer=False)
        try:
            yield
        finally:
            # Not back to the default: a second SIGTERM would make a kill of what is a clean stop.
            for number in NUMBERS:
                signal.signal(number, signal.SIG_IGN)
            signal.set_wakeup_fd(before)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._reload = True
            return
        self.stopping = True
        if not self._patient:
            raise SystemExit(0)
