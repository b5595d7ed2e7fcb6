"""Owners hear of the ends of their entries, of the endpoints that these call and of their fallbacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from pipeline_world import LUNA, START, World, configuration, entry_spec, furnish, world_of

from monitor.core.configuration import Owner
from monitor.core.facts import Subject
from monitor.sources.catalog import source_spec

ENDPOINT = Subject("openai", "v1/assistants")
SPARE = Subject("openai", "m01")
FAR = (START + timedelta(days=200)).date().isoformat()
NEAR = (START + timedelta(days=20)).date().isoformat()


def page(key: str, **changes: str) -> object:
    return source_spec(
        key=key,
        kind="deprecations_page",
        every=timedelta(hours=6),
        provider="openai",
        url="https://e.example/",
        **changes,  # type: ignore[arg-type]
    )


@pytest.fixture
def ends() -> Iterator[World]:
    """Provide a world with a page of ends, a feed of them, and an entry that calls an endpoint and has a fallback of
    other owners.
    """
    conf = configuration()
    luna = entry_spec(uses=("v1/assistants",), fallback="spare")
    spare = entry_spec("spare", "m01", owners=("others",))
    feed = source_spec(
        key="third",
        kind="lifecycle_feed",
        every=timedelta(hours=1),
        format="model_eol",
        url="https://t.example/",
        trust="third_party",
    )
    conf = replace(
        conf,
        sources={**conf.sources, "ends": page("ends"), "third": feed},  # type: ignore[dict-item]
        owners={**conf.owners, "others": Owner(key="others", destinations=("env:THREE",))},
        entries={"luna": luna, "spare": spare},
    )
    with world_of(conf) as world:
        for key in ("ends", "third"):
            world.sources[key].announcing = True
            world.sources[key].facts = {Subject("openai", "gpt-other"): {"shutdown_date": FAR}}
        furnish(world)
        world.sources["page"].set(SPARE, input="1", output="2")
        world.polls(3)
        world.activate()
        world.activate("spare")
        yield world


def told(world: World, since: int) -> dict[str, list[str]]:
    """Return the changes that each owner was told of after so many notices."""
    found: dict[str, list[str]] = {}
    for notice in world.notices()[since:]:
        for item in notice.items:
            words = [f"{item.entry}: {change.subject} {change.new}" for change in item.differences]
            found.setdefault(notice.owner, []).extend(words or [f"{item.entry}: {item.summary}"])
    return found


def test_the_end_of_an_endpoint_is_told_to_those_who_call_it(ends: World) -> None:
    before = len(ends.notices())
    ends.sources["ends"].set(ENDPOINT, shutdown_date=FAR)
    ends.polls(3, "ends")
    assert told(ends, before) == {"platform": [f"luna: v1/assistants {FAR}"]}


def test_the_end_of_a_fallback_is_told_to_its_owners_and_to_those_it_stands_in_for(ends: World) -> None:
    before = len(ends.notices())
    ends.sources["ends"].set(SPARE, shutdown_date=f"{FAR} earliest")
    ends.polls(3, "ends")
    assert told(ends, before) == {
        "others": [f"spare: m01 not before {FAR}"],
        "platform": [f"luna: m01 not before {FAR}"],
    }
    (item,) = [item for notice in ends.notices()[before:] for item in notice.items if item.entry == "luna"]
    assert "its fallback spare" in item.summary


def test_only_a_firm_end_is_reminded_of(ends: World) -> None:
    ends.sources["ends"].set(LUNA, shutdown_date=f"{NEAR} earliest")
    ends.polls(3, "ends")
    ends.now += timedelta(days=15)
    ends.tender.tend(ends.now)
    assert ends.events("entry.reminded") == []
    ends.sources["ends"].set(LUNA, shutdown_date=NEAR)
    ends.polls(3, "ends")
    (moved,) = ends.events("lifecycle.moved")
    assert (moved.data["date"], moved.data["old"]) == (NEAR, NEAR)
    assert (moved.data.get("precision"), moved.data["old_precision"]) == (None, "earliest")
    ends.now += timedelta(days=4)
    ends.tender.tend(ends.now)
    assert [event.data["what"] for event in ends.events("entry.reminded")] == ["shutdown"]


def test_the_end_of_an_endpoint_is_reminded_of(ends: World) -> None:
    ends.sources["ends"].set(ENDPOINT, shutdown_date=NEAR)
    ends.polls(3, "ends")
    ends.now += timedelta(days=14)
    ends.tender.tend(ends.now)
    (event,) = ends.events("entry.reminded")
    assert event.data["text"] == f"the endpoint v1/assistants is shut down on {NEAR}"


def test_what_a_third_party_says_first_is_told_with_its_name_and_reminds_of_nothing(ends: World) -> None:
    before = len(ends.notices())
    ends.sources["third"].set(LUNA, shutdown_date=NEAR)
    ends.polls(3, "third")
    (event,) = ends.events("lifecycle.announced")
    assert event.data["trust"] == "third_party"
    (notice,) = ends.notices()[before:]
    assert "third, which is no official source" in notice.items[0].summary
    ends.now += timedelta(days=14)
    ends.tender.tend(ends.now)
    assert ends.events("entry.reminded") == []


def test_what_the_provider_said_already_is_no_news_of_a_third_party(ends: World) -> None:
    ends.sources["ends"].set(LUNA, shutdown_date=FAR)
    ends.polls(3, "ends")
    before = len(ends.notices())
    ends.sources["third"].set(LUNA, shutdown_date=FAR)
    ends.polls(3, "third")
    assert ends.events("lifecycle.announced")[-1].data["corroborates"] == ["ends"]
    assert ends.notices()[before:] == []
