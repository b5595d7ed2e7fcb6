"""What a poll means for the entries: each is judged on levels, and the checks that the poll bears out are dated."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from monitor.core.changes import common
from monitor.core.configuration import Configuration, SourceSpec
from monitor.core.entry import Entry
from monitor.core.facts import Observation, Snapshot
from monitor.detection import change_events
from monitor.detection.assessment import Assessment
from monitor.detection.stored_baselines import current_baselines
from monitor.registry import checklist, policy
from monitor.registry.invalidate_checks import invalidate_checks, invalidate_results
from monitor.registry.origins import Origins
from monitor.registry.transitions import RegistryTransaction
from monitor.registry.unit_of_work import UnitOfWork


def concerned(register: RegistryTransaction, spec: SourceSpec) -> list[Entry]:
    """Name the entries that a source can say something about."""
    return [entry for entry in register.entries.values() if entry.alive and policy.depends_on(entry, spec)]


def evaluate(
    unit: UnitOfWork,
    configuration: Configuration,
    spec: SourceSpec,
    assessment: Assessment,
    *,
    at: datetime,
    observation: Observation | None,
    evidence: Callable[[], str],
) -> None:
    """Judge the entries on levels and write what follows.

    `observation` is the poll that dates checks; None for what dates none: an answer that is held whole, the word of a
    person. A partial one dates only what of the baseline it has seen, and none dates what is missing from it.
    `evidence` keeps the bytes of the poll and names them.
    """
    register, reader = unit.register, unit.tx
    by_fact = {change.fact: change for change in assessment.changes}
    others, baseline = assessment.others, assessment.baseline
    registered = frozenset(subject for entry in register.entries.values() if entry.alive for subject in entry.subjects)
    lacking = [fact for fact in assessment.missing or () if fact.subject in registered]
    access = change_events.access(register, spec, assessment.changes, registered, others, baseline)
    known = current_baselines(reader, configuration.sources, own=spec.key, facts=baseline)
    last = assessment.changes[-1].confirmed.pending_change.evidence if assessment.changes else assessment.state.evidence
    trigger = policy.Trigger(
        at=at,
        position=assessment.rebased if assessment.trigger is None else assessment.trigger,
        source=spec.key,
        evidence=last,
        recorded_changes=by_fact,
        access=access,
        signals={fact: change_events.signals(spec, by_fact[fact], others, baseline) for fact in access},
        origin=Origins(reader, known, register).of,
        versions={
            "code": configuration.code,
            "configuration": configuration.version,
            "extractor": assessment.state.extractor,
        },
    )
    dated = known
    # A call that is refused says nothing of the limits that an earlier one stated.
    if isinstance(observation, Snapshot) and (observation.partial or spec.model):
        confirmed_facts = common(baseline, observation.facts)
        dated = current_baselines(reader, configuration.sources, own=spec.key, facts=confirmed_facts)
    for entry in concerned(register, spec):
        if observation is not None and not any(policy.matters(fact, entry) for fact in lacking):
            checklist.verify(register, entry.key, spec, dated, at=at, evidence=evidence)
        policy.judge(register, entry.key, known, trigger)
        invalidate_checks(register, entry.key, spec, trigger)
        invalidate_results(register, entry.key, spec, trigger)
