"""What nodes agree upon: turns, the lease of who ticks, and the nodes themselves.

Every call is one short transaction that changes one row (or plans them all). None of them waits for the writer of the
log: a node that cannot write a heartbeat because a change is being recorded would lose its work to others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, bindparam, case, delete, insert, or_, select, text, update

from monitor.core import records
from monitor.core.nodes import TICKING, Node, Turn, for_once
from monitor.store import codec
from monitor.store.dialects import Dialect, transaction
from monitor.store.schema import nodes, turns
from monitor.store.statements import CompiledStatement

LOST = timedelta(minutes=2)
"""After how long a run without an end is offered again, whatever became of the job that it was."""

ALL_TURNS = CompiledStatement(select(turns).order_by(turns.c.name))
ALL_NODES = CompiledStatement(select(nodes).order_by(nodes.c.name))

HOLD = CompiledStatement(
    update(turns)
    .where(turns.c.name == bindparam("b_name"), turns.c.run == bindparam("b_run"))
    .values(due_at=case((turns.c.due_at < bindparam("due"), bindparam("due")), else_=turns.c.due_at))
)
"""Put a turn off, provided that its run is still the last; for the transaction that spends money."""


_NAMES = tuple(turns.c.keys())
_NEW = text(f"INSERT INTO turns ({', '.join(_NAMES)}) VALUES (:{', :'.join(_NAMES)}) ON CONFLICT (name) DO NOTHING")


class SqlTurns:
    """The port `TurnStore`, beside the store on the same database."""

    def __init__(self, engine: Engine, dialect: Dialect) -> None:
        self._engine = engine
        self._dialect = dialect

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with transaction(self._engine, self._dialect, write=False) as connection:
            yield connection

    def time(self) -> datetime:
        with self._transaction() as connection:
            return self._dialect.time(connection)

    def plan(self, due: Mapping[str, datetime]) -> None:
        with self._transaction() as connection:
            planned = [name for (name,) in connection.execute(select(turns.c.name)) if not for_once(name)]
            if gone := set(planned) - {*due, TICKING}:
                connection.execute(delete(turns).where(turns.c.name == bindparam("gone")), [{"gone": n} for n in gone])
            if new := [codec.columns(Turn(name=name, due_at=at)) for name, at in due.items() if name not in planned]:
                connection.execute(_NEW, new)

    def due(self, now: datetime) -> Sequence[Turn]:
        idle = or_(
            turns.c.begun_at.is_(None),
            turns.c.ended_at >= turns.c.begun_at,
            turns.c.begun_at < records.time_text(now - LOST),
        )
        search = select(turns).where(turns.c.due_at <= records.time_text(now), turns.c.name != TICKING, idle)
        with self._transaction() as connection:
            rows = connection.execute(search.order_by(turns.c.due_at, turns.c.name)).mappings()
            return [codec.of_columns(Turn, row) for row in rows]

    def claim(self, name: str, node: str, now: datetime) -> int | None:
        at = records.time_text(now)
        claimed = (
            update(turns)
            .where(turns.c.name == name, turns.c.due_at <= at)
            .values(run=turns.c.run + 1, node=node, begun_at=at)
            .returning(turns.c.run)
        )
        with self._transaction() as connection:
            run: int | None = connection.execute(claimed).scalar()
            return run

    def end(self, turn: Turn) -> bool:
        row = codec.columns(turn)
        values: dict[str, Any] = {name: row[name] for name in ("ended_at", "polls", "failed")}
        # Who asked for it to be sooner meanwhile is heard: what he saw, this run may not have seen.
        begun = records.time_text(turn.begun_at or turn.due_at)
        due = records.time_text(turn.due_at)
        values["due_at"] = case((turns.c.due_at <= begun, due), (turns.c.due_at > due, due), else_=turns.c.due_at)
        return self._changed(update(turns).where(*_last_run(turn.name, turn.run)).values(values))

    def drop(self, name: str, run: int) -> None:
        self._changed(delete(turns).where(*_last_run(name, run), turns.c.due_at <= turns.c.begun_at))

    def sooner(self, name: str, at: datetime) -> None:
        due = records.time_text(at)
        if self._changed(update(turns).where(turns.c.name == name, turns.c.due_at > due).values(due_at=due)):
            return
        with self._transaction() as connection:
            connection.execute(_NEW, codec.columns(Turn(name=name, due_at=at)))

    def lease(self, node: str, now: datetime, until: datetime) -> bool:
        at, end = records.time_text(now), records.time_text(until)
        mine = update(turns).where(turns.c.name == TICKING, turns.c.node == node, turns.c.due_at > at)
        if self._changed(mine.values(due_at=end)):
            return True
        free = update(turns).where(turns.c.name == TICKING, turns.c.due_at <= at)
        return self._changed(free.values(run=turns.c.run + 1, node=node, begun_at=at, due_at=end))

    def heartbeat(self, node: Node) -> None:
        row = codec.columns(node)
        if self._changed(update(nodes).where(nodes.c.name == node.name).values(row)):
            return
        with self._transaction() as connection:
            connection.execute(insert(nodes), row)

    def forget(self, before: datetime) -> None:
        silent = nodes.c.heartbeat_at < records.time_text(before)
        self._changed(delete(nodes).where(silent))

    def leave(self, name: str) -> None:
        with self._transaction() as connection:
            connection.execute(delete(nodes).where(nodes.c.name == name))
            free = update(turns).where(turns.c.name == TICKING, turns.c.node == name)
            connection.execute(free.values(due_at=turns.c.begun_at))

    def _changed(self, statement: Any) -> bool:
        with self._transaction() as connection:
            return connection.execute(statement).rowcount > 0


def _last_run(name: str, run: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return turns.c.name == name, turns.c.run == run
