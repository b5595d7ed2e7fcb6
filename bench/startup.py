"""How long the commands that others wait for take to start, as ratios to a yardstick of the same run.

    python bench/startup.py [--runs N] [NAME…]

Only ratios are judged: a slow machine slows both sides. Command and yardstick are run in turns and the best of each are
compared, since what else runs there only ever adds. Exits 1 when a limit is exceeded or a command fails.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from _common import ROOT, Row, chosen, failed, interleaved, milliseconds, report

# An installed package is compiled; without this a checkout would be compiled anew by every command.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

BARE = (sys.executable, "-I", "-c", "pass")


@dataclass(frozen=True, kw_only=True)
class Case:
    """A command, what it is measured against, and how many times as long it may take. `prepare` runs once before."""

    name: str
    what: str
    command: Sequence[str]
    yardstick: Sequence[str]
    limit: float
    prepare: Sequence[str] = ()


def cases(folder: Path) -> list[Case]:
    script = Path(sys.executable).with_name("access-monitor")
    command = (str(script),) if script.exists() else (sys.executable, "-m", "monitor")
    config = folder / "monitor.toml"
    config.write_text(f'[database]\nurl = "sqlite:///{folder}/monitor.db"\n[gate]\nlease_dir = "{folder}"\n')
    configured = (*command, "--config", str(config))
    gate = (*command, "gate", "--lease", str(folder / "production.json"), "entry-0")
    return [
        Case(name="gate", what="gate --lease, over a bare interpreter", command=gate, yardstick=BARE, limit=3),
        Case(
            name="help",
            what="--help, over importing click",
            command=(*command, "--help"),
            yardstick=(sys.executable, "-c", "import click"),
            limit=3,
        ),
        Case(
            name="status",
            what="status, over importing SQLAlchemy",
            command=(*configured, "status"),
            yardstick=(sys.executable, "-c", "import sqlalchemy"),
            limit=2.2,
            prepare=(*configured, "db", "upgrade"),
        ),
    ]


def write_leases(folder: Path) -> None:
    """Write a lease file as a team of twenty entries has it."""
    from monitor.core.configuration import GateRules
    from monitor.core.entry import Status
    from monitor.core.events import LogHead
    from monitor.gate.decision import Standing
    from monitor.gate.lease_file import lease_documents, write_lease

    now = datetime.now(UTC)
    later = now + timedelta(days=1)
    standings = {
        f"entry-{n}": Standing(
            key=f"entry-{n}",
            name=f"Entry {n}",
            model_ids=(f"model-{n}",),
            status=Status.ACTIVE,
            position=n + 1,
            access_until=later,
            price_until=later,
        )
        for n in range(20)
    }
    write_lease(
        folder,
        lease_documents(standings, GateRules(environments=("production",)), now, LogHead("bench", 1, 20)),
        LogHead("bench", 1, 20),
    )


def run(command: Sequence[str]) -> None:
    """Run a command once.

    Raises:
        subprocess.CalledProcessError: it ended with another code than 0, so its time says nothing.
    """
    subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def measure(case: Case, runs: int) -> Row:
    try:
        if case.prepare:
            run(case.prepare)
        for _ in range(2):  # compiled files and caches
            run(case.command)
            run(case.yardstick)
        ours, bare = interleaved(lambda: run(case.command), lambda: run(case.yardstick), runs)
    except subprocess.CalledProcessError as error:
        last = error.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        return failed(case.what, f"ended with {error.returncode}: {last}")
    return Row(
        what=case.what,
        ours=milliseconds(ours),
        bare=milliseconds(bare),
        figure=ours / bare,
        limit=case.limit,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Ratios of starting times.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="gate, help, status; all unless given")
    parser.add_argument("--runs", type=int, default=21)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_leases(folder)
        known = {case.name: case for case in cases(folder)}
        return report([measure(known[name], options.runs) for name in chosen(known, options.names)])


if __name__ == "__main__":
    sys.exit(main())
