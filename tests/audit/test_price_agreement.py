"""Agreement and disagreement of sources, shown and nothing more."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from pipeline_world import CACHED, INPUT, LUNA, OUTPUT, PRICES, World, configuration, furnish, world_of

from monitor.audit import queries
from monitor.audit.agreement import PriceComparison, PriceView, weigh
from monitor.core.facts import Subject


def _words(world: World, subject: Subject = LUNA) -> dict[tuple[str, str], PriceComparison]:
    with world.store.read() as reader:
        facts = queries.prices(reader, world.conf, (subject,))
    words = weigh(facts, fresh_since=world.now - world.conf.gate.price_freshness)
    return {(word.fact.source, word.fact.meter.field): word for word in words}


def test_a_feed_that_states_the_official_price_agrees(active: World) -> None:
    words = _words(active)
    assert {word.view for (source, _), word in words.items() if source == "page"} == {PriceView.OFFICIAL}
    assert {word.view for (source, _), word in words.items() if source == "feed"} == {PriceView.AGREES}
    assert not any(word.stale for word in words.values())


def test_a_feed_that_differs_is_shown_with_the_official_price(active: World) -> None:
    active.sources["feed"].set(LUNA, output="12")
    active.polls(2, "feed")
    word = _words(active)["feed", OUTPUT]
    assert (word.view, word.official, word.fact.amount, word.stale) == (PriceView.DIFFERS, "6", "12", False)


def test_a_frozen_feed_that_still_states_the_price_of_before_is_stale(active: World) -> None:
    active.sources["page"].set(LUNA, input="0.2", cached_input="0.02", output="1.2")
    active.polls(2)
    words = _words(active)
    assert [(words["feed", f].view, words["feed", f].stale) for f in (INPUT, CACHED, OUTPUT)] == [
        (PriceView.DIFFERS, True)
    ] * 3
    assert not words["page", INPUT].stale
    active.sources["page"].set(LUNA, input="0.1", cached_input="0.01")
    active.polls(2)
    assert _words(active)["feed", INPUT].stale, "two moves ago is as stale as one"


def test_a_source_that_was_not_read_for_too_long_is_stale_even_where_it_agrees(active: World) -> None:
    active.now += timedelta(days=8)
    active.poll("page")
    words = _words(active)
    assert words["feed", INPUT].view is PriceView.AGREES
    assert words["feed", INPUT].stale
    assert not words["page", INPUT].stale


def test_float_noise_of_a_feed_agrees(active: World) -> None:
    active.sources["feed"].set(LUNA, input="1.0000000000001")
    active.polls(2, "feed")
    assert _words(active)["feed", INPUT].view is PriceView.AGREES


def test_a_price_that_no_official_source_states_stands_alone(active: World) -> None:
    assert {word.view for word in _words(active, Subject("other", "gpt-luna")).values()} == {PriceView.ALONE}


def test_two_official_sources_that_differ_dispute_and_neither_is_the_official_price() -> None:
    conf = configuration()
    second = replace(conf.sources["page"], key="second", url="https://q.example/")
    with world_of(replace(conf, sources={**conf.sources, "second": second})) as world:
        world.sources["second"].facts = {LUNA: {**PRICES, OUTPUT: "7"}}
        furnish(world)
        words = _words(world)
    assert {words[source, OUTPUT].view for source in ("page", "second", "feed")} == {PriceView.DISPUTED}
    assert words["feed", OUTPUT].official is None
    assert words["feed", INPUT].view is PriceView.AGREES
