"""The relay: carries the outbox to the channels. At least once, no transaction open while it sends, nothing dropped
silently.

    T2 claim due rows → send, one thread a destination → T3 settle: sent | waiting until retry_at | dead
                        `attempts`                          `settling`

A crash between sending and settling sends again when the claim's lease ends: a notice told twice is better than one
never told, and its id shows the repeat. The schedule is the retry loop; nothing here sleeps.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from time import monotonic

from monitor.core.configuration import Owner
from monitor.core.ports import Channel, Clock, Delivery, DeliveryState, EventQuery, Sent, Store, Transaction
from monitor.notify.attempts import Arrival, AskGateNow, Attempt, DueDelivery, Sender
from monitor.notify.settling import ATTEMPTS, Settler

LEASE = timedelta(minutes=2)
"""How long a claim holds; a relay gives back what it has not begun to send after half of it."""

BATCH = 100
"""How many rows one statement claims, and how many outcomes one transaction settles at most."""

GATHER = 0.1
"""Seconds for which outcomes are gathered that are settled together."""

CLAIM_AGAIN = 0.5
"""Seconds after which what became due meanwhile is claimed as well, while something that was claimed before hangs."""

LARGEST_CLAIM = 1000
"""How many deliveries are claimed at a time: what was held back is sent as one message."""


@dataclass(slots=True, kw_only=True)
class _Flight:
    """What one tick has in the air: `queues` holds, for each destination that is being sent to, what was claimed for it
    meanwhile; outcomes come in through `arrived`, and the name of a destination that is through, which sets `landed`.
    """

    queues: dict[str, list[DueDelivery]] = field(default_factory=dict)
    arrived: SimpleQueue[Arrival] = field(default_factory=SimpleQueue)
    landed: threading.Event = field(default_factory=threading.Event)
    claimed: int = 0
    failure: Exception | None = None

    def arrivals(self, seconds: float) -> Iterator[Arrival]:
        """Yield what arrives, after waiting at most that long for the first. A few more are waited for, since each
        transaction waits for the disk; not by taking one after the other, since each time a thread that sends would
        have to stop for this one. A crowd is taken in parts.
        """
        with suppress(Empty):
            yield self.arrived.get(timeout=seconds)
            ends = monotonic() + GATHER
            for _ in range(BATCH - 1):
                while self.arrived.empty() and self.queues and (left := ends - monotonic()) > 0:
                    self.landed.clear()
                    if self.arrived.empty():
                        self.landed.wait(left)
                yield self.arrived.get_nowait()

    def failed(self, failure: Exception | None) -> None:
        """Keep the last failure; nothing more is claimed after one."""
        self.failure = failure or self.failure


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
        self._clock = clock
        self._worker = worker
        self._executor = executor
        self._lease = lease
        self._sender = Sender(
            store=store,
            channel=channel,
            clock=clock,
            owners=owners,
            still_allowed=still_allowed,
            gate=gate,
            public_url=public_url,
        )
        self._settler = Settler(
            store=store, clock=clock, owners=owners, attempts=attempts, fallback_owner=fallback_owner
        )

    def recover(self) -> int:
        """Free the claims of a dead predecessor, at the start of a single node, and return how many there were.

        Where the log ends in the future, the clock was set back meanwhile: what waits for a time of the old one is due.
        """
        now = self._clock()
        with self._store.write() as tx:
            last = next(tx.events(EventQuery(newest_first=True, limit=1)), None)
            if last is not None and last.recorded_at > now:
                waiting = tx.deliveries(DeliveryState.WAITING)
                tx.settle(*(replace(delivery, retry_at=min(delivery.retry_at, now)) for delivery in waiting))
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
        self._settler.begin()
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
                notices = {id: tx.notice(id) for id in dict.fromkeys(delivery.notice for delivery in claimed)}
        except Exception as error:
            if not flight.queues:
                raise
            flight.failure = error  # what flies is settled first
            return
        flight.claimed += len(claimed)
        queues: dict[str, list[DueDelivery]] = defaultdict(list)
        for delivery in claimed:
            queues[delivery.destination].append(DueDelivery(delivery, notices[delivery.notice], now + self._lease / 2))
        for destination, queue in queues.items():
            if destination in flight.queues:
                flight.queues[destination] += queue
            else:
                self._begin(flight, destination, queue)

    def _begin(self, flight: _Flight, destination: str, queue: Sequence[DueDelivery]) -> None:
        flight.queues[destination] = []
        self._executor.submit(self._send_all, flight, queue)

    def _send_all(self, flight: _Flight, queue: Sequence[DueDelivery]) -> None:
        try:
            self._sender.send_all(queue, flight.arrived)
        finally:
            flight.landed.set()

    def _settle_for(self, flight: _Flight, seconds: float) -> None:
        """Settle what arrives, all that is there in one transaction, until nothing flies or that much time is over.

        The dead are settled last and by owner: fifty rows to one deleted webhook are one alarm.
        """
        ends = monotonic() + seconds
        dead: dict[str, list[Attempt]] = defaultdict(list)
        while flight.queues and (left := ends - monotonic()) > 0:
            alive: list[Attempt] = []
            for arrival in flight.arrivals(left):
                if isinstance(arrival, str):
                    if queue := flight.queues.pop(arrival):  # more was claimed for it meanwhile
                        self._begin(flight, arrival, queue)
                elif isinstance(arrival, Exception):
                    flight.failed(arrival)
                elif self._settler.is_last(arrival):
                    dead[arrival.delivery.owner].append(arrival)
                else:
                    alive.append(arrival)
            flight.failed(self._settler.settle(alive))
            self._sender.forget(attempt.delivery.id for attempt in alive if isinstance(attempt.outcome, Sent))
        for attempts in dead.values():
            flight.failed(self._settler.bury(attempts))
            self._sender.forget(attempt.delivery.id for attempt in attempts)

    def _claim(self, tx: Transaction, now: datetime, only: Collection[str]) -> list[Delivery]:
        """Take what is due, all of it up to a bound: what is held back for a destination goes out as one message."""
        claimed: list[Delivery] = []
        while len(claimed) < LARGEST_CLAIM:
            batch = tx.claim(now, now + self._lease, BATCH, self._worker, only)
            claimed += batch
            if len(batch) < BATCH:
                break
        return claimed
