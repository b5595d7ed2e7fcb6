"""Who agrees with the official price and who does not: each source's confirmed price held against that of the official
ones.

Shown, and no more: what a source that is not official says never moves, dates or blocks anything by this, and one that
is frozen vetoes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.audit.queries import PriceFact, prices
from monitor.core import price
from monitor.core.configuration import OFFICIAL, Configuration
from monitor.core.entry import Entry
from monitor.core.ports import Reader


class PriceView(StrEnum):
    """How a stated price stands to the official one."""

    OFFICIAL = "official"
    DISPUTED = "disputed"  # two official sources state different prices
    AGREES = "agrees"
    DIFFERS = "differs"
    RESOLD = "resold"  # a reseller charges something else, which contradicts nobody
    ALONE = "alone"  # no official source states this price


class Stale(StrEnum):
    """Why a word is not to be relied on, though its source may be read at every poll."""

    UNREAD = "unread"  # the source was not read for too long
    FROZEN = "frozen"  # it still is what others stated before they moved
    OUTVOTED = "outvoted"  # an official and another source have stated something else for long


OTHERS = 2
"""How many other sources must have moved on before one is called frozen where no official source states the price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceComparison:
    """One source's word on one price. `official` is the official amount, None where there is none or it is disputed."""

    fact: PriceFact
    view: PriceView
    official: str | None
    because: Stale | None = None

    @property
    def stale(self) -> bool:
        """Whether the word was overtaken."""
        return self.because is not None


def weigh(facts: Sequence[PriceFact], *, fresh_since: datetime) -> list[PriceComparison]:
    """Return the word of each source, in the order of `facts`.

    What was last seen before `fresh_since` is stale, and what others contradict since before it is outvoted. Where the
    account's own costs state a price, theirs is the official one, and a page agrees with it or differs like anybody
    else.
    """
    facts_of: dict[tuple[str, str, price.Meter], list[PriceFact]] = {}
    for fact in facts:
        facts_of.setdefault((fact.provider, fact.model, fact.meter), []).append(fact)
    return [_word(fact, facts_of[fact.provider, fact.model, fact.meter], fresh_since) for fact in facts]


def of_entry(reader: Reader, configuration: Configuration, entry: Entry, now: datetime) -> list[PriceComparison]:
    """Return the word of each source on the prices of the tiers that an entry uses."""
    facts = prices(reader, configuration, (entry.price_subject,))
    used = [fact for fact in facts if fact.meter.tier in entry.spec.tiers]
    return weigh(used, fresh_since=now - configuration.gate.price_freshness)


def _word(fact: PriceFact, stated: Sequence[PriceFact], fresh_since: datetime) -> PriceComparison:
    billed = any(price_fact.billed for price_fact in stated)
    officials = [
        price_fact for price_fact in stated if price_fact.trust == OFFICIAL and (price_fact.billed or not billed)
    ]
    others = [price_fact for price_fact in stated if price_fact.trust != OFFICIAL and price_fact.source != fact.source]
    because = Stale.UNREAD if fact.verified_at is None or fact.verified_at < fresh_since else None
    if any(not price.equal(price_fact.amount, officials[0].amount) for price_fact in officials):
        return PriceComparison(fact=fact, view=PriceView.DISPUTED, official=None, because=because)
    if not officials:
        moved_on = {price_fact.source for price_fact in others if _moved_on(price_fact, fact)}
        frozen = Stale.FROZEN if len(moved_on) >= OTHERS else None
        return PriceComparison(fact=fact, view=PriceView.ALONE, official=None, because=because or frozen)
    official = officials[0]
    if any(fact is price_fact for price_fact in officials):
        return PriceComparison(fact=fact, view=PriceView.OFFICIAL, official=official.amount, because=because)
    if price.equal(fact.amount, official.amount):
        return PriceComparison(fact=fact, view=PriceView.AGREES, official=official.amount, because=because)
    if fact.resold:
        return PriceComparison(fact=fact, view=PriceView.RESOLD, official=official.amount, because=because)
    agreeing = [price_fact for price_fact in others if price.equal(price_fact.amount, official.amount)]
    if any(_moved_on(price_fact, fact) for price_fact in (*officials, *agreeing)):
        because = because or Stale.FROZEN
    elif any(_for_long((fact, official, price_fact), fresh_since) for price_fact in agreeing):
        because = because or Stale.OUTVOTED
    return PriceComparison(fact=fact, view=PriceView.DIFFERS, official=official.amount, because=because)


def _moved_on(other: PriceFact, fact: PriceFact) -> bool:
    """Return whether a source stated the same before, and something else since."""
    return not price.equal(other.amount, fact.amount) and _any_equal(fact.amount, other.formerly)


def _for_long(stated: Sequence[PriceFact], long_since: datetime) -> bool:
    """Return whether all of these have been stated since before a time."""
    return all(fact.since is not None and fact.since < long_since for fact in stated)


def _any_equal(amount: str, others: Iterable[str]) -> bool:
    return any(price.equal(amount, other) for other in others)
