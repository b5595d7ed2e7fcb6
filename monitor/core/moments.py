"""Times as people write them, and as they are shown.

No clock in here: `2h ago` is kept as it is until somebody who has a clock resolves it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_AGO = re.compile(r"(\d{1,9})\s*(s|m|h|d|w|sec|min|second|minute|hour|day|week)s?\s+ago", re.IGNORECASE)
_AHEAD = re.compile(r"in\s+(\d{1,9})\s*(s|m|h|d|w|sec|min|second|minute|hour|day|week)s?", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})")
_LOCAL = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?")


FARTHEST = 2000 * 365 * 86_400
"""Seconds from now that the calendar reaches back and ahead."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as written: absolute, or so long ago (ahead, where that is negative)."""

    at: datetime | None = None
    ago: timedelta = timedelta(0)

    def resolve(self, now: datetime) -> datetime:
        """Return the time meant, in UTC."""
        return now - self.ago if self.at is None else self.at


def parse(text: str) -> Moment:
    """Read RFC 3339, a date (its first moment in UTC), `now`, `90s|15m|2h|3d|1w ago`, or `in 90s|15m|2h|3d|1w`.

    Raises:
        ValueError: it is none of these, or no such day exists; the message says what to write.
    """
    text = text.strip()
    if text.lower() == "now":
        return Moment()
    if span := _AGO.fullmatch(text) or _AHEAD.fullmatch(text):
        seconds = int(span[1]) * _UNITS[span[2][0].lower()]
        if seconds > FARTHEST:
            raise ValueError(f"{text!r} is outside the calendar")
        return Moment(ago=timedelta(seconds=seconds if span.re is _AGO else -seconds))
    if _LOCAL.fullmatch(text):
        raise ValueError(
            f"{text!r} names no zone: write {text.replace(' ', 'T')}Z for UTC, or an offset such as +02:00"
        )
    if not (_DATE.fullmatch(text) or _RFC3339.fullmatch(text)):
        raise ValueError(f"{text!r} is no time: write 2026-07-30T17:34:21Z, 2026-07-30 (UTC) or '2h ago'")
    try:
        read = datetime.fromisoformat(text.upper())
        return Moment(at=read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC))
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no day or time of the calendar") from None


def utc(at: datetime) -> str:
    """Return a time in UTC, to the second: `2026-07-30 17:34:21Z`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def local(at: datetime, zone: tzinfo | None = None) -> str:
    """Return the same time where the user is (the system's zone unless given): `19:34 CEST`, with the date where it
    differs.

    Empty where the user's zone is at UTC: nobody needs the same time twice.
    """
    there = at.astimezone(zone)
    if not there.utcoffset():
        return ""
    name = there.tzname() or ""
    if not name.isalpha():
        name = f"{there:%z}"
    day = "" if there.date() == at.astimezone(UTC).date() else f"{there:%Y-%m-%d} "
    return f"{day}{there:%H:%M} {name}"


def both(at: datetime, zone: tzinfo | None = None) -> str:
    """UTC, and the user's own time in brackets: `2026-07-30 17:34:21Z (19:34 CEST)`."""
    here = local(at, zone)
    return f"{utc(at)} ({here})" if here else utc(at)
