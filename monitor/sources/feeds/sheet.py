"""What feeds of undated prices share: how an amount is read, and the sheet that prices are put on. No feed's own words
stand here.

A sheet holds facts rather than rows, since a large feed states 7,500 prices and making that many rows takes longer than
parsing the whole document; the rows are made only for whoever looks at them.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from decimal import Context, Decimal
from functools import lru_cache
from itertools import islice
from typing import overload

from monitor.core.facts import Fact, Refusal, Subject, Value
from monitor.core.price import SHORT, STANDARD, TEXT, Meter, PriceRow, amount, canonical, equal
from monitor.sources.extraction import Extraction, Unreadable

LONG = "long"

MAX_EXPONENT = 15
"""Amounts of more digits before or after the point are refused; the text `1e999999999` is a number, too."""

MAX_DIGITS = 28
"""Beyond these, decimal arithmetic would round."""

NO_PRICE = Decimal(-1)
"""Feeds write it where the price is not fixed: by a router, by the hour, on request."""

NOT_AN_AMOUNT = "not a number of a size that prices have"
NOT_FIXED = "-1 says that there is no fixed price"
SEVERAL_BANDS = "more than one band beyond the short context"

_EXACT = Context(prec=MAX_DIGITS)
_PLAIN = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][-+]?[0-9]{1,3})?")


def number(value: object) -> Decimal | None:
    """Return the amount that a JSON number states; None where it is none. Of its size nothing is said within reason: 0
    is a number.
    """
    if type(value) is not Decimal:
        if type(value) is not int:  # a bool is an int, too
            return None
        value = Decimal(value)
    return value if _sane(value) else None


def number_in_text(stated: object) -> Decimal | None:
    """Return the amount that a string states; None where it is none."""
    if not isinstance(stated, str) or not _PLAIN.fullmatch(stated):  # Decimal also reads `1_0`, ` 1 ` and Arabic digits
        return None
    value = Decimal(stated)
    return value if _sane(value) else None


@lru_cache(maxsize=8192)
def _sane(value: Decimal) -> bool:
    if not value.is_finite():
        return False
    return abs(value.adjusted()) <= MAX_EXPONENT and len(value.as_tuple().digits) <= MAX_DIGITS


@lru_cache(maxsize=8192)
def per_million(value: Decimal) -> str | None:
    """Return the canonical amount per 1M tokens of an amount per token: the point moves, so nothing is rounded. None
    where it is no price.
    """
    if value == NO_PRICE or not _sane(value):
        return None
    return canonical(_EXACT.scaleb(value, 6))


def plain(value: Decimal) -> str | None:
    """Return the canonical amount of one that is stated per 1M tokens; None where it is no price."""
    return None if value == NO_PRICE else canonical(value)


def why_not(stated: Decimal | None) -> str:
    """Why an amount that was read, or not, is no price."""
    return NOT_AN_AMOUNT if stated is None else NOT_FIXED


@lru_cache(maxsize=1024)
def field_of(tier: str, context: str, modality: str, meter: str) -> str:
    """Return the field of a price."""
    return Meter(tier, context, modality, meter).field


def short(meter: str, modality: str = TEXT, tier: str = STANDARD) -> str:
    """Return the field of a meter in the short context."""
    return field_of(tier, SHORT, modality, meter)


def long(meter: str, modality: str = TEXT, tier: str = STANDARD) -> str:
    """Return the field of a meter in the long context."""
    return field_of(tier, LONG, modality, meter)


_OF_MONEY = re.compile(
    r".*currenc.*|(?:(?:price|pricing|cost|token|billing|quote|base|amount|rate|default)s?[_-]?)?"
    r"(?:units?|uom|denominat\w*|per|scale|multiplier|factor|basis|fx|exchange[_-]?rate|iso[_-]?4217)",
    re.IGNORECASE,
)
_DOLLARS = frozenset({"usd", "us$", "$", "us dollar", "us dollars"})
PER_MILLION = frozenset(
    {"1m", "1m tokens", "1m_tokens", "per 1m tokens", "mtok", "per_million_tokens", "million tokens"}
)
PER_TOKEN = frozenset({"token", "tokens", "per token", "per_token", "1 token"})
"""How feeds that state prices by the token say so, where they do."""


@lru_cache(maxsize=8192)
def of_money(key: str) -> bool:
    """Return whether a key may say what the amounts beside it are in: their currency, unit or scale."""
    return _OF_MONEY.fullmatch(key) is not None


def in_other_money(stated: object, units: frozenset[str] = PER_MILLION) -> str:
    """Why the amounts of an object may not be in USD and the unit of their format, by a key beside them; empty where no
    key says so.

    `units` are the spellings of the format's own unit.
    """
    if not isinstance(stated, dict):
        return ""
    for key in filter(of_money, stated):
        value = stated[key]
        text = value.strip().lower() if isinstance(value, str) else ""
        if value is None or text in (_DOLLARS if "currenc" in key.lower() else units):
            continue
        if not isinstance(value, dict | list):  # a table of other amounts stands apart
            shown = value if isinstance(value, str | int | bool) else "more than one value"
            return f"`{key}` beside the amounts says {shown!r}, so they may not be in USD or in the feed's unit"
        if "currenc" in key.lower():
            return f"`{key}` beside the amounts is not understood"
    return ""


def condition_beside(stated: Mapping[str, object], known: Container[str]) -> str:
    """Why amounts may hold under a condition alone, by a key beside them that is neither `known` nor an amount of its
    own; empty where there is none.
    """
    for key, value in stated.items():
        if key in known or value is None or of_money(key):
            continue
        if number(value) is None and number_in_text(value) is None:
            return f"`{key}` beside the amounts is not known and may set a condition"
    return ""


def name(found: object, key: str) -> str:
    """Return a provider's or model's name as stated.

    Raises:
        ValueError: it is not a printable, non-empty string.
    """
    if not isinstance(found, str) or not found.strip() or not found.isprintable():
        raise ValueError(f"`{key}` is not a printable, non-empty string")
    return found


def shown(where: str) -> str:
    """Return a place in a feed as a line of text may show it: keys are the feed's own, and may hold anything."""
    return where if where.isprintable() else ascii(where)


class PriceTable(Sequence[PriceRow]):
    """Undated prices in USD per 1M tokens, by subject and field, and what was refused on the way.

    The same identity twice: equal values merge, unequal ones refuse both.
    """

    def __init__(self) -> None:
        self.facts: dict[Subject, dict[str, Value]] = {}
        self.refused: list[Refusal] = []
        self.unclear: set[Fact] = set()
        self.aliases: dict[Subject, str] = {}

    def fields(self, subject: Subject) -> dict[str, Value]:
        """Return the prices of a subject so far, to which new fields may be added."""
        return self.facts.setdefault(subject, {})

    def put(self, subject: Subject, field: str, value: str) -> None:
        """Write a canonical amount."""
        before = self.facts.setdefault(subject, {}).setdefault(field, value)
        if before is not value and not equal(str(before), value):
            self.unclear.add(Fact(subject, field))
            where = f"{subject.scope}/{subject.name} {field}"
            self.refused.append(Refusal(where, f"stated as {before} and as {value} USD per 1M tokens"))

    def refuse(self, where: str, reason: str, subject: Subject | None = None, field: str = "") -> None:
        """Refuse a part. With a subject and a field it is a price that is stated but unknown."""
        self.refused.append(Refusal(shown(where), reason))
        if subject is not None and field:
            self.unclear.add(Fact(subject, field))

    def refuse_all(self, where: str, reason: str, subject: Subject, fields: Iterable[str] = ()) -> None:
        """Refuse all that an object states of a subject: none of its prices is gone, and those of `fields` are stated
        but unknown.
        """
        self.refused.append(Refusal(shown(where), reason, (subject.name,)))
        self.unclear.update(Fact(subject, field) for field in fields)

    def extraction(self, notes: Sequence[str] = ()) -> Extraction:
        """Close the sheet.

        Raises:
            Unreadable: there is not one price on it.
        """
        for subject, field in self.unclear:
            self.facts.get(subject, {}).pop(field, None)
        self.facts = {subject: fields for subject, fields in self.facts.items() if fields}
        if not self.facts:
            first = f"; {self.refused[0].where}: {self.refused[0].reason}" if self.refused else ""
            raise Unreadable(f"not one price could be read{first}")
        unclear = frozenset(self.unclear)
        return Extraction(
            rows=self, refused=tuple(self.refused), notes=tuple(notes), unclear=unclear, aliases=self.aliases
        )

    def __len__(self) -> int:
        return sum(map(len, self.facts.values()))

    def __iter__(self) -> Iterator[PriceRow]:
        for subject, fields in self.facts.items():
            for field, value in fields.items():
                yield _row(subject, field, str(value))

    @overload
    def __getitem__(self, index: int) -> PriceRow: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[PriceRow]: ...
    def __getitem__(self, index: int | slice) -> PriceRow | Sequence[PriceRow]:
        if isinstance(index, slice):
            return tuple(self)[index]
        return next(islice(self, index, None)) if index >= 0 else tuple(self)[index]


def _row(subject: Subject, field: str, value: str) -> PriceRow:
    tier, context, modality, meter, condition = Meter.of(field)
    return PriceRow(
        provider=subject.scope,
        model=subject.name,
        tier=tier,
        context=context,
        modality=modality,
        meter=meter,
        condition=condition,
        amount=amount(value),
    )
