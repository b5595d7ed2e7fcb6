"""One unit of work: what every use case that decides is handed and writes into, and the port by which it opens one."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from monitor.core.events import Event
from monitor.core.notices import Notice
from monitor.core.ports import Transaction
from monitor.registry.transitions import RegistryTransaction


@dataclass(slots=True, kw_only=True)
class UnitOfWork:
    """One decision while it is made, under the writer's lock.

    Attributes:
        tx: the open transaction: reads what is committed; what is put into it is committed with the decision.
        register: the registry as the events written so far have made it, and those events.
        now: when the decision is recorded.
        refresh: whether the gate's answers are written anew whatever moved, since their dates did.
        notices: what was put into the outbox; empty until the unit has ended.
    """

    tx: Transaction
    register: RegistryTransaction
    now: datetime
    refresh: bool = False
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What an act would record, and what people would be told of it."""

    events: tuple[Event, ...]
    notices: tuple[Notice, ...]


class Rehearsed(Exception):
    """Ends a unit of work that is a rehearsal, so that nothing of it is committed."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        super().__init__("this was a rehearsal")
        self.rehearsal = rehearsal


class Begin(Protocol):
    """Opens a unit of work.

    At the end of the block everything is committed together: events, registry, notices; then the gate's answers are
    written anew if they moved. An exception takes everything back. `now` is when it is recorded: unless given, the time
    at which the writer's lock was taken.

    Raises:
        Unavailable: the database cannot be written.
    """

    def __call__(self, now: datetime | None = None) -> AbstractContextManager[UnitOfWork]: ...
