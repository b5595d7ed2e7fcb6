"""Who is told, and where: reasons that a destination names, groups, the fallback owner."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from outbox_world import OutboxWorld, owner
from pipeline_world import LUNA, VIA, World

from monitor.core.configuration import Attention, DestinationRules, Owner
from monitor.core.notices import Notice, Reason
from monitor.core.ports import DeliveryState, NotSent
from monitor.notify.destinations import notified
from monitor.notify.outbox import enqueue_test
from monitor.store import open_store

PAGER = frozenset({"paused", "denied"})


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[OutboxWorld]:
    store = open_store(str(tmp_path / "monitor.db"))
    with ThreadPoolExecutor(4) as executor:
        platform = Owner(key="platform", destinations=("env:ALL", "env:PAGER"), rules={2: DestinationRules(when=PAGER)})
        yield OutboxWorld(store, executor, {"platform": platform})
    store.close()


def got(outbox: OutboxWorld, destination: str) -> list[Reason]:
    return [item.reason for notice in outbox.take(destination) for item in notice.items]


def test_a_destination_gets_the_reasons_that_it_names_and_no_delivery_of_others(outbox: OutboxWorld) -> None:
    outbox.tell(Reason.CHANGED)
    outbox.tell(Reason.PAUSED, status="paused", denied=True)
    outbox.tell(Reason.STALE, denied=True)
    outbox.tell(Reason.STALE)  # its headline says REMINDER: production does not require the check
    assert got(outbox, "platform#1") == [Reason.CHANGED, Reason.PAUSED, Reason.STALE, Reason.STALE]
    assert got(outbox, "platform#2") == [Reason.PAUSED, Reason.STALE]
    assert [row.notice for row in outbox.rows() if row.destination == "platform#2"] == ["2.platform", "3.platform"]


def test_a_message_of_several_things_goes_there_with_those_alone(outbox: OutboxWorld) -> None:
    outbox.tell(Reason.PAUSED, Reason.CHANGED, status="paused", denied=True)
    assert got(outbox, "platform#1") == [Reason.PAUSED, Reason.CHANGED]
    assert got(outbox, "platform#2") == [Reason.PAUSED]


def test_what_follows_goes_wherever_its_beginning_went(outbox: OutboxWorld) -> None:
    outbox.tell(Reason.PAUSED, incident="luna-1", status="paused", denied=True)
    outbox.tell(Reason.HELD, incident="page-2")
    for reason, incident in (
        (Reason.ACKNOWLEDGED, "luna-1"),
        (Reason.RESUMED, "luna-1"),
        (Reason.ENDED, "page-2"),
        (Reason.RECOVERED, ""),
    ):
        outbox.tell(reason, incident=incident)
    assert got(outbox, "platform#2") == [Reason.PAUSED, Reason.ACKNOWLEDGED, Reason.RESUMED]


def test_an_end_goes_where_its_beginning_still_waits(outbox: OutboxWorld) -> None:
    outbox.channel.refusals = [NotSent(reason="HTTP 500")] * 2
    outbox.tell(Reason.PAUSED, incident="luna-1", status="paused", denied=True)
    outbox.tell(Reason.RESUMED, incident="luna-1")
    assert [row.notice for row in outbox.rows() if row.destination == "platform#2"] == ["1.platform", "2.platform"]


def test_what_was_written_for_a_destination_is_sent_though_it_names_other_reasons_now(outbox: OutboxWorld) -> None:
    outbox.channel.refusals = [NotSent(reason="HTTP 500")] * 2
    outbox.tell(Reason.PAUSED, status="paused", denied=True)
    rules = {2: DestinationRules(when=frozenset({"reminder"}))}
    outbox.owners["platform"] = replace(outbox.owners["platform"], rules=rules)
    outbox.at("13:00")
    assert got(outbox, "platform#2") == [Reason.PAUSED]


def test_a_test_goes_everywhere_and_nothing_else_goes_with_it(outbox: OutboxWorld) -> None:
    outbox.channel.refusals = [NotSent(reason="HTTP 500")] * 2
    waiting = outbox.tell(Reason.PAUSED, status="paused", denied=True)
    outbox.at("13:00")
    (id,) = enqueue_test(outbox.store, outbox.owners, "platform", outbox.now)
    assert outbox.relay.tick(only=(id,)) == 2
    assert {(to, notice.id) for to, notice in outbox.channel.sent} == {("platform#1", id), ("platform#2", id)}
    assert {row.state for row in outbox.rows() if row.notice == waiting} == {DeliveryState.WAITING}


def test_a_test_of_a_group_goes_to_each_of_its_members(outbox: OutboxWorld) -> None:
    outbox.owners["finance"] = Owner(key="finance", destinations=("env:MAIL",))
    outbox.owners["everybody"] = Owner(key="everybody", members=("platform", "finance"))
    ids = enqueue_test(outbox.store, outbox.owners, "everybody", outbox.now)
    outbox.relay.tick(only=ids)
    assert sorted(to for to, _ in outbox.channel.sent) == ["finance#1", "platform#1", "platform#2"]


GROUPS = {
    "a": Owner(key="a", destinations=("env:A",)),
    "b": Owner(key="b", destinations=("env:B",)),
    "both": Owner(key="both", members=("a", "b")),
    "all": Owner(key="all", members=("both", "a")),
}


@pytest.mark.parametrize(
    ("name", "fallback", "told"),
    [
        ("a", "", ("a",)),
        ("both", "", ("a", "b")),
        ("all", "", ("a", "b")),
        ("gone", "", ("gone",)),
        ("gone", "both", ("a", "b")),
        ("gone", "gone", ("gone",)),
    ],
)
def test_a_group_is_its_members_each_once_and_one_who_is_gone_is_the_fallback_owner(
    name: str, fallback: str, told: tuple[str, ...]
) -> None:
    assert notified(GROUPS, fallback, name) == told


def test_the_fallback_owner_hears_of_every_message_that_was_not_delivered(outbox: OutboxWorld) -> None:
    outbox.owners["other"] = owner("other")
    outbox.owners["oncall"] = owner("oncall")
    outbox.fallback_owner = "oncall"
    outbox.channel.refusals = [NotSent(reason="HTTP 410", permanent=True)]
    outbox.tell(Reason.CHANGED)
    outbox.tick()
    told = {to: notice for to, notice in outbox.channel.sent if notice.reason is Reason.UNDELIVERED}
    assert set(told) == {"oncall#1"}, "the other destination of the owner takes pauses and denials only"
    outbox.tell(Reason.CHANGED)
    recovered = [to for to, notice in outbox.channel.sent if notice.reason is Reason.RECOVERED]
    assert recovered == ["oncall#1"]


def test_where_nobody_asked_for_undelivered_messages_they_are_told_nevertheless(outbox: OutboxWorld) -> None:
    outbox.channel.refusals = [NotSent(reason="HTTP 410", permanent=True)]
    outbox.tell(Reason.CHANGED)
    assert got(outbox, "platform#2") == [Reason.UNDELIVERED]


def test_the_members_of_a_group_that_owns_an_entry_are_told_each_once(active: World) -> None:
    entry = replace(active.conf.entries["luna"], owners=("everybody", "platform"))
    owners = {
        "platform": Owner(key="platform", destinations=("env:ONE",)),
        "finance": Owner(key="finance", destinations=("env:TWO",)),
        "everybody": Owner(key="everybody", members=("platform", "finance")),
    }
    active.configure(replace(active.conf, version="2", owners=owners, entries={**active.conf.entries, "luna": entry}))
    active.sources["page"].set(LUNA, input="2")
    active.polls(2, "page")
    paused = [notice for notice in stored(active) if notice.reason is Reason.PAUSED]
    assert sorted(notice.owner for notice in paused) == ["finance", "platform"]


def test_what_has_no_owner_goes_to_the_fallback_owner(active: World) -> None:
    entry = replace(active.conf.entries["luna"], owners=("gone",))
    owners = {"oncall": Owner(key="oncall", destinations=("env:ONE",))}
    active.configure(
        replace(
            active.conf,
            version="2",
            owners=owners,
            fallback_owner="oncall",
            entries={**active.conf.entries, "luna": entry},
        )
    )
    active.sources["page"].set(LUNA, input="2")
    active.polls(2, "page")
    with active.store.read() as reader:
        destinations = {row.destination for row in reader.deliveries(DeliveryState.WAITING)}
    assert {notice.owner for notice in stored(active) if notice.reason is Reason.PAUSED} == {"oncall"}
    assert "oncall#1" in destinations


def stored(world: World) -> list[Notice]:
    with world.store.read() as reader:
        ids = dict.fromkeys(row.notice for row in reader.deliveries())
        notices = [reader.notice(id) for id in ids]
    return [notice for notice in notices if notice is not None]


def test_the_fallback_owner_hears_of_a_source_that_is_down_and_on_which_nobody_rests(active: World) -> None:
    owners = {**active.conf.owners, "oncall": Owner(key="oncall", destinations=("env:ONE",))}
    active.configure(replace(active.conf, version="2", owners=owners, fallback_owner="oncall"))
    active.now += timedelta(days=8)
    active.polls(2, "list", "page")
    active.tender.tend(active.now, ["feed"])
    assert active.events("source.stale", source="feed")
    active.poll("feed")
    mine = [item for notice in stored(active) if notice.owner == "oncall" for item in notice.items]
    assert [(item.reason, item.subject, item.source) for item in mine if item.source == "feed"] == [
        (Reason.BLIND, "feed", "feed"),
        (Reason.RECOVERED, "feed", "feed"),
    ]
    assert mine[0].incident == mine[-1].incident
    assert "no active entry rests on it" in mine[0].summary


def test_those_to_whom_the_members_of_a_group_escalate_hear_of_a_pause_that_nobody_has(active: World) -> None:
    entry = replace(active.conf.entries["luna"], owners=("everybody",))
    owners = {
        "platform": Owner(key="platform", destinations=("env:ONE",), escalate_to="oncall"),
        "oncall": Owner(key="oncall", destinations=("env:TWO",)),
        "everybody": Owner(key="everybody", members=("platform",)),
    }
    attention = Attention(repeat=timedelta(hours=1), escalate_after=1)
    active.configure(replace(active.conf, version="2", owners=owners, attention=attention, entries={"luna": entry}))
    active.sources["page"].set(LUNA, input="2")
    active.polls(2, "page")
    active.now += timedelta(hours=2)
    active.tender.tend(active.now)
    told = [notice.owner for notice in stored(active) if notice.reason is Reason.UNACKNOWLEDGED]
    assert sorted(told) == ["oncall", "platform"]


def test_a_silence_hides_no_end_of_a_pause(active: World) -> None:
    active.sources["page"].set(LUNA, input="2")
    active.polls(2, "page")
    attendant = active.use_cases().attendant
    attendant.silence("luna", until=active.now + timedelta(days=2), by="ann", reason="known", via=VIA)
    attendant.acknowledge("luna", note="", by="ann", via=VIA)
    active.polls(2, "page")
    active.resume()
    mine = [item for notice in stored(active) for item in notice.items]
    pause = next(item.incident for item in mine if item.reason is Reason.PAUSED)
    follows = [item.reason for item in mine if item.incident == pause and item.reason is not Reason.PAUSED]
    assert follows == [Reason.ACKNOWLEDGED, Reason.RESUMED]
    assert [item.pause for item in mine if item.incident == pause] == [pause, pause, ""]
