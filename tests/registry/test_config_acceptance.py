"""What a configuration takes from production, and that nothing takes it before a person said so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pipeline_world import INPUT, LUNA, VIA, World, configuration, document, entry_spec, furnish, world_of

from monitor.app.use_cases import UseCases
from monitor.core.configuration import Configuration
from monitor.core.entry import Status
from monitor.core.events import Event
from monitor.core.notices import Reason
from monitor.core.ports import Refused
from monitor.gate.state import Production
from monitor.registry.configuration_acceptance import Loading, LoadingEffect

CALLER = {"on_pause": "deny_new", "grace": timedelta(hours=72), "callers": ("support-agent",)}


def other(conf: Configuration, **changes: Any) -> Configuration:
    """Return the configuration with changes, named and documented as a file would be."""
    made = replace(conf, **changes)
    return replace(made, document={**document(made), "gate": {"freshness": str(made.gate.freshness)}}, version="2")


def loading(world: World, after: Configuration) -> Loading:
    return Loading(world.conf, after, Production)


def assessed(world: World, after: Configuration) -> LoadingEffect:
    with world.store.read() as reader:
        return loading(world, after).assess(reader, world.now)


def acts(world: World, after: Configuration) -> dict[str, str]:
    return {take.entry: take.act.value for take in assessed(world, after).taken}


def given(world: World, after: Configuration, **more: Any) -> Event | None:
    begin = world.use_cases().begin
    return loading(world, after).accept(begin, by="Grace H.", reason="we move", via=VIA, **{"expect": None, **more})


def taken(world: World, after: Configuration) -> tuple[Event, ...]:
    return UseCases(world.store, after, world.clock, published=world.publish).declare(world.conf)


@pytest.fixture
def spared() -> Iterator[World]:
    """Provide a world in which a price paused the entry, and its caller goes on."""
    with world_of(configuration(entries={"luna": entry_spec(**CALLER)})) as world:
        furnish(world)
        world.activate()
        world.sources["page"].set(LUNA, input="2")
        world.polls(2, "page")
        assert world.entry().status is Status.PAUSED
        yield world


def test_what_production_has_is_what_can_be_taken(active: World) -> None:
    conf = active.conf
    shorter = replace(conf.gate, freshness=timedelta(seconds=1), price_freshness=timedelta(seconds=1))
    active.now += timedelta(minutes=2)
    assert acts(active, other(conf)) == {}
    assert acts(active, other(conf, entries={})) == {"luna": "withdraws"}
    assert acts(active, other(conf, entries={"luna": entry_spec(price_model="m00")})) == {"luna": "pauses"}
    assert acts(active, other(conf, gate=shorter)) == {"luna": "denies"}


def test_of_what_is_only_evaluated_nothing_can_be_taken(furnished: World) -> None:
    assert acts(furnished, other(furnished.conf, entries={})) == {}
    assert acts(furnished, other(furnished.conf, entries={"luna": entry_spec(model_id="m00")})) == {}


def test_what_is_denied_already_cannot_be_denied_again(active: World) -> None:
    active.now += timedelta(days=30)
    shorter = replace(active.conf.gate, freshness=timedelta(seconds=1))
    assert acts(active, other(active.conf, gate=shorter)) == {}
    assert acts(active, other(active.conf, entries={})) == {"luna": "withdraws"}, "it would be back with the next look"


def test_a_paused_entry_can_be_taken_from_the_callers_that_go_on(spared: World) -> None:
    conf = spared.conf
    assert acts(spared, other(conf, entries={"luna": entry_spec(**{**CALLER, "on_pause": "deny"})})) == {
        "luna": "denies"
    }
    assert acts(spared, other(conf, entries={"luna": entry_spec(model_id="m00", **CALLER)})) == {"luna": "denies"}
    assert acts(spared, other(conf, entries={})) == {"luna": "withdraws"}
    assert acts(spared, other(conf, entries={"luna": entry_spec(use="chat", **CALLER)})) == {}


def test_a_paused_entry_that_nobody_may_use_can_be_withdrawn(active: World) -> None:
    active.operator.pause("luna", by="ann", reason="degraded", via=VIA)
    assert acts(active, other(active.conf, entries={})) == {}


def test_a_second_entry_for_a_model_id_takes_it_from_those_who_ask_by_that_id(active: World) -> None:
    twin = entry_spec("twin")
    found = assessed(active, other(active.conf, entries={**active.conf.entries, "twin": twin}))
    assert [(take.entry, take.act.value) for take in found.taken] == [("luna", "denies")]
    assert "ambiguous" in found.taken[0].reason


def test_what_nobody_accepted_is_refused_and_writes_nothing(active: World) -> None:
    rows, published = active.all_rows(), active.published
    with pytest.raises(Refused, match="would withdraw luna"):
        taken(active, other(active.conf, entries={}))
    assert (active.all_rows(), active.published) == (rows, published)


def test_an_acceptance_moves_nothing_and_lets_just_that_in(active: World) -> None:
    after = other(active.conf, entries={})
    entry = active.entry()
    event = given(active, after)
    assert event is not None
    assert (event.type, event.actor, event.data["withdraws"]) == (
        "config.accepted",
        "Grace H.",
        {"luna": "it left the configuration"},
    )
    assert active.entry() == entry
    assert assessed(active, after).acceptance == event
    with pytest.raises(Refused, match="would pause luna"):
        taken(active, other(active.conf, entries={"luna": entry_spec(price_model="m00")}))
    changed, withdrawn = taken(active, after)
    assert (changed.cause, withdrawn.type) == (event.position, "entry.withdrawn")
    notice = active.notices()[-1]
    assert (notice.owner, notice.items[0].denied, notice.items[0].summary) == (
        "platform",
        True,
        "it left the configuration",
    )


def test_what_production_is_denied_by_the_configuration_alone_its_owners_are_told(active: World) -> None:
    active.now += timedelta(minutes=2)
    after = other(active.conf, gate=replace(active.conf.gate, freshness=timedelta(seconds=1)))
    published = active.published
    assert given(active, after)
    taken(active, after)
    assert active.published == published + 1
    (item,) = active.notices()[-1].items
    assert (item.reason, item.entry, item.denied) == (Reason.STALE, "luna", True)
    assert item.summary.startswith("the configuration changed: ")


def test_who_was_resumed_after_the_acceptance_was_not_in_view(active: World) -> None:
    after = other(active.conf, entries={})
    position = assessed(active, after).position
    assert given(active, after, expect=position)
    active.operator.pause("luna", by="ann", reason="degraded", via=VIA)
    active.operator.resume("luna", by="ann", reason="well again", via=VIA)
    assert not assessed(active, after).loads
    with pytest.raises(Refused, match="the status of luna moved"):
        given(active, after, expect=position)
    with pytest.raises(Refused, match="is not in the log"):
        given(active, after, expect=10_000)
    assert given(active, after, expect=active.head)
    assert assessed(active, after).loads


def test_the_last_acceptance_alone_counts(active: World) -> None:
    first = other(active.conf, entries={})
    second = other(active.conf, entries={"luna": entry_spec(price_model="m00")})
    assert given(active, first)
    assert given(active, replace(second, version="3"))
    assert not assessed(active, first).loads
    assert assessed(active, replace(second, version="3")).loads


def test_what_takes_nothing_needs_no_acceptance(active: World) -> None:
    after = other(active.conf, entries={"luna": entry_spec(use="chat")})
    assert given(active, after) is None
    assert [event.type for event in taken(active, after)] == ["config.changed", "entry.amended"]


@pytest.mark.parametrize("trust", ["official", "third_party"])
def test_a_source_more_pauses_nothing_and_one_less_does(active: World, trust: str) -> None:
    page = replace(active.conf.sources["page"], key="page2", url="https://p2.example/", trust=trust)
    assert acts(active, other(active.conf, sources={**active.conf.sources, "page2": page})) == {}
    active.configure(other(active.conf, sources={**active.conf.sources, "page2": page}))
    active.sources["page2"].facts = dict(active.sources["page"].facts)
    active.polls(3)
    assert active.entry().status is Status.ACTIVE
    without = {key: spec for key, spec in active.conf.sources.items() if key != "page"}
    assert acts(active, replace(other(active.conf, sources=without), version="3")) == {"luna": "pauses"}


def test_a_source_more_leaves_the_checks_of_what_is_evaluated_alone(furnished: World) -> None:
    page = replace(furnished.conf.sources["page"], key="page2", url="https://p2.example/")
    events = furnished.configure(other(furnished.conf, sources={**furnished.conf.sources, "page2": page}))
    assert [event.type for event in events] == ["config.changed", "entry.amended"]


def test_a_source_more_that_disagrees_is_judged_once_it_was_polled(active: World) -> None:
    page = replace(active.conf.sources["page"], key="page2", url="https://p2.example/")
    active.configure(other(active.conf, sources={**active.conf.sources, "page2": page}))
    active.sources["page2"].facts = {
        **active.sources["page"].facts,
        LUNA: {**active.sources["page"].facts[LUNA], INPUT: "3"},
    }
    active.poll("page2")
    assert active.entry().status is Status.PAUSED
