"""What the routes to a model say together: list and retrieve, list and probe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from pipeline_world import LUNA, World, configuration, entry_spec, furnish, model, world_of

from monitor.core.configuration import SourceSpec
from monitor.core.entry import Status
from monitor.core.facts import FailureReason
from monitor.core.notices import Reason
from monitor.sources.catalog import source_spec

RETRIEVE = "probes/gpt-luna/retrieve"
RESPONSES = "probes/gpt-luna/responses"


def probe(key: str) -> SourceSpec:
    _, name, route = key.split("/")
    options = {"model": name, "route": route}
    return source_spec(key=key, kind="behaviour", every=timedelta(hours=6), surface="openai", options=options)


FLEX = "probes/gpt-luna/flex"


def test_a_tier_that_is_refused_is_no_second_signal_that_the_model_is_gone() -> None:
    conf = configuration(entries={"luna": entry_spec()})
    conf = replace(conf, sources={**conf.sources, FLEX: probe(FLEX)})
    with world_of(conf) as world:
        world.sources[FLEX].facts = {LUNA: {"access.flex": "policy"}}
        furnish(world)
        world.poll()
        world.activate()
        world.sources["list"].drop(LUNA)
        world.polls(2, "list", every=timedelta(seconds=90))
        assert world.entry().status is Status.ACTIVE


@pytest.fixture
def routes() -> Iterator[World]:
    """Provide an active entry whose model is listed, retrieved and called."""
    conf = configuration(entries={"luna": entry_spec(checks=("test_call",))})
    conf = replace(conf, sources={**conf.sources, **{key: probe(key) for key in (RETRIEVE, RESPONSES)}})
    with world_of(conf) as world:
        for key in (RETRIEVE, RESPONSES):
            world.sources[key].facts = {LUNA: {f"access.{key.rpartition('/')[2]}": "granted"}}
        furnish(world)
        world.poll()
        world.activate()
        yield world


@pytest.fixture
def uncalled() -> Iterator[World]:
    """Provide an active entry whose model is listed and retrieved, and that nothing calls."""
    conf = configuration(entries={"luna": entry_spec()})
    conf = replace(conf, sources={**conf.sources, RETRIEVE: probe(RETRIEVE)})
    with world_of(conf) as world:
        world.sources[RETRIEVE].facts = {LUNA: {"access.retrieve": "granted"}}
        furnish(world)
        world.poll()
        world.activate()
        yield world


def refuse(world: World, key: str, meaning: str = "access_lost") -> None:
    world.sources[key].facts = {LUNA: {f"access.{key.rpartition('/')[2]}": meaning}}


def test_a_call_that_was_granted_verifies_the_test_call_and_is_pinned(routes: World) -> None:
    entry = routes.entry()
    assert entry.checks["test_call"].by == "system"
    assert {pin.key: pin.value for pin in entry.pins}["openai/gpt-luna/access.responses"] == "granted"
    assert {pin.key: pin.value for pin in entry.pins}["openai/gpt-luna/access.retrieve"] == "granted"


def test_list_and_retrieve_that_agree_pause_at_once_and_show_their_signals(uncalled: World) -> None:
    uncalled.sources["list"].drop(LUNA)
    refuse(uncalled, RETRIEVE)
    start = uncalled.head
    outcome = uncalled.poll("list")[0]
    assert outcome.verdict == "suspect"
    assert RETRIEVE in outcome.ask
    assert uncalled.entry().status is Status.PAUSED
    uncalled.poll("list", after=timedelta(seconds=90))
    lost = uncalled.events("access.lost", after=start)
    assert [event.data["route"] for event in lost] == ["retrieve", "list"]
    said = {(one["route"], one["says"], one["looks"]) for one in lost[1].data["signals"]}
    assert said == {("list", "lost", 2), ("retrieve", "lost", 1)}
    assert uncalled.entry().pause is not None


def test_a_pause_that_goes_on_still_says_how_a_route_was_closed_that_is_open_again(uncalled: World) -> None:
    refuse(uncalled, RETRIEVE)
    uncalled.polls(2, RETRIEVE, every=timedelta(seconds=90))
    uncalled.sources[RETRIEVE].facts = {LUNA: {"access.retrieve": "granted"}}
    uncalled.polls(2, RETRIEVE, every=timedelta(seconds=90))
    uncalled.sources["page"].set(LUNA, input="3")
    uncalled.polls(2, "page", every=timedelta(seconds=90))
    now, before = uncalled.entry().reason.split("; before that ")
    assert now == "standard input: 1.00 → 3.00"
    assert before.startswith("gpt-luna can no longer be retrieved: retrieve answers access lost; ")


def test_list_and_retrieve_that_agree_wait_while_a_call_is_served(routes: World) -> None:
    routes.sources["list"].drop(LUNA)
    refuse(routes, RETRIEVE)
    routes.polls(6, every=timedelta(minutes=20))
    assert routes.entry().status is Status.ACTIVE
    routes.polls(18, every=timedelta(hours=8))
    assert routes.entry().status is Status.ACTIVE, "calls are nearer to production than both"
    assert not routes.events("access.lost")
    routes.polls(5, every=timedelta(hours=8))
    assert routes.entry().status is Status.PAUSED
    assert {event.data["route"] for event in routes.events("access.lost")} == {"list", "retrieve"}


def test_a_call_that_could_not_be_asked_hurries_nothing_and_holds_nothing_up(routes: World) -> None:
    routes.sources[RESPONSES].fail = FailureReason.OVER_BUDGET
    routes.sources["list"].drop(LUNA)
    refuse(routes, RETRIEVE)
    routes.poll()
    assert routes.entry().status is Status.ACTIVE, "it was served when it was last asked"
    routes.poll(after=timedelta(seconds=90))
    assert routes.entry().status is Status.PAUSED


def test_a_list_alone_needs_three_polls_over_half_an_hour(routes: World) -> None:
    routes.sources["list"].drop(LUNA)
    for key in (RETRIEVE, RESPONSES):
        routes.sources[key].fail = FailureReason.SERVER_ERROR
    routes.polls(3, "list", every=timedelta(seconds=90))
    assert routes.entry().status is Status.ACTIVE
    routes.poll("list", after=timedelta(minutes=31))
    assert routes.entry().status is Status.PAUSED


def test_a_model_that_another_route_still_reaches_is_believed_unlisted_only_after_a_week(routes: World) -> None:
    routes.sources["list"].drop(LUNA)
    routes.polls(6, every=timedelta(minutes=20))
    assert routes.entry().status is Status.ACTIVE
    routes.polls(18, every=timedelta(hours=8))
    assert routes.entry().status is Status.ACTIVE
    assert routes.standing().access_until == routes.now + routes.conf.gate.freshness, "it was reached just now"
    routes.polls(5, every=timedelta(hours=8))
    assert routes.entry().status is Status.PAUSED
    lost = routes.events("access.lost")[0]
    assert {one["says"] for one in lost.data["signals"] if one["route"] != "list"} == {"granted"}


def test_owners_are_told_once_of_a_model_that_only_the_list_misses(routes: World) -> None:
    routes.sources["list"].drop(LUNA)
    before = len(routes.notices())
    routes.polls(12, every=timedelta(minutes=20))
    told = routes.notices()[before:]
    assert [(notice.reason, len(notice.items)) for notice in told] == [(Reason.HELD, 1)]
    assert "still reached by retrieve, responses" in told[0].items[0].summary
    assert routes.replayed() == routes.entries()


def test_a_mass_drop_is_settled_in_minutes_for_the_models_that_another_route_misses_too(uncalled: World) -> None:
    uncalled.sources["list"].drop(LUNA, *(model(n) for n in range(6)))
    refuse(uncalled, RETRIEVE)
    uncalled.poll("list")
    assert uncalled.state("list").anomaly == "mass_drop"
    uncalled.poll("list", after=timedelta(seconds=90))
    assert uncalled.entry().status is Status.PAUSED
    assert {event.subject for event in uncalled.events("model.unlisted")} == {"gpt-luna"}
    assert uncalled.state("list").anomaly == "mass_drop", "what only the list misses stays held"
    assert model(0) in uncalled.baseline("list")


def test_listed_is_not_usable_a_refused_call_alone_pauses_what_pins_it(routes: World) -> None:
    refuse(routes, RESPONSES, "quota")
    routes.polls(4, RESPONSES, every=timedelta(minutes=11))
    entry = routes.entry()
    assert entry.status is Status.PAUSED
    assert entry.deviations == {"openai/gpt-luna/access.responses": "quota"}
    assert entry.checks["test_call"].state == "failed"
    lost = routes.events("access.lost")[0]
    assert (lost.subject, lost.data["route"]) == ("gpt-luna", "responses")
    assert routes.events("behaviour.changed")[0].data["new"] == "quota"


def test_a_model_that_is_still_listed_is_believed_not_callable_without_a_hold(routes: World) -> None:
    refuse(routes, RESPONSES, "policy")
    for _ in range(4):
        routes.poll("list", after=timedelta(minutes=5))
        routes.poll(RESPONSES, after=timedelta(minutes=6))
    assert routes.entry().status is Status.PAUSED
    said = {(one["route"], one["says"]) for one in routes.events("access.lost")[0].data["signals"]}
    assert said == {("responses", "lost"), ("list", "granted"), ("retrieve", "granted")}


def test_a_probe_that_fails_says_nothing_of_access(routes: World) -> None:
    for reason in (FailureReason.PROBE_REJECTED, FailureReason.OVER_BUDGET, FailureReason.RATE_LIMITED):
        routes.sources[RESPONSES].fail = reason
        routes.polls(4, RESPONSES, every=timedelta(minutes=20))
    assert routes.entry().status is Status.ACTIVE
    assert not routes.events("access.*")


def test_a_route_that_is_refused_for_another_reason_is_lost_once(routes: World) -> None:
    refuse(routes, RESPONSES, "quota")
    routes.polls(4, RESPONSES, every=timedelta(minutes=11))
    refuse(routes, RESPONSES, "policy")
    routes.polls(4, RESPONSES, every=timedelta(minutes=11))
    assert len(routes.events("access.lost")) == 1
    assert [event.data["new"] for event in routes.events("behaviour.changed")] == ["quota", "policy"]
    refuse(routes, RESPONSES, "granted")
    routes.polls(2, RESPONSES)
    assert [event.data["route"] for event in routes.events("access.gained")] == ["responses"]
    assert routes.replayed() == routes.entries()


def test_the_notice_of_a_pause_shows_every_route_and_its_count(uncalled: World) -> None:
    uncalled.sources["list"].drop(LUNA)
    refuse(uncalled, RETRIEVE)
    uncalled.poll("list")
    uncalled.poll("list", after=timedelta(seconds=90))
    (item,) = [item for notice in uncalled.notices() for item in notice.items if item.reason is Reason.PAUSED]
    assert item.summary == "openai no longer serves gpt-luna"
    assert "list (1 poll)" in item.access
    assert "retrieve answers access lost (1 poll)" in item.access


def test_the_further_routes_to_a_model_that_paused_its_entry_are_recorded_and_not_told_one_by_one() -> None:
    conf = configuration(entries={"luna": entry_spec(checks=("test_call",))})
    more = [f"probes/gpt-luna/{route}" for route in ("responses", "flex", "batch", "tools")]
    conf = replace(conf, sources={**conf.sources, **{key: probe(key) for key in more}})
    with world_of(conf) as world:
        for key in more:
            refuse(world, key, "granted")
        furnish(world)
        world.poll()
        world.activate()
        for key in more:
            refuse(world, key)
        world.polls(4, more[0], every=timedelta(minutes=11))
        assert world.entry().status is Status.PAUSED
        told = len(world.notices())
        world.polls(4, *more[1:], every=timedelta(minutes=11))
        lost = {event.data["route"] for event in world.events("access.lost")}
        assert lost == {"responses", "flex", "batch", "tools"}
        assert len(world.notices()) == told
