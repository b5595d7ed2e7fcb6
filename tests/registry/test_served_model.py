"""Which model answers: when the check `served_model` is verified, what it pins, and what pauses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from pipeline_world import LUNA, FakeSource, World, configuration, entry_spec, furnish, world_of

from monitor.core.entry import CheckState
from monitor.registry.served import is_same
from monitor.sources.catalog import source_spec

ANSWERED = "behaviour.responses.model"


def probe(route: str) -> object:
    return source_spec(
        key=f"probes/{LUNA.name}/{route}",
        kind="behaviour",
        every=timedelta(hours=6),
        surface="openai",
        options={"model": LUNA.name, "route": route},
    )


@pytest.fixture
def world() -> Iterator[World]:
    base = configuration(entries={"luna": entry_spec(checks=("served_model",))})
    sources = {**base.sources, **{spec.key: spec for spec in map(probe, ("responses", "chat", "flex"))}}
    with world_of(replace(base, sources=sources)) as made:
        yield made


def route(world: World, name: str) -> FakeSource:
    return world.sources[f"probes/{LUNA.name}/{name}"]


def answers(world: World, name: str, model: str | None, access: str = "granted") -> None:
    fields = {f"access.{name}": access} | ({f"behaviour.{name}.model": model} if model else {})
    route(world, name).facts = {LUNA: dict(fields)}


def check(world: World) -> tuple[CheckState, str]:
    found = world.entry().checks.get("served_model")
    return (found.state, found.note) if found is not None else (CheckState.BLANK, "")


@pytest.mark.parametrize(
    ("model", "answered"),
    [
        ("gpt-luna", "gpt-luna"),
        ("gpt-luna", "gpt-luna-2026-04-01"),
        ("gpt-luna", "gpt-luna-20260401"),
        ("gpt-luna", "gpt-luna-0613"),
        ("mistral-large-latest", "mistral-large-2411"),
        ("gemini-2.0-flash", "gemini-2.0-flash-002"),
        ("models/gemini-2.0-flash", "gemini-2.0-flash"),
        ("gpt-luna", "openai/gpt-luna-2026-04-01"),
        ("claude-sonnet", "claude-sonnet@20251001"),
    ],
)
def test_a_dated_snapshot_is_the_model(model: str, answered: str) -> None:
    assert is_same(model, answered)


@pytest.mark.parametrize(
    ("model", "answered"),
    [
        ("gpt-luna", "gpt-luna-mini"),
        ("gpt-luna", "gpt-sol"),
        ("gpt-5", "gpt-5.6"),
        ("gpt-5", "gpt-5-5"),
        ("llama-3", "llama-3-405"),
        ("orion", "orion-2000"),
        ("gpt-luna", "gpt-luna-mini-2026-04-01"),
        ("gpt-luna-2026-04-01", "gpt-luna-2026-05-01"),
        ("gpt-luna-2026-04-01", "gpt-luna"),
        ("acme/orion", "other/orion"),
    ],
)
def test_another_name_is_another_model(model: str, answered: str) -> None:
    assert not is_same(model, answered)


def test_it_is_blank_until_a_call_says_who_answered_and_then_pinned(world: World) -> None:
    answers(world, "responses", None)
    furnish(world)
    assert check(world) == (CheckState.BLANK, "")
    answers(world, "responses", "gpt-luna-2026-04-01")
    world.polls(3)
    assert check(world)[0] is CheckState.VERIFIED
    world.activate()
    assert {pin.field: pin.value for pin in world.entry().pins}[ANSWERED] == "gpt-luna-2026-04-01"


def test_another_model_fails_it_by_name(world: World) -> None:
    answers(world, "responses", "gpt-luna")
    answers(world, "chat", "gpt-sol")
    furnish(world)
    assert check(world) == (CheckState.FAILED, "chat is answered by gpt-sol, which is no snapshot of gpt-luna")
    assert any("served_model is failed" in str(problem) for problem in world.problems())


def test_of_a_route_that_is_refused_the_answers_of_yesterday_verify_nothing(world: World) -> None:
    answers(world, "responses", None, access="access_lost")
    furnish(world)
    assert check(world)[0] is CheckState.FAILED, "a no is a no"
    answers(world, "responses", "gpt-luna")
    world.polls(3)
    assert check(world)[0] is CheckState.VERIFIED
    route(world, "responses").facts = {LUNA: {"access.responses": "access_lost"}}
    route(world, "responses").silent = frozenset({ANSWERED})
    world.polls(3)
    assert check(world)[0] is CheckState.FAILED


def test_what_the_entry_does_not_call_says_nothing(world: World) -> None:
    spec = entry_spec(checks=("served_model",), uses=("v1/responses",))
    world.configure(replace(world.conf, entries={"luna": spec}, version="2"))
    answers(world, "responses", "gpt-luna")
    answers(world, "chat", "gpt-sol")
    answers(world, "flex", "gpt-terra")
    furnish(world)
    assert check(world) == (CheckState.VERIFIED, "")
    world.activate()
    assert [pin.field for pin in world.entry().pins if pin.field.endswith(".model")] == [ANSWERED]


def test_a_snapshot_that_moves_pauses_and_is_verified_anew(world: World) -> None:
    answers(world, "responses", "gpt-luna-2026-04-01")
    furnish(world)
    world.activate()
    answers(world, "responses", "gpt-luna-2026-05-01")
    world.polls(2)
    assert world.entry().status == "paused"
    assert "another model answers" in world.entry().reason
    assert check(world)[0] is CheckState.STALE
    world.polls(2)
    assert check(world)[0] is CheckState.VERIFIED
