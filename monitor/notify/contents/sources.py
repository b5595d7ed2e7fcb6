"""What an item says of sources: what they hold, what of them cannot be read, and that this is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from shlex import quote

from monitor.core import events as ev
from monitor.core import price
from monitor.core.entry import Entry
from monitor.core.events import Event
from monitor.core.facts import LISTED
from monitor.core.notices import Difference
from monitor.core.text import duration_in_words, value_in_words
from monitor.notify.contents.shared import entry_of, incident_in_words, time_of
from monitor.notify.event_facts import concerned_by, difference_of, fact_of
from monitor.notify.rules import Commit, Content, Recipients
from monitor.registry.policy import matters

NAMED = 3
"""How many facts a sentence names."""


def held(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return what an answer lacks or moves all at once, or what of it alternates."""
    event, data = events[0], events[0].data
    if "facts" in data:
        return Content(
            since=event.occurred_at,
            polls=1,
            brief="the source contradicts itself",
            summary=_contradiction(event, entry_of(to)),
        )
    moved = "moved_count" in data
    meters = data.get("meters", ())
    what = f"the prices {', '.join(meters)} of " if meters else ""
    how = f"changed in {event.source}" if moved else f"are missing from {event.source}"
    hold: timedelta = time_of(data["until"]) - event.occurred_at
    count = data["moved_count"] if moved else data["missing_count"]
    return Content(
        since=event.occurred_at,
        polls=1,
        brief=f"{count} of {data['known']} models {'changed' if moved or meters else 'missing'} at once",
        summary=(
            f"{what}{count} of {data['known']} known models {how} at once: held for review; "
            f"accepted automatically in {duration_in_words(hold)} if it persists{incident_in_words(event)}"
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
    return f"{event.source} contradicts itself from poll to poll: {'; '.join(parts)}{more}; the confirmed values stand"


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


def quarantined(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return that a price is held back since it cannot be right, or that one can no longer be read."""
    event, entry, data = events[0], entry_of(to), events[0].data
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


def read_again(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    source, since = events[0].source, events[0].data["since"]
    lasted = f"; the last good poll before was at {since}" if since else ""
    return Content(since=events[0].occurred_at, brief=f"{source} read again", summary=f"{source} is read again{lasted}")


def unread(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return that a source is not read any more, and from when production is denied what it alone verifies."""
    event, data = events[0], events[0].data
    why = "no poll ended well" if data["reason"] == ev.NO_GOOD_POLL else data["reason"].replace("_", " ")
    unseen = "" if entry_of(to).key in data["denies"] else "; nothing is denied for that, but changes go unseen"
    return Content(
        since=time_of(data["last_good"]),
        brief=f"{event.source} not read",
        summary=f"{event.source} cannot be read: {why}{unseen}{incident_in_words(event)}",
        denies_from=time_of(data["denied_at"]) if entry_of(to).key in data["denies"] else None,
    )


def unread_by_nobody(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return that a source is not read any more on which no active entry rests."""
    event, data = events[0], events[0].data
    why = "no poll" if data["reason"] == ev.NO_GOOD_POLL else data["reason"]
    return Content(
        since=time_of(data["last_good"]),
        summary=f"{event.source} has not been read since {data['last_good']} ({why}); no active entry rests on it",
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
