"""A database that is copied into one of the other kind: the same log, which goes on there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cli_world import am
from sqlalchemy import text
from translog_world import LogWorld

from monitor.core import zstd
from monitor.core.ports import Refused
from monitor.store import SqlStore, open_store
from monitor.store.copying import copy_database
from monitor.store.schema import metadata

STORED = Path(__file__).parent / "databases/0.2.0.db.zst"


@pytest.fixture
def empty(postgres: Callable[[], str]) -> str:
    """Provide an empty PostgreSQL database."""
    url = postgres()
    store = open_store(url)
    with store.engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    store.close()
    return url


def rows(store: SqlStore) -> dict[str, list[tuple[object, ...]]]:
    with store.engine.connect() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(table.select())), key=repr)
            for table in metadata.sorted_tables
        }


def test_a_log_is_moved_to_postgresql_and_back_and_goes_on_under_its_checkpoints(tmp_path: Path, empty: str) -> None:
    world = LogWorld(tmp_path / "monitor.db")
    world.grow(300)
    kept, key = tmp_path / "kept", tmp_path / "key"
    kept.write_text(str(world.seal()), encoding="utf-8")
    key.write_text(world.key)
    copy_database(world.store, empty)
    moved = LogWorld(empty)
    assert rows(moved.store) == rows(world.store)
    moved.grow(20)  # numbers of messages and deliveries go on where they were
    moved.seal()
    back = tmp_path / "back.db"
    copy_database(moved.store, str(back))
    returned = open_store(str(back))
    assert rows(returned) == rows(moved.store)
    returned.close()
    moved.close()
    world.close()
    am("audit", "verify", "--database", str(back), "--checkpoint", str(kept), "--key", str(key))


def test_the_command_verifies_both_sides(tmp_path: Path, empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "old.db"
    old.write_bytes(zstd.decompress(STORED.read_bytes()))
    am("db", "upgrade", "--database", str(old))
    monkeypatch.setenv("TARGET", empty)
    assert "195 events" in am("db", "copy", "env:TARGET", "--database", str(old)).stdout
    again = am("db", "copy", "env:TARGET", "--database", str(old), expect=1).stderr
    assert "name an empty one to copy into. It is a whole copy of this one" in again
    store = open_store(empty)
    with store.write() as tx:
        tx.advance_epoch(1)
    store.close()
    other = am("db", "copy", "env:TARGET", "--database", str(old), expect=1).stderr
    assert "name an empty one" in other
    assert "whole copy" not in other
    am("db", "check", "--database", empty)


def test_a_database_that_was_changed_is_not_copied(tmp_path: Path) -> None:
    world = LogWorld(tmp_path / "monitor.db")
    world.grow(5)
    forger = world.copy(tmp_path / "forged.db")
    world.close()
    forger.run("UPDATE events SET actor = 'x' WHERE position = 3")
    am("db", "copy", str(tmp_path / "copy.db"), "--database", str(forger.path), expect=1)
    assert not (tmp_path / "copy.db").exists()


def test_nothing_is_copied_over_a_database(tmp_path: Path) -> None:
    world = LogWorld(tmp_path / "monitor.db")
    world.grow(1)
    other = LogWorld(tmp_path / "other.db")
    with pytest.raises(Refused, match="already"):
        copy_database(world.store, str(tmp_path / "other.db"))
    other.close()
    world.close()
