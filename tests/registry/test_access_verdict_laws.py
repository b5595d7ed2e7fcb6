"""What holds of the verdict of access whatever the routes say, and in whatever order they say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pipeline_world import LUNA, World, configuration, entry_spec, furnish, listing, world_of

from monitor.core.configuration import SourceSpec
from monitor.detection.routes import outweighs
from monitor.registry.access_verdict import AccessState, AccessVerdict, RouteAccess, counted, judge
from monitor.registry.freshness import Freshness
from monitor.sources.catalog import source_spec

ROUTES = ("list", "codex", "retrieve", "tokens", "responses", "chat", "embeddings", "flex", "batch")
SETTINGS = ("project", "model_permissions", "spend_limit", "service_tiers")
RANK = (AccessState.REACHED, AccessState.UNKNOWN, AccessState.PENDING, AccessState.REFUSED, AccessState.DENIED)
"""From what is best for production to what is worst."""


@st.composite
def drawn(draw: st.DrawFn) -> tuple[list[RouteAccess], frozenset[str]]:
    """Draw what routes and settings say, and which of the closed ones the entry cannot do without."""
    spoken = [AccessState.REACHED, AccessState.REFUSED, AccessState.PENDING, AccessState.UNKNOWN]
    states = {
        **draw(st.dictionaries(st.sampled_from(ROUTES), st.sampled_from(spoken))),
        **draw(st.dictionaries(st.sampled_from(SETTINGS), st.sampled_from([AccessState.ALLOWED, AccessState.DENIED]))),
    }
    needed = draw(st.sets(st.sampled_from((*ROUTES, *SETTINGS))))
    routes = [RouteAccess(route=name, state=state, pinned=name in needed) for name, state in states.items()]
    closed = {AccessState.REFUSED, AccessState.DENIED}
    return routes, frozenset(route.route for route in routes if route.route in needed and route.state in closed)


@given(drawn(), st.randoms())
def test_the_order_in_which_routes_are_read_does_not_matter(
    said: tuple[list[RouteAccess], frozenset[str]], random: Random
) -> None:
    routes, needed = said
    shuffled = list(routes)
    random.shuffle(shuffled)
    assert judge(shuffled, needed) == judge(routes, needed)


@given(drawn())
def test_a_setting_that_denies_outranks_a_refusal_and_a_refusal_what_is_pending(
    said: tuple[list[RouteAccess], frozenset[str]],
) -> None:
    routes, needed = said
    state = judge(routes, needed).state
    needs = {route.state for route in routes if route.route in needed}
    if AccessState.DENIED in needs:
        assert state is AccessState.DENIED
    elif AccessState.REFUSED in needs:
        assert state is AccessState.REFUSED
    else:
        assert state in (AccessState.REACHED, AccessState.UNKNOWN, AccessState.PENDING)


@given(drawn())
def test_it_is_reached_only_where_a_route_reached_it_and_shows_every_route(
    said: tuple[list[RouteAccess], frozenset[str]],
) -> None:
    routes, needed = said
    verdict = judge(routes, needed)
    assert sorted(verdict.routes, key=lambda route: route.route) == sorted(routes, key=lambda route: route.route)
    if verdict.state is AccessState.REACHED:
        assert any(route.state is AccessState.REACHED for route in routes)
    if verdict.state is AccessState.UNKNOWN:
        assert not any(route.state is AccessState.REACHED for route in routes)


@given(drawn())
def test_what_proves_nothing_changes_nothing(said: tuple[list[RouteAccess], frozenset[str]]) -> None:
    routes, needed = said
    speaking = [route for route in routes if route.state not in (AccessState.ALLOWED, AccessState.UNKNOWN)]
    assert judge(speaking, needed).state is judge(routes, needed).state


@given(drawn(), st.sampled_from(list(AccessState)))
def test_a_route_that_is_ignored_never_makes_it_worse(
    said: tuple[list[RouteAccess], frozenset[str]], state: AccessState
) -> None:
    routes, needed = said
    ignored = RouteAccess(route="priority", state=state)
    with_it, without = judge([*routes, ignored], needed).state, judge(routes, needed).state
    assert RANK.index(with_it) <= RANK.index(without)
    if state is not AccessState.REACHED:
        assert with_it is without


@given(drawn(), st.data())
def test_a_newer_good_answer_never_makes_it_worse(
    said: tuple[list[RouteAccess], frozenset[str]], data: st.DataObject
) -> None:
    routes, needed = said
    named = [route for route in routes if route.route in ROUTES]
    assume(named)
    opened = data.draw(st.sampled_from(named))
    after = judge(
        [replace(route, state=AccessState.REACHED) if route is opened else route for route in routes],
        needed - {opened.route},
    )
    assert RANK.index(after.state) <= RANK.index(judge(routes, needed).state)


@given(st.sampled_from(ROUTES), st.sampled_from(ROUTES))
def test_a_loss_that_is_pending_counts_unless_a_route_nearer_to_production_reaches_the_model(
    lost: str, reached: str
) -> None:
    assume(lost != reached)
    pending = RouteAccess(route=lost, state=AccessState.PENDING, pinned=True)
    state = judge([pending, RouteAccess(route=reached, state=AccessState.REACHED)], ()).state
    assert state is (AccessState.REACHED if outweighs(reached, lost) else AccessState.PENDING)


# -- through the whole pipeline ----------------------------------------------------------------------------------------

WATCHED = ("list", "retrieve", "responses", "chat")
EVERY = timedelta(minutes=11)


def probe(route: str) -> SourceSpec:
    return source_spec(
        key=f"probes/{route}",
        kind="behaviour",
        every=timedelta(minutes=5),
        surface="openai",
        options={"model": LUNA.name, "route": route},
    )


@contextmanager
def watched(ignore: tuple[str, ...] = ()) -> Iterator[World]:
    """Provide a world whose entry is active on a list, a retrieval and two calls that all reach its model."""
    base = configuration(entries={"luna": entry_spec(ignore=ignore)})
    sources = {**base.sources, **{spec.key: spec for spec in map(probe, WATCHED[1:])}}
    with world_of(replace(base, sources=sources)) as world:
        for route in WATCHED[1:]:
            say(world, route, open=True)
        furnish(world)
        world.poll()
        world.activate()
        yield world


def key_of(route: str) -> str:
    return "list" if route == "list" else f"probes/{route}"


def say(world: World, route: str, *, open: bool) -> None:
    if route == "list":
        world.sources["list"].facts = listing(11, LUNA) if open else listing(11)
    else:
        world.sources[key_of(route)].facts = {LUNA: {f"access.{route}": "granted" if open else "access_lost"}}


def verdict(world: World) -> AccessVerdict:
    with world.store.read() as reader:
        fresh = Freshness(reader, world.conf, world.now)
        return counted(reader, world.conf, reader.entries()["luna"], fresh)


def verified(world: World) -> datetime | None:
    with world.store.read() as reader:
        return Freshness(reader, world.conf, world.now).access(reader.entries()["luna"])


def told(world: World, answers: Mapping[str, bool], order: Sequence[str]) -> None:
    """Let every route say its answer and be polled until what it says is confirmed, the routes in this order."""
    for route, open in answers.items():
        say(world, route, open=open)
    for _ in range(4):
        for route in order:
            world.poll(key_of(route), after=EVERY / len(order))


answers = st.fixed_dictionaries({route: st.booleans() for route in WATCHED})


@given(answers, st.permutations(WATCHED))
def test_routes_may_be_polled_in_any_order(said: dict[str, bool], order: list[str]) -> None:
    states = []
    for polled in (WATCHED, order):
        with watched() as world:
            told(world, said, polled)
            states.append({route.route: route.state for route in verdict(world).routes} | {"": verdict(world).state})
    assert states[0] == states[1]


@given(answers, st.sampled_from(WATCHED))
def test_a_route_that_opens_again_leaves_nothing_worse(said: dict[str, bool], opened: str) -> None:
    with watched() as world:
        told(world, said, WATCHED)
        before = verdict(world).state
        told(world, {**said, opened: True}, WATCHED)
        assert RANK.index(verdict(world).state) <= RANK.index(before)


@given(answers)
def test_access_is_as_fresh_as_the_newest_good_answer_of_any_route(said: dict[str, bool]) -> None:
    with watched() as world:
        before = verified(world)
        assert before is not None
        told(world, said, WATCHED)
        last = {}
        for route in WATCHED:
            world.poll(key_of(route))
            last[route] = world.now
        good = [at for route, at in last.items() if said[route]]
        if good:
            assert verified(world) == max(good)
        else:
            at = verified(world)
            assert at is None or at <= before


@pytest.mark.parametrize("ignored", ["chat", "retrieve"])
@pytest.mark.parametrize("others", [True, False])
def test_an_ignored_route_decides_nothing(ignored: str, others: bool) -> None:
    states = []
    for open in (True, False):
        with watched(ignore=(ignored,)) as world:
            told(world, {**dict.fromkeys(WATCHED, others), ignored: open}, WATCHED)
            states.append((verdict(world).state, world.entry().status))
    assert states[0] == states[1]
