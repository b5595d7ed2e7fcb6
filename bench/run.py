"""Run every bench, each in a process of its own, print one closing table and write it into `RESULTS.md` with a picture.
Exits 1 when a limit is exceeded or a bench fails.

python bench/run.py [NAME…]

With names only these benches are run, and nothing is written.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from _common import ROWS, Row, chosen, failed, show
from _results import write

BENCHES = (
    "startup",
    "gate",
    "notices",
    "extraction",
    "store_commit",
    "cycle",
    "scale",
    "pages",
    "memory",
    "feeds",
    "detector",
    "drift",
    "translog",
    "event_stores",
    "nodes",
    "dispatch",
    "pricing_fuzz",
    "questions",
)
"""The quick ones first: what was measured is written down after each."""


def rows(name: str, file: Path) -> list[Row]:
    """Return what a bench measured; it goes on after one that failed."""
    print(f"== bench/{name}.py", flush=True)
    file.write_text("")
    script = Path(__file__).with_name(f"{name}.py")
    ended = subprocess.run([sys.executable, str(script)], env={**os.environ, ROWS: str(file)}, check=False)
    found = [Row(**json.loads(line)) for line in file.read_text().splitlines()]
    if ended.returncode not in (0, 1) or not found:
        found.append(failed(f"bench/{name}.py", f"ended with {ended.returncode}"))
    return found


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        names, measured = chosen(BENCHES, sys.argv[1:]), []
        for number, name in enumerate(names, 1):
            measured += rows(name, Path(folder) / "rows.jsonl")
            if len(names) == len(BENCHES):
                write(measured, Path(__file__).parent, left=names[number:])
    print("== all")
    return show(measured)


if __name__ == "__main__":
    sys.exit(main())
