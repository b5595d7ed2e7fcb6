"""Taking one poll into the log, in the one transaction T1; and letting in a price that was held back.

Read what the poll is judged on, assess it, append what it showed, evaluate the entries, keep what is known of the
source: the steps of `Recorder.record`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from monitor.core.configuration import Configuration, SourceSpec
from monitor.core.entry import Status
from monitor.core.facts import Observation, PollFailure, Snapshot, Unchanged
from monitor.detection.assess import assess
from monitor.detection.assessment import Assessment
from monitor.detection.context import AssessmentContext, ReleaseContext, Relied, Reread
from monitor.detection.outcome import Outcome
from monitor.detection.release import let_in
from monitor.registry import checklist, policy
from monitor.registry.evaluation import concerned, evaluate
from monitor.registry.unit_of_work import Begin, UnitOfWork
from monitor.registry.unlisted import remind_of_listed_again, remind_of_unlisted


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
                reread=reread,
                relied=_relied(unit),
            )
            assessment = assess(context)
            unit.register.extend(assessment.events)
            if isinstance(observation, PollFailure):
                if assessment.changes:
                    self._evaluate(unit, context, assessment)
            elif assessment.verdict != "late":
                remind_of_unlisted(unit.register, context, assessment)
                remind_of_listed_again(unit.register, context, assessment)
                self._evaluate(unit, context, assessment)
                assessment = self._awaiting(unit, context, assessment)
            if assessment.verdict != "late":
                _keep(unit, context, assessment)
        return Outcome(
            source=spec.key,
            verdict=assessment.verdict,
            detail=assessment.detail,
            confirmed=len(assessment.changes),
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
            unit,
            self._configuration,
            context.spec,
            assessment,
            at=context.at,
            observation=None
            if isinstance(context.observation, PollFailure) or not assessment.verifies
            else context.observation,
            evidence=lambda: _kept_evidence(unit, context) or assessment.state.evidence,
        )

    def _awaiting(self, unit: UnitOfWork, context: AssessmentContext, assessment: Assessment) -> Assessment:
        """Judge the next poll whole, and poll soon after a loss, where an entry waits for a check to be verified."""
        waits = any(checklist.awaits(entry, context.spec) for entry in concerned(unit.register, context.spec))
        if not waits:
            return assessment
        again = assessment.poll_again
        if again is None and unit.register.events:
            again = context.at + context.rules.recheck
        return replace(assessment, state=replace(assessment.state, attention=True), poll_again=again)

    def release(self, unit: UnitOfWork, position: int, by: Mapping[str, object]) -> None:
        """Let in the price that the event at `position` held back, by the word of a person; see `Release`."""
        context = ReleaseContext.load(unit.tx, self._configuration, position)
        assessment = let_in(context, by)
        unit.register.extend(assessment.events)
        evaluate(
            unit,
            self._configuration,
            context.spec,
            assessment,
            at=unit.now,
            observation=None,
            evidence=lambda: "",
        )
        _keep_state(unit, assessment)


def _relied(unit: UnitOfWork) -> Relied:
    active = [entry for entry in unit.register.entries.values() if entry.status is Status.ACTIVE]
    return Relied(
        subjects=frozenset(subject for entry in active for subject in entry.subjects),
        on=lambda fact: any(policy.matters(fact, entry) for entry in active),
    )


def _keep(unit: UnitOfWork, context: AssessmentContext, assessment: Assessment) -> None:
    """Store what a poll leaves behind: the state of its source, and the bytes that its events name."""
    if assessment.kept_evidence:
        _kept_evidence(unit, context)
    if isinstance(context.observation, PollFailure) and not context.observation.refusal:
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
