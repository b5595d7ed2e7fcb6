"""`coverage`: which source watches each assumption now, and which assumption nothing watches."""

from __future__ import annotations

import click

from monitor.cli import output
from monitor.cli.framework import Options, command
from monitor.cli.names import complete_entries
from monitor.cli.opening import opened
from monitor.core.moments import both
from monitor.core.time import rounded


@command(
    "coverage",
    table=True,
    examples=(
        "access-monitor coverage gpt-5.6-luna",
        "access-monitor coverage --exit-code",
        "access-monitor coverage --json | jq '.[] | select(.state == \"unwatched\")'",
    ),
)
@click.argument("entry", required=False, shell_complete=complete_entries)
@click.option("--exit-code", is_flag=True, help="End with 1 if nothing watches an assumption now.")
@click.pass_obj
def coverage(options: Options, *, entry: str | None, exit_code: bool) -> int:
    """Show what watches each pin and check.

    Lists the sources behind every pin and required check, and when they were last read. An entry that was never
    activated shows the pins that an activation would set.
    """
    from monitor.audit import documents
    from monitor.audit.coverage import GAPS
    from monitor.audit.coverage import coverage as covered

    with opened(options) as monitor, monitor.store.read() as reader:
        now = monitor.clock()
        rows = covered(reader, monitor.configuration, now, entry or "")
    gaps = [row for row in rows if row.state in GAPS]
    if options.json:
        output.as_json([documents.of_coverage(row) for row in rows])
    elif rows:
        output.table(
            ("ENTRY", "KIND", "WHAT", "STATE", "READ", "WATCHED BY"),
            [
                (
                    row.entry,
                    row.kind,
                    row.name,
                    row.state,
                    f"{rounded(now - row.read_at)} ago" if row.read_at else "",
                    ", ".join(row.sources) or (f"a person's word until {both(row.until)}" if row.until else ""),
                )
                for row in rows
            ],
            coloured="STATE",
        )
        output.note(
            f"Nothing watches {output.plural(len(gaps), 'assumption')} now." if gaps else "Everything is watched."
        )
    else:
        output.note("The registry is empty; `access-monitor poll` loads the configuration.")
    return 1 if exit_code and gaps else 0
