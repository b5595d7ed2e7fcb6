"""The store as the rest sees it: opening, the two kinds of transaction, and what happens at their ends.

Statements stand in `reader` and `writer`, differences between databases in `dialects`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from monitor.core.ports import MonitorError, Reader, Refused, SeenAt, Transaction, Unavailable
from monitor.store import migrations
from monitor.store.decoded import DecodedCache
from monitor.store.dialects import Dialect, Sole, Watch, dialect_of, transaction
from monitor.store.errors import damaged
from monitor.store.reader import SqlReader
from monitor.store.turns import SqlTurns
from monitor.store.writer import SqlTransaction

CACHED_FACTS = 8 * 2**20
"""Bytes of JSON whose parsed facts are kept in memory, where they take about five times as many."""


def open_store(
    url: str, *, migrate: bool = True, patience: timedelta = migrations.PATIENCE, durable: bool = True
) -> SqlStore:
    """Open the database at `url`; what is no URL is the path of a SQLite file, relative to the working directory.

    With `migrate`, what is missing is made (folder, file, tables) and an older schema brought up to date. `patience` is
    how long a writer waits for the writer before it. Only a scratch store, which nobody opens again, need not be
    `durable`.

    Raises:
        ConfigurationError: the URL is wrong, no database can be at that place, or the schema is newer than this
            program;
            without `migrate` also when it is missing or older.
        Unavailable: the database is locked, full or out of reach.
    """
    dialect = dialect_of(url, create=migrate, patience=patience, durable=durable)
    engine = dialect.engine()
    try:
        migrations.ensure(engine, dialect, migrate=migrate)
    except BaseException:
        engine.dispose()
        raise
    return SqlStore(engine, dialect)


def backup(url: str, path: Path) -> None:
    """Copy a database of whichever schema into a new SQLite file: it is what one does before an upgrade.

    Raises:
        ConfigurationError: the URL is wrong, or there is no database.
        Refused: the file exists or cannot be made, or the database is PostgreSQL.
    """
    dialect = dialect_of(url, create=False, patience=migrations.PATIENCE)
    store = SqlStore(dialect.engine(), dialect)
    try:
        store.backup(path)
    finally:
        store.close()


class SqlStore:
    """The port `Store` on SQLite or PostgreSQL; for many threads, and for many processes beside it."""

    def __init__(self, engine: Engine, dialect: Dialect) -> None:
        self.engine = engine
        self._dialect = dialect
        self._reading = engine.execution_options(**dialect.reading)
        self._cache = DecodedCache(CACHED_FACTS)
        # SQLite lets waiting writers poll, up to 100 ms apart and in no order; threads of one process need not.
        self._turn = threading.Lock()
        self.turns = SqlTurns(engine, dialect)
        self._watch: Watch | None = None
        self._watching = threading.Lock()

    @property
    def name(self) -> str:
        """How the database is called in messages; holds no secret."""
        return self._dialect.name

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """Provide a consistent view; it never waits for writers."""
        with self.reading_connection() as connection:
            yield SqlReader(connection, self._dialect, self._cache)

    @contextmanager
    def reading_connection(self) -> Iterator[Connection]:
        """Provide a consistent view as a connection of SQLAlchemy, for what reads whole tables."""
        with self._boundary(), transaction(self._reading, self._dialect, write=False) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Begin the one write transaction: commit at the end of the block, roll back on an exception.

        Raises:
            Unavailable: the database is locked, full or out of reach.
        """
        with self._transaction() as tx:
            yield tx

    def touch(self, polls: Sequence[SeenAt]) -> None:
        """Renew freshness in one transaction; a source without a row has had no good poll and gets none here."""
        with self._transaction() as tx:
            tx.touch(polls)

    def make_tables(self, table: str, script: str, changes: Mapping[str, str], now: datetime) -> None:
        """Make the tables of a library that keeps its own in this database, one of which is `table`, or bring them up
        to date: `changes` are scripts by names that sort by age, and the name of the last is kept.

        Raises:
            MonitorError: the database refuses it.
        """
        with self._transaction() as tx:
            last = tx.working_state(table) or max(changes)
            scripts = [changes[name] for name in sorted(changes) if name > last] if tx.has_table(table) else [script]
            for each in scripts:
                tx.run_script(each)
            tx.put_working_state(table, max(changes), now)

    def check_writable(self, seen_at: datetime | None = None) -> None:
        """Write into the log's own row when the daemon was alive, or what stands there already, and so see that a
        decision could be recorded now.

        Raises:
            MonitorError: nothing can be written: the disk is full or read-only, the database locked, damaged or out of
                reach.
        """
        with self._transaction() as tx:
            tx.mark_written(seen_at)

    def damage(self, *, thorough: bool = False) -> Sequence[str]:
        """Return what is wrong with the file that the database is, one line each, at most a hundred; empty for a
        server, which watches its own.

        Every page is read; `thorough` also holds indexes against their tables, which takes several times as long.

        Raises:
            Damaged: so much is wrong that it cannot be examined.
        """
        with self.reading_connection() as connection:
            return self._dialect.damage(connection, thorough=thorough)

    def check_pages(self) -> None:
        """See that every page of the file can be read.

        Raises:
            Damaged: one cannot.
        """
        if self.damage():
            raise damaged(self.name)

    def changed(self) -> bool:
        """Return whether anybody may have committed since the last call.

        True also on the first call and after our own commits: what it is asked for is to look again, which costs
        little.
        """
        with self._watching, self._boundary():
            if self._watch is None:
                self._watch = self._dialect.watch(self.engine)
            try:
                return self._watch.changed()
            except self.engine.dialect.loaded_dbapi.Error as error:  # the driver was asked without SQLAlchemy
                raise self._dialect.error(error) from None

    def backup(self, path: Path) -> None:
        """Copy the database, as it stands, into a new SQLite file, while others read and write.

        Raises:
            Refused: the file exists or cannot be made, or the database is PostgreSQL.
        """
        with self._boundary():
            self._dialect.backup(self.engine, path)

    @contextmanager
    def sole(self) -> Iterator[Sole]:
        """Be the only daemon on this database inside the block. It guards scheduling alone: anybody may still write.

        Raises:
            Refused: another daemon runs.
            ConfigurationError: no lock can be held here.
        """
        sole = self._dialect.sole(self.engine)
        try:
            with self._boundary():
                if not sole.take():
                    raise Refused(
                        f"Another daemon runs on {self.name}: stop that one first, or give this one another --database."
                    )
            yield sole
        finally:
            sole.close()

    @contextmanager
    def company(self) -> Iterator[Sole]:
        """Be one of several daemons on this database inside the block; one that works alone is not among them.

        Raises:
            Refused: a daemon runs that works alone.
            ConfigurationError: no lock can be held here, or the database is no server.
        """
        lock = self._dialect.company(self.engine)
        try:
            with self._boundary():
                if not lock.take():
                    raise Refused(
                        f"A daemon without [nodes] runs on {self.name}, and works alone: stop that one first."
                    )
            yield lock
        finally:
            lock.close()

    def close(self) -> None:
        """Close all connections; the store is not to be used any more."""
        with self._watching:
            if self._watch is not None:
                self._watch.close()
                self._watch = None
        self.engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[SqlTransaction]:
        if not self._turn.acquire(timeout=self._dialect.patience.total_seconds()):
            raise Unavailable(f"The database {self.name} is being written by another part of this process: try again.")
        try:
            with self._boundary(), transaction(self.engine, self._dialect, write=True) as connection:
                opened = SqlTransaction(connection, self._dialect, self._cache)
                yield opened
                opened.write_leaves()
                if opened.written:
                    self._dialect.announce(connection)
        finally:
            self._turn.release()

    @contextmanager
    def _boundary(self) -> Iterator[None]:
        """Errors of the driver are translated where they arise; here, what SQLAlchemy adds of its own."""
        try:
            yield
        except PoolTimeout:
            raise Unavailable(f"All connections to {self.name} are in use: try again.") from None
        except SQLAlchemyError as error:
            raise MonitorError(f"The database {self.name} cannot do this ({type(error).__name__}).") from error
        except self.engine.dialect.loaded_dbapi.Error as error:  # of rows that the driver fetches while they are read
            raise self._dialect.error(error) from None
