"""What an item says of its events and its entry: content only, without markup."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from shlex import quote

from monitor.core import events as ev
from monitor.core import price
from monitor.core.entry import FALLBACK_ENDS, Entry, Pin
from monitor.core.events import Event, rfc3339
from monitor.core.facts import ENDPOINT, LISTED, Fact, Subject, Value
from monitor.core.maintenance_windows import expecting
from monitor.core.notices import Difference
from monitor.core.text import duration_in_words, level_in_words, value_in_words
from monitor.notify.event_facts import concerned_by, difference, difference_of, fact_of, is_renamed, note_of, scope_of
from monitor.notify.phrases import brief_change
from monitor.notify.rules import Commit, Content, Recipients
from monitor.registry import checklist, losses, pins
from monitor.registry.acceptance import COMMANDS
from monitor.registry.monthly import monthly
from monitor.registry.policy import matters
from monitor.registry.reminders import CHECK, OVERDUE, PRICE, PROMOTION, SHUTDOWN, days_in_words

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
    """Return which pins no longer hold, what that means in money, and that access was lost; how each route stands is
    said beside it.
    """
    entry, event = _entry_of(to), events[0]
    shifts = _shifts(entry, event)
    lost = (
        losses.in_brief([(pin, new) for pin, _, new in shifts], commit.access(entry.key))
        if event.data["access_lost"]
        else []
    )
    parts = (
        money(entry, {pin.field: new for pin, _, new in shifts}),
        "; ".join(event.data["notes"]),
        *lost,
        _void(commit, entry),
    )
    return Content(
        since=_time(event.data["since"]),
        polls=event.data["looks"],
        summary="; ".join(part for part in parts if part),
        differences=tuple(shift(pin, old, new) for pin, old, new in shifts),
    )


def shift(pin: Pin, old: Value | None, new: Value | None) -> Difference:
    """Return how a pinned value differs from what was accepted, which was something."""
    return replace(difference(pin.name, pin.field, old, new), old=value_in_words(old))


def _void(commit: Commit, entry: Entry) -> str:
    """Return that whoever took a pause on did so before it became worse; empty where nobody had."""
    before = commit.before(entry.key)
    if before is None or before.acknowledged is None or entry.acknowledged is not None or entry.pause != before.pause:
        return ""
    return "the pause was acknowledged before this, which no longer counts"


def money(entry: Entry, moved: Mapping[str, Value | None]) -> str:
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
    region = entry.spec.region
    before, after = price.effective(accepted, region), price.effective(now, region)
    return monthly(usage, entry.spec.tiers, before, after, known="configured" if entry.spec.usage else "observed")


def visible(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return that a model is listed, and what the entry needs before it may be active."""
    entry, data = _entry_of(to), events[0].data
    wanting = ", ".join(checklist.missing(entry, now=commit.at))
    needs = f"before it may be active it needs: {wanting}" if wanting else "nothing is missing: you may activate it"
    return Content(
        since=_time(data["since"]),
        polls=data["looks"],
        summary=f"{entry.spec.surface} lists {entry.spec.model_id}; {needs}",
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
        brief="no longer listed",
        summary=f"{entry.spec.surface} no longer lists {entry.spec.model_id or 'its model id'}; the entry waits again",
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
        brief=f"check {data['check']} failed",
        summary=f"the check {data['check']} failed: {data['reason']}",
        commands=(f"access-monitor checklist {_entry_of(to).key}",),
    )


def withdrawn(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    return Content(since=events[0].occurred_at, summary=events[0].data["reason"])


def act(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return who moved an entry by hand, and why."""
    event, key = events[0], _entry_of(to).key
    resume = f'access-monitor resume {key} --by YOU --reason "…" --expect {_entry_of(to).position}'
    following = {ev.ENTRY_PAUSED: (f"access-monitor why {key}", resume)}
    return Content(
        since=event.occurred_at,
        by=event.data["by"],
        summary=_said(event),
        commands=following.get(event.type, (f"access-monitor status {key}",)),
    )


def acknowledged(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return who has acknowledged a pause, and their note."""
    event, key = events[0], _entry_of(to).key
    note = f": “{event.data['note']}”" if event.data.get("note") else ""
    return Content(
        since=event.occurred_at,
        by=event.data["by"],
        summary=f"{event.data['by']} acknowledged the pause{note}; it is not repeated unless it gets worse",
        commands=(f"access-monitor status {key}",),
    )


def _said(event: Event) -> str:
    """Return an act of a person in a sentence: who did what, and why."""
    verb = event.type.partition(".")[2]
    who = event.data["by"]
    asked_by = event.data.get("requested_by")
    also = f", as {asked_by} had asked" if asked_by else ""
    waived = event.data.get("waived", ())
    without = f"; without {', '.join(waived)}, which {who} waived" if waived else ""
    return f"{who} {verb} it{also}: “{event.data['reason']}”{without}"


def approval(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return that one person asked for an acceptance, and how another confirms it."""
    entry, data = _entry_of(to), events[0].data
    command = COMMANDS[data["act"]]
    return Content(
        since=events[0].occurred_at,
        by=data["by"],
        summary=f"{data['by']} asks to {command} it: “{data['reason']}”; another person has to confirm it",
        commands=(
            f"access-monitor {command} {entry.key} --dry-run",
            f'access-monitor {command} {entry.key} --by YOU --reason "…" --expect {entry.position}',
        ),
    )


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


def hold_over(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return that what was held for review is over: nothing of it was confirmed."""
    event = events[0]
    cause = commit.cause(event)
    assert cause is not None, "`if_it_is_over` found it"
    if event.type == ev.SOURCE_HOLD_ENDED:
        return Content(
            since=event.occurred_at,
            subject=event.data["model"],
            differences=(
                Difference(
                    subject=event.data["model"],
                    what=fact_of(cause).field,
                    old=event.data["old"],
                    new=event.data["new"],
                ),
            ),
            brief="held price withdrawn",
            summary=f"{event.source} no longer states the price that was held for review; the confirmed one stands",
        )
    if "facts" in cause.data:
        brief, summary = "consistent again", f"{event.source} no longer contradicts itself; the confirmed values stand"
    elif "moved_count" in cause.data:
        brief = "confirmed values again"
        summary = f"{event.source} shows the confirmed values again: what was held for review was not confirmed"
    else:
        brief = "nothing missing any more"
        summary = f"{event.source} shows again what was missing: what was held for review was not confirmed"
    return Content(since=event.occurred_at, brief=brief, summary=summary)


def read_again(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    source, since = events[0].source, events[0].data["since"]
    lasted = f"; the last good poll before was at {since}" if since else ""
    return Content(since=events[0].occurred_at, brief=f"{source} read again", summary=f"{source} is read again{lasted}")


def fallback_lost(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    parts = (f"its fallback {events[0].data['reason']}", _void(commit, _entry_of(to)))
    return Content(
        since=events[0].occurred_at,
        brief=f"fallback {_entry_of(to).spec.fallback} denied",
        summary="; ".join(part for part in parts if part),
    )


def fallback_restored(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    fallback = events[0].data["fallback"]
    return Content(
        since=events[0].occurred_at,
        brief=f"fallback {fallback} back",
        summary=f"its fallback {fallback} is allowed again",
    )


def repeated(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return that a pause goes on without anybody's acknowledgement, and what deviates from what was accepted."""
    entry = _entry_of(to)
    lately = " since its fallback was lost" if entry.fallback_lost is not None else ""
    deviating = [pin for pin in entry.pins if pin.key in entry.deviations]
    pause = commit.cause(events[0])  # who hears of it only now, as by an escalation, needs what the first message said
    return Content(
        since=entry.since if pause is None else _time(pause.data.get("since", rfc3339(entry.since))),
        polls=0 if pause is None else pause.data.get("looks", 0),
        origin=pause,
        summary=f"nobody has acknowledged the pause{lately}" + ("" if deviating else f": {entry.reason}"),
        differences=tuple(shift(pin, pin.value, entry.deviations[pin.key]) for pin in deviating),
    )


def listed_again(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    return Content(since=events[0].occurred_at, brief="listed again", summary=events[0].data["text"])


def unlisted(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    data = events[0].data
    return Content(since=_time(data["since"]), polls=data["looks"], brief="missing from the list", summary=data["text"])


def reminder(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    data = events[0].data
    days = days_in_words(data["days"])
    return Content(
        since=events[0].occurred_at,
        brief=f"{_DEADLINES.get(data['what'], '')} {days}".strip(),
        summary=f"{days}: {data['text']}",
    )


_DEADLINES = {
    SHUTDOWN: "shutdown",
    OVERDUE: "shutdown was due",
    FALLBACK_ENDS: "fallback ends",
    PRICE: "price change",
    PROMOTION: "end of a promotion",
    CHECK: "end of a check",
}
"""Kind of a reminder → what comes on its day, for a headline."""


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
    return Content(
        since=until,
        brief=f"check {name} expired",
        summary=f"the check {name} expired: it was verified until {rfc3339(until)}",
    )


def aged(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    since = min(_time(event.data["since"]) for event in events)
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


def _document(commit: Commit, event: Event) -> Event:
    """Return the change of a document by which a check went stale."""
    assert event.cause is not None
    return commit.events[event.cause]


def on_a_document(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return that a check rests on a document which changed; what changed is said with the first check of an entry."""
    event, document = events[0], _document(commit, events[0])
    on_fact = fact_of(document) in commit.spoken_of.get(_entry_of(to).key, ())
    what = f"the check {event.data['check']} expired: it rests on {event.source}, which changed"
    return Content(
        since=document.occurred_at,
        polls=document.data["looks"],
        brief=f"check {event.data['check']} expired",
        summary=what if on_fact else f"{what}: {note_of(document)}",
    )


def its_document(commit: Commit, entry: Entry, event: Event) -> Iterator[Fact]:
    yield fact_of(_document(commit, event))


def held(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return what an answer lacks or moves all at once, or what of it alternates."""
    event, data = events[0], events[0].data
    if "facts" in data:
        return Content(
            since=event.occurred_at,
            polls=1,
            brief="the source contradicts itself",
            summary=_contradiction(event, _entry_of(to)),
        )
    moved = "moved_count" in data
    meters = data.get("meters", ())
    what = f"the prices {', '.join(meters)} of " if meters else ""
    how = f"changed in {event.source}" if moved else f"are missing from {event.source}"
    hold: timedelta = _time(data["until"]) - event.occurred_at
    count = data["moved_count"] if moved else data["missing_count"]
    return Content(
        since=event.occurred_at,
        polls=1,
        brief=f"{count} of {data['known']} models {'changed' if moved or meters else 'missing'} at once",
        summary=(
            f"{what}{count} of {data['known']} known models {how} at once: held for review; "
            f"accepted automatically in {duration_in_words(hold)} if it persists{_incident(event)}"
        ),
    )


def unread_part(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return which part of a source is no longer understood, and what that means for what it stated."""
    event, data = events[0], events[0].data
    rest = f"; and {data['count'] - 1} more" if data["count"] > 1 else ""
    return Content(
        since=event.occurred_at,
        polls=1,
        summary=(
            f"a part of {event.source} can no longer be read: {data['where']}: {data['reason']}{rest}. What it stated "
            "stands and grows old until it is read again"
        ),
        commands=(f"access-monitor sources {event.source}",),
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
    return f"{event.source} contradicts itself from poll to poll: {'; '.join(parts)}{more}; the confirmed values stand"


def _incident(event: Event) -> str:
    """Return what to add to a sentence while an incident is open on the surface that it is about."""
    incident = event.data.get("incident")
    return f"; the provider's status page says: “{incident}”" if incident else ""


def quarantined(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return that a price is held back since it cannot be right, or that one can no longer be read."""
    event, entry, data = events[0], _entry_of(to), events[0].data
    difference = difference_of(event)
    summary = f"the price is implausible ({data['reason'].replace('_', ' ')}), so it is held for review"
    brief = f"implausible {price.Meter.of(difference.what).meter.replace('_', ' ')} price"
    release = f'access-monitor release {event.position} --by YOU --reason "…"'
    if data["new"] is None:
        name = difference.what.removeprefix(price.PREFIX)
        summary = (
            f"{event.source} still mentions {name} (was {value_in_words(data['old'])}) in a form that cannot be "
            "read, so its price is not renewed"
        )
        brief = brief.replace("implausible", "unreadable")
        release = f"access-monitor verify {entry.key} pricing --by YOU --url …"
    return Content(
        since=event.occurred_at,
        subject=event.subject,
        summary=summary,
        brief=brief,
        differences=() if data["new"] is None else (difference,),
        polls=data["looks"],
        commands=(f"access-monitor sources {quote(event.source)}", release),
    )


def unread(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return that a source is not read any more, and from when production is denied what it alone verifies."""
    event, data = events[0], events[0].data
    why = "no poll ended well" if data["reason"] == ev.NO_GOOD_POLL else data["reason"].replace("_", " ")
    unseen = "" if _entry_of(to).key in data["denies"] else "; nothing is denied for that, but changes go unseen"
    return Content(
        since=_time(data["last_good"]),
        brief=f"{event.source} not read",
        summary=f"{event.source} cannot be read: {why}{unseen}{_incident(event)}",
        denies_from=_time(data["denied_at"]) if _entry_of(to).key in data["denies"] else None,
    )


def unread_by_nobody(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return that a source is not read any more on which no active entry rests."""
    event, data = events[0], events[0].data
    why = "no poll" if data["reason"] == ev.NO_GOOD_POLL else data["reason"]
    return Content(
        since=_time(data["last_good"]),
        summary=f"{event.source} has not been read since {data['last_good']} ({why}); no active entry rests on it",
    )


def changed(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Make the news about what an entry stands on, that pauses nothing; its own tiers come first, in the order people
    read prices.
    """
    entry = _entry_of(to)
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


def of_its_fallback(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return what moved about the fallback of an entry."""
    fallback = _entry_of(to).spec.fallback
    content = changed(commit, to, events)
    summary = f"this is about its fallback {fallback}"
    return replace(content, summary="; ".join(part for part in (summary, content.summary) if part))


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


def newcomer(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return that a model is newly listed where entries wait for their id: it is named by itself, since no entry
    declares it.
    """
    event = events[0]
    wait = f"{', '.join(to.waiting)} {'wait' if len(to.waiting) > 1 else 'waits'} for a model id"
    return Content(
        subject=event.subject,
        since=event.occurred_at,
        summary=f"{scope_of(event)} lists it now, where {wait}: if it is this one, write it into the configuration",
        differences=(difference_of(event),),
        polls=event.data["looks"],
        commands=(f"access-monitor events --subject {event.subject}",),
    )


def denied(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    reason = events[0].data["denies"][_entry_of(to).key]
    return Content(
        since=events[0].occurred_at, brief="configuration changed", summary=f"the configuration changed: {reason}"
    )
