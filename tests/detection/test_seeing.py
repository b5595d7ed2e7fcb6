"""From polls to baselines: first polls, late polls, outages, mass drops, silence, and extractors that change."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from pipeline_world import (
    INPUT,
    LUNA,
    OUTPUT,
    PRICES,
    START,
    World,
    configuration,
    entry_spec,
    furnish,
    listing,
    model,
    world_of,
)

from monitor.core.entry import Status
from monitor.core.facts import Fact, FailureReason, PollFailure, Unchanged
from monitor.core.notices import Reason
from monitor.core.ports import Refused

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
NEW = model(77)


# -- first, late and failed polls ------------------------------------------


def test_the_first_poll_is_the_baseline_at_once_and_lists_nothing(world: World) -> None:
    world.sources["list"].facts = listing(50, LUNA)
    outcome = world.poll("list")[0]
    assert outcome.verdict == "baseline"
    kinds = [event.type for event in outcome.events]
    assert kinds == ["source.baseline_recorded", "check.verified", "check.verified", "entry.visible"]
    assert outcome.events[0].data["subjects"] == 51
    assert world.baseline("list") == world.sources["list"].facts


def test_an_empty_first_answer_is_no_baseline_however_long_it_stands(world: World) -> None:
    world.polls(30, "list", every=HOUR)
    assert world.types() == ["config.changed", "entry.declared", "source.anomaly"]
    world.sources["list"].facts = listing(5)
    assert world.poll("list")[0].verdict == "baseline"
    assert "model.listed" not in world.types()


def test_a_poll_that_began_before_the_last_accepted_one_is_dropped(furnished: World) -> None:
    source = furnished.sources["list"]
    source.set(NEW, listed=True)
    early = source.observe(furnished.now + MINUTE, None)
    source.drop(NEW)
    furnished.poll("list")
    rows = furnished.all_rows()
    for late in (
        early,
        replace(early, at=furnished.now),
        PollFailure(source="list", at=furnished.now - MINUTE, reason=FailureReason.TIMEOUT, detail="a slow one"),
    ):
        assert furnished.poller.record("list", late).verdict == "late"
    assert furnished.all_rows() == rows


def test_unchanged_bytes_say_nothing_once_another_poll_has_opened_a_suspicion(furnished: World) -> None:
    furnished.sources["list"].set(NEW, listed=True)
    furnished.poll("list")
    stale = Unchanged(source="list", at=furnished.now + MINUTE)
    assert furnished.poller.record("list", stale).verdict == "late"
    assert len(furnished.pending_changes("list")) == 1


def test_an_outage_is_said_once_and_again_only_when_its_reason_changes(furnished: World) -> None:
    source, at = furnished.sources["list"], furnished.head
    reasons = (FailureReason.TIMEOUT, FailureReason.TIMEOUT, FailureReason.UNAUTHORIZED, FailureReason.UNAUTHORIZED)
    for source.fail in reasons:
        furnished.poll("list")
    failed = furnished.events(after=at)
    assert [event.data["reason"] for event in failed] == ["timeout", "unauthorized"]
    assert failed[1].cause == failed[0].position
    source.fail = None
    furnished.poll("list")
    recovered = furnished.events("source.recovered")
    assert [event.cause for event in recovered] == [failed[1].position]
    assert recovered[0].data["since"] == "2026-07-01T00:04:00Z"


def test_failures_neither_count_nor_reset(furnished: World) -> None:
    source = furnished.sources["list"]
    source.set(NEW, listed=True)
    furnished.poll("list")
    source.fail = FailureReason.SERVER_ERROR
    furnished.polls(5, "list", every=10 * MINUTE)
    assert [
        (pending_change.seen, pending_change.fact.subject) for pending_change in furnished.pending_changes("list")
    ] == [(1, NEW)]
    source.fail = None
    assert furnished.poll("list")[0].confirmed == 1
    listed = furnished.events("model.listed")[0]
    assert listed.occurred_at == START + 4 * MINUTE, "the first poll that showed it"
    assert listed.data["last_with_old"] == "2026-07-01T00:02:00Z"


@pytest.mark.parametrize("every", [MINUTE, 5 * MINUTE, 20 * MINUTE, 24 * HOUR])
def test_a_single_model_is_gone_after_three_polls_over_half_an_hour_whatever_the_interval(
    furnished: World, every: timedelta
) -> None:
    furnished.sources["list"].drop(model(3))
    seen = 0
    while not furnished.events("model.unlisted"):
        furnished.poll("list", after=every)
        seen += 1
    assert seen == max(3, 30 * MINUTE // every + 1 + bool(30 * MINUTE % every))


def test_a_model_that_blinks_is_never_gone_and_it_is_said_once_a_day_that_it_blinks(furnished: World) -> None:
    source, at = furnished.sources["list"], furnished.head
    for _ in range(10):
        source.drop(LUNA)
        furnished.polls(2, "list", every=20 * MINUTE)
        source.set(LUNA, listed=True)
        furnished.poll("list", after=20 * MINUTE)
    (anomaly,) = furnished.events(after=at)
    assert (anomaly.type, anomaly.data["reason"]) == ("source.anomaly", "inconsistent")
    assert anomaly.data["facts"][0] == {"subject": "gpt-luna", "field": "listed", "values": [True, None], "turns": 2}
    furnished.polls(24, "list", every=HOUR)
    kinds = [event.type for event in furnished.events("source.*", after=at)]
    assert kinds == ["source.anomaly", "source.recovered"]


def test_a_model_that_comes_or_goes_is_one_event_and_not_one_for_each_field(furnished: World) -> None:
    source, at = furnished.sources["list"], furnished.head
    source.set(NEW, listed=True, created=7, owned_by="x", shutdown_date="2027-01-01")
    furnished.polls(2, "list")
    assert furnished.types(after=at) == ["model.listed", "lifecycle.announced"]
    source.drop(NEW)
    furnished.settle("list")
    assert furnished.types(after=at + 2) == ["model.unlisted"]
    assert NEW not in furnished.baseline("list")


# -- what is not spoken of -------------------------------------------------


def test_a_silent_shutdown_date_is_no_withdrawal_and_an_explicit_none_is(furnished: World) -> None:
    source, at = furnished.sources["list"], furnished.head
    source.set(model(1), shutdown_date="2026-12-01")
    furnished.polls(2, "list")
    source.set(model(1), shutdown_date=None)
    source.silent = frozenset({"shutdown_date"})
    furnished.polls(10, "list", every=20 * MINUTE)
    assert furnished.types(after=at) == ["lifecycle.announced"]
    source.silent = frozenset()
    furnished.settle("list")
    withdrawn = furnished.events(after=at + 1)
    assert [(e.type, e.data["date"], e.data["old"]) for e in withdrawn] == [("lifecycle.withdrawn", None, "2026-12-01")]


def test_a_field_that_no_model_has_any_more_is_not_spoken_of_and_one_that_some_lost_is(furnished: World) -> None:
    source = furnished.sources["list"]
    for number in (0, 1):
        source.set(model(number), owned_by="x")
    furnished.polls(2, "list")
    at = furnished.head
    for number in (0, 1):
        source.set(model(number), owned_by=None)
    furnished.settle("list")
    assert furnished.types(after=at) == []
    source.set(model(0), owned_by="x")
    furnished.settle("list")
    (changed,) = furnished.events(after=at)
    assert (changed.type, changed.subject, changed.data["old"], changed.data["new"]) == (
        "model.changed",
        "m01",
        "x",
        None,
    )


def test_a_shutdown_date_informs_the_owner_and_pauses_nothing(active: World) -> None:
    active.sources["list"].set(LUNA, shutdown_date="2026-12-01")
    active.polls(2, "list")
    active.sources["list"].set(LUNA, shutdown_date="2026-10-01")
    active.polls(2, "list")
    assert [event.type for event in active.events("lifecycle.*")] == ["lifecycle.announced", "lifecycle.moved"]
    assert active.entry().status is Status.ACTIVE
    assert [notice.reason for notice in active.notices()[-2:]] == [Reason.CHANGED] * 2


def test_a_price_stated_in_two_ways_moves_nothing_and_is_dated_no_longer(active: World) -> None:
    page, at, last = active.sources["page"], active.head, active.now
    page.unclear = frozenset({Fact(LUNA, OUTPUT)})
    page.set(LUNA, output=None)
    outcomes = active.polls(1, "page", every=HOUR)
    assert active.types(after=at) == []
    outcomes += active.polls(5, "page", every=HOUR)
    assert active.types(after=at) == ["price.quarantined"], "once, when it lasted as long as an absence has to"
    said = active.events("price.quarantined")[0]
    assert (said.data["reason"], said.data["old"], said.data["new"]) == ("unreadable", "6", None)
    told = active.notices()[-1]
    assert (told.reason, told.items[0].entry) == (Reason.HELD, "luna")
    assert "standard.short.output (was 6)" in told.items[0].summary
    assert told.items[0].commands[-1] == "access-monitor verify luna pricing --by YOU --url …"
    with pytest.raises(Refused, match="no price is held back"):
        active.operator.release(said.position, by="ann", reason="let it in", via={})
    assert active.baseline("page")[LUNA][OUTPUT] == "6"
    assert {(outcome.suspects, outcome.again) for outcome in outcomes} == {(0, None)}
    assert active.standing().price_until == last + timedelta(days=7)
    page.unclear = frozenset()
    page.set(LUNA, output="6")
    active.poll("page")
    assert active.standing().price_until == active.now + timedelta(days=7)
    assert not active.pending_changes()


def test_a_model_whose_only_price_is_stated_in_two_ways_is_not_gone(furnished: World) -> None:
    page, at = furnished.sources["page"], furnished.head
    page.facts = {LUNA: {OUTPUT: "6", INPUT: "1"}, model(0): {INPUT: "2"}}
    furnished.settle("page")
    page.facts = {LUNA: {OUTPUT: "6", INPUT: "1"}}
    page.unclear = frozenset({Fact(model(0), INPUT)})
    at = furnished.head
    furnished.settle("page")
    assert furnished.types(after=at) == []


def test_what_an_unclear_price_turns_into_is_believed_like_any_change(active: World) -> None:
    page = active.sources["page"]
    page.unclear = frozenset({Fact(LUNA, OUTPUT)})
    page.set(LUNA, output=None)
    active.polls(3, "page")
    page.unclear = frozenset()
    page.set(LUNA, output="7")
    assert [outcome.confirmed for outcome in active.polls(2, "page")] == [0, 1]
    changed = active.events("price.changed")[0]
    assert (changed.data["old"], changed.data["new"]) == ("6", "7")
    assert changed.data["last_with_old"] == "2026-07-01T00:02:00Z", "the last poll that stated the old price clearly"


# -- mass drops ------------------------------------------------------------


def test_a_mass_drop_is_told_at_once_to_the_owners_whose_active_entries_are_in_it(active: World) -> None:
    before = len(active.notices())
    active.sources["list"].facts = listing(8)
    outcome = active.poll("list")[0]
    assert (outcome.verdict, outcome.detail, outcome.suspects) == ("held", "mass_drop", 4)
    anomaly = active.events("source.anomaly")[0]
    assert (anomaly.data["known"], anomaly.data["seen"], anomaly.data["missing_count"]) == (12, 8, 4)
    assert "gpt-luna" in anomaly.data["missing"]
    told = active.notices()[before:]
    assert [(notice.reason, notice.items[0].entry) for notice in told] == [(Reason.HELD, "luna")]
    assert "accepted automatically in 24 h" in told[0].items[0].summary
    active.polls(10, "list", every=HOUR)
    assert len(active.notices()) == before + 1


def test_a_mass_drop_that_spares_the_entries_wakes_nobody(active: World) -> None:
    before = active.notices()
    active.sources["list"].facts = listing(7, LUNA)
    active.polls(3, "list")
    assert active.events("source.anomaly")
    assert active.notices() == before


def test_a_mass_drop_that_recovers_within_the_hold_says_nothing_but_that(active: World) -> None:
    at, full = active.head, active.sources["list"].facts
    active.sources["list"].facts = listing(4)
    active.polls(23, "list", every=HOUR)
    active.sources["list"].facts = full
    active.polls(2, "list")
    assert active.types(after=at) == ["source.anomaly", "source.recovered"]
    assert active.events(after=at)[1].cause == at + 1
    assert active.entry().status is Status.ACTIVE
    assert not active.pending_changes()


def test_a_mass_drop_that_stood_for_the_hold_is_one_event_per_model_caused_by_it_and_one_notice() -> None:
    two = {"luna": entry_spec(), "mini": entry_spec("mini", "m09")}
    with world_of(configuration(entries=two)) as world:
        furnish(world)
        world.sources["page"].set(model(9), input="2", output="8")
        world.polls(2)
        world.activate()
        world.activate("mini")
        at, before = world.head, len(world.notices())
        world.sources["list"].facts = listing(8)
        world.polls(24, "list", every=HOUR)
        assert world.types(after=at) == ["source.anomaly"]
        world.poll("list", after=HOUR)
        anomaly, *rest = world.events(after=at)
        gone = [event for event in rest if event.type == "model.unlisted"]
        assert sorted(event.subject for event in gone) == ["gpt-luna", "m08", "m09", "m10"]
        assert {event.cause for event in gone} == {anomaly.position}
        assert {event.occurred_at for event in gone} == {anomaly.occurred_at}
        assert sorted(event.subject for event in rest if event.type == "access.lost") == ["gpt-luna", "m09"]
        assert sorted(event.subject for event in rest if event.type == "entry.paused") == ["luna", "mini"]
        told = world.notices()[before + 1 :]
        assert [sorted(item.entry for item in notice.items) for notice in told] == [["luna", "mini"]]
        assert world.poll("list")[0].verdict == "unchanged"


def test_a_hold_is_of_each_absence_and_not_of_the_first_odd_answer(active: World) -> None:
    """Four models missing for a day do not take eight others with them that an empty answer hid for half an hour."""
    source = active.sources["list"]
    source.facts = listing(8)
    active.polls(24, "list", every=HOUR)
    source.facts = {}
    active.polls(3, "list", every=25 * MINUTE)
    assert sorted(event.subject for event in active.events("model.unlisted")) == ["gpt-luna", "m08", "m09", "m10"]
    source.facts = listing(8)
    active.polls(2, "list")
    assert active.baseline("list") == listing(8)
    assert [event.type for event in active.events("source.*")][-2:] == ["source.anomaly", "source.recovered"]


def test_freshness_is_not_renewed_while_an_answer_is_held(active: World) -> None:
    seen = active.now
    active.sources["list"].facts = listing(8, LUNA)
    active.polls(5, "list", every=HOUR)
    assert active.standing().access_until == seen + 24 * HOUR
    assert active.state("list").good_at == seen
    assert active.state("list").accepted_at == active.now


def test_a_held_answer_is_looked_at_again_soon_and_then_when_its_hold_ends(active: World) -> None:
    active.sources["list"].facts = listing(8)
    first = active.poll("list")[0]
    assert first.again == active.now + 90 * timedelta(seconds=1)
    began = active.now
    last = active.polls(3, "list", every=20 * MINUTE)[-1]
    assert last.again == began + 24 * HOUR


def test_a_list_that_is_believed_to_be_empty_is_no_news(world: World) -> None:
    world.sources["list"].facts = listing(2)
    world.poll("list")
    world.sources["list"].facts = {}
    world.polls(27, "list", every=HOUR)
    at = world.head
    assert world.baseline("list") == {}
    world.polls(60, "list", every=HOUR)
    assert world.types(after=at) == []
    assert world.state("list").good_at == world.now


def test_a_page_that_shrank_is_accepted_after_the_hold_if_its_rows_read_the_same(active: World) -> None:
    page, at = active.sources["page"], active.head
    page.size = 100
    page.facts = dict(page.facts)
    active.sources["page"].set(LUNA, note="x")  # other bytes
    active.polls(3, "page", every=HOUR)
    assert active.types(after=at) == ["source.anomaly", "model.changed"], "what stands in it is judged"
    active.polls(23, "page", every=HOUR)
    assert active.state("page").body_size == 100
    assert active.state("page").good_at == active.now
    assert "entry.paused" not in active.types(after=at)


# -- extractors ------------------------------------------------------------


def test_a_newer_extractor_that_reads_the_same_reports_nothing(active: World) -> None:
    at = active.head
    active.sources["page"].extractor = "fake/2"
    active.polls(3, "page")
    (event,) = active.events(after=at)
    assert (event.type, event.data["reason"]) == ("source.baseline_recorded", "extractor changed from fake/1")
    assert active.entry().status is Status.ACTIVE
    assert active.state("page").extractor == "fake/2"


def test_a_newer_extractor_that_reads_more_changes_the_baseline_and_reports_no_price(active: World) -> None:
    page, at = active.sources["page"], active.head
    page.extractor = "fake/2"
    page.read = lambda facts: {**facts, LUNA: {**facts[LUNA], "price.batch.short.input": "0.5"}}
    active.polls(3, "page")
    assert active.types(after=at) == ["source.baseline_recorded"]
    assert active.baseline("page")[LUNA]["price.batch.short.input"] == "0.5"


def test_a_real_change_that_comes_with_a_newer_extractor_is_still_reported(active: World) -> None:
    page, at = active.sources["page"], active.head
    page.extractor = "fake/2"
    page.set(LUNA, output="7")
    active.polls(2, "page")
    assert active.types(after=at) == ["source.baseline_recorded", "price.changed", "entry.paused", "check.stale"]


def test_a_pause_that_a_newer_extractor_brings_about_names_its_baseline_as_the_cause(active: World) -> None:
    """The older version misread the page; what was accepted is no longer what the page is known to say."""
    page, at = active.sources["page"], active.head
    page.extractor = "fake/2"
    page.read = lambda facts: {**facts, LUNA: {**facts[LUNA], OUTPUT: "60"}}
    active.poll("page")
    paused = active.events("entry.paused")[0]
    assert (paused.cause, paused.data["causes"]) == (at + 1, [at + 1])
    assert "price.changed" not in active.types()


def test_what_a_newer_extractor_reads_that_cannot_be_right_is_held_back(active: World) -> None:
    page = active.sources["page"]
    page.extractor = "fake/2"
    page.read = lambda facts: {**facts, LUNA: {**facts[LUNA], OUTPUT: "0"}}
    active.polls(3, "page")
    assert active.baseline("page")[LUNA][OUTPUT] == "6"
    assert [event.data["reason"] for event in active.events("price.quarantined")] == ["zero"]
    assert active.entry().status is Status.ACTIVE


def test_a_suspect_is_not_made_a_belief_by_reading_its_bytes_anew(active: World) -> None:
    page, at = active.sources["page"], active.head
    page.set(LUNA, output="7")
    active.poll("page")
    page.extractor = "fake/2"
    active.poll("page")
    assert active.types(after=at) == ["source.baseline_recorded"]
    assert active.baseline("page")[LUNA] == PRICES
    active.poll("page")
    assert [event.data["looks"] for event in active.events("price.changed")] == [2]


# -- how often ---------------------------------------------------------------


def test_a_quiet_source_costs_no_event_and_asks_only_for_what_changed(active: World) -> None:
    at = active.head
    active.polls(4)
    assert active.head == at
    assert active.state("page").good_at == active.now
    assert all(known is not None for known in active.sources["page"].known[-3:])
    active.sources["page"].set(LUNA, output="7")
    active.polls(2, "page")
    assert active.sources["page"].known[-1] is None, "a suspect is looked at without conditions"


def test_what_only_a_person_or_news_can_end_is_not_looked_at_more_often(active: World) -> None:
    """A price that waits for a release, or a model that is gone for good, keeps the schedule of its source."""
    active.sources["page"].set(LUNA, output="0")
    assert active.poll("page")[0].again == active.now + active.conf.confirmation.recheck
    assert [outcome.again for outcome in active.polls(3, "page")] == [None] * 3
    active.sources["list"].drop(LUNA)
    active.settle("list")
    assert active.entry().status is Status.PAUSED
    assert [outcome.again for outcome in active.polls(3, "list")] == [None] * 3


def test_a_check_that_a_pause_made_stale_is_looked_at_again_soon(active: World) -> None:
    active.sources["page"].set(LUNA, output="7")
    paused = active.polls(2, "page")[-1]
    assert paused.again == active.now + active.conf.confirmation.recheck
    assert active.poll("page")[0].again is None
    assert active.events()[-1].type == "check.verified"
