"""What is polled before an answer that may be no older than was asked for, and what stands against it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from pipeline_world import INPUT, LUNA, World, configuration, entry_spec, furnish, model, world_of

from monitor.core.facts import Fact, FailureReason
from monitor.gate.decision import Answer
from monitor.gate.recency import PollFirst, Recency
from monitor.sources.catalog import source_spec

CALL = f"probes/{LUNA.name}/responses"
AT_ONCE = timedelta(0)


@pytest.fixture
def world() -> Iterator[World]:
    base = configuration(entries={"luna": entry_spec(), "blank": entry_spec("blank", "gpt-blank")})
    options = {"model": LUNA.name, "route": "responses"}
    call = source_spec(key=CALL, kind="behaviour", every=timedelta(hours=6), surface="openai", options=options)
    with world_of(replace(base, sources={**base.sources, CALL: call})) as made:
        made.sources[CALL].facts = {LUNA: {"access.responses": "granted", "behaviour.responses.model": LUNA.name}}
        furnish(made)
        made.activate()
        made.now += timedelta(minutes=10)
        yield made


def first(world: World, *, patience: float = 60.0) -> PollFirst:
    return PollFirst(world.store, world.conf, world.poller, world.clock, patience=patience)


def allowed() -> Answer:
    return Answer(key="luna", allowed=True, status="active", reason="", fallback="", position=1, expires_at=None)


def test_only_what_the_pins_rest_on_and_what_is_older_is_polled(world: World) -> None:
    assert first(world)("luna", timedelta(minutes=11)) == Recency()
    recency = first(world)("luna", timedelta(minutes=9))
    assert recency == Recency(polled=("list", "page"), unasked=(CALL,)), "no aggregator, nothing that costs money"
    assert first(world)("luna", timedelta(minutes=9)).polled == ()
    assert first(world)("luna", timedelta(minutes=9), paid=True).polled == (CALL,)
    assert not recency.reason
    assert recency.applied(allowed(), world.now) == allowed()


def test_a_difference_of_what_is_not_pinned_stands_against_nothing(world: World) -> None:
    world.sources["list"].set(LUNA, owned_by="another")
    world.sources["list"].drop(model(3))
    recency = first(world)("luna", AT_ONCE)
    assert (recency.pending, recency.unread) == ((), ())


def test_a_source_that_hangs_is_left_when_the_time_is_up(world: World) -> None:
    release = threading.Event()
    world.sources["page"].before = release.wait
    try:
        recency = first(world, patience=0.3)("luna", AT_ONCE)
    finally:
        release.set()
    assert recency.polled == ("list", "page")
    assert recency.unread == ("page (no answer within 0.3 s)",)
    answer = recency.applied(allowed(), world.now)
    assert (answer.allowed, answer.reason) == (False, "not verified: page (no answer within 0.3 s)")


def test_a_failed_poll_is_said_although_the_last_good_one_was_a_moment_ago(world: World) -> None:
    world.poll(after=AT_ONCE)
    world.now += timedelta(seconds=1)
    world.sources["list"].fail = FailureReason.TIMEOUT
    assert first(world)("luna", AT_ONCE).unread == ("list (timeout: as told)",)


def test_what_is_held_for_review_is_not_verified(world: World) -> None:
    world.sources["list"].facts = {}
    recency = first(world)("luna", AT_ONCE)
    assert recency.pending == ("gpt-luna listed: yes → gone at list (1 poll)",)
    assert recency.unread == ("list (what it says is held for review)",)


def test_a_price_that_is_no_longer_stated_clearly_is_not_verified(world: World) -> None:
    world.sources["page"].unclear = frozenset({Fact(LUNA, INPUT)})
    recency = first(world)("luna", AT_ONCE)
    assert recency.unread == ("page (it states standard input no longer clearly)",)


def test_an_entry_that_is_evaluated_rests_on_what_it_would_pin(world: World) -> None:
    assert first(world)("blank", AT_ONCE).polled == (), "nothing states anything of it"
    world.sources["list"].set(LUNA._replace(name="gpt-blank"), listed=True)
    world.polls(4, "list", every=timedelta(minutes=11))
    world.now += timedelta(minutes=1)
    assert first(world)("blank", AT_ONCE).polled == ("list",)


def test_an_entry_that_is_not_registered_rests_on_nothing(world: World) -> None:
    assert first(world)("nobody", AT_ONCE) == Recency()
