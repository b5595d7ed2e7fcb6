"""Looks for keys in files of the repository, `python .ci/secrets_scan.py DETECT-SECRETS`: ends with 1 if one is found
that is not in the baseline, whose are made up. Lines may move; a new key is new wherever it stands.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
BASELINE = ROOT / ".ci" / "secrets.baseline"
PACKED = (".zst", ".svg", ".eval")


def main() -> int:
    """Print each file and line where a key was found."""
    baseline = json.loads(BASELINE.read_text(encoding="utf-8"))
    known = {entry["hashed_secret"] for entries in baseline["results"].values() for entry in entries}
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    wanted = [name for name in files if not name.endswith(PACKED) and (ROOT / name).is_file()]
    # Words and random-looking text are no keys: only the shapes of real ones are looked for, as the baseline says.
    disabled = ["Artifactory", "BasicAuth", "Keyword", "IPPublic"]
    words = [sys.argv[1], "scan", *(f"--disable-plugin={name}Detector" for name in disabled)]
    words += [f"--disable-plugin={name}HighEntropyString" for name in ("Base64", "Hex")]
    done = subprocess.run([*words, *wanted], cwd=ROOT, capture_output=True, text=True, check=True)
    found = [
        f"{name}:{entry['line_number']}: {entry['type']}"
        for name, entries in json.loads(done.stdout)["results"].items()
        for entry in entries
        if entry["hashed_secret"] not in known
    ]
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
