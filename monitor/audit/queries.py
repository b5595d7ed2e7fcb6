"""Answering for the log: the registry now or then, why an entry has its status, its checklist, its prices.

Reading only. A question about the past is answered from the log and from blobs that events name, never from what is
confirmed today.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from monitor.audit.reading import merged, of_types
from monitor.audit.silences import Silence, silences
from monitor.core import events as ev
from monitor.core import price
from monitor.core.baselines import Baselines
from monitor.core.check_names import CHECKS, SAFETY_REVIEW
from monitor.core.configuration import OFFICIAL, Capabilities, Configuration, SourceSpec
from monitor.core.entry import Approval, Check, CheckState, Entry
from monitor.core.event_types import CHECK_EVENTS, EVENT_TYPES, Stream
from monitor.core.events import Recorded, entry_stream
from monitor.core.facts import Fact, Facts, Subject
from monitor.core.maintenance_windows import Window
from monitor.core.names import perhaps
from monitor.core.notices import Acknowledgement
from monitor.core.ports import EventQuery, Reader, Refused
from monitor.detection.stored_baselines import current_baselines
from monitor.gate.client.verdict import PRODUCTION
from monitor.gate.state import reason
from monitor.notify.answers import holders
from monitor.registry import checklist, price_schedule, safety, transitions
from monitor.registry.access_verdict import AccessVerdict, counted
from monitor.registry.freshness import NEVER_ENDS, Freshness
from monitor.registry.lookup import find_entry, find_row


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRow:
    """One row of an entry as `status` shows it.

    `position` is what `--expect` takes; `verified_at` is None where something is blank. `approval` is what waits for a
    second person, `windows` the maintenance that is planned or goes on, `asks` the checks that a running pause or a
    lost listing asks for, `waived` those that the last acceptance went on without. `acknowledged` is who has its pause
    in hand, `silence` the one that lasts. `access` is the verdict of access as it is now; None of the past.
    """

    key: str
    name: str
    use: str
    surface: str
    model_id: str
    status: str
    since: datetime
    position: int
    verified_at: datetime | None
    owners: tuple[str, ...]
    fallback: str
    reason: str
    approval: Approval | None = None
    windows: tuple[Window, ...] = ()
    asks: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()
    acknowledged: Acknowledgement | None = None
    silence: Silence | None = None
    access: AccessVerdict | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """One check of an entry as `checklist` shows it. `required_in` are the environments that require it, `required`
    whether production does; `asked` says that a running pause asks for it, `waived` that a person went on without it.
    `required_for` are the callers who alone need it in production.
    """

    name: str
    required: bool
    check: Check
    verified_at: datetime | None
    required_in: tuple[str, ...] = ()
    asked: bool = False
    waived: bool = False
    required_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceFact:
    """One confirmed price: who states it, since which event, and when it was last seen. `formerly` is what the source
    stated before, `resold` says that a reseller charges it, `billed` that it is what the account was charged.
    """

    source: str
    trust: str
    provider: str
    model: str
    meter: price.Meter
    amount: str
    position: int | None
    since: datetime | None
    verified_at: datetime | None
    evidence: str
    url: str
    formerly: tuple[str, ...] = ()
    resold: bool = False
    billed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainStep:
    """One event of a chain of causes; `depth` is its distance from the status."""

    depth: int
    recorded: Recorded


def entries(reader: Reader, *, at: datetime | None = None) -> Mapping[str, Entry]:
    """Return all entries, as they are or as they were recorded at a time."""
    if at is None:
        return reader.entries()
    last = next(reader.events(EventQuery(until=at, newest_first=True, limit=1)), None)
    if last is None:
        return {}
    before = last.event.position + 1  # so that no question looks the time up again
    types = [
        name
        for name, event_type in EVENT_TYPES.items()
        if event_type.stream is Stream.ENTRY and name not in CHECK_EVENTS
    ]
    own = of_types((*types, ev.NOTICE_ACKNOWLEDGED), EventQuery(before=before))
    log = merged(reader, own, reader.events_of_checks(at))
    folded = transitions.replay(recorded.event for recorded in log)
    return {key: _with_position(reader, entry, before) for key, entry in folded.items()}


_OF_MODELS = ("model.*", "price.*", "access.*", "behaviour.*", "limit.*", "setting.*", "lifecycle.*")


def _with_position(reader: Reader, entry: Entry, before: int) -> Entry:
    """Return an entry with the position that what befell its models before a position gives it.

    Only the last such event counts, and one that came before its own last change is older than that: so the many
    before it need not be read.
    """
    position = entry.position
    for name in {subject.name for subject in entry.subjects} if entry.alive else ():
        since = EventQuery(subject=name, after=position, before=before, newest_first=True)
        if not any(True for _ in reader.events(replace(since, limit=1))):
            continue
        for query in of_types(_OF_MODELS, since):
            concerning = (recorded.event for recorded in reader.events(replace(query, after=position)))
            newest = next((event for event in concerning if transitions.concerns(entry, event)), None)
            position = position if newest is None else newest.position
    return entry if position == entry.position else replace(entry, position=position)


def status(
    reader: Reader,
    configuration: Configuration,
    *,
    at: datetime | None = None,
    now: datetime | None = None,
    judged: Collection[str] | None = None,
    shown: Mapping[str, Entry] | None = None,
    fresh: Freshness | None = None,
) -> list[StatusRow]:
    """Return the registry, as it is or as it was recorded at a time.

    `judged` are the rows whose access is judged, which asks the log about every route; all of them unless told.
    `shown` are the rows to return where they were read already, as they were at that time. Silences are those that last
    at `at`, else at `now`; none are read without either. `fresh` is the freshness of now, where it was read already.
    """
    fresh = None if at is not None else fresh or Freshness(reader, configuration)
    shown = entries(reader, at=at) if shown is None else shown
    asked_about = [entry for key, entry in shown.items() if judged is None or key in judged]
    access = {} if fresh is None else {entry.key: counted(reader, configuration, entry, fresh) for entry in asked_about}
    having = holders(reader, shown, at)
    moment = at or now
    silent = {} if moment is None else {silence.entry: silence for silence in silences(reader, moment, shown)}
    return [
        StatusRow(
            key=entry.key,
            name=entry.spec.name,
            use=entry.spec.use,
            surface=entry.spec.surface,
            model_id=entry.spec.model_id,
            status=entry.status,
            since=entry.since,
            position=entry.position,
            verified_at=_verified_then(entry) if fresh is None else fresh.verified_at(entry),
            owners=entry.spec.owners,
            fallback=entry.spec.fallback,
            reason=reason(entry),
            approval=entry.asked,
            windows=entry.windows,
            asks=checklist.asked(entry),
            waived=entry.waived,
            acknowledged=having.get(entry.key),
            silence=silent.get(entry.key),
            access=access.get(entry.key),
        )
        for entry in shown.values()
    ]


def _verified_then(one: Entry) -> datetime | None:
    """Freshness as of a past day: what the daily `check.verified` of that time says."""
    dates = [one.checks.get(name, Check()).verified_at for name in checklist.DEFAULT]
    all_dates = [at for at in dates if at is not None]
    return min(all_dates) if len(all_dates) == len(dates) else None


def checks(reader: Reader, configuration: Configuration, key: str, *, at: datetime | None = None) -> list[CheckRow]:
    """Return every check of an entry, as it is or as it was recorded at a time: the required ones first, then whatever
    else was verified.
    """
    entry = find_entry(entries(reader, at=at), key)
    looked: dict[str, datetime | None] = {}
    if at is None:
        fresh = Freshness(reader, configuration)
        looked = {"model_id": fresh.access(entry), "visibility": fresh.access(entry), "pricing": fresh.price(entry)}
        looked = {name: read for name, read in looked.items() if _shows(reader, configuration, entry, name)}
    environments = dict.fromkeys((PRODUCTION, *configuration.gate.environments))
    needed = {environment: checklist.required(entry, environment) for environment in environments}
    required_checks = checklist.asked(entry)
    callers = {SAFETY_REVIEW: reviewed} if (reviewed := safety.by_caller(entry)) else {}
    names = dict.fromkeys(
        (
            *(name for required in needed.values() for name in required),
            *required_checks,
            *callers,
            *entry.waived,
            *sorted(entry.checks),
        )
    )
    return [
        CheckRow(
            name=name,
            required=name in needed[PRODUCTION],
            required_in=tuple(environment for environment, required in needed.items() if name in required),
            asked=name in required_checks,
            waived=name in entry.waived,
            required_for=callers.get(name, ()),
            check=(check := entry.checks.get(name, Check())),
            verified_at=max(
                (at for at in (looked.get(name), check.verified_at) if at and check.verified_at), default=None
            ),
        )
        for name in names
    ]


def complete(rows: Sequence[CheckRow], now: datetime) -> list[CheckRow]:
    """Return all checks there are, those without a word about them as blanks; a word whose date has passed is stale."""
    named = {row.name for row in rows}
    blanks = [
        CheckRow(name=name, required=False, check=Check(), verified_at=None) for name in CHECKS if name not in named
    ]
    return [*(_judged(row, now) for row in rows), *blanks]


def _judged(row: CheckRow, now: datetime) -> CheckRow:
    until = row.check.until
    if row.check.state is CheckState.VERIFIED and until is not None and until <= now:
        return replace(row, check=replace(row.check, state=CheckState.STALE))
    return row


def _shows(reader: Reader, configuration: Configuration, one: Entry, name: str) -> bool:
    """Return whether the evidence of a check is what a source that feeds it showed last: else its last poll must not
    date that evidence.
    """
    evidence = one.checks.get(name, Check()).evidence
    if not evidence:
        return True
    body, states = reader.evidence(evidence), reader.sources()
    feeding = [key for key, spec in configuration.sources.items() if name in checklist.fed_by(spec, one)]
    return body is not None and any(states[key].body_sha256 == body.sha256 for key in feeding if key in states)


def why(reader: Reader, key: str, *, at: datetime | None = None) -> list[ChainStep]:
    """Return the chain from the status of an entry, as it is or as it was recorded at a time, back to what was seen:
    each event once, nearest first.

    Raises:
        Refused: there is no such entry.
    """
    entry = find_entry(entries(reader, at=at), key)
    steps: list[ChainStep] = []
    visited: set[int] = set()
    todo = [(0, entry.status_position)]
    while todo:
        depth, position = todo.pop(0)
        recorded = reader.event(position)
        if position in visited or recorded is None:
            continue
        visited.add(position)
        steps.append(ChainStep(depth=depth, recorded=recorded))
        event = recorded.event
        causes = [*event.data.get("causes", ()), *(() if event.cause is None else (event.cause,))]
        if event.type not in (ev.ENTRY_DECLARED, ev.ENTRY_RENAMED, ev.ENTRY_ACTIVATED, ev.ENTRY_RESUMED):
            todo += [(depth + 1, cause) for cause in dict.fromkeys(causes)]
    return steps


def history(reader: Reader, key: str) -> Iterator[Recorded]:
    """Yield everything that befell a row, and before it what befell the row that it goes on from."""
    events = list(reader.events(EventQuery(stream=entry_stream(key))))
    first = events[0].event if events else None
    if first is not None and first.type == ev.ENTRY_DECLARED and (carried := first.data.get("carried")):
        yield from reader.events(EventQuery(stream=entry_stream(carried["from"]), before=first.position))
    yield from events


def price_subjects(
    reader: Reader, configuration: Configuration, name: str, *, at: datetime | None = None
) -> tuple[Subject, ...]:
    """Whose prices a name means, now or at a time: those of the entry with this key, of the entries that hold this
    model id, or `provider/model`; else the models of this id at every provider that states, or once stated, a price of
    one.

    Raises:
        Refused: nothing is known by this name.
    """
    registered = entries(reader, at=at)
    if (row := find_row(registered, name)) in registered:
        return (registered[row].price_subject,)
    subjects = {entry.price_subject for entry in registered.values() if name in entry.spec.surfaces.values()}
    if not subjects:
        baselines = current_baselines(reader, configuration.sources)
        priced = {subject for key in configuration.sources for subject in (baselines.baseline(key) or {})}
        provider, _, model = name.partition("/")
        changed = {
            Subject(str(recorded.event.data["provider"]), recorded.event.subject)
            for of in dict.fromkeys((name, model or name))
            for recorded in reader.events(EventQuery(type="price.*", subject=of))
        }
        subjects = {s for s in priced | changed if s.name == name or s == Subject(provider, model)}
        if not subjects:
            names = {*registered, *(subject.name for subject in priced | changed)}
            names |= {f"{subject.scope}/{subject.name}" for subject in priced}
            raise Refused(
                f"no source states a price of {name!r}{perhaps(name, names)}; `access-monitor poll` reads the pages "
                "and feeds"
            )
    return tuple(sorted(subjects))


def prices(
    reader: Reader, configuration: Configuration, subjects: tuple[Subject, ...], *, at: datetime | None = None
) -> list[PriceFact]:
    """Return what every source has confirmed some models cost, as it is or as it was recorded at a time; official
    sources first.
    """
    rows = []
    now = _known_now(reader, configuration) if at is None else None
    for subject in subjects:
        confirmed = now or _known_then(reader, configuration, subject, at or NEVER_ENDS)
        moves = _moves(reader, subject, at)
        for spec, field, value in confirmed.baselines.price_statements(subject, official=False, region=None):
            own = moves.get((spec.key, field), [])
            last = own[-1] if own else _baseline(reader, spec.key, at)
            rows.append(
                PriceFact(
                    source=spec.key,
                    trust=spec.trust,
                    provider=subject.scope,
                    model=subject.name,
                    meter=price.Meter.of(field),
                    amount=value,
                    position=None if last is None else last.event.position,
                    since=None if last is None else last.event.occurred_at,
                    verified_at=confirmed.seen(spec, Fact(subject, field), last),
                    evidence="" if last is None else last.event.evidence,
                    url=spec.shown_url,
                    resold=spec.can.resells,
                    formerly=tuple(str(old) for record in own if (old := record.event.data["old"]) is not None),
                    billed=spec.billed,
                )
            )
    return sorted(rows, key=lambda row: (row.provider, row.model, row.trust != OFFICIAL, row.source, row.meter))


class _KnownPrices(NamedTuple):
    """What is confirmed, and when a source was last read to say so; the event that gave the value is at hand."""

    baselines: Baselines
    seen: Callable[[SourceSpec, Fact, Recorded | None], datetime | None]


def _known_now(reader: Reader, configuration: Configuration) -> _KnownPrices:
    fresh = Freshness(reader, configuration)
    return _KnownPrices(fresh.baselines, lambda spec, fact, _: fresh.seen(spec, fact))


def _known_then(reader: Reader, configuration: Configuration, subject: Subject, at: datetime) -> _KnownPrices:
    def baseline(source: str) -> Facts | None:
        query = EventQuery(subject=subject.name, source=source, until=at, newest_first=True)
        # Only an event of the model moves what is confirmed of it, and each names the baseline that it made.
        own = (recorded for recorded in reader.events(query) if "baseline" in recorded.event.data)
        last = max(filter(None, (next(own, None), _baseline(reader, source, at))), key=_position, default=None)
        return None if last is None else reader.facts(str(last.event.data["baseline"]))

    def seen(spec: SourceSpec, fact: Fact, last: Recorded | None) -> datetime | None:
        return _read_at(reader, spec.key, at, None if last is None else last.recorded_at)

    return _KnownPrices(Baselines(sources_then(reader, configuration, at), baseline), seen)


def _position(recorded: Recorded) -> int:
    return recorded.event.position


def sources_then(reader: Reader, configuration: Configuration, at: datetime) -> dict[str, SourceSpec]:
    """Return the sources of now, and those of the configuration of a time that are no longer there: they said what they
    said.
    """
    specs = dict(configuration.sources)
    query = EventQuery(type=ev.CONFIG_CHANGED, until=at, newest_first=True, limit=1)
    for recorded in reader.events(query):
        for row in recorded.event.data.get("document", {}).get("source", ()):
            if row["key"] not in specs and row["key"] not in configuration.former_sources.values():
                specs[row["key"]] = SourceSpec(
                    key=row["key"],
                    kind=row["kind"],
                    every=timedelta(0),
                    provider=row.get("provider") or "",
                    url=row.get("url") or "",
                    trust=row.get("trust") or OFFICIAL,
                    can=Capabilities(prices=True),
                )
    return specs


def _read_at(reader: Reader, source: str, at: datetime, least: datetime | None) -> datetime | None:
    """Return the last good poll of a source up to a time, as far as the log says: most leave no event, but what a
    source verifies is dated once a day.
    """
    state = reader.source(source)
    if state is not None and state.good_at is not None and state.good_at <= at:
        return state.good_at
    query = EventQuery(source=source, until=at, newest_first=True, limit=1)
    dated = [
        recorded.event.occurred_at
        for type in (ev.CHECK_VERIFIED, ev.SOURCE_RECOVERED)
        for recorded in reader.events(replace(query, type=type))
    ]
    return max((*dated, *([least] if least else [])), default=None)


def in_telling_order(facts: Iterable[PriceFact]) -> list[PriceFact]:
    """Return prices in the order in which people ask for them: by model, tier, band and meter, then by source."""
    return sorted(
        facts,
        key=lambda fact: (
            fact.provider,
            fact.model,
            price.telling_order(fact.meter.field, price.TIERS),
            fact.trust,
            fact.source,
        ),
    )


def prices_at(
    reader: Reader, configuration: Configuration, subjects: tuple[Subject, ...], when: datetime
) -> list[PriceFact]:
    """Return what every source stated, or announces, that some models cost at a time."""
    now = {(fact.source, fact.provider, fact.model): fact for fact in prices(reader, configuration, subjects)}
    baselines = current_baselines(reader, configuration.sources)
    in_force = []
    for (source, provider, model), fact in now.items():
        subject = Subject(provider, model)
        facts = (baselines.baseline(source) or {}).get(subject, {})
        steps = price_schedule.schedule(reader, subject, source, facts)
        amounts = {field: str(value) for field, value in facts.items() if field.startswith(price.PREFIX)}
        for field, amount in price.at_time(amounts, steps, when).items():
            begun = [step.since for step in steps.get(field, []) if step.since <= when and step.since.year > 1]
            meter = price.Meter.of(field)
            since = max(begun, default=None)
            in_force.append(replace(fact, meter=meter, amount=amount, since=since, position=None, evidence=""))
    return sorted(in_force, key=lambda row: (row.provider, row.model, row.trust != OFFICIAL, row.source, row.meter))


def price_history(
    reader: Reader, configuration: Configuration, subjects: tuple[Subject, ...], *, at: datetime | None = None
) -> list[Recorded]:
    """Return every recorded move of the prices of some models, up to a time, in order; before them what the first
    baseline of each source stated, as an event of that price alone.
    """
    return [recorded for subject in subjects for recorded in _price_story(reader, configuration, subject, at)]


def _price_story(reader: Reader, configuration: Configuration, subject: Subject, at: datetime | None) -> list[Recorded]:
    moves = list(_price_moves(reader, subject, at))
    sources = {spec.key for spec in configuration.sources.values() if spec.prices}
    sources |= {recorded.event.source for recorded in moves}
    first = [recorded for source in sorted(sources) for recorded in _first_prices(reader, source, subject, at)]
    return sorted((*first, *moves), key=lambda recorded: recorded.event.position)


def _first_prices(reader: Reader, source: str, subject: Subject, at: datetime | None) -> Iterator[Recorded]:
    """Yield the prices of a model that the first baseline of a source stated, each as that event with the price as its
    data.
    """
    query = EventQuery(type=ev.BASELINE_RECORDED, source=source, until=at, limit=1)
    for recorded in reader.events(query):
        baseline = str(recorded.event.data["baseline"])
        for field, amount in sorted(reader.facts(baseline).get(subject, {}).items()):
            if field.startswith(price.PREFIX):
                meter = price.Meter.of(field)
                data = {
                    "provider": subject.scope,
                    **{name: value for name, value in meter._asdict().items() if name != "condition" or value},
                    "unit": price.PER_MILLION_TOKENS,
                    "currency": price.USD,
                    "old": None,
                    "new": str(amount),
                    "baseline": baseline,
                }
                yield replace(recorded, event=replace(recorded.event, subject=subject.name, data=data))


def _price_moves(reader: Reader, subject: Subject, at: datetime | None = None) -> Iterator[Recorded]:
    for recorded in reader.events(EventQuery(type="price.*", subject=subject.name, until=at)):
        if recorded.event.data["provider"] == subject.scope:
            yield recorded


def _moves(reader: Reader, subject: Subject, at: datetime | None = None) -> dict[tuple[str, str], list[Recorded]]:
    """Return the events by source and field that gave a price its values, in order."""
    moves: dict[tuple[str, str], list[Recorded]] = {}
    for recorded in _price_moves(reader, subject, at):
        data = recorded.event.data
        if recorded.event.type != ev.PRICE_QUARANTINED:
            meter = price.Meter.named_in(data)
            moves.setdefault((recorded.event.source, meter.field), []).append(recorded)
    return moves


def _baseline(reader: Reader, source: str, at: datetime | None = None) -> Recorded | None:
    """Return the last event that recorded the baseline of a source as a whole, up to a time."""
    query = EventQuery(type=ev.BASELINE_RECORDED, source=source, until=at, newest_first=True, limit=1)
    return next(reader.events(query), None)
