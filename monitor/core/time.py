"""Months by name, and how long ago something was, the same wherever people read them."""

from __future__ import annotations

from datetime import date, timedelta

_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
# Not `calendar.month_name`: it speaks the language of the process, and pages speak English.
_NUMBERS = {name[:3]: number for number, name in enumerate(_MONTHS, 1)}
_SPELLINGS = frozenset({*_MONTHS, *_NUMBERS, "sept"})

MONTH = rf"(?:{'|'.join(f'{name[:3]}(?:{name[3:]})?' for name in _MONTHS)}|sept)"
"""A pattern for the name of a month, whole or short, in lower case."""


def month(name: str) -> int:
    """Return the number of a month that is named whole or short, in any case: 9 for `September`, `Sep` and `sept`.

    Raises:
        ValueError: no month is called so.
    """
    if name.lower() not in _SPELLINGS:
        raise ValueError(f"{name!r} is no month")
    return _NUMBERS[name[:3].lower()]


def rounded(span: timedelta) -> str:
    """Return a span in one unit, rounded down, from two of that unit on: `40 s`, `12 min`, `5 h`, `3 d`; `0 s` for one
    that is negative.
    """
    seconds = max(0, int(span.total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def short_day(day: date) -> str:
    """Return a day without its year, as a headline has room for: `Aug 2`."""
    return f"{_MONTHS[day.month - 1][:3].title()} {day.day}"
