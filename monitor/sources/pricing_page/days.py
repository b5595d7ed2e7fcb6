"""Days in the words around tables, and what they say of when prices hold.

A spelling that may be read in two ways (`1/10/2027`, a day without its year, another time zone) is a day all the same,
and an unknown one: what it is said of is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from monitor.core.time import MONTH
from monitor.core.time import month as month_number
from monitor.sources.pricing_page.cells import ALWAYS, CellWindow

_MONTH = rf"{MONTH}\.?"
_DAY = r"[0-3]?[0-9](?:st|nd|rd|th)?"
_YEAR = r"20[0-9]{2}(?![0-9])"
_DATE = re.compile(
    rf"(?<![\w.-])(?:(?P<m1>{_MONTH}) (?P<d1>{_DAY}),? (?:of )?(?P<y1>{_YEAR})"
    rf"|(?P<d2>{_DAY})\.? (?:of )?(?P<m2>{_MONTH}),? (?P<y2>{_YEAR})"
    rf"|(?P<y3>{_YEAR})[-/.](?P<m3>[0-9]{{1,2}})[-/.](?P<d3>[0-9]{{1,2}})(?![0-9])"
    rf"|(?P<m4>{_MONTH}),? (?P<y4>{_YEAR})"
    rf"|q(?P<q1>[1-4])[ /,-]+(?P<y5>{_YEAR})|(?P<y6>{_YEAR})[ /-]?q(?P<q2>[1-4])\b"
    rf"|(?P<vague>{_MONTH} {_DAY}(?![\w,.]*[0-9])|{_DAY} (?:of )?{_MONTH}(?![a-z])"
    r"|[0-9]{1,2}[./-][0-9]{1,2}[./-](?:20)?[0-9]{2}(?![0-9])"
    rf"|(?:q[1-4]|h[12])\b(?: {_YEAR})?)"
    rf"|(?P<y7>{_YEAR})(?![-\w]))",
    re.IGNORECASE,
)
_CLOCK_BEFORE = re.compile(
    (
        r"(?P<h>[0-2]?[0-9])[:.](?P<m>[0-5][0-9]) ?(?P<half>[ap]\.?m\.?)? "
        r"?\(?(?P<zone>[A-Za-z]{1,5}(?:[+-][0-9:]+)?)?\)?(?: time)?,?(?: (?:on|of))?(?: the)?,? $"
    ),
    re.IGNORECASE,
)
_CLOCK_AFTER = re.compile(
    (
        r",?(?: at)? (?P<h>[0-2]?[0-9])[:.](?P<m>[0-5][0-9]) ?(?P<half>[ap]\.?m\.?)? "
        r"?\(?(?P<zone>[A-Z]{1,5}(?:[+-][0-9:]+)?)?"
    ),
    re.IGNORECASE,
)
_ENDS = re.compile(
    r"(?:\buntil|\btill?|\bvalid to|\bup to|\bbefore|\bprior to|\bexpir\w+|\bend(?:s|ed|ing)?|\bceas\w+"
    r"|\bsuperseded|\breplaced|\bdiscontinued)"
    r"(?: (?:on|from|at|as|of|the|and|including))*:? ?(?:the )?$",
    re.IGNORECASE,
)
_RANGE = re.compile(r"^,? ?(?:(?:and )?to|[–—-])(?: the)? ?$", re.IGNORECASE)
_AFTER = re.compile(r"(?<!on or )\bafter(?: the)? $", re.IGNORECASE)
_DENIED = re.compile(r"\b(?:no|not|never|cannot)\b|n[’']t\b", re.IGNORECASE)
_LASTS = re.compile(r"\b(?:through|thru)(?: the end of)?(?: on)? $", re.IGNORECASE)
_BEGINS = re.compile(
    r"\b(?:from|start\w*|beginn?\w*|effective|as of|since|after|onwards?|introduced|(?:take|takes|taking|took) "
    r"effect|com(?:e|es|ing) into (?:effect|force)"
    r"|go(?:es|ing)? (?:live|into effect)|in (?:effect|force)|appl(?:y|ies|ied|icable)|valid)\b[^.;§]{0,24}$",
    re.IGNORECASE,
)
_ONWARDS = re.compile(r" ?(?:onwards?|forward|and (?:later|after|onwards?|beyond)|or later)\b", re.IGNORECASE)
_OPEN = re.compile(r"\bat least (?:until|till?|through|thru|to)(?: the end of)? $", re.IGNORECASE)
_CHANGES = re.compile(r"\b(?:chang|increas|decreas|ris|rais|lower|adjust|reduc|drop|doubl)\w*\b", re.IGNORECASE)


class Day(NamedTuple):
    """A stretch of time named in a text, at `start` to `stop` of it: when it begins and when it is over (UTC); None for
    an unknown one.
    """

    start: int
    stop: int
    begin: datetime | None
    over: datetime | None


def days(text: str) -> Iterator[Day]:
    """Yield the days, months, quarters and years that a text names, in its order."""
    for match in _DATE.finditer(text):
        start, stop = match.span()
        begin, over = _stretch(match)
        before, after = _CLOCK_BEFORE.search(text[:start]), _CLOCK_AFTER.match(text[stop:])
        if clock := before or after:
            start, stop = (clock.start(), stop) if before else (start, stop + clock.end())
            begin = over = _moment(begin, clock)
        yield Day(start, stop, begin, over)


def _stretch(match: re.Match[str]) -> tuple[datetime | None, datetime | None]:
    groups = {key: value for key, value in match.groupdict().items() if value}
    if "vague" in groups:
        return None, None
    by = {key[0]: value for key, value in groups.items()}
    year = int(by["y"])
    try:
        if "q" in by:
            return _months(year, 3 * int(by["q"]) - 2, 3)
        if "m" not in by:
            return _months(year, 1, 12)
        month = int(by["m"]) if by["m"].isdecimal() else month_number(by["m"].rstrip("."))
        if "d" not in by:
            return _months(year, month, 1)
        begin = datetime(year, month, int(by["d"].rstrip("stndrh")), tzinfo=UTC)
    except ValueError:
        return None, None
    return begin, begin + timedelta(days=1)


def _months(year: int, first: int, count: int) -> tuple[datetime, datetime]:
    over = first - 1 + count
    return datetime(year, first, 1, tzinfo=UTC), datetime(year + over // 12, over % 12 + 1, 1, tzinfo=UTC)


def _moment(day: datetime | None, clock: re.Match[str]) -> datetime | None:
    """Return the moment of a day that a clock names in UTC; None in any other zone, or in none."""
    if day is None or clock["half"] or (clock["zone"] or "").upper() not in ("UTC", "GMT", "Z") or int(clock["h"]) > 23:
        return None
    return day + timedelta(hours=int(clock["h"]), minutes=int(clock["m"]))


def window(text: str, named: list[Day]) -> CellWindow | None:
    """Return when prices hold of which a text says nothing but that, in the days it names; None where that is not
    clear.
    """
    begin = end = None
    at = 0
    for day in named:
        before, at = text[at : day.start], day.stop
        if day.begin is None or day.over is None or _DENIED.search(before):
            return None
        if _OPEN.search(before):
            continue
        if _LASTS.search(before):
            bound, last = day.over, True
        elif _ENDS.search(before) or (begin and _RANGE.match(before)):
            bound, last = day.begin, True
        elif _AFTER.search(before):
            bound, last = day.over, False
        elif (_BEGINS.search(before) or _ONWARDS.match(text[day.stop :])) and not _CHANGES.search(before):
            bound, last = day.begin, False
        else:
            return None
        if (end if last else begin) is not None:
            return None
        begin, end = (begin, bound) if last else (bound, end)
    return both(ALWAYS, CellWindow(begin, end))


def both(one: CellWindow, other: CellWindow) -> CellWindow | None:
    """Return the time that lies in two windows; None where there is none."""
    begin = max(filter(None, (one.begin, other.begin)), default=None)
    end = min(filter(None, (one.end, other.end)), default=None)
    return None if begin and end and begin >= end else CellWindow(begin, end)
