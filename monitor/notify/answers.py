"""What the gate says of the entries of a notice: when it is composed, and again before each attempt to send it.

A notice that waited may be overtaken: resumed by a person, paused again, the source read again. What happened since is
put in front of it, so that nothing is told at night that is no longer so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from shlex import quote

from monitor.core import events as ev
from monitor.core.entry import Entry, Status
from monitor.core.notices import Acknowledgement, Item, Notice, Reason, Since
from monitor.core.ports import EventQuery, Reader
from monitor.gate.state import Production
from monitor.notify.headlines import HOLDABLE, PAUSES
from monitor.notify.incidents import named


def answered(item: Item, gate: Production) -> Item:
    """Return an item with what the gate says of its entry, and of a pause how each route to the model stands."""
    if item.entry not in gate.entries:
        return item
    answer = gate.answer(item.entry)
    spared, until = gate.spared(item.entry)
    access = gate.access(item.entry) if item.reason in PAUSES else None
    return replace(
        item,
        denied=not (answer.allowed or spared),
        access="" if access is None or access.well else access.in_words,
        refusal="" if answer.allowed else answer.reason,
        spared=spared,
        spared_until=until,
        fallback=answer.fallback or gate.entries[item.entry].spec.fallback,
        fallback_allowed=bool(answer.fallback),
    )


def answered_again(notice: Notice, reader: Reader, gate: Production, now: datetime) -> Notice:
    """Return a notice as it is true at `now`: each item with the gate's answer, who has it, and what happened since."""
    again = _Again(notice=notice, reader=reader, gate=gate, now=now, holders=acknowledgements(reader, gate.entries))
    return replace(notice, items=tuple(_again(item, again) for item in notice.items))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Again:
    """What is known at `now`, and the notice that was composed before; `holders` are as `acknowledgements` has them."""

    notice: Notice
    reader: Reader
    gate: Production
    now: datetime
    holders: Mapping[str, Acknowledgement]

    @property
    def told(self) -> int:
        """The last event that the notice tells: what an entry did up to there is no news."""
        return max(item.position for item in self.notice.items)


def acknowledgements(
    reader: Reader, entries: Mapping[str, Entry], until: datetime | None = None
) -> Mapping[str, Acknowledgement]:
    """Return who has acknowledged the running pause of each entry; an entry that nobody has is not in it. `entries` are
    as they stood at `until`, now unless told.
    """
    running = {key: entry.pause for key, entry in entries.items() if entry.pause and entry.acknowledged == entry.pause}
    if not running:
        return {}
    first = min(pause for pause in running.values() if pause)
    query = EventQuery(type=ev.NOTICE_ACKNOWLEDGED, after=first, until=until)
    last: dict[str, Acknowledgement] = {}
    for record in reader.events(query):
        event = record.event
        by = Acknowledgement(by=event.data["by"], at=event.occurred_at, note=event.data.get("note", ""))
        last.update({key: by for key in event.data["entries"] if running.get(key, event.position) < event.position})
    return last


def holders(
    reader: Reader, entries: Mapping[str, Entry], until: datetime | None = None
) -> Mapping[str, Acknowledgement]:
    """Return who has the running pause of each entry: who acknowledged it, else the person who paused it."""
    by_person = {key: by for key, entry in entries.items() if (by := _pauser(entry)) is not None}
    return {**by_person, **acknowledgements(reader, entries, until)}


def _pauser(entry: Entry) -> Acknowledgement | None:
    """Return the person who paused an entry; None where the monitor did."""
    if entry.status is not Status.PAUSED or not entry.by:
        return None
    return Acknowledgement(by=entry.by, at=entry.since)


def _again(item: Item, again: _Again) -> Item:
    entry = again.gate.entries.get(item.entry)
    if entry is None:
        return replace(item, since_then=_source_since(item, again.reader))
    fresh = replace(answered(item, again.gate), status=entry.status)
    moved, source_since = _moved(item, entry, again.told), _source_since(item, again.reader)
    if moved is not None:
        # What was to be typed was for the status before.
        fresh = replace(fresh, commands=(f"access-monitor status {quote(entry.key)}",))
    since = moved or source_since or _turned(item, fresh, again.now)
    if item.reason is Reason.BLIND and source_since is not None:
        fresh = replace(fresh, denies_from=None)  # nothing is denied by then: the source is read again
    holder = again.holders.get(entry.key)
    if holder is None and item.reason not in HOLDABLE:
        holder = _pauser(entry)  # what comes on top of that pause is anybody's to acknowledge
    return replace(fresh, holder=holder, since_then=since)


def _moved(item: Item, entry: Entry, told: int) -> Since | None:
    """Return how an entry changed its status after the last event that was `told`."""
    if item.reason is Reason.APPROVAL and entry.asked is None and entry.status == item.status:
        return Since(
            at=entry.since, text="the request lapsed: the entry changed before anybody confirmed it", over=True
        )
    if entry.status_position <= told or (entry.status == item.status and entry.status is not Status.PAUSED):
        return None
    by = f" by {entry.by}" if entry.by else ""
    text = {
        Status.ACTIVE: ("resumed" if item.status == Status.PAUSED else "activated") + by,
        Status.PAUSED: f"paused{by}: {entry.reason}",
        Status.RETIRED: f"retired{by}",
        Status.WITHDRAWN: "withdrawn: it left the configuration",
        Status.EVALUATING: f"{entry.spec.surface} lists {entry.spec.model_id}",
        Status.WAITING: f"{entry.spec.surface} no longer lists {entry.spec.model_id or 'its model'}",
    }[entry.status]
    return Since(at=entry.since, text=text, over=_is_over(item, entry))


def _is_over(item: Item, entry: Entry) -> bool:
    """Return whether what an item told of an entry is over, as the entry stands now: the entry is, or the pause."""
    if not entry.alive:
        return True
    paused = entry.status is Status.PAUSED and item.pause in ("", named(entry.key, entry.pause or 0))
    return item.status == Status.PAUSED and not paused


def _source_since(item: Item, reader: Reader) -> Since | None:
    """Return that a source that was down is read again, or the reverse, or that what was held is over."""
    if item.reason not in (Reason.BLIND, Reason.HELD, Reason.RECOVERED, Reason.ENDED) or not item.source:
        return None
    state = reader.source(item.source)
    if state is None or not item.incident.startswith(item.source):
        return None
    if item.reason is Reason.BLIND and state.stale_position is None and state.good_at is not None:
        at = _first(reader, item, ev.SOURCE_RECOVERED) or state.good_at
        return Since(at=at, text=f"{item.source} is read again", over=True)
    if item.reason is Reason.RECOVERED and state.stale_position is not None:
        stale = reader.event(state.stale_position)
        return None if stale is None else Since(at=stale.event.occurred_at, text=f"{item.source} is down again")
    if item.reason is Reason.HELD and not any(_holding(item, reader, state.anomaly_position)):
        ended = _first(reader, item, ev.SOURCE_RECOVERED, ev.SOURCE_HOLD_ENDED, ev.PRICE_CHANGED) or state.looked_at
        return None if ended is None else Since(at=ended, text=f"{item.source} holds nothing back any more", over=True)
    return None


def _first(reader: Reader, item: Item, *types: str) -> datetime | None:
    """Return when the first event of these types befell the source of an item after what the item tells."""
    events = [
        recorded.event
        for type in types
        for recorded in reader.events(EventQuery(type=type, source=item.source, after=item.position, limit=1))
    ]
    return min((event.occurred_at for event in events), default=None)


def _holding(item: Item, reader: Reader, anomaly: int | None) -> Iterator[bool]:
    """Yield whether what an item says is held is still held: by the source's anomaly, or as a price."""
    yield anomaly == item.position
    yield from (change.quarantine == item.position for change in reader.pending_changes(item.source))


def _turned(item: Item, fresh: Item, now: datetime) -> Since | None:
    """Return how the gate's answer moved although the entry did not: by time, or with its fallback."""
    if fresh.denied != item.denied:
        allowed = "production is allowed" if not fresh.refusal else "existing callers are allowed"
        over = item.reason is Reason.STALE and not fresh.refusal
        return Since(at=now, text=f"production is denied: {fresh.refusal}" if fresh.denied else allowed, over=over)
    if bool(item.refusal) != bool(fresh.refusal):
        over = item.reason is Reason.STALE and not fresh.refusal
        text = f"production is denied: {fresh.refusal}" if fresh.refusal else "production is allowed"
        return Since(at=now, text=text, over=over)
    if fresh.fallback == item.fallback and fresh.fallback_allowed != item.fallback_allowed:
        text = f"its fallback {fresh.fallback} is {'allowed' if fresh.fallback_allowed else 'denied'}"
        return Since(at=now, text=text, over=item.reason is Reason.FALLBACK_LOST and fresh.fallback_allowed)
    return None
