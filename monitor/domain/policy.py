"""What a belief does to the registry: the one place that pauses, and the one place that decides who is told.

Entries are judged on levels (what is believed against what is pinned), never on edges alone: a change that happened while nobody
looked, or while the entry was not active, is found all the same. Only a pin of an active entry pauses; everything else informs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor.domain import checklist, price, tell
from monitor.domain import events as ev
from monitor.domain.beliefs import CONFIG, UNKNOWN, Beliefs
from monitor.domain.configuration import SourceSpec
from monitor.domain.corroborate import Claim
from monitor.domain.diff import same
from monitor.domain.events import entry_stream
from monitor.domain.model import ALIAS_TARGET, LISTED, Fact, Subject, Value
from monitor.domain.monthly import monthly
from monitor.domain.notice import Difference, Item, Reason
from monitor.domain.registry import CheckState, Entry, Pin, Register, Status

BRIEF = 4
"""How many shifts the reason of a pause names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What a judgement follows from.

    `claims` are the events of this transaction by fact, `access` the positions that a listing pause names instead. `position` is the
    event behind the judgement where no claim explains a deviation (an amendment, a new baseline). `versions` are recorded with
    every decision.
    """

    at: datetime
    position: int | None = None
    source: str = ""
    evidence: str = ""
    claims: Mapping[Fact, Claim] = field(default_factory=dict)
    access: Mapping[Fact, int] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A pin that no longer holds, and what is believed instead (None: it is gone)."""

    pin: Pin
    new: Value | None


def deviations(entry: Entry, beliefs: Beliefs) -> tuple[Shift, ...]:
    """Every pin that what is believed contradicts, as far as the entry minds."""
    shifts = []
    for pin in entry.pins:
        now = beliefs.now(pin, entry)
        if now is UNKNOWN or same(pin.field, pin.value, now):
            continue
        if entry.text("pause_on") == "worse" and not _worse(pin, now):
            continue
        shifts.append(Shift(pin=pin, new=now))
    return tuple(shifts)


def _worse(pin: Pin, now: Value | None) -> bool:
    if pin.field.startswith(price.PREFIX) and isinstance(now, str) and isinstance(pin.value, str):
        return price.amount(now) > price.amount(pin.value)
    return True


def judge(register: Register, key: str, beliefs: Beliefs, trigger: Trigger) -> list[tell.Told]:
    """Judge one entry on levels and write what follows; returns what its owners are told."""
    entry = register.entries[key]
    if entry.status in (Status.WAITING, Status.EVALUATING):
        return _visibility(register, entry, beliefs, trigger)
    if entry.status is Status.ACTIVE and (shifts := deviations(entry, beliefs)):
        return _pause(register, entry, shifts, trigger, ev.ENTRY_PAUSED, Reason.PAUSED)
    if entry.status is Status.PAUSED:
        news = tuple(
            shift
            for shift in deviations(entry, beliefs)
            if shift.pin.key not in entry.deviations
            or not same(shift.pin.field, entry.deviations[shift.pin.key], shift.new)
        )
        if news:
            return _pause(register, entry, news, trigger, ev.ENTRY_PAUSE_EXTENDED, Reason.PAUSE_EXTENDED)
    return []


def _visibility(register: Register, entry: Entry, beliefs: Beliefs, trigger: Trigger) -> list[tell.Told]:
    subject = Subject(entry.surface, entry.model_id)
    listed = beliefs.listed(subject) if entry.model_id else False
    if listed is UNKNOWN or listed is (entry.status is Status.EVALUATING):
        return []
    fact = Fact(subject, LISTED)
    cause = trigger.access.get(fact, trigger.position)
    position = register.add(
        ev.ENTRY_VISIBLE if listed else ev.ENTRY_HIDDEN,
        entry_stream(entry.key),
        entry.key,
        at=trigger.at,
        source=trigger.source,
        cause=cause,
        evidence=trigger.evidence,
        data={"surface": entry.surface, "model_id": entry.model_id, "versions": dict(trigger.versions)},
    )
    after = register.entries[entry.key]
    wanting = ", ".join(checklist.missing(after, now=trigger.at))
    told = Item(
        reason=Reason.VISIBLE if listed else Reason.CHANGED,
        subject=entry.model_id or entry.key,
        position=position,
        since=_since(trigger, fact),
        looks=_looks(trigger, fact),
        entry=entry.key,
        name=entry.text("name"),
        status=after.status,
        source=trigger.source,
        summary=(
            f"{entry.model_id} is listed on {entry.surface}; "
            + (
                f"before it may be active it needs: {wanting}"
                if wanting
                else "nothing is missing, a person may activate it"
            )
            if listed
            else f"{entry.model_id or 'its model id'} is not listed on {entry.surface}: back to waiting"
        ),
        evidence=trigger.evidence,
        denied=True,
        commands=(f"access-monitor checklist {entry.key}", tell.activate(after)) if listed else (tell.why(after),),
    )
    return [tell.Told(owners=entry.texts("owners"), item=told, facts=frozenset({fact}))]


def _pause(
    register: Register, entry: Entry, shifts: tuple[Shift, ...], trigger: Trigger, kind: str, reason: Reason
) -> list[tell.Told]:
    shifts = tuple(sorted(shifts, key=lambda shift: price.telling_order(shift.pin.field, entry.texts("tiers"))))
    facts = [Fact(Subject(shift.pin.scope, shift.pin.name), shift.pin.field) for shift in shifts]
    explained = [fact for fact in facts if fact in trigger.claims]
    causes = sorted({trigger.access.get(fact, trigger.claims[fact].position) for fact in explained})
    if not causes:
        causes = [entry.position if trigger.position is None else trigger.position]
    since = min((trigger.claims[fact].believed.streak.first_at for fact in explained), default=trigger.at)
    evidence = next((trigger.claims[fact].believed.streak.evidence for fact in explained), trigger.evidence)
    first = shifts[0]
    position = register.add(
        kind,
        entry_stream(entry.key),
        entry.key,
        at=trigger.at,
        source=trigger.source,
        cause=causes[-1],
        evidence=evidence,
        data={
            "causes": causes,
            "since": ev.rfc3339(since),
            "pin": first.pin.key,
            "old": first.pin.value,
            "new": first.new,
            "shifts": [{"pin": shift.pin.key, "old": shift.pin.value, "new": shift.new} for shift in shifts],
            "reason": _in_brief(shifts),
            "versions": dict(trigger.versions),
        },
    )
    for name in checklist.made_stale((shift.pin for shift in shifts), entry):
        paused = "the entry was paused"
        checklist.move(
            register,
            ev.CHECK_STALE,
            entry.key,
            name,
            at=trigger.at,
            source=trigger.source,
            cause=position,
            reason=paused,
        )
    spares = entry.text("on_pause") == "deny_new" and all(s.pin.field.startswith(price.PREFIX) for s in shifts)
    item = tell.entry_item(
        register,
        entry.key,
        reason=reason,
        position=position,
        since=since,
        looks=max((_looks(trigger, fact) for fact in explained), default=0),
        source=trigger.source,
        evidence=evidence,
        denied=not spares,
        summary="; ".join(
            part for part in (_money(entry, shifts), tell.notes(trigger.claims[fact] for fact in explained)) if part
        ),
        differences=tuple(
            Difference(
                subject=shift.pin.name,
                what=shift.pin.field,
                old=tell.value(shift.pin.value),
                new=None if shift.new is None else tell.value(shift.new),
            )
            for shift in shifts
        ),
    )
    return [tell.Told(owners=entry.texts("owners"), item=item, facts=frozenset(facts))]


def _money(entry: Entry, shifts: tuple[Shift, ...]) -> str:
    """What the price shifts among these mean for a month, against what was accepted; empty where nobody stated a usage."""
    if not entry.usage or not any(shift.pin.field.startswith(price.PREFIX) for shift in shifts):
        return ""
    accepted = {pin.field: str(pin.value) for pin in entry.pins if pin.field.startswith(price.PREFIX)}
    moved = {shift.pin.key: shift.new for shift in shifts}
    now = {
        pin.field: str(value)
        for pin in entry.pins
        if pin.field in accepted and (value := moved.get(pin.key, entry.deviations.get(pin.key, pin.value))) is not None
    }
    return monthly(entry.usage, entry.texts("tiers"), accepted, now)


def _in_brief(shifts: tuple[Shift, ...]) -> str:
    """The first shifts in words and how many more there are: the gate and the lists say it in one line; `shifts` holds all."""
    told = [f"{tell.pin(one.pin)}: {tell.value(one.pin.value)} → {tell.value(one.new)}" for one in shifts[:BRIEF]]
    return "; ".join([*told, *([f"and {len(shifts) - BRIEF} more"] if len(shifts) > BRIEF else [])])


def _since(trigger: Trigger, fact: Fact) -> datetime:
    claim = trigger.claims.get(fact)
    return trigger.at if claim is None else claim.believed.streak.first_at


def _looks(trigger: Trigger, fact: Fact) -> int:
    claim = trigger.claims.get(fact)
    return 0 if claim is None else claim.believed.streak.seen


def inform(register: Register, trigger: Trigger, told: Iterable[tell.Told]) -> list[tell.Told]:
    """What moved and paused nothing, for the owners of the entries it is about."""
    done: dict[str, set[Fact]] = {}
    for item in told:
        done.setdefault(item.item.entry, set()).update(item.facts)
    more: list[tell.Told] = []
    for entry in register.entries.values():
        if not entry.alive:
            continue
        mine = [
            claim
            for fact, claim in trigger.claims.items()
            if claim.news and fact not in done.get(entry.key, ()) and (matters(fact, entry) or _newcomer(entry, claim))
        ]
        if mine:
            more.append(tell.changed(register, entry, mine, source=trigger.source))
    return more


def matters(fact: Fact, entry: Entry) -> bool:
    """Whether a fact is worth telling the owners of an entry: about its models, and if a price, one of a tier in use."""
    if fact.subject not in entry.subjects:
        return False
    return not fact.field.startswith(price.PREFIX) or price.Meter.of(fact.field).tier in entry.texts("tiers")


def _newcomer(entry: Entry, claim: Claim) -> bool:
    """A model that newly appears where an entry still waits for its id; which of them it is, a person decides."""
    return (
        not entry.model_id
        and claim.fact.field == LISTED
        and claim.believed.change.new is not None
        and claim.fact.subject.scope in entry.surfaces
    )


def expire(register: Register, key: str, *, at: datetime) -> list[tell.Told]:
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
            tell.Told(
                owners=entry.texts("owners"),
                item=tell.entry_item(
                    register,
                    key,
                    reason=Reason.STALE,
                    position=position,
                    since=entry.checks[name].until or at,
                    summary=f"the check {name} was verified until {ev.rfc3339(entry.checks[name].until or at)}",
                    denied=name in checklist.required(entry),
                ),
            )
        )
    return told


def pins(entry: Entry, beliefs: Beliefs) -> tuple[tuple[Pin, ...], tuple[str, ...], dict[str, list[tuple[str, str]]]]:
    """What an activation would pin now, what stays unpinned because it is unknown, and prices that sources dispute."""
    chosen: list[Pin] = []
    unknown: list[str] = []
    for surface, model_id in entry.surfaces.items():
        if beliefs.listed(Subject(surface, model_id)) is True:
            chosen.append(Pin(scope=surface, name=model_id, field=LISTED, value=True))
        else:
            unknown.append(f"{surface}/{model_id}/{LISTED}")
    subject = entry.price_subject
    priced = beliefs.prices(subject, entry.texts("tiers"))
    disputed: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(priced):
        if all(same(name, priced[name][0][1], value) for _, value in priced[name]):
            chosen.append(Pin(scope=subject.scope, name=subject.name, field=name, value=priced[name][0][1]))
        else:
            disputed[name] = priced[name]
    if len(targets := set(beliefs.aliased(subject))) == 1:  # an alias that moves is another model under the same name
        chosen.append(Pin(scope=subject.scope, name=subject.name, field=ALIAS_TARGET, value=targets.pop()))
    for tier in entry.texts("tiers"):
        for meter in ("input", "cached_input", "cache_write", "output"):
            name = price.Meter(tier, price.SHORT, price.TEXT, meter).field
            if name not in priced:
                unknown.append(f"{subject.scope}/{subject.name}/{name}")
    for key, value in sorted(entry.ours.items()):
        scope, _, rest = key.partition("/")
        owner, _, name = rest.rpartition("/")
        chosen.append(Pin(scope=scope, name=owner, field=name, value=value))
    return tuple(chosen), tuple(unknown), disputed


def ours(
    entry_key: str, surfaces: Mapping[str, str], price_model: str, declared: Iterable[tuple[str, str, str]]
) -> dict[str, str]:
    """The `config` pins of an entry: model ids and price id as declared, and (owner, field, value) of what they stand on."""
    values = {f"{CONFIG}/{entry_key}/model_id@{surface}": model_id for surface, model_id in surfaces.items()}
    values[f"{CONFIG}/{entry_key}/price_model"] = price_model
    values.update({f"{CONFIG}/{owner}/{name}": value for owner, name, value in declared})
    return values


def depends_on(entry: Entry, spec: SourceSpec) -> bool:
    """Whether what a source says can concern an entry."""
    if spec.kind == "models_list":
        return spec.surface in entry.surfaces
    return spec.provider in ("", entry.price_subject.scope)
