"""`prices`: what a model costs by tier, band and meter, who says so and since when, and how it came to be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import click

from monitor.cli import agreement, output, plot
from monitor.cli import usage as costs
from monitor.cli.extract import extract
from monitor.cli.framework import DefaultGroup, Options, command
from monitor.cli.names import complete_entries
from monitor.cli.opening import opened
from monitor.cli.times import time_option
from monitor.core import events as ev
from monitor.core.event_types import in_words
from monitor.core.events import Recorded, record
from monitor.core.moments import Moment, both
from monitor.core.ports import Refused
from monitor.core.price import TIERS, Meter, amount, spoken, telling_order
from monitor.core.time import rounded

if TYPE_CHECKING:
    from monitor.audit.agreement import PriceComparison
    from monitor.audit.queries import PriceFact


class PriceSeries(NamedTuple):
    """The identity of one plotted line."""

    source: str
    provider: str
    model: str
    meter: Meter


@command(
    "show",
    table=True,
    examples=(
        "access-monitor prices gpt-5.6-luna",
        "access-monitor prices gpt-5.6-luna --history",
        "access-monitor prices openai/gpt-4.1 --plot",
        "access-monitor prices gpt-5.6-luna --when 2027-03-01",
        "access-monitor prices gpt-5.6-luna --usage input=400M,cached=1G,output=30M",
    ),
)
@click.argument("name", metavar="ENTRY|MODEL", shell_complete=complete_entries)
@click.option("--history", is_flag=True, help="Every recorded change instead of what is confirmed now.")
@click.option("--plot", "plotted", is_flag=True, help="One line of blocks for each price, over time.")
@click.option(
    "--usage",
    "used",
    type=costs.UsageOption(),
    help=(
        "What so many tokens cost, by tier and band, blank where a price is; registry: the usage of ENTRY, "
        "configured or observed."
    ),
)
@time_option("--when", "The prices in force at this time, past or announced, instead of those of now.")
@time_option("--at", "As recorded at TIME: RFC 3339, a date, or '2h ago'.")
@click.pass_obj
def show(
    options: Options,
    *,
    name: str,
    history: bool,
    plotted: bool,
    used: dict[str, int] | None,
    when: Moment | None,
    at: Moment | None,
) -> None:
    """Show prices by tier, band and meter.

    Each with its source, since when it holds and when it was last read. MODEL may name its provider:
    openai/gpt-4.1.
    """
    from monitor.audit import documents, queries
    from monitor.audit.agreement import weigh

    if used is not None and (history or plotted or at):
        raise click.UsageError("--usage is about the prices of now: leave --history, --plot and --at out.")
    if when is not None and (history or plotted or at):
        raise click.UsageError("--when is about what is known now of one time: leave --history, --plot and --at out.")
    with opened(options) as monitor, monitor.store.read() as reader:
        now = monitor.clock()
        then = at.resolve(now) if at else None
        subjects = queries.price_subjects(reader, monitor.configuration, name, at=then)
        if when is None:
            facts = queries.prices(reader, monitor.configuration, subjects, at=then)
        else:
            facts = queries.prices_at(reader, monitor.configuration, subjects, when.resolve(now))
        moves = queries.price_history(reader, monitor.configuration, subjects, at=then) if history or plotted else []
        origin = ""
        if used is not None and not used:
            used, origin = costs.of_registry(reader.entries(), name)
    if not facts and not moves:
        raise Refused(
            f"no source states a price of {name!r} now; `access-monitor prices {name} --history` shows what was"
        )
    fresh = (then or now) - monitor.configuration.gate.price_freshness
    facts = queries.in_telling_order(facts)
    words = weigh(facts, fresh_since=fresh)
    if used is not None:
        if options.json:
            output.as_json([costs.as_json(*offer, used, origin) for offer in costs.offers(facts, used).items()])
        else:
            costs.print_costs(facts, used, origin)
        return
    if options.json:
        output.as_json([record(move) for move in moves] if history else [documents.of_price(word) for word in words])
        return
    if history:
        _print_history(moves)
    if plotted:
        _plot(facts, moves, now)
    if not history and not plotted:
        _print(words, then or now, past=then is not None)


prices = DefaultGroup(
    "prices",
    default="show",
    commands=(show, extract),
    help="Show prices by tier, band and meter.",
    examples=(*show.examples, *extract.examples[:1]),
)


def series(facts: Sequence[PriceFact], moves: Sequence[Recorded]) -> dict[PriceSeries, list[plot.PlotStep]]:
    """Return the steps of each price: what held before its first move, each move, and what is confirmed now where
    nothing moved.
    """
    lines: dict[PriceSeries, list[plot.PlotStep]] = {}
    for move in moves:
        event = move.event
        if event.type == ev.PRICE_QUARANTINED:
            continue  # it never held
        data = event.data
        key = PriceSeries(
            event.source,
            data["provider"],
            event.subject,
            Meter.named_in(data),
        )
        steps = lines.setdefault(key, [])
        if not steps and data["old"] is not None:
            steps.append(plot.PlotStep(datetime.min.replace(tzinfo=event.occurred_at.tzinfo), amount(data["old"])))
        steps.append(plot.PlotStep(event.occurred_at, None if data["new"] is None else amount(data["new"])))
    for fact in facts:
        key = PriceSeries(fact.source, fact.provider, fact.model, fact.meter)
        if key not in lines and fact.since is not None:
            lines[key] = [plot.PlotStep(fact.since, amount(fact.amount))]
    return lines


def _print(words: Sequence[PriceComparison], now: datetime, *, past: bool) -> None:
    where = ["WHERE"] if any(word.fact.meter.condition for word in words) else []
    output.table(
        (
            *("MODEL", "TIER", "CONTEXT", "MODALITY", "METER", *where, "USD PER 1M", "SINCE", "SEEN"),
            *("SOURCE", "TRUST", "AGREES"),
        ),
        [
            (
                f"{fact.provider}/{fact.model}",
                *(fact.meter if where else fact.meter[:4]),
                spoken(fact.amount),
                both(fact.since) if fact.since else "",
                f"{rounded(now - fact.verified_at)} {'before' if past else 'ago'}" if fact.verified_at else "",
                fact.source,
                fact.trust,
                agreement.cell(word),
            )
            for word in words
            for fact in (word.fact,)
        ],
        numbers=("USD PER 1M",),
    )


def _print_history(moves: Sequence[Recorded]) -> None:
    if not moves:
        output.note("Nothing has moved since the first poll.")
        return
    output.table(
        ("POSITION", "OCCURRED", "TYPE", "MODEL", "SOURCE", "WHAT"),
        [
            (
                str(move.event.position),
                both(move.event.occurred_at),
                move.event.type,
                f"{move.event.data['provider']}/{move.event.subject}",
                move.event.source,
                in_words(move.event),
            )
            for move in moves
        ],
        numbers=("POSITION",),
    )


def _plot(facts: Sequence[PriceFact], moves: Sequence[Recorded], now: datetime) -> None:
    lines = series(facts, moves)
    dated = [step.at for steps in lines.values() for step in steps if step.at.year > 1]
    if not dated:
        output.note("Nothing has moved since the first poll.")
        return
    begin = min(dated)
    # A step at the very left would not be seen as one.
    begin -= max((now - begin) / 10, (now - now))
    names = {key: key.meter.in_words for key in lines}
    sources = {key: (f"{key.provider}/{key.model}", key.source) for key in lines}
    if len(set(sources.values())) > 1:
        # What all lines share stands below them once: repeated, it would take the room of the plot.
        names = {key: f"{sources[key][0]} {name} at {sources[key][1]}" for key, name in names.items()}
    widest = max(map(len, names.values()))
    columns = max(10, min(60, output.width() - widest - 24))
    for key, steps in sorted(lines.items(), key=lambda line: (line[0][:3], telling_order(line[0].meter.field, TIERS))):
        first, last = steps[0].amount, steps[-1].amount
        ends = " → ".join(dict.fromkeys("none" if end is None else spoken(str(end)) for end in (first, last)))
        click.echo(f"{output.printable(names[key]):<{widest}}  {plot.line(steps, begin, now, columns)}  {ends}")
    whose = f"{' at '.join(next(iter(sources.values())))}, from" if len(set(sources.values())) == 1 else "From"
    output.note(f"{whose} {both(begin)} to {both(now)}, USD per 1M tokens.")
