"""What the fuzzers of the pricing page share: a price as a reader took it, and the tally of a kind of mutants."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from _common import ROOT

from monitor.sources.extraction import Unreadable
from monitor.sources.pricing_page import extract

SHARED = Path(os.environ.get("ACCESS_MONITOR_SHARED", ROOT.parent / "shared"))


class Price(NamedTuple):
    model: str
    tier: str
    context: str
    modality: str
    meter: str
    amount: Decimal


@dataclass
class UsageCount:
    """What came of the mutants of one kind."""

    mutants: int = 0
    stated: int = 0
    kept: int = 0
    silent: int = 0
    worst: float = 100.0
    examples: list[str] = field(default_factory=list)

    def judge(self, name: str, want: set[Price], got: set[Price]) -> None:
        """Count one mutant of which `want` is stated and `got` was read."""
        self.mutants += 1
        self.stated += len(want)
        self.kept += len(got & want)
        for wrong in sorted(got - want):
            self.silent += 1
            self.examples.append(f"{name}: {wrong}")


def accepted(text: str, provider: str) -> set[Price]:
    """Return the prices that are read as those of every call today; what bears a day, a condition or an offer of its
    own is not.
    """
    try:
        rows = extract(text, provider=provider).rows
    except Unreadable:
        return set()
    return {
        Price(row.model, row.tier, row.context, row.modality, row.meter, row.amount)
        for row in rows
        if not (row.valid_from or row.valid_to or row.condition or row.tier.startswith("other:"))
    }
