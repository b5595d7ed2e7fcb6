"""The registry's fields of price: computed from what is stated, blank where nothing is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.core.baselines import Baselines
from monitor.core.configuration import SourceSpec
from monitor.core.facts import Subject, Value
from monitor.core.price import Meter
from monitor.registry.terms import Band, CacheWriteRule, Terms, multiple, terms
from monitor.sources.catalog import source_spec

LUNA = Subject("openai", "luna")
PAGE = source_spec(key="page", kind="pricing_page", every=timedelta(hours=1), provider="openai")
FEED = replace(PAGE, key="feed", kind="price_feed", provider="", trust="third_party")
SHORT: dict[str, Value] = {"input": "1", "cached_input": "0.1", "cache_write": "1.25", "output": "6"}


def said(*sources: tuple[SourceSpec, dict[str, Value]], tiers: tuple[str, ...] = ("standard",)) -> Terms:
    """Return the terms of sources that state fields by `tier.context.meter`; a bare meter is of standard and short."""
    facts = {
        spec.key: {
            LUNA: {("price." + name if "." in name else f"price.standard.short.{name}"): v for name, v in f.items()}
        }
        for spec, f in sources
    }
    return terms(Baselines({spec.key: spec for spec, _ in sources}, facts.get), LUNA, tiers)


def test_the_discount_and_the_write_rule_are_computed_from_the_amounts() -> None:
    assert said((PAGE, SHORT)).bands == (
        Band(
            tier="standard",
            context="short",
            input="1",
            output="6",
            cached_input="0.1",
            cached_discount="0.9",
            cache_writes={"cache_write": CacheWriteRule(amount="1.25", multiple="1.25")},
        ),
    )


def test_a_discount_is_never_assumed_to_be_the_usual_one() -> None:
    assert said((PAGE, {**SHORT, "cached_input": "0.25"})).bands[0].cached_discount == "0.75"
    band = said((PAGE, {"input": "1", "output": "6"})).bands[0]
    assert (band.cached_input, band.cached_discount, band.cache_writes) == (None, None, {})


def test_a_write_without_an_input_has_an_amount_and_no_multiple() -> None:
    assert said((PAGE, {"cache_write": "2"})).bands[0].cache_writes == {
        "cache_write": CacheWriteRule(amount="2", multiple=None)
    }


def test_each_lifetime_of_a_write_has_its_own_rule() -> None:
    writes = said((PAGE, {**SHORT, "cache_write_1h": "2"})).bands[0].cache_writes
    assert {name: rule.multiple for name, rule in writes.items()} == {"cache_write": "1.25", "cache_write_1h": "2"}


def test_a_tier_in_use_without_a_price_is_shown_blank_and_is_no_eligible_mode() -> None:
    found = said((PAGE, SHORT), tiers=("standard", "flex"))
    assert found.modes == ("standard",)
    assert found.bands[1] == Band(
        tier="flex", context="short", input=None, output=None, cached_input=None, cached_discount=None, cache_writes={}
    )


def test_the_modes_are_the_tiers_that_have_a_price_whether_in_use_or_not() -> None:
    found = said((PAGE, {**SHORT, "batch.short.input": "0.5", "priority.short.input": "2", "own.short.input": "1"}))
    assert found.modes == ("standard", "batch", "priority", "own")
    assert [band.tier for band in found.bands] == ["standard"]


def test_long_context_is_its_own_band_after_the_short_one() -> None:
    found = said((PAGE, {**SHORT, "standard.long.input": "2"}))
    assert [(band.context, band.input) for band in found.bands] == [("short", "1"), ("long", "2")]


def test_what_two_official_sources_dispute_is_blank_and_named() -> None:
    other = replace(PAGE, key="other")
    found = said((PAGE, SHORT), (other, {**SHORT, "output": "7"}))
    assert found.disputed == ("price.standard.short.output",)
    assert (found.bands[0].input, found.bands[0].output) == ("1", None)
    assert found.sources == ("page", "other")


def test_an_aggregator_fills_no_field_of_the_registry() -> None:
    found = said((FEED, SHORT))
    assert (found.modes, found.sources, found.bands[0].input) == ((), (), None)


def test_audio_is_not_told_as_text() -> None:
    field = Meter("standard", "short", "audio", "input").field.removeprefix("price.")
    found = said((PAGE, {field: "10"}))
    assert found.bands[0].input is None
    assert found.modes == ("standard",)


@pytest.mark.parametrize(("one", "of", "times"), [("1", "3", "0.333333"), ("3", "1", "3"), ("1", "0", None)])
def test_a_multiple_is_told_to_six_places_and_of_nothing_there_is_none(one: str, of: str, times: str | None) -> None:
    assert multiple(one, of) == times
