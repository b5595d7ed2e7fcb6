"""Ends that a page states in sentences: `The model … will be retired on …`, and a sentence with a list below it.

Only a sentence that says one thing is read: one day, ids marked as code, a word for the end. One that speaks of a
notice, of conditions or of more than one day states none; where it may be an end all the same it is refused.

To be deprecated is no end where a page tells the two apart. `The model … will be deprecated on …` is one where it does
not, and says nothing else of that model: some providers know no other word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from monitor.core.ends import AnnouncedEnd, Precision
from monitor.sources.deprecations import names
from monitor.sources.deprecations.dates import DateReader, sentences
from monitor.sources.deprecations.names import Named
from monitor.sources.pricing_page.blocks import Block, PageTable, Paragraph
from monitor.sources.pricing_page.inline import CODE

_ENDS = re.compile(
    r"\b(?:shut(?:ting)? down|shutdown|be retired|(?:is|are|was|were) (?:fully )?retired|retires?|retiring|retirement"
    r"|discontinu\w+|(?:be|been|is|are|was|were) removed|removal from|sunset\w*|end[- ]of[- ]life|decommission\w+"
    r"|no longer (?:be )?(?:available|accessible|supported|work\w*|served)|inaccessible|taken offline"
    r"|(?:turned|switched) off)\b",
    re.IGNORECASE,
)
_DEPRECATED = re.compile(r"\bdeprecat\w+\b", re.IGNORECASE)
_WILL_BE_DEPRECATED = re.compile(
    r"\b(?:will|shall|(?:is|are) (?:to|going to|(?:scheduled|planned|set|due) to)) (?:be )?(?:fully |officially )?"
    r"deprecated?\b",
    re.IGNORECASE,
)
_STAYS = re.compile(
    r"\b(?:remain\w*|still|continue\w*|available|access\w*|work\w*|support\w*|(?:not|no longer) recommended)\b",
    re.IGNORECASE,
)
_NOTICE = re.compile(
    r"\b(?:notif\w+|announc\w+|releas\w+|launch\w+|introduc\w+|updated|published|e-?mail\w*|replac\w+ by)\b",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"\b(?:if|unless|may|might|could|should|would|new (?:customers|users|accounts)|existing (?:customers|users)"
    r"|fine[- ]?tun\w*|not affected|unaffected|continue|remain\w*|extended|except|until|free tier|region\w*"
    r"|provisioned|training|parameter\w*)\b",
    re.IGNORECASE,
)
_NOT = re.compile(r"\b(?:not|never|cannot|won't|isn't)\b", re.IGNORECASE)
_EARLIEST = re.compile(
    r"\b(?:no|not)(?: be \w+)? (?:sooner|earlier|before)(?: than)?\b|\bat the earliest\b|\bearliest\b|\bnot before\b",
    re.IGNORECASE,
)
_LATER = re.compile(r"\bor (?:later|after)\b|\bon or after\b|\bonwards?\b", re.IGNORECASE)
_LIST_FOLLOWS = re.compile(r"\b(?:following|below|these|listed)\b", re.IGNORECASE)
_BULLET = re.compile(r"^(?:[-+*•]|\d+[.)])\s+")
_SPAN = re.compile(rf"{CODE}[^{CODE}]*{CODE}")
_SERIES = re.compile(
    rf"{CODE}[^{CODE}]*{CODE}(?= (?:series|family|families|line|lineup|variants|models)\b)", re.IGNORECASE
)

"""A span that names several models at once, and none of them."""


ONLY_DEPRECATED = "it says only that it is deprecated on that day, not that it ends"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndStatement:
    """What a sentence, or an item of a list below one, says: what ends, and when; `reason` is why it was not read.
    Where both stand it is only deprecated on that day, which may be its end.
    """

    named: Named
    end: AnnouncedEnd | None
    line: int
    reason: str = ""


class Prose:
    """Reads the paragraphs of a page in their order, and the lists that a sentence opens."""

    def __init__(self, dates: DateReader) -> None:
        self._dates = dates
        self._list: AnnouncedEnd | None = None  # the end of what the items that follow name

    def read(self, block: Block) -> Iterator[EndStatement]:
        """Yield what a block states."""
        if not isinstance(block, Paragraph):
            self._list = None if isinstance(block, PageTable) else self._list
            return
        text = _BULLET.sub("", block.text)
        item = _item(text)
        if item is not None:
            if self._list is not None:
                yield EndStatement(named=item, end=self._list, line=block.line)
            return
        self._list = None
        for sentence in sentences(text):
            yield from self._sentence(sentence, block.line)

    def _sentence(self, sentence: str, line: int) -> Iterator[EndStatement]:
        ends = _ENDS.search(sentence)
        word = ends or _DEPRECATED.search(sentence)
        days = self._dates.days_in(sentence)
        if word is None or not days or _NOTICE.search(sentence):
            return
        follows = _LIST_FOLLOWS.search(sentence) is not None and CODE not in sentence
        named = names.of_spans(_subject(sentence, word.start(), word.end()))
        if not follows and not any(named):
            return
        end, reason = self._end(sentence, days)
        if ends is None:
            deprecated = end if end is not None and not follows and _WILL_BE_DEPRECATED.search(sentence) else None
            list_below = "the list below: " if follows else ""
            self._list = None
            yield EndStatement(named=named, end=deprecated, line=line, reason=list_below + ONLY_DEPRECATED)
        elif follows:
            self._list = end
            if end is None:
                yield EndStatement(named=Named(), end=None, line=line, reason=f"the list below: {reason}")
        elif end is None:
            yield EndStatement(named=named, end=None, line=line, reason=reason)
        else:
            yield EndStatement(named=named, end=end, line=line)

    def _end(self, sentence: str, days: list[tuple[int, int, date | None]]) -> tuple[AnnouncedEnd | None, str]:
        """Return the end that a sentence states, or None and why it states none."""
        if len(days) > 1:
            return None, "it names more than one day"
        day = days[0][2]
        if day is None:
            return None, "its day may be read in two ways"
        sentence = "".join((sentence[: days[0][0]], "that day", sentence[days[0][1] :]))  # `May` is no condition
        rest = _EARLIEST.sub("", sentence)
        if _CONDITION.search(rest):
            return None, "it names a condition"
        if _NOT.search(rest):
            return None, "it says that something does not end"
        if rest != sentence:
            return AnnouncedEnd(day, Precision.EARLIEST), ""
        return AnnouncedEnd(day, Precision.AFTER if _LATER.search(sentence) else Precision.FIRM), ""


def tells_apart(block: Block, dates: DateReader) -> bool:
    """Return whether a block tells what is deprecated from what has ended: that it goes on, or that its end is another
    day.
    """
    if not isinstance(block, Paragraph):
        return False
    return any(
        (_DEPRECATED.search(sentence) and (_ENDS.search(sentence) or _STAYS.search(sentence)))
        or (_ENDS.search(sentence) and CODE not in sentence and dates.days_in(sentence))
        for sentence in sentences(block.text)
    )


def _subject(sentence: str, start: int, stop: int) -> str:
    """Return the part of a sentence that names what ends: before the word for the end, or right behind it where
    somebody ends it (`we will shut down `a` and `b``).
    """
    before = _SERIES.sub("", sentence[:start])
    if CODE in before:
        return before
    behind = re.match(rf"(?:\s|,|and|or|the|models?|{_SPAN.pattern})+", sentence[stop:])
    return behind[0] if behind else ""


def _item(text: str) -> Named | None:
    """Return what an item of a list names that begins with ids; None where it is none. What stands in parentheses
    behind an id is another name of it, or explains it.
    """
    if not text.startswith(CODE):
        return None
    aliases = re.findall(r"\((?:and |including |alias\w*:? )[^()]*\)", text)
    rest = re.sub(r"\([^()]*\)", "", text)
    if re.sub(r"[\s,;./|]|and|or", "", _SPAN.sub("", rest)):
        return None
    named = names.of_spans(" ".join([rest, *aliases]))
    return named if any(named) else None
