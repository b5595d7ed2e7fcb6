"""How long the commands that others wait for take to start, as ratios to a yardstick of the same run.

    python bench/startup.py [--runs N] [NAME…]

Only ratios are judged: a slow or busy machine slows both sides. Yardstick and command are run in turn, so that a burst of load
hits both, and medians are compared. Exits 1 when a limit is exceeded or a command fails.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

BARE = (sys.executable, "-I", "-c", "pass")


@dataclass(frozen=True, kw_only=True)
class Case:
    """A command, what it is measured against, and how many times as long it may take. `prepare` runs once before."""

    name: str
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
        Case(name="gate", command=gate, yardstick=BARE, limit=3),
        Case(name="help", command=(*command, "--help"), yardstick=(sys.executable, "-c", "import click"), limit=3),
        Case(
            name="status",
            command=(*configured, "status"),
            yardstick=(sys.executable, "-c", "import sqlalchemy"),
            limit=2.2,
            prepare=(*configured, "db", "upgrade"),
        ),
    ]


def write_leases(folder: Path) -> None:
    """A lease file as a team of twenty entries has it."""
    from monitor.domain.gate import Standing
    from monitor.domain.registry import Status
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
    write_lease(folder, lease_documents(standings, ("production",), now, timedelta(hours=6), 20), 20)


def seconds(command: Sequence[str]) -> float:
    """Run a command once.

    Raises:
        subprocess.CalledProcessError: it ended with another code than 0, so its time says nothing.
    """
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return time.perf_counter() - began


def measure(case: Case, runs: int) -> tuple[float, float]:
    """Medians of the command and of its yardstick, in seconds."""
    if case.prepare:
        seconds(case.prepare)
    for _ in range(2):  # compiled files and caches
        seconds(case.command)
        seconds(case.yardstick)
    pairs = [(seconds(case.command), seconds(case.yardstick)) for _ in range(runs)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def main() -> int:
    parser = argparse.ArgumentParser(description="Ratios of starting times.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="gate, help, status; all unless given")
    parser.add_argument("--runs", type=int, default=31)
    options = parser.parse_args()
    exceeded = False
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_leases(folder)
        known = cases(folder)
        if unknown := set(options.names) - {case.name for case in known}:
            parser.error(f"there is no case {', '.join(sorted(unknown))}")
        print(f"{'case':8} {'command':>10} {'yardstick':>10} {'ratio':>7} {'limit':>6}")
        for case in known:
            if options.names and case.name not in options.names:
                continue
            try:
                command, yardstick = measure(case, options.runs)
            except subprocess.CalledProcessError as error:
                exceeded = True
                last = error.stderr.decode(errors="replace").strip().rpartition("\n")[2]
                print(f"{case.name:8} ended with {error.returncode}: {last}")
                continue
            ratio = command / yardstick
            exceeded |= ratio > case.limit
            print(
                f"{case.name:8} {command * 1000:7.1f} ms {yardstick * 1000:7.1f} ms {ratio:7.2f} {case.limit:6.1f}"
                + ("  EXCEEDED" if ratio > case.limit else "")
            )
    return 1 if exceeded else 0


if __name__ == "__main__":
    sys.exit(main())
