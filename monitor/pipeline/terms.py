"""The registry's own fields of price, now or as they stood: joined from what official sources are believed to say.

Reading only; the arithmetic is the domain's. Nothing is kept of it, so it can never be older than the beliefs it comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from monitor.domain.beliefs import Beliefs
from monitor.domain.configuration import Configuration
from monitor.domain.model import Facts
from monitor.domain.registry import Check, Entry
from monitor.domain.terms import Terms, terms
from monitor.pipeline.ports import EventQuery, Reader
from monitor.pipeline.standing import Freshness


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """The terms of an entry, when they were last verified (None: never), and where they are stated."""

    terms: Terms
    verified_at: datetime | None
    urls: tuple[str, ...]


def priced(
    reader: Reader, configuration: Configuration, entries: Mapping[str, Entry], *, at: datetime | None = None
) -> dict[str, Priced]:
    """What each entry costs, as it is or as it was believed at a time; an entry without a model id costs a blank."""
    fresh = None if at is not None else Freshness(reader, configuration)
    beliefs = fresh.beliefs if fresh is not None else _then(reader, configuration, at)
    found: dict[str, Priced] = {}
    for key, entry in entries.items():
        stated = terms(beliefs, entry.price_subject, entry.texts("tiers"))
        found[key] = Priced(
            terms=stated,
            verified_at=fresh.price(entry) if fresh else entry.checks.get("pricing", Check()).verified_at,
            urls=tuple(configuration.sources[source].shown_url for source in stated.sources),
        )
    return found


def _then(reader: Reader, configuration: Configuration, at: datetime | None) -> Beliefs:
    """The baselines of a past time: every event that moved one names it."""

    def baseline(source: str) -> Facts | None:
        events = reader.events(EventQuery(source=source, until=at, newest_first=True))
        named = next((one.event.data["baseline"] for one in events if "baseline" in one.event.data), None)
        return None if named is None else reader.facts(str(named))

    return Beliefs(configuration.sources, baseline)
