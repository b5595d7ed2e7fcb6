"""When an amount or a row holds, in the words that stand beside it: which prompts, what kind of tokens, until which
day.

Each is one strict spelling. A word that is not understood refuses what it stands beside, since it may be the very
condition that matters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal

from monitor.core.price import REGION, TEXT
from monitor.sources.pricing_page import cells

_GAP = re.compile(r"[\s,.;]+")
_PROMPTS = re.compile(r"(?:for )?prompts (<=|≤|>|up to|over) ?([0-9][0-9,]*)(k)?(?: tokens)?(?![\w/])", re.IGNORECASE)
_DATE = re.compile(r"(?:through|starting) [A-Z][a-z]{2,8}\.? [0-9]{1,2},? 20[0-9]{2}(?![\w/])")
_KINDS = re.compile(
    r"((?:text|images?|videos?|audio|thinking)(?:(?: ?[,/] ?| and |, and )(?:text|images?|videos?|audio|thinking))*)$"
)
_KIND = {"text": TEXT, "thinking": TEXT, "image": "image", "video": "video", "audio": "audio"}
_STATUS = re.compile(r"(?:deprecated|legacy|limited availability)(?![\w,])", re.IGNORECASE)
_STORED = re.compile(r"/ ?(?:1,000,000|1M) tokens per hour(?: \(storage price\))?(?![\w/])")
_UNIT = re.compile(r"(?:/|per) ?(?:(?:1M|1,000,000) tokens|MTok)(?! per|[\w/])", re.IGNORECASE)
_NAMES = {
    "EU": "eu|european union",
    "US": r"us|u\.s\.|usa|united states",
    "UK": "uk|united kingdom",
    "China": "(?:mainland )?china",
    "Korea": "(?:south )?korea",
    "Asia Pacific": "apac|asia[ -]pacific",
    "Latin America": "latam|latin america",
    "Europe": "europe",
    "Asia": "asia",
    "EMEA": "emea",
    "Americas": "americas?",
    "Global": "global|worldwide|international",
    "North America": "north america",
    "South America": "south america",
    "Middle East": "middle east",
    "Africa": "africa",
    "Japan": "japan",
    "India": "india",
    "Canada": "canada",
    "Australia": "australia",
    "Brazil": "brazil",
    "Germany": "germany",
    "France": "france",
    "Ireland": "ireland",
    "Switzerland": "switzerland",
    "Sweden": "sweden",
    "Singapore": "singapore",
    "UAE": "uae",
}
"""The name by which a price has a region → how pages write it."""
_NAMED = "|".join(_NAMES.values())
_CLOUD = (
    r"(?:us|eu|ap|sa|ca|me|af|il|cn|mx|asia|europe|australia|northamerica|southamerica)-[a-z]+(?:-[a-z]+)?-?[0-9]+"
    r"|(?:east|west|central|north|south|northcentral|southcentral|westcentral)(?:us|europe|india|asia|uk)[0-9]?"
)
_PLACE = rf"(?:the )?(?P<region>{_NAMED}|{_CLOUD})(?: (?:region|only|data zone|data residency))*"
IN_REGION = re.compile(rf"\b(?:in|for|within|from) {_PLACE}(?![\w-]| ?(?:dollars?\b|USD\b|\$|currency))", re.IGNORECASE)
"""Words of a sentence that limit what it says to a region."""
OF_REGION = re.compile(
    rf"(?:(?:prices|pricing|rates) (?:in|for) )?{_PLACE}(?: (?:region|endpoints?|prices|pricing|rates|only))*",
    re.IGNORECASE,
)
"""A title that names a region and nothing else."""
_ZONE = r"\(?(?:UTC|GMT)\)?"
_SPAN = r"(?P<from>[0-2]?[0-9]:[0-5][0-9]) ?(?:-|–|—|to|and|until) ?(?P<to>[0-2]?[0-9]:[0-5][0-9])"
HOURS = re.compile(
    rf"\(?(?:\bdaily )?(?:\b(?:from|between|during|at) )?(?:{_ZONE} {_SPAN}"
    rf"|{_SPAN.replace('from>', 'begin>').replace('to>', 'end>')} ?{_ZONE})"
    r"(?: (?:each|every) day| daily)?\)?",
    re.IGNORECASE,
)
"""The hours of a day in UTC."""
OFF_PEAK = re.compile(
    r"\b(?:(?:off|non)-?peak|peak|night(?:time)?|day(?:time)?|discount(?:ed)?|standard) ?(?:hours|times?)?\b",
    re.IGNORECASE,
)
_BRACKETED = re.compile(r"\(([^()]*)\)")
_BY_THE_MINUTE = re.compile(r"(?<=[0-9]) or \$[0-9]+(?:\.[0-9]+)? ?/ ?min(?:ute)?(?= \()")
"""The same price by another unit, between an amount and the kind of tokens that it is of."""
_SIGN = re.compile(r"(?=(?:US)?\$)")
_AMOUNT = re.compile(r"((?:US)?\$ ?[0-9][0-9,]*(?:\.[0-9]+)?)(?![\w%])")


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceCondition:
    """What is said of when something holds. `limit` is the size of prompts that parts the bands, and `long` on which
    side of it this is.

    `stored` is a price of time and not of tokens.
    """

    limit: int | None = None
    long: bool = False
    kinds: tuple[str, ...] = ()
    window: cells.CellWindow = cells.ALWAYS
    stored: bool = False


PLAIN = PriceCondition()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """One amount of a cell, in USD per 1M tokens, and when it holds."""

    amount: Decimal
    condition: PriceCondition


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """Whom a row is about and when it holds."""

    names: tuple[str, ...]
    condition: PriceCondition


def region_of(match: re.Match[str]) -> str:
    """Return the condition that a match of `IN_REGION` or `OF_REGION` names: `region EU`."""
    text = match["region"]
    names = (name for name, pattern in _NAMES.items() if re.fullmatch(pattern, text, re.IGNORECASE))
    return REGION + next(names, text.lower())


def hours_of(match: re.Match[str]) -> str:
    """Return the condition that a match of `HOURS` names: `hours 16:30-00:30 UTC`."""
    return f"hours {match['from'] or match['begin']}-{match['to'] or match['end']} UTC"


def amounts(text: str) -> list[Stated]:
    """Return every amount of a cell that states several, each with its condition; none of a blank.

    Raises:
        ValueError: an amount that is none, a word that is not understood, or bands that are parted at two sizes.
    """
    if text.lower() in cells.BLANK:
        return []
    conditions: list[Stated] = []
    before, *parts = _SIGN.split(_BY_THE_MINUTE.sub("", text))
    if before.strip() or not parts:
        raise ValueError(f"{text!r} is not a plain amount in USD per 1M tokens")
    for part in parts:
        match = _AMOUNT.match(part)
        amount = cells.amount(match[1]) if match else None
        if match is None or amount is None:
            raise ValueError(f"{part.strip()!r} is not a plain amount in USD per 1M tokens")
        conditions.append(Stated(amount=amount, condition=condition(part[match.end() :])))
    if len({clause.condition.limit for clause in conditions} - {None}) > 1:
        raise ValueError(f"{text!r} parts the bands at more than one size")
    return [clause for clause in conditions if not clause.condition.stored]


def label(text: str, name: re.Pattern[str]) -> Label:
    """Whom a row is about where models go by names, several of them parted by slashes.

    Raises:
        ValueError: not a name, or one with words behind it that are not understood.
    """
    read: list[tuple[str, PriceCondition]] = []
    for part in text.split(" / "):
        match = name.match(part)
        if match is None:
            raise ValueError(f"{text!r} is not a model id")
        try:
            read.append((match[0], condition(part[match.end() :], status=True)))
        except ValueError as error:
            raise ValueError(f"{text!r} is not a model id: {error}") from None
    if len({clause for _, clause in read}) > 1:
        raise ValueError(f"{text!r} names models under different conditions")
    return Label(names=tuple(named for named, _ in read), condition=read[0][1])


def condition(text: str, *, status: bool = False) -> PriceCondition:
    """Read all words behind an amount or a name; with `status` those of a model's life are passed over.

    Raises:
        ValueError: something is said twice, or in words that are not understood.
    """
    clause, rest = PLAIN, text
    while rest := rest[_gap(rest) :]:
        if bracketed := _BRACKETED.match(rest):
            inner = bracketed[1].strip()
            match = _one(inner, clause, status=status, kinds=True)
            if match is None or match[1] != len(inner):
                raise ValueError(f"{bracketed[0]!r} is a condition that is not understood")
            clause, rest = match[0], rest[bracketed.end() :]
        elif match := _one(rest, clause, status=status, kinds=False):
            clause, rest = match[0], rest[match[1] :]
        else:
            raise ValueError(f"{rest!r} is a condition that is not understood")
    return clause


def _gap(text: str) -> int:
    match = _GAP.match(text)
    return match.end() if match else 0


def _one(text: str, found: PriceCondition, *, status: bool, kinds: bool) -> tuple[PriceCondition, int] | None:
    """Return the condition with what begins `text` added, and where that ends; None where nothing known begins there.

    Raises:
        ValueError: it was said before.
    """
    if match := _STORED.match(text):
        return replace(found, stored=True), match.end()
    if match := _UNIT.match(text):
        return found, match.end()
    if match := _PROMPTS.match(text):
        if found.limit is not None:
            raise ValueError(f"two bands for one amount: {text!r}")
        limit = int(match[2].replace(",", "")) * (1000 if match[3] else 1)
        return replace(found, limit=limit, long=match[1].lower() in (">", "over")), match.end()
    if match := _DATE.match(text):
        rest, window = cells.dated(match[0])
        if rest:
            raise ValueError(f"{match[0]!r} is no date")
        if (window.begin and found.window.begin) or (window.end and found.window.end):
            raise ValueError(f"two dates for one amount: {text!r}")
        both = cells.CellWindow(window.begin or found.window.begin, window.end or found.window.end)
        return replace(found, window=both), match.end()
    if status and (match := _STATUS.match(text)):
        return found, match.end()
    if kinds and (match := _KINDS.match(text)):
        if found.kinds:
            raise ValueError(f"two kinds of tokens for one amount: {text!r}")
        words = re.findall(r"[a-z]+", match[1].replace(" and ", " "))
        named = (_KIND[word if word in _KIND else word.removesuffix("s")] for word in words if word != "and")
        return replace(found, kinds=tuple(dict.fromkeys(named))), match.end()
    return None
