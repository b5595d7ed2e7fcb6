"""`doctor`: whether everything is in order that the monitor stands on."""

from __future__ import annotations

import os
from dataclasses import asdict

import click

from monitor.cli import output
from monitor.cli.framework import Options, command
from monitor.cli.opening import config_path


@command(
    "doctor",
    table=True,
    examples=("access-monitor doctor", "access-monitor doctor --json | jq '.[] | select(.ok | not)'"),
)
@click.pass_obj
def doctor(options: Options) -> int:
    """Examine clock, disk, database, keys, destinations and lease folder.

    Keys are tried with a free call; nothing is sent to destinations. Ends with 1 if anything is not ok, and says
    how to fix it.
    """
    from monitor.app.doctor import examine
    from monitor.settings import load

    findings = list(examine(load(config_path(options), os.environ, options.database), os.environ))
    if options.json:
        output.as_json([asdict(finding) for finding in findings])
    else:
        output.table(
            ("STATE", "WHAT", "HOW IT IS"),
            [("ok" if finding.ok else "not ok", finding.subject, finding.detail) for finding in findings],
            coloured="STATE",
        )
    return 0 if all(finding.ok for finding in findings) else 1
