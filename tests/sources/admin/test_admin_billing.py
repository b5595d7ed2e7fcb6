"""What the bills say: which models were billed, whether cache writes count, and the price that was really charged."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from admin_account import NOW, Account, buckets, completion, cost, day, source
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.facts import Fact, FailureReason, PollFailure, Snapshot, Subject
from monitor.core.price import Meter
from monitor.sources.admin.billing import METERS, Billed, charged, shortest
from monitor.sources.http import HttpClient

LUNA = Subject("openai", "gpt-5.6-luna")
INPUT = "price.standard.short.input"
COSTS, USAGE = "/organization/costs", "/organization/usage/completions"


@pytest.fixture
def poll(account: Account, http: HttpClient) -> Any:
    return lambda part, now=NOW, **changes: source(account, http, part, **changes).observe(now, None)


def prices(seen: object) -> dict[Subject, dict[str, object]]:
    assert isinstance(seen, Snapshot), seen
    return {subject: dict(fields) for subject, fields in seen.facts.items()}


def two_days(*items: Mapping[str, object]) -> Any:
    return 200, buckets((3, [dict(one) for one in items]), (2, [dict(one) for one in items]))


# -- which days ------------------------------------------------------------


@pytest.mark.parametrize("part", ["usage", "costs"])
def test_only_complete_days_that_ended_a_day_ago_are_asked_for(account: Account, poll: Any, part: str) -> None:
    poll(part, datetime(2026, 11, 23, 23, 59, tzinfo=UTC))
    for _, query, _ in account.requests:
        assert query["end_time"] == [str(day(1))]
        assert query["start_time"] == [str(day(8))]
        assert query["bucket_width"] == ["1d"]
        assert query["project_ids[]"] == ["proj_abc"]
    assert account.requests[0][1]["group_by[]"] == ["model" if part == "usage" else "line_item"]


def test_all_pages_of_the_costs_are_followed(account: Account, poll: Any) -> None:
    item = cost("gpt-5.6-luna, input", 20, 100_000_000)
    first = buckets((3, [item]), has_more=True, after="page_2")
    account.answers[COSTS] = lambda query: (200, buckets((2, [item])) if query.get("page") == ["page_2"] else first)
    assert prices(poll("costs"))[LUNA] == {INPUT: "0.2"}
    account.answers[COSTS] = (200, buckets((3, [item]), has_more=True))
    seen = poll("costs")
    assert isinstance(seen, PollFailure)
    assert seen.reason is FailureReason.TRUNCATED


# -- prices ----------------------------------------------------------------


def test_amount_by_quantity_is_the_price_that_was_charged(account: Account, poll: Any) -> None:
    account.answers[COSTS] = two_days(
        cost("gpt-5.6-luna, input", 20, 100_000_000),
        cost("gpt-5.6-luna, cached input", "2.0000000000000000", 100_000_000),
        cost("gpt-5.6-luna, cache writes", 25.0, 100_000, unit="1000_tokens"),
        cost("gpt-5.6-luna, output", 1200, 1000, unit="1M"),
    )
    assert prices(poll("costs")) == {
        LUNA: {
            INPUT: "0.2",
            "price.standard.short.cached_input": "0.02",
            "price.standard.short.cache_write": "0.25",
            "price.standard.short.output": "1.2",
        }
    }


LINES = {
    "gpt-6-astra, input_tokens": ("gpt-6-astra", Meter("standard", "short", "text", "input")),
    "gpt-6-astra, output_tokens": ("gpt-6-astra", Meter("standard", "short", "text", "output")),
    "gpt-5.5-2026-04-23, cached input": ("gpt-5.5-2026-04-23", Meter("standard", "short", "text", "cached_input")),
    "gpt-5.6-sol, cache writes": ("gpt-5.6-sol", Meter("standard", "short", "text", "cache_write")),
    "gpt-6.2-sol, input_cache_write_12h_tokens": (
        "gpt-6.2-sol",
        Meter("standard", "short", "text", "cache_write_12h"),
    ),
    "priority | gpt-5.6-sol, output, long context": ("gpt-5.6-sol", Meter("priority", "long", "text", "output")),
    "fast | gpt-5.6-sol, input": ("gpt-5.6-sol", Meter("priority", "short", "text", "input")),
    "flex | gpt-5-mini, input": ("gpt-5-mini", Meter("flex", "short", "text", "input")),
    "batch | gpt-5-mini, output": ("gpt-5-mini", Meter("batch", "short", "text", "output")),
    "gpt-audio-mini-2025-12-15 audio, input": (
        "gpt-audio-mini-2025-12-15",
        Meter("standard", "short", "audio", "input"),
    ),
}


@pytest.mark.parametrize("name", LINES)
def test_a_recognised_line_item_is_one_meter_of_one_model(account: Account, poll: Any, name: str) -> None:
    account.answers[COSTS] = two_days(cost(name, 20, 100_000_000))
    model, meter = LINES[name]
    assert prices(poll("costs")) == {Subject("openai", model): {meter.field: "0.2"}}


@pytest.mark.parametrize(
    "name",
    [
        "web search tool calls",
        "Vector storage",
        "eu | gpt-5.6-luna, input",
        "gpt-5.6-luna, reasoning",
        "gpt-5.6-luna, input, regional",
        "gpt-5.6-luna; input",
        "gpt-5.6-luna",
        "",
        None,
    ],
)
def test_a_line_item_that_is_not_recognised_is_refused_by_name_and_never_guessed(
    account: Account, poll: Any, name: str | None
) -> None:
    account.answers[COSTS] = two_days(cost(name, 20, 100_000_000))
    seen = poll("costs")
    assert prices(seen) == {}
    assert [one.where for one in seen.refused] == [str(name)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"currency": "eur"}, "its currency is eur"),
        ({"unit": None}, "its unit is None"),
        ({"unit": "images"}, "its unit is images"),
        ({"quantity": None}, "no amount or no quantity"),
        ({"quantity": 0}, "no amount or no quantity"),
        ({"amount": None}, "no amount or no quantity"),
        ({"amount": {"currency": "usd"}}, "no amount or no quantity"),
        ({"amount": {"value": "much", "currency": "usd"}}, "no amount or no quantity"),
    ],
    ids=str,
)
def test_a_row_in_another_money_or_unit_is_refused_and_never_converted(
    account: Account, poll: Any, changes: dict[str, Any], reason: str
) -> None:
    row = cost("gpt-5.6-luna, input", 20, 100_000_000) | {
        {"unit": "quantity_unit"}.get(name, name): value for name, value in changes.items() if name != "currency"
    }
    if "currency" in changes:
        row["amount"] = {"value": 20, "currency": changes["currency"]}
    account.answers[COSTS] = two_days(row)
    seen = poll("costs")
    assert prices(seen) == {}
    assert [one.reason.startswith(reason) for one in seen.refused] == [True]
    assert Fact(LUNA, INPUT) in seen.unclear


def test_one_day_that_is_not_understood_leaves_the_price_open(account: Account, poll: Any) -> None:
    item = cost("gpt-5.6-luna, input", 20, 100_000_000)
    account.answers[COSTS] = (200, buckets((4, [item | {"quantity_unit": None}]), (3, [item]), (2, [item])))
    assert prices(poll("costs")) == {}


def test_a_bucket_that_is_no_whole_utc_day_is_refused(account: Account, poll: Any) -> None:
    item = cost("gpt-5.6-luna, input", 20, 100_000_000)
    found = buckets((3, [item]), (2, [item]))
    found["data"][1]["start_time"] += 3600
    account.answers[COSTS] = (200, found)
    seen = poll("costs")
    assert prices(seen) == {}
    assert [one.reason for one in seen.refused] == ["not one whole UTC day"]


def test_rows_of_one_line_item_on_one_day_are_added(account: Account, poll: Any) -> None:
    halves = [cost("gpt-5.6-luna, input", 9, 50_000_000), cost("gpt-5.6-luna, input", 11, 50_000_000)]
    account.answers[COSTS] = two_days(*halves)
    assert prices(poll("costs"))[LUNA] == {INPUT: "0.2"}


# -- what a quotient proves ------------------------------------------------


def billed(value: str, tokens: int, error: str = "0") -> Billed:
    return Billed(Decimal(value), Decimal(tokens), Decimal(error))


def test_one_day_alone_is_no_price() -> None:
    assert charged([billed("20", 100_000_000)]) is None
    assert charged([]) is None


def test_a_day_of_two_prices_leaves_the_price_open_until_two_days_agree(account: Account, poll: Any) -> None:
    def days(*values: float) -> Any:
        rows = [cost("gpt-5.6-luna, input", value, 100_000_000) for value in values]
        return 200, buckets(*((5 - index, [row]) for index, row in enumerate(rows)))

    for values, said in (
        ((100, 100), "1"),
        ((100, 100, 60), None),  # the price fell at noon
        ((100, 100, 60, 20), None),
        ((100, 60, 20, 20), "0.2"),
    ):
        account.answers[COSTS] = days(*values)
        assert prices(poll("costs")).get(LUNA, {}).get(INPUT) == said, values


def test_an_amount_that_may_be_rounded_to_the_cent_needs_much_usage(account: Account, poll: Any) -> None:
    account.answers[COSTS] = two_days(cost("gpt-5.6-luna, input", 0.21, 1_000_000))
    assert prices(poll("costs")) == {}
    account.answers[COSTS] = two_days(cost("gpt-5.6-luna, input", 5.0, 25_000_000))
    assert prices(poll("costs"))[LUNA] == {INPUT: "0.2"}
    account.answers[COSTS] = two_days(cost("gpt-5.6-luna, input", 4.98, 24_900_000))
    assert prices(poll("costs")) == {}
    account.answers[COSTS] = two_days(cost("gpt-5.6-luna, input", 0.123456, 617_280))
    assert prices(poll("costs"))[LUNA] == {INPUT: "0.2"}


@pytest.mark.parametrize("value", [0, -3.5])
def test_tokens_that_were_given_away_have_no_price(account: Account, poll: Any, value: float) -> None:
    account.answers[COSTS] = two_days(cost("gpt-5.6-luna, input", value, 100_000_000))
    seen = poll("costs")
    assert prices(seen) == {}
    assert Fact(LUNA, INPUT) in seen.unclear


LISTED = st.sampled_from(["0.02", "0.0375", "0.2", "0.25", "1.25", "1.2", "3.125", "6.25", "12", "30", "270", "0.005"])


@given(LISTED, st.integers(50_000, 10**10), st.integers(50_000, 10**10), st.integers(6, 12))
def test_the_price_that_was_charged_is_found_again_whatever_was_used(
    price: str, one: int, other: int, decimals: int
) -> None:
    def of(tokens: int) -> Billed:
        value = round(Decimal(price) * tokens / 1_000_000, decimals)
        return Billed(value, Decimal(tokens), Decimal(5).scaleb(-decimals - 1) / value)

    assert charged([of(one), of(other)]) == price or of(min(one, other)).error > Decimal("0.0005")


@given(st.decimals("0.001", "1000", allow_nan=False, allow_infinity=False))
def test_what_is_stated_lies_within_a_thousandth_of_what_was_charged(price: Decimal) -> None:
    stated = shortest(price)
    assert abs(stated - price) <= price / 1000
    assert len(stated.normalize().as_tuple().digits) <= 6


def test_no_meter_is_spelled_in_two_ways_that_differ_in_meaning() -> None:
    assert all("cach" in meter for name, meter in METERS.items() if "cach" in name and "uncached" not in name)
    assert all("12h" in name for name, meter in METERS.items() if meter == "cache_write_12h")


# -- usage -----------------------------------------------------------------


def of(seen: object, model: str = "gpt-5.6-luna") -> dict[str, object]:
    return prices(seen).get(Subject("eu", model), {})


def test_a_model_that_was_billed_is_visible_and_one_that_was_not_is_not_spoken_of(account: Account, poll: Any) -> None:
    seen = poll("usage")
    assert of(seen) == {"behaviour.billing.visible": True}
    assert of(seen, "gpt-5.6-terra") == {}
    assert seen.partial


def test_embeddings_are_billed_as_well(account: Account, poll: Any) -> None:
    row = {
        "object": "organization.usage.embeddings.result",
        "model": "text-embedding-3-small",
        "input_tokens": 5,
        "num_model_requests": 1,
    }
    account.answers["/organization/usage/embeddings"] = (200, buckets((2, [row])))
    assert of(poll("usage"), "text-embedding-3-small") == {"behaviour.billing.visible": True}


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ([{"input_cache_write_tokens": 1400, "input_cached_tokens": 0}], True),
        ([{"input_cache_write_tokens": 0, "input_cached_tokens": 11_400}], False),
        ([{"input_cache_write_tokens": 1400}, {"input_cache_write_tokens": 0, "input_cached_tokens": 11_400}], True),
        ([{"input_cache_write_tokens": 0, "input_cached_tokens": 0}], None),
        ([{"input_cache_write_tokens": None, "input_cached_tokens": 11_400}], None),
        ([{"input_cached_tokens": 11_400}], None),
    ],
)
def test_cache_writes_are_counted_where_the_bill_states_them_and_reads_alone_say_that_they_are_not(
    account: Account, poll: Any, days: list[dict[str, object]], said: bool | None
) -> None:
    rows = [(5 - index, [completion("gpt-5.6-luna", **fields)]) for index, fields in enumerate(days)]
    account.answers[USAGE] = (200, buckets(*rows))
    assert of(poll("usage")).get("behaviour.billing.cache_writes_counted") is said


def test_usage_without_a_model_or_with_nothing_in_it_says_nothing(account: Account, poll: Any) -> None:
    empty = completion("gpt-5.6-luna", num_model_requests=0, input_tokens=0)
    account.answers[USAGE] = (200, buckets((3, [completion(None), completion(" "), empty])))
    assert prices(poll("usage")) == {}


def test_a_bucket_without_results_is_refused_and_the_others_are_read(account: Account, poll: Any) -> None:
    found = buckets((3, [completion("gpt-5.6-luna")]), (2, []))
    found["data"][1]["results"] = None
    found["data"][0]["results"].append("foreign")
    account.answers[USAGE] = (200, found)
    seen = poll("usage")
    assert of(seen) == {"behaviour.billing.visible": True}
    assert len(seen.refused) == 2
