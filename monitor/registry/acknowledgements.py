"""Who has taken what on: pauses that nobody acknowledges are told again and to others, and silences keep the rest quiet for a while.

Neither moves an entry. A silence hides no new pause: production assumptions never move silently.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from monitor.core import events as ev
from monitor.core.configuration import Attention, Owner
from monitor.core.entry import Entry, Status
from monitor.core.notices import PAUSING, Reason
from monitor.notify import compose
from monitor.registry.reminders import reminded
from monitor.registry.transitions import RegistryTransaction

SELDOM = timedelta(days=1)
"""The longest time between two repetitions; each is twice the one before until then."""

LOUD = PAUSING
"""What no silence hides."""


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
) -> compose.Told:
    """Say again that an entry is paused, from a count on to those to whom its owners escalate as well."""
    entry = register.entries[key]
    lately = " since its fallback was lost" if entry.fallback_lost is not None else ""
    text = (
        f"{entry.key} is paused since {ev.rfc3339(entry.since)} and nobody has acknowledged it{lately}: {entry.reason}"
    )
    said, day = _key(entry, count), entry.since.date()
    position = reminded(register, key, said=said, what="pause", day=day, text=text, at=at, cause=entry.pause)
    told = entry.spec.owners
    if count >= rules.escalate_after:
        further = (owners[name].escalate_to for name in told if name in owners)
        told = tuple(dict.fromkeys((*told, *filter(None, further))))
    item = compose.entry_item(
        register, key, reason=Reason.UNACKNOWLEDGED, position=position, since=entry.since, summary=text
    )
    return compose.Told(owners=told, item=item)


def audible(told: Iterable[compose.Told], entries: Mapping[str, Entry], at: datetime) -> list[compose.Told]:
    """What no silence hides."""
    return [
        one
        for one in told
        if one.item.reason in LOUD or not all(_silent(entries.get(key), at) for key in one.because or (one.item.entry,))
    ]


def _silent(entry: Entry | None, at: datetime) -> bool:
    return entry is not None and entry.silenced_until is not None and at < entry.silenced_until


def _key(entry: Entry, count: int) -> str:
    return f"pause {entry.pause} {count}" if count else ""
