"""A page of sections as Markdown or as one HTML file that needs nothing else: no script, no font, no network, and fit
to be printed.

Whatever stands in a cell may have come from a provider, so both forms escape everything; an address becomes a link only
where it is one of the web.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple, TypeAlias

from monitor.cli.output import printable


class Link(NamedTuple):
    """An address to follow."""

    url: str


class CellState(NamedTuple):
    """A status or the state of a check, shown in its colour."""

    text: str


Cell: TypeAlias = str | Link | CellState


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTable:
    """Rows under headers; `numbers` are the headers of columns that are set to the right."""

    headers: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """A list of sentences."""

    items: Sequence[str]


Block: TypeAlias = str | ReportTable | Items


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSection:
    """A heading and what stands under it."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPage:
    """The whole."""

    title: str
    lead: str
    sections: Sequence[ReportSection]
    footer: str


_COLOURS = {
    "active": "good",
    "verified": "good",
    "paused": "bad",
    "failed": "bad",
    "evaluating": "open",
    "waiting": "open",
    "stale": "open",
}

_STYLE = """
@page { size: A4; margin: 18mm 16mm 20mm; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1.5rem; color: #1b1f24; background: #fff;
  font: 0.9rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .6rem; padding-bottom: .25rem;
     border-bottom: 1px solid #c9d1d9; break-after: avoid; }
p { margin: .4rem 0; }
.lead { color: #57606a; margin-bottom: 1.2rem; }
ul { margin: .4rem 0; padding-left: 1.3rem; }
li { margin: .15rem 0; break-inside: avoid; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; font-size: .82rem;
        font-variant-numeric: tabular-nums; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
th { text-align: left; font-weight: 600; color: #57606a; border-bottom: 1.5px solid #8c959f; vertical-align: bottom; }
th, td { padding: .28rem .7rem .28rem 0; overflow-wrap: break-word; }
td { border-bottom: 1px solid #e3e7eb; vertical-align: top; }
.number { text-align: right; }
.state { display: inline-block; white-space: nowrap; padding: 0 .45rem; border-radius: .6rem;
         font-weight: 600; background: #eaeef2; color: #424a53;
  -webkit-print-color-adjust: exact; print-color-adjust: exact; }
.good { background: #dafbe1; color: #116329; }
.bad { background: #ffe2e0; color: #a40e26; }
.open { background: #fff3cd; color: #7a4d00; }
a { color: #0550ae; overflow-wrap: anywhere; }
footer { margin-top: 2.5rem; padding-top: .5rem; border-top: 1px solid #c9d1d9; color: #57606a; font-size: .78rem; }
@media print { body { max-width: none; padding: 0; font-size: 9.5pt; } .wide { overflow: visible; }
         a { color: inherit; text-decoration: none; } }
"""


def is_web(url: str) -> bool:
    """Return whether an address is one that a page may link to; `javascript:` and the like are none."""
    return url.startswith(("https://", "http://"))


# -- Markdown ------------------------------------------------------------------


def markdown(page: ReportPage) -> str:
    """Return the page as Markdown with tables."""
    return "\n".join(_markdown(page))


def _markdown(page: ReportPage) -> Iterator[str]:
    yield f"# {_md(page.title)}"
    yield ""
    yield _md(page.lead)
    for section in page.sections:
        yield ""
        yield f"## {_md(section.title)}"
        for block in section.blocks:
            yield ""
            if isinstance(block, ReportTable):
                yield from _md_table(block)
            elif isinstance(block, Items):
                yield from (f"- {_md(item)}" for item in block.items)
            else:
                yield _md(block)
    yield ""
    yield "---"
    yield ""
    yield _md(page.footer)
    yield ""


def _md_table(table: ReportTable) -> Iterator[str]:
    yield f"| {' | '.join(map(_md, table.headers))} |"
    yield f"|{'|'.join(' ---: ' if header in table.numbers else ' --- ' for header in table.headers)}|"
    for row in table.rows:
        yield f"| {' | '.join(map(_md_cell, row))} |"


def _md_cell(cell: Cell) -> str:
    if isinstance(cell, Link):
        url = printable(cell.url).replace("|", "%7C")
        return f"<{url}>" if is_web(url) and not set(url) & set(" <>") else _md(cell.url)
    return _md(cell.text if isinstance(cell, CellState) else cell)


def _md(text: str) -> str:
    escaped = printable(text)
    for mark in "\\`*[]|":
        escaped = escaped.replace(mark, f"\\{mark}")
    return escaped.replace("<", "&lt;")


# -- HTML ----------------------------------------------------------------------


def html(page: ReportPage) -> str:
    """Return the page as one self-contained HTML file."""
    return "".join(_html(page))


def _html(page: ReportPage) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
    yield f"<title>{_h(page.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
    yield f'<h1>{_h(page.title)}</h1>\n<p class="lead">{_h(page.lead)}</p>\n'
    for section in page.sections:
        yield f"<section>\n<h2>{_h(section.title)}</h2>\n"
        for block in section.blocks:
            yield _html_block(block)
        yield "</section>\n"
    yield f"</main>\n<footer>{_h(page.footer)}</footer>\n</body>\n</html>\n"


def _html_block(block: Block) -> str:
    if isinstance(block, ReportTable):
        marks = ['<{} class="number">' if header in block.numbers else "<{}>" for header in block.headers]
        head = "".join(
            f"{mark.format('th')}{_h(header)}</th>" for mark, header in zip(marks, block.headers, strict=True)
        )
        body = "".join(
            "<tr>"
            + "".join(f"{mark.format('td')}{_html_cell(cell)}</td>" for mark, cell in zip(marks, row, strict=True))
            + "</tr>\n"
            for row in block.rows
        )
        return f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table></div>\n'
    if isinstance(block, Items):
        return f"<ul>\n{''.join(f'<li>{_h(item)}</li>' + chr(10) for item in block.items)}</ul>\n"
    return f"<p>{_h(block)}</p>\n"


def _html_cell(cell: Cell) -> str:
    if isinstance(cell, Link):
        shown = _h(cell.url)
        return f'<a href="{shown}" rel="noreferrer">{shown}</a>' if is_web(cell.url) else shown
    if isinstance(cell, CellState):
        colour = _COLOURS.get(cell.text)
        return f'<span class="{"state" if colour is None else f"state {colour}"}">{_h(cell.text)}</span>'
    return _h(cell)


def _h(text: str) -> str:
    return escape(printable(text), quote=True)
