"""What a model costs in the registry's terms: input and output, the rule for cache writes, the discount for cached
reads.

Both are computed from the stated amounts and never assumed: a cached read that is not priced has no discount, blank,
not 90 %.

The registry's own fields of price, now or as they stood: joined from what official sources are confirmed to say.

Reading only; the arithmetic is the domain's. What is kept of it is kept by the amounts that it follows from, so it can
never be older than the baselines it comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from monitor.core import price
from monitor.core.baselines import Baselines
from monitor.core.changes import same
from monitor.core.configuration import Configuration
from monitor.core.entry import Check, Entry
from monitor.core.facts import Facts, Subject
from monitor.core.ports import EventQuery, Reader
from monitor.registry.freshness import Freshness
from monitor.registry.release import StatedRelease, release

PLACES = Decimal("0.000001")
"""How exactly a share or a multiple is told; a third has no last digit."""

WRITE = "cache_write"


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheWriteRule:
    """What one kind of cache write costs: in USD per 1M tokens, and as a multiple of input (None where
    input is blank).
    """

    amount: str
    multiple: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The text prices of one tier and context band in USD per 1M tokens; None is a blank.

    `cached_discount` is the share of input that a cached read saves. `cache_writes` maps each priced kind of write
    (`cache_write`, `cache_write_1h`) to its rule.
    """

    tier: str
    context: str
    input: str | None
    output: str | None
    cached_input: str | None
    cached_discount: str | None
    cache_writes: Mapping[str, CacheWriteRule]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What official sources say of a model's prices.

    `modes` are the tiers that have any price. `disputed` are fields on which two official sources differ: blank until
    they agree. `sources` are the keys of those that state a price.
    """

    price_model: str
    bands: tuple[Band, ...] = ()
    modes: tuple[str, ...] = ()
    disputed: tuple[str, ...] = ()
    sources: tuple[str, ...] = field(default=())


def terms(baselines: Baselines, subject: Subject, tiers: tuple[str, ...]) -> Terms:
    """Return the terms of a model in the tiers in use; each has at least its short band, blank or not."""
    claims = tuple((spec.key, name, value) for spec, name, value in baselines.authoritative_prices(subject))
    return _terms(subject.name, claims, tiers)


@lru_cache(maxsize=2048)
def _terms(price_model: str, claims: tuple[tuple[str, str, str], ...], tiers: tuple[str, ...]) -> Terms:
    """Return the terms that follow from what sources state: source, field and amount. They follow from nothing else, so
    what was worked out once stays right.
    """
    amounts: dict[str, list[str]] = {}
    sources: dict[str, None] = {}
    for source, name, value in claims:
        amounts.setdefault(name, []).append(value)
        sources[source] = None
    disputed = {name for name, values in amounts.items() if not all(same(name, values[0], value) for value in values)}
    meters = {price.Meter.of(name): values[0] for name, values in amounts.items() if name not in disputed}
    priced_tiers = dict.fromkeys(price.Meter.of(name).tier for name in sorted(amounts, key=price.telling_order))
    bands = [
        _band(tier, context, meters)
        for tier in tiers
        for context in sorted(
            {price.SHORT, *(meter.context for meter in meters if (meter.tier, meter.modality) == (tier, price.TEXT))},
            key=lambda context: (context != price.SHORT, context),
        )
    ]
    order = (*price.TIERS, *sorted(set(priced_tiers) - set(price.TIERS)))
    return Terms(
        price_model=price_model,
        bands=tuple(bands),
        modes=tuple(tier for tier in order if tier in priced_tiers),
        disputed=tuple(sorted(disputed)),
        sources=tuple(sources),
    )


def _band(tier: str, context: str, meters: Mapping[price.Meter, str]) -> Band:
    mine = {m.meter: value for m, value in meters.items() if m[:3] == (tier, context, price.TEXT)}
    full, cached = mine.get("input"), mine.get("cached_input")
    share = None if full is None or cached is None else multiple(cached, full)
    return Band(
        tier=tier,
        context=context,
        input=full,
        output=mine.get("output"),
        cached_input=cached,
        cached_discount=None if share is None else price.canonical(1 - Decimal(share)),
        cache_writes={
            name: CacheWriteRule(amount=value, multiple=None if full is None else multiple(value, full))
            for name, value in sorted(mine.items())
            if name.startswith(WRITE)
        },
    )


def multiple(amount: str, of: str) -> str | None:
    """How many times `of` an amount is, to six places; None where there is nothing to take a share of."""
    whole = price.amount(of)
    if not whole:
        return None
    return price.canonical((price.amount(amount) / whole).quantize(PLACES, ROUND_HALF_EVEN))


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedEntry:
    """The terms of an entry, when they were last verified (None: never), where they are stated, and what is stated of
    the release of its model.
    """

    terms: Terms
    verified_at: datetime | None
    urls: tuple[str, ...]
    release: StatedRelease


def priced(
    reader: Reader,
    configuration: Configuration,
    entries: Mapping[str, Entry],
    *,
    at: datetime | None = None,
    fresh: Freshness | None = None,
) -> dict[str, PricedEntry]:
    """Compute what each entry costs, as it is or as it was confirmed at a time; an entry without a model id costs a
    blank. `fresh` is the freshness of now, where it was read already.
    """
    fresh = None if at is not None else fresh or Freshness(reader, configuration)
    baselines = fresh.baselines if fresh is not None else _then(reader, configuration, at)
    rows: dict[str, PricedEntry] = {}
    for key, entry in entries.items():
        model_terms = terms(baselines, entry.price_subject, entry.spec.tiers)
        rows[key] = PricedEntry(
            terms=model_terms,
            verified_at=fresh.price(entry) if fresh else entry.checks.get("pricing", Check()).verified_at,
            urls=tuple(configuration.sources[source].shown_url for source in model_terms.sources),
            release=release(entry, baselines),
        )
    return rows


def _then(reader: Reader, configuration: Configuration, at: datetime | None) -> Baselines:
    """Return the baselines of a past time: every event that moved one names it."""

    def baseline(source: str) -> Facts | None:
        events = reader.events(EventQuery(source=source, until=at, newest_first=True))
        named = next((record.event.data["baseline"] for record in events if "baseline" in record.event.data), None)
        return None if named is None else reader.facts(str(named))

    return Baselines(configuration.sources, baseline)
