"""What a database's error means to an operator. No exception of a driver or of SQLAlchemy leaves the store
untranslated.

Messages are built from error codes and never quote a statement, its parameters or a URL: those may hold what must not
be printed.
"""

from __future__ import annotations

import sqlite3

from monitor.core.ports import ConfigurationError, MonitorError, Unavailable


class Damaged(MonitorError):
    """Stored bytes are not what was stored, or something that is referred to is missing."""


def damaged(name: str) -> Damaged:
    """Return the operator's error for a database that is not what was written; `name` is the path."""
    return Damaged(
        f"The database {name} is damaged: stop all processes, see what is lost with `access-monitor db check`, and "
        "restore a copy made with `access-monitor db backup`."
    )


def sqlite_error(error: BaseException, name: str) -> MonitorError:
    """Return the operator's error for one of `sqlite3`; `name` is the path."""
    code: str = getattr(error, "sqlite_errorname", "")
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return Unavailable(
            f"The database {name} is locked by another process: try again, or find it with `fuser {name}`."
        )
    if code in ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"):  # the second: no room for the index of the write-ahead log
        return Unavailable(f"The disk of the database {name} is full: free some space; nothing was recorded.")
    if code.startswith("SQLITE_NOTADB"):
        return ConfigurationError(f"The file {name} is not a SQLite database: set database.url to another path.")
    # A text that is not UTF-8 was written by nobody; the driver says it in words alone.
    if code.startswith("SQLITE_CORRUPT") or str(error).startswith("Could not decode to UTF-8"):
        return damaged(name)
    if code.startswith("SQLITE_CANTOPEN"):
        return ConfigurationError(
            f"The database {name} cannot be opened: see that this user may read and write the file and its "
            "folder, or set database.url."
        )
    if code.startswith(("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH")):
        return ConfigurationError(
            f"The database {name} cannot be written to: give this user the right to write the file and its "
            "folder, or set database.url."
        )
    if code.startswith("SQLITE_IOERR"):
        return Unavailable(f"The disk of the database {name} failed to read or write ({code}): see the system's log.")
    if code == "SQLITE_CONSTRAINT_TRIGGER":
        return MonitorError(f"The database {name} refused a write: {error}.")
    if isinstance(error, sqlite3.Error):
        return MonitorError(f"The database {name} refused a statement ({code or type(error).__name__}): {error}.")
    return MonitorError(f"The database {name} failed ({type(error).__name__}).")


_WRONG_URL = {
    "28000": "refuses this user",
    "28P01": "refuses this user's password",
    "3D000": "does not exist",
    "42501": "does not give this user the right to do this",
    "25006": "is read-only",
}

# libpq gives no code for an error that the server sent while connecting; only its words tell these apart from a server
# that is away.
_CONNECT_WORDS = (
    ("password authentication failed", "28P01"),
    ("no password supplied", "28P01"),
    ("no pg_hba.conf entry", "28000"),
    ("role ", "28000"),
    ("does not exist", "3D000"),
)


def postgres_error(error: BaseException, name: str) -> MonitorError:
    """Return the operator's error for one of `psycopg`; `name` is how the database is called."""
    import psycopg

    state: str = getattr(error, "sqlstate", None) or ""
    if not state and isinstance(error, psycopg.OperationalError):
        words = str(error)
        state = next((code for word, code in _CONNECT_WORDS if word in words and "FATAL" in words), "")
    if state in _WRONG_URL:
        return ConfigurationError(f"The {name} {_WRONG_URL[state]}: correct database.url, or grant what is missing.")
    if state == "55P03":
        return Unavailable(f"The {name} is locked by another writer: try again, or find it in pg_locks.")
    if state.startswith("53"):
        return Unavailable(
            f"The {name} is out of a resource ({state}: disk, memory or connections): nothing was recorded."
        )
    if state.startswith(("08", "57P", "40", "25P03")) or (not state and isinstance(error, psycopg.OperationalError)):
        return Unavailable(f"The {name} could not be reached: see that the server runs, and try again.")
    if isinstance(error, psycopg.Error):
        reason = error.diag.message_primary or type(error).__name__
        return MonitorError(f"The {name} refused a statement ({state or 'no code'}): {reason}.")
    return MonitorError(f"The {name} failed ({type(error).__name__}).")
