"""Settling: what became of attempts, written in as few transactions as may be, since each waits for the disk."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from hashlib import sha256

from monitor.core import events as ev
from monitor.core.configuration import Owner
from monitor.core.events import Ledger
from monitor.core.notices import Item, Notice, Reason
from monitor.core.ports import Clock, Delivery, DeliveryState, NotSent, Reader, Sent, SentMessage, Store, Transaction
from monitor.notify.attempts import Attempt
from monitor.notify.unreached import reached_again, tell_others, undelivered, was_dead

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

JITTER = 0.1


class Settler:
    """Writes down what became of attempts. The arguments are those of `Relay`; for the one thread that ticks."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        owners: Callable[[], Mapping[str, Owner]],
        attempts: int,
        fallback_owner: Callable[[], str],
    ) -> None:
        self._store = store
        self._clock = clock
        self._owners = owners
        self._attempts = attempts
        self._fallback_owner = fallback_owner
        self._alive: set[str] = set()  # destinations at which nothing was given up last
        self._clear: set[str] = set()  # destinations at which nothing waits that failed

    def begin(self) -> None:
        """Forget what is known of destinations: another process may have sent to them meanwhile."""
        self._alive.clear()
        self._clear.clear()

    def is_last(self, attempt: Attempt) -> bool:
        """Return whether a delivery is given up with this attempt."""
        outcome = attempt.outcome
        last = attempt.tried and attempt.delivery.attempts + 1 >= self._attempts
        return isinstance(outcome, NotSent) and (outcome.permanent or last)

    def settle(self, attempts: Sequence[Attempt]) -> Exception | None:
        """Settle attempts in one transaction, and each by itself where that fails: none may keep another from it.
        Return the first failure.
        """
        if not attempts:
            return None
        failure = self._settle(attempts)
        if failure is not None:
            failures = [self._settle([attempt]) for attempt in attempts]
            failure = next(filter(None, failures), None)
        reached: dict[str, bool] = {}
        for attempt in attempts:
            if attempt.outcome is not None:
                destination, took = attempt.delivery.destination, isinstance(attempt.outcome, Sent)
                reached[destination] = reached.get(destination, True) and took
        self._clear -= {destination for destination, took in reached.items() if not took}
        works = {destination for destination, took in reached.items() if took} - self._clear
        return (self._hasten(works) if works else None) or failure

    def bury(self, attempts: Sequence[Attempt]) -> Exception | None:
        """Give up deliveries of one owner in one transaction, and return its failure."""
        return self._try(partial(self._write_dead, attempts=attempts))

    def _settle(self, attempts: Sequence[Attempt]) -> Exception | None:
        failure = self._try(partial(self._write, attempts=attempts))
        if failure is None:
            successes = (attempt for attempt in attempts if isinstance(attempt.outcome, Sent))
            self._alive.update(attempt.delivery.destination for attempt in successes)
        return failure

    def _write(self, tx: Transaction, attempts: Sequence[Attempt]) -> None:
        tx.settle(*(_settled(attempt) for attempt in attempts))
        successes = [attempt for attempt in attempts if isinstance(attempt.outcome, Sent)]
        silent = {
            destination: was_dead(tx, destination)
            for destination in dict.fromkeys(attempt.delivery.destination for attempt in successes)
            if destination not in self._alive
        }
        ledger, again = Ledger(tx.head()), list[tuple[Attempt, int]]()
        for attempt in successes:
            if attempt.notice is not None and isinstance(attempt.outcome, Sent):
                tx.keep_sent(_as_sent(attempt, attempt.notice, attempt.outcome))
            more = {"link": attempt.link.digest} if attempt.link.digest else {}
            position = _record(ledger, ev.NOTICE_DELIVERED, attempt, _tried(attempt).attempts, **more)
            if silent.pop(attempt.delivery.destination, False):
                again.append((attempt, position))
        tx.append(ledger.events, self._clock())
        for attempt, position in again:
            self._tell_others(tx, attempt, [reached_again(attempt, position)])

    def _write_dead(self, tx: Transaction, attempts: Sequence[Attempt]) -> None:
        """Give up deliveries of one owner, record each, and tell somebody else; never about a notice
        of this very kind.
        """
        ledger = Ledger(tx.head())
        items: list[Item] = []
        for attempt in attempts:
            self._alive.discard(attempt.delivery.destination)
            error = attempt.outcome.reason if isinstance(attempt.outcome, NotSent) else ""
            dead = replace(_tried(attempt), state=DeliveryState.DEAD, error=error)
            tx.settle(dead)
            position = _record(ledger, ev.NOTICE_DEAD, attempt, dead.attempts, error=error)
            if attempt.notice is None or attempt.notice.reason is not Reason.UNDELIVERED:
                items.append(undelivered(attempt, position, error))
        tx.append(ledger.events, self._clock())
        if items:
            self._tell_others(tx, attempts[0], items)

    def _tell_others(self, tx: Transaction, attempt: Attempt, items: Sequence[Item]) -> None:
        owner = attempt.delivery.owner
        tell_others(tx, self._owners(), self._fallback_owner(), owner, items, attempt.at)

    def _hasten(self, destinations: Collection[str]) -> Exception | None:
        """Let what failed before be due at destinations that take messages again: it is older than what they took."""
        now = self._clock()
        try:
            with self._store.read() as reader:  # the writer's lock is for those who have something to write
                waits = any(row.retry_at > now for row in _failing(reader, destinations))
        except Exception as error:
            return error

        def due(tx: Transaction) -> None:
            tx.settle(*(replace(row, retry_at=min(row.retry_at, now)) for row in _failing(tx, destinations)))

        failure = self._try(due) if waits else None
        if failure is None:
            self._clear |= set(destinations)
        return failure

    def _try(self, act: Callable[[Transaction], None]) -> Exception | None:
        """Run one transaction; its failure is kept until the others had their turn."""
        try:
            with self._store.write() as tx:
                act(tx)
        except Exception as error:
            return error
        return None


def _tried(attempt: Attempt) -> Delivery:
    return replace(attempt.delivery, attempts=attempt.delivery.attempts + attempt.tried)


def _settled(attempt: Attempt) -> Delivery:
    """Return a delivery as it stands after an attempt that was not its last."""
    outcome = attempt.outcome
    if outcome is None:
        held_until = min(attempt.held_until or attempt.at, attempt.at + LONGEST_HOLD)
        return replace(attempt.delivery, state=DeliveryState.WAITING, retry_at=held_until)
    tried = _tried(attempt)
    if isinstance(outcome, Sent):
        return replace(tried, state=DeliveryState.SENT, error="")
    # Never sooner than the channel asked.
    wait = min(timedelta(seconds=outcome.retry_after or 0), LONGEST_WAIT)
    own = backoff(attempt.parcel, tried.attempts) if attempt.tried else timedelta(0)
    return replace(tried, state=DeliveryState.WAITING, retry_at=attempt.at + max(own, wait), error=outcome.reason)


def _record(ledger: Ledger, type: str, attempt: Attempt, attempts: int, **data: str) -> int:
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


def _as_sent(attempt: Attempt, notice: Notice, sent: Sent) -> SentMessage:
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
