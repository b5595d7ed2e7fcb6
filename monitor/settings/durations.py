"""Durations as people write them in a file (`90s`, `5m`, `24h`, `7d`), and back."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
PATTERN = r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d|w)$"
LONGEST = timedelta(days=366)
"""Beyond it a limit is switched off rather than lengthened."""

_MEND = 'write a number with its unit, as in "90s", "5m", "24h" or "7d"'


def parse(value: object) -> timedelta:
    """Read a duration.

    Raises:
        ValueError: it has no unit, another shape, or is longer than `LONGEST`; the message ends a sentence that began
            with the key path.
    """
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or re.fullmatch(PATTERN, value) is None:
        raise ValueError(f"is not a duration; {_MEND}")
    number = value.rstrip("mshdw")
    count, unit = float(number), _UNITS[value[len(number) :]]
    if count > LONGEST / unit:  # before they are multiplied, which could overflow
        raise ValueError(f"is longer than {spoken(LONGEST)}; write a shorter duration")
    return count * unit


def positive(value: timedelta) -> timedelta:
    """Refuse a duration of nothing.

    Raises:
        ValueError: it is zero.
    """
    if not value:
        raise ValueError(f"must be longer than nothing; {_MEND}")
    return value


def spoken(value: timedelta) -> str:
    """Return the shortest exact spelling that `parse` reads back (`24h` is `1d`)."""
    for unit, length in _UNITS.items():
        if value % length == timedelta() and (value or unit == "s"):
            return f"{value // length}{unit}"
    return f"{value / _UNITS['ms']}ms"
