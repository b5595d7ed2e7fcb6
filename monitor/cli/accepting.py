"""Showing what an acceptance comes to, before it is carried out: old and new pins side by side, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from monitor.cli import output

if TYPE_CHECKING:
    from monitor.registry.acceptance import Acceptance, Compared

_UNPINNED = "not pinned"


def pins(compared: Iterable[Compared]) -> None:
    """Print the pins that an acceptance would move, side by side, and how many it would leave; nothing where none was
    accepted before.
    """
    every = list(compared)
    changed = [comparison for comparison in every if comparison.moved]
    if all(comparison.accepted is None for comparison in every):
        return
    if changed:
        output.table(
            ("PIN", "ACCEPTED", "NOW"),
            [(comparison.pin, _spoken(comparison.accepted), _spoken(comparison.now)) for comparison in changed],
        )
    rest = len(every) - len(changed)
    click.echo(f"{output.plural(rest, 'pin')} {'is' if rest == 1 else 'are'} as accepted.")


def preview(found: Acceptance, command: str) -> int:
    """Print what an act would accept, and the command that carries it out as shown; 1 where it would be refused."""
    if any(comparison.accepted is not None for comparison in found.compared):
        pins(found.compared)
    else:
        output.table(
            ("PIN", "WOULD BE ACCEPTED"), [(comparison.pin, _spoken(comparison.now)) for comparison in found.compared]
        )
    if found.unpinned:
        output.note(f"Would not be pinned, since nothing is known of it: {', '.join(found.unpinned)}.")
    asks(found)
    for problem in found.problems:
        click.echo(output.printable(f"missing: {problem}"))
    if found.problems:
        return 1
    click.echo(f'Nothing is missing: {command} --by YOU --reason "…" --expect {found.position}')
    return 0


def asks(found: Acceptance) -> None:
    """Print which checks have to be verified anew, and what asks for them; nothing where nothing does."""
    if found.asks:
        click.echo(f"The {found.asked_by} asks for: {', '.join(found.asks)}.")


def _spoken(value: object) -> str:
    return _UNPINNED if value is None else "yes" if value is True else str(value)
