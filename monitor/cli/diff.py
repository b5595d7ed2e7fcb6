"""`diff`: what differs in the registry between two times."""

from __future__ import annotations

from dataclasses import asdict

import click

from monitor.cli import output
from monitor.cli.framework import Options, command
from monitor.cli.names import complete_entries
from monitor.cli.opening import opened
from monitor.cli.times import time_argument
from monitor.core.moments import Moment, both


@command(
    "diff",
    table=True,
    examples=(
        "access-monitor diff 2026-07-30 2026-07-31",
        "access-monitor diff '2h ago' now gpt-5.6-luna",
        "access-monitor diff 2026-07-01 now --json",
    ),
)
@time_argument("first", "T1")
@time_argument("second", "T2")
@click.argument("entry", required=False, shell_complete=complete_entries)
@click.pass_obj
def diff(options: Options, *, first: Moment, second: Moment, entry: str | None) -> None:
    """Show what differs in the registry between two times.

    Status, reason, pins, checks and declaration of every entry, or of one, as recorded at T1 and at T2.
    """
    from monitor.audit.registry_diff import registry_diff

    with opened(options) as monitor, monitor.store.read() as reader:
        now = monitor.clock()
        start, end = first.resolve(now), second.resolve(now)
        if start > end:
            raise click.UsageError(f"T1 ({both(start)}) is after T2 ({both(end)}): name the earlier time first.")
        rows = registry_diff(reader, start, end, entry or "")
    if options.json:
        output.as_json([asdict(row) for row in rows])
    elif rows:
        output.table(
            ("ENTRY", "WHAT", "THEN", "LATER"),
            [(row.entry, row.what, row.old or "", row.new or "") for row in rows],
        )
    else:
        output.note(f"Nothing differs between {both(start)} and {both(end)}.")
