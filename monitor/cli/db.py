"""`db`: bring the database up to date, copy it, check it, and make its projection of the registry anew from the log."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from monitor.cli import output
from monitor.cli.framework import Group, Options, command
from monitor.cli.opening import database_at, opened, opened_store
from monitor.core.ports import MonitorError, Refused


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

    before = upgrade(database_at(options))
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

    backup(database_at(options), file)
    click.echo(f"Wrote {output.plural(file.stat().st_size, 'byte')} to {file}.")


@command("restore", examples=("access-monitor db restore /var/backups/monitor-2026-07-30.db",))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def restore(options: Options, *, file: Path) -> None:
    """Put a backup in the place of the database.

    Only SQLite, while no daemon runs, and once all of the backup verifies. The database that is replaced stays
    beside it under another name. The log begins a new epoch, so that lease files of the future that is lost are
    replaced; what was sent since is not sent again.
    """
    from monitor.app.bootstrap import utc_now
    from monitor.app.restoring import restore

    restored = restore(database_at(options), file, utc_now())
    click.echo(f"Restored {output.plural(restored.events, 'event')} from {file}.")
    if restored.lost:
        output.note(f"{output.plural(restored.lost, 'later event')} of the replaced database are not in it.")
    if restored.sent:
        output.note(f"{output.plural(restored.sent, 'waiting message')} had been sent since; not sent again.")
    if restored.replaced is not None:
        output.note(f"What stood there is {restored.replaced} now.")


@command(
    "copy",
    examples=(
        "access-monitor db copy env:DATABASE_URL",
        "access-monitor db copy monitor.db --database postgresql://localhost/monitor",
    ),
)
@click.argument("target", metavar="URL")
@click.pass_obj
def copy(options: Options, *, target: str) -> None:
    """Copy the database into an empty one.

    From SQLite or PostgreSQL to either. Stop the daemon first, or what comes later is lost. URL is a path, a URL,
    or a reference to one. All of it is verified before and after; the log stays the same one, so checkpoints,
    proofs and leases go on.
    """
    import os

    from monitor.audit.rebuild import check
    from monitor.settings import anchored, is_reference, resolve
    from monitor.store import open_store
    from monitor.store.copying import DatabaseThere, copy_database

    url = anchored(resolve(target, os.environ) if is_reference(target) else target, Path())
    with opened_store(options) as store:
        with store.read() as reader:
            before = check(reader), reader.log_head()
        if not before[0].fits:
            raise Refused("A database that does not fit its log is not copied: `access-monitor db check` says why.")
        there: DatabaseThere | None = None
        try:
            copy_database(store, url)
        except DatabaseThere as error:
            there = error
    try:
        copied = open_store(url, migrate=False)
    except MonitorError as error:
        raise there or error from None
    with closing(copied), copied.read() as reader:
        after = check(reader), reader.log_head()
    if there is not None:
        # A run that was interrupted while it verified its copy has left one that is whole.
        whole = " It is a whole copy of this one, and all of it verifies: use it." if after == before else ""
        raise Refused(f"{there}{whole}")
    if after != before:
        raise Refused(
            f"The copy {copied.name} is not what was copied; do not use it, and copy again into an empty one."
        )
    count = output.plural(after[0].verification.events, "event")
    click.echo(f"Copied {count} to {copied.name}; all of it verifies.")


@command("check", table=True, examples=("access-monitor db check", "access-monitor db check --database copy.db"))
@click.pass_obj
def check(options: Options) -> None:
    """Examine the file, and compare log, tree, evidence and registry.

    Nothing is changed; exits 1 where something does not fit. It finds damaged pages, gaps, events and evidence that
    are not what was recorded, and entries that are not what the log says of them.
    """
    from monitor.audit.rebuild import check

    with opened_store(options) as store:
        if damage := store.damage(thorough=True):
            if options.json:
                output.as_json({"fits": False, "damage": damage})
            else:
                click.echo(output.printable("\n".join(f"damaged: {line}" for line in damage)))
            raise Refused(
                f"The database {store.name} is damaged: stop all processes, and restore a copy made with "
                "`access-monitor db backup`."
            )
        with store.read() as reader:
            result = check(reader)
    verification = result.verification
    if options.json:
        output.as_json(
            {
                "fits": result.fits,
                "events": verification.events,
                "entries": result.entries,
                "differing": list(result.differing),
                "misfits": [
                    {"position": misfit.position, "reason": misfit.reason.value, "sentence": misfit.sentence}
                    for misfit in verification.misfits
                ],
            }
        )
    else:
        for misfit in verification.misfits:
            click.echo(output.printable(misfit.sentence))
        for key in result.differing:
            click.echo(output.printable(f"entry {key}: its row is not what the log says of it"))
    if not verification.fits:
        raise Refused(
            "The database does not fit its log: restore a copy that does, made with `access-monitor db backup`."
        )
    if result.differing:
        raise Refused("The registry is not what the log says: make it anew with `access-monitor db rebuild`.")
    if not options.json:
        click.echo(
            f"The database fits: {output.plural(verification.events, 'event')}, "
            f"{output.plural(result.entries, 'entry')} as the log says."
        )


@command("rebuild", examples=("access-monitor db rebuild",))
@click.pass_obj
def rebuild(options: Options) -> None:
    """Make the registry anew from the log and name every difference.

    In one transaction. The log itself is never changed. One that does not verify is refused.
    """
    from monitor.audit.rebuild import rebuild

    with opened(options) as monitor:
        count, differed = rebuild(monitor.store)
        monitor.publish()
    names = f": {', '.join(differed)} had differed from it" if differed else ", and nothing had differed from it"
    click.echo(f"{output.plural(count, 'entry')} made from the log{output.printable(names)}.")


db = Group(
    "db",
    commands=(upgrade, backup, restore, copy, check, rebuild),
    help="Upgrade, back up, restore, copy, check or rebuild the database.",
    examples=(
        *upgrade.examples,
        *backup.examples,
        *restore.examples,
        *copy.examples[:1],
        *check.examples[:1],
        *rebuild.examples,
    ),
)
