"""What a usage costs: exact to the digit, and blank where a price is."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.cost import cost, money, tokens, usage

AMOUNTS = st.decimals("0.000000001", "100000", allow_nan=False, allow_infinity=False, places=9)


@pytest.mark.parametrize(
    ("text", "count"),
    [("0", 0), ("1500000", 1_500_000), ("1.5M", 1_500_000), ("2G", 2 * 10**9), ("2B", 2 * 10**9), ("3k", 3000)],
)
def test_tokens_are_read_with_and_without_a_scale(text: str, count: int) -> None:
    assert tokens(text) == count


@pytest.mark.parametrize("text", ["", "-1", "1.5", "1e9", "M", "1 M", "0.0001k", "NaN", "1MM", "9" * 30, "²"])
def test_what_is_not_a_whole_number_of_tokens_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a number of tokens"):
        tokens(text)


def test_a_usage_names_meters_in_the_order_people_ask_for_them() -> None:
    stated = [("cache_write", "1"), ("output", "2"), ("cached", "3"), ("input", "4"), ("cache_write_1h", "5")]
    assert list(usage(stated).items()) == [
        ("input", 4),
        ("output", 2),
        ("cached_input", 3),
        ("cache_write", 1),
        ("cache_write_1h", 5),
    ]


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        ([("ouput", "1")], "'ouput' is not a meter"),
        ([("cached", "1"), ("cached_input", "1")], "is given twice"),
        ([("input", "0")], "no tokens are stated"),
        ([], "no tokens are stated"),
    ],
)
def test_a_usage_that_says_nothing_clear_is_refused(stated: list[tuple[str, str]], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        usage(stated)


def test_the_launch_prices_of_luna_give_the_known_monthly_bill() -> None:
    used = usage([("input", "400M"), ("cached", "1G"), ("output", "30M")])
    before = cost({"input": "1", "cached_input": "0.1", "output": "6"}, used)
    after = cost({"input": "0.2", "cached_input": "0.02", "output": "1.2"}, used)
    assert (before.total, after.total) == (Decimal(680), Decimal(136))


def test_a_blank_price_is_a_blank_part_and_no_sum() -> None:
    found = cost({"input": "1"}, usage([("input", "1M"), ("cache_write", "1M")]))
    assert found.parts == {"input": Decimal(1), "cache_write": None}
    assert found.missing == ("cache_write",)
    assert found.total is None


@given(
    st.dictionaries(
        st.sampled_from(["input", "output", "cached_input"]),
        st.tuples(AMOUNTS, st.integers(1, 10**18)),
        min_size=1,
    )
)
def test_the_sum_is_exact(stated: dict[str, tuple[Decimal, int]]) -> None:
    found = cost({m: str(a) for m, (a, _) in stated.items()}, {m: n for m, (_, n) in stated.items()})
    assert found.total is not None
    assert Fraction(money(found.total)) == sum(Fraction(a) * n / 10**6 for a, n in stated.values())
