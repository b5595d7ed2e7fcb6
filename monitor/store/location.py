"""Where the database is: what a URL means, how the place is called in messages, and which places are refused. Opens
nothing.

Names made here never hold a user, a password or a query string, so every message may quote them.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from monitor.core.ports import ConfigurationError

NETWORK_FILE_SYSTEMS = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb2",
        "smb3",
        "smbfs",
        "afs",
        "ncpfs",
        "ceph",
        "glusterfs",
        "lustre",
        "gpfs",
        "ocfs2",
        "gfs2",
    }
    | {"fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.gcsfuse", "fuse.rclone", "fuse.davfs", "davfs"}
)
"""Where locks or the shared memory of the write-ahead log cannot be relied on. 9p and virtiofs are not among them: that
is how many containers and virtual machines see their own disk, with one kernel in charge of the locks.
"""

PRIVATE = 0o600
"""The rights of a database: its log holds who decided what, and its evidence what accounts may use."""

_BESIDE = ("-wal", "-shm", ".daemon")


class NoDatabase(ConfigurationError):
    """There is no database where one is expected, and what was asked for makes none."""


@dataclass(frozen=True, slots=True)
class SqliteLocation:
    """A file. `path` is absolute."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class PostgresLocation:
    """A PostgreSQL database; `url` holds the password and is not to be printed."""

    url: URL

    @property
    def name(self) -> str:
        host = self.url.host or self.url.normalized_query.get("host", ("the local socket",))[0]
        return f"PostgreSQL database {self.url.database!r} at {host}"


def locate(text: str) -> SqliteLocation | PostgresLocation:
    """Read a database URL; what is no URL is the path of a SQLite file.

    Raises:
        ConfigurationError: the URL is malformed or names no database that lasts.
    """
    if "://" not in text:
        return _sqlite(text)
    scheme = text.split("://", 1)[0]
    try:
        url = make_url(text)
    except (SQLAlchemyError, ValueError):
        # The exception may quote the URL with its password.
        raise ConfigurationError(
            f"The database URL that begins with {scheme}:// cannot be read: "
            "write sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE, special characters percent-encoded."
        ) from None
    backend = url.drivername.partition("+")[0]
    if backend == "sqlite":
        if url.query or url.host:
            raise ConfigurationError(
                "The database URL of SQLite takes a path and nothing else: write sqlite:///var/monitor.db or "
                "sqlite:////var/lib/monitor.db."
            )
        return _sqlite(url.database or "")
    if backend in ("postgresql", "postgres"):
        if not url.database:
            raise ConfigurationError(
                "The database URL names no database: write postgresql://USER:PASSWORD@HOST/DATABASE."
            )
        return PostgresLocation(url.set(drivername="postgresql+psycopg"))
    raise ConfigurationError(f"The database URL begins with {scheme}://: only sqlite:/// and postgresql:// are known.")


def _sqlite(text: str) -> SqliteLocation:
    if text in ("", ":memory:"):
        raise ConfigurationError(
            "The database must be a file: set database.url to a path such as sqlite:///var/monitor.db."
        )
    return SqliteLocation(Path(os.path.abspath(Path(text).expanduser())))


def prepare_folder(path: Path, *, create: bool) -> None:
    """See that a SQLite file is there or, with `create`, that its folder is; on a local disk.

    Raises:
        NoDatabase: it is not there and may not be made.
        ConfigurationError: it is on a network file system, or its folder cannot be made or written to.
    """
    kind = network_file_system(path)
    if kind:
        raise ConfigurationError(
            f"The database {path} would lie on a network file system ({kind}), whose locks SQLite cannot rely on: "
            "set database.url to a path on a local disk, or to PostgreSQL."
        )
    if path.is_dir():
        raise ConfigurationError(f"The database {path} is a folder: set database.url to a file in it.")
    if not create:
        if not path.exists():
            raise NoDatabase(
                f"There is no database at {path}: make it with `access-monitor poll`, `run` or `db upgrade`, "
                "or set database.url or run.state_dir to where it is."
            )
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The folder {path.parent} for the database cannot be made ({error.strerror}): set database.url to "
            "a folder that can be written to."
        ) from None
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise ConfigurationError(
            f"The folder {path.parent} of the database cannot be written to: give this user the right to, or "
            "set database.url elsewhere."
        )


def keep_private(path: Path) -> None:
    """Make the database, and what SQLite keeps beside it, readable by its owner alone, whatever the umask.

    Made here when it is not there: SQLite would go by the umask, and gives the write-ahead log the rights that the
    database has. A file of another owner, or on a disk that cannot be written to, stays as it is; what that comes to is
    said when the database is opened.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE))
    for name in (path.name, *(path.name + suffix for suffix in _BESIDE)):
        with suppress(OSError):
            file = path.with_name(name)
            mode = stat.S_IMODE(file.stat().st_mode)
            if mode & ~PRIVATE:  # rights are only taken: one that its owner took from themselves is meant
                file.chmod(mode & PRIVATE)


def network_file_system(path: Path, mounts: str | None = None) -> str:
    """Return the type of the network file system that `path` would lie on; empty for a local one, or where nobody can
    say.

    `mounts` is the text of `/proc/mounts`.
    """
    if mounts is None:
        try:
            mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            return ""
    real = Path(os.path.realpath(path))
    kind, depth = "", -1
    for line in mounts.splitlines():
        words = line.split(" ")
        if len(words) < 3:
            continue
        point = Path(_unescaped(words[1]))
        # A later line with the same mount point lies over the earlier one.
        if len(point.parts) >= depth and real.is_relative_to(point):
            kind, depth = words[2], len(point.parts)
    return kind if kind in NETWORK_FILE_SYSTEMS else ""


def _unescaped(mount_point: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        mount_point = mount_point.replace(code, character)
    return mount_point
