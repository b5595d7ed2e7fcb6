"""Small questions to parsed JSON of unknown shape, each answered with a value or None."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal


def table(value: object) -> Mapping[str, object]:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def rows(value: object) -> list[object]:
    """Return the value if it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def text(value: object) -> str:
    """Return the value if it is a text, else an empty one."""
    return value if isinstance(value, str) else ""


def number(value: object) -> Decimal | int | None:
    """Return the value if it is a finite number; a truth is none, though Python counts it as one."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    # What has hundreds of digits is no score, and no spelling of it is short.
    return value if Decimal(value).is_finite() and abs(Decimal(value).adjusted()) < 30 else None


def count(value: object) -> int | None:
    """Return the value if it is a whole number that counts something."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**18 else None
