"""Tables that name models across and meters down, turned so that they read like all others.

Only a table whose first row says "model" and then ids is turned; what its other rows hold is judged afterwards, by the
same rules. A price cell that spans several models states its amount for each of them; that is the one merged cell that
is not a flaw.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import replace

from monitor.sources.pricing_page import cells
from monitor.sources.pricing_page.blocks import MERGED, PageTable, TableRow
from monitor.sources.pricing_page.hours import of_label

_MARK = re.compile(r"(?: ?\([0-9]\))+$")
"""The marks of footnotes; what these say stands below the table."""


def upright(table: PageTable) -> PageTable:
    """Return the table with one model in a row; the same table where models are not its columns."""
    if len(table.header) > 1:
        return table
    top = table.header[0] if table.header else table.rows[0].cells if table.rows else ()
    top = tuple(_MARK.sub("", text) for text in top)
    body = table.rows if table.header else table.rows[1:]
    first = next((i for i, text in enumerate(top) if text.lower() not in ("model", "")), 0)
    if not first or top[0].lower() != "model" or not all(map(_is_id, top[first:])):
        return table
    broken = any(row.flaw not in ("", MERGED) or len(row.cells) != len(top) for row in table.rows)
    flaw = table.flaw or ("a row of it does not fit under its models" if broken else "")
    labels = tuple(_label(row.cells[:first]) for row in body)
    rows = tuple(
        TableRow(cells=(top[column], *(row.cells[column] for row in body)), line=table.line)
        for column in range(first, len(top))
        if not flaw
    )
    return PageTable(header=(("Model", *labels),), rows=rows, line=table.line, flaw=flaw)


def at_hours(table: PageTable, meters: Container[str]) -> list[tuple[str, PageTable]]:
    """Return the columns of an upright table for each part of the day that their titles name, those that name none
    first, with an empty one. What is no price of `meters` stands in each of them: it may set a condition on all.
    """
    if len(table.header) != 1:
        return [("", table)]
    labels = [of_label(text) for text in table.header[0]]
    parts = dict.fromkeys(part for _, part in labels[1:] if part)
    if not parts:
        return [("", table)]
    tables = []
    for part in ("", *parts):
        columns = [
            column
            for column, (text, own) in enumerate(labels)
            if not column or own == part or (not own and text.lower() not in meters)
        ]
        header = tuple(labels[column][0] for column in columns)
        rows = tuple(replace(row, cells=tuple(row.cells[column] for column in columns)) for row in table.rows)
        tables.append((part, replace(table, header=(header,), rows=rows)))
    return tables


def _label(parts: tuple[str, ...]) -> str:
    """Return what a row holds. The title of its group belongs to it, lest a discount be read as the price."""
    texts = (_MARK.sub("", part) for part in parts)
    words = dict.fromkeys(text for text in texts if text and text.lower() not in ("pricing", "price"))
    return " ".join(words)


def _is_id(text: str) -> bool:
    try:
        return bool(cells.model(text))
    except ValueError:
        return False
