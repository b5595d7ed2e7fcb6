"""When the facts that an entry rests on were last seen to be as its baselines have them.

It is joined in from the sources' last good polls, which leave no rows in the log. What an entry rests on are its pins;
an entry without pins (one that is evaluated) rests on what it would pin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from monitor.core import price
from monitor.core.baselines import Baselines
from monitor.core.configuration import Configuration, SourceSpec
from monitor.core.entry import CheckState, Entry, Status
from monitor.core.facts import ACCESS, GRANTED, LISTED, Fact, PendingChange, SourceState, Subject
from monitor.core.ports import Reader
from monitor.detection.stored_baselines import current_baselines
from monitor.registry import checklist

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far ahead of now a poll may be dated, since several machines may poll."""

UNDATED = frozenset({"batch"})
"""The routes whose polls may say nothing of a model: a batch that only began has not reached it."""

NEVER_ENDS = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _EntryDates:
    """What was worked out of entries, by their keys: of which entry, and its date."""

    access: dict[str, tuple[Entry, datetime | None]] = field(default_factory=dict)
    price: dict[str, tuple[Entry, datetime | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _RestsOn:
    """All that the dates of entries follow from beside the entries: the sources as they are declared, the baseline and
    the last good poll of each, and what is not confirmed.
    """

    sources: Mapping[str, SourceSpec]
    polls: Mapping[str, tuple[str, datetime | None]]
    pending: Mapping[tuple[str, Fact], PendingChange]

    def same(self, other: _RestsOn) -> bool:
        return self.sources is other.sources and self.polls == other.polls and self.pending == other.pending


class _LastDates:
    """The dates of the last reading, for the next one if they follow from the same.

    They are kept by the values themselves, never by a count of what was written: so a touch, a commit of another
    process and a configuration that was loaded anew each begin with none.
    """

    def __init__(self) -> None:
        self._last = (_RestsOn(sources={}, polls={}, pending={}), _EntryDates())

    def dates(self, rests_on: _RestsOn) -> _EntryDates:
        before, dates = self._last
        if not before.same(rests_on):
            dates = _EntryDates()
            self._last = rests_on, dates
        return dates


_LAST = _LastDates()


class Freshness:
    """When each fact was last seen to be as it is confirmed.

    With `now`, polls that are dated after it by more than the tolerance confirm nothing: the clock was set back, and
    their age is unknown.
    """

    def __init__(self, reader: Reader, configuration: Configuration, now: datetime | None = None) -> None:
        self._latest = NEVER_ENDS if now is None else now + CLOCK_TOLERANCE
        self.baselines: Baselines = current_baselines(reader, configuration.sources)
        self._states = reader.sources()
        self._streaks: dict[tuple[str, Fact], PendingChange] = {
            (pending_change.source, pending_change.fact): pending_change for pending_change in reader.pending_changes()
        }
        self._moving = {fact.subject for _, fact in self._streaks}
        self._reaching: dict[tuple[str, str], list[SourceSpec]] = {}
        for spec in configuration.sources.values():
            if spec.route not in UNDATED:
                self._reaching.setdefault((spec.surface, spec.model), []).append(spec)
        polls = {key: (state.baseline, state.good_at) for key, state in self._states.items()}
        rests_on = _RestsOn(sources=configuration.sources, polls=polls, pending=self._streaks)
        dates = [*(at for _, at in polls.values()), *(change.before for change in self._streaks.values())]
        self._of_now = all(at is None or at <= self._latest for at in dates)
        self._dates = _LAST.dates(rests_on) if self._of_now else _EntryDates()

    def undated(self) -> Freshness:
        """Return the same without a `now`: itself while no poll is dated after it, which is the usual case."""
        if self._of_now:
            return self
        other = copy(self)
        other._latest, other._dates = NEVER_ENDS, _EntryDates()
        return other

    def seen(self, spec: SourceSpec, fact: Fact) -> datetime | None:
        """Return the last good poll of one source that confirmed a fact; None if it does not state the fact."""
        facts = self.baselines.baseline(spec.key)
        if facts is None or fact.field not in facts.get(fact.subject, {}):
            return None
        pending_change = self._streaks.get((spec.key, fact))
        # Suspected, held back or unclear: what is confirmed is not what was seen.
        at = self._states[spec.key].good_at if pending_change is None else pending_change.before
        return at if at is not None and at <= self._latest else None

    def state(self, spec: SourceSpec) -> SourceState | None:
        """Return what is kept of a source; None before its first poll."""
        return self._states.get(spec.key)

    def pending(self, spec: SourceSpec, fact: Fact) -> PendingChange | None:
        """Return what one source shows of a fact that is not confirmed; None where there is no such change."""
        return self._streaks.get((spec.key, fact))

    def latest(self, specs: Iterable[SourceSpec], fact: Fact) -> datetime | None:
        """Return the last poll of any of the sources that confirmed a fact."""
        return _newest(self.seen(spec, fact) for spec in specs)

    def access(self, entry: Entry) -> datetime | None:
        """When all of an entry's models were last seen, on the surfaces that something watches; the gate's own must be.

        A model that a route of its own reached was seen there, whatever the list says of it meanwhile.
        """
        return _once(self._dates.access, entry, self._access)

    def _access(self, entry: Entry) -> datetime | None:
        watched = {surface: lists for surface in entry.spec.surfaces if (lists := self.baselines.lists(surface))}
        if entry.spec.surface not in watched or not all(entry.spec.surfaces[surface] for surface in watched):
            return None
        subjects = [(lists, Subject(surface, entry.spec.surfaces[surface])) for surface, lists in watched.items()]
        return _oldest(
            _newest((self.latest(lists, Fact(subject, LISTED)), self._reached(subject))) for lists, subject in subjects
        )

    def _reached(self, subject: Subject) -> datetime | None:
        """When any call or retrieval last reached a model: one that is granted is as good as a line in a list."""
        return _newest(
            self.seen(spec, fact)
            for spec in self._reaching.get((subject.scope, subject.name), ())
            for fact in [Fact(subject, ACCESS + spec.route)]
            if (self.baselines.baseline(spec.key) or {}).get(subject, {}).get(fact.field) == GRANTED
        )

    def price(self, entry: Entry) -> datetime | None:
        """When all of an entry's prices were last confirmed, by an official source or by the word of a person."""
        return _once(self._dates.price, entry, self._price)

    def _price(self, entry: Entry) -> datetime | None:
        fields = {pin.field for pin in entry.pins if pin.field.startswith(price.PREFIX)}
        check = entry.checks.get("pricing")
        # Of an accepted entry time alone made it stale: what it was verified at is old, not unknown.
        counts = (CheckState.VERIFIED, *((CheckState.STALE,) if entry.status is Status.ACTIVE else ()))
        attested = check.verified_at if check and check.state in counts else None
        dates = self._confirmed(entry.price_subject, fields or _essential(entry.spec.tiers))
        oldest = _oldest(at or attested for at in dates)
        by_person = attested if check and check.until is not None else None
        return _newest((oldest, by_person))

    def _confirmed(self, subject: Subject, fields: Iterable[str]) -> list[datetime | None]:
        """Return when each price of a model was last confirmed."""
        sources = self.baselines.price_sources(subject.scope)
        if subject in self._moving:
            return [self.latest(sources, Fact(subject, field)) for field in fields]
        dated = [
            (facts, at)
            for spec in sources
            if (facts := (self.baselines.baseline(spec.key) or {}).get(subject))
            and (at := self._states[spec.key].good_at) is not None
            and at <= self._latest
        ]
        return [_newest([at for facts, at in dated if field in facts]) for field in fields]

    def verified_at(self, entry: Entry) -> datetime | None:
        """When what the entry rests on was last verified whole: the older of access and price."""
        return _oldest((self.access(entry), self.price(entry)))


def _once(
    dates: dict[str, tuple[Entry, datetime | None]], entry: Entry, work_out: Callable[[Entry], datetime | None]
) -> datetime | None:
    """Return the date of an entry, worked out when it is first asked for; another entry of the same key, as in a
    decision, has its own.
    """
    dated, at = dates.get(entry.key, (None, None))
    if dated is not entry:
        at = work_out(entry)
        dates[entry.key] = entry, at
    return at


@cache
def _essential(tiers: tuple[str, ...]) -> frozenset[str]:
    """Return the fields of the prices that an entry in these tiers goes by before it is accepted."""
    return frozenset(
        price.Meter(tier, price.SHORT, price.TEXT, meter).field
        for tier in tiers
        for meter in checklist.ESSENTIAL_METERS
    )


def _newest(dates: Iterable[datetime | None]) -> datetime | None:
    """Return the newest of the dates that there are."""
    newest: datetime | None = None
    for at in dates:
        if at is not None and (newest is None or at > newest):
            newest = at
    return newest


def _oldest(dates: Iterable[datetime | None]) -> datetime | None:
    """Return the oldest of the dates; None if any is missing, because a blank is not fresh."""
    known: list[datetime] = []
    for at in dates:
        if at is None:
            return None
        known.append(at)
    return min(known, default=None)
