"""What time alone does: sources go blind, checks pass their date, a window of calls ends, measurements grow old. Called
now and then; writes only when something is due.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from monitor.core import events as ev
from monitor.core import logs
from monitor.core.configuration import OFFICIAL, Configuration, SourceSpec
from monitor.core.entry import CheckState, Entry, Status
from monitor.core.events import source_stream
from monitor.core.facts import SourceState
from monitor.core.ports import AskGate, EventQuery, Reader, Store
from monitor.detection.drift import Drift, record_shift
from monitor.detection.outages import incident, quoted
from monitor.detection.stored_baselines import current_baselines
from monitor.registry import acknowledgements, check_expiry, checklist, fallbacks, maintenance, policy
from monitor.registry.earlier_acceptances import unpinned
from monitor.registry.reminders import PRICE, SHUTDOWN, OwnerMessage, Reminder, agenda, due, fallback_ends, reminded
from monitor.registry.transitions import RegistryTransaction
from monitor.registry.unit_of_work import Begin

WARN = 2
"""A source is called stale after its freshness divided by this, so that someone can act before production is denied."""


MISSED = 2
"""A source that is polled seldom is called stale only after as many of its polls were missed."""

TENDED = "tended"
"""The name under which it is kept what was done when."""

AGENDA = timedelta(hours=1)
"""How often the agenda is read."""

ANNOUNCING = {SHUTDOWN: "lifecycle.*", PRICE: ev.PRICE_ANNOUNCED}
"""Kind of a dated thing → the events by which its owners were told of it."""


def limit(configuration: Configuration, spec: SourceSpec) -> timedelta:
    """How long the last good poll of a source is relied on."""
    return configuration.gate.freshness if spec.surface else configuration.gate.price_freshness


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How long what stands beside the log is kept: measurements of calls, and the bytes of evidence that no event
    names. The log itself is kept for good.
    """

    measurements: timedelta
    evidence: timedelta


class Tender:
    """Lets what nobody polled go stale, and tells of routes that answer differently than they did.

    `cadence` lengthens the limit of single sources: a recorded history is not blind between two of its polls.
    What is older than its `keeping` is dropped once a day; None drops nothing. What was done when is kept in the store
    where several nodes do this in turn (`shared`).
    """

    def __init__(
        self,
        store: Store,
        configuration: Configuration,
        *,
        begin: Begin,
        ask_gate: AskGate,
        cadence: Mapping[str, timedelta] | None = None,
        keeping: Keeping | None = None,
        shared: bool = False,
    ) -> None:
        self._store = store
        self._configuration = configuration
        self._begin = begin
        self._ask_gate = ask_gate
        self._cadence = cadence or {}
        self._keeping = keeping
        self._shared = shared
        self._forgot: date | None = None
        self._drift = Drift(configuration)
        self._ahead_at: datetime | None = None

    def tend(self, now: datetime, sources: Collection[str] | None = None) -> int:
        """Write what is due, of the named sources or of all; returns how many events that was."""
        if self._shared:
            self._recall()
        before = self._done()
        self._forget(now)
        try:
            return self._tend(now, sources)
        finally:
            if self._shared and self._done() != before:
                with self._store.write() as tx:
                    tx.put_working_state(TENDED, json.dumps(self._done()), now)

    def _recall(self) -> None:
        """Know what another node has done; what it did under another configuration counts for nothing."""
        with self._store.read() as reader:
            content = reader.working_state(TENDED)
        version, forgot, ahead_at = json.loads(content) if content else ("", None, None)
        if version == self._configuration.version:
            self._forgot = None if forgot is None else date.fromisoformat(forgot)
            self._ahead_at = None if ahead_at is None else datetime.fromisoformat(ahead_at)

    def _done(self) -> list[str | None]:
        times = (self._forgot, self._ahead_at)
        return [self._configuration.version, *(None if at is None else at.isoformat() for at in times)]

    def _tend(self, now: datetime, sources: Collection[str] | None) -> int:
        with self._store.read() as reader:
            hourly = self._looks_ahead(now)
            ahead = hourly and bool(self._ahead(reader, now))
            entries = reader.entries()
            if not (
                ahead
                or (hourly and self._unpinned(reader, now))
                or self._unheard(entries, now)
                or self._blind(reader, now, sources)
                or _past(entries, now)
                or self._aged(reader, entries, now, sources)
                or maintenance.ended(entries, now)
                or self._drift.shifts(reader, now, sources)
                or self._fallen(reader, entries, now)
            ):
                return 0
        with self._begin(now) as unit:
            tx, register = unit.tx, unit.register
            for spec, state in self._blind(tx, now, sources):
                position = self._stale(register, spec, state, now, incident(tx, self._configuration, spec))
                tx.put_source(replace(state, stale_position=position))
            for key in _past(register.entries, now):
                policy.expire(register, key, at=now)
            for key, window in maintenance.ended(register.entries, now):
                maintenance.end_window(tx, self._configuration, register, key, window, now)
            check_expiry.expire(register, self._aged(tx, register.entries, now, sources), now)
            for key, reminders in self._ahead(tx, now).items() if ahead else ():
                policy.remind(register, key, reminders, at=now)
            for key, message in self._unpinned(tx, now).items() if hourly else ():
                reminded(register, key, message, at=now)
            rules, owners = self._configuration.attention, self._configuration.owners
            for key, count in self._unheard(register.entries, now).items():
                acknowledgements.repeat(register, key, count, at=now, rules=rules, owners=owners)
            for spec, span, shift in self._drift.shifts(tx, now, sources):
                record_shift(register, spec, span, shift)
            fallbacks.judge(register, self._ask_gate(tx, self._configuration, now, register.entries), now)
            unit.refresh = bool(register.moved)  # what time did to an entry may have moved its dates alone
        return len(register.events)

    def _forget(self, now: datetime) -> None:
        """Drop what is older than it is kept for, once a day."""
        keeping = self._keeping
        if keeping is None or self._forgot == now.date():
            return
        # Which evidence the log names is read before the writer's lock is taken: it is a pass over all of it.
        with self._store.read() as reader:
            head, unreferenced = reader.head(), reader.unreferenced_evidence(now - keeping.evidence)
        with self._store.write() as tx:
            tx.forget_measurements(now - keeping.measurements)
            pruned = tx.prune_evidence(unreferenced, head)
        self._forgot = now.date()
        if pruned:
            size = sum(piece.size for piece in pruned)
            logs.line("evidence pruned that no event names", pieces=len(pruned), bytes=size)

    def _aged(
        self, reader: Reader, entries: Mapping[str, Entry], now: datetime, sources: Collection[str] | None
    ) -> check_expiry.Aged:
        return check_expiry.aged(reader, self._configuration, entries, now, sources=sources, cadence=self._cadence)

    def _unheard(self, entries: Mapping[str, Entry], now: datetime) -> dict[str, int]:
        """List the entries whose pause should be said again, and for which time."""
        counts = {
            key: acknowledgements.unacknowledged(entry, now, self._configuration.attention)
            for key, entry in entries.items()
        }
        return {key: count for key, count in counts.items() if count}

    def _fallen(self, reader: Reader, entries: Mapping[str, Entry], now: datetime) -> bool:
        """Whether a fallback stands otherwise than it stood, though no entry moved: it grew too old,
        or was read again.
        """
        if not any(entry.alive and entry.spec.fallback for entry in entries.values()):
            return False
        register = RegistryTransaction(reader.head(), entries)
        fallbacks.judge(register, self._ask_gate(reader, self._configuration, now, register.entries), now)
        return bool(register.events)

    def _looks_ahead(self, now: datetime) -> bool:
        """Whether it is time to read the agenda: what has a day need not be looked up every minute."""
        before, due = self._ahead_at, False
        if before is None or not before <= now < before + AGENDA:
            self._ahead_at, due = now, True
        return due

    def _ahead(self, reader: Reader, now: datetime) -> dict[str, list[Reminder]]:
        """List what should be said now of what comes, by entry."""
        specs = self._configuration.sources.values()
        known = current_baselines(reader, self._configuration.sources)
        by_entry: dict[str, list[Reminder]] = {}
        entries = reader.entries()
        for key, entry in entries.items():
            if not entry.alive or not entry.spec.model_id:
                continue
            dated = agenda(entry, known, [spec for spec in specs if policy.depends_on(entry, spec)])
            fallback = entries.get(entry.spec.fallback)
            if fallback is not None and entry.status in fallbacks.USED:
                dated += fallback_ends(fallback, known)
            reminders = [
                reminder for reminder in due(entry, dated, now.date()) if not self._announced(reader, reminder)
            ]
            if reminders:
                by_entry[key] = reminders
        return by_entry

    def _unpinned(self, reader: Reader, now: datetime) -> dict[str, OwnerMessage]:
        """List what should be said of entries that an earlier version accepted."""
        known = current_baselines(reader, self._configuration.sources)
        return unpinned(reader, self._configuration, reader.entries(), known, now)

    def _announced(self, reader: Reader, reminder: Reminder) -> bool:
        """Whether the announcement itself came since the step of a reminder was passed: the one says what the other
        would.
        """
        since = datetime.combine(reminder.crossed, time(), UTC)
        query = EventQuery(type=ANNOUNCING.get(reminder.dated.what, "-"), subject=reminder.dated.name, since=since)
        return any(
            record.event.data.get("date") == reminder.dated.day.isoformat()
            and record.event.data.get("trust", OFFICIAL) == OFFICIAL
            for record in reader.events(query)
        )

    def _blind(
        self, reader: Reader, now: datetime, sources: Collection[str] | None
    ) -> list[tuple[SourceSpec, SourceState]]:
        states = reader.sources()
        return [
            (spec, states[key])
            for key, spec in self._configuration.sources.items()
            if key in states
            and (sources is None or key in sources)
            and (good_at := states[key].good_at) is not None
            and states[key].stale_position is None
            and now - good_at
            > max(limit(self._configuration, spec) / WARN, MISSED * spec.every, self._cadence.get(key, timedelta(0)))
        ]

    def _stale(
        self, register: RegistryTransaction, spec: SourceSpec, state: SourceState, now: datetime, words: str
    ) -> int:
        good_at = state.good_at or now
        active = [entry for entry in register.entries.values() if entry.status is Status.ACTIVE]
        denies = [entry.key for entry in active if _needs(entry, spec)]
        return register.add(
            ev.SOURCE_STALE,
            source_stream(spec.key),
            spec.key,
            at=now,
            source=spec.key,
            cause=state.outage_position or state.anomaly_position,
            data={
                "reason": state.outage or state.anomaly or ev.NO_GOOD_POLL,
                "last_good": ev.rfc3339(good_at),
                "denied_at": ev.rfc3339(good_at + limit(self._configuration, spec)),
                "denies": denies,
                "unseen": [entry.key for entry in active if entry.key not in denies and _rests(entry, spec)],
                **quoted(words),
            },
        )


def _needs(entry: Entry, spec: SourceSpec) -> bool:
    """Whether a required check of an entry is verified by a source, so that production is denied once
    nothing reads it.
    """
    return policy.depends_on(entry, spec) and not set(checklist.required(entry)).isdisjoint(
        checklist.fed_by(spec, entry)
    )


def _rests(entry: Entry, spec: SourceSpec) -> bool:
    """Whether a required check of an entry rests on a document: while nothing reads it, a change of it unsettles
    nothing.
    """
    named = spec.options.get("makes_stale", ())
    return (
        isinstance(named, tuple)
        and policy.depends_on(entry, spec)
        and not set(checklist.required(entry)).isdisjoint(named)
    )


def _past(entries: Mapping[str, Entry], now: datetime) -> list[str]:
    return [
        key
        for key, entry in entries.items()
        if entry.alive
        and any(
            check.state is CheckState.VERIFIED and check.until is not None and check.until <= now
            for check in entry.checks.values()
        )
    ]
