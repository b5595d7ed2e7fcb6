"""Who goes on through a pause: the callers after a price shift, for 72 h where a price rose, without end where none
did; and who needs a safety review of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from pipeline_world import LUNA, VIA, World, configuration, entry_spec, furnish, world_of

from monitor.core.notices import Reason
from monitor.core.ports import Refused
from monitor.gate.state import Production
from monitor.registry.configuration_acceptance import Loading

HOUR = timedelta(hours=1)
CARD = "https://cards.example/gpt-luna.pdf"


def asked(world: World, caller: str = "support-agent", after: timedelta = timedelta(0)) -> bool:
    """Return whether production allows this caller, `after` so long."""
    with world.store.read() as reader:
        return Production(reader, world.conf, world.now + after).asked("luna", caller).allowed


@pytest.fixture
def called() -> Iterator[World]:
    """Provide an active entry that has a caller and states nothing else of pauses."""
    spec = entry_spec(on_pause="deny_new", callers=("support-agent",))
    with world_of(configuration(entries={"luna": spec})) as world:
        furnish(world)
        world.activate()
        yield world


def price(world: World, **amounts: str) -> None:
    world.sources["page"].set(LUNA, **amounts)
    world.polls(2, "page")


def keep_fresh(world: World, hours: int) -> None:
    """Let hours pass in which every source is polled."""
    for _ in range(hours // 12):
        world.poll(after=12 * HOUR)


def test_after_a_price_that_fell_the_callers_go_on_without_end(called: World) -> None:
    price(called, input="0.2", output="1.2")
    assert called.entry().status == "paused"
    assert (asked(called), asked(called, ""), asked(called, "newcomer")) == (True, False, False)
    keep_fresh(called, 240)
    assert (asked(called), asked(called, "newcomer")) == (True, False)
    assert called.standing().grace_until is None


@pytest.mark.parametrize(("before", "after", "allowed"), [("preview", "general", True), ("general", "preview", False)])
def test_after_general_availability_the_callers_go_on_and_after_its_loss_nobody_does(
    before: str, after: str, allowed: bool
) -> None:
    spec = entry_spec(on_pause="deny_new", callers=("support-agent",))
    with world_of(configuration(entries={"luna": spec})) as world:
        furnish(world)
        price(world, stage=before)
        world.activate()
        price(world, stage=after)
        assert world.entry().status == "paused"
        assert (asked(world), asked(world, "newcomer")) == (allowed, False)
        if allowed:
            price(world, input="2")
            assert world.standing().grace_until is not None, "a price that rose besides ends it"


def test_after_a_price_that_rose_the_callers_go_on_for_72_hours(called: World) -> None:
    price(called, input="2")
    paused_at = called.now
    keep_fresh(called, 60)
    assert called.now - paused_at < 72 * HOUR
    assert asked(called)
    keep_fresh(called, 24)
    assert not asked(called)


def test_one_price_that_rises_among_others_that_fall_ends_the_grace(called: World) -> None:
    price(called, input="0.2", output="7")
    assert called.standing().grace_until == called.entry().since + 72 * HOUR


def test_a_rise_that_comes_later_grants_72_hours_from_then_on(called: World) -> None:
    price(called, input="0.2")
    keep_fresh(called, 240)
    price(called, output="7")
    assert called.standing().grace_until == called.now + 72 * HOUR
    assert asked(called)
    assert called.replayed() == dict(called.entries())


def test_a_grace_that_is_stated_ends_also_after_a_price_that_fell() -> None:
    spec = entry_spec(on_pause="deny_new", grace=2 * HOUR, callers=("support-agent",))
    with world_of(configuration(entries={"luna": spec})) as world:
        furnish(world)
        world.activate()
        price(world, input="0.2")
        assert asked(world)
        assert not asked(world, after=2 * HOUR)


def test_a_rise_is_forgotten_with_the_pause(called: World) -> None:
    price(called, input="2")
    called.poll()
    called.resume()
    price(called, input="1")
    assert called.standing().grace_until is None


def test_a_model_that_is_gone_denies_everybody(called: World) -> None:
    price(called, input="0.2")
    called.sources["list"].drop(LUNA)
    called.settle("list")
    assert not asked(called)


# -- activate on an active entry pins anew ---------------------------------


def test_an_active_entry_is_activated_anew_without_a_pause(active: World) -> None:
    since = active.entry().since
    before = {pin.key for pin in active.entry().pins}
    again = active.activate()
    entry = active.entry()
    assert (entry.status, entry.since, entry.position) == ("active", since, again.position)
    assert {pin.key for pin in entry.pins} == before
    assert not active.events("entry.paused")
    assert active.replayed() == dict(active.entries())


def test_activating_anew_pins_what_nobody_stated_before(active: World) -> None:
    field = "price.standard.short.cache_write"
    active.sources["page"].set(LUNA, **{field: "1.25"})
    active.polls(2, "page")
    assert active.entry().status == "active", "a blank that was filled informs"
    assert field not in {pin.field for pin in active.entry().pins}
    active.activate()
    assert field in {pin.field for pin in active.entry().pins}
    active.sources["page"].set(LUNA, **{field: "2"})
    active.polls(2, "page")
    assert active.entry().status == "paused"


def test_activating_anew_takes_the_callers_that_are_declared_now(active: World) -> None:
    spec = entry_spec(on_pause="deny_new", callers=("support-agent",))
    active.configure(configuration(entries={"luna": spec}, version="2"))
    assert active.entry().callers == ()
    active.activate()
    assert active.entry().callers == ("support-agent",)


def test_activating_anew_is_refused_while_a_pinned_price_is_suspected_to_have_moved(active: World) -> None:
    active.sources["page"].set(LUNA, output="7")
    active.poll("page")
    pins = active.entry().pins
    with pytest.raises(Refused, match="may be changing to"):
        active.activate()
    assert active.entry().pins == pins


# -- a use that needs a review, by caller ----------------------------------


@pytest.fixture
def scanned() -> Iterator[World]:
    """Provide an active entry of which one caller looks for weaknesses."""
    spec = entry_spec(
        on_pause="deny_new",
        callers=("support-agent", "vuln-scanner"),
        touches_by={"vuln-scanner": ("security_triage",)},
    )
    with world_of(configuration(entries={"luna": spec})) as world:
        furnish(world)
        world.activate()
        yield world


def review(world: World) -> None:
    world.operator.verify("luna", "safety_review", by="ann", via=VIA, url=CARD)


def test_a_use_without_its_review_is_denied_to_that_caller_and_to_nobody_else(scanned: World) -> None:
    assert (asked(scanned), asked(scanned, ""), asked(scanned, "vuln-scanner")) == (True, True, False)
    review(scanned)
    assert asked(scanned, "vuln-scanner")


def test_the_review_of_a_caller_needs_the_system_card(scanned: World) -> None:
    with pytest.raises(Refused, match=r"security_triage.*system card"):
        scanned.operator.verify("luna", "safety_review", by="ann", via=VIA, note="read it")


def test_a_caller_whose_review_has_run_out_is_denied_again(scanned: World) -> None:
    review(scanned)
    until = scanned.entry().checks["safety_review"].until
    assert until is not None
    for _ in range(200):
        scanned.poll(after=12 * HOUR)
    assert scanned.now > until
    assert (asked(scanned), asked(scanned, "vuln-scanner")) == (True, False)


def test_a_price_pause_does_not_spare_a_caller_without_its_review(scanned: World) -> None:
    price(scanned, input="0.2")
    assert (asked(scanned), asked(scanned, "vuln-scanner")) == (True, False)
    review(scanned)
    assert asked(scanned, "vuln-scanner")


def test_loading_a_use_that_needs_a_review_says_whom_it_denies(called: World) -> None:
    spec = entry_spec(
        on_pause="deny_new", callers=("support-agent",), touches_by={"support-agent": ("security_triage",)}
    )
    after = configuration(entries={"luna": spec}, version="2")
    with called.store.read() as reader:
        effect = Loading(called.conf, after, Production).assess(reader, called.now)
    assert [(take.entry, take.act) for take in effect.taken] == [("luna", "denies")]
    assert "safety_review" in effect.taken[0].reason


# -- what an earlier version accepted --------------------------------------


def loaded(world: World, **stated: str) -> None:
    """Load the file of an earlier version, which names callers and leaves `on_pause` out unless it is `stated`."""
    spec = entry_spec(on_pause=stated.get("on_pause", "deny_new"), callers=("support-agent",))
    conf = configuration(entries={"luna": spec}, version=f"loaded {stated}", code="next")
    document = {"entry": [{"key": "luna", "callers": ["support-agent"], **stated}]}
    world.configure(conf, document=document)


@pytest.fixture
def older() -> Iterator[World]:
    """Provide an active entry that an earlier version accepted, when a pause denied everybody unless told."""
    spec = entry_spec(on_pause="deny", callers=("support-agent",))
    with world_of(configuration(entries={"luna": spec})) as world:
        furnish(world)
        world.activate()
        world.sources["page"].set(LUNA, **{"price.standard.short.cache_write": "1.25"})
        world.polls(2, "page")
        yield world


def test_an_entry_in_use_keeps_its_on_pause_until_the_file_states_one(older: World) -> None:
    before = older.entry().pins
    loaded(older)
    assert (older.entry().spec.on_pause, older.entry().pins) == ("deny", before)
    assert not older.events("entry.amended")
    loaded(older, on_pause="deny_new")
    assert older.entry().spec.on_pause == "deny_new"


def test_an_entry_that_nobody_has_accepted_takes_the_default() -> None:
    with world_of(configuration(entries={"luna": entry_spec(on_pause="deny", callers=("support-agent",))})) as world:
        loaded(world)
        assert world.entry().spec.on_pause == "deny_new"


def test_one_notice_lists_what_an_earlier_version_did_not_pin(older: World) -> None:
    loaded(older)
    before = len(older.notices())
    for _ in range(3):
        older.now += HOUR
        older.tender.tend(older.now)
    ((item,),) = (notice.items for notice in older.notices()[before:])
    assert (item.reason, item.entry) == (Reason.CHANGED, "luna")
    assert "standard cache write" in item.summary
    assert 'on_pause = "deny_new"' in item.summary
    older.activate()
    older.now += 2 * HOUR
    older.tender.tend(older.now)
    assert [notice.reason for notice in older.notices()[before:]] == [Reason.CHANGED, Reason.VISIBLE], "said once"


def test_what_this_version_accepted_is_not_told_of(older: World) -> None:
    before = len(older.notices())
    older.now += HOUR
    older.tender.tend(older.now)
    assert len(older.notices()) == before
