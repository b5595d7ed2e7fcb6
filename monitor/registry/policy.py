"""What a belief does to the registry: the one place that pauses, and the one place that decides who is told.

Entries are judged on levels (what is believed against what is pinned), never on edges alone: a change that happened while nobody
looked, or while the entry was not active, is found all the same. Only a pin of an active entry pauses; everything else informs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from monitor.core import access, price
from monitor.core import events as ev
from monitor.core.baselines import UNKNOWN, Baselines
from monitor.core.changes import same
from monitor.core.configuration import SourceSpec
from monitor.core.entry import FALLBACK_ENDS, CheckState, Entry, Pin, Status
from monitor.core.events import entry_stream
from monitor.core.facts import ANNOUNCED, LIMIT, LISTED, SETTING, Fact, Subject, Value
from monitor.core.maintenance_windows import expecting
from monitor.core.notices import Difference, Item, Reason
from monitor.detection.change_events import PROSE, ChangeEvent
from monitor.detection.routes import Signal
from monitor.notify import compose
from monitor.registry import checklist, losses, pins
from monitor.registry.monthly import monthly
from monitor.registry.reminders import Reminder, in_words, reminded
from monitor.registry.transitions import RegistryTransaction

BRIEF = 4
"""How many shifts the reason of a pause names."""

BEFORE = "; before that "
"""What stands in the reason of a pause between what moved last and what had moved already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The event that made a fact what it is: its position, the first poll that showed it, by which source and on what bytes, how many polls
    confirmed it, and what its owners should read of it beyond old and new.
    """

    position: int
    at: datetime
    source: str = ""
    evidence: str = ""
    looks: int = 0
    note: str = ""


def unrecorded(entry: Entry, pin: Pin, new: Value | None) -> Origin | None:
    """The origin of what no log is asked about."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What a judgement follows from.

    `claims` are the events of this transaction by fact, `access` the positions that a listing pause names instead, `signals` what all routes say of
    a model that one of them opened or closed, `concerned` the entries that the source is about. `origin` finds the event by which a pinned fact
    has another value now where no claim explains it: it moved before, in a window of maintenance or before an amendment. `position` is the event behind
    the judgement where the log has no such event either. `versions` are recorded with every decision.
    """

    at: datetime
    position: int | None = None
    source: str = ""
    evidence: str = ""
    recorded_changes: Mapping[Fact, ChangeEvent] = field(default_factory=dict)
    access: Mapping[Fact, int] = field(default_factory=dict)
    signals: Mapping[Fact, tuple[Signal, ...]] = field(default_factory=dict)
    concerned: frozenset[str] = frozenset()
    origin: Callable[[Entry, Pin, Value | None], Origin | None] = unrecorded
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A pin that no longer holds, and what is believed instead (None: it is gone)."""

    pin: Pin
    new: Value | None


def deviations(entry: Entry, beliefs: Baselines) -> tuple[Shift, ...]:
    """Every pin that what is believed contradicts, as far as the entry minds."""
    shifts = []
    for pin in entry.pins:
        now = beliefs.now(pin, entry)
        if now is UNKNOWN or same(pin.field, pin.value, now):
            continue
        if entry.spec.pause_on == "worse" and not _worse(pin, now):
            continue
        shifts.append(Shift(pin=pin, new=now))
    return tuple(shifts)


def _unexpected(entry: Entry, beliefs: Baselines, at: datetime) -> tuple[Shift, ...]:
    """The deviations that no window of maintenance expects."""
    return tuple(shift for shift in deviations(entry, beliefs) if expecting(entry.windows, shift.pin.key, at) is None)


def _worse(pin: Pin, now: Value | None) -> bool:
    if pin.field.startswith(price.PREFIX) and isinstance(now, str) and isinstance(pin.value, str):
        return price.amount(now) > price.amount(pin.value)
    if pin.field.startswith(LIMIT) and isinstance(now, int) and isinstance(pin.value, int):
        return now < pin.value
    return True


def judge(register: RegistryTransaction, key: str, beliefs: Baselines, trigger: Trigger) -> list[compose.Told]:
    """Judge one entry on levels and write what follows; returns what its owners are told."""
    entry = register.entries[key]
    if entry.status in (Status.WAITING, Status.EVALUATING):
        return _visibility(register, entry, beliefs, trigger)
    if entry.status is Status.ACTIVE and (shifts := _unexpected(entry, beliefs, trigger.at)):
        return _pause(register, entry, shifts, beliefs, trigger, ev.ENTRY_PAUSED)
    if entry.status is Status.PAUSED:
        news = tuple(
            shift
            for shift in _unexpected(entry, beliefs, trigger.at)
            if shift.pin.key not in entry.deviations
            or not same(shift.pin.field, entry.deviations[shift.pin.key], shift.new)
        )
        if news:
            return _pause(register, entry, news, beliefs, trigger, ev.ENTRY_PAUSE_EXTENDED)
    return []


def _visibility(
    register: RegistryTransaction, entry: Entry, beliefs: Baselines, trigger: Trigger
) -> list[compose.Told]:
    subject = Subject(entry.spec.surface, entry.spec.model_id)
    listed = beliefs.listed(subject) if entry.spec.model_id else False
    if listed is UNKNOWN or listed is (entry.status is Status.EVALUATING):
        return []
    fact = Fact(subject, LISTED)
    claim = trigger.recorded_changes.get(fact)
    cause = trigger.access.get(fact, trigger.position)
    evidence = trigger.evidence if claim is None else claim.believed.pending_change.evidence
    position = register.add(
        ev.ENTRY_VISIBLE if listed else ev.ENTRY_HIDDEN,
        entry_stream(entry.key),
        entry.key,
        at=trigger.at,
        source=trigger.source,
        cause=cause,
        evidence=evidence,
        data={"surface": entry.spec.surface, "model_id": entry.spec.model_id, "versions": dict(trigger.versions)},
    )
    for name in checklist.lost_with_the_model(entry) if not listed else ():
        reason = "the model is not listed any more"
        checklist.move(register, ev.CHECK_STALE, entry.key, name, at=trigger.at, cause=position, reason=reason)
    after = register.entries[entry.key]
    wanting = ", ".join(checklist.missing(after, now=trigger.at))
    told = Item(
        reason=Reason.VISIBLE if listed else Reason.CHANGED,
        subject=entry.spec.model_id or entry.key,
        position=position,
        since=_since(trigger, fact),
        looks=_looks(trigger, fact),
        entry=entry.key,
        name=entry.spec.name,
        status=after.status,
        source=trigger.source,
        summary=(
            f"{entry.spec.model_id} is listed on {entry.spec.surface}; "
            + (
                f"before it may be active it needs: {wanting}"
                if wanting
                else "nothing is missing, a person may activate it"
            )
            if listed
            else f"{entry.spec.model_id or 'its model id'} is not listed on {entry.spec.surface}: back to waiting"
        ),
        evidence=evidence,
        commands=(f"access-monitor checklist {entry.key}", compose.activate(after))
        if listed
        else (compose.why(after),),
    )
    return [compose.Told(owners=entry.spec.owners, item=told, facts=frozenset({fact}))]


def _pause(
    register: RegistryTransaction,
    entry: Entry,
    shifts: tuple[Shift, ...],
    beliefs: Baselines,
    trigger: Trigger,
    kind: str,
) -> list[compose.Told]:
    shifts = tuple(sorted(shifts, key=lambda shift: price.telling_order(shift.pin.field, entry.spec.tiers)))
    words, rest = losses.spoken(entry, [(one.pin, one.new) for one in shifts], beliefs, trigger.signals)
    facts = [fact for shift in shifts for fact in pins.facts(shift.pin, entry)]
    origins = [origin for shift in shifts if (origin := _origin(entry, shift, trigger)) is not None]
    if not origins:
        position = entry.position if trigger.position is None else trigger.position
        origins = [Origin(position=position, at=trigger.at, source=trigger.source, evidence=trigger.evidence)]
    nearest = max(origins, key=lambda origin: origin.position)
    since = min(origin.at for origin in origins)
    first = shifts[0]
    position = register.add(
        kind,
        entry_stream(entry.key),
        entry.key,
        at=trigger.at,
        source=nearest.source,
        cause=nearest.position,
        evidence=nearest.evidence,
        data={
            "causes": sorted({origin.position for origin in origins}),
            "since": ev.rfc3339(since),
            "pin": first.pin.key,
            "old": first.pin.value,
            "new": first.new,
            "shifts": [{"pin": shift.pin.key, "old": shift.pin.value, "new": shift.new} for shift in shifts],
            "reason": _reason(entry, shifts, beliefs, [*words, *_in_brief(rest)], kind),
            "versions": dict(trigger.versions),
        },
    )
    for name in checklist.made_stale(((shift.pin, shift.new) for shift in shifts), entry):
        paused = "the entry was paused"
        checklist.move(
            register,
            ev.CHECK_STALE,
            entry.key,
            name,
            at=trigger.at,
            source=nearest.source,
            cause=position,
            reason=paused,
        )
    item = compose.entry_item(
        register,
        entry.key,
        reason=Reason.PAUSED if kind == ev.ENTRY_PAUSED else Reason.PAUSE_EXTENDED,
        position=position,
        since=since,
        looks=nearest.looks,
        source=nearest.source,
        evidence=nearest.evidence,
        summary="; ".join(
            part
            for part in (
                _money(entry, shifts),
                "; ".join(dict.fromkeys(origin.note for origin in origins if origin.note)),
                *words,
            )
            if part
        ),
        differences=tuple(
            Difference(
                subject=shift.pin.name,
                what=shift.pin.field,
                old=compose.value(shift.pin.value),
                new=None if shift.new is None else compose.value(shift.new),
            )
            for shift in shifts
        ),
    )
    return [compose.Told(owners=entry.spec.owners, item=item, facts=frozenset(facts))]


def _origin(entry: Entry, shift: Shift, trigger: Trigger) -> Origin | None:
    """The event by which a pin does not hold: one of this transaction, else one of the log."""
    judged = access.setting(shift.pin.field) is not None  # its value is a verdict over facts, not one of theirs
    found = [
        (fact, claim)
        for fact in pins.facts(shift.pin, entry)
        if (claim := trigger.recorded_changes.get(fact)) is not None
        and (judged or same(fact.field, claim.believed.change.new, shift.new))
    ]
    if not found:
        return trigger.origin(entry, shift.pin, shift.new)
    fact, claim = found[-1]
    pending_change = claim.believed.pending_change
    return Origin(
        position=trigger.access.get(fact, claim.position),
        at=pending_change.first_at,
        source=trigger.source,
        evidence=pending_change.evidence,
        looks=pending_change.seen,
        note=claim.note,
    )


def _money(entry: Entry, shifts: tuple[Shift, ...]) -> str:
    """What the price shifts among these mean for a month, against what was accepted; empty where a usage is neither stated nor observed."""
    usage = entry.spec.usage or entry.observed
    if not usage or not any(shift.pin.field.startswith(price.PREFIX) for shift in shifts):
        return ""
    pinned = [
        pin for pin in entry.pins if pin.field.startswith(price.PREFIX) and pin.scope == entry.price_subject.scope
    ]
    accepted = {pin.field: str(pin.value) for pin in pinned}
    moved = {shift.pin.field: shift.new for shift in shifts}
    now = {
        pin.field: str(value)
        for pin in pinned
        if (value := moved.get(pin.field, entry.deviations.get(pin.key, pin.value))) is not None
    }
    return monthly(usage, entry.spec.tiers, accepted, now, known="configured" if entry.spec.usage else "observed")


def _reason(entry: Entry, shifts: tuple[Shift, ...], beliefs: Baselines, words: Sequence[str], kind: str) -> str:
    """Why an entry is paused: what moved, and of a pause that goes on what deviated before, the newest first. `words` say the first."""
    if kind == ev.ENTRY_PAUSED:
        return "; ".join(words)
    again = {shift.pin.key for shift in shifts}
    before = [
        (pin, entry.deviations[pin.key]) for pin in entry.pins if pin.key in entry.deviations and pin.key not in again
    ]
    closed = {losses.closed(shift.pin, shift.new) for shift in shifts} - {None}  # their sentence says every route
    before = [(pin, now) for pin, now in before if losses.closed(pin, now) not in closed]
    earlier, rest = losses.spoken(entry, before, beliefs, {})
    # A person's words come last, and their name is put after them.
    ordered = entry.reason.rpartition(BEFORE)[2] if entry.by else ""
    return BEFORE.join(part for part in ("; ".join(words), "; ".join([*earlier, *_in_brief(rest)]), ordered) if part)


def _in_brief(moved: Sequence[losses.Moved]) -> list[str]:
    """The first pins that moved in words and how many more there are: the gate and the lists say it in one line; `shifts` holds all."""
    told = [f"{compose.pin(pin)}: {compose.value(pin.value)} → {compose.value(new)}" for pin, new in moved[:BRIEF]]
    return [*told, *([f"and {len(moved) - BRIEF} more"] if len(moved) > BRIEF else [])]


def _since(trigger: Trigger, fact: Fact) -> datetime:
    claim = trigger.recorded_changes.get(fact)
    return trigger.at if claim is None else claim.believed.pending_change.first_at


def _looks(trigger: Trigger, fact: Fact) -> int:
    claim = trigger.recorded_changes.get(fact)
    return 0 if claim is None else claim.believed.pending_change.seen


def inform(register: RegistryTransaction, trigger: Trigger, told: Iterable[compose.Told]) -> list[compose.Told]:
    """What moved and paused nothing, for the owners of the entries it is about."""
    done: dict[str, set[Fact]] = {}
    for item in told:
        done.setdefault(item.item.entry, set()).update(item.facts)
    more: list[compose.Told] = []
    for entry in register.entries.values():
        if not entry.alive:
            continue
        mine = [
            claim
            for fact, claim in trigger.recorded_changes.items()
            if claim.news
            and fact not in done.get(entry.key, ())
            and not compose.one_more_route(fact, entry)
            and (matters(fact, entry) or (_prose(fact) and entry.key in trigger.concerned))
        ]
        if mine:
            more.append(compose.changed(register, entry, mine, trigger.signals, source=trigger.source, at=trigger.at))
    for claim in trigger.recorded_changes.values():
        if claim.news and claim.fact.field == LISTED and claim.believed.change.new is not None:
            more += _newcomer(register, claim, trigger.source)
    return more


def matters(fact: Fact, entry: Entry) -> bool:
    """Whether a fact is worth telling the owners of an entry: about its models, and if a price, one of a tier in use; or a setting of
    a surface that it is on.
    """
    if fact.field.startswith(SETTING):
        return fact.subject.scope in entry.spec.surfaces
    if fact.subject not in entry.subjects:
        return False
    field = fact.field.removeprefix(ANNOUNCED).partition("@")[0]
    if not field.startswith(price.PREFIX):
        return True
    return fact.subject == entry.price_subject and price.Meter.of(field).tier in entry.spec.tiers


def _prose(fact: Fact) -> bool:
    """Whether a fact is a part of a text, which is about no model; an incident is quoted where it explains something, never told."""
    return fact.field.startswith(PROSE)


def _newcomer(register: RegistryTransaction, claim: ChangeEvent, source: str) -> list[compose.Told]:
    """A model that newly appears, for the owners of entries there that still wait for their id; which of them it is, a person decides."""
    waiting: dict[str, list[str]] = {}
    for key, entry in register.entries.items():
        if entry.alive and not entry.spec.model_id and claim.fact.subject.scope in entry.spec.surfaces:
            for owner in entry.spec.owners:
                waiting.setdefault(owner, []).append(key)
    return [compose.newcomer(claim, owner, tuple(keys), source=source) for owner, keys in waiting.items()]


def remind(
    register: RegistryTransaction, key: str, reminders: Iterable[Reminder], *, at: datetime
) -> list[compose.Told]:
    """Say ahead what comes on its day."""
    told = []
    for one in reminders:
        dated = one.dated
        position = reminded(
            register, key, said=one.key, what=dated.what, day=dated.day, text=dated.text, at=at, source=dated.source
        )
        entry = register.entries[key]
        told.append(
            compose.Told(
                owners=entry.spec.owners,
                item=compose.entry_item(
                    register,
                    key,
                    reason=Reason.FALLBACK_LOST if dated.what == FALLBACK_ENDS else Reason.REMINDER,
                    position=position,
                    since=at,
                    source=dated.source,
                    summary=f"{in_words(one.days)}: {dated.text}",
                ),
            )
        )
    return told


def expire(register: RegistryTransaction, key: str, *, at: datetime) -> list[compose.Told]:
    """Let the checks of an entry whose date has passed go stale."""
    entry = register.entries[key]
    past = [
        name
        for name, check in sorted(entry.checks.items())
        if check.state is CheckState.VERIFIED and check.until is not None and check.until <= at
    ]
    told = []
    for name in past:
        position = checklist.move(register, ev.CHECK_STALE, key, name, at=at, reason="its date has passed")
        told.append(
            compose.Told(
                owners=entry.spec.owners,
                item=compose.entry_item(
                    register,
                    key,
                    reason=Reason.STALE,
                    position=position,
                    since=entry.checks[name].until or at,
                    summary=f"the check {name} was verified until {ev.rfc3339(entry.checks[name].until or at)}",
                ),
            )
        )
    return told


def depends_on(entry: Entry, spec: SourceSpec) -> bool:
    """Whether what a source says can concern an entry."""
    if spec.model:
        return entry.spec.surfaces.get(spec.surface) == spec.model
    if spec.surface:
        return spec.surface in entry.spec.surfaces
    return spec.provider in ("", entry.price_subject.scope)
