"""`lifecycle`: when models end, by whom it is said, what replaces them, and how many days are left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from monitor.cli import output
from monitor.cli.framework import Options, command
from monitor.cli.names import complete_entries
from monitor.cli.opening import opened
from monitor.core.ends import end_in_words
from monitor.core.time import rounded

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.audit.lifecycle import End


@command(
    "lifecycle",
    table=True,
    examples=(
        "access-monitor lifecycle",
        "access-monitor lifecycle gpt-5.4-mini",
        "access-monitor lifecycle openai/gpt-4.1 --json",
        "access-monitor lifecycle --ics > ends.ics",
    ),
)
@click.argument("name", metavar="[ENTRY|MODEL]", default="", shell_complete=complete_entries)
@click.option("--ics", is_flag=True, help="As a calendar (iCalendar), one event for each model and day.")
@click.pass_obj
def lifecycle(options: Options, *, name: str, ics: bool) -> None:
    """Show announced ends, by source.

    With the recommended replacement, and whether the model is still listed. Without a name: all ends ahead, and
    those of entries. MODEL may name its provider: openai/gpt-4.1. DAYS are left until a firm end.
    """
    from monitor.audit import documents
    from monitor.audit.calendar import calendar
    from monitor.audit.lifecycle import ends

    if ics and options.json:
        raise click.UsageError("--ics and --json are two forms of the same; give one of them.")

    with opened(options) as monitor, monitor.store.read() as reader:
        now = monitor.clock()
        dates = ends(reader, monitor.configuration, now, name)
    if ics:
        click.echo(calendar(dates, now), nl=False)
    elif options.json:
        output.as_json([documents.of_end(end) for end in dates])
    elif dates:
        _print(dates, now)
    else:
        output.note("No source announces an end that is still ahead.")


def _print(found: list[End], now: datetime) -> None:
    output.table(
        ("MODEL", "ENDS", "DAYS", "LISTED", "REPLACEMENT", "ENTRIES", "SOURCE", "SEEN", "AGREES"),
        [
            (
                f"{end.provider}/{end.model}",
                end_in_words(end.day.isoformat(), end.precision),
                "" if end.days is None else str(end.days),
                "" if end.listed is None else "yes" if end.listed else "no",
                end.replacement,
                ", ".join(end.entries),
                end.source,
                f"{rounded(now - end.verified_at)} ago" if end.verified_at else "",
                "" if end.agrees else "differs",
            )
            for end in found
        ],
        numbers=("DAYS",),
    )
