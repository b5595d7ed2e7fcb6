"""Models that a list misses while another route still reaches them: said once, since nothing of it is confirmed."""

from __future__ import annotations

from monitor.core import events as ev
from monitor.core.entry import UNLISTED, Status
from monitor.core.facts import GRANTED, LISTED
from monitor.detection.assess import Assessment
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
