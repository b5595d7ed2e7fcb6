"""What many calls came to: counts, quantiles of time, tokens and money, by surface, model, route and day. Nothing is
judged here (`drift` does).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import NamedTuple

from monitor.core.facts import Measurement

PLACES = Decimal("0.001")
"""How exactly a share is told."""


class Series(NamedTuple):
    """What is measured together: one route to one model on one surface."""

    surface: str
    model: str
    route: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Calls in sum. Times are of granted calls, in milliseconds; None is what no call said. `failed` were not granted.

    `cached` is the share of input tokens that were read from a cache; `cost` in USD is of the `priced` calls alone.
    """

    calls: int
    failed: int
    p50: int | None
    p90: int | None
    p95: int | None
    p99: int | None
    first_token: int | None
    retries: int
    input_tokens: int | None
    output_tokens: int | None
    cached: Decimal | None
    cost: Decimal | None
    priced: int

    @property
    def error_rate(self) -> Decimal:
        """The share of calls that were not granted."""
        return (Decimal(self.failed) / self.calls).quantize(PLACES)


def by_day(measured: Iterable[Measurement]) -> Mapping[tuple[Series, date], Summary]:
    """Return summaries of each series on each UTC day, in order."""
    days: dict[tuple[Series, date], list[Measurement]] = {}
    for measurement in measured:
        series = Series(measurement.surface, measurement.model, measurement.route)
        days.setdefault((series, measurement.at.astimezone(UTC).date()), []).append(measurement)
    return {key: summary(days[key]) for key in sorted(days)}


def by_step(measured: Iterable[Measurement], begin: datetime, step: timedelta) -> Mapping[datetime, Summary]:
    """Return summaries of the calls of each span of `step` from `begin` on, by when it begins; a span without a call is
    left out.
    """
    steps: dict[int, list[Measurement]] = {}
    for measurement in measured:
        steps.setdefault((measurement.at - begin) // step, []).append(measurement)
    return {begin + number * step: summary(steps[number]) for number in sorted(steps)}


def by_series(measured: Iterable[Measurement]) -> Mapping[Series, Summary]:
    """Return summaries of each series over all its calls, in order."""
    groups: dict[Series, list[Measurement]] = {}
    for measurement in measured:
        groups.setdefault(Series(measurement.surface, measurement.model, measurement.route), []).append(measurement)
    return {key: summary(groups[key]) for key in sorted(groups)}


def summary(measured: Sequence[Measurement]) -> Summary:
    """Return the sum of one or more calls."""
    granted = [measurement for measurement in measured if not measurement.failed]
    times = sorted(measurement.latency for measurement in granted)
    costs = [Decimal(measurement.cost) for measurement in measured if measurement.cost is not None]
    with_cache = [
        measurement for measurement in measured if measurement.cached_tokens is not None and measurement.input_tokens
    ]
    read = sum(measurement.cached_tokens or 0 for measurement in with_cache)
    of = sum(measurement.input_tokens or 0 for measurement in with_cache)
    return Summary(
        calls=len(measured),
        failed=len(measured) - len(granted),
        p50=quantile(times, 50),
        p90=quantile(times, 90),
        p95=quantile(times, 95),
        p99=quantile(times, 99),
        first_token=quantile(
            sorted(measurement.first_token for measurement in granted if measurement.first_token is not None), 50
        ),
        retries=sum(measurement.retries for measurement in measured),
        input_tokens=_sum(measurement.input_tokens for measurement in measured),
        output_tokens=_sum(measurement.output_tokens for measurement in measured),
        cached=(Decimal(read) / of).quantize(PLACES) if of else None,
        cost=sum(costs, Decimal(0)) if costs else None,
        priced=len(costs),
    )


def quantile(values: Sequence[int], percent: int) -> int | None:
    """Return the nearest-rank quantile of values in order: one of the values themselves."""
    return values[max(0, ceil(len(values) * percent / 100) - 1)] if values else None


def _sum(values: Iterable[int | None]) -> int | None:
    present = [value for value in values if value is not None]
    return sum(present) if present else None
