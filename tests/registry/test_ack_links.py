"""A link in a message acknowledges the pauses that its notice tells of: once, for a week, and none that came later."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from pipeline_world import LUNA, VIA, World, furnish, world_of

from monitor.core import events as ev
from monitor.core.entry import Status
from monitor.core.events import Event, Ledger, notice_stream
from monitor.registry.ack_links import LASTS, EndedLink, UnknownLink, digest_of, find_link

TOKEN = "the-token-of-the-first-message"


@pytest.fixture
def paused() -> Iterator[World]:
    """Provide an entry that a price paused, and the message of it sent with a link."""
    with world_of() as world:
        furnish(world)
        world.activate()
        world.sources["page"].set(LUNA, input="2")
        world.polls(2)
        assert world.entry().status is Status.PAUSED
        sent(world, TOKEN)
        yield world


def notice(world: World) -> str:
    """Return the notice of the first pause."""
    return next(notice.id for notice in world.notices() if notice.reason == "paused")


def sent(world: World, token: str) -> None:
    with world.store.write() as tx:
        ledger = Ledger(tx.head())
        data = {"destination": "slack://x", "owner": "platform", "reference": "platform#1", "attempts": 1}
        stream = notice_stream(notice(world))
        ledger.add(ev.NOTICE_DELIVERED, stream, notice(world), at=world.now, data={**data, "link": digest_of(token)})
        tx.append(ledger.events, world.now)


def press(world: World, token: str = TOKEN, by: str = "ann") -> Event:
    return world.use_cases().attendant.acknowledge_by_link(notice(world), token, by=by, via=VIA, note="on it")


def test_pressing_a_link_takes_the_pause_on_and_moves_nothing_else(paused: World) -> None:
    before = paused.entry()
    event = press(paused)
    assert (event.data["by"], event.data["entries"], event.data["note"]) == ("ann", ["luna"], "on it")
    assert event.data["via"] == {**VIA, "channel": "link", "link": digest_of(TOKEN)}
    after = paused.entry()
    assert (after.status, after.position, after.acknowledged) == (Status.PAUSED, before.position, before.pause)
    assert paused.replayed() == paused.entries()


def test_a_link_is_good_once(paused: World) -> None:
    press(paused)
    with pytest.raises(EndedLink, match=r"used at [0-9-]+ [0-9:]{5} UTC: ann acknowledged"):
        press(paused, by="bob")
    assert len(paused.events("notice.acknowledged")) == 1


def test_the_links_of_two_destinations_are_good_once_each(paused: World) -> None:
    sent(paused, "another")
    press(paused)
    press(paused, "another", by="bob")
    assert [event.data["by"] for event in paused.events("notice.acknowledged")] == ["ann", "bob"]


def test_a_link_says_who_has_the_pause_already(paused: World) -> None:
    sent(paused, "another")
    with paused.store.read() as reader:
        assert find_link(reader, notice(paused), "another", paused.now).acknowledged is None
    press(paused)
    with paused.store.read() as reader:
        acknowledged = find_link(reader, notice(paused), "another", paused.now).acknowledged
    assert acknowledged is not None
    assert (acknowledged.data["by"], acknowledged.data["note"]) == ("ann", "on it")


@pytest.mark.parametrize("token", ["", "guess", digest_of(TOKEN), TOKEN[:-1]])
def test_what_is_no_link_is_not_known(paused: World, token: str) -> None:
    with pytest.raises(UnknownLink):
        press(paused, token)


def test_a_link_belongs_to_its_notice(paused: World) -> None:
    with paused.store.read() as reader, pytest.raises(UnknownLink):
        find_link(reader, paused.notices()[0].id, TOKEN, paused.now)


def test_a_link_ends_after_a_week(paused: World) -> None:
    paused.now += LASTS - timedelta(seconds=1)
    with paused.store.read() as reader:
        assert [entry.key for entry in find_link(reader, notice(paused), TOKEN, paused.now).entries] == ["luna"]
    paused.now += timedelta(seconds=1)
    with pytest.raises(EndedLink, match="7 days"):
        press(paused)


def test_a_link_ends_with_its_pause_and_takes_on_no_later_one(paused: World) -> None:
    paused.poll()
    paused.resume()
    with pytest.raises(EndedLink, match="is over"):
        press(paused)
    paused.sources["page"].set(LUNA, input="3")
    paused.polls(2)
    assert paused.entry().status is Status.PAUSED
    with pytest.raises(EndedLink, match="is over"):
        press(paused)
    assert paused.entry().acknowledged is None
