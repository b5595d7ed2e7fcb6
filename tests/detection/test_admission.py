"""Whether a poll may be compared at all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from core_facts import facts
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.changes import MASS
from monitor.core.facts import ITEMS, Fact, Facts, SourceState, Subject
from monitor.detection.admission import MASS_SHARE, AdmissionVerdict, admit, hold

KNOWN = SourceState(key="list", baseline="sha256:1", body_size=1000)
NEW = SourceState(key="list")


def _models(count: int) -> Facts:
    return {Subject("openai", f"m{number}"): {"listed": True} for number in range(count)}


@given(st.integers(1, 60), st.integers(0, 60))
def test_a_drop_is_held_when_at_least_three_and_a_fifth_of_the_known_are_gone_at_once(known: int, gone: int) -> None:
    baseline = _models(known)
    left = dict(list(baseline.items())[gone:])
    verdict = admit(KNOWN, baseline, left, body_size=None)
    expected = not left or (gone >= MASS and gone >= MASS_SHARE * known)
    assert (verdict.verdict is AdmissionVerdict.HELD) is expected
    if expected:
        assert verdict.reason == ("mass_drop" if left else "empty")
        assert verdict.missing == tuple(sorted(baseline.keys() - left.keys()))


@given(facts)
def test_new_subjects_are_never_a_reason_to_hold(shown: Facts) -> None:
    verdict = admit(KNOWN, {}, {**shown, Subject("openai", "z"): {"listed": True}}, body_size=None)
    assert verdict.verdict is AdmissionVerdict.ACCEPTED


def test_a_meter_that_at_least_three_rows_had_and_none_has_now_is_a_mass_drop() -> None:
    field, other = "price.standard.short.cached_input", "price.standard.short.input"

    def rows(having: int, count: int = 5) -> Facts:
        return {
            Subject("openai", f"m{number}"): {other: "1", **({field: "0.1"} if number < having else {})}
            for number in range(count)
        }

    held = admit(KNOWN, rows(3), rows(0), body_size=None)
    assert (held.reason, held.meters) == ("mass_drop", (field,))
    assert held.missing == tuple(Subject("openai", f"m{number}") for number in range(3))
    assert admit(KNOWN, rows(3), rows(1), body_size=None).verdict is AdmissionVerdict.ACCEPTED
    assert admit(KNOWN, rows(2), rows(0), body_size=None).verdict is AdmissionVerdict.ACCEPTED
    unclear = {Fact(Subject("openai", "m0"), field)}
    assert admit(KNOWN, rows(3), rows(0), body_size=None, unclear=unclear).verdict is AdmissionVerdict.ACCEPTED


@pytest.mark.parametrize(
    ("known", "new", "held"), [(10, 1_000, False), (10, 1_001, True), (300, 1_500, False), (300, 1_501, True)]
)
def test_over_a_thousand_new_subjects_that_are_over_five_times_the_known_are_held(
    known: int, new: int, held: bool
) -> None:
    verdict = admit(KNOWN, _models(known), _models(known + new), body_size=None)
    assert (verdict.verdict is AdmissionVerdict.HELD) is held
    assert verdict.floods is held
    assert len(verdict.new) == (new if held else 0)


def test_the_first_answer_floods_nothing_and_more_than_a_source_may_have_is_never_taken() -> None:
    assert admit(NEW, {}, _models(5_000), body_size=None).verdict is AdmissionVerdict.ACCEPTED
    assert admit(NEW, {}, _models(ITEMS), body_size=None).verdict is AdmissionVerdict.ACCEPTED
    assert admit(NEW, {}, _models(ITEMS + 1), body_size=None).reason == "too_many"


@pytest.mark.parametrize(("reversals", "hours"), [(0, 24), (1, 48), (2, 96), (3, 96), (1_000, 96)])
def test_the_hold_doubles_for_each_drop_that_was_reversed_up_to_four_days(reversals: int, hours: int) -> None:
    assert hold(timedelta(hours=24), reversals) == timedelta(hours=hours)
    assert hold(timedelta(hours=100), reversals) == timedelta(hours=100), "never shorter than configured"


def test_an_empty_first_answer_is_held_and_one_where_emptiness_is_believed_is_not() -> None:
    assert admit(NEW, {}, {}, body_size=None).reason == "empty"
    assert admit(KNOWN, {}, {}, body_size=None).verdict is AdmissionVerdict.ACCEPTED


@pytest.mark.parametrize(
    ("size", "rows", "held"), [(1000, 10, False), (601, 7, False), (599, 10, True), (1000, 5, True)]
)
def test_a_page_that_shrank_by_more_than_two_fifths_in_bytes_or_rows_is_held(size: int, rows: int, held: bool) -> None:
    def page(count: int) -> Facts:
        return {Subject("openai", "a"): {f"price.t{number}.short.input": "1" for number in range(count)}}

    verdict = admit(KNOWN, page(10), page(rows), body_size=size)
    assert (verdict.verdict is AdmissionVerdict.HELD) is held
    assert verdict.reason == ("shrunken_page" if held else "")
    assert admit(KNOWN, page(10), page(rows), body_size=None).verdict is AdmissionVerdict.ACCEPTED
