"""From when on each price of a model held, and from when on it will: what the log holds of its moves, and what official
sources announce.

A price that was announced holds from its day, not from the poll that first showed it in force.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from monitor.core import events as ev
from monitor.core.facts import Subject, Value
from monitor.core.ports import EventQuery, Reader
from monitor.core.price import Meter, PriceStep, announced, equal, midnight

_MOVES = frozenset({ev.PRICE_LISTED, ev.PRICE_CHANGED, ev.PRICE_REMOVED})
_BEGINNING = datetime.min.replace(tzinfo=UTC)


def past(reader: Reader, subject: Subject, sources: Collection[str]) -> dict[str, list[PriceStep]]:
    """Return the steps of each price of a model that the log holds of some sources, by field and in order."""
    days: dict[str, list[tuple[datetime, str]]] = {}
    steps: dict[str, list[PriceStep]] = {}
    for recorded in reader.events(EventQuery(type="price.*", subject=subject.name)):
        event = recorded.event
        if event.data["provider"] != subject.scope or event.source not in sources:
            continue
        field, new, old = Meter.named_in(event.data).field, event.data["new"], event.data["old"]
        if event.type == ev.PRICE_ANNOUNCED and new is not None:
            days.setdefault(field, []).append((midnight(event.data["date"]), new))
        elif event.type in _MOVES:
            since = max(
                (
                    day
                    for day, amount in days.get(field, [])
                    if day <= event.occurred_at and new is not None and equal(amount, new)
                ),
                default=event.occurred_at,
            )
            each = steps.setdefault(field, [])
            if not each and old is not None:
                each.append(PriceStep(_BEGINNING, old))
            each.append(PriceStep(since, new))
    return steps


def schedule(reader: Reader, subject: Subject, source: str, facts: Mapping[str, Value]) -> dict[str, list[PriceStep]]:
    """Return the steps of each price of a model at one source, past and announced; `facts` is what it states of it."""
    steps = past(reader, subject, {source})
    for field, each in announced(facts).items():
        steps[field] = [*steps.get(field, []), *each]
    return steps


def accepted(steps: Mapping[str, list[PriceStep]], pinned: Mapping[str, str]) -> dict[str, list[PriceStep]]:
    """Return the steps up to what was accepted of each price: what moved since is nobody's price yet."""
    known: dict[str, list[PriceStep]] = {}
    for field, each in steps.items():
        until = max(
            (
                number
                for number, step in enumerate(each, 1)
                if field in pinned and step.amount is not None and equal(step.amount, pinned[field])
            ),
            default=0,
        )
        known[field] = each[:until]
    return known
