"""What the calls of a source took and cost of late: pictures, and the numbers that stand beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from monitor.core.cost import money
from monitor.core.event_words import share_in_percent
from monitor.core.facts import Measurement
from monitor.core.measurements import Series, Summary, by_step, summary
from monitor.core.moments import utc
from monitor.core.ports import MeasurementQuery, Reader
from monitor.web.pages.drawing import DrawnBar, TimeSpan, bar_chart

STEP = timedelta(hours=4)
"""How long the calls are that one bar stands for."""


def calls_of(reader: Reader, source: str, span: TimeSpan) -> list[dict[str, Any]]:
    """Return the calls of a source by route to a model: numbers over the whole span, latency and cost drawn over it;
    none where no call was measured.
    """
    routes: dict[Series, list[Measurement]] = {}
    for measured in reader.measurements(MeasurementQuery(source=source, since=span.start)):
        routes.setdefault(Series(measured.surface, measured.model, measured.route), []).append(measured)
    return [_route(series, routes[series], span) for series in sorted(routes)]


def _route(series: Series, measured: Sequence[Measurement], span: TimeSpan) -> dict[str, Any]:
    steps = by_step(measured, span.start, STEP)
    whole = summary(measured)
    return {
        **series._asdict(),
        "calls": whole.calls,
        "failed": share_in_percent(str(whole.error_rate)),
        "median": whole.p50,
        "p95": whole.p95,
        "cost": None if whole.cost is None else money(whole.cost),
        "latency_chart": _latency(steps, span),
        "cost_chart": None if whole.cost is None else _cost(steps, span),
    }


def _latency(steps: Mapping[datetime, Summary], span: TimeSpan) -> Any:
    bars = [
        DrawnBar(
            start=begin,
            end=begin + STEP,
            amount=None if calls.p50 is None else Decimal(calls.p50),
            upper=None if calls.p95 is None else Decimal(calls.p95),
            bad=bool(calls.failed),
            label=_in_words(begin, calls),
        )
        for begin, calls in steps.items()
    ]
    return bar_chart(bars, span, "latency over time, in milliseconds")


def _cost(steps: Mapping[datetime, Summary], span: TimeSpan) -> Any:
    bars = [
        DrawnBar(
            start=begin,
            end=begin + STEP,
            amount=calls.cost,
            label=f"from {utc(begin)}: {money(calls.cost)} USD, {calls.priced} of {calls.calls} calls priced",
        )
        for begin, calls in steps.items()
        if calls.cost is not None
    ]
    return bar_chart(bars, span, "cost over time, in USD")


def _in_words(begin: datetime, calls: Summary) -> str:
    """Say what the calls of one bar took."""
    took = "" if calls.p50 is None else f", median {calls.p50} ms, 95 % within {calls.p95} ms"
    return f"from {utc(begin)}: {calls.calls} calls, {calls.failed} not granted{took}"
