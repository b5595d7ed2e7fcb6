"""Calls that are refused for no reason that anybody understands: what it takes until access is lost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from pipeline_world import LUNA, START

from monitor.core.configuration import ConfirmationRules
from monitor.core.facts import Fact, FailureReason, PendingChange, PollFailure
from monitor.detection.unexplained_refusals import CallRoute, RefusalVerdict, count, judge

RULES = ConfirmationRules()
FACT = Fact(LUNA, "access.responses")
OPEN = {LUNA: {"access.responses": "granted"}}

Refusals = Sequence[tuple[int, str]]
"""Seconds since the last refusal, and how it was answered."""

refusals = st.lists(
    st.tuples(st.integers(0, 3_000), st.sampled_from(["412", "412 PRECONDITION_FAILED", "403", "400 odd"])), max_size=9
)


def counted(polls: Refusals) -> PendingChange | None:
    pending, at = None, START
    for after, refusal in polls:
        at += timedelta(seconds=after)
        failure = PollFailure(source="p", at=at, reason=FailureReason.HTTP_ERROR, detail="", refusal=refusal)
        pending = count(FACT, failure, pending, rules=RULES)
    return pending


def verdict(polls: Refusals, *others: CallRoute) -> RefusalVerdict | None:
    pending = counted(polls)
    return None if pending is None else judge(pending, others, OPEN, rules=RULES, at=pending.counted_at)


ENOUGH: Refusals = ((0, "412"), (900, "412 X"), (900, "412"))


def test_three_polls_over_half_an_hour_are_enough_and_say_how() -> None:
    judged = verdict(ENOUGH)
    assert judged is not None
    assert [(item.change.fact.field, item.change.new) for item in judged.confirmed] == [
        ("access.responses", "unknown"),
        ("behaviour.responses.refusal", "412"),
    ]


@given(refusals)
def test_it_is_confirmed_just_where_the_last_refusals_of_one_status_are_three_over_half_an_hour(
    polls: Refusals,
) -> None:
    judged = verdict(polls)
    if judged is None:
        return
    times: list[int] = []
    at, status = 0, ""
    for after, refusal in polls:
        at += after
        if refusal[:3] != status:
            times, status = [at], refusal[:3]
        elif at - times[-1] >= RULES.gap.total_seconds():
            times.append(at)
    expected = len(times) >= 3 and times[-1] - times[0] >= 1800
    assert bool(judged.confirmed) is expected
    assert (judged.poll_again is None) is expected


@given(refusals, refusals)
def test_another_call_that_is_served_or_refused_otherwise_holds_it(polls: Refusals, others: Refusals) -> None:
    route = CallRoute(granted=True, pending=counted(others))
    both = verdict(polls, route)
    alone, other = verdict(polls), verdict(others)
    if both is None or alone is None:
        return
    agree = bool(other and other.confirmed) and polls[-1][1][:3] == others[-1][1][:3]
    assert bool(both.confirmed) is (bool(alone.confirmed) and agree)


def test_a_call_that_was_never_open_holds_nothing_and_one_that_is_closed_already_is_not_lost_again() -> None:
    judged = verdict(ENOUGH, CallRoute(granted=False))
    assert judged is not None
    assert judged.confirmed
    pending = counted(ENOUGH)
    assert pending is not None
    closed = {LUNA: {"access.responses": "access_lost"}}
    assert judge(pending, (), closed, rules=RULES, at=pending.counted_at) == RefusalVerdict(pending=None)
    assert judge(pending, (), {}, rules=RULES, at=pending.counted_at) == RefusalVerdict(pending=None)
