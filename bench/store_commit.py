"""One durable decision per transaction, through the store and through bare `sqlite3`, in one run on one file system.

A decision is one event, its registry row, its source row and one outbox row with its notice. The bare side runs the same
statements on the same schema with `synchronous=FULL`, and no more Python than they need. Rounds alternate, so that a disk
that slows down slows both. Run: `python -m bench.store_commit [DECISIONS] [FOLDER]`.
"""

from __future__ import annotations

import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from monitor.domain.events import Event
from monitor.domain.model import SourceState
from monitor.domain.notice import Item, Notice, Reason
from monitor.domain.registry import Entry, Status
from monitor.pipeline.ports import Look
from monitor.store import SqlStore, open_store, upgrade

NOW = datetime(2026, 7, 30, 17, 34, 21, tzinfo=UTC)
AT = "2026-07-30T17:34:21.000000Z"
ROUNDS = 5


def decide_in_store(store: SqlStore, number: int) -> None:
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
            Entry(key="luna", status=Status.PAUSED, since=NOW, position=position, status_position=position, declared={})
        )
        tx.put_source(SourceState(key="openai-pricing", accepted_at=NOW, good_at=NOW, looked_at=NOW))
        item = Item(reason=Reason.PAUSED, subject="luna", position=position, since=NOW)
        tx.enqueue(Notice(id=f"n{position}", owner="platform", at=NOW, items=(item,)), ["platform#1"], NOW)


def decide_bare(connection: sqlite3.Connection, number: int) -> None:
    run = connection.execute
    run("BEGIN IMMEDIATE")
    position = (run("SELECT position, recorded_at FROM events ORDER BY position DESC LIMIT 1").fetchone() or (0,))[
        0
    ] + 1
    version = (run("SELECT max(version) FROM events WHERE stream = ?", ("entry/luna",)).fetchone()[0] or 0) + 1
    run(
        "INSERT INTO events VALUES (?, ?, 'entry.paused', 'entry/luna', ?, 'luna', '', ?, ?, 'system', NULL, '', ?)",
        (position, f"id-{position}", version, AT, AT, '{"causes":[1],"new":"0.30","old":"0.20"}'),
    )
    entry = run(
        "UPDATE entries SET status = 'paused', position = ?, content = ? WHERE key = 'luna'", (position, "x" * 250)
    )
    if entry.rowcount == 0:
        run("INSERT INTO entries VALUES ('luna', 'paused', ?, ?)", (position, "x" * 250))
    source = run(
        "UPDATE sources SET accepted_at = ?, good_at = ?, looked_at = ? WHERE key = 'openai-pricing'", (AT, AT, AT)
    )
    if source.rowcount == 0:
        run(
            "INSERT INTO sources VALUES ('openai-pricing', '', '', '', '', 0, '', 0, '', '', NULL, ?, ?, ?, '', NULL, NULL, "
            "'', NULL, NULL, NULL, NULL, 1)",
            (AT, AT, AT),
        )
    run("SELECT 1 FROM notices WHERE id = ?", (f"n{position}",)).fetchone()
    run("INSERT INTO notices VALUES (?, 'platform', ?, ?)", (f"n{position}", AT, "x" * 350))
    run(
        "INSERT INTO deliveries (notice, owner, destination, state, attempts, retry_at, created_at, error, claimed_by, claimed_until) "
        "VALUES (?, 'platform', 'platform#1', 'waiting', 0, ?, ?, '', '', NULL)",
        (f"n{position}", AT, AT),
    )
    run("COMMIT")


def rate(decide: Callable[[int], None], count: int) -> float:
    start = perf_counter()
    for number in range(count):
        decide(number)
    return count / (perf_counter() - start)


def main(count: int, folder: Path) -> None:
    upgrade(str(folder / "bare.db"))
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        bare.execute(f"PRAGMA {pragma}")
    store = open_store(str(folder / "store.db"))
    decide_in_store(store, 0)
    decide_bare(bare, 0)
    ratios = []
    for _ in range(ROUNDS):
        through_store = rate(lambda number: decide_in_store(store, number), count)
        without = rate(lambda number: decide_bare(bare, number), count)
        ratios.append(through_store / without)
        print(f"store {through_store:7.0f}/s   bare sqlite3 {without:7.0f}/s   ratio {ratios[-1]:.2f}")
    print(f"median ratio {statistics.median(ratios):.2f}")
    with store.write() as tx:
        for number in range(1000):
            tx.put_source(SourceState(key=f"s{number}", accepted_at=NOW, good_at=NOW, looked_at=NOW))
    start = perf_counter()
    store.touch([Look(source=f"s{number}", at=NOW, etag="x") for number in range(1000)])
    print(f"1,000 looks renewed in {(perf_counter() - start) * 1000:.1f} ms")
    store.close()
    bare.close()


if __name__ == "__main__":
    decisions = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as scratch:
        main(decisions, Path(scratch))
