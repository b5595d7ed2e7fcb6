"""How rows become facts, whoever read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.facts import Fact, Refusal, Subject
from monitor.core.price import PriceRow
from monitor.sources.extraction import facts_of, next_boundary

LUNA = Subject("openai", "luna")
INPUT = "price.standard.short.input"


def row(amount: str = "1", **changes: Any) -> PriceRow:
    fields: dict[str, Any] = {"provider": "openai", "model": "luna", "meter": "input", "amount": Decimal(amount)}
    return PriceRow(**{**fields, **changes})


def test_a_row_is_a_fact_in_canonical_spelling() -> None:
    assert facts_of([row("0.200")]).facts == {LUNA: {INPUT: "0.2"}}


def test_the_whole_identity_is_kept_apart() -> None:
    rows = [
        row("1"),
        row("2", tier="batch"),
        row("3", context="long"),
        row("4", modality="audio"),
        row("5", meter="output"),
    ]
    assert facts_of([*rows, row("6", provider="azure")]).facts == {
        LUNA: {
            INPUT: "1",
            "price.batch.short.input": "2",
            "price.standard.long.input": "3",
            "price.standard.short.audio.input": "4",
            "price.standard.short.output": "5",
        },
        Subject("azure", "luna"): {INPUT: "6"},
    }


@pytest.mark.parametrize("other", [{"unit": "image"}, {"currency": "EUR"}])
def test_another_unit_or_currency_is_never_converted_and_reads_as_unknown(other: dict[str, str]) -> None:
    priced = facts_of([row("1", **other)])
    assert priced.facts == {}
    assert priced.unclear == {Fact(LUNA, INPUT)}


def test_float_noise_is_no_second_statement() -> None:
    assert facts_of([row("0.6"), row("0.6000000000000000001")]).facts == {LUNA: {INPUT: "0.6"}}


def test_refusals_of_the_extractor_come_first() -> None:
    given_ = Refusal("table 2", "no header")
    assert [refusal.where for refusal in facts_of([row("1"), row("2")], [given_]).refused] == [
        "table 2",
        "openai/luna price.standard.short.input",
    ]


@given(
    st.lists(st.sampled_from([row("1"), row("1.0"), row("2"), row("3", meter="output"), row("1", unit="image")])),
    st.randoms(),
)
def test_the_order_of_rows_decides_nothing_but_the_words_of_a_refusal(rows: list[PriceRow], random: Any) -> None:
    shuffled = random.sample(rows, len(rows))
    one, other = facts_of(rows), facts_of(shuffled)
    assert (one.facts, one.unclear) == (other.facts, other.unclear)
    assert {refusal.where for refusal in one.refused} == {refusal.where for refusal in other.refused}


def test_the_next_boundary_is_the_first_date_ahead() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    days = [now + timedelta(days=n) for n in range(-2, 4)]
    rows = [row(valid_to=days[0]), row(valid_from=days[2], valid_to=days[4]), row(valid_from=days[5]), row()]
    assert next_boundary(rows, now) == days[4]
    assert next_boundary(rows, days[5]) is None
