"""What is read from genai-prices, v1 and v2, and when each price holds."""

from __future__ import annotations

import pytest
from feed_reading import announced, observed, of, time

from monitor.core.facts import Fact, FailureReason, PollFailure, Subject


def data(prices: object, *, id: str = "luna") -> list[dict[str, object]]:
    return [{"id": "openai", "name": "OpenAI", "models": [{"id": id, "match": {"equals": id}, "prices": prices}]}]


def prices(payload: object, at: str = "2026-08-01T12:00:00+00:00") -> dict[str, object]:
    return of(observed("genai_prices", payload, time(at)), "openai", "luna")


def test_one_set_of_prices_is_read_and_null_is_none() -> None:
    assert prices(data({"input_mtok": 8.0, "output_mtok": 24, "cache_read_mtok": None})) == {
        "standard.short.input": "8",
        "standard.short.output": "24",
    }


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("cache_read_mtok", "standard.short.cached_input"),
        ("cache_write_mtok", "standard.short.cache_write"),
        ("cache_write_1h_mtok", "standard.short.cache_write_1h"),
        ("input_audio_mtok", "standard.short.audio.input"),
        ("output_image_mtok", "standard.short.image.output"),
        ("cache_audio_read_mtok", "standard.short.audio.cached_input"),
        ("output_reasoning_mtok", "standard.short.reasoning"),
    ],
)
def test_a_key_says_meter_and_modality(key: str, field: str) -> None:
    assert prices(data({key: 0.25})) == {field: "0.25"}


def test_a_tier_by_tokens_is_the_long_context() -> None:
    tiered = {"base": 1, "tiers": [{"start": 272000, "price": 2}]}
    assert prices(data({"input_mtok": tiered})) == {"standard.short.input": "1", "standard.long.input": "2"}


def test_of_several_tiers_none_is_taken_as_the_long_context() -> None:
    tiered = {"base": 1, "tiers": [{"start": 1000, "price": 2}, {"start": 2000, "price": 3}]}
    seen = observed("genai_prices", data({"input_mtok": tiered}))
    assert of(seen, "openai", "luna") == {"standard.short.input": "1"}
    assert seen.unclear == {Fact(Subject("openai", "luna"), "price.standard.long.input")}


DATED = data(
    [
        {"prices": {"input_mtok": 1, "output_mtok": 6, "cache_write_mtok": 1.25}},
        {"constraint": {"start_date": "2026-07-30"}, "prices": {"input_mtok": 0.2, "output_mtok": 1.2}},
        {"constraint": {"start_date": "2026-09-01"}, "prices": {"input_mtok": 0.5, "output_mtok": 3}},
    ]
)


@pytest.mark.parametrize(
    ("at", "held", "until"),
    [
        (
            "2026-07-29T23:59:59+00:00",
            {"input": "1", "output": "6", "cache_write": "1.25"},
            "2026-07-30T00:00:00+00:00",
        ),
        ("2026-07-30T00:00:00+00:00", {"input": "0.2", "output": "1.2"}, "2026-09-01T00:00:00+00:00"),
        ("2026-09-01T00:00:00+00:00", {"input": "0.5", "output": "3"}, None),
    ],
)
def test_from_its_date_a_set_replaces_all_before_it(at: str, held: dict[str, str], until: str | None) -> None:
    seen = observed("genai_prices", DATED, time(at))
    assert of(seen, "openai", "luna") == {f"standard.short.{meter}": price for meter, price in held.items()}
    assert seen.valid_until == (time(until) if until else None)
    later = {name.rpartition("@")[2] for name in announced(seen, "openai", "luna")}
    assert later == {day for day in ("2026-07-30", "2026-09-01") if day > at[:10]}


def test_of_the_sets_that_hold_the_last_one_counts_whatever_their_dates() -> None:
    later = {"constraint": {"start_date": "2026-07-01"}, "prices": {"input_mtok": 3}}
    earlier = {"constraint": {"start_date": "2026-06-01"}, "prices": {"input_mtok": 2}}
    always = {"prices": {"input_mtok": 1}}
    assert prices(data([always, later, earlier])) == {"standard.short.input": "2"}
    assert prices(data([later, earlier, always])) == {"standard.short.input": "1"}


def test_rewriting_one_set_as_a_dated_list_changes_nothing() -> None:
    """What v2 did on 2026-07-31, a day after the drop."""
    plain, listed = data({"input_mtok": 0.2, "output_mtok": 1.2}), data(DATED[0]["models"][0]["prices"][:2])  # type: ignore[index]
    at = "2026-07-31T17:50:00+00:00"
    assert prices(plain, at) == prices(listed, at)


def test_a_price_by_the_hour_of_the_day_has_its_hours_as_condition() -> None:
    nightly = {"constraint": {"start_time": "16:30:00Z", "end_time": "00:30:00Z"}, "prices": {"input_mtok": 0.1}}
    morning = {"constraint": {"start_time": "01:00:00Z", "end_time": "04:00:00Z"}, "prices": {"input_mtok": 2}}
    seen = observed("genai_prices", data([{"prices": {"input_mtok": 1}}, nightly, morning]))
    assert of(seen, "openai", "luna") == {
        "standard.short.input": "1",
        "standard.short.input{hours 16:30-00:30 UTC}": "0.1",
        "standard.short.input{hours 01:00-04:00 UTC}": "2",
    }
    assert not seen.refused


@pytest.mark.parametrize(
    "constraint",
    [
        {"start_time": "16:30:00Z"},
        {"start_time": "16:30:00Z", "end_time": "25:30:00Z"},
        {"start_time": "16:30:00", "end_time": "00:30:00"},
        {"start_time": "16:30:00+08:00", "end_time": "00:30:00+08:00"},
        {"start_time": "16:30:00Z", "end_time": "00:30:00Z", "weekday": "Monday"},
    ],
)
def test_hours_that_are_not_clear_are_refused_and_the_others_stand(constraint: object) -> None:
    nightly = {"constraint": constraint, "prices": {"input_mtok": 0.1}}
    seen = observed("genai_prices", data([{"prices": {"input_mtok": 1}}, nightly]))
    assert of(seen, "openai", "luna") == {"standard.short.input": "1"}
    assert [refusal.where for refusal in seen.refused] == ["openai/luna.prices[1]"]


@pytest.mark.parametrize(
    "constraint",
    [{"start_date": "July"}, {"start_date": 7}, {"region": "eu"}, {"start_date": "2026-01-01", "region": "eu"}, 7],
)
def test_a_constraint_that_is_not_understood_leaves_the_whole_model_unread(constraint: object) -> None:
    known = {"id": "sol", "prices": {"input_mtok": 5}}
    payload = data([{"prices": {"input_mtok": 1}}, {"constraint": constraint, "prices": {"input_mtok": 2}}])
    payload[0]["models"].append(known)  # type: ignore[attr-defined]
    seen = observed("genai_prices", payload)
    assert (of(seen, "openai", "luna"), of(seen, "openai", "sol")) == ({}, {"standard.short.input": "5"})
    assert len(seen.refused) == 1


def test_what_is_not_understood_is_refused_alone_and_what_is_not_by_the_token_is_not_read() -> None:
    stated = {
        "input_mtok": 1,
        "output_mtok": "6",
        "cache_read_mtok": -1,
        "widgets_mtok": 3,
        "web_searches_kcount": 10,
        "cache_read_1h_mtok": 1,
    }
    seen = observed("genai_prices", data(stated))
    assert of(seen, "openai", "luna") == {"standard.short.input": "1"}
    where = [refusal.where.rpartition(".")[2] for refusal in seen.refused]
    assert where == ["output_mtok", "cache_read_mtok", "widgets_mtok", "cache_read_1h_mtok"]
    assert {fact.field for fact in seen.unclear} == {"price.standard.short.output", "price.standard.short.cached_input"}


@pytest.mark.parametrize(
    "payload", [[], {}, [{"id": "x"}], [{"id": "x", "models": []}], data(None), data({"input_mtok": "1"}), 7]
)
def test_another_shape_is_a_failure(payload: object) -> None:
    seen = observed("genai_prices", payload)
    assert isinstance(seen, PollFailure)
    assert seen.reason is FailureReason.INVALID_SHAPE


def test_where_no_dated_set_holds_yet_the_first_one_does() -> None:
    sets = [
        {"constraint": {"start_date": "2026-09-01"}, "prices": {"input_mtok": 2}},
        {"constraint": {"start_date": "2026-10-01"}, "prices": {"input_mtok": 3}},
    ]
    payload = [{"id": "openai", "models": [{"id": "sol", "prices": sets}]}]
    for day, amount in (("2026-08-01", "2"), ("2026-09-15", "2"), ("2026-10-01", "3")):
        seen = observed("genai_prices", payload, time(f"{day}T00:00:00+00:00"))
        assert of(seen, "openai", "sol") == {"standard.short.input": amount}
