"""The tests for a shift: calibrated where nothing shifted, sure where much did, and silent about what is not worth
telling.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sizes import sizes

from monitor.core.facts import GRANTED, Measurement
from monitor.core.text import level_in_words
from monitor.detection import drift
from monitor.detection.drift import (
    ALPHA,
    ERRORS,
    LATENCY,
    REFERENCE,
    WINDOW,
    DriftShift,
    fisher,
    mann_whitney,
    shift,
    window,
)

NOW = datetime(2026, 7, 30, 17, 34, tzinfo=UTC)
HOUR = timedelta(hours=1)


def call(latency: int = 800, outcome: str = GRANTED) -> Measurement:
    return Measurement(
        source="p", surface="openai", model="luna", route="chat", at=NOW, outcome=outcome, latency=latency
    )


def calls(count: int, failed: int = 0, latency: int = 800) -> list[Measurement]:
    return [call(latency + 4 * (number % 2), "blocked" if number < failed else GRANTED) for number in range(count)]


class Some(Protocol):
    """Makes so many calls around a middle latency."""

    def __call__(self, count: int, middle: float = 800.0) -> list[Measurement]: ...


def lognormal(seed: int, spread: float) -> Some:
    """Latencies as they are measured: skewed, a few of them many times the median."""
    chance = random.Random(seed)

    def some(count: int, middle: float = 800.0) -> list[Measurement]:
        return [call(round(chance.lognormvariate(math.log(middle), spread))) for _ in range(count)]

    return some


# -- the tests are what they are called ----------------------------------


def exact_u(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the two-sided p of U from all ways to choose which values are the first sample's."""
    pool = [*one, *other]
    n = len(one)

    def distance(chosen: Sequence[int]) -> float:
        inside = [pool[i] for i in chosen]
        outside = [pool[i] for i in range(len(pool)) if i not in chosen]
        u = sum((a > b) + (a == b) / 2 for a in inside for b in outside)
        return abs(u - n * len(other) / 2)

    seen = distance(range(n))
    every = [distance(chosen) for chosen in combinations(range(len(pool)), n)]
    return sum(d >= seen - 1e-9 for d in every) / len(every)


@pytest.mark.parametrize("seed", range(6))
def test_the_approximation_of_u_is_near_the_exact_chance_also_with_ties(seed: int) -> None:
    chance = random.Random(seed)
    one, other = ([float(chance.randint(1, 12)) for _ in range(7)] for _ in range(2))
    assert mann_whitney(one, other) == pytest.approx(exact_u(one, other), abs=0.03)


def test_equal_values_are_no_shift_and_which_sample_comes_first_is_no_matter() -> None:
    assert mann_whitney([5.0] * 20, [5.0] * 200) == 1
    one, other = [1.0, 4.0, 9.0], [2.0, 3.0, 8.0, 8.0]
    assert mann_whitney(one, other) == pytest.approx(mann_whitney(other, one))


def test_fishers_test_gives_the_known_chance_of_the_lady_tasting_tea() -> None:
    assert fisher(3, 4, 1, 4) == pytest.approx(34 / 70)
    assert fisher(4, 4, 0, 4) == pytest.approx(2 / 70)
    assert fisher(0, 200, 0, 20) == pytest.approx(1)


@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_fishers_chance_is_the_same_from_both_sides_and_never_above_one(n: int, m: int, data: st.DataObject) -> None:
    failed, others = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    p = fisher(failed, n, others, m)
    assert 0 < p <= 1
    assert p == pytest.approx(fisher(others, m, failed, n))
    assert p == pytest.approx(fisher(n - failed, n, m - others, m))


# -- how often it is wrong -----------------------------------------------


@pytest.mark.parametrize("tested", sizes(1000, 4000))
@pytest.mark.parametrize("spread", [0.3, 1.0])
def test_without_a_shift_the_chance_that_is_stated_is_the_one_that_is_seen(spread: float, tested: int) -> None:
    some = lognormal(7, spread)
    values = [
        mann_whitney([c.latency for c in some(REFERENCE)], [c.latency for c in some(WINDOW)]) for _ in range(tested)
    ]
    for level in (0.05, 0.01):
        expected = level * tested
        seen = sum(p <= level for p in values)
        assert abs(seen - expected) < 4 * math.sqrt(expected), level
    assert sum(p <= 0.001 for p in values) < tested / 1000 + 4 * 4


@pytest.mark.parametrize("windows", sizes(750, 3000))  # ten and forty years at the default interval
def test_without_a_shift_nothing_is_told_in_years_of_windows(windows: int) -> None:
    some = lognormal(11, 0.8)
    told = [shift(LATENCY, some(REFERENCE), some(WINDOW)) for _ in range(windows)]
    assert [one for one in told if one is not None] == []


def test_latencies_that_wander_make_no_alarm_where_independent_ones_of_the_same_kind_would_be_one() -> None:
    chance = random.Random(19)
    state, wandering = 0.0, []
    for _ in range(3000 * WINDOW):
        state = 0.5 * state + math.sqrt(0.75) * chance.gauss(0, 1)
        wandering.append(call(round(800 * math.exp(0.8 * state))))
    starts = range(REFERENCE, len(wandering) - WINDOW, WINDOW)
    series = [(wandering[at - REFERENCE : at], wandering[at : at + WINDOW]) for at in starts]
    assert not any(shift(LATENCY, before, now) for before, now in series)
    plain = [mann_whitney([c.latency for c in before], [c.latency for c in now]) for before, now in series]
    assert sum(p <= ALPHA for p in plain) > 10


def test_values_in_a_row_that_are_alike_count_for_less_and_chance_order_counts_in_full() -> None:
    chance = random.Random(23)
    values = [chance.random() for _ in range(2000)]
    assert drift.inflation(values) == pytest.approx(1, abs=0.15)
    assert drift.inflation(sorted(values)) == pytest.approx((1 + drift.MOST_ALIKE) / (1 - drift.MOST_ALIKE))
    assert drift.inflation([5.0] * 30) == 1
    assert drift.inflation([1.0, 2.0] * 30) == 1


@pytest.mark.parametrize("windows", sizes(750, 3000))
def test_a_steady_share_of_failures_is_told_by_nobody_in_years_of_windows(windows: int) -> None:
    chance = random.Random(13)

    def some(count: int) -> list[Measurement]:
        return [call(outcome="blocked" if chance.random() < 0.1 else GRANTED) for _ in range(count)]

    assert not any(shift(ERRORS, some(REFERENCE), some(WINDOW)) for _ in range(windows))


def test_the_rate_of_false_alarms_a_year_is_below_what_is_stated() -> None:
    windows = timedelta(days=365) / (timedelta(hours=6) * WINDOW)
    assert windows == 73
    assert 2 * windows * ALPHA == pytest.approx(0.0073)
    assert "0.0073 false alarms" in (drift.__doc__ or "")


# -- what it finds -------------------------------------------------------


def test_a_latency_that_doubled_is_found_in_the_first_window_that_shows_it() -> None:
    some = lognormal(17, 0.3)
    found = [shift(LATENCY, some(REFERENCE), some(WINDOW, 1600.0)) for _ in range(100)]
    assert sum(one is not None for one in found) >= 95
    seen = next(one for one in found if one is not None)
    assert float(seen.new) > float(seen.old)
    assert (seen.calls, seen.reference) == (WINDOW, REFERENCE)
    assert float(seen.p) <= ALPHA


def test_a_shift_below_half_as_much_again_is_not_told_however_sure_it_is() -> None:
    steady, slower = calls(200, latency=1000), calls(20, latency=1450)
    assert mann_whitney([c.latency for c in steady], [c.latency for c in slower]) < ALPHA
    assert shift(LATENCY, steady, slower) is None
    assert shift(LATENCY, steady, calls(20, latency=1800)) is not None


def test_an_answer_that_became_faster_is_told_as_well_and_is_not_worse() -> None:
    seen = shift(LATENCY, calls(200, latency=2000), calls(20, latency=500))
    assert isinstance(seen, DriftShift)
    assert float(seen.new) < float(seen.old)
    assert (seen.old, seen.new) == (2002, 502)
    assert [level_in_words(level, "ms") for level in (seen.old, seen.new)] == ["2002 ms", "502 ms"]


def test_calls_that_fail_are_found_and_say_nothing_of_latency() -> None:
    failing = [*calls(9, failed=9, latency=90_000), *calls(11)]
    assert shift(LATENCY, calls(200), failing) is None
    seen = shift(ERRORS, calls(200, failed=2), failing)
    assert isinstance(seen, DriftShift)
    assert (seen.what, seen.old, seen.new, seen.test) == (ERRORS, "0.010", "0.450", "Fisher exact")
    assert float(seen.new) > float(seen.old)
    shares = [level_in_words(level, "share of calls") for level in (seen.old, seen.new)]
    assert shares == ["1% of calls", "45% of calls"]


def test_failures_that_end_are_told_too() -> None:
    seen = shift(ERRORS, calls(40, failed=40), calls(20))
    assert isinstance(seen, DriftShift)
    assert float(seen.new) < float(seen.old)


def test_three_failures_in_twenty_are_not_told() -> None:
    assert shift(ERRORS, calls(200), calls(20, failed=3)) is None


@pytest.mark.parametrize("what", [LATENCY, ERRORS])
def test_of_too_few_calls_nothing_is_said(what: str) -> None:
    slow = calls(20, failed=0 if what == LATENCY else 20, latency=9000)
    assert shift(what, calls(200), slow) is not None
    assert shift(what, calls(drift.LEAST - 1), slow) is None
    assert shift(what, calls(200), slow[: drift.LEAST - 1]) is None
    assert shift(what, [], slow) is None


# -- windows -------------------------------------------------------------


@given(
    st.timedeltas(min_value=timedelta(minutes=1), max_value=timedelta(days=7)),
    st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)).map(lambda at: at.replace(tzinfo=UTC)),
)
def test_a_window_is_over_is_the_last_one_and_the_next_begins_where_it_ends(every: timedelta, now: datetime) -> None:
    since, until = window(every, now)
    assert until - since == WINDOW * every
    assert until <= now < until + WINDOW * every
    assert window(every, until + WINDOW * every) == (until, until + WINDOW * every)
    assert window(every, now) == window(every, until), "a window is the same whenever it is asked for"
