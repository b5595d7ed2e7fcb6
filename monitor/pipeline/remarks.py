"""Gathering what is to be read of the prices that moved in one look; what a source once listed is asked of the log.

The log is read only where a price was accepted, which hardly any look does. Nothing is judged or written here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from monitor.domain import crosscheck, price, remark
from monitor.domain import events as ev
from monitor.domain.configuration import OFFICIAL, SourceSpec
from monitor.domain.confirm import Believed
from monitor.domain.model import Fact, Facts, Subject
from monitor.domain.remark import Remark
from monitor.pipeline.ports import EventQuery, Reader
from monitor.pipeline.second import Second


def remarks(
    second: Second,
    spec: SourceSpec,
    accepted: Sequence[Believed],
    before: Facts,
    after: Facts,
    within: timedelta,
) -> dict[Fact, Remark]:
    """What is to be read of accepted changes, which make `after` of `before`; `within` is how soon after its first listing a price is corrected."""
    odd = {fact: Remark(note=said) for fact, said in crosscheck.news(before, after).items()}
    aliased = remark.of_aliases(before, after, (one.change for one in accepted))
    moved = [
        (change, one.streak.first_at)
        for one in accepted
        if (change := one.change).old is not None
        and change.new is not None
        and change.fact.field.startswith(price.PREFIX)
    ]
    listed = {subject: _first(second.reader, spec, subject) for subject in {change.fact.subject for change, _ in moved}}
    held_back = {one.change.fact for one in accepted if one.streak.quarantine is not None}
    corrected = {
        change.fact: said
        for change, at in moved
        if change.fact not in aliased
        and change.fact not in held_back  # what was doubted itself puts nothing right
        and (since := listed[change.fact.subject].get(change.fact.field)) is not None
        and (said := remark.of_correction(since, at, within)) is not None
    }
    # A feed that follows is corroboration; of an official source every move is news.
    corroborating = {
        change.fact: said
        for change, _ in (moved if spec.trust != OFFICIAL else ())
        if (said := remark.of_others(second.sources(change.fact, change.new))) is not None
    }
    return remark.joined(aliased, corrected, corroborating, odd)


def _first(reader: Reader, spec: SourceSpec, subject: Subject) -> dict[str, datetime | None]:
    """When each price of a subject was first listed by a source, by field; None of one that was not listed anew.

    What stood in the source's first poll was listed nobody knows when before, also where it was held back then and let in later, and a row that
    goes on under another id is no new one: a monitor or a name that is two days old makes no correction of a true change.
    """
    first: dict[str, datetime | None] = {}
    begun = [
        one.event.occurred_at for one in reader.events(EventQuery(type=ev.BASELINE_RECORDED, source=spec.key, limit=1))
    ]
    for recorded in reader.events(EventQuery(type="price.*", subject=subject.name, source=spec.key)):
        event, data = recorded.event, recorded.event.data
        if data["provider"] == subject.scope and event.type != ev.PRICE_QUARANTINED:
            name = price.Meter(data["tier"], data["context"], data["modality"], data["meter"]).field
            new = event.type == ev.PRICE_LISTED and "renamed_from" not in data and event.occurred_at not in begun
            first.setdefault(name, event.occurred_at if new else None)
    return first
