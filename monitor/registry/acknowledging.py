"""What people say to notices: that they take a pause on, and that an entry should be quiet for a while. Neither moves an entry."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from monitor.app.commit import write
from monitor.core import events as ev
from monitor.core.configuration import Configuration
from monitor.core.entry import Entry, Status
from monitor.core.events import Event, entry_stream, notice_stream
from monitor.core.ports import Clock, Refused, Store, Transaction
from monitor.registry.transitions import RegistryTransaction


class Attendant:
    """Writes down what people say to notices."""

    def __init__(self, store: Store, configuration: Configuration, clock: Clock) -> None:
        self._store = store
        self._configuration = configuration
        self._clock = clock

    def acknowledge(self, what: str, *, by: str, via: Mapping[str, str], note: str = "") -> Event:
        """Take on the pauses that a notice tells of, or that of one entry: they are not told again.

        Raises:
            Refused: `what` is neither a notice nor an entry, or nothing in it is paused.
        """
        with self._store.write() as tx:
            register = RegistryTransaction(tx.head(), tx.entries())
            named = _named(tx, register, what)
            paused = [key for key in named if register.entries[key].status is Status.PAUSED]
            if not paused:
                raise Refused(f"nothing is paused in {what}; `access-monitor status` shows what is")
            notice = what if tx.notice(what) is not None else _notice_of(tx, register.entries[what])
            register.add(
                ev.NOTICE_ACKNOWLEDGED,
                notice_stream(notice),
                notice,
                at=self._clock(),
                actor=by,
                cause=register.entries[paused[0]].pause,
                data={"entries": paused, "by": by, "note": note, "via": dict(via)},
            )
            acknowledged = register.events[-1]
            write(tx, self._configuration, register, at=self._clock())
        return acknowledged

    def silence(self, key: str, *, until: datetime | None, by: str, reason: str, via: Mapping[str, str]) -> Event:
        """Tell nothing of an entry until a time but its pauses; None ends a silence.

        Raises:
            Refused: there is no such entry, or the time has passed.
        """
        now = self._clock()
        if until is not None and until <= now:
            raise Refused(f"{ev.rfc3339(until)} has passed; give a time to come with --until")
        with self._store.write() as tx:
            register = RegistryTransaction(tx.head(), tx.entries())
            if key not in register.entries:
                raise Refused(f"there is no entry {key!r}; `access-monitor status` lists the entries")
            register.add(
                ev.ENTRY_SILENCED,
                entry_stream(key),
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
            silenced = register.events[-1]
            write(tx, self._configuration, register, at=now)
        return silenced


def _notice_of(tx: Transaction, entry: Entry) -> str:
    """The notice that told of an entry's pause; the position of the pause where nobody was told."""
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
    raise Refused(f"{what!r} is neither an entry nor a notice; `access-monitor outbox` lists notices")
