"""What paid calls may cost: priced from what the monitor itself has confirmed, and refused before it is spent.

Every sum is set aside in a transaction of its own before its call is made, under the one writer's lock: two processes
that ask at once are answered one after the other, so together they never set aside more than a day's budget. No call is
made in here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TypeAlias

from monitor.core import price
from monitor.core.baselines import Baselines
from monitor.core.cache_writes import CacheWrite
from monitor.core.configuration import Configuration, SourceSpec
from monitor.core.cost import cost
from monitor.core.facts import FailureReason, SourceState, Subject, Value
from monitor.core.ports import Reader, Reservation, Store, Transaction
from monitor.detection.stored_baselines import current_baselines

FREE_FIRST = timedelta(seconds=5)
"""How long paid calls wait after a start for what the free ones state."""


def utc_day(at: datetime) -> date:
    """Return the day on whose budget a call counts."""
    return at.astimezone(UTC).date()


Fence: TypeAlias = Callable[[Transaction, datetime], None]
"""Called under the writer's lock before money is set aside; what it raises forbids that."""


class DailyBudget:
    """The port `Budget` over the store: `per_day` is in USD, for each surface."""

    def __init__(
        self, store: Store, configuration: Configuration, per_day: Decimal, fence: Fence = lambda tx, at: None
    ) -> None:
        self._store = store
        self._configuration = configuration
        self._per_day = per_day
        self._fence = fence

    def fenced(self, fence: Fence) -> DailyBudget:
        """Return the same budget for one source whose spending is fenced."""
        return DailyBudget(self._store, self._configuration, self._per_day, fence)

    def price(
        self,
        surface: str,
        model: str,
        tokens: Mapping[str, int],
        *,
        tier: str = price.STANDARD,
        at: datetime | None = None,
    ) -> Decimal | None:
        """Return what a call costs in USD at the confirmed short-context text prices of the surface's region, meter →
        tokens; None if one of them is not known. A price that was announced counts from its day on, `at` given.

        Official prices count before those of aggregators, and where several differ the dearest: what a call may cost
        must not be thought less.
        """
        used = {meter: count for meter, count in tokens.items() if count}
        subject = price_subject(self._configuration, surface, model)
        if subject is None:
            return None
        with self._store.read() as reader:
            baselines = current_baselines(reader, self._configuration.sources)
            region = self._configuration.surfaces[surface].region
            return cost(_amounts(baselines, subject, tier, region, at), used).total

    def reserve(self, surface: str, amount: Decimal, at: datetime) -> Reservation | None:
        """Set money aside; None where the surface has not so much left on the UTC day of `at`.

        Raises:
            ValueError: the amount is negative.
            TakenOver: another node has this turn.
            Unavailable: the database cannot be written, so nothing may be spent.
        """
        with self._store.write() as tx:
            self._fence(tx, at)
            if tx.spent(surface, utc_day(at)) + amount > self._per_day:
                return None
            return tx.reserve(surface, amount, at)

    def settle(self, reservation: Reservation, spent: Decimal) -> None:
        """Replace what was set aside by what was spent, which may be more: then the day is overdrawn and takes no
        further call.
        """
        with self._store.write() as tx:
            tx.settle_spending(reservation, spent)

    def left(self, surface: str, at: datetime) -> Decimal:
        """Return what a surface may still spend on the UTC day of `at`; never less than nothing."""
        with self._store.read() as reader:
            return max(Decimal(0), self._per_day - reader.spent(surface, utc_day(at)))


def first_poll(spec: SourceSpec, state: SourceState | None, now: datetime, write: CacheWrite | None = None) -> datetime:
    """Return when a source is first polled after a start. `write` is what a late read of the cache would read.

    At once; but one that costs money after those that state prices, and not before its interval is over where its last
    poll was good: a restart or a reload shall not spend what a day of polls may.
    """
    if not spec.paid:
        return now
    soon = now + FREE_FIRST
    if write is not None and now < write.ends:
        return max(soon, write.due)
    if state is None or state.looked_at is None or state.outage or state.attention or state.looked_at > now:
        return soon
    return max(soon, state.looked_at + spec.every)


def unpaid(reader: Reader, configuration: Configuration, source: str) -> list[str]:
    """Return the probes that could not be paid for and may be, now that a source of prices states something new."""
    spec = configuration.sources.get(source)
    if spec is None or not spec.prices:
        return []
    return [
        key
        for key, state in reader.sources().items()
        if state.outage == FailureReason.OVER_BUDGET and key in configuration.sources
    ]


def price_subject(configuration: Configuration, surface: str, model: str) -> Subject | None:
    """Return whose price a model on a surface goes by: the id that its entry names, else the very same id. None where
    entries name several.
    """
    door = configuration.surfaces.get(surface)
    ids = {
        entry.price_model or model for entry in configuration.entries.values() if entry.surfaces.get(surface) == model
    } or {model}
    return Subject(door.provider, ids.pop()) if door is not None and len(ids) == 1 else None


def _amounts(known: Baselines, subject: Subject, tier: str, region: str, at: datetime | None) -> dict[str, str]:
    """Meter → the price that counts, in USD per 1M tokens."""
    official: dict[str, str] = {}
    reported: dict[str, str] = {}
    trusted = {spec.key for spec in known.price_sources(subject.scope)}
    for spec in known.price_sources(subject.scope, official=False):
        facts = (known.baseline(spec.key) or {}).get(subject, {})
        for field, value in price.effective(_in_force(facts, at), region).items():
            meter = price.Meter.of(field)
            if meter[:3] == (tier, price.SHORT, price.TEXT):
                amounts = official if spec.key in trusted else reported
                amounts[meter.meter] = max(amounts.get(meter.meter, "0"), value, key=price.amount)
    return {**reported, **official}


def _in_force(facts: Mapping[str, Value], at: datetime | None) -> dict[str, str]:
    """Return the prices that a source states, those instead that it announced for a day that has come."""
    prices = {field: str(value) for field, value in facts.items() if field.startswith(price.PREFIX)}
    return prices if at is None else price.at_time(prices, price.announced(facts), at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """How one surface stands today, in USD. `refused` are the probes that wait because they could cost more than is
    left.
    """

    surface: str
    per_day: Decimal
    spent: Decimal
    left: Decimal
    refused: tuple[str, ...]


def accounts(reader: Reader, configuration: Configuration, per_day: Decimal, at: datetime) -> list[Account]:
    """Return how every surface stands on the UTC day of `at`."""
    states = reader.sources()
    result = []
    for surface in configuration.surfaces:
        spent = reader.spent(surface, utc_day(at))
        refused = tuple(
            key
            for key, spec in configuration.sources.items()
            if spec.surface == surface and key in states and states[key].outage == FailureReason.OVER_BUDGET
        )
        left = max(Decimal(0), per_day - spent)
        result.append(Account(surface=surface, per_day=per_day, spent=spent, left=left, refused=refused))
    return result
