"""What is read from OpenRouter's models list."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from feed_reading import amounts, needs_histories, observed, of, whole

from monitor.core.changes import diff
from monitor.core.facts import ALIAS_TARGET, Fact, FailureReason, PollFailure, Subject


def item(id: str, **pricing: object) -> dict[str, object]:
    return {"id": id, "pricing": pricing}


def listed(*items: object, **more: object) -> dict[str, object]:
    return {"data": list(items), **more}


SOL = item(
    "openai/gpt-5.6-sol",
    prompt="0.000005",
    completion="0.00003",
    input_cache_read="0.0000005",
    input_cache_write="0.00000625",
    web_search="0.01",
    overrides=[{"min_prompt_tokens": 272000, "prompt": "0.00001", "completion": "0.000045"}],
)


def test_strings_per_token_become_amounts_per_million_and_an_override_is_the_long_context() -> None:
    seen = observed("openrouter", listed(SOL))
    assert of(seen, "openai", "gpt-5.6-sol") == {
        "standard.short.input": "5",
        "standard.short.output": "30",
        "standard.short.cached_input": "0.5",
        "standard.short.cache_write": "6.25",
        "standard.long.input": "10",
        "standard.long.output": "45",
    }
    assert seen.refused == ()


def test_modalities_and_the_second_lifetime_are_meters_of_their_own() -> None:
    seen = observed("openrouter", listed(item("openai/a", audio="0.000032", audio_output="0.000064",
    input_audio_cache="0.000001",
                                              image_output="0.00003", input_cache_write_1h="0.00002",
                                              internal_reasoning="0.000012")))  # fmt: skip
    assert of(seen, "openai", "a") == {
        "standard.short.audio.input": "32",
        "standard.short.audio.output": "64",
        "standard.short.audio.cached_input": "1",
        "standard.short.image.output": "30",
        "standard.short.cache_write_1h": "20",
        "standard.short.reasoning": "12",
    }


def test_minus_one_is_no_price_and_takes_none_away() -> None:
    before = observed("openrouter", listed(SOL, item("~anthropic/claude-fable-latest", prompt="0.00001")))
    after = observed("openrouter", listed(SOL, item("~anthropic/claude-fable-latest", prompt="-1")))
    assert of(after, "~anthropic", "claude-fable-latest") == {}
    assert after.unclear == {Fact(Subject("~anthropic", "claude-fable-latest"), "price.standard.short.input")}
    assert diff(before.facts, after.facts, unclear=after.unclear) == ()


def test_the_noise_of_floats_is_kept_and_is_no_change() -> None:
    noisy = observed("openrouter", listed(item("openai/a", prompt="0.0000006000000000000001")))
    clean = observed("openrouter", listed(item("openai/a", prompt="0.0000006")))
    assert of(noisy, "openai", "a") == {"standard.short.input": "0.6000000000000001"}
    assert diff(noisy.facts, clean.facts) == ()


def test_a_variant_is_a_model_of_its_own_and_an_alias_never_that_of_the_maker() -> None:
    alias = {**item("~openai/gpt-latest", prompt="0.000003"), "alias_target": {"slug": "openai/gpt-5.6-sol"}}
    variants = [item(f"openai/gpt-5.6-sol{suffix}", prompt="0.000001") for suffix in (":batch", ":free")]
    seen = observed("openrouter", listed(SOL, alias, *variants))
    assert {tuple(subject) for subject in seen.facts} == {
        ("openai", "gpt-5.6-sol"), ("openai", "gpt-5.6-sol:batch"), ("openai", "gpt-5.6-sol:free"), ("~openai",
        "gpt-latest"),
    }  # fmt: skip


def test_what_an_alias_points_to_is_a_fact_and_blank_where_only_the_alias_is_stated() -> None:
    stated = {**item("~openai/gpt-latest", prompt="0.000003"), "alias_target": {"slug": "openai/gpt-5.6-sol"}}
    canonical = {**item("~openai/gpt-mini-latest", prompt="0.000003"), "canonical_slug": "openai/gpt-5.4-mini-20260317"}
    own = {**item("~openai/gpt-nano-latest", prompt="0.000003"), "canonical_slug": "~openai/gpt-nano-latest"}
    dated = {**item("openai/gpt-5.4", prompt="0.000003"), "canonical_slug": "openai/gpt-5.4-20260305"}
    seen = observed("openrouter", listed(stated, canonical, own, dated))
    aliases = {subject.name: fields.get(ALIAS_TARGET) for subject, fields in seen.facts.items()}
    assert aliases == {
        "gpt-latest": "openai/gpt-5.6-sol",
        "gpt-mini-latest": "openai/gpt-5.4-mini-20260317",
        "gpt-nano-latest": "",
        "gpt-5.4": None,
    }
    assert seen.notes == ()


def test_of_several_overrides_none_is_taken() -> None:
    overrides = [{"min_prompt_tokens": size, "prompt": "0.000002"} for size in (32000, 256000)]
    seen = observed("openrouter", listed(item("qwen/q", prompt="0.000001", overrides=overrides)))
    assert of(seen, "qwen", "q") == {"standard.short.input": "1"}
    assert seen.unclear == {Fact(Subject("qwen", "q"), "price.standard.long.input")}
    assert [refusal.where for refusal in seen.refused] == ["qwen/q.overrides"]


@pytest.mark.parametrize("override", [{"prompt": "0.1"}, {"min_prompt_tokens": "many", "prompt": "0.1"}, 7])
def test_an_override_on_another_condition_is_refused(override: object) -> None:
    seen = observed("openrouter", listed(item("openai/a", prompt="0.000001", overrides=[override])))
    assert of(seen, "openai", "a") == {"standard.short.input": "1"}
    assert [refusal.where for refusal in seen.refused] == ["openai/a.overrides[0]"]


@pytest.mark.parametrize("bad", ["", " 0.1", "1_0", "٣", "nan", "Infinity", "1e999999999", "free", 0.1, True, "1" * 41])
def test_a_string_that_is_no_amount_is_refused_alone(bad: object) -> None:
    seen = observed("openrouter", listed(item("openai/a", prompt=bad, completion="0.000001")))
    assert of(seen, "openai", "a") == {"standard.short.output": "1"}
    assert [refusal.where for refusal in seen.refused] == ["openai/a.prompt"]


def test_an_unknown_price_is_refused_and_one_by_the_piece_is_not_read() -> None:
    seen = observed(
        "openrouter", listed(item("openai/a", prompt="0.000001", discount="0.5", request="0.01", image="0.002"))
    )
    assert of(seen, "openai", "a") == {"standard.short.input": "1"}
    assert [refusal.where for refusal in seen.refused] == ["openai/a.discount"]


@pytest.mark.parametrize("more", [{"links": {"next": "/api/v1/models?offset=1"}}, {"total_count": 2}])
def test_a_page_of_a_longer_list_says_nothing(more: dict[str, object]) -> None:
    seen = observed("openrouter", listed(SOL, **more))
    assert isinstance(seen, PollFailure)
    assert "goes on elsewhere" in seen.detail
    assert of(observed("openrouter", listed(SOL, links={"next": None}, total_count=1)), "openai", "gpt-5.6-sol")


@pytest.mark.parametrize(
    "payload", [[], {}, {"data": None}, {"data": []}, {"data": [{"id": "gpt-5.6"}]}, listed(item("a/b", prompt="-1"))]
)
def test_another_shape_or_no_price_at_all_is_a_failure(payload: object) -> None:
    seen = observed("openrouter", payload)
    assert isinstance(seen, PollFailure)
    assert seen.reason is FailureReason.INVALID_SHAPE


@needs_histories
def test_every_price_by_the_token_of_the_real_list_is_read() -> None:
    content = whole("openrouter_models_2026-08-01.json.gz")
    meters = {"prompt": "input", "completion": "output", "input_cache_read": "cached_input",
    "input_cache_write": "cache_write",
              "audio": "audio.input", "audio_output": "audio.output", "image_output": "image.output"}  # fmt: skip
    expected = {}
    for one in json.loads(content)["data"]:
        provider, _, model = one["id"].partition("/")
        over = one["pricing"].get("overrides", [])
        for band, prices in [("short", one["pricing"]), *([("long", over[0])] if len(over) == 1 else [])]:
            for key, meter in meters.items():
                if Fraction(prices.get(key, -1)) >= 0:
                    expected[provider, model, f"price.standard.{band}.{meter}"] = Fraction(prices[key]) * 10**6
    seen = observed("openrouter", content)
    read = {
        (subject.scope, subject.name, field): Fraction(str(value))
        for subject, fields in seen.facts.items()
        for field, value in fields.items()
        if field.removeprefix("price.standard.").partition(".")[2] in meters.values()
    }
    assert read == expected
    assert len(read) > 900
    assert not any("e" in amount.lower() for amount in amounts(seen))
