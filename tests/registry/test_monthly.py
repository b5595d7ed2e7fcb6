"""What a price change means for a month, in one sentence."""

from __future__ import annotations

from monitor.core.price import Meter
from monitor.registry.monthly import monthly

USED = {"output": 30_000_000, "input": 400_000_000, "cached_input": 1_000_000_000}


def prices(tier: str = "standard", **meters: str) -> dict[str, str]:
    return {Meter(tier, "short", "text", meter).field: amount for meter, amount in meters.items()}


LAUNCH = prices(input="1", cached_input="0.1", output="6")
JULY = prices(input="0.2", cached_input="0.02", output="1.2")


def test_the_drop_of_july_is_said_in_dollars_a_month() -> None:
    assert monthly(USED, ["standard"], LAUNCH, JULY) == (
        "a month of the configured usage, in short context, costs 136.00 USD instead of 680.00 USD (−544.00 USD)"
    )


def test_a_rise_is_said_with_its_sign() -> None:
    assert monthly(USED, ["standard"], JULY, LAUNCH).endswith("costs 680.00 USD instead of 136.00 USD (+544.00 USD)")


def test_a_move_of_what_the_usage_does_not_touch_costs_as_before() -> None:
    moved = {**LAUNCH, "price.standard.long.input": "4"}
    assert monthly(USED, ["standard"], LAUNCH, moved).endswith("costs 680.00 USD as before")


def test_each_tier_in_use_is_told_as_if_all_ran_there() -> None:
    before, now = (
        {**p, **prices("batch", input=b, cached_input="0", output="0")} for p, b in ((LAUNCH, "1"), (JULY, "2"))
    )
    assert monthly({"input": 10**6}, ["standard", "batch"], before, now).endswith(
        "costs 0.20 USD instead of 1.00 USD (−0.80 USD) if all of it ran in standard; "
        "costs 2.00 USD instead of 1.00 USD (+1.00 USD) if all of it ran in batch"
    )


def test_a_blank_price_is_said_and_never_counted_as_nothing() -> None:
    without = prices(input="1", output="6")
    assert monthly(USED, ["standard"], without, without).endswith(
        "cannot be priced: no accepted price of standard cached input"
    )


def test_less_than_a_cent_is_not_rounded_away() -> None:
    assert "costs 0.0001 USD instead of 0.0002 USD (−0.0001 USD)" in monthly(
        {"input": 100}, ["standard"], prices(input="2"), prices(input="1")
    )
