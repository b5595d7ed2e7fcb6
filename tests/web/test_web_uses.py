"""Which questions count as a use: those about one entry, answered from a registry that is known."""

from __future__ import annotations

from gate_examples import NOW
from web_world import World

from monitor.core.ports import Unavailable
from monitor.gate.uses import UsageCount, UsageKey


def counted(world: World) -> dict[UsageKey, UsageCount]:
    return world.endpoints.uses.take()


def test_a_use_is_of_the_entry_whatever_its_key_was_called_and_whoever_is_asked(world: World) -> None:
    world.gate("luna", caller="billing")
    world.gate("gpt-5.6-luna", caller="billing")
    world.ofrep("luna", targetingKey="billing")
    world.ofrep("sol", caller="billing", env="staging")
    found = {(one.subject, one.environment, one.caller, one.day): tally.count for one, tally in counted(world).items()}
    assert found == {("luna", "production", "billing", None): 3, ("sol", "staging", "billing", NOW.date()): 1}


def test_what_nobody_registered_is_counted_under_its_own_name(world: World) -> None:
    world.gate("gpt-9")
    (one,) = counted(world)
    assert (one.subject, one.position, one.day) == ("gpt-9", 0, NOW.date())


def test_all_flags_at_once_and_a_lease_are_the_use_of_none(world: World) -> None:
    world.bulk(env="production")
    world.http.get("/v1/lease/production.json")
    assert counted(world) == {}


def test_our_own_trouble_is_nobodys_denial(world: World) -> None:
    world.broken = Unavailable("The database is away.")
    assert world.gate("luna")["status"] == "unknown"
    assert counted(world) == {}
