"""Prices of one model that sit oddly beside each other: said to whom they concern, and nothing is held back for it.

What cannot be right at all (zero, cached input not below input) is `corroborate`'s. These can be right: a batch that
costs as much as standard is a bad offer and perhaps a column read wrongly, so a person should look.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from monitor.core import price
from monitor.core.facts import Fact, Facts, Value

CHEAPER = ("batch", "flex")
DEARER = ("priority", "ultrafast")
LONG = "long"


def news(before: Facts, after: Facts) -> dict[Fact, str]:
    """Return what newly sits oddly, for each of the two facts of every pair that does."""
    oddities: dict[Fact, list[str]] = {}
    if after is before:
        return {}
    for subject, fields in after.items():
        before_fields = before.get(subject, {})
        if fields == before_fields:
            continue
        was = {(low, high) for low, high, _ in _pairs(before_fields)}
        for low, high, oddity in _pairs(fields):
            if (low, high) not in was:
                oddities.setdefault(Fact(subject, low), []).append(oddity)
                oddities.setdefault(Fact(subject, high), []).append(oddity)
    return {fact: "; ".join(texts) for fact, texts in oddities.items()}


def _pairs(fields: Mapping[str, Value]) -> Iterator[tuple[str, str, str]]:
    """Yield the field that should cost less, the one that should cost more, and what is odd about them."""
    for field, value in fields.items():
        if not field.startswith(price.PREFIX) or not isinstance(value, str):
            continue
        meter = price.Meter.of(field)
        if meter.tier in CHEAPER:
            yield from _odd(fields, meter, meter._replace(tier=price.STANDARD), strictly=True)
        if meter.tier in DEARER:
            yield from _odd(fields, meter._replace(tier=price.STANDARD), meter)
        if meter.context == LONG:
            yield from _odd(fields, meter._replace(context=price.SHORT), meter)
        if meter.meter.startswith("cache_write"):
            yield from _odd(fields, meter._replace(meter="input"), meter)


def _odd(
    fields: Mapping[str, Value], low: price.Meter, high: price.Meter, *, strictly: bool = False
) -> Iterator[tuple[str, str, str]]:
    less, more = fields.get(low.field), fields.get(high.field)
    if not isinstance(less, str) or not isinstance(more, str):
        return
    if price.equal(less, more):
        if strictly:
            yield low.field, high.field, f"{_name(low)} is {price.spoken(less)}, not below {_name(high)}"
    elif price.amount(less) > price.amount(more):
        sentence = f"{_name(low)} is {price.spoken(less)}, above {_name(high)} of {price.spoken(more)}"
        yield low.field, high.field, sentence


def _name(meter: price.Meter) -> str:
    context = [] if meter.context == price.SHORT else [meter.context]
    modality = [] if meter.modality == price.TEXT else [meter.modality]
    return " ".join([meter.tier, *context, *modality, meter.meter.replace("_", " ")])
