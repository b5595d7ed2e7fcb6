"""Facts that turn between values: what a source says now and takes back at the next poll, again and again.

Two replicas behind one address show two lists in turn, and a page that is rebuilt shows two prices. Neither is ever
confirmed, so each turn would pass unsaid, or be a mass drop anew. What turned and came back is kept for a day, and for
a few polls of a source that is polled more seldom: else each of its polls would be the first to turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.core import price
from monitor.core.changes import Change, same
from monitor.core.facts import (
    ACCESS,
    ALIAS_TARGET,
    ANNOUNCED,
    BEHAVIOUR,
    DEPRECATION,
    ENDPOINT,
    INCIDENT,
    LIMIT,
    LISTED,
    PARAGRAPH,
    REPLACEMENT,
    SETTING,
    SHUTDOWN_DATE,
    STAGE,
    WATCHED,
    Alternation,
    Fact,
    Facts,
    PendingChange,
    SourceState,
    Value,
    is_answering,
)
from monitor.detection.admission import Admission, AdmissionVerdict, admit
from monitor.detection.confirmation import ConfirmedChange

DAY = timedelta(days=1)
"""For how long a turn is kept, and how often at most it is said that a source contradicts itself."""

TURNS = 2
"""A fact that came back so many times within a day, and leaves again, alternates."""

MOST = 1_000
"""How many facts of one source are kept; beyond that more of them say nothing more."""


POLLS = 10
"""For how many intervals of its source a turn is kept, where that is longer than a day."""

_WEIGHTY = frozenset({LISTED, ALIAS_TARGET, STAGE, SHUTDOWN_DATE, REPLACEMENT})
_WEIGHTY_KINDS = (
    price.PREFIX,
    ACCESS,
    ENDPOINT,
    LIMIT,
    f"{BEHAVIOUR}caching.",
    SETTING,
    ANNOUNCED,
    DEPRECATION,
    PARAGRAPH,
    WATCHED,
    INCIDENT,
)


def informs(field: str) -> bool:
    """Return whether a field merely informs (a fingerprint, `created`, which fields an answer counts in): that it
    alternates is said once, and not once a day as of what an entry may rest on.
    """
    return not (field in _WEIGHTY or field.startswith(_WEIGHTY_KINDS) or is_answering(field))


def fresh(rows: Iterable[Alternation], at: datetime, *, every: timedelta = timedelta(0)) -> dict[Fact, Alternation]:
    """Return those that turned lately, in a source that is polled `every` so often."""
    return {row.fact: row for row in rows if at - row.at < max(DAY, POLLS * every)}


def alternating(
    rows: Mapping[Fact, Alternation],
    pending_changes: Mapping[Fact, PendingChange],
    changes: Iterable[Change],
    *,
    turns: int = TURNS,
) -> list[Change]:
    """Return the differences of a poll that came and went so many times before, or that are pending (`pending_changes`)
    and never the same.
    """
    return [
        change
        for change in changes
        if (row := rows.get(change.fact)) is not None
        and row.turns >= turns
        and (change.fact in pending_changes or same(change.fact.field, row.other, change.new))
    ]


def repeats(
    rows: Mapping[Fact, Alternation], admission: Admission, state: SourceState, baseline: Facts, facts: Facts
) -> bool:
    """Return whether a mass drop is one that was reversed within a day: without what came back since, nothing is
    missing in a mass.
    """
    turned = {fact.subject for fact, row in rows.items() if row.turns}
    if not admission.dropped or not turned:
        return False
    rest = {subject: fields for subject, fields in baseline.items() if subject not in turned}
    return admit(state, rest, facts, body_size=None).verdict is AdmissionVerdict.ACCEPTED


def polls_more(rows: Mapping[Fact, Alternation], changes: Iterable[Change]) -> dict[Fact, int]:
    """Return how many polls more what alternates takes to be confirmed: one for each return beyond the first ones."""
    return {change.fact: max(0, rows[change.fact].turns - TURNS + 1) for change in changes}


def due(times: Iterable[datetime | None], at: datetime) -> bool:
    """Return whether something that is said once a day at most, last at one of these times, may be said again."""
    last = max((time for time in times if time is not None), default=None)
    return last is None or at - last >= DAY


def named(changes: Iterable[Change]) -> list[Change]:
    """Return those that are worth naming: of a model that comes and goes not what else is stated of it."""
    changes = list(changes)
    listed = {change.fact.subject for change in changes if change.fact.field == LISTED}
    return [change for change in changes if change.fact.field == LISTED or change.fact.subject not in listed]


def advance(
    rows: Mapping[Fact, Alternation],
    pending_changes: Mapping[Fact, PendingChange],
    pending: Iterable[PendingChange],
    accepted: Iterable[ConfirmedChange],
    *,
    source: str,
    at: datetime,
) -> dict[Fact, Alternation]:
    """Count the turns of one poll: pending changes that are over (`pending_changes` were pending before it, `pending`
    are now) or have another value, and confirmed ones (`accepted`) that lead back to where a fact was.
    """
    turned = dict(rows)
    now = {pending_change.fact: pending_change for pending_change in pending}
    changes = {item.change.fact: item.change for item in accepted}

    def turn(fact: Fact, other: Value | None, count: int, told_at: datetime | None = None) -> None:
        row = turned.get(fact) or Alternation(source=source, fact=fact, other=other, turns=0, at=at)
        turned[fact] = replace(row, other=other, turns=row.turns + count, at=at, told_at=row.told_at or told_at)

    for fact, pending_change in pending_changes.items():
        again = now.get(fact)
        if (
            not pending_change.seen
            or fact in changes
            or (again is not None and same(fact.field, pending_change.value, again.value))
        ):
            continue
        # Of what was missing in a mass drop the owners heard when that began.
        turn(fact, pending_change.value, 1, None if pending_change.held_until is None else pending_change.first_at)
    for fact, change in changes.items():
        row = turned.get(fact)
        turn(fact, change.old, 1 if row is not None and same(fact.field, row.other, change.new) else 0)
    if len(turned) > MOST:
        most = sorted(turned.values(), key=lambda row: (row.turns, row.at), reverse=True)[:MOST]
        turned = {row.fact: row for row in most}
    return turned
