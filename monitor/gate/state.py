"""How each entry stands at the gate: its status, and until when what it rests on is fresh.

Freshness is joined in here from the sources' last good looks, which leave no rows in the log. What an entry rests on
are its pins; an entry without pins (one that is evaluated) rests on what it would pin.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property

from monitor.core import price
from monitor.core.baselines import Baselines
from monitor.core.configuration import Configuration, SourceSpec
from monitor.core.entry import CheckState, Entry, Status
from monitor.core.facts import ACCESS, GRANTED, LISTED, Fact, PendingChange, Subject
from monitor.core.ports import Reader
from monitor.detection.stored_baselines import beliefs
from monitor.gate.client.verdict import PRODUCTION
from monitor.gate.decision import Answer, Standing, decide, spared
from monitor.gate.readiness import readiness
from monitor.registry import checklist

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far ahead of now a look may be dated, since several machines may look."""

REACHING = frozenset({"retrieve", "responses", "chat", "embeddings"})
"""The routes that reach a model by itself: one of them granted is as good as a line in a list."""

NEVER_ENDS = datetime.max.replace(tzinfo=UTC)


class Freshness:
    """When each fact was last seen to be as it is believed.

    With `now`, looks that are dated after it by more than the tolerance confirm nothing: the clock was set back, and
    their age is unknown.
    """

    def __init__(self, reader: Reader, configuration: Configuration, now: datetime | None = None) -> None:
        self._latest = NEVER_ENDS if now is None else now + CLOCK_TOLERANCE
        self.beliefs: Baselines = beliefs(reader, configuration.sources)
        self._configuration = configuration
        self._states = reader.sources()
        self._streaks: dict[tuple[str, Fact], PendingChange] = {
            (pending_change.source, pending_change.fact): pending_change for pending_change in reader.pending_changes()
        }

    def seen(self, spec: SourceSpec, fact: Fact) -> datetime | None:
        """Return the last good look of one source that confirmed a fact; None if it does not state the fact."""
        facts = self.beliefs.baseline(spec.key)
        if facts is None or fact.field not in facts.get(fact.subject, {}):
            return None
        pending_change = self._streaks.get((spec.key, fact))
        # Suspected, held back or unclear: what is believed is not what was seen.
        at = self._states[spec.key].good_at if pending_change is None else pending_change.before
        return at if at is not None and at <= self._latest else None

    def latest(self, specs: Iterable[SourceSpec], fact: Fact) -> datetime | None:
        """Return the last look of any of the sources that confirmed a fact."""
        return max((at for spec in specs if (at := self.seen(spec, fact)) is not None), default=None)

    def access(self, entry: Entry) -> datetime | None:
        """Return when all of an entry's models were last seen, on the surfaces that something watches; the gate's own
        must be.

        A model that a route of its own reached was seen there, whatever the list says of it meanwhile.
        """
        watched = {surface: lists for surface in entry.spec.surfaces if (lists := self.beliefs.lists(surface))}
        if entry.spec.surface not in watched or not all(entry.spec.surfaces[surface] for surface in watched):
            return None
        return _oldest(
            max(
                (
                    at
                    for at in (
                        self.latest(lists, Fact(Subject(surface, entry.spec.surfaces[surface]), LISTED)),
                        self._reached(Subject(surface, entry.spec.surfaces[surface])),
                    )
                    if at is not None
                ),
                default=None,
            )
            for surface, lists in watched.items()
        )

    def _reached(self, subject: Subject) -> datetime | None:
        """Return when a call or retrieval last reached a model."""
        return max(
            (
                at
                for spec in self._configuration.sources.values()
                if spec.surface == subject.scope and spec.model == subject.name and spec.route in REACHING
                for fact in [Fact(subject, ACCESS + spec.route)]
                if (self.beliefs.baseline(spec.key) or {}).get(subject, {}).get(fact.field) == GRANTED
                and (at := self.seen(spec, fact)) is not None
            ),
            default=None,
        )

    def price(self, entry: Entry) -> datetime | None:
        """Return when all of an entry's prices were last confirmed, by an official source or by the
        word of a person.
        """
        subject = entry.price_subject
        fields = {pin.field for pin in entry.pins if pin.field.startswith(price.PREFIX)} or {
            price.Meter(tier, price.SHORT, price.TEXT, meter).field
            for tier in entry.spec.tiers
            for meter in checklist.ESSENTIAL_METERS
        }
        sources = self.beliefs.price_sources(subject.scope)
        check = entry.checks.get("pricing")
        # Of an accepted entry time alone made it stale: what it was verified at is old, not unknown.
        counts = (CheckState.VERIFIED, *((CheckState.STALE,) if entry.status is Status.ACTIVE else ()))
        attested = check.verified_at if check and check.state in counts else None
        confirmed = (self.latest(sources, Fact(subject, field)) or attested for field in fields)
        oldest = _oldest(confirmed)
        by_person = attested if check and check.until is not None else None
        return max((at for at in (oldest, by_person) if at is not None), default=None)

    def verified_at(self, entry: Entry) -> datetime | None:
        """Return when what the entry rests on was last verified whole: the older of access and price."""
        return _oldest((self.access(entry), self.price(entry)))


def _oldest(dates: Iterable[datetime | None]) -> datetime | None:
    """Return the oldest of the dates; None if any is missing, because a blank is not fresh."""
    times = list(dates)
    known = [at for at in times if at is not None]
    return min(known) if known and len(known) == len(times) else None


def standings(
    reader: Reader, configuration: Configuration, now: datetime, entries: Mapping[str, Entry] | None = None
) -> dict[str, Standing]:
    """Return all entries as the gate needs them; `entries` instead of the registry where a decision is
    not written yet.
    """
    fresh = Freshness(reader, configuration, now)
    known = reader.entries() if entries is None else entries
    return {key: standing(entry, fresh, configuration) for key, entry in known.items()}


def standing(entry: Entry, fresh: Freshness, configuration: Configuration) -> Standing:
    """Return one entry as the gate needs it. An entry may lengthen its limits, never switch them off."""
    rules = configuration.gate
    access, priced = fresh.access(entry), fresh.price(entry)
    grace = entry.spec.grace
    return Standing(
        key=entry.key,
        name=entry.spec.name,
        model_ids=tuple(dict.fromkeys(id for id in entry.spec.surfaces.values() if id)),
        status=entry.status,
        position=entry.status_position,
        model_id=entry.spec.model_id,
        reason=reason(entry),
        fallback=entry.spec.fallback,
        access_until=_until(access, entry.spec.freshness, rules.freshness),
        price_until=_until(priced, entry.spec.price_freshness, rules.price_freshness),
        on_pause=entry.spec.on_pause,
        price_shift=entry.price_shift,
        grace_until=entry.since + grace if entry.status is Status.PAUSED and grace is not None else None,
        callers=entry.callers,
        readiness=readiness(entry, rules.environments),
        since=entry.since,
    )


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
        self._rules = configuration.gate
        self._now = now

    def answer(self, key: str) -> Answer:
        """May production use this entry, and what else may it use?"""
        rules, known = self._rules, self._standings
        return decide(known[key], PRODUCTION, rules.environments, "", self._now, rules.lease, known)

    def spared(self, key: str) -> tuple[tuple[str, ...], datetime | None]:
        """Return the callers that a running pause of an entry spares, and until when."""
        return spared(self._standings[key], self._rules.environments, self._now, self._rules.lease)

    def known(self, key: str) -> bool:
        """Return whether access to an entry's model was ever verified: else the gate denies it for want of a look, not
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
            self._made[key] = standing(self._entries[key], self._fresh, self._configuration)
        return self._made[key]

    @cached_property
    def _fresh(self) -> Freshness:
        """Read when the first entry is asked for: of most decisions nobody hears, so that the gate is not asked."""
        return Freshness(self._reader, self._configuration, self._now)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def production(reader: Reader, configuration: Configuration, now: datetime) -> dict[str, Answer]:
    """Return what the gate says now of every entry to production, when nobody in particular asks."""
    gate = Production(reader, configuration, now)
    return {key: gate.answer(key) for key in gate.entries}


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
