"""How each entry stands at the gate: its status, and until when what it rests on is fresh."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TypeAlias

from monitor.core.baselines import CONFIG, Baselines
from monitor.core.configuration import Configuration, GateRules
from monitor.core.entry import Entry, Status
from monitor.core.facts import ALIAS_TARGET, answered_route, is_answering
from monitor.core.ports import Reader
from monitor.gate import decision
from monitor.gate.client.lease import ALIAS
from monitor.gate.client.verdict import ACCESS_FRESH, CHECKS_VERIFIED, PRICES_FRESH
from monitor.gate.decision import Answer, GateQuestion, Standing, answer, decide, fallbacks_of, spared
from monitor.gate.readiness import readiness
from monitor.registry.access_verdict import AccessVerdict, counted, counted_where_closed
from monitor.registry.freshness import Freshness


def standings(
    reader: Reader, configuration: Configuration, now: datetime, entries: Mapping[str, Entry] | None = None
) -> dict[str, Standing]:
    """Return all entries as the gate publishes them, with the verdict of access in words, which no answer rests on;
    `entries` instead of the registry where a decision is not written yet.
    """
    fresh = Freshness(reader, configuration, now)
    known = reader.entries() if entries is None else entries
    return {
        key: replace(
            standing(entry, fresh, configuration),
            access=counted_where_closed(reader, configuration, entry, fresh).in_words,
        )
        for key, entry in known.items()
    }


def standing(entry: Entry, fresh: Freshness, configuration: Configuration) -> Standing:
    """Return one entry as the gate needs it. An entry may lengthen its limits, never switch them off."""
    origin = (fresh.access(entry), fresh.price(entry), configuration.gate)
    last = _LAST.get(entry.key)
    if last is not None and last[0] is entry and last[1] == origin:
        return last[2]
    made = _standing(entry, *origin)
    if len(_LAST) >= _MOST:
        _LAST.clear()
    _LAST[entry.key] = entry, origin, made
    return made


_Origin: TypeAlias = tuple[datetime | None, datetime | None, GateRules]
"""When access and price were last confirmed, and the rules of the gate."""

_MOST = 10_000
_LAST: dict[str, tuple[Entry, _Origin, Standing]] = {}
"""The last standing of each entry, with the entry and the origin that alone it follows from. Another entry or origin
has another standing, so none is ever old.
"""


def _standing(entry: Entry, access: datetime | None, priced: datetime | None, rules: GateRules) -> Standing:
    return Standing(
        key=entry.key,
        name=entry.spec.name,
        model_ids=tuple(dict.fromkeys(id for id in entry.spec.surfaces.values() if id)),
        surface=entry.spec.surface,
        base_url=entry.spec.config_pins.get(f"{CONFIG}/{entry.spec.surface}/base_url", ""),
        status=entry.status,
        position=entry.status_position,
        model_id=entry.spec.model_id,
        reason=reason(entry),
        fallback=entry.spec.fallback,
        access_until=_until(access, entry.spec.freshness, rules.freshness),
        price_until=_until(priced, entry.spec.price_freshness, rules.price_freshness),
        on_pause=entry.spec.on_pause,
        price_shift=entry.price_shift,
        grace_until=entry.grace_until if entry.status is Status.PAUSED else None,
        callers=entry.callers,
        readiness=readiness(entry, rules.environments),
        since=entry.since,
        served=served(entry),
    )


def served(entry: Entry) -> dict[str, str]:
    """Return which model answers each route on the surface that the gate speaks for, as an acceptance pinned it; an
    alias's target as `alias`.
    """
    answers = {
        answered_route(pin.field): str(pin.value)
        for pin in entry.pins
        if is_answering(pin.field) and (pin.scope, pin.name) == (entry.spec.surface, entry.spec.model_id)
    }
    targets = [str(pin.value) for pin in entry.pins if pin.field == ALIAS_TARGET]
    return {**answers, **({ALIAS: targets[0]} if targets else {})} if answers else {}


class Production:
    """What the gate says to production at a moment, when nobody in particular asks; worked out for an entry when it is
    first asked for.

    `entries` are those of a decision that is being made; those of the store unless given.
    """

    def __init__(
        self,
        reader: Reader,
        configuration: Configuration,
        now: datetime,
        entries: Mapping[str, Entry] | None = None,
    ) -> None:
        self.entries = reader.entries() if entries is None else entries
        self._standings = _Standings(reader, configuration, now, self.entries)
        self._question = GateQuestion(rules=configuration.gate, now=now)
        self._answers: dict[str, Answer] = {}

    @property
    def fresh(self) -> Freshness:
        """When each fact was last seen, as the answers have it."""
        return self._standings.fresh

    @property
    def baselines(self) -> Baselines:
        """What is confirmed at that moment."""
        return self.fresh.baselines

    def answer(self, key: str) -> Answer:
        """May production use this entry, and what else may it use?"""
        if key not in self._answers:
            self._answers[key] = decide(self._standings[key], self._question, self._standings)
        return self._answers[key]

    def asked(self, name: str, caller: str) -> Answer:
        """May this caller use in production what it asks for by an entry's key or by a model id?"""
        return answer(name, self._standings, replace(self._question, caller=caller))

    def access(self, key: str) -> AccessVerdict:
        """Judge access to an entry's model, route by route with its count of polls."""
        return self._standings.access(key)

    def fallbacks(self, key: str) -> tuple[str, ...]:
        """List what stands in for an entry, nearest first."""
        return tuple(standing.key for standing in fallbacks_of(self._standings[key], self._standings))

    def spared(self, key: str) -> tuple[tuple[str, ...], datetime | None]:
        """Return the callers that a running pause of an entry spares, and until when."""
        return spared(self._standings[key], self._question)

    def brief(self, key: str) -> str:
        """Return in two or three words what denies production an active entry; empty where nothing does."""
        conditions = decision.verdict(self._standings[key], self._question).conditions
        failing = next((condition for condition in conditions if not condition.holds), None)
        if failing is None:
            return ""
        what = _EXPIRING.get(failing.asks, "lease")
        return f"{what} expired" if failing.until is not None else f"{what} not verified"

    def expired_at(self, key: str) -> datetime | None:
        """Return when the first thing that an entry rests on passed its date; None where none did."""
        standing = self._standings[key]
        checks = standing.ready(self._question).until
        dates = (standing.access_until, standing.price_until, checks)
        return min((at for at in dates if at is not None and at <= self._question.now), default=None)

    def known(self, key: str) -> bool:
        """Return whether access to an entry's model was ever verified: else the gate denies it for want of a poll, not
        for a loss.
        """
        return self._standings[key].access_until is not None


class _Standings(Mapping[str, Standing]):
    """The standings of entries, each worked out when it is first asked for."""

    def __init__(
        self, reader: Reader, configuration: Configuration, now: datetime, entries: Mapping[str, Entry]
    ) -> None:
        self._reader = reader
        self._configuration = configuration
        self._now = now
        self._entries = entries
        self._made: dict[str, Standing] = {}

    def __getitem__(self, key: str) -> Standing:
        if key not in self._made:
            self._made[key] = standing(self._entries[key], self.fresh, self._configuration)
        return self._made[key]

    def access(self, key: str) -> AccessVerdict:
        """Judge access to an entry's model, route by route."""
        return counted(self._reader, self._configuration, self._entries[key], self.fresh)

    @cached_property
    def fresh(self) -> Freshness:
        """Read when the first entry is asked for: of most decisions nobody hears, so that the gate is not asked."""
        return Freshness(self._reader, self._configuration, self._now)

    def __contains__(self, key: object) -> bool:
        return key in self._entries  # the one of a mapping would work the standing out

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def production(reader: Reader, configuration: Configuration, now: datetime) -> dict[str, Answer]:
    """Return what the gate says now of every entry to production, when nobody in particular asks."""
    gate = Production(reader, configuration, now)
    return {key: gate.answer(key) for key in gate.entries}


_EXPIRING = {ACCESS_FRESH: "access", PRICES_FRESH: "prices", CHECKS_VERIFIED: "checks"}
"""What an answer requires that has a date → what to call it."""


def _until(at: datetime | None, longer: timedelta | None, least: timedelta) -> datetime | None:
    return None if at is None else at + max(least, longer or least)


def reason(entry: Entry) -> str:
    """Why an entry has the status it has, in one sentence that does not repeat the status."""
    if entry.status is Status.PAUSED:
        return f"{entry.reason} ({entry.by})" if entry.by else entry.reason
    if entry.status is Status.WAITING:
        if not entry.spec.model_id:
            return "its model id is blank until the provider has confirmed it"
        return f"{entry.spec.model_id} is not confirmed as listed on {entry.spec.surface}"
    if entry.status is Status.EVALUATING:
        return "nobody has activated it yet"
    if entry.status is Status.RETIRED:
        return f"{entry.reason} ({entry.by})"
    if entry.status is Status.WITHDRAWN:
        return "it left the configuration"
    return f"accepted by {entry.by}: {entry.reason}"
