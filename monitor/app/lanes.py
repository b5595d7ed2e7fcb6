"""Threads for polls, shared out so that slow sources keep no quick one waiting.

A pool of N threads is lost as soon as N sources hang. Here a poll occupies one of N places only while it may still be
quick; then it goes on, in its own thread, among the slow ones, and the place is free. Who was slow the last time starts
among the slow. Of those that wait, the one begins whose host has the fewest running, so that a hundred sources of one
host do not stand before the single one of another; among equals the one that waits longest, a poll's last duration
counted against it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeVar

QUICK = 0.5
"""Seconds after which a poll is no longer quick."""

SLOW_STARTS = 48
"""How many polls that are known to be slow run at once."""

MOST = 128
"""How many polls run at once, quick and slow; a thread that waits for an answer costs little, but it is one of the
process's tasks.
"""

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Task:
    """One piece of work: `host` is whose share it counts against, `due` when it would end if it took as long as the
    last time.

    `proven` work was quick the last time, `slow` work was not; what never ran is neither.
    """

    key: str
    host: str
    due: float
    slow: bool
    proven: bool
    run: Callable[[], None]
    future: Future[Any]
    began: float | None = None


class Lanes:
    """Runs work, at most `places` pieces of quick work at once.

    `host_of` names whose share a key counts against; `clock` gives seconds that only grow.
    """

    def __init__(self, places: int, host_of: Callable[[str], str], clock: Callable[[], float] = monotonic) -> None:
        self._places = places
        self._host_of = host_of
        self._clock = clock
        self._threads = ThreadPoolExecutor(MOST, thread_name_prefix="poll")
        self._waiting: list[_Task] = []
        self._running: set[_Task] = set()
        self._took: dict[str, float] = {}
        self._closed = False
        self._moved = threading.Condition()
        self._dispatcher: threading.Thread | None = None

    def submit(self, key: str, work: Callable[[], T]) -> Future[T]:
        """Run a piece of work when its turn comes. No two with one key may run at once.

        Raises:
            RuntimeError: the lanes are shut down.
        """
        future: Future[T] = Future()
        took = self._took.get(key)

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)

        task = _Task(
            key=key,
            host=self._host_of(key),
            due=self._clock() + (took or 0.0),
            slow=took is not None and took > QUICK,
            proven=took is not None and took <= QUICK,
            run=run,
            future=future,
        )
        with self._moved:
            if self._closed:
                raise RuntimeError("the lanes are shut down")
            self._waiting.append(task)
            if self._dispatcher is None:
                self._dispatcher = threading.Thread(target=self._dispatch, name="lanes", daemon=True)
                self._dispatcher.start()
            self._moved.notify()
        return future

    def shutdown(self, wait: bool = True) -> None:
        """Begin nothing more, and with `wait` return when everything that began has ended; what still waits is
        forgotten, and never ends.
        """
        with self._moved:
            self._closed = True
            self._waiting.clear()
            self._moved.notify()
        if self._dispatcher is not None:
            self._dispatcher.join()
        self._threads.shutdown(wait=wait)

    def _dispatch(self) -> None:
        with self._moved:
            while not self._closed:
                now = self._clock()
                while (task := self._next(now)) is not None:
                    self._waiting.remove(task)
                    task.began = now
                    self._running.add(task)
                    # Where the process gets no more threads, the task waits for one that ends: the pool has taken it
                    # before it asks for a thread.
                    with suppress(RuntimeError):
                        self._threads.submit(self._work, task)
                self._moved.wait(self._until_a_place_is_free(now))

    def _work(self, task: _Task) -> None:
        try:
            task.run()
        finally:
            with self._moved:
                self._running.discard(task)
                if task.began is not None:
                    self._took[task.key] = self._clock() - task.began
                self._moved.notify()

    def _next(self, now: float) -> _Task | None:
        """Return which of those that wait may begin now, if any."""
        if not self._waiting:
            return None
        crowded = len(self._running) >= MOST - self._places  # the last threads are for those who give them back at once
        quick = sum(self._may_be_quick(task, now) for task in self._running)
        slow_starts = sum(task.slow for task in self._running)
        hosts = Counter(task.host for task in self._running)
        open_to = [
            task
            for task in self._waiting
            if (task.proven or not crowded) and (slow_starts < SLOW_STARTS if task.slow else quick < self._places)
        ]
        return min(open_to, key=lambda task: (task.slow, hosts[task.host], task.due), default=None)

    def _may_be_quick(self, task: _Task, now: float) -> bool:
        return not task.slow and task.began is not None and now - task.began < QUICK

    def _until_a_place_is_free(self, now: float) -> float | None:
        """Return seconds until a running poll stops being quick, if anybody waits for its place."""
        if not self._waiting:
            return None
        ends = [task.began + QUICK - now for task in self._running if task.began is not None and not task.slow]
        return max(min((end for end in ends if end > 0), default=QUICK), 0.001)
