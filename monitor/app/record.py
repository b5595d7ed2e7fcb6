"""Taking one poll into the log, in the one transaction of the design's T1; and letting in what a poll was not believed for.

What is decided stands in `decision`; here stands what has to hold around it: late polls are dropped, and everything is written together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from monitor.app.decision import Decision
from monitor.core.configuration import Configuration, SourceSpec
from monitor.core.facts import Observation, PollFailure, SourceState, Unchanged
from monitor.core.ports import Refused
from monitor.detection.admission import late
from monitor.detection.outcome import Outcome
from monitor.detection.poller import Reread
from monitor.registry.unit_of_work import Begin, UnitOfWork


class Recorder:
    """Records observations under one configuration: `record` is the poller's port, `release` the operator's."""

    def __init__(self, begin: Begin, configuration: Configuration) -> None:
        self._begin = begin
        self._configuration = configuration

    def record(
        self, spec: SourceSpec, observation: Observation, *, reread: Reread, under_lock: Callable[[], None]
    ) -> Outcome:
        """Take one observation into the log; see `Record`."""
        with self._begin() as unit:
            under_lock()
            outcome = self._taken(unit, spec, observation, reread)
        return replace(outcome, events=tuple(unit.register.events), notices=unit.notices)

    def _taken(self, unit: UnitOfWork, spec: SourceSpec, observation: Observation, reread: Reread) -> Outcome:
        """Decide about one observation; what its calls took is kept whatever becomes of it: a late poll was paid for as well."""
        if not isinstance(observation, Unchanged):
            unit.tx.put_measurements(observation.measured)
        state = unit.tx.source(spec.key) or SourceState(key=spec.key)
        decision = Decision(unit.tx, self._configuration, spec, unit.register, state)
        if late(state, observation.at, unit.now):  # of a failure, too: it is over
            return Outcome(source=spec.key, verdict="late", detail="a later look is recorded already")
        if isinstance(observation, PollFailure):
            outcome = decision.failed(observation, unit.now)
        elif isinstance(observation, Unchanged) and (state.attention or not state.baseline):
            return Outcome(source=spec.key, verdict="late", detail="another look came between")
        else:
            outcome = decision.good(observation, reread)
        unit.tx.put_source(decision.state)  # what the gate says rests on it
        return outcome

    def release(self, unit: UnitOfWork, position: int, by: Mapping[str, object]) -> None:
        """Let in the price that the event at `position` held back, by the word of a person; see `Release`."""
        tx = unit.tx
        pending_change = next((one for one in tx.pending_changes() if one.seen and one.quarantine == position), None)
        spec = self._configuration.sources.get(pending_change.source) if pending_change is not None else None
        state = tx.source(pending_change.source) if pending_change is not None else None
        if pending_change is None or spec is None or state is None:
            raise Refused(
                f"no price is held back at position {position}; see `access-monitor events --type price.quarantined`"
            )
        decision = Decision(tx, self._configuration, spec, unit.register, state)
        decision.versions["extractor"] = state.extractor
        decision.let_in(pending_change, position, by, now=unit.now)
