"""Facts that turn between values: what a source says now and takes back at the next poll, again and again.

Two replicas behind one address show two lists in turn, and a page that is rebuilt shows two prices. Neither is ever confirmed, so each turn would pass
unsaid, or be a mass drop anew. What turned and came back is kept for a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.domain.confirm import Believed
from monitor.domain.diff import Change, same
from monitor.domain.model import LISTED, Alternation, Fact, Streak, Value

DAY = timedelta(days=1)
"""For how long a turn is kept, and how often at most it is said that a source contradicts itself."""

TURNS = 2
"""A fact that came back so many times within a day, and leaves again, alternates."""

MOST = 1_000
"""How many facts of one source are kept; beyond that more of them say nothing more."""


def fresh(rows: Iterable[Alternation], at: datetime) -> dict[Fact, Alternation]:
    """Those that turned within the last day."""
    return {row.fact: row for row in rows if at - row.at < DAY}


def alternating(
    rows: Mapping[Fact, Alternation], streaks: Mapping[Fact, Streak], changes: Iterable[Change], *, turns: int = TURNS
) -> list[Change]:
    """The differences of a poll that came and went so many times before, or that are pending (`streaks`) and never the same."""
    return [
        change
        for change in changes
        if (row := rows.get(change.fact)) is not None
        and row.turns >= turns
        and (change.fact in streaks or same(change.fact.field, row.other, change.new))
    ]


def named(changes: Iterable[Change]) -> list[Change]:
    """Those that are worth naming: of a model that comes and goes not what else is stated of it."""
    changes = list(changes)
    listed = {change.fact.subject for change in changes if change.fact.field == LISTED}
    return [change for change in changes if change.fact.field == LISTED or change.fact.subject not in listed]


def advance(
    rows: Mapping[Fact, Alternation],
    streaks: Mapping[Fact, Streak],
    pending: Iterable[Streak],
    accepted: Iterable[Believed],
    *,
    source: str,
    at: datetime,
) -> dict[Fact, Alternation]:
    """Count the turns of one poll: pending changes that are over (`streaks` were pending before it, `pending` are now) or have another value, and
    confirmed ones (`accepted`) that lead back to where a fact was.
    """
    turned = dict(rows)
    now = {streak.fact: streak for streak in pending}
    changes = {item.change.fact: item.change for item in accepted}

    def turn(fact: Fact, other: Value | None, count: int, told_at: datetime | None = None) -> None:
        row = turned.get(fact) or Alternation(source=source, fact=fact, other=other, turns=0, at=at)
        turned[fact] = replace(row, other=other, turns=row.turns + count, at=at, told_at=row.told_at or told_at)

    for fact, streak in streaks.items():
        again = now.get(fact)
        if not streak.seen or fact in changes or (again is not None and same(fact.field, streak.value, again.value)):
            continue
        # Of what was missing in a mass drop the owners heard when that began.
        turn(fact, streak.value, 1, None if streak.held_until is None else streak.first_at)
    for fact, change in changes.items():
        row = turned.get(fact)
        turn(fact, change.old, 1 if row is not None and same(fact.field, row.other, change.new) else 0)
    if len(turned) > MOST:
        most = sorted(turned.values(), key=lambda row: (row.turns, row.at), reverse=True)[:MOST]
        turned = {row.fact: row for row in most}
    return turned
