"""The relay on a real store: at least once, never silently dropped, nobody waits for another's failure."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core import events as ev
from monitor.core.configuration import DestinationRules, Owner
from monitor.core.events import Recorded
from monitor.core.notices import Item, Notice, Reason
from monitor.core.ports import Delivery, DeliveryState, EventQuery, NotSent, Refused, Sent, Store, Unavailable
from monitor.notify.attempts import Attempt
from monitor.notify.destinations import destinations
from monitor.notify.outbox import enqueue_test, redeliver
from monitor.notify.relay import LEASE, Relay
from monitor.notify.settling import ATTEMPTS, FIRST_RETRY, LONGEST_RETRY, LONGEST_WAIT, Settler, backoff
from monitor.store import open_store

START = datetime(2026, 7, 30, 12, 0, tzinfo=UTC)
GONE = NotSent(reason="HTTP 410 channel_is_archived", permanent=True)
FAILED = NotSent(reason="HTTP 500")


class Channel:
    """Takes everything unless told otherwise; keeps what it was given, in order."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.notices: list[Notice] = []
        self.answers: dict[str, Sent | NotSent | Exception] = {}
        self.before: Callable[[str], None] = lambda destination: None
        self.calls = 0

    def send(self, notice: Notice, destination: str) -> Sent | NotSent:
        self.calls += 1
        self.before(destination)
        answer = self.answers.get(destination, Sent())
        if isinstance(answer, Exception):
            raise answer
        if answer == Sent():
            self.sent.append((notice.id, destination))
            self.notices.append(notice)
        return answer

    def label(self, destination: str) -> str:
        return f"slack://{destination.partition('#')[0]}.example"


class World:
    """A store, a clock that is set by hand, a channel, owners, and relays over them."""

    def __init__(self, store: Store, executor: ThreadPoolExecutor) -> None:
        self.store = store
        self.executor = executor
        self.now = START
        self.channel = Channel()
        self.owners = {
            "platform": Owner(key="platform", destinations=("env:A", "env:B")),
            "billing": Owner(key="billing", destinations=("env:C", "env:D")),
        }
        self.relay = self.another("worker-1")

    def another(self, worker: str, attempts: int = ATTEMPTS, store: Store | None = None) -> Relay:
        return Relay(
            store=store or self.store,
            channel=self.channel,
            clock=lambda: self.now,
            owners=lambda: self.owners,
            worker=worker,
            executor=self.executor,
            attempts=attempts,
        )

    def tell(self, id: str, *references: str, reason: Reason = Reason.PAUSED, owner: str = "platform") -> None:
        item = Item(reason=reason, subject="gpt-5.6-luna", position=1, since=START, entry="luna")
        with self.store.write() as tx:
            tx.enqueue(Notice(id=id, owner=owner, at=self.now, items=(item,)), references, self.now)

    def rows(self) -> dict[tuple[str, str], Delivery]:
        with self.store.read() as reader:
            return {(row.notice, row.destination): row for row in reader.deliveries()}

    def row(self, id: str, destination: str = "platform#1") -> Delivery:
        return self.rows()[id, destination]

    def events(self, type: str = "notice.*") -> list[Recorded]:
        with self.store.read() as reader:
            return list(reader.events(EventQuery(type=type)))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    store = open_store(str(tmp_path / "monitor.db"))
    with ThreadPoolExecutor(4) as executor:
        yield World(store, executor)
    store.close()


def test_a_notice_is_sent_once_to_each_destination_and_recorded(world: World) -> None:
    world.tell("n1", *destinations(world.owners["platform"]))
    assert world.relay.tick() == 2
    assert sorted(world.channel.sent) == [("n1", "platform#1"), ("n1", "platform#2")]
    assert world.relay.tick() == 0
    assert world.row("n1").state is DeliveryState.SENT
    recorded = world.events()
    assert [record.event.type for record in recorded] == [ev.NOTICE_DELIVERED] * 2
    event = recorded[0].event
    assert (event.subject, event.stream) == ("n1", "notice/n1")
    assert event.data["destination"] == "slack://platform.example"
    assert event.data["attempts"] == 1
    assert {record.event.data["reference"] for record in recorded} == {"platform#1", "platform#2"}


def test_no_transaction_is_open_while_a_channel_sends(world: World) -> None:
    wrote: list[str] = []

    def write(destination: str) -> None:
        with world.store.write() as tx:
            wrote.append(f"{destination} at {tx.head()}")

    world.channel.before = write
    world.tell("n1", "platform#1")
    world.relay.tick()
    assert wrote == ["platform#1 at 0"]


def test_with_nothing_due_a_tick_does_not_take_the_writer_s_lock(world: World, tmp_path: Path) -> None:
    world.tell("n1", "platform#1")
    world.now -= timedelta(seconds=1)
    impatient = open_store(str(tmp_path / "monitor.db"), patience=timedelta(milliseconds=1))
    relay = world.another("worker-2", store=impatient)
    try:
        with world.store.write():
            assert relay.tick() == 0
            world.now += timedelta(seconds=1)
            with pytest.raises(Unavailable):
                relay.tick()
    finally:
        impatient.close()


def test_a_failure_is_tried_again_after_30_seconds_a_minute_two_and_never_more_than_an_hour(world: World) -> None:
    world.channel.answers["platform#1"] = FAILED
    world.tell("n1", "platform#1")
    waits = []
    for _ in range(10):
        assert world.relay.tick() == 1
        row = world.row("n1")
        assert (row.state, row.error) == (DeliveryState.WAITING, "HTTP 500")
        waits.append((row.retry_at - world.now).total_seconds())
        world.now = row.retry_at - timedelta(seconds=1)
        assert world.relay.tick() == 0
        world.now = row.retry_at
    for wait, least in zip(waits, (30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600), strict=True):
        assert least <= wait <= least * 1.1 + 1
    assert world.events() == []


def test_a_channel_s_retry_after_is_honoured_within_reason(world: World) -> None:
    world.channel.answers = {
        "platform#1": NotSent(reason="HTTP 429", retry_after=600),
        "platform#2": NotSent(reason="HTTP 429", retry_after=1),
        "billing#1": NotSent(reason="HTTP 429", retry_after=1e9),
    }
    world.tell("n1", "platform#1", "platform#2")
    world.tell("n2", "billing#1", owner="billing")
    world.relay.tick()
    assert world.row("n1").retry_at == START + timedelta(seconds=600)
    assert world.row("n1", "platform#2").retry_at >= START + FIRST_RETRY
    assert world.row("n2", "billing#1").retry_at == START + LONGEST_WAIT


@given(st.integers(1, 10**9), st.integers(1, 10**6))
def test_a_wait_is_bounded_and_the_same_each_time_it_is_asked(delivery: int, attempts: int) -> None:
    wait = backoff(delivery, attempts)
    assert FIRST_RETRY <= wait <= LONGEST_RETRY * 1.1
    assert wait == backoff(delivery, attempts)


def test_a_crowd_of_deliveries_does_not_return_at_one_moment() -> None:
    assert len({backoff(delivery, 8) for delivery in range(100)}) > 90


def test_a_delivery_is_given_up_after_about_a_day_of_trying() -> None:
    total = sum((backoff(1, attempts) for attempts in range(1, ATTEMPTS)), timedelta())
    assert timedelta(hours=20) < total < timedelta(hours=28)


def test_a_failing_destination_never_blocks_another(world: World) -> None:
    world.channel.answers = {"platform#1": FAILED, "billing#1": RuntimeError("a defect"), "billing#2": GONE}
    world.tell("n1", "platform#1", "platform#2")
    world.tell("n2", "billing#1", "billing#2", owner="billing")
    world.relay.tick()
    assert world.channel.sent == [("n1", "platform#2")]
    assert world.row("n1").state is DeliveryState.WAITING
    assert world.row("n2", "billing#1").state is DeliveryState.WAITING
    assert world.row("n2", "billing#1").error == "the channel failed: RuntimeError"
    assert world.row("n2", "billing#2").state is DeliveryState.DEAD


def test_a_hanging_destination_delays_no_other_and_costs_one_attempt_a_tick(world: World) -> None:
    healthy_sent, release = threading.Event(), threading.Event()
    world.channel.answers["platform#1"] = NotSent(reason="no answer in time")
    for number in range(5):
        world.tell(f"n{number}", "platform#1", "platform#2")
    waited: list[bool] = []

    def hang(destination: str) -> None:
        if destination == "platform#1":
            # Hangs until the other destination's five are settled, which proves that they did not wait for it.
            waited.append(release.wait(10))

    world.channel.before = hang
    ticking = threading.Thread(target=world.relay.tick)
    ticking.start()
    for _ in range(200):
        if sum(row.state is DeliveryState.SENT for row in world.rows().values()) == 5:
            healthy_sent.set()
            break
        release.wait(0.05)
    release.set()
    ticking.join(10)
    assert healthy_sent.is_set()
    assert waited == [True]
    assert {row.attempts for row in world.rows().values()} == {1}
    assert all(row.error == "no answer in time" for (_, to), row in world.rows().items() if to == "platform#1")


def test_what_there_was_no_time_to_send_is_given_back_untried(world: World) -> None:
    def slow(destination: str) -> None:
        world.now += LEASE / 2

    world.channel.before = slow
    world.tell("n1", "platform#1")
    world.tell("n2", "platform#1")
    world.relay.tick()
    assert world.channel.sent == [("n1", "platform#1")]
    given_back = world.row("n2")
    assert (given_back.state, given_back.attempts) == (DeliveryState.WAITING, 0)
    world.relay.tick()
    assert world.channel.sent[1:] == [("n2", "platform#1")]


class Killed(BaseException):
    """The process dies."""


class DyingStore:
    """A store whose process dies when its nth transaction begins."""

    def __init__(self, store: Store, at: int) -> None:
        self._store = store
        self._left = at

    def write(self):  # type: ignore[no-untyped-def]
        self._left -= 1
        if self._left <= 0:
            raise Killed
        return self._store.write()

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


def test_a_crash_between_sending_and_settling_sends_again_when_the_lease_ends(world: World) -> None:
    world.tell("n1", "platform#1")
    with pytest.raises(Killed):
        world.another("dead", store=DyingStore(world.store, at=2)).tick()  # type: ignore[arg-type]
    assert world.channel.sent == [("n1", "platform#1")]
    assert world.row("n1").state is DeliveryState.SENDING
    assert world.relay.tick() == 0
    world.now += LEASE
    assert world.relay.tick() == 1
    assert world.channel.sent == [("n1", "platform#1")] * 2
    assert len(world.events()) == 1


def test_a_single_node_frees_the_claims_of_its_dead_predecessor_at_once(world: World) -> None:
    world.tell("n1", "platform#1")
    with pytest.raises(Killed):
        world.another("worker-1", store=DyingStore(world.store, at=2)).tick()  # type: ignore[arg-type]
    assert world.another("worker-2").recover() == 0
    assert world.another("worker-1").recover() == 1
    assert world.relay.tick() == 1
    assert world.row("n1").state is DeliveryState.SENT


def test_two_relays_do_not_send_the_same_delivery(world: World) -> None:
    other = world.another("worker-2")
    world.channel.before = lambda destination: claimed.append(other.tick()) if not claimed else None
    claimed: list[int] = []
    world.tell("n1", "platform#1")
    world.relay.tick()
    assert claimed == [0]
    assert world.channel.sent == [("n1", "platform#1")]


class Failing:
    """A store that is out of reach for some of its transactions, by their number."""

    def __init__(self, store: Store, *at: int) -> None:
        self._store = store
        self._at = at
        self._count = 0

    def write(self):  # type: ignore[no-untyped-def]
        self._count += 1
        if self._count in self._at:
            raise Unavailable("the database is locked; try again")
        return self._store.write()

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


class Unreadable:
    """A store that cannot be read at some of the times, by their number."""

    def __init__(self, store: Store, *at: int) -> None:
        self._store = store
        self._at = at
        self._count = 0

    def read(self):  # type: ignore[no-untyped-def]
        self._count += 1
        if self._count >= min(self._at):
            raise Unavailable("the database is locked; try again")
        return self._store.read()

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


def test_an_outcome_that_cannot_be_settled_does_not_cost_the_others_theirs(world: World) -> None:
    world.tell("n1", "platform#1", "platform#2")
    with pytest.raises(Unavailable):  # the claim, both outcomes together, then each by itself
        world.another("worker-1", store=Failing(world.store, 2, 3)).tick()  # type: ignore[arg-type]
    states = sorted(row.state for row in world.rows().values())
    assert states == [DeliveryState.SENDING, DeliveryState.SENT]


def test_a_store_that_cannot_be_read_while_it_sends_fails_the_tick_and_frees_nothing_twice(world: World) -> None:
    world.owners = {
        "platform": Owner(key="platform", destinations=("env:A",), rules={1: DestinationRules(zone="Europe/Berlin")})
    }
    world.tell("n1", "platform#1")
    relay = world.another("worker-1", store=Unreadable(world.store, 3))  # type: ignore[arg-type]
    with pytest.raises(Unavailable):
        relay.tick()
    assert world.row("n1").state is DeliveryState.SENDING
    world.now += LEASE
    world.relay.tick()
    assert world.channel.sent == [("n1", "platform#1")]


def test_what_becomes_due_while_a_destination_hangs_is_sent_meanwhile(world: World) -> None:
    hanging, later = threading.Event(), threading.Event()

    def hang(destination: str) -> None:
        if destination == "platform#1":
            world.tell("n2", "platform#2")
            assert hanging.wait(60), "the other was never sent"
        else:
            later.set()
            hanging.set()

    world.channel.before = hang
    world.tell("n1", "platform#1")
    assert world.relay.tick() == 2
    assert later.is_set()
    assert sorted(world.channel.sent) == [("n1", "platform#1"), ("n2", "platform#2")]


def test_a_dead_delivery_is_recorded_and_told_to_the_owner_s_other_destination(world: World) -> None:
    world.channel.answers["platform#1"] = GONE
    world.tell("n1", "platform#1")
    world.relay.tick()
    row = world.row("n1")
    assert (row.state, row.attempts, row.error) == (DeliveryState.DEAD, 1, "HTTP 410 channel_is_archived")
    (dead,) = world.events(ev.NOTICE_DEAD)
    assert dead.event.subject == "n1"
    assert dead.event.data["destination"] == "slack://platform.example"
    assert dead.event.data["error"] == "HTTP 410 channel_is_archived"
    assert world.relay.tick() == 1
    (notice,) = world.channel.notices
    assert (notice.owner, notice.reason) == ("platform", Reason.UNDELIVERED)
    assert world.channel.sent == [(notice.id, "platform#2")]
    (item,) = notice.items
    assert item.position == dead.event.position
    assert "n1 (paused: luna) did not reach slack://platform.example: HTTP 410" in item.summary


def test_an_owner_without_another_destination_is_told_of_through_the_others_first(world: World) -> None:
    world.owners["platform"] = Owner(key="platform", destinations=("env:A",))
    world.channel.answers["platform#1"] = GONE
    world.tell("n1", "platform#1")
    world.relay.tick()
    world.relay.tick()
    assert [(notice.owner, to) for notice, (_, to) in zip(world.channel.notices, world.channel.sent, strict=True)] == [
        ("billing", "billing#1")
    ]


def test_an_alarm_about_a_dead_delivery_never_breeds_another(world: World) -> None:
    world.channel.answers = dict.fromkeys(("platform#1", "platform#2", "billing#1", "billing#2"), GONE)
    world.tell("n1", "platform#1")
    for _ in range(5):
        world.relay.tick()
    assert world.channel.calls == 2
    assert len(world.events(ev.NOTICE_DEAD)) == 2
    assert {row.state for row in world.rows().values()} == {DeliveryState.DEAD}


def test_with_nobody_left_to_tell_the_dead_delivery_stays_visible(world: World) -> None:
    world.owners = {"platform": Owner(key="platform", destinations=("env:A",))}
    world.channel.answers["platform#1"] = GONE
    world.tell("n1", "platform#1")
    world.relay.tick()
    assert world.relay.tick() == 0
    assert list(world.rows()) == [("n1", "platform#1")]
    assert world.row("n1").state is DeliveryState.DEAD


def test_many_deliveries_to_one_deleted_webhook_are_one_alarm(world: World) -> None:
    world.channel.answers["platform#1"] = GONE
    for number in range(20):
        world.tell(f"n{number}", "platform#1")
    world.relay.tick()
    world.relay.tick()
    assert len(world.events(ev.NOTICE_DEAD)) == 20
    (notice,) = world.channel.notices
    assert len(notice.items) == 20


def test_a_delivery_that_failed_too_often_is_dead(world: World) -> None:
    relay = world.another("worker-1", attempts=3)
    world.channel.answers["platform#1"] = FAILED
    world.tell("n1", "platform#1")
    for _ in range(3):
        assert world.row("n1").state is DeliveryState.WAITING
        world.now = world.row("n1").retry_at
        relay.tick()
    assert (world.row("n1").state, world.row("n1").attempts) == (DeliveryState.DEAD, 3)


def test_a_destination_that_left_the_configuration_is_dead_and_says_so(world: World) -> None:
    world.tell("n1", "platform#3")
    world.tell("n2", "nobody#1", owner="nobody")
    world.relay.tick()
    assert world.channel.calls == 0
    assert world.row("n1", "platform#3").error == "destination platform#3 is no longer configured"
    assert world.row("n2", "nobody#1").state is DeliveryState.DEAD
    world.relay.tick()
    assert sorted(to for _, to in world.channel.sent) == ["billing#1", "platform#1", "platform#1", "platform#2"]


def test_dead_deliveries_can_be_sent_again_all_or_by_id(world: World) -> None:
    world.channel.answers["platform#1"] = GONE
    world.owners = {"platform": Owner(key="platform", destinations=("env:A",))}
    for id in ("n1", "n2", "n3"):
        world.tell(id, "platform#1")
    world.relay.tick()
    world.channel.answers.clear()
    assert redeliver(world.store, world.now, [world.row("n2").id]) == 1
    world.relay.tick()
    assert world.channel.sent == [("n2", "platform#1")]
    assert redeliver(world.store, world.now) == 2
    assert world.row("n1").attempts == 0
    world.relay.tick()
    assert world.channel.sent == [("n2", "platform#1"), ("n1", "platform#1"), ("n3", "platform#1")]


def test_a_dead_delivery_that_is_sent_again_ends_what_was_told_of_its_destination(world: World) -> None:
    world.channel.answers["platform#1"] = GONE
    world.tell("n0", "platform#2")
    world.tell("n1", "platform#1")
    for _ in range(2):
        world.relay.tick()
    world.channel.answers.clear()
    redeliver(world.store, world.now)
    for _ in range(3):
        world.relay.tick()
    assert [id.partition("-")[0] for id, to in world.channel.sent if to == "platform#2"] == [
        "n0",
        "undelivered",
        "recovered",
    ]


def test_what_waits_at_a_destination_is_due_as_soon_as_it_takes_messages_again(world: World) -> None:
    world.channel.answers["platform#1"] = FAILED
    for number in range(3):
        world.tell(f"old{number}", "platform#1")
    for _ in range(5):
        world.relay.tick()
        world.now += timedelta(hours=1)
    world.relay.tick()
    world.channel.answers.clear()
    world.now += timedelta(minutes=1)
    assert world.relay.tick() == 0, "its next attempt is an hour away"
    world.tell("new", "platform#1")
    world.relay.tick()
    world.relay.tick()
    assert [id for id, _ in world.channel.sent] == ["new", "old0", "old1", "old2"]


def test_a_crowd_at_a_service_that_takes_one_at_a_time_waits_and_does_not_die(world: World) -> None:
    slow = NotSent(reason="HTTP 429", retry_after=1.0)
    taken = 0

    def one_a_tick(destination: str) -> None:
        nonlocal taken
        taken += 1
        if taken > 1:
            world.channel.answers[destination] = slow

    world.channel.before = one_a_tick
    for number in range(45):
        world.tell(f"n{number:02}", "platform#1")
    ticks = 0
    while any(row.state is not DeliveryState.SENT for row in world.rows().values()):
        taken, ticks = 0, ticks + 1
        world.channel.answers.clear()
        world.relay.tick()
        world.now += timedelta(seconds=31)
        assert ticks < 500
        assert not any(row.state is DeliveryState.DEAD for row in world.rows().values())
    assert len(world.channel.sent) == 45


def test_a_waiting_delivery_can_be_sent_at_once(world: World) -> None:
    world.channel.answers["platform#1"] = FAILED
    world.tell("n1", "platform#1")
    world.relay.tick()
    world.channel.answers.clear()
    assert redeliver(world.store, world.now, [world.row("n1").id]) == 1
    assert world.relay.tick() == 1
    assert world.row("n1").state is DeliveryState.SENT


def test_redelivering_what_was_sent_or_is_not_there_is_refused_and_changes_nothing(world: World) -> None:
    world.tell("n1", "platform#1")
    world.relay.tick()
    world.channel.answers["platform#1"] = GONE
    world.tell("n2", "platform#1")
    world.relay.tick()
    dead = world.row("n2").id
    with pytest.raises(Refused, match=r"delivery \d+ is sent, not dead or waiting; `access-monitor outbox`"):
        redeliver(world.store, world.now, [dead, world.row("n1").id])
    with pytest.raises(Refused, match="there is no delivery 999999; `access-monitor outbox`"):
        redeliver(world.store, world.now, [dead, 999999])
    assert world.row("n2").state is DeliveryState.DEAD


def test_a_test_reaches_every_destination_of_an_owner(world: World) -> None:
    (id,) = enqueue_test(world.store, world.owners, "billing", world.now)
    world.relay.tick()
    assert sorted(world.channel.sent) == [(id, "billing#1"), (id, "billing#2")]
    assert {notice.reason for notice in world.channel.notices} == {Reason.TEST}


def test_a_test_of_an_unknown_owner_is_refused_with_the_known_ones(world: World) -> None:
    with pytest.raises(Refused, match="there is no owner 'nobody' with a destination; configured: billing, platform"):
        enqueue_test(world.store, world.owners, "nobody", world.now)
    assert world.rows() == {}


class Linking(Channel):
    """A channel whose answers may quote what it was given, as services do."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def send(self, notice: Notice, destination: str) -> Sent | NotSent:
        self.urls.append(notice.ack_url)
        outcome = super().send(notice, destination)
        if isinstance(outcome, NotSent):
            return replace(outcome, reason=f"{outcome.reason}: you sent {notice.ack_url}")
        return Sent(title="PAUSED", body=json.dumps({"text": f"take it: {notice.ack_url}"}))


def linking(world: World, **item: object) -> tuple[Relay, Linking]:
    """Return a relay with a public URL, and what is due: a notice of one item."""
    fields: dict[str, object] = {
        "reason": Reason.PAUSED,
        "subject": "gpt-5.6-luna",
        "position": 1,
        "since": START,
        "entry": "luna",
        "status": "paused",
    }
    with world.store.write() as tx:
        notice = Notice(id="1.platform", owner="platform", at=START, items=(Item(**{**fields, **item}),))  # type: ignore[arg-type]
        tx.enqueue(notice, ["platform#1"], START)
    channel = Linking()
    relay = Relay(
        store=world.store,
        channel=channel,
        clock=lambda: world.now,
        owners=lambda: world.owners,
        worker="w",
        executor=world.executor,
        public_url="https://monitor.example.com/",
    )
    return relay, channel


def test_a_message_of_a_pause_has_a_link_that_nothing_keeps(world: World) -> None:
    relay, channel = linking(world)
    channel.answers["platform#1"] = FAILED
    relay.tick()
    assert "[ack link]" in world.row("1.platform").error
    channel.answers.clear()
    world.now += timedelta(hours=1)
    relay.tick()
    first, second = channel.urls
    assert first == second, "a message that was taken although its attempt failed has the same link"
    assert first.startswith("https://monitor.example.com/ack/1.platform/")
    token = first.rpartition("/")[2]
    (delivered,) = world.events("notice.delivered")
    assert delivered.event.data["link"] == hashlib.sha256(token.encode()).hexdigest()
    with world.store.read() as reader:
        (message,) = reader.sent_messages()
        assert json.loads(message.body) == {"text": "take it: [ack link]"}
    kept = [repr(world.rows()), repr(world.events()), repr(message)]
    assert [text for text in kept if token in text] == []


@pytest.mark.parametrize(
    "item",
    [
        {"reason": Reason.CHANGED},
        {"reason": Reason.RESUMED, "status": "active"},
        {"reason": Reason.ACKNOWLEDGED},
        {"status": "active"},
        {"by": "Ada L."},
    ],
)
def test_what_nobody_has_to_acknowledge_has_no_link(world: World, item: dict[str, object]) -> None:
    relay, channel = linking(world, **item)
    relay.tick()
    assert channel.urls == [""]
    assert "link" not in world.events("notice.delivered")[0].event.data


class Counting(Failing):
    """A store that counts its transactions."""

    @property
    def writes(self) -> int:
        return self._count


def test_outcomes_that_arrive_together_are_settled_in_one_transaction(world: World) -> None:
    for number in range(4):
        world.tell(f"n{number}", "platform#1", "platform#2")
    with world.store.write() as tx:
        claimed = tx.claim(world.now, world.now + LEASE, 100, "worker-1")
        notices = {delivery.notice: tx.notice(delivery.notice) for delivery in claimed}
    outcomes = [FAILED, *[Sent(form="text", title="t", body="b")] * 7]
    attempts = [
        Attempt(
            delivery=delivery,
            notice=notices[delivery.notice],
            label="slack://platform.example",
            at=world.now,
            parcel=delivery.id,
            outcome=outcome,
        )
        for delivery, outcome in zip(claimed, outcomes, strict=True)
    ]
    counting = Counting(world.store)
    settler = Settler(
        store=counting,  # type: ignore[arg-type]
        clock=lambda: world.now,
        owners=lambda: world.owners,
        attempts=ATTEMPTS,
        fallback_owner=lambda: "",
    )
    assert settler.settle(attempts) is None
    assert counting.writes == 1
    assert [row.state for row in world.rows().values()] == [DeliveryState.WAITING, *[DeliveryState.SENT] * 7]
    assert [record.event.type for record in world.events()] == ["notice.delivered"] * 7
    with world.store.read() as reader:
        assert len(list(reader.sent_messages())) == 7
