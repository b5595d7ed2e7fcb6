"""Taking one poll into the log, in the one transaction of the design's T1; and letting in what a poll was held back for.

Read what it is judged on, assess it, append what it showed, evaluate the entries, keep what is known of the source: the steps of `Recorder.record`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from monitor.core.configuration import Configuration, SourceSpec
from monitor.core.entry import Status
from monitor.core.facts import Fact, Observation, PollFailure, Snapshot, Subject, Unchanged
from monitor.core.ports import Refused
from monitor.detection.assess import Assessment, assess, let_in
from monitor.detection.context import AssessmentContext, Reread
from monitor.detection.other_prices import other_prices
from monitor.detection.outcome import Outcome
from monitor.detection.price_notes import first_listings
from monitor.registry import checklist, policy
from monitor.registry.evaluation import concerned, evaluate
from monitor.registry.unit_of_work import Begin, UnitOfWork
from monitor.registry.unlisted import remind_of_unlisted


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
            if not isinstance(observation, Unchanged):  # also of a poll that comes too late: its calls were paid for
                unit.tx.put_measurements(observation.measured)
            context = AssessmentContext.load(
                unit.tx,
                self._configuration,
                spec,
                observation,
                now=unit.now,
                head=unit.tx.head(),
                reread=reread,
                relied_on=_relied_on(unit),
                relied_subjects=_relied_subjects(unit),
            )
            assessment = assess(context)
            unit.register.extend(assessment.events)
            if not isinstance(observation, PollFailure) and assessment.verdict != "late":
                remind_of_unlisted(unit.register, context, assessment)
                self._evaluate(unit, context, assessment)
                assessment = self._awaiting(unit, context, assessment)
            if assessment.verdict != "late":
                _keep(unit, context, assessment)
        return Outcome(
            source=spec.key,
            verdict=assessment.verdict,
            detail=assessment.detail,
            believed=len(assessment.changes),
            suspects=assessment.suspects,
            again=assessment.poll_again,
            ask=assessment.ask,
            events=tuple(unit.register.events),
            notices=unit.notices,
        )

    def _evaluate(self, unit: UnitOfWork, context: AssessmentContext, assessment: Assessment) -> None:
        """Judge the entries, once there is a baseline to judge them on."""
        if not assessment.state.baseline:
            return
        evaluate(
            unit.register,
            unit.tx,
            self._configuration,
            context.spec,
            assessment,
            at=context.at,
            versions=self._versions(context.extractor),
            observation=context.observation if assessment.verifies else None,
            evidence=lambda: _kept_evidence(unit, context) or assessment.state.evidence,
        )

    def _awaiting(self, unit: UnitOfWork, context: AssessmentContext, assessment: Assessment) -> Assessment:
        """Where an entry waits for the next poll to verify what is stale, let that be judged whole, and soon if it was just lost."""
        waits = any(checklist.awaits(entry, context.spec) for entry in concerned(unit.register, context.spec))
        if not waits:
            return assessment
        again = assessment.poll_again
        if again is None and unit.register.events:
            again = context.at + context.rules.recheck
        return replace(assessment, state=replace(assessment.state, attention=True), poll_again=again)

    def release(self, unit: UnitOfWork, position: int, by: Mapping[str, object]) -> None:
        """Let in the price that the event at `position` held back, by the word of a person; see `Release`."""
        tx, configuration = unit.tx, self._configuration
        pending_change = next(
            (change for change in tx.pending_changes() if change.seen and change.quarantine == position), None
        )
        spec = configuration.sources.get(pending_change.source) if pending_change is not None else None
        state = tx.source(pending_change.source) if pending_change is not None else None
        if pending_change is None or spec is None or state is None:
            raise Refused(
                f"no price is held back at position {position}; see `access-monitor events --type price.quarantined`"
            )
        subjects = [pending_change.fact.subject]
        assessment = let_in(
            spec,
            state,
            pending_change,
            head=tx.head(),
            baseline=tx.facts(state.baseline),
            pending=tx.pending_changes(spec.key),
            others=other_prices(tx, configuration, spec.key, subjects),
            listings=first_listings(tx, spec, subjects),
            within=configuration.confirmation.correction,
            by=by,
        )
        unit.register.extend(assessment.events)
        evaluate(
            unit.register,
            tx,
            configuration,
            spec,
            assessment,
            at=unit.now,
            versions=self._versions(state.extractor),
            observation=None,
            evidence=lambda: "",
        )
        _keep_state(unit, assessment)

    def _versions(self, extractor: str) -> dict[str, str]:
        configuration = self._configuration
        return {"code": configuration.code, "configuration": configuration.version, "extractor": extractor}


def _relied_on(unit: UnitOfWork) -> Callable[[Fact], bool]:
    """Whether an active entry stands on a fact; this and its subjects are all that detection knows of entries."""
    active = [entry for entry in unit.register.entries.values() if entry.status is Status.ACTIVE]
    return lambda fact: any(policy.matters(fact, entry) for entry in active)


def _relied_subjects(unit: UnitOfWork) -> frozenset[Subject]:
    """The subjects that active entries are about."""
    entries = unit.register.entries.values()
    return frozenset(subject for entry in entries if entry.status is Status.ACTIVE for subject in entry.subjects)


def _keep(unit: UnitOfWork, context: AssessmentContext, assessment: Assessment) -> None:
    """Store what a poll leaves behind: the state of its source, and the bytes that its events name."""
    if assessment.kept_evidence:
        _kept_evidence(unit, context)
    if isinstance(context.observation, PollFailure):
        unit.tx.put_source(assessment.state)
        return
    if assessment.alternations is not None:
        unit.tx.put_alternations(context.spec.key, assessment.alternations)
    _keep_state(unit, assessment)


def _keep_state(unit: UnitOfWork, assessment: Assessment) -> None:
    for facts in assessment.kept_facts:
        unit.tx.put_facts(facts)
    unit.tx.put_pending_changes(assessment.state.key, assessment.pending)
    unit.tx.put_source(assessment.state)  # what the gate says rests on it


def _kept_evidence(unit: UnitOfWork, context: AssessmentContext) -> str:
    """Store the bytes of a poll and name them; empty where it brought none."""
    observation = context.observation
    if isinstance(observation, Snapshot):
        return unit.tx.put_evidence(observation.body, context.spec.key, observation.at)
    if isinstance(observation, PollFailure) and observation.body is not None:
        return unit.tx.put_evidence(observation.body, context.spec.key, unit.now)
    return ""
