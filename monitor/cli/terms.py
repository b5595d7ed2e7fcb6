"""How `status` shows what an entry costs: the registry's fields of price, as JSON and in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from monitor.cli.times import both
from monitor.core.event_words import share_in_percent
from monitor.core.events import rfc3339
from monitor.core.price import SHORT, spoken
from monitor.core.time import rounded

if TYPE_CHECKING:
    from monitor.registry.terms import Band, PricedEntry


def as_json(priced: PricedEntry) -> dict[str, object]:
    """Return the fields of price for scripts, beside those of `status`; amounts in USD per 1M tokens, what is blank is
    null.
    """
    release = priced.release
    return {
        "family": release.family or None,
        "release": release.release or None,
        "stage": release.stage or next(iter(release.stages.values()), None),
        "stages": {**({"configuration": release.stage} if release.stage else {}), **release.stages},
        "announcement": release.announcement or None,
        "price_model": priced.terms.price_model or None,
        "modes": list(priced.terms.modes),
        "prices": [asdict(band) for band in priced.terms.bands],
        "disputed": list(priced.terms.disputed),
        "price_verified_at": rfc3339(priced.verified_at) if priced.verified_at else None,
        "price_urls": list(priced.urls),
    }


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
