"""Writing lease files: whole, never back in time, readable by others, and said when it fails."""

from __future__ import annotations

import errno
import json
import os
import stat
import threading
from pathlib import Path

import pytest
from gate_examples import HOUR, NOW, at_position, question, registry, spared, standing

from monitor.core.configuration import GateRules
from monitor.core.entry import Status
from monitor.core.events import LogHead
from monitor.core.ports import ConfigurationError, MonitorError
from monitor.gate.lease_file import Document, lease_document, lease_documents, write_lease


def document(position: int, **changes: object) -> Document:
    return lease_document(registry(standing(**changes)), question(), at_position(position))


def version(folder: Path, environment: str = "production") -> str:
    return str(json.loads((folder / f"{environment}.json").read_text())["metadata"]["version"])


def test_the_flags_are_the_entries_and_the_ids_that_exactly_one_of_them_holds() -> None:
    registered = registry(
        standing("luna", model_ids=("only-luna", "shared", "sol", "")),
        standing("sol", model_ids=("shared", "only-sol")),
        standing("gone", model_ids=("left",), status=Status.WITHDRAWN),
    )
    flags = lease_document(registered, question(), at_position(1))["flags"]
    assert set(flags) == {"luna", "sol", "gone", "only-luna", "only-sol", "left"}
    assert flags["sol"]["metadata"]["entry"] == "sol"
    assert flags["only-luna"] == flags["luna"]


def test_a_denied_flag_has_no_rule_at_all() -> None:
    for status in Status:
        if status is not Status.ACTIVE:
            flag = document(1, status=status)["flags"]["luna"]
            assert "targeting" not in flag
            assert flag["defaultVariant"] == status.value


def test_the_metadata_say_what_production_asks_at_night() -> None:
    registered = registry(spared("luna", fallback="sol"), standing("sol"))
    metadata = lease_document(registered, question(), at_position(99))["flags"]["luna"]["metadata"]
    assert metadata == {
        "status": "paused",
        "position": 17,
        "reason": "paused: input price 0.20 → 0.25",
        "fallback": "sol",
        "entry": "luna",
        "name": "Luna",
        "model_id": "gpt-5.6-luna",
        "surface": "openai",
        "declared_fallback": "sol",
        "expires_at": "2026-11-22T10:35:00Z",
        "access_until": "2026-11-23T04:35:00Z",
        "price_until": "2026-11-29T04:35:00Z",
        "grace_until": "2026-11-22T07:35:00Z",
        "spares": True,
    }


def test_production_has_a_file_even_where_nobody_configured_it() -> None:
    documents = lease_documents({}, GateRules(environments=("staging",)), NOW, at_position(0))
    assert set(documents) == {"staging", "production"}


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
@pytest.mark.parametrize(("mode", "folder_mode"), [(0o600, 0o700), (0o640, 0o750), (0o644, 0o755)])
def test_missing_folders_are_made_for_those_who_may_read(
    tmp_path: Path, umask: int, mode: int, folder_mode: int
) -> None:
    folder = tmp_path / "var" / "lease"
    before = os.umask(umask)
    try:
        documents = {"production": document(3), "staging": document(3)}
        assert write_lease(folder, documents, at_position(3), mode) == {}
    finally:
        os.umask(before)
    assert sorted(path.name for path in folder.iterdir()) == [".lock", "production.json", "staging.json"]
    assert rights(folder) == folder_mode
    assert (rights(folder / "production.json"), rights(folder / ".lock")) == (mode, 0o600)


def test_lease_files_are_their_owners_alone_unless_told(tmp_path: Path) -> None:
    write_lease(tmp_path / "lease", {"production": document(1)}, at_position(1))
    assert rights(tmp_path / "lease" / "production.json") == 0o600


def test_a_folder_that_is_there_lets_in_who_may_read_and_keeps_whom_it_let_in(tmp_path: Path) -> None:
    tmp_path.chmod(0o701)
    write_lease(tmp_path, {"production": document(1)}, at_position(1), 0o640)
    assert rights(tmp_path) == 0o751


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_an_older_position_never_replaces_a_newer_file(tmp_path: Path) -> None:
    write_lease(tmp_path, {"production": document(8, status=Status.PAUSED)}, at_position(8))
    assert write_lease(tmp_path, {"production": document(7), "staging": document(7)}, at_position(7)) == {
        "production": at_position(8)
    }
    assert (version(tmp_path), version(tmp_path, "staging")) == ("8", "7")


def test_a_file_of_another_log_is_replaced_wherever_that_log_stood(tmp_path: Path) -> None:
    elsewhere = LogHead("log-2", 7, 9000)
    other = lease_document(registry(standing()), question(), elsewhere)
    write_lease(tmp_path, {"production": other}, elsewhere)
    assert write_lease(tmp_path, {"production": document(3)}, at_position(3)) == {}
    assert version(tmp_path) == "3"


def test_a_file_that_names_no_log_is_replaced(tmp_path: Path) -> None:
    """As versions before this one wrote them."""
    old = document(9000)
    del old["metadata"]["log"], old["metadata"]["epoch"]
    (tmp_path / "production.json").write_text(json.dumps(old))
    assert write_lease(tmp_path, {"production": document(3)}, at_position(3)) == {}
    assert version(tmp_path) == "3"


def test_a_later_epoch_counts_more_than_a_position(tmp_path: Path) -> None:
    restored = LogHead("log-1", 2, 5)
    write_lease(tmp_path, {"production": document(9000)}, at_position(9000))
    after = lease_document(registry(standing()), question(), restored)
    assert write_lease(tmp_path, {"production": after}, restored) == {}
    assert write_lease(tmp_path, {"production": document(9001)}, at_position(9001)) == {"production": restored}
    assert version(tmp_path) == "5"


def test_the_same_position_renews_the_lease(tmp_path: Path) -> None:
    write_lease(tmp_path, {"production": document(8)}, at_position(8))
    later = lease_document(registry(standing()), question(now=NOW + HOUR), at_position(8))
    assert write_lease(tmp_path, {"production": later}, at_position(8)) == {}
    assert json.loads((tmp_path / "production.json").read_text()) == later


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"metadata":{"version":"x"}}', b"[" * 100_000, b"\xff\xfe\x00"]
)
def test_a_broken_file_is_replaced_whatever_it_holds(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "production.json").write_bytes(content)
    write_lease(tmp_path, {"production": document(1)}, at_position(1))
    assert version(tmp_path) == "1"


def test_what_a_killed_writer_left_behind_does_not_stay(tmp_path: Path) -> None:
    (tmp_path / ".production.json.tmp").write_text("half a fi")
    write_lease(tmp_path, {"production": document(1)}, at_position(1))
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "production.json"]


def test_writers_at_once_leave_the_newest_position_whole(tmp_path: Path) -> None:
    barrier = threading.Barrier(8)

    def write(position: int) -> None:
        barrier.wait()
        write_lease(tmp_path, {"production": document(position)}, at_position(position))

    threads = [threading.Thread(target=write, args=(position,)) for position in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert json.loads((tmp_path / "production.json").read_text()) == document(8)


@pytest.mark.parametrize(
    ("number", "mend"),
    [
        (errno.ENOSPC, "free some space on that file system"),
        (errno.EROFS, "mount that file system writable"),
        (errno.EACCES, "let the user of the monitor write there"),
        (errno.EIO, "see that gate.lease_dir names a folder the monitor may write in"),
    ],
)
def test_a_failed_write_keeps_the_old_file_and_is_one_sentence_with_its_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, mend: str
) -> None:
    write_lease(tmp_path, {"production": document(1)}, at_position(1))

    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(MonitorError) as failure:
        write_lease(tmp_path, {"production": document(2)}, at_position(2))
    assert str(failure.value).startswith(f"The lease file {tmp_path / 'production.json'} could not be written (")
    assert mend in str(failure.value)
    assert version(tmp_path) == "1"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "production.json"]


def test_one_file_that_cannot_be_written_does_not_keep_the_others_back(tmp_path: Path) -> None:
    (tmp_path / "staging.json").mkdir()
    with pytest.raises(MonitorError, match=r"staging\.json could not be written"):
        write_lease(tmp_path, {"staging": document(5), "production": document(5)}, at_position(5))
    assert version(tmp_path) == "5"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MonitorError, match="could not be written"):
        write_lease(tmp_path / "file" / "lease", {"production": document(1)}, at_position(1))


@pytest.mark.parametrize("name", ["", "../etc", ".hidden", "a/b", "nul\0"])
def test_an_environment_whose_name_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"gate\.environments"):
        write_lease(tmp_path / "lease", {name: document(1)}, at_position(1))
    assert not (tmp_path / "lease").exists()
