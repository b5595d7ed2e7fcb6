"""A part of a source that was read and is no longer understood: said once, told to whom it concerns, listed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pipeline_world import INPUT, LUNA, OUTPUT, PRICES, World, model

from monitor.audit.source_status import newest_evidence
from monitor.core.facts import ANYTHING, Fact, Refusal

TABLE = Refusal("Standard, table at line 12", "the unit 'per image' is not known", ("gpt-luna",))
OTHER = Refusal("Batch, table at line 40", "the currency is not known", ("m00",))


@pytest.fixture(autouse=True)
def a_long_page(furnished: World) -> None:
    """Let the page state many models, so that one table less is no mass drop."""
    for number in range(1, 11):
        furnished.sources["page"].facts[model(number)] = {INPUT: "2", OUTPUT: "8"}
    furnished.settle("page")


def refuse(world: World, *parts: Refusal, source: str = "page") -> None:
    """Let parts of a source be refused: the models that they name are not read from it."""
    shown = world.sources[source]
    about = {name for part in parts for name in part.about}
    shown.drop(*(subject for subject in shown.facts if subject.name in about))
    shown.refused = parts


def refusals(world: World) -> list[tuple[str, str]]:
    return [(event.data["where"], event.data["reason"]) for event in world.events("source.refused")]


def test_a_part_that_was_read_and_no_longer_is_is_said_once(furnished: World) -> None:
    refuse(furnished, TABLE)
    furnished.polls(3, "page")
    (event,) = furnished.events("source.refused")
    assert (event.subject, event.data["where"], event.data["reason"]) == ("page", TABLE.where, TABLE.reason)
    assert event.data["models"] == ["gpt-luna"]
    assert furnished.baseline("page")[LUNA] == PRICES, "what it stated stands"


def test_a_part_that_never_was_read_is_no_news(furnished: World) -> None:
    furnished.sources["page"].refused = (Refusal("Images, table at line 90", "a price per image", ("gpt-image",)),)
    furnished.polls(3, "page")
    assert refusals(furnished) == []


def test_several_parts_are_one_event(furnished: World) -> None:
    refuse(furnished, TABLE, OTHER)
    furnished.polls(2, "page")
    (event,) = furnished.events("source.refused")
    assert event.data["count"] == 2
    assert [part["where"] for part in event.data["parts"]] == [TABLE.where, OTHER.where]
    assert event.data["models"] == ["gpt-luna", "m00"]


def test_a_part_that_may_speak_of_anything_concerns_what_is_missing(furnished: World) -> None:
    refuse(furnished, OTHER)
    furnished.sources["page"].refused = (OTHER._replace(about=(ANYTHING,)),)
    furnished.polls(2, "page")
    (event,) = furnished.events("source.refused")
    assert event.data["models"] == ["m00"]


def test_the_owners_of_what_stands_on_it_are_told_once(active: World) -> None:
    told = len(active.notices())
    refuse(active, TABLE)
    active.polls(3, "page")
    (notice,) = active.notices()[told:]
    (item,) = notice.items
    assert (item.reason, item.entry, item.source) == ("changed", "luna", "page")
    assert TABLE.where in item.summary
    assert TABLE.reason in item.summary
    assert item.commands == ("access-monitor sources page",)


def test_owners_of_other_entries_hear_nothing(active: World) -> None:
    told = len(active.notices())
    refuse(active, OTHER)
    active.polls(3, "page")
    assert refusals(active) == [(OTHER.where, OTHER.reason)]
    assert active.notices()[told:] == []


def test_what_flickers_is_said_once_a_day(furnished: World) -> None:
    page = furnished.sources["page"]
    whole = dict(page.facts)
    for _ in range(4):
        refuse(furnished, TABLE)
        furnished.poll("page")
        page.facts, page.refused = dict(whole), ()
        furnished.poll("page")
    assert len(refusals(furnished)) == 1
    refuse(furnished, TABLE)
    furnished.poll("page", after=timedelta(days=1, minutes=5))
    assert len(refusals(furnished)) == 2


def test_an_end_that_cannot_be_read_any_more_is_said_too(furnished: World) -> None:
    furnished.sources["list"].set(LUNA, shutdown_date="2027-01-01")
    furnished.polls(2, "list")
    furnished.sources["list"].set(LUNA, shutdown_date=None)
    furnished.sources["list"].unclear = frozenset({Fact(LUNA, "shutdown_date")})
    furnished.sources["list"].refused = (Refusal("data[11]", "its shutdown date is not a date", ("gpt-luna",)),)
    furnished.polls(2, "list")
    assert refusals(furnished) == [("data[11]", "its shutdown date is not a date")]
    assert furnished.baseline("list")[LUNA]["shutdown_date"] == "2027-01-01"


def test_the_newest_bytes_are_those_that_show_what_is_refused(furnished: World) -> None:
    with furnished.store.read() as reader:
        before = newest_evidence(reader, "page")
    refuse(furnished, TABLE)
    furnished.polls(2, "page")
    (event,) = furnished.events("source.refused")
    with furnished.store.read() as reader:
        assert newest_evidence(reader, "page") == event.evidence != before
        body = reader.evidence(event.evidence)
    assert body is not None
    assert furnished.sources["page"].extract(body, furnished.now).refused == (TABLE,)
    page = furnished.sources["page"]
    page.refused = ()
    page.facts[LUNA] = dict(PRICES)
    furnished.polls(2, "page")
    with furnished.store.read() as reader:
        assert newest_evidence(reader, "page") == furnished.state("page").evidence
