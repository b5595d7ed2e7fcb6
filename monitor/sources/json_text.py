"""JSON as received, without floats, and the canonical text of nested values. No meaning is given to it here.

A key that one object states twice says nothing certain (RFC 8259 leaves it open, and parsers keep the last one
silently). Values that are alike merge; where they are not, a `KeyTwice` stands in their place, which is of no type of
JSON, so that whoever looks for a list, a text or a number finds none. `contradictions` names the places of all of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal

from monitor.core.price import canonical
from monitor.sources.extraction import Unreadable

MAX_EXPONENT = 64
"""A number such as `1e999999999` is short as received and fills the memory once it is written out."""


class _Decimals(dict[str, Decimal]):
    """Each spelling of a number is read once: a price feed holds thousands of prices and a few hundred amounts."""

    def __missing__(self, spelling: str) -> Decimal:
        value = self[spelling] = Decimal(spelling)
        return value


class KeyTwice:
    """The `values` that an object states under one key, in the order of the document: two or more, not all alike.

    It is true, so that a plain `if` does not pass over it, and neither list nor object, text, number, bool nor null.
    """

    __slots__ = ("values",)

    def __init__(self, values: tuple[object, ...]) -> None:
        self.values = values


class NotJson(Unreadable):
    """Not JSON at all: a page, or a document that was cut."""


def parse(content: bytes) -> object:
    """Parse UTF-8 JSON: fractions as Decimal, `NaN` and `Infinity` as strings, which no number is read from; a key
    stated twice, and not alike, as `KeyTwice`.

    Raises:
        NotJson: it does not parse; the reason quotes nothing of the content.
    """
    return read(content)[0]


def read(content: bytes) -> tuple[object, bool]:
    """Parse as `parse` does; and whether any key is stated twice, and not alike.

    Raises:
        NotJson: it does not parse.
    """
    torn: list[KeyTwice] = []

    def made(pairs: list[tuple[str, object]]) -> dict[str, object]:
        fields = dict(pairs)
        return fields if len(fields) == len(pairs) else _merged(pairs, torn)

    try:
        text = content.decode("utf-8-sig")
        return json.loads(text, parse_float=_Decimals().__getitem__, parse_constant=str, object_pairs_hook=made), bool(
            torn
        )
    except UnicodeDecodeError as error:
        raise NotJson("the answer is not UTF-8 text") from error
    except json.JSONDecodeError as error:
        if not text.strip():
            raise NotJson("the answer is empty") from error
        if text.lstrip().startswith("<"):
            raise NotJson("the answer is HTML or XML where JSON was due") from error
        raise NotJson(f"broken JSON at line {error.lineno}, column {error.colno}: {error.msg}") from error
    except (ValueError, RecursionError) as error:  # an integer of thousands of digits; nesting without end
        raise NotJson("the JSON holds a number or a nesting beyond any reason") from error


def _merged(pairs: list[tuple[str, object]], torn: list[KeyTwice]) -> dict[str, object]:
    """Return the object of pairs of which some have a key in common; what does not merge is added to `torn`."""
    values: dict[str, list[object]] = {}
    for key, value in pairs:
        values.setdefault(key, []).append(value)
    merged: dict[str, object] = {}
    for key, occurrences in values.items():
        merged[key] = occurrences[0]
        if not all(_alike(occurrences[0], other) for other in occurrences):
            merged[key] = twice = KeyTwice(tuple(occurrences))
            torn.append(twice)
    return merged


def _alike(one: object, other: object) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)  # `1 == True` in Python, and not in JSON


def contradictions(value: object) -> Iterator[tuple[str, KeyTwice]]:
    """Yield the places of a parsed value where an object states one key twice, and not alike, as
    `data[0].pricing.prompt`, in the order of the     document.

    What stands within such a place is not looked into: nothing of it is certain.
    """
    waiting: list[tuple[str, object]] = [("", value)]  # a nesting may be deeper than calls can go
    while waiting:
        where, value = waiting.pop()
        if isinstance(value, KeyTwice):
            yield where, value
        elif isinstance(value, dict):
            waiting += reversed([(f"{where}.{key}" if where else key, inner) for key, inner in value.items()])
        elif isinstance(value, list):
            waiting += reversed([(f"{where}[{index}]", inner) for index, inner in enumerate(value)])


def number(value: Decimal) -> str:
    """Return the one spelling of a number: no exponent where that stays short."""
    return canonical(value) if value.is_finite() and abs(value.adjusted()) <= MAX_EXPONENT else str(value)


def canonical_text(value: object) -> str:
    """Canonical JSON text of a parsed value: sorted keys, no blanks, decimals as strings, ASCII only; of `KeyTwice` all
    that was stated.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, KeyTwice):
        return {"stated": value.values}
    raise TypeError(f"{type(value).__name__} is not parsed JSON")
