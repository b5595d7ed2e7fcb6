"""Destinations that are not reached: who else is told of it, and in which words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from shlex import quote

from monitor.core import events as ev
from monitor.core.configuration import Owner
from monitor.core.notices import Item, Notice, Reason
from monitor.core.ports import DeliveryState, EventQuery, Reader, Transaction
from monitor.notify.attempts import Attempt
from monitor.notify.destinations import destinations, notified, takers
from monitor.notify.holding import urgent
from monitor.notify.incidents import named


def tell_others(
    tx: Transaction, owners: Mapping[str, Owner], fallback: str, owner: str, items: Sequence[Item], at: datetime
) -> None:
    """Enqueue items about a destination of `owner` elsewhere: that it is not reached, or that it is again. `fallback`
    is the fallback owner, empty where there is none.
    """
    about = {item.subject for item in items}
    elsewhere = {
        key: [reference for reference in references if reference not in about]
        for key, references in _others(tx, owners, fallback, owner).items()
    }
    notices = {
        key: Notice(id=f"{items[0].reason}-{items[0].position}-{key}", owner=key, at=at, items=tuple(items))
        for key in elsewhere
    }
    taking = {
        key: [to for to in takers(tx, owners[key], notices[key]) if to in references]
        for key, references in elsewhere.items()
    }
    # Where nobody asked for it, it is told nevertheless: else nobody knew.
    for key, references in (taking if any(taking.values()) else elsewhere).items():
        if references:
            tx.enqueue(notices[key], references, at)


def _others(tx: Transaction, owners: Mapping[str, Owner], fallback: str, owner: str) -> Mapping[str, Sequence[str]]:
    """Return whom to tell that `owner` was not: it at its other destinations and the fallback owner, else the other
    owners at their first; never where the last word was dead.
    """
    last = {row.destination: row.state for row in tx.deliveries(DeliveryState.SENT, DeliveryState.DEAD)}
    alive = {
        key: [to for to in destinations(configured) if last.get(to) is not DeliveryState.DEAD]
        for key, configured in owners.items()
    }
    first = [owner, *(notified(owners, "", fallback) if fallback else ())]
    reached = {key: alive[key] for key in first if alive.get(key)}
    return reached or {key: references[:1] for key, references in alive.items() if references}


def was_dead(reader: Reader, destination: str) -> bool:
    """Return whether nothing has reached a destination since a delivery to it was given up.

    The log is asked and not the outbox: there a delivery that is sent once more is not dead any longer.
    """
    for record in reader.events(EventQuery(type=ev.NOTICE_DEAD, newest_first=True)):
        if record.event.data.get("reference") == destination:
            delivered = reader.events(EventQuery(type=ev.NOTICE_DELIVERED, after=record.event.position))
            return not any(later.event.data.get("reference") == destination for later in delivered)
    return False


def undelivered(attempt: Attempt, position: int, error: str) -> Item:
    """Return what is told of a delivery that was given up, recorded at `position`."""
    delivery, notice = attempt.delivery, attempt.notice
    leading = [item for item in notice.items if item.reason is notice.reason] if notice else []
    about = ", ".join(dict.fromkeys(item.entry or item.subject for item in leading)) or "unknown"
    kind = notice.reason.value.replace("_", " ") if notice else "unknown"
    return Item(
        reason=Reason.UNDELIVERED,
        subject=delivery.destination,
        position=position,
        since=delivery.created_at,
        name=attempt.label,
        incident=_incident(delivery.destination),
        brief=error,
        summary=f"Notice {delivery.notice} ({kind}: {about}) did not reach {attempt.label}: {error}",
        commands=(
            f"access-monitor notices {quote(delivery.notice)}",
            f"access-monitor outbox redeliver {delivery.id}",
        ),
        urgent=notice is not None and any(urgent(item, attempt.at) for item in notice.items),
    )


def reached_again(attempt: Attempt, position: int) -> Item:
    """Return what is told of a destination that takes messages again; the message that it took is recorded at
    `position`.
    """
    return Item(
        reason=Reason.RECOVERED,
        subject=attempt.delivery.destination,
        position=position,
        since=attempt.at,
        name=attempt.label,
        incident=_incident(attempt.delivery.destination),
        brief="takes messages again",
        summary=f"{attempt.label} takes messages again",
        commands=("access-monitor outbox",),
    )


def _incident(destination: str) -> str:
    return named("destination", destination)
