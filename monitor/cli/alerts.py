"""`alerts` and `silences`: what is open, who has it, and what to type next."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

import click

from monitor.cli import output
from monitor.cli.framework import Options, command
from monitor.cli.opening import opened
from monitor.cli.times import utc
from monitor.core.events import rfc3339
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
    help="Also what decides nothing yet: changes that are being counted, windows to come, entries never activated.",
)
@click.pass_obj
def alerts(options: Options, *, everything: bool) -> None:
    """Show what is open: since when, who has it, what to type next.

    Pauses, entries that production is denied, sources that cannot be read or are too old, changes held for review,
    approvals that wait for a second person, maintenance windows and silences.
    """
    from monitor.audit.alerts import alerts as open_alerts

    with opened(options) as monitor, monitor.store.read() as reader:
        now = monitor.clock()
        rows = open_alerts(reader, monitor.configuration, now, everything=everything)
    if options.json:
        output.as_json([alert_json(row) for row in rows])
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
    """Show silences: which entry, until when, who asked, and why."""
    from monitor.audit.silences import silences as lasting

    with opened(options) as monitor, monitor.store.read() as reader:
        now = monitor.clock()
        rows = lasting(reader, now)
    if options.json:
        output.as_json([silence_json(row) for row in rows])
        return
    if not rows:
        output.note("No entry is silent.")
        return
    output.table(
        ("ENTRY", "SINCE", "UNTIL", "BY", "REASON"),
        [(row.entry, utc(row.since), utc(row.until), row.by, row.reason) for row in rows],
    )
    output.note("End one with `access-monitor silence ENTRY --lift --by YOU --reason WHY`.")


def alert_json(row: Alert) -> dict[str, object]:
    """Return an open matter for scripts."""
    acknowledged = row.acknowledged
    return {
        **asdict(row),
        "kind": row.kind.value,
        "since": _time(row.since),
        "until": _time(row.until),
        "acknowledged": None if acknowledged is None else acknowledgement_json(acknowledged),
    }


def acknowledgement_json(row: Acknowledgement) -> dict[str, object]:
    """Return who has a pause in hand, for scripts."""
    return {"by": row.by, "at": rfc3339(row.at), "note": row.note}


def in_hand(row: Acknowledgement) -> str:
    """Say who has a pause in hand, and their note."""
    return f"{row.by}: {row.note}" if row.note else row.by


def silence_in_words(row: Silence) -> str:
    """Say until when an entry is silent, and for whom and what."""
    return f"until {utc(row.until)}: {row.reason} ({row.by})"


def silence_json(row: Silence) -> dict[str, object]:
    """Return a silence for scripts."""
    return {**asdict(row), "since": rfc3339(row.since), "until": rfc3339(row.until)}


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


def _time(at: datetime | None) -> str | None:
    return rfc3339(at) if at else None
