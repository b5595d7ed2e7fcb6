"""Models that a list misses while another route still reaches them: told once, since nothing is believed of it for long."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from monitor.core import events as ev
from monitor.core.configuration import ConfirmationRules, SourceSpec
from monitor.core.entry import Status
from monitor.core.facts import GRANTED, LISTED, PendingChange
from monitor.core.notices import Reason
from monitor.detection.routes import Others
from monitor.notify import compose
from monitor.registry.reminders import reminded
from monitor.registry.transitions import RegistryTransaction

UNLISTED = "unlisted"
"""What `entry.reminded` says of it."""


def told(
    register: RegistryTransaction,
    spec: SourceSpec,
    pending_changes: Iterable[PendingChange],
    others: Others,
    belief: ConfirmationRules,
    at: datetime,
) -> list[compose.Told]:
    """Tell the owners of active entries of each model that would be believed gone by now, if no other route had reached it."""
    found = []
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
            position = reminded(
                register,
                key,
                said=said,
                what=UNLISTED,
                day=until.date(),
                text=text,
                at=at,
                source=spec.key,
                evidence=pending_change.evidence,
            )
            item = compose.entry_item(
                register,
                key,
                reason=Reason.HELD,
                position=position,
                since=pending_change.first_at,
                looks=pending_change.seen,
                source=spec.key,
                evidence=pending_change.evidence,
                summary=text,
            )
            found.append(compose.Told(owners=entry.spec.owners, item=item))
    return found
