"""Notices are a function of what was committed: the events of a decision, the registry, and the gate's answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from pipeline_world import (
    CACHED,
    INPUT,
    LUNA,
    OUTPUT,
    World,
    configuration,
    entry_spec,
    furnish,
    listing,
    model,
    world_of,
)

from monitor.core import events as ev
from monitor.core.configuration import SourceSpec
from monitor.core.entry import Status
from monitor.core.facts import PARAGRAPH, Subject
from monitor.core.notices import Item, Notice, Reason
from monitor.detection.outcome import Outcome
from monitor.gate.state import Production
from monitor.notify.compose import SILENT, TABLE, compose
from monitor.notify.pages import page
from monitor.notify.rules import Background
from monitor.registry.transitions import RegistryTransaction, replay

TYPES = {value for name, value in vars(ev).items() if name.isupper() and isinstance(value, str) and "." in value}


def test_each_event_type_is_told_by_the_table_or_is_silent_by_name() -> None:
    assert TABLE.keys() | SILENT == TYPES
    assert not TABLE.keys() & SILENT


def _without_the_gate(notices: Iterable[Notice]) -> list[Notice]:
    def bare(item: Item) -> Item:
        return replace(
            item, denied=False, refusal="", spared=(), spared_until=None, fallback="", fallback_allowed=False
        )

    return [replace(notice, items=tuple(map(bare, notice.items))) for notice in notices]


def _composed_again(world: World, outcome: Outcome) -> list[Notice]:
    """Compose the notices of a poll from the log alone, long after, with no word of the gate."""
    first = outcome.events[0].position
    registry = RegistryTransaction(first - 1, replay(world.events(before=first)))
    for event in world.events(after=first - 1, before=outcome.events[-1].position + 1):
        registry.write(event)
    with world.store.read() as reader:
        silent_gate = Production(reader, world.conf, world.now, entries={})
        background = Background(
            event=lambda position: next(iter(world.events(after=position - 1, before=position + 1)), None),
            page=partial(page, world.conf),
        )
        return list(compose(registry.events, registry, silent_gate, outcome.notices[0].at, background))


CARD = SourceSpec(key="card", kind="document", every=timedelta(hours=1), surface="openai", url="https://c.example/")


def _eventful(world: World) -> list[Outcome]:
    """Return polls at which an entry becomes visible, is paused and paused further, and hears of what
    pauses nothing.
    """
    furnish(world)
    outcomes = world.poll()
    world.activate()
    page, listed = world.sources["page"], world.sources["list"]
    world.sources["card"].facts = {Subject("card", "card"): {PARAGRAPH + "1": "It is a preview."}}
    outcomes += world.poll("card")
    world.sources["card"].facts = {Subject("card", "card"): {PARAGRAPH + "2": "It is generally available."}}
    page.set(LUNA, **{"alias.target": "gpt-luna-2026"})
    outcomes += world.polls(3, "card", "page")
    page.set(LUNA, output="0")
    outcomes += world.polls(3, "page")
    page.set(LUNA, input="2", output="6")
    outcomes += world.polls(3, "page")
    page.set(LUNA, input="3")
    outcomes += world.polls(3, "page")
    listed.facts = listing(3)
    outcomes += world.poll("list")
    listed.facts = listing(11, LUNA, model(90))
    return outcomes + world.polls(3, "list")


def test_the_notices_of_a_poll_are_composed_again_from_the_log_alone() -> None:
    conf = configuration(entries={"luna": entry_spec(), "sol": entry_spec("sol", "")})
    with world_of(replace(conf, sources={**conf.sources, "card": CARD})) as world:
        told = [outcome for outcome in _eventful(world) if outcome.notices]
        reasons = {item.reason for outcome in told for notice in outcome.notices for item in notice.items}
        assert reasons == {Reason.PAUSED, Reason.PAUSE_EXTENDED, Reason.HELD, Reason.CHANGED, Reason.ENDED}
        for outcome in told:
            assert _composed_again(world, outcome) == _without_the_gate(outcome.notices)


def test_what_is_held_of_the_poll_that_pauses_an_entry_is_told_beside_the_pause(active: World) -> None:
    page = active.sources["page"]
    for subject in (Subject("openai", "m00"), Subject("openai", "m01")):
        page.set(subject, input="2", cached_input="0.2", output="8")
    active.settle("page")
    page.set(LUNA, input="2")
    active.poll("page")
    for subject in page.facts:
        page.set(subject, cached_input=None)
    (outcome,) = active.poll("page")
    assert active.entry().status is Status.PAUSED
    (notice,) = outcome.notices
    assert [item.reason for item in notice.items] == [Reason.PAUSED, Reason.HELD]
    assert {difference.what for difference in notice.items[0].differences} == {INPUT}
    assert "standard.short.cached_input" in notice.items[1].summary


@pytest.mark.parametrize("field", [INPUT, OUTPUT, CACHED])
def test_a_change_that_paused_an_entry_is_not_told_beside_the_pause(active: World, field: str) -> None:
    active.sources["page"].set(LUNA, **{field: "0.5"})
    told = [notice for outcome in active.polls(3, "page") for notice in outcome.notices]
    (notice,) = told
    assert [item.reason for item in notice.items] == [Reason.PAUSED]


def test_the_position_that_a_message_gives_is_the_one_that_a_resumption_takes(active: World) -> None:
    active.sources["page"].set(LUNA, input="2")
    active.polls(3, "page")
    (item,) = active.notices()[-1].items
    assert f"--expect {active.entry().position}" in item.commands[-1]


def test_acts_of_people_that_change_what_production_gets_are_told_in_one_incident(active: World) -> None:
    by = {"by": "ann", "reason": "to be safe", "via": {"channel": "cli"}}
    active.operator.pause("luna", **by)
    active.use_cases().attendant.acknowledge("luna", by="bob", note="on it", via=by["via"])
    active.now += timedelta(minutes=1)
    active.operator.resume("luna", **by)
    active.operator.retire("luna", **by)
    items = [item for notice in active.notices()[-4:] for item in notice.items]
    assert [(item.reason, item.by) for item in items] == [
        (Reason.PAUSED, "ann"),
        (Reason.ACKNOWLEDGED, "bob"),
        (Reason.RESUMED, "ann"),
        (Reason.ENDED, "ann"),
    ]
    assert len({item.incident for item in items[:3]}) == 1
    assert items[0].incident
