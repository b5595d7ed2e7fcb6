"""Models that a list misses while another route still reaches them: told once, since nothing is believed of it for long."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from monitor.core import events as ev
from monitor.core.configuration import ConfirmationRules, SourceSpec
from monitor.core.entry import UNLISTED, Status
from monitor.core.facts import GRANTED, LISTED, PendingChange
from monitor.detection.routes import Others
from monitor.registry.reminders import reminded
from monitor.registry.transitions import RegistryTransaction


def remind(
    register: RegistryTransaction,
    spec: SourceSpec,
    pending_changes: Iterable[PendingChange],
    others: Others,
    belief: ConfirmationRules,
    at: datetime,
) -> None:
    """Remind the owners of active entries of each model that would be believed gone by now, if no other route had reached it."""
    for pending_change in pending_changes:
        subject = pending_change.fact.subject
        reaching = [one.route for one in others.signals.get(subject, ()) if one.says == GRANTED]
        enough = pending_change.seen >= belief.absence.polls and at - pending_change.first_at >= belief.absence.span
        if pending_change.fact.field != LISTED or pending_change.value is not None or not reaching or not enough:
            continue
        for key, entry in list(register.entries.items()):
            said = f"{UNLISTED} {subject.scope}/{subject.name} {ev.rfc3339(pending_change.first_at)}"
            if entry.status is not Status.ACTIVE or subject not in entry.subjects or said in entry.reminded:
                continue
            until = pending_change.first_at + belief.reached
            text = (
                f"{subject.name} is missing from {spec.key} and still reached by {', '.join(reaching)}; "
                f"that it is unlisted is believed from {ev.rfc3339(until)} on, if it stays so"
            )
            reminded(
                register,
                key,
                said=said,
                what=UNLISTED,
                day=until.date(),
                text=text,
                at=at,
                source=spec.key,
                evidence=pending_change.evidence,
                more={"since": ev.rfc3339(pending_change.first_at), "looks": pending_change.seen},
            )
