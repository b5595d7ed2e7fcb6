"""What a price change means for a month of a stated usage, in one sentence. Only stated prices and the stated usage go
into it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from monitor.core import price
from monitor.core.cost import Cost, cost, in_order

CENT = Decimal("0.01")


def monthly(
    usage: Mapping[str, int],
    tiers: Sequence[str],
    before: Mapping[str, str],
    now: Mapping[str, str],
    *,
    known: str = "configured",
) -> str:
    """Return the sentence, for each tier in use as if all of the usage ran there, at the prices of short context.
    `known` says how the usage is.

    `before` and `now` map the fields of prices to amounts. A tier one of whose prices is blank is said to be one, not
    summed.
    """
    used = in_order(usage)
    sentences = [_tier(tier, _cost(tier, before, used), _cost(tier, now, used)) for tier in tiers]
    if len(tiers) > 1:
        sentences = [f"{sentence} if all of it ran in {tier}" for tier, sentence in zip(tiers, sentences, strict=True)]
    return f"a month of the {known} usage, in short context, " + "; ".join(sentences)


def _cost(tier: str, prices: Mapping[str, str], usage: Mapping[str, int]) -> Cost:
    fields = {meter: price.Meter(tier, price.SHORT, price.TEXT, meter).field for meter in usage}
    return cost({meter: prices[field] for meter, field in fields.items() if field in prices}, usage)


def _tier(tier: str, before: Cost, now: Cost) -> str:
    if before.total is None or now.total is None:
        missing = ", ".join(meter.replace("_", " ") for meter in dict.fromkeys((*before.missing, *now.missing)))
        return f"cannot be priced: no accepted price of {tier} {missing}"
    if before.total == now.total:
        return f"costs {usd(now.total)} as before"
    sign = "+" if now.total > before.total else "−"
    return f"costs {usd(now.total)} instead of {usd(before.total)} ({sign}{usd(abs(now.total - before.total))})"


def usd(value: Decimal) -> str:
    """To the cent, or with every digit where that would hide it."""
    cents = value.quantize(CENT, ROUND_HALF_EVEN)
    return f"{cents if cents or not value else value.normalize():,f} USD"
