"""A time of day that was set and has stood: the daemon goes by it, and what is kept stays as old as it was."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from moved_clocks import Moved
from plain_demo import write_plain_demo

from monitor.app.bootstrap import Monitor, open_monitor, utc_now
from monitor.app.clock import STANDS
from monitor.app.daemon import Daemon
from monitor.core.events import CONFIG_CHANGED, Event
from monitor.core.facts import Fact, PendingChange, SourceState, Subject
from monitor.core.notices import Item, Notice, Reason
from monitor.core.ports import DeliveryState
from monitor.notify.relay import Relay
from monitor.registry.timekeeping import keep_ages
from monitor.sandbox import Sandbox
from monitor.store import SqlStore, open_store

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FACT = Fact(Subject("openai", "orion-2"), "listed")


def until(holds: Callable[[], object], what: str) -> None:
    for _ in range(1200):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError(f"never came true: {what}")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in [name for name in os.environ if name.startswith("ACCESS_MONITOR")]:
        monkeypatch.delenv(name)
    with Sandbox() as sandbox:
        yield write_plain_demo(sandbox, tmp_path)


@pytest.mark.parametrize("by", [-2 * HOUR, 10 * DAY])
def test_the_daemon_follows_a_time_that_has_stood(config: Path, by: timedelta) -> None:
    with open_monitor(config) as monitor:
        moved = Moved(monitor)
        daemon = Daemon(monitor, lambda: monitor.settings)
        thread = threading.Thread(target=daemon.run)
        thread.start()
        try:

            def written() -> timedelta:
                """Return how far the lease file is from the true time."""
                document = json.loads((monitor.settings.lease_dir / "production.json").read_text())
                return datetime.fromisoformat(document["metadata"]["written_at"]) - utc_now()

            def good() -> dict[str, timedelta]:
                with monitor.store.read() as reader:
                    return {
                        key: state.good_at - utc_now()
                        for key, state in reader.sources().items()
                        if state.good_at is not None
                    }

            until(lambda: len(good()) == 2, "both sources are read")
            moved.set = by
            until(lambda: abs(monitor.clock() - utc_now()) < HOUR, "the old time is carried on")
            until(lambda: daemon._steps == () and _stepped(monitor), "the step is recorded")
            moved.passed += STANDS
            until(lambda: abs(written() - by) < HOUR, "the leases go by the new time")
            until(lambda: all(abs(span - by) < HOUR for span in good().values()), "so do the sources")
            until(lambda: daemon.health.working(timedelta(minutes=1)), "it works")
            with monitor.store.read() as reader:
                types = [one.event.type for one in reader.events()]
            assert "source.stale" not in types
            assert "check.stale" not in types
            assert types.count("clock.stepped") == 1
        finally:
            daemon.stop()
            thread.join(30)
            assert not thread.is_alive()


def _stepped(monitor: Monitor) -> bool:
    with monitor.store.read() as reader:
        return any(one.event.type == "clock.stepped" for one in reader.events())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    store = open_store(str(tmp_path / "monitor.db"))
    yield store
    store.close()


def waiting(store: SqlStore, *spans: timedelta) -> None:
    """Deliveries that wait until so long after now."""
    now = utc_now()
    item = Item(reason=Reason.TEST, subject="x", position=0, since=now, summary="x", commands=())
    with store.write() as tx:
        tx.enqueue(Notice(id="n", owner="o", at=now, items=(item,)), [f"o#{n}" for n, _ in enumerate(spans)], now)
        for delivery, span in zip(tx.deliveries(), spans, strict=True):
            tx.settle(replace(delivery, retry_at=now + span))


@pytest.mark.parametrize("by", [-2 * HOUR, 10 * DAY])
def test_ages_are_kept_and_dates_of_other_clocks_left_alone(store: SqlStore, by: timedelta) -> None:
    now = utc_now()
    state = SourceState(key="list", good_at=now - HOUR, accepted_at=now, looked_at=now + 5 * DAY)
    pending_change = PendingChange(
        source="list", fact=FACT, value=None, seen=1, first_at=now - DAY, counted_at=now, before=now - DAY
    )
    with store.write() as tx:
        tx.put_source(state)
        tx.put_pending_changes("list", [pending_change])
    keep_ages(store, by, now)
    with store.read() as reader:
        kept, (pending,) = reader.sources()["list"], reader.pending_changes()
    assert (kept.good_at, kept.accepted_at, kept.looked_at) == (now - HOUR + by, now + by, now + 5 * DAY)
    assert (pending.first_at, pending.counted_at, pending.before) == (now - DAY + by, now + by, now - DAY + by)


def test_a_delivery_waits_as_long_as_it_would_have_before_the_clock_was_set_back(store: SqlStore) -> None:
    waiting(store, HOUR, -3 * HOUR)
    now = utc_now()
    keep_ages(store, -2 * HOUR, now)
    with store.read() as reader:
        first, second = (row.retry_at for row in reader.deliveries(DeliveryState.WAITING))
    assert abs(first - (now - HOUR)) < timedelta(minutes=5)
    assert abs(second - (now - 3 * HOUR)) < timedelta(minutes=5)


def test_what_waits_for_a_time_that_no_clock_gives_is_due(store: SqlStore) -> None:
    waiting(store, 10 * DAY, HOUR)
    with store.read() as reader:
        assert reader.due(utc_now())
    with store.write() as tx:
        claimed = tx.claim(utc_now(), utc_now() + 3 * DAY, 10, "dead")
    assert [one.destination for one in claimed] == ["o#0"]
    with store.write() as tx:
        assert [one.destination for one in tx.claim(utc_now(), utc_now() + HOUR, 10, "me")] == ["o#0"]


def test_a_start_after_the_clock_was_set_back_makes_what_waits_due(store: SqlStore) -> None:
    waiting(store, HOUR)
    event = Event(position=1, type=CONFIG_CHANGED, stream="config", subject="config", occurred_at=utc_now())
    with store.write() as tx:
        tx.append([event], utc_now() + 2 * HOUR)
    relay = Relay(
        store=store,
        channel=None,  # type: ignore[arg-type]
        clock=utc_now,
        owners=dict,
        worker="me",
        executor=None,  # type: ignore[arg-type]
    )
    relay.recover()
    with store.read() as reader:
        assert reader.due(utc_now())
