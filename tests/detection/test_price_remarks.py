"""What is told of a price that moved for another reason than that its model costs something else; and who was told
already.
"""

from __future__ import annotations

from datetime import timedelta

from pipeline_world import INPUT, LUNA, OUTPUT, World

from monitor.core.entry import Status
from monitor.core.facts import ALIAS_TARGET, Subject
from monitor.core.notices import Reason


def _target(world: World, source: str, target: str | None) -> None:
    world.sources[source].set(LUNA, **{ALIAS_TARGET: target})


# -- aliases -----------------------------------------------------------------


def test_an_alias_whose_target_an_official_source_states_is_pinned_and_pauses_when_it_moves(furnished: World) -> None:
    world = furnished
    _target(world, "page", "maker-four")
    world.polls(2)
    world.activate()
    told = len(world.events("model.changed"))
    assert ("openai", "gpt-luna", ALIAS_TARGET, "maker-four") in {
        (pin.scope, pin.name, pin.field, pin.value) for pin in world.entry().pins
    }
    _target(world, "page", "maker-five")
    world.polls(2)
    (changed,) = world.events("model.changed")[told:]
    assert changed.data["provider"] == "openai"
    assert changed.data["surface"] is None
    assert (changed.data["field"], changed.data["old"], changed.data["new"]) == (
        ALIAS_TARGET,
        "maker-four",
        "maker-five",
    )
    (paused,) = world.events("entry.paused")
    assert (paused.cause, paused.data["old"], paused.data["new"]) == (changed.position, "maker-four", "maker-five")


def test_an_alias_of_which_the_page_says_no_more_moves_nothing(furnished: World) -> None:
    world = furnished
    _target(world, "page", "maker-four")
    world.polls(2)
    world.activate()
    _target(world, "page", None)
    world.settle()
    assert world.entry().status is Status.ACTIVE


def test_an_alias_that_moves_at_a_feed_is_told_and_pauses_nobody(active: World) -> None:
    _target(active, "feed", "maker-four")
    active.polls(2, "feed")
    _target(active, "feed", "maker-five")
    active.sources["feed"].set(LUNA, output="7")
    active.polls(2, "feed")
    (reported,) = active.events("price.reported")
    assert (reported.data["alias_from"], reported.data["alias_to"]) == ("maker-four", "maker-five")
    assert active.entry().status is Status.ACTIVE
    (item,) = active.notices()[-1].items
    assert item.reason is Reason.CHANGED
    assert item.summary.endswith("; the alias points to maker-five now (was maker-four)")


# -- corrections ---------------------------------------------------------------


def test_a_price_that_its_own_source_listed_days_before_is_corrected(active: World) -> None:
    new = Subject("openai", "gpt-new")
    active.sources["feed"].set(new, input="60", output="360")
    active.polls(2, "feed")
    active.polls(2, "feed", every=timedelta(days=2))
    active.sources["feed"].set(new, input="30", output="180")
    active.polls(2, "feed")
    moved = active.events("price.reported", subject="gpt-new")
    assert [(event.data["correction"], event.data["note"]) for event in moved] == [
        (True, "correction: first listed 4 days before")
    ] * 2


def test_a_price_of_the_first_baseline_is_never_corrected_however_young_the_monitor_is(active: World) -> None:
    active.sources["feed"].set(LUNA, output="7")
    active.polls(2, "feed")
    (reported,) = active.events("price.reported")
    assert "correction" not in reported.data


def test_a_price_that_was_held_back_and_let_in_puts_no_other_right(active: World) -> None:
    new = Subject("openai", "gpt-new")
    active.sources["feed"].set(new, input="60", cached_input="6")
    active.polls(2, "feed")
    active.sources["feed"].set(new, input="30", cached_input="30")
    active.polls(2, "feed")
    active.sources["feed"].set(new, cached_input="3")
    active.polls(3, "feed")
    moved = {event.data["meter"]: event for event in active.events("price.reported", subject="gpt-new")}
    assert (moved["input"].data["new"], moved["cached_input"].data["new"]) == ("30", "3")
    assert "correction" not in moved["input"].data
    assert moved["cached_input"].data["correction"] is True


def test_a_price_that_stood_for_longer_than_a_week_was_no_mistake(active: World) -> None:
    new = Subject("openai", "gpt-new")
    active.sources["feed"].set(new, input="60")
    active.polls(2, "feed")
    active.polls(2, "feed", every=timedelta(days=4))
    active.sources["feed"].set(new, input="30")
    active.polls(2, "feed")
    assert "correction" not in active.events("price.reported", subject="gpt-new")[0].data


def test_a_price_that_went_and_came_back_is_not_listed_for_the_first_time(active: World) -> None:
    active.sources["feed"].set(LUNA, output=None)
    active.settle("feed")
    active.sources["feed"].set(LUNA, output="7")
    active.polls(2, "feed")
    active.sources["feed"].set(LUNA, output="6")
    active.polls(2, "feed")
    assert [event.type for event in active.events("price.*")] == ["price.removed", "price.listed", "price.reported"]
    assert "correction" not in active.events("price.reported")[0].data


# -- who was told already ----------------------------------------------------------


def test_a_feed_that_follows_the_official_page_corroborates_and_wakes_nobody(active: World) -> None:
    active.sources["page"].set(LUNA, output="7")
    active.polls(2, "page")
    told = len(active.notices())
    active.sources["feed"].set(LUNA, output="7")
    active.polls(2, "feed")
    (reported,) = active.events("price.reported")
    assert reported.data["corroborates"] == ["page"]
    assert reported.data["note"] == "as page already"
    assert len(active.notices()) == told


def test_a_feed_that_states_another_price_than_all_others_is_news(active: World) -> None:
    active.sources["page"].set(LUNA, output="7")
    active.polls(2, "page")
    told = len(active.notices())
    active.sources["feed"].set(LUNA, output="8")
    active.polls(2, "feed")
    assert "corroborates" not in active.events("price.reported")[0].data
    assert len(active.notices()) == told + 1


def test_the_official_page_is_news_also_where_a_feed_said_it_before(active: World) -> None:
    active.sources["feed"].set(LUNA, output="7", input="2")
    active.polls(2, "feed")
    active.sources["page"].set(LUNA, output="7", input="2")
    active.polls(2, "page")
    changed = active.events("price.changed")
    assert {event.data["meter"] for event in changed} == {"input", "output"}
    assert not any("corroborates" in event.data for event in changed)
    assert {difference.what for difference in active.notices()[-1].items[0].differences} == {INPUT, OUTPUT}
