"""What a provider's pricing page states, or why it states nothing that can be relied on.

One pipeline for every layout: parse to blocks (`markdown` and `mdx`, or `markup` for HTML), place the tables in their
sections (`walk`, `context`) with what the words around them say (`titles`, `statements`, `days`, `money`), bind the
columns by header text (`headers`), read the cells (`cells`, `rows`). A layout that is new to it yields refusals, never
a price under another meter, tier, band or model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from monitor.core.facts import Refusal, Subject
from monitor.core.price import PriceRow
from monitor.sources.extraction import Extraction, Unreadable
from monitor.sources.pricing_page import markdown, markup, money
from monitor.sources.pricing_page.blocks import Block, Margin, PageTable
from monitor.sources.pricing_page.context import Placed
from monitor.sources.pricing_page.notes import aliases_of, notes_of
from monitor.sources.pricing_page.profiles import Profile, profile
from monitor.sources.pricing_page.rows import reconcile, rows_of
from monitor.sources.pricing_page.walk import place
from monitor.sources.web_page import is_html

EXTRACTOR = "pricing_page/8"

MOST_TABLES = 5_000
"""More than any pricing page has, the longest seen has some hundred; each takes half a millisecond to read."""

_FRONT_MATTER = re.compile(r"---[ \t]*\n((?:[\w -]+:.*\n|[ \t#-].*\n|\n)+?)(?:---|\.\.\.)[ \t]*\n")
_TEMPLATE = re.compile(r"\{priceOf!")
_KEY = re.compile(r"([A-Za-z][\w -]*?)[ \t]*:[ \t]*[\"']?(.*?)[\"']?[ \t]*$", re.MULTILINE)


def extract(text: str, *, provider: str, names: Mapping[str, str] = MappingProxyType({})) -> Extraction:
    """Read a pricing page. Every row is in USD per 1M tokens. `names` are the ids of models that the page calls by
    other names.

    Raises:
        Unreadable: nothing on it is a recognised price, it has more tables than `MOST_TABLES`, its leading section
            announces prices and holds no table (the page was rendered without its components, so what is missing is not
            gone), or its markup names another currency.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if _TEMPLATE.search(text):
        raise Unreadable(
            "its cells are templates (`{priceOf!…}`) that a script fills from another file: no price stands on the page"
        )
    if currency := money.marked_up(text):
        raise Unreadable(f"the page's markup says that its prices are in {currency}")
    blocks = markup.read(text) if is_html(text) else _markdown(text)
    if (tables := sum(isinstance(block, PageTable) for block in blocks)) > MOST_TABLES:
        raise Unreadable(f"it has {tables:,} tables, and no pricing page has more than {MOST_TABLES:,}")
    words = profile(provider).with_names(names)
    placed, lead = place(blocks, words)
    if lead is not None and not lead.tables:
        raise Unreadable(f"the section {lead.title!r} announces prices per 1M tokens and holds no table")
    rows, refused = _read(placed, provider, words, names)
    if not rows:
        first = f"; the first: {refused[0].where}: {refused[0].reason}" if refused else ""
        raise Unreadable(f"no price was recognised in {len(placed)} tables{first}")
    aliases = {Subject(provider, name): target for name, target in aliases_of(blocks).items()}
    return Extraction(rows=rows, refused=refused, notes=notes_of(blocks), aliases=aliases)


def _markdown(text: str) -> list[Block]:
    """Return the blocks of a page in Markdown, with what its front matter says beside it."""
    front = _FRONT_MATTER.match(text)
    if front is None:
        return markdown.read(text)
    stated = [Margin(text=match[2], line=1, key=match[1]) for match in _KEY.finditer(front[1]) if match[2]]
    return [*stated, *markdown.read("\n" * front[0].count("\n") + text[front.end() :])]


def rows(blocks: Sequence[Block], *, provider: str) -> tuple[tuple[PriceRow, ...], tuple[Refusal, ...]]:
    """Read the prices of a part of another page, and why those were refused that are none; a part may state none."""
    return _read(place(blocks)[0], provider, profile(provider))


def _read(
    placed: Iterable[Placed], provider: str, words: Profile, names: Mapping[str, str] = MappingProxyType({})
) -> tuple[tuple[PriceRow, ...], tuple[Refusal, ...]]:
    read: list[PriceRow] = []
    refused: list[Refusal] = []
    for table in placed:
        for part in rows_of(table, provider, words):
            if isinstance(part, PriceRow):
                read.append(replace(part, model=names[part.model]) if part.model in names else part)
            else:
                refused.append(part)
    reconciled, conflicts = reconcile(read)
    return tuple(reconciled), (*refused, *conflicts)
