"""Quiet hours and digests: what waits, what never does, and what is sent in the end."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from outbox_world import OutboxWorld, owner

from monitor.core import events as ev
from monitor.core.configuration import Owner
from monitor.core.leaves import KeptCheckpoint
from monitor.core.notices import Reason
from monitor.core.ports import DeliveryState, EventQuery, NotSent
from monitor.notify.wording import compose
from monitor.store import open_store

QUIET = (time(22), time(7))
DENIED: dict[str, Any] = {"denied": True, "refusal": "its prices are stale"}


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[OutboxWorld]:
    store = open_store(str(tmp_path / "monitor.db"))
    with ThreadPoolExecutor(4) as executor:
        yield OutboxWorld(store, executor, {"platform": owner(quiet=QUIET)})
    store.close()


def reasons(outbox: OutboxWorld) -> list[Reason]:
    return [item.reason for notice in outbox.take() for item in notice.items]


@pytest.mark.parametrize(
    ("reason", "fields"),
    [
        (Reason.PAUSED, {"status": "paused", "denied": True}),
        (Reason.PAUSE_EXTENDED, {"status": "paused", "denied": True}),
        (Reason.UNACKNOWLEDGED, {"status": "paused", "denied": True}),
        (Reason.PAUSED, {"status": "paused", "spared": ("bot",)}),
        (Reason.STALE, DENIED),
        (Reason.BLIND, DENIED),
        (Reason.BLIND, {"denies_from": datetime(2026, 7, 2, 4, 0, tzinfo=UTC)}),  # before the quiet hours end
        (Reason.ENDED, {"status": "retired", "denied": True}),
        (Reason.ENDED, {"status": "withdrawn", "denied": True}),
        (Reason.FALLBACK_LOST, {"status": "paused", "denied": True, "fallback": "mini"}),
        (Reason.TEST, {}),
    ],
)
def test_quiet_hours_never_hold_back_a_pause_or_a_denial_of_an_active_entry(
    outbox: OutboxWorld, reason: Reason, fields: dict[str, Any]
) -> None:
    outbox.at("23:30")
    outbox.tell(reason, **fields)
    assert reasons(outbox) == [reason]


@pytest.mark.parametrize(
    ("reason", "fields"),
    [
        (Reason.CHANGED, {}),
        (Reason.CHANGED, {"status": "paused", "denied": True}),
        (Reason.HELD, {}),
        (Reason.BLIND, {"denies_from": datetime(2026, 7, 2, 6, 0, tzinfo=UTC)}),  # after they end
        (Reason.STALE, {}),
        (Reason.STALE, {"status": "evaluating", "denied": True}),
        (Reason.FALLBACK_LOST, {"fallback": "mini"}),
        (Reason.REMINDER, {}),
        (Reason.APPROVAL, {}),
        (Reason.RECOVERED, {}),
        (Reason.ENDED, {"status": "waiting", "denied": True}),
        (Reason.UNDELIVERED, {}),
    ],
)
def test_anything_else_waits_for_their_end_and_is_sent_once(
    outbox: OutboxWorld, reason: Reason, fields: dict[str, Any]
) -> None:
    outbox.at("23:30")
    id = outbox.tell(reason, **fields)
    assert outbox.take() == []
    (row,) = outbox.rows()
    assert (row.state, row.attempts, row.error) == (DeliveryState.WAITING, 0, "")
    outbox.at("2026-07-02 06:59")
    assert outbox.take() == []
    outbox.at("07:00")
    (notice,) = outbox.take()
    assert (notice.id, notice.digest) == (id, None)
    outbox.at("07:01")
    assert outbox.take() == []
    assert [row.state for row in outbox.rows()] == [DeliveryState.SENT]


def test_a_message_with_one_thing_that_cannot_wait_is_sent_whole(outbox: OutboxWorld) -> None:
    outbox.at("23:30")
    outbox.tell(Reason.CHANGED, Reason.PAUSED, status="paused", denied=True)
    assert sorted(reasons(outbox)) == [Reason.CHANGED, Reason.PAUSED]


def test_what_waited_is_one_message_with_every_notice_in_it(outbox: OutboxWorld) -> None:
    outbox.at("23:00")
    ids = [outbox.tell(Reason.CHANGED, name="Luna"), outbox.tell(Reason.REMINDER, name="Sol", entry="sol")]
    outbox.at("2026-07-02 07:00")
    (notice,) = outbox.take()
    assert notice.digest is not None
    assert notice.digest.notices == tuple(ids)
    assert [item.name for item in notice.items] == ["Luna", "Sol"]
    message = compose(notice)
    assert all(id in message.footer for id in ids)
    with outbox.store.read() as reader:
        delivered = [record.event.subject for record in reader.events(EventQuery(type=ev.NOTICE_DELIVERED))]
        sent = list(reader.sent_messages())
    assert delivered == ids
    assert [(row.notice, row.title) for row in sent] == [(id, message.title) for id in ids]


def test_more_than_a_claim_holds_is_one_message_still(outbox: OutboxWorld) -> None:
    outbox.at("23:00")
    for number in range(120):
        outbox.tell(Reason.CHANGED, entry=f"entry-{number}")
    outbox.at("2026-07-02 07:00")
    (notice,) = outbox.take()
    assert len(notice.items) == 120
    assert {row.state for row in outbox.rows()} == {DeliveryState.SENT}


def test_what_ended_meanwhile_is_one_line_and_nothing_else(outbox: OutboxWorld) -> None:
    outbox.at("23:00")
    outbox.tell(Reason.BLIND, incident="page-7", source="page")
    outbox.at("2026-07-02 01:10")
    outbox.tell(Reason.RECOVERED, incident="page-7", source="page")
    outbox.at("07:00")
    (notice,) = outbox.take()
    assert notice.items == ()
    assert notice.digest is not None
    (over,) = notice.digest.over
    assert (over.item.reason, over.ended_at) == (Reason.BLIND, datetime(2026, 7, 1, 23, 10, tzinfo=UTC))
    (section,) = compose(notice).sections
    assert len(section.lines) == 1
    assert {row.state for row in outbox.rows()} == {DeliveryState.SENT}


def test_what_began_again_is_told(outbox: OutboxWorld) -> None:
    outbox.at("23:00")
    for reason in (Reason.BLIND, Reason.RECOVERED, Reason.BLIND):
        outbox.tell(reason, incident="page-7")
    outbox.at("2026-07-02 07:00")
    (notice,) = outbox.take()
    assert [item.position for item in notice.items] == [3]
    assert notice.digest is not None
    assert [row.item.position for row in notice.digest.over] == [1]


def test_who_was_woken_is_told_at_once_that_it_is_over(outbox: OutboxWorld) -> None:
    outbox.at("23:00")
    outbox.tell(Reason.PAUSED, incident="luna-17", status="paused", denied=True)
    outbox.tell(Reason.HELD, incident="page-9")
    outbox.tell(Reason.ACKNOWLEDGED, incident="luna-17", status="paused", denied=True)
    outbox.tell(Reason.RESUMED, incident="luna-17")
    outbox.tell(Reason.ENDED, incident="page-9")
    assert reasons(outbox) == [Reason.PAUSED, Reason.ACKNOWLEDGED, Reason.RESUMED]


def test_a_retry_that_falls_into_quiet_hours_waits_for_their_end(outbox: OutboxWorld) -> None:
    outbox.at("21:59:50")
    outbox.channel.refusals = [NotSent(reason="HTTP 500")]
    outbox.tell(Reason.CHANGED)
    outbox.at("22:05")
    assert outbox.take() == []
    outbox.at("2026-07-02 07:00")
    assert reasons(outbox) == [Reason.CHANGED]


def test_a_digest_that_fails_is_tried_again_as_one(outbox: OutboxWorld) -> None:
    outbox.at("23:00")
    outbox.tell(Reason.CHANGED)
    outbox.tell(Reason.CHANGED)
    outbox.at("2026-07-02 07:00")
    outbox.channel.refusals = [NotSent(reason="HTTP 503", retry_after=120)]
    assert outbox.take() == []
    assert {(row.attempts, row.error) for row in outbox.rows()} == {(1, "HTTP 503")}
    assert len({row.retry_at for row in outbox.rows()}) == 1
    outbox.now += timedelta(minutes=3)
    (notice,) = outbox.take()
    assert len(notice.items) == 2


def test_a_digest_that_is_refused_for_good_is_dead_row_by_row_and_told_elsewhere(outbox: OutboxWorld) -> None:
    outbox.owners["oncall"] = Owner(key="oncall", destinations=("env:TWO",))
    outbox.at("23:00")
    ids = [outbox.tell(Reason.CHANGED), outbox.tell(Reason.CHANGED)]
    outbox.at("2026-07-02 07:00")
    outbox.channel.refusals = [NotSent(reason="HTTP 410", permanent=True)]
    outbox.tick()
    assert [row.state for row in outbox.rows() if row.notice in ids] == [DeliveryState.DEAD] * 2
    (alarm,) = outbox.take("oncall#1")
    assert [item.reason for item in alarm.items] == [Reason.UNDELIVERED] * 2


def test_what_was_urgent_and_was_not_delivered_is_told_at_night(outbox: OutboxWorld) -> None:
    outbox.owners["oncall"] = owner("oncall", quiet=QUIET)
    outbox.at("23:00")
    outbox.channel.refusals = [NotSent(reason="HTTP 410", permanent=True)]
    outbox.tell(Reason.PAUSED, status="paused", denied=True)
    assert [item.reason for notice in outbox.take("oncall#1") for item in notice.items] == [Reason.UNDELIVERED]


def test_a_daily_digest_collects_what_is_not_urgent_by_day_as_well(outbox: OutboxWorld) -> None:
    outbox.owners["platform"] = owner(digest=time(8))
    outbox.at("09:00")
    outbox.tell(Reason.CHANGED)
    outbox.tell(Reason.PAUSED, status="paused", denied=True)
    assert reasons(outbox) == [Reason.PAUSED]
    outbox.at("2026-07-02 07:59")
    outbox.tell(Reason.REMINDER)
    assert outbox.take() == []
    outbox.at("08:00")
    (notice,) = outbox.take()
    assert [item.reason for item in notice.items] == [Reason.CHANGED, Reason.REMINDER]
    assert notice.digest is not None
    assert notice.digest.checkpoint == "", "none is signed yet"
    with outbox.store.write() as tx:
        tx.keep_checkpoint(KeptCheckpoint(size=7, at=outbox.now, note="the note"))
    outbox.tell(Reason.CHANGED)
    outbox.at("2026-07-03 07:59")
    assert outbox.take() == []
    outbox.at("08:00")
    (notice,) = outbox.take()
    assert notice.digest is not None, "a digest of one is a digest"
    assert notice.digest.checkpoint == "the note"


@pytest.mark.parametrize(
    ("reason", "end", "fields"),
    [
        (Reason.HELD, Reason.ENDED, {}),
        (Reason.BLIND, Reason.RECOVERED, {}),
        (Reason.FALLBACK_LOST, Reason.RECOVERED, {"fallback": "mini"}),
        (Reason.UNDELIVERED, Reason.RECOVERED, {}),
        (Reason.STALE, Reason.RECOVERED, DENIED),
    ],
)
def test_what_is_serious_waits_for_no_digest_and_neither_does_its_end(
    outbox: OutboxWorld, reason: Reason, end: Reason, fields: dict[str, Any]
) -> None:
    outbox.owners["platform"] = owner(digest=time(8), quiet=QUIET)
    outbox.at("09:00")
    outbox.tell(reason, incident="it-1", **fields)
    outbox.tell(end, incident="it-1")
    outbox.tell(end, incident="another-2")
    assert reasons(outbox) == [reason, end]


def test_what_is_serious_waits_for_the_end_of_quiet_hours_and_not_for_the_digest_after_it(
    outbox: OutboxWorld,
) -> None:
    outbox.owners["platform"] = owner(digest=time(8), quiet=QUIET)
    outbox.at("23:00")
    outbox.tell(Reason.CHANGED)
    outbox.tell(Reason.HELD)
    outbox.at("2026-07-02 07:00")
    assert reasons(outbox) == [Reason.HELD]
    outbox.at("08:00")
    assert reasons(outbox) == [Reason.CHANGED]


@pytest.mark.parametrize(
    ("written", "before", "due"),
    [
        ("2026-03-28 23:00", "2026-03-29 06:59", "2026-03-29 07:00"),
        ("2026-10-24 23:00", "2026-10-25 06:59", "2026-10-25 07:00"),
    ],
)
def test_quiet_hours_over_a_change_of_summer_time_end_at_seven(
    outbox: OutboxWorld, written: str, before: str, due: str
) -> None:
    outbox.at(written)
    outbox.tell(Reason.CHANGED)
    outbox.at(before)
    assert outbox.take() == []
    outbox.at(due)
    assert reasons(outbox) == [Reason.CHANGED]


def test_a_digest_of_the_next_day_waits_longer_than_a_day_and_stays_one(outbox: OutboxWorld) -> None:
    outbox.owners["platform"] = owner(digest=time(8))
    outbox.at("2026-10-24 08:00:01")
    outbox.tell(Reason.CHANGED)
    for local in ("2026-10-24 20:00", "2026-10-25 06:00", "2026-10-25 07:59"):
        outbox.at(local)
        assert outbox.take() == []
    outbox.at("2026-10-25 08:00")
    assert len(outbox.take()) == 1


def test_rules_that_were_taken_away_hold_nothing_back_for_longer_than_was_said(outbox: OutboxWorld) -> None:
    outbox.at("23:00")
    outbox.tell(Reason.CHANGED)
    outbox.owners["platform"] = replace(outbox.owners["platform"], rules={})
    outbox.at("2026-07-02 07:00")
    assert reasons(outbox) == [Reason.CHANGED]


def test_what_a_clock_that_was_ahead_had_dated_is_not_held_back_until_then(outbox: OutboxWorld) -> None:
    outbox.owners["platform"] = owner(digest=time(8))
    outbox.at("2026-09-01 09:00")
    outbox.tell(Reason.CHANGED)
    outbox.at("2026-07-01 12:00")
    assert reasons(outbox) == [Reason.CHANGED]
