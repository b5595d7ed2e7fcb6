"""The forgeries of the log on PostgreSQL, by somebody who may switch its triggers off, verified by the command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_world import am
from sqlalchemy import Connection, text
from translog_world import TABLES, LogWorld

from monitor.core import zstd
from monitor.core.merkle import closed_tiles, leaf_hash
from monitor.store import SqlStore, open_store

pytestmark = pytest.mark.slow

OLDER, NEWER = 24, 30
AFTER = f"(SELECT max(number) FROM leaves WHERE position <= {OLDER - 10})"


def removed(kind: str, table: str, column: str) -> str:
    """Return what removes all of a kind that was kept after a position, so that nothing shows it."""
    named = f"SELECT reference FROM leaves WHERE kind = '{kind}' AND number > {AFTER}"
    return f"DELETE FROM {table} WHERE {column} IN ({named})"


CUT = (
    removed("notice", "deliveries", "notice"),
    removed("notice", "notices", "id"),
    removed("message", "sent_messages", "id::text"),
    removed("lease", "lease_documents", "id::text"),
    removed("evidence", "blobs", "hash"),
    f"DELETE FROM events WHERE position > {OLDER - 10}",
    f"DELETE FROM checkpoints WHERE size > {AFTER}",
    f"DELETE FROM leaves WHERE number > {AFTER}",
)
FORGERIES: dict[str, tuple[tuple[str, ...], bool, int, str]] = {
    "an edited row": (("UPDATE events SET actor = 'x' WHERE position = 10",), False, 10, "changed"),
    "a removed row": (("DELETE FROM events WHERE position = 10",), False, 10, "removed"),
    "a cut tail": (CUT, False, OLDER - 9, "cut"),
    "a swapped blob": (
        ("UPDATE blobs SET content = :other WHERE hash = (SELECT evidence FROM events WHERE position = 8)",),
        False,
        8,
        "evidence",
    ),
    "a changed notice": (
        ("UPDATE notices SET content = replace(content, 'luna', 'sol') WHERE id = 'paused-8'",),
        False,
        8,
        "changed",
    ),
    "a forged signature": (
        (
            "UPDATE checkpoints SET note = replace(note, right(note, 9), 'AAAAAAA=' || chr(10)) "
            "WHERE size = (SELECT max(size) FROM checkpoints)",
        ),
        False,
        NEWER,
        "signature",
    ),
    "a rewritten log with a recomputed tree": (
        ("UPDATE events SET actor = 'x' WHERE position = 10", "DELETE FROM checkpoints"),
        True,
        1,
        "rewritten",
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_each_forgery_is_named_by_the_first_position_that_does_not_fit(
    forgery: str, postgres: Callable[[], str], tmp_path: Path
) -> None:
    statements, recomputed, position, reason = FORGERIES[forgery]
    url = postgres()
    world = LogWorld(url)
    world.grow(8)
    world.seal()
    world.grow(OLDER - 8)
    kept, key = tmp_path / "kept.checkpoint", tmp_path / "kept.key"
    kept.write_text(str(world.seal()), encoding="utf-8")
    key.write_text(world.key, encoding="utf-8")
    world.grow(NEWER - OLDER)
    world.seal()
    world.close()
    words = ("audit", "verify", "--database", url, "--checkpoint", str(kept), "--key", str(key), "--json")
    assert json.loads(am(*words).stdout)["fits"]
    store = open_store(url)
    with store.engine.begin() as connection:
        for table in (*TABLES, "notices"):
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        for statement in statements:
            values = {"other": zstd.compress(b"a page that nobody sent", level=6)} if ":other" in statement else {}
            assert connection.execute(text(statement), values).rowcount >= 0
    if recomputed:
        recompute(store)
    store.close()
    answer: dict[str, Any] = json.loads(am(*words, expect=1).stdout)
    assert (answer["position"], answer["misfits"][0]["reason"]) == (position, reason)


def recompute(store: SqlStore) -> None:
    """Compute all leaves and the hashes above them anew from what the rows say now."""
    with store.read() as reader:
        contents = [(leaf, reader.tree.content(leaf)) for leaf in reader.tree.leaves()]
    hashes = [leaf.hash if content is None else leaf_hash(content) for leaf, content in contents]
    with store.engine.begin() as connection:
        _write(connection, hashes)


def _write(connection: Connection, hashes: list[bytes]) -> None:
    for number, hash in enumerate(hashes):
        connection.execute(
            text("UPDATE leaves SET hash = :hash WHERE number = :number"), {"hash": hash, "number": number}
        )
    connection.execute(text("DELETE FROM tree_nodes"))
    for level, number, hash in closed_tiles(0, hashes, lambda *_: ()):
        values = {"level": level, "number": number, "hash": hash}
        connection.execute(text("INSERT INTO tree_nodes VALUES (:level, :number, :hash)"), values)
