"""How `status` shows what an entry costs: the registry's fields of price, as JSON and in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from monitor.core.event_words import share_in_percent
from monitor.core.moments import both
from monitor.core.price import SHORT, spoken
from monitor.core.time import rounded

if TYPE_CHECKING:
    from monitor.registry.terms import Band, PricedEntry


def lines(priced: PricedEntry, now: datetime) -> Iterator[tuple[str, str]]:
    """Label and text of each line under an entry."""
    release = priced.release
    yield "family", release.family
    yield "released", release.release
    yield "stage", release.stage_in_words
    yield "announced", release.announcement
    for band in priced.terms.bands:
        yield "price", _band(band)
    if priced.terms.disputed:
        yield "disputed", ", ".join(name.removeprefix("price.") for name in priced.terms.disputed)
    yield "modes", ", ".join(priced.terms.modes)
    if priced.verified_at:
        at = f"{both(priced.verified_at)}, {rounded(now - priced.verified_at)} ago"
        yield "priced", f"{at}, {', '.join(priced.urls)}" if priced.urls else at


def _band(band: Band) -> str:
    name = band.tier if band.context == SHORT else f"{band.tier}, {band.context} context"
    parts = [f"input {_amount(band.input)}", f"output {_amount(band.output)}"]
    saved = "" if band.cached_discount is None else f" ({share_in_percent(band.cached_discount)} less)"
    parts.append(f"cached read {_amount(band.cached_input)}{saved}")
    parts += [
        f"{kind.replace('_', ' ')} {spoken(rule.amount)}"
        + ("" if rule.multiple is None else f" ({rule.multiple} × input)")
        for kind, rule in band.cache_writes.items()
    ] or ["cache write blank"]
    return f"{name}: {', '.join(parts)}"


def _amount(value: str | None) -> str:
    return "blank" if value is None else spoken(value)
