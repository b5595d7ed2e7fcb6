"""`db restore`: what is put in place, what is kept, and what is refused."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cli_world import BY, LUNA, activate, am, data

from monitor.app.bootstrap import open_monitor
from monitor.app.restoring import restore
from monitor.core import zstd
from monitor.core.ports import DeliveryState
from monitor.sandbox import Sandbox

STORED = Path(__file__).parents[1] / "store/databases/0.2.0.db.zst"


@pytest.fixture
def backup(config: Path, sandbox: Sandbox) -> Path:
    """Provide a backup of a monitor that went on afterwards."""
    activate(sandbox)
    file = config.parent / "backup.db"
    am("db", "backup", str(file))
    am("pause", LUNA, *BY)
    return file


def database() -> Path:
    with open_monitor() as monitor:
        return Path(monitor.store.name)


def test_a_backup_is_put_in_place_and_the_log_begins_a_new_epoch(backup: Path) -> None:
    place = database()
    with open_monitor() as monitor, monitor.store.read() as reader:
        paused = reader.log_head()
    result = am("db", "restore", str(backup))
    assert "later event" in result.stderr
    (kept,) = place.parent.glob("*.before-*Z")
    assert str(kept) in result.stderr
    with open_monitor() as monitor, monitor.store.read() as reader:
        head = reader.log_head()
    assert (head.log, head.epoch) == (paused.log, paused.epoch + 1)
    assert head.position < paused.position
    assert data("status", LUNA)[0]["status"] == "active"
    assert data("db", "check")["fits"]
    assert data("status", LUNA, "--database", str(kept))[0]["status"] == "paused"
    # The lease file of what is lost denies; it is replaced as soon as anybody publishes.
    with open_monitor() as monitor:
        lease = monitor.settings.lease_dir / "production.json"
        assert json.loads(lease.read_bytes())["flags"][LUNA]["defaultVariant"] == "paused"
        monitor.publish()
        metadata = json.loads(lease.read_bytes())["metadata"]
        assert (metadata["epoch"], json.loads(lease.read_bytes())["flags"][LUNA]["metadata"]["status"]) == (2, "active")
    assert not list(place.parent.glob("*.restoring*"))


def test_what_was_sent_since_the_backup_is_not_sent_again(backup: Path) -> None:
    with closing(sqlite3.connect(backup)) as copy:
        assert copy.execute("SELECT count(*) FROM deliveries WHERE state = 'waiting'").fetchone()[0] > 0
    with open_monitor() as monitor, monitor.store.write() as tx:  # as the relay settles what a channel took
        for row in tx.deliveries(DeliveryState.WAITING):
            tx.settle(replace(row, state=DeliveryState.SENT))
    assert "not sent again" in am("db", "restore", str(backup)).stderr
    with open_monitor() as monitor, monitor.store.read() as reader:
        assert reader.deliveries(DeliveryState.WAITING) == []


@pytest.mark.parametrize("step", ["os.link", "os.replace"])
def test_an_interrupted_restore_leaves_a_database_that_can_be_restored_again(
    backup: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is interrupted, the next run still finds in the replaced database what was sent and its epoch."""
    place = database()
    with open_monitor() as monitor, monitor.store.write() as tx:
        for row in tx.deliveries(DeliveryState.WAITING):
            tx.settle(replace(row, state=DeliveryState.SENT))

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"monitor.app.restoring.{step}", interrupted)
        with pytest.raises(KeyboardInterrupt):
            restore(str(place), backup, datetime(2026, 7, 30, tzinfo=UTC))
    assert data("db", "check")["fits"]
    assert data("status", LUNA)[0]["status"] == "paused"
    assert "not sent again" in am("db", "restore", str(backup)).stderr
    with open_monitor() as monitor, monitor.store.read() as reader:
        assert reader.deliveries(DeliveryState.WAITING) == []
        assert reader.log_head().epoch == 2


def test_a_forged_backup_is_refused_and_nothing_is_changed(backup: Path) -> None:
    place = database()
    with closing(sqlite3.connect(backup, isolation_level=None)) as forged:
        for (name,) in forged.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            forged.execute(f"DROP TRIGGER {name}")
        forged.execute("UPDATE events SET actor = 'somebody else' WHERE position = 3")
    before = place.read_bytes()
    assert "position 3" in am("db", "restore", str(backup), expect=1).stderr
    assert place.read_bytes() == before
    assert sorted(path.name for path in place.parent.glob(f"{place.name}*.restoring*")) == []


def test_what_cannot_be_restored_is_said(backup: Path, tmp_path: Path) -> None:
    place = database()
    text = tmp_path / "text"
    text.write_text("no database")
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    for words in (str(tmp_path / "missing"), str(text), str(place)):
        assert len(am("db", "restore", words, expect=1).stderr.strip().splitlines()) == 1
    with open_monitor() as monitor, monitor.store.sole():
        assert "daemon" in am("db", "restore", str(backup), expect=1).stderr
    am("db", "restore", str(backup), "--database", "postgresql://localhost/x", expect=1)
    assert data("status", LUNA)[0]["status"] == "paused"


def test_a_backup_is_restored_where_there_is_no_database_any_more(backup: Path) -> None:
    place = database()
    for path in place.parent.glob(f"{place.name}*"):
        path.unlink()
    am("db", "restore", str(backup))
    assert data("status", LUNA)[0]["status"] == "active"
    assert data("db", "check")["fits"]


def test_a_backup_of_an_earlier_version_is_brought_up_to_date(tmp_path: Path) -> None:
    old = tmp_path / "old.db"
    old.write_bytes(zstd.decompress(STORED.read_bytes()))
    copy = shutil.copy(old, tmp_path / "kept.db")
    am("db", "restore", str(old), "--database", str(tmp_path / "monitor.db"))
    assert old.read_bytes() == Path(copy).read_bytes()
    assert data("db", "check", "--database", str(tmp_path / "monitor.db"))["fits"]
