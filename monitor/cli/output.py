"""What commands print: tables, JSON, colour. Data go to stdout; everything else goes through `note` to stderr.

Everything shown may have come from a provider, so each cell and sentence is made one printable line first; what passes
by here is made harmless by the stream itself (`monitor.streams`).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

import click

from monitor.app.streams import printable as printable

RED, GREEN, YELLOW, DIM, BOLD = "red", "green", "yellow", "dim", "bold"

STATUS_COLOURS: Mapping[str, str] = {
    "active": GREEN,
    "paused": RED,
    "evaluating": YELLOW,
    "waiting": YELLOW,
    "retired": DIM,
    "withdrawn": DIM,
    "verified": GREEN,
    "stale": YELLOW,
    "failed": RED,
    "blank": DIM,
    "dead": RED,
    "watched": GREEN,
    "attested": GREEN,
    "blind": YELLOW,
    "unwatched": RED,
}

NARROWEST = 12
"""Columns that the last column of a table keeps on any terminal."""

_GAP = "  "

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a cell a formula, in some locales also in full width; white space before one is dropped by some programs.
"""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def colourful(stream: TextIO | None = None) -> bool:
    """Return whether colour may be used: on a terminal, unless NO_COLOR (any value) or TERM=dumb says otherwise."""
    stream = stream or sys.stdout
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def colour(text: str, name: str) -> str:
    """Return the text in a colour, where colour may be used; the empty name is no colour."""
    if not name or not text or not colourful():
        return text
    return (
        click.style(text, dim=True)
        if name == DIM
        else click.style(text, bold=True)
        if name == BOLD
        else click.style(text, fg=name)
    )


def status(text: str) -> str:
    """Return a status or state in its colour."""
    return colour(text, STATUS_COLOURS.get(text, ""))


def cells(text: str) -> int:
    """Return how many columns of a terminal the text takes; CJK takes two, a combining mark none."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def fit(text: str, width: int) -> str:
    """Return the text in exactly `width` columns, with an ellipsis where it was cut."""
    length = cells(text)
    if length <= width:
        return text + " " * (width - length)
    head, used = "", 0
    for character in text:
        size = cells(character)
        if used + size > width - 1:
            break
        head, used = head + character, used + size
    return head + "…" + " " * (width - 1 - used)


def fit_at_least(text: str, width: int) -> str:
    """Return the text in `width` columns or more: never cut."""
    return text + " " * max(0, width - cells(text))


def width() -> int:
    """Return how many columns a line of the terminal has."""
    return shutil.get_terminal_size().columns


def table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], *, coloured: str = "", numbers: Sequence[str] = ()
) -> None:
    """Print rows under headers.

    On a terminal the last column is cut to what is left of the line; elsewhere nothing is cut, since a file is not
    narrow. `coloured` is the header of the column that holds a status; `numbers` are those that are set to the right.
    """
    shown = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(cells, column)) for column in zip(headers, *shown, strict=True)]
    room = width() - sum(widths[:-1]) - len(_GAP) * (len(widths) - 1)
    if sys.stdout.isatty():
        widths[-1] = min(widths[-1], max(room, NARROWEST))
    click.echo(colour(_line(headers, widths, headers, numbers).rstrip(), BOLD))
    for row in shown:
        parts = _parts(row, widths, headers, numbers)
        if coloured:
            at = headers.index(coloured)
            parts[at] = parts[at].replace(row[at], status(row[at]), 1)
        click.echo(_GAP.join(parts).rstrip())


def _parts(row: Sequence[str], widths: Sequence[int], headers: Sequence[str], numbers: Sequence[str]) -> list[str]:
    return [
        " " * (width - cells(cell)) + cell if header in numbers else fit(cell, width)
        for cell, width, header in zip(row, widths, headers, strict=True)
    ]


def _line(row: Sequence[str], widths: Sequence[int], headers: Sequence[str], numbers: Sequence[str]) -> str:
    return _GAP.join(_parts(row, widths, headers, numbers))


def spreadsheet_cell(value: object) -> object:
    """Return a cell of CSV: a text that a spreadsheet would run as a formula begins with an apostrophe; numbers stay
    numbers.
    """
    if not isinstance(value, str) or not value.startswith(_FORMULA) or _NUMBER.fullmatch(value):
        return value
    return f"'{value}"


def as_json(value: Any) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def terminal(sequence: str) -> None:
    """Write what the terminal behind stderr shall act on, such as the beginning of a line that is written anew."""
    getattr(sys.stderr, "control", sys.stderr.write)(sequence)
    sys.stderr.flush()


def note(sentence: str) -> None:
    """Say something that is not data: to stderr."""
    click.echo(printable(sentence), err=True)


def plural(count: int, noun: str) -> str:
    """`1 event`, `2 events`, `3 entries`, `12,000 polls`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{count:,} {noun}s"
