"""`measurements` and `budget`: what the calls of probes took and cost, and what they may still cost today."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import click

from monitor.cli import output, plot
from monitor.cli.framework import Options, command
from monitor.cli.names import complete_entries
from monitor.cli.opening import opened
from monitor.cli.times import time_option
from monitor.core.cost import money
from monitor.core.event_words import share_in_percent
from monitor.core.events import rfc3339
from monitor.core.moments import Moment, both
from monitor.core.names import perhaps
from monitor.core.ports import MeasurementQuery, Reader, Refused

if TYPE_CHECKING:
    from monitor.core.measurements import Series, Summary

RECENT = timedelta(days=7)
"""How far back calls are shown unless told."""


@command(
    "measurements",
    table=True,
    examples=(
        "access-monitor measurements",
        "access-monitor measurements gpt-5.6-luna --route responses --since '30d ago'",
        "access-monitor measurements gpt-5.6-luna --plot",
    ),
)
@click.argument("name", metavar="[ENTRY|MODEL]", required=False, shell_complete=complete_entries)
@click.option("--route", default="", help="One route only, such as responses.")
@time_option("--since", "Calls from TIME on; the last seven days by default.")
@click.option("--plot", "plotted", is_flag=True, help="One line of blocks for each route: median latency by day.")
@click.pass_obj
def measurements(options: Options, *, name: str | None, route: str, since: Moment | None, plotted: bool) -> None:
    """Show what the calls of probes took.

    By route and UTC day: calls, how many failed, latency of the others, tokens, cache reads and cost.
    """
    from monitor.core.facts import Measurement
    from monitor.core.measurements import by_day

    with opened(options) as monitor, monitor.store.read() as reader:
        now = monitor.clock()
        begin = since.resolve(now) if since else now - RECENT
        wanted = _subjects(reader, name) if name else None

        def is_wanted(one: Measurement) -> bool:
            return wanted is None or (one.surface, one.model) in wanted or ("", one.model) in wanted

        days = by_day(filter(is_wanted, reader.measurements(MeasurementQuery(route=route, since=begin))))
        known = [] if days or not name else _measured(reader)
    if not days and not options.json:
        of = f" of {name!r}{perhaps(name, known)}" if name else ""
        by = f" by {route!r}" if route else ""
        raise Refused(
            f"no call{of}{by} since {rfc3339(begin)} was measured; a [[source]] of kind behaviour makes calls, "
            "and --since looks further back"
        )
    if options.json:
        output.as_json([_as_json(series, day, summary) for (series, day), summary in days.items()])
    elif plotted:
        _plot(days, begin, now)
    else:
        _print(days)


@command("budget", table=True, examples=("access-monitor budget", "access-monitor budget --json"))
@click.pass_obj
def budget(options: Options) -> None:
    """Show what paid probes may still cost today.

    By surface, in USD and UTC. REFUSED are the probes that could cost more than is left.
    """
    from monitor.detection.budget import accounts

    with opened(options) as monitor, monitor.store.read() as reader:
        budgets = accounts(reader, monitor.configuration, monitor.settings.budget, monitor.clock())
    if options.json:
        output.as_json(
            [
                {
                    "surface": account.surface,
                    "per_day": money(account.per_day),
                    "spent": money(account.spent),
                    "left": money(account.left),
                    "refused": list(account.refused),
                }
                for account in budgets
            ]
        )
    elif budgets:
        output.table(
            ("SURFACE", "PER DAY", "SPENT", "LEFT", "REFUSED"),
            [
                (
                    account.surface,
                    money(account.per_day),
                    money(account.spent),
                    money(account.left),
                    ", ".join(account.refused),
                )
                for account in budgets
            ],
            numbers=("PER DAY", "SPENT", "LEFT"),
        )
    else:
        output.note("No surface is configured, so nothing is spent.")


def _subjects(reader: Reader, name: str) -> set[tuple[str, str]]:
    """Surface and model of the entry with this key; else the model of this id on any surface."""
    entry = reader.entries().get(name)
    return set(entry.spec.surfaces.items()) if entry is not None else {("", name)}


def _measured(reader: Reader) -> set[str]:
    """Return what could have been asked for: entries, and the models of which a call was measured."""
    return {*reader.entries(), *(measured.model for measured in reader.measurements(MeasurementQuery()))}


def _as_json(series: Series, day: date, one: Summary) -> dict[str, object]:
    return {
        **series._asdict(),
        "day": day.isoformat(),
        "calls": one.calls,
        "failed": one.failed,
        "error_rate": str(one.error_rate),
        "latency_ms": {"p50": one.p50, "p90": one.p90, "p99": one.p99},
        "first_token_ms": one.first_token,
        "retries": one.retries,
        "input_tokens": one.input_tokens,
        "output_tokens": one.output_tokens,
        "cached": None if one.cached is None else str(one.cached),
        "cost": None if one.cost is None else money(one.cost),
        "priced": one.priced,
    }


def _print(days: Mapping[tuple[Series, date], Summary]) -> None:
    numbers = ("CALLS", "FAILED", "P50", "P90", "P99", "FIRST", "INPUT", "OUTPUT", "CACHED", "USD")
    output.table(
        ("DAY", "SURFACE", "MODEL", "ROUTE", *numbers),
        [
            (
                day.isoformat(),
                series.surface,
                series.model,
                series.route,
                str(summary.calls),
                f"{share_in_percent(str(summary.error_rate))}" if summary.failed else "0",
                *(_number(value) for value in (summary.p50, summary.p90, summary.p99, summary.first_token)),
                *(_number(value) for value in (summary.input_tokens, summary.output_tokens)),
                "" if summary.cached is None else share_in_percent(str(summary.cached)),
                "" if summary.cost is None else money(summary.cost),
            )
            for (series, day), summary in days.items()
        ],
        numbers=numbers,
    )
    output.note("Latencies and time to the first token are in milliseconds, of calls that did not fail.")


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _plot(days: Mapping[tuple[Series, date], Summary], begin: datetime, now: datetime) -> None:
    lines: dict[Series, list[plot.PlotStep]] = {}
    for (series, day), summary in days.items():
        at = datetime(day.year, day.month, day.day, tzinfo=UTC)
        steps = lines.setdefault(series, [])
        if steps and steps[-1].at < at - timedelta(days=1):
            steps.append(plot.PlotStep(steps[-1].at + timedelta(days=1), None))
        steps.append(plot.PlotStep(at, None if summary.p50 is None else Decimal(summary.p50)))
    names = {series: output.printable(" ".join(series)) for series in lines}
    widest = max(map(len, names.values()))
    columns = max(10, min(60, output.width() - widest - 24))
    for series, steps in lines.items():
        amounts = [step.amount for step in steps if step.amount is not None]
        ends = f"{amounts[0]} → {amounts[-1]}" if amounts else "none"
        click.echo(f"{names[series]:<{widest}}  {plot.line(steps, begin, now, columns)}  {ends}")
    output.note(f"Median latency by UTC day in milliseconds, from {both(begin)} to {both(now)}.")
