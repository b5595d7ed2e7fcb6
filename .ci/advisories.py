"""Holds the versions of constraints.txt against known advisories: by pip-audit where the network lets it, and always by
the stored list. `python .ci/advisories.py [PIP-AUDIT]`; ends with 1 if a version is affected.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from packaging.version import Version

ROOT = Path(__file__).parents[1]
PINS = ROOT / "constraints.txt"
STORED = ROOT / ".ci" / "advisories.json"


def pinned() -> dict[str, Version]:
    """Return the version of each package, by its name in small letters."""
    lines = re.findall(r"^([\w.-]+)==([\w.!+-]+)", PINS.read_text(encoding="utf-8"), re.MULTILINE)
    return {name.lower().replace("_", "-"): Version(version) for name, version in lines}


def affected(versions: dict[str, Version]) -> list[str]:
    """Return a line for each stored advisory that a version is below the mend of."""
    stored = json.loads(STORED.read_text(encoding="utf-8"))["advisories"]
    return [
        f"{name} {versions[name]}: {advisory['id']}, mended in {advisory['fixed']}"
        for advisory in stored
        if (name := advisory["package"]) in versions and versions[name] < Version(advisory["fixed"])
    ]


def audited(program: str) -> tuple[list[str], str]:
    """Return what pip-audit finds, and why it could not look, if so."""
    words = [
        program,
        "--requirement",
        str(PINS),
        "--no-deps",
        "--disable-pip",
        "--format=json",
        "--progress-spinner=off",
    ]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
        packages = json.loads(done.stdout)["dependencies"]
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError) as error:
        return [], f"{type(error).__name__}"
    if all("skip_reason" in package for package in packages):
        return [], packages[0]["skip_reason"]
    return [
        f"{package['name']} {package['version']}: {advisory['id']}"
        for package in packages
        for advisory in package.get("vulns", ())
    ], ""


def main() -> int:
    """Print what is affected, and what was not asked."""
    lines = affected(pinned())
    if len(sys.argv) > 1:
        found, unasked = audited(sys.argv[1])
        lines += found
        if unasked:
            print(f"NOT AUDITED: no advisories came ({unasked}); the stored list alone was asked.", file=sys.stderr)
    for line in lines:
        print(line)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
