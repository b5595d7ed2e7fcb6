"""Who agrees with the official price and who does not: each source's believed price held against that of the official ones.

Shown, and no more: what a source that is not official says never moves, dates or blocks anything by this.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.domain import price
from monitor.domain.configuration import OFFICIAL
from monitor.pipeline.audit import PriceFact


class View(StrEnum):
    """How a stated price stands to the official one."""

    OFFICIAL = "official"
    DISPUTED = "disputed"  # two official sources state different prices
    AGREES = "agrees"
    DIFFERS = "differs"
    ALONE = "alone"  # no official source states this price


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One source's word on one price. `official` is the official amount, None where there is none or it is disputed.

    `stale` is a word that was overtaken: it still is what the official source stated before, or the source was not read for too long.
    """

    fact: PriceFact
    view: View
    official: str | None
    stale: bool


def weigh(facts: Sequence[PriceFact], *, fresh_since: datetime) -> list[Word]:
    """The word of each source, in the order of `facts`. What was last seen before `fresh_since` is stale.

    Where the account's own costs state a price, theirs is the official one, and a page agrees with it or differs like anybody else.
    """
    officials: dict[tuple[str, str, price.Meter], list[PriceFact]] = {}
    billed = {(fact.provider, fact.model, fact.meter) for fact in facts if fact.billed}
    for fact in facts:
        key = (fact.provider, fact.model, fact.meter)
        if fact.trust == OFFICIAL and (fact.billed or key not in billed):
            officials.setdefault(key, []).append(fact)
    return [_word(fact, officials.get((fact.provider, fact.model, fact.meter), ()), fresh_since) for fact in facts]


def _word(fact: PriceFact, officials: Sequence[PriceFact], fresh_since: datetime) -> Word:
    unread = fact.verified_at is None or fact.verified_at < fresh_since
    if any(not price.equal(one.amount, officials[0].amount) for one in officials):
        return Word(fact=fact, view=View.DISPUTED, official=None, stale=unread)
    if not officials:
        return Word(fact=fact, view=View.ALONE, official=None, stale=unread)
    official = officials[0].amount
    if any(fact is one for one in officials):
        return Word(fact=fact, view=View.OFFICIAL, official=official, stale=unread)
    if price.equal(fact.amount, official):
        return Word(fact=fact, view=View.AGREES, official=official, stale=unread)
    overtaken = _any_equal(fact.amount, (old for one in officials for old in one.formerly))
    return Word(fact=fact, view=View.DIFFERS, official=official, stale=unread or overtaken)


def _any_equal(amount: str, others: Iterable[str]) -> bool:
    return any(price.equal(amount, other) for other in others)
