"""`config`: whether the configuration is right, what loading it would do, what is in effect, and what may stand in the
file.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING

import click

from monitor.cli import output
from monitor.cli.acts import by_person, reason_given, via
from monitor.cli.framework import Group, Options, command
from monitor.cli.opening import config_path
from monitor.core.ports import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from monitor.app.bootstrap import Monitor
    from monitor.core.accepted_configuration import KeyDifference
    from monitor.registry.configuration_acceptance import LoadingEffect
    from monitor.settings import Settings
    from monitor.settings.errors import Finding
    from monitor.settings.schema import Document

WOULD_CHANGE = 10
"""The exit code where loading the file would take something from production."""

ACCEPT = "access-monitor config accept --by YOU --reason TEXT"


@command(
    "check",
    table=True,
    examples=("access-monitor config check", "access-monitor --config staging.toml config check --json"),
)
@click.pass_obj
def check(options: Options) -> int:
    """Check the configuration, and what loading it would take from production.

    Names everything that is wrong and ends with 78. With a database, ends with 10 if loading the file would pause,
    withdraw or deny an entry that production may use. Changes nothing.
    """
    from monitor.settings import InvalidConfiguration, load
    from monitor.settings.destinations import unusable_destinations
    from monitor.settings.templates import unusable_templates

    def unusable(document: Document, path: Path) -> Iterator[Finding]:
        yield from unusable_destinations(document, path)
        yield from unusable_templates(document, path)

    try:
        settings = load(config_path(options), os.environ, options.database, further=unusable)
    except InvalidConfiguration as error:
        if options.json:
            output.as_json({"problems": list(error.problems)})
        for problem in error.problems:
            click.echo(f"Error: {output.printable(problem)}", err=True)
        return error.exit_code
    if not options.json:
        _print_in_order(settings)
    with ExitStack() as stack:
        monitor = _recorded(settings, stack)
        assessment = None if monitor is None else monitor.assess(settings)
    if options.json:
        output.as_json(_as_json(settings, assessment))
    elif assessment is not None:
        _print(assessment)
    return WOULD_CHANGE if assessment is not None and assessment.taken else 0


@command("diff", table=True, examples=("access-monitor config diff", "access-monitor config diff --json"))
@click.pass_obj
def diff(options: Options) -> None:
    """Show the keys that differ from the configuration in effect."""
    settings = _loaded(options)
    with _there(settings) as monitor:
        differences = monitor.assess(settings).differences
    if differences is None:
        raise ConfigurationError("The database holds no whole configuration yet: `access-monitor poll` records one.")
    if options.json:
        output.as_json([{"key": row.path, "old": row.old, "new": row.new} for row in differences])
    elif differences:
        output.table(("KEY", "ACCEPTED", "FILE"), list(_rows(differences)), broken=True)
    else:
        output.note(f"{settings.path} is the configuration in effect.")


@command(
    "accept", examples=("access-monitor config accept --by 'Ada L.' --reason 'we move to the EU region' --expect 4711",)
)
@by_person
@reason_given
@click.option(
    "--expect",
    metavar="POSITION",
    type=click.IntRange(min=0),
    help="Refuse if something relevant was recorded after it; `config check` prints it.",
)
@click.pass_obj
def accept(options: Options, *, by: str, reason: str, expect: int | None) -> None:
    """Accept what loading the file takes from production.

    The next start, reload or poll then loads it. The acceptance covers this file, this environment and the entries
    that were shown; after a change of any of them, accept again.
    """
    settings = _loaded(options)
    with _there(settings) as monitor:
        event = monitor.accept(settings, by=by, reason=reason, via=via(), expect=expect)
    if event is None:
        output.note(f"{settings.path} takes nothing from production and needs no acceptance.")
        return
    consequences = [
        f"{act} {', '.join(event.data[act])}" for act in ("pauses", "withdraws", "denies") if event.data[act]
    ]
    click.echo(output.printable(f"{event.position}  {event.type}  {'; '.join(consequences)}"))
    output.note("It takes effect at the next `access-monitor poll`, reload (SIGHUP) or start.")


@command("show", table=True, examples=("access-monitor config show", "access-monitor config show --json"))
@click.pass_obj
def show(options: Options) -> None:
    """Show every setting and where it comes from; secrets are masked."""
    from monitor import settings

    shown = settings.show(_loaded(options))
    if options.json:
        output.as_json([row._asdict() for row in shown])
        return
    output.table(("KEY", "VALUE", "FROM"), [(row.key, _written(row.value), row.origin) for row in shown])


@command("schema", examples=("access-monitor config schema > monitor.schema.json",))
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors."""
    from monitor.settings import schema

    output.as_json(schema())


config = Group(
    "config",
    commands=(check, diff, accept, show, schema),
    help="Check, accept, show or describe the configuration.",
    examples=(*check.examples, *diff.examples, *accept.examples, *show.examples, *schema.examples),
)


def _loaded(options: Options) -> Settings:
    from monitor.settings import load

    return load(config_path(options), os.environ, options.database)


def _there(settings: Settings) -> AbstractContextManager[Monitor]:
    """Return the monitor over the database that there has to be, whether or not the file would be taken."""
    from monitor.app.bootstrap import monitor_over

    return monitor_over(settings, os.environ)


def _recorded(settings: Settings, stack: ExitStack) -> Monitor | None:
    """As `_there`, but None where there is no database, or where the secret with its URL is not at hand."""
    from monitor.app.bootstrap import database_url
    from monitor.settings import is_reference
    from monitor.store import NoDatabase

    if is_reference(settings.database):
        try:
            database_url(settings, os.environ)
        except ConfigurationError as error:
            output.note(f"What loading it would do was not checked. {error}")
            return None
    try:
        return stack.enter_context(_there(settings))
    except NoDatabase:
        return None


def _print_in_order(settings: Settings) -> None:
    declared = settings.configuration
    counts = (
        (declared.surfaces, "surface"),
        (declared.sources, "source"),
        (declared.owners, "owner"),
        (declared.entries, "entry"),
    )
    click.echo(f"{settings.path} is in order: {', '.join(output.plural(len(rows), noun) for rows, noun in counts)}.")


def _print(assessment: LoadingEffect) -> None:
    from monitor.registry.configuration_acceptance import effect_in_words

    for sentence in effect_in_words(assessment):
        click.echo(output.printable(sentence))
    if not assessment.loads:
        click.echo(
            f"Until somebody accepts that, the monitor goes on as before: {ACCEPT} --expect {assessment.position}"
        )


def _as_json(settings: Settings, assessment: LoadingEffect | None) -> dict[str, object]:
    from monitor.audit.documents import of_loading

    record: dict[str, object] = {"path": str(settings.path), "problems": [], "version": settings.configuration.version}
    if assessment is None:
        return {**record, "database": False}
    return {**record, "database": True, **of_loading(assessment)}


def _written(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _rows(differences: Iterable[KeyDifference]) -> Iterator[tuple[str, str, str]]:
    """Yield a row for each key; of a table that came or went each key that says something."""
    for difference in differences:
        path, old, new = difference.path, difference.old, difference.new
        if isinstance(old or new, dict):
            of_old, of_new = (value if isinstance(value, dict) else {} for value in (old, new))
            names = [name for name in {**of_old, **of_new} if of_old.get(name) or of_new.get(name)]
            yield from ((f"{path}.{name}", _value(of_old.get(name)), _value(of_new.get(name))) for name in names)
        else:
            yield path, _value(old), _value(new)


def _value(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {text}" for name, below in value.items() if (text := _written(below)))
    return "none" if value is None else _written(value)
