"""What single cells say: an amount, a model, a modality, a tier. Each is one strict spelling or a refusal; nothing is
converted.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from monitor.core.price import STANDARD, TEXT
from monitor.core.time import month

BLANK = frozenset({"", "-", "–", "—", "−", "n/a", "free", "free of charge", "not available"})

_AMOUNT = re.compile(r"(?:US)?\$ ?([0-9]{1,6}(?:\.[0-9]+)?|[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?)", re.ASCII)
_CROSSED = "~~"
_STRUCK = re.compile(r"~~[^~]+~~")
_SAME_UNIT = re.compile(
    r" ?(?:/|per) ?(?:(?:1M|1 million|million|M) tokens?|MTok)[1-9]?$", re.IGNORECASE
)  # a digit is a mark of a footnote
_MODEL = re.compile(r"(?=.*[0-9-])[A-Za-z][A-Za-z0-9._:/-]*[A-Za-z0-9]", re.ASCII)
_SEVERAL = re.compile(
    r"([A-Za-z]+)(?=[A-Za-z0-9._-]*[0-9])[A-Za-z0-9._-]*[/:]\1(?=[A-Za-z0-9._-]*[0-9])[._0-9-].*", re.ASCII
)
_THRESHOLD = re.compile(
    r" ?\((<|≤|<=|>|≥|>=) ?[0-9]+(?:[KM] context(?: length)?|[KMkm] (?:prompt|input) tokens)\)$", re.ASCII
)
_SIZE = re.compile(r"[0-9]+(?:[.,][0-9]+)*(?: ?[km])?(?: tokens)?", re.IGNORECASE | re.ASCII)
_IDS = re.compile(r"[*_]?([A-Za-z0-9._:/-]+(?:(?:, and |, | and )[A-Za-z0-9._:/-]+)*)[*_]?")
_DATED = re.compile(
    r"[ ,]*[(–—-]? ?(?P<word>through|starting|beginning|effective|from|as of)(?: on)? "
    r"(?P<month>[A-Z][a-z]{2,8})\.? (?P<day>[0-9]{1,2}),? (?P<year>20[0-9]{2})\)?$",
    re.ASCII | re.IGNORECASE,
)
_MODALITIES = {"text": TEXT, "audio": "audio", "image": "image", "video": "video"}
_TIERS = {
    "standard": STANDARD,
    "batch": "batch",
    "flex": "flex",
    "priority": "priority",
    "fast": "priority",  # Priority was renamed; the canonical tier kept its name
    "ultrafast": "ultrafast",
}
TIER_WORDS = "|".join(_TIERS)
"""A pattern for the names of tiers, in lower case."""

_TIER = re.compile(rf"({TIER_WORDS})(?: (?:mode|processing|api|service|tier|pricing|prices))*")
_MENTION = re.compile(rf"\b({TIER_WORDS})\b")
_TABS = re.compile(rf"(?:(?:{TIER_WORDS})(?: mode)?\s*){{2,}}", re.IGNORECASE)


@lru_cache(maxsize=4096)
def amount(text: str) -> Decimal | None:
    """Return the amount in USD per 1M tokens; None for a blank.

    Raises:
        ValueError: not a plain amount in dollars, or it names another unit.
    """
    if text.lower() in BLANK:
        return None
    if (beside := _STRUCK.sub("", text).strip()) and _CROSSED not in beside:
        text = beside  # the amount that stands beside one that is struck out
    match = _AMOUNT.fullmatch(_SAME_UNIT.sub("", text))
    if match is None:
        raise ValueError(f"{text!r} is not a plain amount in USD per 1M tokens")
    return Decimal(match[1].replace(",", ""))


def is_size(text: str) -> bool:
    """Return whether a cell is the size of a context and sets no condition: `1,048,576 tokens`, but not `≤ 200k`."""
    return text.lower() in BLANK or _SIZE.fullmatch(text) is not None


def is_unit(text: str) -> bool:
    """Return whether a cell of units says that the amounts beside it are per 1M tokens."""
    return text == "1M tokens" or _SAME_UNIT.fullmatch(text) is not None


def names_unit(text: str) -> bool:
    """Return whether a cell itself says that its amount is per 1M tokens."""
    return _SAME_UNIT.search(text) is not None


def model(text: str) -> tuple[str, bool]:
    """Return the model's id, and whether the label restricts it to long contexts (`(>272K context length)`).

    Raises:
        ValueError: not an id: a display name, a label that sets other conditions, a modality where the model should be.
    """
    threshold = _THRESHOLD.search(text)
    label = text[: threshold.start()] if threshold else text
    if not _MODEL.fullmatch(label):
        raise ValueError(f"{text!r} is not a model id")
    if _SEVERAL.fullmatch(label):
        raise ValueError(f"{text!r} names more than one model")
    return label, threshold is not None and threshold[1] in (">", "≥", ">=")


def ids(text: str) -> tuple[str, ...]:
    """Return the model ids that a line is made of; none where it says anything else."""
    match = _IDS.fullmatch(text)
    names = re.split(r", and |, | and ", match[1]) if match else []
    return tuple(names) if names and all(map(_MODEL.fullmatch, names)) else ()


class CellWindow(NamedTuple):
    """When a row holds: `begin` inclusive, `end` exclusive, both at midnight UTC; None is unbounded."""

    begin: datetime | None = None
    end: datetime | None = None


ALWAYS = CellWindow()


def dated(text: str) -> tuple[str, CellWindow]:
    """Return a label without the dates that it bears, and these: `Sonnet 5 (through August 31, 2026)`, `Sonnet 5
    starting September 1, 2026`.

    "Until" is left standing, and so the row is refused: whether its day is still in is not said.
    """
    begin = end = None
    while match := _DATED.search(text):
        try:
            day = datetime(int(match["year"]), month(match["month"]), int(match["day"]), tzinfo=UTC)
        except ValueError:
            break
        if match["word"].lower() == "through":
            end = day + timedelta(days=1)
        else:
            begin = day
        text = text[: match.start()]
    return text, CellWindow(begin, end)


def modality(text: str) -> str:
    """Return the modality that a cell names.

    Raises:
        ValueError: not a known modality.
    """
    try:
        return _MODALITIES[text.lower()]
    except KeyError:
        raise ValueError(f"{text!r} is not a known modality") from None


def tier(text: str) -> str | None:
    """Return the canonical tier that a whole line, tab or heading names (`Batch`, `Fast mode`, `Batch API`); None when
    it names none.
    """
    match = _TIER.fullmatch(text.lower().replace("-", " "))
    return _TIERS[match[1]] if match else None


def mentioned(text: str) -> frozenset[str]:
    """Return the canonical tiers that a title speaks of, among other words."""
    return frozenset(_TIERS[word] for word in _MENTION.findall(text.lower()))


def tabs(text: str) -> bool:
    """Return whether the text is a row of tab labels run together (`StandardBatchFlex`), which names no tier."""
    return _TABS.fullmatch(text) is not None
