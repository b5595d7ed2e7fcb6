"""Prices: Decimal, in USD per one million tokens, with an identity that no two different prices share.

Only arithmetic and naming live here; how a page or feed spells a price is its extractor's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, NamedTuple

from monitor.core.facts import ANNOUNCED, Value

PREFIX = "price."
TEXT = "text"
SHORT = "short"
STANDARD = "standard"
PER_MILLION_TOKENS = "1M tokens"
USD = "USD"

TIERS = (STANDARD, "batch", "flex", "priority", "ultrafast")
"""Processing modes in the order in which they are told."""

ASKED_FIRST = ("input", "output", "cached_input", "cache_write")
"""Meters in the order in which people ask for them."""

REGION = "region "
"""What the condition of a price begins with that holds in one region alone."""

TOLERANCE = Decimal("1e-9")
"""Relative; feeds carry float noise (`0.0000006000000000000001`)."""


class Meter(NamedTuple):
    """What is metered, within one (provider, model): the part of a price's identity that a fact's field names.

    `condition` is where or when alone the price holds (`region EU`, `hours 16:30-00:30 UTC`), empty for every call.
    """

    tier: str
    context: str
    modality: str
    meter: str
    condition: str = ""

    @property
    def field(self) -> str:
        """The field of the fact: `price.standard.short.input`, `price.standard.short.audio.input` beyond text, and
        `price.standard.short.input{region EU}` under a condition.
        """
        middle = (self.tier, self.context) if self.modality == TEXT else (self.tier, self.context, self.modality)
        return PREFIX + ".".join((*middle, self.meter)) + (f"{{{self.condition}}}" if self.condition else "")

    @property
    def data(self) -> dict[str, str]:
        """The part of an event that names it; without a condition where there is none, as before there were any."""
        return {name: value for name, value in self._asdict().items() if value or name != "condition"}

    @property
    def in_words(self) -> str:
        """How people call it below its model: `batch input, long context`."""
        parts = [f"{self.tier} {self.meter.replace('_', ' ')}"]
        if self.modality != TEXT:
            parts.append(self.modality)
        if self.context != SHORT:
            parts.append(f"{self.context} context")
        if self.condition:
            parts.append(self.condition)
        return ", ".join(parts)

    @classmethod
    def of(cls, field: str) -> Meter:
        """Read a field back.

        Raises:
            ValueError: the field is not one of a price.
        """
        return _meter_of(field)

    @classmethod
    def named_in(cls, data: Mapping[str, Any]) -> Meter:
        """Return the meter that the data of an event name."""
        condition = str(data.get("condition", ""))
        return cls(data["tier"], data["context"], data["modality"], data["meter"], condition)

    def concerns(self, region: str) -> bool:
        """Return whether calls that go through a region are priced by it; `region` is empty for calls through none."""
        if not self.condition.startswith(REGION):
            return not self.condition
        return self.condition.removeprefix(REGION).casefold() == region.casefold()


@lru_cache(maxsize=4096)
def _meter_of(field: str) -> Meter:
    # A registry of hundreds of models has the same few dozen fields, each read several times for every model.
    name, _, condition = field.removeprefix(PREFIX).partition("{")
    parts = name.split(".")
    if not field.startswith(PREFIX) or len(parts) not in (3, 4):
        raise ValueError(f"{field!r} is not the field of a price")
    tier, context, *modality, meter = parts
    return Meter(tier, context, modality[0] if modality else TEXT, meter, condition.removesuffix("}"))


def telling_order(field: str, tiers: Sequence[str] = (STANDARD,)) -> tuple[object, ...]:
    """Return the sort key under which a list of fields may be cut: what is no price, then the tiers in use, short
    before long, input first.

    Sorted by name, the long context of batch would come before the price that everybody pays.
    """
    if not field.startswith(PREFIX):
        return (0, field)
    tier, context, modality, meter, condition = Meter.of(field)
    used = tiers.index(tier) if tier in tiers else len(tiers)
    rank = ASKED_FIRST.index(meter) if meter in ASKED_FIRST else len(ASKED_FIRST)
    return (1, used, tier, context != SHORT, context, modality != TEXT, modality, rank, meter, condition)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """One price as a page or feed states it. `valid_from` is inclusive and `valid_to` exclusive; None is unbounded.

    `condition` is where or when alone it holds (`region EU`), empty for a price of every call.
    """

    provider: str
    model: str
    tier: str = STANDARD
    context: str = SHORT
    modality: str = TEXT
    meter: str
    unit: str = PER_MILLION_TOKENS
    currency: str = USD
    amount: Decimal
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    condition: str = ""

    @property
    def identity(self) -> Meter:
        """The part of the identity below provider and model."""
        return Meter(self.tier, self.context, self.modality, self.meter, self.condition)

    def effective(self, at: datetime) -> bool:
        """Return whether the price holds at `at`."""
        return (self.valid_from is None or self.valid_from <= at) and (self.valid_to is None or at < self.valid_to)


class PriceStep(NamedTuple):
    """From when on a price holds, and what it is then; None where it is stated no more."""

    since: datetime
    amount: str | None


def effective(prices: Mapping[str, str], region: str = "") -> dict[str, str]:
    """Return what calls are charged that go through a region: field of every call → amount. What holds in their region
    stands for what holds everywhere, and what holds in another, or at some hours alone, is left out.
    """
    charged: dict[str, str] = {}
    for field, value in sorted(prices.items(), key=lambda item: "{" in item[0]):
        meter = Meter.of(field)
        if meter.concerns(region):
            charged[meter._replace(condition="").field] = value
    return charged


def at_time(prices: Mapping[str, str], steps: Mapping[str, Iterable[PriceStep]], when: datetime) -> dict[str, str]:
    """Return the prices in force at a time: `prices` are those of now, `steps` those of each field that began or will
    begin, in any order. Of a field whose first step is still to come, what stands now was so before.
    """
    amounts: dict[str, str | None] = dict(prices)
    for field, each in steps.items():
        if past := [step for step in sorted(each) if step.since <= when]:
            amounts[field] = past[-1].amount
    return {field: value for field, value in amounts.items() if value is not None}


def announced(facts: Mapping[str, Value]) -> dict[str, list[PriceStep]]:
    """Return what a source announces of a model, by what it states of it: field of the price → its steps."""
    steps: dict[str, list[PriceStep]] = {}
    for name, value in facts.items():
        if name.startswith(ANNOUNCED) and isinstance(value, str):
            field, _, day = name.removeprefix(ANNOUNCED).partition("@")
            steps.setdefault(field, []).append(PriceStep(midnight(day), value))
    return steps


def midnight(day: str) -> datetime:
    """Return when a day begins (UTC).

    Raises:
        ValueError: it is none.
    """
    return datetime.combine(date.fromisoformat(day), time(), UTC)


def amount(text: str) -> Decimal:
    """Read a decimal string.

    Raises:
        ValueError: not a finite number.
    """
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is not a number") from error
    if not value.is_finite():
        raise ValueError(f"{text!r} is not a finite number")
    return value


def canonical(value: Decimal) -> str:
    """Return the one spelling of an amount: no exponent, no trailing zeros (`0.2`, `30`)."""
    text = format(value.normalize(), "f")
    return "0" if text == "-0" else text


def equal(one: str, other: str) -> bool:
    """Return whether two amounts are the same price within `TOLERANCE`."""
    if one == other:
        return True
    a, b = amount(one), amount(other)
    return abs(a - b) <= TOLERANCE * max(abs(a), abs(b))


def spoken(value: str) -> str:
    """Return an amount as people write money: at least two decimals (`0.20`, `3.125`)."""
    whole, _, fraction = value.partition(".")
    return f"{whole}.{fraction:0<2}"


def percent(old: str, new: str) -> str:
    """Return how far an amount moved, `−80 %`: whole percents from ten on, two digits that count below; empty where the
    old one was nothing or     both are the same price.

    A move is never shown as 0 %, and nothing that still costs something as −100 %.

    Raises:
        ValueError: one of them is not a finite number.
    """
    before, after = amount(old), amount(new)
    if not before or equal(old, new):
        return ""
    share = (after - before) / before * 100
    size = abs(share)
    places = 0 if size >= 10 else 1 - size.adjusted()
    if after and share < 0:
        places = max(places, 1 - (100 - size).adjusted() if size > 99 else 0)
    return f"{'−' if share < 0 else '+'}{canonical(round(size, places))} %"
