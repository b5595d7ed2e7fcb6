"""The check `caching` in its parts: what a probe saw of a prompt cache, and what the account was billed for it.

A write that is counted, a read of what was written, another just before its stated end, and the ratios that the page
states, where the account's own costs are watched. The check is verified while all of them hold, and each that fails is
named.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from monitor.core import price
from monitor.core.baselines import UNKNOWN, Baselines, Unknown
from monitor.core.entry import Entry
from monitor.core.facts import BEHAVIOUR, Fact, Subject

CHECK = "caching"

_WRITE, _READ, _LATE, _HIT = (f"{BEHAVIOUR}{CHECK}.{part}" for part in ("written", "read", "late_read", "hit"))
FIELDS = (_WRITE, _READ, _LATE, _HIT)
"""The facts that a probe states of it; entries of earlier versions have the last one pinned, that anything was read."""

_BILLED_WRITES = f"{BEHAVIOUR}billing.cache_writes_counted"
"""What the account's own usage states of it, where that is watched."""

_RATIOS = {"cached_input": "cached reads", "cache_write": "cache writes"}
"""Meter that is a share or a multiple of input → what people call it."""

_NEAR = Decimal("0.02")
"""By which share a billed ratio may differ from the stated one: bills are rounded to cents."""


def failing(entry: Entry, baselines: Baselines) -> tuple[str, ...]:
    """Name the parts that fail, each in words."""
    parts = []
    if _seen(_WRITE, entry, baselines) is False and _writes_are_priced(entry, baselines):
        parts.append("the write is not counted")
    if _seen(_BILLED_WRITES, entry, baselines) is False and _writes_are_priced(entry, baselines):
        parts.append("the account's usage counts no write")
    if _seen(_READ, entry, baselines) is False:
        parts.append("a second call reads less than 90 % of what was written")
    if _seen(_LATE, entry, baselines) is False:
        parts.append("a call just before 30 minutes reads less than 90 % of what was written")
    return (*parts, *_billed_otherwise(entry, baselines))


def verdict(entry: Entry, baselines: Baselines) -> bool | Literal[Unknown.UNKNOWN]:
    """Return whether caching works as stated; unknown until each part was seen."""
    if failing(entry, baselines):
        return False
    needed = (_READ, _LATE, *((_WRITE,) if _writes_are_priced(entry, baselines) else ()))
    return True if all(_seen(field, entry, baselines) is True for field in needed) else UNKNOWN


def _seen(field: str, entry: Entry, baselines: Baselines) -> bool | None:
    """Return what probes confirm on every surface of the entry; None where one of them does not say."""
    values = []
    for surface, model_id in entry.spec.surfaces.items():
        statements = {value for _, value in baselines.statements(Fact(Subject(surface, model_id), field))}
        values.append(statements.pop() if len(statements) == 1 else None)
    if False in values:
        return False
    return True if values and all(value is True for value in values) else None


def _writes_are_priced(entry: Entry, baselines: Baselines) -> bool:
    """Return whether an official source states what a write costs; of other models writes are not counted apart."""
    meters = (price.Meter.of(field).meter for field in baselines.prices(entry.price_subject, entry.spec.tiers))
    return "cache_write" in meters


def _billed_otherwise(entry: Entry, baselines: Baselines) -> tuple[str, ...]:
    """Name the meters of the cache that the account pays for at another share of input than the page states."""
    on_page: dict[str, Decimal] = {}
    billed: dict[str, Decimal] = {}
    for spec, field, amount in baselines.price_statements(entry.price_subject):
        meter = price.Meter.of(field)
        if (meter.tier, meter.context, meter.modality) == (price.STANDARD, price.SHORT, price.TEXT):
            (billed if spec.billed else on_page).setdefault(meter.meter, Decimal(price.amount(amount)))
    lines = []
    for name, words in _RATIOS.items():
        both = [
            prices[name] / prices["input"] for prices in (billed, on_page) if name in prices and prices.get("input")
        ]
        if len(both) == len((billed, on_page)) and abs(both[0] - both[1]) > _NEAR * both[1]:
            paid, listed = (price.spoken(price.canonical(round(share, 4))) for share in both)
            lines.append(f"{words} are billed at {paid} of input, stated is {listed}")
    return tuple(lines)
