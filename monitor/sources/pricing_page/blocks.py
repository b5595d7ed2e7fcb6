"""The parts of a page, in reading order, whatever it was written in. Every layout is reduced to these; none is judged
here.

Cells are clean text (`inline.plain`). A `flaw` says why a part cannot be trusted (cut off, merged cells): it is carried
to the rows so that it is refused with its place, instead of vanishing in a reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading of the markup, `level` 1 to 6."""

    level: int
    text: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """Loose text; `lone` is one line that stands by itself, which is how rendered pages spell section titles and tab
    labels.
    """

    text: str
    lone: bool
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pane:
    """The start of a tab's content, by the value of its tab."""

    value: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PageControl:
    """What a reader presses to see another part of the page (a button, a tab, a list to choose from), by its texts."""

    texts: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """The title that a table bears itself: it is about that table, the next one, and about no other."""

    text: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """Text that stands beside the page itself: the document's title, or what is at its foot or side.
    It labels nothing. What a page's own `key` says (`currency: EUR`) is of all that stands on it.
    """

    text: str
    line: int
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One row of a table."""

    cells: tuple[str, ...]
    line: int
    flaw: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTable:
    """A table: its header rows (none, one, or groups above labels) and its body."""

    header: tuple[tuple[str, ...], ...]
    rows: tuple[TableRow, ...]
    line: int
    flaw: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """An unrendered component: a name and arrays of cells, without header text."""

    name: str
    tier: str
    rows: tuple[TableRow, ...]
    line: int
    flaw: str = ""


MERGED = "a cell spans several columns"
"""The flaw of a row that states one text for several columns."""

HIDDEN = "it is hidden, struck out, or shown under a condition alone"
"""The flaw of a part that not every reader of the page sees, or that is crossed out."""

Block: TypeAlias = Heading | Paragraph | Pane | PageControl | Caption | Margin | PageTable | Component
