"""What may wait for the end of quiet hours or for a digest, and what is sent then as one message.

A pause never waits, nor does the denial of an active entry. What else is worth waking someone for waits for the end of
quiet hours, and the rest for the digest, too. What follows on a message waits no longer than that did: who was woken is
told that it is over. All that is held back is collected; what ended meanwhile is one line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.core.configuration import DestinationRules
from monitor.core.entry import Status
from monitor.core.notices import ENDING, PAUSING, SERIOUS, Digest, Item, Notice, OverItem, Reason
from monitor.core.ports import Reader
from monitor.notify.daily_times import due_at
from monitor.notify.destinations import FOLLOWING

_NEVER_WAIT = PAUSING | {Reason.UNACKNOWLEDGED, Reason.TROUBLE, Reason.TEST}
_GONE = frozenset({Status.RETIRED, Status.WITHDRAWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Until when a message is held back, None where it is sent now; `collected` says that it is sent with all others
    that were.
    """

    until: datetime | None = None
    collected: bool = False


AT_ONCE = Holding()


def holding(
    reader: Reader, rules: DestinationRules, notice: Notice, destination: str, created_at: datetime, now: datetime
) -> Holding:
    """Judge whether a notice, as a destination takes it, may wait there, and until when."""
    if (rules.quiet is None and rules.digest is None) or created_at > now:  # dated by a clock that was ahead
        return AT_ONCE
    if any(
        serious(item) or _follows(reader, item, destination, lambda item, _: serious(item)) for item in notice.items
    ):
        rules = replace(rules, digest=None)
    waits_for = due_at(rules, created_at, created_at)
    until = due_at(rules, created_at, now)
    if waits_for <= created_at and until <= now:
        return AT_ONCE
    latest = max(waits_for, until)
    if any(urgent(item, latest) or _follows(reader, item, destination, urgent) for item in notice.items):
        return AT_ONCE
    return Holding(until=until if until > now else None, collected=True)


def serious(item: Item) -> bool:
    """Return whether an item is too serious to wait for a digest; it may wait for the end of quiet hours."""
    if item.reason is Reason.STALE:
        return item.denied or bool(item.refusal)
    return item.reason in SERIOUS


def urgent(item: Item, until: datetime) -> bool:
    """Return whether an item must not wait until then: it is a pause, or an active entry is denied by then."""
    if item.urgent or item.reason in _NEVER_WAIT:
        return True
    refused = item.denied or bool(item.refusal)
    if item.reason is Reason.ENDED:
        return item.status in _GONE
    if item.reason is Reason.FALLBACK_LOST and item.status == Status.PAUSED:
        return refused and not item.fallback_allowed
    if item.status != Status.ACTIVE:
        return False
    if item.denies_from is not None and item.denies_from <= until:
        return True
    return item.reason in (Reason.STALE, Reason.BLIND, Reason.FALLBACK_LOST) and refused


def _follows(reader: Reader, item: Item, destination: str, promptly: Callable[[Item, datetime], bool]) -> bool:
    """Return whether an item follows on a message that this destination got promptly."""
    if item.reason not in FOLLOWING or not item.incident:
        return False
    for message in reader.sent_messages(destination=destination, incident=item.incident):
        notice = reader.notice(message.notice)
        if notice is not None and any(
            earlier.incident == item.incident and promptly(earlier, message.at) for earlier in notice.items
        ):
            return True
    return False


def digest(notices: Sequence[Notice], now: datetime, checkpoint: str = "") -> Notice:
    """Return several notices of one owner as one, with the last signed checkpoint; what of them is over has become a
    line.
    """
    items = [item for notice in notices for item in notice.items]
    standing, over = [], []
    for item in items:
        ended_at = _ended_at(item, items)
        if ended_at is None:
            standing.append(item)
        elif item.reason not in FOLLOWING:
            over.append(OverItem(item=item, ended_at=ended_at))
    return Notice(
        id=f"digest.{notices[-1].id}",
        owner=notices[-1].owner,
        at=now,
        items=tuple(standing),
        digest=Digest(notices=tuple(notice.id for notice in notices), over=tuple(over), checkpoint=checkpoint),
    )


def _ended_at(item: Item, items: Iterable[Item]) -> datetime | None:
    """Return when it was over what an item tells; None where it is not, or where it tells the end of something that
    is not among the items.
    """
    if item.reason not in FOLLOWING and item.since_then is not None and item.since_then.over:
        return item.since_then.at
    if not item.incident:
        return None
    mine = [other for other in items if other.incident == item.incident and other.entry == item.entry]
    if all(other.reason in FOLLOWING for other in mine):
        return None
    ends = [other for other in mine if other.reason in ENDING and other.position >= item.position]
    return ends[-1].since if ends else None
