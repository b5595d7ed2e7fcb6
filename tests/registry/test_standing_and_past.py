"""Until when things are relied on, what goes stale by time alone, and what was known when."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from pipeline_world import (
    CACHED,
    INPUT,
    LUNA,
    OUTPUT,
    World,
    configuration,
    entry_spec,
    furnish,
    listing,
    world_of,
)

from monitor.audit import queries
from monitor.core.entry import Status
from monitor.core.facts import FailureReason
from monitor.core.notices import Reason
from monitor.core.ports import Refused
from monitor.registry.lookup import find_entry

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = 7 * DAY


def _verified_at(world: World, at: datetime | None = None) -> datetime | None:
    with world.store.read() as reader:
        return queries.status(reader, world.conf, at=at)[0].verified_at


# -- freshness ---------------------------------------------------------------


def test_every_good_poll_renews_what_it_confirms_and_nothing_else(active: World) -> None:
    seen = active.now
    active.poll("list", after=HOUR)
    assert active.standing().access_until == active.now + DAY
    assert active.standing().price_until == seen + WEEK
    active.poll("page", after=HOUR)
    assert active.standing().price_until == active.now + WEEK
    active.poll("feed", after=HOUR)
    assert active.standing().price_until == active.now - HOUR + WEEK
    assert _verified_at(active) == active.now - 2 * HOUR


def test_a_pending_suspect_is_dated_by_the_last_poll_that_did_not_show_it(active: World) -> None:
    seen = active.now
    active.sources["list"].drop(LUNA)
    active.sources["page"].set(LUNA, output="7")
    active.poll()
    assert (active.standing().access_until, active.standing().price_until) == (seen + DAY, seen + WEEK)
    assert _verified_at(active) == seen
    active.sources["list"].set(LUNA, listed=True)
    active.sources["page"].set(LUNA, output="6")
    active.poll()
    assert _verified_at(active) == active.now


def test_a_suspicion_about_another_model_dates_this_one_as_usual(active: World) -> None:
    active.sources["list"].facts = listing(10, LUNA)
    active.poll()
    assert active.pending_changes()
    assert _verified_at(active) == active.now


@pytest.mark.parametrize("meter", ["output", "cached_input"])
def test_a_pinned_row_that_vanished_pauses_nothing_and_is_dated_no_longer(active: World, meter: str) -> None:
    active.sources["page"].set(LUNA, **{meter: None})
    active.polls(9, "page", every=12 * HOUR)
    assert "price.removed" in active.types()
    assert active.entry().status is Status.ACTIVE
    assert active.standing().price_until is not None
    assert active.standing().price_until <= active.now - 3 * DAY + WEEK, "dated by the days it still stood there"
    with active.store.read() as reader:
        pricing = next(row for row in queries.checks(reader, active.conf, "luna") if row.name == "pricing")
    assert pricing.verified_at is not None
    assert pricing.verified_at <= active.now - 3 * DAY
    active.attest("pricing")
    assert active.standing().price_until == active.now + WEEK, "a person dates it anew"


def test_a_vanished_row_that_no_pin_stands_on_changes_no_date(furnished: World) -> None:
    furnished.sources["page"].set(LUNA, cached_input=None)
    furnished.settle("page")
    assert CACHED not in {pin["field"] for pin in furnished.activate().data["pins"]}
    furnished.poll("page")
    assert furnished.standing().price_until == furnished.now + WEEK


def test_an_entry_with_a_blank_has_no_date_at_all(world: World) -> None:
    world.sources["list"].facts = listing(3, LUNA)
    world.poll("list")
    assert world.standing().access_until == world.now + DAY
    assert world.standing().price_until is None
    assert _verified_at(world) is None


@pytest.mark.parametrize(("declared", "limit"), [(None, DAY), (HOUR, DAY), (3 * DAY, 3 * DAY)])
def test_an_entry_may_lengthen_its_limit_and_not_shorten_it(declared: timedelta | None, limit: timedelta) -> None:
    with world_of(configuration(entries={"luna": entry_spec(freshness=declared)})) as world:
        furnish(world)
        assert world.standing().access_until == world.now + limit


# -- what time alone does ------------------------------------------------------


def test_a_source_that_is_blind_for_half_its_freshness_is_told_before_production_is_denied(active: World) -> None:
    seen = active.now
    active.sources["list"].fail = FailureReason.HTTP_ERROR
    active.poll("list", after=12 * HOUR)
    assert active.tender.tend(active.now) == 0
    assert active.tender.tend(active.now + HOUR) == 1
    stale = active.events()[-1]
    assert (stale.type, stale.subject, stale.data["reason"]) == ("source.stale", "list", "http_error")
    assert stale.cause == active.events("source.failed")[0].position
    notice = active.notices()[-1]
    assert (notice.reason, notice.items[0].denied) == (Reason.BLIND, False)
    assert notice.items[0].denies_from == seen + DAY
    assert active.tender.tend(active.now + 2 * HOUR) == 0, "said once"
    active.sources["list"].fail = None
    active.poll("list")
    assert active.tender.tend(active.now) == 0
    assert active.tender.tend(active.now + 13 * HOUR) == 1, "and anew after it could be read"


def test_a_held_answer_makes_a_source_stale_too(active: World) -> None:
    active.sources["list"].facts = {}
    active.polls(14, "list", every=HOUR)
    assert active.tender.tend(active.now) == 1
    assert active.events()[-1].data["reason"] == "empty"


def test_an_aggregator_that_is_blind_wakes_nobody(active: World) -> None:
    told = len(active.notices())
    active.polls(1, "list", "page", every=4 * DAY)
    assert active.tender.tend(active.now) == 1
    assert active.events()[-1].subject == "feed"
    assert len(active.notices()) == told


def test_tending_when_nothing_is_due_writes_nothing(active: World) -> None:
    rows = active.all_rows()
    assert active.tender.tend(active.now) == 0
    assert active.all_rows() == rows


# -- what was known when -------------------------------------------------------


def test_status_at_a_time_is_what_was_recorded_by_then(active: World) -> None:
    accepted = active.now
    active.sources["page"].set(LUNA, output="7")
    active.polls(3, "page", every=HOUR)
    active.resume()
    resumed = active.now
    expected = {
        accepted - timedelta(minutes=1): ("waiting", None),
        accepted: ("active", accepted),
        accepted + HOUR: ("active", accepted),
        accepted + 2 * HOUR: ("paused", accepted),
        resumed: ("active", accepted),
    }
    with active.store.read() as reader:
        for at, (status, verified) in expected.items():
            row = queries.status(reader, active.conf, at=at)[0]
            assert (row.status, row.verified_at) == (status, verified), at
        assert queries.status(reader, active.conf, at=accepted - DAY) == []
        now = queries.status(reader, active.conf)[0]
        then = queries.status(reader, active.conf, at=active.now + DAY)[0]
        assert now.access is not None
        assert replace(now, verified_at=None, access=None) == replace(then, verified_at=None)


def test_a_quiet_day_leaves_one_verification_in_the_log_so_that_the_past_can_be_dated(active: World) -> None:
    start = active.now
    active.polls(4 * 3, every=6 * HOUR)
    daily = [event for event in active.events("check.verified") if event.occurred_at > start]
    assert sorted(event.data["check"] for event in daily) == sorted(["model_id", "visibility", "pricing"] * 3)
    with active.store.read() as reader:
        row = queries.status(reader, active.conf, at=start + 2 * DAY)[0]
    assert row.verified_at is not None
    assert timedelta(0) <= start + 2 * DAY - row.verified_at < DAY


def test_why_leads_from_a_status_back_to_what_was_seen_each_event_once(active: World) -> None:
    active.sources["list"].facts = listing(8)
    active.polls(26, "list", every=HOUR)
    with active.store.read() as reader:
        steps = [(step.depth, step.recorded.event.type) for step in queries.why(reader, "luna")]
    assert steps == [(0, "entry.paused"), (1, "access.lost"), (2, "model.unlisted"), (3, "source.anomaly")]


def test_prices_name_their_source_date_and_event_and_the_official_ones_come_first(active: World) -> None:
    active.sources["page"].set(LUNA, output="7")
    active.polls(2, "page")
    with active.store.read() as reader:
        rows = queries.prices(reader, active.conf, queries.price_subjects(reader, active.conf, "luna"))
        assert [row.source for row in rows] == ["page"] * 3 + ["feed"] * 3
        by_meter = {(row.source, row.meter.meter): row for row in rows}
        changed = active.events("price.changed")[0]
        assert by_meter["page", "output"].position == changed.position
        assert by_meter["page", "output"].since == changed.occurred_at
        baseline = active.events("source.baseline_recorded", source="page")[0]
        assert by_meter["page", "input"].position == baseline.position
        assert [
            row.amount
            for row in queries.prices(
                reader, active.conf, queries.price_subjects(reader, active.conf, "other/gpt-luna")
            )
        ] == ["3", "9"]
        history = queries.price_history(reader, active.conf, (LUNA,))
        first = [recorded.event for recorded in history if recorded.event.type == "source.baseline_recorded"]
        assert [(event.data["meter"], event.data["new"]) for event in first if event.source == "page"] == [
            ("cached_input", "0.1"),
            ("input", "1"),
            ("output", "6"),
        ]
        assert [recorded.event.type for recorded in history][len(first) :] == ["price.changed"]
        with pytest.raises(Refused, match="no source states a price of 'gpt-9'"):
            queries.price_subjects(reader, active.conf, "gpt-9")
        with pytest.raises(Refused, match="there is no entry 'sol'; the registry has: luna"):
            find_entry(reader.entries(), "sol")


def test_a_checklist_shows_blanks_as_blanks_and_dates_by_the_last_poll() -> None:
    with world_of(configuration(entries={"luna": entry_spec(checks=("evals",))})) as world:
        furnish(world)
        world.poll(after=HOUR)
        with world.store.read() as reader:
            rows = {row.name: row for row in queries.checks(reader, world.conf, "luna")}
        assert [(name, row.check.state, row.required) for name, row in rows.items()] == [
            ("model_id", "verified", True),
            ("visibility", "verified", True),
            ("pricing", "verified", True),
            ("evals", "blank", True),
        ]
        assert rows["visibility"].verified_at == rows["pricing"].verified_at == world.now
        assert rows["evals"].verified_at is None
        assert {INPUT, OUTPUT} <= world.baseline("page")[LUNA].keys()
