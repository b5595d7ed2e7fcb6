"""A price over time as one line of blocks: enough to see a step, and when it was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

BLOCKS = "▁▂▃▄▅▆▇█"
ABSENT = " "


class PlotStep(NamedTuple):
    """From a time on, the amount is this; None while there was no price."""

    at: datetime
    amount: Decimal | None


def line(steps: Sequence[PlotStep], begin: datetime, end: datetime, columns: int) -> str:
    """Return the amount over the time from `begin` to `end`, in so many columns; each shows what held at its end.

    The scale begins at zero: a fall from 1.00 to 0.20 looks like one. `steps` are in order of time.
    """
    amounts = [step.amount for step in steps if step.amount is not None]
    highest = max(amounts, default=Decimal(0))
    width = (end - begin) / columns
    drawn, amount, rest = "", None, list(steps)
    for column in range(columns):
        until = end if column == columns - 1 else begin + width * (column + 1)
        while rest and rest[0].at <= until:
            amount = rest.pop(0).amount
        drawn += _block(amount, highest)
    return drawn


def _block(amount: Decimal | None, highest: Decimal) -> str:
    if amount is None:
        return ABSENT
    if highest <= 0:
        return BLOCKS[0]
    return BLOCKS[min(len(BLOCKS) - 1, max(0, int(amount / highest * len(BLOCKS)) - (amount == highest)))]
