"""What comes on a day that is known ahead: it is kept, told, reminded of, and never applied by itself."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from pipeline_world import INPUT, LUNA, OUTPUT, START, World

from monitor.core.entry import Status
from monitor.core.facts import Subject
from monitor.core.notices import Reason
from monitor.registry.reminders import promotion_end

RISE = f"announced.{INPUT}@2026-09-01"


def at(world: World, day: str) -> list[str]:
    """Let the day come, with the sources looked at as ever, and give what was reminded of."""
    before = world.head
    world.now = datetime.fromisoformat(f"{day}T09:00:00+00:00")
    world.poll(after=timedelta(0))
    world.tender.tend(world.now)
    return [f"{event.data['what']} {event.data['days']}" for event in world.events("entry.reminded", after=before)]


def test_an_announced_price_is_an_event_of_its_own_and_moves_no_price(active: World) -> None:
    active.sources["page"].set(LUNA, **{RISE: "3"})
    active.polls(2)
    (event,) = active.events("price.announced")
    said = {name: event.data[name] for name in ("tier", "context", "meter", "date", "old", "new")}
    assert said == {
        "tier": "standard",
        "context": "short",
        "meter": "input",
        "date": "2026-09-01",
        "old": None,
        "new": "3",
    }
    assert active.entry().status is Status.ACTIVE
    assert not active.events("price.changed")
    assert active.notices()[-1].reason is Reason.CHANGED


def test_an_announced_price_is_reminded_of_until_its_day_and_applied_only_when_it_is_charged(active: World) -> None:
    active.sources["page"].set(LUNA, **{RISE: "3"})
    active.polls(2)
    assert at(active, "2026-08-20") == []
    assert at(active, "2026-08-26") == ["price 6"], "a step that was passed between two polls is said late"
    assert at(active, "2026-08-27") == []
    assert at(active, "2026-08-31") == ["price 1"]
    assert at(active, "2026-09-01") == ["price 0"]
    assert active.entry().status is Status.ACTIVE, "the page still states the old price"
    active.sources["page"].set(LUNA, **{RISE: None, "input": "3"})
    active.polls(5, every=timedelta(minutes=15))
    assert active.entry().status is Status.PAUSED
    over = active.events("price.announced")[-1]
    assert (over.data["new"], over.data["date"]) == (None, "2026-09-01")


def test_an_announcement_that_is_taken_back_is_told_and_no_longer_reminded_of(active: World) -> None:
    active.sources["page"].set(LUNA, **{RISE: "3"})
    active.polls(2)
    active.sources["page"].set(LUNA, **{RISE: None})
    active.polls(4, every=timedelta(minutes=15))
    told = [d for notice in active.notices() for item in notice.items for d in item.differences if d.what == RISE]
    assert [(one.old, one.new) for one in told] == [(None, "3"), ("3", None)]
    assert at(active, "2026-08-31") == []


def test_an_announced_end_is_reminded_of_90_30_7_and_1_days_ahead(active: World) -> None:
    active.sources["list"].set(LUNA, shutdown_date="2026-12-11")
    active.polls(2)
    days = ("2026-09-11", "2026-09-12", "2026-09-13", "2026-11-11", "2026-12-04", "2026-12-10", "2026-12-12")
    said = [at(active, day) for day in days]
    assert said == [[], ["shutdown 90"], [], ["shutdown 30"], ["shutdown 7"], ["shutdown 1"], ["overdue -1"]]
    assert active.entry().status is Status.ACTIVE


def test_an_end_that_is_announced_within_a_step_is_told_once_and_not_reminded_of_at_once(active: World) -> None:
    active.sources["list"].set(LUNA, shutdown_date=(START + timedelta(days=20)).date().isoformat())
    active.polls(2)
    active.tender.tend(active.now)
    assert not active.events("entry.reminded")
    assert at(active, "2026-07-14") == ["shutdown 7"]


def test_a_day_that_moved_is_reminded_of_anew(active: World) -> None:
    active.sources["list"].set(LUNA, shutdown_date="2026-08-05")
    active.polls(2)
    assert at(active, "2026-07-29") == ["shutdown 7"]
    active.sources["list"].set(LUNA, shutdown_date="2026-08-20")
    active.polls(2)
    assert at(active, "2026-08-13") == ["shutdown 7"]


def test_the_end_of_a_promotion_is_reminded_of_where_the_remark_names_the_entry(active: World) -> None:
    remark = "Luna\u2019s promotional pricing is available at least through August 31, 2026."
    active.sources["page"].facts = {**active.sources["page"].facts, Subject("page", "remarks"): {"paragraph.1": remark}}
    active.polls(2)
    assert active.events("document.changed")[0].data["added"] == [remark]
    assert at(active, "2026-08-24") == ["promotion 7"]
    assert at(active, "2026-08-30") == ["promotion 1"]
    assert at(active, "2026-09-01") == ["promotion -1"], "what holds now is not known, so someone should look"
    assert active.entry().status is Status.ACTIVE
    assert not active.events("price.changed")


def test_a_remark_about_another_model_reminds_nobody(active: World) -> None:
    remark = "GPT-Luna-Pro\u2019s promotional pricing ends on August 31, 2026."
    active.sources["page"].facts = {**active.sources["page"].facts, Subject("page", "remarks"): {"paragraph.1": remark}}
    active.polls(2)
    assert at(active, "2026-08-30") == []


def test_the_word_of_a_person_is_reminded_of_before_it_ends(active: World) -> None:
    active.attest("evals")
    until = active.entry().checks["evals"].until
    assert until is not None
    assert at(active, (until - timedelta(days=14)).date().isoformat()) == ["check 14"]


def test_a_reminder_is_said_once_whoever_tends_and_takes_back_no_position_that_was_shown(active: World) -> None:
    active.sources["list"].set(LUNA, shutdown_date="2026-08-05")
    active.polls(2)
    shown = active.entry().position
    assert at(active, "2026-07-29") == ["shutdown 7"]
    active.configure(active.conf)
    assert at(active, "2026-07-29") == []
    assert active.entry().position == shown
    assert active.replayed() == active.entries()
    assert [notice.reason for notice in active.notices()][-1] is Reason.REMINDER


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Promotional pricing at least through November 21, 2026.", date(2026, 11, 21)),
        ("Introductory price until Aug 5 2026, then list price.", date(2026, 8, 5)),
        ("openai/gpt: a promotion through 2026-08-31", date(2026, 8, 31)),
        ("Priority processing was renamed Fast mode on July 30, 2026.", None),
        ("A 10% discount for models released after March 5, 2026.", None),
        ("The promotion runs through Smarch 13, 2026.", None),
        ("The promotion runs through February 30, 2026.", None),
    ],
)
def test_a_remark_bears_the_end_of_a_promotion_only_where_it_says_so(text: str, day: date | None) -> None:
    assert promotion_end(text) == day


def test_of_two_tiers_only_the_one_in_use_is_reminded_of(active: World) -> None:
    active.sources["page"].set(LUNA, **{f"announced.{OUTPUT.replace('standard', 'batch')}@2026-09-01": "9"})
    active.polls(2)
    assert at(active, "2026-08-31") == []
