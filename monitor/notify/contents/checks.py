"""What an item says of checks that failed, expired or hold again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from monitor.core import events as ev
from monitor.core.entry import Entry
from monitor.core.events import Event, rfc3339
from monitor.core.facts import ENDPOINT, Fact, Subject
from monitor.notify.contents.shared import entry_of, time_of
from monitor.notify.event_facts import fact_of, note_of
from monitor.notify.rules import Commit, Content, Recipients


def failed(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return which check failed, and what says so."""
    data = events[0].data
    return Content(
        since=events[0].occurred_at,
        brief=f"check {data['check']} failed",
        summary=f"the check {data['check']} failed: {data['reason']}",
        commands=(f"access-monitor checklist {entry_of(to).key}",),
    )


def used_endpoints(commit: Commit, entry: Entry, event: Event) -> Iterator[Fact]:
    for model_id in entry.spec.surfaces.values():
        for path in entry.spec.uses:
            yield Fact(Subject(entry.spec.provider, model_id), ENDPOINT + path)


def verified_again(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return which checks hold again that had expired, and who or what verified them."""
    names = ", ".join(dict.fromkeys(event.data["check"] for event in events))
    by = events[0].data.get("by", "")
    who = f" by {by}" if by and by != ev.SYSTEM else ""
    return Content(
        since=events[0].occurred_at,
        by=by if who else "",
        brief=f"{'checks' if len(events) > 1 else 'check'} {names} verified",
        summary=f"{'checks' if len(events) > 1 else 'the check'} {names} verified again{who}",
    )


def expired(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    name = events[0].data["check"]
    until = entry_of(to).checks[name].until or commit.at
    return Content(
        since=until,
        brief=f"check {name} expired",
        summary=f"the check {name} expired: it was verified until {rfc3339(until)}",
    )


def aged(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    since = min(time_of(event.data["since"]) for event in events)
    names = ", ".join(event.data["check"] for event in events)
    return Content(
        since=min(event.occurred_at for event in events),  # until then it held, and production was allowed
        brief=f"{len(events)} checks expired" if len(events) > 1 else f"check {names} expired",
        summary=f"{names} expired: no poll has verified {'them' if len(events) > 1 else 'it'} since {rfc3339(since)}",
    )


def amended(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    data = events[0].data
    return Content(
        since=events[0].occurred_at,
        brief=f"check {data['check']} expired",
        summary=f"the check {data['check']} expired: {data['reason']}",
    )


def on_a_document(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return that a check rests on a document which changed; what changed is said with the first check of an entry."""
    event, document = events[0], _document(commit, events[0])
    on_fact = fact_of(document) in commit.spoken_of.get(entry_of(to).key, ())
    what = f"the check {event.data['check']} expired: it rests on {event.source}, which changed"
    return Content(
        since=document.occurred_at,
        polls=document.data["looks"],
        brief=f"check {event.data['check']} expired",
        summary=what if on_fact else f"{what}: {note_of(document)}",
    )


def its_document(commit: Commit, entry: Entry, event: Event) -> Iterator[Fact]:
    yield fact_of(_document(commit, event))


def _document(commit: Commit, event: Event) -> Event:
    """Return the change of a document by which a check went stale."""
    assert event.cause is not None
    return commit.events[event.cause]
