"""Text that was made to cost time: every reader of outside bytes ends on it, in a time that grows as its size does.

A pattern that is tried at every place, or taken apart in every way, holds the interpreter: no other source is polled,
no message sent, and no deadline of a request applies, since all has arrived. So the readers run in a process of their
own, which is ended where it does not end: what is wrong here would take hours and not seconds.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from outside_bytes import readers

from monitor.sources.extraction import Unreadable
from monitor.sources.pricing_page import extract

UNENDING = 240
"""Seconds after which a process is taken for one that does not end; it needs about ten."""

SUPPORT = Path(__file__).parents[1] / "support"

PROGRAM = """
import json, sys
from outside_bytes import readers
size, names, units, starts = json.loads(sys.stdin.read())
for name in names:
    read = readers()[name]
    for start in starts:
        for unit in units:
            print(json.dumps([name, start, unit]), flush=True)
            read((start + unit * (size // len(unit)) + "\\x01x").encode())
print("all ended")
"""

STARTS = (
    "",
    "# Pricing\n\n",
    "# Pricing",
    "text\n",
    "|\n",
    "- ",
    "---\n",
    "Prices per 1M tokens. ",
    "Prices from May ",
    "| Model | Input |\n|---|---|\n| ",
    "| Model | Input |\n|---|---|\n| m | $",
    "| Shutdown date | Model |\n| --- | --- |\n| 2026-12-11 | `",
    "<!doctype html><html><body><p>",
    "<!doctype html><html><body><table><tr><td>",
    '{"data":[{"id":"',
    'data: {"',
    '{"error":{"message":"',
)
UNITS = (
    *(" ", "\t", "\n", " \n", "a", "1", "#", "# ", "-", "--- ", "|", "| ", "|-", "*", "**", "_", "`", "``", "~"),
    *("[", "](", "[a](", "(", ")", "<", "<a ", "<a>", "<!--", "<!--a--> ", "<?a?> ", "<table>", "<tr><td>", "</"),
    *(
        "&",
        "&#",
        "&amp;",
        "{",
        "}",
        "[[",
        '{"a":',
        "[1,",
        '"',
        "\\\\",
        "\\\\u",
        "'",
        "$",
        "$1",
        "$1 ",
        "1,",
        "1.",
        "1.0 ",
    ),
    *(".", "..", ",", ";", ":", "::", "=", "==\n", "/", "//", "http://", "%", "%2", "\0", "\r", "\r\n", "é", "\u2003"),
    *("and ", "May ", "May 1, ", "2026-", "2026-01-01 ", "model ", "`a` ", "gpt-", "gpt-5 ", "per 1M ", "price "),
    *("sk-", "sk-a", "Bearer ", "a@b", "a.b", "a-", "a_", "> ", "- ", "1. ", "+", "^", "!", "![", "?", "@", "data: "),
    *("x=", 'x="', "<script>", "import ", "export ", "until ", "from ", "not ", "$0.0001 / 1K tokens "),
)


def ends(size: int, names: list[str], units: list[str], starts: list[str]) -> None:
    """Check that readers end on each start that each unit follows until it is so large."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            input=json.dumps([size, names, units, starts]),
            env={"PYTHONPATH": f"{SUPPORT}:{SUPPORT.parents[1]}"},
            capture_output=True,
            text=True,
            timeout=UNENDING,
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        last = (expired.stdout or b"").decode().splitlines()[-1:]
        raise AssertionError(f"it does not end on {last}") from None
    assert done.stdout.endswith("all ended\n"), (done.stdout.splitlines()[-1:], done.stderr[-2000:])


PAGES = ["pricing_page", "deprecations_page", "document", "model_page"]


def test_pages_end_on_what_once_kept_them_for_hours() -> None:
    ends(20_000, PAGES, [" ", "\t", "<!--a--> ", "<?a?> ", " |", "- "], ["# Pricing", "text\n", "|\n", ""])


def test_a_page_of_twenty_thousand_tables_is_refused_before_they_are_read() -> None:
    table = "### Group\n\n| Model | Input | Output |\n| --- | --- | --- |\n| m-1 | $1.00 | $2.00 |\n\n"
    start = "# Pricing\n\nPrices per 1M tokens.\n\n"
    with pytest.raises(Unreadable, match="20,000 tables"):
        extract(start + table * 20_000, provider="acme")
    assert len(extract(start + table * 300, provider="acme").rows) == 2


@pytest.mark.proof
@pytest.mark.parametrize("name", readers())
def test_a_reader_ends_on_every_run(name: str) -> None:
    ends(20_000, [name], list(UNITS), list(STARTS))
