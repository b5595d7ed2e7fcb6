"""Whose word counts for a price, and which prices are held back until somebody else says the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from pipeline_world import CACHED, INPUT, LUNA, OUTPUT, PRICES, VIA, World, configuration, furnish, world_of

from monitor.audit import queries
from monitor.core.entry import Status
from monitor.core.events import Event
from monitor.core.facts import FailureReason, Subject
from monitor.core.notices import Reason
from monitor.core.ports import Refused

B = Subject("openai", "b")


def _release(world: World, position: int) -> tuple[Event, ...]:
    return world.operator.release(position, by="ann", reason="they announced it", via=VIA)


# -- official and third party ----------------------------------------------


def test_an_official_change_pauses_and_names_the_change_as_its_cause(active: World) -> None:
    active.sources["page"].set(LUNA, output="7")
    assert [outcome.verdict for outcome in active.polls(2, "page")] == ["suspect", "changed"]
    changed, paused = active.events("price.changed")[0], active.events("entry.paused")[0]
    assert changed.data["trust"] == "official"
    assert {name: changed.data[name] for name in ("provider", "tier", "context", "modality", "meter")} == {
        "provider": "openai",
        "tier": "standard",
        "context": "short",
        "modality": "text",
        "meter": "output",
    }
    assert (changed.data["old"], changed.data["new"], changed.data["looks"]) == ("6", "7", 2)
    assert (paused.cause, paused.data["causes"]) == (changed.position, [changed.position])
    assert (paused.data["old"], paused.data["new"]) == ("6", "7")
    assert changed.occurred_at < paused.occurred_at == active.now
    with active.store.read() as reader:
        body = reader.evidence(changed.evidence)
        assert [step.recorded.event.type for step in queries.why(reader, "luna")] == ["entry.paused", "price.changed"]
    assert body is not None
    assert b'"7"' in body.content


def test_an_aggregators_change_is_reported_and_asks_for_the_official_page_and_never_pauses(active: World) -> None:
    active.sources["feed"].set(LUNA, output="7")
    active.poll("feed")
    before = len(active.sources["page"].known)
    outcomes = active.poll("feed")
    assert [outcome.source for outcome in outcomes] == ["feed", "page"]
    assert outcomes[0].ask == ("page",)
    assert len(active.sources["page"].known) == before + 1
    reported = active.events("price.*")[-1]
    assert (reported.type, reported.source, reported.data["trust"]) == ("price.reported", "feed", "third_party")
    assert active.entry().status is Status.ACTIVE
    assert active.notices()[-1].reason is Reason.CHANGED
    active.polls(5)
    assert active.types().count("price.reported") == 1
    assert "price.changed" not in active.types()


def test_an_aggregator_is_not_asked_for_prices_of_a_provider_without_an_official_source(active: World) -> None:
    active.sources["feed"].set(Subject("other", "gpt-luna"), output="12")
    outcomes = active.polls(2, "feed")
    assert [(outcome.source, outcome.ask) for outcome in outcomes] == [("feed", ()), ("feed", ())]


def test_the_same_name_at_another_provider_concerns_nobody(active: World) -> None:
    before = active.entry()
    active.sources["feed"].set(Subject("other", "gpt-luna"), output="12")
    active.polls(2, "feed")
    assert active.events("price.reported")[0].data["provider"] == "other"
    assert active.entry() == before


def test_while_the_official_page_cannot_be_read_an_aggregator_informs_and_dates_nothing(active: World) -> None:
    seen = active.now
    active.sources["page"].fail = FailureReason.UNREADABLE
    active.polls(4, every=timedelta(hours=1))
    assert active.standing().price_until == seen + timedelta(days=7)


def test_two_official_pages_that_disagree_refuse_an_activation_and_name_both() -> None:
    second = replace(configuration().sources["page"], key="second", url="https://q.example/")
    conf = configuration()
    with world_of(replace(conf, sources={**conf.sources, "second": second})) as world:
        world.sources["second"].facts = {LUNA: {**PRICES, OUTPUT: "7"}, B: {INPUT: "1"}}
        furnish(world)
        with pytest.raises(Refused, match="output is disputed \\(page says 6, second says 7\\)"):
            world.activate()


def test_a_new_meter_and_a_new_model_are_not_changed_prices(active: World) -> None:
    at = active.head
    active.sources["page"].set(LUNA, **{"price.standard.long.input": "2"})
    active.sources["page"].set(B, input="1", output="2")
    active.polls(2, "page")
    assert active.types(after=at) == ["price.listed"] * 3
    assert active.entry().status is Status.ACTIVE


def test_a_price_of_a_tier_that_is_not_in_use_is_recorded_and_neither_pauses_nor_tells_anybody(
    furnished: World,
) -> None:
    furnished.sources["page"].set(LUNA, **{"price.batch.short.input": "0.5"})
    furnished.polls(2, "page")
    furnished.activate()
    told = furnished.notices()
    assert not [pin for pin in furnished.entry().pins if "batch" in pin.field]
    furnished.sources["page"].set(LUNA, **{"price.batch.short.input": "0.9"})
    furnished.polls(2, "page")
    assert furnished.types()[-1] == "price.changed"
    assert furnished.entry().status is Status.ACTIVE
    assert furnished.notices() == told


# -- held back --------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        ({"output": "0"}, "zero"),
        ({"output": "-6"}, "negative"),
        ({"cached_input": "1"}, "cached_not_below_input"),
        ({"output": "601"}, "ratio"),
    ],
)
def test_a_price_that_cannot_be_right_is_held_back_and_told(active: World, shown: dict[str, str], reason: str) -> None:
    confirmed = active.baseline("page")
    active.sources["page"].set(LUNA, **shown)
    active.polls(5, "page")
    held = active.events("price.quarantined")
    assert [event.data["reason"] for event in held] == [reason]
    assert active.baseline("page") == confirmed
    assert active.entry().status is Status.ACTIVE
    notice = active.notices()[-1]
    assert notice.reason is Reason.HELD
    assert notice.items[0].commands == (
        "access-monitor sources page",
        f'access-monitor release {held[0].position} --by YOU --reason "…"',
    )


def test_a_doubtful_price_of_a_tier_that_is_not_in_use_is_held_back_and_wakes_nobody(active: World) -> None:
    before = len(active.notices())
    active.sources["page"].set(LUNA, **{"price.batch.short.input": "0"})
    active.polls(2, "page")
    assert [event.data["tier"] for event in active.events("price.quarantined")] == ["batch"]
    assert len(active.notices()) == before


def test_a_price_that_is_held_back_does_not_hold_back_the_others_of_its_page(active: World) -> None:
    active.sources["page"].set(LUNA, output="0", cached_input="0.2")
    active.polls(2, "page")
    assert active.baseline("page")[LUNA] == {INPUT: "1", CACHED: "0.2", OUTPUT: "6"}
    assert active.entry().deviations.keys() == {f"openai/gpt-luna/{CACHED}"}


def test_a_price_that_was_held_back_is_let_in_once_what_made_it_implausible_is_gone(active: World) -> None:
    page = active.sources["page"]
    page.set(LUNA, input="0.8", cached_input="0.9")
    active.polls(3, "page")
    held = {event.data["meter"]: event.position for event in active.events("price.quarantined")}
    assert held.keys() == {"input", "cached_input"}
    active.polls(3, "page")
    assert active.baseline("page")[LUNA][INPUT] == "1", "its own page still speaks against it"
    page.set(LUNA, cached_input="0.08")
    active.polls(1, "page")
    assert active.baseline("page")[LUNA][INPUT] == "1", "a correction that is seen once may be a slip as well"
    active.polls(1, "page")
    assert active.baseline("page")[LUNA][INPUT] == "0.8"
    assert active.baseline("page")[LUNA][CACHED] == "0.08"
    (changed,) = [event for event in active.events("price.changed") if event.data["meter"] == "input"]
    assert changed.cause == held["input"]
    assert not active.pending_changes()


@pytest.mark.parametrize("shown", ["0", "-6", "601"])
def test_a_price_that_cannot_be_right_by_itself_stays_held_whatever_moves_beside_it(active: World, shown: str) -> None:
    active.sources["page"].set(LUNA, output=shown)
    active.polls(3, "page")
    active.sources["page"].set(LUNA, cached_input="0.2")
    active.polls(3, "page")
    assert active.baseline("page")[LUNA][OUTPUT] == "6"


def test_a_doubted_price_is_released_by_a_person_and_judged_then(active: World) -> None:
    active.sources["page"].set(LUNA, output="0")
    active.polls(2, "page")
    position = active.events("price.quarantined")[0].position
    active.now += timedelta(hours=1)
    published = active.published
    changed, *rest = _release(active, position)
    assert (changed.type, changed.cause, changed.actor) == ("price.changed", position, "ann")
    assert (changed.data["by"], changed.data["via"], changed.data["new"]) == ("ann", VIA, "0")
    assert [event.type for event in rest] == ["entry.paused", "check.stale"]
    assert rest[0].occurred_at == active.now, "the pause happened when the person decided"
    assert active.published == published + 1
    with pytest.raises(Refused, match="no price is held back at position"):
        _release(active, position)
    active.polls(2, "page")
    assert not active.pending_changes()
    assert active.types().count("price.changed") == 1


def test_what_a_person_let_in_is_not_taken_back_by_reading_older_bytes_anew(active: World) -> None:
    page = active.sources["page"]
    page.set(LUNA, output="0")
    active.polls(2, "page")
    _release(active, active.events("price.quarantined")[0].position)
    at = active.head
    page.extractor = "fake/2"
    active.polls(2, "page")
    page.extractor = "fake/3"
    active.polls(2, "page")
    assert active.baseline("page")[LUNA][OUTPUT] == "0"
    assert [kind for kind in active.types(after=at) if kind.startswith("price.")] == []


@pytest.mark.parametrize("position", [0, 1, 9999])
def test_a_release_of_what_is_not_held_back_is_refused(active: World, position: int) -> None:
    rows = active.all_rows()
    with pytest.raises(Refused, match="no price is held back"):
        _release(active, position)
    assert active.all_rows() == rows


def test_a_doubted_price_is_let_in_by_a_second_source_that_believes_it(active: World) -> None:
    active.sources["page"].set(LUNA, output="0.01")
    active.polls(2, "page")
    held = active.events("price.quarantined")[0]
    active.sources["feed"].set(LUNA, output="0.01")
    active.polls(2, "feed")
    assert not active.events("price.quarantined", source="feed")
    assert active.events("price.reported")[0].data["new"] == "0.01"
    changed = active.events("price.changed")[0]  # the feed asked for a look at the page
    assert (changed.source, changed.cause, changed.data["new"]) == ("page", held.position, "0.01")
    assert active.entry().status is Status.PAUSED


def test_two_sources_that_show_the_same_odd_price_at_once_second_each_other(furnished: World) -> None:
    feed = furnished.sources["feed"]
    feed.facts = {LUNA: dict(PRICES), B: {INPUT: "0", OUTPUT: "6"}}
    furnished.sources["page"].set(B, input="0", output="6")
    furnished.polls(3)
    assert [event.source for event in furnished.events("price.quarantined")] == ["page"]
    assert furnished.baseline("page")[B] == furnished.baseline("feed")[B] == {INPUT: "0", OUTPUT: "6"}


@pytest.mark.parametrize(
    ("of_page", "of_feed", "seconded"),
    [
        ({"url": "https://p.example/"}, {"url": "https://f.example/"}, True),
        ({"url": "https://p.example/"}, {"url": "https://p.example/"}, False),
        ({"format": "litellm", "url": "https://p.example/"}, {"format": "litellm", "url": "https://f.example/"}, False),
        (
            {"format": "litellm", "url": "https://p.example/"},
            {"format": "models_dev", "url": "https://f.example/"},
            True,
        ),
    ],
)
def test_sources_that_repeat_one_document_are_one_voice_and_second_nothing(
    of_page: dict[str, str], of_feed: dict[str, str], seconded: bool
) -> None:
    known = configuration()
    sources = {
        **known.sources,
        "page": replace(known.sources["page"], **of_page),
        "feed": replace(known.sources["feed"], **of_feed),
    }
    with world_of(replace(known, sources=sources)) as world:
        furnish(world)
        world.sources["feed"].facts = {LUNA: dict(PRICES), B: {INPUT: "0", OUTPUT: "6"}}
        world.sources["page"].set(B, input="0", output="6")
        world.polls(3)
        assert (world.baseline("page").get(B, {}).get(INPUT) == "0") is seconded


def test_a_doubted_price_that_goes_back_is_forgotten(active: World) -> None:
    active.sources["page"].set(LUNA, output="0")
    active.polls(2, "page")
    active.sources["page"].set(LUNA, output="6")
    active.poll("page")
    assert not active.pending_changes()
    with pytest.raises(Refused):
        _release(active, active.events("price.quarantined")[0].position)


def test_a_first_page_is_a_baseline_without_its_doubtful_prices(world: World) -> None:
    world.sources["page"].facts = {LUNA: {**PRICES, OUTPUT: "0"}, B: {INPUT: "1"}}
    world.poll("page")
    assert world.baseline("page")[LUNA] == {INPUT: "1", CACHED: "0.1"}
    assert [event.data["reason"] for event in world.events("price.quarantined")] == ["zero"]
    _release(world, world.events("price.quarantined")[0].position)
    assert world.events("price.listed")[0].data["new"] == "0"


def test_an_aggregators_doubtful_prices_are_counted_and_not_told_one_by_one(world: World) -> None:
    world.sources["feed"].facts = {LUNA: dict(PRICES), **{Subject("x", f"free-{n}"): {INPUT: "0"} for n in range(9)}}
    world.poll("feed")
    assert world.types()[-1] == "source.baseline_recorded"
    assert world.events()[-1].data["held"] == 9
    assert not world.notices()


def test_a_price_whose_page_still_shows_what_is_held_back_is_not_dated_by_it(active: World) -> None:
    seen = active.now
    active.sources["page"].set(LUNA, output="0")
    active.polls(5, "page", every=timedelta(hours=1))
    assert active.standing().price_until == seen + timedelta(days=7)
    active.attest("pricing")
    assert active.standing().price_until == active.now + timedelta(days=7)
