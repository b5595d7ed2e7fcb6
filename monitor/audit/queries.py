"""Answering for the log: the registry now or then, why an entry has its status, its checklist, its prices.

Reading only. A question about the past is answered from the log and from blobs that events name, never from what is
confirmed today.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.audit.silences import Silence, silences
from monitor.core import events as ev
from monitor.core import price
from monitor.core.check_names import CHECKS, SAFETY_REVIEW
from monitor.core.configuration import OFFICIAL, Configuration
from monitor.core.entry import Approval, Check, CheckState, Entry
from monitor.core.events import Recorded, entry_stream
from monitor.core.facts import Fact, Subject
from monitor.core.maintenance_windows import Window
from monitor.core.notices import Acknowledgement
from monitor.core.ports import EventQuery, Reader, Refused
from monitor.detection.stored_baselines import current_baselines
from monitor.gate.client.verdict import PRODUCTION
from monitor.gate.state import reason
from monitor.notify.answers import holders
from monitor.registry import checklist, price_schedule, safety, transitions
from monitor.registry.access_verdict import AccessVerdict, counted
from monitor.registry.freshness import Freshness
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
    return transitions.replay(recorded.event for recorded in reader.events(EventQuery(until=at)))


def status(
    reader: Reader,
    configuration: Configuration,
    *,
    at: datetime | None = None,
    now: datetime | None = None,
    judged: Collection[str] | None = None,
    shown: Mapping[str, Entry] | None = None,
) -> list[StatusRow]:
    """Return the registry, as it is or as it was recorded at a time.

    `judged` are the rows whose access is judged, which asks the log about every route; all of them unless told.
    `shown` are the rows to return where they were read already, as they were at that time. Silences are those that last
    at `at`, else at `now`; none are read without either.
    """
    fresh = None if at is not None else Freshness(reader, configuration)
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


def checks(reader: Reader, configuration: Configuration, key: str) -> list[CheckRow]:
    """Return every check of an entry, the required ones first, then whatever else was verified."""
    entry = find_entry(reader.entries(), key)
    fresh = Freshness(reader, configuration)
    looked = {"model_id": fresh.access(entry), "visibility": fresh.access(entry), "pricing": fresh.price(entry)}
    looked = {name: at for name, at in looked.items() if _shows(reader, configuration, entry, name)}
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


def price_subjects(reader: Reader, configuration: Configuration, name: str) -> tuple[Subject, ...]:
    """Whose prices a name means: those of the entry with this key, of the entries that hold this model id, or
    `provider/model`; else the models of this id at every provider that states, or once stated, a price of one.

    Raises:
        Refused: nothing is known by this name.
    """
    registered = reader.entries()
    if (row := find_row(registered, name)) in registered:
        return (registered[row].price_subject,)
    subjects = {entry.price_subject for entry in registered.values() if name in entry.spec.surfaces.values()}
    if not subjects:
        baselines = current_baselines(reader, configuration.sources)
        priced = {subject for key in configuration.sources for subject in (baselines.baseline(key) or {})}
        changed = {
            Subject(str(recorded.event.data["provider"]), recorded.event.subject)
            for recorded in reader.events(EventQuery(type="price.*", subject=name))
        }
        provider, _, model = name.partition("/")
        subjects = {s for s in priced if s.name == name or s == Subject(provider, model)} | changed
    if not subjects:
        raise Refused(f"no source states a price of {name!r}; `access-monitor poll` reads the pages and feeds")
    return tuple(sorted(subjects))


def prices(reader: Reader, configuration: Configuration, subjects: tuple[Subject, ...]) -> list[PriceFact]:
    """Return what every source has confirmed some models cost, official ones first."""
    fresh = Freshness(reader, configuration)
    rows = []
    for subject in subjects:
        moves = _moves(reader, subject)
        for spec, field, value in fresh.baselines.price_statements(subject, official=False, region=None):
            own = moves.get((spec.key, field), [])
            last = own[-1] if own else _baseline(reader, spec.key)
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
                    verified_at=fresh.seen(spec, Fact(subject, field)),
                    evidence="" if last is None else last.event.evidence,
                    url=spec.shown_url,
                    resold=spec.can.resells,
                    formerly=tuple(str(old) for record in own if (old := record.event.data["old"]) is not None),
                    billed=spec.billed,
                )
            )
    return sorted(rows, key=lambda row: (row.provider, row.model, row.trust != OFFICIAL, row.source, row.meter))


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


def price_history(reader: Reader, subjects: tuple[Subject, ...]) -> list[Recorded]:
    """Return every recorded move of the prices of some models, in order."""
    return [recorded for subject in subjects for recorded in _price_moves(reader, subject)]


def _price_moves(reader: Reader, subject: Subject) -> Iterator[Recorded]:
    for recorded in reader.events(EventQuery(type="price.*", subject=subject.name)):
        if recorded.event.data["provider"] == subject.scope:
            yield recorded


def _moves(reader: Reader, subject: Subject) -> dict[tuple[str, str], list[Recorded]]:
    """Return the events by source and field that gave a price its values, in order."""
    moves: dict[tuple[str, str], list[Recorded]] = {}
    for recorded in _price_moves(reader, subject):
        data = recorded.event.data
        if recorded.event.type != ev.PRICE_QUARANTINED:
            meter = price.Meter.named_in(data)
            moves.setdefault((recorded.event.source, meter.field), []).append(recorded)
    return moves


def _baseline(reader: Reader, source: str) -> Recorded | None:
    """Return the last event that recorded the baseline of a source as a whole."""
    return next(reader.events(EventQuery(type=ev.BASELINE_RECORDED, source=source, newest_first=True, limit=1)), None)
