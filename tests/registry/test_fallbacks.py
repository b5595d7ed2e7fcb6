"""What rests on a fallback is told when the gate no longer allows it, once a loss, and when it is there again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from pipeline_world import INPUT, LUNA, OUTPUT, VIA, World, configuration, entry_spec, furnish, model, world_of

from monitor.core.configuration import Owner
from monitor.core.entry import Status
from monitor.core.facts import Subject
from monitor.core.notices import Item, Reason
from monitor.gate.state import production

DAY = timedelta(days=1)
SOL, VEGA = model(0), model(1)
OWNERS = {key: Owner(key=key, destinations=("env:URL",)) for key in ("platform", "luna's", "sol's", "vega's")}
PRICED = {INPUT: "2", OUTPUT: "8"}


@pytest.fixture
def chain() -> Iterator[World]:
    """Luna falls back to Sol and Sol to Vega; all are active, and each has an owner of its own."""
    entries = {
        "luna": entry_spec(fallback="sol", owners=("luna's",)),
        "sol": entry_spec("sol", SOL.name, fallback="vega", owners=("sol's",)),
        "vega": entry_spec("vega", VEGA.name, owners=("vega's",)),
    }
    with world_of(configuration(entries=entries, owners=OWNERS)) as world:
        furnish(world)
        for subject in (SOL, VEGA):
            world.sources["page"].facts = {**world.sources["page"].facts, subject: dict(PRICED)}
        world.polls(2)
        for key in ("vega", "sol", "luna"):
            world.activate(key)
        yield world


def _items(world: World, owner: str, reason: Reason) -> list[Item]:
    return [
        item
        for notice in world.notices()
        if notice.owner == owner
        for item in notice.items
        if item.reason is reason and item.entry
    ]


def _reprice(world: World, subject: Subject, output: str) -> None:
    world.sources["page"].set(subject, output=output)
    world.polls(2, "page")


def _fallback(world: World, key: str = "luna") -> str:
    with world.store.read() as reader:
        return production(reader, world.conf, world.now)[key].fallback


def test_a_chain_is_lost_with_its_last_link_and_told_to_all_that_rest_on_it(chain: World) -> None:
    _reprice(chain, SOL, "9")
    assert _fallback(chain) == "vega"
    assert not _items(chain, "luna's", Reason.FALLBACK_LOST)
    (paused,) = _items(chain, "sol's", Reason.PAUSED)
    assert (paused.fallback, paused.fallback_allowed) == ("vega", True)
    _reprice(chain, VEGA, "9")
    assert _fallback(chain) == ""
    for owner, denied in (("luna's", False), ("sol's", True)):
        (lost,) = _items(chain, owner, Reason.FALLBACK_LOST)
        assert (lost.fallback_allowed, lost.denied) == (False, denied)
    assert not _items(chain, "vega's", Reason.FALLBACK_LOST)
    assert chain.replayed() == dict(chain.entries())


def test_a_loss_is_told_once_and_again_after_it_was_over(chain: World) -> None:
    chain.operator.retire("vega", by="ann", reason="done", via=VIA)
    for output in ("9", "10"):
        _reprice(chain, SOL, output)
        for _ in range(3):
            chain.poll(after=timedelta(minutes=10))
            chain.tender.tend(chain.now)
        chain.resume("sol")
    told = [
        item.reason
        for notice in chain.notices()
        for item in notice.items
        if item.entry == "luna" and item.reason in (Reason.FALLBACK_LOST, Reason.RECOVERED)
    ]
    assert told == [Reason.FALLBACK_LOST, Reason.RECOVERED] * 2
    assert [event.data["fallback"] for event in chain.events("entry.fallback_restored")] == ["sol", "sol"]


@pytest.mark.parametrize("how", ["paused", "retired", "withdrawn"])
def test_however_a_fallback_ends_its_loss_is_told(chain: World, how: str) -> None:
    chain.operator.retire("vega", by="ann", reason="done", via=VIA)
    if how == "paused":
        chain.operator.pause("sol", by="ann", reason="odd", via=VIA)
    elif how == "retired":
        chain.operator.retire("sol", by="ann", reason="done", via=VIA)
    else:
        left = {key: spec for key, spec in chain.conf.entries.items() if key != "sol"}
        chain.configure(configuration(version="2", entries=left, owners=OWNERS))
    (lost,) = _items(chain, "luna's", Reason.FALLBACK_LOST)
    assert lost.summary.startswith("its fallback sol is denied in production: ")


def test_a_fallback_that_grew_too_old_is_lost_by_time_alone_and_back_with_the_next_poll(chain: World) -> None:
    chain.operator.retire("vega", by="ann", reason="done", via=VIA)
    chain.now += 2 * DAY
    chain.tender.tend(chain.now)
    (lost,) = _items(chain, "luna's", Reason.FALLBACK_LOST)
    assert "stale: access was last verified" in lost.summary
    assert (chain.entry("sol").status, lost.denied) == (Status.ACTIVE, True)
    chain.poll()
    chain.tender.tend(chain.now)
    back = _items(chain, "luna's", Reason.RECOVERED)
    assert {item.entry for item in back} == {"luna"}
    assert [item.incident for item in back if "fallback" in item.summary] == [lost.incident]


def test_a_fallback_that_was_lost_before_a_pause_and_is_back_within_it_ends_what_its_loss_began(chain: World) -> None:
    chain.operator.retire("vega", by="ann", reason="done", via=VIA)
    chain.now += 2 * DAY
    chain.tender.tend(chain.now)
    (lost,) = _items(chain, "luna's", Reason.FALLBACK_LOST)
    chain.operator.pause("luna", by="ann", reason="odd", via=VIA)
    chain.poll()
    chain.tender.tend(chain.now)
    (back,) = [item for item in _items(chain, "luna's", Reason.RECOVERED) if "fallback" in item.summary]
    assert (back.status, back.incident) == (Status.PAUSED, lost.incident)
    assert back.pause not in ("", back.incident), "an alarm of the pause goes on"


def test_what_nobody_activated_is_not_lost(chain: World) -> None:
    entries = {**chain.conf.entries, "nova": entry_spec("nova", "m02", fallback="dim"), "dim": entry_spec("dim", "m03")}
    chain.configure(configuration(version="2", entries=entries))
    chain.sources["page"].facts = {**chain.sources["page"].facts, model(2): dict(PRICED)}
    chain.polls(2)
    chain.activate("nova")
    chain.tender.tend(chain.now)
    assert not chain.events("entry.fallback_lost")


def test_an_acknowledged_pause_counts_as_heard_no_longer_once_its_fallback_is_lost(chain: World) -> None:
    chain.operator.retire("vega", by="ann", reason="done", via=VIA)
    _reprice(chain, LUNA, "9")
    chain.use_cases().attendant.acknowledge("luna", by="ann", via=VIA)
    assert chain.entry().acknowledged == chain.entry().pause
    _reprice(chain, SOL, "9")
    assert chain.entry().acknowledged is None


def test_the_end_of_a_fallback_is_told_ahead_to_those_that_rest_on_it(chain: World) -> None:
    day = (chain.now + 5 * DAY).date()
    chain.sources["list"].set(SOL, shutdown_date=day.isoformat())
    chain.polls(2, "list")
    chain.now += timedelta(hours=2)
    chain.tender.tend(chain.now)
    chain.tender.tend(chain.now)
    (told,) = _items(chain, "luna's", Reason.FALLBACK_LOST)
    assert told.summary == f"in 5 days: its fallback sol ends: m00 is shut down on {day}"
    assert told.fallback_allowed, "it is still allowed"
    assert not chain.events("entry.fallback_lost")


def test_a_pause_that_goes_on_keeps_what_was_said_of_it(chain: World) -> None:
    chain.operator.pause("luna", by="ann", reason="odd answers", via=VIA)
    _reprice(chain, LUNA, "9")
    chain.sources["page"].set(LUNA, input="3")
    chain.polls(2, "page")
    reasons = [
        "standard input: 1.00 → 3.00",
        "standard output: 6.00 → 9.00",
        "odd answers",
    ]
    assert chain.entry().reason == "; before that ".join(reasons)
    assert chain.standing().reason.endswith("odd answers (ann)")
    _reprice(chain, LUNA, "10")
    assert chain.entry().reason == "; before that ".join(
        ["standard output: 6.00 → 10.00", "standard input: 1.00 → 3.00", "odd answers"]
    )
