"""Belief: a difference is confirmed once enough good polls showed it over a long enough time.

Counts and spans do not depend on how often a source is polled: polls closer together than the gap count as one, and
failures neither count nor reset, because they never get here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from monitor.core import price
from monitor.core.changes import Change, lookup, same
from monitor.core.configuration import ConfirmationRules, Requirement
from monitor.core.facts import (
    ANYTHING,
    INCIDENT,
    LISTED,
    PARAGRAPH,
    SHUTDOWN_DATE,
    Fact,
    Facts,
    PendingChange,
    Snapshot,
    Subject,
    Value,
    is_fingerprint,
    is_refusal,
)
from monitor.detection.routes import ALONE, Others, lost

NOTHING: Mapping[Fact, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmedChange:
    """A change that became a belief, and the streak that made it one."""

    change: Change
    pending_change: PendingChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What a poll from which much is missing asks of each absence in it: to last for `span`. `anomaly` is the position
    of the event that said so.
    """

    span: timedelta
    anomaly: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What one poll made of the streaks of its source."""

    confirmed: tuple[ConfirmedChange, ...]
    pending: tuple[PendingChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedPoll:
    """A good poll of a `source`, as the counts of its changes need it.

    Attributes:
        at: when the poll began.
        before: when the last poll that agreed with the baseline began; None if there was none.
        evidence: the bytes that show what is new in the poll; empty where nothing is.
        unspoken: the facts that the poll does not speak of.
        renamed: the subjects that stand under another id in the poll.
    """

    source: str
    at: datetime
    before: datetime | None
    evidence: str = ""
    unspoken: Collection[Fact] = ()
    renamed: Set[Subject] = frozenset()


def confirm(
    pending_changes: Mapping[Fact, PendingChange],
    changes: Iterable[Change],
    *,
    poll: CountedPoll,
    rules: ConfirmationRules,
    hold: Hold | None = None,
    others: Others = ALONE,
    turns: Mapping[Fact, int] = NOTHING,
) -> Confirmation:
    """Count one poll.

    A streak whose fact is back at the baseline ends; one whose fact this poll did not speak of stays as it is. `hold`
    is what a poll asks of the absences in it that misses much at once; an absence that was first missed in such a poll
    keeps its hold, whatever later polls miss. Rows that are renamed changed and are not absent, so that both halves of
    the rename are confirmed at once. A model that `others`, the other routes, miss as well is not held. A value that a
    fact has taken and left again so many `turns` lately takes as many polls more.
    """
    confirmed: list[ConfirmedChange] = []
    pending: list[PendingChange] = []
    changes = tuple(changes)
    losing = {change.fact.subject for change in changes if lost(change.fact, change.new)}
    for change in changes:
        pending_change = _advance(pending_changes.get(change.fact), change, poll, rules)
        absent = change.new is None and change.fact.subject not in poll.renamed
        if hold is not None and pending_change.first_at == poll.at and pending_change.held_until is None:
            pending_change = _marked(pending_change, change, hold, held=absent)
        span = _held(pending_change, hold) if absent else None
        # How a route says no is confirmed with the no.
        closes = lost(change.fact, change.new) or is_refusal(change.fact.field)
        if change.fact.subject in poll.renamed:
            need = rules.change
        elif change.fact.subject in losing and (change.new is None or closes):
            need = others.need(change.fact, change.new, rules, span, since=pending_change.first_at)
        else:
            need = _need(change.fact, change.new, rules, span)
            if change.new is not None:
                need = replace(need, polls=need.polls + turns.get(change.fact, 0))
        if pending_change.quarantine is None and _enough(pending_change, poll.at, need):
            confirmed.append(ConfirmedChange(change=change, pending_change=pending_change))
        else:
            pending.append(pending_change)
    counted = {pending_change.fact for pending_change in pending} | {item.change.fact for item in confirmed}
    pending += [pending_changes[fact] for fact in poll.unspoken if fact in pending_changes and fact not in counted]
    return Confirmation(confirmed=tuple(confirmed), pending=tuple(pending))


def _marked(pending_change: PendingChange, change: Change, hold: Hold, *, held: bool) -> PendingChange:
    """Return a streak that begins in a held poll: an absence with its hold; what came where so much went has the same
    cause, and is not held.
    """
    if held:
        return replace(pending_change, anomaly=hold.anomaly, held_until=pending_change.first_at + hold.span)
    return replace(pending_change, anomaly=hold.anomaly) if change.old is None else pending_change


def _held(pending_change: PendingChange, hold: Hold | None) -> timedelta | None:
    """Return for how long an absence has to last beyond what any has to: its own hold, else that of the poll."""
    if pending_change.held_until is not None:
        return pending_change.held_until - pending_change.first_at
    return None if hold is None else hold.span


def _advance(
    pending_change: PendingChange | None,
    change: Change,
    poll: CountedPoll,
    rules: ConfirmationRules,
) -> PendingChange:
    # A streak that is dated after this poll was counted by a clock that was set back since: its span means nothing.
    if (
        pending_change is None
        or poll.at < pending_change.counted_at
        or not same(change.fact.field, pending_change.value, change.new)
    ):
        return PendingChange(
            source=poll.source,
            fact=change.fact,
            value=change.new,
            seen=1,
            first_at=poll.at,
            counted_at=poll.at,
            before=poll.before if pending_change is None else pending_change.before,
            evidence=poll.evidence,
        )
    if poll.at - pending_change.counted_at < rules.gap:
        return pending_change
    return replace(pending_change, seen=pending_change.seen + 1, counted_at=poll.at)


def _need(fact: Fact, value: Value | None, rules: ConfirmationRules, hold: timedelta | None) -> Requirement:
    if value is not None:
        return rules.change
    # A paragraph that is rewritten goes and comes at once: told apart, half of the news would be half an hour late.
    need = rules.change if fact.field.startswith((PARAGRAPH, INCIDENT)) else rules.absence
    return need if hold is None else replace(need, span=max(need.span, hold))


def _enough(pending_change: PendingChange, at: datetime, requirement: Requirement) -> bool:
    return pending_change.seen >= requirement.polls and at - pending_change.first_at >= requirement.span


def unclear(baseline: Facts, poll: Snapshot) -> frozenset[Fact]:
    """Return the facts that a poll does not speak of clearly: what it says itself, what a partial answer leaves out,
    and the confirmed prices and subjects that a refused part may hold.

    A price that is not among those read, and a model that is not, is gone only where everything that may name it was
    read.
    """
    if poll.partial:
        return poll.unclear | {
            Fact(subject, field)
            for subject, fields in baseline.items()
            for field in fields.keys() - poll.facts.get(subject, {}).keys()
        }
    about = {name for refusal in poll.refused for name in refusal.about}
    if not about:
        return poll.unclear
    missing = {
        Fact(subject, field)
        for subject, fields in baseline.items()
        if ANYTHING in about or subject.name in about
        for field in fields.keys() - poll.facts.get(subject, {}).keys()
        if field.startswith(price.PREFIX) or subject not in poll.facts
    }
    return poll.unclear | missing


KEPT_FRESH = (price.PREFIX, LISTED, SHUTDOWN_DATE)
"""Prefixes of the facts of which it is kept that a poll does not state them clearly."""


def unstated(
    baseline: Facts, unclear: Iterable[Fact], *, source: str, at: datetime, before: datetime | None
) -> list[PendingChange]:
    """Return streaks for the confirmed prices, models and ends that a poll stopped stating clearly: nothing is pending,
    but nothing renews them either.
    """
    return [
        PendingChange(source=source, fact=fact, value=value, seen=0, first_at=at, counted_at=at, before=before)
        for fact in sorted(unclear)
        if fact.field.startswith((price.PREFIX, LISTED, SHUTDOWN_DATE))
        and (value := lookup(baseline, fact)) is not None
    ]


def unread(pending_changes: Iterable[PendingChange], at: datetime, rules: ConfirmationRules) -> list[ConfirmedChange]:
    """Return the confirmed prices that were not stated clearly for as long as an absence has to last, and of which that
    was not said yet.
    """
    return [
        ConfirmedChange(
            change=Change(fact=pending_change.fact, old=pending_change.value, new=None), pending_change=pending_change
        )
        for pending_change in pending_changes
        if pending_change.fact.field.startswith(price.PREFIX)
        and not pending_change.seen
        and pending_change.quarantine is None
        and at - pending_change.first_at >= rules.absence.span
    ]


def next_poll(
    pending_changes: Iterable[PendingChange],
    rules: ConfirmationRules,
    at: datetime,
    *,
    hold: Hold | None = None,
    others: Others = ALONE,
    calm: Set[Fact] = frozenset(),
) -> datetime | None:
    """Return when a pending change should be polled again, before jitter; None if nothing is pending.

    While polls are wanting it is the recheck interval; when only time is, the end of the span, and of the hold where
    there is one. What waits for a person or for another source is no reason to hurry, nor is what alternates (`calm`),
    nor a fingerprint: an extra call to a model costs money.
    """
    due: datetime | None = None
    for pending_change in pending_changes:
        if pending_change.quarantine is not None or not pending_change.seen or pending_change.fact in calm:
            continue
        if is_fingerprint(pending_change.fact.field):
            continue
        hold_until = _held(pending_change, hold) if pending_change.value is None else None
        if lost(pending_change.fact, pending_change.value):
            need = others.need(
                pending_change.fact, pending_change.value, rules, hold_until, since=pending_change.first_at
            )
        else:
            need = _need(pending_change.fact, pending_change.value, rules, hold_until)
        end = max(at + rules.recheck, pending_change.first_at + need.span)
        when = at + rules.recheck if pending_change.seen < need.polls else end
        due = when if due is None else min(due, when)
    return due
