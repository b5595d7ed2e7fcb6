"""The demo's configuration without its probes and callers: a list, a page, and entries that deny everybody when paused.

What tests of commands need of a registry is there after two polls, and every poll is two requests.
"""

from __future__ import annotations

import re
from pathlib import Path

from monitor.sandbox import Sandbox
from monitor.sandbox.demo_config import write_demo

PROBES = re.compile(r'\[\[source\]\]\nkey = "[^"]+"\nkind = "behaviour"\n(?:.+\n)+\n')
CALLERS = re.compile(r"^callers = .*\n", re.MULTILINE)


def write_plain_demo(sandbox: Sandbox, folder: Path) -> Path:
    """Write it into a folder and return its path."""
    path = write_demo(sandbox.base_url, sandbox.pricing_url, sandbox.webhook_url, folder)
    text, probes = PROBES.subn("", path.read_text(encoding="utf-8"))
    text, callers = CALLERS.subn("", text)
    assert (probes, callers) == (2, 2)
    path.write_text(text, encoding="utf-8")
    return path
