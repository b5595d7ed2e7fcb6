"""`sources`: how each source stands, and of one everything that is not confirmed or not understood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import click

from monitor.cli import output
from monitor.cli.framework import Options, command
from monitor.cli.names import complete_sources
from monitor.cli.opening import opened
from monitor.core.moments import both, utc
from monitor.core.ports import MonitorError
from monitor.core.text import duration_in_words
from monitor.core.time import rounded

if TYPE_CHECKING:
    from monitor.audit.node_status import NodeRow
    from monitor.audit.source_status import SourceRow


@command(
    "sources",
    table=True,
    examples=(
        "access-monitor sources",
        "access-monitor sources openai-pricing",
        "access-monitor sources --json | jq '.[] | select(.state != \"ok\").key'",
    ),
)
@click.argument("source", required=False, shell_complete=complete_sources)
@click.pass_obj
def sources(options: Options, *, source: str | None) -> None:
    """Show the state of each source, or all about one.

    States: ok; down (the last poll failed); stale (the last good poll is too old); held (a part is held for
    review); unpolled. For one source, every unconfirmed difference and every refused part is listed.
    """
    from monitor.audit import documents
    from monitor.audit.node_status import node_rows
    from monitor.audit.source_status import refused_parts, source_rows

    with opened(options) as monitor, monitor.store.read() as reader:
        now = monitor.clock()
        rows = source_rows(reader, monitor.configuration, now, source or None)
        nodes = node_rows(reader, monitor.configuration, now)
        if source:
            try:
                rows = [replace(rows[0], refused=refused_parts(monitor.source, reader, source, now))]
            except MonitorError as error:
                output.note(str(error))
    if options.json:
        output.as_json([documents.of_source(row) for row in rows])
    elif source:
        _print_source(rows[0], now)
    elif rows:
        _print_all(rows, nodes, now)
    else:
        output.note("No source is configured: add a [[source]] to the configuration.")


def _print_all(rows: Sequence[SourceRow], nodes: Sequence[NodeRow], now: datetime) -> None:
    output.table(
        (
            "SOURCE",
            "STATE",
            "LAST GOOD POLL",
            "FRESH UNTIL",
            "PENDING",
            "HELD",
            "LAST ERROR",
            *(["NODE"] * bool(nodes)),
        ),
        [
            (
                row.key,
                row.state.value,
                f"{rounded(now - row.good_at)} ago" if row.good_at else "never",
                utc(row.fresh_until) if row.fresh_until else "",
                str(len(row.pending)) if row.pending else "",
                str(len(row.held)) if row.held else row.anomaly,
                _error(row, now),
                *([row.node] * bool(nodes)),
            )
            for row in rows
        ],
        coloured="STATE",
        numbers=("PENDING",),
    )
    if nodes:
        click.echo()
        output.table(
            ("NODE", "ROLE", "STATE", "HEARD OF", "SOURCES", "POLLS", "VERSION"),
            [
                (
                    row.name,
                    row.role,
                    row.state.value,
                    f"{rounded(now - row.heartbeat_at)} ago",
                    str(row.sources),
                    str(row.polls),
                    row.version,
                )
                for row in nodes
            ],
            coloured="STATE",
            numbers=("SOURCES", "POLLS"),
        )
    poor = [row.key for row in rows if row.state != "ok"]
    if poor:
        output.note(f"Next: access-monitor sources {poor[0]}")


def _error(row: SourceRow, now: datetime) -> str:
    if not row.error or row.error_at is None:
        return row.error
    return f"{row.error} ({'since ' if row.state == 'down' else ''}{rounded(now - row.error_at)} ago)"


def _print_source(row: SourceRow, now: datetime) -> None:
    since = f" since {both(row.since)}" if row.since else ""
    fresh = f", relied on until {both(row.fresh_until)}" if row.fresh_until else ""
    lines = (
        ("source", f"{row.key} ({row.kind}, {row.trust})"),
        ("url", row.url),
        ("state", output.status(row.state.value) + since),
        ("polled", f"{both(row.polled_at)}, every {duration_in_words(row.every)}" if row.polled_at else "never"),
        ("good", f"{both(row.good_at)}, {rounded(now - row.good_at)} ago{fresh}" if row.good_at else "never"),
        ("subjects", str(row.subjects)),
        ("node", row.node),
        ("error", _error(row, now)),
        ("held", f"{row.anomaly.replace('_', ' ')}, event {row.position}" if row.anomaly else ""),
    )
    for name, value in lines:
        if value:
            click.echo(f"{name:<10}{value if name == 'state' else output.printable(value)}")
    changes = [*row.held, *row.pending]
    if changes:
        click.echo()
        output.table(
            ("NOT CONFIRMED", "DIFFERENCE", "POLLS", "SINCE", "UNTIL", "NEXT"),
            [
                (
                    change.subject,
                    change.what,
                    str(change.polls),
                    utc(change.since),
                    utc(change.until) if change.until else "",
                    f"access-monitor release {change.position} --by YOU --reason WHY" if change.release else "",
                )
                for change in changes
            ],
            numbers=("POLLS",),
        )
    if row.refused:
        click.echo()
        output.table(("REFUSED PART", "REASON"), [(refusal.where, refusal.reason) for refusal in row.refused])
    elif row.refused is not None:
        output.note("Every part of its evidence is understood.")
