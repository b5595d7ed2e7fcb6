"""Which prices are held back: one that cannot be right is quarantined until another source or a person agrees.

What a confirmed change becomes in the log stands in `claim`; whether any of it pauses an entry is the business of
`policy`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal

from monitor.core import events as ev
from monitor.core import price
from monitor.core.changes import Change, lookup, patch
from monitor.core.configuration import SourceSpec
from monitor.core.events import Ledger, source_stream
from monitor.core.facts import Fact, Facts, PendingChange, Subject, Value
from monitor.detection.change_events import price_data
from monitor.detection.confirmation import ConfirmedChange

EXTREME = Decimal(100)


def implausible(change: Change, facts: Facts) -> str:
    """Return why a price cannot be taken as it stands, or the empty string. `facts` are as they would be after the
    change.
    """
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
    """Return the prices of a first poll that cannot be right, with the reason of each."""
    doubts: dict[Fact, str] = {}
    for subject, fields in facts.items():
        for name, value in fields.items():
            fact = Fact(subject, name)
            if reason := implausible(Change(fact=fact, old=None, new=value), facts):
                doubts[fact] = reason
    return doubts


def sift(
    confirmed: Iterable[ConfirmedChange],
    pending: Iterable[PendingChange],
    baseline: Facts,
    seconded: Callable[[Fact, Value | None], bool],
    stated: Facts,
) -> tuple[list[ConfirmedChange], list[tuple[ConfirmedChange, str]]]:
    """Part what is accepted from what cannot be right. `seconded` says whether another source has confirmed the same
    price, `stated` are the facts of this poll.

    A price that was held back before is accepted as soon as it is seconded, or as nothing that stands beside it speaks
    against it any more; while anything of its model is still pending, that is not known.
    """
    confirmed = list(confirmed)
    pending = [pending_change for pending_change in pending if pending_change.seen]
    beside = patch(
        baseline,
        [*(_change(pending_change, baseline) for pending_change in pending), *(item.change for item in confirmed)],
    )
    unsettled = {pending_change.fact.subject for pending_change in pending if pending_change.quarantine is None}
    accepted = [
        ConfirmedChange(change=change, pending_change=pending_change)
        for pending_change in pending
        if pending_change.quarantine is not None
        for change in (_change(pending_change, baseline),)
        if seconded(pending_change.fact, pending_change.value)
        or (
            pending_change.fact.subject not in unsettled
            and lookup(stated, pending_change.fact) == pending_change.value
            and not implausible(change, beside)
        )
    ]
    doubted: list[tuple[ConfirmedChange, str]] = []
    candidate = patch(baseline, [item.change for item in confirmed])
    for item in confirmed:
        reason = implausible(item.change, candidate)
        if reason and not seconded(item.change.fact, item.change.new):
            doubted.append((item, reason))
        else:
            accepted.append(item)
    return accepted, doubted


def _change(pending_change: PendingChange, baseline: Facts) -> Change:
    return Change(fact=pending_change.fact, old=lookup(baseline, pending_change.fact), new=pending_change.value)


def _sibling(facts: Facts, subject: Subject, meter: price.Meter, name: str) -> Decimal | None:
    value = lookup(facts, Fact(subject, meter._replace(meter=name).field))
    return price.amount(value) if isinstance(value, str) else None


UNREADABLE = "unreadable"
"""The reason of a quarantine that holds no price back: one that is still spoken of and can no longer be read."""


def quarantine(ledger: Ledger, spec: SourceSpec, item: ConfirmedChange, reason: str, baseline: str) -> int:
    """Say that a price is held back, and why; returns the position that `release` takes."""
    return ledger.add(
        ev.PRICE_QUARANTINED,
        source_stream(spec.key),
        item.change.fact.subject.name,
        at=item.pending_change.first_at,
        source=spec.key,
        evidence=item.pending_change.evidence,
        data={
            **price_data(item.change),
            "reason": reason,
            "looks": item.pending_change.seen,
            "baseline": baseline,
        },
    )


def end_quarantine(ledger: Ledger, spec: SourceSpec, held: PendingChange, stands: Value | None, at: datetime) -> None:
    """Record that a price which was held back is stated no more, so that the confirmed one `stands`."""
    ledger.add(
        ev.SOURCE_HOLD_ENDED,
        source_stream(spec.key),
        spec.key,
        at=at,
        source=spec.key,
        cause=held.quarantine,
        data={
            "model": held.fact.subject.name,
            **price_data(Change(fact=held.fact, old=held.value, new=stands)),
        },
    )
