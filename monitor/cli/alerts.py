"""`alerts` and `silences`: what is open, who has it, and what to type next."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from monitor.cli import output
from monitor.cli.framework import Options, command
from monitor.cli.opening import opened
from monitor.core.moments import utc
from monitor.core.time import rounded

if TYPE_CHECKING:
    from monitor.audit.alerts import Alert
    from monitor.audit.silences import Silence
    from monitor.core.notices import Acknowledgement


@command(
    "alerts",
    table=True,
    examples=(
        "access-monitor alerts",
        "access-monitor alerts --all",
        "access-monitor alerts --json | jq '.[].command'",
    ),
)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Also pending changes, windows to come and entries never activated.",
)
@click.pass_obj
def alerts(options: Options, *, everything: bool) -> None:
    """Show what is open: since when, who has it, what to type next.

    Pauses, entries that production is denied, sources that cannot be read or are too old, changes held for review,
    approvals that wait for a second person, maintenance windows and silences.
    """
    from monitor.audit import documents
    from monitor.audit.alerts import alerts as open_alerts

    with opened(options) as monitor, monitor.store.read() as reader:
        now = monitor.clock()
        rows = open_alerts(reader, monitor.configuration, now, everything=everything)
    if options.json:
        output.as_json([documents.of_alert(row) for row in rows])
        return
    if not rows:
        output.note("Nothing is open.")
        return
    output.table(
        ("WHAT", "SUBJECT", "SINCE", "WHO HAS IT", "WHY", "NEXT"),
        [
            (
                row.kind.value,
                row.subject,
                _since(row, now),
                _who(row),
                "; ".join(part for part in (row.what, _until(row), _production(row)) if part),
                row.command,
            )
            for row in rows
        ],
        coloured="WHAT",
    )


@command("silences", table=True, examples=("access-monitor silences", "access-monitor silences --json"))
@click.pass_obj
def silences(options: Options) -> None:
    """Show silences: entry, end, author and reason."""
    from monitor.audit import documents
    from monitor.audit.silences import silences as lasting

    with opened(options) as monitor, monitor.store.read() as reader:
        now = monitor.clock()
        rows = lasting(reader, now)
    if options.json:
        output.as_json([documents.of_silence(row) for row in rows])
        return
    if not rows:
        output.note("No entry is silent.")
        return
    output.table(
        ("ENTRY", "SINCE", "UNTIL", "BY", "REASON"),
        [(row.entry, utc(row.since), utc(row.until), row.by, row.reason) for row in rows],
    )
    output.note("End one with `access-monitor silence ENTRY --lift --by YOU --reason WHY`.")


def in_hand(row: Acknowledgement) -> str:
    """Say who has a pause in hand, and their note."""
    return f"{row.by}: {row.note}" if row.note else row.by


def silence_in_words(row: Silence) -> str:
    """Say until when an entry is silent, and for whom and what."""
    return f"until {utc(row.until)}: {row.reason} ({row.by})"


def _since(row: Alert, now: datetime) -> str:
    if row.since is None:
        return ""
    return f"from {utc(row.since)}" if row.since > now else f"{rounded(now - row.since)} ago"


def _who(row: Alert) -> str:
    return "" if row.acknowledged is None else in_hand(row.acknowledged)


def _until(row: Alert) -> str:
    return f"until {utc(row.until)}" if row.until else ""


def _production(row: Alert) -> str:
    return "production is allowed" if row.production == "allowed" else ""
