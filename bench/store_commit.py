"""One durable decision a transaction, through the store and through bare `sqlite3`, on one file system in one run.

    python bench/store_commit.py [DECISIONS [FOLDER]]

A decision is one event, its registry row, its source row and one outbox row with its notice. What the store runs for
each is written down first, and the bare side runs the very same statements with the same values, under the same
pragmas, with no more Python than that. Both take turns, decision by decision, so that a disk that slows down slows
both.
"""

from __future__ import annotations

import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from _common import Row, report, seconds
from sqlalchemy import Connection

from monitor.core.entry import Entry, Status
from monitor.core.entry_spec import EntrySpec
from monitor.core.events import Event
from monitor.core.facts import SourceState
from monitor.core.notices import Item, Notice, Reason
from monitor.store import SqlStore, open_store, upgrade
from monitor.store.statements import CompiledStatement

DECISIONS = 600
WARM_UP = 50
LIMIT = 0.4
NOW = datetime(2026, 7, 30, 17, 34, 21, tzinfo=UTC)
LUNA = EntrySpec(key="luna", name="Luna", surfaces={"openai": "gpt-luna"}, owners=("platform",))
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")


class Run(NamedTuple):
    """A statement as the driver got it; `many` holds the values of one execution each."""

    sql: str
    many: Sequence[Any]


def decide(store: SqlStore) -> None:
    """Through the store."""
    with store.write() as tx:
        position = tx.head() + 1
        event = Event(
            position=position,
            type="entry.paused",
            stream="entry/luna",
            subject="luna",
            occurred_at=NOW,
            data={"old": "0.20", "new": "0.30", "causes": [1]},
        )
        tx.append([event], NOW)
        tx.put_entry(
            Entry(key="luna", status=Status.PAUSED, since=NOW, position=position, status_position=position, spec=LUNA)
        )
        tx.put_source(SourceState(key="openai-pricing", accepted_at=NOW, good_at=NOW, looked_at=NOW))
        item = Item(reason=Reason.PAUSED, subject="luna", position=position, since=NOW)
        tx.enqueue(Notice(id=f"n{position}", owner="platform", at=NOW, items=(item,)), ["platform#1"], NOW)


def decide_bare(connection: sqlite3.Connection, runs: Sequence[Run]) -> None:
    """Decide the same, as the driver got it."""
    connection.execute("BEGIN IMMEDIATE")
    for sql, many in runs:
        for values in many:
            connection.execute(sql, values).fetchall()
    connection.execute("COMMIT")


@contextmanager
def written_down(runs: list[Run]) -> Iterator[None]:
    """Write down what is run inside the block."""
    run, run_many = CompiledStatement.run, CompiledStatement.run_many

    def update_source_state(
        statement: CompiledStatement, connection: Connection, rows: Sequence[Mapping[str, Any]]
    ) -> None:
        compiled = statement._for(connection)
        runs.append(Run(compiled.sql, [compiled.values(row) for row in rows]))

    def one(statement: CompiledStatement, connection: Connection, row: Mapping[str, Any]) -> Any:
        update_source_state(statement, connection, [row])
        return run(statement, connection, row)

    def several(statement: CompiledStatement, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        update_source_state(statement, connection, rows)
        run_many(statement, connection, rows)

    CompiledStatement.run, CompiledStatement.run_many = one, several  # type: ignore[method-assign]
    try:
        yield
    finally:
        CompiledStatement.run, CompiledStatement.run_many = run, run_many  # type: ignore[method-assign]


def connect_bare(path: Path) -> sqlite3.Connection:
    upgrade(str(path))
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection


def alike(one: sqlite3.Connection, other: sqlite3.Connection) -> bool:
    """Return whether the databases hold the same rows; an event's id is partly chance."""
    columns = "position, type, stream, version, subject, occurred_at, recorded_at, actor, data"
    asked = [f"SELECT {columns} FROM events ORDER BY position"]
    asked += [f"SELECT * FROM {table} ORDER BY 1" for table in ("entries", "sources", "notices", "deliveries")]
    return all(one.execute(sql).fetchall() == other.execute(sql).fetchall() for sql in asked)


def measure(count: int, folder: Path) -> Row:
    decisions: list[list[Run]] = []
    model = open_store(str(folder / "model.db"))
    for _ in range(count + WARM_UP):
        decisions.append([])
        with written_down(decisions[-1]):
            decide(model)
    model.close()
    store, bare = open_store(str(folder / "store.db")), connect_bare(folder / "bare.db")
    ours: list[float] = []
    theirs: list[float] = []
    for number, runs in enumerate(decisions):
        acts = [(ours, lambda: decide(store)), (theirs, lambda runs=runs: decide_bare(bare, runs))]
        for times, act in acts if number % 2 else reversed(acts):
            times.append(seconds(act))
    store.close()
    made = sqlite3.connect(folder / "store.db")
    assert alike(made, bare), "the two sides did not write the same rows"
    made.close()
    bare.close()
    mine, other = statistics.median(ours[WARM_UP:]), statistics.median(theirs[WARM_UP:])
    return Row(
        what=f"durable decisions ({len(decisions[-1])} statements each)",
        ours=f"{1 / mine:.0f}/s",
        bare=f"{1 / other:.0f}/s",
        figure=other / mine,
        limit=LIMIT,
        at_least=True,
    )


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else DECISIONS
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as folder:
        return report([measure(count, Path(folder))])


if __name__ == "__main__":
    sys.exit(main())
