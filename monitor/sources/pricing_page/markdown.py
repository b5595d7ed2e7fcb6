"""Markdown and MDX to blocks, line by line.

The official page is Markdown only in its tables: section titles and tab labels are bare lines, indented at random,
which CommonMark reads as code blocks. So this is a reader of lines with GFM's table rules, not a Markdown parser.
Fenced code and comments are passed over: what they show is not stated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from monitor.sources.pricing_page import markup, mdx
from monitor.sources.pricing_page.blocks import HIDDEN, Block, Heading, PageTable, Pane, Paragraph, TableRow
from monitor.sources.pricing_page.inline import conditional, plain, unseen

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)|\{/\*.*?(?:\*/\}|\Z)", re.DOTALL)
_FUNCTION = re.compile(
    r"^export (?:const \w+ = \([^\n]*\) => |default function [^\n]*|function [^\n]*)\{\n.*?^\};?$", re.DOTALL | re.M
)
_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})")
_TAG = re.compile(r"<(/?)([A-Za-z][\w.-]*)")
_PANE = re.compile(r"""\bdata-content-switcher-pane\b.*?\bdata-value=(?:"([^"]*)"|'([^']*)')""", re.DOTALL)
_INLINE = frozenset(
    {"a", "abbr", "b", "br", "code", "del", "em", "hr", "i", "kbd", "s", "span", "strong", "sub", "sup", "u"}
)
_UNSHOWN = frozenset({"template", "noscript", "dialog", "iframe", "textarea", "object"})
_STRUCK = frozenset({"del", "s", "strike"})
_PLAIN_COMPONENT = re.compile(
    r"(?:Tab|Card|Step|Column|Content|Accordion|Callout|Section|Frame|Layout|Page|Table|Pricing|Codex|Model|Grid|Heading"
    r"|Api|Docs?|Markdown|Link|Button|Icon|Image|Expand)\w*|\w*(?:Group|Card|Table|List|Switcher|Wrapper|Container|Provider"
    r"|Link|Tooltip|Heading|Matrix)|Note|Tip|Info|Warning|Caution|Important|Danger|Check|Alert|Admonition|Details|Summary"
    r"|Fragment|Steps|Box|Text|Badge|Row|Flex"
)
"""Components that frame what stands in them, whoever reads the page; any other may show it to some readers alone."""
_TAB = re.compile(
    r"""<(?:Tab|TabItem|TabPanel|Accordion|AccordionItem)\b[^>]*?\b(?:title|label|name)=\{?(?:"([^"]*)"|'([^']*)')"""
)
_CHOSEN = re.compile(
    r"\{%-?\s*(?:if|unless|case|when|elsif|elif|else|for)\b|\{\{\s*[#^]|\{[^{}]*(?:&&|\?|\|\|)\s*\(?\s*$|\)\s*:\s*\(\s*$"
)
_CHOSEN_END = re.compile(r"\{%-?\s*end|\{\{\s*/|\)\s*(?::\s*\w+\s*)?\}")
_CHOOSING = re.compile(r"(?:&&|\?|\|\||:)\s*\(?\s*$")
"""Lines between which text stands that is shown under a condition, as templates and JSX write it."""
_FENCED = re.compile(r"[ \t]*(?::{3,}[ \t]*\w*|={3}\+?(?=[ \t]+[\"']))[ \t]*(.*)$")
_DATA = re.compile(r"""\s(data-[\w-]+)=\{?(?:"([^"]*)"|'([^']*)')""")
_QUOTED = re.compile(r"[ \t]*>[ \t>]*(\[!\w+\][ \t]*)?")
_VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "wbr", "col", "source"})
_ATX = re.compile(r"[ \t]*(#{1,6})[ \t](.*)$")
_DELIMITER = re.compile(r"[ \t]*+\|?[ \t]*+:?-++:?[ \t]*+(?:\|[ \t]*+:?-++:?[ \t]*+)*+\|?[ \t]*+$")
_PIPE = re.compile(r"(?<!\\)\|")
_UNDERLINE = re.compile(r"[ \t]*(=+|-{2,})[ \t]*$")
_ITEM = re.compile(r"[-+*•>]\s|\d+[.)]\s")
_LISTED = re.compile(r"[ \t]*(?:[-+*•]|\d{1,3}[.)])[ \t]+\S")
_ENDLESS = 16
_UNGROUPED = frozenset({"model", "modality", "category", "description"})
_GROUPS = frozenset({"", "short context", "long context"})


def read(text: str, *, code: bool = False, items: bool = False) -> list[Block]:
    """Return the blocks of a Markdown or MDX text.

    With `code` the code spans in cells and paragraphs stay marked; with `items` each item of a list is a paragraph of
    its own, as it is in HTML.
    """
    return _MarkdownReader(_blanked(text), code, items).blocks


def _blanked(text: str) -> str:
    """Return the text without comments, fenced code and functions that it exports, every line still in its place."""
    for unseen_part in (_COMMENT, _FUNCTION):
        text = unseen_part.sub(lambda match: "\n" * match[0].count("\n"), text)
    lines, fence = text.split("\n"), ""
    for i, line in enumerate(lines):
        match = _FENCE.match(line)
        if fence:
            lines[i] = ""
            if match and match[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        elif match:
            fence, lines[i] = match[1], ""
    return "\n".join(lines)


def cells(line: str, *, code: bool = False) -> tuple[str, ...]:
    """Return the cells of a table line, as GFM splits them (an escaped pipe does not split)."""
    line = line.strip().removeprefix("|")
    line = line[:-1] if _closed(line) else line
    return tuple(plain(cell.replace("\\|", "|"), code=code) for cell in _PIPE.split(line))


def _closed(line: str) -> bool:
    line = line.rstrip()
    return line.endswith("|") and not line.endswith("\\|")


class _MarkdownReader:
    def __init__(self, text: str, code: bool, items: bool) -> None:
        self.blocks: list[Block] = []
        self._code = code
        self._items = items
        self._paragraph: list[str] = []
        self._paragraph_line = 1
        self._unseen, self._unseen_depth = "", 0  # the outermost tag that hides what it holds
        self._chosen = False  # between the lines of a condition
        self._text = text
        self._lowered = text.lower()
        at, line = 0, 1
        for start, end in self._tags():
            if start < at:
                continue
            self._lines(text[at:start], line)
            line += text.count("\n", at, start)
            end = self._tag(text[start:end], start, end, line)
            line += text.count("\n", start, end)
            at = end
        self._lines(text[at:], line, last=True)
        self._flush()

    def _tags(self) -> Iterator[tuple[int, int]]:
        """Tags that break the flow of text; those within a line of a table belong to its cells."""
        text, at, endless = self._text, 0, 0
        while match := _TAG.search(text, at):
            at = match.end()
            begun = text[text.rfind("\n", 0, match.start()) + 1 : at].lstrip()
            struck = match[2].lower() in _STRUCK and begun == match[0]  # on a line of its own it is around others
            if (match[2].lower() in _INLINE and not struck) or begun.startswith("|"):
                continue
            end = mdx.tag_end(text, match.start())
            if end < 0:
                endless += 1
                if endless > _ENDLESS:
                    return  # each costs a scan: such a text is no page
                if not mdx.is_pricing(match[2]):
                    continue
                end = len(text)
            yield match.start(), end
            at = end

    def _tag(self, tag: str, start: int, end: int, line: int) -> int:
        """Read one tag, and what belongs to it; the index after it."""
        self._flush()
        match = _TAG.match(tag)
        assert match is not None
        closing, name = match.groups()
        self._veil(name, tag, bool(closing))
        if mdx.is_pricing(name) and not closing:
            component = mdx.component(name, tag, line)
            hidden = self._hidden or _CHOOSING.search(self._text[max(0, start - 80) : start]) is not None
            self.blocks.append(replace(component, flaw=component.flaw or HIDDEN) if hidden else component)
        elif name == mdx.TITLED and not closing:
            self._add(mdx.titled(tag, line))
        elif name.lower() == "table" and not closing:
            return self._markup("</table>", start, line)
        elif re.fullmatch(r"h[1-6]", name) and not closing:
            return self._markup(f"</{name}>", start, line)
        elif (pane := _TAB.match(tag)) or (pane := _PANE.search(tag)):
            self.blocks.append(Pane(value=plain(pane[1] or pane[2] or ""), line=line))
        self.blocks.extend(Paragraph(text=text, lone=False, line=line) for text in mdx.prose(tag))
        return end

    def _veil(self, name: str, tag: str, closing: bool) -> None:
        """Follow into and out of what a tag hides."""
        if tag.endswith("/>") or name.lower() in _VOID:
            return
        if self._unseen:
            self._unseen_depth += (-1 if closing else 1) * (name == self._unseen)
            self._unseen = self._unseen if self._unseen_depth else ""
        elif not closing and self._hides(name, tag):
            self._unseen, self._unseen_depth = name, 1

    def _hides(self, name: str, tag: str) -> bool:
        """Return whether what stands in a tag is hidden, struck out, or shown to some readers alone."""
        if name[:1].isupper() and _PLAIN_COMPONENT.fullmatch(name) is None:
            return True
        return name.lower() in _UNSHOWN or name.lower() in _STRUCK or unseen(tag) or conditional(_attributes(tag))

    @property
    def _hidden(self) -> bool:
        return bool(self._unseen) or self._chosen

    def _add(self, table: PageTable) -> None:
        self.blocks.append(replace(table, flaw=table.flaw or HIDDEN) if self._hidden else table)

    def _markup(self, closing: str, start: int, line: int) -> int:
        at = self._lowered.find(closing, start)
        end = len(self._text) if at < 0 else at + len(closing)
        for block in markup.read(self._text[start:end], line, code=self._code):
            if isinstance(block, PageTable):
                self._add(block)
            else:
                self.blocks.append(block)
        return end

    def _lines(self, text: str, line: int, last: bool = False) -> None:
        lines = text.split("\n")
        i = 0
        while i < len(lines):
            row = lines[i]
            heading = _ATX.match(row)
            if heading:
                self._flush()
                self.blocks.append(Heading(level=len(heading[1]), text=plain(_untrailed(heading[2])), line=line + i))
            elif "|" in row and i + 1 < len(lines) and "|" in lines[i + 1] and _DELIMITER.match(lines[i + 1]):
                self._flush()
                end = _end_of_rows(lines, i)
                self._table(lines[i:end], line + i, last=last and end == len(lines))
                i = end
                continue
            elif row.lstrip().startswith("|"):
                self._flush()
                self._add(PageTable(header=(), rows=(), line=line + i, flaw="rows of a table without its header"))
                i = _end_of_rows(lines, i)
                continue
            elif self._paragraph and (under := _UNDERLINE.match(row)):
                level = 1 if under[1].startswith("=") else 2
                self.blocks.append(
                    Heading(level=level, text=plain(" ".join(self._paragraph)), line=self._paragraph_line)
                )
                self._paragraph = []
            elif not row.strip():
                self._flush()
            elif not self._marked(row, line + i):
                if self._items and _LISTED.match(row):
                    self._flush()
                if not self._paragraph:
                    self._paragraph_line = line + i
                quoted = _QUOTED.match(row) if self._paragraph else None
                self._paragraph.append(row[quoted.end() if quoted else 0 :].strip())
            i += 1

    def _marked(self, row: str, line: int) -> bool:
        """Read a line that is a mark and no text: of a condition, of a box, of a quotation."""
        text = row.strip()
        if text[0] in "{)" and (_CHOSEN.match(text) or _CHOSEN_END.match(text)):
            self._flush()
            self._chosen = _CHOSEN.match(text) is not None
            return True
        if fenced := _FENCED.match(row):
            self._flush()
            if title := plain(fenced[1].strip("\"' ")):
                self.blocks.append(Paragraph(text=title, lone=True, line=line))
            return True
        return text[0] == ">" and (quoted := _QUOTED.fullmatch(row)) is not None and quoted[1] is not None

    def _table(self, lines: list[str], line: int, *, last: bool) -> None:
        """Read the table that these lines are; the `last` one ends where the page does."""
        header, delimiter = cells(lines[0], code=self._code), lines[1]
        flaw = ""
        if len(header) != len(cells(delimiter)):
            flaw = "the header and the line under it have different numbers of columns"
        rows = []
        for n in range(2, len(lines)):
            # A page cut off within its last cell would state $3 for $30.00.
            ends = last and n == len(lines) - 1
            cut = not _closed(lines[n]) and (_closed(lines[0]) or ends)
            row = cells(lines[n], code=self._code)
            cut = cut or (ends and len(row) < len(header))
            rows.append(TableRow(cells=row, line=line + n, flaw="the row is cut off" if cut else ""))
        if last and len(rows) > 1 and all(len(rows[-1].cells) != len(row.cells) for row in rows[:-1]):
            # Cut off at a bar, it may fit a header that lost a cell and that no whole row fits.
            rows[-1] = replace(rows[-1], flaw=rows[-1].flaw or "the row has another number of cells than all before it")
        above = tuple(cell.lower() for cell in header)
        if rows and any(above) and _GROUPS.issuperset(above) and "model" in (cell.lower() for cell in rows[0].cells):
            groups, label_row = header, rows.pop(0)
            labels = label_row.cells
            flaw = flaw or label_row.flaw or _misgrouped(groups, labels)
            self._add(PageTable(header=(_filled(groups), labels), rows=tuple(rows), line=line, flaw=flaw))
        else:
            self._add(PageTable(header=(header,), rows=tuple(rows), line=line, flaw=flaw))

    def _flush(self) -> None:
        if self._paragraph:
            text = plain(" ".join(self._paragraph), code=self._code)
            if text:
                lone = len(self._paragraph) == 1 and not _ITEM.match(text)
                self.blocks.append(Paragraph(text=text, lone=lone, line=self._paragraph_line))
            self._paragraph = []


def _untrailed(title: str) -> str:
    """Return a heading's text without the marks that may close it. A pattern for both would take a time that grows with
    the cube of the blanks in it.
    """
    return title.strip(" \t").rstrip("#").rstrip(" \t")


def _end_of_rows(lines: list[str], start: int) -> int:
    """Return the index of the first line from `start` on that is no row of a table."""
    return next((n for n in range(start, len(lines)) if "|" not in lines[n]), len(lines))


def _attributes(tag: str) -> list[tuple[str, str]]:
    """Return the attributes of a tag that scripts read."""
    return [(name, double or single) for name, double, single in _DATA.findall(tag)] if " data-" in tag else []


def _filled(groups: tuple[str, ...]) -> tuple[str, ...]:
    """Markdown cannot merge cells: a blank after a group's title belongs to the group."""
    filled: list[str] = []
    for group in groups:
        filled.append(group or (filled[-1] if filled else ""))
    return tuple(filled)


def _misgrouped(groups: tuple[str, ...], labels: tuple[str, ...]) -> str:
    """Say why it is not certain which blanks belong to which group: it is only while every group holds the same
    columns, and no price stands before the first.
    """
    if len(groups) != len(labels):
        return "the groups and the labels have different numbers of columns"
    starts = [i for i, group in enumerate(groups) if group]
    layouts = {
        tuple(sorted(labels[start:stop])) for start, stop in zip(starts, [*starts[1:], len(groups)], strict=True)
    }
    before = {label.lower() for label in labels[: starts[0]]}
    return "" if len(layouts) == 1 and before <= _UNGROUPED else "the groups of columns do not hold the same columns"
