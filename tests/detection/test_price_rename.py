"""Prices that go on under another id: confirmed whole, told once, and never a storm that frightens or pauses."""

from __future__ import annotations

import io
import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipeline_world import INPUT, LUNA, OUTPUT, PRICES, Shown, World, configuration, entry_spec, furnish, world_of

from monitor.core import zstd
from monitor.core.entry import Status
from monitor.core.facts import Subject
from monitor.core.notices import Reason
from monitor.detection.renames import renames

SHARED = Path(os.environ.get("ACCESS_MONITOR_SHARED", Path(__file__).parents[2].parent / "shared"))
HISTORY = SHARED / "replay" / "modelpricewatch_openai_anthropic.jsonl.zst"
NEW = Subject("openai", "gpt-luna-2")
METERS = {"input_per_mtok": INPUT, "output_per_mtok": OUTPUT}


def _renamed(world: World, new: Subject = NEW) -> None:
    world.sources["page"].set(new, **PRICES)
    world.sources["page"].drop(LUNA)


def test_rows_that_stand_under_another_id_are_removed_and_listed_in_one_poll_and_name_each_other(active: World) -> None:
    at = active.head
    _renamed(active)
    assert [outcome.verdict for outcome in active.polls(2, "page")] == ["suspect", "changed"]
    removed, listed = active.events("price.removed", after=at), active.events("price.listed", after=at)
    assert {(event.subject, event.data["renamed_to"]) for event in removed} == {("gpt-luna", "gpt-luna-2")}
    assert {(event.subject, event.data["renamed_from"]) for event in listed} == {("gpt-luna-2", "gpt-luna")}
    assert len(removed) == len(listed) == len(PRICES)
    assert len({event.occurred_at for event in (*removed, *listed)}) == 1


def test_a_rename_pauses_nothing_and_is_told_in_one_sentence_with_the_mend(active: World) -> None:
    before = len(active.notices())
    _renamed(active)
    active.settle("page")
    assert active.entry().status is Status.ACTIVE
    (notice,) = active.notices()[before:]
    (item,) = notice.items
    assert (item.reason, item.differences) == (Reason.CHANGED, ())
    assert "the prices of gpt-luna under gpt-luna-2" in item.summary
    assert 'price_model = "gpt-luna-2"' in item.summary


def test_after_a_rename_the_old_price_is_not_dated_anew_because_no_entry_follows_by_itself(active: World) -> None:
    seen = active.now
    _renamed(active)
    active.polls(3, "page", every=timedelta(hours=1))
    assert active.standing().price_until == seen + timedelta(days=7)


def test_an_aggregators_own_renaming_is_said_to_move_nothing(active: World) -> None:
    active.sources["feed"].set(NEW, **PRICES)
    active.sources["feed"].drop(LUNA)
    active.settle("feed")
    assert active.notices()[-1].items[0].summary.endswith("this is its own naming and moves nothing")
    assert active.entry().status is Status.ACTIVE


def test_rows_that_come_a_poll_before_the_others_go_are_no_rename(active: World) -> None:
    active.sources["page"].set(NEW, **PRICES)
    active.polls(2, "page")
    active.sources["page"].drop(LUNA)
    at = active.head
    active.polls(2, "page")
    assert not active.events("price.removed", after=at), "an absence takes three polls over half an hour"
    active.settle("page")
    (first, *_) = active.events("price.removed")
    assert "renamed_to" not in first.data


def test_a_renamed_row_whose_price_moved_as_well_is_a_removal_like_any_other(active: World) -> None:
    active.sources["page"].set(NEW, **{**PRICES, OUTPUT: "7"})
    active.sources["page"].drop(LUNA)
    active.polls(2, "page")
    assert not active.events("price.removed")
    assert "renamed_from" not in active.events("price.listed")[-1].data


def test_a_rename_that_is_taken_back_before_it_is_believed_says_nothing(active: World) -> None:
    at = active.head
    facts = active.sources["page"].facts
    _renamed(active)
    active.poll("page")
    active.sources["page"].facts = facts
    active.polls(3, "page")
    assert active.types(after=at) == []


def _real(at: str) -> Shown:
    """Return the prices of the real feed in the commit of `at`, whose amounts are numbers of USD per 1M tokens."""
    with HISTORY.open("rb") as file:
        for line in io.TextIOWrapper(zstd.ZstdFile(file), encoding="utf-8"):
            poll: dict[str, Any] = json.loads(line)
            if poll["observed_at"].startswith(at):
                return {
                    Subject(row["provider"].lower(), row["id"]): {
                        field: str(row[key]) for key, field in METERS.items() if row.get(key)
                    }
                    for row in poll["payload"]
                    if any(row.get(key) for key in METERS)
                }
    raise LookupError(at)


@pytest.mark.skipif(not HISTORY.is_file(), reason=f"NO REAL HISTORY: {HISTORY} is absent, set ACCESS_MONITOR_SHARED")
def test_the_mass_id_rename_of_august_is_27_renames_and_neither_an_anomaly_nor_a_pause() -> None:
    before, after = _real("2026-08-01T16:42"), _real("2026-08-01T18:42")
    gone = before.keys() - after.keys()
    conf = configuration(entries={"luna": entry_spec(price_model="openai-gpt-56-luna")})
    # As if the feed were official: even then nothing may pause.
    page = replace(conf.sources["page"], provider="")
    with world_of(replace(conf, sources={**conf.sources, "page": page})) as world:
        furnish(world)
        world.sources["page"].facts = {**before}
        world.settle("page")
        world.activate()
        at, told = world.head, len(world.notices())
        world.sources["page"].facts = {**after}
        world.settle("page")
        assert world.events("source.anomaly", after=at) == []
        removed = {(e.subject, e.data.get("renamed_to")) for e in world.events("price.removed", after=at)}
        assert len(removed) == len(gone) == 27
        assert ("openai-gpt-56-luna", "openai-gpt-5-6-luna") in removed
        assert all(new is not None and new.replace("-", "") == old.replace("-", "") for old, new in removed)
        assert world.events("entry.*", after=at) == []
        (notice,) = world.notices()[told:]
        assert len(notice.items) == 1


IDS = st.integers(0, 9).map(lambda n: Subject("p", f"m{n}"))
AMOUNTS = st.sampled_from(["1", "2"])
FACTS = st.dictionaries(IDS, st.dictionaries(st.sampled_from([INPUT, OUTPUT]), AMOUNTS, min_size=1), max_size=6)


@given(FACTS, FACTS)
def test_a_rename_is_one_to_one_between_what_went_and_what_came_with_equal_rows(before: Shown, after: Shown) -> None:
    found = renames(before, after)
    assert found.keys() <= before.keys() - after.keys()
    assert set(found.values()) <= after.keys() - before.keys()
    assert len(set(found.values())) == len(found)
    assert all(before[old] == after[new] for old, new in found.items())


def test_ids_that_share_their_prices_pair_only_where_they_spell_the_same() -> None:
    rows = {INPUT: "1", OUTPUT: "2"}
    before = {Subject("p", name): rows for name in ("gpt-56", "gpt-57", "old")}
    after = {Subject("p", name): rows for name in ("gpt-5-6", "GPT-5.7", "new")}
    assert renames(before, after) == {
        Subject("p", "gpt-56"): Subject("p", "gpt-5-6"),
        Subject("p", "gpt-57"): Subject("p", "GPT-5.7"),
    }


def test_one_equal_amount_under_another_name_is_no_rename() -> None:
    assert renames({Subject("p", "ada"): {INPUT: "1"}}, {Subject("p", "bob"): {INPUT: "1"}}) == {}


def test_a_model_that_leaves_a_list_is_never_explained_away() -> None:
    rows = {INPUT: "1", OUTPUT: "2", "listed": True}
    assert renames({Subject("p", "gpt-56"): rows}, {Subject("p", "gpt-5-6"): rows}) == {}


def test_the_same_prices_at_another_provider_are_no_rename() -> None:
    rows = {INPUT: "1", OUTPUT: "2"}
    assert renames({Subject("p", "luna"): rows}, {Subject("q", "luna"): rows}) == {}
