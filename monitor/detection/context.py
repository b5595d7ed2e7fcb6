"""Everything that one poll is judged on, read before anything is decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from monitor.core import events as ev
from monitor.core import price
from monitor.core.changes import carried
from monitor.core.configuration import OFFICIAL, Configuration, ConfirmationRules, SourceSpec
from monitor.core.content import name_of
from monitor.core.events import source_stream
from monitor.core.facts import (
    SHUTDOWN_DATE,
    Alternation,
    Fact,
    Facts,
    Observation,
    PendingChange,
    PollFailure,
    Snapshot,
    SourceState,
    Subject,
    Unchanged,
)
from monitor.core.ports import EventQuery, Reader, Refused
from monitor.detection.admission import DROPS, REVERSED, late
from monitor.detection.comparison import read_anew
from monitor.detection.other_prices import NO_OTHERS, OtherPrices, other_prices
from monitor.detection.other_routes import call_routes, losing, routes_beside, signals
from monitor.detection.outages import incident
from monitor.detection.price_notes import Listings, first_listings
from monitor.detection.routes import Signal
from monitor.detection.unexplained_refusals import CallRoute

Reread: TypeAlias = Callable[[Reader, SourceState], Snapshot | None]
"""Extracts the stored evidence of a baseline anew; None where there is none or it cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relied:
    """What active entries stand on: the `subjects` that they are about, and whether one of them minds a fact (`on`)."""

    subjects: frozenset[Subject]
    on: Callable[[Fact], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentContext:
    """Everything that one poll is judged on; what a poll of its kind is not judged on was not read, and is empty.

    Attributes:
        now: when the poll is recorded, which is later than `observation.at`.
        head: the last position of the log.
        state: what is kept of the source.
        relied: what production stands on: all that detection knows of entries.
        baseline: the confirmed facts, in the terms of this poll's extractor.
        rebased: whether these are not the stored ones: another version of the extractor read the stored evidence anew.
        facts: what the poll shows, with what it says nothing of as it was.
        pending: the differences that are not confirmed yet, by fact.
        alternations: the facts of this source that turned lately.
        reversals: how many mass drops of this source were reversed lately.
        incident: what the provider's status page says meanwhile.
        routes: the sources of the other routes to this surface's models.
        signals: what those say of the models that the poll misses.
        calls: the other call routes to the model of a call that was refused for no reason that is understood.
        other_prices: what other sources say of the prices that differ.
        listings: when this source first listed the prices that differ, subject → field → time; of the subjects of which
            it listed one so lately that another amount is a correction.
        refused_lately: the subjects of which it was said within a day that a part about them is no longer understood.
    """

    spec: SourceSpec
    sources: Mapping[str, SourceSpec]
    rules: ConfirmationRules
    observation: Observation
    now: datetime
    head: int
    state: SourceState
    relied: Relied
    baseline: Facts = field(default_factory=dict)
    rebased: bool = False
    facts: Facts = field(default_factory=dict)
    pending: Mapping[Fact, PendingChange] = field(default_factory=dict)
    alternations: tuple[Alternation, ...] = ()
    reversals: int = 0
    incident: str = ""
    routes: tuple[SourceSpec, ...] = ()
    signals: Mapping[Subject, tuple[Signal, ...]] = field(default_factory=dict)
    calls: tuple[CallRoute, ...] = ()
    other_prices: OtherPrices = NO_OTHERS
    listings: Mapping[Subject, Mapping[str, datetime | None]] = field(default_factory=dict)
    refused_lately: frozenset[str] = frozenset()

    @property
    def at(self) -> datetime:
        """When the poll began."""
        return self.observation.at

    @property
    def overtaken(self) -> str:
        """Why the poll comes too late to be recorded; empty where it does not."""
        if late(self.state, self.at, self.now):  # of a failure, too: it is over
            return "a later poll is recorded already"
        if isinstance(self.observation, Unchanged) and (self.state.attention or not self.state.baseline):
            return "another poll came between"
        return ""

    @property
    def extractor(self) -> str:
        """The version that read the facts."""
        return self.observation.extractor if isinstance(self.observation, Snapshot) else self.state.extractor

    @property
    def partial(self) -> bool:
        """Whether the poll speaks of what happened and of nothing else."""
        return isinstance(self.observation, Snapshot) and self.observation.partial

    @property
    def evidence(self) -> str:
        """The name of the bytes that show what the poll shows."""
        if isinstance(self.observation, Unchanged):
            return self.state.evidence
        return name_of(self.observation.body.content) if self.observation.body is not None else ""

    @classmethod
    def load(
        cls,
        reader: Reader,
        configuration: Configuration,
        spec: SourceSpec,
        observation: Observation,
        *,
        now: datetime,
        reread: Reread,
        relied: Relied,
    ) -> AssessmentContext:
        """Read what a poll is judged on, and no more than that: hardly any poll shows a difference."""
        context = cls(
            spec=spec,
            sources=configuration.sources,
            rules=configuration.confirmation,
            observation=observation,
            now=now,
            head=reader.head(),
            state=reader.source(spec.key) or SourceState(key=spec.key),
            relied=relied,
        )
        if context.overtaken:
            return context
        if isinstance(observation, PollFailure):
            news = observation.swollen or observation.reason != context.state.outage
            context = replace(context, incident=incident(reader, configuration, spec) if news else "")
            return _with_calls(context, reader, configuration) if observation.refusal else context
        context = _with_facts(context, reader, observation, reread)
        return _with_others(context, reader, configuration)


def _with_facts(
    context: AssessmentContext, reader: Reader, observation: Snapshot | Unchanged, reread: Reread
) -> AssessmentContext:
    """Read the baseline and what is pending of it."""
    state = context.state
    baseline = reader.facts(state.baseline)
    rebased = bool(state.baseline) and context.extractor != state.extractor
    if rebased:
        baseline = read_anew(baseline, reread(reader, state))
    pending = () if rebased else reader.pending_changes(context.spec.key)
    return replace(
        context,
        baseline=baseline,
        rebased=rebased,
        facts=baseline if isinstance(observation, Unchanged) else carried(baseline, observation),
        pending={change.fact: change for change in pending},
    )


def _with_calls(context: AssessmentContext, reader: Reader, configuration: Configuration) -> AssessmentContext:
    """Read what is known of the model of a call that was refused: its baseline, and what its other routes answer."""
    spec = context.spec
    routes = routes_beside(configuration, spec)
    subject = Subject(spec.surface, spec.model)
    return replace(
        context,
        baseline=reader.facts(context.state.baseline),
        pending={change.fact: change for change in reader.pending_changes(spec.key)},
        routes=routes,
        signals=signals(reader, routes, [subject]),
        calls=call_routes(reader, configuration, spec),
    )


def _with_others(context: AssessmentContext, reader: Reader, configuration: Configuration) -> AssessmentContext:
    """Read what the log and the other sources say of what differs."""
    spec, state, baseline, facts = context.spec, context.state, context.baseline, context.facts
    differs = facts is not baseline and facts != baseline
    if not (differs or context.pending or state.anomaly or spec.can.page):
        return context
    priced = _priced(context) if state.baseline else ()
    repriced = [subject for subject in priced if subject in baseline]
    since = min((change.first_at for change in context.pending.values()), default=context.at)
    routes = routes_beside(configuration, spec)
    return replace(
        context,
        alternations=tuple(reader.alternations(spec.key)),
        reversals=_reversals(reader, spec, context.at),
        incident=incident(reader, configuration, spec),
        routes=routes,
        signals=signals(reader, routes, losing(baseline, facts) if routes and differs else ()),
        other_prices=other_prices(reader, configuration, spec.key, priced),
        listings=first_listings(reader, spec, repriced, since - configuration.confirmation.correction),
        refused_lately=_refused_lately(context, reader),
    )


def _refused_lately(context: AssessmentContext, reader: Reader) -> frozenset[str]:
    """Name the subjects of parts that were refused within a day: a page that flickers is not told at every poll."""
    if not (isinstance(context.observation, Snapshot) and context.observation.refused):
        return frozenset()
    query = EventQuery(type=ev.SOURCE_REFUSED, source=context.spec.key, since=context.at - timedelta(days=1))
    return frozenset(name for record in reader.events(query) for name in record.event.data["models"])


def _priced(context: AssessmentContext) -> list[Subject]:
    """Name the subjects of which a price or an end differs, or a price is held back."""
    baseline, facts = context.baseline, context.facts
    # Who else states an end is asked of a third party's alone: what an official source says is news anyhow.
    prefixes = (price.PREFIX,) if context.spec.trust == OFFICIAL else (price.PREFIX, SHUTDOWN_DATE)
    differing = {
        subject
        for subject in baseline.keys() | facts.keys()
        if (old := baseline.get(subject, {})) != (new := facts.get(subject, {}))
        and any(field.startswith(prefixes) for field in old.keys() | new.keys())
    }
    return sorted(
        differing | {fact.subject for fact, change in context.pending.items() if change.quarantine is not None}
    )


def _reversals(reader: Reader, spec: SourceSpec, at: datetime) -> int:
    query = EventQuery(type=ev.SOURCE_RECOVERED, stream=source_stream(spec.key), since=at - REVERSED)
    return sum(record.event.data.get("reason") in DROPS for record in reader.events(query))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseContext:
    """What the release of a price that is held back rests on; the attributes are as an `AssessmentContext` has them.

    Attributes:
        released: the price, as it is pending.
        within: how soon after its first listing another amount of a price is a correction of it.
    """

    spec: SourceSpec
    state: SourceState
    released: PendingChange
    within: timedelta
    head: int
    baseline: Facts
    pending: tuple[PendingChange, ...]
    other_prices: OtherPrices
    listings: Listings

    @classmethod
    def load(cls, reader: Reader, configuration: Configuration, position: int) -> ReleaseContext:
        """Read what is known of the price that the event at `position` held back.

        Raises:
            Refused: no price is held back there.
        """
        released = next(
            (change for change in reader.pending_changes() if change.seen and change.quarantine == position), None
        )
        spec = configuration.sources.get(released.source) if released is not None else None
        state = reader.source(released.source) if released is not None else None
        if released is None or spec is None or state is None:
            raise Refused(
                f"no price is held back at position {position}; see `access-monitor events --type price.quarantined`"
            )
        subjects = [released.fact.subject]
        return cls(
            spec=spec,
            state=state,
            released=released,
            within=configuration.confirmation.correction,
            head=reader.head(),
            baseline=reader.facts(state.baseline),
            pending=tuple(reader.pending_changes(spec.key)),
            other_prices=other_prices(reader, configuration, spec.key, subjects),
            listings=first_listings(reader, spec, subjects, released.first_at - configuration.confirmation.correction),
        )
