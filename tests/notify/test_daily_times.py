"""Times of the day as moments, on ordinary days and on those on which the clock is changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.configuration import DestinationRules
from monitor.notify.daily_times import due_at, moment, quiet_until

BERLIN = ZoneInfo("Europe/Berlin")
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)


def quiet(begin: str, end: str, digest: str = "") -> DestinationRules:
    return DestinationRules(
        quiet=(time.fromisoformat(begin), time.fromisoformat(end)),
        digest=time.fromisoformat(digest) if digest else None,
        zone="Europe/Berlin",
    )


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "local", "expected"),
    [
        (date(2026, 7, 1), "08:00", "2026-07-01 06:00"),
        (SPRING, "01:59", "2026-03-29 00:59"),
        (SPRING, "02:00", "2026-03-29 01:00"),  # skipped: the moment of the change
        (SPRING, "02:30", "2026-03-29 01:00"),
        (SPRING, "03:00", "2026-03-29 01:00"),
        (SPRING, "08:00", "2026-03-29 06:00"),
        (AUTUMN, "02:30", "2026-10-25 00:30"),  # comes twice: the first
        (AUTUMN, "03:00", "2026-10-25 02:00"),
        (AUTUMN, "08:00", "2026-10-25 07:00"),
    ],
)
def test_a_time_of_the_day_is_one_moment(day: date, local: str, expected: str) -> None:
    assert moment(day, time.fromisoformat(local), BERLIN) == utc(expected)


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        ("2026-07-01 19:59", None),
        ("2026-07-01 20:00", "2026-07-02 05:00"),
        ("2026-07-02 04:59", "2026-07-02 05:00"),
        ("2026-07-02 05:00", None),
        ("2026-03-28 21:00", "2026-03-29 05:00"),  # the night that is an hour shorter
        ("2026-03-28 20:59", None),
        ("2026-10-24 20:00", "2026-10-25 06:00"),  # the night that is an hour longer
        ("2026-10-25 05:59", "2026-10-25 06:00"),
        ("2026-10-25 06:00", None),
    ],
)
def test_quiet_hours_over_midnight_end_by_the_local_clock(at: str, ends: str | None) -> None:
    assert quiet_until(quiet("22:00", "07:00"), utc(at)) == (utc(ends) if ends else None)


def test_quiet_hours_that_end_in_the_hour_of_a_change_end_once() -> None:
    rules = quiet("22:00", "02:30")
    assert quiet_until(rules, utc("2026-03-29 00:30")) == utc("2026-03-29 01:00")
    assert quiet_until(rules, utc("2026-03-29 01:10")) is None
    assert quiet_until(rules, utc("2026-10-25 00:10")) == utc("2026-10-25 00:30")
    assert quiet_until(rules, utc("2026-10-25 01:10")) is None, "02:10 comes again, and the hours were over"


def test_quiet_hours_within_a_day() -> None:
    rules = quiet("12:00", "13:30")
    assert quiet_until(rules, utc("2026-07-01 10:00")) == utc("2026-07-01 11:30")
    assert quiet_until(rules, utc("2026-07-01 11:30")) is None


@pytest.mark.parametrize(
    ("rules", "created", "due"),
    [
        (DestinationRules(), "2026-07-01 21:00", "2026-07-01 21:00"),
        (quiet("22:00", "07:00"), "2026-07-01 21:00", "2026-07-02 05:00"),
        (DestinationRules(digest=time(8), zone="Europe/Berlin"), "2026-07-01 05:59", "2026-07-01 06:00"),
        (DestinationRules(digest=time(8), zone="Europe/Berlin"), "2026-07-01 06:00", "2026-07-02 06:00"),
        (DestinationRules(digest=time(8), zone="Europe/Berlin"), "2026-10-24 06:30", "2026-10-25 07:00"),
        (DestinationRules(digest=time(2, 30), zone="Europe/Berlin"), "2026-03-28 12:00", "2026-03-29 01:00"),
        (DestinationRules(digest=time(2, 30), zone="Europe/Berlin"), "2026-10-25 00:45", "2026-10-26 01:30"),
        (quiet("22:00", "07:00", digest="06:00"), "2026-07-01 12:00", "2026-07-02 05:00"),  # the digest falls into it
    ],
)
def test_what_waits_is_due_at_the_next_digest_after_quiet_hours(
    rules: DestinationRules, created: str, due: str
) -> None:
    assert due_at(rules, utc(created), utc(created)) == utc(due)


TIMES = st.times().map(lambda at: at.replace(second=0, microsecond=0))
ZONES = st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"])


@given(
    at=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
    begin=TIMES,
    end=TIMES,
    digest=st.none() | TIMES,
    zone=ZONES,
)
def test_what_waits_is_due_within_two_days_outside_of_quiet_hours_and_stays_so(
    at: datetime, begin: time, end: time, digest: time | None, zone: str
) -> None:
    rules = DestinationRules(quiet=(begin, end) if begin != end else None, digest=digest, zone=zone)
    due = due_at(rules, at, at)
    assert at <= due <= at + timedelta(days=2, hours=2)
    assert quiet_until(rules, due) is None
    assert due_at(rules, at, due) == due, "it does not move while it is waited for"
