"""Plays every fault some times and writes what became of it into docs/reliability.md, by
`python tests/faults/table.py [TIMES]`.

As root on Linux; what a machine cannot play stays out of the table, and is said. Some minutes for each time.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from fault_plays import NO_FAULT, PLAYS, Played, Unplayable  # noqa: E402 (after the path)
from preloaded import Nursery  # noqa: E402
from story_world import Provider, Story, serving  # noqa: E402

PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- played -->", "<!-- /played -->"
HEAD = "|fault|times|known as|seconds|MB|other polls|\n|---|---|---|---|---|---|\n"


def played(name: str, times: int, nursery: Nursery) -> list[Played]:
    """Play a fault so many times, each in a folder and beside a provider of its own."""
    results = []
    for _ in range(times):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, serving(Provider()) as provider:
            story = Story(Path(folder), provider, nursery)
            try:
                results.append(PLAYS[name][0](story))
            finally:
                for daemon in story.daemons:
                    daemon.stop()
    return results


def row(name: str, results: list[Played]) -> str:
    """Return the row of a fault: the usual time, the most memory, the fewest polls of others."""
    known = ", ".join(sorted({result.known for result in results}))
    seconds = "" if known == NO_FAULT else f"{statistics.median(result.seconds for result in results):.1f}"
    most, others = max(result.peak for result in results), min(result.others for result in results)
    return f"|{name}|{len(results)}|{known}|{seconds}|{most:.0f}|{others}|\n"


def main() -> None:
    """Play all and write the table."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    nursery, rows = Nursery(), []
    try:
        for name in PLAYS:
            try:
                rows.append(row(name, played(name, times, nursery)))
            except Unplayable as error:
                print(f"NOT PLAYED: {name}: {error}", file=sys.stderr)
                continue
            print(rows[-1], end="", flush=True)
    finally:
        nursery.close()
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{HEAD}{''.join(rows)}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
