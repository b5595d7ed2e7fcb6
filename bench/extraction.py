"""Reading a pricing page against a bare parse of it: Markdown against splitting its lines into cells, HTML against
`html.parser`.

    python bench/extraction.py

The extractor binds columns, places sections, checks every cell and yields prices. Of Markdown the bare parse is next to
nothing, so that limit only catches a multiple that got out of hand. Of HTML the work beyond the parse must be small: a
page of prose and scripts, and the worst case, forty tables of cells alone, with and without markup within the cells.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser

from _common import Row, interleaved, milliseconds, report
from _server import html, page

from monitor.sources.pricing_page import extract

ROUNDS = 9
REPEATS = 5
LIMITS = {"markdown": 150.0, "html": 1.5}
LARGE = 340_000
TIERS = ("Standard", "Batch", "Flex", "Fast mode")
COLUMNS = [
    f"{band} context {meter}"
    for band in ("Short", "Long")
    for meter in ("input", "cached input", "cache writes", "output")
]


class Collector(HTMLParser):
    """Keeps the text, as any reader of a page must."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def tables(cell: str) -> str:
    """Return a page of 340 KB in forty tables: ten sections of four tiers, every cell written as `cell`."""
    head = "".join(f'<th scope="col">{title}</th>' for title in ["Model", *COLUMNS])
    width = len(cell.format("$10.00")) * (len(COLUMNS) + 1)
    count = (LARGE // (10 * len(TIERS)) - len(head)) // width
    parts = ["<!DOCTYPE html><html><body><h1>Pricing</h1>"]
    for section in range(10):
        parts.append(f"<h2>Models of family {section}</h2><p>Prices per 1M tokens.</p>")
        for number, tier in enumerate(TIERS):
            parts.append(f"<h3>{tier}</h3><table><thead><tr>{head}</tr></thead><tbody>")
            for row in range(count):
                prices = [f"${(column + 1) * 1.25 + row + number / 4:.2f}" for column in range(len(COLUMNS))]
                parts.append(f"<tr>{''.join(map(cell.format, [f'model-{section}.{row}', *prices]))}</tr>")
            parts.append("</tbody></table>")
    return "".join(parts) + "</body></html>"


def split(text: str) -> object:
    return [[cell.strip() for cell in line.split("|")] for line in text.splitlines()]


def collect(text: str) -> object:
    collector = Collector()
    collector.feed(text)
    collector.close()
    return collector.texts


def main() -> int:
    rows = []
    for kind, what, text, bare in (
        ("markdown", "markdown", page().decode(), split),
        ("html", "html, prose and scripts", html().decode(), collect),
        ("html", "html, 40 tables of plain cells", tables("<td>{}</td>"), collect),
        (
            "html",
            "html, 40 tables of nested cells",
            tables('<td class="px-4"><div class="cell"><span>{}</span></div></td>'),
            collect,
        ),
    ):
        found = extract(text, provider="openai").rows

        def ours(text: str = text) -> None:
            for _ in range(REPEATS):
                extract(text, provider="openai")

        def parse(text: str = text, bare=bare) -> None:
            for _ in range(REPEATS):
                bare(text)

        mine, theirs = interleaved(ours, parse, ROUNDS)
        rows.append(
            Row(
                what=f"extracting {len(found)} prices from {len(text) // 1000} KB of {what}",
                ours=milliseconds(mine / REPEATS),
                bare=milliseconds(theirs / REPEATS),
                figure=mine / theirs,
                limit=LIMITS[kind],
            )
        )
    return report(rows)


if __name__ == "__main__":
    sys.exit(main())
