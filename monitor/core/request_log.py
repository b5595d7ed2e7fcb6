"""A sample of a team's own request log: what a line has to say, whether it agrees with the registry, and what usage it
shows.

Which names the fields have is configured; what they mean stands here. A cost is held against accepted prices only, and
where a price is a blank it is not held against anything.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import TypeAlias

from monitor.core import price
from monitor.core.cost import cost, in_order, money

MONTH = timedelta(days=30)
"""What an observed usage is scaled to."""

SHORTEST = timedelta(hours=1)
"""A sample over less than this says nothing of a month."""

ROUNDING = Decimal("0.000001")
"""USD by which a logged cost may differ besides the tolerance: logs keep few digits, and one request costs little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The names under which a log keeps what every request has to say; dots lead into nested objects.

    `cache_write` and `tier` are empty where the log has no such field. With `cached_in_input` the tokens of `input`
    include cached and written ones, as the provider counts them. `tolerance` is relative.
    """

    at: str = "timestamp"
    model: str = "model"
    latency: str = "latency_ms"
    input: str = "usage.input_tokens"
    cached: str = "usage.input_tokens_details.cached_tokens"
    cache_write: str = ""
    output: str = "usage.output_tokens"
    cost: str = "cost_usd"
    error: str = "error"
    retries: str = "retries"
    tier: str = ""
    cached_in_input: bool = True
    tolerance: Decimal = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRequest:
    """One line of a log. `tokens` maps meters to what was counted, `cost` is in USD. `lacks` are the fields that it
    does not state.
    """

    line: int
    model: str
    at: datetime | None
    tokens: Mapping[str, int] = field(default_factory=dict)
    cost: Decimal | None = None
    tier: str = ""
    failed: bool = False
    retries: int = 0
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSpan:
    """From the first to the last request of a sample."""

    first: datetime
    last: datetime

    @property
    def length(self) -> timedelta:
        return self.last - self.first


def span(requests: Iterable[LoggedRequest]) -> LogSpan | None:
    """Return over what time a sample goes; None where no line states one."""
    dates = [request.at for request in requests if request.at is not None]
    return LogSpan(first=min(dates), last=max(dates)) if dates else None


def gaps(requests: Collection[LoggedRequest]) -> Iterator[str]:
    """Yield what is missing, field by field, in words."""
    rows: dict[str, list[int]] = {}
    for request in requests:
        for name in request.lacks:
            rows.setdefault(name, []).append(request.line)
    for name, lines in rows.items():
        yield f"{name} is missing or unreadable in {len(lines)} of {len(requests)} lines, first in line {lines[0]}"


def tier(request: LoggedRequest, used: tuple[str, ...]) -> str:
    """Return the tier of a request; empty where it does not say, and the entry uses several."""
    if request.tier:
        return price.STANDARD if request.tier == "default" else request.tier
    return used[0] if len(used) == 1 else ""


Bands: TypeAlias = dict[tuple[str, str], dict[str, str]]
"""Tier and band → meter → amount."""


class Prices:
    """The accepted prices of an entry: what a request may have cost when it was made.

    `fields` are those of now, `steps` what each was before, and `region` is where the entry's calls are processed.
    """

    def __init__(
        self,
        fields: Mapping[str, str],
        tiers: tuple[str, ...],
        *,
        steps: Mapping[str, Sequence[price.PriceStep]] = MappingProxyType({}),
        region: str = "",
    ) -> None:
        self._fields, self._tiers, self._steps, self._region = fields, tiers, steps, region
        self._times = sorted({step.since for each in steps.values() for step in each})
        self._bands_by_step: dict[int, Bands] = {}

    def _bands(self, at: datetime | None) -> Bands:
        """Return the prices in force at a time, by tier and band."""
        number = len(self._times) if at is None else bisect_right(self._times, at)
        if number not in self._bands_by_step:
            prices = self._fields if at is None else price.at_time(self._fields, self._steps, at)
            bands: Bands = {}
            for name, amount in price.effective(prices, self._region).items():
                meter = price.Meter.of(name)
                if meter.modality == price.TEXT:
                    bands.setdefault((meter.tier, meter.context), {})[meter.meter] = amount
            self._bands_by_step[number] = bands
        return self._bands_by_step[number]

    def of(self, request: LoggedRequest) -> tuple[list[Decimal], bool]:
        """Return what it costs in each context band of its tier, and whether these are all: a band that lacks the price
        of something used may be         the one that was charged.
        """
        mode = tier(request, self._tiers)
        bands = sorted(self._bands(request.at).items(), key=lambda item: item[0][1] != price.SHORT)
        totals = [cost(amounts, request.tokens).total for (name, _), amounts in bands if name == mode]
        stated_totals = [total for total in totals if total is not None]
        return stated_totals, bool(stated_totals) and len(stated_totals) == len(totals)


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """How the logged costs stand to the accepted prices: how many could be held against them, and what differs, in
    words.
    """

    held: int
    unpriced: int
    differing: str = ""


def costs(requests: Iterable[LoggedRequest], prices: Prices, tolerance: Decimal) -> Costs:
    """Hold every logged cost against what the request costs at accepted prices."""
    priced = unpriced = 0
    wrong: list[str] = []
    for request in requests:
        if request.failed or request.cost is None or request.lacks:
            continue
        expected, complete = prices.of(request)
        if any(abs(request.cost - amount) <= tolerance * amount + ROUNDING for amount in expected):
            priced += 1
        elif not complete:
            unpriced += 1
        else:
            priced += 1
            at_price = " or ".join(money(amount) for amount in expected)
            wrong.append(f"line {request.line} says {money(request.cost)} USD where accepted prices make it {at_price}")
    differing = (
        f"the cost of {len(wrong)} of {priced} requests differs from the accepted price: {wrong[0]}" if wrong else ""
    )
    return Costs(held=priced, unpriced=unpriced, differing=differing)


def observed(requests: Iterable[LoggedRequest], over: timedelta) -> dict[str, int]:
    """Return the tokens by meter, scaled from a time to a month; nothing where the time is too short to say."""
    if over < SHORTEST:
        return {}
    counted: dict[str, int] = {}
    for request in requests:
        for meter, tokens in request.tokens.items():
            counted[meter] = counted.get(meter, 0) + tokens
    return in_order({meter: scaled for meter, tokens in counted.items() if (scaled := tokens * MONTH // over)})
