"""Entries that touch code execution, agents or security work: the review cannot be left out, and covers what it was
about.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pipeline_world import VIA, World, configuration, entry_spec, furnish, world_of

from monitor.core.entry import CheckState
from monitor.core.notices import Reason
from monitor.core.ports import Refused
from monitor.registry import checklist

CARD = "https://cards.example/gpt-luna-2026-07.pdf"


@pytest.fixture
def touching() -> Iterator[World]:
    """Provide an entry that lets a model run code, ready but for its review."""
    with world_of(configuration(entries={"luna": entry_spec(touches=("code_execution",))})) as world:
        furnish(world)
        yield world


def review(world: World, **more: str) -> None:
    world.operator.verify("luna", "safety_review", by="ann", via=VIA, **more)


def test_an_entry_that_touches_code_execution_cannot_be_activated_without_a_review(touching: World) -> None:
    with pytest.raises(Refused, match="safety_review is blank"):
        touching.activate()
    review(touching, url=CARD)
    touching.activate()
    assert touching.entry().checks["safety_review"].url == CARD


@pytest.mark.parametrize("more", [{"note": "read it"}, {"url": "the card"}, {"url": "", "note": "read it"}])
def test_the_review_needs_the_url_of_the_system_card_that_was_read(touching: World, more: dict[str, str]) -> None:
    at = touching.head
    with pytest.raises(Refused, match="system card") as refused:
        review(touching, **more)
    assert "code_execution" in str(refused.value)
    assert touching.head == at


def test_an_entry_that_touches_nothing_of_it_needs_no_review_and_no_card(furnished: World) -> None:
    assert "safety_review" not in checklist.required(furnished.entry())
    review(furnished, note="read it")
    assert "touches" not in furnished.events("entry.declared")[-1].data["declaration"]


def test_the_owners_are_told_that_production_is_denied_when_the_entry_touches_more(touching: World) -> None:
    review(touching, url=CARD)
    touching.activate()
    before = len(touching.notices())
    spec = entry_spec(touches=("code_execution", "dual_use_cyber"))
    touching.configure(configuration(entries={"luna": spec}, version="2"))
    ((item,),) = (notice.items for notice in touching.notices()[before:])
    assert (item.reason, item.denied) == (Reason.STALE, True)
    assert "dual_use_cyber" in item.summary


def test_touching_more_makes_the_review_stale_and_names_what_is_new(touching: World) -> None:
    review(touching, url=CARD)
    touching.activate()
    at = touching.head
    spec = entry_spec(touches=("code_execution", "dual_use_cyber"))
    touching.configure(configuration(entries={"luna": spec}, version="2"))
    amended, stale = touching.events(after=at + 1)
    assert (amended.type, amended.data["changed"]) == ("entry.amended", ["touches"])
    assert (stale.type, stale.data["check"], stale.cause) == ("check.stale", "safety_review", amended.position)
    assert "dual_use_cyber" in stale.data["reason"]
    assert "code_execution" not in stale.data["reason"]
    assert touching.entry().checks["safety_review"].state is CheckState.STALE
    assert touching.replayed() == dict(touching.entries())


def test_touching_less_leaves_the_review_as_it_is(touching: World) -> None:
    touching.configure(configuration(entries={"luna": entry_spec(touches=("code_execution", "agents"))}, version="2"))
    review(touching, url=CARD)
    touching.configure(configuration(entries={"luna": entry_spec(touches=("agents",))}, version="3"))
    assert touching.entry().checks["safety_review"].state is CheckState.VERIFIED
