"""`config`: whether the configuration is right, what is in effect, and what may stand in the file."""

from __future__ import annotations

import os

import click

from monitor.cli import output
from monitor.cli.framework import Group, Options, command
from monitor.cli.opening import config_path


@command("check", examples=("access-monitor config check", "access-monitor --config staging.toml config check"))
@click.pass_obj
def check(options: Options) -> int:
    """Say everything that is wrong with the configuration; 78 if anything is."""
    from monitor.settings import InvalidConfiguration, load

    try:
        settings = load(config_path(options), os.environ, options.database)
    except InvalidConfiguration as error:
        for problem in error.problems:
            click.echo(f"Error: {output.printable(problem)}", err=True)
        return error.exit_code
    declared = settings.configuration
    counts = (
        (declared.surfaces, "surface"),
        (declared.sources, "source"),
        (declared.owners, "owner"),
        (declared.entries, "entry"),
    )
    click.echo(f"{settings.path} is in order: {', '.join(output.plural(len(rows), noun) for rows, noun in counts)}.")
    return 0


@command("show", table=True, examples=("access-monitor config show", "access-monitor config show --json"))
@click.pass_obj
def show(options: Options) -> None:
    """Show every setting in effect and where it comes from; secrets are masked."""
    from monitor import settings

    shown = settings.show(settings.load(config_path(options), os.environ, options.database))
    if options.json:
        output.as_json([row._asdict() for row in shown])
        return
    output.table(("KEY", "VALUE", "FROM"), [(row.key, _written(row.value), row.origin) for row in shown])


@command("schema", examples=("access-monitor config schema > monitor.schema.json",))
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors that check TOML against one."""
    from monitor.settings import schema

    output.as_json(schema())


config = Group(
    "config",
    commands=(check, show, schema),
    help="Check, show or describe the configuration.",
    examples=(*check.examples, *show.examples, *schema.examples),
)


def _written(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
