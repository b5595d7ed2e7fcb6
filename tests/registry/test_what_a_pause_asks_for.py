"""From the cause of a pause to the checks that it asks for, beyond what other specifications of pauses say of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pipeline_world import LUNA, VIA, World, configuration, entry_spec, furnish, listing, world_of

from monitor.core.entry import CheckState, Pin, Status
from monitor.core.ports import Refused
from monitor.registry import checklist
from monitor.registry.causes import Cause, cause

BY_STAGE = ("pricing", "rate_limits", "evals")


def test_a_stage_is_a_cause_of_its_own_whoever_states_it() -> None:
    for scope in ("openai", "config"):
        assert cause(Pin(scope=scope, name="gpt-luna", field="stage", value="preview"), "general") is Cause.STAGE


@pytest.mark.parametrize("pause_on", ["any", "worse"])
@pytest.mark.parametrize(("before", "after"), [("preview", "general"), ("general", "preview")])
def test_a_page_that_states_another_stage_pauses_and_asks_for_limits_prices_and_evals(
    pause_on: str, before: str, after: str
) -> None:
    with world_of(configuration(entries={"luna": entry_spec(pause_on=pause_on)})) as world:
        furnish(world)
        world.sources["page"].set(LUNA, stage=before)
        world.polls(2, "page")
        world.activate()
        world.sources["page"].set(LUNA, stage=after)
        world.polls(3, "page")
        if pause_on == "worse" and after == "general":
            assert world.entry().status is Status.ACTIVE, "general availability is nothing worse"
            return
        assert world.entry().status is Status.PAUSED
        assert set(checklist.asked(world.entry())) == set(BY_STAGE)
        (paused,) = world.events("entry.paused")
        assert (paused.data["pin"], paused.data["old"], paused.data["new"]) == ("openai/gpt-luna/stage", before, after)
        with pytest.raises(Refused, match="rate_limits is blank"):
            world.resume()


def test_a_stage_that_a_person_states_anew_pauses_and_one_that_nobody_states_any_more_does_not() -> None:
    def declared(world: World, stage: str, version: str) -> None:
        world.configure(configuration(version=version, entries={"luna": entry_spec(stage=stage)}))

    with world_of(configuration(entries={"luna": entry_spec(stage="preview")})) as world:
        furnish(world)
        world.activate()
        declared(world, "", "2")
        assert world.entry().status is Status.ACTIVE
        declared(world, "general", "3")
        assert world.entry().status is Status.PAUSED
        assert set(checklist.asked(world.entry())) == set(BY_STAGE)
        assert world.replayed() == dict(world.entries())


def test_a_stage_that_was_blank_is_not_pinned_by_itself(active: World) -> None:
    active.configure(configuration(version="2", entries={"luna": entry_spec(stage="general")}))
    assert active.entry().status is Status.ACTIVE


def test_a_stage_that_moves_before_anybody_accepted_the_entry_makes_its_checks_stale() -> None:
    spec = entry_spec(stage="preview", checks=("evals", "safety_review"))
    with world_of(configuration(entries={"luna": spec})) as world:
        furnish(world)
        for name in ("evals", "safety_review"):
            world.attest(name)
        world.configure(configuration(version="2", entries={"luna": replace(spec, stage="general")}))
        states = {name: check.state for name, check in world.entry().checks.items()}
        assert (states["evals"], states["pricing"]) == (CheckState.STALE, CheckState.STALE)
        assert (states["safety_review"], states["visibility"]) == (CheckState.VERIFIED, CheckState.VERIFIED)


def test_a_pause_by_a_person_asks_for_what_is_required_and_not_verified() -> None:
    with world_of(configuration(entries={"luna": entry_spec()})) as world:
        furnish(world)
        world.activate()
        more = entry_spec(checks=("evals", "logging"))
        world.configure(configuration(version="2", entries={"luna": more}))
        world.attest("logging")
        world.operator.pause("luna", by="bob", reason="an incident", via=VIA)
        assert checklist.asked(world.entry()) == ("evals",)
        world.attest("evals")
        assert checklist.asked(world.entry()) == ()
        assert world.resume().type == "entry.resumed"


def test_an_entry_under_evaluation_that_loses_its_listing_asks_for_everything_about_the_model_again() -> None:
    checks = ("evals", "rate_limits", "logging")
    with world_of(configuration(entries={"luna": entry_spec(checks=checks)})) as world:
        furnish(world)
        for name in checks:
            world.attest(name)
        assert checklist.asked(world.entry()) == ()
        world.sources["list"].drop(LUNA)
        world.settle("list")
        assert world.entry().status is Status.WAITING
        world.sources["list"].facts = listing(11, LUNA)
        world.polls(3, "list")
        assert world.entry().status is Status.EVALUATING
        # Not safety_review, which it does not require.
        assert checklist.asked(world.entry()) == ("model_id", "visibility", "pricing", "rate_limits", "evals")
        states = {name: check.state for name, check in world.entry().checks.items()}
        assert (states["evals"], states["rate_limits"]) == (CheckState.STALE, CheckState.STALE)
        assert states["logging"] is CheckState.VERIFIED
        world.poll("page")
        with pytest.raises(Refused, match="its lost listing asks for model_id, visibility"):
            world.activate()
        for name in ("evals", "rate_limits"):
            world.attest(name)
        world.activate()
        assert checklist.asked(world.entry()) == ()
        assert world.replayed() == dict(world.entries())


def test_what_the_entry_requires_no_more_a_lost_listing_does_not_ask_for() -> None:
    with world_of(configuration(entries={"luna": entry_spec(checks=("evals",))})) as world:
        furnish(world)
        world.sources["list"].drop(LUNA)
        world.settle("list")
        world.sources["list"].facts = listing(11, LUNA)
        world.polls(3, "list")
        world.configure(configuration(version="2", entries={"luna": entry_spec()}))
        assert checklist.asked(world.entry()) == ("model_id", "visibility", "pricing")
