"""Who may read a database: its owner, whatever the umask and whatever it was."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.store import backup, open_store


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def rights(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir() if file.is_file()}


@pytest.mark.usefixtures("umask")
def test_a_new_database_its_log_and_its_backup_are_private(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "m.db"))
    with store.sole():
        backup(str(tmp_path / "m.db"), tmp_path / "copy.db")
        assert rights(tmp_path) == dict.fromkeys(("m.db", "m.db-wal", "m.db-shm", "m.db.daemon", "copy.db"), 0o600)
    store.close()


def test_a_database_that_others_could_read_is_closed_to_them_when_it_is_opened(tmp_path: Path) -> None:
    open_store(str(tmp_path / "m.db")).close()
    (tmp_path / "m.db").chmod(0o644)
    store = open_store(str(tmp_path / "m.db"))
    assert set(rights(tmp_path).values()) == {0o600}
    store.close()
