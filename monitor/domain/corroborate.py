"""What a believed change may claim: which event it becomes, on whose word, and which prices are held back.

Only an official source makes a `price.changed`; the same change at an aggregator is `price.reported`. A price that
cannot be right is quarantined until another source or a person agrees. Whether any of it pauses an entry is the business of `policy`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from monitor.domain import events as ev
from monitor.domain import price
from monitor.domain.configuration import OFFICIAL, SourceSpec
from monitor.domain.confirm import Believed
from monitor.domain.diff import Change, lookup, patch
from monitor.domain.events import Ledger, source_stream
from monitor.domain.model import ALIAS_TARGET, LISTED, SHUTDOWN_DATE, Fact, Facts, Streak, Subject, Value
from monitor.domain.remark import Remark

EXTREME = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """An event that was written for a believed change. `note` is what its owners should read of it beyond old and new; what is no `news`
    they are not told.
    """

    fact: Fact
    position: int
    believed: Believed
    renamed: bool = False
    note: str = ""
    news: bool = True


def implausible(change: Change, facts: Facts) -> str:
    """Why a price cannot be taken as it stands, or the empty string. `facts` are as they would be after the change."""
    if not change.fact.field.startswith(price.PREFIX) or not isinstance(change.new, str):
        return ""
    new = price.amount(change.new)
    if new == 0:
        return "zero"
    if new < 0:
        return "negative"
    if (
        isinstance(change.old, str)
        and (old := price.amount(change.old)) > 0
        and not 1 / EXTREME <= new / old <= EXTREME
    ):
        return "ratio"
    meter = price.Meter.of(change.fact.field)
    cached = new if meter.meter == "cached_input" else _sibling(facts, change.fact.subject, meter, "cached_input")
    full = new if meter.meter == "input" else _sibling(facts, change.fact.subject, meter, "input")
    if meter.meter in ("input", "cached_input") and cached is not None and full is not None and cached >= full:
        return "cached_not_below_input"
    return ""


def doubtful(facts: Facts) -> dict[Fact, str]:
    """The prices of a first look that cannot be right, with the reason of each."""
    found: dict[Fact, str] = {}
    for subject, fields in facts.items():
        for name, value in fields.items():
            fact = Fact(subject, name)
            if reason := implausible(Change(fact=fact, old=None, new=value), facts):
                found[fact] = reason
    return found


def sift(
    believed: Iterable[Believed],
    pending: Iterable[Streak],
    baseline: Facts,
    seconded: Callable[[Fact, Value | None], bool],
) -> tuple[list[Believed], list[tuple[Believed, str]]]:
    """Part what is accepted from what cannot be right. `seconded` says whether another source believes the same price.

    A price that was held back before is accepted as soon as it is seconded.
    """
    accepted = [
        Believed(change=Change(fact=streak.fact, old=lookup(baseline, streak.fact), new=streak.value), streak=streak)
        for streak in pending
        if streak.seen and streak.quarantine is not None and seconded(streak.fact, streak.value)
    ]
    doubted: list[tuple[Believed, str]] = []
    believed = list(believed)
    candidate = patch(baseline, [item.change for item in believed])
    for item in believed:
        reason = implausible(item.change, candidate)
        if reason and not seconded(item.change.fact, item.change.new):
            doubted.append((item, reason))
        else:
            accepted.append(item)
    return accepted, doubted


def _sibling(facts: Facts, subject: Subject, meter: price.Meter, name: str) -> Decimal | None:
    value = lookup(facts, Fact(subject, meter._replace(meter=name).field))
    return price.amount(value) if isinstance(value, str) else None


UNREADABLE = "unreadable"
"""The reason of a quarantine that holds no price back: one that is still spoken of and can no longer be read."""


def quarantine(ledger: Ledger, spec: SourceSpec, item: Believed, reason: str, baseline: str) -> int:
    """Say that a price is held back, and why; returns the position that `release` takes."""
    return ledger.add(
        ev.PRICE_QUARANTINED,
        source_stream(spec.key),
        item.change.fact.subject.name,
        at=item.streak.first_at,
        source=spec.key,
        evidence=item.streak.evidence,
        data={**_price_data(item.change), "reason": reason, "baseline": baseline},
    )


def claim(
    ledger: Ledger,
    spec: SourceSpec,
    believed: Iterable[Believed],
    *,
    baseline: str,
    extractor: str,
    cause: int | None = None,
    actor: str = ev.SYSTEM,
    by: Mapping[str, object] | None = None,
    renamed: Mapping[Subject, Subject] | None = None,
    remarks: Mapping[Fact, Remark] | None = None,
) -> list[Claim]:
    """Write the events of believed changes. `baseline` is the hash of the facts with them made. The cause of a price that was
    held back is that it was.

    A model that comes or goes is one event, not one for each of its fields. Prices are written in the order people ask for them: input first.
    Rows that only go by another id now (`renamed`, old → new) say so on both sides; `remarks` are what else is to be read of a price.
    """
    to = renamed or {}
    since = {new: old for old, new in to.items()}
    believed = sorted(
        believed, key=lambda item: (item.change.fact.subject, price.telling_order(item.change.fact.field))
    )
    coming = {item.change.fact.subject for item in believed if item.change.fact.field == LISTED}
    claims: list[Claim] = []
    for item in believed:
        subject = item.change.fact.subject
        kind, data = _event(item.change, spec, whole=subject in coming)
        if not kind:
            continue
        remark = (remarks or {}).get(item.change.fact, Remark())
        note = remark.note
        position = ledger.add(
            kind,
            source_stream(spec.key),
            subject.name,
            at=item.streak.first_at,
            source=spec.key,
            actor=actor,
            cause=cause if item.streak.quarantine is None else item.streak.quarantine,
            evidence=item.streak.evidence,
            data={
                **data,
                "looks": item.streak.seen,
                "last_with_old": None if item.streak.before is None else ev.rfc3339(item.streak.before),
                "baseline": baseline,
                "extractor": extractor,
                **({"renamed_to": to[subject].name} if subject in to else {}),
                **({"renamed_from": since[subject].name} if subject in since else {}),
                **remark.data,
                **({"note": note} if note else {}),
                **(by or {}),
            },
        )
        renaming = subject in to or subject in since
        if renaming:
            note = _renaming(spec, since.get(subject, subject), to.get(subject, subject))
        claims.append(
            Claim(
                fact=item.change.fact,
                position=position,
                believed=item,
                renamed=renaming,
                note=note,
                news=remark.news,
            )
        )
    return claims


def _renaming(spec: SourceSpec, old: Subject, new: Subject) -> str:
    said = f"{spec.key} states the prices of {old.name} under {new.name} now, each as it was"
    if spec.trust != OFFICIAL:
        return f"{said}; this is its own naming and moves nothing"
    return (
        f'{said}; whether it is the same model a person decides: price_model = "{new.name}" then lets an entry that went by '
        f"{old.name} go by it"
    )


def _event(change: Change, spec: SourceSpec, *, whole: bool) -> tuple[str, dict[str, object]]:
    subject, field = change.fact
    if field.startswith(price.PREFIX):
        return _price_event(change, spec), {**_price_data(change), "trust": spec.trust}
    if field == LISTED:
        return ev.MODEL_UNLISTED if change.new is None else ev.MODEL_LISTED, {"surface": subject.scope}
    if field == SHUTDOWN_DATE:
        if whole and change.new is None:
            return "", {}
        kind = {(True, False): ev.LIFECYCLE_ANNOUNCED, (False, True): ev.LIFECYCLE_WITHDRAWN}.get(
            (change.old is None, change.new is None), ev.LIFECYCLE_MOVED
        )
        return kind, {"surface": subject.scope, "date": change.new, "old": change.old}
    if whole:
        return "", {}
    if field == ALIAS_TARGET:
        old, new = change.old or None, change.new or None  # stated to be an alias, and not of what: a blank
        # Read from a price source, whose subjects stand at a provider and on no surface.
        moved: dict[str, object] = {"surface": None, "provider": subject.scope, "field": field, "old": old, "new": new}
        return (ev.MODEL_CHANGED, moved) if old != new else ("", {})
    return ev.MODEL_CHANGED, {"surface": subject.scope, "field": field, "old": change.old, "new": change.new}


def _price_event(change: Change, spec: SourceSpec) -> str:
    if change.new is None:
        return ev.PRICE_REMOVED
    if change.old is None:
        return ev.PRICE_LISTED
    return ev.PRICE_CHANGED if spec.trust == OFFICIAL else ev.PRICE_REPORTED


def _price_data(change: Change) -> dict[str, object]:
    meter = price.Meter.of(change.fact.field)
    return {
        "provider": change.fact.subject.scope,
        **meter._asdict(),
        "unit": price.PER_MILLION_TOKENS,
        "currency": price.USD,
        "old": change.old,
        "new": change.new,
    }


def access(ledger: Ledger, claims: Iterable[Claim], registered: frozenset[Subject]) -> dict[Fact, int]:
    """Join the signals about registered models into a judgement on access, caused by the edges of the list."""
    positions: dict[Fact, int] = {}
    for item in claims:
        subject, field = item.fact
        if field != LISTED or subject not in registered:
            continue
        streak = item.believed.streak
        gained = item.believed.change.new is not None
        positions[item.fact] = ledger.add(
            ev.ACCESS_GAINED if gained else ev.ACCESS_LOST,
            source_stream(streak.source),
            subject.name,
            at=streak.first_at,
            source=streak.source,
            cause=item.position,
            evidence=streak.evidence,
            data={
                "surface": subject.scope,
                "route": "list",
                "signals": [
                    {
                        "route": "list",
                        "source": streak.source,
                        "looks": streak.seen,
                        "since": ev.rfc3339(streak.first_at),
                        "until": ev.rfc3339(streak.counted_at),
                    }
                ],
            },
        )
    return positions
