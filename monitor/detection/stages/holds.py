"""Where much is missing or new at once: how long it is held, and when that is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from monitor.core import events as ev
from monitor.core.content import facts_name
from monitor.core.facts import (
    ITEMS,
    SourceState,
    Subject,
)
from monitor.detection import (
    alternation,
    outages,
)
from monitor.detection.admission import (
    DROPS,
    INCONSISTENT,
    MASS_GAIN,
    SHRUNKEN,
    TOO_MANY,
    Admission,
    hold,
)
from monitor.detection.admission import admit as admission_of
from monitor.detection.assessment import Assessment, compared, ledger_of, written
from monitor.detection.context import AssessmentContext


def end_anomaly(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Say whether the poll is still held for what is missing from it; end the anomaly that it shows no more."""
    comparison, state = compared(so_far), so_far.state
    admission = comparison.admission
    lasts = admission.holds_absences and (
        any(change.seen and change.value is None for change in so_far.pending)
        or admission_of(state, so_far.baseline, comparison.facts, body_size=None).dropped
        or (admission.reason == SHRUNKEN and not has_lasted(context, state, admission))
    )
    going_on = any(row.turns >= alternation.TURNS for row in (so_far.turned or {}).values())
    ledger = ledger_of(context, so_far)
    if not (lasts or admission.floods or (state.anomaly == INCONSISTENT and going_on)):
        stood = any(
            item.pending_change.anomaly == state.anomaly_position
            for item in so_far.accepted
            if item.pending_change.held_until
        )
        state = outages.settled(ledger, context.spec, state, context.at, stood=stood)
    over = so_far.state.anomaly if so_far.state.anomaly != state.anomaly else ""
    if so_far.accepted:
        state = replace(state, baseline=facts_name(so_far.baseline))
    state = replace(state, subjects=len(so_far.baseline))
    why = "held for what is missing" if lasts else f"{over} is over" if over else ""
    return written(replace(so_far, state=state, held=lasts, why=why), ledger)


def begin_hold(
    context: AssessmentContext, so_far: Assessment, *, moved: frozenset[Subject] = frozenset()
) -> Assessment:
    """Say once that an answer is held; `moved` are the subjects that would change, where not an absence is held."""
    comparison, state = compared(so_far), so_far.state
    admission, before = comparison.admission, so_far.state.anomaly
    if before == admission.reason or (before in DROPS and admission.dropped):
        return replace(so_far, why=f"still held: {before}")
    ledger = ledger_of(context, so_far)
    if before in DROPS or (before == MASS_GAIN and not admission.floods):  # that is over, whatever came instead
        state = outages.settled(ledger, context.spec, state, context.at, stood=False)
    baseline_size, span = len(context.baseline), hold_span(context, admission)
    concerned = moved | set(admission.missing)
    bound = {"limit": ITEMS} if admission.reason == TOO_MANY else {"until": ev.rfc3339(context.at + span)}
    data = {
        **outages.of_admission(admission, known=baseline_size, seen=comparison.seen),
        **({"moved_count": len(concerned)} if moved else {}),
        **bound,
        **outages.of_concern(subjects=concerned & context.relied.subjects),
        **outages.quoted(context.incident),
    }
    state = outages.anomaly(
        ledger, context.spec, state, admission.reason, context.at, data=data, evidence=context.evidence
    )
    why = f"held it: {admission.reason}"
    return written(replace(so_far, state=state, kept_evidence=True, why=why), ledger)


def hold_span(context: AssessmentContext, admission: Admission) -> timedelta:
    """Return how long what is held has to stand; longer for a mass drop where others of this source were reversed
    lately.
    """
    base = context.rules.hold
    return hold(base, context.reversals) if admission.dropped else base


def has_lasted(context: AssessmentContext, state: SourceState, admission: Admission) -> bool:
    """Return whether the anomaly of a source is as old as its hold is long."""
    since = state.anomaly_since
    return since is not None and context.at - since >= hold_span(context, admission)
