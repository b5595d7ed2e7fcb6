"""What the other routes say of the models that a poll misses, and which of them should be polled now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set

from monitor.core import events as ev
from monitor.core.changes import lookup
from monitor.core.configuration import Configuration, SourceSpec
from monitor.core.facts import ACCESS, GRANTED, Fact, Facts, PendingChange, Subject
from monitor.core.ports import EventQuery, Reader
from monitor.detection.routes import Others, Signal, is_call, lost, signal
from monitor.detection.unexplained_refusals import CallRoute

ASKED = frozenset({"list", "codex", "retrieve", "tokens", "responses", "chat", "embeddings"})
"""The routes that a missing model is pursued by: the lists, what costs nothing, and one small call."""


def routes_beside(configuration: Configuration, own: SourceSpec) -> tuple[SourceSpec, ...]:
    """Name the sources of the other routes on the surface of `own`, by which a model is reached at all.

    A tier that is refused is no word about the model.
    """
    if not own.route:
        return ()
    return tuple(
        spec
        for spec in configuration.sources.values()
        if spec.surface == own.surface and spec.route in ASKED and spec.route != own.route
    )


def call_routes(reader: Reader, configuration: Configuration, own: SourceSpec) -> tuple[CallRoute, ...]:
    """Read what is known of the other call routes to the model that `own` calls."""
    routes = []
    for spec in configuration.sources.values():
        if spec.key == own.key or (spec.surface, spec.model) != (own.surface, own.model) or not is_call(spec.route):
            continue
        fact = Fact(Subject(spec.surface, spec.model), ACCESS + spec.route)
        state = reader.source(spec.key)
        facts: Facts = {} if state is None else reader.facts(state.baseline)
        pending = next((change for change in reader.pending_changes(spec.key) if change.fact == fact), None)
        routes.append(CallRoute(granted=lookup(facts, fact) == GRANTED, pending=pending))
    return tuple(routes)


def losing(before: Facts, after: Facts) -> list[Subject]:
    """Name the subjects of which a fact that differs says that they cannot be reached any more."""
    return [
        subject
        for subject in before.keys() | after.keys()
        if (old := before.get(subject, {})) != (new := after.get(subject, {}))
        and any(lost(Fact(subject, field), new.get(field)) for field in old.keys() | new.keys())
    ]


def signals(
    reader: Reader, routes: Sequence[SourceSpec], subjects: Iterable[Subject]
) -> dict[Subject, tuple[Signal, ...]]:
    """Read what each of the other routes says of these models; those of which none says anything are left out."""
    by_subject: dict[Subject, tuple[Signal, ...]] = {}
    for subject in subjects:
        answers = (_signal(reader, spec, subject) for spec in _about(routes, subject))
        if spoken := tuple(signal for signal in answers if signal is not None):
            by_subject[subject] = spoken
    return by_subject


def to_poll(
    routes: Sequence[SourceSpec], pending: Iterable[PendingChange], others: Others, calm: Set[Fact] = frozenset()
) -> frozenset[str]:
    """Name the sources that should be polled now: those that said nothing of a missing model since it was first missed.

    What alternates (`calm`) is asked only where that is free: it would be paid for at every turn.
    """
    return frozenset(
        spec.key
        for pending_change in pending
        if pending_change.seen and lost(pending_change.fact, pending_change.value)
        for spec in _about(routes, pending_change.fact.subject)
        if not (spec.paid and pending_change.fact in calm)
        and not any(
            signal.source == spec.key and signal.until >= pending_change.first_at
            for signal in others.signals.get(pending_change.fact.subject, ())
        )
    )


def _about(routes: Sequence[SourceSpec], subject: Subject) -> list[SourceSpec]:
    return [spec for spec in routes if spec.model in ("", subject.name)]


def _signal(reader: Reader, spec: SourceSpec, subject: Subject) -> Signal | None:
    state = reader.source(spec.key)
    if state is None or not state.baseline:
        return None
    facts = reader.facts(state.baseline)
    answer = signal(spec, state, facts, reader.pending_changes(spec.key), subject)
    closed = lost(Fact(subject, ACCESS + spec.route), facts.get(subject, {}).get(ACCESS + spec.route))
    # A route that was never open (a chat model asked for embeddings) agrees with nothing.
    return None if closed and not _was_open(reader, spec, subject) else answer


def _was_open(reader: Reader, spec: SourceSpec, subject: Subject) -> bool:
    """Return whether a model was once reached by a route that is closed now."""
    moves = reader.events(EventQuery(type=ev.BEHAVIOUR_CHANGED, source=spec.key, subject=subject.name))
    return any(
        record.event.data["field"] == ACCESS + spec.route and record.event.data["old"] == GRANTED for record in moves
    )
