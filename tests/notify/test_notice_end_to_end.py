"""Outbox to webhook with nothing replaced: real store, relay, resolver, channel and servers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from notices import AT, notice
from slack_sink import Sink, slack_sink

from monitor.core.configuration import Owner
from monitor.core.ports import ConfigurationError, Delivery, DeliveryState
from monitor.notify.channels import AppriseChannel
from monitor.notify.relay import Relay
from monitor.notify.routing import Resolver, destinations
from monitor.store import SqlStore, open_store

OWNER = Owner(key="platform", destinations=("env:FIRST", "env:SECOND"))


class Story:
    """One owner with two webhooks; the clock is set by hand."""

    def __init__(self, store: SqlStore, executor: ThreadPoolExecutor, first: Sink, second: Sink) -> None:
        self.store = store
        self.now: datetime = AT
        self.first, self.second = first, second
        self.secrets = {"env:FIRST": first.url, "env:SECOND": second.url}
        owners = {OWNER.key: OWNER}
        self.relay = Relay(
            store=store,
            channel=AppriseChannel(Resolver(lambda: owners, self.secret), timeout=2.0),
            clock=lambda: self.now,
            owners=lambda: owners,
            worker="test",
            executor=executor,
        )

    def secret(self, reference: str) -> str:
        if reference not in self.secrets:
            raise ConfigurationError(f"{reference} is not set")
        return self.secrets[reference]

    def enqueue(self, *references: str) -> None:
        with self.store.write() as tx:
            tx.enqueue(notice(), references or destinations(OWNER), self.now)

    def rows(self) -> list[Delivery]:
        with self.store.read() as reader:
            return list(reader.deliveries())

    def written(self) -> str:
        with self.store.read() as reader:
            return repr([list(reader.events()), reader.deliveries()])


@pytest.fixture
def story(tmp_path: Path, sink: Sink) -> Iterator[Story]:
    store = open_store(str(tmp_path / "monitor.db"))
    with slack_sink() as second, ThreadPoolExecutor(4) as executor:
        yield Story(store, executor, sink, second)
    store.close()


def test_a_webhook_that_fails_once_is_told_at_the_second_attempt_and_the_other_at_the_first(story: Story) -> None:
    story.first.answers = [(500, "server_error", {})]
    story.enqueue()
    story.relay.tick()
    assert [row.state for row in story.rows()] == [DeliveryState.WAITING, DeliveryState.SENT]
    story.now += timedelta(minutes=1)
    story.relay.tick()
    assert [row.state for row in story.rows()] == [DeliveryState.SENT, DeliveryState.SENT]
    refused, told = story.first.received
    assert refused == told
    assert told["text"].endswith(f"Notice {notice().id}")
    assert "SECRET" not in story.written()


def test_a_hanging_webhook_leaves_the_other_told(story: Story) -> None:
    story.first.hanging = True
    story.enqueue()
    story.relay.tick()
    assert [row.state for row in story.rows()] == [DeliveryState.WAITING, DeliveryState.SENT]
    assert len(story.second.received) == 1


def test_a_throttling_webhook_is_left_alone_for_as_long_as_it_asked(story: Story) -> None:
    story.first.answers = [(429, "rate_limited", {"Retry-After": "300"})]
    story.enqueue("platform#1")
    story.relay.tick()
    story.now += timedelta(seconds=299)
    assert story.relay.tick() == 0
    story.now += timedelta(seconds=2)
    assert story.relay.tick() == 1
    assert [row.state for row in story.rows()] == [DeliveryState.SENT]


def test_a_deleted_webhook_is_told_through_the_other(story: Story) -> None:
    story.first.answers = [(404, "no_service", {})]
    story.enqueue("platform#1")
    story.relay.tick()
    story.relay.tick()
    (alarm,) = story.second.received
    assert alarm["text"].startswith("NOT DELIVERED slack://127.0.0.1: HTTP 404")
    assert "did not reach slack://127.0.0.1: HTTP 404 no_service" in alarm["text"]
    assert "SECRET" not in story.written()


def test_a_missing_secret_waits_is_named_and_heals_without_a_restart(story: Story) -> None:
    url = story.secrets.pop("env:FIRST")
    story.enqueue("platform#1")
    story.relay.tick()
    (row,) = story.rows()
    assert (row.state, row.attempts) == (DeliveryState.WAITING, 1)
    assert "env:FIRST is not set" in row.error
    story.secrets["env:FIRST"] = url
    story.now = row.retry_at
    story.relay.tick()
    assert [row.state for row in story.rows()] == [DeliveryState.SENT]
