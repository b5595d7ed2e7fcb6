"""The announced end of a model: a day, and how surely the model ends on it.

A day that is only the earliest one, or the first of many, is no end to count down to: pages state it of models that are
served for years after it.
"""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from monitor.core.facts import Value


class Precision(StrEnum):
    """How surely something ends on a day."""

    FIRM = "firm"  # on this day
    EARLIEST = "earliest"  # not sooner than on this day, and nothing more is said
    AFTER = "after"  # on this day or on a later one


_STATED = re.compile(r"(\d{4}-\d{2}-\d{2})(?: (earliest|after))?", re.ASCII)


class AnnouncedEnd(NamedTuple):
    """A day and its precision, as one value of the field `shutdown_date`: `2026-12-11`, `2026-12-11 earliest`."""

    day: date
    precision: Precision

    @classmethod
    def of(cls, value: Value | None) -> AnnouncedEnd | None:
        """Read the value of a fact; None where it states no day, as a plug-in's may."""
        match = _STATED.fullmatch(str(value))
        try:
            return None if match is None else cls(date.fromisoformat(match[1]), Precision(match[2] or Precision.FIRM))
        except ValueError:
            return None

    @property
    def firm(self) -> bool:
        """Whether it ends on this day."""
        return self.precision is Precision.FIRM

    def __str__(self) -> str:
        """Return the value of the fact."""
        return self.day.isoformat() if self.firm else f"{self.day.isoformat()} {self.precision}"


def end_in_words(day: str, precision: str | None) -> str:
    """Return a day as people read it; without its precision it is firm."""
    match precision:
        case Precision.EARLIEST:
            return f"not before {day}"
        case Precision.AFTER:
            return f"{day} or later"
        case _:
            return day
