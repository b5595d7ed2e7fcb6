"""What owners hear while a model that nobody uses yet becomes available, route by route."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from pipeline_world import LUNA, World, configuration, entry_spec, furnish, world_of

from monitor.core.facts import Value
from monitor.core.notices import Item, Reason
from monitor.sources.catalog import source_spec

ROUTES = ("retrieve", "responses", "chat", "streaming")


def key(route: str) -> str:
    return f"probes/{LUNA.name}/{route}"


def answers(world: World, route: str, meaning: str, model: str = LUNA.name) -> None:
    said: dict[str, Value] = {f"behaviour.{route}.model": model, f"behaviour.{route}.usage": "input_tokens"}
    world.sources[key(route)].facts = {LUNA: {f"access.{route}": meaning, **(said if meaning == "granted" else {})}}


@pytest.fixture
def refused() -> Iterator[World]:
    """Provide an entry that is listed, nobody has activated, and whose every route is refused."""
    base = configuration(entries={"luna": entry_spec()})
    probes = {
        key(route): source_spec(
            key=key(route),
            kind="behaviour",
            every=timedelta(minutes=5),
            surface="openai",
            options={"model": LUNA.name, "route": route},
        )
        for route in ROUTES
    }
    with world_of(replace(base, sources={**base.sources, **probes})) as world:
        for route in ROUTES:
            answers(world, route, "access_lost")
        furnish(world)
        world.poll()
        yield world


def opened(world: World, model: str = LUNA.name) -> list[Item]:
    """Open every route, one after the other, and return what is told of it."""
    before = len(world.notices())
    for route in ROUTES:
        answers(world, route, "granted", model)
        world.polls(2, key(route), every=timedelta(minutes=2))
    return [item for notice in world.notices()[before:] for item in notice.items if item.reason is Reason.CHANGED]


def test_of_a_model_that_nobody_uses_the_first_call_that_works_is_told_and_the_checklist_has_the_rest(
    refused: World,
) -> None:
    (item,) = opened(refused)
    assert [(difference.what, difference.new) for difference in item.differences] == [("access.responses", "granted")]
    gained = [event.data["route"] for event in refused.events("access.gained")]
    assert gained == list(ROUTES), "the log has every route"


def test_of_an_entry_in_use_every_route_that_opens_is_told(refused: World) -> None:
    refused.activate(losses=frozenset({"responses", "chat"}))
    told = [difference.what for item in opened(refused) for difference in item.differences]
    assert told == [f"access.{route}" for route in ROUTES]


def test_a_first_answer_by_another_model_is_told(refused: World) -> None:
    told = [difference.what for item in opened(refused, "gpt-other") for difference in item.differences]
    assert "behaviour.responses.model" in told
    assert "behaviour.responses.usage" not in told
