"""The provider's pricing page as Markdown, written from the state's prices: four sections of nine columns.

The headers are those of the true page, since readers bind columns by them; the words around the tables are this
project's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from monitor.core.price import canonical, spoken
from monitor.sandbox.timeline import BATCH, FAST, FLEX, STANDARD, TimelinePrice, TimelineState

SECTIONS = ((STANDARD, "Standard"), (BATCH, "Batch"), (FLEX, "Flex"), (FAST, "Fast mode"))
FACTORS = {STANDARD: Decimal(1), BATCH: Decimal("0.5"), FLEX: Decimal("0.5"), FAST: Decimal(2)}
LONG_INPUT = Decimal(2)
LONG_OUTPUT = Decimal("1.5")

METERS = ("input", "cached input", "cache writes", "output")
HEADER = "| Model | " + " | ".join(f"{band} context {meter}" for band in ("Short", "Long") for meter in METERS) + " |"
RULE = "|" + " --- |" * 9


def amounts(price: TimelinePrice, tier: str) -> tuple[Decimal | None, ...]:
    """Return the eight amounts of a row in USD per 1M tokens, in the order of the columns; None where
    none is stated.
    """
    factor = FACTORS[tier]
    short = (price.input, price.cached_input, price.cache_write, price.output)
    longs = (LONG_INPUT, LONG_INPUT, LONG_INPUT, LONG_OUTPUT)
    return (
        *(None if value is None else value * factor for value in short),
        *(
            None if value is None or not price.long_context else value * factor * longer
            for value, longer in zip(short, longs, strict=True)
        ),
    )


def render(state: TimelineState) -> str:
    """Return the whole page."""
    return "\n".join(_lines(state)) + "\n"


def _lines(state: TimelineState) -> Iterator[str]:
    yield "# Pricing"
    yield ""
    yield "> This page is made by a sandbox. Its tables have the form of the provider's own page."
    yield ""
    yield "Flagship models"
    yield ""
    yield "Prices per 1M tokens."
    yield ""
    for tier, title in SECTIONS:
        yield title
        yield ""
        yield f"### {title.removesuffix(' mode')} pricing data"
        yield ""
        yield HEADER
        yield RULE
        for id, price in state.prices.items():
            if tier in price.tiers:
                yield f"| {id} | " + " | ".join(map(_cell, amounts(price, tier))) + " |"
        yield ""
        if tier == STANDARD:
            for note in state.notes:
                yield note
                yield ""


def _cell(value: Decimal | None) -> str:
    return "-" if value is None else "$" + spoken(canonical(value))
