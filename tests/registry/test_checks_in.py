"""What an environment other than production requires, and what becomes of production when a required check is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pipeline_world import VIA, World, configuration, entry_spec, furnish, world_of

from monitor.core.entry import Status
from monitor.core.entry_spec import EntrySpec
from monitor.core.facts import FailureReason
from monitor.core.ports import Refused
from monitor.gate.decision import Answer, GateQuestion, decide


def _asked(world: World, environment: str) -> Answer:
    rules = world.conf.gate
    return decide(world.standing(), GateQuestion(rules=rules, now=world.now, environment=environment))


def test_staging_uses_what_is_evaluated_only_after_its_own_checks_are_verified() -> None:
    with world_of(configuration(entries={"luna": entry_spec(checks_in={"staging": ("test_call",)})})) as world:
        furnish(world)
        assert world.entry().status is Status.EVALUATING
        denied = _asked(world, "staging")
        assert (denied.allowed, denied.reason) == (False, "unready: test_call is blank")
        world.attest("test_call")
        assert _asked(world, "staging").allowed
        world.now += timedelta(days=90)
        world.poll()
        assert _asked(world, "staging").reason == "stale: a required check was verified until 2026-09-29T00:02:00Z"


def test_what_staging_requires_is_not_asked_of_production(furnished: World) -> None:
    furnished.configure(configuration(version="2", entries={"luna": entry_spec(checks_in={"staging": ("test_call",)})}))
    furnished.activate()
    assert _asked(furnished, "production").allowed
    assert not _asked(furnished, "staging").allowed


def test_what_production_requires_is_not_asked_of_staging() -> None:
    with world_of(configuration(entries={"luna": entry_spec(checks=("evals",))})) as world:
        furnish(world)
        assert _asked(world, "staging").allowed
        world.attest("evals")
        world.activate()
        world.now += timedelta(days=90)
        world.poll()
        world.tender.tend(world.now)
        assert _asked(world, "staging").allowed
        assert _asked(world, "production").reason.startswith("unready: evals is stale (verified 2026-07-01T00:02:00Z)")


def test_an_environment_that_nobody_configured_requires_what_production_does() -> None:
    with world_of(configuration(entries={"luna": entry_spec(checks=("evals",))})) as world:
        furnish(world)
        world.attest("evals")
        world.activate()
        assert _asked(world, "elsewhere").allowed
        world.now += timedelta(days=90)
        world.poll()
        assert not _asked(world, "elsewhere").allowed


def test_a_check_that_is_required_from_now_on_closes_nothing_before_the_next_acceptance(active: World) -> None:
    active.configure(configuration(version="2", entries={"luna": entry_spec(checks=("evals",))}))
    assert _asked(active, "production").allowed


@pytest.mark.parametrize("declared", [False, True])
def test_an_entry_is_amended_by_what_an_environment_requires_and_by_its_absence_not_at_all(
    active: World, declared: bool
) -> None:
    checks_in = {"staging": ("test_call",)} if declared else {}
    at = active.head
    active.configure(configuration(version="2", entries={"luna": entry_spec(checks_in=checks_in)}))
    assert active.types(after=at) == ["config.changed", *(["entry.amended"] if declared else [])]


def test_blindness_denies_whatever_the_checks_say(active: World) -> None:
    active.sources["list"].fail = FailureReason.TIMEOUT
    active.poll(after=timedelta(hours=25))
    assert _asked(active, "production").reason.startswith("stale: access")


def test_a_fallback_that_only_staging_requires_is_verified_by_the_gate() -> None:
    entries = {
        "luna": entry_spec(checks_in={"staging": ("fallback",)}, fallback="sol"),
        "sol": entry_spec("sol", "m00"),
    }
    with world_of(configuration(entries=entries)) as world:
        furnish(world)
        assert _asked(world, "staging").reason == "unready: fallback is failed"
        world.activate("sol")
        assert _asked(world, "staging").allowed


def _falling(**luna: object) -> dict[str, EntrySpec]:
    return {"luna": entry_spec(checks=("fallback",), **luna), "sol": entry_spec("sol", "m00")}


def test_a_fallback_is_verified_once_production_may_use_it_and_not_by_being_declared() -> None:
    with world_of(configuration(entries=_falling(fallback="sol"))) as world:
        furnish(world)
        assert not [one for one in world.events("check.verified") if one.data["check"] == "fallback"]
        assert world.entry().checks["fallback"].note == "sol is denied in production: nobody has activated it yet"
        with pytest.raises(Refused, match="fallback is failed"):
            world.activate()
        activated = world.activate("sol")
        (verified,) = (one for one in world.events("check.verified") if one.data["check"] == "fallback")
        assert (verified.source, verified.evidence, verified.data["note"]) == ("", "", "sol is allowed")
        assert verified.cause == activated.position
        world.activate()


def test_a_required_fallback_that_is_lost_denies_nothing_that_was_accepted() -> None:
    with world_of(configuration(entries=_falling(fallback="sol"))) as world:
        furnish(world)
        world.activate("sol")
        world.activate()
        world.configure(configuration(version="2", entries=_falling()))
        assert world.entry().checks["fallback"].note == "no fallback is declared any more"
        assert _asked(world, "production").allowed
        world.operator.pause("luna", by="ann", reason="a look at it", via=VIA)
        with pytest.raises(Refused, match="fallback is failed"):
            world.resume()
        world.configure(configuration(version="3", entries=_falling(fallback="sol")))
        world.poll()
        world.resume()


def test_the_word_of_a_person_on_what_happens_without_a_fallback_stands_by_itself() -> None:
    with world_of(configuration(entries=_falling(fallback="sol"))) as world:
        furnish(world)
        world.attest("fallback")
        world.activate()
        world.configure(configuration(version="2", entries=_falling()))
        assert _asked(world, "production").allowed
