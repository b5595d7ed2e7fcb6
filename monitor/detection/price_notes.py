"""What is to be read of a price or an end beyond old and new: that an alias moved and no model's price did, that a
first listing was corrected, that others state the same already.

A remark explains a move to people and scripts. It accepts nothing and holds nothing back: whether a price is confirmed
is `corroborate`'s, and whether it pauses is `policy`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from monitor.core import events as ev
from monitor.core import price
from monitor.core.changes import Change, lookup
from monitor.core.configuration import OFFICIAL, ConfirmationRules, SourceSpec
from monitor.core.facts import ALIAS_TARGET, SHUTDOWN_DATE, Fact, Facts, Subject
from monitor.core.ports import EventQuery, Reader
from monitor.detection import cross_checks
from monitor.detection.confirmation import ConfirmedChange
from monitor.detection.other_prices import OtherPrices

Listings: TypeAlias = Mapping[Subject, Mapping[str, datetime | None]]
"""When a source first listed each price, subject → field → time; None of one that was not listed anew."""


def remarks(
    spec: SourceSpec,
    accepted: Sequence[ConfirmedChange],
    before: Facts,
    after: Facts,
    *,
    others: OtherPrices,
    listings: Listings,
    within: timedelta,
) -> dict[Fact, Remark]:
    """Return what is to be read of accepted changes, which make `after` of `before`; `within` is how soon after its
    first listing a price is corrected.
    """
    odd = {fact: Remark(note=note) for fact, note in cross_checks.news(before, after).items()}
    aliased = of_aliases(before, after, (other.change for other in accepted))
    changes = [
        (change, other.pending_change.first_at)
        for other in accepted
        if (change := other.change).old is not None
        and change.new is not None
        and change.fact.field.startswith(price.PREFIX)
    ]
    held_back = {other.change.fact for other in accepted if other.pending_change.quarantine is not None}
    corrected = {
        change.fact: price_remark
        for change, at in changes
        if change.fact not in aliased
        and change.fact not in held_back  # what was doubted itself puts nothing right
        and (since := listings.get(change.fact.subject, {}).get(change.fact.field)) is not None
        and (price_remark := of_correction(since, at, within)) is not None
    }
    # A feed that follows is corroboration; of an official source every move is news.
    corroborating = {
        change.fact: price_remark
        for change, _ in (changes if spec.trust != OFFICIAL else ())
        if (price_remark := of_others(others.stating(change.fact, change.new))) is not None
    }
    ends = {
        change.fact: end_remark
        for change in (other.change for other in accepted if spec.trust != OFFICIAL)
        if change.fact.field == SHUTDOWN_DATE
        and change.new is not None
        and (end_remark := of_others(others.stating(change.fact, change.new))) is not None
    }
    return joined(aliased, corrected, corroborating, ends, odd)


def first_listings(reader: Reader, spec: SourceSpec, subjects: Collection[Subject], since: datetime) -> Listings:
    """Read when a source first listed the prices of these subjects, of those of which it listed one after `since`.

    What stood in the source's first poll was listed nobody knows when before, also where it was held back then and let
    in later, and a row that goes on under another id is no new one: a monitor or a name that is two days old makes no
    correction of a true change.
    """
    lately = [subject for subject in subjects if _listed(reader, spec, subject, since)]
    if not lately:
        return {}
    first_poll = EventQuery(type=ev.BASELINE_RECORDED, source=spec.key, limit=1)
    begun = [record.event.occurred_at for record in reader.events(first_poll)]
    return {subject: _first(reader, spec, subject, begun) for subject in lately}


def _listed(reader: Reader, spec: SourceSpec, subject: Subject, since: datetime) -> bool:
    """Return whether a source listed a price since then. Hardly ever: the log of most prices need not be read."""
    query = EventQuery(type=ev.PRICE_LISTED, subject=subject.name, source=spec.key, since=since, limit=1)
    return any(reader.events(query))


def _first(reader: Reader, spec: SourceSpec, subject: Subject, begun: Sequence[datetime]) -> dict[str, datetime | None]:
    first: dict[str, datetime | None] = {}
    for recorded in reader.events(EventQuery(type="price.*", subject=subject.name, source=spec.key)):
        event, data = recorded.event, recorded.event.data
        if data["provider"] == subject.scope and event.type != ev.PRICE_QUARANTINED:
            name = price.Meter.named_in(data).field
            new = event.type == ev.PRICE_LISTED and "renamed_from" not in data and event.occurred_at not in begun
            first.setdefault(name, event.occurred_at if new else None)
    return first


SOON = ConfirmationRules().correction

UNITS = (
    ("day", timedelta(days=1)),
    ("hour", timedelta(hours=1)),
    ("minute", timedelta(minutes=1)),
    ("second", timedelta(seconds=1)),
)

UNSTATED = "it is an alias, and of what is not stated: it may point to another model now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A sentence for people, and the keys that it adds to the data of the event."""

    note: str = ""
    data: Mapping[str, object] = field(default_factory=dict)


def of_aliases(before: Facts, after: Facts, changes: Iterable[Change]) -> dict[Fact, Remark]:
    """Remark on the price moves of aliases that point elsewhere since the same poll, or of which it is not stated where
    they point.

    An alias whose target stayed moves with that model's own price, and nothing is remarked.
    """
    notes: dict[Fact, Remark] = {}
    for change in changes:
        if not change.fact.field.startswith(price.PREFIX) or change.old is None or change.new is None:
            continue
        alias = Fact(change.fact.subject, ALIAS_TARGET)
        old, new = lookup(before, alias), lookup(after, alias)
        if new is None or (old == new and new != ""):
            continue
        note = f"the alias points to {new} now (was {old or 'not stated'})" if new else UNSTATED
        notes[change.fact] = Remark(note=note, data={"alias_from": old or None, "alias_to": new or None})
    return notes


def of_correction(listed: datetime, at: datetime, within: timedelta = SOON) -> Remark | None:
    """Remark that a price which a source listed at `listed` and changed at `at` was corrected; return None once it
    stood for longer than `within`.
    """
    stood = max(at - listed, timedelta(seconds=1))
    if stood > within:
        return None
    count, unit = next((stood // length, unit) for unit, length in UNITS if stood >= length)
    return Remark(
        note=f"correction: first listed {count} {unit}{'' if count == 1 else 's'} before", data={"correction": True}
    )


def of_others(sources: Sequence[str]) -> Remark | None:
    """Remark that others state the same price or end already: corroboration, recorded and no news to anybody."""
    if not sources:
        return None
    return Remark(note=f"as {', '.join(sources)} already", data={"corroborates": list(sources)})


def joined(*several: Mapping[Fact, Remark]) -> dict[Fact, Remark]:
    """Return all remarks, those about one fact as one, in the order given."""
    remarks_of: dict[Fact, Remark] = {}
    for remarks in several:
        for fact, other in remarks.items():
            before = remarks_of.get(fact, Remark())
            note = "; ".join(part for part in (before.note, other.note) if part)
            remarks_of[fact] = Remark(note=note, data={**before.data, **other.data})
    return remarks_of
