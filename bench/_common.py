"""What the benches share: the table they print, rounds in turns, children, and the memory of a process.

Only ratios within one run, or the memory of a process, are judged: no bench compares a time with a time of another day.
Importing this module makes `monitor` importable from a checkout.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

ROWS = "BENCH_ROWS"
"""The environment variable that names a file to which every row is also written, for the closing table of `run.py`."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of a table. `figure` is what is judged, in `unit` (`x` for a ratio): at most `limit`, or with `at_least`
    no less.
    """

    what: str
    ours: str
    bare: str
    figure: float
    limit: float
    unit: str = "x"
    at_least: bool = False

    @property
    def fine(self) -> bool:
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit

    def cells(self) -> tuple[str, ...]:
        bound = f"{'≥' if self.at_least else '≤'} {self.limit:g} {self.unit}"
        return self.what, self.ours, self.bare, f"{self.figure:.2f} {self.unit}", bound, "ok" if self.fine else "OVER"


def failed(what: str, why: str) -> Row:
    """Return the row of a measurement that could not be made, which is never fine."""
    return Row(what=what, ours=why, bare="–", figure=float("inf"), limit=0)


def show(rows: Sequence[Row]) -> int:
    """Print the table; returns the exit code: 1 if a limit is exceeded."""
    table = [("what", "ours", "bare", "figure", "limit", ""), *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(6)]
    for line in table:
        aligned = [cell.rjust(width) for cell, width in zip(line[1:5], widths[1:5], strict=True)]
        print("  ".join([line[0].ljust(widths[0]), *aligned, line[5]]).rstrip())
    sys.stdout.flush()
    return 0 if all(row.fine for row in rows) else 1


def report(rows: Sequence[Row]) -> int:
    """As `show`, and hand the rows on to whoever runs all benches."""
    if path := os.environ.get(ROWS):
        with Path(path).open("a") as file:
            file.writelines(json.dumps(asdict(row)) + "\n" for row in rows)
    return show(rows)


class Took(NamedTuple):
    """Seconds by the clock, and those in which this process computed."""

    wall: float
    cpu: float


def seconds(act: Callable[[], object]) -> float:
    """Return how long one call takes."""
    return timed(act).wall


def timed(act: Callable[[], object]) -> Took:
    """Return what one call takes."""
    began, computed = time.perf_counter(), time.process_time()
    act()
    return Took(time.perf_counter() - began, time.process_time() - computed)


def interleaved(ours: Callable[[], object], bare: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Return the best of both in seconds, in turns. What others do on the machine only ever adds, so the best is
    nearest to the truth.
    """
    mine, theirs = interleaved_costs(ours, bare, rounds)
    return mine.wall, theirs.wall


def interleaved_costs(ours: Callable[[], object], bare: Callable[[], object], rounds: int) -> tuple[Took, Took]:
    """Return the best of both, in turns, by the clock and in computing, each for itself.

    Who begins alternates: what one leaves behind (a dirty page, a warm cache) is as often an aid as a burden.
    """
    costs: dict[Callable[[], object], list[Took]] = {ours: [], bare: []}
    for number in range(rounds):
        for act in (ours, bare) if number % 2 else (bare, ours):
            costs[act].append(timed(act))
    mine, theirs = (Took(*map(min, zip(*costs[act], strict=True))) for act in (ours, bare))
    return mine, theirs


def milliseconds(took: float) -> str:
    return f"{took * 1000:.1f} ms"


def child(script: str, *arguments: str) -> object:
    """Run a bench again as a child and return the JSON it prints: what is measured there touches no memory but its own.

    Raises:
        subprocess.CalledProcessError: it failed; what it complained of is on stderr.
    """
    command = [sys.executable, script, "--child", *arguments]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


@contextmanager
def served() -> Iterator[str]:
    """Provide the address of a server in a process of its own, for as long as the block runs."""
    command = [sys.executable, str(Path(__file__).with_name("_server.py"))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait()


def memory(field: str = "VmRSS") -> float:
    """Return the resident memory of this process in MiB; with `VmHWM` its peak."""
    found = re.search(rf"^{field}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None, "this needs Linux"
    return int(found[1]) / 1024


def chosen(known: Iterable[str], asked: Sequence[str]) -> list[str]:
    """Return the names that were asked for, or all.

    Raises:
        SystemExit: one of them is not known.
    """
    known = list(known)
    if unknown := set(asked) - set(known):
        raise SystemExit(f"there is no case {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return [name for name in known if not asked or name in asked]
