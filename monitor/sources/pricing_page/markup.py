"""HTML to blocks, with the standard library's tokenizer.

A tree builder would be shorter to call and wrong here: it closes whatever a truncated page left open, so that `<td>$3`
of `<td>$30.00</td>` becomes a whole cell. The tokenizer tells which cells and rows the page itself closed. Nine tenths
of a page of prices are cells that hold text alone: they are read in one step each (`_CELL`), everything else goes tag
by tag. Scripts, styles and navigation are passed over: their words are not statements of the page. Of controls
(buttons, tabs) the texts are kept apart: they label nothing, but show that the page has more parts than the one that is
seen.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import unescape
from html.parser import HTMLParser

from monitor.sources.pricing_page.blocks import (
    HIDDEN,
    MERGED,
    Block,
    Caption,
    Heading,
    Margin,
    PageControl,
    PageTable,
    Pane,
    Paragraph,
    TableRow,
)
from monitor.sources.pricing_page.cells import TIER_WORDS
from monitor.sources.pricing_page.inline import CODE, STRUCK, conditional, is_mark, squeeze, unseen
from monitor.sources.pricing_page.mdx import TEXT_TOKENS, island

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_SKIPPED = frozenset(
    {
        "script",
        "style",
        "aside",
        "footer",
        "template",
        "noscript",
        "button",
        "nav",
        "select",
        "svg",
        "title",
        "sup",
        "iframe",
        "textarea",
        "object",
        "datalist",
    }
)
_INLINE = frozenset(
    {
        "a",
        "abbr",
        "b",
        "bdi",
        "code",
        "del",
        "em",
        "i",
        "ins",
        "kbd",
        "mark",
        "q",
        "s",
        "span",
        "strike",
        "strong",
        "sub",
        "u",
        "wbr",
        "font",
        "label",
        "time",
    }
)
_MARGINS = frozenset({"title", "footer", "aside"})
_CONTROLS = frozenset({"tab", "tablist", "navigation", "menu"})
_PRESSED = frozenset({"button", "select"})
_IN_TABLE = frozenset({"table", "thead", "tbody", "tfoot", "tr", "th", "td"})
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_STRUCK = frozenset({"del", "s", "strike"})
_LOOKS = (
    r"""(?:\s+(?:class|style|id|href|target|rel|scope|align)="[^"<>]*")*"""  # attributes that say nothing about prices
)
_CELL = re.compile(rf"<(td|th)({_LOOKS})>([^<]*)</\1>\s*")
_OPENED = re.compile(rf"<(td|th|tr|thead|tbody|p|div|span|a|b|em|i|strong|code|li|ul|h[1-6])({_LOOKS})>")
_CLOSED = re.compile(r"</(td|th|tr|thead|tbody|table|p|div|span|a|b|em|i|strong|code|li|ul|button|h[1-6])>")
_LABELLED = re.compile(rf"^(?:{TIER_WORDS})(?: |$)|\b(?:prices|pricing|rates|tariffs?)\b(?! table)", re.IGNORECASE)
"""The names of parts of a page that say something of the prices in it; most are for navigation."""
_WIDEST = 40
_TALLEST = 200


class _Cell:
    """A cell being read."""

    __slots__ = ("closed", "columns", "header", "rows", "text")

    def __init__(self, header: bool, columns: int, rows: int) -> None:
        self.header, self.columns, self.rows = header, columns, rows
        self.text: list[str] = []
        self.closed = False


class _Grid:
    """A table being read. Spans are laid out in full, so that every row has its own cell in every column."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.header: list[tuple[str, ...]] = []
        self.rows: list[TableRow] = []
        self.done: list[PageTable] = []
        self.flaw = ""
        self.hidden = self.veiled = False  # the rows that begin now, and all of it
        self._row_flaw = ""
        self._open: list[_Cell] | None = None
        self._row_line = line
        self._in_head = self._row_in_head = False
        self._hanging: dict[int, tuple[int, str]] = {}  # column -> rows left, text
        self.caption: list[str] | None = None  # while it is read

    def head(self, inside: bool) -> None:
        self._in_head = inside
        self._hanging.clear()  # a span ends with its row group

    def start_row(self, line: int, *, hidden: bool = False) -> None:
        if self._open is not None:
            self.end_row("the row is not closed before the next begins")
        self._open, self._row_line, self._row_in_head = [], line, self._in_head
        self._row_flaw = HIDDEN if hidden or self.hidden else ""

    def start_cell(self, cell: _Cell, line: int) -> None:
        if self._open is None:
            self.start_row(line)
        assert self._open is not None
        self._open.append(cell)

    @property
    def cell(self) -> _Cell | None:
        """The cell that text belongs to."""
        return self._open[-1] if self._open and not self._open[-1].closed else None

    def end_cell(self) -> None:
        if self._open:
            self._open[-1].closed = True

    def end_row(self, flaw: str = "") -> None:
        if self._open is None:
            return
        cells, self._open = self._open, None
        header = bool(cells) and (self._row_in_head or all(cell.header for cell in cells))
        if not all(cell.closed for cell in cells):
            flaw = flaw or "a cell is not closed"
        texts = self._laid_out(cells, header)
        if any(cell.columns > 1 and not header and squeeze("".join(cell.text)) for cell in cells):
            flaw = flaw or MERGED
        flaw = flaw or self._row_flaw
        if not header:
            if cells or texts:
                self.rows.append(TableRow(cells=texts, line=self._row_line, flaw=flaw))
            return
        if self.rows:  # a header in the middle begins another table
            self._finish()
            self.line = self._row_line
        self.header.append(texts)
        self.flaw = self.flaw or flaw

    def _laid_out(self, cells: list[_Cell], header: bool) -> tuple[str, ...]:
        """Return one text for each column; what a header's cell says is said once, in the first of its rows."""
        if not self._hanging and all(cell.columns == 1 and cell.rows == 1 for cell in cells):
            return tuple([squeeze("".join(cell.text)) for cell in cells])
        texts: list[str] = []
        pending = list(cells)
        while pending or any(column >= len(texts) for column in self._hanging):
            column = len(texts)
            if column in self._hanging:
                left, text = self._hanging.pop(column)
                texts.append("" if header else text)
                if left > 1:
                    self._hanging[column] = (left - 1, text)
            elif pending:
                cell = pending.pop(0)
                text = squeeze("".join(cell.text))
                for offset in range(cell.columns):
                    texts.append(text)
                    if cell.rows > 1:
                        self._hanging[column + offset] = (cell.rows - 1, text)
            else:
                break
        return tuple(texts)

    def _finish(self) -> None:
        self.done.append(PageTable(header=tuple(self.header), rows=tuple(self.rows), line=self.line, flaw=self.flaw))
        self.header, self.rows, self.flaw = [], [], ""
        self._hanging.clear()

    def tables(self, flaw: str = "") -> list[PageTable]:
        """Return all tables of the element; `flaw` marks a row that the page cut off."""
        self.end_row(flaw)
        self._finish()
        return self.done


class _MarkupReader(HTMLParser):
    def __init__(self, line: int, code: bool, prose: bool) -> None:
        super().__init__(convert_charrefs=True)
        self._code = code
        self._prose = prose
        self._struck = 0  # open spans of prose that are crossed out
        self.blocks: list[Block] = []
        self._offset = line - 1
        self._grids: list[_Grid] = []
        self._skip = ""
        self._skip_depth = 0
        self._unseen = ""  # the outermost tag that hides what it holds
        self._unseen_depth = 0
        self._pressed: list[str] | None = None  # the texts of a control
        self._heading = 0
        self._items = 0  # open items of lists: links and bullets, never titles or labels
        self._text: list[str] = []
        self._text_line = line

    @property
    def _line(self) -> int:
        return self.getpos()[0] + self._offset

    def parse_starttag(self, i: int) -> int:
        """Take a run of cells without markup at once, and do not read attributes that say nothing."""
        if not self._skip:
            if self._grids and (match := _CELL.match(self.rawdata, i)) and not _dressed(match):
                return self._cells(match)
            if (match := _OPENED.match(self.rawdata, i)) and not _dressed(match):
                self.handle_starttag(match[1], [])
                return match.end()
        return super().parse_starttag(i)

    def parse_endtag(self, i: int) -> int:
        if self.cdata_elem is None and (match := _CLOSED.match(self.rawdata, i)):
            self.handle_endtag(match[1])
            return match.end()
        return super().parse_endtag(i)

    def _cells(self, match: re.Match[str] | None) -> int:
        grid, line, end = self._grids[-1], self._line, 0
        grid.end_cell()
        while match is not None and not _dressed(match):
            cell = _Cell(match[1] == "th", 1, 1)
            cell.text.append(unescape(match[3]))
            grid.start_cell(cell, line)
            cell.closed = True
            end = match.end()
            match = _CELL.match(self.rawdata, end)
        return end

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._skip:
            self._skip_depth += tag == self._skip
            return
        if tag in _SKIPPED or (attrs and tag not in _VOID and _is_control(attrs)):
            self._skip_from(tag, dict(attrs).get("role") or "")
            return
        if tag == "meta":
            attributes = dict(attrs)
            if "description" in (attributes.get("name") or attributes.get("property") or ""):
                self.blocks.append(Margin(text=squeeze(attributes.get("content") or ""), line=self._line))
            return
        hidden = tag == "dialog" and "open" not in dict(attrs)
        if attrs and tag not in _VOID:
            hidden = hidden or unseen(self.get_starttag_text() or "") or conditional(attrs)
        if hidden and tag in _INLINE and self._grids:
            self._skip, self._skip_depth, self._pressed = tag, 1, []
            return
        if self._unseen:
            self._unseen_depth += tag == self._unseen
        elif (hidden and tag not in _IN_TABLE) or (tag in _STRUCK and not self._grids):
            self._unseen, self._unseen_depth = tag, 1
        if tag in _INLINE:
            self._start_inline(tag)
        elif self._grids:
            self._start_in_table(tag, dict(attrs), hidden)
        else:
            self._flush()
            self._start_block(tag, dict(attrs), hidden)

    def _skip_from(self, tag: str, role: str) -> None:
        self._skip, self._skip_depth = tag, 1
        readable = tag in _PRESSED or tag in _MARGINS or tag == "sup" or role.startswith("tab")
        self._pressed = [] if readable else None

    def _start_inline(self, tag: str) -> None:
        if tag in _STRUCK:
            self._mark(STRUCK)
            self._struck += 1
        elif tag == "code" and self._code:
            self._mark(CODE)
        elif tag == "code":
            self._mark_prose()

    def _start_block(self, tag: str, stated: dict[str, str | None], hidden: bool) -> None:
        if tag == "table":
            self._grids.append(_Grid(self._line))
            self._grids[-1].hidden = self._grids[-1].veiled = hidden or bool(self._unseen)
            for name in ("aria-label", "title", "summary"):
                self._captioned(stated.get(name) or "")
        elif tag == "li":
            self._items += 1
        elif tag in _HEADINGS:
            self._heading = _HEADINGS[tag]
        elif tag == "astro-island":
            options = stated.get("opts") or ""
            component = island(stated.get("props") or "", options, self._line) if TEXT_TOKENS in options else None
            if component is not None:
                self.blocks.append(component)
        elif "data-content-switcher-pane" in stated:
            self.blocks.append(Pane(value=squeeze(stated.get("data-value") or ""), line=self._line))
        elif stated.get("role") != "tabpanel" and _LABELLED.search(name := squeeze(stated.get("aria-label") or "")):
            self.blocks.append(Paragraph(text=name, lone=True, line=self._line))
        elif stated.get("role") == "tabpanel" and (name := squeeze(stated.get("aria-label") or "")):
            self.blocks.append(Pane(value=name, line=self._line))

    def _start_in_table(self, tag: str, attrs: dict[str, str | None], hidden: bool) -> None:
        grid = self._grids[-1]
        if grid.caption is not None and tag in ("tr", "thead", "tbody"):
            self._end_in_table("caption")  # a row closes an open one
        if tag in ("th", "td"):
            grid.end_cell()  # the next cell closes an open one, as HTML allows
            columns, rows = _span(attrs.get("colspan"), _WIDEST), _span(attrs.get("rowspan"), _TALLEST)
            if columns is None or rows is None:
                grid.flaw = grid.flaw or "a span that cannot be laid out"
            grid.start_cell(_Cell(tag == "th", columns or 1, rows or 1), self._line)
            if hidden:
                self._mark(STRUCK)
        elif tag == "tr":
            grid.end_cell()
            grid.start_row(self._line, hidden=hidden)
        elif tag in ("thead", "tbody", "tfoot"):
            grid.end_row("the row is not closed before the next group begins")
            grid.head(tag == "thead")
            grid.hidden = grid.veiled or hidden or bool(self._unseen)
        elif tag == "table":
            grid.flaw = grid.flaw or "a table within a table"
            self._grids.append(_Grid(self._line))
        elif tag == "caption":
            grid.caption = []
        elif tag in ("br", "hr", "p", "div", "li") and grid.cell is not None:
            grid.cell.text.append(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._skip or tag in _SKIPPED:
            return  # `<style … />` of MDX has no content to skip
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self._skip:
            if tag == self._skip:
                self._skip_depth -= 1
                if not self._skip_depth:
                    self._skip = ""
                    self._passed_over(tag)
            return
        if tag == self._unseen:
            self._unseen_depth -= 1
            self._unseen = self._unseen if self._unseen_depth else ""
        if tag in _INLINE:
            if tag in _STRUCK:
                self._mark(STRUCK)
                self._struck = max(self._struck - 1, 0)
            elif tag == "code" and self._code:
                self._mark(CODE)
            elif tag == "code":
                self._mark_prose()
            return
        if self._grids:
            self._end_in_table(tag)
        else:
            self._flush()
            self._heading = 0
            self._items -= tag == "li" and self._items > 0

    def _end_in_table(self, tag: str) -> None:
        grid = self._grids[-1]
        if tag in ("th", "td"):
            grid.end_cell()
        elif tag == "tr":
            grid.end_cell()  # `</tr>` closes an open cell, as HTML allows
            grid.end_row()
        elif tag == "thead":
            grid.head(False)
        elif tag == "caption" and grid.caption is not None:
            self._captioned("".join(grid.caption))
            grid.caption = None
        elif tag == "table":
            self._grids.pop()
            self.blocks.extend(grid.tables("the row is not closed before the table ends"))

    def handle_data(self, data: str) -> None:
        if self._skip:
            if self._pressed is not None:
                self._pressed.append(data)
            return
        if self._grids:
            grid = self._grids[-1]
            if grid.cell is not None:
                grid.cell.text.append(data)
            elif grid.caption is not None:
                grid.caption.append(data)
            return
        if self._prose and (self._unseen or self._struck):
            return
        if not self._text:
            self._text_line = self._line
        self._text.append(data)

    def _mark_prose(self) -> None:
        """Show in the prose where a code span begins or ends."""
        if self._prose and not self._grids:
            self._text.append(CODE)

    def _mark(self, mark: str) -> None:
        """Show in a cell where a span begins or ends, and where one of code does in a paragraph."""
        if self._grids and self._grids[-1].cell is not None:
            self._grids[-1].cell.text.append(mark)
        elif mark == CODE and not self._grids and not self._heading:
            self.handle_data(mark)

    def _passed_over(self, tag: str) -> None:
        """Keep what the texts of a control, a margin, or a superscript that is no mark have to say; of what is hidden
        in a cell that it is there.
        """
        if tag in _MARGINS:
            key = "title" if tag == "title" else ""
            if text := squeeze(" ".join(self._pressed or ())):
                self.blocks.append(Margin(text=text, line=self._line, key=key))
        elif tag in _INLINE and tag != "sup":
            hidden = "".join(self._pressed or ())
            if any(c.isdigit() or c in "$€£¥" for c in hidden):
                self._mark(f"{STRUCK}-{STRUCK}")
        elif tag == "sup":
            raised = "".join(self._pressed or ())
            if not is_mark(raised):
                self.handle_data(f" {raised}")
        elif texts := tuple(filter(None, map(squeeze, self._pressed or ()))):
            self._flush()
            self.blocks.append(PageControl(texts=texts, line=self._line))

    def _captioned(self, text: str) -> None:
        if text := squeeze(text):
            self.blocks.append(Caption(text=text, line=self._line))

    def _flush(self) -> None:
        if not self._text:
            return
        text, self._text = squeeze("".join(self._text)), []
        if not text:
            return
        if self._heading:
            self.blocks.append(Heading(level=self._heading, text=text, line=self._text_line))
        else:
            self.blocks.append(Paragraph(text=text, lone=not self._items, line=self._text_line))

    def finish(self) -> list[Block]:
        """Return all blocks. What the end of the text cut off is flawed, or left out where it is only prose."""
        self.close()
        for grid in self._grids:
            self.blocks.extend(grid.tables("the page is cut off in this row"))
        if not self._skip and not self._heading and not self._grids and not self._prose:
            self._flush()
        return self.blocks


def _dressed(match: re.Match[str]) -> bool:
    """Return whether the attributes that say nothing of prices hide or strike out what they are about."""
    return bool(match[2]) and _looks_unseen(match[2])


@lru_cache(maxsize=4096)  # a page's cells look alike
def _looks_unseen(looks: str) -> bool:
    return unseen(looks)


def _is_control(attrs: list[tuple[str, str | None]]) -> bool:
    return any(name == "role" and value in _CONTROLS for name, value in attrs)


def _span(text: str | None, most: int) -> int | None:
    """Return the span an attribute states, 1 without one; None when it cannot be laid out."""
    if text is None:
        return 1
    text = text.strip("{}\"' ")
    return int(text) if text.isascii() and text.isdecimal() and 1 <= int(text) <= most else None


def read(text: str, line: int = 1, *, code: bool = False, prose: bool = False) -> list[Block]:
    """Return the blocks of an HTML text whose first line is `line` of the page. With `code` the code spans in cells and
    paragraphs stay marked. With `prose` those outside of tables do, and of the prose only what the page closed and a
    reader sees is returned: it is read for what it states, and not as a label of tables.
    """
    text = _COMMENT.sub(lambda match: "\n" * match[0].count("\n"), text)
    # A tag or comment that never ends makes the tokenizer begin again at every `<`: its time would grow with the
    # square.
    unended = text.find("<", text.rfind(">") + 1)
    reader = _MarkupReader(line, code, prose)
    reader.feed(text if unended < 0 else text[:unended])
    return reader.finish()
