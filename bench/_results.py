"""What `run.py` writes down: `RESULTS.md` with every row, the machine and the versions, and `results.svg`, where each
figure stands against its limit.
"""

from __future__ import annotations

import html
import importlib.metadata
import platform
import re
import sqlite3
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from _common import ROOT, Row

LIBRARIES = ("SQLAlchemy", "httpx2", "openai", "apprise", "pydantic", "APScheduler", "starlette")
WIDTH, LINE, LABEL = 880, 22, 430
"""Pixels: of the picture, of a row, of its words."""

FURTHEST = 1.6
"""How far to the right the picture goes, in limits."""


def write(rows: Sequence[Row], folder: Path, *, left: Sequence[str] = ()) -> None:
    """Write both files into a folder; `left` are the benches that were not run, or not yet."""
    (folder / "results.svg").write_text(chart(rows))
    (folder / "RESULTS.md").write_text(document(rows, left))


def document(rows: Sequence[Row], left: Sequence[str] = ()) -> str:
    """Return the results in Markdown."""
    table = ["| what | ours | against | figure | limit | |", "|---|---:|---:|---:|---:|---|"]
    table += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row.cells())} |" for row in rows]
    over = [row for row in rows if not row.fine]
    verdict = "Every figure is within its limit." if not over else f"{len(over)} of {len(rows)} figures are over."
    return "\n".join(
        [
            "# Results of the benches",
            "",
            f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}. {verdict} Figures are ratios within one run, or",
            "the memory of a process; what each is measured against stands at the top of its file in this folder.",
            "",
            *([f"Not run: {', '.join(left)}.", ""] if left else []),
            "![Each figure against its limit](results.svg)",
            "",
            *table,
            "",
            "## Where it ran",
            "",
            *(f"* {line}" for line in machine()),
            "",
        ]
    )


def machine() -> list[str]:
    """Return what the machine and the versions are; no path and no name of it."""
    information = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    processor = re.search(r"^model name\s*: (.+)$", information, re.MULTILINE)
    cores = information.count("\nprocessor") + information.startswith("processor")
    memory = re.search(r"^MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    code = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return [
        f"code {code.stdout.strip() or 'unknown'}",
        f"{processor[1] if processor else platform.machine()}, {cores} cores"
        + (f", {int(memory[1]) / 2**20:.0f} GiB" if memory else ""),
        f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
        ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES),
    ]


def chart(rows: Sequence[Row]) -> str:
    """Return a picture in which every bar is a figure in parts of its limit; one that has to reach its limit is turned
    round, so that shorter is better throughout.
    """
    scale = (WIDTH - LABEL - 70) / FURTHEST
    height = LINE * (len(rows) + 2)
    limit = LABEL + scale
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="Each figure against its limit" font-family="sans-serif" font-size="12">',
        "<style>text{fill:#24292f}.fine{fill:#2da44e}.over{fill:#cf222e}.limit{stroke:#57606a;stroke-dasharray:4 3}"
        "@media (prefers-color-scheme:dark){text{fill:#e6edf3}.limit{stroke:#8b949e}}</style>",
        f'<text x="{limit}" y="14" text-anchor="middle">limit</text>',
        f'<line class="limit" x1="{limit}" x2="{limit}" y1="18" y2="{height - 6}"/>',
    ]
    for number, row in enumerate(rows):
        y = LINE * (number + 1) + 6
        length = scale * min(parts_of_limit(row), FURTHEST)
        words = row.what if len(row.what) <= 68 else f"{row.what[:67]}…"
        parts += [
            f'<text x="{LABEL - 8}" y="{y + 11}" text-anchor="end">{html.escape(words)}</text>',
            f'<rect class="{"fine" if row.fine else "over"}" x="{LABEL}" y="{y}" height="14" width="{length:.1f}"/>',
            f'<text x="{LABEL + length + 6:.1f}" y="{y + 11}">{html.escape(row.cells()[3])}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])


def parts_of_limit(row: Row) -> float:
    """Return a figure in parts of its limit."""
    if row.at_least:
        return row.limit / row.figure if row.figure else FURTHEST
    return row.figure / row.limit if row.limit else FURTHEST
