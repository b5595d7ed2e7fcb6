"""What a clock that was set does to what is kept: the step is recorded, and when the new time counts, everything stays
as old as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby

from monitor.core import events as ev
from monitor.core.events import CLOCK_STREAM, DAEMON_STREAM, Ledger, rfc3339
from monitor.core.ports import ClockStep, DeliveryState, EventQuery, Reader, Store, Transaction


def record_steps(store: Store, steps: Sequence[ClockStep], now: datetime) -> None:
    """Append one event for each step; `now` is by the old time, carried on."""
    with store.write() as tx:
        ledger = Ledger(tx.head())
        for step in steps:
            ledger.add(
                ev.CLOCK_STEPPED,
                CLOCK_STREAM,
                CLOCK_STREAM,
                at=now,
                data=described(step),
            )
        tx.append(ledger.events, now)


ABSENCE = timedelta(minutes=1)
"""For how long no daemon has to have run for the next one to record it; a restart takes less."""


def record_absence(store: Store, code: str, now: datetime) -> None:
    """Append that a daemon starts, where none was seen to be alive for longer than a restart takes, or another version
    of the program (`code`) was.

    Nothing else in the log tells a time in which nothing happened from one in which nobody watched.
    """
    with store.write() as tx:
        seen_at = tx.daemon_seen_at()
        absent = seen_at is not None and now - seen_at > ABSENCE
        if not absent and last_code(tx) in ("", code):
            return
        ledger = Ledger(tx.head())
        ledger.add(
            ev.DAEMON_STARTED,
            DAEMON_STREAM,
            DAEMON_STREAM,
            at=now,
            data={"last_seen": None if seen_at is None else rfc3339(seen_at), "code": code},
        )
        tx.append(ledger.events, now)


def last_code(reader: Reader, until: int | None = None) -> str:
    """Return the version of the program that the log named last, or last up to a position; empty where none is."""
    newest = [
        recorded.event
        for type in (ev.DAEMON_STARTED, ev.CONFIG_CHANGED)
        for recorded in reader.events(
            EventQuery(type=type, before=None if until is None else until + 1, newest_first=True, limit=1)
        )
    ]
    return "" if not newest else str(max(newest, key=lambda event: event.position).data["code"])


def described(step: ClockStep) -> dict[str, int | str]:
    """Return a step as the log has it: seconds, negative where the clock was set back, and both times."""
    return {"by": round(step.by.total_seconds()), "from": rfc3339(step.before), "to": rfc3339(step.after)}


def keep_ages(store: Store, by: timedelta, before: datetime) -> None:
    """Move what is dated up to `before`, the last moment of the old time, by the step to the new one.

    A difference that was pending for an hour is then pending for an hour, and not for a day, since the clock was set by
    a day. What is dated later was dated by somebody else's clock, and is left. A delivery that waits for a day of the
    old time would wait too long where the clock was set back.
    """
    with store.write() as tx:
        for state in tx.sources().values():
            moved = {
                name: at + by
                for name in ("accepted_at", "good_at", "looked_at", "outage_since", "anomaly_since")
                if (at := getattr(state, name)) is not None and at <= before
            }
            tx.put_source(replace(state, **moved))
        _keep_streaks(tx, by, before)
        for delivery in tx.deliveries(DeliveryState.WAITING):
            if by < timedelta(0) and delivery.retry_at > before + by:
                tx.settle(replace(delivery, retry_at=delivery.retry_at + by))


def _keep_streaks(tx: Transaction, by: timedelta, before: datetime) -> None:
    def moved(at: datetime) -> datetime:
        return at + by if at <= before else at

    for source, pending_changes in groupby(tx.pending_changes(), key=lambda pending_change: pending_change.source):
        tx.put_pending_changes(
            source,
            [
                replace(
                    pending_change,
                    first_at=moved(pending_change.first_at),
                    counted_at=moved(pending_change.counted_at),
                    before=None if pending_change.before is None else moved(pending_change.before),
                )
                for pending_change in pending_changes
            ],
        )
