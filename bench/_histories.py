"""Real models lists played through the real pipeline, every model registered, and what two simple differs make of the
same polls.

An absence begins with the first good poll that misses a model and ends with the first that lists it again. Nothing is
fetched; routes beside the list are simulated from what the history itself shows later.
"""

from __future__ import annotations

import hashlib
import heapq
import tempfile
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from monitor.app.use_cases import UseCases
from monitor.audit.replay import ReplayResult, carried
from monitor.core.configuration import Configuration, Owner, SourceSpec, Surface
from monitor.core.entry import Status
from monitor.core.entry_spec import EntrySpec
from monitor.core.facts import ACCESS, GRANTED, Body, Known, Observation, ReplayedRecording, Snapshot, Subject
from monitor.core.ports import EventQuery, Refused, Source
from monitor.registry.acceptance import Going
from monitor.sources import recording
from monitor.sources.catalog import SourceDeps, build, source_spec
from monitor.sources.http import HttpClient
from monitor.store import SqlStore, open_store

SURFACE = "provider"
LIST = "list"
ROUTES = ("retrieve", "responses")
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)

HISTORIES: Mapping[str, timedelta | None] = {
    "mw_v1models_openai": None,
    "mw_v1models_mistral": timedelta(hours=2),
    "mw_v1models_fireworks": timedelta(hours=2),
    "mw_openrouter_models_openai_anthropic": timedelta(hours=2),
}
"""History → at which interval its polls are repeated until the next, where it holds only changes."""


@dataclass(frozen=True, kw_only=True)
class Absence:
    """One absence of one model. `until` is None where the model never came back; `watched` is how long the history goes
    on after it began.
    """

    model: str
    since: datetime
    until: datetime | None
    watched: timedelta
    polls: tuple[datetime, ...]

    def within(self, span: timedelta) -> bool:
        """Return whether the model was back within a span."""
        return self.until is not None and self.until - self.since <= span

    def covers(self, at: datetime) -> bool:
        """Return whether the model was absent at a time."""
        return self.since <= at and (self.until is None or at < self.until)

    @property
    def lasting(self) -> bool:
        """Whether it is known to have lasted over a week: a removal that must not be missed."""
        return not self.within(WEEK) and self.watched > WEEK


@dataclass(frozen=True, kw_only=True)
class History:
    """A recorded models list: its polls, the ids of each good one, and the absences of models that were established
    before.
    """

    name: str
    polls: Sequence[ReplayedRecording]
    carry: timedelta | None
    good: Sequence[tuple[datetime, frozenset[str]]]
    absences: Sequence[Absence]

    @property
    def models(self) -> list[str]:
        """Every id that was ever listed."""
        return sorted(frozenset().union(*(ids for _, ids in self.good)))

    @property
    def leavers(self) -> list[str]:
        """The models that were ever absent: no detector pauses any other."""
        return sorted({one.model for one in self.absences})


@contextmanager
def reader() -> Iterator[Source]:
    """Provide the list source as it is built for a live surface; only its reader of bodies is used."""
    http = HttpClient()
    spec = source_spec(key=LIST, kind="models_list", every=timedelta(minutes=5), surface=SURFACE)
    surface = Surface(key=SURFACE, base_url="https://provider.example/v1", provider=SURFACE)
    try:
        yield build(spec, SourceDeps(http=http, surface=surface, secret=lambda _: ""))
    finally:
        http.close()


def load(folder: Path, name: str, *, until: datetime | None = None) -> History:
    """Read a history and find its absences; `until` cuts it short."""
    carry = HISTORIES[name]
    polls = [one for one in recording.read(folder / f"{name}.jsonl.zst").polls if until is None or one.at <= until]
    played = list(carried(polls, carry, polls[-1].at))
    good = []
    with reader() as source:
        read: dict[str, frozenset[str] | None] = {}
        for poll in played:
            if poll.body is None:
                continue
            if poll.body.sha256 not in read:
                seen = source.extract(poll.body, poll.at)
                read[poll.body.sha256] = (
                    frozenset(subject.name for subject in seen.facts) if isinstance(seen, Snapshot) else None
                )
            ids = read[poll.body.sha256]
            if ids is not None:
                good.append((poll.at, ids))
    return History(name=name, polls=polls, carry=carry, good=good, absences=list(_absences(good)))


ESTABLISHED = 2
"""Good polls in a row after which a model can be registered as one that is in use; those of the first poll are."""


def _absences(good: Sequence[tuple[datetime, frozenset[str]]]) -> Iterator[Absence]:
    end = good[-1][0]
    listed = dict.fromkeys(good[0][1], ESTABLISHED)
    missing: dict[str, list[datetime]] = {}
    for at, ids in good:
        for model in ids:
            if polls := missing.pop(model, None):
                yield Absence(model=model, since=polls[0], until=at, watched=end - polls[0], polls=tuple(polls))
            listed[model] = listed.get(model, 0) + 1
        for model in [model for model in listed if model not in ids]:
            if listed[model] >= ESTABLISHED:
                missing.setdefault(model, []).append(at)
            else:
                del listed[model]
    for model, polls in missing.items():
        yield Absence(model=model, since=polls[0], until=None, watched=end - polls[0], polls=tuple(polls))


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What a detector made of a history: absence → when its model's entry was paused. `missed` lasted over a week and
    found the entry neither paused nor paused it.
    """

    pauses: Mapping[Absence, datetime]
    missed: Sequence[Absence]

    def false(self, within: timedelta, models: Container[str] | None = None) -> int:
        """Return how many pauses were for an absence that ended within a span, of some models or of all."""
        return sum(one.within(within) and (models is None or one.model in models) for one in self.pauses)

    def delays(self) -> list[timedelta]:
        """Return how long after the first poll without it each removal that lasted over a week paused, in order."""
        return sorted(at - one.since for one, at in self.pauses.items() if one.lasting)


def counted(history: History, count: int) -> Judged:
    """Return what a differ does that pauses at the so many-th poll in a row without a model."""
    pauses = {one: one.polls[count - 1] for one in history.absences if len(one.polls) >= count}
    return Judged(pauses=pauses, missed=[one for one in history.absences if one.lasting and one not in pauses])


class Route:
    """A route that is asked about one model and answers as the history will have shown: it misses the model throughout
    an absence that lasts longer than `reached`, and reaches it throughout any other.
    """

    extractor = "simulated/1"

    def __init__(self, spec: SourceSpec, absences: Iterable[Absence], reached: timedelta) -> None:
        self.spec = spec
        self._closed = [one for one in absences if not one.within(reached)]

    def observe(self, now: datetime, known: Known | None) -> Observation:
        """Answer at a time of the history."""
        closed = any(one.covers(now) for one in self._closed)
        content = ("model_not_found" if closed else GRANTED).encode()
        body = Body(content=content, sha256=hashlib.sha256(content).hexdigest(), size=len(content))
        return self.extract(body, now)

    def extract(self, body: Body, at: datetime) -> Snapshot:
        """Return the one fact that a body holds."""
        facts = {Subject(self.spec.surface, self.spec.model): {ACCESS + self.spec.route: body.content.decode()}}
        return Snapshot(source=self.spec.key, at=at, facts=facts, extractor=self.extractor, body=body)


def configuration(models: Iterable[str], list_spec: SourceSpec, *, signals: bool) -> Configuration:
    """Return every one of these models an entry; with `signals` every model two routes beside the list."""
    models = list(models)
    routes = [
        source_spec(
            key=f"probes/{model}/{route}",
            kind="behaviour",
            every=timedelta(hours=6),
            surface=SURFACE,
            options={"model": model, "route": route},
        )
        for model in (models if signals else ())
        for route in ROUTES
    ]
    return Configuration(
        surfaces={SURFACE: Surface(key=SURFACE, base_url="https://provider.example/v1", provider=SURFACE)},
        sources={spec.key: spec for spec in (list_spec, *routes)},
        owners={"team": Owner(key="team", destinations=())},
        entries={
            model: EntrySpec(key=model, name=model, surfaces={SURFACE: model}, owners=("team",)) for model in models
        },
    )


UNPRICED = frozenset({"pricing"})
UNSAID = frozenset({"rate_limits", "evals", "safety_review"})
"""What is waived, since no history has prices and nobody attests: by an activation, and by a resumption, too."""


class Play:
    """The real poller and operator on the clock of a history; whatever may be activated or resumed is, at once."""

    def __init__(self, history: History, store: SqlStore, source: Source, *, reached: timedelta | None) -> None:
        self._history = history
        self._store = store
        self._now = history.polls[0].at
        self._shown = ReplayResult(source)
        declared = configuration(history.leavers, source.spec, signals=reached is not None)
        mine = {key: Route(spec, [a for a in history.absences if a.model == spec.model], reached or DAY)
                for key, spec in declared.sources.items() if key != LIST}  # fmt: skip
        sources: dict[str, Source] = {LIST: self._shown, **mine}
        self._routes: dict[str, list[str]] = {}
        for key, route in mine.items():
            self._routes.setdefault(route.spec.model, []).append(key)
        use_cases = UseCases(store, declared, self._clock, published=lambda: None)
        self._poller = use_cases.poller(sources.__getitem__)
        self._operator = use_cases.operator
        self._due: list[tuple[datetime, str]] = []
        self._head = 0
        self._open: dict[str, Status] = {}
        use_cases.declare()

    def _clock(self) -> datetime:
        now, self._now = self._now, self._now + SECOND  # a poll that another one asked for begins after it
        return now

    def judged(self) -> Judged:
        """Play all polls, and see which entries were paused when."""
        history = self._history
        good = dict(history.good)
        before: frozenset[str] = frozenset()
        for poll in carried(history.polls, history.carry, history.polls[-1].at):
            self._catch_up(poll.at)
            self._now = poll.at
            self._shown.now = poll
            self._poll([LIST])
            listed = good.get(poll.at)
            if listed is None:
                continue
            self._poll([key for model in sorted(listed - before) for key in self._routes.get(model, ())])
            self._accept(listed)
            before = listed
        with self._store.read() as log:
            moves = [
                (one.event.subject, one.event.type, one.recorded_at) for one in log.events(EventQuery(type="entry.*"))
            ]
        pauses, missed = {}, []
        for one in history.absences:
            mine = [
                (kind, at) for key, kind, at in moves if key == one.model and kind in ("entry.paused", "entry.resumed")
            ]
            paused = [at for kind, at in mine if kind == "entry.paused" and one.covers(at)]
            earlier = [kind for kind, at in mine if at < one.since]
            if paused:
                pauses[one] = paused[0]
            elif one.lasting and earlier[-1:] != ["entry.paused"]:
                missed.append(one)
        assert len(pauses) == sum(kind == "entry.paused" for _, kind, _ in moves), "a pause for no absence"
        return Judged(pauses=pauses, missed=missed)

    def _poll(self, keys: Sequence[str]) -> None:
        if not keys:
            return
        for outcome in self._poller.poll(keys):
            if outcome.again is not None and outcome.source != LIST:
                heapq.heappush(self._due, (outcome.again, outcome.source))

    def _catch_up(self, until: datetime) -> None:
        """Take the polls of routes that earlier ones asked for. The list is polled only when the history has a poll of
        it.
        """
        while self._due and self._due[0][0] < until:
            self._now, key = heapq.heappop(self._due)
            self._poll([key])

    def _accept(self, listed: frozenset[str]) -> None:
        with self._store.read() as log:
            entries = log.entries() if log.head() != self._head else {}
            self._head = log.head()
        self._open.update({key: entry.status for key, entry in entries.items()})
        acts = {
            Status.EVALUATING: (self._operator.activate, UNPRICED),
            Status.PAUSED: (self._operator.resume, UNPRICED | UNSAID),
        }
        for key in sorted(listed):
            if (found := acts.get(self._open[key]) if key in self._open else None) is None:
                continue
            act, waived = found
            try:
                act(key, by="bench", reason="accepted", via={"channel": "bench"}, going=Going(waived=waived))
            except Refused:
                continue  # what is missing may come with a later poll


def monitored(history: History, *, reached: timedelta | None = None) -> Judged:
    """Return what the monitor does with a history, in a scratch store: on the list alone, or with routes that reach a
    model in absences up to a span.
    """
    with tempfile.TemporaryDirectory() as folder, reader() as source:
        store = open_store(str(Path(folder) / "play.db"), durable=False)
        try:
            return Play(history, store, source, reached=reached).judged()
        finally:
            store.close()
