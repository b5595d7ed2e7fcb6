"""What an extractor yields, and how its rows become facts. No extractor, no I/O and no clock in here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from monitor.core.facts import ANNOUNCED, PARAGRAPH, Fact, Facts, Refusal, Subject, Value
from monitor.core.price import PER_MILLION_TOKENS, USD, PriceRow, canonical, equal


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """What was read from a page or feed: prices, the parts that were refused, and remarks for a person.

    `unclear` are prices that were refused although whose they are was understood: unknown, never absent. `aliases` are
    the ids that are stated to be aliases, with what they point to as it is spelt there; empty where that is not said.
    """

    rows: Sequence[PriceRow]
    refused: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()
    unclear: frozenset[Fact] = frozenset()
    aliases: Mapping[Subject, str] = field(default_factory=dict)


class Unreadable(Exception):
    """Nothing may be read from it: no layout that the extractor knows."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Priced(NamedTuple):
    """Rows as facts. `unclear` are stated, but in two ways or in a unit that is not compared: unknown, never absent."""

    facts: Facts
    unclear: frozenset[Fact]
    refused: tuple[Refusal, ...]


def facts_of(rows: Iterable[PriceRow], refused: Iterable[Refusal] = ()) -> Priced:
    """Turn the rows that hold now into facts; refusals found on the way come after those given.

    The same identity twice: equal values merge, unequal ones refuse both. A row in another unit or currency than USD
    per 1M tokens is never converted and gives no fact. One that holds under a condition alone is a fact of its own, and
    what a call without it costs is then unknown unless it is stated.
    """
    values: dict[Fact, str] = {}
    foreign: set[Fact] = set()
    unclear: set[Fact] = set()
    refusals = list(refused)
    for row in rows:
        subject = Subject(row.provider, row.model)
        fact = Fact(subject, row.identity.field)
        if row.condition:
            foreign.add(Fact(subject, row.identity._replace(condition="").field))
        if row.unit != PER_MILLION_TOKENS or row.currency != USD:
            foreign.add(fact)
            continue
        value = canonical(row.amount)
        before = values.setdefault(fact, value)
        if not equal(before, value) and fact not in unclear:
            unclear.add(fact)
            where = f"{row.provider}/{row.model} {fact.field}"
            refusals.append(Refusal(where, f"stated as {before} and as {value} USD per {PER_MILLION_TOKENS}"))
    facts: dict[Subject, dict[str, Value]] = {}
    for fact, value in values.items():
        if fact not in unclear:
            facts.setdefault(fact.subject, {})[fact.field] = value
    return Priced(facts, frozenset(unclear | (foreign - values.keys())), tuple(refusals))


def announced(priced: Priced, rows: Iterable[PriceRow], at: datetime) -> Priced:
    """`priced` with what the rows state for later days, where it differs from what holds now. Two amounts for one day
    are none.
    """
    later: dict[Fact, set[str]] = {}
    for row in rows:
        if row.valid_from is None or row.valid_from <= at:
            continue
        if row.unit != PER_MILLION_TOKENS or row.currency != USD:
            continue
        subject, value = Subject(row.provider, row.model), canonical(row.amount)
        now = priced.facts.get(subject, {}).get(row.identity.field)
        if not isinstance(now, str) or not equal(now, value):
            field = f"{ANNOUNCED}{row.identity.field}@{row.valid_from.date().isoformat()}"
            later.setdefault(Fact(subject, field), set()).add(value)
    if not later:
        return priced
    facts = {subject: dict(fields) for subject, fields in priced.facts.items()}
    for fact, values in later.items():
        if len(values) == 1:
            facts.setdefault(fact.subject, {})[fact.field] = values.pop()
    return priced._replace(facts=facts)


def not_yet(priced: Priced, rows: Iterable[PriceRow], at: datetime) -> frozenset[Fact]:
    """Return the prices that rows state for later days alone: what they are until then is not said, so they are not
    gone.
    """
    later = {
        Fact(Subject(row.provider, row.model), row.identity.field)
        for row in rows
        if row.valid_from is not None and row.valid_from > at
    }
    return frozenset(fact for fact in later if fact.field not in priced.facts.get(fact.subject, {}))


REMARKS = "remarks"
"""The subject of the remarks of a page or feed that bear on prices in prose."""


def with_remarks(facts: Facts, source: str, notes: Iterable[str]) -> Facts:
    """`facts` with the remarks of a source, each by the hash of its words, so that their order means nothing."""
    remarks: dict[str, Value] = {PARAGRAPH + sha256(note.encode()).hexdigest()[:16]: note for note in notes}
    return {**facts, Subject(source, REMARKS): remarks} if remarks and facts else facts


def next_boundary(rows: Iterable[PriceRow], at: datetime) -> datetime | None:
    """Return when the next of the dated rows begins or ends after `at`: until then the same rows yield
    the same facts.
    """
    dates = (date for row in rows for date in (row.valid_from, row.valid_to) if date is not None and date > at)
    return min(dates, default=None)
