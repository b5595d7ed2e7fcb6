"""What a title says of the prices below it: nothing that tells them apart, a day, or an offer of its own.

The words that tell nothing apart are counted out here, and those of the models that stand in the table and of their
provider belong to them. Any other word makes the title's prices an offer of its own: what it sets apart is not known,
but they are not those of a plain call.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from monitor.sources.pricing_page import conditions, money
from monitor.sources.pricing_page.cells import ALWAYS, TIER_WORDS, CellWindow
from monitor.sources.pricing_page.days import days, window

OTHER = "other:"
"""What the tier of an offer begins with whose title is not understood."""

_TELLING_NOTHING = """
a an the of for and or to in on by with our all your every each any this these those is are was how much what does do
it we us you here price prices pricing priced cost costs rate rates list lists table tables data grouped detail
details overview summary information info model models family families series text token tokens usage use api apis
language large llm llms ai gpt chat completion completions generation generative generator reasoning foundation
flagship frontier specialized specialised core main general purpose multipurpose latest current currently newest now
available supported other others more additional further different across open weight weights small nano mini
embedding embeddings moderation feature features specific feature-specific model-specific input output inputs outputs
per million usd dollar dollars developer developers platform docs documentation guide guides reference index home page
billing inference serverless pay go as demand simple transparent flexible first next-generation part section appendix
figure no cyber product products
"""
PLAIN = frozenset(_TELLING_NOTHING.split())
"""Words that tell no prices apart from others."""

_READ_ELSEWHERE = """
audio realtime speech voice image images video videos vision music transcription transcriptions translation
recognition synthesis multimodal standard batch flex priority fast ultrafast mode processing service tier long short
context contexts
"""
_KNOWN = PLAIN | frozenset(_READ_ELSEWHERE.split())
"""With the words of modalities, tiers and bands, which are judged by themselves."""

_UNNAMED = re.compile(r"\b(?:tier|mode|processing|service)\b", re.IGNORECASE)
_TIERS = re.compile(rf"\b(?:{TIER_WORDS})\b", re.IGNORECASE)
_OF_AN_AGE = re.compile(
    r"\b(?:new|newer|newest|legacy|older|deprecated|previous[- ]generation|earlier)(?= (?:\w+ )?models?\b)",
    re.IGNORECASE,
)
_SOME_TIME = re.compile(
    r"\b(?:coming|soon|upcoming|future|planned|proposed|announced|tentative|draft|(?:next|last) (?:week|month"
    r"|quarter|year|spring|summer|fall|autumn|winter)|tomorrow|sunset\w*|retir\w+"
    r"|(?:before|after|until) the \w+|no longer|not yet|(?:this|later this) (?:week|month|quarter|year|fall"
    r"|autumn|spring|summer|winter))\b",
    re.IGNORECASE,
)
_PAST = re.compile(
    (
        r"\b(?:old|former(?:ly)?|previous(?:ly)?|past|histor\w+|archiv\w*|superseded|expired|outdated|obsolete"
        r"|deprecated|legacy|discontinued|ended)\b"
    ),
    re.IGNORECASE,
)
_DATING = re.compile(
    r"\b(?:effective|starting|start|starts|beginning|begins|valid|from|as of|since|until|till|through|thru"
    r"|before|after|onwards?|forward|in effect|in force|take effect"
    r"|will|apply|applies|applicable|remain|new|current|old|expires?|expiring|ends?|ending|superseded|replaced"
    r"|on|prior|up|later|date|following|price list)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+(?:[.'’-][^\W_]+)*")
_MARKED = re.compile(r"[a-z]|[0-9]{1,2}|[ivx]{1,4}")
_LONGEST = 60


class Title(NamedTuple):
    """What a title says: why its prices are not known (`doubt`), whether they are `past`, when they hold, the words
    that tell them apart, the tier of the offer that these make, and the region or hours in which alone they hold.
    """

    doubt: str = ""
    past: bool = False
    window: CellWindow = ALWAYS
    strange: frozenset[str] = frozenset()
    offer: str = ""
    condition: str = ""

    @property
    def plain(self) -> bool:
        """Whether it says nothing that tells prices apart, whatever the models are called."""
        return not (self.doubt or self.past or self.strange) and self.window is ALWAYS


@lru_cache(maxsize=1024)  # a page bears the same titles at nearly every poll
def title(text: str) -> Title:
    """Read a title."""
    if words := money.foreign(text):
        return Title(doubt=f"the title {text!r} names another currency than USD ({words})")
    if words := money.other_unit(text):
        return Title(doubt=f"the title {text!r} names another unit than 1M tokens ({words})")
    rest, when = _OF_AN_AGE.sub(" ", text), ALWAYS
    if named := list(days(rest)):
        dated = window(rest, named)
        if dated is None:
            return Title(doubt=f"the title {text!r} names a time, and it is not clear which prices hold then")
        when = dated
        for day in reversed(named):
            rest = rest[: day.start] + " " + rest[day.stop :]
        rest = _DATING.sub(" ", rest)
    elif match := _SOME_TIME.search(rest):
        return Title(doubt=f"the title {text!r} is about another time ({match[0]})")
    elif match := _PAST.search(rest):
        return Title(past=True)
    condition, rest = _condition(rest)
    strange = words_of(money.unpriced(rest)) - _KNOWN
    if _UNNAMED.search(rest) and not _TIERS.search(rest):
        strange |= {"tier"}
    if when is not ALWAYS and _SOME_TIME.search(rest):
        strange |= {"time"}
    slug = "-".join(re.findall(r"[a-z0-9]+", text.lower()))[:_LONGEST].strip("-")
    offer = OTHER + slug if strange else ""
    return Title(window=when, strange=frozenset(strange), offer=offer, condition=condition)


def _condition(text: str) -> tuple[str, str]:
    """Return the region or the hours of which a title is, and the rest of it; nothing and the whole of it where it is
    of neither.
    """
    stripped = text.strip(" :.()")
    if match := conditions.OF_REGION.fullmatch(stripped):
        return conditions.region_of(match), ""
    match = conditions.HOURS.search(text)
    rest = text[: match.start()] + text[match.end() :] if match else ""
    if match and not words_of(conditions.OFF_PEAK.sub(" ", rest)) - _KNOWN:
        return conditions.hours_of(match), ""
    return "", text


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text, in lower case, without those that only count or mark (`A`, `2`, `IV`)."""
    words = (word.lower().removesuffix("'s").removesuffix("’s") for word in _WORD.findall(text))
    return frozenset(word for word in words if not _MARKED.fullmatch(word))


def parts(names: frozenset[str] | tuple[str, ...]) -> frozenset[str]:
    """Return the words that models go by: `gpt-5.6-sol` is `gpt`, `5.6`, `sol`, and `gpt-5.6`."""
    words: set[str] = set()
    for name in names:
        pieces = [piece for piece in re.split(r"[\s/:_-]+", name.lower()) if piece]
        words.update(pieces)
        words.update(
            "-".join(pieces[start:stop]) for start in range(len(pieces)) for stop in range(start + 2, len(pieces) + 1)
        )
    return frozenset(words)
