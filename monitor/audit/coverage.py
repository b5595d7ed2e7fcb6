"""What watches each assumption now: every pin and every required check, the sources that speak for it, and when they
last did.

Reading only. What no source states and nobody's word holds for is unwatched: it may move, and nobody here would know.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from monitor.core import access, price
from monitor.core.baselines import CONFIG
from monitor.core.configuration import Configuration, SourceSpec
from monitor.core.entry import Check, CheckState, Entry, Pin
from monitor.core.facts import LISTED, Fact, Subject
from monitor.core.ports import Reader
from monitor.gate.client.verdict import PRODUCTION
from monitor.registry import checklist
from monitor.registry import pins as pinning
from monitor.registry.freshness import Freshness
from monitor.registry.housekeeping import MISSED, limit
from monitor.registry.lookup import find_entry

PIN = "pin"
CHECK = "check"
UNPINNED = "unpinned"

WATCHED = "watched"
ATTESTED = "attested"
BLIND = "blind"
UNWATCHED = "unwatched"
UNSTATED = "unstated"

GAPS = frozenset({BLIND, UNWATCHED})
"""States in which nothing would tell of a change now."""

DECLARATION = "configuration"
"""What watches our own side: it is compared whenever a configuration is loaded."""

GATE = "gate"
"""What watches a fallback: whether it is allowed is asked at every commit, and meanwhile by time alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageRow:
    """One assumption of an entry and what watches it.

    `kind` is a pin (of an entry that has none yet: one that an activation would set), a required check, or what is
    unpinned because nothing is known of it. `state` is watched, attested (the word of a person holds until `until`),
    blind (every source of it was last read too long ago) or unwatched; a price that the model need not have, and no
    source states, is unstated and no gap. `read_at` is the last good poll.
    """

    entry: str
    kind: str
    name: str
    state: str
    sources: tuple[str, ...] = ()
    read_at: datetime | None = None
    until: datetime | None = None


def coverage(reader: Reader, configuration: Configuration, now: datetime, key: str = "") -> list[CoverageRow]:
    """Return every assumption of one entry, or of all that live.

    Raises:
        Refused: there is no entry of this key.
    """
    view = _View(reader, configuration, now)
    entries = (
        [find_entry(reader.entries(), key)]
        if key
        else [registered for registered in reader.entries().values() if registered.alive]
    )
    return [row for entry in entries for row in view.rows(entry)]


class _View:
    def __init__(self, reader: Reader, configuration: Configuration, now: datetime) -> None:
        self._configuration = configuration
        self._fresh = Freshness(reader, configuration, now)
        self._states = reader.sources()
        self._now = now

    def rows(self, entry: Entry) -> Iterable[CoverageRow]:
        pins, unpinned, _ = pinning.pins(entry, self._fresh.baselines)
        if entry.pins:
            pins, unpinned = entry.pins, entry.unpinned
        for pin in pins:
            yield self._pin(entry, pin)
        environments = dict.fromkeys((PRODUCTION, *self._configuration.gate.environments))
        named = (name for environment in environments for name in checklist.required(entry, environment))
        checks = dict.fromkeys(named)
        for name in checks:
            yield self._check(entry, name)
        for name in unpinned:
            field = name.rpartition("/")[2]
            if field not in checks:  # what a check asks for has its row already
                state = UNSTATED if _need_not_be(field) else UNWATCHED
                yield CoverageRow(entry=entry.key, kind=UNPINNED, name=name, state=state)

    def _pin(self, entry: Entry, pin: Pin) -> CoverageRow:
        if pin.scope == CONFIG:
            return CoverageRow(entry=entry.key, kind=PIN, name=pin.key, state=WATCHED, sources=(DECLARATION,))
        facts = (
            pinning.facts(pin, entry) if access.setting(pin.field) else (Fact(Subject(pin.scope, pin.name), pin.field),)
        )
        return self._by(entry, PIN, pin.key, [speaker for fact in facts for speaker in self._speakers(fact)])

    def _speakers(self, fact: Fact) -> list[tuple[SourceSpec, datetime | None]]:
        """Return the sources that state a fact, or would say that it is gone, each with the last poll that did."""
        baselines = self._fresh.baselines
        if fact.field == LISTED:
            return [
                (spec, self._good(spec)) for spec in baselines.lists(fact.subject.scope) if baselines.baseline(spec.key)
            ]
        prices = fact.field.startswith(price.PREFIX)
        specs = baselines.price_sources(fact.subject.scope) if prices else baselines.authorities(fact.subject)
        return [
            (spec, self._fresh.seen(spec, fact))
            for spec in specs
            if fact.field in (baselines.baseline(spec.key) or {}).get(fact.subject, {})
        ]

    def _good(self, spec: SourceSpec) -> datetime | None:
        state = self._states.get(spec.key)
        return None if state is None else state.good_at

    def _by(
        self, entry: Entry, kind: str, name: str, speakers: list[tuple[SourceSpec, datetime | None]]
    ) -> CoverageRow:
        fresh = any(
            at is not None and self._now - at <= max(limit(self._configuration, spec), MISSED * spec.every)
            for spec, at in speakers
        )
        return CoverageRow(
            entry=entry.key,
            kind=kind,
            name=name,
            state=WATCHED if fresh else BLIND if speakers else UNWATCHED,
            sources=tuple(dict.fromkeys(spec.key for spec, _ in speakers)),
            read_at=max((at for _, at in speakers if at is not None), default=None),
        )

    def _check(self, entry: Entry, name: str) -> CoverageRow:
        check = entry.checks.get(name, Check())
        feeding = [spec for spec in self._configuration.sources.values() if name in checklist.fed_by(spec, entry)]
        word = check.state is CheckState.VERIFIED and check.until is not None and check.until > self._now
        if feeding and not word:
            return self._by(entry, CHECK, name, [(spec, self._good(spec)) for spec in feeding])
        if word:
            at, until = check.verified_at, check.until
            return CoverageRow(entry=entry.key, kind=CHECK, name=name, state=ATTESTED, read_at=at, until=until)
        if name == "fallback" and entry.spec.fallback:
            return CoverageRow(entry=entry.key, kind=CHECK, name=name, state=WATCHED, sources=(GATE,))
        return CoverageRow(entry=entry.key, kind=CHECK, name=name, state=UNWATCHED, read_at=check.verified_at)


def _need_not_be(field: str) -> bool:
    """Return whether a field is a price that not every model has: one of reading or writing a cache."""
    return field.startswith(price.PREFIX) and price.Meter.of(field).meter not in checklist.ESSENTIAL_METERS
