"""What goes wrong around a command: each time one sentence that says what and how to mend it, the exit code of its
kind, nothing half done.
"""

from __future__ import annotations

import ctypes
import os
import sqlite3
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from process_world import ROOT, World, check_store

from monitor.sandbox import API_KEY
from monitor.sandbox.faults import Fault, FaultKind, Target

SINK = "/services/T000/B000/XXX"
SECRETS = (API_KEY, "sk-wrong", "hunter2", SINK)
UNUSED = "http://127.0.0.1:9"
"""A loopback port on which nobody listens."""


def command(world: World, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does. An environment variable that is empty is not set."""
    merged = {**os.environ, **world.environ, **environ}
    environment = {name: value for name, value in merged.items() if value}
    return world.nursery.run(["--config", str(world.config), *arguments], cwd=ROOT, env=environment)


def one_sentence(result: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """Check that the whole of stderr is one line that names all of `words`; nothing that was printed is a secret or a
    traceback.
    """
    assert result.returncode == code, result
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.startswith("Error: "), result.stderr
    for word in words:
        assert word in result.stderr, result.stderr
    harmless(result)


def harmless(result: subprocess.CompletedProcess[str]) -> None:
    said = result.stdout + result.stderr
    assert "Traceback" not in said, said
    assert "This is a defect" not in said, said
    for secret in SECRETS:
        assert secret not in said, said


def untouched(world: World) -> None:
    """Check that no database and no lease file was made."""
    assert sorted(path.name for path in world.folder.iterdir()) == ["monitor.toml"]


# -- the configuration


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('key = "platform"\n', 'key = "platform"\ncolour = "red"\n', ("monitor.toml", "owner[0]", "colour")),
        ('owners = ["platform"]\nfallback', "owners = []\nfallback", ("entry[0]", "owners", "name at least one")),
        ('owners = ["platform"]\nfallback', "fallback", ("entry[0].owners", "is missing; add owners = ")),
        ('owners = ["platform"]\nfallback', 'owners = ["nobody"]\nfallback', ("entry[0]", "nobody")),
        ('base_url = "http://', 'base_url = "ftp://', ("surface[0]", "base_url", "https://host/path")),
        ("[confirmation]", "[belief", ("monitor.toml", "line", "correct that line")),
    ],
    ids=["unknown-key", "no-owners", "missing-owners", "unknown-owner", "wrong-url", "not-toml"],
)
def test_a_wrong_configuration_is_78_with_file_key_and_mend(
    world: World, old: str, new: str, words: tuple[str, ...]
) -> None:
    world.write(**{old: new})
    one_sentence(command(world, "run"), 78, *words)
    untouched(world)


def test_of_many_mistakes_the_first_is_told_and_config_check_tells_all(world: World) -> None:
    world.write(**{'key = "platform"\n': 'key = "platform"\ncolour = "red"\n', '"1s"': '"1 fortnight"'})
    one_sentence(command(world, "poll"), 78, "and 2 more: `access-monitor config check` shows all")
    result = command(world, "config", "check")
    assert result.returncode == 78
    for word in ("colour", "source[0].every", "source[1].every"):
        assert word in result.stdout + result.stderr
    harmless(result)
    untouched(world)


def test_a_configuration_that_is_not_there_is_78(world: World) -> None:
    world.config.unlink()
    one_sentence(command(world, "run"), 78, "monitor.toml", "--config")


# -- the database


def test_a_file_that_is_no_database_is_78_and_stays_as_it_is(world: World) -> None:
    path = world.folder / "monitor.db"
    path.write_text("these are a person's notes, and long enough not to be taken for an empty file\n" * 50)
    before = path.read_bytes()
    for verb in ("run", "poll", "status"):
        one_sentence(command(world, verb), 78, "monitor.db", "is not a SQLite database", "database.url")
    assert path.read_bytes() == before


def test_a_newer_schema_is_78_and_stays_as_it_is(world: World) -> None:
    assert command(world, "poll").returncode == 0
    with sqlite3.connect(world.folder / "monitor.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    for verb in ("run", "poll", "status"):
        one_sentence(command(world, verb), 78, "monitor.db", "9999", "newer")


def test_a_database_that_this_user_may_not_read_or_write_is_78(world: World) -> None:
    assert command(world, "poll").returncode == 0
    files = [*world.folder.glob("monitor.db*"), world.folder]
    for folder in world.folder.parents:
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
    for path in files:
        os.chown(path, NOBODY, NOBODY) if os.geteuid() == 0 else None
    path = world.folder / "monitor.db"
    path.chmod(0)
    one_sentence(as_nobody(world, "poll"), 78, "monitor.db", "the file and its folder", "database.url")
    one_sentence(as_nobody(world, "status"), 78, "monitor.db", "the file and its folder", "database.url")
    path.chmod(stat.S_IRUSR)
    one_sentence(as_nobody(world, "poll"), 78, "monitor.db", "the file and its folder", "database.url")


def test_a_folder_that_cannot_be_written_to_is_78(world: World) -> None:
    world.database = "sqlite:////sys/monitor/monitor.db"
    world.write()
    one_sentence(command(world, "poll"), 78, "/sys/monitor", "database.url")
    world.database = "sqlite:////sys/monitor.db"
    world.write()
    one_sentence(command(world, "run"), 78, "/sys", "database.url")


def test_a_postgresql_that_is_away_is_75_and_its_password_is_not_told(world: World) -> None:
    world.database = "postgresql://monitor:hunter2@127.0.0.1:9/monitor"
    world.write()
    for verb in ("poll", "run"):
        one_sentence(command(world, verb), 75, "127.0.0.1", "could not be reached")


def test_a_full_disk_is_75_and_what_was_recorded_stays(world: World) -> None:
    with small_disk(world.folder / "disk", kilobytes=1200) as disk:
        world.database = f"sqlite:///{disk / 'monitor.db'}"
        world.write()
        assert command(world, "poll").returncode == 0
        before = len(world.events())
        world.close()
        world.change()
        filler = disk / "filler"
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 1024)
            except OSError:
                pass
        one_sentence(command(world, "poll"), 75, "disk", "full")
        filler.unlink()
        assert len(world.events()) == before
        check_store(world)
        world.close()
        assert command(world, "poll").returncode == 0
        assert command(world, "poll").returncode == 0
        assert world.seen()
        check_store(world)
        world.close()


def test_a_second_daemon_is_1_and_the_first_goes_on(world: World) -> None:
    with world.running() as first:
        one_sentence(command(world, "run"), 1, "Another daemon runs on", "monitor.db")
        assert not first.ended()


# -- the provider


def test_a_missing_key_is_78_at_the_first_poll(world: World) -> None:
    one_sentence(command(world, "poll", SANDBOX_KEY=""), 78, "1 of 2 sources", "openai-models", "export SANDBOX_KEY")
    check_store(world)
    assert [one.event.data["reason"] for one in world.events("source.failed")] == ["no_credential"]


def test_a_key_that_the_provider_refuses_is_1(world: World) -> None:
    result = command(world, "poll", SANDBOX_KEY="sk-wrong")
    one_sentence(result, 1, "1 of 2 sources", "openai-models", "access-monitor events --type source.failed")
    assert "401" in result.stdout
    assert "sk-wrong" not in repr(world.events())


def test_a_host_that_is_out_of_reach_is_75(world: World) -> None:
    world.write(**{world.sandbox.url: UNUSED})
    one_sentence(command(world, "poll"), 75, "2 of 2 sources", "openai-models, openai-pricing", "try again")
    check_store(world)


def test_an_error_of_the_provider_is_1_and_moves_nothing(world: World) -> None:
    assert command(world, "poll").returncode == 0
    world.sandbox.fault(Fault(target=Target.LIST, kind=FaultKind.STATUS, status=500))
    one_sentence(command(world, "poll", "--json"), 1, "openai-models")
    assert world.events("model.*") == []
    check_store(world)


# -- the leases


@pytest.mark.parametrize("verb", ["poll", "run"])
def test_a_lease_folder_that_cannot_be_written_to_is_1_and_the_log_is_whole(world: World, verb: str) -> None:
    world.write(**{str(world.folder / "lease"): "/sys/lease"})
    one_sentence(command(world, verb), 1, "/sys/lease", "write there")
    check_store(world)


# -- how to be somebody else, and to have little space


NOBODY = 65534


def as_nobody(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a user without privileges: root may read and write what it likes."""
    ended = world.fork(*arguments, user=NOBODY if os.geteuid() == 0 else 0)
    return subprocess.CompletedProcess(arguments, ended.wait(), "", ended.said())


@contextmanager
def small_disk(folder: Path, *, kilobytes: int) -> Iterator[Path]:
    """Provide a file system of this size; only root may mount one."""
    folder.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, f"size={kilobytes}k".encode()) != 0:
        pytest.skip(f"NOT EXAMINED: no small file system can be mounted here ({os.strerror(ctypes.get_errno())})")
    try:
        yield folder
    finally:
        libc.umount2(os.fsencode(folder), 2)  # MNT_DETACH: also while something is open
