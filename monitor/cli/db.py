"""`db`: bring the database up to date, copy it, and make its projection of the registry anew from the log."""

from __future__ import annotations

import os
from pathlib import Path

import click

from monitor.cli import output
from monitor.cli.framework import Group, Options, command
from monitor.cli.opening import config_path, opened


@command(
    "upgrade", examples=("access-monitor db upgrade", "access-monitor db upgrade --database sqlite:///var/monitor.db")
)
@click.pass_obj
def upgrade(options: Options) -> None:
    """Create the database, or bring an older schema up to date.

    `run` and `poll` do so too.
    """
    from monitor.store import upgrade
    from monitor.store.migrations import HEAD

    before = upgrade(_url(options))
    if before == HEAD:
        click.echo(f"The schema is at revision {HEAD} already.")
    else:
        click.echo(f"The schema was brought from {f'revision {before}' if before else 'nothing'} to revision {HEAD}.")


@command("backup", examples=("access-monitor db backup /var/backups/monitor-2026-07-30.db",))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def backup(options: Options, *, file: Path) -> None:
    """Copy the database into a new file while the monitor runs.

    SQLite only; PostgreSQL has its own tools. The copy is a whole database: --database FILE reads it.
    """
    from monitor.store import backup

    backup(_url(options), file)
    click.echo(f"Wrote {output.plural(file.stat().st_size, 'byte')} to {file}.")


@command("rebuild", examples=("access-monitor db rebuild",))
@click.pass_obj
def rebuild(options: Options) -> None:
    """Make the registry anew from the log and name every difference.

    In one transaction. The log itself is never changed.
    """
    from monitor.audit.rebuild import rebuild

    with opened(options) as monitor:
        count, differed = rebuild(monitor.store)
        monitor.publish()
    names = f": {', '.join(differed)} had differed from it" if differed else ", and nothing had differed from it"
    click.echo(f"{output.plural(count, 'entry')} made from the log{output.printable(names)}.")


db = Group(
    "db",
    commands=(upgrade, backup, rebuild),
    help="Upgrade, back up or rebuild the database.",
    examples=(*upgrade.examples, *backup.examples, *rebuild.examples),
)


def _url(options: Options) -> str:
    """Return the database that is meant, without opening it: what is wrong with it may be what the command mends."""
    from monitor.app.bootstrap import database_url
    from monitor.settings import load

    return database_url(load(config_path(options), os.environ, options.database), os.environ)
