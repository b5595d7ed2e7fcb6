"""Pauses that nobody acknowledges are told again and to others; a silence hides everything but a new pause."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from pipeline_world import LUNA, VIA, World, configuration, furnish, world_of

from monitor.core.configuration import Attention, Owner
from monitor.core.entry import Status
from monitor.core.notices import Reason
from monitor.core.ports import Refused
from monitor.registry.acknowledgements import times
from monitor.registry.acknowledging import Attendant

EVERY = timedelta(hours=4)


@pytest.fixture
def paused() -> Iterator[World]:
    """Provide an active entry that a price change just paused, whose owner escalates."""
    owners = {
        "platform": Owner(key="platform", destinations=("env:ONE",), escalate_to="oncall"),
        "oncall": Owner(key="oncall", destinations=("env:TWO",)),
    }
    with world_of(configuration(owners=owners, attention=Attention(repeat=EVERY))) as world:
        furnish(world)
        world.activate()
        world.sources["page"].set(LUNA, input="2")
        world.polls(2)
        assert world.entry().status is Status.PAUSED
        yield world


def attendant(world: World) -> Attendant:
    return world.use_cases().attendant


def later(world: World, **span: float) -> list[str]:
    """Let time pass, tend, and give who was told of what since."""
    before = {notice.id for notice in world.notices()}
    world.now += timedelta(**span)
    world.poll(after=timedelta(0))
    world.tender.tend(world.now)
    return [f"{notice.owner} {notice.reason}" for notice in world.notices() if notice.id not in before]


def test_a_pause_that_nobody_acknowledges_is_told_again_ever_more_seldom_and_then_to_others(paused: World) -> None:
    assert later(paused, hours=3) == []
    assert later(paused, hours=1.1) == ["platform unacknowledged"]
    assert later(paused, hours=4) == []
    assert later(paused, hours=4) == ["oncall unacknowledged", "platform unacknowledged"]
    assert later(paused, hours=0.1) == []
    assert paused.replayed() == paused.entries()


def test_whoever_a_pause_was_escalated_to_hears_of_its_end(paused: World) -> None:
    later(paused, hours=13)
    before = len(paused.notices())
    attendant(paused).acknowledge("luna", by="ann", via=VIA)
    paused.resume()
    told = [f"{notice.owner} {notice.reason}" for notice in paused.notices()[before:]]
    assert told == ["oncall acknowledged", "platform acknowledged", "oncall resumed", "platform resumed"]
    assert paused.entry().escalated == ()
    paused.operator.pause("luna", by="ann", reason="migration", via=VIA)
    assert {notice.owner for notice in paused.notices()[before + 4 :]} == {"platform"}
    assert paused.replayed() == paused.entries()


def test_who_takes_a_pause_on_is_not_told_again_and_the_log_says_who(paused: World) -> None:
    shown = paused.entry().position
    event = attendant(paused).acknowledge("luna", by="ann", via=VIA, note="on it")
    *_, pause, acknowledged = paused.notices()
    assert event.subject == pause.id
    assert (acknowledged.reason, acknowledged.incidents) == (Reason.ACKNOWLEDGED, pause.incidents)
    assert (event.data["by"], event.data["entries"], event.cause) == ("ann", ["luna"], paused.entry().pause)
    assert later(paused, days=2) == []
    assert paused.entry().status is Status.PAUSED
    assert paused.entry().position == shown, "what a person saw is as it was"
    assert paused.replayed() == paused.entries()


def test_a_notice_is_acknowledged_by_the_id_at_its_end(paused: World) -> None:
    attendant(paused).acknowledge(paused.notices()[-1].id, by="ann", via=VIA)
    assert later(paused, hours=5) == []


def test_a_pause_that_got_worse_is_told_again_although_somebody_took_it_on(paused: World) -> None:
    attendant(paused).acknowledge("luna", by="ann", via=VIA)
    paused.sources["page"].set(LUNA, input="1.5")
    paused.polls(2)
    assert paused.entry().acknowledged == paused.entry().pause, "it is better than when she took it on"
    paused.sources["page"].set(LUNA, input="3")
    paused.polls(2)
    assert paused.events("entry.pause_extended")[-1].data["worse"] is True
    assert later(paused, hours=5) == ["platform unacknowledged"]
    assert paused.replayed() == paused.entries()


def test_the_next_pause_is_not_taken_on_by_the_word_about_the_last(paused: World) -> None:
    attendant(paused).acknowledge("luna", by="ann", via=VIA)
    paused.poll()
    paused.resume()
    paused.sources["page"].set(LUNA, input="3")
    paused.polls(2)
    assert later(paused, hours=5) == ["platform unacknowledged"]


def test_what_a_person_paused_is_not_told_again(paused: World) -> None:
    paused.poll()
    paused.resume()
    paused.operator.pause("luna", by="ann", reason="migration", via=VIA)
    assert later(paused, hours=30) == []


def test_without_a_repetition_nothing_is_told_again(paused: World) -> None:
    paused.configure(replace(paused.conf, attention=Attention(), version="2"))
    assert later(paused, days=3) == []


def test_a_silence_hides_what_pauses_nothing_until_it_ends(paused: World) -> None:
    attendant(paused).silence("luna", until=paused.now + timedelta(hours=20), by="ann", reason="known", via=VIA)
    assert later(paused, hours=5) == [], "it is in the log all the same"
    assert paused.events("entry.reminded")
    paused.sources["list"].set(LUNA, shutdown_date="2026-12-01")
    paused.polls(2)
    assert not [notice for notice in paused.notices() if notice.reason is Reason.CHANGED]
    assert later(paused, hours=24) == ["oncall unacknowledged", "platform unacknowledged"]


def test_a_silence_hides_no_new_pause_and_no_extended_one(paused: World) -> None:
    attendant(paused).silence("luna", until=paused.now + timedelta(days=9), by="ann", reason="known", via=VIA)
    before = len(paused.notices())
    paused.sources["page"].set(LUNA, output="9")
    paused.polls(2)
    assert [notice.reason for notice in paused.notices()[before:]] == [Reason.PAUSE_EXTENDED]


def test_a_silence_can_be_lifted(paused: World) -> None:
    attendant(paused).silence("luna", until=paused.now + timedelta(days=9), by="ann", reason="known", via=VIA)
    attendant(paused).silence("luna", until=None, by="ann", reason="done", via=VIA)
    assert later(paused, hours=5) == ["platform unacknowledged"]


def test_words_about_nothing_are_refused_before_anything_is_written(paused: World) -> None:
    head = paused.head
    for what in ("moon", "7.platform"):
        with pytest.raises(Refused, match="neither an entry nor a notice"):
            attendant(paused).acknowledge(what, by="ann", via=VIA)
    with pytest.raises(Refused, match="did you mean 'luna'"):
        attendant(paused).acknowledge("lunar", by="ann", via=VIA)
    with pytest.raises(Refused, match="has passed"):
        attendant(paused).silence("luna", until=paused.now, by="ann", reason="known", via=VIA)
    with pytest.raises(Refused, match="no entry"):
        attendant(paused).silence("moon", until=paused.now + EVERY, by="ann", reason="known", via=VIA)
    assert paused.head == head
    paused.poll()
    paused.resume()
    with pytest.raises(Refused, match="nothing is paused"):
        attendant(paused).acknowledge("luna", by="ann", via=VIA)


@pytest.mark.parametrize(
    ("hours", "count"), [(3.9, 0), (4, 1), (11.9, 1), (12, 2), (28, 3), (51.9, 3), (52, 4), (76, 5), (100, 6)]
)
def test_each_time_comes_after_twice_as_long_as_the_one_before_and_at_least_daily(hours: float, count: int) -> None:
    since = datetime(2026, 7, 1)
    assert times(since, since + timedelta(hours=hours), EVERY) == count
