"""What a usage costs: tokens by meter times what each meter costs, exact, and blank where a price is.

No share of cached tokens, no length of prompts and no discount is assumed here: who asks says how many tokens each
meter counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext

from monitor.core import price

PER = 1_000_000
"""The tokens that an amount is for."""

LARGEST = 10**18
_DIGITS = 100
"""Enough for any amount that an extractor lets through times `LARGEST`, so that nothing is ever rounded."""

_SCALES = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9, "T": 10**12}
_TOKENS = re.compile(r"(?P<number>\d{1,18}(?:\.\d{1,12})?)(?P<scale>[kKMGBT]?)")
_METER = re.compile(r"input|cached_input|output|cache_write(?:_\d+[mhd])?")
_SHORTER = {"cached": "cached_input"}
_KNOWN = "input, cached, cache_write, output"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """A usage in USD. `parts` has every meter that was used, None where its price is a blank; then `total` is None as
    well.
    """

    parts: Mapping[str, Decimal | None]

    @property
    def missing(self) -> tuple[str, ...]:
        """The meters that were used and have no price."""
        return tuple(meter for meter, part in self.parts.items() if part is None)

    @property
    def total(self) -> Decimal | None:
        """The sum; a sum without one of its parts would be a guess."""
        stated_parts = [part for part in self.parts.values() if part is not None]
        with localcontext(prec=_DIGITS):
            return sum(stated_parts, Decimal(0)) if len(stated_parts) == len(self.parts) else None


def tokens(text: str) -> int:
    """Read a number of tokens: `1500000`, `1.5M`, `2G`.

    Raises:
        ValueError: it is not a whole number of tokens.
    """
    match = _TOKENS.fullmatch(text)
    count = Decimal(match["number"]) * _SCALES[match["scale"]] if match else Decimal("NaN")
    if not count.is_finite() or count != count.to_integral_value() or count > LARGEST:
        raise ValueError(f'{text!r} is not a number of tokens; write it like 1500000, "1.5M" or "2G"')
    return int(count)


def usage(stated: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Meter → tokens, in the order people ask for them; meters without a token left out. `input` counts what was not
    cached.

    Raises:
        ValueError: a meter is unknown or named twice, or a number is none.
    """
    counts: dict[str, int] = {}
    for name, text in stated:
        meter = _SHORTER.get(name, name)
        if _METER.fullmatch(meter) is None:
            raise ValueError(f"{name!r} is not a meter of tokens; known are {_KNOWN}")
        if meter in counts:
            raise ValueError(f"{name!r} is given twice; leave one of them out")
        counts[meter] = tokens(text)
    used = {meter: count for meter, count in counts.items() if count}
    if not used:
        raise ValueError(f"no tokens are stated; name some of {_KNOWN}")
    return in_order(used)


def in_order(used: Mapping[str, int]) -> dict[str, int]:
    """Return a usage with its meters in the order people ask for them; JSON keeps none."""
    order = price.ASKED_FIRST
    return dict(sorted(used.items(), key=lambda item: (order.index(item[0]) if item[0] in order else len(order), item)))


def cost(amounts: Mapping[str, str], used: Mapping[str, int]) -> Cost:
    """Return what a usage costs at prices in USD per 1M tokens, meter → amount."""
    with localcontext(prec=_DIGITS):
        return Cost(
            parts={
                meter: price.amount(amounts[meter]) * count / PER if meter in amounts else None
                for meter, count in used.items()
            }
        )


def money(value: Decimal) -> str:
    """Return a sum of USD in its one spelling, every digit of it."""
    with localcontext(prec=_DIGITS):
        return price.canonical(value)
