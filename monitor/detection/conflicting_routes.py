"""Models that a list misses while another route still reaches them: told once, since nothing is believed of it for long."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from monitor.core import events as ev
from monitor.core.configuration import Belief, SourceSpec
from monitor.core.entry import Status
from monitor.core.facts import GRANTED, LISTED, Streak
from monitor.core.notices import Reason
from monitor.detection.routes import Others
from monitor.notify import compose
from monitor.registry.reminders import reminded
from monitor.registry.transitions import Register

UNLISTED = "unlisted"
"""What `entry.reminded` says of it."""


def told(
    register: Register, spec: SourceSpec, streaks: Iterable[Streak], others: Others, belief: Belief, at: datetime
) -> list[compose.Told]:
    """Tell the owners of active entries of each model that would be believed gone by now, if no other route had reached it."""
    found = []
    for streak in streaks:
        subject = streak.fact.subject
        reaching = [one.route for one in others.signals.get(subject, ()) if one.says == GRANTED]
        enough = streak.seen >= belief.absence.looks and at - streak.first_at >= belief.absence.span
        if streak.fact.field != LISTED or streak.value is not None or not reaching or not enough:
            continue
        for key, entry in list(register.entries.items()):
            said = f"{UNLISTED} {subject.scope}/{subject.name} {ev.rfc3339(streak.first_at)}"
            if entry.status is not Status.ACTIVE or subject not in entry.subjects or said in entry.reminded:
                continue
            until = streak.first_at + belief.reached
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
                evidence=streak.evidence,
            )
            item = compose.entry_item(
                register,
                key,
                reason=Reason.HELD,
                position=position,
                since=streak.first_at,
                looks=streak.seen,
                source=spec.key,
                evidence=streak.evidence,
                summary=text,
            )
            found.append(compose.Told(owners=entry.texts("owners"), item=item))
    return found
