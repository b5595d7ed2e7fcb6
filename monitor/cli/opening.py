"""The way from the global options to a running monitor; imports the composition root only when a
command asks for it.
"""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.cli import output
from monitor.cli.framework import Options

if TYPE_CHECKING:
    from monitor.app.bootstrap import Monitor
    from monitor.store import SqlStore


@contextmanager
def opened(options: Options, *, create: bool = False) -> Iterator[Monitor]:
    """Provide the monitor under the configuration and database that the options name; says where it does not go by the
    file.

    Without `create` nothing is made that is not there.

    Raises:
        ConfigurationError: the configuration is wrong or missing, or there is no database.
        Unavailable: the database is out of reach.
    """
    with _uncollected():
        from monitor.app.bootstrap import open_monitor

    # Interrupted while it gives a connection back, it would write a traceback between the words for a person.
    logging.getLogger("sqlalchemy").addHandler(logging.NullHandler())
    with open_monitor(config_path(options), options.database, create=create) as monitor:
        if monitor.chosen.unaccepted:
            output.note(output.printable(monitor.chosen.unaccepted))
        yield monitor


@contextmanager
def opened_store(options: Options) -> Iterator[SqlStore]:
    """Provide the database alone, without the monitor; one that --database names needs no configuration.

    Nothing is made that is not there.

    Raises:
        ConfigurationError: there is no database, or the configuration that names it is wrong or missing.
        Unavailable: the database is out of reach.
    """
    from monitor.store import open_store

    store = open_store(database_at(options), migrate=False)
    try:
        yield store
    finally:
        store.close()


def database_at(options: Options) -> str:
    """Return the database that is meant, without opening it: what is wrong with it may be what the command mends."""
    from monitor.app.bootstrap import database_url
    from monitor.settings import anchored, is_reference, load

    if options.database is not None and options.config is None and not is_reference(options.database):
        return anchored(options.database, Path())
    return database_url(load(config_path(options), os.environ, options.database), os.environ)


def config_path(options: Options) -> Path | None:
    """Return the configuration file that was named, None where the usual places are meant."""
    return Path(options.config) if options.config is not None else None


@contextmanager
def _uncollected() -> Iterator[None]:
    """Import without the garbage collector: modules and classes live for good, and walking them took a tenth of the
    start.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
