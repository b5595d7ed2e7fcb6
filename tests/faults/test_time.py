"""Time: a year with both changes of summer time, a machine that is suspended, a clock that steps by a day while
deliveries are tried again and a lease is about to end.
"""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from moved_clocks import Moved
from outbox_world import BERLIN, OutboxWorld, owner
from plain_demo import write_plain_demo
from sizes import sizes
from waiting import until

from monitor.app.bootstrap import Monitor, open_monitor
from monitor.app.clock import SteadyClock
from monitor.app.daemon import Daemon
from monitor.core.notices import Reason
from monitor.core.ports import NotSent
from monitor.sandbox import Sandbox
from monitor.store import SqlStore, open_store

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SPRING, AUTUMN = datetime(2026, 3, 25, tzinfo=UTC), datetime(2026, 10, 21, tzinfo=UTC)
YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    store = open_store(str(tmp_path / "monitor.db"), durable=False)
    yield store
    store.close()


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


@pytest.mark.parametrize("days", sizes(8, 365))
@pytest.mark.parametrize("begins", [SPRING, AUTUMN], ids=["spring", "autumn"])
def test_every_local_day_has_one_digest_at_its_hour_and_nothing_is_held_longer(
    store: SqlStore, executor: ThreadPoolExecutor, begins: datetime, days: int
) -> None:
    rules = owner(digest=time(8), quiet=(time(22), time(7)))
    world = OutboxWorld(store, executor, {"platform": rules})
    begins = begins if days < 365 else YEAR
    world.now, told, arrived = begins, 0, Counter[str]()
    for step in range(days * 48):
        world.now = begins + step * HOUR / 2
        local = world.now.astimezone(BERLIN)
        if local.hour == 15 and local.minute == 0:
            world.tell(Reason.CHANGED)
            told += 1
        for notice in world.take():
            local = world.now.astimezone(BERLIN)
            arrived[f"{local:%Y-%m-%d}"] += 1
            assert f"{local:%H:%M}" == "08:00", (world.now, notice.id)
    assert set(arrived.values()) == {1}
    assert sum(arrived.values()) == told - (len(world.rows()) - sum(row.state == "sent" for row in world.rows()))
    assert sum(arrived.values()) >= days - 2


@pytest.mark.parametrize("by", [DAY, -DAY], ids=["ahead", "back"])
def test_a_clock_that_steps_by_a_day_neither_hurries_nor_delays_what_is_tried_again(
    store: SqlStore, executor: ThreadPoolExecutor, by: timedelta
) -> None:
    passed, wall = 0.0, datetime(2026, 7, 1, 10, tzinfo=UTC)
    clock = SteadyClock(lambda: wall, lambda: passed)
    world = OutboxWorld(store, executor, {"platform": owner()})

    def tick(seconds: float) -> int:
        nonlocal passed, wall
        passed, wall = passed + seconds, wall + timedelta(seconds=seconds)
        world.now = clock()
        return len(world.take())

    world.now = clock()
    world.channel.refusals = [NotSent(reason="HTTP 503")] * 3
    world.tell(Reason.PAUSED)
    due: list[float] = []
    for tries in range(1, 5):
        (row,) = world.rows()
        if row.state == "sent":
            break
        due.append((row.retry_at - clock()).total_seconds())
        wall += by if tries == 2 else timedelta(0)  # while it waits to be tried again
        assert tick(due[-1] - 1) == 0, "it is not tried before its time"
        tick(2)
    (row,) = world.rows()
    assert (row.state, row.attempts) == ("sent", 4)
    assert due == sorted(due), "each wait is longer, as if no clock had moved"


@pytest.fixture
def monitor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Monitor]:
    for name in [name for name in os.environ if name.startswith("ACCESS_MONITOR")]:
        monkeypatch.delenv(name)
    with Sandbox() as sandbox, open_monitor(write_plain_demo(sandbox, tmp_path)) as monitor:
        yield monitor


def written(monitor: Monitor) -> datetime:
    """Return when the lease file was written, by its own word."""
    document = json.loads((monitor.settings.lease_dir / "production.json").read_text())
    return datetime.fromisoformat(document["metadata"]["written_at"])


def test_a_machine_that_was_suspended_polls_and_renews_at_once_and_saw_no_step(monitor: Monitor) -> None:
    moved = Moved(monitor)
    daemon = Daemon(monitor, lambda: monitor.settings)
    thread = threading.Thread(target=daemon.run)
    thread.start()
    try:
        until(lambda: sum(monitor.health.polls().values()) >= 2, "both sources are polled")
        for hours in (8, 72):
            polls, lease = sum(monitor.health.polls().values()), written(monitor)
            moved.passed += hours * HOUR
            until(lambda polls=polls: sum(monitor.health.polls().values()) >= polls + 2, "they are polled again")
            until(lambda lease=lease, hours=hours: written(monitor) - lease >= hours * HOUR, "the lease is renewed")
            until(lambda: daemon.health.working(timedelta(minutes=1)), "it works")
        with monitor.store.read() as reader:
            types = [recorded.event.type for recorded in reader.events()]
        assert "clock.stepped" not in types
    finally:
        daemon.stop()
        thread.join(60)
        assert not thread.is_alive()


@pytest.mark.parametrize("by", [DAY, -DAY], ids=["ahead", "back"])
def test_a_lease_near_its_end_is_renewed_by_the_time_that_passes_whatever_the_clock_says(
    monitor: Monitor, by: timedelta
) -> None:
    moved = Moved(monitor)
    daemon = Daemon(monitor, lambda: monitor.settings)
    thread = threading.Thread(target=daemon.run)
    thread.start()
    try:
        until(lambda: sum(monitor.health.polls().values()) >= 2, "both sources are polled")
        lease = written(monitor)
        moved.set = by
        moved.passed += monitor.configuration.gate.lease - timedelta(minutes=1)
        until(lambda: written(monitor) > lease + HOUR, "it is renewed")
        assert written(monitor) - lease < DAY, "by the old time, until the new one has stood"
    finally:
        daemon.stop()
        thread.join(60)
        assert not thread.is_alive()
