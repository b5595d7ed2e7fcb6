"""How each source stands: whether it is read, how old its last good poll is, and what of it is not confirmed.

Reading only; commands, HTTP and pages show the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from monitor.audit.node_status import polled_by
from monitor.core import events as ev
from monitor.core.configuration import Configuration, SourceSpec
from monitor.core.facts import LISTED, Fact, PendingChange, Refusal, Snapshot, SourceState, Value
from monitor.core.names import no_such
from monitor.core.ports import EventQuery, Reader, Refused, Source
from monitor.core.price import PREFIX, Meter
from monitor.core.text import value_in_words
from monitor.registry.housekeeping import MISSED, limit


class SourceCondition(StrEnum):
    """How a source stands, the most serious first."""

    DOWN = "down"  # the last poll could not be read
    STALE = "stale"  # the last good poll is older than what rests on it allows
    HELD = "held"  # it is read, and a part of the answer is held for review
    UNPOLLED = "unpolled"  # nothing was ever read of it
    OK = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingRow:
    """A difference of a source that is not confirmed yet.

    Attributes:
        subject: Whom it is about.
        what: What differs, in words: `listed: yes → gone`.
        polls: How many good polls showed it.
        since: The first poll that did.
        until: When it is confirmed at the earliest, where it is held; None otherwise.
        held: Whether it is held for review.
        position: The event that says why it is held; what `release` takes where it is a price.
        release: Whether a person may let it in with `release`.
    """

    subject: str
    what: str
    polls: int
    since: datetime
    until: datetime | None
    held: bool
    position: int | None
    release: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """One source.

    Attributes:
        key: Its key.
        kind: Its kind.
        trust: Whose word it is, `official` or `third_party`.
        url: Its address without the values of its query; empty where it has none.
        state: How it stands.
        since: Since when it is down or held; None otherwise.
        good_at: The last good poll; None where there was none.
        polled_at: The last poll, whatever came of it.
        fresh_until: Until when the last good poll is relied on.
        every: How often it is polled.
        error: Why the last poll that failed did, in words; empty where none is recorded.
        error_at: When an outage with this reason began.
        subjects: How many subjects its baseline has.
        pending: The differences that are counted and not confirmed.
        held: Those that are held for review.
        anomaly: Why something is held, in one word; empty where nothing is.
        position: The event that says why it is down or held.
        refused: The parts that were not understood; None where nobody asked for them.
        node: The node that polled it last; empty where there is one daemon.
    """

    key: str
    kind: str
    trust: str
    url: str
    state: SourceCondition
    since: datetime | None
    good_at: datetime | None
    polled_at: datetime | None
    fresh_until: datetime | None
    every: timedelta
    error: str
    error_at: datetime | None
    subjects: int
    pending: tuple[PendingRow, ...]
    held: tuple[PendingRow, ...]
    anomaly: str
    position: int | None
    refused: tuple[Refusal, ...] | None = None
    node: str = ""


def find_source(configuration: Configuration, key: str) -> SourceSpec:
    """Return the source of a key.

    Raises:
        Refused: none is configured.
    """
    sources = configuration.sources
    if key not in sources:
        raise Refused(no_such("source", key, sources, f"configured are: {', '.join(sources) or 'none'}"))
    return sources[key]


def source_rows(reader: Reader, configuration: Configuration, now: datetime, key: str | None = None) -> list[SourceRow]:
    """Return every configured source, or the one of this key.

    Raises:
        Refused: there is no source of this key.
    """
    specs = list(configuration.sources.values()) if key is None else [find_source(configuration, key)]
    states = reader.sources()
    pending: dict[str, list[PendingChange]] = {}
    for change in reader.pending_changes(key or ""):
        pending.setdefault(change.source, []).append(change)
    rows = [
        _row(
            reader, configuration, spec, states.get(spec.key, SourceState(key=spec.key)), pending.get(spec.key, ()), now
        )
        for spec in specs
    ]
    nodes = polled_by(reader, configuration)
    return [replace(row, node=nodes[row.key]) for row in rows] if nodes else rows


def newest_evidence(reader: Reader, key: str) -> str:
    """Name the stored bytes of a source that show best what of it is understood: those of the poll since which a part
    cannot be read, else those of its baseline; empty where there are none.
    """
    state = reader.source(key)
    if any(not change.seen for change in reader.pending_changes(key)):
        query = EventQuery(type=ev.SOURCE_REFUSED, source=key, newest_first=True, limit=1)
        for recorded in reader.events(query):
            return recorded.event.evidence
    return "" if state is None else state.evidence


def refused_parts(
    source: Callable[[str], Source], reader: Reader, key: str, now: datetime
) -> tuple[Refusal, ...] | None:
    """Read the newest evidence of a source anew, and return what of it is not understood; None where there is no
    evidence. `source` makes the source of a key.

    Raises:
        MonitorError: nothing can read it now.
    """
    evidence = newest_evidence(reader, key)
    body = reader.evidence(evidence) if evidence else None
    if body is None:
        return None
    reading = source(key).extract(body, now)
    return reading.refused if isinstance(reading, Snapshot) else None


def fact_in_words(fact: Fact, value: Value | None, *, current: Value | None = None) -> str:
    """Say a difference of one fact: `standard input: 1.00 → 0.20`; None is one that is gone or was not there."""
    if fact.field == LISTED:
        return "no longer listed" if value is None else "newly listed"
    name = fact.field
    if name.startswith(PREFIX):
        name = Meter.of(name).in_words
    before = "" if current is None else f"{value_in_words(current)} → "
    return f"{name}: {before}{value_in_words(value)}"


def _row(
    reader: Reader,
    configuration: Configuration,
    spec: SourceSpec,
    state: SourceState,
    changes: Sequence[PendingChange],
    now: datetime,
) -> SourceRow:
    fresh_until = None if state.good_at is None else state.good_at + fresh_for(configuration, spec)
    error, error_at = _last_error(reader, state)
    facts = reader.facts(state.baseline) if changes else {}
    # All fields of a model that is gone are gone with it: that it is gone says so.
    gone = {change.fact.subject for change in changes if change.fact.field == LISTED and change.value is None}
    rows = [
        _pending(change, facts.get(change.fact.subject, {}).get(change.fact.field))
        for change in changes
        if change.seen and (change.fact.field == LISTED or change.fact.subject not in gone)
    ]
    condition = _condition(state, fresh_until, now)
    return SourceRow(
        key=spec.key,
        kind=spec.kind,
        trust=spec.trust,
        url=spec.shown_url,
        state=condition,
        since=state.outage_since if state.outage else state.anomaly_since if state.anomaly else None,
        good_at=state.good_at,
        polled_at=state.looked_at,
        fresh_until=fresh_until,
        every=spec.every,
        error=error,
        error_at=error_at,
        subjects=state.subjects,
        pending=tuple(row for row in rows if not row.held),
        held=tuple(row for row in rows if row.held),
        anomaly=state.anomaly,
        position=state.outage_position if state.outage else state.anomaly_position if state.anomaly else None,
    )


def fresh_for(configuration: Configuration, spec: SourceSpec) -> timedelta:
    """Return how long a good poll of a source is relied on: at least as long as two of its intervals."""
    return max(limit(configuration, spec), MISSED * spec.every)


def _condition(state: SourceState, fresh_until: datetime | None, now: datetime) -> SourceCondition:
    if state.outage:
        return SourceCondition.DOWN
    if fresh_until is not None and fresh_until <= now:
        return SourceCondition.STALE
    if state.anomaly:
        return SourceCondition.HELD
    return SourceCondition.UNPOLLED if state.good_at is None else SourceCondition.OK


def _last_error(reader: Reader, state: SourceState) -> tuple[str, datetime | None]:
    if state.outage and state.outage_position is not None:
        recorded = reader.event(state.outage_position)
    else:
        query = EventQuery(type=ev.SOURCE_FAILED, source=state.key, newest_first=True, limit=1)
        recorded = next(reader.events(query), None)
    if recorded is None:
        return state.outage, state.outage_since
    data = recorded.event.data
    return f"{data['reason']}: {data['detail']}" if data.get("detail") else data["reason"], recorded.event.occurred_at


def _pending(change: PendingChange, current: Value | None) -> PendingRow:
    return PendingRow(
        subject=change.fact.subject.name,
        what=fact_in_words(change.fact, change.value, current=current),
        polls=change.seen,
        since=change.first_at,
        until=change.held_until,
        held=change.held_until is not None or change.quarantine is not None,
        position=change.quarantine or change.anomaly,
        release=change.quarantine is not None,
    )
