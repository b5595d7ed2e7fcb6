"""What the other routes say of the models that a poll misses, and which of them should be asked now.

Read from the store only when a poll misses a model, since hardly any poll does. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Iterable, Set

from monitor.core import events as ev
from monitor.core.configuration import Configuration, SourceSpec
from monitor.core.facts import ACCESS, GRANTED, Fact, PendingChange, Subject
from monitor.core.ports import EventQuery, Reader
from monitor.detection.routes import Others, Signal, lost, signal

ASKED = frozenset({"list", "codex", "retrieve", "tokens", "responses", "chat", "embeddings"})
"""The routes that a missing model is pursued by: the lists, what costs nothing, and one small call."""


class Routes:
    """The routes beside that of `own`, on its surface: those by which a model is reached at all. A tier that is refused is no word about the model."""

    def __init__(self, reader: Reader, configuration: Configuration, own: SourceSpec) -> None:
        self._reader = reader
        self._own = own
        self._specs = [
            spec
            for spec in configuration.sources.values()
            if own.route and spec.route in ASKED and spec.surface == own.surface and spec.route != own.route
        ]

    def others(self, subjects: Iterable[Subject]) -> Others:
        """The signals of the other routes about these models."""
        signals: dict[Subject, tuple[Signal, ...]] = {}
        for subject in subjects:
            if found := tuple(one for spec in self._about(subject) if (one := self._signal(spec, subject)) is not None):
                signals[subject] = found
        return Others(signals=signals, own=self._own.route)

    def asked(self, suspects: Iterable[PendingChange], others: Others, calm: Set[Fact] = frozenset()) -> frozenset[str]:
        """The sources that should be polled now: those that said nothing of a missing model since it was first missed.

        What alternates (`calm`) is asked only where that is free: it would be paid for at every turn.
        """
        return frozenset(
            spec.key
            for pending_change in suspects
            if pending_change.seen and lost(pending_change.fact, pending_change.value)
            for spec in self._about(pending_change.fact.subject)
            if not (spec.paid and pending_change.fact in calm)
            and not any(
                one.source == spec.key and one.until >= pending_change.first_at
                for one in others.signals.get(pending_change.fact.subject, ())
            )
        )

    def _about(self, subject: Subject) -> list[SourceSpec]:
        return [spec for spec in self._specs if spec.model in ("", subject.name)]

    def _signal(self, spec: SourceSpec, subject: Subject) -> Signal | None:
        state = self._reader.source(spec.key)
        if state is None or not state.baseline:
            return None
        facts = self._reader.facts(state.baseline)
        found = signal(spec, state, facts, self._reader.pending_changes(spec.key), subject)
        closed = lost(Fact(subject, ACCESS + spec.route), facts.get(subject, {}).get(ACCESS + spec.route))
        # A route that was never open (a chat model asked for embeddings) agrees with nothing.
        return None if closed and not self._was_open(spec, subject) else found

    def _was_open(self, spec: SourceSpec, subject: Subject) -> bool:
        """Whether a model was once reached by a route that is closed now."""
        moves = self._reader.events(EventQuery(type=ev.BEHAVIOUR_CHANGED, source=spec.key, subject=subject.name))
        return any(one.event.data["field"] == ACCESS + spec.route and one.event.data["old"] == GRANTED for one in moves)
