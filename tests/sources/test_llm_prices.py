"""What is read from the published shapes of llm-prices, and when each price holds."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from source_loopback import NOW

from monitor.core.facts import Body, Fact, FailureReason, PollFailure, Snapshot, Subject
from monitor.sources.catalog import source_spec
from monitor.sources.extraction import Unreadable
from monitor.sources.feed import PriceFeed, read
from monitor.sources.feeds.llm_prices import extract
from monitor.sources.http import HttpClient
from monitor.sources.json_text import NotJson

SPEC = source_spec(
    key="llm-prices", kind="price_feed", every=timedelta(hours=1), url="http://x.invalid", format="llm_prices"
)


OFFLINE = HttpClient()


def observed(payload: object, at: datetime = NOW) -> Any:
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return PriceFeed(SPEC, OFFLINE).extract(Body(content=content, sha256="", size=len(content)), at)


def row(id: str, **fields: object) -> dict[str, object]:
    return {"id": id, "vendor": "openai", "name": id, **fields}


def flat(*rows: dict[str, object]) -> dict[str, object]:
    return {"prices": list(rows)}


def of(snapshot: Snapshot, id: str) -> dict[str, object]:
    return dict(snapshot.facts.get(Subject("openai", id), {}))


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_current_prices_are_read() -> None:
    seen = observed({"updated_at": "2026-11-20", "prices": [row("luna", input=0.20, output=1.2, input_cached=0.02)]})
    assert of(seen, "luna") == {
        "price.standard.short.input": "0.2",
        "price.standard.short.output": "1.2",
        "price.standard.short.cached_input": "0.02",
    }
    assert (seen.extractor, seen.valid_until) == ("llm_prices/3", None)


def test_a_vendors_file_is_read() -> None:
    history = [{"input": 30, "output": 60, "from_date": None, "to_date": None, "input_cached": None}]
    seen = observed({"vendor": "openai", "models": [{"id": "gpt-4", "name": "GPT-4", "price_history": history}]})
    assert of(seen, "gpt-4") == {"price.standard.short.input": "30", "price.standard.short.output": "60"}


DATED = flat(
    row("luna", input=1, from_date=None, to_date="2026-07-30"),
    row("luna", input=0.2, from_date="2026-07-30", to_date="2026-12-01"),
    row("luna", input=0.5, from_date="2026-12-01", to_date=None),
)


@pytest.mark.parametrize(
    ("at", "price", "until"),
    [
        ("2026-07-29T23:59:59", "1", "2026-07-30"),
        ("2026-07-30T00:00:00", "0.2", "2026-12-01"),
        ("2026-11-30T23:59:59", "0.2", "2026-12-01"),
        ("2026-12-01T00:00:00", "0.5", None),
    ],
)
def test_a_dated_price_holds_from_its_first_midnight_until_before_its_last(
    at: str, price: str, until: str | None
) -> None:
    seen = observed(DATED, day(at))
    later = {"2026-07-30": "0.2", "2026-12-01": "0.5"}
    announced = {
        f"announced.price.standard.short.input@{date}": amount for date, amount in later.items() if date > at[:10]
    }
    assert of(seen, "luna") == {"price.standard.short.input": price, **announced}
    assert seen.valid_until == (day(until) if until else None)


def test_the_order_of_a_history_means_nothing() -> None:
    turned = {"prices": list(reversed(DATED["prices"]))}  # type: ignore[call-overload]
    assert observed(turned).facts == observed(DATED).facts


def test_equal_prices_that_hold_at_once_are_one() -> None:
    seen = observed(flat(row("luna", input=0.2), row("luna", input=0.20000000000000001)))
    assert of(seen, "luna") == {"price.standard.short.input": "0.2"}
    assert seen.refused == ()


def test_unequal_prices_that_hold_at_once_refuse_each_other_and_nothing_else() -> None:
    seen = observed(flat(row("luna", input=0.2, output=1), row("luna", input=0.3, output=1), row("sol", input=5)))
    assert of(seen, "luna") == {"price.standard.short.output": "1"}
    assert of(seen, "sol") == {"price.standard.short.input": "5"}
    assert seen.unclear == {Fact(Subject("openai", "luna"), "price.standard.short.input")}
    assert [refusal.where for refusal in seen.refused] == ["openai/luna price.standard.short.input"]


def test_three_unequal_prices_are_one_refusal() -> None:
    assert len(observed(flat(*(row("luna", input=price) for price in (1, 2, 3, 1)))).refused) == 1


LONG = {"name": "Sol >272k", "input": 10}


def test_a_long_band_written_as_a_model_is_read_where_id_name_and_base_agree() -> None:
    seen = observed(flat(row("sol", input=5), row("sol-272k", **LONG)))
    assert of(seen, "sol") == {"price.standard.short.input": "5", "price.standard.long.input": "10"}
    assert of(seen, "sol-272k") == {}


@pytest.mark.parametrize(
    "rows",
    [
        [row("sol-272k", **LONG)],
        [row("sol", input=5), row("sol-272k", name="Sol 272k", input=10)],
        [row("sol", input=5), row("sol-272k", name="Sol >128k", input=10)],
        [row("sol", input=5), row("sol-272k", name="Sol ≤272k", input=10)],
        [row("sol", input=5), row("sol-272k", name=None, input=10)],
        [{**row("sol", input=5), "vendor": "reseller"}, row("sol-272k", **LONG)],
    ],
    ids=["no base", "no sign", "another size", "the short sign", "no name", "another vendor's base"],
)
def test_no_band_is_inferred_where_they_do_not(rows: list[dict[str, object]]) -> None:
    assert of(observed(flat(*rows)), "sol-272k") == {"price.standard.short.input": "10"}


def test_null_is_no_price_and_zero_is_one() -> None:
    seen = observed(flat(row("luna", input=0, output=None, input_cached=-1)))
    assert of(seen, "luna") == {"price.standard.short.input": "0", "price.standard.short.cached_input": "-1"}


@pytest.mark.parametrize("bad", ['"0.2"', "NaN", "Infinity", "true", "[]", "1e999999999", "1" * 4000, "1e-400"])
def test_what_is_no_amount_is_refused_alone(bad: str) -> None:
    content = f'{{"prices":[{{"id":"luna","vendor":"openai","input":{bad},"output":1}}]}}'
    seen = observed(content.encode())
    assert of(seen, "luna") == {"price.standard.short.output": "1"}
    assert [refusal.where for refusal in seen.refused] == ["prices[0].input"]


@pytest.mark.parametrize(
    "bad",
    [
        {"vendor": None},
        {"vendor": ""},
        {"id": 7},
        {"id": "a\x00"},
        {"from_date": "July"},
        {"to_date": 20260730},
        {"from_date": "2026-02-02", "to_date": "2026-02-01"},
    ],
)
def test_a_row_that_is_not_understood_is_refused_and_the_others_stand(bad: dict[str, object]) -> None:
    seen = observed(flat({**row("luna", input=1), **bad}, row("sol", input=5)))
    assert list(seen.facts) == [Subject("openai", "sol")]
    assert [refusal.where for refusal in seen.refused] == ["prices[0]"]


@pytest.mark.parametrize(
    "payload", [[], {}, {"prices": {}}, {"models": []}, {"data": []}, 7, flat(row("luna", input="1"))]
)
def test_another_shape_is_a_failure(payload: object) -> None:
    seen = observed(payload)
    assert isinstance(seen, PollFailure)
    assert seen.reason is FailureReason.INVALID_SHAPE


def test_amounts_are_never_floats() -> None:
    (price,) = read(b'{"prices":[{"id":"a","vendor":"v","input":0.1}]}', "llm_prices").rows
    assert price.amount == Decimal("0.1")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["id", "vendor", "name", "prices", "models", "price_history", "input", "to_date"]),
                inner,
            )
        ),
    )
)
def test_no_json_makes_the_extractor_raise_anything_but_unreadable(payload: object) -> None:
    with contextlib.suppress(Unreadable):
        extract(payload)


History = Callable[[str], list[dict[str, Any]]]
RECORDED = "simonw_llm_prices_openai"


def at(line: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(line["observed_at"])


def test_the_rewritten_history_of_july_30_states_the_same_prices(history: History) -> None:
    lines = {line["observed_at"]: line for line in history(RECORDED)}
    before, after = (
        observed(lines[time]["payload"], at(lines[time])) for time in ("2026-07-30T17:34:21Z", "2026-07-30T17:39:30Z")
    )
    for model in ("gpt-5.6-luna", "gpt-5.6-terra"):
        short = {field: value for field, value in of(after, model).items() if ".short." in field}
        assert short == of(before, model)
    assert of(after, "gpt-5.6-luna") == {
        "price.standard.short.input": "0.2",
        "price.standard.short.output": "1.2",
        "price.standard.short.cached_input": "0.02",
        "price.standard.long.input": "0.4",
        "price.standard.long.output": "1.8",
        "price.standard.long.cached_input": "0.04",
    }


def test_the_recorded_feed_is_read_whole_but_for_its_broken_commit(history: History) -> None:
    for line in history(RECORDED):
        if line["status"] == "ok":
            seen = observed(line["payload"], at(line))
            assert isinstance(seen, Snapshot)
            assert seen.refused == ()
        else:
            with pytest.raises(NotJson):
                read(line["payload_text"].encode(), "llm_prices")
            assert observed(line["payload_text"].encode(), at(line)).reason is FailureReason.NOT_JSON
