"""Playing a kept history under one policy: by the real pipeline, in a scratch store, on the history's own clock.

What people did is done again at the time at which they did it, as soon as it can be: an act that a still pending change
forbids waits for it. They go on without the checks that no source verifies: whether those were right is not asked.
A pause that the log has not is resumed by the simulation at once, so that the next one shows as well.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Protocol

from monitor.audit.replay import ReplayedUseCases, muted, suppose_visible
from monitor.audit.what_if.kept_history import STOPS, KeptHistory, Sight
from monitor.audit.what_if.stops import Stop, counterpart, stop_of
from monitor.core import events as ev
from monitor.core.accepted_configuration import Document
from monitor.core.changes import patch
from monitor.core.check_names import SAFETY_REVIEW
from monitor.core.configuration import Configuration, SourceSpec
from monitor.core.content import PREFIX, facts_text, name_of
from monitor.core.entry import Entry, Status
from monitor.core.events import Recorded
from monitor.core.facts import Body, Facts, Known, Observation, Snapshot
from monitor.core.ports import Clock, EventQuery, Refused, Store
from monitor.registry import checklist, safety
from monitor.registry.acceptance import Going
from monitor.registry.maintenance import Maintenance

ACTOR = "simulation"
DAY = timedelta(days=1)
"""How often a source is polled while nothing about it is open: what nothing changes, nothing can pause on."""

PLAYED_ON = timedelta(days=30)
"""For how long after the end of the log what is open is played on at most."""

_VIA = {"channel": ACTOR}


class SimulatedUseCases(ReplayedUseCases, Protocol):
    """What a simulation does to its store."""

    @property
    def maintenance(self) -> Maintenance: ...


class Evidence(Protocol):
    """Reads what the log kept: facts by the hash of their blob, and what a source's reader makes of stored bytes (None
    where that cannot be said, as of bytes that another version of it read).
    """

    def facts(self, hash: str) -> Facts: ...

    def read(self, spec: SourceSpec, sight: Sight, at: datetime) -> Snapshot | None: ...


@dataclass(frozen=True, slots=True)
class _Configured:
    """The configuration that holds in the simulation, and what can be done under it."""

    configuration: Configuration
    use_cases: SimulatedUseCases


@dataclass(slots=True)
class _Shown:
    """What a source shows at the simulation's time, from its sights so far."""

    sights: Sequence[Sight]
    read: int = 0
    facts: Facts | None = None
    extractor: str = ""
    held: Sight | None = None

    def at(self, now: datetime, evidence: Evidence) -> Sight | None:
        """Go on to a time; return the sight of bytes that shows then, None where the facts do."""
        while self.read < len(self.sights) and self.sights[self.read].at <= now:
            sight = self.sights[self.read]
            self.read += 1
            if sight.evidence:
                self.held = sight
                continue
            self.facts = evidence.facts(sight.baseline) if sight.baseline else patch(self.facts or {}, sight.changes)
            self.extractor = sight.extractor
        if self.held is not None and self.held.until is not None and self.held.until < now:
            self.held = None
        return self.held


@dataclass(slots=True, kw_only=True)
class Simulation:
    """One playing of a history; `run` once.

    Attributes:
        store: an empty store of its own.
        stops: the pauses of the log, which people resume as they did.
        configured: makes a configuration of a kept document, under the policy that is tried.
        carry: how often a source is polled while something about it is open; None for its own setting.
        end: the time at which the log ends.
    """

    store: Store
    history: KeptHistory
    stops: Sequence[Stop]
    evidence: Evidence
    configured: Callable[[Document], Configuration]
    use_cases: Callable[[Configuration, Clock], SimulatedUseCases]
    end: datetime
    carry: timedelta | None = None
    refused: list[str] = field(default_factory=list)
    _now: datetime = field(init=False)
    _in_force: _Configured = field(init=False)
    _shown: dict[str, _Shown] = field(init=False)
    _polled: dict[str, datetime] = field(default_factory=dict)
    _ticks: list[tuple[datetime, str]] = field(default_factory=list)
    _waiting: dict[str, tuple[Recorded, str]] = field(default_factory=dict)
    _unanswered: set[str] = field(default_factory=set)

    def run(self) -> list[Stop]:
        """Play the history; return the pauses that the policy made.

        What was refused for good stands in `refused` afterwards, in sentences.
        """
        self._shown = {key: _Shown(sights) for key, sights in self.history.sights.items()}
        for at, moment in self._moments():
            self._now = at
            if isinstance(moment, str):
                self._poll(moment)
            elif isinstance(moment, Recorded):
                self._waiting[_about(moment)] = (moment, "")
            else:
                self._configure(moment)
            self._act()
        self.refused += [
            f"{recorded.event.type} of {recorded.event.subject} at {ev.rfc3339(recorded.recorded_at)} could not be "
            f"done again: {why}."
            for recorded, why in self._waiting.values()
            if why
        ]
        with self.store.read() as reader:
            stopped = [
                recorded
                for recorded in reader.events(EventQuery(type="entry.pause*"))
                if recorded.event.type in STOPS and "by" not in recorded.event.data
            ]
        return [stop_of(recorded) for recorded in stopped]

    def clock(self) -> datetime:
        """Return the time of the simulation."""
        return self._now

    # -- what happens when -----------------------------------------------------

    def _moments(self) -> Iterator[tuple[datetime, str | Recorded | Document]]:
        """Yield what happens, in order: configurations, then polls, then acts of the same time; the polls that come of
        others are put in between.
        """
        fixed: list[tuple[datetime, int, int, str | Recorded | Document]] = sorted(
            chain(
                ((loaded.at, 0, number, loaded.document) for number, loaded in enumerate(self.history.configurations)),
                ((at, 1, number, key) for number, (key, at) in enumerate(self._fixed_polls())),
                ((act.recorded_at, 2, number, act) for number, act in enumerate(self.history.acts)),
            ),
            key=lambda moment: moment[:3],
        )
        for at, _, _, moment in fixed:
            while self._ticks and self._ticks[0][0] < at:
                yield heapq.heappop(self._ticks)
            yield at, moment
        # What was open when the log ends is played on, as if it had stood: `compare` says that of it.
        while self._ticks and self._ticks[0][0] <= self.end + PLAYED_ON and self._open():
            yield heapq.heappop(self._ticks)

    def _open(self) -> bool:
        with self.store.read() as reader:
            return any(change.seen and change.quarantine is None for change in reader.pending_changes())

    def _fixed_polls(self) -> Iterator[tuple[str, datetime]]:
        for key, sights in self.history.sights.items():
            times = {sight.at for sight in sights} | {sight.until for sight in sights if sight.until}
            yield from ((key, at) for at in times | self.history.polled[key])

    def _configure(self, document: Document) -> None:
        configuration = muted(self.configured(document))
        self._in_force = _Configured(configuration, self.use_cases(configuration, self.clock))
        self._in_force.use_cases.declare()

    # -- polls -----------------------------------------------------------------

    def _poll(self, key: str) -> None:
        spec = self._in_force.configuration.sources.get(key)
        last = self._polled.get(key)
        if spec is None or (last is not None and last >= self._now):
            return
        if (until := self._out_of_reach(key)) is not None:
            heapq.heappush(self._ticks, (until, key))
            return
        snapshot = self._snapshot(spec)
        if snapshot is None:
            return
        self._polled[key] = self._now
        source = _KeptSource(spec, snapshot)
        outcome = self._in_force.use_cases.poller(lambda _: source).record(key, snapshot)
        every = spec.every if self.carry is None else self.carry
        again = self._now + DAY if outcome.again is None else min(max(outcome.again, self._now), self._now + every)
        heapq.heappush(self._ticks, (max(again, self._now + timedelta(seconds=1)), key))
        for prompted in outcome.ask:
            heapq.heappush(self._ticks, (self._now + timedelta(seconds=1), prompted))
        self._in_force.use_cases.tender(cadence={key: self.end - self._now + DAY}).tend(self._now, [key])
        self._note_pauses()

    def _out_of_reach(self, key: str) -> datetime | None:
        """Return when an outage ends that runs now; None where none does."""
        for since, until in self.history.outages[key]:
            if since <= self._now and (until is None or self._now < until):
                return until or self.end + DAY
        return None

    def _snapshot(self, spec: SourceSpec) -> Snapshot | None:
        shown = self._shown.get(spec.key)
        if shown is None:
            return None
        bytes_shown = shown.at(self._now, self.evidence)
        if shown.facts is None:
            return None
        if bytes_shown is not None and (read := self.evidence.read(spec, bytes_shown, self._now)) is not None:
            return read
        content = facts_text(shown.facts).encode()
        body = Body(content=content, sha256=name_of(content).removeprefix(PREFIX), size=len(content))
        return Snapshot(source=spec.key, at=self._now, facts=shown.facts, extractor=shown.extractor, body=body)

    # -- people ----------------------------------------------------------------

    def _note_pauses(self) -> None:
        """Note the pauses that nobody resumed in the log, since it has none of them."""
        with self.store.read() as reader:
            for key, entry in reader.entries().items():
                if entry.status is not Status.PAUSED or entry.pause is None:
                    continue
                paused = reader.event(entry.pause)
                by_policy = paused is not None and "by" not in paused.event.data
                if paused is not None and by_policy and counterpart(stop_of(paused), self.stops) is None:
                    self._unanswered.add(key)

    def _act(self) -> None:
        """Do what people did and what is due, as far as it can be done now."""
        with self.store.read() as reader:
            entries = reader.entries()
        for about, (recorded, _) in list(self._waiting.items()):
            try:
                done = self._did(recorded, entries)
            except Refused as refusal:
                self._waiting[about] = (recorded, str(refusal))
            else:
                if done:
                    del self._waiting[about]
        for key in list(self._unanswered):
            entry = entries[key]
            if entry.status is Status.PAUSED and entry.since < self._now:
                try:
                    self._accept(entry, ev.ENTRY_RESUMED, ACTOR, "the log has no such pause")
                except Refused:
                    continue
            if entry.status is not Status.PAUSED or entry.since < self._now:
                self._unanswered.discard(key)

    def _did(self, recorded: Recorded, entries: Mapping[str, Entry]) -> bool:
        """Do again what a person did; return whether that was possible, or has become void.

        Raises:
            Refused: it is not possible yet.
        """
        event, data = recorded.event, recorded.event.data
        if event.type == ev.PRICE_CHANGED:
            return self._release(recorded)
        key = ev.entry_key(event)
        entry = entries.get(key)
        if entry is None:
            return False
        operator, person = self._in_force.use_cases.operator, {"by": data["by"], "reason": data["reason"], "via": _VIA}
        if event.type == ev.ENTRY_ACTIVATED:
            self._activate(entry, recorded)
        elif event.type == ev.ENTRY_RESUMED:
            # Of a pause that was spared, or that has not come yet.
            if entry.status is not Status.PAUSED:
                return False
            if self._began(entry) > recorded.recorded_at:
                return True
            self._accept(entry, event.type, data["by"], data["reason"], waived=data.get("waived", ()))
        elif event.type == ev.ENTRY_PAUSED and entry.status is Status.ACTIVE:
            operator.pause(key, **person)
        elif event.type == ev.ENTRY_RETIRED:
            operator.retire(key, **person)
        elif event.type == ev.ENTRY_WINDOW_OPENED:
            begin, end = (datetime.fromisoformat(data[name]) for name in ("from", "until"))
            if end > self._now:
                self._in_force.use_cases.maintenance.open(
                    key, start=begin, end=end, changes=tuple(data["changes"]), **person
                )
        return True

    def _began(self, entry: Entry) -> datetime:
        """Return when what paused an entry began to show."""
        with self.store.read() as reader:
            paused = None if entry.pause is None else reader.event(entry.pause)
        return entry.since if paused is None else stop_of(paused).since

    def _release(self, recorded: Recorded) -> bool:
        event = recorded.event
        with self.store.read() as reader:
            quarantines = [
                change.quarantine
                for change in reader.pending_changes(event.source)
                if change.seen and change.quarantine is not None and change.fact.subject.name == event.subject
            ]
        for position in quarantines:
            self._in_force.use_cases.operator.release(
                position, by=event.data["by"], reason=event.data.get("reason", ""), via=_VIA
            )
        self._note_pauses()
        return bool(quarantines)

    def _activate(self, entry: Entry, recorded: Recorded) -> None:
        data = recorded.event.data
        if entry.status is Status.WAITING and "visibility" in self._unfed(entry):  # whoever activated it saw it listed
            with self._in_force.use_cases.begin() as unit:
                suppose_visible(unit, entry.key, self._in_force.configuration)
        elif entry.status is Status.WAITING:
            raise Refused("the list that is played does not show its model")
        if entry.status in (Status.WAITING, Status.EVALUATING, Status.ACTIVE):
            self._accept(entry, recorded.event.type, data["by"], data["reason"], waived=data.get("waived", ()))

    def _unfed(self, entry: Entry) -> frozenset[str]:
        """Return the checks that an acceptance asks for and that no source which is played verifies."""
        needs = {*checklist.required(entry), *checklist.asked(entry)}
        if safety.by_caller(entry):
            needs.add(SAFETY_REVIEW)
        specs = self._in_force.configuration.sources
        fed = (checklist.fed_by(specs[key], entry) for key in self.history.sights if key in specs)
        return frozenset(needs).difference(*fed)

    def _accept(self, entry: Entry, kind: str, by: str, reason: str, *, waived: Iterable[str] = ()) -> None:
        """Accept what is confirmed, without the checks that nothing here verifies and those that the person waived."""
        operator = self._in_force.use_cases.operator
        needs = {*checklist.required(entry), *checklist.asked(entry)}
        going = Going(waived=self._unfed(entry) | needs.intersection(waived))
        going = replace(going, losses=frozenset(operator.preview(entry.key, kind, going).closed))
        act = operator.activate if kind == ev.ENTRY_ACTIVATED else operator.resume
        act(entry.key, by=by, reason=reason, via=_VIA, going=going)


def _about(recorded: Recorded) -> str:
    """Name what an act is about: a later one on the same takes its place."""
    event = recorded.event
    return f"{event.stream}/{event.subject}" if event.type == ev.PRICE_CHANGED else event.stream


class _KeptSource:
    """A source that is never fetched; read anew by another version, it is what it shows now."""

    def __init__(self, spec: SourceSpec, shown: Snapshot) -> None:
        self.spec = spec
        self.extractor = shown.extractor
        self._shown = shown

    def observe(self, now: datetime, known: Known | None) -> Observation:
        """Show what is shown now."""
        return replace(self._shown, at=now)

    def extract(self, body: Body, at: datetime) -> Observation:
        """Read what is shown now, as of a time."""
        return replace(self._shown, at=at)
