"""What is read from LiteLLM's price map."""

from __future__ import annotations

import json
import re
from fractions import Fraction

import pytest
from feed_reading import needs_histories, observed, of, whole

from monitor.core.facts import Fact, FailureReason, PollFailure, Subject


def entry(**fields: object) -> dict[str, object]:
    return {"litellm_provider": "openai", "mode": "chat", **fields}


def test_amounts_per_token_become_amounts_per_million_without_rounding() -> None:
    seen = observed(
        "litellm",
        b'{"m": {"litellm_provider": "openai", "input_cost_per_token": 2e-07, "output_cost_per_token": 1.2e-06}}',
    )
    assert of(seen, "openai", "m") == {"standard.short.input": "0.2", "standard.short.output": "1.2"}


def test_the_noise_of_floats_is_kept_as_it_is_stated() -> None:
    seen = observed("litellm", b'{"m": {"litellm_provider": "x", "input_cost_per_token": 6.000000000000001e-07}}')
    assert of(seen, "x", "m") == {"standard.short.input": "0.6000000000000001"}


def test_no_amount_is_written_with_an_exponent() -> None:
    seen = observed(
        "litellm", b'{"m": {"litellm_provider": "x", "input_cost_per_token": 1e-12, "output_cost_per_token": 5}}'
    )
    assert of(seen, "x", "m") == {"standard.short.input": "0.000001", "standard.short.output": "5000000"}


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("cache_read_input_token_cost", "standard.short.cached_input"),
        ("input_cost_per_token_cache_hit", "standard.short.cached_input"),
        ("cache_creation_input_token_cost", "standard.short.cache_write"),
        ("cache_creation_input_token_cost_above_1hr", "standard.short.cache_write_1h"),
        ("cache_creation_input_token_cost_above_1hr_above_200k_tokens", "standard.long.cache_write_1h"),
        ("input_cost_per_token_above_272k_tokens", "standard.long.input"),
        ("cache_read_input_token_cost_above_272k_tokens_priority", "priority.long.cached_input"),
        ("input_cost_per_token_batches", "batch.short.input"),
        ("output_cost_per_token_flex", "flex.short.output"),
        ("input_cost_per_audio_token_priority", "priority.short.audio.input"),
        ("output_cost_per_image_token", "standard.short.image.output"),
        ("output_cost_per_reasoning_token", "standard.short.reasoning"),
    ],
)
def test_a_key_says_tier_band_modality_and_meter(key: str, field: str) -> None:
    assert of(observed("litellm", {"m": entry(**{key: 0.000002})}), "openai", "m") == {field: "2"}


@pytest.mark.parametrize(
    "key",
    ["input_cost_per_image", "output_cost_per_second_1080p", "input_cost_per_audio_per_second_above_128k_tokens",
    "ocr_cost_per_page",
     "input_dbu_cost_per_token", "computer_use_input_cost_per_1k_tokens", "regional_endpoint_uplift_multiplier",
     "max_tokens"],
)  # fmt: skip
def test_what_is_not_by_the_token_is_no_price_and_no_refusal(key: str) -> None:
    seen = observed("litellm", {"m": entry(input_cost_per_token=0.000001, **{key: 0.000002})})
    assert (of(seen, "openai", "m"), seen.refused) == ({"standard.short.input": "1"}, ())


@pytest.mark.parametrize(
    "key", ["input_cost_per_token_ultra", "cost_per_widget_token", "input_cost_per_token_above_lots"]
)
def test_a_cost_under_an_unknown_key_is_refused_and_never_guessed(key: str) -> None:
    seen = observed("litellm", {"m": entry(input_cost_per_token=0.000001, **{key: 0.000002})})
    assert of(seen, "openai", "m") == {"standard.short.input": "1"}
    assert [refusal.where for refusal in seen.refused] == [f"m.{key}"]


@pytest.mark.parametrize(
    ("key", "provider", "subject"),
    [
        ("gpt-5.6", "openai", ("openai", "gpt-5.6")),
        ("openai/sora-2", "openai", ("openai", "sora-2")),
        ("azure/eu/gpt-4o", "azure", ("azure", "eu/gpt-4o")),
        ("openrouter/openai/gpt-4o", "openrouter", ("openrouter", "openai/gpt-4o")),
        ("vertex_ai/claude-opus-5", "vertex_ai-anthropic_models", ("vertex_ai", "claude-opus-5")),
        ("amazon-nova/nova-pro", "amazon_nova", ("amazon_nova", "nova-pro")),
        ("low/1024-x-1024/gpt-image-1", "openai", ("openai", "low/1024-x-1024/gpt-image-1")),
    ],
)
def test_a_prefix_that_names_the_provider_is_the_provider(key: str, provider: str, subject: tuple[str, str]) -> None:
    seen = observed("litellm", {key: {"litellm_provider": provider, "input_cost_per_token": 1}})
    assert list(seen.facts) == [Subject(*subject)]


def test_the_same_name_at_two_doors_is_two_models() -> None:
    payload = {
        "gpt-5.6": entry(input_cost_per_token=5e-6),
        "azure/gpt-5.6": {"litellm_provider": "azure", "input_cost_per_token": 5.5e-6},
    }
    seen = observed("litellm", payload)
    assert (of(seen, "openai", "gpt-5.6"), of(seen, "azure", "gpt-5.6")) == (
        {"standard.short.input": "5"},
        {"standard.short.input": "5.5"},
    )


def test_the_sample_and_the_rules_are_no_models_and_who_names_no_provider_is_refused() -> None:
    payload = {
        "sample_spec": {"litellm_provider": "one of …", "input_cost_per_token": 0.0, "max_tokens": "LEGACY"},
        "fallback_generalizations": {"rules": []},
        "stray": {"input_cost_per_token": 1e-6},
        "m": entry(input_cost_per_token=1e-6),
    }  # fmt: skip
    seen = observed("litellm", payload)
    assert list(seen.facts) == [Subject("openai", "m")]
    assert [refusal.where for refusal in seen.refused] == ["stray"]


def test_ranges_from_zero_are_the_short_context_and_beyond_the_long_one() -> None:
    ranges = [
        {"range": [0, 256000.0], "input_cost_per_token": 5e-8},
        {"range": [256000.0, 1e6], "input_cost_per_token": 2.5e-7},
    ]
    seen = observed("litellm", {"m": entry(tiered_pricing=ranges)})
    assert of(seen, "openai", "m") == {"standard.short.input": "0.05", "standard.long.input": "0.25"}


def test_of_several_long_contexts_none_is_taken_and_the_price_is_unknown() -> None:
    ranges = [{"range": [begin, begin + 1], "input_cost_per_token": 1e-6} for begin in (0, 1, 2)]
    by_keys = entry(
        input_cost_per_token=1e-6,
        input_cost_per_token_above_128k_tokens=2e-6,
        input_cost_per_token_above_200k_tokens=3e-6,
    )
    seen = observed("litellm", {"ranges": entry(tiered_pricing=ranges), "keys": by_keys})
    for model in ("ranges", "keys"):
        assert of(seen, "openai", model) == {"standard.short.input": "1"}
        assert Fact(Subject("openai", model), "price.standard.long.input") in seen.unclear
    assert len(seen.refused) == 2


@pytest.mark.parametrize("bad", ["true", '"2e-06"', "-1", "1e99", "NaN", "[]", "1" * 40])
def test_what_is_no_amount_is_refused_alone_and_counts_as_unknown(bad: str) -> None:
    seen = observed(
        "litellm",
        f'{{"m": {{"litellm_provider": "x", "input_cost_per_token": {bad}, "output_cost_per_token": 1e-06}}}}'.encode(),
    )
    assert of(seen, "x", "m") == {"standard.short.output": "1"}
    assert [refusal.where for refusal in seen.refused] == ["m.input_cost_per_token"]
    assert seen.unclear == {Fact(Subject("x", "m"), "price.standard.short.input")}


def test_a_price_stated_twice_merges_where_equal_and_is_unknown_where_not() -> None:
    same = {
        "gemini/m": {"litellm_provider": "gemini", "input_cost_per_token": 1e-6},
        "m": {"litellm_provider": "gemini", "input_cost_per_token": 1e-6},
    }
    assert of(observed("litellm", same), "gemini", "m") == {"standard.short.input": "1"}
    same["m"] = {"litellm_provider": "gemini", "input_cost_per_token": 2e-6, "output_cost_per_token": 1e-6}
    seen = observed("litellm", same)
    assert of(seen, "gemini", "m") == {"standard.short.output": "1"}
    assert seen.unclear == {Fact(Subject("gemini", "m"), "price.standard.short.input")}
    assert "stated as 1 and as 2" in seen.refused[0].reason


def test_a_refusal_shows_a_key_in_one_line_of_printable_text() -> None:
    seen = observed(
        "litellm", {"m": entry(input_cost_per_token=0.000001), "n\n": entry(), "o": entry(**{"cost\x1b[0m": 1})}
    )
    assert [refusal.where for refusal in seen.refused] == ["'n\\n'", "'o.cost\\x1b[0m'"]


@pytest.mark.parametrize("payload", [[], {}, {"m": {}}, {"data": []}, {"m": {"litellm_provider": "x"}}, 7, None])
def test_another_shape_is_a_failure(payload: object) -> None:
    seen = observed("litellm", payload)
    assert isinstance(seen, PollFailure)
    assert seen.reason is FailureReason.INVALID_SHAPE


METER = {
    "input_cost_per_token": "input", "output_cost_per_token": "output", "cache_read_input_token_cost": "cached_input",
    "cache_creation_input_token_cost": "cache_write", "input_cost_per_token_cache_hit": "cached_input",
}  # fmt: skip
TIER = {"batches": "batch", "flex": "flex", "priority": "priority", None: "standard"}


@needs_histories
def test_every_plain_price_of_the_real_map_is_read_and_no_other() -> None:
    """Recomputed with regular expressions and fractions, for the four meters that people pay most for."""
    content = whole("litellm_full_2026-08-01.json.gz")
    expected: dict[tuple[str, str], set[Fraction]] = {}
    for key, fields in json.loads(content, parse_float=str, parse_int=str).items():
        provider = fields.get("litellm_provider")
        if key == "sample_spec" or provider is None:
            continue
        head, _, tail = key.partition("/")
        one, other = head.replace("-", "_"), provider.replace("-", "_")
        prefixed = tail and (one == other or other.startswith(one + "_"))
        subject = f"{provider if one == other else head}|{tail}" if prefixed else f"{provider}|{key}"
        for field, stated in fields.items():
            for name, meter in METER.items():
                if found := re.fullmatch(name + r"(_above_\d+k_tokens)?(?:_(batches|flex|priority))?", field):
                    identity = f"price.{TIER[found[2]]}.{'long' if found[1] else 'short'}.{meter}"
                    expected.setdefault((subject, identity), set()).add(Fraction(stated) * 10**6)
    seen = observed("litellm", content)
    read = {
        (f"{subject.scope}|{subject.name}", field): Fraction(str(value))
        for subject, fields in seen.facts.items()
        for field, value in fields.items()
        if re.fullmatch(r"price\.\w+\.\w+\.(input|output|cached_input|cache_write)", field)
    }
    once = {where: amounts.copy().pop() for where, amounts in expected.items() if len(amounts) == 1}
    assert len(once) > 5500
    ranged = {where for where in read if where not in expected}
    unclear = {(f"{subject.scope}|{subject.name}", field) for subject, field in seen.unclear}
    assert {where: read.get(where) for where in once if where not in unclear} == {
        where: amount for where, amount in once.items() if where not in unclear
    }
    assert {where[0].partition("|")[0] for where in ranged} == {"dashscope", "volcengine"}  # by ranges, see above
    assert len(seen.refused) < 30


def test_an_uplift_makes_prices_of_its_region_of_all_the_others() -> None:
    stated = entry(
        input_cost_per_token=0.000002,
        output_cost_per_token_batches=0.000005,
        regional_processing_uplift_multiplier_eu=1.1,
        regional_processing_uplift_multiplier_us=1.05,
    )
    assert of(observed("litellm", {"m": stated}), "openai", "m") == {
        "standard.short.input": "2",
        "standard.short.input{region EU}": "2.2",
        "standard.short.input{region US}": "2.1",
        "batch.short.output": "5",
        "batch.short.output{region EU}": "5.5",
        "batch.short.output{region US}": "5.25",
    }


@pytest.mark.parametrize(
    ("key", "value"), [("mars", 1.1), ("eu", "1.1"), ("eu", 0), ("eu", 0.5), ("eu", 110), ("eu", True)]
)
def test_an_uplift_that_is_not_understood_is_refused_and_the_plain_price_stands(key: str, value: object) -> None:
    stated = entry(input_cost_per_token=0.000002, **{f"regional_processing_uplift_multiplier_{key}": value})
    seen = observed("litellm", {"m": stated})
    assert of(seen, "openai", "m") == {"standard.short.input": "2"}
    assert [refusal.where for refusal in seen.refused] == [f"m.regional_processing_uplift_multiplier_{key}"]


def test_an_unknown_key_in_a_range_refuses_its_amounts() -> None:
    bands = [{"range": [0, 256000], "input_cost_per_token": 0.000002, "when": "night"}]
    seen = observed("litellm", {"m": entry(output_cost_per_token=0.000004, tiered_pricing=bands)})
    assert of(seen, "openai", "m") == {"standard.short.output": "4"}
    assert len(seen.refused) == 1
