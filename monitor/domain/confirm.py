"""Belief: a difference is believed once enough good looks showed it over a long enough time.

Counts and spans do not depend on how often a source is polled: looks closer together than the gap count as one, and
failures neither count nor reset, because they never get here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.domain import price
from monitor.domain.configuration import Belief, Requirement
from monitor.domain.diff import Change, lookup, same
from monitor.domain.model import (
    ANYTHING,
    INCIDENT,
    PARAGRAPH,
    Fact,
    Facts,
    Snapshot,
    Streak,
    Subject,
    Value,
    is_refusal,
)
from monitor.domain.routes import ALONE, Others, lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Believed:
    """A change that became a belief, and the streak that made it one."""

    change: Change
    streak: Streak


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What one look made of the streaks of its source."""

    believed: tuple[Believed, ...]
    pending: tuple[Streak, ...]


def confirm(
    streaks: Mapping[Fact, Streak],
    changes: Iterable[Change],
    *,
    source: str,
    at: datetime,
    before: datetime | None,
    evidence: str,
    belief: Belief,
    held: bool = False,
    hold: timedelta | None = None,
    unspoken: Iterable[Fact] = (),
    renamed: Set[Subject] = frozenset(),
    others: Others = ALONE,
) -> Confirmation:
    """Count one look that began at `at`.

    A streak whose fact is back at the baseline ends; one whose fact this look did not speak of (`unspoken`) stays as it is. `before` is
    the last look that agreed with the baseline. A `held` look counts, but nothing is believed on it. `hold` is how long an absence
    has to last where so much is absent at once; each for itself, because what is missing may differ from look to look. Rows that stand under
    another id in the same look (`renamed`) changed and are not absent, so that both halves of the rename are believed at once. A model that
    `others`, the other routes, miss as well is believed gone in a held look, too.
    """
    believed: list[Believed] = []
    pending: list[Streak] = []
    changes = tuple(changes)
    losing = {change.fact.subject for change in changes if lost(change.fact, change.new)}
    for change in changes:
        streak = _advance(streaks.get(change.fact), change, source, at, before, evidence, belief)
        closes = lost(change.fact, change.new) or is_refusal(
            change.fact.field
        )  # how it says no is confirmed with the no
        leaves = change.fact.subject in losing and (change.new is None or closes)
        if change.fact.subject in renamed:
            need = belief.change
        elif leaves:
            need = others.need(change.fact, change.new, belief, hold, since=streak.first_at)
        else:
            need = _need(change.fact, change.new, belief, hold)
        held_back = held and not (leaves and others.agree(change.fact.subject))
        if not held_back and streak.quarantine is None and _enough(streak, at, need):
            believed.append(Believed(change=change, streak=streak))
        else:
            pending.append(streak)
    counted = {streak.fact for streak in pending} | {item.change.fact for item in believed}
    pending += [streaks[fact] for fact in unspoken if fact in streaks and fact not in counted]
    return Confirmation(believed=tuple(believed), pending=tuple(pending))


def _advance(
    streak: Streak | None,
    change: Change,
    source: str,
    at: datetime,
    before: datetime | None,
    evidence: str,
    belief: Belief,
) -> Streak:
    # A streak that is dated after this look was counted by a clock that was set back since: its span means nothing.
    if streak is None or at < streak.counted_at or not same(change.fact.field, streak.value, change.new):
        return Streak(
            source=source,
            fact=change.fact,
            value=change.new,
            seen=1,
            first_at=at,
            counted_at=at,
            before=before if streak is None else streak.before,
            evidence=evidence,
        )
    if at - streak.counted_at < belief.gap:
        return streak
    return replace(streak, seen=streak.seen + 1, counted_at=at)


def _need(fact: Fact, value: Value | None, belief: Belief, hold: timedelta | None) -> Requirement:
    # A paragraph that is rewritten goes and comes at once: told apart, half of the news would be half an hour late.
    if value is not None or fact.field.startswith((PARAGRAPH, INCIDENT)):
        return belief.change
    return belief.absence if hold is None else replace(belief.absence, span=max(belief.absence.span, hold))


def _enough(streak: Streak, at: datetime, requirement: Requirement) -> bool:
    return streak.seen >= requirement.looks and at - streak.first_at >= requirement.span


def unclear(baseline: Facts, look: Snapshot) -> frozenset[Fact]:
    """The facts that a look does not speak of clearly: what it says itself, what a partial answer leaves out, and the believed prices that a
    refused part may hold.

    A price that is not among those read is gone only where everything that names its model was read.
    """
    if look.partial:
        return look.unclear | {
            Fact(subject, field)
            for subject, fields in baseline.items()
            for field in fields.keys() - look.facts.get(subject, {}).keys()
        }
    about = {name for refusal in look.refused for name in refusal.about}
    if not about:
        return look.unclear
    missing = {
        Fact(subject, field)
        for subject, fields in baseline.items()
        if ANYTHING in about or subject.name in about
        for field in fields.keys() - look.facts.get(subject, {}).keys()
        if field.startswith(price.PREFIX)
    }
    return look.unclear | missing


def unstated(
    baseline: Facts, unclear: Iterable[Fact], *, source: str, at: datetime, before: datetime | None
) -> list[Streak]:
    """Streaks for the believed prices that a look stopped stating clearly: nothing is suspected, but nothing renews them either."""
    return [
        Streak(source=source, fact=fact, value=value, seen=0, first_at=at, counted_at=at, before=before)
        for fact in sorted(unclear)
        if fact.field.startswith(price.PREFIX) and (value := lookup(baseline, fact)) is not None
    ]


def unread(streaks: Iterable[Streak], at: datetime, belief: Belief) -> list[Believed]:
    """The believed prices that were not stated clearly for as long as an absence has to last, and of which that was not said yet."""
    return [
        Believed(change=Change(fact=streak.fact, old=streak.value, new=None), streak=streak)
        for streak in streaks
        if not streak.seen and streak.quarantine is None and at - streak.first_at >= belief.absence.span
    ]


def next_look(
    streaks: Iterable[Streak],
    belief: Belief,
    at: datetime,
    *,
    hold: timedelta | None = None,
    others: Others = ALONE,
) -> datetime | None:
    """When a suspect should be looked at again, before jitter; None if nothing is suspected.

    While looks are wanting it is the recheck interval; when only time is, the end of the span, and of the `hold` where there is one.
    What waits for a person or for another source is no reason to hurry.
    """
    due: datetime | None = None
    for streak in streaks:
        if streak.quarantine is not None or not streak.seen:
            continue
        if lost(streak.fact, streak.value):
            need = others.need(streak.fact, streak.value, belief, hold, since=streak.first_at)
            span = need.span
        else:
            need = _need(streak.fact, streak.value, belief, hold)
            span = need.span if hold is None else max(need.span, hold)
        when = at + belief.recheck if streak.seen < need.looks else max(at + belief.recheck, streak.first_at + span)
        due = when if due is None else min(due, when)
    return due
