"""Tables that are about one model each and name its meters down: turned so that they read like all others.

The model is not in the table but in the section over it, as a line of nothing but ids. Of the columns one is the offer
that is read; which one, and which others may stand beside it, is said by the provider's profile.
"""

from __future__ import annotations

from monitor.sources.pricing_page.blocks import PageTable, TableRow
from monitor.sources.pricing_page.profiles import PerModel

_UNIT = " per 1m tokens"


def upright(table: PageTable, models: tuple[str, ...], words: PerModel, meters: frozenset[str]) -> PageTable:
    """Return the table with its models down and its meters across; the same table where its columns are not those of
    the profile.
    """
    if len(table.header) != 1:
        return table
    head = [text.lower() for text in table.header[0]]
    offered = [column for column, text in enumerate(head) if text == words.offer]
    headed = all(text in words.beside for column, text in enumerate(head) if column and column not in offered)
    if len(offered) != 1 or offered == [0] or head[0] not in words.corner or not headed:
        return table
    flaw = table.flaw or ("" if models else "its section names no model by id")
    rows = [row for row in table.rows if row.cells]
    broken = next((row.flaw for row in rows if row.flaw), "")
    if not flaw and (broken or any(len(row.cells) != len(head) for row in rows)):
        flaw = broken or "a row of it does not fit under its columns"
    labels = [row.cells[0] for row in rows]
    header = tuple(text + _UNIT if text.lower() in meters else text for text in labels)
    cells = () if flaw else tuple(row.cells[offered[0]] for row in rows)
    line = table.line
    return PageTable(
        header=(("Model", *header),),
        rows=tuple(TableRow(cells=(model, *cells), line=line) for model in models if not flaw),
        line=line,
        flaw=flaw,
    )
