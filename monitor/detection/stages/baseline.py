"""Stages that compare a poll with the baseline, and take or hold it whole."""

from __future__ import annotations

from dataclasses import replace

from monitor.core import events as ev
from monitor.core.changes import Change, lookup, patch, without
from monitor.core.configuration import OFFICIAL
from monitor.core.content import facts_name
from monitor.core.events import source_stream
from monitor.core.facts import (
    Facts,
    PendingChange,
    Snapshot,
)
from monitor.detection import (
    corroboration,
    outages,
    renames,
)
from monitor.detection.admission import (
    MASS_CHANGE,
    MASS_GAIN,
    TOO_MANY,
    AdmissionVerdict,
)
from monitor.detection.assessment import Assessment, compared, good_poll, ledger_of, written
from monitor.detection.comparison import compare as comparison_of
from monitor.detection.confirmation import ConfirmedChange
from monitor.detection.context import AssessmentContext
from monitor.detection.stages.holds import begin_hold, has_lasted


def rebase(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Take the baseline as this version of the extractor reads it; what was pending of the other is dropped."""
    if not context.rebased:
        return so_far
    baseline, extractor = context.baseline, so_far.state.extractor
    ledger = ledger_of(context, so_far)
    name = facts_name(baseline)
    position = ledger.add(
        ev.BASELINE_RECORDED,
        source_stream(context.spec.key),
        context.spec.key,
        at=context.at,
        source=context.spec.key,
        evidence=so_far.state.evidence,
        data={
            "subjects": len(baseline),
            "baseline": name,
            "extractor": context.extractor,
            "reason": f"extractor changed from {extractor}",
        },
    )
    state = replace(so_far.state, baseline=name, subjects=len(baseline))
    rebased = replace(
        so_far,
        state=state,
        rebased=position,
        kept_facts=(*so_far.kept_facts, baseline),
        why=f"read the stored evidence anew: the extractor changed from {extractor}",
    )
    return written(rebased, ledger)


def compare(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Compare the poll with the baseline."""
    observation = good_poll(context)
    size = observation.body.size if isinstance(observation, Snapshot) and context.spec.can.page else None
    renamed = {} if context.partial else renames.renames(context.baseline, context.facts)
    comparison = comparison_of(
        so_far.state, observation, context.baseline, context.facts, body_size=size, renamed=renamed.keys()
    )
    reason = comparison.admission.reason
    why = f"{len(comparison.changes)} facts differ" + (f"; held: {reason}" if reason else "")
    return replace(so_far, renamed=renamed, comparison=comparison, why=why)


def admit(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Take or hold an answer whole: a first one, one beyond all bounds, one that moves too much at once or stood."""
    comparison, state = compared(so_far), so_far.state
    admission = comparison.admission
    is_held = admission.verdict is AdmissionVerdict.HELD
    if is_held and (not state.baseline or admission.reason == TOO_MANY):
        return _held_whole(begin_hold(context, so_far))
    if not state.baseline:
        return take_first(context, so_far)
    as_one = admission.reason in (MASS_GAIN, MASS_CHANGE) and state.anomaly == admission.reason
    if as_one and has_lasted(context, state, admission):
        return take_as_one(context, so_far)
    if admission.reason == MASS_CHANGE:
        changed = frozenset(change.fact.subject for change in comparison.changes)
        return _held_whole(begin_hold(context, so_far, moved=changed))
    return replace(so_far, why="compared fact by fact")


def _held_whole(so_far: Assessment) -> Assessment:
    """Hold a whole answer: nothing of it is compared, and what is pending stays so."""
    return replace(so_far, closed=True, held=True)


def take_first(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Take the first accepted poll as the baseline at once, less the prices that cannot be right."""
    spec, at, evidence = context.spec, context.at, context.evidence
    doubtful = corroboration.doubtful(context.facts)
    baseline = without(context.facts, doubtful)
    name = facts_name(baseline)
    ledger = ledger_of(context, so_far)
    data = {"subjects": len(baseline), "baseline": name, "extractor": context.extractor, "held": len(doubtful)}
    position = ledger.add(
        ev.BASELINE_RECORDED, source_stream(spec.key), spec.key, at=at, source=spec.key, evidence=evidence, data=data
    )
    pending: list[PendingChange] = []
    for fact, reason in doubtful.items():
        value = lookup(context.facts, fact)
        back = PendingChange(
            source=spec.key,
            fact=fact,
            value=value,
            seen=1,
            first_at=at,
            counted_at=at,
            evidence=evidence,
            quarantine=position,
        )
        if spec.trust == OFFICIAL:  # an aggregator's are counted in its baseline, not told one by one
            item = ConfirmedChange(change=Change(fact=fact, old=None, new=value), pending_change=back)
            back = replace(back, quarantine=corroboration.quarantine(ledger, spec, item, reason, name))
        pending.append(back)
    first = replace(
        so_far,
        closed=True,
        state=replace(so_far.state, baseline=name, subjects=len(baseline)),
        baseline=baseline,
        pending=tuple(pending),
        trigger=position,
        kept_facts=(*so_far.kept_facts, baseline),
        kept_evidence=True,
        why="took the first answer as the baseline",
    )
    return written(first, ledger)


def take_as_one(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Make what stood long enough the baseline, in one event and not in one for each difference.

    Prices that cannot be right stay out.
    """
    spec, comparison, state = context.spec, compared(so_far), so_far.state
    floods = comparison.admission.floods
    new = {s: context.facts[s] for s in context.facts.keys() - context.baseline.keys()} if floods else {}
    changes = () if floods else comparison.changes
    facts: Facts = {**patch(context.baseline, changes), **new}
    facts = without(facts, corroboration.doubtful(facts))
    name = facts_name(facts)
    ledger = ledger_of(context, so_far)
    position = ledger.add(
        ev.BASELINE_RECORDED,
        source_stream(spec.key),
        spec.key,
        at=context.at,
        source=spec.key,
        cause=state.anomaly_position,
        evidence=context.evidence,
        data={
            "subjects": len(facts),
            "baseline": name,
            "extractor": context.extractor,
            "reason": f"{state.anomaly} outlasted its hold",
        },
    )
    changed = {change.fact for change in changes}
    accepted = replace(
        so_far,
        closed=True,
        state=replace(outages.settled(ledger, spec, state, context.at, stood=True), baseline=name, subjects=len(facts)),
        baseline=facts,
        pending=tuple(other for other in so_far.pending if other.fact not in changed),
        trigger=position,
        kept_facts=(*so_far.kept_facts, facts),
        kept_evidence=True,
        why=f"took it as the baseline: {state.anomaly} outlasted its hold",
    )
    return written(accepted, ledger)
