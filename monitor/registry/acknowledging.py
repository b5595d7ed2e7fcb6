"""What people say to notices: that they take a pause on, and that an entry should be quiet for a while. Neither moves
an entry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from monitor.core import events as ev
from monitor.core.entry import Entry, Status
from monitor.core.events import Event, notice_stream
from monitor.core.names import perhaps
from monitor.core.ports import Refused, Transaction
from monitor.registry.ack_links import CHANNEL, find_link
from monitor.registry.lookup import UnknownEntry, find_entry
from monitor.registry.transitions import RegistryTransaction
from monitor.registry.unit_of_work import Begin, UnitOfWork


class Attendant:
    """Writes down what people say to notices."""

    def __init__(self, begin: Begin) -> None:
        self._begin = begin

    def acknowledge(self, what: str, *, by: str, via: Mapping[str, str], note: str = "") -> Event:
        """Take on the pauses that a notice tells of, or that of one entry: they are not told again.

        Raises:
            Refused: `what` is neither a notice nor an entry, or nothing in it is paused.
        """
        with self._begin() as unit:
            tx, register = unit.tx, unit.register
            named = _named(tx, register, what)
            paused = [key for key in named if register.entries[key].status is Status.PAUSED]
            if not paused:
                raise Refused(f"nothing is paused in {what}; `access-monitor status` shows what is")
            notice = what if tx.notice(what) is not None else _notice_of(tx, register.entries[what])
            return _acknowledged(unit, notice, paused, by=by, note=note, via=via)

    def acknowledge_by_link(self, notice: str, token: str, *, by: str, via: Mapping[str, str], note: str = "") -> Event:
        """Take on the pauses that a link in a message is for, once; the event says by which link.

        Raises:
            UnknownLink: no message of the notice holds it.
            EndedLink: it was used, it is too old, or the pause is over.
        """
        with self._begin() as unit:
            link = find_link(unit.tx, notice, token, unit.now)
            paused = [entry.key for entry in link.entries]
            by_link = {**via, "channel": CHANNEL, "link": link.digest}
            return _acknowledged(unit, notice, paused, by=by, note=note, via=by_link)

    def silence(self, key: str, *, until: datetime | None, by: str, reason: str, via: Mapping[str, str]) -> Event:
        """Tell nothing of an entry until a time but its pauses; None ends a silence.

        Raises:
            Refused: there is no such entry, or the time has passed.
        """
        with self._begin() as unit:
            register, now = unit.register, unit.now
            if until is not None and until <= now:
                raise Refused(f"{ev.rfc3339(until)} has passed; give a time to come with --until")
            find_entry(register.entries, key)
            register.add_to_entry(
                ev.ENTRY_SILENCED,
                key,
                at=now,
                actor=by,
                data={
                    "until": None if until is None else ev.rfc3339(until),
                    "by": by,
                    "reason": reason,
                    "via": dict(via),
                },
            )
            return register.events[-1]


def _acknowledged(
    unit: UnitOfWork, notice: str, paused: Sequence[str], *, by: str, note: str, via: Mapping[str, str]
) -> Event:
    """Write that somebody took on the pauses of entries, of which a notice tells."""
    unit.register.add(
        ev.NOTICE_ACKNOWLEDGED,
        notice_stream(notice),
        notice,
        at=unit.now,
        actor=by,
        cause=unit.register.entries[paused[0]].pause,
        data={"entries": list(paused), "by": by, "note": note, "via": dict(via)},
    )
    return unit.register.events[-1]


def _notice_of(tx: Transaction, entry: Entry) -> str:
    """Find the notice that told of an entry's pause; the position of the pause where nobody was told."""
    for delivery in reversed(tx.deliveries()):
        notice = tx.notice(delivery.notice)
        if notice is not None and any(
            item.entry == entry.key and item.position == entry.pause for item in notice.items
        ):
            return notice.id
    return str(entry.pause)


def _named(tx: Transaction, register: RegistryTransaction, what: str) -> list[str]:
    notice = tx.notice(what)
    if notice is not None:
        return [item.entry for item in notice.items if item.entry in register.entries]
    if what in register.entries:
        return [what]
    known = (*register.entries, *(delivery.notice for delivery in tx.deliveries()))
    raise UnknownEntry(
        f"{what!r} is neither an entry nor a notice{perhaps(what, known)}; `access-monitor notices` lists notices"
    )
