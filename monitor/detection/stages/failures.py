"""Stages of a poll that was overtaken, that failed, or that ends an outage."""

from __future__ import annotations

from dataclasses import replace

from monitor.core.changes import patch
from monitor.core.content import facts_name
from monitor.core.events import Ledger
from monitor.core.facts import (
    ACCESS,
    ITEMS,
    Fact,
    PollFailure,
    SourceState,
    Subject,
)
from monitor.detection import (
    change_events,
    outages,
    unexplained_refusals,
)
from monitor.detection.admission import (
    TOO_MANY,
)
from monitor.detection.assessment import Assessment, ledger_of, written
from monitor.detection.change_events import ConfirmedFacts
from monitor.detection.confirmation import ConfirmedChange
from monitor.detection.context import AssessmentContext
from monitor.detection.routes import Others, is_call


def drop_late(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Drop a poll whole that was overtaken by one that is recorded already."""
    if not context.overtaken:
        return so_far
    return replace(
        so_far, closed=True, verdict="late", detail=context.overtaken, why=f"dropped it: {context.overtaken}"
    )


def record_failure(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Make a failure to poll visible; it moves nothing."""
    failure = context.observation
    if not isinstance(failure, PollFailure):
        return so_far
    ledger = ledger_of(context, so_far)
    if failure.swollen:
        state = _swollen(context, ledger, failure)
        verdict, detail = "held", f"{state.anomaly}: {failure.detail}"
    else:
        state = outages.failed(ledger, context.spec, so_far.state, failure, context.evidence, context.incident)
        verdict, detail = "failed", f"{failure.reason}: {failure.detail}"
    why = f"recorded the failure {failure.reason}" if ledger.events else "the failure is known"
    return written(
        replace(so_far, closed=True, state=state, verdict=verdict, detail=detail, kept_evidence=True, why=why), ledger
    )


def count_refusal(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Count a call that was refused for no reason that is understood; where every call is, access by it is lost."""
    failure, spec, subject = context.observation, context.spec, Subject(context.spec.surface, context.spec.model)
    if not (isinstance(failure, PollFailure) and failure.refusal and is_call(spec.route)):
        return so_far
    fact = Fact(subject, ACCESS + spec.route)
    pending = unexplained_refusals.count(
        fact,
        failure,
        context.pending.get(fact),
        rules=context.rules,
        evidence=context.evidence,
        good_at=so_far.state.good_at,
    )
    verdict = unexplained_refusals.judge(pending, context.calls, context.baseline, rules=context.rules, at=context.at)
    so_far = replace(
        so_far,
        pending=(
            *(change for change in context.pending.values() if change.fact != fact),
            *(() if verdict.pending is None else (verdict.pending,)),
        ),
        others=Others(signals=context.signals, own=spec.route),
        poll_again=verdict.poll_again,
    )
    return _lose_call(context, so_far, verdict.confirmed) if verdict.confirmed else so_far


def _lose_call(context: AssessmentContext, so_far: Assessment, confirmed: tuple[ConfirmedChange, ...]) -> Assessment:
    """Move the baseline of a call route whose refusals are confirmed, and write the event of it."""
    after = patch(context.baseline, [item.change for item in confirmed])
    ledger = ledger_of(context, so_far)
    name = facts_name(after)
    changes = change_events.claim(
        ledger, context.spec, confirmed, after=ConfirmedFacts(baseline=name, extractor=so_far.state.extractor)
    )
    lost_call = replace(
        so_far,
        state=replace(so_far.state, baseline=name, subjects=len(after)),
        baseline=after,
        accepted=confirmed,
        changes=tuple(changes),
        kept_facts=(*so_far.kept_facts, after),
        why="every call is refused",
    )
    return written(lost_call, ledger)


def end_outage(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Record that the source can be read again, if it could not."""
    ledger = ledger_of(context, so_far)
    state = outages.recovered(ledger, context.spec, so_far.state, context.at)
    if state.anomaly_since is not None and state.anomaly_since > context.at:  # the clock was set back
        state = replace(state, anomaly_since=context.at)
    return written(replace(so_far, state=state, why="the outage is over" if ledger.events else ""), ledger)


def _swollen(context: AssessmentContext, ledger: Ledger, failure: PollFailure) -> SourceState:
    """Say once that an answer has more items than a source may have. It is held for good: no time lets it in."""
    state = replace(context.state, looked_at=failure.at)
    if state.anomaly == TOO_MANY:
        return state
    data = {
        "known": state.subjects,
        "limit": ITEMS,
        "detail": failure.detail,
        **outages.quoted(context.incident),
    }
    return outages.anomaly(ledger, context.spec, state, TOO_MANY, failure.at, data=data)
