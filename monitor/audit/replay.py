"""Running recorded observations through the real pipeline, on the clock of the recording.

Nothing is sent and nothing waits. What differs from a live run is only who polls: a `ReplayedRecording` stands where a
source's fetch would, and the source's own reader makes facts of it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Protocol

from monitor.core import events as ev
from monitor.core.configuration import Attention, Configuration
from monitor.core.entry import Entry, Status
from monitor.core.events import Event, Recorded
from monitor.core.facts import (
    Body,
    FailureReason,
    Known,
    Observation,
    PollFailure,
    ReplayedRecording,
    Snapshot,
    Unchanged,
)
from monitor.core.notices import Notice
from monitor.core.ports import Clock, EventQuery, Reader, Refused, Source, Store
from monitor.detection.poller import Poller
from monitor.registry import checklist
from monitor.registry.acceptance import Going
from monitor.registry.housekeeping import Tender
from monitor.registry.operator import Operator
from monitor.registry.unit_of_work import Begin, UnitOfWork

ACTOR = "replay"
PATIENCE = 3
"""A source is blind in a replay after this many of its own usual gaps, if that is longer than the configured limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayStep:
    """What one poll came to: its source and verdict (both empty for the declaration before the first), what was
    recorded, and what the owners would have been told.
    """

    at: datetime
    source: str = ""
    verdict: str = ""
    recorded: tuple[Recorded, ...] = ()
    notices: tuple[Notice, ...] = ()


class ReplayResult:
    """A source that shows what was recorded instead of fetching."""

    def __init__(self, source: Source) -> None:
        self.spec = source.spec
        self.extractor = source.extractor
        self._source = source
        self._last: Snapshot | None = None
        self.now: ReplayedRecording | None = None

    def observe(self, now: datetime, known: Known | None) -> Observation:
        """Read the recording that is shown now."""
        shown = self.now
        if shown is None or shown.body is None:
            reason = (shown and shown.failure) or FailureReason.UNREACHABLE
            detail = shown.detail if shown else "nothing is recorded"
            return PollFailure(source=self.spec.key, at=now, reason=reason, detail=detail)
        if (
            known is not None
            and known.sha256 == shown.body.sha256
            and (known.valid_until is None or now < known.valid_until)
        ):
            return Unchanged(source=self.spec.key, at=now)
        # While something is open about a source, each repetition is polled whole. Most show the same body, which yields
        # the same facts until `valid_until`.
        last = self._last
        if (
            last is not None
            and last.body is shown.body
            and not last.measured
            and (last.valid_until is None or now < last.valid_until)
        ):
            return replace(last, at=now)
        observation = self._source.extract(shown.body, now)
        self._last = observation if isinstance(observation, Snapshot) else None
        return observation

    def extract(self, body: Body, at: datetime) -> Observation:
        """As the source itself does."""
        return self._source.extract(body, at)


def carried(
    recordings: Sequence[ReplayedRecording], every: timedelta | None, until: datetime
) -> Iterator[ReplayedRecording]:
    """Yield the recordings in order; with `every`, each is repeated at that interval until the next, and the last until
    `until`.
    """
    for recording, following in zip(recordings, [*recordings[1:], None], strict=True):
        yield recording
        if every is None:
            continue
        at = recording.at + every
        while at < following.at if following is not None else at <= until:
            yield replace(recording, at=at)
            at += every


class ReplayedUseCases(Protocol):
    """What a replay does to its store, on its own clock and without anybody who reads leases."""

    begin: Begin

    @property
    def operator(self) -> Operator: ...

    def declare(self) -> tuple[Event, ...]: ...

    def poller(self, source: Callable[[str], Source]) -> Poller: ...

    def tender(self, *, cadence: Mapping[str, timedelta]) -> Tender: ...


def suppose_visible(unit: UnitOfWork, key: str, configuration: Configuration) -> None:
    """Take the model of an entry for listed, where the list that would show it is not replayed."""
    entry = unit.register.entries[key]
    if not entry.spec.model_id:
        return
    unit.register.add_to_entry(
        ev.ENTRY_VISIBLE,
        key,
        at=unit.now,
        actor=ACTOR,
        cause=entry.position,
        data={
            "surface": entry.spec.surface,
            "model_id": entry.spec.model_id,
            "reason": f"supposed by the replay: no list of {entry.spec.surface} is replayed",
            "versions": {"code": configuration.code, "configuration": configuration.version},
        },
    )


def muted(configuration: Configuration) -> Configuration:
    """Return a configuration under which nothing is sent and nobody is waited for.

    Owners have no destinations: notices are stored and no delivery is, so that no relay can ever send one of them.
    Nobody is there to acknowledge or to confirm, so nothing is said again and one actor is enough. Whether a fallback
    is allowed rests on how fresh it is, which a recording with gaps cannot say.
    """
    return replace(
        configuration,
        attention=Attention(),
        owners={key: replace(owner, destinations=()) for key, owner in configuration.owners.items()},
        entries={key: replace(spec, fallback="", approvers=1) for key, spec in configuration.entries.items()},
    )


class Replay:
    """A replay of several recordings, merged by time; none of them is empty, and the store holds no events yet.

    `carry` is, for each source whose polls are repeated until the next, at which interval. `waived` are, for each
    entry, the checks that no replayed source feeds, which an automatic activation cannot ask for; it is known once the
    replay has begun.
    """

    def __init__(
        self,
        store: Store,
        configuration: Configuration,
        sources: Mapping[str, Source],
        recordings: Mapping[str, Sequence[ReplayedRecording]],
        use_cases: Callable[[Configuration, Clock], ReplayedUseCases],
        *,
        carry: Mapping[str, timedelta] | None = None,
        activate: bool = False,
    ) -> None:
        self._store = store
        self._configuration = configuration
        self._sources = {key: ReplayResult(source) for key, source in sources.items()}
        self._recordings = recordings
        self._carry = carry or {}
        self._activate = activate
        self._now = min(polls[0].at for polls in recordings.values())
        self._head = 0
        self.waived: Mapping[str, frozenset[str]] = {}
        self._use_cases = use_cases(muted(configuration), self.clock)
        self._poller = self._use_cases.poller(self._sources.__getitem__)
        self._operator = self._use_cases.operator
        cadence = {key: PATIENCE * _gap(polls, self._carry.get(key)) for key, polls in recordings.items()}
        self._tender = self._use_cases.tender(cadence=cadence)

    def clock(self) -> datetime:
        """Return the clock of the recording."""
        return self._now

    def run(self) -> Iterator[ReplayStep]:
        """Declare the configuration, then play all polls.

        Raises:
            Refused: the store holds events already, whose times would mix with those of the recording.
        """
        self._begin()
        yield self._step()
        until = max(polls[-1].at for polls in self._recordings.values())
        streams = [self._stream(key, polls, until) for key, polls in self._recordings.items()]
        for at, key, recording in heapq.merge(*streams, key=lambda item: item[:2]):
            self._now = at
            self._sources[key].now = recording
            # What another source would have answered to a prompt stands in its own recording, at its own time, or
            # nowhere.
            outcomes = self._poller.poll_once([key], prompted=False)
            self._poller.flush()
            # Only who was just polled in vain can be blind: between two polls it was the recorder that did not poll.
            self._tender.tend(at, [key])
            if self._activate:
                self._accept()
            yield self._step(key, outcomes[0].verdict)

    def _stream(
        self, key: str, polls: Sequence[ReplayedRecording], until: datetime
    ) -> Iterator[tuple[datetime, str, ReplayedRecording]]:
        return ((recording.at, key, recording) for recording in carried(polls, self._carry.get(key), until))

    def _begin(self) -> None:
        with self._store.read() as reader:
            head = reader.head()
        if head:
            raise Refused(
                f"a replay needs a database of its own: this one holds {head} events; name a new file with "
                "--database, or leave it out"
            )
        self._use_cases.declare()
        with self._store.read() as reader:
            entries = reader.entries()
        if self._activate:
            self.waived = {key: self._waived(entry) for key, entry in entries.items() if entry.alive}
            self._suppose()

    def _waived(self, entry: Entry) -> frozenset[str]:
        """Return the checks that an acceptance asks for and that no replayed source verifies."""
        specs = [self._sources[key].spec for key in self._recordings]
        fed = {name for spec in specs for name in checklist.fed_by(spec, entry)}
        return frozenset((*checklist.required(entry), *checklist.asked(entry))) - fed

    def _suppose(self) -> None:
        """Take the entries whose list is not replayed for visible: a pause by price could not show otherwise."""
        with self._use_cases.begin() as unit:
            for key, waived in self.waived.items():
                if "visibility" in waived:
                    suppose_visible(unit, key, self._configuration)

    def _accept(self) -> None:
        """Activate and resume whatever may be, so that every pause shows."""
        with self._store.read() as reader:
            entries = reader.entries()
        for key, entry in entries.items():
            kind = self._kind(entry)
            if kind is None:
                continue
            act = self._operator.activate if kind == ev.ENTRY_ACTIVATED else self._operator.resume
            going = Going(waived=self._waived(entry))
            try:
                closed = frozenset(self._operator.preview(key, kind, going).closed)
                going = replace(going, losses=closed)
                act(key, by=ACTOR, reason="accepted by the replay", via={"channel": ACTOR}, going=going)
            except Refused:
                continue  # what is missing may come with a later poll

    def _kind(self, entry: Entry) -> str | None:
        """Return the act that the replay does to an entry now."""
        if entry.status is Status.EVALUATING:
            return ev.ENTRY_ACTIVATED
        if entry.status is Status.PAUSED and entry.since < self._now:  # a pause that came with this poll stays visible
            return ev.ENTRY_RESUMED
        return None

    def _step(self, source: str = "", verdict: str = "") -> ReplayStep:
        with self._store.read() as reader:
            recorded = tuple(reader.events(EventQuery(after=self._head)))
            notices = tuple(_notices(reader, recorded, self._configuration.owners))
        if recorded:
            self._head = recorded[-1].event.position
        return ReplayStep(at=self._now, source=source, verdict=verdict, recorded=recorded, notices=notices)


def _notices(reader: Reader, recorded: Iterable[Recorded], owners: Iterable[str]) -> Iterator[Notice]:
    """Yield the notices of these events: each is named after the last event of its decision and its owner."""
    for record in recorded:
        for owner in owners:
            notice = reader.notice(f"{record.event.position}.{owner}")
            if notice is not None:
                yield notice


def _gap(polls: Sequence[ReplayedRecording], carry: timedelta | None) -> timedelta:
    """Return the usual time between two polls, no longer than the interval at which they are carried."""
    gaps = [(after.at - before.at).total_seconds() for before, after in pairwise(polls)]
    usual = timedelta(seconds=median(gaps)) if gaps else timedelta()
    return usual if carry is None else min(usual, carry)
