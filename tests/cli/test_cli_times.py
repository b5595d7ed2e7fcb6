"""What a person may write for a time, and how times are shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.events import rfc3339
from monitor.core.moments import both, local, parse, utc
from monitor.core.text import duration_in_words
from monitor.core.time import month, rounded

NOW = datetime(2026, 7, 30, 17, 34, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-07-30T17:34:21Z", datetime(2026, 7, 30, 17, 34, 21, tzinfo=UTC)),
        ("2026-07-30t17:34:21z", datetime(2026, 7, 30, 17, 34, 21, tzinfo=UTC)),
        ("2026-07-30 17:34:21Z", datetime(2026, 7, 30, 17, 34, 21, tzinfo=UTC)),
        ("2026-07-30T19:34:21.5+02:00", datetime(2026, 7, 30, 17, 34, 21, 500_000, tzinfo=UTC)),
        ("2026-07-30", datetime(2026, 7, 30, tzinfo=UTC)),
        ("2h ago", NOW - timedelta(hours=2)),
        ("3d ago", NOW - timedelta(days=3)),
        ("90 minutes ago", NOW - timedelta(minutes=90)),
        ("1 week ago", NOW - timedelta(weeks=1)),
        ("45s AGO", NOW - timedelta(seconds=45)),
        ("now", NOW),
        ("in 4h", NOW + timedelta(hours=4)),
        ("IN 2 days", NOW + timedelta(days=2)),
    ],
)
def test_a_time_is_rfc_3339_or_a_date_or_relative(text: str, meant: datetime) -> None:
    assert parse(text).resolve(NOW) == meant


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2h", "ago", "-2h ago", "20260730", "2026-W31-4", "2026-07-30T17", "30.07.2026", "1e9"]
)
def test_what_is_no_time_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="is no time: write 2026-07-30T17:34:21Z"):
        parse(text)


def test_a_time_without_a_zone_is_refused_instead_of_guessed() -> None:
    with pytest.raises(ValueError, match="names no zone: write 2026-07-30T17:34Z for UTC"):
        parse("2026-07-30 17:34")


@pytest.mark.parametrize(
    "text", ["2026-02-30", "2026-13-01T00:00:00Z", "2026-01-01T25:00:00Z", "0001-01-01T00:00:00+14:00"]
)
def test_a_day_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no day or time of the calendar"):
        parse(text)


@given(
    st.datetimes(
        min_value=datetime(1970, 1, 2),
        max_value=datetime(9998, 1, 1),
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=-9, minutes=-30))]),
    )
)
def test_what_the_log_prints_is_read_back_as_the_same_time(at: datetime) -> None:
    assert parse(rfc3339(at)).resolve(NOW) == at


def test_a_time_is_shown_in_utc_and_where_the_user_is() -> None:
    assert both(NOW, ZoneInfo("Europe/Berlin")) == "2026-07-30 17:34:21Z (19:34 CEST)"


def test_another_day_there_is_said() -> None:
    assert local(NOW, ZoneInfo("Asia/Singapore")) == "2026-07-31 01:34 +0800"


def test_a_user_at_utc_sees_one_time() -> None:
    assert both(NOW, UTC) == utc(NOW) == "2026-07-30 17:34:21Z"


@pytest.mark.parametrize(
    ("span", "said"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7_199, "119 min"), (7_200, "2 h"), (172_800, "2 d")]
)
def test_an_age_has_one_unit(span: int, said: str) -> None:
    assert rounded(timedelta(seconds=span)) == said


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(days=1), "24 h"),
        (timedelta(minutes=90), "90 min"),
        (timedelta(seconds=61), "61 s"),
        (timedelta(milliseconds=500), "0.5 s"),
        (timedelta(0), "0 s"),
    ],
)
def test_a_span_can_be_said_exactly(span: timedelta, said: str) -> None:
    assert duration_in_words(span) == said


def test_a_month_is_named_whole_or_short_and_nothing_else_is_one() -> None:
    assert [month(name) for name in ("September", "sept", "Sep", "MAY", "december")] == [9, 9, 9, 5, 12]
    for name in ("Septem", "Marvel", "", "1"):
        with pytest.raises(ValueError, match="is no month"):
            month(name)
