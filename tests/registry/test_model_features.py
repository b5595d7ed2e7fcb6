"""What sources state of a model in their many words, and how a fallback compares."""

from __future__ import annotations

from typing import Any

import pytest
from pipeline_world import INPUT, OUTPUT, START, World, configuration, entry_spec, furnish, model, world_of

from monitor.core.baselines import Baselines
from monitor.core.entry import Entry, Status
from monitor.core.entry_spec import EntrySpec
from monitor.core.facts import Subject, Value
from monitor.registry.model_features import ModelFeatures, differences, lacking, model_features
from monitor.sources.json_text import canonical_text

MODEL = Subject("openai", "gpt-luna")


def entry(spec: EntrySpec | None = None) -> Entry:
    spec = spec or entry_spec()
    return Entry(key=spec.key, status=Status.ACTIVE, since=START, position=1, status_position=1, spec=spec)


def stated(**facts: Any) -> ModelFeatures:
    """Return what is read of facts as a list states them: nested values as JSON, `__` for a dot."""
    fields: dict[str, Value] = {
        name.replace("__", "."): canonical_text(value) if isinstance(value, dict | list) else value
        for name, value in facts.items()
    }
    conf = configuration()
    return model_features(entry(), Baselines(conf.sources, lambda key: {MODEL: fields} if key == "list" else None))


@pytest.mark.parametrize(
    ("facts", "context"),
    [
        ({"context_length": 128000}, 128000),
        ({"context_window": 400000}, 400000),
        ({"max_model_len": 131072}, 131072),
        ({"inputTokenLimit": 1048576}, 1048576),
        ({"context_length": 200000, "top_provider": {"context_length": 160000}}, 160000),
        ({"capabilities": {"limits": {"max_context_window_tokens": 64000}}}, 64000),
        ({"context_length": "128000"}, None),
        ({"context_length": True}, None),
        ({"context_length": 0}, None),
        ({"max_output_tokens": 16000}, None),
    ],
    ids=str,
)
def test_the_context_is_read_in_the_words_of_lists(facts: dict[str, Any], context: int | None) -> None:
    assert stated(**facts).context == context


@pytest.mark.parametrize(
    ("facts", "kind", "name", "has"),
    [
        ({"supported_parameters": ["temperature", "tools"]}, "tool", "functions", True),
        ({"supported_parameters": ["temperature"]}, "tool", "functions", False),
        ({"capabilities": {"function_calling": False, "vision": True}}, "tool", "functions", False),
        ({"capabilities": {"function_calling": True, "vision": True}}, "input", "image", True),
        ({"supports_tools": True}, "tool", "functions", True),
        ({"supports_image_input": False}, "input", "image", False),
        ({"architecture": {"input_modalities": ["text", "image"]}}, "input", "image", True),
        ({"architecture": {"input_modalities": ["text", "image"]}}, "input", "audio", False),
        ({"architecture": {"modality": "text+image->text"}}, "output", "image", False),
        ({"modality__input": "image, text"}, "input", "image", True),
        ({"modalities": {"input": ["text"], "output": ["text"]}}, "input", "image", False),
        ({"feature__function_calling": "not supported"}, "tool", "functions", False),
        ({"tool__web_search": "supported"}, "tool", "web_search", True),
        ({"endpoint__v1/responses": "not supported"}, "endpoint", "v1/responses", False),
        ({"supported_endpoints": ["/v1/chat/completions"]}, "endpoint", "v1/responses", False),
        ({"access__responses": "granted"}, "endpoint", "v1/responses", True),
        (
            {"access__responses": "access_lost", "endpoint__v1/responses": "supported"},
            "endpoint",
            "v1/responses",
            False,
        ),
        ({"access__flex": "access_lost"}, "tier", "flex", False),
        ({"behaviour__tools__called": False}, "tool", "functions", False),
        ({"tools": "yes and no"}, "tool", "functions", None),
        ({"supported_parameters": "[broken"}, "tool", "functions", None),
        ({"input_modalities": []}, "input", "image", None),
        ({"input_modalities": [5]}, "input", "text", None),
        ({"owned_by": "vision"}, "input", "image", None),
        ({}, "input", "image", None),
    ],
    ids=str,
)
def test_what_a_model_can_do_has_three_values(facts: dict[str, Any], kind: str, name: str, has: bool | None) -> None:
    assert stated(**facts).has(kind, name) is has


def words(mine: dict[str, Any], other: dict[str, Any], **spec: Any) -> list[str]:
    return [line.words for line in differences(entry(entry_spec(**spec)), stated(**mine), stated(**other))]


def test_the_differences_are_said_as_people_read_them() -> None:
    mine = {"context_length": 400000, "supported_parameters": ["tools"], "input_modalities": ["text", "image"]}
    other = {"context_length": 128000, "supported_parameters": ["stop"], "input_modalities": ["text"]}
    assert words(mine, other) == ["context 400k → 128k", "image input lost", "tools lost"]
    assert words(mine, {}) == ["context 400k → not stated", "input modalities not stated", "tools not stated"]
    assert words({}, mine) == []
    assert words({"max_model_len": 131072}, {"max_model_len": 1050000}) == ["context 131,072 → 1.05M"]


def test_prices_are_compared_by_the_tiers_in_use() -> None:
    mine = ModelFeatures(prices={INPUT: "1", OUTPUT: "6", "price.flex.short.input": "0.5"})
    other = ModelFeatures(prices={INPUT: "1.4", OUTPUT: "6.00"})
    spec = entry(entry_spec(tiers=("standard", "flex")))
    assert [line.words for line in differences(spec, mine, other)] == ["input +40 %", "flex input price not stated"]


def test_what_is_used_and_stated_to_be_missing_is_lacking_and_what_nobody_states_is_not() -> None:
    uses = entry(entry_spec(uses=("v1/responses", "v1/images/edits"), tiers=("standard", "flex")))
    assert lacking(uses, stated()) == []
    assert lacking(uses, stated(supported_endpoints=["v1/chat/completions"], access__flex="access_lost")) == [
        "endpoint v1/responses",
        "endpoint v1/images/edits",
        "tier flex",
    ]
    assert lacking(uses, stated(output_modalities=["text"], input_modalities=["text", "image"])) == ["image output"]
    assert lacking(entry(), stated(supported_endpoints=["v1/chat/completions"])) == [], "it names nothing"


SOL = model(0)


def state(world: World) -> tuple[str, str]:
    check = world.entry().checks["fallback"]
    return check.state, check.note


def test_the_check_fails_by_what_the_fallback_lacks_and_is_verified_again() -> None:
    entries = {
        "luna": entry_spec(fallback="sol", checks=("fallback",), uses=("v1/responses",)),
        "sol": entry_spec("sol", SOL.name),
    }
    with world_of(configuration(entries=entries)) as world:
        furnish(world)
        world.polls(2)
        assert state(world)[0] == "failed", "nobody has activated it"
        world.activate("sol")
        assert state(world) == ("verified", "sol is allowed")
        world.activate()
        world.sources["list"].set(SOL, supported_endpoints='["v1/chat/completions"]')
        world.polls(2, "list")
        world.tender.tend(world.now)
        assert state(world) == ("failed", "sol lacks what luna uses: endpoint v1/responses")
        assert world.entry().status is Status.ACTIVE
        assert world.events("entry.fallback_lost") == [], "it is allowed"
        world.sources["list"].set(SOL, supported_endpoints='["v1/responses"]')
        world.polls(2, "list")
        world.tender.tend(world.now)
        assert state(world) == ("verified", "sol is allowed")
        assert world.replayed() == dict(world.entries())
