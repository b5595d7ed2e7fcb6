"""Whether a look may be compared at all."""

from __future__ import annotations

import pytest
from core_facts import facts
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.admission import MASS, MASS_SHARE, Verdict, admit
from monitor.domain.model import Facts, SourceState, Subject

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
    assert (verdict.verdict is Verdict.HELD) is expected
    if expected:
        assert verdict.reason == ("mass_drop" if left else "empty")
        assert verdict.missing == tuple(sorted(baseline.keys() - left.keys()))


@given(facts)
def test_new_subjects_are_never_a_reason_to_hold(shown: Facts) -> None:
    verdict = admit(KNOWN, {}, {**shown, Subject("openai", "z"): {"listed": True}}, body_size=None)
    assert verdict.verdict is Verdict.ACCEPTED


def test_an_empty_first_answer_is_held_and_one_where_emptiness_is_believed_is_not() -> None:
    assert admit(NEW, {}, {}, body_size=None).reason == "empty"
    assert admit(KNOWN, {}, {}, body_size=None).verdict is Verdict.ACCEPTED


@pytest.mark.parametrize(
    ("size", "rows", "held"), [(1000, 10, False), (601, 7, False), (599, 10, True), (1000, 5, True)]
)
def test_a_page_that_shrank_by_more_than_two_fifths_in_bytes_or_rows_is_held(size: int, rows: int, held: bool) -> None:
    def page(count: int) -> Facts:
        return {Subject("openai", "a"): {f"price.t{number}.short.input": "1" for number in range(count)}}

    verdict = admit(KNOWN, page(10), page(rows), body_size=size)
    assert (verdict.verdict is Verdict.HELD) is held
    assert verdict.reason == ("shrunken_page" if held else "")
    assert admit(KNOWN, page(10), page(rows), body_size=None).verdict is Verdict.ACCEPTED
