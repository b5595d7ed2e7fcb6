"""Copying a whole database into an empty one of either kind, row by row, in one transaction."""

from __future__ import annotations

from sqlalchemy import Connection, Table, delete, func, insert, select

from monitor.core.ports import Refused
from monitor.store.dialects import dialect_of, transaction
from monitor.store.migrations import PATIENCE, make_schema, revision
from monitor.store.schema import compatible_revisions, log, metadata, nodes, turns
from monitor.store.sql import SqlStore

_AT_ONCE = 500

_OF_NODES = (turns, nodes, compatible_revisions)
"""Who works on a database and when, and which programs know its schema, is no content of it."""


class DatabaseThere(Refused):
    """There is a database already where one was to be copied to."""


def copy_database(source: SqlStore, url: str) -> None:
    """Copy all rows of a database, as they stand, into another one that is empty; the log keeps its id and its tree.

    Raises:
        ConfigurationError: the URL is wrong, or no database can be at that place.
        DatabaseThere: there is a database already.
        Unavailable: the other database is out of reach, locked or full.
    """
    dialect = dialect_of(url, create=True, patience=PATIENCE)
    engine = dialect.engine()
    try:
        if revision(engine, dialect):
            raise DatabaseThere(f"There is a database already at {dialect.name}: name an empty one to copy into.")
        with source.reading_connection() as reading, transaction(engine, dialect, write=True) as writing:
            make_schema(writing)
            # The migrations gave the new database an identity of its own.
            writing.execute(delete(log))
            for table in metadata.sorted_tables:
                if table in _OF_NODES:
                    continue
                _copy(reading, writing, table)
            dialect.announce(writing)
    finally:
        engine.dispose()


def _copy(reading: Connection, writing: Connection, table: Table) -> None:
    cursor = reading.execute(select(table), execution_options={"yield_per": _AT_ONCE})
    for rows in cursor.mappings().partitions():
        writing.execute(insert(table), [dict(row) for row in rows])
    number = table.c.get("id")
    if writing.dialect.name == "postgresql" and number is not None and number.autoincrement and number.primary_key:
        # Rows that brought their numbers moved no sequence.
        sequence = writing.scalar(select(func.pg_get_serial_sequence(table.name, "id")))
        if sequence is not None:
            highest = select(func.coalesce(func.max(number), 0) + 1).scalar_subquery()
            writing.execute(select(func.setval(sequence, highest, False)))
