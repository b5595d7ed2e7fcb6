"""Stages of a source that contradicts itself: what turns, and when that is said."""

from __future__ import annotations

from dataclasses import replace

from monitor.detection import (
    alternation,
    outages,
)
from monitor.detection.admission import (
    INCONSISTENT,
    AdmissionVerdict,
)
from monitor.detection.assessment import Assessment, compared, ledger_of, written
from monitor.detection.context import AssessmentContext
from monitor.detection.stages.holds import begin_hold


def notice_alternation(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Say once a day, or once of what merely informs, that the source contradicts itself; hold a mass drop that is more
    than a turn of that.
    """
    comparison, admission = compared(so_far), compared(so_far).admission
    idle = not (comparison.changes or context.pending or so_far.state.anomaly)
    rows = {} if idle else alternation.fresh(context.alternations, context.at, every=context.spec.every)
    repeated = alternation.repeats(rows, admission, so_far.state, context.baseline, comparison.facts)
    turning = alternation.alternating(
        rows, context.pending, comparison.changes, turns=1 if repeated else alternation.TURNS
    )
    if admission.verdict is AdmissionVerdict.HELD and not repeated:
        so_far = begin_hold(context, so_far)
    calm = frozenset(change.fact for change in turning)
    so_far = replace(so_far, turned=None if idle else rows, turning=tuple(turning), calm=calm)
    return _say_alternation(context, so_far) if turning else so_far


def _say_alternation(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Say that the source contradicts itself, where that was not said within a day; of what merely informs, where that
    was never said.

    Where an active entry stands on what alternates it is said when owners were not told within a day. The state is
    anomalous by it where nothing else made it so. The bytes that show it are kept whether or not it is said.
    """
    at, rows, turning = context.at, so_far.turned or {}, so_far.turning
    weighty = {change.fact for change in turning if not alternation.informs(change.fact.field)}
    unsaid = [change for change in turning if change.fact in weighty or rows[change.fact].said_at is None]
    untold = [change for change in turning if change.fact in weighty or rows[change.fact].told_at is None]
    concerned = alternation.named(change for change in untold if context.relied.on(change.fact))
    telling = bool(concerned) and alternation.due((row.told_at for row in rows.values()), at)
    if not (telling or (unsaid and alternation.due((row.said_at for row in rows.values()), at))):
        return replace(so_far, kept_evidence=True, why="it contradicts itself, which an event says already")
    turns = {fact: row.turns for fact, row in rows.items()}
    ledger = ledger_of(context, so_far)
    anomalous = outages.anomaly(
        ledger,
        context.spec,
        so_far.state,
        INCONSISTENT,
        at,
        data={
            **outages.of_alternation(alternation.named(turning), turns),
            **outages.of_concern(concerned if telling else ()),
        },
        evidence=context.evidence,
    )
    noted = {
        change.fact: replace(rows[change.fact], said_at=at, told_at=at if telling else rows[change.fact].told_at)
        for change in turning
    }
    saying = replace(
        so_far,
        state=so_far.state if so_far.state.anomaly else anomalous,
        turned={**rows, **noted},
        kept_evidence=True,
        why=f"it contradicts itself about {len(turning)} facts",
    )
    return written(saying, ledger)


def count_turns(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Count what came back at this poll, so that what alternates is known."""
    if so_far.turned is None:
        return so_far
    pending = [*so_far.pending, *(item.pending_change for item, _ in so_far.doubted)]
    turned = alternation.advance(
        so_far.turned, context.pending, pending, so_far.accepted, source=context.spec.key, at=context.at
    )
    differs = turned != {row.fact: row for row in context.alternations}
    return replace(
        so_far,
        turned=turned,
        alternations=tuple(turned.values()) if differs else None,
        why="kept what turned" if differs else "",
    )
