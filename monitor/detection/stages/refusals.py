"""The stage that says which parts are no longer understood."""

from __future__ import annotations

from dataclasses import replace

from monitor.core.facts import (
    ANYTHING,
    Snapshot,
)
from monitor.detection import (
    outages,
)
from monitor.detection.assessment import Assessment, good_poll, ledger_of, written
from monitor.detection.context import AssessmentContext


def say_refusals(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Say once that parts which were read are no longer understood. What they stated is pending as unread from then on,
    so that it is said anew only after they were read again, and at most once a day.
    """
    observation = good_poll(context)
    if not isinstance(observation, Snapshot) or not observation.refused or context.partial:
        return so_far
    unread = {change.fact for change in so_far.pending if not change.seen and change.fact not in context.pending}
    about = {fact.subject.name for fact in unread} - context.refused_lately
    parts = [part for part in observation.refused if about & set(part.about) or (about and ANYTHING in part.about)]
    if not parts:
        return so_far
    ledger = ledger_of(context, so_far)
    outages.refused(
        ledger, context.spec, parts, unread, at=context.at, evidence=context.evidence, relied=context.relied.on
    )
    return written(replace(so_far, kept_evidence=True, why=f"{len(parts)} parts are no longer understood"), ledger)
