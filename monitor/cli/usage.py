"""`prices ENTRY --usage …`: what a usage costs at each source's prices, by tier and context band. Arithmetic is in
`core.cost`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import click

from monitor.cli import output
from monitor.core.cost import Cost, cost, in_order, money
from monitor.core.cost import usage as read
from monitor.core.ports import Refused
from monitor.core.price import TEXT, USD, spoken

if TYPE_CHECKING:
    from monitor.audit.queries import PriceFact
    from monitor.core.entry import Entry


REGISTRY = "registry"
"""The word for the usage that the registry has of an entry; read as a usage without a meter, which nobody can write."""


class UsageOption(click.ParamType[dict[str, int]]):
    """`input=400M,cached=1G,output=30M`: meter → tokens; or `registry`, which is empty until it is looked up."""

    name = f"METER=TOKENS,…|{REGISTRY}"

    def convert(
        self, value: dict[str, int] | str, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, int]:
        """Read it, or refuse it with the mend."""
        if isinstance(value, dict):
            return value
        if value == REGISTRY:
            return {}
        try:
            return read(
                (name.strip(), text.strip()) for name, _, text in (part.partition("=") for part in value.split(","))
            )
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)


def of_registry(entries: Mapping[str, Entry], key: str) -> tuple[dict[str, int], str]:
    """Return the usage of an entry, and whether it is `configured` or `observed`.

    Raises:
        Refused: there is no such entry, or it has none.
    """
    if key not in entries:
        raise Refused(
            f"--usage {REGISTRY} is the usage of an entry, and {key!r} is none; write it out, as in "
            "input=400M,output=30M"
        )
    entry = entries[key]
    used = in_order(entry.spec.usage or entry.observed)
    if not used:
        raise Refused(
            f"nothing is known of the usage of {key}: declare it, or show it with `access-monitor verify {key} "
            "logging --by YOU --from FILE`"
        )
    return used, "configured" if entry.spec.usage else "observed"


class Offer(NamedTuple):
    """One source's prices of one model in one tier and band: what a usage may cost there."""

    provider: str
    model: str
    tier: str
    context: str
    source: str
    trust: str


def offers(facts: Sequence[PriceFact], used: dict[str, int]) -> dict[Offer, Cost]:
    """Return what the usage costs at each offer, in the order of `facts`; text only, since a count of tokens does not
    say their modality, and at prices of every call.
    """
    amounts: dict[Offer, dict[str, str]] = {}
    for fact in facts:
        if fact.meter.modality == TEXT and not fact.meter.condition:
            offer = Offer(fact.provider, fact.model, fact.meter.tier, fact.meter.context, fact.source, fact.trust)
            amounts.setdefault(offer, {})[fact.meter.meter] = fact.amount
    return {offer: cost(prices, used) for offer, prices in amounts.items()}


def as_json(offer: Offer, found: Cost, used: dict[str, int], known: str = "") -> dict[str, object]:
    """Return a cost for scripts; what has no price is null, and so is where the usage is from if it was written out."""
    return {
        **offer._asdict(),
        "currency": USD,
        "usage": used,
        "known": known or None,
        "parts": {meter: None if part is None else money(part) for meter, part in found.parts.items()},
        "missing": list(found.missing),
        "cost": None if found.total is None else money(found.total),
    }


def print_costs(facts: Sequence[PriceFact], used: dict[str, int], known: str = "") -> None:
    """Print one row for each offer; a blank stays blank, and so does the sum that it is part of."""
    costs = offers(facts, used)
    meters = tuple(meter.replace("_", " ").upper() for meter in used)
    output.table(
        ("MODEL", "TIER", "CONTEXT", *meters, "USD", "SOURCE", "TRUST"),
        [
            (
                f"{offer.provider}/{offer.model}",
                offer.tier,
                offer.context,
                *("" if part is None else spoken(money(part)) for part in cost.parts.values()),
                "" if cost.total is None else spoken(money(cost.total)),
                offer.source,
                offer.trust,
            )
            for offer, cost in costs.items()
        ],
        numbers=(*meters, "USD"),
    )
    counted = ", ".join(f"{meter.replace('_', ' ')} {count:,}" for meter, count in used.items())
    blank = " A blank has no stated price, and so no sum." if any(cost.missing for cost in costs.values()) else ""
    month = f"a month of the {known} usage, " if known else ""
    output.note(f"For {month}{counted} tokens; input counts those that were not cached.{blank}")
