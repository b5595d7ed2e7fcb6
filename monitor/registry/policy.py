"""What a confirmed change does to the registry: the one place that pauses.

Entries are judged on levels (what is confirmed against what is pinned), never on edges alone: a change that happened
while nobody polled, or while the entry was not active, is found all the same. Only a pin of an active entry pauses;
everything else informs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor.core import access, price
from monitor.core import events as ev
from monitor.core.baselines import UNKNOWN, Baselines
from monitor.core.changes import same
from monitor.core.configuration import SourceSpec
from monitor.core.entry import CheckState, Entry, Pin, Status
from monitor.core.facts import ANNOUNCED, LIMIT, LISTED, PREVIEW, SETTING, SHUTDOWN_DATE, STAGE, Fact, Subject, Value
from monitor.core.maintenance_windows import expecting
from monitor.core.text import move_in_words, pin_in_words
from monitor.detection.change_events import ChangeEvent
from monitor.detection.routes import Signal
from monitor.registry import checklist, losses, pins
from monitor.registry.reminders import OwnerMessage, Reminder, reminded
from monitor.registry.transitions import RegistryTransaction

BRIEF = 4
"""How many shifts the reason of a pause names."""

BEFORE = "; before that "
"""What stands in the reason of a pause between what moved last and what had moved already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The event that made a fact what it is: its position, the first poll that showed it, by which source and on what
    bytes, how many polls confirmed it, and what its owners should read of it beyond old and new.
    """

    position: int
    at: datetime
    source: str = ""
    evidence: str = ""
    polls: int = 0
    note: str = ""


def unrecorded(entry: Entry, pin: Pin, new: Value | None) -> Origin | None:
    """Return the origin of what no log is asked about."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What a judgement follows from.

    `claims` are the events of this transaction by fact, `access` the positions that a listing pause names instead,
    `signals` what all routes say of a model that one of them opened or closed. `origin` finds the event by which a
    pinned fact has another value now where no claim explains it: it moved before, in a window of maintenance or before
    an amendment. `position` is the event behind the judgement where the log has no such event either. `versions` are
    recorded with every decision.
    """

    at: datetime
    position: int | None = None
    source: str = ""
    evidence: str = ""
    recorded_changes: Mapping[Fact, ChangeEvent] = field(default_factory=dict)
    access: Mapping[Fact, int] = field(default_factory=dict)
    signals: Mapping[Fact, tuple[Signal, ...]] = field(default_factory=dict)
    origin: Callable[[Entry, Pin, Value | None], Origin | None] = unrecorded
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A pin that no longer holds, and what is confirmed instead (None: it is gone)."""

    pin: Pin
    new: Value | None


def deviations(entry: Entry, baselines: Baselines) -> tuple[Shift, ...]:
    """Every pin that what is confirmed contradicts, as far as the entry minds."""
    shifts = []
    for pin in entry.pins:
        now = baselines.current(pin, entry)
        if now is UNKNOWN or same(pin.field, pin.value, now):
            continue
        if entry.spec.pause_on == "worse" and not _worse(pin, now):
            continue
        shifts.append(Shift(pin=pin, new=now))
    return tuple(shifts)


def _unexpected(entry: Entry, baselines: Baselines, at: datetime) -> tuple[Shift, ...]:
    """Return the deviations that no window of maintenance expects."""
    return tuple(shift for shift in deviations(entry, baselines) if expecting(entry.windows, shift.pin.key, at) is None)


def _worse(pin: Pin, now: Value | None) -> bool:
    if pin.field.startswith(price.PREFIX) and isinstance(now, str) and isinstance(pin.value, str):
        return price.amount(now) > price.amount(pin.value)
    if pin.field.startswith(LIMIT) and isinstance(now, int) and isinstance(pin.value, int):
        return now < pin.value
    return pin.field != STAGE or now == PREVIEW


def _got_worse(entry: Entry, shifts: Iterable[Shift]) -> bool:
    """Return whether a running pause became worse by further shifts than it was when somebody may have taken it on."""
    for shift in shifts:
        last = entry.deviations.get(shift.pin.key, shift.pin.value)
        if last is not None and _worse(replace(shift.pin, value=last), shift.new):
            return True
    return False


def judge(register: RegistryTransaction, key: str, baselines: Baselines, trigger: Trigger) -> None:
    """Judge one entry on levels and write what follows."""
    entry = register.entries[key]
    if entry.status in (Status.WAITING, Status.EVALUATING):
        _visibility(register, entry, baselines, trigger)
    elif entry.status is Status.ACTIVE and (shifts := _unexpected(entry, baselines, trigger.at)):
        _pause(register, entry, shifts, baselines, trigger, ev.ENTRY_PAUSED)
    elif entry.status is Status.PAUSED:
        news = tuple(
            shift
            for shift in _unexpected(entry, baselines, trigger.at)
            if shift.pin.key not in entry.deviations
            or not same(shift.pin.field, entry.deviations[shift.pin.key], shift.new)
        )
        if news:
            _pause(register, entry, news, baselines, trigger, ev.ENTRY_PAUSE_EXTENDED)


def _visibility(register: RegistryTransaction, entry: Entry, baselines: Baselines, trigger: Trigger) -> None:
    subject = Subject(entry.spec.surface, entry.spec.model_id)
    listed = baselines.listed(subject) if entry.spec.model_id else False
    if listed is UNKNOWN or listed is (entry.status is Status.EVALUATING):
        return
    fact = Fact(subject, LISTED)
    claim = trigger.recorded_changes.get(fact)
    cause = trigger.access.get(fact, trigger.position)
    evidence = trigger.evidence if claim is None else claim.confirmed.pending_change.evidence
    position = register.add_to_entry(
        ev.ENTRY_VISIBLE if listed else ev.ENTRY_HIDDEN,
        entry.key,
        at=trigger.at,
        source=trigger.source,
        cause=cause,
        evidence=evidence,
        data={
            "surface": entry.spec.surface,
            "model_id": entry.spec.model_id,
            "since": ev.rfc3339(trigger.at if claim is None else claim.confirmed.pending_change.first_at),
            "looks": 0 if claim is None else claim.confirmed.pending_change.seen,
            **({} if listed else {"asks": list(checklist.asked_by_loss(entry))}),
            "versions": dict(trigger.versions),
        },
    )
    grounds = checklist.Grounds(cause=position, reason="the model is not listed any more")
    for name in checklist.lost_with_the_model(entry) if not listed else ():
        checklist.move(register, ev.CHECK_STALE, entry.key, name, grounds, at=trigger.at)


def _pause(
    register: RegistryTransaction,
    entry: Entry,
    shifts: tuple[Shift, ...],
    baselines: Baselines,
    trigger: Trigger,
    kind: str,
) -> None:
    shifts = tuple(sorted(shifts, key=lambda shift: price.telling_order(shift.pin.field, entry.spec.tiers)))
    words, rest = losses.spoken(entry, [(shift.pin, shift.new) for shift in shifts], baselines, trigger.signals)
    origins = [origin for shift in shifts if (origin := _origin(entry, shift, trigger)) is not None]
    if not origins:
        position = entry.position if trigger.position is None else trigger.position
        origins = [Origin(position=position, at=trigger.at, source=trigger.source, evidence=trigger.evidence)]
    nearest = max(origins, key=lambda origin: origin.position)
    since = min(origin.at for origin in origins)
    first = shifts[0]
    position = register.add_to_entry(
        kind,
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
            "reason": _reason(entry, shifts, baselines, [*words, *_in_brief(rest)], kind),
            "looks": nearest.polls,
            "notes": list(dict.fromkeys(origin.note for origin in origins if origin.note)),
            "access_lost": words,
            "versions": dict(trigger.versions),
            **({"worse": True} if kind == ev.ENTRY_PAUSE_EXTENDED and _got_worse(entry, shifts) else {}),
        },
    )
    grounds = checklist.Grounds(source=nearest.source, cause=position, reason="the entry was paused")
    for name in checklist.made_stale(((shift.pin, shift.new) for shift in shifts), entry):
        checklist.move(register, ev.CHECK_STALE, entry.key, name, grounds, at=trigger.at)


def _origin(entry: Entry, shift: Shift, trigger: Trigger) -> Origin | None:
    """Find the event by which a pin does not hold: one of this transaction, else one of the log."""
    judged = access.setting(shift.pin.field) is not None  # its value is a verdict over facts, not one of theirs
    claims = [
        (fact, claim)
        for fact in pins.facts(shift.pin, entry)
        if (claim := trigger.recorded_changes.get(fact)) is not None
        and (judged or same(fact.field, claim.confirmed.change.new, shift.new))
    ]
    if not claims:
        return trigger.origin(entry, shift.pin, shift.new)
    fact, claim = claims[-1]
    pending_change = claim.confirmed.pending_change
    return Origin(
        position=trigger.access.get(fact, claim.position),
        at=pending_change.first_at,
        source=trigger.source,
        evidence=pending_change.evidence,
        polls=pending_change.seen,
        note=claim.note,
    )


def _reason(entry: Entry, shifts: tuple[Shift, ...], baselines: Baselines, words: Sequence[str], kind: str) -> str:
    """Why an entry is paused: what moved, and of a pause that goes on what deviated before, the newest first. `words`
    say the first.
    """
    if kind == ev.ENTRY_PAUSED:
        return "; ".join(words)
    again = {shift.pin.key for shift in shifts}
    before = [
        (pin, entry.deviations[pin.key]) for pin in entry.pins if pin.key in entry.deviations and pin.key not in again
    ]
    closed = {losses.closed(shift.pin, shift.new) for shift in shifts} - {None}  # their sentence says every route
    before = [(pin, now) for pin, now in before if losses.closed(pin, now) not in closed]
    earlier, rest = losses.spoken(entry, before, baselines, {})
    # A person's words come last, and their name is put after them.
    ordered = entry.reason.rpartition(BEFORE)[2] if entry.by else ""
    return BEFORE.join(part for part in ("; ".join(words), "; ".join([*earlier, *_in_brief(rest)]), ordered) if part)


def _in_brief(moved: Sequence[losses.Moved]) -> list[str]:
    """Return the first pins that moved in words, and how many more there are: the gate and the lists say it in one
    line; `shifts` holds all.
    """
    brief = [f"{pin_in_words(pin)}: {move_in_words(pin.field, pin.value, new)}" for pin, new in moved[:BRIEF]]
    return [*brief, *([f"and {len(moved) - BRIEF} more"] if len(moved) > BRIEF else [])]


def matters(fact: Fact, entry: Entry) -> bool:
    """Whether a fact is worth telling the owners of an entry: about its models, and if a price, one of a tier in use;
    the end of an endpoint that it calls; or a setting of a surface that it is on.
    """
    if fact.field.startswith(SETTING):
        return fact.subject.scope in entry.spec.surfaces
    if fact.field == SHUTDOWN_DATE and fact.subject in entry.endpoints:
        return True
    if fact.subject not in entry.subjects:
        return False
    field = fact.field.removeprefix(ANNOUNCED).partition("@")[0]
    if not field.startswith(price.PREFIX):
        return True
    meter = price.Meter.of(field)
    return fact.subject == entry.price_subject and meter.tier in entry.spec.tiers and meter.concerns(entry.spec.region)


def remind(register: RegistryTransaction, key: str, reminders: Iterable[Reminder], *, at: datetime) -> None:
    """Say ahead what comes on its day."""
    for reminder in reminders:
        dated = reminder.dated
        message = OwnerMessage(key=reminder.key, what=dated.what, day=dated.day, text=dated.text, source=dated.source)
        reminded(register, key, message, at=at)


def expire(register: RegistryTransaction, key: str, *, at: datetime) -> None:
    """Let the checks of an entry whose date has passed go stale."""
    grounds = checklist.Grounds(reason="its date has passed", because="date")
    for name, check in sorted(register.entries[key].checks.items()):
        if check.state is CheckState.VERIFIED and check.until is not None and check.until <= at:
            checklist.move(register, ev.CHECK_STALE, key, name, grounds, at=at)


def depends_on(entry: Entry, spec: SourceSpec) -> bool:
    """Whether what a source says can concern an entry."""
    return checklist.offers(spec, entry) or watches(
        entry, surface=spec.surface, model=spec.model, provider=spec.provider
    )


def watches(entry: Entry, *, surface: str = "", model: str = "", provider: str = "") -> bool:
    """Whether a source that is about this surface, model or provider can say something of an entry; about none of them,
    it may of any.
    """
    if model and not surface:
        return provider == entry.price_subject.scope and model in (
            entry.price_subject.name,
            *entry.spec.surfaces.values(),
        )
    if model:
        return entry.spec.surfaces.get(surface) == model
    if surface:
        return surface in entry.spec.surfaces
    return provider in ("", entry.price_subject.scope)
