"""Opening: which places a database can be at, what its schema must be, and what an operator is told."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from monitor.core.events import Event
from monitor.core.ports import ConfigurationError, MonitorError, Refused, Unavailable
from monitor.store import SqlStore, check_schema, open_store, upgrade
from monitor.store.decoded import DecodedCache
from monitor.store.errors import Damaged, sqlite_error
from monitor.store.location import PostgresLocation, SqliteLocation, locate, network_file_system
from monitor.store.migrations import HEAD, REVISIONS, script_location
from monitor.store.schema import metadata

NOW = datetime(2026, 7, 30, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


def append(store: SqlStore) -> None:
    with store.write() as tx:
        tx.append([Event(position=tx.head() + 1, type="a.b", stream="s", subject="x", occurred_at=NOW)], NOW)


def head(store: SqlStore) -> int:
    with store.read() as reader:
        return reader.head()


def test_a_path_is_sqlite_and_counts_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for url in ("var/deep/a.db", "sqlite:///var/deep/a.db", f"sqlite:///{tmp_path}/var/deep/a.db"):
        store = open_store(url)
        append(store)
        store.close()
    store = open_store(str(tmp_path / "var/deep/a.db"))
    assert head(store) == 3
    store.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "must be a file"),
        ("sqlite://", "must be a file"),
        ("sqlite:///:memory:", "must be a file"),
        ("sqlite:///a.db?mode=ro", "takes a path"),
        ("mysql://u:hunter2@h/d", "only sqlite:/// and postgresql://"),
        ("postgresql://u:hunter2@h", "names no database"),
        ("postgresql://u:hunter2@h:port/d", "cannot be read"),
    ],
)
def test_a_wrong_url_is_refused_without_quoting_its_password(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        open_store(url)
    assert "hunter2" not in str(caught.value)
    assert caught.value.exit_code == 78


def test_both_spellings_of_postgresql_are_understood_and_named_without_credentials() -> None:
    for url in ("postgres://ada:hunter2@db.test/m?password=hunter2", "postgresql+psycopg://ada:hunter2@db.test/m"):
        location = locate(url)
        assert isinstance(location, PostgresLocation)
        assert location.name == "PostgreSQL database 'm' at db.test"


def test_a_server_that_is_away_is_unavailable_and_its_password_stays_out(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="could not be reached") as caught:
        open_store("postgresql://ada:hunter2@127.0.0.1:9/monitor")
    assert "hunter2" not in str(caught.value)
    with pytest.raises(Unavailable):
        open_store(f"postgresql:///m?host={tmp_path}")


MOUNTS = """/dev/vda / ext4 rw 0 0
srv:/x /mnt/share nfs4 rw 0 0
/dev/vdb /mnt/share/local ext4 rw 0 0
u@h: /mnt/with\\040space fuse.sshfs rw 0 0
//w/c /mnt/cifs cifs rw 0 0
/dev/vdc /mnt/over nfs rw 0 0
/dev/vdc /mnt/over xfs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/a.db", ""),
        ("/mnt/share/not/yet/a.db", "nfs4"),
        ("/mnt/shared/a.db", ""),
        ("/mnt/share/local/a.db", ""),
        ("/mnt/with space/a.db", "fuse.sshfs"),
        ("/mnt/cifs/a.db", "cifs"),
        ("/mnt/over/a.db", ""),
    ],
)
def test_the_mount_that_a_path_lies_on_decides_whether_it_is_a_network_one(path: str, kind: str) -> None:
    assert network_file_system(Path(path), MOUNTS) == kind


def test_sqlite_on_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.store.location.network_file_system", lambda path: "nfs4")
    with pytest.raises(ConfigurationError, match=r"network file system \(nfs4\).*local disk"):
        open_store(str(tmp_path / "a.db"))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        tmp_path.chmod(0o500)
        with pytest.raises(ConfigurationError, match="cannot be written to"):
            open_store(str(tmp_path / "a.db"))
        tmp_path.chmod(0o700)
    elif not Path("/sys/kernel").is_dir():
        pytest.skip("NO READ-ONLY FOLDER: root may write everywhere here, so the refusal is not examined")
    else:
        for place in ("/sys/kernel/a.db", "/sys/kernel/new/a.db"):
            with pytest.raises(ConfigurationError) as caught:
                open_store(place)
            assert "/sys/kernel" in str(caught.value)


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("dear diary, " * 100)
    with pytest.raises(ConfigurationError, match="is not a SQLite database"):
        open_store(str(path))
    assert path.read_text() == "dear diary, " * 100
    with pytest.raises(ConfigurationError, match="is a folder"):
        open_store(str(tmp_path))


@pytest.mark.parametrize(
    ("code", "kind", "exit_code"),
    [
        ("SQLITE_BUSY", Unavailable, 75),
        ("SQLITE_BUSY_SNAPSHOT", Unavailable, 75),
        ("SQLITE_FULL", Unavailable, 75),
        ("SQLITE_IOERR_SHMSIZE", Unavailable, 75),
        ("SQLITE_IOERR_WRITE", Unavailable, 75),
        ("SQLITE_READONLY", ConfigurationError, 78),
        ("SQLITE_CANTOPEN", ConfigurationError, 78),
        ("SQLITE_NOTADB", ConfigurationError, 78),
        ("SQLITE_CORRUPT_VTAB", Damaged, 1),
        ("SQLITE_ERROR", MonitorError, 1),
    ],
)
def test_every_failure_of_the_disk_has_its_exit_code(code: str, kind: type[MonitorError], exit_code: int) -> None:
    error = sqlite3.OperationalError("x")
    error.sqlite_errorname = code
    told = sqlite_error(error, "/var/a.db")
    assert type(told) is kind
    assert told.exit_code == exit_code
    assert "/var/a.db" in str(told)
    assert ("is full" in str(told)) is (code in ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"))


def test_a_full_disk_is_unavailable_and_loses_only_what_was_not_committed(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "a.db"))
    append(store)

    def fill() -> None:
        with store.write() as tx:
            connection = tx._connection  # type: ignore[attr-defined]
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
            data = {"text": "x" * 100_000}
            tx.append([Event(position=2, type="a.b", stream="s", subject="x", occurred_at=NOW, data=data)], NOW)

    with pytest.raises(Unavailable, match="is full"):
        fill()
    assert head(store) == 1
    store.close()


def test_without_migrating_a_missing_database_is_refused_and_not_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.db"
    for act in (lambda: open_store(str(path), migrate=False), lambda: check_schema(str(path))):
        with pytest.raises(ConfigurationError, match="db upgrade"):
            act()
    assert not path.parent.exists()


def test_an_empty_file_is_no_schema_until_it_is_upgraded(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.touch()
    with pytest.raises(ConfigurationError, match=r"not there yet.*db upgrade"):
        check_schema(str(path))
    assert upgrade(str(path)) == ""
    assert upgrade(str(path)) == HEAD
    check_schema(str(path))


@pytest.mark.parametrize(("since", "taken"), [(HEAD, True), (REVISIONS[0], True), ("9998", False)])
def test_a_newer_schema_that_says_since_when_it_only_adds_is_worked_on(tmp_path: Path, since: str, taken: bool) -> None:
    path = tmp_path / "monitor.db"
    upgrade(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("INSERT INTO compatible_revisions VALUES ('9999', ?)", (since,))
    if taken:
        store = open_store(str(path))
        append(store)
        store.close()
    else:
        with pytest.raises(ConfigurationError, match="9999, newer than this program"):
            open_store(str(path))


def test_a_newer_schema_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    upgrade(str(path))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    for act in (lambda: open_store(str(path)), lambda: upgrade(str(path)), lambda: check_schema(str(path))):
        with pytest.raises(ConfigurationError, match="9999, newer than this program") as caught:
            act()
        assert caught.value.exit_code == 78


def test_processes_that_find_an_empty_database_at_once_make_it_once(tmp_path: Path) -> None:
    program = "import sys; from monitor.store import upgrade; sys.stdin.readline(); upgrade(sys.argv[1])"
    command = [sys.executable, "-c", program, str(tmp_path / "a.db")]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate(timeout=60)[1] for process in processes] == ["", "", ""]
    check_schema(str(tmp_path / "a.db"))


def test_the_program_knows_every_migration_in_order() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(script_location()))
    scripts = ScriptDirectory.from_config(config)
    assert tuple(script.revision for script in scripts.walk_revisions())[::-1] == REVISIONS
    assert scripts.get_heads() == [HEAD]


def test_the_migrations_make_the_tables_that_queries_are_written_against(tmp_path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    upgrade(str(tmp_path / "a.db"))
    engine = create_engine(f"sqlite:///{tmp_path / 'a.db'}")

    def in_the_schema(thing: object, name: str | None, *_: object) -> bool:
        return name != "events_acts"  # its condition would load every dialect, so that its migration alone has it

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": in_the_schema})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_opening_a_database_that_is_up_to_date_imports_no_alembic(tmp_path: Path) -> None:
    upgrade(str(tmp_path / "a.db"))
    program = (
        "import sys; from monitor.store import open_store; open_store(sys.argv[1]).close(); print('alembic' in "
        "sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "a.db")], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout == "False\n"


def test_a_commit_is_on_the_disk_before_it_is_told_of(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "a.db"))
    with store.engine.connect() as connection:
        read = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    store.close()
    assert read == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_backup_is_a_whole_database_and_is_taken_while_others_write(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "a.db"))
    append(store)
    writer = threading.Thread(target=lambda: [append(store) for _ in range(30)])
    writer.start()
    store.backup(tmp_path / "out" / "copy.db")
    writer.join()
    assert head(store) == 31
    store.close()
    copy = open_store(str(tmp_path / "out" / "copy.db"), migrate=False)
    with copy.read() as reader:
        found = [one.event.position for one in reader.events()]
    assert found == list(range(1, len(found) + 1))
    assert found
    copy.close()


def test_a_backup_never_overwrites(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "a.db"))
    (tmp_path / "precious").write_text("x")
    with pytest.raises(Refused, match="exists"):
        store.backup(tmp_path / "precious")
    with pytest.raises(Refused, match="cannot be written"):
        store.backup(tmp_path / "precious" / "copy.db")
    assert (tmp_path / "precious").read_text() == "x"
    store.close()


def test_cached_facts_are_bounded_by_their_size_and_the_oldest_used_go_first() -> None:
    cache = DecodedCache(limit=10)
    for name in ("a", "b"):
        cache.put(name, {}, 5)
    assert cache.get("a") is not None
    cache.put("c", {}, 5)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == ({}, None, {})
    cache.put("large", {}, 50)
    assert (cache.get("a"), cache.get("c"), cache.get("large")) == (None, None, {})


def test_the_facts_of_a_baseline_that_moved_are_forgotten_and_give_back_their_room() -> None:
    cache = DecodedCache(limit=10)
    for name in ("one", "other"):
        cache.put(name, {}, 5)
    cache.moved("s", "one")
    cache.moved("t", "other")
    cache.moved("s", "one")
    assert cache.get("one") == {}
    cache.moved("s", "two")
    assert cache.get("one") is None
    cache.put("two", {}, 5)
    assert (cache.get("other"), cache.get("two")) == ({}, {})


def test_a_path_of_sqlite_is_made_absolute() -> None:
    location = locate("a/../b.db")
    assert isinstance(location, SqliteLocation)
    assert location.path == Path.cwd() / "b.db"
