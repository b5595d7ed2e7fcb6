"""How long a check holds: past its age it is stale, is told, denies production, and is verified anew by the next good
poll.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from pipeline_world import INPUT, LUNA, World, configuration, entry_spec, furnish, world_of

from monitor.core.configuration import CheckRules
from monitor.core.entry import CheckState, Status
from monitor.core.facts import ACCESS, GRANTED, FailureReason
from monitor.core.notices import Reason
from monitor.core.ports import Refused
from monitor.gate.decision import GateQuestion, decide
from monitor.sources.catalog import source_spec

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def _allowed(world: World) -> bool:
    rules = world.conf.gate
    return decide(world.standing(), GateQuestion(rules=rules, now=world.now)).allowed


def _states(world: World, *names: str) -> list[CheckState]:
    return [world.entry().checks[name].state for name in names]


def test_a_check_that_no_poll_verified_for_too_long_is_stale_and_is_verified_by_the_next_good_poll(
    active: World,
) -> None:
    active.sources["list"].fail = FailureReason.TIMEOUT
    active.poll(after=24 * HOUR)
    active.tender.tend(active.now)
    assert _states(active, "model_id", "visibility") == [CheckState.VERIFIED] * 2, "as fresh as the gate allows"
    at, told = active.head, len(active.notices())
    active.now += HOUR
    active.tender.tend(active.now)
    assert active.types(after=at) == ["check.stale", "check.stale"]
    assert active.events()[-1].data["reason"] == "no poll has verified it since 2026-07-01T00:02:00Z"
    (notice,) = active.notices()[told:]
    assert (notice.reason, notice.items[0].denied) == (Reason.STALE, True)
    assert not _allowed(active)
    assert active.tender.tend(active.now) == 0, "said once"
    active.sources["list"].fail = None
    active.poll("list")
    assert _states(active, "model_id", "visibility") == [CheckState.VERIFIED] * 2
    assert (_allowed(active), active.entry().status) == (True, Status.ACTIVE)
    assert active.replayed() == dict(active.entries())


def test_prices_age_by_their_own_freshness_and_the_reason_names_when_they_were_last_seen(active: World) -> None:
    active.sources["page"].set(LUNA, cached_input=None)
    seen = active.now
    active.settle("page")
    active.now += 7 * DAY
    active.poll()
    active.tender.tend(active.now)
    assert _states(active, "pricing", "visibility") == [CheckState.STALE, CheckState.VERIFIED]
    rules = active.conf.gate
    answer = decide(active.standing(), GateQuestion(rules=rules, now=active.now))
    assert not answer.allowed
    assert answer.reason.startswith("stale: its prices were last verified to hold until 2026-07-0")
    assert seen.year == 2026


def test_an_entry_lengthens_an_age_and_never_shortens_it() -> None:
    spec = entry_spec(checks=("evals", "test_call"), check_age={"evals": 180 * DAY, "test_call": DAY})
    with world_of(configuration(entries={"luna": spec})) as world:
        furnish(world)
        for name, days in (("evals", 180), ("test_call", 90)):
            world.attest(name)
            assert world.entry().checks[name].until == world.now + days * DAY


def test_the_age_of_a_word_is_a_setting() -> None:
    conf = configuration(
        entries={"luna": entry_spec(checks=("evals",))}, checks=CheckRules(attested=10 * DAY, verified=DAY)
    )
    with world_of(conf) as world:
        furnish(world)
        world.attest("evals")
        assert world.entry().checks["evals"].until == world.now + 10 * DAY


def test_a_fallback_has_no_age_of_its_own_and_goes_by_what_the_gate_says_of_it() -> None:
    entries = {"luna": entry_spec(checks=("fallback",), fallback="sol"), "sol": entry_spec("sol", "m00")}
    with world_of(configuration(entries=entries)) as world:
        furnish(world)
        world.activate("sol")
        world.polls(30, every=DAY)
        world.tender.tend(world.now)
        assert _states(world, "fallback", "visibility") == [CheckState.VERIFIED, CheckState.VERIFIED]
        world.now += 2 * DAY
        world.tender.tend(world.now)
        assert _states(world, "fallback", "visibility") == [CheckState.FAILED, CheckState.STALE]
        assert world.entry().checks["fallback"].note.startswith("sol is denied in production: stale: access")


@pytest.mark.parametrize(("every", "days"), [(HOUR, 7), (10 * DAY, 20)])
def test_what_a_probe_verifies_ages_by_the_setting_but_not_between_two_of_its_polls(
    every: timedelta, days: int
) -> None:
    probe = source_spec(key="probe", kind="behaviour", every=every, surface="openai", options={"route": "responses"})
    sources = {**configuration().sources, "probe": probe}
    with world_of(configuration(sources=sources, entries={"luna": entry_spec(checks=("test_call",))})) as world:
        world.sources["probe"].facts = {LUNA: {f"{ACCESS}responses": GRANTED}}
        furnish(world)
        assert _states(world, "test_call") == [CheckState.VERIFIED]
        world.now += days * DAY
        world.tender.tend(world.now)
        assert _states(world, "test_call") == [CheckState.VERIFIED]
        world.now += HOUR
        world.tender.tend(world.now)
        assert _states(world, "test_call") == [CheckState.STALE]
        world.poll("probe")
        assert _states(world, "test_call") == [CheckState.VERIFIED]


def test_a_check_whose_source_left_the_configuration_ages_all_the_same(active: World) -> None:
    sources = {key: spec for key, spec in configuration().sources.items() if key != "page"}
    active.configure(configuration(version="2", sources=sources))
    active.now += 8 * DAY
    active.tender.tend(active.now)
    assert active.entry().checks["pricing"].state is CheckState.STALE


# -- what a refusal says, and what is shown before ---------------------------------------


@pytest.mark.parametrize(
    ("conf", "said"),
    [
        ({"entries": {"luna": entry_spec(checks=("evals",))}}, "evals is blank (`access-monitor verify luna evals"),
        ({}, "visibility is blank (`access-monitor poll list` polls the models list)"),
        ({}, "pricing is blank (`access-monitor poll page` reads the official page, or `access-monitor verify luna"),
        (
            {"entries": {"luna": entry_spec(checks=("fallback",))}},
            "fallback is blank (give the entry a fallback, or `access-monitor verify luna fallback",
        ),
    ],
)
def test_a_refusal_names_for_each_missing_check_what_verifies_it(conf: dict[str, object], said: str) -> None:
    with world_of(configuration(**conf)) as world:
        problems = "; ".join(map(str, world.problems()))
        assert said in problems


def test_what_was_not_seen_for_too_long_is_named_once_with_the_source_to_look_at(furnished: World) -> None:
    furnished.sources["list"].fail = FailureReason.TIMEOUT
    furnished.poll(after=25 * HOUR)
    with pytest.raises(Refused) as before:
        furnished.activate()
    furnished.tender.tend(furnished.now)
    with pytest.raises(Refused) as after:
        furnished.activate()
    for refused in (before, after):
        assert str(refused.value).count("visibility") == 1
        assert "`access-monitor poll list`" in str(refused.value)


def test_a_resumption_shows_old_and_new_pins_side_by_side_and_accepts_what_it_showed(active: World) -> None:
    active.sources["page"].set(LUNA, input="2")
    active.polls(2, "page")
    active.poll("page")
    shown = active.operator.preview("luna", "entry.resumed")
    moved = {one.pin: (one.accepted, one.now) for one in shown.compared if one.moved}
    assert moved == {f"openai/gpt-luna/{INPUT}": ("1", "2")}
    assert len(shown.compared) > len(moved)
    assert active.resume(expect=shown.position).data["expect"] == shown.position
    assert {pin.value for pin in active.entry().pins if pin.field == INPUT} == {"2"}


def test_a_preview_changes_nothing_and_refuses_what_the_act_would(active: World) -> None:
    rows = active.all_rows()
    with pytest.raises(Refused, match="it is active, not paused"):
        active.operator.preview("luna", "entry.resumed")
    with pytest.raises(Refused, match="did you mean 'luna'"):
        active.operator.preview("lune", "entry.resumed")
    assert active.all_rows() == rows


def test_a_row_that_is_new_and_one_that_is_gone_are_shown_as_blanks_beside_the_other(active: World) -> None:
    active.operator.pause("luna", by="bob", reason="x", via={})
    active.sources["page"].set(LUNA, cached_input=None, **{"price.standard.long.input": "2"})
    active.settle("page")
    moved = {
        one.pin: (one.accepted, one.now)
        for one in active.operator.preview("luna", "entry.resumed").compared
        if one.moved
    }
    assert moved == {
        "openai/gpt-luna/price.standard.short.cached_input": ("0.1", None),
        "openai/gpt-luna/price.standard.long.input": (None, "2"),
    }


def test_the_ages_are_recorded_with_the_configuration(world: World) -> None:
    changed = replace(world.conf, checks=CheckRules(attested=10 * DAY), version="2")
    world.configure(changed)
    assert world.events("config.changed")[-1].data["changed"] == ["checks.attested"]


def test_what_a_window_that_ends_makes_stale_is_not_made_stale_again_by_its_age(active: World) -> None:
    maintenance = active.use_cases().maintenance
    said = {"by": "ann", "reason": "announced", "via": {}}
    maintenance.open("luna", end=active.now + 10 * DAY, changes=("openai/gpt-luna/price.*",), **said)
    active.sources["page"].set(LUNA, output="7")
    active.polls(2, "page")
    active.now += 10 * DAY
    at = active.head
    active.tender.tend(active.now)
    stale = [event.data["check"] for event in active.events("check.stale", after=at)]
    assert sorted(stale) == ["model_id", "pricing", "visibility"]
