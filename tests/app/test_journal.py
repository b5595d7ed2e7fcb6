"""The journal: a line of the log is a record with fields, whatever its values hold, and nothing is lost where the
journal does not take it.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.app import journal

PROGRAM = """
import os, sys
from monitor.app import journal, log_output
from monitor.core import logs
status = os.fstat(2)
os.environ["JOURNAL_STREAM"] = f"{status.st_dev}:{status.st_ino}"
journal.send.__defaults__ = (sys.argv[1],)
log_output.configure(sys.stderr)
logs.line("polled", source="a\\nPRIORITY=0", detail="Bearer sk-abcdefghijklmnop")
logs.line("polled", source="b", detail="x" * int(sys.argv[2]))
"""


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "journal"))
        channel.settimeout(10)
        yield channel


def fields_of(written: bytes) -> dict[str, str]:
    """Return the fields of a record in the journal's own form."""
    fields = {}
    while written:
        name, _, rest = written.partition(b"\n")
        (length,) = struct.unpack("<Q", rest[:8])
        fields[name.decode()] = rest[8 : 8 + length].decode()
        assert rest[8 + length : 9 + length] == b"\n"
        written = rest[9 + length :]
    return fields


def logged(path: Path, length: int) -> list[str]:
    """Return what a process writes to standard error whose log goes to the journal at a path."""
    command = [sys.executable, "-c", PROGRAM, str(path), str(length)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stderr.splitlines()


@pytest.mark.slow
def test_each_line_is_a_record_with_fields_and_what_is_too_large_goes_to_the_stream(
    listening: socket.socket, tmp_path: Path
) -> None:
    (large,) = logged(tmp_path / "journal", 10_000_000)
    assert json.loads(large)["source"] == "b"
    fields = fields_of(listening.recv(100_000))
    assert (fields["PRIORITY"], fields["SYSLOG_IDENTIFIER"]) == ("6", "access-monitor")
    assert fields["MONITOR_SOURCE"] == "a PRIORITY=0"
    assert json.loads(fields["MESSAGE"])["message"] == "polled"
    assert "sk-abcdefghijklmnop" not in str(fields)
    assert len(logged(tmp_path / "no journal is here", 1)) == 2


def test_a_stream_is_the_journals_where_the_service_manager_says_so(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as stream:
        status = os.fstat(stream.fileno())
        assert journal.connected(stream, {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})
        assert not journal.connected(stream, {"JOURNAL_STREAM": f"{status.st_dev}:1"})
        assert not journal.connected(stream, {})


@pytest.mark.parametrize("value", ["", "a\nb", "é\0", "\ud800"])
def test_no_value_begins_a_field_of_its_own(value: str) -> None:
    fields = fields_of(journal.record(value, 3, {"Détail-1": value}))
    assert fields == {
        "MESSAGE": value.encode("utf-8", "replace").decode(),
        "PRIORITY": "3",
        "SYSLOG_IDENTIFIER": "access-monitor",
        "MONITOR_D_TAIL_1": value.encode("utf-8", "replace").decode(),
    }
