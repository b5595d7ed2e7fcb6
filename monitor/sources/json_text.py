"""JSON as received, without floats, and the canonical text of nested values. No meaning is given to it here."""

from __future__ import annotations

import json
from decimal import Decimal

from monitor.domain.price import canonical
from monitor.sources.extraction import Unreadable

MAX_EXPONENT = 64
"""A number such as `1e999999999` is short as received and fills the memory once it is written out."""


class _Decimals(dict[str, Decimal]):
    """Each spelling of a number is read once: a price feed holds thousands of prices and a few hundred amounts."""

    def __missing__(self, spelling: str) -> Decimal:
        value = self[spelling] = Decimal(spelling)
        return value


class NotJson(Unreadable):
    """Not JSON at all: a page, or a document that was cut."""


def parse(content: bytes) -> object:
    """Parse UTF-8 JSON: fractions as Decimal, `NaN` and `Infinity` as strings, which no number is read from.

    Raises:
        NotJson: it does not parse; the reason quotes nothing of the content.
    """
    try:
        text = content.decode("utf-8-sig")
        return json.loads(text, parse_float=_Decimals().__getitem__, parse_constant=str)
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


def number(value: Decimal) -> str:
    """The one spelling of a number: no exponent where that stays short."""
    return canonical(value) if value.is_finite() and abs(value.adjusted()) <= MAX_EXPONENT else str(value)


def canonical_text(value: object) -> str:
    """Canonical JSON text of a parsed value: sorted keys, no blanks, decimals as strings, ASCII only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return number(value)
    raise TypeError(f"{type(value).__name__} is not parsed JSON")
