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
    "ok": GREEN,
    "down": RED,
    "held": YELLOW,
    "unpolled": DIM,
    "denied": RED,
    "source_down": RED,
    "source_stale": YELLOW,
    "not ok": RED,
}

NARROWEST = 24
"""Columns below which the last column of a table is not broken further: the row is then shown as a record."""

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
    """Return a status or state in its colour; one that says more after a comma is red, since that is a denial."""
    state, comma, _ = text.partition(",")
    return colour(text, RED if comma else STATUS_COLOURS.get(state, ""))


def cells(text: str) -> int:
    """Return how many columns of a terminal the text takes; CJK takes two, a combining mark none."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _head(text: str, room: int) -> str:
    """Return as much of the beginning of the text as takes at most `room` columns; at least one character."""
    used = 0
    for index, character in enumerate(text):
        used += cells(character)
        if index and used > room:
            return text[:index]
    return text


def fit_at_least(text: str, width: int) -> str:
    """Return the text in `width` columns or more: never cut."""
    return text + " " * max(0, width - cells(text))


def width() -> int:
    """Return how many columns a line of the terminal has."""
    return shutil.get_terminal_size().columns


def table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    coloured: str = "",
    numbers: Sequence[str] = (),
    broken: bool = False,
) -> None:
    """Print rows under headers; nothing is ever cut.

    On a terminal that is too narrow the last column goes on below itself, or where even that leaves it no room, each
    row is its first columns, and the others below them by their names. Elsewhere a row is a line, since a file is not
    narrow; unless `broken`, for cells that may be as long as a setting is. `coloured` is the header of the column that
    begins with a status; `numbers` are those that are set to the right.
    """
    shown = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(cells, column)) for column in zip(headers, *shown, strict=True)]
    room = width() - sum(widths[:-1]) - len(_GAP) * (len(widths) - 1)
    if not (broken or sys.stdout.isatty()) or widths[-1] <= room:
        room = widths[-1]
    if room < min(widths[-1], NARROWEST):
        _records(headers, shown, widths, coloured, numbers)
        return
    widths[-1] = room
    click.echo(colour(_line(headers, widths, headers, numbers).rstrip(), BOLD))
    indent = " " * (sum(widths[:-1]) + len(_GAP) * (len(widths) - 1))
    for row in shown:
        first, *more = wrapped(row[-1], room)
        click.echo(_painted([*row[:-1], first], widths, headers, numbers, coloured))
        for line in more:
            click.echo(indent + line)


def wrapped(text: str, room: int) -> list[str]:
    """Return the text in lines of at most `room` columns, broken between words where that can be."""
    lines, line = [], ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if cells(longer) <= room:
            line = longer
            continue
        if line:
            lines.append(line)
        line = word
        while cells(line) > room:
            head = _head(line, room)
            lines.append(head)
            line = line[len(head) :]
    return [*lines, line]


def _records(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    widths: list[int],
    coloured: str,
    numbers: Sequence[str],
) -> None:
    """Print each row as its first columns, as many as fit, and below them the others that hold something."""
    count, used = 1, widths[0]
    while count < len(widths) - 1 and used + len(_GAP) + widths[count] <= width():
        used += len(_GAP) + widths[count]
        count += 1
    label = max(map(cells, headers[count:]))
    room = max(width() - len(_GAP) - label - 1, NARROWEST)
    click.echo(colour(_line(headers[:count], widths[:count], headers, numbers).rstrip(), BOLD))
    for row in rows:
        first = _painted(row[:count], widths[:count], headers, numbers, coloured)
        click.echo(first if used <= width() else "\n".join(wrapped(row[0], width())))
        for name, cell in zip(headers[count:], row[count:], strict=True):
            if not cell:
                continue
            first, *more = wrapped(cell, room)
            first = status(first) if name == coloured else first
            click.echo(f"{_GAP}{colour(fit_at_least(name.lower(), label), DIM)} {first}")
            for line in more:
                click.echo(f"{_GAP}{' ' * label} {line}")


def _painted(
    row: Sequence[str], widths: Sequence[int], headers: Sequence[str], numbers: Sequence[str], coloured: str
) -> str:
    parts = _parts(row, widths, headers, numbers)
    if coloured in headers[: len(row)]:
        at = headers.index(coloured)
        parts[at] = parts[at].replace(row[at], status(row[at]), 1)
    return _GAP.join(parts).rstrip()


def _parts(row: Sequence[str], widths: Sequence[int], headers: Sequence[str], numbers: Sequence[str]) -> list[str]:
    return [
        " " * (width - cells(cell)) + cell if header in numbers else fit_at_least(cell, width)
        for cell, width, header in zip(row, widths, headers, strict=False)
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
