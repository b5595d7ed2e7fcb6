"""The transparency log: what the tree adds to a commit, what a verification costs, how long a proof takes.

    python bench/translog.py [EVENTS [FOLDER]]

The log has 200,000 events unless told; with `python bench/translog.py 1000000` it takes a quarter of an hour. Each side
of a ratio runs on the same file system in the same run, in turns.
"""

from __future__ import annotations

import hashlib
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from _common import Row, milliseconds, report, seconds
from sqlalchemy import select
from store_commit import decide

from monitor.audit.translog.verification import verify
from monitor.core.events import Event
from monitor.core.leaves import LeafKind
from monitor.core.merkle import Tree, includes
from monitor.store import SqlStore, open_store, writer
from monitor.store.schema import events
from monitor.store.writer import SqlTransaction

EVENTS = 200_000
AT_ONCE = 5_000
DECISIONS = 400
WARM_UP = 50
PROOFS = 200
NOW = datetime(2026, 7, 30, 17, 34, 21, tzinfo=UTC)
APPEND, VERIFY, PROOF = 1.3, 3.0, 5.0
"""The most that a commit may take, as a multiple of one without the tree; that a verification may, of reading and
hashing every row; and a proof, in milliseconds.
"""


def fill(store: SqlStore, count: int) -> None:
    """Append events as the pipeline writes them, many in a commit."""
    for first in range(1, count + 1, AT_ONCE):
        at = NOW + timedelta(seconds=first)
        with store.write() as tx:
            tx.append([event(position, at) for position in range(first, min(first + AT_ONCE, count + 1))], at)


def event(position: int, at: datetime) -> Event:
    data = {
        "provider": "openai",
        "tier": "standard",
        "context": "short",
        "modality": "text",
        "meter": "input",
        "unit": "1M tokens",
        "currency": "USD",
        "old": f"{position % 97}.00",
        "new": f"{position % 89}.50",
        "looks": 2,
        "last_with_old": "2026-07-30T17:04:21Z",
        "extractor": "pricing_page/5",
    }
    source = f"source/openai-{position % 50}"
    return Event(
        position=position,
        type="price.changed",
        stream=source,
        subject=f"gpt-{position % 300}",
        source=source,
        occurred_at=at,
        cause=position - 1 or None,
        data=data,
    )


@contextmanager
def without_the_tree() -> Iterator[None]:
    """Commit as the store did before there was a tree: no leaf is computed and none is written."""
    kept = SqlTransaction._add_leaf, SqlTransaction.write_leaves, writer._event_leaf

    def drop(tx: SqlTransaction, *_: Any) -> None:
        tx._new_leaves.clear()

    SqlTransaction._add_leaf = drop  # type: ignore[method-assign]
    SqlTransaction.write_leaves = drop  # type: ignore[method-assign]
    writer._event_leaf = lambda recorded, row: (LeafKind.EVENT, recorded.event.position, "", b"")
    try:
        yield
    finally:
        SqlTransaction._add_leaf, SqlTransaction.write_leaves, writer._event_leaf = kept  # type: ignore[method-assign]


def commits(store: SqlStore, folder: Path) -> Row:
    """Take decisions with the tree and without it, in turns, on two copies of the log."""
    shutil.copy(folder / "log.db", folder / "bare.db")
    bare = open_store(str(folder / "bare.db"))
    ours: list[float] = []
    theirs: list[float] = []

    def plainly() -> None:
        with without_the_tree():
            decide(bare)

    for number in range(DECISIONS + WARM_UP):
        acts = [(ours, lambda: decide(store)), (theirs, plainly)]
        for times, act in acts if number % 2 else reversed(acts):
            times.append(seconds(act))
    bare.close()
    # What others do on the machine only ever adds, to what takes longer more often; the fastest tenth is spared most.
    mine, other = (statistics.quantiles(times[WARM_UP:], n=10)[0] for times in (ours, theirs))
    return Row(
        what="a commit with the tree, against one without",
        ours=milliseconds(mine),
        bare=milliseconds(other),
        figure=mine / other,
        limit=APPEND,
    )


def read_and_hash(store: SqlStore) -> int:
    """Read every row of the log and hash it: what nobody who verifies a log can do without."""
    count = 0
    with store.read() as reader, store.engine.connect() as connection:
        assert reader.head()
        for row in connection.execute(
            select(events).order_by(events.c.position), execution_options={"yield_per": 1000}
        ):
            hashlib.sha256("\n".join(map(str, row)).encode()).digest()
            count += 1
    return count


def verification(store: SqlStore, count: int) -> Row:
    def whole() -> None:
        with store.read() as reader:
            result = verify(reader)
        assert result.fits, result.misfits[:1]
        assert result.events >= count

    # By the time of the processor: both sides compute for a minute, and what others do in it would be no one's.
    ours: list[float] = []
    bare: list[float] = []
    for number in range(2):
        acts = [(ours, whole), (bare, lambda: read_and_hash(store))]
        for times, act in acts if number % 2 else reversed(acts):
            began = time.process_time()
            act()
            times.append(time.process_time() - began)
    return Row(
        what=f"verify {count:,} events, against reading and hashing them",
        ours=f"{min(ours):.1f} s",
        bare=f"{min(bare):.1f} s",
        figure=min(ours) / min(bare),
        limit=VERIFY,
    )


def proofs(store: SqlStore, count: int) -> Row:
    with store.read() as reader:
        size = reader.tree.size()
        root = Tree(reader.tree.tile, size).root()
    times = []
    for number in range(PROOFS):
        position = number * (count - 1) // PROOFS + 1
        began = seconds(lambda position=position: prove(store, size, root, position))
        times.append(began)
    worst, usual = max(times), statistics.median(times)
    return Row(
        what=f"an inclusion proof over {size:,} leaves (median, slowest)",
        ours=milliseconds(usual),
        bare=milliseconds(worst),
        figure=usual * 1000,
        limit=PROOF,
        unit="ms",
    )


def prove(store: SqlStore, size: int, root: bytes, position: int) -> None:
    with store.read() as reader:
        leaf = reader.tree.leaf_of(position)
        assert leaf is not None
        path = Tree(reader.tree.tile, size).inclusion(leaf.number)
    assert includes(root, size, leaf.number, leaf.hash, path)


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as name:
        folder = Path(name)
        store = open_store(str(folder / "log.db"))
        took = seconds(lambda: fill(store, count))
        store.close()
        file = (folder / "log.db").stat().st_size
        print(
            f"{count:,} events appended in {took:.0f} s, {AT_ONCE:,} in a commit; {file / count:.0f} bytes each",
            flush=True,
        )
        store = open_store(str(folder / "log.db"))
        rows = [proofs(store, count), verification(store, count), commits(store, folder)]
        store.close()
    return report(rows)


if __name__ == "__main__":
    sys.exit(main())
