"""Files that others read while they are written anew."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def replace_file(path: Path, content: bytes, mode: int) -> None:
    """Write a file with these rights, whatever the umask; a reader sees the old one or the new one, never a part, also
    after a power failure.

    Raises:
        OSError: it cannot be written; the old one stays.
    """
    # One fixed name: what a killed writer left behind is overwritten by the next.
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with open(temporary, "wb") as file:
            os.fchmod(file.fileno(), mode)
            leave_to_owner(file.fileno(), path.parent)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def leave_to_owner(file: int, folder: Path) -> None:
    """Give what root makes to the owner of the folder: a service that runs as somebody else could not open it."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(file, owner.st_uid, owner.st_gid)
