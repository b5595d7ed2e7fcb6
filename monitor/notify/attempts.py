"""Attempts: what is due at one destination, sent one after the other, each as it is true at that moment.

Nothing is written here. Outcomes are handed on as they arise, and `settling` keeps them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from queue import SimpleQueue
from typing import NamedTuple, TypeAlias

from monitor.core.configuration import DestinationRules, Owner
from monitor.core.notices import Notice
from monitor.core.ports import Channel, Clock, Delivery, NotSent, Reader, Sent, Store
from monitor.gate.state import Production
from monitor.notify.ack_url import NONE, AckUrl, ack_url, can_be_acknowledged, with_url
from monitor.notify.answers import answered_again
from monitor.notify.destinations import addressed, destinations, rules_of
from monitor.notify.holding import AT_ONCE, Holding, digest, holding
from monitor.notify.incidents import named


class DueDelivery(NamedTuple):
    """A claimed delivery with its notice; after `stop` it is not begun but given back."""

    delivery: Delivery
    notice: Notice | None
    stop: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Deliveries to one destination that go out as one message, each with its notice as the destination takes it. After
    `stop` they are not begun.
    """

    contents: tuple[tuple[Delivery, Notice | None], ...]
    stop: datetime
    holding: Holding = AT_ONCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What became of one delivery, known at `at`. Without an outcome there was no time to try it, and it is given back,
    or it is held back until then.

    `label` is what to call the destination, `link` the one that the message had. `parcel` is the first delivery of
    those that went out together: they are tried again together. `tried` is False for what stood behind a failure that
    would have been its own.
    """

    delivery: Delivery
    notice: Notice | None
    label: str
    at: datetime
    parcel: int
    held_until: datetime | None = None
    tried: bool = True
    outcome: Sent | NotSent | None = None
    link: AckUrl = NONE


Arrival: TypeAlias = Attempt | Exception | str
"""What comes back from a destination: an outcome, what went wrong before there was one, and its name at the end."""

AskGateNow: TypeAlias = Callable[[Reader, datetime], Production]
"""What the gate says to production at a time, by what a reader sees."""


class _Sending(NamedTuple):
    """What came of sending a parcel: what to call the destination, and the link that the message had."""

    label: str
    outcome: Sent | NotSent | None = None
    link: AckUrl = NONE


class Sender:
    """Sends what is due at a destination. The arguments are those of `Relay`. Safe to use from several threads, one for
    each destination.
    """

    def __init__(
        self,
        *,
        store: Store,
        channel: Channel,
        clock: Clock,
        owners: Callable[[], Mapping[str, Owner]],
        still_allowed: Callable[[str], datetime | None],
        gate: AskGateNow | None,
        public_url: str,
    ) -> None:
        self._store = store
        self._channel = channel
        self._clock = clock
        self._owners = owners
        self._still_allowed = still_allowed
        self._gate = gate
        self._public_url = public_url
        # A message that was taken although its attempt failed has the link of the next attempt: both work then.
        self._links: dict[int, AckUrl] = {}

    def send_all(self, queue: Sequence[DueDelivery], arrived: SimpleQueue[Arrival]) -> None:
        """Send to one destination, in order; what arrives last is its name.

        A failure that may pass counts for all that is due there: a hanging destination costs one timeout a tick, and
        what queues behind it grows old with it instead of waiting for its turn to fail. Where a service says when to
        come back, it takes them one after the other: what queues there waits, and does not grow old.
        """
        destination = queue[0].delivery.destination
        try:
            failed: NotSent | None = None
            label = destination
            for parcel in self._parcels(queue):
                held_until, tried = parcel.holding.until, failed is None or failed.retry_after is None
                sending = _Sending(label, None if held_until is not None else failed)
                if held_until is None and failed is None and self._clock() < parcel.stop:
                    sending = self._send(parcel)
                    label = sending.label
                if isinstance(sending.outcome, NotSent) and not sending.outcome.permanent:
                    failed = sending.outcome
                attempt = partial(
                    Attempt,
                    label=sending.label,
                    at=self._clock(),
                    held_until=held_until,
                    tried=tried,
                    outcome=sending.outcome,
                    link=sending.link,
                )
                for delivery, notice in parcel.contents:
                    arrived.put(attempt(delivery=delivery, notice=notice, parcel=parcel.contents[0][0].id))
        except Exception as error:
            arrived.put(error)
        finally:
            arrived.put(destination)

    def forget(self, deliveries: Iterable[int]) -> None:
        """Forget the links of deliveries that are not tried again."""
        for id in deliveries:
            self._links.pop(id, None)

    def _parcels(self, queue: Sequence[DueDelivery]) -> Iterator[Parcel]:
        """Sort what is due at one destination: what goes out by itself, in order, what waits, and at last what was held
        back, as one message.
        """
        destination = queue[0].delivery.destination
        rules, now = rules_of(self._owners(), destination), self._clock()
        if rules == DestinationRules():
            yield from (Parcel(contents=((due.delivery, due.notice),), stop=due.stop) for due in queue)
            return
        singles: list[Parcel] = []
        collected: list[tuple[Delivery, Notice | None]] = []
        with self._store.read() as reader:
            for due in queue:
                notice, judged = due.notice, AT_ONCE
                if notice is not None:
                    notice = replace(notice, items=addressed(reader, rules, notice, destination))
                    judged = holding(reader, rules, notice, destination, due.delivery.created_at, now)
                if judged.collected and judged.until is None:
                    collected.append((due.delivery, notice))
                else:
                    singles.append(Parcel(contents=((due.delivery, notice),), holding=judged, stop=due.stop))
        yield from singles
        if collected:
            yield Parcel(contents=tuple(collected), holding=Holding(collected=True), stop=queue[0].stop)

    def _send(self, parcel: Parcel) -> _Sending:
        """Make one attempt, and return what came of it."""
        delivery = parcel.contents[0][0]
        notices = [notice for _, notice in parcel.contents if notice is not None]
        label, link = delivery.destination, NONE
        if not notices:
            outcome: Sent | NotSent = NotSent(reason="its notice is not in the store", permanent=True)
        elif not self._is_configured(delivery):
            outcome = NotSent(reason=f"destination {label} is no longer configured", permanent=True)
        else:
            try:
                label = self._channel.label(delivery.destination)
                message = self._message(notices, parcel, delivery.destination)
                link = self._link(delivery, message)
                outcome = _without(link, self._channel.send(with_url(message, link), delivery.destination))
            except Exception as error:
                # A channel never raises; one that does must not leave the others of this tick unsettled.
                outcome = NotSent(reason=f"the channel failed: {type(error).__name__}")
        return _Sending(label, outcome, link)

    def _is_configured(self, delivery: Delivery) -> bool:
        owner = self._owners().get(delivery.owner)
        return owner is not None and delivery.destination in destinations(owner)

    def _link(self, delivery: Delivery, notice: Notice) -> AckUrl:
        """Return the link of a delivery, which is the same at each attempt of this process."""
        if not self._public_url or notice.digest is not None or not can_be_acknowledged(notice):
            return NONE
        return self._links.setdefault(delivery.id, ack_url(self._public_url, notice))

    def _message(self, notices: Sequence[Notice], parcel: Parcel, destination: str) -> Notice:
        """Return notices as they are true now, as one where they are collected; a single one that only waited for the
        end of quiet hours is sent as it is.
        """
        current = [self._as_now(notice, destination) for notice in notices]
        if not parcel.holding.collected:
            return current[0]
        with self._store.read() as reader:
            last = reader.tree.last_checkpoint()
        whole = digest(current, self._clock(), "" if last is None else last.note)
        is_digest = rules_of(self._owners(), destination).digest is not None
        return whole if is_digest or len(current) > 1 or not whole.items else current[0]

    def _as_now(self, notice: Notice, destination: str) -> Notice:
        """Return the notice as it is true now, by the gate and the lease files, and with the message that began its
        incident at the destination.
        """
        now = self._clock()
        with self._store.read() as reader:
            if self._gate is not None:
                notice = answered_again(notice, reader, self._gate(reader, now), now)
            first = None if _begins(notice) else reader.first_message(destination, notice.incidents[0])
        if first is not None and first[0] != notice.id:
            notice = replace(notice, earlier=first[1])
        items = tuple(
            replace(item, lease_until=self._still_allowed(item.entry)) if item.denied and item.entry else item
            for item in notice.items
        )
        return replace(notice, items=items)


def _begins(notice: Notice) -> bool:
    """Return whether a notice tells the event that its incident is named after: no message was before it, and none is
    searched for among all that a destination ever got.
    """
    return any(
        item.incident == notice.incidents[0] == named(subject, item.position)
        for item in notice.items
        for subject in (item.entry, item.source, item.subject)
        if subject
    )


def _without(link: AckUrl, outcome: Sent | NotSent) -> Sent | NotSent:
    """Return an outcome that does not show the link, which services may quote."""
    if link is NONE:
        return outcome
    if isinstance(outcome, NotSent):
        return replace(outcome, reason=link.hidden_in(outcome.reason))
    return replace(outcome, title=link.hidden_in(outcome.title), body=link.hidden_in(outcome.body))
