"""Pauses of a log and of its simulations side by side: which of them are the same one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from monitor.core import events as ev
from monitor.core.events import Recorded
from monitor.core.facts import Value

GROUPED = timedelta(hours=1)
"""What moved together is one pause, since the first of it: how far apart the beginnings of one move may be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PinShift:
    """A pin that did not hold any more: its key, what was accepted, and what was confirmed instead."""

    pin: str
    old: Value | None
    new: Value | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A pause, or what was added to one.

    Attributes:
        entry: the row of the registry, by its key.
        at: when it was recorded.
        since: the first poll that showed what it is about.
        extends: whether it was added to a pause that ran.
        position: the event.
    """

    entry: str
    at: datetime
    since: datetime
    extends: bool
    shifts: tuple[PinShift, ...]
    position: int


def stop_of(recorded: Recorded) -> Stop:
    """Read a pause that the policy made, or what was added to one."""
    event = recorded.event
    data = event.data
    shifts = data.get("shifts") or [{"pin": data["pin"], "old": data["old"], "new": data["new"]}]
    return Stop(
        entry=ev.entry_key(event),
        at=recorded.recorded_at,
        since=datetime.fromisoformat(data["since"]) if data.get("since") else event.occurred_at,
        extends=event.type == ev.ENTRY_PAUSE_EXTENDED,
        shifts=tuple(PinShift(pin=shift["pin"], old=shift["old"], new=shift["new"]) for shift in shifts),
        position=event.position,
    )


def counterpart(stop: Stop, among: Iterable[Stop]) -> Stop | None:
    """Return the one of several that is about the same move of the same pin; None where none is."""
    moves = {(shift.pin, str(shift.new)) for shift in stop.shifts}
    alike = [
        other
        for other in among
        if other.entry == stop.entry
        and abs(other.since - stop.since) <= GROUPED
        and any((shift.pin, str(shift.new)) in moves for shift in other.shifts)
    ]
    return min(alike, key=lambda other: abs(other.since - stop.since), default=None)


class Effect(StrEnum):
    """What the policy does to a move of a pin; `OPEN` is one that it had not judged when the log ends."""

    SPARED = "spared"
    MADE = "made"
    EARLIER = "earlier"
    LATER = "later"
    OPEN = "open"
    SAME = "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyEffect:
    """One move of a pin, as it was and as it would be; None where it paused nothing.

    Attributes:
        since: the first poll that showed it.
        was: the pause as the log has it.
        would: the pause as the policy would have made it.
    """

    entry: str
    since: datetime
    shift: PinShift
    was: Stop | None
    would: Stop | None
    effect: Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyComparison:
    """What another policy would have done: every move of a pin by time, and what could not be judged, in sentences."""

    effects: tuple[PolicyEffect, ...]
    not_judged: tuple[str, ...]


def compare(log: Sequence[Stop], recorded: Sequence[Stop], tried: Sequence[Stop], *, end: datetime) -> PolicyComparison:
    """Compare the pauses of a log with those that the policy which is tried would have made.

    `recorded` are those of a simulation under the policy that the log was recorded by. It differs from `tried` in the
    policy alone; where it differs from the log, the kept history does not bear out what happened, and nothing is said
    of the policy. The log ends at `end`.
    """
    effects: list[PolicyEffect] = []
    not_judged = [
        f"{stop.entry} was paused {ev.rfc3339(stop.at)} (position {stop.position}); what the log kept does "
        "not show why."
        for stop in log
        if counterpart(stop, recorded) is None
    ]
    for stop in recorded:
        was = counterpart(stop, log)
        would = counterpart(stop, tried)
        if was is None:
            not_judged.append(
                f"{stop.entry} would have been paused {ev.rfc3339(stop.at)} by the recorded policy as well, and was "
                "not: what the log kept does not show why."
            )
            continue
        effects.append(
            PolicyEffect(
                entry=stop.entry,
                since=stop.since,
                shift=stop.shifts[0],
                was=was,
                would=would,
                effect=_effect(stop, would, end),
            )
        )
    effects += [
        PolicyEffect(entry=stop.entry, since=stop.since, shift=stop.shifts[0], was=None, would=stop, effect=Effect.MADE)
        for stop in tried
        if counterpart(stop, recorded) is None and stop.at <= end
    ]
    return PolicyComparison(
        effects=tuple(sorted(effects, key=lambda effect: (effect.since, effect.entry))), not_judged=tuple(not_judged)
    )


def _effect(recorded: Stop, tried: Stop | None, end: datetime) -> Effect:
    if tried is None:
        return Effect.SPARED
    if tried.at > end:
        return Effect.OPEN
    if tried.at == recorded.at:
        return Effect.SAME
    return Effect.EARLIER if tried.at < recorded.at else Effect.LATER
