"""`--surface` of every command about an entry: which of its rows is meant, and what the others still wait for."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, TypeVar

import click

from monitor.cli import output

if TYPE_CHECKING:
    from monitor.app.bootstrap import Monitor
    from monitor.core.entry import Status

Act = TypeVar("Act", bound=Callable[..., object])


def surface_option(act: Act) -> Act:
    """Add the option that names a surface."""
    return click.option(
        "--surface",
        metavar="S",
        default="",
        help="The surface, of an entry on several; the first by default. Same as ENTRY@S.",
    )(act)


def row_of(monitor: Monitor, entry: str, surface: str) -> str:
    """Return the key of the row that is meant.

    Raises:
        UnknownSurface: the entry is not on this surface.
    """
    from monitor.registry.lookup import find_row

    with monitor.store.read() as reader:
        return find_row(reader.entries(), entry, surface)


def name_others(monitor: Monitor, key: str, act: str, statuses: Collection[Status]) -> None:
    """Name the other rows of an entry that wait for the same act, each with its command."""
    from monitor.registry.lookup import rows_of

    with monitor.store.read() as reader:
        rows = rows_of(reader.entries(), key)
    for row in rows:
        if row.key != key and row.status in statuses:
            surface = row.spec.surface
            command = f"access-monitor {act} {row.spec.entry} --surface {surface} --by … --reason …"
            output.note(output.printable(f"{row.spec.entry} on {surface} is still {row.status}: `{command}`."))
