"""Reading a pricing page against a bare parse of it: Markdown against splitting its lines into cells, HTML against `html.parser`.

    python bench/extraction.py

The extractor binds columns, places sections, checks every cell and yields prices, so it takes a multiple of the bare parse;
the limits only catch a multiple that got out of hand.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser

from _common import Row, interleaved, milliseconds, report
from _server import html, page

from monitor.sources.pricing_page import extract

ROUNDS = 9
REPEATS = 5
LIMITS = {"markdown": 150.0, "html": 6.0}


class Collector(HTMLParser):
    """Keeps the text, as any reader of a page must."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def split(text: str) -> object:
    return [[cell.strip() for cell in line.split("|")] for line in text.splitlines()]


def collect(text: str) -> object:
    collector = Collector()
    collector.feed(text)
    collector.close()
    return collector.texts


def main() -> int:
    rows = []
    for kind, text, bare in (("markdown", page().decode(), split), ("html", html().decode(), collect)):
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
                what=f"extracting {len(found)} prices from {len(text) // 1000} KB of {kind}",
                ours=milliseconds(mine / REPEATS),
                bare=milliseconds(theirs / REPEATS),
                figure=mine / theirs,
                limit=LIMITS[kind],
            )
        )
    return report(rows)


if __name__ == "__main__":
    sys.exit(main())
