"""Turning decisions into items for their owners, and items into one notice per owner and decision.

Content only: which facts, which consequence, which commands. How any of it is worded or marked up is the business of `notify`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.core import price
from monitor.core.changes import Change
from monitor.core.entry import Entry, Pin, Status
from monitor.core.events import rfc3339
from monitor.core.facts import ACCESS, GRANTED, LISTED, Fact, Value
from monitor.core.maintenance_windows import expecting
from monitor.core.notices import PAUSING, Difference, Item, Notice, Reason
from monitor.core.time import exact
from monitor.detection.change_events import ChangeEvent
from monitor.detection.confirmation import ConfirmedChange
from monitor.detection.routes import Signal, in_words, reopened
from monitor.registry import checklist
from monitor.registry.transitions import RegistryTransaction

NAMED = 3
"""How many facts a sentence names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An item, whom it is for, and the facts it already speaks of. `because` are the entries for whose sake someone is told of what is no entry."""

    owners: tuple[str, ...]
    item: Item
    facts: frozenset[Fact] = frozenset()
    because: tuple[str, ...] = ()


def value(of: Value | None) -> str:
    """A value in words."""
    if of is None:
        return "gone"
    if of is True:
        return "yes"
    return str(of)


def pin(of: Pin) -> str:
    """A pin in words: the field alone says enough where the entry is named already."""
    return of.field.removeprefix(price.PREFIX) if of.field.startswith(price.PREFIX) else f"{of.name} {of.field}"


def why(entry: Entry) -> str:
    """The command that explains a status."""
    return f"access-monitor why {entry.key}"


def activate(entry: Entry) -> str:
    """The command that activates an entry at what was shown."""
    return f'access-monitor activate {entry.key} --by YOU --reason "…" --expect {entry.position}'


def ack(entry: Entry) -> str:
    """The command that takes a pause on."""
    return f"access-monitor ack {entry.key} --by YOU"


def resume(entry: Entry) -> str:
    """The command that resumes an entry at what was shown."""
    return f'access-monitor resume {entry.key} --by YOU --reason "…" --expect {entry.position}'


def entry_item(
    register: RegistryTransaction,
    key: str,
    *,
    reason: Reason,
    position: int,
    since: datetime,
    differences: tuple[Difference, ...] = (),
    looks: int = 0,
    source: str = "",
    evidence: str = "",
    summary: str = "",
    commands: tuple[str, ...] = (),
) -> Item:
    """An item about an entry as it stands after the decision; `commands` are those of its reason unless given.

    What the gate says of it is put in when the decision is written.
    """
    entry = register.entries[key]
    usual = {
        Reason.PAUSED: (why(entry), ack(entry), f"access-monitor checklist {key}", resume(entry)),
        Reason.UNACKNOWLEDGED: (why(entry), ack(entry), f"access-monitor checklist {key}", resume(entry)),
        Reason.PAUSE_EXTENDED: (why(entry), f"access-monitor checklist {key}", resume(entry)),
        Reason.FALLBACK_LOST: (f"access-monitor status {key}", f"access-monitor status {entry.spec.fallback}"),
        Reason.STALE: (f"access-monitor checklist {key}",),
        Reason.REMINDER: (f"access-monitor status {key}", f"access-monitor checklist {key}"),
    }.get(reason, (f"access-monitor status {key}",))
    return Item(
        reason=reason,
        subject=entry.spec.model_id or key,
        position=position,
        since=since,
        entry=key,
        name=entry.spec.name,
        status=entry.status,
        source=source,
        summary=summary,
        asks=checklist.asked(entry) if reason in (*PAUSING, Reason.UNACKNOWLEDGED) else (),
        differences=differences,
        looks=looks,
        evidence=evidence,
        commands=commands or usual,
    )


def held(
    register: RegistryTransaction,
    concerned: Iterable[str],
    summary: str,
    *,
    position: int,
    since: datetime,
    source: str,
    evidence: str,
) -> list[Told]:
    """Something is held back that the owners of these entries, which are active, must hear of at once."""
    return [
        Told(
            owners=register.entries[key].spec.owners,
            item=entry_item(
                register,
                key,
                reason=Reason.HELD,
                position=position,
                since=since,
                looks=1,
                source=source,
                evidence=evidence,
                summary=summary,
            ),
        )
        for key in concerned
    ]


def at_once(
    count: int, known: int, meters: Iterable[str], *, missing: bool, source: str, hold: timedelta, incident: str
) -> str:
    """What a notice says of models that are missing, or move otherwise, all at once."""
    lacking = [field.removeprefix(price.PREFIX) for field in meters]
    what = f"the prices {', '.join(lacking)} of " if lacking else ""
    moved = f"are missing from {source}" if missing else f"changed in {source}"
    return (
        f"{what}{count} of {known} known models {moved} at once; "
        f"nothing is believed before it stood for {exact(hold)}{status_says(incident)}"
    )


def contradiction(changes: Sequence[Change], *, source: str) -> str:
    """What a notice says of a source whose answers alternate, about those facts that concern the entry."""
    parts = [
        f"{change.fact.subject.name} appears and disappears"
        if change.fact.field == LISTED
        else f"{change.fact.field.removeprefix(price.PREFIX)} of {change.fact.subject.name} alternates between "
        f"{value(change.old)} and {value(change.new)}"
        for change in changes[:NAMED]
    ]
    more = f"; and {len(changes) - NAMED} more" if len(changes) > NAMED else ""
    return f"{source} contradicts itself from poll to poll: {'; '.join(parts)}{more}; the last confirmed values stand"


def status_says(incident: str) -> str:
    """What to add to a sentence while an incident is open on the surface that it is about."""
    return f"; the provider's status page says: “{incident}”" if incident else ""


def quarantined(entry: Entry, held_back: ConfirmedChange, *, position: int, source: str, reason: str) -> Told:
    """A price is held back that an entry goes by, or can no longer be read."""
    unread = held_back.change.new is None
    what = held_back.change.fact.field.removeprefix(price.PREFIX)
    summary = f"a price that cannot be right is held back: {reason.replace('_', ' ')}"
    if unread:
        summary = f"{what} (was {value(held_back.change.old)}) is still spoken of and can no longer be read; nothing renews it"
    item = Item(
        reason=Reason.HELD,
        subject=held_back.change.fact.subject.name,
        position=position,
        since=held_back.pending_change.first_at,
        entry=entry.key,
        name=entry.spec.name,
        status=entry.status,
        source=source,
        summary=summary,
        differences=() if unread else (_difference(held_back.change),),
        looks=held_back.pending_change.seen,
        evidence=held_back.pending_change.evidence,
        commands=(
            f"access-monitor verify {entry.key} pricing --by YOU --url …"
            if unread
            else f'access-monitor release {position} --by YOU --reason "…"',
        ),
    )
    return Told(owners=entry.spec.owners, item=item)


def one_more_route(fact: Fact, entry: Entry) -> bool:
    """Whether a fact is one more way to a model whose closing paused the entry already, and none that it pins.

    A model that is gone closes a dozen routes, each a look of its own: the first was told, and the log has the others.
    """
    if not fact.field.startswith(ACCESS) or entry.status is not Status.PAUSED:
        return False
    model = f"{fact.subject.scope}/{fact.subject.name}/"
    closed = {key.removeprefix(model) for key in entry.deviations if key.startswith(model)}
    return any(field == LISTED or field.startswith(ACCESS) for field in closed) and model + fact.field not in {
        pin.key for pin in entry.pins
    }


def changed(
    register: RegistryTransaction,
    entry: Entry,
    recorded_changes: Iterable[ChangeEvent],
    said: Mapping[Fact, tuple[Signal, ...]],
    *,
    source: str,
    at: datetime,
) -> Told:
    """News about what an entry stands on, that pauses nothing; its own tiers come first, in the order people read prices."""
    recorded_changes = sorted(
        recorded_changes, key=lambda claim: price.telling_order(claim.fact.field, entry.spec.tiers)
    )
    parts = (
        notes(recorded_changes),
        signals(said, (claim.fact for claim in recorded_changes)),
        _expected(entry, recorded_changes, at),
    )
    item = entry_item(
        register,
        entry.key,
        reason=Reason.CHANGED,
        position=max(claim.position for claim in recorded_changes),
        since=min(claim.believed.pending_change.first_at for claim in recorded_changes),
        looks=max(claim.believed.pending_change.seen for claim in recorded_changes),
        source=source,
        evidence=recorded_changes[0].believed.pending_change.evidence,
        differences=tuple(
            _difference(claim.believed.change) for claim in recorded_changes if not (claim.renamed or claim.prose)
        ),
        summary="; ".join(part for part in parts if part),
    )
    return Told(owners=entry.spec.owners, item=item)


def newcomer(claim: ChangeEvent, owner: str, waiting: tuple[str, ...], *, source: str) -> Told:
    """A model that is newly listed where entries of an owner wait for their id: it is named by itself, since no entry declares it."""
    fact, pending_change = claim.fact, claim.believed.pending_change
    wait = f"{', '.join(waiting)} {'wait' if len(waiting) > 1 else 'waits'} for a model id"
    item = Item(
        reason=Reason.CHANGED,
        subject=fact.subject.name,
        position=claim.position,
        since=pending_change.first_at,
        source=source,
        summary=f"newly listed on {fact.subject.scope}, where {wait}: if it is this one, write it into the configuration",
        differences=(_difference(claim.believed.change),),
        looks=pending_change.seen,
        evidence=pending_change.evidence,
        commands=(f"access-monitor events --subject {fact.subject.name}",),
    )
    return Told(owners=(owner,), item=item, because=waiting)


def _expected(entry: Entry, recorded_changes: Iterable[ChangeEvent], at: datetime) -> str:
    """The maintenance in which a change of what an entry pins is expected, so that it did not pause."""
    pinned = {one.key for one in entry.pins}
    facts = (claim.fact for claim in recorded_changes)
    keys = [key for fact in facts if (key := f"{fact.subject.scope}/{fact.subject.name}/{fact.field}") in pinned]
    found = [window for key in keys if (window := expecting(entry.windows, key, at)) is not None]
    last = max(found, key=lambda window: window.end, default=None)
    return (
        ""
        if last is None
        else f"expected until {rfc3339(last.end)} ({last.reason}; {last.by}); what deviates then pauses it"
    )


def notes(recorded_changes: Iterable[ChangeEvent]) -> str:
    """What claims say beyond old and new, each sentence once."""
    return "; ".join(dict.fromkeys(claim.note for claim in recorded_changes if claim.note))


def signals(said: Mapping[Fact, tuple[Signal, ...]], facts: Iterable[Fact]) -> str:
    """What every route says of the models whose access moved, each with its count of polls; empty where one route alone says anything."""
    several = ((fact.subject, said[fact]) for fact in facts if len(said.get(fact, ())) > 1)
    return "; ".join(
        dict.fromkeys(
            reopened(subject, routes) if routes[0].says == GRANTED else in_words(subject, routes)
            for subject, routes in several
        )
    )


def _difference(change: Change) -> Difference:
    return Difference(
        subject=change.fact.subject.name,
        what=change.fact.field,
        old=None if change.old is None else value(change.old),
        new=None if change.new is None else value(change.new),
    )


def notices(told: Iterable[Told], *, at: datetime, position: int) -> tuple[Notice, ...]:
    """One notice per owner. `position` is the last event of the decision, so the id names the decision and the owner."""
    by_owner: dict[str, list[Item]] = {}
    for one in told:
        for owner in one.owners:
            by_owner.setdefault(owner, []).append(one.item)
    order = list(Reason)
    return tuple(
        Notice(
            id=f"{position}.{owner}",
            owner=owner,
            at=at,
            items=tuple(sorted(items, key=lambda item: (order.index(item.reason), item.entry, item.position))),
        )
        for owner, items in sorted(by_owner.items())
    )
