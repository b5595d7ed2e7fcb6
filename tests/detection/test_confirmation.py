"""Belief: how many good polls over how long, whatever the rhythm of polling is."""

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


class Polls:
    """Looks at one source, one after another."""

    def __init__(self) -> None:
        self.pending_changes: dict[Fact, PendingChange] = {}
        self.good_at: datetime | None = START

    def poll(self, at: datetime, *changes: Change, unspoken: Sequence[Fact] = (), **more: object) -> Confirmation:
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
    polls = Polls()
    for second in seconds:
        if polls.poll(START + timedelta(seconds=second), change).confirmed:
            return second
    return None


@given(st.lists(st.integers(0, 7200), min_size=1, max_size=40, unique=True).map(sorted))
def test_an_absence_is_believed_at_the_first_poll_with_three_counted_over_half_an_hour(seconds: list[int]) -> None:
    """The specification again, by another way: polls a minute after the last counted one count."""
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


def test_a_source_polled_twice_a_day_needs_three_polls_and_not_three_times_half_an_hour() -> None:
    assert _believed_at([0, 43200, 86400], GONE) == 86400


def test_a_hundred_polls_within_a_minute_are_one() -> None:
    polls = Polls()
    for tenth in range(100):
        polls.poll(START + timedelta(seconds=tenth * 0.59), MOVED)
    assert polls.pending_changes[DATE].seen == 1
    assert polls.poll(START + MINUTE, MOVED).confirmed


def test_a_poll_that_agrees_with_the_baseline_ends_the_streak() -> None:
    assert _believed_at([0, 600, 1800], GONE) == 1800
    polls = Polls()
    polls.poll(START, GONE)
    polls.poll(START + 10 * MINUTE)
    assert not polls.pending_changes
    assert not polls.poll(START + 30 * MINUTE, GONE).confirmed
    assert not polls.poll(START + 40 * MINUTE, GONE).confirmed


def test_another_value_starts_another_streak_that_keeps_the_last_poll_with_the_old_one() -> None:
    polls = Polls()
    polls.poll(START + MINUTE, MOVED)
    polls.good_at = START + MINUTE
    other = Change(fact=DATE, old="2026-12-01", new="2028-01-01")
    assert not polls.poll(START + 5 * MINUTE, other).confirmed
    assert (polls.pending_changes[DATE].first_at, polls.pending_changes[DATE].before) == (START + 5 * MINUTE, START)


def test_a_poll_that_did_not_speak_of_a_fact_leaves_its_streak_as_it_is() -> None:
    polls = Polls()
    polls.poll(START, MOVED)
    before = dict(polls.pending_changes)
    polls.poll(START + 5 * MINUTE, unspoken=[DATE])
    assert polls.pending_changes == before
    assert polls.poll(START + 6 * MINUTE, MOVED).confirmed


def test_what_was_first_missed_in_a_held_poll_keeps_its_hold_when_later_polls_miss_less() -> None:
    polls = Polls()
    assert not polls.poll(START, GONE, hold=HOLD).confirmed
    for hour in range(1, 24):
        assert not polls.poll(START + timedelta(hours=hour), GONE).confirmed
    (confirmed,) = polls.poll(START + HOLD.span, GONE).confirmed
    assert (confirmed.pending_change.anomaly, confirmed.pending_change.held_until) == (HOLD.anomaly, START + HOLD.span)


def test_what_was_missed_before_a_held_poll_is_not_confirmed_by_one_but_counts() -> None:
    polls = Polls()
    polls.poll(START, GONE)
    for minute in (20, 40):
        assert not polls.poll(START + minute * MINUTE, GONE, hold=HOLD).confirmed
    assert (polls.pending_changes[FACT].seen, polls.pending_changes[FACT].held_until) == (3, None)
    assert polls.poll(START + 50 * MINUTE, GONE).confirmed


def test_a_hold_holds_absences_only() -> None:
    polls = Polls()
    polls.poll(START, GONE, MOVED, hold=HOLD)
    confirmed = polls.poll(START + 2 * MINUTE, GONE, MOVED, hold=HOLD).confirmed
    assert [item.change for item in confirmed] == [MOVED]


def test_a_value_that_came_and_went_takes_more_polls() -> None:
    polls = Polls()
    for minute in range(3):
        assert not polls.poll(START + minute * MINUTE, MOVED, turns={DATE: 2}).confirmed
    assert polls.poll(START + 3 * MINUTE, MOVED, turns={DATE: 2}).confirmed


def test_where_much_is_absent_at_once_each_absence_has_to_last_for_the_hold_itself() -> None:
    polls = Polls()
    other = Change(fact=Fact(Subject("openai", "b"), "listed"), old=True, new=None)
    day = timedelta(days=1)
    for minutes in (0, 60):
        polls.poll(START + minutes * MINUTE, GONE, hold=HOLD)
    for minutes in (1400, 1420):
        polls.poll(START + minutes * MINUTE, GONE, other, hold=HOLD)
    confirmed = polls.poll(START + 1441 * MINUTE, GONE, other, hold=HOLD).confirmed
    assert [item.change for item in confirmed] == [GONE]
    assert polls.poll(START + day + 1420 * MINUTE, other, hold=HOLD).confirmed


def test_a_price_that_was_held_back_is_not_believed_by_being_repeated() -> None:
    polls = Polls()
    polls.poll(START, MOVED)
    polls.pending_changes[DATE] = replace(polls.pending_changes[DATE], quarantine=7)
    for minute in range(1, 90):
        assert not polls.poll(START + minute * MINUTE, MOVED).confirmed


@given(st.integers(1, 10), st.integers(0, 4000), st.booleans())
def test_the_next_poll_is_after_the_recheck_while_polls_are_wanting_and_else_when_the_span_ends(
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


def test_what_waits_for_a_person_or_was_only_not_stated_clearly_hurries_no_poll() -> None:
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
        poll = Snapshot(
            source="page",
            at=START,
            facts={luna: {"price.standard.short.output": "6"}},
            extractor="x/1",
            body=Body(content=b"", sha256="", size=0),
            refused=(Refusal("row 3", "not a plain amount", about),),
        )
        found = unclear(baseline, poll)
        assert {fact.field for fact in found} <= {field}
        return {fact.subject for fact in found}

    assert missed() == set()
    assert missed("luna", "terra") == {luna}
    assert missed(ANYTHING) == {luna, sol}


def test_a_model_is_gone_from_a_list_only_where_each_of_its_items_was_read() -> None:
    luna, sol = Subject("openai", "luna"), Subject("openai", "sol")
    baseline: Facts = {luna: {"listed": True, "owned_by": "x"}, sol: {"listed": True, "owned_by": "x"}}
    poll = Snapshot(
        source="list",
        at=START,
        facts={luna: {"listed": True}},
        extractor="x/1",
        body=Body(content=b"", sha256="", size=0),
        refused=(Refusal("data[1]", "no id", (ANYTHING,)),),
    )
    assert unclear(baseline, poll) == {Fact(sol, "listed"), Fact(sol, "owned_by")}, "luna was read, and has no owner"
