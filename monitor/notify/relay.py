"""The relay: carries the outbox to the channels. At least once, no transaction open while it sends, nothing dropped
silently.

    T2 claim due rows → send, one thread a destination → T3 settle: sent | waiting until retry_at | dead

A crash between sending and settling sends again when the claim's lease ends: a notice told twice is better than one
never told, and its id shows the repeat. The schedule is the retry loop; nothing here sleeps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from queue import Empty, SimpleQueue
from shlex import quote
from time import monotonic
from typing import NamedTuple, TypeAlias

from monitor.core import events as ev
from monitor.core.configuration import DestinationRules, Owner
from monitor.core.events import Ledger
from monitor.core.names import perhaps
from monitor.core.notices import Item, Notice, Reason
from monitor.core.ports import (
    Channel,
    Clock,
    Delivery,
    DeliveryState,
    EventQuery,
    NotSent,
    Reader,
    Refused,
    Sent,
    SentMessage,
    Store,
    Transaction,
)
from monitor.gate.state import Production
from monitor.notify.ack_url import NONE, AckUrl, ack_url, can_be_acknowledged, with_url
from monitor.notify.answers import answered_again
from monitor.notify.destinations import addressed, destinations, notified, rules_of, takers
from monitor.notify.holding import AT_ONCE, Holding, digest, holding, urgent
from monitor.notify.incidents import named

LEASE = timedelta(minutes=2)
"""How long a claim holds; a relay gives back what it has not begun to send after half of it."""

BATCH = 50
GATHER = 0.05
"""Seconds for which outcomes are gathered that are settled together."""

CLAIM_AGAIN = 0.5
"""Seconds after which what became due meanwhile is claimed as well, while something that was claimed before hangs."""

FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(hours=1)
LONGEST_WAIT = timedelta(hours=6)
"""The most that a channel's own `Retry-After` is honoured."""

ATTEMPTS = 30
"""Attempts before a delivery is given up: about a day with the waits above."""

LONGEST_HOLD = timedelta(hours=20)
"""How long a held message waits at most before it is asked again until when; the store takes a longer wait for one that
a wrong clock dated.
"""

LARGEST_CLAIM = 1000
"""How many deliveries are claimed at a time: what was held back is sent as one message."""

JITTER = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parcel:
    """Deliveries to one destination that go out as one message, each with its notice as the destination takes it. After
    `stop` they are not begun.
    """

    contents: tuple[tuple[Delivery, Notice | None], ...]
    stop: datetime
    holding: Holding = AT_ONCE


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sending:
    """What came of sending a parcel: what to call the destination, and the link that the message had."""

    label: str
    outcome: Sent | NotSent | None = None
    link: AckUrl = NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    """What became of one delivery, known at `at`. Without an outcome there was no time to try it, and it is given back,
    or it is held back until then.

    `parcel` is the first delivery of those that went out together: they are tried again together. `tried` is False for
    what stood behind a failure that would have been its own.
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


Arrival: TypeAlias = _Attempt | Exception | str
"""What comes back from a destination: an outcome, what went wrong before there was one, and its name at the end."""


class _Due(NamedTuple):
    """A claimed delivery with its notice; after `stop` it is not begun but given back."""

    delivery: Delivery
    notice: Notice | None
    stop: datetime


@dataclass(slots=True, kw_only=True)
class _Flight:
    """What one tick has in the air: `queues` holds, for each destination that is being sent to, what was claimed for it
    meanwhile; outcomes come in through `arrived`, and the name of a destination that is through.
    """

    queues: dict[str, list[_Due]] = field(default_factory=dict)
    arrived: SimpleQueue[Arrival] = field(default_factory=SimpleQueue)
    claimed: int = 0
    failure: Exception | None = None

    def arrivals(self, seconds: float) -> Iterator[Arrival]:
        """Yield what arrives, after waiting at most that long for the first; a few more are waited for, since each
        transaction waits for the disk. A crowd is taken in parts.
        """
        with suppress(Empty):
            yield self.arrived.get(timeout=seconds)
            ends = monotonic() + GATHER
            for _ in range(BATCH - 1):
                if not self.queues:
                    break
                yield self.arrived.get(timeout=max(0.0, ends - monotonic()))

    def failed(self, failure: Exception | None) -> None:
        """Keep the last failure; nothing more is claimed after one."""
        self.failure = failure or self.failure


AskGateNow: TypeAlias = Callable[[Reader, datetime], Production]
"""What the gate says to production at a time, by what a reader sees."""


class Relay:
    """Delivers what is due.

    `owners` is asked at each tick, since a reload replaces the configuration. `worker` names this process in claims.
    `executor` bounds how many destinations are sent to at once; the channel bounds how long one attempt takes.
    `public_url` is where people reach the HTTP server; messages of pauses then have a link to acknowledge them.
    `still_allowed` says until when readers of the lease files are still allowed an entry although it is denied, since
    the files cannot be written. `gate` says what production is answered now, and is asked before each attempt.
    `fallback_owner` names who is told of what was not delivered as well; empty for nobody.
    """

    def __init__(  # noqa: PLR0913 - wired once, by bootstrap, each by its name
        self,
        *,
        store: Store,
        channel: Channel,
        clock: Clock,
        owners: Callable[[], Mapping[str, Owner]],
        worker: str,
        executor: Executor,
        lease: timedelta = LEASE,
        attempts: int = ATTEMPTS,
        still_allowed: Callable[[str], datetime | None] = lambda _: None,
        gate: AskGateNow | None = None,
        fallback_owner: Callable[[], str] = lambda: "",
        public_url: str = "",
    ) -> None:
        self._store = store
        self._channel = channel
        self._clock = clock
        self._owners = owners
        self._worker = worker
        self._executor = executor
        self._lease = lease
        self._attempts = attempts
        self._still_allowed = still_allowed
        self._gate = gate
        self._fallback_owner = fallback_owner
        self._public_url = public_url
        # A message that was taken although its attempt failed has the link of the next attempt: both work then.
        self._links: dict[int, AckUrl] = {}
        self._alive: set[str] = set()  # destinations of this tick at which nothing was given up last

    def recover(self) -> int:
        """Free the claims of a dead predecessor, at the start of a single node, and return how many there were.

        Where the log ends in the future, the clock was set back meanwhile: what waits for a time of the old one is due.
        """
        now = self._clock()
        with self._store.write() as tx:
            last = next(tx.events(EventQuery(newest_first=True, limit=1)), None)
            if last is not None and last.recorded_at > now:
                for delivery in tx.deliveries(DeliveryState.WAITING):
                    tx.settle(replace(delivery, retry_at=min(delivery.retry_at, now)))
            return tx.free_claims(self._worker)

    def tick(self, only: Collection[str] = ()) -> int:
        """Claim what is due, send it, settle each outcome as it arrives, and return how many deliveries were claimed.

        With `only` no other notices are claimed than those of these ids.

        Raises:
            Unavailable: the store could not be written; what was sent but not settled is sent again.
        """
        now = self._clock()
        # An idle daemon asks every second, and the writer's lock is for those who have something to write.
        with self._store.read() as reader:
            if not reader.due(now):
                return 0
        flight = _Flight()
        self._alive.clear()  # another process may have given up meanwhile
        self._take_off(flight, only)
        while flight.queues:
            self._settle_for(flight, CLAIM_AGAIN)
            may_claim = flight.failure is None and not only and self._clock() < now + self._lease / 2
            if flight.queues and may_claim:
                self._take_off(flight, only)
        if flight.failure is not None:
            raise flight.failure
        return flight.claimed

    def _take_off(self, flight: _Flight, only: Collection[str]) -> None:
        """Claim what is due and begin to send it; what is for a destination that is being sent to queues there."""
        now = self._clock()
        with self._store.read() as reader:
            if not reader.due(now):
                return
        try:
            with self._store.write() as tx:
                claimed = self._claim(tx, now, only)
                notices = {delivery.notice: tx.notice(delivery.notice) for delivery in claimed}
        except Exception as error:
            if not flight.queues:
                raise
            flight.failure = error  # what flies is settled first
            return
        flight.claimed += len(claimed)
        queues: dict[str, list[_Due]] = defaultdict(list)
        for delivery in claimed:
            queues[delivery.destination].append(_Due(delivery, notices[delivery.notice], now + self._lease / 2))
        for destination, queue in queues.items():
            if destination in flight.queues:
                flight.queues[destination] += queue
            else:
                flight.queues[destination] = []
                self._executor.submit(self._send_all, queue, flight.arrived)

    def _settle_for(self, flight: _Flight, seconds: float) -> None:
        """Settle what arrives, all that is there in one transaction, until nothing flies or that much time is over.

        The dead are settled last and by owner: fifty rows to one deleted webhook are one alarm.
        """
        ends = monotonic() + seconds
        dead: dict[str, list[_Attempt]] = defaultdict(list)
        while flight.queues and (left := ends - monotonic()) > 0:
            alive: list[_Attempt] = []
            for arrival in flight.arrivals(left):
                if isinstance(arrival, str):
                    self._landed(flight, arrival)
                elif isinstance(arrival, Exception):
                    flight.failed(arrival)
                elif self._final(arrival):
                    dead[arrival.delivery.owner].append(arrival)
                else:
                    alive.append(arrival)
            flight.failed(self._settle_all(alive))
        for attempts in dead.values():
            flight.failed(self._try(partial(self._bury, attempts=attempts)))

    def _landed(self, flight: _Flight, destination: str) -> None:
        """Send on to a destination where more was claimed meanwhile."""
        if queue := flight.queues.pop(destination):
            flight.queues[destination] = []
            self._executor.submit(self._send_all, queue, flight.arrived)

    def _claim(self, tx: Transaction, now: datetime, only: Collection[str]) -> list[Delivery]:
        """Take what is due, all of it up to a bound: what is held back for a destination goes out as one message."""
        claimed: list[Delivery] = []
        while len(claimed) < LARGEST_CLAIM:
            batch = tx.claim(now, now + self._lease, BATCH, self._worker, only)
            claimed += batch
            if len(batch) < BATCH:
                break
        return claimed

    def _send_all(self, queue: Sequence[_Due], arrived: SimpleQueue[Arrival]) -> None:
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
                sending = _Sending(label=label, outcome=None if held_until is not None else failed)
                if held_until is None and failed is None and self._clock() < parcel.stop:
                    sending = self._send(parcel)
                    label = sending.label
                if isinstance(sending.outcome, NotSent) and not sending.outcome.permanent:
                    failed = sending.outcome
                attempt = partial(
                    _Attempt,
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

    def _parcels(self, queue: Sequence[_Due]) -> Iterator[_Parcel]:
        """Sort what is due at one destination: what goes out by itself, in order, what waits, and at last what was held
        back, as one message.
        """
        destination = queue[0].delivery.destination
        rules, now = rules_of(self._owners(), destination), self._clock()
        if rules == DestinationRules():
            yield from (_Parcel(contents=((due.delivery, due.notice),), stop=due.stop) for due in queue)
            return
        singles: list[_Parcel] = []
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
                    singles.append(_Parcel(contents=((due.delivery, notice),), holding=judged, stop=due.stop))
        yield from singles
        if collected:
            yield _Parcel(contents=tuple(collected), holding=Holding(collected=True), stop=queue[0].stop)

    def _send(self, parcel: _Parcel) -> _Sending:
        """Make one attempt, and return what came of it."""
        delivery = parcel.contents[0][0]
        notices = [notice for _, notice in parcel.contents if notice is not None]
        label, link = delivery.destination, NONE
        if not notices:
            outcome: Sent | NotSent = NotSent(reason="its notice is not in the store", permanent=True)
        elif delivery.destination not in self._known(delivery.owner):
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
        return _Sending(label=label, outcome=outcome, link=link)

    def _link(self, delivery: Delivery, notice: Notice) -> AckUrl:
        """Return the link of a delivery, which is the same at each attempt of this process."""
        if not self._public_url or notice.digest is not None or not can_be_acknowledged(notice):
            return NONE
        return self._links.setdefault(delivery.id, ack_url(self._public_url, notice))

    def _message(self, notices: Sequence[Notice], parcel: _Parcel, destination: str) -> Notice:
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
            first = reader.first_message(destination, notice.incidents[0])
        if first is not None and first[0] != notice.id:
            notice = replace(notice, earlier=first[1])
        items = tuple(
            replace(item, lease_until=self._still_allowed(item.entry)) if item.denied and item.entry else item
            for item in notice.items
        )
        return replace(notice, items=items)

    def _settle_all(self, attempts: Sequence[_Attempt]) -> Exception | None:
        """Settle outcomes in one transaction, and each by itself where that fails: none may keep another from it."""
        if not attempts:
            return None

        def settle(tx: Transaction) -> None:
            for attempt in attempts:
                self._settle(tx, attempt)

        failure = self._try(settle)
        if failure is not None:
            failures = [self._try(partial(self._settle, attempt=attempt)) for attempt in attempts]
            failure = next(filter(None, failures), None)
        reached: dict[str, bool] = {}
        for attempt in attempts:
            if attempt.outcome is not None:
                destination, took = attempt.delivery.destination, isinstance(attempt.outcome, Sent)
                reached[destination] = reached.get(destination, True) and took
        works = {destination for destination, took in reached.items() if took}
        return (self._hasten(works) if works else None) or failure

    def _hasten(self, destinations: Collection[str]) -> Exception | None:
        """Let what failed before be due at destinations that take messages again: it is older than what they took."""
        now = self._clock()
        try:
            with self._store.read() as reader:  # the writer's lock is for those who have something to write
                if not any(row.retry_at > now for row in _failing(reader, destinations)):
                    return None
        except Exception as error:
            return error

        def due(tx: Transaction) -> None:
            for row in _failing(tx, destinations):
                tx.settle(replace(row, retry_at=min(row.retry_at, now)))

        return self._try(due)

    def _try(self, act: Callable[[Transaction], None]) -> Exception | None:
        """Run one transaction; its failure is kept until the others had their turn."""
        try:
            with self._store.write() as tx:
                act(tx)
        except Exception as error:
            return error
        return None

    def _final(self, attempt: _Attempt) -> bool:
        outcome = attempt.outcome
        last = attempt.tried and attempt.delivery.attempts + 1 >= self._attempts
        return isinstance(outcome, NotSent) and (outcome.permanent or last)

    def _settle(self, tx: Transaction, attempt: _Attempt) -> None:
        delivery, outcome = attempt.delivery, attempt.outcome
        if outcome is None:
            held_until = min(attempt.held_until or attempt.at, attempt.at + LONGEST_HOLD)
            tx.settle(replace(delivery, state=DeliveryState.WAITING, retry_at=held_until))
            return
        tried = replace(delivery, attempts=delivery.attempts + attempt.tried)
        if isinstance(outcome, NotSent):
            # Never sooner than the channel asked.
            wait = min(timedelta(seconds=outcome.retry_after or 0), LONGEST_WAIT)
            own = backoff(attempt.parcel, tried.attempts) if attempt.tried else timedelta(0)
            retry_at = attempt.at + max(own, wait)
            tx.settle(replace(tried, state=DeliveryState.WAITING, retry_at=retry_at, error=outcome.reason))
            return
        self._links.pop(delivery.id, None)
        was_dead = delivery.destination not in self._alive and _was_dead(tx, delivery.destination)
        tx.settle(replace(tried, state=DeliveryState.SENT, error=""))
        if attempt.notice is not None:
            tx.keep_sent(_as_sent(attempt, attempt.notice, outcome))
        ledger = Ledger(tx.head())
        more = {"link": attempt.link.digest} if attempt.link.digest else {}
        position = self._record(ledger, ev.NOTICE_DELIVERED, attempt, tried.attempts, **more)
        tx.append(ledger.events, self._clock())
        if was_dead:
            self._tell_others(tx, delivery.owner, [_reached_again(attempt, position)], attempt.at)
        else:
            self._alive.add(delivery.destination)

    def _bury(self, tx: Transaction, attempts: Sequence[_Attempt]) -> None:
        """Give up deliveries of one owner, record each, and tell somebody else; never about a notice
        of this very kind.
        """
        ledger = Ledger(tx.head())
        items: list[Item] = []
        for attempt in attempts:
            self._links.pop(attempt.delivery.id, None)
            self._alive.discard(attempt.delivery.destination)
            tried = replace(attempt.delivery, attempts=attempt.delivery.attempts + 1, state=DeliveryState.DEAD)
            error = attempt.outcome.reason if isinstance(attempt.outcome, NotSent) else ""
            tx.settle(replace(tried, error=error))
            position = self._record(ledger, ev.NOTICE_DEAD, attempt, tried.attempts, error=error)
            if attempt.notice is None or attempt.notice.reason is not Reason.UNDELIVERED:
                items.append(_undelivered(attempt, position, error))
        tx.append(ledger.events, self._clock())
        if items:
            self._tell_others(tx, attempts[0].delivery.owner, items, attempts[0].at)

    def _tell_others(self, tx: Transaction, owner: str, items: Sequence[Item], at: datetime) -> None:
        """Tell of a destination of `owner`, elsewhere: that it is not reached, or that it is again."""
        about, owners = {item.subject for item in items}, self._owners()
        notices = {
            key: Notice(id=f"{items[0].reason}-{items[0].position}-{key}", owner=key, at=at, items=tuple(items))
            for key in self._others(tx, owner)
        }
        elsewhere = {
            key: [reference for reference in references if reference not in about]
            for key, references in self._others(tx, owner).items()
        }
        taking = {
            key: [to for to in takers(tx, owners[key], notices[key]) if to in references]
            for key, references in elsewhere.items()
        }
        # Where nobody asked for it, it is told nevertheless: else nobody knew.
        for key, references in (taking if any(taking.values()) else elsewhere).items():
            if references:
                tx.enqueue(notices[key], references, at)

    def _record(self, ledger: Ledger, type: str, attempt: _Attempt, attempts: int, **data: str) -> int:
        notice = attempt.notice
        return ledger.add(
            type,
            ev.notice_stream(attempt.delivery.notice),
            attempt.delivery.notice,
            at=attempt.at,
            cause=max((item.position for item in notice.items), default=0) or None if notice else None,
            data={
                "destination": attempt.label,
                "reference": attempt.delivery.destination,
                "owner": attempt.delivery.owner,
                "attempts": attempts,
                **data,
            },
        )

    def _known(self, owner: str) -> tuple[str, ...]:
        configured = self._owners().get(owner)
        return () if configured is None else destinations(configured)

    def _others(self, tx: Transaction, owner: str) -> Mapping[str, Sequence[str]]:
        """Return whom to tell that `owner` was not: it at its other destinations and the fallback owner, else the other
        owners at their first; never where the last word was dead.
        """
        last = self._last_states(tx)
        alive = {
            key: [reference for reference in self._known(key) if last.get(reference) is not DeliveryState.DEAD]
            for key in self._owners()
        }
        fallback = self._fallback_owner()
        first = [owner, *(notified(self._owners(), "", fallback) if fallback else ())]
        reached = {key: alive[key] for key in first if alive.get(key)}
        return reached or {key: references[:1] for key, references in alive.items() if references}

    def _last_states(self, tx: Transaction) -> Mapping[str, DeliveryState]:
        """Return what became of the last message to each destination."""
        return {row.destination: row.state for row in tx.deliveries(DeliveryState.SENT, DeliveryState.DEAD)}

    def redeliver(self, ids: Collection[int] | None = None) -> int:
        """Put deliveries back to waiting, due now, with their attempts counted anew: all dead ones, or those named
        (also waiting ones).

        Raises:
            Refused: a named delivery does not exist, is being sent or was sent; nothing is changed then.
        """
        now = self._clock()
        with self._store.write() as tx:
            rows = {row.id: row for row in tx.deliveries()}
            if ids is None:
                chosen = [row for row in rows.values() if row.state is DeliveryState.DEAD]
            else:
                chosen = [_redeliverable(rows, id) for id in sorted(set(ids))]
            for row in chosen:
                tx.settle(replace(row, state=DeliveryState.WAITING, attempts=0, retry_at=now, error=""))
        return len(chosen)

    def test(self, owner: str) -> tuple[str, ...]:
        """Enqueue a test notice to every destination of an owner, or of each member of a group, and return the ids.

        Raises:
            Refused: the owner is not configured or has no destination.
        """
        keys = [key for key in notified(self._owners(), "", owner) if self._known(key)]
        if not keys:
            known = sorted(self._owners())
            configured = ", ".join(known) or "none"
            raise Refused(
                f"there is no owner {owner!r} with a destination{perhaps(owner, known)}; configured: {configured}"
            )
        now = self._clock()
        with self._store.write() as tx:
            notices = [_test(key, tx.head(), now) for key in keys]
            for notice in notices:
                tx.enqueue(notice, self._known(notice.owner), now)
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


def backoff(delivery: int, attempts: int) -> timedelta:
    """Return the wait after the given number of failed attempts: 30 s, 1 min, 2 min … at most 1 h, up to a tenth
    longer.

    The addition is derived from the delivery, so that a crowd does not return at one moment and a test knows when it
    will.
    """
    doublings = min(attempts - 1, 20)
    pause = min(FIRST_RETRY * (1 << doublings), LONGEST_RETRY)
    share = int.from_bytes(sha256(f"{delivery}:{attempts}".encode()).digest()[:4]) / 2**32
    return pause * (1 + JITTER * share)


def _failing(reader: Reader, destinations: Collection[str]) -> list[Delivery]:
    """Return what failed at these destinations and waits for another attempt."""
    rows = reader.deliveries(DeliveryState.WAITING)
    return [row for row in rows if row.attempts and row.error and row.destination in destinations]


def _was_dead(reader: Reader, destination: str) -> bool:
    """Return whether nothing has reached a destination since a delivery to it was given up.

    The log is asked and not the outbox: there a delivery that is sent once more is not dead any longer.
    """
    for record in reader.events(EventQuery(type=ev.NOTICE_DEAD, newest_first=True)):
        if record.event.data.get("reference") == destination:
            delivered = reader.events(EventQuery(type=ev.NOTICE_DELIVERED, after=record.event.position))
            return not any(later.event.data.get("reference") == destination for later in delivered)
    return False


def _undelivered(attempt: _Attempt, position: int, error: str) -> Item:
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


def _reached_again(attempt: _Attempt, position: int) -> Item:
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


def _without(link: AckUrl, outcome: Sent | NotSent) -> Sent | NotSent:
    """Return an outcome that does not show the link, which services may quote."""
    if isinstance(outcome, NotSent):
        return replace(outcome, reason=link.hidden_in(outcome.reason))
    return replace(outcome, title=link.hidden_in(outcome.title), body=link.hidden_in(outcome.body))


def _incident(destination: str) -> str:
    return named("destination", destination)


def _as_sent(attempt: _Attempt, notice: Notice, sent: Sent) -> SentMessage:
    return SentMessage(
        id=0,
        notice=notice.id,
        owner=attempt.delivery.owner,
        destination=attempt.delivery.destination,
        label=attempt.label,
        at=attempt.at,
        incidents=notice.incidents,
        form=sent.form,
        title=sent.title,
        body=sent.body,
        thread=sent.thread,
    )


def _redeliverable(rows: Mapping[int, Delivery], id: int) -> Delivery:
    row = rows.get(id)
    if row is None:
        raise Refused(f"there is no delivery {id}; `access-monitor outbox` lists them")
    if row.state not in (DeliveryState.DEAD, DeliveryState.WAITING):
        raise Refused(f"delivery {id} is {row.state}, not dead or waiting; `access-monitor outbox` lists them")
    return row
