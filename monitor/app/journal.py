"""The service manager's journal, spoken to in its own protocol: each line of the log as one record, whose fields
`journalctl` can be asked for (`MONITOR_SOURCE=openai-pricing`).

Source: systemd.io/JOURNAL_NATIVE_PROTOCOL.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import TextIO

SOCKET = "/run/systemd/journal/socket"

PREFIX = "MONITOR_"
"""What the names of our fields begin with, so that none is taken for one of the journal's."""


def connected(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether what is written to a stream goes to the journal: its device and inode are those that the service
    manager names.
    """
    device, separator, inode = environ.get("JOURNAL_STREAM", "").partition(":")
    if not separator:
        return False
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return (str(status.st_dev), str(status.st_ino)) == (device, inode)


def record(message: str, priority: int, fields: Mapping[str, str]) -> bytes:
    """Return a record: `priority` as of syslog(3); the names of `fields` are in any letters."""
    named = {PREFIX + _name(key): value for key, value in fields.items()}
    whole = {"MESSAGE": message, "PRIORITY": str(priority), "SYSLOG_IDENTIFIER": "access-monitor", **named}
    return b"".join(_field(name, value) for name, value in whole.items())


def send(written: bytes, path: str = SOCKET) -> bool:
    """Send a record; return whether the journal took it, as it takes none that is larger than a datagram."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        try:
            channel.sendto(written, path)
        except OSError:
            return False
    return True


def _name(key: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in key.upper())[:48]


def _field(name: str, value: str) -> bytes:
    # Always with its length: a value with a line end would otherwise be two fields, the second of its sender's choice.
    content = value.encode("utf-8", "replace")
    return name.encode() + b"\n" + len(content).to_bytes(8, "little") + content + b"\n"
