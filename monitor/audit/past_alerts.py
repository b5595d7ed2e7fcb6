"""What was open at a time, as far as the log says: pauses, what people had begun, sources that could not be relied on,
prices that were held back. What production was answered, how nodes stood and what was being counted is not in the log.

Reading only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from shlex import quote

from monitor.audit import queries
from monitor.audit.alerts import Alert, AlertKind, by_urgency, of_people, of_silences, paused
from monitor.audit.outages import OutageKind, OutageRow, outages
from monitor.audit.reading import merged, of_types
from monitor.core import events as ev
from monitor.core.configuration import Configuration
from monitor.core.entry import Status
from monitor.core.event_types import in_words
from monitor.core.events import Event
from monitor.core.ports import EventQuery, Reader
from monitor.core.price import Meter
from monitor.gate.state import reason
from monitor.notify.answers import holders

NOT_IN_LOG = frozenset({AlertKind.DENIED, AlertKind.NODE, AlertKind.PENDING})
"""What is known of now alone."""

_OUTAGES = {
    OutageKind.DOWN: AlertKind.SOURCE_DOWN,
    OutageKind.STALE: AlertKind.SOURCE_STALE,
    OutageKind.HELD: AlertKind.HELD,
}
_PRICE_MOVES = (ev.PRICE_LISTED, ev.PRICE_CHANGED, ev.PRICE_REMOVED, ev.PRICE_REPORTED)
_FOLLOWING = ("source.", "entry.", "check.", "notice.")
"""How the types of events begin that a hold may cause while it lasts; any other is what stood in the end."""


def past_alerts(reader: Reader, configuration: Configuration, at: datetime) -> list[Alert]:
    """Return what was open at a time, in the order of `alerts`; also what decided nothing yet."""
    sources = queries.sources_then(reader, configuration, at)
    renamed = {was: key for key, was in configuration.former_sources.items()}
    of_sources = [
        replace(alert, subject=renamed.get(alert.subject, alert.subject))
        for alert in (*_of_outages(reader, at), *_held_back(reader, at))
    ]
    return by_urgency([*_of_entries(reader, at), *(alert for alert in of_sources if alert.subject in sources)], at)


def _of_entries(reader: Reader, at: datetime) -> Iterator[Alert]:
    entries = queries.entries(reader, at=at)
    having = holders(reader, entries, at)
    for key, entry in entries.items():
        if entry.status is Status.PAUSED:
            yield paused(entry, having.get(key))
        elif entry.status in (Status.WAITING, Status.EVALUATING):
            yield Alert(
                kind=AlertKind.NOT_ACTIVATED,
                subject=key,
                since=entry.since,
                what=reason(entry),
                position=entry.status_position,
                command=f"access-monitor checklist {quote(key)}",
            )
        if entry.alive:
            yield from of_people(entry, at)
    yield from of_silences(reader, at, entries)


def _of_outages(reader: Reader, at: datetime) -> Iterator[Alert]:
    """Yield what could not be relied on of sources: one that is down is not also stale."""
    lasting = [row for row in outages(reader, at, until=at) if row.ended_at is None and row.kind in _OUTAGES]
    down = {row.subject for row in lasting if row.kind is OutageKind.DOWN}
    for row in lasting:
        hidden = row.subject in down if row.kind is OutageKind.STALE else _stood(reader, row, at)
        if not hidden:
            yield _of_outage(row)


def _stood(reader: Reader, row: OutageRow, at: datetime) -> bool:
    """Return whether what was held has stood, and was taken: the changes name the hold as their cause."""
    if row.kind is not OutageKind.HELD:
        return False
    effects = reader.events(EventQuery(cause=row.position, source=row.subject, until=at))
    types = [effect.event.type for effect in effects]
    return any(type == ev.BASELINE_RECORDED or not type.startswith(_FOLLOWING) for type in types)


def _of_outage(row: OutageRow) -> Alert:
    return Alert(
        kind=_OUTAGES[row.kind],
        subject=row.subject,
        since=row.began_at,
        what=row.what,
        position=row.position,
        command=f"access-monitor sources {quote(row.subject)}",
    )


def _held_back(reader: Reader, at: datetime) -> Iterator[Alert]:
    """Yield the prices that were held back and neither let in nor taken back."""
    quarantined = reader.events(EventQuery(type=ev.PRICE_QUARANTINED, until=at))
    newest = {_price(recorded.event): recorded.event for recorded in quarantined}
    for event in newest.values():
        if not _over(reader, event, at):
            yield Alert(
                kind=AlertKind.HELD,
                subject=event.source,
                since=event.occurred_at,
                what=f"{event.subject} {in_words(event)}",
                position=event.position,
                command=f"access-monitor release {event.position} --by YOU --reason WHY",
            )


def _over(reader: Reader, held: Event, at: datetime) -> bool:
    """Return whether a price that was held back was so no more at a time."""
    later = EventQuery(source=held.source, after=held.position, until=at)
    effects = of_types((*_PRICE_MOVES, ev.SOURCE_HOLD_ENDED), replace(later, cause=held.position))
    anew = replace(later, type=ev.BASELINE_RECORDED)
    if any(True for query in (*effects, anew) for _ in reader.events(replace(query, limit=1))):
        return True
    moves = merged(reader, of_types(_PRICE_MOVES, replace(later, subject=held.subject)))
    return any(_price(recorded.event)[1:] == _price(held)[1:] for recorded in moves)


def _price(event: Event) -> tuple[str, str, str, Meter]:
    """Say whose price an event is about: source, provider, model and meter."""
    return event.source, event.data["provider"], event.subject, Meter.named_in(event.data)
