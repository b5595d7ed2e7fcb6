"""What is read from models.dev."""

from __future__ import annotations

import pytest
from feed_reading import observed, of

from monitor.core.facts import Fact, FailureReason, PollFailure, Subject

COST = {"input": 5, "output": 30, "cache_read": 0.5, "cache_write": 6.25}


def api(cost: object = None, *, id: str = "sol", **model: object) -> dict[str, object]:
    return {"openai": {"id": "openai", "name": "OpenAI", "models": {id: {"id": id, "cost": cost, **model}}}}


def read(cost: object, **model: object) -> dict[str, object]:
    return of(observed("models_dev", api(cost, **model)), "openai", "sol")


SHORT = {
    "standard.short.input": "5",
    "standard.short.output": "30",
    "standard.short.cached_input": "0.5",
    "standard.short.cache_write": "6.25",
}
LONG = {**SHORT, "standard.long.input": "10", "standard.long.output": "45"}


def test_prices_are_per_million_tokens_already() -> None:
    assert read(COST) == SHORT


@pytest.mark.parametrize(
    "beyond",
    [
        {"tiers": [{"input": 10, "output": 45, "tier": {"type": "context", "size": 272000}}]},
        {"tiers": [{"input": 10, "output": 45, "tier": {"size": 272000}}]},
        {"tiers": [{"input": 10, "output": 45, "context": {"min": 272000}}]},
        {"context_over_200k": {"input": 10, "output": 45}},
        {
            "tiers": [{"input": 10, "output": 45, "tier": {"size": 200000}}],
            "context_over_200k": {"input": 10, "output": 45},
        },
        {"tiers": [{**COST, "context": {"max": 200000}}, {"input": 10, "output": 45, "context": {"min": 200000}}]},
    ],
    ids=["tier", "older tier", "bounds", "over 200k", "both", "from zero"],
)
def test_the_long_context_is_read_however_it_is_written(beyond: dict[str, object]) -> None:
    assert read({**COST, **beyond}) == LONG


def test_where_the_two_spellings_disagree_the_price_is_unknown() -> None:
    cost = {**COST, "tiers": [{"input": 10, "tier": {"size": 272000}}], "context_over_200k": {"input": 11}}
    seen = observed("models_dev", api(cost))
    assert of(seen, "openai", "sol") == SHORT
    assert seen.unclear == {Fact(Subject("openai", "sol"), "price.standard.long.input")}


@pytest.mark.parametrize(
    "tier",
    [
        {"type": "conditional", "time": {"timezone": "Asia/Shanghai", "windows": []}},
        {"type": "output", "size": 1},
        {"size": "272k"},
        7,
    ],
)
def test_a_tier_by_anything_else_than_the_context_is_refused(tier: object) -> None:
    seen = observed("models_dev", api({**COST, "tiers": [{"input": 1, "tier": tier}]}))
    assert of(seen, "openai", "sol") == SHORT
    assert [refusal.where for refusal in seen.refused] == ["openai/sol.cost.tiers[0]"]


def test_of_several_long_contexts_none_is_taken() -> None:
    tiers = [{"input": price, "tier": {"size": size}} for price, size in ((7, 32000), (9, 128000))]
    seen = observed("models_dev", api({**COST, "tiers": tiers}))
    assert of(seen, "openai", "sol") == SHORT
    assert seen.unclear == {Fact(Subject("openai", "sol"), "price.standard.long.input")}


def test_a_mode_is_the_tier_that_its_name_says_and_refused_where_it_says_none() -> None:
    modes = {
        "fast": {"cost": {"input": 12}},
        "flex": {"cost": {"input": 2.5}},
        "turbo": {"cost": {"input": 1}},
        "free": {},
    }
    seen = observed("models_dev", api(COST, experimental={"modes": modes}))
    assert of(seen, "openai", "sol") == {**SHORT, "priority.short.input": "12", "flex.short.input": "2.5"}
    assert [refusal.where for refusal in seen.refused] == ["openai/sol.turbo.cost"]


def test_audio_and_reasoning_are_meters_of_their_own_and_what_is_by_the_minute_is_not_read() -> None:
    assert read({"input_audio": 32, "output_audio": 64, "reasoning": 3, "per_minute": 0.06}) == {
        "standard.short.audio.input": "32",
        "standard.short.audio.output": "64",
        "standard.short.reasoning": "3",
    }


def test_prices_in_another_currency_or_in_points_are_not_read() -> None:
    assert read(COST, cost_cn={"input": 35}, cost_points={"input": 3, "per_tokens": 1000}) == SHORT


def test_resellers_keep_the_names_that_they_list() -> None:
    payload = {**api(COST), "openrouter": {"models": {"openai/sol": {"cost": {"input": 4}}}}}
    seen = observed("models_dev", payload)
    assert of(seen, "openrouter", "openai/sol") == {"standard.short.input": "4"}
    assert of(seen, "openai", "sol") == SHORT


def test_what_is_not_understood_is_refused_alone() -> None:
    payload = {
        **api({**COST, "output": "30", "cache_read": -1, "per_widget": 3}),
        "odd": 7,
        "broken": {"models": {"m": {"id": "other"}, "n": 3}},
    }
    seen = observed("models_dev", payload)
    assert of(seen, "openai", "sol") == {"standard.short.input": "5", "standard.short.cache_write": "6.25"}
    assert {refusal.where for refusal in seen.refused} == {
        "openai/sol.cost.output", "openai/sol.cost.cache_read", "openai/sol.cost.per_widget", "odd", "broken/m",
        "broken/n",
    }  # fmt: skip
    assert {fact.field for fact in seen.unclear} == {"price.standard.short.output", "price.standard.short.cached_input"}


@pytest.mark.parametrize("payload", [[], {}, {"openai": {}}, api(None), {"data": []}, 7])
def test_another_shape_is_a_failure(payload: object) -> None:
    seen = observed("models_dev", payload)
    assert isinstance(seen, PollFailure)
    assert seen.reason is FailureReason.INVALID_SHAPE


def test_a_catalog_holds_the_same_providers_beside_models_of_nobodys() -> None:
    alone = {"openai/sol": {"id": "openai/sol", "name": "Sol", "limit": {"context": 1}}}
    seen = observed("models_dev", {"models": alone, "providers": api(COST)})
    assert of(seen, "openai", "sol") == SHORT
    assert {tuple(subject) for subject in seen.facts} == {("openai", "sol")}


def test_models_alone_are_refused_with_the_documents_that_state_prices() -> None:
    seen = observed("models_dev", {"openai/sol": {"id": "openai/sol", "name": "Sol"}})
    assert isinstance(seen, PollFailure)
    assert seen.reason is FailureReason.INVALID_SHAPE
    assert "api.json and catalog.json" in seen.detail


def test_models_alone_are_read_under_their_makers_where_they_state_prices() -> None:
    seen = observed(
        "models_dev", {"openai/sol": {"id": "openai/sol", "cost": COST}, "x/y": {"id": "x/z", "cost": COST}}
    )
    assert of(seen, "openai", "sol") == SHORT
    assert of(seen, "x", "y") == {}
    assert [refusal.where for refusal in seen.refused] == ["x/y"]
