"""Names on the command line: completing those that are configured, and refusing those that nobody knows.

What a completion cannot read it completes with nothing: a shell has no place for an error.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import click

from monitor.cli.framework import Options
from monitor.core.names import suggest

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from monitor.core.configuration import Configuration


def complete_entries(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the configured entries that begin so."""
    return _configured(ctx, incomplete, lambda configuration: configuration.entries)


def complete_sources(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the configured sources that begin so."""
    return _configured(ctx, incomplete, lambda configuration: configuration.sources)


def complete_recordings(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the configured sources that begin so, each with the equals sign that a file follows; then files."""
    from click.shell_completion import CompletionItem

    if "=" in incomplete:
        return [CompletionItem(incomplete.partition("=")[2], type="file")]
    return [CompletionItem(f"{key}=") for key in complete_sources(ctx, param, incomplete)]


def complete_owners(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the configured owners that begin so."""
    return _configured(ctx, incomplete, lambda configuration: configuration.owners)


def complete_checks(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the checks that begin so; of several with commas the last is completed."""
    from monitor.core.check_names import CHECKS

    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in CHECKS if name.startswith(last)]


def complete_event_types(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the types of events that begin so."""
    from monitor.core.event_types import EVENT_TYPES

    return [name for name in EVENT_TYPES if name.startswith(incomplete)]


def known_check(name: str) -> str:
    """Return the name of a check that there is; the empty name is none.

    Raises:
        click.UsageError: there is no such check.
    """
    from monitor.core.check_names import CHECKS

    if name and name not in CHECKS:
        raise click.UsageError(f"There is no check {name!r}; {suggest(name, CHECKS)}")
    return name


def known_event_types(glob: str) -> str:
    """Return a glob that matches a type of event; the empty one is none.

    Raises:
        click.UsageError: it matches none.
    """
    from monitor.core.event_types import EVENT_TYPES

    if glob and not any(fnmatchcase(name, glob) for name in EVENT_TYPES):
        families = dict.fromkeys(f"{name.partition('.')[0]}.*" for name in EVENT_TYPES)
        meant = suggest(glob, [*EVENT_TYPES, *families])
        if not meant.startswith("did you mean"):
            meant = f"there are {', '.join(families)}"
        raise click.UsageError(f"No type of event matches {glob!r}; {meant}")
    return glob


def known_name(what: str, name: str, known: Iterable[str]) -> str:
    """Return a name that is among the known ones; the empty name is none.

    Raises:
        click.UsageError: it is not; `what` says what it should have been the name of.
    """
    names = list(known)
    if name and name not in names:
        raise click.UsageError(f"There is no {what} {name!r}; {suggest(name, names)}")
    return name


def _configured(ctx: click.Context, incomplete: str, names: Callable[[Configuration], Iterable[str]]) -> list[str]:
    from monitor.cli.opening import config_path
    from monitor.core.ports import MonitorError
    from monitor.settings import load

    try:
        configuration = load(config_path(ctx.ensure_object(Options)), os.environ).configuration
    except MonitorError:
        return []
    return [name for name in names(configuration) if name.startswith(incomplete)]
