"""Prices of one model that sit oddly beside each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.facts import Fact, Facts, Subject
from monitor.detection.cross_checks import news

LUNA = Subject("openai", "luna")


def facts(**prices: str) -> Facts:
    """Prices by `tier_context_meter`."""
    return {LUNA: {"price." + ".".join(name.split("_", 2)): value for name, value in prices.items()}}


def said(before: Facts, after: Facts) -> set[str]:
    return set(news(before, after).values())


USUAL = facts(
    standard_short_input="1",
    standard_short_cached_input="0.1",
    standard_short_cache_write="1.25",
    standard_short_output="6",
    standard_long_input="2",
    standard_long_output="9",
    batch_short_input="0.5",
    flex_short_output="3",
    priority_short_input="2",
)


def test_usual_prices_are_not_odd() -> None:
    assert news({}, USUAL) == {}


@pytest.mark.parametrize(
    ("odd", "sentence"),
    [
        ({"batch_short_input": "1"}, "batch input is 1.00, not below standard input"),
        ({"batch_short_input": "1.5"}, "batch input is 1.50, above standard input of 1.00"),
        ({"flex_short_output": "7"}, "flex output is 7.00, above standard output of 6.00"),
        ({"priority_short_input": "0.9"}, "standard input is 1.00, above priority input of 0.90"),
        ({"standard_long_output": "5"}, "standard output is 6.00, above standard long output of 5.00"),
        ({"standard_short_cache_write": "0.5"}, "standard input is 1.00, above standard cache write of 0.50"),
    ],
)
def test_what_sits_oddly_is_said_of_both_prices(odd: dict[str, str], sentence: str) -> None:
    after = {LUNA: {**USUAL[LUNA], **facts(**odd)[LUNA]}}
    found = news(USUAL, after)
    assert set(found.values()) == {sentence}
    assert len(found) == 2
    assert Fact(LUNA, next(iter(facts(**odd)[LUNA]))) in found


@pytest.mark.parametrize(
    "fine", [{"priority_short_input": "1"}, {"standard_long_input": "1"}, {"standard_short_cache_write": "1"}]
)
def test_an_equal_price_is_odd_only_where_the_tier_is_sold_as_cheaper(fine: dict[str, str]) -> None:
    assert news({}, {LUNA: {**USUAL[LUNA], **facts(**fine)[LUNA]}}) == {}


def test_what_was_odd_already_is_not_said_again() -> None:
    before = facts(standard_short_input="1", batch_short_input="1")
    after = facts(standard_short_input="1", batch_short_input="1", standard_short_output="2")
    assert news(before, after) == {}


def test_prices_of_another_modality_or_band_are_not_compared() -> None:
    other = {"price.batch.short.audio.input": "40", "price.batch.long.input": "3"}
    assert news({}, {LUNA: {**facts(standard_short_input="1")[LUNA], **other}}) == {}


@given(
    st.dictionaries(
        st.tuples(
            st.sampled_from(["standard", "batch", "flex", "priority"]),
            st.sampled_from(["short", "long"]),
            st.sampled_from(["input", "output", "cache_write"]),
        ).map(lambda parts: "price." + ".".join(parts)),
        st.sampled_from(["1", "2", "3"]),
    )
)
def test_a_note_names_only_prices_that_are_stated(fields: dict[str, str]) -> None:
    assert {fact.field for fact in news({}, {LUNA: dict(fields)})} <= fields.keys()
