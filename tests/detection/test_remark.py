"""What is to be read of a price beyond old and new."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor.core.changes import Change
from monitor.core.facts import ALIAS_TARGET, Fact, Subject
from monitor.detection.price_notes import SOON, UNSTATED, Remark, joined, of_aliases, of_correction, of_others

LATEST = Subject("~maker", "model-latest")
INPUT = "price.standard.short.input"
MOVED = Change(fact=Fact(LATEST, INPUT), old="3", new="2")
LISTED = datetime(2026, 4, 24, 21, 23, tzinfo=UTC)


def aliased(before: str | None, after: str | None, change: Change = MOVED) -> dict[Fact, Remark]:
    old, new = (
        {LATEST: {INPUT: amount} | ({} if target is None else {ALIAS_TARGET: target})}
        for amount, target in (("3", before), ("2", after))
    )
    return of_aliases(old, new, [change])


def test_a_price_that_moves_with_the_target_of_its_alias_says_where_it_points() -> None:
    assert aliased("maker/four", "maker/five") == {
        MOVED.fact: Remark(
            note="the alias points to maker/five now (was maker/four)",
            data={"alias_from": "maker/four", "alias_to": "maker/five"},
        )
    }


@pytest.mark.parametrize("before", [None, ""])
def test_what_an_alias_pointed_to_before_stays_a_blank_where_it_was_not_stated(before: str | None) -> None:
    (said,) = aliased(before, "maker/five").values()
    assert said.note == "the alias points to maker/five now (was not stated)"
    assert said.data == {"alias_from": None, "alias_to": "maker/five"}


def test_an_alias_of_which_the_target_is_not_stated_says_just_that() -> None:
    (said,) = aliased("", "").values()
    assert (said.note, said.data) == (UNSTATED, {"alias_from": None, "alias_to": None})


@pytest.mark.parametrize(("before", "after"), [(None, None), ("maker/four", "maker/four"), ("maker/four", None)])
def test_a_model_and_an_alias_whose_target_stayed_move_by_themselves(before: str | None, after: str | None) -> None:
    assert aliased(before, after) == {}


def test_a_price_that_comes_or_goes_is_no_move_of_an_alias() -> None:
    for old, new in ((None, "2"), ("3", None)):
        assert aliased("a", "b", Change(fact=MOVED.fact, old=old, new=new)) == {}


@pytest.mark.parametrize(
    ("stood", "said"),
    [
        (SOON, "7 days"),
        (timedelta(days=5, hours=9), "5 days"),
        (timedelta(days=1), "1 day"),
        (timedelta(minutes=70), "1 hour"),
        (timedelta(minutes=4), "4 minutes"),
        (timedelta(seconds=61), "1 minute"),
        (timedelta(0), "1 second"),
    ],
)
def test_a_price_that_changes_soon_after_its_first_listing_is_a_correction(stood: timedelta, said: str) -> None:
    remark = of_correction(LISTED, LISTED + stood)
    assert remark == Remark(note=f"correction: first listed {said} before", data={"correction": True})


def test_a_price_that_stood_for_longer_is_no_correction() -> None:
    assert of_correction(LISTED, LISTED + SOON + timedelta(seconds=1)) is None
    assert of_correction(LISTED, LISTED, timedelta(0)) is None


def test_what_others_state_already_is_corroboration() -> None:
    assert of_others([]) is None
    said = of_others(["page", "feed"])
    assert said == Remark(note="as page, feed already", data={"corroborates": ["page", "feed"]})


def test_remarks_about_one_fact_are_one() -> None:
    one, other = Remark(note="a", data={"x": 1}), Remark(note="b", data={"y": 2})
    assert joined({MOVED.fact: one}, {MOVED.fact: other}) == {MOVED.fact: Remark(note="a; b", data={"x": 1, "y": 2})}
