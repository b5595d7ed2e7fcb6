"""Prices that cannot be right: what is doubted, and what no arithmetic may doubt."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core import price
from monitor.core.changes import Change, patch
from monitor.core.facts import Fact, Facts, Subject
from monitor.detection.corroboration import doubtful, implausible

A = Subject("openai", "a")
INPUT, CACHED, OUTPUT = (f"price.standard.short.{name}" for name in ("input", "cached_input", "output"))


def _why(field: str, old: str | None, new: str | None, facts: Facts | None = None) -> str:
    change = Change(fact=Fact(A, field), old=old, new=new)
    return implausible(change, patch(facts or {}, [change]))


@pytest.mark.parametrize(
    ("field", "old", "new", "reason"),
    [
        (OUTPUT, "6", "0", "zero"),
        (OUTPUT, None, "0.00", "zero"),
        (OUTPUT, "6", "-1", "negative"),
        (OUTPUT, "6", "601", "ratio"),
        (OUTPUT, "6", "600", ""),
        (OUTPUT, "6", "0.06", ""),
        (OUTPUT, "6", "0.059", "ratio"),
        (OUTPUT, None, "1000000", ""),
        (OUTPUT, "6", None, ""),
        (INPUT, "1", "0.1", "cached_not_below_input"),
        (INPUT, "1", "0.11", ""),
        (CACHED, "0.1", "1", "cached_not_below_input"),
        (CACHED, "0.1", "0.99", ""),
        (OUTPUT, "6", "0.1", ""),
        ("price.standard.long.input", None, "0.01", ""),
        ("shutdown_date", None, "0", ""),
    ],
)
def test_a_price_is_doubted_for_one_of_four_reasons(field: str, old: str | None, new: str | None, reason: str) -> None:
    assert _why(field, old, new, {A: {INPUT: "1", CACHED: "0.1", OUTPUT: "6"}}) == reason


def test_cached_and_full_input_that_fall_together_are_compared_as_they_will_be() -> None:
    before: Facts = {A: {INPUT: "1", CACHED: "0.1"}}
    fall = [
        Change(fact=Fact(A, INPUT), old="1", new="0.08"),
        Change(fact=Fact(A, CACHED), old="0.1", new="0.008"),
    ]
    assert [implausible(change, patch(before, fall)) for change in fall] == ["", ""]


@given(st.decimals("0.0001", "1000", places=4), st.decimals("0.0001", "1000", places=4))
def test_a_ratio_is_doubted_both_ways_alike(one: Decimal, other: Decimal) -> None:
    there = _why(OUTPUT, str(one), str(other))
    back = _why(OUTPUT, str(other), str(one))
    assert there == back == ("" if max(one, other) <= 100 * min(one, other) else "ratio")


def test_a_first_poll_is_searched_whole() -> None:
    facts: Facts = {
        A: {INPUT: "1", CACHED: "1", OUTPUT: "6"},
        Subject("openai", "b"): {INPUT: "0", "listed": True},
        Subject("openai", "c"): {INPUT: "1", OUTPUT: "2"},
    }
    assert doubtful(facts) == {
        Fact(A, INPUT): "cached_not_below_input",
        Fact(A, CACHED): "cached_not_below_input",
        Fact(Subject("openai", "b"), INPUT): "zero",
    }


words = st.text("abcdefghijklmnopqrstuvwxyz_0123456789", min_size=1, max_size=8)


@given(words, words, words, words)
def test_the_field_of_a_price_is_read_back_as_it_was_written(
    tier: str, context: str, modality: str, meter: str
) -> None:
    written = price.Meter(tier, context, modality, meter)
    assert price.Meter.of(written.field) == written


@given(st.decimals("-1000000", "1000000", places=6))
def test_an_amount_has_one_spelling_which_is_the_same_price(amount: Decimal) -> None:
    spelled = price.canonical(amount)
    assert price.amount(spelled) == amount
    assert "E" not in spelled
    assert price.canonical(price.amount(spelled)) == spelled
    assert price.equal(spelled, str(amount))


@pytest.mark.parametrize("text", ["", "free", "NaN", "Infinity", "1,5"])
def test_what_is_no_finite_number_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        price.amount(text)


@pytest.mark.parametrize("field", ["listed", "price.standard.input", "price.a.b.c.d.e", "standard.short.input"])
def test_what_is_no_field_of_a_price_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match="not the field of a price"):
        price.Meter.of(field)
