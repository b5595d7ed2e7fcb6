"""What people do to the outbox: put deliveries back to waiting, and test the destinations of an owner."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from monitor.core.configuration import Owner
from monitor.core.names import perhaps
from monitor.core.notices import Item, Notice, Reason
from monitor.core.ports import Delivery, DeliveryState, Refused, Store
from monitor.notify.destinations import destinations, notified


def redeliver(store: Store, now: datetime, ids: Collection[int] | None = None) -> int:
    """Put deliveries back to waiting, due now, with their attempts counted anew: all dead ones, or those named (also
    waiting ones). Return how many.

    Raises:
        Refused: a named delivery does not exist, is being sent or was sent; nothing is changed then.
    """
    with store.write() as tx:
        rows = {row.id: row for row in tx.deliveries()}
        if ids is None:
            chosen = [row for row in rows.values() if row.state is DeliveryState.DEAD]
        else:
            chosen = [_redeliverable(rows, id) for id in sorted(set(ids))]
        waiting = (replace(row, state=DeliveryState.WAITING, attempts=0, retry_at=now, error="") for row in chosen)
        tx.settle(*waiting)
    return len(chosen)


def enqueue_test(store: Store, owners: Mapping[str, Owner], owner: str, now: datetime) -> tuple[str, ...]:
    """Enqueue a test notice to every destination of an owner, or of each member of a group, and return the ids.

    Raises:
        Refused: the owner is not configured or has no destination.
    """
    keys = [key for key in notified(owners, "", owner) if key in owners and owners[key].destinations]
    if not keys:
        names = sorted(owners)
        configured = ", ".join(names) or "none"
        raise Refused(
            f"there is no owner {owner!r} with a destination{perhaps(owner, names)}; configured: {configured}"
        )
    with store.write() as tx:
        notices = [_test(key, tx.head(), now) for key in keys]
        for notice in notices:
            tx.enqueue(notice, destinations(owners[notice.owner]), now)
    return tuple(notice.id for notice in notices)


def _test(owner: str, position: int, now: datetime) -> Notice:
    item = Item(
        reason=Reason.TEST,
        subject=owner,
        position=position,
        since=now,
        brief="nothing changed",
        summary=f"A test of the destinations of {owner}. Nothing changed.",
        commands=("access-monitor outbox",),
    )
    return Notice(id=f"test-{owner}-{now:%Y%m%dT%H%M%S.%fZ}", owner=owner, at=now, items=(item,))


def _redeliverable(rows: Mapping[int, Delivery], id: int) -> Delivery:
    row = rows.get(id)
    if row is None:
        raise Refused(f"there is no delivery {id}; `access-monitor outbox` lists them")
    if row.state not in (DeliveryState.DEAD, DeliveryState.WAITING):
        raise Refused(f"delivery {id} is {row.state}, not dead or waiting; `access-monitor outbox` lists them")
    return row
