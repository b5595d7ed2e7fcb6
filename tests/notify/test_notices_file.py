"""A file to which messages are appended: plain, below the state folder, whole lines only, from several processes."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from notices import notice, paused

from monitor.core.ports import NotSent, Sent
from monitor.notify.channels import AppriseChannel
from monitor.notify.service import Means

NOW = datetime(2026, 7, 30, 18, 0, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


def send(folder: Path | None, path: str = "notices.jsonl", id: str = "n1") -> Sent | NotSent:
    means = Means(timeout=(5, 5), clock=lambda: NOW, folder=folder)
    channel = AppriseChannel(lambda destination: f"append:{path}", timeout=10, means=lambda destination: means)
    return channel.send(notice(paused(), id=id), "platform#1")


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_each_message_is_a_line_of_json_that_its_owner_alone_can_read(folder: Path) -> None:
    before = os.umask(0)
    try:
        outcome = send(folder, "out/all/notices.jsonl")
    finally:
        os.umask(before)
    assert isinstance(outcome, Sent)
    send(folder, "out/all/notices.jsonl", id="n2")
    file = folder / "out/all/notices.jsonl"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "out").stat().st_mode) == 0o700
    rows = lines(file)
    assert [row["id"] for row in rows] == ["n1", "n2"]
    assert str(rows[0]["title"]).startswith("PAUSED GPT-5.6 Luna")
    assert (rows[0]["reason"], rows[0]["sent_at"]) == ("paused", "2026-07-30T18:00:00Z")
    assert "access-monitor why luna" in str(rows[0]["text"])


def test_an_absolute_path_below_the_state_folder_is_taken(folder: Path) -> None:
    assert isinstance(send(folder, str(folder / "notices.jsonl")), Sent)
    assert len(lines(folder / "notices.jsonl")) == 1


@pytest.mark.parametrize("path", ["../notices.jsonl", "/etc/notices.jsonl", "a/../../notices.jsonl", "", ".", "a/.."])
def test_a_file_elsewhere_is_refused_for_good(folder: Path, path: str) -> None:
    outcome = send(folder, path)
    assert isinstance(outcome, NotSent)
    assert outcome.permanent
    assert 'is a file outside of the state folder; write it as in "append:notices.jsonl"' in outcome.reason
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("place", ["file", "folder", "dangling"])
def test_no_link_is_followed(folder: Path, tmp_path: Path, place: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "notices.jsonl").write_text("")
    (folder / "sub").mkdir()
    match place:
        case "file":
            (folder / "sub/notices.jsonl").symlink_to(outside / "notices.jsonl")
        case "dangling":
            (folder / "sub/notices.jsonl").symlink_to(outside / "missing.jsonl")
        case _:
            (folder / "sub").rmdir()
            (folder / "sub").symlink_to(outside)
    outcome = send(folder, "sub/notices.jsonl")
    assert isinstance(outcome, NotSent)
    assert outcome.permanent
    assert "no link is followed" in outcome.reason
    assert [file.name for file in outside.iterdir()] == ["notices.jsonl"]
    assert (outside / "notices.jsonl").read_text() == ""


@pytest.mark.parametrize("what", ["folder", "pipe"])
def test_what_is_no_plain_file_is_refused_and_nobody_waits(folder: Path, what: str) -> None:
    if what == "pipe":
        os.mkfifo(folder / "notices.jsonl")
    else:
        (folder / "notices.jsonl").mkdir()
    outcome = send(folder)
    assert isinstance(outcome, NotSent)
    assert outcome.permanent


def test_a_full_disk_fails_the_attempt_and_leaves_no_half_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    send(folder)
    whole = (folder / "notices.jsonl").read_bytes()
    write = os.write

    def full(file: int, data: bytes) -> int:
        if len(data) > 10:
            return write(file, data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("monitor.notify.notices_file.os.write", full)
        patched.setattr("monitor.notify.notices_file.os.fsync", lambda file: full(file, b""))
        outcome = send(folder, id="n2")
    assert isinstance(outcome, NotSent)
    assert not outcome.permanent
    assert outcome.reason == "notices.jsonl cannot be written: No space left on device"
    assert (folder / "notices.jsonl").read_bytes() == whole
    assert isinstance(send(folder, id="n2"), Sent)
    assert [row["id"] for row in lines(folder / "notices.jsonl")] == ["n1", "n2"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_device_in_its_place_is_refused(folder: Path) -> None:
    try:
        os.mknod(folder / "notices.jsonl", stat.S_IFCHR | 0o600, os.makedev(1, 7))
    except PermissionError:
        pytest.skip("this user may make no device")
    outcome = send(folder)
    assert isinstance(outcome, NotSent)
    assert outcome.permanent


@pytest.mark.parametrize(
    ("torn", "kept"),
    [
        ('{"id":"old"}\n{"id":"torn","tit', ["old", "n1"]),
        ('{"id":"torn', ["n1"]),
        ('{"id":"old"}\n{"id":"no end"}', ["old", "no end", "n1"]),
        ('{"id":"old"}\n' + '{"id":"torn","text":"' + "x" * 200_000, ["old", "n1"]),
    ],
)
def test_a_last_line_that_was_not_written_whole_is_mended(folder: Path, torn: str, kept: list[str]) -> None:
    (folder / "notices.jsonl").write_text(torn)
    send(folder)
    assert [row["id"] for row in lines(folder / "notices.jsonl")] == kept


WRITER = """
import sys
from datetime import datetime, UTC
from pathlib import Path
sys.path[:0] = [{support!r}]
from notices import notice, paused
from monitor.notify.notices_file import NoticesFile
from monitor.notify.service import Means, Outgoing
from monitor.notify.forms import render
means = Means(timeout=(5, 5), clock=lambda: datetime(2026, 7, 30, tzinfo=UTC), folder=Path({folder!r}))
file = NoticesFile("append:notices.jsonl", means)
print("ready", flush=True)
sys.stdin.readline()
for number in range(40):
    message = notice(paused(summary="word " * 3000), id=f"{{sys.argv[1]}}-{{number}}")
    file.send(Outgoing(notice=message, rendered=render(message)))
"""


@pytest.fixture
def writers(folder: Path) -> Iterator[list[subprocess.Popen[str]]]:
    code = WRITER.format(support=str(Path(__file__).parents[1] / "support"), folder=str(folder))
    running = [
        subprocess.Popen([sys.executable, "-c", code, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in ("a", "b")
    ]
    yield running
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_two_processes_write_whole_lines_and_lose_none(folder: Path, writers: list[subprocess.Popen[str]]) -> None:
    for process in writers:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in writers:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.wait(60) for process in writers] == [0, 0]
    ids = [row["id"] for row in lines(folder / "notices.jsonl")]
    assert sorted(map(str, ids)) == sorted(f"{name}-{number}" for name in "ab" for number in range(40))


def test_a_file_that_was_rotated_meanwhile_is_not_written_to(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    send(folder)
    file, rotated = folder / "notices.jsonl", folder / "notices.jsonl.1"
    import fcntl

    flock = fcntl.flock

    def rotate_first(descriptor: int, how: int) -> None:
        if not rotated.exists():
            file.rename(rotated)
        flock(descriptor, how)

    monkeypatch.setattr("monitor.notify.notices_file.fcntl.flock", rotate_first)
    send(folder, id="n2")
    assert [row["id"] for row in lines(rotated)] == ["n1"]
    assert [row["id"] for row in lines(file)] == ["n2"]
