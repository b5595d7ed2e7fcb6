"""What is confirmed now, across sources: the baselines, asked in the words of pins.

Who may speak for what is decided here, once: a surface's lists for what is listed there, official sources for prices,
and of these the account's own costs before any page: a page says what a model should cost, the costs say what it did. A
question that no baseline can answer is `UNKNOWN`, which is neither yes nor no.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Final, Literal, TypeAlias

from monitor.core import access, price
from monitor.core.changes import same
from monitor.core.configuration import OFFICIAL, SourceSpec
from monitor.core.entry import Entry, Pin
from monitor.core.entry_spec import EntrySpec
from monitor.core.events import source_stream
from monitor.core.facts import LISTED, SHUTDOWN_DATE, STAGE, Fact, Facts, Subject, Value


class Unknown(Enum):
    """The third value."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN
Answer: TypeAlias = Value | Literal[Unknown.UNKNOWN] | None


class Baselines:
    """The baselines of all sources, read when first asked for."""

    def __init__(self, specs: Mapping[str, SourceSpec], baseline: Callable[[str], Facts | None]) -> None:
        self._specs = specs
        self._read = baseline
        self._baselines: dict[str, Facts | None] = {}
        self._lists: dict[str, tuple[SourceSpec, ...]] = {}
        self._price_sources: dict[tuple[str, bool], tuple[SourceSpec, ...]] = {}
        self._authorities: dict[str, tuple[SourceSpec, ...]] = {}

    def baseline(self, source: str) -> Facts | None:
        """Return the baseline of a source, None while it has none."""
        if source not in self._baselines:
            self._baselines[source] = self._read(source)
        return self._baselines[source]

    def lists(self, surface: str) -> tuple[SourceSpec, ...]:
        """Return the sources that speak for what is listed on a surface."""
        if surface not in self._lists:
            self._lists[surface] = tuple(
                spec for spec in self._specs.values() if spec.lists and spec.surface == surface
            )
        return self._lists[surface]

    def offered(self, check: str, provider: str, model: str) -> bool | Literal[Unknown.UNKNOWN]:
        """Return whether any list that verifies a check, of any surface of a provider, holds a model."""
        surfaces = {
            spec.surface
            for spec in self._specs.values()
            if spec.lists and check in spec.can.verifies and spec.provider == provider
        }
        listings = [listed for surface in surfaces if (listed := self.listed(Subject(surface, model))) is not UNKNOWN]
        return any(listings) if listings else UNKNOWN

    def price_sources(self, provider: str, *, official: bool = True) -> tuple[SourceSpec, ...]:
        """Return the sources that state prices of a provider; only those whose word counts unless asked for all."""
        if (provider, official) not in self._price_sources:
            self._price_sources[provider, official] = tuple(
                spec
                for spec in self._specs.values()
                if spec.prices
                and (spec.trust == OFFICIAL or not official)
                and (not spec.provider or spec.provider == provider)
            )
        return self._price_sources[provider, official]

    def listed(self, subject: Subject) -> bool | Literal[Unknown.UNKNOWN]:
        """Return whether a model stands in a list of its surface."""
        listings = [facts for spec in self.lists(subject.scope) if (facts := self.baseline(spec.key)) is not None]
        if not listings:
            return UNKNOWN
        return any(LISTED in facts.get(subject, {}) for facts in listings)

    def authorities(self, subject: Subject) -> tuple[SourceSpec, ...]:
        """Return the sources whose word counts for a subject; a feed that names no provider states those of all."""
        scope = subject.scope
        if scope not in self._authorities:
            self._authorities[scope] = tuple(
                spec
                for spec in self._specs.values()
                if spec.trust == OFFICIAL
                and (
                    scope in (spec.surface, spec.provider, spec.key)
                    or (spec.prices and not spec.provider and not spec.surface)
                )
            )
        return self._authorities[scope]

    def statements(self, fact: Fact) -> Iterator[tuple[SourceSpec, Value]]:
        """Yield what each official source has confirmed of a fact that is no price."""
        for spec in self.authorities(fact.subject):
            value = (self.baseline(spec.key) or {}).get(fact.subject, {}).get(fact.field)
            if value is not None:
                yield spec, value

    def permits(self, setting: access.Setting, subject: Subject, spec: EntrySpec) -> str | Literal[Unknown.UNKNOWN]:
        """Return what a setting of the account means for a model of an entry: granted, or how it is denied."""
        values: dict[str, Value] = {}
        for name, fact in zip(setting.rests_on, access.facts(subject, setting), strict=True):
            values.update((name, value) for _, value in self.statements(fact))
        judgement = None if setting.judge is None else setting.judge(values, subject.name, spec)
        return UNKNOWN if judgement is None else judgement

    def facts_of(self, subject: Subject) -> dict[str, list[tuple[str, Value]]]:
        """Return everything official that is confirmed of a subject: field → (source, value) of each source that states
        it.
        """
        values: dict[str, list[tuple[str, Value]]] = {}
        for spec in self.authorities(subject):
            for field, value in (self.baseline(spec.key) or {}).get(subject, {}).items():
                values.setdefault(field, []).append((spec.key, value))
        return values

    def price_statements(
        self, subject: Subject, *, official: bool = True, region: str | None = ""
    ) -> Iterator[tuple[SourceSpec, str, str]]:
        """Yield every price that is confirmed of a model for calls through a region, or through none: source, field,
        amount. Without a region those under any condition as well.
        """
        for spec in self.price_sources(subject.scope, official=official):
            for field, value in ((self.baseline(spec.key) or {}).get(subject, {})).items():
                if not field.startswith(price.PREFIX) or not isinstance(value, str):
                    continue
                if "{" not in field or region is None or price.Meter.of(field).concerns(region):
                    yield spec, field, value

    def end_statements(self, subject: Subject) -> Iterator[tuple[SourceSpec, str, str]]:
        """Yield every end that is confirmed of a subject, by whomever: source, field, value."""
        for spec in self._specs.values():
            if value := (self.baseline(spec.key) or {}).get(subject, {}).get(SHUTDOWN_DATE):
                yield spec, SHUTDOWN_DATE, str(value)

    def authoritative_prices(self, subject: Subject, region: str = "") -> Iterator[tuple[SourceSpec, str, str]]:
        """Return the official prices of a model that count: where the account's own costs state one, no other source's
        does.
        """
        claims = list(self.price_statements(subject, region=region))
        billed = {field for spec, field, _ in claims if spec.billed}
        return (claim for claim in claims if claim[0].billed or claim[1] not in billed)

    def outranked(self, subject: Subject, region: str = "") -> Iterator[tuple[SourceSpec, str, str]]:
        """Return the official prices that the account's own costs speak before."""
        claims = list(self.price_statements(subject, region=region))
        billed = {field for spec, field, _ in claims if spec.billed}
        return (claim for claim in claims if not claim[0].billed and claim[1] in billed)

    def prices(self, subject: Subject, tiers: tuple[str, ...], region: str = "") -> dict[str, list[tuple[str, str]]]:
        """Return official prices of a model in the given tiers and region: field → (source, amount) of each source
        whose word counts for it.
        """
        amounts: dict[str, list[tuple[str, str]]] = {}
        for spec, field, value in self.authoritative_prices(subject, region):
            if price.Meter.of(field).tier in tiers:
                amounts.setdefault(field, []).append((spec.key, value))
        return amounts

    def current(self, pin: Pin, entry: Entry) -> Answer:
        """Return what is confirmed of a pinned fact. Of several official prices the first that differs from the pin
        speaks.

        What is not stated any more is UNKNOWN: pages lose rows more often than prices end. A source whose own word is
        pinned apart (`pins`) speaks for that pin alone. What is pinned of either was accepted of both: costs that
        follow a page whose new price a person took say nothing new.
        """
        if pin.scope == CONFIG:
            declared = entry.spec.config_pins.get(pin.key)
            return pin.value if stands(pin.field, str(pin.value), declared) else declared
        subject = Subject(pin.scope, pin.name)
        if (setting := access.setting(pin.field)) is not None:
            return self.permits(setting, subject, entry.spec)
        if pin.field == LISTED:
            listed = self.listed(subject)
            return listed if listed is UNKNOWN or listed else None
        values: list[Value]
        accepted = [pin.value]
        if pin.field.startswith(price.PREFIX):
            alike = [
                other_pin for other_pin in entry.pins if (other_pin.name, other_pin.field) == (pin.name, pin.field)
            ]
            apart = {other_pin.scope for other_pin in alike} - {entry.price_subject.scope}
            values = [
                value
                for spec, field, value in self.price_statements(
                    Subject(entry.price_subject.scope, pin.name), region=None
                )
                if field == pin.field
                and (
                    pin.scope == source_stream(spec.key) if pin.scope in apart else source_stream(spec.key) not in apart
                )
            ]
            accepted += [other_pin.value for other_pin in alike]
        else:
            values = [value for _, value in self.statements(Fact(subject, pin.field)) if value != ""]
        if not values:
            return UNKNOWN
        return next(
            (
                value
                for value in values
                if not any(same(pin.field, value, accepted_value) for accepted_value in accepted)
            ),
            pin.value,
        )


CONFIG: Final = "config"
"""The scope of pins on our own side."""

SOURCES: Final = "sources"
"""The field of the pin that names, apart by spaces, the sources that an entry stands on."""


def stands(field: str, accepted: str, declared: str | None) -> bool:
    """Return whether what is declared of our own side is still as it was accepted.

    A source more changes nothing by itself: what it says is judged once it was polled. Nor does a stage that nobody
    states any more: a blank says nothing.
    """
    if field == SOURCES and declared is not None:
        return set(accepted.split()) <= set(declared.split())
    return accepted == declared or (field == STAGE and declared is None)
