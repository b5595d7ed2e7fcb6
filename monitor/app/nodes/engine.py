"""The port of whatever spreads jobs over nodes. A job is a name: what is to be done under it stands in the store.

Every engine may run a job twice, as when a node was only slow; so whoever runs one claims its turn first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from monitor.core.ports import ConfigurationError
from monitor.store import SqlStore

DELIVERIES = "deliveries"
"""The job that sends what is due."""

Run = Callable[[str], None]


class DispatchEngine(Protocol):
    """Hands jobs out to nodes."""

    def working(self, run: Run, jobs: int) -> AbstractContextManager[None]:
        """Take jobs inside the block, so many at a time, each in a thread; at its end wait for those that run.

        What goes wrong with the engine is logged, and it goes on when it can.

        Raises:
            MonitorError: it cannot be used on this database.
        """

    def rest(self, seconds: float) -> bool:
        """Take no further jobs, and wait so long for those that run; return whether they have ended."""

    def offer(self, names: Iterable[str]) -> None:
        """Have jobs run by some node. One that waits already is not queued again; two of one name never run at once.

        Raises:
            Unavailable: the engine cannot be reached.
        """

    def take_over(self) -> int:
        """Give the jobs of nodes that are silent to others; return how many those were.

        Raises:
            Unavailable: the engine cannot be reached.
        """


def engine_of(kind: str, store: SqlStore) -> DispatchEngine:
    """Return the engine of a kind.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        from monitor.app.nodes.queue import ProcrastinateEngine
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"nodes.engine = {kind} needs {error.name}, which is not installed: pip install 'access-monitor[nodes]'."
        ) from None
    return ProcrastinateEngine(store)
