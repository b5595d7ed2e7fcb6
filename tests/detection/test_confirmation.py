"""Belief: how many good looks over how long, whatever the rhythm of looking is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from core_facts import MINUTE, START
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.changes import Change
from monitor.core.configuration import ConfirmationRules
from monitor.core.facts import ANYTHING, Body, Fact, Facts, PendingChange, Refusal, Snapshot, Subject
from monitor.detection.confirmation import Confirmation, CountedPoll, Hold, confirm, next_poll, unclear

BELIEF = ConfirmationRules()
HOLD = Hold(span=BELIEF.hold, anomaly=7)
FACT = Fact(Subject("openai", "a"), "listed")
DATE = Fact(Subject("openai", "a"), "shutdown_date")
GONE = Change(fact=FACT, old=True, new=None)
MOVED = Change(fact=DATE, old="2026-12-01", new="2027-01-01")


class Looks:
    """Looks at one source, one after another."""

    def __init__(self) -> None:
        self.pending_changes: dict[Fact, PendingChange] = {}
        self.good_at: datetime | None = START

    def look(self, at: datetime, *changes: Change, unspoken: Sequence[Fact] = (), **more: object) -> Confirmation:
        confirmation = confirm(
            self.pending_changes,
            changes,
            poll=CountedPoll(source="list", at=at, before=self.good_at, unspoken=unspoken),
            rules=BELIEF,
            **more,  # type: ignore[arg-type]
        )
        self.pending_changes = {pending_change.fact: pending_change for pending_change in confirmation.pending}
        return confirmation


def _believed_at(seconds: list[int], change: Change) -> int | None:
    looks = Looks()
    for second in seconds:
        if looks.look(START + timedelta(seconds=second), change).believed:
            return second
    return None


@given(st.lists(st.integers(0, 7200), min_size=1, max_size=40, unique=True).map(sorted))
def test_an_absence_is_believed_at_the_first_look_with_three_counted_over_half_an_hour(seconds: list[int]) -> None:
    """The specification again, by another way: looks a minute after the last counted one count."""
    counted: list[int] = []
    expected = None
    for second in seconds:
        if not counted or second - counted[-1] >= 60:
            counted.append(second)
        if len(counted) >= 3 and second - counted[0] >= 1800:
            expected = second
            break
    assert _believed_at(seconds, GONE) == expected


@pytest.mark.parametrize("every", [1, 7, 30, 59, 60, 90, 300, 600, 890])
def test_belief_in_an_absence_takes_half_an_hour_however_often_the_source_is_polled(every: int) -> None:
    at = _believed_at(list(range(0, 7200, every)), GONE)
    assert at is not None
    assert 1800 <= at < 1800 + every


def test_a_source_polled_twice_a_day_needs_three_looks_and_not_three_times_half_an_hour() -> None:
    assert _believed_at([0, 43200, 86400], GONE) == 86400


def test_a_hundred_looks_within_a_minute_are_one() -> None:
    looks = Looks()
    for tenth in range(100):
        looks.look(START + timedelta(seconds=tenth * 0.59), MOVED)
    assert looks.pending_changes[DATE].seen == 1
    assert looks.look(START + MINUTE, MOVED).believed


def test_a_look_that_agrees_with_the_baseline_ends_the_streak() -> None:
    assert _believed_at([0, 600, 1800], GONE) == 1800
    looks = Looks()
    looks.look(START, GONE)
    looks.look(START + 10 * MINUTE)
    assert not looks.pending_changes
    assert not looks.look(START + 30 * MINUTE, GONE).believed
    assert not looks.look(START + 40 * MINUTE, GONE).believed


def test_another_value_starts_another_streak_that_keeps_the_last_look_with_the_old_one() -> None:
    looks = Looks()
    looks.look(START + MINUTE, MOVED)
    looks.good_at = START + MINUTE
    other = Change(fact=DATE, old="2026-12-01", new="2028-01-01")
    assert not looks.look(START + 5 * MINUTE, other).believed
    assert (looks.pending_changes[DATE].first_at, looks.pending_changes[DATE].before) == (START + 5 * MINUTE, START)


def test_a_look_that_did_not_speak_of_a_fact_leaves_its_streak_as_it_is() -> None:
    looks = Looks()
    looks.look(START, MOVED)
    before = dict(looks.pending_changes)
    looks.look(START + 5 * MINUTE, unspoken=[DATE])
    assert looks.pending_changes == before
    assert looks.look(START + 6 * MINUTE, MOVED).believed


def test_what_was_first_missed_in_a_held_poll_keeps_its_hold_when_later_polls_miss_less() -> None:
    looks = Looks()
    assert not looks.look(START, GONE, hold=HOLD).believed
    for hour in range(1, 24):
        assert not looks.look(START + timedelta(hours=hour), GONE).believed
    (believed,) = looks.look(START + HOLD.span, GONE).believed
    assert (believed.pending_change.anomaly, believed.pending_change.held_until) == (HOLD.anomaly, START + HOLD.span)


def test_what_was_missed_before_a_held_poll_is_not_confirmed_by_one_but_counts() -> None:
    looks = Looks()
    looks.look(START, GONE)
    for minute in (20, 40):
        assert not looks.look(START + minute * MINUTE, GONE, hold=HOLD).believed
    assert (looks.pending_changes[FACT].seen, looks.pending_changes[FACT].held_until) == (3, None)
    assert looks.look(START + 50 * MINUTE, GONE).believed


def test_a_hold_holds_absences_only() -> None:
    looks = Looks()
    looks.look(START, GONE, MOVED, hold=HOLD)
    believed = looks.look(START + 2 * MINUTE, GONE, MOVED, hold=HOLD).believed
    assert [item.change for item in believed] == [MOVED]


def test_a_value_that_came_and_went_takes_more_polls() -> None:
    looks = Looks()
    for minute in range(3):
        assert not looks.look(START + minute * MINUTE, MOVED, turns={DATE: 2}).believed
    assert looks.look(START + 3 * MINUTE, MOVED, turns={DATE: 2}).believed


def test_where_much_is_absent_at_once_each_absence_has_to_last_for_the_hold_itself() -> None:
    looks = Looks()
    other = Change(fact=Fact(Subject("openai", "b"), "listed"), old=True, new=None)
    day = timedelta(days=1)
    for minutes in (0, 60):
        looks.look(START + minutes * MINUTE, GONE, hold=HOLD)
    for minutes in (1400, 1420):
        looks.look(START + minutes * MINUTE, GONE, other, hold=HOLD)
    believed = looks.look(START + 1441 * MINUTE, GONE, other, hold=HOLD).believed
    assert [item.change for item in believed] == [GONE]
    assert looks.look(START + day + 1420 * MINUTE, other, hold=HOLD).believed


def test_a_price_that_was_held_back_is_not_believed_by_being_repeated() -> None:
    looks = Looks()
    looks.look(START, MOVED)
    looks.pending_changes[DATE] = replace(looks.pending_changes[DATE], quarantine=7)
    for minute in range(1, 90):
        assert not looks.look(START + minute * MINUTE, MOVED).believed


@given(st.integers(1, 10), st.integers(0, 4000), st.booleans())
def test_the_next_look_is_after_the_recheck_while_looks_are_wanting_and_else_when_the_span_ends(
    seen: int, age: int, absence: bool
) -> None:
    first = START
    at = START + timedelta(seconds=age)
    pending_change = PendingChange(
        source="list", fact=FACT, value=None if absence else "x", seen=seen, first_at=first, counted_at=at
    )
    need = BELIEF.absence if absence else BELIEF.change
    due = next_poll([pending_change], BELIEF, at)
    assert due is not None
    assert due >= at + BELIEF.recheck
    if seen < need.polls:
        assert due == at + BELIEF.recheck
    else:
        assert due == max(at + BELIEF.recheck, first + need.span)


def test_what_waits_for_a_person_or_was_only_not_stated_clearly_hurries_no_look() -> None:
    held_back = PendingChange(
        source="page", fact=DATE, value="0", seen=2, first_at=START, counted_at=START, quarantine=3
    )
    unstated = PendingChange(source="page", fact=DATE, value="1", seen=0, first_at=START, counted_at=START)
    assert next_poll([held_back, unstated], BELIEF, START) is None
    assert next_poll([], BELIEF, START) is None


def test_a_mass_drop_is_not_hurried_once_only_time_is_wanting() -> None:
    absent = PendingChange(source="list", fact=FACT, value=None, seen=3, first_at=START, counted_at=START + 30 * MINUTE)
    assert next_poll([absent], BELIEF, START + 30 * MINUTE, hold=HOLD) == START + HOLD.span
    kept = replace(absent, held_until=START + HOLD.span)
    assert next_poll([kept], BELIEF, START + 30 * MINUTE) == START + HOLD.span


def test_what_alternates_hurries_no_poll() -> None:
    absent = PendingChange(source="list", fact=FACT, value=None, seen=1, first_at=START, counted_at=START)
    assert next_poll([absent], BELIEF, START) == START + BELIEF.recheck
    assert next_poll([absent], BELIEF, START, calm={FACT}) is None


def test_a_price_is_gone_only_where_all_that_names_its_model_was_read() -> None:
    field, luna, sol = "price.standard.short.input", Subject("openai", "luna"), Subject("openai", "sol")
    baseline: Facts = {luna: {field: "1", "price.standard.short.output": "6"}, sol: {field: "5"}}

    def missed(*about: str) -> set[Subject]:
        look = Snapshot(
            source="page",
            at=START,
            facts={luna: {"price.standard.short.output": "6"}},
            extractor="x/1",
            body=Body(content=b"", sha256="", size=0),
            refused=(Refusal("row 3", "not a plain amount", about),),
        )
        found = unclear(baseline, look)
        assert {fact.field for fact in found} <= {field}
        return {fact.subject for fact in found}

    assert missed() == set()
    assert missed("luna", "terra") == {luna}
    assert missed(ANYTHING) == {luna, sol}


def test_a_model_is_gone_from_a_list_only_where_each_of_its_items_was_read() -> None:
    luna, sol = Subject("openai", "luna"), Subject("openai", "sol")
    baseline: Facts = {luna: {"listed": True, "owned_by": "x"}, sol: {"listed": True, "owned_by": "x"}}
    look = Snapshot(
        source="list",
        at=START,
        facts={luna: {"listed": True}},
        extractor="x/1",
        body=Body(content=b"", sha256="", size=0),
        refused=(Refusal("data[1]", "no id", (ANYTHING,)),),
    )
    assert unclear(baseline, look) == {Fact(sol, "listed"), Fact(sol, "owned_by")}, "luna was read, and has no owner"
