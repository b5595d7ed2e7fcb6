"""The monitor's own troubles, told without its database: a full disk would keep every notice about it in the outbox.

Nothing here is stored. What is kept in memory is who was reached, so that each owner hears once of a trouble and once
of its end; a restart during a trouble tells it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.core.configuration import Owner
from monitor.core.notices import Item, Notice, Reason
from monitor.core.ports import PUBLISHING, SEALING, STORING, Channel, NotSent, Trouble
from monitor.notify.destinations import destinations

PATIENCE = timedelta(seconds=5)
"""How long a trouble lasts before it is told: a disk may be full for the moment in which a log is rotated."""

RETRY = timedelta(minutes=1)
"""How long after a failed attempt the next one is made."""

LONGEST = timedelta(hours=1)
"""For how long the end of a trouble is tried to be told."""

_ABILITIES = {
    STORING: ("write the database", "the database cannot be written, so no change is recorded and no entry paused"),
    PUBLISHING: (
        "write lease files",
        "the lease files cannot be written, so what reads them goes on with the old answers",
    ),
    SEALING: ("sign the log", "the log was changed behind its signed checkpoints, so no further one is signed"),
}
"""Ability → what it is to do, and what is said where the monitor cannot."""


@dataclass(slots=True, kw_only=True)
class _Incident:
    """One trouble: whom its beginning reached, and whom its end."""

    ability: str
    trouble: Trouble
    reached: set[tuple[str, str]] = field(default_factory=set)
    ended_at: datetime | None = None
    relieved: set[tuple[str, str]] = field(default_factory=set)
    next_try: datetime | None = None


class Alarm:
    """Tells owners of the monitor's troubles.

    `channel` and `owners` are asked anew each time, since a reload replaces them. `executor` bounds how many
    destinations are sent to at once.
    """

    def __init__(
        self, channel: Callable[[], Channel], owners: Callable[[], Sequence[Owner]], executor: Executor
    ) -> None:
        self._channel = channel
        self._owners = owners
        self._executor = executor
        self._incidents: dict[str, _Incident] = {}

    def tick(self, troubles: Mapping[str, Trouble], now: datetime) -> int:
        """Tell what has lasted for a while and what is over; returns how many messages were taken."""
        for ability, trouble in troubles.items():
            incident = self._incidents.get(ability)
            if incident is None or incident.ended_at is not None:
                self._incidents[ability] = _Incident(ability=ability, trouble=trouble)
            else:
                incident.trouble = trouble
        sent = 0
        for ability, incident in list(self._incidents.items()):
            if ability not in troubles and incident.ended_at is None:
                incident.ended_at, incident.next_try = now, None
            sent += self._tell(incident, now)
            if self._settled(incident, now):
                del self._incidents[ability]
        return sent

    def _tell(self, incident: _Incident, now: datetime) -> int:
        if incident.ended_at is None and now - incident.trouble.since < PATIENCE:
            return 0
        if incident.next_try is not None and now < incident.next_try:
            return 0
        if incident.ended_at is None:
            everyone = {(owner.key, reference) for owner in self._owners() for reference in destinations(owner)}
            targets, done = everyone - incident.reached, incident.reached
        else:
            targets, done = incident.reached - incident.relieved, incident.relieved
        taken = self._send(incident, sorted(targets), now)
        done |= taken
        incident.next_try = now + RETRY
        return len(taken)

    def _send(self, incident: _Incident, targets: Iterable[tuple[str, str]], now: datetime) -> set[tuple[str, str]]:
        channel = self._channel()

        def attempt(target: tuple[str, str]) -> tuple[tuple[str, str], bool]:
            owner, reference = target
            outcome = channel.send(_notice(incident, owner, now), reference)
            # Where it is refused for good, another attempt would be refused as well.
            return target, not isinstance(outcome, NotSent) or outcome.permanent

        return {target for target, over in self._executor.map(attempt, targets) if over}

    def _settled(self, incident: _Incident, now: datetime) -> bool:
        if incident.ended_at is None:
            return False
        return incident.reached == incident.relieved or now - incident.ended_at > LONGEST


def _notice(incident: _Incident, owner: str, now: datetime) -> Notice:
    began = incident.trouble.since
    act, trouble = _ABILITIES[incident.ability]
    over = incident.ended_at is not None
    item = Item(
        reason=Reason.RECOVERED if over else Reason.TROUBLE,
        subject="access-monitor",
        position=0,
        since=incident.ended_at or began,
        incident=f"{incident.ability}-{began:%Y%m%dT%H%M%SZ}",
        brief=f"can {act} again" if over else f"cannot {act}",
        summary=f"the monitor can {act} again" if over else f"{trouble}: {incident.trouble.reason}",
        commands=("access-monitor doctor", "access-monitor status"),
    )
    ending = "-over" if over else ""
    id = f"{incident.ability}-{began:%Y%m%dT%H%M%SZ}{ending}.{owner}"
    return Notice(id=id, owner=owner, at=now, items=(item,))
