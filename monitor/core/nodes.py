"""Work that several nodes share: the turns in which it is done, and the nodes that do it.

A turn is something that one node at a time does again and again: the polls of a shard of sources, one paid probe, the
ticking itself. It is due at a time, and whoever claims it gets the number of this run. A node that was stopped, and
goes on after another one took its turn over, has an older number: with that it can neither end the turn nor spend
money.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

SILENCE = timedelta(seconds=10)
"""After how long without a heartbeat a node's work is given to others."""

TICKING = "ticking"
"""The turn of the node that says what is due; its lease ends when it is due."""


AGAIN = "again "
"""How the name of a turn begins that polls a source once more, sooner than its shard does."""


def for_once(name: str) -> bool:
    """Return whether a turn ends with its run."""
    return name.startswith(AGAIN)


class TakenOver(Exception):
    """Another node has this turn by now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A turn as it stands.

    Attributes:
        name: What it is, as in `polls 300s 7`.
        due_at: When it is to be run next; of a lease, when that ends.
        run: The number of its last run; 0 before the first.
        node: Who ran it last.
        begun_at: When the last run began.
        ended_at: When the last run that came to its end ended.
        polls: How many polls the last run made.
        failed: How many of them read nothing.
    """

    name: str
    due_at: datetime
    run: int = 0
    node: str = ""
    begun_at: datetime | None = None
    ended_at: datetime | None = None
    polls: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node as it last said of itself.

    Attributes:
        name: Its own name.
        role: `run`, or `worker` for one that never ticks.
        version: The version of the program.
        configuration: The version of the configuration that it goes by.
        started_at: When it joined.
        heartbeat_at: When it last said so.
        clock_off: How far its own clock is ahead of the server's, whole seconds; negative: behind.
        polls: How many polls it made since it joined.
        problems: How many of its jobs overran or raised.
    """

    name: str
    role: str
    version: str
    configuration: str
    started_at: datetime
    heartbeat_at: datetime
    clock_off: int = 0
    polls: int = 0
    problems: int = 0

    def silent(self, now: datetime) -> bool:
        """Return whether it has not been heard of for so long that others do its work."""
        return now - self.heartbeat_at > SILENCE


class TurnStore(Protocol):
    """What nodes agree upon, each call in a transaction of its own, which never waits for the writer of the log.

    Raises (each of them):
        Unavailable: the database is out of reach.
    """

    def time(self) -> datetime:
        """Return the server's time of day, which every node goes by."""

    def plan(self, due: Mapping[str, datetime]) -> None:
        """Have exactly these turns, and the ticking; one that is there already keeps its time."""

    def due(self, now: datetime) -> Sequence[Turn]:
        """Return the turns that are due and that nobody runs, the longest due first."""

    def claim(self, name: str, node: str, now: datetime) -> int | None:
        """Begin a run of a turn that is due, and return its number; None where it is not due, or not there any more."""

    def end(self, turn: Turn) -> bool:
        """Write how a run ended and when the turn is due next; False where another run has begun meanwhile."""

    def drop(self, name: str, run: int) -> None:
        """Remove a turn that was for once, unless another run has begun or it was asked for again meanwhile."""

    def sooner(self, name: str, at: datetime) -> None:
        """Have a turn due at this time, unless it is due earlier."""

    def lease(self, node: str, now: datetime, until: datetime) -> bool:
        """Take or renew the ticking; False while another node has it."""

    def heartbeat(self, node: Node) -> None:
        """Write down how a node is doing."""

    def forget(self, before: datetime) -> None:
        """Forget the nodes that were last heard of before a time."""

    def leave(self, name: str) -> None:
        """Forget a node that ends in order, and free its ticking."""
