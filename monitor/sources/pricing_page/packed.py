"""Cells that state several amounts, parted so that their table reads like all others: each amount by the meter that
stands beside it, or by an order that the page states in a sentence.

A cell that is not exactly so stays whole under each of its columns, and is refused there as no plain amount.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from monitor.sources.pricing_page import cells
from monitor.sources.pricing_page.blocks import PageTable, TableRow
from monitor.sources.pricing_page.profiles import Profile

_AMOUNT = r"\$ ?[0-9]+(?:\.[0-9]+)?"
_LABELLED = re.compile(rf"({_AMOUNT}) (cached input|input|output) ?")
_ALL_LABELLED = re.compile(rf"(?:{_LABELLED.pattern})+")
_ORDERED = re.compile(rf"({_AMOUNT}) / ({_AMOUNT}) / ({_AMOUNT})")
_ORDER = ("input", "cached input", "output")
ORDER = re.compile(
    r"In each (?:\w+)(?: or \w+)* cell, prices are input / cached input / output \(USD per 1M tokens\), in that order\."
)
"""The sentence by which a page states the order of the amounts in its cells."""


def parted(table: PageTable, words: Profile, *, ordered: bool) -> Iterator[PageTable]:
    """Yield the table with a column for each amount: once, or once for each tier where its columns are those of tiers.
    `ordered` says that the page states their order.
    """
    head = [text.lower() for text in table.header[0]] if len(table.header) == 1 else []
    if words.packed and words.packed in head:
        yield _split(table, head.index(words.packed), ("Input", "Cached input", "Output"))
    elif ordered and head[:1] == ["model"] and head[1:] and all(map(cells.tier, head[1:])):
        for column, title in enumerate(table.header[0][1:], 1):
            alone = PageTable(
                header=((table.header[0][0], title),),
                rows=tuple(_only(row, column, len(head)) for row in table.rows),
                line=table.line,
                flaw=table.flaw,
            )
            yield _split(alone, 1, tuple(f"{title} {meter}" for meter in _ORDER))
    else:
        yield table


def _only(row: TableRow, column: int, width: int) -> TableRow:
    if len(row.cells) != width:
        return TableRow(cells=row.cells, line=row.line, flaw=row.flaw or _misfit(row, width))
    return TableRow(cells=(row.cells[0], row.cells[column]), line=row.line, flaw=row.flaw)


def _split(table: PageTable, column: int, titles: tuple[str, ...]) -> PageTable:
    header = table.header[0]
    unit = " per 1M tokens"
    named = tuple(title + unit for title in titles)
    rows = []
    for row in table.rows:
        if len(row.cells) != len(header):
            rows.append(TableRow(cells=row.cells, line=row.line, flaw=row.flaw or _misfit(row, len(header))))
            continue
        amounts = _amounts(row.cells[column])
        rows.append(
            TableRow(
                cells=(*row.cells[:column], *amounts, *row.cells[column + 1 :]),
                line=row.line,
                flaw=row.flaw,
            )
        )
    return PageTable(
        header=((*header[:column], *named, *header[column + 1 :]),),
        rows=tuple(rows),
        line=table.line,
        flaw=table.flaw,
    )


def _amounts(text: str) -> tuple[str, str, str]:
    """Return the amounts of a cell in the order of its columns."""
    if _ALL_LABELLED.fullmatch(text):
        labelled = _LABELLED.findall(text)
        by_label = {label: amount for amount, label in labelled}
        if len(by_label) == len(labelled) and {"input", "output"} <= by_label.keys():
            return by_label["input"], by_label.get("cached input", "-"), by_label["output"]
    if match := _ORDERED.fullmatch(text):
        return match[1], match[2], match[3]
    return text, text, text


def _misfit(row: TableRow, width: int) -> str:
    return f"the row has {len(row.cells)} cells and the header {width}"
