"""The message about a price pause says what the change means for the usage that the entry states."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pipeline_world import LUNA, World, configuration, entry_spec, furnish, world_of

from monitor.core.entry import Status
from monitor.notify.wording import compose

USAGE = {"input": 400_000_000, "cached_input": 1_000_000_000, "output": 30_000_000}


@pytest.fixture
def used() -> Iterator[World]:
    """Provide an active entry that states what it uses in a month."""
    with world_of(configuration(entries={"luna": entry_spec(usage=USAGE)})) as world:
        furnish(world)
        world.activate()
        yield world


def test_a_price_pause_says_what_the_change_means_a_month(used: World) -> None:
    used.sources["page"].set(LUNA, input="0.2", cached_input="0.02", output="1.2")
    used.polls(2, "page")
    assert used.entry().status is Status.PAUSED
    (item,) = used.notices()[-1].items
    assert item.summary.endswith("costs 136.00 USD instead of 680.00 USD (−544.00 USD)")
    lines = {line.label: line.texts for line in compose(used.notices()[-1]).sections[0].lines}
    assert lines["What changed"][0] == item.summary


def test_a_further_change_while_paused_is_counted_from_what_was_accepted(used: World) -> None:
    used.sources["page"].set(LUNA, input="2")
    used.polls(2, "page")
    assert used.notices()[-1].items[0].summary.endswith("costs 1,080.00 USD instead of 680.00 USD (+400.00 USD)")
    used.sources["page"].set(LUNA, output="8")
    used.polls(2, "page")
    assert used.types().count("entry.pause_extended") == 1
    assert used.notices()[-1].items[0].summary.endswith("costs 1,140.00 USD instead of 680.00 USD (+460.00 USD)")


def test_a_pause_for_a_lost_listing_says_nothing_of_money(used: World) -> None:
    used.sources["list"].drop(LUNA)
    used.settle("list")
    assert used.entry().status is Status.PAUSED
    assert "month" not in used.notices()[-1].items[0].summary


def test_an_entry_without_a_usage_is_told_no_sum(active: World) -> None:
    active.sources["page"].set(LUNA, input="2")
    active.polls(2, "page")
    assert active.notices()[-1].items[0].summary == ""
    assert "usage" not in active.events("entry.declared")[-1].data["declaration"]


def test_stating_a_usage_amends_the_entry_and_pauses_nothing(active: World) -> None:
    at = active.head
    active.configure(configuration(entries={"luna": entry_spec(usage=USAGE)}, version="2"))
    (amended,) = active.events("entry.amended", after=at)
    assert amended.data["changed"] == ["usage"]
    assert (active.entry().status, active.entry().spec.usage) == (Status.ACTIVE, USAGE)
    active.configure(configuration(version="3"))
    assert active.events("entry.amended", after=at)[-1].data["changed"] == ["usage"], "taking it back is a change, too"
    assert active.entry().spec.usage == {}
    assert active.replayed() == dict(active.entries())
