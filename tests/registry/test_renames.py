"""A source or an entry under a new key goes on from what was known under the old one: no pause, and no loss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pipeline_world import INPUT, LUNA, FakeSource, World, configuration, document, entry_spec, furnish, world_of

from monitor.app.use_cases import UseCases
from monitor.audit.concerning import of_entry
from monitor.core.configuration import Configuration
from monitor.core.entry import Status
from monitor.core.events import Event, entry_stream, source_stream
from monitor.core.facts import Subject
from monitor.core.ports import Refused
from monitor.gate.state import Production
from monitor.registry.configuration_acceptance import Loading, LoadingEffect
from monitor.sources.catalog import source_spec


@pytest.fixture
def active() -> Iterator[World]:
    with world_of() as world:
        furnish(world)
        world.activate()
        yield world


def with_source(conf: Configuration, was: str, key: str, **more: Any) -> Configuration:
    """Return the configuration with one source under another key."""
    sources = {key if name == was else name: spec for name, spec in conf.sources.items()}
    sources[key] = replace(sources[key], key=key)
    return replace(conf, sources=sources, former_sources={key: was}, version="2", **more)


def with_entry(conf: Configuration, was: str, key: str) -> Configuration:
    specs = [replace(spec, key=key) if name == was else spec for name, spec in conf.entries.items()]
    return replace(conf, entries={spec.key: spec for spec in specs}, former_entries={key: was}, version="2")


def renamed(world: World, after: Configuration) -> tuple[Event, ...]:
    """Load the configuration; the sources of the world go on showing what they showed."""
    for key, was in after.former_sources.items():
        world.sources[key] = world.sources[was]
        world.sources[key].spec = after.sources[key]
    return world.configure(after)


def assessed(world: World, after: Configuration) -> LoadingEffect:
    with world.store.read() as reader:
        after = replace(after, document=document(after))
        return Loading(world.conf, after, Production).assess(reader, world.now)


def allowed(world: World, key: str = "luna") -> bool:
    """Return whether production may use what it asks for by this key or model id."""
    with world.store.read() as reader:
        return Production(reader, world.conf, world.now).asked(key, "").allowed


# -- sources -----------------------------------------------------------------


def test_a_renamed_source_takes_nothing_and_the_entry_stays_as_it_was(active: World) -> None:
    after, before = with_source(active.conf, "page", "prices"), active.entry()
    effect = assessed(active, after)
    assert (effect.taken, effect.renamed) == ((), (("page", "prices"),))
    types = [event.type for event in renamed(active, after)]
    assert types == ["config.changed", "source.renamed", "entry.amended"]
    entry = active.entry()
    assert (entry.status, entry.checks, entry.status_position) == (before.status, before.checks, before.status_position)
    assert {pin.key for pin in entry.pins} - {pin.key for pin in before.pins} == {"config/prices/url"}
    assert active.replayed() == active.entries()


def test_its_state_goes_on_under_the_new_key(active: World) -> None:
    before, facts = active.state("page"), active.baseline("page")
    (event,) = [event for event in renamed(active, with_source(active.conf, "page", "prices")) if event.source]
    assert event.data["was"] == "page"
    assert replace(before, key="prices", attention=True) == active.state("prices")
    assert "page" not in active.states()
    assert active.baseline("prices") == facts
    assert [outcome.verdict for outcome in active.poll("prices")] == ["unchanged"]
    assert allowed(active)


def test_what_is_pending_is_counted_on(active: World) -> None:
    active.sources["page"].set(LUNA, input="2")
    active.poll("page")
    renamed(active, with_source(active.conf, "page", "prices"))
    active.poll("prices")
    (pause,) = active.events("entry.paused")
    assert (pause.source, pause.data["looks"]) == ("prices", 2)


def test_a_pause_goes_on_with_its_deviations_and_can_be_resumed(active: World) -> None:
    active.sources["page"].set(LUNA, input="2")
    active.polls(2, "page")
    before = active.entry()
    renamed(active, with_source(active.conf, "page", "prices"))
    entry = active.entry()
    assert (entry.status, entry.pause, entry.deviations) == (Status.PAUSED, before.pause, before.deviations)
    active.poll("prices")
    active.resume()
    assert active.entry().status is Status.ACTIVE


def test_what_changes_beside_the_name_is_judged_as_always(active: World) -> None:
    surface = replace(active.conf.surfaces["openai"], base_url="https://eu.api.example/v1")
    after = with_source(active.conf, "page", "prices", surfaces={"openai": surface})
    assert [take.act.value for take in assessed(active, after).taken] == ["pauses"]
    renamed(active, after)
    assert active.entry().status is Status.PAUSED
    assert set(active.entry().deviations) == {"config/openai/base_url"}


def test_a_check_of_an_entry_that_nobody_accepted_is_not_lost_by_a_name() -> None:
    with world_of() as world:
        furnish(world)
        assert world.entry().status is Status.EVALUATING
        checks = world.entry().checks
        renamed(world, with_source(world.conf, "page", "prices"))
        assert world.entry().checks == checks


def test_the_facts_of_a_document_go_on_under_the_new_name() -> None:
    card = source_spec(
        key="card", kind="document", every=configuration().sources["list"].every, url="https://c.example/"
    )
    conf = configuration()
    with world_of(replace(conf, sources={**conf.sources, "card": card})) as world:
        text: dict[str, str | int | bool] = {"p1": "It is a preview."}
        world.sources["card"].facts = {Subject("card", "text"): text}
        furnish(world)
        renamed(world, with_source(world.conf, "card", "system-card"))
        assert world.baseline("system-card") == {Subject("system-card", "text"): text}
        world.sources["system-card"].facts = {Subject("system-card", "text"): text}
        assert [outcome.verdict for outcome in world.poll("system-card")] == ["unchanged"]
        assert world.events("source.anomaly") == []


# -- entries -----------------------------------------------------------------


def test_a_renamed_entry_keeps_status_pins_and_checks(active: World) -> None:
    before = active.entry()
    events = renamed(active, with_entry(active.conf, "luna", "moon"))
    assert [event.type for event in events] == ["config.changed", "entry.renamed", "entry.withdrawn"]
    entry, old = active.entry("moon"), active.entry("luna")
    assert (entry.status, entry.checks, entry.reason) == (Status.ACTIVE, before.checks, before.reason)
    assert len(entry.pins) == len(before.pins)
    assert {pin.key for pin in entry.pins} == {pin.key.replace("config/luna/", "config/moon/") for pin in before.pins}
    assert (old.status, old.reason) == (Status.WITHDRAWN, "it was renamed to moon")
    assert allowed(active, "moon")
    assert active.replayed() == active.entries()


def test_who_asks_by_the_old_key_loses_it_and_that_is_said_before(active: World) -> None:
    effect = assessed(active, with_entry(active.conf, "luna", "moon"))
    (take,) = effect.taken
    assert (take.entry, take.act.value, take.reason) == ("luna", "withdraws", "it was renamed to moon")
    assert effect.renamed == (("luna", "moon"),)
    after = with_entry(active.conf, "luna", "moon")
    use_cases = UseCases(active.store, replace(after, document=document(after)), active.clock, published=active.publish)
    with pytest.raises(Refused, match="withdraw luna"):
        use_cases.declare(active.conf)


def test_a_former_key_that_nobody_knows_is_said_before_with_the_one_that_was_meant(active: World) -> None:
    mistyped = assessed(active, with_entry(active.conf, "lunar", "stella"))
    ((key, why),) = mistyped.unknown
    assert key == "stella"
    assert "there is no entry 'lunar' (did you mean 'luna'?)" in why
    assert assessed(active, with_entry(active.conf, "luna", "stella")).unknown == ()


def test_a_key_that_is_still_answered_as_a_model_id_takes_nothing() -> None:
    conf = configuration(entries={"gpt-luna": entry_spec(key="gpt-luna")})
    with world_of(conf) as world:
        furnish(world)
        world.activate("gpt-luna")
        after = with_entry(world.conf, "gpt-luna", "moon")
        assert assessed(world, after).taken == ()
        renamed(world, after)
        assert [allowed(world, key) for key in ("gpt-luna", "moon")] == [True, True]


def test_an_entry_and_its_source_may_be_renamed_at_once(active: World) -> None:
    both = with_source(with_entry(active.conf, "luna", "moon"), "page", "prices")
    renamed(active, both)
    entry = active.entry("moon")
    assert entry.status is Status.ACTIVE
    assert {"config/prices/url", "config/moon/sources"} <= {pin.key for pin in entry.pins}
    assert {pin.key: pin.value for pin in entry.pins}["config/moon/sources"] == "list prices"


def test_a_loaded_rename_is_done_and_the_hint_may_be_taken_out(active: World) -> None:
    renamed(active, with_entry(active.conf, "luna", "moon"))
    types = [event.type for event in active.configure(replace(active.conf, former_entries={}, version="3"))]
    assert types == ["config.changed"]


# -- the history ---------------------------------------------------------------


def test_the_history_is_found_under_the_new_key(active: World) -> None:
    renamed(active, with_source(with_entry(active.conf, "luna", "moon"), "page", "prices"))
    active.poll()
    shown = [event.source for event in active.events(source="prices")]
    assert {"page", "prices"} == set(shown)
    subjects = {event.subject for event in active.events(subject="prices")}
    assert subjects == {"page", "prices"}
    types = [event.type for event in active.events(subject="moon")]
    assert {"entry.declared", "entry.activated", "entry.renamed"} <= set(types)
    (event,) = active.events("entry.renamed")
    rows = [event for event in active.events() if event.stream in (entry_stream("luna"), entry_stream("moon"))]
    of_row = [row for row in rows if row.position < event.position or row.stream == entry_stream("moon")]
    assert active.events(stream=entry_stream("moon")) == of_row
    assert {event.subject for event in active.events(subject="luna")} == {"luna"}
    with active.store.read() as reader:
        concerns = of_entry(reader, "moon")
        kept = [recorded.event for recorded in reader.events() if concerns(recorded.event, reader)]
    assert {"entry.declared", "entry.activated", "entry.renamed"} <= {event.type for event in kept}


def test_an_old_key_that_is_used_anew_has_a_history_of_its_own(active: World) -> None:
    renamed(active, with_source(active.conf, "page", "prices"))
    again = source_spec(
        key="page",
        kind="pricing_page",
        every=active.conf.sources["list"].every,
        provider="openai",
        url="https://q.example/",
    )
    conf = replace(active.conf, sources={**active.conf.sources, "page": again}, former_sources={}, version="3")
    active.sources["page"] = FakeSource(again)
    active.sources["page"].facts = {LUNA: {INPUT: "1"}}
    active.configure(conf)
    active.poll("page")
    last = active.events(stream=source_stream("page"))[-1]
    assert last.position > active.events("source.renamed")[0].position
    assert last not in active.events(source="prices")
