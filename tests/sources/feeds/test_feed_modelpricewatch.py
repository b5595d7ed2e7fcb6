"""What is read from modelpricewatch."""

from __future__ import annotations

import pytest
from feed_reading import observed, of

from monitor.core.facts import Fact, FailureReason, PollFailure, Subject

LUNA = {
    "id": "openai-gpt-5-6-luna",
    "provider": "OpenAI",
    "model": "GPT-5.6 Luna",
    "input_per_mtok": 0.2,
    "output_per_mtok": 1.2,
    "cached_input_per_mtok": 0.02,
}
PRICES = {"standard.short.input": "0.2", "standard.short.output": "1.2", "standard.short.cached_input": "0.02"}


@pytest.mark.parametrize("payload", [[LUNA], {"models": [LUNA], "updated": "2026-08-21"}])
def test_prices_are_per_million_tokens_under_the_ids_of_the_feed(payload: object) -> None:
    assert of(observed("modelpricewatch", payload), "openai", "openai-gpt-5-6-luna") == PRICES


def test_no_model_id_is_derived_from_a_display_name() -> None:
    seen = observed("modelpricewatch", [LUNA, {**LUNA, "id": "luna", "provider": "Nous Research"}])
    assert set(seen.facts) == {Subject("openai", "openai-gpt-5-6-luna"), Subject("Nous Research", "luna")}


def test_null_is_no_price_and_the_end_of_a_promotion_is_a_remark() -> None:
    seen = observed("modelpricewatch", [{**LUNA, "cached_input_per_mtok": None, "promo_until": "2026-08-31"}])
    assert of(seen, "openai", LUNA["id"]) == {key: value for key, value in PRICES.items() if "cached" not in key}
    assert seen.notes == ("openai-gpt-5-6-luna: a promotion through 2026-08-31",)
    assert seen.valid_until is None


def test_what_is_not_understood_is_refused_alone() -> None:
    seen = observed(
        "modelpricewatch",
        [{**LUNA, "output_per_mtok": "1.2", "training_per_mtok": 3}, {"id": "x", "input_per_mtok": 1}, 7],
    )
    assert of(seen, "openai", LUNA["id"]) == {key: value for key, value in PRICES.items() if "output" not in key}
    assert [refusal.where for refusal in seen.refused] == [
        "openai-gpt-5-6-luna.output_per_mtok", "openai-gpt-5-6-luna.training_per_mtok", "[1]", "[2]",
    ]  # fmt: skip
    assert seen.unclear == {Fact(Subject("openai", "openai-gpt-5-6-luna"), "price.standard.short.output")}


@pytest.mark.parametrize(
    "payload", [[], {}, [{"id": "x", "provider": "y"}], [{"id": "x", "input_per_mtok": 1}], {"models": 7}, 7]
)
def test_another_shape_is_a_failure(payload: object) -> None:
    seen = observed("modelpricewatch", payload)
    assert isinstance(seen, PollFailure)
    assert seen.reason is FailureReason.INVALID_SHAPE
