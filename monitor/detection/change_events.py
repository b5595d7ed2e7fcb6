"""What a confirmed change becomes in the log: which event, on whose word, and with what beside old and new.

Only an official source makes a `price.changed`; the same change at an aggregator is `price.reported`. What cannot be
right was held back before (`corroborate`); whether any of it pauses an entry is the business of `policy`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.core import events as ev
from monitor.core import price
from monitor.core.changes import Change
from monitor.core.configuration import OFFICIAL, SourceSpec
from monitor.core.ends import AnnouncedEnd
from monitor.core.events import Ledger, source_stream
from monitor.core.facts import (
    ACCESS,
    ALIAS_TARGET,
    ANNOUNCED,
    BEHAVIOUR,
    DEPRECATION,
    GRANTED,
    INCIDENT,
    LIMIT,
    LISTED,
    PARAGRAPH,
    REPLACEMENT,
    SETTING,
    SHUTDOWN_DATE,
    WATCHED,
    Fact,
    Facts,
    Subject,
    Value,
    is_refusal,
)
from monitor.core.text import rename_in_words
from monitor.detection.confirmation import ConfirmedChange
from monitor.detection.price_notes import Remark
from monitor.detection.routes import Others, Signal, answer, in_words, lost, reopened

ROW = DEPRECATION + "listed"
"""The fact that a row names a model, whatever else it says."""

BY_PREFIX = {
    ACCESS: ev.BEHAVIOUR_CHANGED,
    BEHAVIOUR: ev.BEHAVIOUR_CHANGED,
    LIMIT: ev.LIMIT_CHANGED,
    SETTING: ev.SETTING_CHANGED,
    INCIDENT: ev.INCIDENT_CHANGED,
}
"""Prefix of a field → the event of a confirmed change of it; what has none is a field of a models list."""

PROSE = (PARAGRAPH, WATCHED)
"""Prefixes of the facts of a text; what moved of them together is one event."""

EXCERPTS = 8
"""How many paragraphs each way an event quotes."""

EXCERPT = 280
"""Characters of a paragraph that an event quotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEvent:
    """An event that was written for a confirmed change. `note` is what its owners should read of it beyond old and
    new.
    """

    fact: Fact
    position: int
    confirmed: ConfirmedChange
    note: str = ""

    @property
    def prose(self) -> bool:
        """Whether it is about a part of a text: old and new would be whole paragraphs."""
        return self.fact.field.startswith(PROSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmedFacts:
    """The facts after confirmed changes: `baseline` is their hash, `extractor` the version of what read them."""

    baseline: str
    extractor: str


def claim(
    ledger: Ledger,
    spec: SourceSpec,
    confirmed: Iterable[ConfirmedChange],
    *,
    after: ConfirmedFacts,
    by: Mapping[str, object] | None = None,
    renamed: Mapping[Subject, Subject] | None = None,
    remarks: Mapping[Fact, Remark] | None = None,
) -> list[ChangeEvent]:
    """Write the events of confirmed changes, which make the facts `after`. Where a person let a price in, `by` is what
    its event holds of that: who (`by`), why and from where. The cause of an event is what held its change back.

    A model that comes or goes is one event, not one for each of its fields, and so is a new row of a deprecations page.
    Prices are written in the order people ask for them: input first. Rows that only go by another id now (`renamed`,
    old → new) say so on both sides; `remarks` are what else is to be read of a price.
    """
    to = renamed or {}
    since = {new: old for old, new in to.items()}
    confirmed = sorted(
        confirmed, key=lambda item: (item.change.fact.subject, price.telling_order(item.change.fact.field))
    )
    coming = {item.change.fact.subject for item in confirmed if item.change.fact.field == LISTED}
    beside = _beside(confirmed)
    changed = {item.change.fact for item in confirmed}
    recorded_changes: list[ChangeEvent] = []
    for item in confirmed:
        subject = item.change.fact.subject
        kind, data = _event(item.change, spec, whole=subject in coming)
        row = beside.get(subject, {})
        if not kind or item.change.fact.field.startswith(PROSE) or item.change.fact.field in row:
            continue
        if is_refusal(item.change.fact.field) and _refused(item.change.fact) in changed:
            continue  # how a route says no stands in the event of the no
        remark = (remarks or {}).get(item.change.fact, Remark())
        note, renaming = remark.note, subject in to or subject in since
        position = ledger.add(
            kind,
            source_stream(spec.key),
            subject.name,
            at=item.pending_change.first_at,
            source=spec.key,
            actor=ev.SYSTEM if by is None else str(by["by"]),
            cause=_cause(item),
            evidence=item.pending_change.evidence,
            data={
                **data,
                **{name.removeprefix(DEPRECATION): value for name, value in row.items() if name != ROW},
                "looks": item.pending_change.seen,
                "last_with_old": None if item.pending_change.before is None else ev.rfc3339(item.pending_change.before),
                "baseline": after.baseline,
                "extractor": after.extractor,
                **({"renamed_to": to[subject].name} if subject in to else {}),
                **({"renamed_from": since[subject].name} if subject in since else {}),
                **({"trust": spec.trust} if renaming else {}),
                **remark.data,
                **({"note": note} if note else {}),
                **(by or {}),
            },
        )
        if renaming:
            old, new = since.get(subject, subject), to.get(subject, subject)
            note = rename_in_words(spec.key, old.name, new.name, official=spec.trust == OFFICIAL)
        recorded_changes.append(ChangeEvent(fact=item.change.fact, position=position, confirmed=item, note=note))
    recorded_changes += _paragraphs(ledger, spec, confirmed, after)
    return recorded_changes


def _refused(fact: Fact) -> Fact:
    """Return the access by the route whose refusal a fact quotes."""
    return Fact(fact.subject, ACCESS + fact.field.removeprefix(BEHAVIOUR).rpartition(".")[0])


def _cause(item: ConfirmedChange) -> int | None:
    """Return what held a change back: that a price could not be right, or that much was missing at once."""
    quarantine = item.pending_change.quarantine
    return item.pending_change.anomaly if quarantine is None else quarantine


def _beside(confirmed: Iterable[ConfirmedChange]) -> dict[Subject, dict[str, Value]]:
    """Return what a new row of a deprecations page says beside what its event is about, by subject: field → value."""
    rows: dict[Subject, dict[str, Value]] = {}
    for item in confirmed:
        if item.change.old is None and item.change.new is not None:
            rows.setdefault(item.change.fact.subject, {})[item.change.fact.field] = item.change.new
    return {
        subject: {
            name: value
            for name, value in fields.items()
            if name == REPLACEMENT or (name.startswith(DEPRECATION) and (name != ROW or SHUTDOWN_DATE in fields))
        }
        for subject, fields in rows.items()
        if ROW in fields
    }


def _paragraphs(
    ledger: Ledger, spec: SourceSpec, confirmed: Iterable[ConfirmedChange], after: ConfirmedFacts
) -> list[ChangeEvent]:
    """Write one event for all that came and went in a text together, and return it for each part."""
    prose = [item for item in confirmed if item.change.fact.field.startswith(PROSE)]
    if not prose:
        return []
    parts = [item for item in prose if item.change.fact.field.startswith(PARAGRAPH)]
    added = [excerpt(str(item.change.new)) for item in parts if item.change.new is not None]
    removed = [excerpt(str(item.change.old)) for item in parts if item.change.new is None]
    watched = {item.change.fact.field.removeprefix(WATCHED): item.change.new for item in prose if item not in parts}
    came = sorted(marker for marker, there in watched.items() if there)
    went = sorted(watched.keys() - set(came))
    pending_change = prose[0].pending_change
    position = ledger.add(
        ev.DOCUMENT_CHANGED,
        source_stream(spec.key),
        spec.key,
        at=min(item.pending_change.first_at for item in prose),
        source=spec.key,
        cause=_cause(prose[0]),
        evidence=pending_change.evidence,
        data={
            "added": added[:EXCERPTS],
            "removed": removed[:EXCERPTS],
            "more": max(0, len(added) - EXCERPTS) + max(0, len(removed) - EXCERPTS),
            "about": {
                name: value
                for name, value in (("surface", spec.surface), ("model", spec.model), ("provider", spec.provider))
                if value
            },
            **({"markers": {"came": came, "went": went}} if watched else {}),
            "looks": pending_change.seen,
            "last_with_old": None if pending_change.before is None else ev.rfc3339(pending_change.before),
            "baseline": after.baseline,
            "extractor": after.extractor,
        },
    )
    return [ChangeEvent(fact=item.change.fact, position=position, confirmed=item) for item in prose]


def excerpt(text: str) -> str:
    """Return a paragraph as an event holds it: the beginning of it."""
    return text if len(text) <= EXCERPT else text[: EXCERPT - 1].rstrip() + "…"


def _event(change: Change, spec: SourceSpec, *, whole: bool) -> tuple[str, dict[str, object]]:
    subject, field = change.fact
    values: dict[str, object] = {"field": field, "old": change.old, "new": change.new}
    place: dict[str, object] = {"provider": subject.scope}
    if subject.scope in (spec.surface, spec.key):
        place = {"surface": spec.surface} if spec.surface else {}
    if field.startswith(price.PREFIX):
        return _price_event(change, spec), {**price_data(change), "trust": spec.trust}
    if field == LISTED:
        return ev.MODEL_UNLISTED if change.new is None else ev.MODEL_LISTED, place
    if field == SHUTDOWN_DATE:
        if whole and change.new is None:
            return "", {}
        kind = {(True, False): ev.LIFECYCLE_ANNOUNCED, (False, True): ev.LIFECYCLE_WITHDRAWN}.get(
            (change.old is None, change.new is None), ev.LIFECYCLE_MOVED
        )
        return kind, {**place, **_end_data(change, spec)}
    if field.startswith(ANNOUNCED):
        return ev.PRICE_ANNOUNCED, {**announced_data(change), "trust": spec.trust}
    if whole:
        return "", {}
    if field == ALIAS_TARGET:
        # Stated to be an alias, and not of what, is a blank; of a price source `surface` is one too.
        blank = {"old": change.old or None, "new": change.new or None}
        return (ev.MODEL_CHANGED if blank["old"] != blank["new"] else ""), {"surface": None, **place, **values, **blank}
    kind = next((kind for prefix, kind in BY_PREFIX.items() if field.startswith(prefix)), ev.MODEL_CHANGED)
    unnamed: dict[str, object] = {"surface": None} if kind == ev.MODEL_CHANGED else {}
    return kind, {**unnamed, **place, **values}


def _end_data(change: Change, spec: SourceSpec) -> dict[str, object]:
    """Return an end as its event holds it: the day now and before, and of one that is not firm how sure it is."""
    new, old = AnnouncedEnd.of(change.new), AnnouncedEnd.of(change.old)
    return {
        "date": change.new if new is None else new.day.isoformat(),
        "old": change.old if old is None else old.day.isoformat(),
        **({} if new is None or new.firm else {"precision": new.precision.value}),
        **({} if old is None or old.firm else {"old_precision": old.precision.value}),
        **({} if spec.trust == OFFICIAL else {"trust": spec.trust}),
    }


def announced_data(change: Change) -> dict[str, object]:
    """Return an announced price as its event holds it: the identity of the price, the day, and the announcement before
    and now.
    """
    field, _, day = change.fact.field.removeprefix(ANNOUNCED).partition("@")
    return {**price_data(replace(change, fact=Fact(change.fact.subject, field))), "date": day}


def _price_event(change: Change, spec: SourceSpec) -> str:
    if change.new is None:
        return ev.PRICE_REMOVED
    if change.old is None:
        return ev.PRICE_LISTED
    return ev.PRICE_CHANGED if spec.trust == OFFICIAL else ev.PRICE_REPORTED


def price_data(change: Change) -> dict[str, object]:
    meter = price.Meter.of(change.fact.field)
    return {
        "provider": change.fact.subject.scope,
        **meter.data,
        "unit": price.PER_MILLION_TOKENS,
        "currency": price.USD,
        "old": change.old,
        "new": change.new,
    }


def access(
    ledger: Ledger,
    spec: SourceSpec,
    recorded_changes: Iterable[ChangeEvent],
    registered: frozenset[Subject],
    others: Others,
    facts: Facts,
) -> dict[Fact, int]:
    """Join the signals about registered models into a judgement on access, caused by the edge of one route; `others`
    are the other routes, `facts` what is confirmed of ours.
    """
    positions: dict[Fact, int] = {}
    for item in recorded_changes:
        fact, change, pending_change = item.fact, item.confirmed.change, item.confirmed.pending_change
        if fact.subject not in registered or not (fact.field == LISTED or fact.field.startswith(ACCESS)):
            continue
        gone = lost(fact, change.new)
        if gone == lost(fact, change.old):  # refused for another reason than before: the route is as closed as it was
            continue
        answers = signals(spec, item, others, facts)
        positions[fact] = ledger.add(
            ev.ACCESS_LOST if gone else ev.ACCESS_GAINED,
            source_stream(pending_change.source),
            fact.subject.name,
            at=pending_change.first_at,
            source=pending_change.source,
            cause=item.position,
            evidence=pending_change.evidence,
            data={
                "surface": fact.subject.scope,
                "route": spec.route,
                "signals": [signal.data for signal in answers],
                **({"note": _together(fact.subject, answers)} if len(answers) > 1 else {}),
            },
        )
    return positions


def _together(subject: Subject, said: Sequence[Signal]) -> str:
    """Return what several routes say of a model in one sentence; the first is the one that moved."""
    return reopened(subject, said) if said[0].says == GRANTED else in_words(subject, said)


def signals(spec: SourceSpec, item: ChangeEvent, others: Others, facts: Facts) -> tuple[Signal, ...]:
    """Return what the route of a confirmed edge and the other routes say of its model, that route first."""
    pending_change, new = item.confirmed.pending_change, item.confirmed.change.new
    gone = lost(item.fact, new)
    mine = Signal(
        route=spec.route,
        source=spec.key,
        says="lost" if gone else GRANTED,
        answer=answer(spec.route, new, facts.get(item.fact.subject, {})) if gone else "",
        polls=pending_change.seen,
        since=pending_change.first_at,
        until=pending_change.counted_at,
    )
    return (mine, *others.signals.get(item.fact.subject, ()))
