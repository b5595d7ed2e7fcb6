"""A log with a tree, signed checkpoints, notices, messages, evidence and lease documents; and a forger with write
access to a copy of it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from monitor.audit.translog.checkpoints import Checkpoint
from monitor.audit.translog.sealing import Sealer
from monitor.core import zstd
from monitor.core.events import Event
from monitor.core.facts import Body
from monitor.core.leaves import Leaf, LeafKind
from monitor.core.merkle import closed_tiles, leaf_hash
from monitor.core.notices import Item, Notice, Reason
from monitor.core.ports import SentMessage, Transaction
from monitor.store import SqlStore, open_store

NOW = datetime(2026, 7, 30, 17, 34, 21, tzinfo=UTC)
SEED = base64.b64encode(hashlib.sha256(b"a key of a test").digest()).decode()
OTHER_SEED = base64.b64encode(hashlib.sha256(b"another key of a test").digest()).decode()
TABLES = ("events", "blobs", "sent_messages", "leaves", "tree_nodes", "checkpoints", "signing_keys", "lease_documents")


class LogWorld:
    """A log in a SQLite file, or at a URL, written by the store and signed by a key that nobody else has."""

    def __init__(self, path: Path | str) -> None:
        self.path = path
        self.now = NOW
        self.secrets = [SEED]
        self.store = open_store(str(path))
        self.sealer = Sealer(self.store, lambda: self.now, "monitor.example.com/log", lambda: self.secrets)

    def close(self) -> None:
        self.store.close()

    def grow(self, count: int) -> None:
        """Append events of a price that moves, each fourth with evidence of its own, a notice and its message."""
        for _ in range(count):
            self.now += timedelta(minutes=1)
            with self.store.write() as tx:
                position = tx.head() + 1
                evidence = ""
                if position % 4 == 0:
                    content = f"the page at position {position}".encode()
                    body = Body(content=content, sha256=hashlib.sha256(content).hexdigest(), size=len(content))
                    evidence = tx.put_evidence(body, "openai-pricing", self.now)
                tx.append([price_changed(position, self.now, evidence)], self.now)
                if position % 4 == 0:
                    self._tell(tx, position)
            if position % 10 == 0:
                with self.store.write() as tx:
                    tx.keep_lease("production", json.dumps({"flags": {}, "position": position}).encode(), self.now)

    def _tell(self, tx: Transaction, position: int) -> None:
        item = Item(reason=Reason.PAUSED, subject="luna", position=position, since=self.now)
        notice = Notice(id=f"paused-{position}", owner="platform", at=self.now, items=(item,))
        tx.enqueue(notice, ["platform#1"], self.now)
        tx.keep_sent(
            SentMessage(
                id=0,
                notice=notice.id,
                owner="platform",
                destination="platform#1",
                label="slack://hooks.slack.com",
                at=self.now,
                incidents=(f"luna-{position}",),
                form="text",
                title="PAUSED Luna",
                body=f"PAUSED Luna at position {position}",
            )
        )

    def seal(self) -> Checkpoint:
        return self.sealer.seal()

    @property
    def key(self) -> str:
        """The verifier key that an auditor has."""
        with self.store.read() as reader:
            return str(self.sealer.keys(reader.log_head())[0].verifier)

    def copy(self, path: Path) -> Forger:
        """Copy the database as a backup is made, for somebody to write into."""
        self.store.backup(path)
        return Forger(path)


def price_changed(position: int, at: datetime, evidence: str = "", **more: Any) -> Event:
    data = {"provider": "openai", "meter": "input", "old": f"{position}.00", "new": f"{position}.50", **more}
    return Event(
        position=position,
        type="price.changed",
        stream="source/openai-pricing",
        subject="gpt-luna",
        source="openai-pricing",
        occurred_at=at,
        evidence=evidence,
        cause=position - 1 or None,
        data=data,
    )


class Forger:
    """Somebody who may write the database file and has no key. Every trigger is gone before anything is changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self.database() as database:
            triggers = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
            for (name,) in triggers:
                database.execute(f"DROP TRIGGER {name}")

    @contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as database:
            yield database

    def run(self, sql: str, *values: object) -> None:
        """Run one statement, which has to meet a row."""
        with self.database() as database:
            assert database.execute(sql, values).rowcount > 0, sql

    def swap_evidence(self, position: int) -> None:
        """Put other bytes in the place of those that an event names."""
        other = zstd.compress(b"a page that nobody sent", level=6)
        self.run(
            "UPDATE blobs SET content = ? WHERE hash = (SELECT evidence FROM events WHERE position = ?)",
            other,
            position,
        )

    def cut(self, position: int, *, checkpoints: bool) -> None:
        """Cut off all that came after a position, from every table, so that nothing in the file shows it."""
        with self.database() as database:
            (size,) = database.execute("SELECT max(number) + 1 FROM leaves WHERE position <= ?", (position,)).fetchone()
            (at,) = database.execute("SELECT recorded_at FROM events WHERE position = ?", (position,)).fetchone()
            for kind, table, column in (
                ("event", "events", "position"),
                ("notice", "notices", "id"),
                ("message", "sent_messages", "id"),
                ("lease", "lease_documents", "id"),
                ("evidence", "blobs", "hash"),
            ):
                reference = "position" if kind == "event" else "reference"
                database.execute(
                    f"DELETE FROM {table} WHERE CAST({column} AS TEXT) IN "
                    f"(SELECT CAST({reference} AS TEXT) FROM leaves WHERE kind = ? AND number >= ?)",
                    (kind, size),
                )
            database.execute("DELETE FROM blobs WHERE kind = 'lease' AND created_at > ?", (at,))
            database.execute("DELETE FROM leaves WHERE number >= ?", (size,))
            database.execute("DELETE FROM tree_nodes WHERE (number + 1) * 256 > ?", (size,))
            if checkpoints:
                database.execute("DELETE FROM checkpoints WHERE size > ?", (size,))

    def recompute(self) -> None:
        """Compute all leaves and the hashes above them anew from what the rows say now."""
        store = open_store(str(self.path), migrate=False)
        try:
            with store.read() as reader:
                leaves = [_anew(reader.tree, leaf) for leaf in reader.tree.leaves()]
        finally:
            store.close()
        nodes = closed_tiles(0, [leaf.hash for leaf in leaves], lambda *_: ())
        with self.database() as database:
            for leaf in leaves:
                database.execute("UPDATE leaves SET hash = ? WHERE number = ?", (leaf.hash, leaf.number))
            database.execute("DELETE FROM tree_nodes")
            database.executemany("INSERT INTO tree_nodes VALUES (?, ?, ?)", nodes)

    def forget_checkpoints(self) -> None:
        """Delete what was signed, so that only a checkpoint elsewhere can tell."""
        self.run("DELETE FROM checkpoints")

    def reopened(self) -> SqlStore:
        return open_store(str(self.path), migrate=False)


def _anew(tree: Any, leaf: Leaf) -> Leaf:
    content = tree.content(leaf)
    assert content is not None or leaf.kind is LeafKind.EVIDENCE
    return leaf if content is None else Leaf(leaf.number, leaf.kind, leaf.position, leaf.reference, leaf_hash(content))


def copied(forger: Forger, path: Path) -> Forger:
    """Copy what a forger made, as for another trial."""
    shutil.copy(forger.path, path)
    return Forger(path)
