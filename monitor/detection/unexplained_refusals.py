"""Calls that are refused for no reason that anybody understands: once every call route of a model is, access is lost.

A failed poll is no observation, and one refusal that the table of meanings does not hold says nothing. But where every
watched call is refused with one and the same status, poll after poll, production is refused as well, whatever the words
mean. What was refused is counted as pending beside the differences that good polls show; nothing else reads it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.core.changes import Change, lookup
from monitor.core.configuration import ConfirmationRules
from monitor.core.error_meanings import Meaning
from monitor.core.facts import ACCESS, GRANTED, Fact, Facts, PendingChange, PollFailure, Value, refusal
from monitor.detection.confirmation import ConfirmedChange
from monitor.detection.routes import UNEXPLAINED, is_unexplained


def answer_of(value: Value | None) -> str:
    """Return how a call was refused: `412 PRECONDITION_FAILED`."""
    return str(value).removeprefix(UNEXPLAINED)


def _status(value: Value | None) -> str:
    return answer_of(value).partition(" ")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRoute:
    """What is known of another call route of the same model: whether its baseline says that it is `granted`, and the
    refusals that are `pending` there.
    """

    granted: bool
    pending: PendingChange | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalVerdict:
    """What one more refusal makes of a route: what is `pending` of it now, what is `confirmed` by it (the route, and
    how it answers), and when to poll again while the count or the span is wanting.
    """

    pending: PendingChange | None
    confirmed: tuple[ConfirmedChange, ...] = ()
    poll_again: datetime | None = None


def count(
    fact: Fact,
    failure: PollFailure,
    before: PendingChange | None,
    *,
    rules: ConfirmationRules,
    evidence: str = "",
    good_at: datetime | None = None,
) -> PendingChange:
    """Count a refusal of the route that `fact` is about; another status than before begins anew.

    Polls closer together than the gap count as one. `good_at` is the last poll that showed the baseline.
    """
    value = UNEXPLAINED + failure.refusal
    if (
        before is None
        or not is_unexplained(before.value)
        or _status(before.value) != _status(value)
        or failure.at < before.counted_at
    ):
        return PendingChange(
            source=failure.source,
            fact=fact,
            value=value,
            seen=1,
            first_at=failure.at,
            counted_at=failure.at,
            before=good_at,
            evidence=evidence,
        )
    if failure.at - before.counted_at < rules.gap:
        return before
    return replace(before, seen=before.seen + 1, counted_at=failure.at)


def enough(pending: PendingChange | None, status: str, rules: ConfirmationRules) -> bool:
    """Return whether a route was refused with this status as often, and for as long, as an absence takes."""
    return (
        pending is not None
        and is_unexplained(pending.value)
        and _status(pending.value) == status
        and pending.seen >= rules.absence.polls
        and pending.counted_at - pending.first_at >= rules.absence.span
    )


def judge(
    pending: PendingChange, others: Iterable[CallRoute], baseline: Facts, *, rules: ConfirmationRules, at: datetime
) -> RefusalVerdict:
    """Judge a route after a refusal was counted.

    It is lost where it was granted, was refused for long enough, and no other call route of its model is granted that
    was not refused with the same status for as long.
    """
    fact = pending.fact
    if lookup(baseline, fact) != GRANTED:
        return RefusalVerdict(pending=None)
    status = _status(pending.value)
    if not enough(pending, status, rules):
        end = max(at + rules.recheck, pending.first_at + rules.absence.span)
        return RefusalVerdict(
            pending=pending, poll_again=at + rules.recheck if pending.seen < rules.absence.polls else end
        )
    if any(other.granted and not enough(other.pending, status, rules) for other in others):
        return RefusalVerdict(pending=pending)
    route = fact.field.removeprefix(ACCESS)
    how = Fact(fact.subject, refusal(route))
    changes = (
        Change(fact=fact, old=GRANTED, new=str(Meaning.UNKNOWN)),
        Change(fact=how, old=lookup(baseline, how), new=answer_of(pending.value)),
    )
    return RefusalVerdict(
        pending=None,
        confirmed=tuple(
            ConfirmedChange(change=change, pending_change=replace(pending, fact=change.fact, value=change.new))
            for change in changes
            if change.old != change.new
        ),
    )
