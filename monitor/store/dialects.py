"""Everything SQLite and PostgreSQL disagree about: opening, beginning, globs, noticing another's commit, triggers'
errors.

The rest of the store must not ask which database it talks to.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from sqlalchemy import JSON, ColumnElement, Connection, Engine, cast, create_engine, event, func
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from monitor.core.ports import ConfigurationError, MonitorError, Refused, Unavailable
from monitor.store.errors import postgres_error, sqlite_error
from monitor.store.location import PRIVATE, PostgresLocation, SqliteLocation, keep_private, locate, prepare_folder

WRITER_LOCK = 0x6163_6365_7373
"""The key of the advisory lock that makes PostgreSQL's writers one at a time. Other locks of this program take other
keys.
"""

DAEMON_LOCK = WRITER_LOCK + 1
"""The key of the advisory lock that a daemon holds as long as it runs."""

LONGEST_PAUSE = "15s"
"""How long PostgreSQL waits for the next statement of a writer before it ends the session, which frees its lock."""

CHANNEL = "access_monitor"
"""Where a PostgreSQL writer announces its commit."""


class Watch(Protocol):
    """Notices commits of others; `changed` answers for the time since it was last asked."""

    def changed(self) -> bool: ...

    def close(self) -> None: ...


class Sole(Protocol):
    """The lock of the one daemon on a database; the operating system, or the server, frees it at death."""

    def held(self) -> bool:
        """Return whether it is held now: a file may be deleted, a server restarted."""

    def take(self) -> bool:
        """Take it, anew where it was lost; False where another daemon has it.

        Raises:
            ConfigurationError: no lock can be held here.
            Unavailable: the server cannot be reached.
        """

    def close(self) -> None: ...


class Dialect(Protocol):
    """One database of one kind. `patience` is how long a writer waits for the writer before it."""

    name: str
    patience: timedelta
    reading: Mapping[str, Any]
    """Execution options of a transaction that only reads."""
    fetches_lazily: bool
    """Whether the driver's own cursor fetches rows while they are read, and not all of them at once."""

    def engine(self) -> Engine: ...

    def begin(self, connection: Connection, *, write: bool) -> None:
        """Say the first statement of a transaction: with `write`, wait until no one else writes."""

    def has_table(self, connection: Connection, name: str) -> bool:
        """Return whether there is a table of this name."""

    def time(self, connection: Connection) -> datetime:
        """Return the time of day of whoever keeps the database."""

    def take_time(self, connection: Connection) -> None:
        """Let the statements of a transaction take as long as they take."""

    @staticmethod
    def glob(column: ColumnElement[str], pattern: str) -> ColumnElement[bool]:
        """Return whether a column matches a pattern of `*` and `?`, with case, every other character standing for
        itself.
        """

    @staticmethod
    def json_text(column: ColumnElement[str], key: str) -> ColumnElement[str]:
        """Return the text under a key of JSON that a column holds; null where there is none."""

    def announce(self, connection: Connection) -> None:
        """Say, as part of the transaction, that something was written."""

    def watch(self, engine: Engine) -> Watch: ...

    def backup(self, engine: Engine, path: Path) -> None: ...

    def damage(self, connection: Connection, *, thorough: bool) -> Sequence[str]:
        """Return what is wrong with the pages of a file, in lines."""

    def sole(self, engine: Engine) -> Sole:
        """Return the lock of the one daemon, not taken yet."""

    def company(self, engine: Engine) -> Sole:
        """Return the same lock as several daemons share it.

        Raises:
            ConfigurationError: the database is no server.
        """

    def error(self, error: BaseException) -> MonitorError: ...


def dialect_of(url: str, *, create: bool, patience: timedelta, durable: bool = True) -> Dialect:
    """Return the database that a URL means. With `create`, a missing folder and file are made, private to their owner;
    without `durable`, a SQLite file never waits for the disk.

    Raises:
        ConfigurationError: the URL is wrong, or the place is one where no database can be.
    """
    location = locate(url)
    if isinstance(location, SqliteLocation):
        prepare_folder(location.path, create=create)
        if create:
            keep_private(location.path)
        return SqliteDialect(location, patience, durable=durable, create=create)
    return PostgresDialect(location, patience)


@contextmanager
def transaction(engine: Engine, dialect: Dialect, *, write: bool) -> Iterator[Connection]:
    """Provide a transaction of one kind or the other: committed at the end of the block, rolled back on an exception.

    Not by SQLAlchemy's event `begin`: an engine with one listener walks its listeners at every statement.
    """
    with engine.begin() as connection:
        dialect.begin(connection, write=write)
        yield connection


def _translate(engine: Engine, dialect: Dialect) -> Engine:
    @event.listens_for(engine, "handle_error")
    def raise_translated(context: ExceptionContext) -> None:
        # Also called for what is no error of the driver: an interrupt, a value that cannot be bound.
        if isinstance(context.original_exception, engine.dialect.loaded_dbapi.Error):
            raise dialect.error(context.original_exception) from None

    return engine


class SqliteDialect:
    """A SQLite file: write-ahead log, full synchronisation, one writer by `BEGIN IMMEDIATE`."""

    reading: Mapping[str, Any] = {}
    fetches_lazily = True

    def __init__(
        self, location: SqliteLocation, patience: timedelta, *, durable: bool = True, create: bool = True
    ) -> None:
        self.name = location.name
        self.patience = patience
        self._path = location.path
        self._synchronous = "FULL" if durable else "OFF"
        self._create = create
        self._file: os.stat_result | None = None

    def engine(self) -> Engine:
        engine = create_engine(
            # Plain `connect` would make a file that is not there, also one that went since it was looked for.
            URL.create(
                "sqlite+pysqlite",
                database=f"file:{quote(str(self._path))}",
                query={**self._mode(), "uri": "true"},
            ),
            connect_args={"timeout": self.patience.total_seconds(), "check_same_thread": False},
            max_overflow=-1,
        )
        # Who makes the database chooses its journal, and nobody changes that of one that he was only shown.
        journal = ("journal_mode=WAL",) if self._create else ()

        @event.listens_for(engine, "do_connect")
        def stay(*_: object) -> None:
            self._stay()

        @event.listens_for(engine, "connect")
        def set_up(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
            self._file = self._file or os.stat(self._path)
            # The driver's own transactions begin late and deferred: two of them read, both write, and one update is
            # lost.
            connection.isolation_level = None
            for pragma in (*journal, f"synchronous={self._synchronous}", "foreign_keys=ON"):
                connection.cursor().execute(f"PRAGMA {pragma}").close()

        return _translate(engine, self)

    def _mode(self) -> dict[str, str]:
        """Return how to open the file. A folder that cannot be written to has no room for the index of a write-ahead
        log, so a database that was copied there is read as one that nobody changes.

        Raises:
            ConfigurationError: it was copied without what its write-ahead log holds, or with no way to read that.
        """
        if self._create or os.access(self._path.parent, os.W_OK | os.X_OK):
            return {"mode": "rwc" if self._create else "rw"}
        log, index = (self._path.with_name(self._path.name + suffix) for suffix in ("-wal", "-shm"))
        if index.exists():  # whoever writes it has made room
            return {"mode": "rw"}
        if log.exists() and log.stat().st_size:
            raise ConfigurationError(
                f"The database {self.name} cannot be read where it is, since {log.name} holds what was not written "
                "into it yet and the folder cannot be written to: copy both into a folder of yours, or make the copy "
                "with `access-monitor db backup`."
            )
        return {"mode": "ro", "immutable": "1"}

    def begin(self, connection: Connection, *, write: bool) -> None:
        self._stay()
        try:  # by the driver: every transaction begins so, and SQLAlchemy takes longer than SQLite
            _driver(connection).execute("BEGIN IMMEDIATE" if write else "BEGIN")
        except sqlite3.Error as error:
            raise self.error(error) from None

    def _stay(self) -> None:
        """See that the file at the path is the one that was opened: in a file that was removed SQLite reads and writes
        on, for nobody.

        Raises:
            Unavailable: it is another one, or none.
        """
        if self._file is None:
            return
        try:
            if os.path.samestat(os.stat(self._path), self._file):
                return
            what = "replaced"
        except OSError:
            what = "removed"
        raise Unavailable(
            f"The database {self.name} was {what} while it was in use, so nothing is recorded: put the right "
            "file there, then restart the daemon."
        )

    def take_time(self, connection: Connection) -> None:
        """Do nothing: SQLite bounds no statement."""

    def has_table(self, connection: Connection, name: str) -> bool:
        return connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)).first() is not None

    def time(self, connection: Connection) -> datetime:
        text: str = connection.exec_driver_sql("SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')").scalar_one()
        return datetime.fromisoformat(text)

    @staticmethod
    def glob(column: ColumnElement[str], pattern: str) -> ColumnElement[bool]:
        # LIKE ignores case on SQLite; GLOB does not, but knows classes, which begin with a bracket.
        return column.op("GLOB", is_comparison=True)(pattern.replace("[", "[[]"))

    @staticmethod
    def json_text(column: ColumnElement[str], key: str) -> ColumnElement[str]:
        return func.json_extract(column, f"$.{key}")

    def announce(self, connection: Connection) -> None:
        """Say nothing: `PRAGMA data_version` shows a commit by itself."""

    def watch(self, engine: Engine) -> Watch:
        return _DataVersion(engine)

    def backup(self, engine: Engine, path: Path) -> None:
        """Copy the database as it stands into a new file, while others read and write.

        Raises:
            Refused: the file exists, or cannot be made.
        """
        if path.exists():
            raise Refused(f"The file {path} exists: name another one for the backup.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(exist_ok=False)
            path.chmod(PRIVATE)
        except OSError as error:
            raise Refused(f"The backup {path} cannot be written ({error.strerror}): name a path that can be.") from None
        try:
            with engine.connect() as connection:
                target = sqlite3.connect(path)
                try:
                    _driver(connection).backup(target)
                finally:
                    target.close()
        except sqlite3.Error as error:
            path.unlink()
            raise sqlite_error(error, str(path)) from None
        except BaseException:
            path.unlink()
            raise

    def damage(self, connection: Connection, *, thorough: bool) -> Sequence[str]:
        pragma = "integrity_check" if thorough else "quick_check"
        lines = connection.exec_driver_sql(f"PRAGMA {pragma}").scalars().all()
        return [] if lines == ["ok"] else [line for text in lines for line in text.splitlines()]

    def sole(self, engine: Engine) -> Sole:
        # A file beside the database: a lock on the database itself would be SQLite's to take and drop.
        return _LockFile(self._path.with_name(self._path.name + ".daemon"))

    def company(self, engine: Engine) -> Sole:
        """Refused: a file is not shared between machines."""
        raise ConfigurationError(
            f"Several nodes need PostgreSQL, and {self.name} is SQLite: set database.url to a server, "
            'or nodes.engine = "none".'
        )

    def error(self, error: BaseException) -> MonitorError:
        return sqlite_error(error, self.name)


class _LockFile:
    """`flock` on a file. It is held only as long as the file is the one at its path, where the next daemon looks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def held(self) -> bool:
        if self._file is None:
            return False
        try:
            there = os.stat(self._path)
        except OSError:
            return False
        return os.path.samestat(there, os.fstat(self._file))

    def take(self) -> bool:
        self.close()
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
        except OSError as error:
            raise ConfigurationError(
                f"The daemon's lock {self._path} cannot be made ({error.strerror}): let this user write into "
                f"{self._path.parent}."
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.close()
        return self.held()

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


class _DataVersion:
    """`PRAGMA data_version` of a connection that never writes: it moves when any other connection commits, ours
    included.
    """

    def __init__(self, engine: Engine) -> None:
        self._connection = _detached(engine)
        self._seen: int | None = None

    def changed(self) -> bool:
        version: int = _driver(self._connection).execute("PRAGMA data_version").fetchone()[0]
        before, self._seen = self._seen, version
        return before != version

    def close(self) -> None:
        self._connection.close()


class PostgresDialect:
    """A PostgreSQL database: writers take an advisory lock first, readers a snapshot."""

    reading: Mapping[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    fetches_lazily = False

    def __init__(self, location: PostgresLocation, patience: timedelta) -> None:
        self.name = location.name
        self.patience = patience
        self._url = location.url

    def engine(self) -> Engine:
        try:
            engine = create_engine(self._url, isolation_level="READ COMMITTED", pool_pre_ping=True, max_overflow=20)
        except ModuleNotFoundError:
            raise ConfigurationError(
                f"The {self.name} needs a driver that is not installed: pip install 'access-monitor[postgres]'."
            ) from None
        from monitor.store.patient import ANSWER, PatientConnection

        milliseconds = int(self.patience.total_seconds() * 1000)

        @event.listens_for(engine, "do_connect")
        def connect(_: object, __: object, arguments: Any, named: Any) -> PatientConnection:
            return PatientConnection.connect(*arguments, **{"connect_timeout": round(ANSWER / 3), **named})

        @event.listens_for(engine, "connect")
        def set_up(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
            # `synchronous_commit` may be off in a server's configuration; a sent notice may not outlive its event.
            cursor = connection.cursor()
            cursor.execute(f"SET lock_timeout = {milliseconds}")
            cursor.execute("SET synchronous_commit = on")
            cursor.close()
            connection.commit()

        return _translate(engine, self)

    def begin(self, connection: Connection, *, write: bool) -> None:
        # A statement of its own: the next one takes its snapshot after the lock is held, so `max + 1` sees every
        # commit. A writer that was stopped, or cut off from the server, would keep the lock from everybody.
        if write:
            connection.exec_driver_sql(
                f"SELECT pg_advisory_xact_lock({WRITER_LOCK}), "
                f"set_config('idle_in_transaction_session_timeout', '{LONGEST_PAUSE}', true)"
            )

    def take_time(self, connection: Connection) -> None:
        _driver(connection).patience = float("inf")

    def has_table(self, connection: Connection, name: str) -> bool:
        return connection.exec_driver_sql("SELECT to_regclass(%s)", (name,)).scalar() is not None

    def time(self, connection: Connection) -> datetime:
        at: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
        return at.astimezone(UTC)

    @staticmethod
    def glob(column: ColumnElement[str], pattern: str) -> ColumnElement[bool]:
        escaped = pattern.replace("!", "!!").replace("%", "!%").replace("_", "!_")
        return column.like(escaped.replace("*", "%").replace("?", "_"), escape="!")

    @staticmethod
    def json_text(column: ColumnElement[str], key: str) -> ColumnElement[str]:
        text: ColumnElement[str] = cast(column, JSON)[key].as_string()
        return text

    def announce(self, connection: Connection) -> None:
        connection.exec_driver_sql(f"NOTIFY {CHANNEL}")

    def watch(self, engine: Engine) -> Watch:
        return _Listener(engine)

    def backup(self, engine: Engine, path: Path) -> None:
        """Refused: PostgreSQL brings its own tools."""
        raise Refused(f"The {self.name} is not copied by this program: use pg_dump or the backup of its server.")

    def damage(self, connection: Connection, *, thorough: bool) -> Sequence[str]:
        """Say nothing: a server examines its own pages, and has sums of them."""
        return []

    def sole(self, engine: Engine) -> Sole:
        return _SessionLock(engine, self.name)

    def company(self, engine: Engine) -> Sole:
        return _SessionLock(engine, self.name, shared=True)

    def error(self, error: BaseException) -> MonitorError:
        return postgres_error(error, self.name)


class _SessionLock:
    """An advisory lock of a session of its own: the server frees it when the session ends, whoever ends it."""

    _HELD = (
        "SELECT pg_backend_pid(), EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted "
        "AND pid = pg_backend_pid() AND classid::bigint = %s AND objid::bigint = %s AND objsubid = 1)"
    )
    _KEY = (DAEMON_LOCK >> 32, DAEMON_LOCK & 0xFFFF_FFFF)

    def __init__(self, engine: Engine, name: str, *, shared: bool = False) -> None:
        self._engine = engine
        self._name = name
        self._take = f"SELECT pg_try_advisory_lock{'_shared' if shared else ''}(%s)"
        self._connection: Connection | None = None

    def held(self) -> bool:
        if self._connection is None:
            return False
        try:
            return bool(_driver(self._connection).execute(self._HELD, self._KEY).fetchone()[1])
        except self._engine.dialect.loaded_dbapi.Error:
            return False

    def take(self) -> bool:
        self.close()
        self._connection = _detached(self._engine)
        driver = _driver(self._connection)
        driver.autocommit = True
        try:
            locked = bool(driver.execute(self._take, [DAEMON_LOCK]).fetchone()[0])
            if locked and not self._own(driver):
                raise ConfigurationError(
                    f"The {self._name} is reached through a pooler that gives a session to several clients "
                    "(transaction mode), where no daemon can hold its lock or be notified: let database.url name the "
                    "server itself, or a pooler in session mode."
                )
        except self._engine.dialect.loaded_dbapi.Error as error:
            self.close()
            raise postgres_error(error, self._name) from None
        except BaseException:
            self.close()
            raise
        if not locked:
            self.close()
        return locked

    def _own(self, driver: Any) -> bool:
        """Return whether the session is this connection's alone: a transaction that another one has open must stand in
        another session.
        """
        before, _ = driver.execute(self._HELD, self._KEY).fetchone()
        with self._engine.connect() as other:
            if other.exec_driver_sql("SELECT pg_backend_pid()").scalar() == before:
                return False
            return bool(driver.execute(self._HELD, self._KEY).fetchone() == (before, True))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Listener:
    """`LISTEN` on a connection of its own; while it is new or was lost, nobody can know, so the answer is yes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def changed(self) -> bool:
        if self._connection is None:
            self._connection = _detached(self._engine)
            driver = _driver(self._connection)
            driver.autocommit = True
            driver.execute(f"LISTEN {CHANNEL}")
            return True
        try:
            return bool([*_driver(self._connection).notifies(timeout=0)])
        except self._engine.dialect.loaded_dbapi.Error:
            self.close()
            return True

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _detached(engine: Engine) -> Connection:
    connection = engine.connect()
    connection.detach()
    return connection


def _driver(connection: Connection) -> Any:
    """Return the driver's own connection, for what SQLAlchemy has no word for."""
    return connection.connection.dbapi_connection
