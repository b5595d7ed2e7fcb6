"""The end of every good poll: its verdict, and what to poll next."""

from __future__ import annotations

from dataclasses import replace

from monitor.core.baselines import Baselines
from monitor.core.configuration import OFFICIAL
from monitor.detection import (
    confirmation,
    outages,
)
from monitor.detection.assessment import Assessment, good_poll, ledger_of, written
from monitor.detection.context import AssessmentContext
from monitor.detection.other_routes import to_poll
from monitor.detection.source_state import update_source_state


def conclude(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Date the source, and say what the poll came to: the end of every good poll, whichever stage closed it."""
    observation = good_poll(context)
    changed = bool(so_far.changes) or so_far.trigger is not None
    suspects = so_far.flooded or any(change.seen for change in so_far.pending)
    state = update_source_state(
        so_far.state,
        observation,
        extractor=context.extractor,
        held=so_far.held,
        suspects=suspects,
        moved=changed,
        evidence=context.evidence,
    )
    if so_far.state.stale_position is not None and state.stale_position is None:
        ledger = ledger_of(context, so_far)
        outages.read_again(ledger, context.spec, so_far.state, context.at)
        so_far = written(so_far, ledger)
    attention = so_far.held or so_far.flooded or bool(so_far.pending) or not state.baseline
    verdicts = {
        "held": so_far.held or so_far.flooded,
        "baseline": so_far.trigger is not None,
        "changed": bool(so_far.changes),
        "suspect": bool(so_far.suspects),
    }
    verdict = next((name for name, is_so in verdicts.items() if is_so), "unchanged")
    return replace(
        so_far,
        state=replace(state, attention=attention),
        verdict=verdict,
        detail=state.anomaly,
        kept_evidence=so_far.kept_evidence or (not suspects and (changed or not so_far.state.evidence)),
        poll_again=confirmation.next_poll(
            so_far.pending, context.rules, context.at, hold=so_far.hold, others=so_far.others, calm=so_far.calm
        ),
        ask=_ask(context, so_far),
        why=verdict,
    )


def _ask(context: AssessmentContext, so_far: Assessment) -> tuple[str, ...]:
    """Name the sources to poll now: other routes to a missing model, the official page of a price that was reported."""
    if context.spec.trust == OFFICIAL:
        return tuple(sorted(to_poll(context.routes, so_far.pending, so_far.others, so_far.calm)))
    baselines = Baselines(context.sources, lambda key: None)
    providers = {event.fact.subject.scope for event in so_far.changes}
    return tuple(sorted(spec.key for provider in providers for spec in baselines.price_sources(provider)))
