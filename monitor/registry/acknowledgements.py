"""Pauses that nobody acknowledges: when they are said again, and from when on to others as well. Neither moves an
entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from monitor.core import events as ev
from monitor.core.configuration import Attention, Owner
from monitor.core.entry import PAUSE_REPEATED, Entry, Status
from monitor.registry.reminders import OwnerMessage, reminded
from monitor.registry.transitions import RegistryTransaction

SELDOM = timedelta(days=1)
"""The longest time between two repetitions; each is twice the one before until then."""


def times(since: datetime, now: datetime, every: timedelta) -> int:
    """How often a pause since `since` should have been said again by now."""
    count, step, due = 0, every, since + every
    while every and due <= now:
        count += 1
        step = min(2 * step, max(SELDOM, every))
        due += step
    return count


def unacknowledged(entry: Entry, now: datetime, rules: Attention) -> int:
    """Which repetition of an entry's pause is due now and was not said; 0 for none."""
    if entry.status is not Status.PAUSED or entry.by or entry.acknowledged == entry.pause:
        return 0
    count = times(entry.since, now, rules.repeat)
    return 0 if _key(entry, count) in entry.reminded else count


def repeat(
    register: RegistryTransaction, key: str, count: int, *, at: datetime, rules: Attention, owners: Mapping[str, Owner]
) -> None:
    """Write that an entry is still paused, for its owners and, from a count on, for those to whom they escalate."""
    entry = register.entries[key]
    lately = " since its fallback was lost" if entry.fallback_lost is not None else ""
    text = (
        f"{entry.key} is paused since {ev.rfc3339(entry.since)} and nobody has acknowledged it{lately}: {entry.reason}"
    )
    further: list[str] = []
    if count >= rules.escalate_after:
        named = filter(None, _further(entry.spec.owners, owners))
        further = [name for name in dict.fromkeys(named) if name not in entry.spec.owners]
    message = OwnerMessage(
        key=_key(entry, count),
        what=PAUSE_REPEATED,
        day=entry.since.date(),
        text=text,
        cause=entry.pause,
        more={"owners": [*entry.spec.owners, *further], **({"escalated": further} if further else {})},
    )
    reminded(register, key, message, at=at)


def _further(names: Iterable[str], owners: Mapping[str, Owner]) -> Iterator[str]:
    """Yield to whom owners escalate, and the members of those that are groups; empty for nobody."""
    for name in names:
        if name in owners:
            yield owners[name].escalate_to
            yield from _further(owners[name].members, owners)


def _key(entry: Entry, count: int) -> str:
    return f"pause {entry.pause} {count}" if count else ""
