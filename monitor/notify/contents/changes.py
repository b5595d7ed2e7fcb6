"""What an item says of changes that pause nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from monitor.core import events as ev
from monitor.core import price
from monitor.core.entry import Entry
from monitor.core.events import Event, rfc3339
from monitor.core.maintenance_windows import expecting
from monitor.core.notices import Difference
from monitor.core.text import level_in_words
from monitor.notify.contents.shared import entry_of
from monitor.notify.event_facts import difference_of, fact_of, is_renamed, note_of
from monitor.notify.phrases import brief_change
from monitor.notify.rules import Commit, Content, Recipients


def changed(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Make the news about what an entry stands on, that pauses nothing; its own tiers come first, in the order people
    read prices.
    """
    entry = entry_of(to)
    changes = sorted(events, key=lambda event: price.telling_order(fact_of(event).field, entry.spec.tiers))
    parts = (
        _reported(changes),
        "; ".join(dict.fromkeys(note for event in changes if (note := note_of(event)))),
        "; ".join(dict.fromkeys(route for event in changes if (route := commit.routes(event)))),
        _expected(entry, changes, commit.at),
    )
    return Content(
        since=min(event.occurred_at for event in changes),
        polls=max(event.data["looks"] for event in changes),
        evidence=changes[0].evidence,
        brief=_in_brief(changes),
        differences=tuple(
            difference_of(event) for event in changes if event.type != ev.DOCUMENT_CHANGED and not is_renamed(event)
        ),
        summary="; ".join(part for part in parts if part),
    )


def _reported(changes: Sequence[Event]) -> str:
    """Return who alone states the prices that an aggregator reports: whose they are has not said so."""
    sources = dict.fromkeys(event.source for event in changes if event.type == ev.PRICE_REPORTED)
    return f"only {', '.join(sources)} reports it; the provider's own page decides" if sources else ""


def _in_brief(changes: Sequence[Event]) -> str:
    """Return for a headline what differences do not say: that a text changed, or who alone reports a price."""
    first = changes[0]
    if all(event.type == ev.DOCUMENT_CHANGED for event in changes):
        return f"{first.source} changed"
    if all(event.type == ev.PRICE_REPORTED for event in changes):
        rest = f" and {len(changes) - 1} more" if len(changes) > 1 else ""
        return f"{first.source} reports {brief_change(difference_of(first))}{rest}"
    return ""


def _expected(entry: Entry, changes: Iterable[Event], at: datetime) -> str:
    """Return the maintenance in which a change of what an entry pins is expected, so that it did not pause."""
    pinned = {pin.key for pin in entry.pins}
    facts = (fact_of(event) for event in changes)
    keys = [key for fact in facts if (key := f"{fact.subject.scope}/{fact.subject.name}/{fact.field}") in pinned]
    open_windows = [window for key in keys if (window := expecting(entry.windows, key, at)) is not None]
    last = max(open_windows, key=lambda window: window.end, default=None)
    return (
        ""
        if last is None
        else f"expected until {rfc3339(last.end)} ({last.reason}; {last.by}); what still deviates then pauses it"
    )


def of_its_fallback(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return what moved about the fallback of an entry."""
    fallback = entry_of(to).spec.fallback
    content = changed(commit, to, events)
    summary = f"this is about its fallback {fallback}"
    return replace(content, summary="; ".join(part for part in (summary, content.summary) if part))


def shifted(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return that calls by a route take or fail otherwise than they did, by how much, and by which test."""
    event, data = events[0], events[0].data
    old, new = (level_in_words(data[name], data["unit"]) for name in ("old", "new"))
    return Content(
        since=event.occurred_at,
        polls=data["calls"],
        summary=(
            f"measured over {data['calls']} calls against {data['compared']} before ({data['test']}, p = {data['p']})"
        ),
        differences=(Difference(subject=event.subject, what=data["field"], old=old, new=new),),
    )
