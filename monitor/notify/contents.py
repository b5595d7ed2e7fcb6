"""What an item says of its events and its entry: content only, without markup."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.core import events as ev
from monitor.core import price
from monitor.core.entry import Entry, Pin
from monitor.core.events import Event, rfc3339
from monitor.core.facts import ENDPOINT, LISTED, Fact, Subject, Value
from monitor.core.maintenance_windows import expecting
from monitor.core.notices import Difference
from monitor.core.text import duration_in_words, level_in_words, value_in_words
from monitor.notify.event_facts import concerned_by, difference, difference_of, fact_of, is_renamed, note_of, scope_of
from monitor.notify.rules import Commit, Content, Recipients
from monitor.registry import checklist, pins
from monitor.registry.acceptance import COMMANDS
from monitor.registry.monthly import monthly
from monitor.registry.policy import matters
from monitor.registry.reminders import days_in_words

NAMED = 3
"""How many facts a sentence names."""


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _entry_of(to: Recipients) -> Entry:
    """Return the entry that an item is about."""
    assert to.entry is not None
    return to.entry


def _shifts(entry: Entry, event: Event) -> list[tuple[Pin, Value | None, Value | None]]:
    """Return the pins that no longer held at a pause, each with what was accepted and what is so
    instead (None: gone).
    """
    by_key = {pin.key: pin for pin in entry.pins}
    return [(by_key[shift["pin"]], shift["old"], shift["new"]) for shift in event.data["shifts"]]


def pinned_facts(commit: Commit, entry: Entry, event: Event) -> Iterator[Fact]:
    for pin, _, _ in _shifts(entry, event):
        yield from pins.facts(pin, entry)


def pause(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return which pins no longer hold, what that means in money, and how access was lost."""
    entry, event = _entry_of(to), events[0]
    shifts = _shifts(entry, event)
    parts = (_money(entry, {pin.field: new for pin, _, new in shifts}), "; ".join(event.data["notes"]))
    return Content(
        since=_time(event.data["since"]),
        polls=event.data["looks"],
        summary="; ".join(part for part in (*parts, *event.data["access_lost"]) if part),
        differences=tuple(
            replace(difference(pin.name, pin.field, old, new), old=value_in_words(old)) for pin, old, new in shifts
        ),
    )


def _money(entry: Entry, moved: Mapping[str, Value | None]) -> str:
    """Return what the prices among the fields that moved mean for a month, against what was accepted; empty where no
    usage is stated or observed.
    """
    usage = entry.spec.usage or entry.observed
    if not usage or not any(field.startswith(price.PREFIX) for field in moved):
        return ""
    pinned = [
        pin for pin in entry.pins if pin.field.startswith(price.PREFIX) and pin.scope == entry.price_subject.scope
    ]
    accepted = {pin.field: str(pin.value) for pin in pinned}
    now = {
        pin.field: str(value)
        for pin in pinned
        if (value := moved.get(pin.field, entry.deviations.get(pin.key, pin.value))) is not None
    }
    return monthly(usage, entry.spec.tiers, accepted, now, known="configured" if entry.spec.usage else "observed")


def visible(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return that a model is listed, and what the entry needs before it may be active."""
    entry, data = _entry_of(to), events[0].data
    wanting = ", ".join(checklist.missing(entry, now=commit.at))
    needs = (
        f"before it may be active it needs: {wanting}" if wanting else "nothing is missing, a person may activate it"
    )
    return Content(
        since=_time(data["since"]),
        polls=data["looks"],
        summary=f"{entry.spec.model_id} is listed on {entry.spec.surface}; {needs}",
        commands=(
            f"access-monitor checklist {entry.key}",
            f'access-monitor activate {entry.key} --by YOU --reason "…" --expect {entry.position}',
        ),
    )


def hidden(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return that a model is not listed any more, so that the entry waits again."""
    entry, data = _entry_of(to), events[0].data
    return Content(
        since=_time(data["since"]),
        polls=data["looks"],
        summary=f"{entry.spec.model_id or 'its model id'} is not listed on {entry.spec.surface}: back to waiting",
        commands=(f"access-monitor why {entry.key}",),
    )


def listing(commit: Commit, entry: Entry, event: Event) -> Iterator[Fact]:
    yield Fact(Subject(event.data["surface"], event.data["model_id"]), LISTED)


def used_endpoints(commit: Commit, entry: Entry, event: Event) -> Iterator[Fact]:
    for model_id in entry.spec.surfaces.values():
        for path in entry.spec.uses:
            yield Fact(Subject(entry.spec.provider, model_id), ENDPOINT + path)


def failed(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return which check failed, and what says so."""
    data = events[0].data
    return Content(
        since=events[0].occurred_at,
        summary=f"the check {data['check']} failed: {data['reason']}",
        commands=(f"access-monitor checklist {_entry_of(to).key}",),
    )


def withdrawn(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    return Content(since=events[0].occurred_at, summary=events[0].data["reason"])


def approval(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return that one person asked for an acceptance, and how another confirms it."""
    entry, data = _entry_of(to), events[0].data
    command = COMMANDS[data["act"]]
    return Content(
        since=events[0].occurred_at,
        summary=(
            f"{data['by']} asks to {command} it ({data['reason']}); it takes effect when another person does the same"
        ),
        commands=(
            f"access-monitor {command} {entry.key} --dry-run",
            f'access-monitor {command} {entry.key} --by YOU --reason "…" --expect {entry.position}',
        ),
    )


def fallback_lost(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    return Content(since=events[0].occurred_at, summary=f"its fallback {events[0].data['reason']}")


def fallback_restored(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    fallback = events[0].data["fallback"]
    return Content(since=events[0].occurred_at, summary=f"its fallback {fallback} is allowed in production again")


def repeated(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    return Content(since=_entry_of(to).since, summary=events[0].data["text"])


def unlisted(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    data = events[0].data
    return Content(since=_time(data["since"]), polls=data["looks"], summary=data["text"])


def reminder(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    data = events[0].data
    return Content(since=events[0].occurred_at, summary=f"{days_in_words(data['days'])}: {data['text']}")


def not_pinned(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return what an entry that an earlier version accepted does not pin."""
    entry = _entry_of(to)
    return Content(
        since=events[0].occurred_at,
        summary=events[0].data["text"],
        commands=(
            f"access-monitor activate {entry.key} --dry-run",
            f'access-monitor activate {entry.key} --by YOU --reason "…" --expect {entry.position}',
        ),
    )


def expired(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    name = events[0].data["check"]
    until = _entry_of(to).checks[name].until or commit.at
    return Content(since=until, summary=f"the check {name} was verified until {rfc3339(until)}")


def aged(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    since = min(_time(event.data["since"]) for event in events)
    names = ", ".join(event.data["check"] for event in events)
    return Content(since=since, summary=f"no poll has verified {names} since {rfc3339(since)}")


def amended(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    data = events[0].data
    return Content(
        since=events[0].occurred_at, summary=f"the check {data['check']} does not hold any more: {data['reason']}"
    )


def _document(commit: Commit, event: Event) -> Event:
    """Return the change of a document by which a check went stale."""
    assert event.cause is not None
    return commit.events[event.cause]


def on_a_document(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return that a check rests on a document which changed; what changed is said with the first check of an entry."""
    event, document = events[0], _document(commit, events[0])
    on_fact = fact_of(document) in commit.spoken_of.get(_entry_of(to).key, ())
    what = f"the check {event.data['check']} rests on {event.source}, which changed"
    return Content(
        since=document.occurred_at,
        polls=document.data["looks"],
        summary=what if on_fact else f"{what}: {note_of(document)}",
    )


def its_document(commit: Commit, entry: Entry, event: Event) -> Iterator[Fact]:
    yield fact_of(_document(commit, event))


def held(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return what an answer lacks or moves all at once, or what of it alternates."""
    event, data = events[0], events[0].data
    if "facts" in data:
        return Content(since=event.occurred_at, polls=1, summary=_contradiction(event, _entry_of(to)))
    moved = "moved_count" in data
    meters = data.get("meters", ())
    what = f"the prices {', '.join(meters)} of " if meters else ""
    how = f"changed in {event.source}" if moved else f"are missing from {event.source}"
    hold: timedelta = _time(data["until"]) - event.occurred_at
    count = data["moved_count"] if moved else data["missing_count"]
    return Content(
        since=event.occurred_at,
        polls=1,
        summary=(
            f"{what}{count} of {data['known']} known models {how} at once; "
            f"nothing is confirmed before it stood for {duration_in_words(hold)}{_incident(event)}"
        ),
    )


def _contradiction(event: Event, entry: Entry) -> str:
    """Return what of a source whose answers alternate concerns an entry."""
    mine = [(fact, concern) for fact, concern in concerned_by(event) if matters(fact, entry)]
    parts = [
        f"{fact.subject.name} appears and disappears"
        if fact.field == LISTED
        else f"{fact.field.removeprefix(price.PREFIX)} of {fact.subject.name} alternates between "
        f"{value_in_words(concern['old'])} and {value_in_words(concern['new'])}"
        for fact, concern in mine[:NAMED]
    ]
    more = f"; and {len(mine) - NAMED} more" if len(mine) > NAMED else ""
    return (
        f"{event.source} contradicts itself from poll to poll: {'; '.join(parts)}{more}; the last confirmed values "
        "stand"
    )


def _incident(event: Event) -> str:
    """Return what to add to a sentence while an incident is open on the surface that it is about."""
    incident = event.data.get("incident")
    return f"; the provider's status page says: “{incident}”" if incident else ""


def quarantined(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return that a price is held back since it cannot be right, or that one can no longer be read."""
    event, entry, data = events[0], _entry_of(to), events[0].data
    difference = difference_of(event)
    summary = f"a price that cannot be right is held back: {data['reason'].replace('_', ' ')}"
    release = f'access-monitor release {event.position} --by YOU --reason "…"'
    if data["new"] is None:
        name = difference.what.removeprefix(price.PREFIX)
        summary = (
            f"{name} (was {value_in_words(data['old'])}) is still spoken of and can no longer be read; nothing "
            "renews it"
        )
        release = f"access-monitor verify {entry.key} pricing --by YOU --url …"
    return Content(
        since=event.occurred_at,
        subject=event.subject,
        summary=summary,
        differences=() if data["new"] is None else (difference,),
        polls=data["looks"],
        commands=(release,),
    )


def unread(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return that a source is not read any more, and from when production is denied what it alone verifies."""
    event, data = events[0], events[0].data
    why = "no poll" if data["reason"] == ev.NO_GOOD_POLL else data["reason"]
    unread = f"{event.source} has not been read since {data['last_good']} ({why})"
    denies = f"what only it can verify is denied in production from {data['denied_at']}"
    unseen = "nothing is denied for that, and what changes there is not seen"
    follows = denies if _entry_of(to).key in data["denies"] else unseen
    return Content(since=_time(data["last_good"]), summary=f"{unread}; {follows}{_incident(event)}")


def changed(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Make the news about what an entry stands on, that pauses nothing; its own tiers come first, in the order people
    read prices.
    """
    entry = _entry_of(to)
    changes = sorted(events, key=lambda event: price.telling_order(fact_of(event).field, entry.spec.tiers))
    parts = (
        "; ".join(dict.fromkeys(note for event in changes if (note := note_of(event)))),
        "; ".join(dict.fromkeys(route for event in changes if (route := commit.routes(event)))),
        _expected(entry, changes, commit.at),
    )
    return Content(
        since=min(event.occurred_at for event in changes),
        polls=max(event.data["looks"] for event in changes),
        evidence=changes[0].evidence,
        differences=tuple(
            difference_of(event) for event in changes if event.type != ev.DOCUMENT_CHANGED and not is_renamed(event)
        ),
        summary="; ".join(part for part in parts if part),
    )


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
        else f"expected until {rfc3339(last.end)} ({last.reason}; {last.by}); what deviates then pauses it"
    )


def shifted(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return that calls by a route take or fail otherwise than they did, by how much, and by which test."""
    event, data = events[0], events[0].data
    old, new = (level_in_words(data[name], data["unit"]) for name in ("old", "new"))
    return Content(
        since=event.occurred_at,
        polls=data["calls"],
        summary=(
            f"{new} where it was {old}, over {data['calls']} calls against {data['compared']} before "
            f"({data['test']}, p = {data['p']})"
        ),
        differences=(Difference(subject=event.subject, what=data["field"], old=old, new=new),),
    )


def newcomer(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return that a model is newly listed where entries wait for their id: it is named by itself, since no entry
    declares it.
    """
    event = events[0]
    wait = f"{', '.join(to.waiting)} {'wait' if len(to.waiting) > 1 else 'waits'} for a model id"
    return Content(
        subject=event.subject,
        since=event.occurred_at,
        summary=f"newly listed on {scope_of(event)}, where {wait}: if it is this one, write it into the configuration",
        differences=(difference_of(event),),
        polls=event.data["looks"],
        commands=(f"access-monitor events --subject {event.subject}",),
    )


def denied(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    reason = events[0].data["denies"][_entry_of(to).key]
    return Content(since=events[0].occurred_at, summary=f"the configuration changed: {reason}")
