"""A shift of latency or of failures is told once, its end as well, and it pauses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from pipeline_world import World, configuration, furnish, world_of

from monitor.core.entry import Status
from monitor.core.events import Event
from monitor.core.facts import GRANTED, Measurement
from monitor.core.notices import Reason
from monitor.detection.drift import WINDOW, window
from monitor.sources.catalog import source_spec

HOUR = timedelta(hours=1)
KEY = "probes/gpt-luna/chat"
SPEC = source_spec(
    key=KEY, kind="behaviour", every=HOUR, surface="openai", options={"model": "gpt-luna", "route": "chat"}
)


@pytest.fixture
def world() -> Iterator[World]:
    declared = configuration()
    with world_of(replace(declared, sources={**declared.sources, KEY: SPEC})) as made:
        made.sources[KEY].facts = {}
        furnish(made)
        made.activate()
        yield made


def measure(
    world: World, since: datetime, count: int, *, latency: int = 800, failed: int = 0, key: str = KEY
) -> datetime:
    """Call an hour apart; return when the next one would begin."""
    made = [
        Measurement(
            source=key,
            surface="openai",
            model="gpt-luna",
            route="chat",
            at=since + number * HOUR,
            outcome="blocked" if number < failed else GRANTED,
            latency=latency + 4 * (number % 2),
        )
        for number in range(count)
    ]
    with world.store.write() as tx:
        tx.put_measurements(made)
    return since + count * HOUR


def shifts(world: World) -> list[Event]:
    return world.events("behaviour.changed")


def tend(world: World, at: datetime) -> int:
    world.now = at
    return world.use_cases().tender().tend(at)


def begin(world: World) -> datetime:
    """Return the beginning of a window, after ten windows of ordinary calls."""
    since = window(HOUR, world.now + timedelta(days=30)).since
    measure(world, since - 10 * WINDOW * HOUR, 10 * WINDOW)
    return since


LATE = timedelta(minutes=20)


def test_a_slower_route_is_told_to_its_owners_and_pauses_nothing(world: World) -> None:
    since = begin(world)
    until = measure(world, since, WINDOW, latency=2000)
    assert tend(world, until + LATE) >= 1
    (event,) = shifts(world)
    assert (event.subject, event.source, event.occurred_at) == ("gpt-luna", KEY, since)
    assert event.data["field"] == "behaviour.chat.latency"
    assert (event.data["old"], event.data["new"], event.data["unit"]) == (802, 2002, "ms")
    assert (event.data["calls"], event.data["compared"]) == (WINDOW, 10 * WINDOW)
    assert event.data["test"] == "Mann-Whitney U"
    assert float(event.data["p"]) < 0.00005
    assert world.entry().status is Status.ACTIVE
    (item,) = [item for notice in world.notices() for item in notice.items if item.position == event.position]
    assert item.reason is Reason.CHANGED
    assert item.entry == "luna"
    assert (item.differences[0].old, item.differences[0].new) == ("802 ms", "2002 ms")
    assert "Mann-Whitney U" in item.summary


def test_a_shift_is_told_once_however_often_and_by_whomever_it_is_looked_for(world: World) -> None:
    until = measure(world, begin(world), WINDOW, latency=2000)
    same = world.use_cases().tender()
    for minutes in range(20, 80, 10):
        same.tend(until + timedelta(minutes=minutes))
        tend(world, until + timedelta(minutes=minutes))
    assert len(shifts(world)) == 1


def test_a_level_that_stays_is_not_told_again_and_its_end_is(world: World) -> None:
    at = begin(world)
    told = []
    for latency in (2000, 2000, 2000, 800, 800):
        at = measure(world, at, WINDOW, latency=latency)
        tend(world, at + LATE)
        told.append(len(shifts(world)))
    assert told == [1, 1, 1, 2, 2]
    back = shifts(world)[-1]
    assert (back.data["old"], back.data["new"]) == (2002, 802)
    assert back.data["compared"] == 3 * WINDOW, "what lies before the shift is another level"


def test_calls_that_begin_to_fail_are_told_apart_from_latency(world: World) -> None:
    until = measure(world, begin(world), WINDOW, failed=8)
    tend(world, until + LATE)
    (event,) = shifts(world)
    assert event.data["field"] == "behaviour.chat.errors"
    assert (event.data["old"], event.data["new"], event.data["unit"]) == ("0.000", "0.400", "share of calls")


def test_a_window_is_tested_only_when_it_is_over(world: World) -> None:
    until = measure(world, begin(world), WINDOW, latency=2000)
    tend(world, until)
    assert shifts(world) == []
    tend(world, until + LATE)
    assert len(shifts(world)) == 1


def test_a_route_that_was_just_set_up_has_no_level_to_shift_from(world: World) -> None:
    since = window(HOUR, world.now + timedelta(days=30)).since
    until = measure(world, since, WINDOW, latency=2000)
    tend(world, until + LATE)
    assert shifts(world) == []


def test_the_calls_of_another_source_are_no_part_of_a_window(world: World) -> None:
    since = begin(world)
    measure(world, since, WINDOW, latency=9000, key="probes/gpt-luna/responses")
    until = measure(world, since, WINDOW)
    tend(world, until + LATE)
    assert shifts(world) == []
