"""What owners are told of what detection found and no entry is judged by: held answers, contradictions, quarantines, shifts, unlisted models."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.core import events as ev
from monitor.core.configuration import ConfirmationRules, SourceSpec
from monitor.core.entry import Status
from monitor.core.facts import GRANTED, LISTED
from monitor.core.notices import Difference, Reason
from monitor.detection import alternation, drift
from monitor.detection.assess import Assessment, Contradiction, HeldAnswer
from monitor.detection.context import AssessmentContext
from monitor.notify import compose
from monitor.registry import policy
from monitor.registry.reminders import reminded
from monitor.registry.transitions import RegistryTransaction

UNLISTED = "unlisted"
"""What `entry.reminded` says of a model that a list misses while another route still reaches it."""


def told(register: RegistryTransaction, context: AssessmentContext, assessment: Assessment) -> list[compose.Told]:
    """Whom the findings of a poll concern, and what they read of it."""
    items: list[compose.Told] = []
    if assessment.held_answer is not None:
        items += _held(register, context, assessment.held_answer)
    if assessment.contradiction is not None:
        items += _contradicted(register, context, assessment.contradiction)
    if not assessment.closed:
        items += _unlisted(register, context, assessment)
    items += [
        compose.quarantined(entry, one.item, position=one.position, source=context.spec.key, reason=one.reason)
        for one in assessment.quarantines
        for entry in register.entries.values()
        if entry.alive and policy.matters(one.item.change.fact, entry)
    ]
    return items


def _held(register: RegistryTransaction, context: AssessmentContext, held: HeldAnswer) -> list[compose.Told]:
    """An answer that is held: the owners of active entries that miss their models, or would see them move, hear of it at once."""
    concerned = held.moved | set(held.admission.missing)
    summary = compose.at_once(
        len(concerned),
        held.known,
        held.admission.meters,
        missing=not held.moved,
        source=context.spec.key,
        hold=held.span,
        incident=context.incident,
    )
    active = [
        key for key, entry in register.entries.items() if entry.status is Status.ACTIVE and entry.subjects & concerned
    ]
    return _about(register, context, active, summary, held.position)


def _contradicted(
    register: RegistryTransaction, context: AssessmentContext, contradiction: Contradiction
) -> list[compose.Told]:
    items: list[compose.Told] = []
    for key, entry in register.entries.items():
        mine = [change for change in contradiction.changes if policy.matters(change.fact, entry)]
        if entry.status is Status.ACTIVE and mine:
            summary = compose.contradiction(alternation.named(mine), source=context.spec.key)
            items += _about(register, context, [key], summary, contradiction.position)
    return items


def _about(
    register: RegistryTransaction, context: AssessmentContext, keys: Iterable[str], summary: str, position: int
) -> list[compose.Told]:
    return compose.held(
        register,
        keys,
        summary,
        position=position,
        since=context.at,
        source=context.spec.key,
        evidence=context.evidence,
    )


def _unlisted(register: RegistryTransaction, context: AssessmentContext, assessment: Assessment) -> list[compose.Told]:
    """Each model that would be confirmed gone by now, if no other route had reached it: told once, since nothing is confirmed of it for long."""
    rules: ConfirmationRules = context.rules
    items: list[compose.Told] = []
    for pending_change in assessment.pending:
        subject = pending_change.fact.subject
        signals = assessment.others.signals.get(subject, ())
        reaching = [one.route for one in signals if one.says == GRANTED]
        lasted = context.at - pending_change.first_at >= rules.absence.span
        enough = pending_change.seen >= rules.absence.polls and lasted
        if pending_change.fact.field != LISTED or pending_change.value is not None or not reaching or not enough:
            continue
        until = pending_change.first_at + rules.reached
        said = f"{UNLISTED} {subject.scope}/{subject.name} {ev.rfc3339(pending_change.first_at)}"
        text = (
            f"{subject.name} is missing from {context.spec.key} and still reached by {', '.join(reaching)}; "
            f"that it is unlisted is believed from {ev.rfc3339(until)} on, if it stays so"
        )
        for key, entry in list(register.entries.items()):
            if entry.status is not Status.ACTIVE or subject not in entry.subjects or said in entry.reminded:
                continue
            position = reminded(
                register,
                key,
                said=said,
                what=UNLISTED,
                day=until.date(),
                text=text,
                at=context.at,
                source=context.spec.key,
                evidence=pending_change.evidence,
            )
            item = compose.entry_item(
                register,
                key,
                reason=Reason.HELD,
                position=position,
                since=pending_change.first_at,
                looks=pending_change.seen,
                source=context.spec.key,
                evidence=pending_change.evidence,
                summary=text,
            )
            items.append(compose.Told(owners=entry.spec.owners, item=item))
    return items


def shifted(
    register: RegistryTransaction, spec: SourceSpec, span: drift.Span, shift: drift.DriftShift
) -> list[compose.Told]:
    """Write the event of a shift of a route's answers; returns what the owners of the entries on this route are told."""
    position = drift.record_shift(register, spec, span, shift)
    old, new = shift.spoken
    note = f"{new} where it was {old}, over {shift.calls} calls against {shift.reference} before ({shift.test}, p = {shift.p})"
    difference = Difference(subject=spec.model, what=drift.field(spec, shift.what), old=old, new=new)
    return [
        compose.Told(
            owners=entry.spec.owners,
            item=compose.entry_item(
                register,
                entry.key,
                reason=Reason.CHANGED,
                position=position,
                since=span.since,
                looks=shift.calls,
                source=spec.key,
                summary=note,
                differences=(difference,),
            ),
        )
        for entry in register.entries.values()
        if entry.alive and policy.depends_on(entry, spec)
    ]
