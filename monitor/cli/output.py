"""What commands print: tables, JSON, colour. Data go to stdout; everything else goes through `note` to stderr.

Everything shown may have come from a provider, so nothing is printed before its control characters are made visible: a
model id must not be able to move the cursor or to rename the terminal.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

import click

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


def colourful(stream: TextIO | None = None) -> bool:
    """Whether colour may be used: on a terminal, unless NO_COLOR (any value) or TERM=dumb says otherwise."""
    stream = stream or sys.stdout
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def colour(text: str, name: str) -> str:
    """The text in a colour, where colour may be used; the empty name is no colour."""
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
    """A status or state in its colour."""
    return colour(text, STATUS_COLOURS.get(text, ""))


def printable(text: str) -> str:
    """The text with control, format and surrogate characters written as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if unicodedata.category(c)[0] != "C" else c.encode("unicode_escape").decode() for c in text)


def cells(text: str) -> int:
    """How many columns of a terminal the text takes; CJK takes two, a combining mark none."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def fit(text: str, width: int) -> str:
    """The text in exactly `width` columns, with an ellipsis where it was cut."""
    length = cells(text)
    if length <= width:
        return text + " " * (width - length)
    kept, used = "", 0
    for character in text:
        size = cells(character)
        if used + size > width - 1:
            break
        kept, used = kept + character, used + size
    return kept + "…" + " " * (width - 1 - used)


def fit_at_least(text: str, width: int) -> str:
    """The text in `width` columns or more: never cut."""
    return text + " " * max(0, width - cells(text))


def width() -> int:
    """How many columns a line of the terminal has."""
    return shutil.get_terminal_size().columns


def table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], *, coloured: str = "", numbers: Sequence[str] = ()
) -> None:
    """Print rows under headers.

    On a terminal the last column is cut to what is left of the line; elsewhere nothing is cut, since a file is not narrow.
    `coloured` is the header of the column that holds a status; `numbers` are those that are set to the right.
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


def as_json(value: Any) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def note(sentence: str) -> None:
    """Say something that is not data: to stderr."""
    click.echo(printable(sentence), err=True)


def plural(count: int, noun: str) -> str:
    """`1 event`, `2 events`, `3 entries`, `12,000 looks`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{count:,} {noun}s"
