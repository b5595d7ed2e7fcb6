"""Options and arguments that take a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from monitor.core.moments import Moment, parse

Act = TypeVar("Act", bound=Callable[..., object])


def time_option(name: str, help: str, *, dest: str = "") -> Callable[[Act], Act]:
    """Return an option that takes a time and hands on a `Moment`, or None where it is not given; as the argument `dest`
    if its own name cannot be one.
    """

    return click.option(name, *([dest] if dest else []), metavar="TIME", callback=_read, help=help)


def time_argument(name: str, metavar: str) -> Callable[[Act], Act]:
    """Return an argument that takes a time and hands on a `Moment`."""
    return click.argument(name, metavar=metavar, callback=_read)


def _read(ctx: click.Context, param: click.Parameter, value: str | None) -> Moment | None:
    try:
        return None if value is None else parse(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", ctx, param) from None
