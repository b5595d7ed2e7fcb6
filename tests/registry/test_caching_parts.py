"""The check `caching`: which of its parts fails, by what probes saw and by what the account was billed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest
from pipeline_world import CACHED, INPUT, LUNA, OUTPUT, World, configuration, entry_spec, listing, world_of

from monitor.core.entry import CheckState
from monitor.core.facts import Value
from monitor.sources.catalog import source_spec

WRITE = "price.standard.short.cache_write"
SEEN = {f"behaviour.caching.{part}": True for part in ("written", "read", "hit", "late_read")}
PAGE = {INPUT: "1", CACHED: "0.1", WRITE: "1.25", OUTPUT: "6"}


def state(seen: Mapping[str, Value], page: Mapping[str, str], billed: Mapping[str, str]) -> tuple[CheckState, str]:
    """Return how the check stands once the page, the bill and then the probe were polled."""
    probe = source_spec(
        key="probe",
        kind="behaviour",
        every=timedelta(hours=6),
        surface="openai",
        options={"model": LUNA.name, "route": "caching"},
    )
    costs = source_spec(
        key="costs",
        kind="admin",
        every=timedelta(hours=1),
        surface="openai",
        provider="openai",
        options={"part": "costs"},
    )
    conf = configuration(entries={"luna": entry_spec(checks=("caching",))})
    conf = configuration(entries=conf.entries, sources={**conf.sources, "probe": probe, "costs": costs})
    with world_of(conf) as world:
        assert isinstance(world, World)
        world.sources["list"].facts = listing(11, LUNA)
        world.sources["page"].facts = {LUNA: dict(page)}
        world.poll("list", "page")
        world.sources["costs"].facts = {LUNA: dict(billed)} if billed else {}
        world.polls(2, "costs")
        world.sources["probe"].facts = {LUNA: {"access.caching": "granted", **seen}}
        world.polls(2, "probe")
        check = world.entry().checks.get("caching", None)
        return (CheckState.BLANK, "") if check is None else (check.state, check.note)


def test_it_is_verified_while_every_part_holds() -> None:
    assert state(SEEN, PAGE, {}) == (CheckState.VERIFIED, "")
    assert state(SEEN, PAGE, {INPUT: "2", CACHED: "0.2", WRITE: "2.5"}) == (CheckState.VERIFIED, ""), (
        "ratios, not prices"
    )


@pytest.mark.parametrize("part", ["written", "read", "late_read"])
def test_a_part_that_was_not_seen_leaves_a_blank(part: str) -> None:
    seen = {field: value for field, value in SEEN.items() if not field.endswith(f".{part}")}
    assert state(seen, PAGE, {}) == (CheckState.BLANK, "")


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("written", "the write is not counted"),
        ("read", "a second call reads less than 90 % of what was written"),
        ("late_read", "a call just before 30 minutes reads less than 90 % of what was written"),
    ],
)
def test_a_part_that_fails_is_named(part: str, reason: str) -> None:
    assert state({**SEEN, f"behaviour.caching.{part}": False}, PAGE, {}) == (CheckState.FAILED, reason)


def test_every_part_that_fails_is_named() -> None:
    state_, note = state(dict.fromkeys(SEEN, False), PAGE, {})
    assert (state_, len(note.split("; "))) == (CheckState.FAILED, 3)


def test_where_no_price_of_writes_is_stated_none_has_to_be_counted() -> None:
    page = {field: amount for field, amount in PAGE.items() if field != WRITE}
    assert state({**SEEN, "behaviour.caching.written": False}, page, {})[0] is CheckState.VERIFIED


@pytest.mark.parametrize(
    ("billed", "reason"),
    [
        ({CACHED: "0.5", WRITE: "1.25"}, "cached reads are billed at 0.50 of input, stated is 0.10"),
        ({CACHED: "0.1", WRITE: "2"}, "cache writes are billed at 2.00 of input, stated is 1.25"),
    ],
)
def test_a_bill_by_another_ratio_than_the_page_states_is_named(billed: dict[str, str], reason: str) -> None:
    assert state(SEEN, PAGE, {INPUT: "1", **billed}) == (CheckState.FAILED, reason)


def test_what_the_page_or_the_bill_does_not_state_is_no_failure() -> None:
    page = {field: amount for field, amount in PAGE.items() if field != CACHED}
    assert state(SEEN, page, {INPUT: "1", CACHED: "0.5", WRITE: "1.25"})[0] is CheckState.VERIFIED
    assert state(SEEN, PAGE, {CACHED: "0.5"})[0] is CheckState.VERIFIED
