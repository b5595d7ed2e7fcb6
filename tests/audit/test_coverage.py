"""Which source watches each assumption now, when it was last read, and which nothing watches."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pipeline_world import CACHED, INPUT, LUNA, World, configuration, entry_spec, furnish, world_of

from monitor.audit.coverage import GAPS, CoverageRow, coverage
from monitor.core.facts import FailureReason
from monitor.core.ports import Refused

DAY = timedelta(days=1)


def _rows(world: World, key: str = "luna") -> dict[tuple[str, str], CoverageRow]:
    with world.store.read() as reader:
        return {(row.kind, row.name): row for row in coverage(reader, world.conf, world.now, key)}


def test_every_pin_and_every_required_check_is_shown_with_what_watches_it(active: World) -> None:
    rows = _rows(active)
    pins = {pin.key for pin in active.entry().pins}
    assert {name for kind, name in rows if kind == "pin"} == pins
    assert {name for kind, name in rows if kind == "check"} == {"model_id", "visibility", "pricing"}
    assert {name for kind, name in rows if kind == "unpinned"} == set(active.entry().unpinned)
    listed, priced = rows["pin", "openai/gpt-luna/listed"], rows["pin", f"openai/gpt-luna/{INPUT}"]
    assert (listed.state, listed.sources, listed.read_at) == ("watched", ("list",), active.state("list").good_at)
    assert (priced.state, priced.sources, priced.read_at) == ("watched", ("page",), active.state("page").good_at)
    assert rows["pin", "config/openai/base_url"].sources == ("configuration",)
    assert not GAPS & {row.state for row in rows.values()}


def test_a_route_and_a_tier_that_nothing_watches_are_gaps_and_a_price_that_need_not_be_is_none() -> None:
    spec = entry_spec(uses=("v1/responses",), tiers=("standard", "flex"), checks=("test_call",))
    with world_of(configuration(entries={"luna": spec})) as world:
        furnish(world)
        rows = _rows(world)
    gaps = {name for (_, name), row in rows.items() if row.state in GAPS}
    assert gaps == {
        "test_call",
        "openai/gpt-luna/access.responses",
        "openai/gpt-luna/access.flex",
        "openai/gpt-luna/price.flex.short.input",
        "openai/gpt-luna/price.flex.short.output",
    }
    assert rows["unpinned", "openai/gpt-luna/price.flex.short.cache_write"].state == "unstated"
    assert ("unpinned", "openai/gpt-luna/test_call") not in rows, "its row is that of the check"


def test_a_pinned_row_that_is_gone_is_watched_by_nothing(active: World) -> None:
    active.sources["page"].set(LUNA, cached_input=None)
    active.settle("page")
    assert _rows(active)["pin", f"openai/gpt-luna/{CACHED}"].state == "unwatched"


def test_a_listing_that_is_gone_is_watched_all_the_same(active: World) -> None:
    active.sources["list"].drop(LUNA)
    active.settle("list")
    row = _rows(active)["pin", "openai/gpt-luna/listed"]
    assert (row.state, row.read_at) == ("watched", active.now)


def test_a_source_that_was_not_read_for_its_freshness_is_blind(active: World) -> None:
    active.sources["list"].fail = FailureReason.TIMEOUT
    seen = active.state("list").good_at
    active.poll(after=2 * DAY)
    rows = _rows(active)
    assert (rows["pin", "openai/gpt-luna/listed"].state, rows["pin", "openai/gpt-luna/listed"].read_at) == (
        "blind",
        seen,
    )
    assert rows["check", "visibility"].state == "blind"
    assert rows["check", "pricing"].state == "watched"


def test_a_source_that_left_the_configuration_leaves_its_pins_unwatched(active: World) -> None:
    sources = {key: spec for key, spec in configuration().sources.items() if key != "page"}
    active.configure(configuration(version="2", sources=sources))
    rows = _rows(active)
    assert rows["pin", f"openai/gpt-luna/{INPUT}"].state == "unwatched"
    assert rows["check", "pricing"].state == "unwatched"


def test_the_word_of_a_person_watches_until_its_date() -> None:
    spec = entry_spec(checks=("evals", "fallback"), checks_in={"staging": ("test_call",)}, fallback="sol")
    with world_of(configuration(entries={"luna": spec, "sol": entry_spec("sol", "m00")})) as world:
        furnish(world)
        assert _rows(world)["check", "evals"].state == "unwatched"
        world.attest("evals")
        row = _rows(world)["check", "evals"]
        assert (row.state, row.read_at, row.until) == ("attested", world.now, world.now + 90 * DAY)
        assert _rows(world)["check", "fallback"].sources == ("gate",)
        assert _rows(world)["check", "test_call"].state == "unwatched"
        world.now += 90 * DAY
        assert _rows(world)["check", "evals"].state == "unwatched"


def test_an_entry_that_was_never_accepted_shows_what_an_activation_would_pin(furnished: World) -> None:
    before = {key for key in _rows(furnished) if key[0] == "pin"}
    furnished.activate()
    assert before == {key for key in _rows(furnished) if key[0] == "pin"}


def test_all_entries_that_live_are_shown_unless_one_is_named(active: World) -> None:
    assert {row.entry for row in _rows(active, "").values()} == {"luna"}
    active.operator.retire("luna", by="ann", reason="x", via={})
    assert _rows(active, "") == {}
    with pytest.raises(Refused, match="there is no entry 'lune'"):
        _rows(active, "lune")
