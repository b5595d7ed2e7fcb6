"""Models that a list misses while another route still reaches them: said once, since nothing of it is confirmed."""

from __future__ import annotations

from monitor.core import events as ev
from monitor.core.entry import LISTED_AGAIN, UNLISTED, Entry, Status
from monitor.core.facts import GRANTED, LISTED
from monitor.detection.assessment import Assessment
from monitor.detection.context import AssessmentContext
from monitor.registry.reminders import OwnerMessage, reminded
from monitor.registry.transitions import RegistryTransaction


def remind_of_unlisted(register: RegistryTransaction, context: AssessmentContext, assessment: Assessment) -> None:
    """Remind owners of each model of an active entry that would be gone by now, if no other route had reached it."""
    absence = context.rules.absence
    for pending_change in assessment.pending:
        subject = pending_change.fact.subject
        signals = assessment.others.signals.get(subject, ())
        reaching = [signal.route for signal in signals if signal.says == GRANTED]
        lasted = context.at - pending_change.first_at >= absence.span
        enough = pending_change.seen >= absence.polls and lasted
        if pending_change.fact.field != LISTED or pending_change.value is not None or not reaching or not enough:
            continue
        first = ev.rfc3339(pending_change.first_at)
        until = pending_change.first_at + context.rules.reached
        text = (
            f"{subject.name} is missing from {context.spec.key} and still reached by {', '.join(reaching)}; "
            f"that it is unlisted is confirmed from {ev.rfc3339(until)} on, if it stays so"
        )
        message = OwnerMessage(
            key=f"{UNLISTED} {subject.scope}/{subject.name} {first}",
            what=UNLISTED,
            day=until.date(),
            text=text,
            source=context.spec.key,
            evidence=pending_change.evidence,
            more={"since": first, "looks": pending_change.seen},
        )
        for key, entry in list(register.entries.items()):
            if entry.status is Status.ACTIVE and subject in entry.subjects and message.key not in entry.reminded:
                reminded(register, key, message, at=context.at)


def remind_of_listed_again(register: RegistryTransaction, context: AssessmentContext, assessment: Assessment) -> None:
    """Tell owners of each model of which they were told that a list misses it, once the list has it again."""
    if not context.spec.lists or assessment.held:
        return
    missing = {change.fact.subject for change in assessment.pending if change.fact.field == LISTED}
    for key, entry in list(register.entries.items()):
        for about in _told(entry):
            subject = next(
                (known for known in entry.subjects if about.startswith(f"{known.scope}/{known.name} ")), None
            )
            if subject is None or subject.scope != context.spec.surface or subject in missing:
                continue
            if assessment.baseline.get(subject, {}).get(LISTED) is True:
                message = OwnerMessage(
                    key=f"{LISTED_AGAIN} {about}",
                    what=LISTED_AGAIN,
                    day=context.at.date(),
                    text=f"{context.spec.key} lists {subject.name} again",
                    source=context.spec.key,
                )
                reminded(register, key, message, at=context.at)


def _told(entry: Entry) -> list[str]:
    """List the absences that the owners of an active entry were told of, and of no end yet: `openai/luna 2026-…`."""
    if entry.status is not Status.ACTIVE:
        return []
    keys = [key.partition(" ") for key in entry.reminded]
    over = {about for what, _, about in keys if what == LISTED_AGAIN}
    return [about for what, _, about in keys if what == UNLISTED and about not in over]
