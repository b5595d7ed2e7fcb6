"""The price in force: by the region of the surface, and by the day of the call."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pipeline_world import (
    INPUT,
    LUNA,
    OUTPUT,
    PRICES,
    START,
    VIA,
    World,
    configuration,
    entry_spec,
    furnish,
    world_of,
)

from monitor.audit import queries
from monitor.core.entry import CheckState, Status
from monitor.core.events import PRICE_CHANGED
from monitor.core.facts import Body
from monitor.core.ports import Refused
from monitor.core.price import midnight
from monitor.core.request_log import LoggedRequest
from monitor.registry.attachments import RequestPaper

EU = "{region EU}"
TOKENS = {"input": 1_000_000, "output": 100_000}
AT_ONE = Decimal("1.6")  # at 1 and 6 USD per 1M tokens


@pytest.fixture
def in_eu() -> Iterator[World]:
    """Provide an entry whose surface is in the EU, and a page that states no prices of its own there."""
    base = configuration(entries={"luna": entry_spec(usage={"input": 1_000_000})})
    surface = replace(base.surfaces["openai"], region="eu")
    with world_of(replace(base, surfaces={"openai": surface})) as world:
        furnish(world)
        yield world


@pytest.fixture
def regional(in_eu: World) -> World:
    """Return the same with a page that states prices of its own there."""
    in_eu.sources["page"].set(LUNA, **{INPUT + EU: "1.1", OUTPUT + EU: "6.6"})
    in_eu.polls(3, "page")
    return in_eu


@pytest.fixture
def plain() -> Iterator[World]:
    with world_of(configuration(entries={"luna": entry_spec()})) as world:
        furnish(world)
        yield world


def request(line: int, cost: Decimal, at: datetime) -> LoggedRequest:
    return LoggedRequest(line=line, model="gpt-luna", at=at, tokens=TOKENS, cost=cost)


def attest(world: World, *requests: LoggedRequest) -> Any:
    content = repr(requests).encode()
    body = Body(content=content, sha256=hashlib.sha256(content).hexdigest(), size=len(content))
    paper = RequestPaper(requests=requests, body=body, tolerance=Decimal("0.01"), now=START + timedelta(days=900))
    return world.operator.verify("luna", "logging", by="ann", via=VIA, paper=paper)


def test_an_entry_in_a_region_stands_on_the_prices_of_that_region(regional: World) -> None:
    regional.activate()
    pinned = {pin.field: pin.value for pin in regional.entry().pins if pin.field.startswith("price.")}
    assert (pinned[INPUT], pinned[INPUT + EU]) == ("1", "1.1")
    regional.sources["page"].set(LUNA, **{INPUT + EU: "1.2"})
    regional.polls(3, "page")
    assert regional.entry().status is Status.PAUSED
    (changed,) = [event for event in regional.events() if event.type == PRICE_CHANGED]
    assert (changed.data["condition"], changed.data["old"], changed.data["new"]) == ("region EU", "1.1", "1.2")
    summary = regional.notices()[-1].items[0].summary
    assert "costs 1.20 USD instead of 1.10 USD" in summary


def test_an_entry_in_no_region_stands_on_none(plain: World) -> None:
    plain.sources["page"].set(LUNA, **{INPUT + EU: "1.1"})
    plain.polls(3, "page")
    plain.activate()
    plain.sources["page"].set(LUNA, **{INPUT + EU: "9"})
    plain.polls(3, "page")
    assert plain.entry().status is Status.ACTIVE
    assert [pin.field for pin in plain.entry().pins if EU in pin.field] == []


def test_a_bill_of_a_region_agrees_with_the_prices_of_that_region_alone(regional: World) -> None:
    with pytest.raises(Refused, match="differs from the accepted price"):
        attest(regional, request(1, AT_ONE, START), request(2, AT_ONE, START + timedelta(hours=2)))
    attest(
        regional,
        request(1, Decimal("1.76"), START),
        request(2, Decimal("1.76"), START + timedelta(hours=2)),
    )
    assert regional.entry().checks["logging"].state is CheckState.VERIFIED


@pytest.mark.parametrize(("feed_input", "agrees"), [("1", True), ("1.5", False)])
def test_a_bill_of_a_region_that_the_page_has_no_price_of_goes_by_a_feed_that_agrees_otherwise(
    in_eu: World, feed_input: str, agrees: bool
) -> None:
    stated = {INPUT: feed_input, INPUT + EU: "1.1", OUTPUT + EU: "6.6", INPUT + "{region US}": "9"}
    in_eu.sources["feed"].set(LUNA, **stated)
    in_eu.polls(3, "feed")
    two = [request(line, Decimal("1.76"), START + timedelta(hours=line)) for line in (0, 2)]
    if agrees:
        attest(in_eu, *two)
        assert in_eu.entry().checks["logging"].state is CheckState.VERIFIED
    else:
        with pytest.raises(Refused, match="differs from the accepted price"):
            attest(in_eu, *two)


def announce(world: World, day: str, amount: str) -> None:
    world.sources["page"].set(LUNA, **{f"announced.{INPUT}@{day}": amount})
    world.polls(3, "page")


def test_a_log_over_a_change_is_held_against_the_prices_of_each_day(plain: World) -> None:
    plain.activate()
    announce(plain, "2026-07-10", "3")
    plain.now = midnight("2026-07-11")  # the first poll of the day after
    plain.sources["page"].set(LUNA, **{INPUT: "3", f"announced.{INPUT}@2026-07-10": None})
    plain.polls(3, "page")
    assert plain.entry().status is Status.PAUSED
    before, after = midnight("2026-07-09"), midnight("2026-07-10") + timedelta(hours=6)
    dear = Decimal("3.6")
    with pytest.raises(Refused, match="differs"):  # nobody accepted 3 yet
        attest(plain, request(1, AT_ONE, before), request(2, dear, after))
    plain.polls(1, "list", "page")
    plain.resume()
    attest(plain, request(1, AT_ONE, before), request(2, dear, after))
    for wrong in ((dear, dear), (AT_ONE, AT_ONE)):
        with pytest.raises(Refused, match="differs"):
            attest(plain, request(1, wrong[0], before), request(2, wrong[1], after))


def in_force(world: World, day: str) -> dict[str, str]:
    with world.store.read() as reader:
        facts = queries.prices_at(reader, world.conf, (LUNA,), midnight(day))
    return {fact.meter.field: fact.amount for fact in facts if fact.source == "page"}


def test_prices_at_a_time_are_those_that_held_or_are_announced(plain: World) -> None:
    plain.sources["page"].set(LUNA, **{INPUT: "2"})
    plain.now = midnight("2026-07-05")
    plain.polls(3, "page")
    announce(plain, "2027-03-01", "4")
    assert in_force(plain, "2026-07-02")[INPUT] == PRICES[INPUT]
    assert in_force(plain, "2026-08-01")[INPUT] == "2"
    assert in_force(plain, "2027-02-28")[INPUT] == "2"
    assert in_force(plain, "2027-03-01")[INPUT] == "4"
    assert in_force(plain, "2027-03-01")[OUTPUT] == PRICES[OUTPUT]
