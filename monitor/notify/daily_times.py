"""Times of the day in a zone as moments: quiet hours and digests, also over a change of summer time. Pure.

A local time that a change of the clock skips is the moment of the change; one that comes twice is the first of the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from monitor.core.configuration import DestinationRules

_DAY = timedelta(days=1)


def moment(day: date, at: time, zone: tzinfo) -> datetime:
    """Return, in UTC, when a time of day is on a day in a zone."""
    local = datetime.combine(day, at, tzinfo=zone)
    first = local.astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return first
    # Skipped: read by the offset after the change it lies before the change, and the other way round.
    before, after = local.replace(fold=1).astimezone(UTC), first
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        if middle.astimezone(zone).utcoffset() == before.astimezone(zone).utcoffset():
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def quiet_until(rules: DestinationRules, at: datetime) -> datetime | None:
    """Return the end of the quiet hours in which a time lies; None where it lies in none."""
    if rules.quiet is None:
        return None
    zone, (begin, end) = ZoneInfo(rules.zone), rules.quiet
    for day in _days(at, zone):
        begun = moment(day, begin, zone)
        over = moment(day if end > begin else day + _DAY, end, zone)
        if begun <= at < over:
            return over
    return None


def due_at(rules: DestinationRules, created_at: datetime, now: datetime) -> datetime:
    """Return when something that can wait is sent to a destination; no later than `now` where that is now.

    It waits for the digest after it was written, and then for the end of quiet hours.
    """
    due = max(created_at, now)
    if rules.digest is not None:
        due = max(now, _next(rules.digest, ZoneInfo(rules.zone), created_at))
    return quiet_until(rules, due) or due


def _next(at: time, zone: tzinfo, after: datetime) -> datetime:
    """Return the first moment after another at which it is a time of day."""
    return next(due for day in _days(after, zone) if (due := moment(day, at, zone)) > after)


def _days(at: datetime, zone: tzinfo) -> Iterator[date]:
    """Yield the local day before a time, that of it, and those after it that may matter."""
    day = at.astimezone(zone).date()
    for distance in range(-1, 3):
        yield day + distance * _DAY
