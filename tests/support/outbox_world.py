"""A relay whose clock is set by hand, over owners with rules, and a channel that keeps what went out when."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import count
from zoneinfo import ZoneInfo

from monitor.core.configuration import DestinationRules, Owner
from monitor.core.notices import Item, Notice, Reason
from monitor.core.ports import Delivery, NotSent, Sent, Store
from monitor.notify.destinations import takers
from monitor.notify.relay import Relay
from monitor.notify.wording import compose

BERLIN = ZoneInfo("Europe/Berlin")


class KeepingChannel:
    """Takes everything while it is reachable."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Notice]] = []
        self.refusals: list[NotSent] = []

    def send(self, notice: Notice, destination: str) -> Sent | NotSent:
        if self.refusals:
            return self.refusals.pop(0)
        self.sent.append((destination, notice))
        return Sent(form="text", title=compose(notice).title, body=compose(notice).footer)

    def label(self, destination: str) -> str:
        return "json://hooks.example"


class OutboxWorld:
    """Local times are those of Berlin."""

    def __init__(self, store: Store, executor: ThreadPoolExecutor, owners: Mapping[str, Owner]) -> None:
        self.store = store
        self.owners = dict(owners)
        self.channel = KeepingChannel()
        self.now = datetime(2026, 7, 1, 12, tzinfo=BERLIN)
        self.fallback_owner = ""
        self._positions = count(1)
        self.relay = Relay(
            store=store,
            channel=self.channel,
            clock=lambda: self.now,
            owners=lambda: self.owners,
            worker="test",
            executor=executor,
            fallback_owner=lambda: self.fallback_owner,
        )

    def at(self, local: str) -> None:
        """Set the clock: `2026-07-01 23:00`, or only the time of the day that it is."""
        day, _, time = local.rpartition(" ")
        self.now = datetime.fromisoformat(f"{day or self.now.astimezone(BERLIN).date()} {time}").replace(tzinfo=BERLIN)

    def tell(self, *reasons: Reason | Item, owner: str = "platform", incident: str = "", **fields: object) -> str:
        """Enqueue a notice as a commit does, send what is due, and return its id."""
        items = tuple(
            reason if isinstance(reason, Item) else self.item(reason, incident, **fields) for reason in reasons
        )
        notice = Notice(id=f"{items[-1].position}.{owner}", owner=owner, at=self.now, items=items)
        with self.store.write() as tx:
            tx.enqueue(notice, takers(tx, self.owners[owner], notice), self.now)
        self.tick()
        return notice.id

    def item(self, reason: Reason, incident: str = "", **fields: object) -> Item:
        position = next(self._positions)
        given = {"entry": "luna", "status": "active", "summary": f"news {position}", **fields}
        return Item(
            reason=reason,
            subject="gpt-5.6-luna",
            position=position,
            since=self.now,
            incident=incident or f"luna-{position}",
            **given,  # type: ignore[arg-type]
        )

    def tick(self) -> None:
        while self.relay.tick():
            pass

    def take(self, destination: str = "platform#1") -> list[Notice]:
        """Send what is due and return what a destination got since it was asked last."""
        self.tick()
        mine = [notice for to, notice in self.channel.sent if to == destination]
        self.channel.sent = [(to, notice) for to, notice in self.channel.sent if to != destination]
        return mine

    def rows(self) -> list[Delivery]:
        with self.store.read() as reader:
            return list(reader.deliveries())


def owner(key: str = "platform", **rules: object) -> Owner:
    """Return an owner with one destination that has these rules, by the clock of Berlin."""
    given = DestinationRules(**{"zone": "Europe/Berlin", **rules})  # type: ignore[arg-type]
    return Owner(key=key, destinations=("env:ONE",), rules={1: given})
