"""Stages that confirm differences, and part from them the prices that cannot be right."""

from __future__ import annotations

from dataclasses import replace

from monitor.core.changes import lookup, patch, same
from monitor.core.content import facts_name
from monitor.detection import (
    alternation,
    change_events,
    confirmation,
    corroboration,
    renames,
)
from monitor.detection.assessment import Assessment, compared, confirmed_of, ledger_of, written
from monitor.detection.change_events import ConfirmedFacts
from monitor.detection.confirmation import CountedPoll, Hold
from monitor.detection.context import AssessmentContext
from monitor.detection.price_notes import remarks
from monitor.detection.routes import Others, lost
from monitor.detection.stages.holds import hold_span


def confirm(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Count the poll for each difference; what was seen often enough, for long enough, is confirmed."""
    comparison, before = compared(so_far), context.pending
    admission = comparison.admission
    hold = None
    if admission.holds_absences:
        hold = Hold(span=hold_span(context, admission), anomaly=so_far.state.anomaly_position)
    news = any(
        change.fact not in before or not same(change.fact.field, before[change.fact].value, change.new)
        for change in comparison.changes
    )
    gone = {change.fact.subject for change in comparison.changes if lost(change.fact, change.new)}
    others = Others(
        signals={subject: context.signals[subject] for subject in gone if subject in context.signals},
        own=context.spec.route,
    )
    confirmed = confirmation.confirm(
        before,
        comparison.changes,
        poll=CountedPoll(
            source=context.spec.key,
            at=context.at,
            before=so_far.state.good_at,
            evidence=context.evidence if news else "",
            unspoken=[fact for fact in before if fact in comparison.unknown or fact.field in comparison.silent],
            renamed=so_far.renamed.keys(),
        ),
        rules=context.rules,
        hold=hold,
        others=others,
        turns=alternation.polls_more(so_far.turned or {}, so_far.turning),
    )
    return replace(
        so_far,
        hold=hold,
        others=others,
        confirmed=confirmed,
        kept_evidence=so_far.kept_evidence or news,
        why=f"confirmed {len(confirmed.confirmed)}, pending {len(confirmed.pending)}",
    )


def corroborate(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Part what is accepted from prices that cannot be right, and write the events of what is accepted."""
    confirmed, baseline = confirmed_of(so_far), context.baseline
    accepted, doubted = corroboration.sift(
        confirmed.confirmed, confirmed.pending, baseline, context.other_prices.agree, compared(so_far).facts
    )
    after = patch(baseline, [item.change for item in accepted]) if accepted else baseline
    let_in = {item.change.fact for item in accepted}
    ledger = ledger_of(context, so_far)
    changes = change_events.claim(
        ledger,
        context.spec,
        accepted,
        after=ConfirmedFacts(
            baseline=facts_name(after) if accepted else so_far.state.baseline, extractor=context.extractor
        ),
        renamed=renames.confirmed(so_far.renamed, baseline, let_in),
        remarks=remarks(
            context.spec,
            accepted,
            baseline,
            after,
            others=context.other_prices,
            listings=context.listings,
            within=context.rules.correction,
        ),
    )
    corroborated = replace(
        so_far,
        accepted=tuple(accepted),
        doubted=tuple(doubted),
        changes=tuple(changes),
        baseline=after,
        pending=tuple(change for change in confirmed.pending if change.fact not in let_in),
        kept_facts=(*so_far.kept_facts, after) if accepted else so_far.kept_facts,
        why=f"accepted {len(accepted)}, doubted {len(doubted)}",
    )
    return written(corroborated, ledger)


def quarantine(context: AssessmentContext, so_far: Assessment) -> Assessment:
    """Hold back what cannot be right, and say which confirmed prices are still spoken of and can no longer be read."""
    pending = [
        *so_far.pending,
        *confirmation.unstated(
            context.baseline,
            compared(so_far).unknown - context.pending.keys(),
            source=context.spec.key,
            at=context.at,
            before=so_far.state.good_at,
        ),
    ]
    doubted = list(so_far.doubted)
    if not so_far.held and not context.partial:
        unread = confirmation.unread(pending, context.at, context.rules)
        doubted += [(item, corroboration.UNREADABLE) for item in unread]
    ledger = ledger_of(context, so_far)
    positions = {
        item.pending_change.fact: corroboration.quarantine(ledger, context.spec, item, reason, so_far.state.baseline)
        for item, reason in doubted
    }
    after = (
        *(change for change in pending if change.fact not in positions),
        *(replace(item.pending_change, quarantine=positions[item.pending_change.fact]) for item, _ in doubted),
    )
    missing = frozenset(change.fact for change in after if change.value is None) if so_far.held else None
    still = {*(change.fact for change in after), *(item.change.fact for item in so_far.accepted)}
    for change in context.pending.values():
        if change.quarantine is not None and change.fact not in still:
            corroboration.end_quarantine(ledger, context.spec, change, lookup(so_far.baseline, change.fact), context.at)
    why = f"held {len(positions)} prices back" if positions else ""
    return written(replace(so_far, pending=after, missing=missing, why=why), ledger)
