"""Days on pages of ends: one strict set of spellings, and the words that make a day the earliest or the first one.

`08/16/26` is a day only where other dates of the same page show which of its numbers is the month. A month without a
day, a day with a condition and any word that is not known make no day: a wrong one is worse than none.
"""

from __future__ import annotations

import re
from datetime import date

from monitor.core.ends import AnnouncedEnd, Precision
from monitor.core.time import MONTH, month

_NUMERIC = re.compile(r"(?<![\d./-])(\d{1,2})([./])(\d{1,2})\2((?:20)?\d{2})(?![\d./-])", re.ASCII)
_DAY = re.compile(
    rf"(?P<y1>20\d\d)(?P<s>[-/.])(?P<m1>\d{{1,2}})(?P=s)(?P<d1>\d{{1,2}})"
    rf"|(?P<m2>{MONTH})\.? (?P<d2>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y2>20\d\d)"
    rf"|(?P<d3>\d{{1,2}})(?:st|nd|rd|th)? (?:of )?(?P<m3>{MONTH})\.?,? (?P<y3>20\d\d)"
    r"|(?P<y4>20\d\d) ?年 ?(?P<m4>\d{1,2}) ?月 ?(?P<d4>\d{1,2}) ?日"
    r"|(?P<n1>\d{1,2})(?P<sep>[./])(?P<n2>\d{1,2})(?P=sep)(?P<y5>(?:20)?\d\d)",
    re.IGNORECASE | re.ASCII,
)
_BOUNDED = re.compile(rf"(?<![\w./-])(?:{_DAY.pattern})(?![\w/]|[.-]\d)", re.IGNORECASE | re.ASCII)
_ZONE = r"(?:UTC|GMT|PST|PDT|PT|EST|EDT|ET|CET|CST|Z)(?:[+-]\d{1,2}(?::?\d{2})?)?"
_CLOCK = (
    r"(?:(?:,? (?:at )?|T)?\d{1,2}[:.]\d{2}(?:[:.]\d{2})? ?(?:[ap]\.?m\.?)?"
    rf"(?: ?\(?{_ZONE}(?: time)?\)?)?)?(?: ?\({_ZONE}\))?"
)
_SOONEST = (
    r"(?:not|no) (?:be )?(?:sooner|earlier|before)(?: than)?|not before"
    r"|(?:at (?:the )?)?earliest(?: possible)?(?: date)?|at least until|tentatively(?: not sooner than)?"
)
_EARLIEST = re.compile(rf"(?:{_SOONEST})(?: on)?:? ?", re.IGNORECASE)
_ON_OR_AFTER = re.compile(r"on or after ", re.IGNORECASE)
_WEEKDAY = re.compile(r"(?:mon|tues|wednes|thurs|fri|satur|sun)day,? ", re.IGNORECASE)
_ON = re.compile(
    r"(?:(?:shut ?down|shutdown|retired?|retires|discontinued|end of life|eol|legacy|scheduled)(?: (?:on|for))?:? "
    r"|on )",
    re.IGNORECASE,
)
_LATER = re.compile(r",? ?\(?(?:or|and) (?:later|after|beyond|onwards?)\)?|,? onwards?", re.IGNORECASE)
_SOONEST_AFTER = re.compile(r",? ?\(?(?:(?:at (?:the )?)?earliest|(?:not|no) sooner)\)?", re.IGNORECASE)
_TIME = re.compile(_CLOCK, re.IGNORECASE)

_DATES = r"(?:shut ?down|retirement|retire|discontinuation|eol|end[- ]of[- ]life|sunset|deprecation) dates?"
_ALL_EARLIEST = re.compile(
    rf"earliest (?:possible )?{_DATES}|{_DATES}[^.]*\bearliest possible|\bearliest possible[^.]*\bdates?\b"
    rf"|{_DATES}[^.]*\b(?:are|indicate|mean)\b[^.]*\b(?:not|no) (?:sooner|earlier) than"
    rf"|(?:{_DATES}|(?:retirement|shutdown) timelines?)[^.]*\b(?:may|might|can|could) be (?:extended|postponed)"
    rf"|{_DATES}[^.]*\b(?:not|never) be moved to an earlier",
    re.IGNORECASE,
)
_ALL_AFTER = re.compile(rf"{_DATES}[^.]*\bor later\b", re.IGNORECASE)

IN_GENERAL = re.compile(
    r"\b(?:may|might|can|could|would|if|unless|should|in case|whenever|sometimes|generally|typically)\b", re.IGNORECASE
)
"""Words of a rule about ends as such, which says nothing of a day that stands here."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z`*_(])")
_TENTATIVE = re.compile(
    r"\b(?:tentative|provisional|estimated|approximate|preliminary|projected|indicative)\b[^.]*\b(?:dates?|days?"
    r"|timelines?|schedules?)\b"
    r"|\b(?:dates?|days?|timelines?|schedules?)\b[^.]*\b(?:tentative|provisional|estimates?|estimated|approximate"
    r"|preliminary|projected|indicative|not (?:yet )?final)\b",
    re.IGNORECASE,
)
_NOTED_EARLIEST = re.compile(
    r"\b(?:not|no)(?: be \w+)? (?:sooner|earlier|before)\b|\bearliest\b|\bnot before\b|\bat least until\b"
    r"|\b(?:may|might|could|can) (?:be (?:extended|postponed|later)|move (?:later|back)|change)\b",
    re.IGNORECASE,
)
_NOTED_LATER = re.compile(r"\bor later\b|\bon or after\b", re.IGNORECASE)
_MARK = re.compile(r"\s*\\?(?:[*†‡§]{1,3}|\[[0-9]\]|[¹²³])\s*(?=\S)")


class DateReader:
    """Reads days of one page. `text` is all of it: its dates show together in which order it writes numbers."""

    def __init__(self, text: str) -> None:
        self._month_first: dict[str, bool] = {}
        firsts: dict[str, set[bool]] = {}
        for first, separator, second, _ in _NUMERIC.findall(text):
            if int(first) > 12 or int(second) > 12:
                firsts.setdefault(separator, set()).add(int(second) > 12)
        for separator, orders in firsts.items():
            if len(orders) == 1:
                self._month_first[separator] = orders.pop()

    def day(self, text: str) -> date | None:
        """Return the day that a text names, with or without a time of it, and nothing else; None where it says more,
        less or otherwise.
        """
        match = _DAY.match(text)
        rest = "" if match is None else text[match.end() :]
        return self._of(match) if match is not None and _TIME.fullmatch(rest) else None

    def end(self, text: str, default: Precision = Precision.FIRM) -> AnnouncedEnd | None:
        """Return the end that a cell states; None where it is not understood. `default` is how sure a bare day is."""
        text = " ".join(text.split()).rstrip(".")
        precision = default
        if prefix := _EARLIEST.match(text):
            precision, text = Precision.EARLIEST, text[prefix.end() :]
        elif prefix := _ON_OR_AFTER.match(text):
            precision, text = Precision.AFTER, text[prefix.end() :]
        elif prefix := _ON.match(text):
            text = text[prefix.end() :]
        text = _WEEKDAY.sub("", text, count=1) if _WEEKDAY.match(text) else text
        match = _DAY.match(text)
        if match is None or (day := self._of(match)) is None:
            return None
        rest = text[match.end() :]
        if _LATER.fullmatch(rest):
            return AnnouncedEnd(day, Precision.AFTER)
        if _SOONEST_AFTER.fullmatch(rest):
            return AnnouncedEnd(day, Precision.EARLIEST)
        return AnnouncedEnd(day, precision) if _TIME.fullmatch(rest) else None

    def days_in(self, text: str) -> list[tuple[int, int, date | None]]:
        """Return where a sentence names days, and which; None for one that may be read in two ways."""
        return [(match.start(), match.end(), self._of(match)) for match in _BOUNDED.finditer(text)]

    def _of(self, match: re.Match[str]) -> date | None:
        parts = {key: value for key, value in match.groupdict().items() if value and key not in ("s", "sep")}
        try:
            if "n1" in parts:
                month_first = self._month_first.get(match["sep"])
                if month_first is None and parts["n1"] != parts["n2"]:
                    return None
                numbers = (int(parts["n1"]), int(parts["n2"]))
                year = int(parts["y5"]) % 100 + 2000
                return date(year, *(numbers if month_first else reversed(numbers)))
            by = {key[0]: value for key, value in parts.items()}
            number = int(by["m"]) if by["m"].isdecimal() else month(by["m"])
            return date(int(by["y"]), number, int(by["d"]))
        except ValueError:
            return None


def precision_of_header(label: str) -> Precision:
    """Return how sure the bare days of a column are, by its label in lower case."""
    if re.search(r"(?:not|no) (?:sooner|earlier|before)|earliest|tentative|not before", label):
        return Precision.EARLIEST
    return Precision.AFTER if re.search(r"or (?:later|after)", label) else Precision.FIRM


def precision_of_all(text: str) -> Precision | None:
    """Return how sure the days are that a paragraph speaks of in general (`The shutdown dates below are the earliest
    possible ones`), calls estimates, or says so of in a footnote; None where it says nothing of that.
    """
    bare = text.replace("*", "").replace("_", " ")
    if _ALL_EARLIEST.search(bare):
        return Precision.EARLIEST
    if _ALL_AFTER.search(bare):
        return Precision.AFTER
    return _of_footnote(text) or (Precision.EARLIEST if any(map(_tentative, sentences(text))) else None)


def _tentative(sentence: str) -> bool:
    """Return whether a sentence says of the days in its section that they are estimates."""
    return _TENTATIVE.search(sentence) is not None and IN_GENERAL.search(sentence) is None


def _of_footnote(paragraph: str) -> Precision | None:
    """Return how sure a footnote says that days are; None where it is none, or says nothing of that.

    Which rows bear its mark is not known any more, so that it is taken to be about all of its section.
    """
    mark = _MARK.match(paragraph)
    if mark is None:
        return None
    words = paragraph[mark.end() :]
    if _NOTED_EARLIEST.search(words) or _TENTATIVE.search(words):
        return Precision.EARLIEST
    return Precision.AFTER if _NOTED_LATER.search(words) else None


def sentences(text: str) -> list[str]:
    """Return the sentences of a paragraph."""
    return _SENTENCE.split(text)
