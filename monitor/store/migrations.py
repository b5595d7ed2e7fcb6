"""Bringing the schema to the newest revision, and refusing one that is newer than this program.

Alembic takes longer to import than a whole `status` may take; it is imported only where there is something to migrate.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine, select

from monitor.core import logs
from monitor.core.ports import ConfigurationError
from monitor.store.decoded import DecodedCache
from monitor.store.dialects import Dialect, dialect_of, transaction
from monitor.store.location import NoDatabase
from monitor.store.schema import compatible_revisions
from monitor.store.writer import SqlTransaction

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010")
"""All revisions in `migrations/versions`, oldest first."""

HEAD = REVISIONS[-1]

PATIENCE = timedelta(seconds=10)
"""How long a migration or a write waits for the writer before it."""


def upgrade(url: str) -> str:
    """Create what is missing and bring an older schema up to date; return the revision before, empty for a new
    database.

    Raises:
        ConfigurationError: the URL is wrong, or the schema is newer than this program.
        Unavailable: the database is locked, full or out of reach.
    """
    dialect = dialect_of(url, create=True, patience=PATIENCE)
    engine = dialect.engine()
    try:
        return ensure(engine, dialect, migrate=True)
    finally:
        engine.dispose()


def check_schema(url: str) -> None:
    """See that the database is there and at the newest revision; change nothing.

    Raises:
        ConfigurationError: it is missing, older or newer.
        Unavailable: it is locked or out of reach.
    """
    dialect = dialect_of(url, create=False, patience=PATIENCE)
    engine = dialect.engine()
    try:
        ensure(engine, dialect, migrate=False)
    finally:
        engine.dispose()


def ensure(engine: Engine, dialect: Dialect, *, migrate: bool) -> str:
    """See that the schema is at the newest revision, or with `migrate` bring it there; return the revision before."""
    before = revision(engine, dialect)
    if before == HEAD:
        return before
    if before and before not in REVISIONS:
        if _compatible_since(engine, dialect, before) in REVISIONS:
            return before
        raise ConfigurationError(
            f"The schema of the {_called(dialect)} is at revision {before}, newer than this program's {HEAD}: "
            "install the newer access-monitor, or set database.url to another database."
        )
    if not migrate:
        if not before:
            raise NoDatabase(
                f"The schema of the {_called(dialect)} is not there yet: run `access-monitor poll`, `run` or "
                "`db upgrade`."
            )
        raise ConfigurationError(
            f"The schema of the {_called(dialect)} is at revision {before}, older than this program's {HEAD}: "
            "run `access-monitor db upgrade`."
        )
    _run_alembic(engine, dialect)
    return before


def script_location() -> Path:
    """Return the folder of migrations: beside the packages in a checkout, inside `monitor` in an installed wheel."""
    package = Path(__file__).parents[1]
    installed = package / "_migrations"
    return installed if installed.is_dir() else package.parent / "migrations"


def _called(dialect: Dialect) -> str:
    return dialect.name if dialect.name.startswith("PostgreSQL") else f"database {dialect.name}"


def revision(engine: Engine, dialect: Dialect) -> str:
    """Return the revision of the schema; empty where there is none yet."""
    with transaction(engine, dialect, write=False) as connection:
        if not dialect.has_table(connection, "alembic_version"):
            return ""
        return connection.exec_driver_sql("SELECT max(version_num) FROM alembic_version").scalar() or ""


def _compatible_since(engine: Engine, dialect: Dialect, newer: str) -> str:
    """Return the oldest revision whose program can work on a newer schema, as the newer one's migration wrote; empty
    where it wrote nothing.
    """
    with transaction(engine, dialect, write=False) as connection:
        if not dialect.has_table(connection, "compatible_revisions"):
            return ""
        search = select(compatible_revisions.c.since).where(compatible_revisions.c.revision == newer)
        return connection.execute(search).scalar() or ""


def _run_alembic(engine: Engine, dialect: Dialect) -> None:
    # Begun as a writer: of two processes that find an empty database, the second finds it made.
    with transaction(engine, dialect, write=True) as connection:
        dialect.take_time(connection)
        make_schema(connection)
        tx = SqlTransaction(connection, dialect, DecodedCache(0))
        if tx.tree.size() == 0 and (events := tx.build_tree()):
            logs.line(
                f"The log of the {_called(dialect)} has got its tree over {events:,} events; this is done once.",
                level=logging.WARNING,
            )


def make_schema(connection: Connection) -> None:
    """Bring the schema to the newest revision, in the transaction that is open."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(script_location()).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
