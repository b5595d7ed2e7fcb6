"""Tables that name models across and meters down, turned so that they read like all others.

Only a table whose first row says "model" and then ids is turned; what its other rows hold is judged afterwards, by the
same rules. A price cell that spans several models states its amount for each of them; that is the one merged cell that
is not a flaw.
"""

from __future__ import annotations

from monitor.sources.pricing_page import cells
from monitor.sources.pricing_page.blocks import MERGED, PageTable, TableRow


def upright(table: PageTable) -> PageTable:
    """Return the table with one model in a row; the same table where models are not its columns."""
    if len(table.header) > 1:
        return table
    top = table.header[0] if table.header else table.rows[0].cells if table.rows else ()
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


def _label(parts: tuple[str, ...]) -> str:
    """Return what a row holds. The title of its group belongs to it, lest a discount be read as the price."""
    words = dict.fromkeys(part for part in parts if part and part.lower() not in ("pricing", "price"))
    return " ".join(words)


def _is_id(text: str) -> bool:
    try:
        return bool(cells.model(text))
    except ValueError:
        return False
