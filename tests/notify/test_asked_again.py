"""Before each attempt the gate is asked again, and what went out is kept as it went out."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from pipeline_world import LUNA, VIA, World
from sqlalchemy import text

from monitor.core.configuration import Owner
from monitor.core.notices import Notice, Reason
from monitor.core.ports import MonitorError, NotSent, Sent, SentMessage
from monitor.gate.state import Production
from monitor.notify.relay import Relay
from monitor.notify.wording import compose
from monitor.store.reader import SqlReader

PLATFORM = "platform#1"


class Channel:
    """Takes everything once it is reachable, and keeps it in order."""

    def __init__(self) -> None:
        self.reachable = True
        self.notices: list[Notice] = []

    def send(self, notice: Notice, destination: str) -> Sent | NotSent:
        if not self.reachable:
            return NotSent(reason="HTTP 500")
        self.notices.append(notice)
        message = compose(notice)
        return Sent(form="text", title=message.title, body="[ack link]", thread=f"{len(self.notices)}.0")

    def label(self, destination: str) -> str:
        return "json://hooks.example"


class Told:
    """An active entry, and the relay that tells its owner."""

    def __init__(self, world: World, executor: ThreadPoolExecutor) -> None:
        self.world = world
        self.channel = Channel()
        self.relay = Relay(
            store=world.store,
            channel=self.channel,
            clock=world.clock,
            owners=lambda: world.conf.owners,
            worker="test",
            executor=executor,
            gate=lambda reader, now: Production(reader, world.conf, now),
        )

    def accept(self) -> None:
        """Resume the entry, once its price was read anew."""
        self.world.polls(2, "page")
        self.world.resume()

    def deliver(self) -> list[Notice]:
        before = len(self.channel.notices)
        self.world.now += timedelta(minutes=2)
        while self.relay.tick():
            pass
        return self.channel.notices[before:]

    def reprice(self, amount: str) -> None:
        self.world.sources["page"].set(LUNA, input=amount)
        self.world.polls(2, "page")

    def sent(self, **query: str) -> list[SentMessage]:
        with self.world.store.read() as reader:
            return list(reader.sent_messages(**query))


@pytest.fixture
def told(active: World) -> Iterator[Told]:
    with ThreadPoolExecutor(2) as executor:
        owner = Owner(key="platform", destinations=("env:ONE",))
        active.configure(replace(active.conf, owners={"platform": owner}))
        it = Told(active, executor)
        it.deliver()
        yield it


def test_what_is_sent_at_once_says_nothing_of_since_then(told: Told) -> None:
    told.world.sources["page"].set(LUNA, input="2")
    told.world.polls(2, "page")
    told.world.sources["page"].set(LUNA, output="9")
    told.world.polls(2)
    items = [item for notice in told.deliver() for item in notice.items]
    assert {item.reason for item in items} == {Reason.PAUSED, Reason.PAUSE_EXTENDED}
    assert [item.since_then for item in items] == [None] * len(items)


def test_a_pause_that_waited_begins_with_the_resumption(told: Told) -> None:
    told.channel.reachable = False
    told.reprice("2")
    told.deliver()
    told.accept()
    told.channel.reachable = True
    paused, resumed = told.deliver()
    assert compose(paused).title.startswith("Since then (")
    assert "resumed by ann" in compose(paused).title
    assert paused.items[0].denied is False, "what it says of production is true when it is sent"
    assert compose(resumed).title.startswith("RESUMED")
    assert resumed.items[0].since_then is None


def test_good_news_that_is_no_longer_true_says_so(told: Told) -> None:
    told.reprice("2")
    told.deliver()
    told.channel.reachable = False
    told.accept()
    told.reprice("3")
    told.deliver()
    told.channel.reachable = True
    resumed, _ = told.deliver()
    assert resumed.reason is Reason.RESUMED
    (item,) = resumed.items
    assert item.since_then is not None
    assert item.since_then.text.startswith("paused: ")
    assert item.denied is True


def test_a_pause_says_who_has_it_and_since_when(told: Told) -> None:
    told.channel.reachable = False
    told.reprice("2")
    told.deliver()
    told.world.use_cases().attendant.acknowledge("luna", by="Ada L.", note="on it", via=VIA)
    told.channel.reachable = True
    paused, _ = told.deliver()
    holder = paused.items[0].holder
    assert holder is not None
    assert (holder.by, holder.note) == ("Ada L.", "on it")
    assert compose(paused).title.startswith("PAUSED"), "an acknowledgement resumes nothing"


def test_news_of_a_paused_entry_says_who_has_the_pause(told: Told) -> None:
    """Also a person who paused it has it: whoever is told of something else need not ask around."""
    told.world.operator.pause("luna", by="Bob K.", via=VIA, reason="odd answers")
    told.deliver()
    told.world.sources["page"].set(LUNA, cache_write="1.25")
    told.world.polls(2, "page")
    news = [notice for notice in told.deliver() if notice.reason is Reason.CHANGED]
    assert [item.holder.by for notice in news for item in notice.items if item.holder is not None] == ["Bob K."]
    assert all("Who has it" in {line.label for line in compose(notice).sections[0].lines} for notice in news)


def test_a_message_names_the_one_that_began_its_incident(told: Told) -> None:
    told.reprice("2")
    told.deliver()
    told.world.use_cases().attendant.acknowledge("luna", by="Ada L.", note="", via=VIA)
    told.accept()
    first, *later = told.channel.notices[-1:] + told.deliver()
    assert first.earlier is None
    assert [notice.earlier is not None and notice.earlier.title for notice in later] == [compose(first).title] * 2
    assert {notice.incidents for notice in (first, *later)} == {first.incidents}
    assert {notice.earlier and notice.earlier.thread for notice in later} == {f"{len(told.channel.notices) - 2}.0"}


def test_a_message_that_begins_an_incident_searches_for_no_earlier_one(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[str] = []
    search = SqlReader.first_message

    def first_message(reader: SqlReader, destination: str, incident: str) -> object:
        searched.append(incident)
        return search(reader, destination, incident)

    monkeypatch.setattr(SqlReader, "first_message", first_message)
    told.reprice("2")
    (pause,) = told.deliver()
    assert searched == []
    told.world.use_cases().attendant.acknowledge("luna", by="Ada L.", note="", via=VIA)
    told.deliver()
    assert searched == list(pause.incidents)


def test_what_went_out_is_kept_and_the_database_refuses_to_change_it(told: Told) -> None:
    told.reprice("2")
    (notice,) = told.deliver()
    (kept,) = told.sent(notice=notice.id)
    assert (kept.destination, kept.label, kept.title) == (PLATFORM, "json://hooks.example", compose(notice).title)
    assert kept.body == "[ack link]"
    assert told.sent(incident=notice.incidents[0], destination=PLATFORM) == [kept]
    assert told.sent(incident="luna") == []
    for statement in ("UPDATE sent_messages SET title = 'x'", "DELETE FROM sent_messages"):
        with pytest.raises(MonitorError, match="append-only"), told.world.store.engine.begin() as connection:
            connection.execute(text(statement))
    assert told.sent(notice=notice.id) == [kept]
