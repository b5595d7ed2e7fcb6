"""What an item says of models that came to a list or left it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from monitor.core.entry import Entry
from monitor.core.events import Event
from monitor.core.facts import LISTED, Fact, Subject
from monitor.notify.contents.shared import entry_of, time_of
from monitor.notify.event_facts import difference_of, scope_of
from monitor.notify.rules import Commit, Content, Recipients
from monitor.registry import checklist


def visible(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return that a model is listed, and what the entry needs before it may be active."""
    entry, data = entry_of(to), events[0].data
    wanting = ", ".join(checklist.missing(entry, now=commit.at))
    needs = f"before it may be active it needs: {wanting}" if wanting else "nothing is missing: you may activate it"
    return Content(
        since=time_of(data["since"]),
        polls=data["looks"],
        summary=f"{entry.spec.surface} lists {entry.spec.model_id}; {needs}",
        commands=(
            f"access-monitor checklist {entry.key}",
            f'access-monitor activate {entry.key} --by YOU --reason "…" --expect {entry.position}',
        ),
    )


def hidden(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Return that a model is not listed any more, so that the entry waits again."""
    entry, data = entry_of(to), events[0].data
    return Content(
        since=time_of(data["since"]),
        polls=data["looks"],
        brief="no longer listed",
        summary=f"{entry.spec.surface} no longer lists {entry.spec.model_id or 'its model id'}; the entry waits again",
        commands=(f"access-monitor why {entry.key}",),
    )


def listing(commit: Commit, entry: Entry, event: Event) -> Iterator[Fact]:
    yield Fact(Subject(event.data["surface"], event.data["model_id"]), LISTED)


def unlisted(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    data = events[0].data
    return Content(
        since=time_of(data["since"]), polls=data["looks"], brief="missing from the list", summary=data["text"]
    )


def listed_again(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    return Content(since=events[0].occurred_at, brief="listed again", summary=events[0].data["text"])


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
