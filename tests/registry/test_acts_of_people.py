"""What people do: accept, pause, resume, retire, attest; and what is refused before anything is changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from pipeline_world import (
    CACHED,
    INPUT,
    LUNA,
    OUTPUT,
    VIA,
    World,
    configuration,
    entry_spec,
    furnish,
    listing,
    model,
    world_of,
)

from monitor.audit import queries
from monitor.core.entry import CheckState, Status
from monitor.core.facts import FailureReason
from monitor.core.notices import Reason
from monitor.core.ports import Refused

MINUTE = timedelta(minutes=1)


def _paused_by_price(world: World) -> World:
    world.sources["page"].set(LUNA, output="7")
    world.polls(2, "page")
    assert world.entry().status is Status.PAUSED
    return world


# -- accepting ---------------------------------------------------------------


def test_an_activation_pins_what_is_believed_and_lists_what_is_unknown(furnished: World) -> None:
    event = furnished.activate()
    pins = {f"{pin['scope']}/{pin['name']}/{pin['field']}": pin["value"] for pin in event.data["pins"]}
    assert (
        pins.items()
        >= {
            "openai/gpt-luna/listed": True,
            f"openai/gpt-luna/{INPUT}": "1",
            f"openai/gpt-luna/{CACHED}": "0.1",
            f"openai/gpt-luna/{OUTPUT}": "6",
            "config/luna/model_id@openai": "gpt-luna",
            "config/openai/base_url": "https://api.example/v1",
            "config/openai/project": "proj_1",
            "config/page/url": "https://p.example/",
        }.items()
    )
    assert event.data["unpinned"] == ["openai/gpt-luna/price.standard.short.cache_write"]
    assert (event.actor, event.data["by"], event.data["reason"], event.data["via"]) == (
        "ann",
        "ann",
        "looks right",
        VIA,
    )
    assert furnished.entry().status is Status.ACTIVE


def test_never_pinned_are_created_owner_and_shutdown_date(furnished: World) -> None:
    furnished.sources["list"].set(LUNA, created=1, owned_by="x", shutdown_date="2027-01-01")
    furnished.polls(2)
    fields = {pin["field"] for pin in furnished.activate().data["pins"]}
    assert not fields & {"created", "owned_by", "shutdown_date"}


def test_a_blank_that_is_filled_later_informs_and_is_not_pinned_by_itself(active: World) -> None:
    pins = active.entry().pins
    active.sources["page"].set(LUNA, **{"price.standard.short.cache_write": "1.25"})
    active.polls(2, "page")
    assert active.notices()[-1].reason is Reason.CHANGED
    assert active.entry().pins == pins
    active.sources["page"].set(LUNA, **{"price.standard.short.cache_write": "2.5"})
    active.polls(2, "page")
    assert active.entry().status is Status.ACTIVE


def test_what_is_missing_is_named_all_at_once(world: World) -> None:
    world.configure(configuration(version="2", entries={"luna": entry_spec(checks=("evals", "fallback"))}))
    world.sources["list"].facts = listing(3, LUNA)
    world.poll("list")
    rows = world.all_rows()
    with pytest.raises(Refused) as refused:
        world.activate()
    assert all(f"{name} is blank" in str(refused.value) for name in ("pricing", "evals", "fallback"))
    assert "access-monitor verify luna evals" in str(refused.value)
    assert world.all_rows() == rows


def test_an_acceptance_is_refused_while_a_streak_is_pending_on_a_pinned_fact(furnished: World) -> None:
    furnished.sources["page"].set(LUNA, output="7")
    furnished.poll("page")
    with pytest.raises(Refused, match="output may be changing to 7 by page since 2026-07-01T00:04:00Z"):
        furnished.activate()
    furnished.sources["page"].set(LUNA, output="6")
    furnished.poll("page")
    assert furnished.activate()


def test_a_suspicion_of_something_else_or_of_an_aggregator_refuses_nothing(furnished: World) -> None:
    furnished.sources["list"].set(LUNA, shutdown_date="2027-01-01")
    furnished.sources["list"].drop(model(5))
    furnished.sources["feed"].set(LUNA, output="7")
    furnished.poll()
    assert len(furnished.pending_changes()) == 3
    assert furnished.activate()


def test_an_acceptance_of_what_was_not_seen_for_too_long_is_refused(furnished: World) -> None:
    furnished.sources["list"].fail = FailureReason.TIMEOUT
    furnished.poll(after=timedelta(hours=25))
    with pytest.raises(Refused, match="visibility was last verified 2026-07-01T00:02:00Z"):
        furnished.activate()


@pytest.mark.parametrize("confirm", [True, False])
def test_expect_is_refused_when_something_relevant_happened_since(furnished: World, confirm: bool) -> None:
    shown = furnished.entry().position
    with furnished.store.read() as reader:
        assert queries.status(reader, furnished.conf)[0].position == shown
    changed = LUNA if confirm else model(0)
    furnished.sources["page"].set(changed, output="7")
    furnished.polls(2, "page")
    if not confirm:
        assert furnished.activate(expect=shown).data["expect"] == shown
        return
    rows = furnished.all_rows()
    with pytest.raises(Refused, match=r"something happened to luna after position \d+: price.changed of gpt-luna"):
        furnished.activate(expect=shown)
    assert furnished.all_rows() == rows
    assert furnished.activate(expect=furnished.entry().position)


def test_expect_of_a_position_that_is_not_in_the_log_is_refused(furnished: World) -> None:
    with pytest.raises(Refused, match="position 9999 is not in the log"):
        furnished.activate(expect=9999)


def test_what_happens_between_reading_and_writing_refuses_the_acceptance(
    furnished: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a person saw is held against the log under the writer's lock; a change that slips in before is not accepted
    unseen.
    """
    furnished.sources["page"].set(LUNA, output="7")
    other = furnished.another_poller()
    shown = furnished.entry().position
    begin = furnished.store.write
    slipped = []

    def write() -> object:
        if not slipped:
            slipped.append(True)
            for _ in range(2):
                furnished.now += 2 * MINUTE
                other.poll(["page"])
        return begin()

    monkeypatch.setattr(furnished.store, "write", write)
    with pytest.raises(Refused, match="something happened to luna"):
        furnished.activate(expect=shown)
    assert furnished.entry().status is Status.EVALUATING


# -- pausing and resuming ------------------------------------------------------


def test_a_pause_is_extended_only_for_news_and_never_repeated(active: World) -> None:
    page = _paused_by_price(active).sources["page"]
    at = active.head
    active.polls(3)
    assert active.types(after=at) == ["check.verified"]
    page.set(LUNA, output="8")
    active.polls(2, "page")
    extended = active.events("entry.pause_extended")
    assert [(event.data["old"], event.data["new"]) for event in extended] == [("6", "8")]
    page.set(LUNA, output="6")
    active.polls(2, "page")
    page.set(LUNA, output="8")
    active.polls(2, "page")
    assert len(active.events("entry.pause_extended")) == 1
    assert len(active.events("entry.paused")) == 1
    assert active.notices()[-1].reason is Reason.CHANGED
    active.polls(1)
    active.resume()
    page.set(LUNA, output="9")
    active.polls(2, "page")
    assert len(active.events("entry.paused")) == 2


def test_a_resume_is_refused_until_what_the_pause_made_stale_was_verified_since(active: World) -> None:
    _paused_by_price(active)
    assert active.entry().checks["pricing"].state is CheckState.STALE
    with pytest.raises(Refused, match="pricing is stale"):
        active.resume()
    active.poll("list")
    with pytest.raises(Refused, match="pricing is stale"):
        active.resume()
    active.poll("page")
    event = active.resume()
    assert {pin["value"] for pin in event.data["pins"] if pin["field"] == OUTPUT} == {"7"}
    assert active.entry().deviations == {}


def test_what_was_said_of_a_model_that_was_lost_has_to_be_said_again_of_the_one_that_came_back(
    furnished: World,
) -> None:
    furnished.configure(configuration(entries={"luna": entry_spec(checks=("evals", "regions"))}, version="2"))
    furnished.attest("evals")
    furnished.attest("regions")
    furnished.poll()
    furnished.activate()
    furnished.sources["list"].drop(LUNA)
    furnished.settle("list")
    entry = furnished.entry()
    assert entry.status is Status.PAUSED
    assert {name for name, check in entry.checks.items() if check.state is CheckState.STALE} == {
        "evals",
        "pricing",
    }
    furnished.sources["list"].facts = listing(11, LUNA)
    furnished.polls(2)
    with pytest.raises(Refused, match="evals is stale"):
        furnished.resume()
    furnished.attest("evals")
    for name in ("rate_limits", "safety_review"):
        with pytest.raises(Refused, match=f"{name} is blank"):
            furnished.resume()
        furnished.attest(name)
    assert furnished.resume().type == "entry.resumed"


def test_a_lost_model_is_resumed_only_after_it_is_listed_again_and_by_a_person(active: World) -> None:
    active.sources["list"].drop(LUNA)
    active.settle("list")
    paused = active.events("entry.paused")[0]
    lost = active.events("access.lost")[0]
    unlisted = active.events("model.unlisted")[0]
    assert (paused.cause, lost.cause) == (lost.position, unlisted.position)
    assert (lost.data["surface"], lost.data["route"], lost.data["signals"][0]["looks"]) == ("openai", "list", 4)
    assert active.entry().checks["visibility"].state is CheckState.FAILED
    with pytest.raises(Refused, match="model_id is failed"):
        active.resume()
    active.sources["list"].set(LUNA, listed=True)
    active.polls(3, "list")
    assert active.entry().status is Status.PAUSED, "nothing resumes by itself"
    asks = "model_id, visibility, pricing, rate_limits, evals, safety_review"
    with pytest.raises(Refused, match=f"its pause asks for {asks}: pricing is stale .* rate_limits is blank"):
        active.resume()
    active.poll("page")
    active.resume(waived=frozenset({"rate_limits", "evals", "safety_review"}))
    assert active.entry().status is Status.ACTIVE


def test_a_person_may_pause_and_what_falls_then_extends_it(active: World) -> None:
    active.operator.pause("luna", by="bob", reason="an incident", via=VIA)
    assert (active.entry().status, active.entry().by) == (Status.PAUSED, "bob")
    active.sources["page"].set(LUNA, output="7")
    active.polls(2, "page")
    assert active.types()[-2:] == ["entry.pause_extended", "check.stale"]
    assert active.entry().deviations == {f"openai/gpt-luna/{OUTPUT}": "7"}


@pytest.mark.parametrize("by_person", [False, True])
def test_a_grace_spares_callers_after_a_price_shift_and_not_after_a_person_paused(by_person: bool) -> None:
    spec = entry_spec(on_pause="deny_new", grace=timedelta(hours=72), callers=("support-agent",))
    with world_of(configuration(entries={"luna": spec})) as world:
        furnish(world)
        world.activate()
        if by_person:
            world.operator.pause("luna", by="bob", reason="an incident", via=VIA)
        world.sources["page"].set(LUNA, output="7")
        world.polls(2, "page")
        assert world.standing().spares is not by_person
        assert by_person or world.standing().grace_until == world.now + timedelta(hours=72)
        world.sources["list"].drop(LUNA)
        world.settle("list")
        assert not world.standing().spares, "a loss of access always denies"


@pytest.mark.parametrize("pause_on", ["any", "worse"])
def test_a_cheaper_price_pauses_only_who_minds_any_change(pause_on: str) -> None:
    with world_of(configuration(entries={"luna": entry_spec(pause_on=pause_on)})) as world:
        furnish(world)
        world.activate()
        world.sources["page"].set(LUNA, output="5")
        world.polls(2, "page")
        assert world.entry().status is (Status.PAUSED if pause_on == "any" else Status.ACTIVE)
        assert world.notices()[-1].reason is (Reason.PAUSED if pause_on == "any" else Reason.CHANGED)
        world.sources["page"].set(LUNA, output="6.5")
        world.polls(2, "page")
        assert world.entry().status is Status.PAUSED


def test_one_cause_names_all_that_it_paused() -> None:
    two = {"luna": entry_spec(), "moon": entry_spec("moon", "gpt-luna"), "sol": entry_spec("sol", "m00")}
    with world_of(configuration(entries=two)) as world:
        furnish(world)
        for key in two:
            world.activate(key)
        world.sources["page"].set(LUNA, output="7")
        world.polls(2, "page")
        changed = world.events("price.changed")[0].position
        assert world.operator.paused_by(changed) == ("luna", "moon")
        with pytest.raises(Refused, match="no paused entry was paused by position 1"):
            world.operator.paused_by(1)
        assert [notice.reason for notice in world.notices()[-1:]] == [Reason.PAUSED]
        assert [item.entry for item in world.notices()[-1].items] == ["luna", "moon"]


def test_a_retired_entry_is_judged_and_told_no_more(active: World) -> None:
    active.operator.retire("luna", by="ann", reason="replaced", via=VIA)
    at, told, entry = active.head, len(active.notices()), active.entry()
    active.sources["page"].set(LUNA, output="7")
    active.sources["list"].drop(LUNA)
    active.settle()
    assert active.types(after=at) == ["price.changed", "model.unlisted"]
    assert len(active.notices()) == told
    assert active.entry() == entry
    for act in (active.activate, active.resume):
        with pytest.raises(Refused, match="an ended entry is declared anew"):
            act()


Act = Callable[[World], object]

WRONG: dict[str, tuple[Act, str]] = {
    "resuming what is active": (lambda world: world.resume(), "it is active, not paused"),
    "an unknown entry": (lambda world: world.activate("lunar"), "did you mean 'luna'"),
    "an unknown check": (lambda world: world.attest("eval"), "did you mean 'evals'"),
    "a check of an unknown entry": (lambda world: world.attest("evals", "sol"), "there is no entry 'sol'"),
    "the word of a person on a listing": (
        lambda world: world.attest("visibility"),
        "automatically, by list, not attested",
    ),
    "a word without a trace": (
        lambda world: world.operator.verify("luna", "evals", by="ann", via=VIA),
        "proves nothing",
    ),
    "an unknown source": (lambda world: world.poll("pages"), "there is no source 'pages' (did you mean 'page'?)"),
}


@pytest.mark.parametrize(("act", "said"), WRONG.values(), ids=WRONG)
def test_a_wrong_act_is_refused_in_a_sentence_and_changes_nothing(active: World, act: Act, said: str) -> None:
    rows, published = active.all_rows(), active.published
    with pytest.raises(Refused) as refused:
        act(active)
    assert said in str(refused.value)
    assert active.all_rows() == rows
    assert active.published == published


def test_an_attested_check_lapses_and_is_told_and_can_be_renewed() -> None:
    with world_of(configuration(entries={"luna": entry_spec(checks=("evals",))})) as world:
        furnish(world)
        event = world.attest("evals")
        assert (event.actor, event.data["url"]) == ("ann", "https://proof.example/")
        world.activate()
        world.poll(after=timedelta(days=90))
        assert world.tender.tend(world.now) == 1
        assert world.tender.tend(world.now) == 0
        assert world.notices()[-1].reason is Reason.STALE
        lapsed = world.standing().readiness["production"]
        assert (lapsed.until, lapsed.unready) == (world.now, "evals is stale (verified 2026-07-01T00:02:00Z)")
        world.attest("evals")
        renewed = world.standing().readiness["production"]
        assert (renewed.until, renewed.unready) == (world.now + timedelta(days=90), "")
