"""A file below the state folder to which every message is appended as a line of JSON.

Several processes may write: each holds the file's lock for one line. No link is followed on the way to it, so that
nobody who may write into a folder there makes the monitor write elsewhere. What a write left half done, when the disk
was full or the power went, is taken away by the next one.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from monitor.core.events import rfc3339
from monitor.core.ports import NotSent, Sent
from monitor.notify.notice_json import notice_json
from monitor.notify.service import Means, Outgoing, UnusableDestination

PREFIX = "append:"

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not blocking: a pipe in its place would hold the process until somebody reads it.
_FILE = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CHUNK = 64 * 1024
_FINAL = frozenset({errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO})
"""What no retry mends: a link, a folder or a pipe stands where the file, or a folder on the way, should be."""


class NoticesFile:
    """Appends each message to `append:PATH`; a relative path counts from the state folder."""

    label = "append"

    def __init__(self, url: str, means: Means) -> None:
        if means.folder is None:
            raise UnusableDestination("is a file, and there is no state folder here")
        self._means, self._folder = means, means.folder
        written = url.removeprefix(PREFIX).strip()
        path = Path(os.path.normpath(means.folder / written))
        if ".." in PurePosixPath(written).parts or not path.is_relative_to(means.folder) or path == means.folder:
            raise UnusableDestination('is a file outside of the state folder; write it as in "append:notices.jsonl"')
        self._parts = path.relative_to(means.folder).parts

    def send(self, outgoing: Outgoing) -> Sent | NotSent:
        """Append one line and see it on the disk."""
        record = {**notice_json(outgoing), "sent_at": rfc3339(self._means.clock())}
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
        try:
            with self._opened() as file:
                _append(file, line.encode() + b"\n")
        except OSError as error:
            name = "/".join(self._parts)
            reason = f"{name} cannot be written: {error.strerror}"
            if error.errno in _FINAL:
                reason += "; no link is followed, and it has to be a plain file"
            return NotSent(reason=reason, permanent=error.errno in _FINAL)
        return Sent(form="jsonl", title=outgoing.rendered.title, body=line)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """Open the file, lock it, and see that it is still the one of that name: it may have been rotated meanwhile."""
        while True:
            folder = self._open_folder()
            try:
                file = os.open(self._parts[-1], _FILE, 0o600, dir_fd=folder)
                try:
                    if not stat.S_ISREG(os.fstat(file).st_mode):
                        raise OSError(errno.ENXIO, "not a plain file")
                    fcntl.flock(file, fcntl.LOCK_EX)
                    if _is_named(file, self._parts[-1], folder):
                        yield file
                        return
                finally:
                    os.close(file)
            finally:
                os.close(folder)

    def _open_folder(self) -> int:
        """Open the folder of the file, each part of the way by itself; what is missing is made."""
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for part in self._parts[:-1]:
            try:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o700, dir_fd=folder)
                below = os.open(part, _FOLDER, dir_fd=folder)
            finally:
                os.close(folder)
            folder = below
        return folder


def _is_named(file: int, name: str, folder: int) -> bool:
    try:
        now = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    opened = os.fstat(file)
    return (now.st_dev, now.st_ino) == (opened.st_dev, opened.st_ino)


def _append(file: int, line: bytes) -> None:
    """Write a line after the last whole one; where that fails, leave the file as it was."""
    size = _mended(file)
    try:
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(file, rest) :]
        os.fsync(file)
    except OSError:
        with suppress(OSError):
            os.ftruncate(file, size)
        raise


def _mended(file: int) -> int:
    """Take away a last line that was not written whole, and return the size that the file has then.

    A last line that only lacks its end, as an editor may leave it, gets that.
    """
    size = os.fstat(file).st_size
    if not size or os.pread(file, 1, size - 1) == b"\n":
        return size
    begin = _last_line(file, size)
    try:
        json.loads(os.pread(file, size - begin, begin))
    except ValueError:
        os.ftruncate(file, begin)
        return begin
    os.write(file, b"\n")
    return size + 1


def _last_line(file: int, size: int) -> int:
    """Return where the last line begins."""
    end = size
    while end:
        begin = max(end - _CHUNK, 0)
        newline = os.pread(file, end - begin, begin).rfind(b"\n")
        if newline >= 0:
            return begin + newline + 1
        end = begin
    return 0
