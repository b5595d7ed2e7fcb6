"""Composing notices from what was committed: who hears of which event, for which reason, and what the item about it
says.

`compose` is called once, at the commit of a decision. `TABLE` says of each type of event whose owners hear of it, the
reason that is its headline, and how its content is made; `SILENT` names the types that nobody hears of. Content only:
how it is worded and marked up is the business of `wording` and `forms`.

What repeats needs no second entrance: a reminder, and a pause that is said again since nobody acknowledged it, are
events too (`entry.reminded`). What the monitor says of itself and of no event, an alarm or a destination that cannot be
reached, is made by `alarm` and `relay`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from shlex import quote

from monitor.core import events as ev
from monitor.core.check_names import ENDPOINTS
from monitor.core.entry import FALLBACK_ENDS, LISTED_AGAIN, PAUSE_REPEATED, UNLISTED, UNPINNED, Entry, Status
from monitor.core.events import Event
from monitor.core.notices import PAUSING, Item, Notice, Reason
from monitor.gate.state import Production
from monitor.notify import incidents, recipients
from monitor.notify.answers import answered
from monitor.notify.contents import changes, checks, fallbacks, listings, pauses, people, reminders, sources
from monitor.notify.rules import ALONE, Background, Commit, Content, Recipients, Rule
from monitor.registry import checklist
from monitor.registry.lookup import title
from monitor.registry.transitions import RegistryTransaction


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeItem:
    """An item and who gets it."""

    recipients: Recipients
    item: Item


def compose(
    events: Sequence[Event],
    registry: RegistryTransaction,
    gate_answers: Production,
    at: datetime,
    background: Background = ALONE,
) -> tuple[Notice, ...]:
    """Compose the notices of what was committed at `at`: one for each owner who hears of any of it.

    `events` are those of the decision, `registry` is as they leave it, and what an item says of production is what
    `gate_answers` says after them. The id of a notice names the last of the events and the owner.
    """
    commit = Commit(events, registry, at, background, access=gate_answers.access)
    about: dict[Rule, list[Event]] = {rule: [] for rule in RULES}
    for event in events:
        for rule in TABLE.get(event.type, ()):
            about[rule].append(event)
    composed = [addressed for rule, mine in about.items() for addressed in _composed(rule, commit, mine)]
    composed += _lapsed(commit, registry)
    audible = [addressed for addressed in _once(composed) if _audible(addressed, commit)]
    by_owner: dict[str, list[Item]] = {}
    for addressed in audible:
        item = answered(addressed.item, gate_answers)
        names = (name for owner in addressed.recipients.owners for name in background.notified(owner))
        for owner in dict.fromkeys(names):
            by_owner.setdefault(owner, []).append(item)
    order = list(Reason)
    return tuple(
        Notice(
            id=f"{events[-1].position}.{owner}",
            owner=owner,
            at=at,
            items=tuple(sorted(mine, key=lambda item: (order.index(item.reason), item.entry, item.position))),
        )
        for owner, mine in sorted(by_owner.items())
    )


def _composed(rule: Rule, commit: Commit, events: Iterable[Event]) -> Iterator[NoticeItem]:
    """Yield the items of one rule."""
    together: dict[object, tuple[Recipients, list[Event]]] = {}
    for event in events:
        for to in rule.recipients(commit, event):
            key = to.entries if rule.together else (event.position, to.owners, to.entries)
            together.setdefault(key, (to, []))[1].append(event)
    for to, about in together.values():
        item = _item(commit, rule.reason, to, about, rule.content(commit, to, about))
        if to.entry is not None:
            item = replace(item, name=title(to.entry, commit.entries))
        yield NoticeItem(recipients=to, item=item)
        if to.entry is not None:
            commit.spoken_of.setdefault(to.entry.key, set()).update(
                fact for event in about for fact in rule.speaks_of(commit, to.entry, event)
            )


def _lapsed(commit: Commit, registry: RegistryTransaction) -> Iterator[NoticeItem]:
    """Yield the end of each request for an acceptance that lapsed: the entry moved on before anybody confirmed it."""
    for entry in registry.moved:
        before = commit.before(entry.key)
        request = None if before is None else before.asked
        if before is None or request is None or entry.asked is not None or entry.position == before.position:
            continue
        if entry.status_position != before.status_position and entry.by:
            continue  # confirmed, or ended by a person: that is told
        item = _item(
            commit,
            Reason.ENDED,
            Recipients(owners=entry.spec.owners, entry=entry),
            [event for event in commit.events.values() if event.position == entry.position],
            Content(
                since=commit.at,
                brief="request lapsed",
                summary=f"the request of {request.by} lapsed, since the entry changed before anybody confirmed it",
            ),
        )
        yield NoticeItem(
            recipients=Recipients(owners=entry.spec.owners, entry=entry),
            item=replace(item, incident=incidents.of_acceptance(before)),
        )


def _item(commit: Commit, reason: Reason, to: Recipients, events: Sequence[Event], content: Content) -> Item:
    """Return an item about an entry as it stands after the decision, or about what is none; what the gate says of it is
    put in later.
    """
    entry = to.entry
    origin = content.origin or events[0]
    source = origin.source
    item = Item(
        reason=reason,
        subject=content.subject,
        position=max(event.position for event in events),
        since=content.since,
        incident=incidents.of(commit, reason, entry, events),
        source=source,
        url=commit.background.page(source) if source else "",
        by=content.by,
        summary=content.summary,
        brief=content.brief,
        differences=content.differences,
        polls=content.polls,
        evidence=origin.evidence if content.evidence is None else content.evidence,
        denies_from=content.denies_from,
        commands=content.commands,
    )
    if entry is None:
        return replace(item, subject=content.subject or source)
    return replace(
        item,
        subject=content.subject or entry.spec.model_id or entry.key,
        entry=entry.key,
        status=entry.status,
        pause=incidents.named(entry.key, entry.pause) if entry.pause is not None else "",
        model=entry.spec.model_id,
        provider=entry.spec.provider,
        surface=entry.spec.surface,
        asks=checklist.asked(entry) if reason in (*PAUSING, Reason.UNACKNOWLEDGED) else (),
        commands=content.commands or _commands(reason, entry, source),
    )


def _commands(reason: Reason, entry: Entry, source: str) -> tuple[str, ...]:
    """Return the commands to run next, unless what is said knows better ones."""
    status = f"access-monitor status {entry.key}"
    listed = f"access-monitor checklist {entry.key}"
    resume = f'access-monitor resume {entry.key} --by YOU --reason "…" --expect {entry.position}'
    match reason:
        case Reason.PAUSED | Reason.PAUSE_EXTENDED | Reason.UNACKNOWLEDGED:
            return f"access-monitor ack {entry.key} --by YOU", _why(entry), listed, resume
        case Reason.FALLBACK_LOST:
            ack = (f"access-monitor ack {entry.key} --by YOU",) if entry.status is Status.PAUSED else ()
            return *ack, status, f"access-monitor status {entry.spec.fallback}"
        case Reason.STALE:
            return (listed,)
        case Reason.REMINDER:
            return status, listed
        case Reason.HELD | Reason.BLIND | Reason.RECOVERED if source:
            return f"access-monitor sources {quote(source)}", status
        case _:
            return (status,)


def _why(entry: Entry) -> str:
    return f"access-monitor why {entry.key}"


def _once(composed: Sequence[NoticeItem]) -> list[NoticeItem]:
    """Leave out the lost fallbacks of entries whose pause is told in the same breath, which says that nothing stands
    in for them.
    """
    paused = {addressed.item.entry for addressed in composed if addressed.item.reason in PAUSING}
    return [
        addressed
        for addressed in composed
        if addressed.item.reason is not Reason.FALLBACK_LOST or addressed.item.entry not in paused
    ]


def _audible(addressed: NoticeItem, commit: Commit) -> bool:
    """Return whether no silence hides an item; none hides a pause, nor what follows on one: an alarm that it raised
    would stay open.
    """
    item = addressed.item
    if item.reason in _OF_PAUSES or (item.reason is Reason.ENDED and item.status in (Status.RETIRED, Status.WITHDRAWN)):
        return True
    until = [commit.entries[key].silenced_until for key in addressed.recipients.entries]
    return not until or not all(silenced is not None and commit.at < silenced for silenced in until)


_OF_PAUSES = PAUSING | {Reason.ACKNOWLEDGED, Reason.RESUMED}
"""Reasons that tell of a pause, from its beginning to its end."""

_TOLD_OTHERWISE = frozenset({PAUSE_REPEATED, UNLISTED, LISTED_AGAIN, FALLBACK_ENDS, UNPINNED})
"""What a reminder is of that has a reason of its own."""

_CHANGED = Rule(reason=Reason.CHANGED, recipients=recipients.standing_on_it, content=changes.changed, together=True)
_FALLBACK_ENDS = Rule(
    reason=Reason.CHANGED, recipients=recipients.resting_on_its_fallback, content=changes.of_its_fallback
)
_NEWCOMER = Rule(reason=Reason.CHANGED, recipients=recipients.waiting_for_an_id, content=listings.newcomer)

_VERIFIED_AGAIN = Rule(
    reason=Reason.RECOVERED,
    recipients=recipients.if_verified_again,
    content=checks.verified_again,
    together=True,
)
_HOLD_OVER = Rule(reason=Reason.ENDED, recipients=recipients.if_it_is_over, content=sources.hold_over)

TABLE: Mapping[str, tuple[Rule, ...]] = {
    ev.ENTRY_PAUSED: (
        Rule(
            reason=Reason.PAUSED,
            recipients=recipients.unless_by_a_person,
            content=pauses.pause,
            speaks_of=pauses.pinned_facts,
        ),
        Rule(reason=Reason.PAUSED, recipients=recipients.if_by_a_person, content=people.act),
    ),
    ev.ENTRY_PAUSE_EXTENDED: (
        Rule(
            reason=Reason.PAUSE_EXTENDED,
            recipients=recipients.its_owners,
            content=pauses.pause,
            speaks_of=pauses.pinned_facts,
        ),
    ),
    ev.CHECK_FAILED: (  # any other is silent: a required one denies, and what moved is told by its own event
        Rule(
            reason=Reason.CHANGED,
            recipients=recipients.if_failed(ENDPOINTS),
            content=checks.failed,
            speaks_of=checks.used_endpoints,
        ),
    ),
    ev.ENTRY_VISIBLE: (
        Rule(
            reason=Reason.VISIBLE,
            recipients=recipients.unless_by_a_person,
            content=listings.visible,
            speaks_of=listings.listing,
        ),
    ),
    ev.ENTRY_HIDDEN: (
        Rule(
            reason=Reason.ENDED, recipients=recipients.its_owners, content=listings.hidden, speaks_of=listings.listing
        ),
    ),
    ev.ENTRY_ACTIVATED: (Rule(reason=Reason.VISIBLE, recipients=recipients.if_by_a_person, content=people.act),),
    ev.ENTRY_RESUMED: (Rule(reason=Reason.RESUMED, recipients=recipients.its_owners_and_further, content=people.act),),
    ev.ENTRY_RETIRED: (Rule(reason=Reason.ENDED, recipients=recipients.its_owners_and_further, content=people.act),),
    ev.ENTRY_WITHDRAWN: (Rule(reason=Reason.ENDED, recipients=recipients.if_in_use, content=people.withdrawn),),
    ev.ENTRY_APPROVAL_REQUESTED: (
        Rule(reason=Reason.APPROVAL, recipients=recipients.its_owners, content=people.approval),
    ),
    ev.NOTICE_ACKNOWLEDGED: (
        Rule(reason=Reason.ACKNOWLEDGED, recipients=recipients.of_each_acknowledged, content=people.acknowledged),
    ),
    ev.CHECK_VERIFIED: (_VERIFIED_AGAIN,),
    ev.CHECK_ATTESTED: (_VERIFIED_AGAIN,),
    ev.CHECK_STALE: (  # one that goes with a pause or with the model is silent: the pause, or the model, is told
        Rule(reason=Reason.STALE, recipients=recipients.if_stale_by("date"), content=checks.expired),
        Rule(
            reason=Reason.STALE,
            recipients=recipients.if_stale_by("age", where=recipients.is_active),
            content=checks.aged,
            together=True,
        ),
        Rule(
            reason=Reason.STALE,
            recipients=recipients.if_stale_by("amendment", where=recipients.was_active),
            content=checks.amended,
        ),
        Rule(
            reason=Reason.STALE,
            recipients=recipients.if_stale_by("document"),
            content=checks.on_a_document,
            speaks_of=checks.its_document,
        ),
    ),
    ev.SOURCE_ANOMALY: (Rule(reason=Reason.HELD, recipients=recipients.active_there, content=sources.held),),
    ev.SOURCE_RECOVERED: (
        Rule(reason=Reason.RECOVERED, recipients=recipients.if_read_again, content=sources.read_again),
        Rule(reason=Reason.RECOVERED, recipients=recipients.if_nobody_heard, content=sources.read_again),
        _HOLD_OVER,
    ),
    ev.SOURCE_HOLD_ENDED: (_HOLD_OVER,),
    ev.SOURCE_REFUSED: (Rule(reason=Reason.CHANGED, recipients=recipients.active_there, content=sources.unread_part),),
    ev.SOURCE_STALE: (
        Rule(reason=Reason.BLIND, recipients=recipients.resting_on_it, content=sources.unread),
        Rule(reason=Reason.BLIND, recipients=recipients.if_nobody_rests_on_it, content=sources.unread_by_nobody),
    ),
    ev.PRICE_QUARANTINED: (
        Rule(reason=Reason.HELD, recipients=recipients.going_by_the_price, content=sources.quarantined),
    ),
    ev.MODEL_LISTED: (_CHANGED, _NEWCOMER),
    ev.MODEL_UNLISTED: (_CHANGED,),
    ev.MODEL_CHANGED: (_CHANGED,),
    ev.PRICE_LISTED: (_CHANGED,),
    ev.PRICE_CHANGED: (_CHANGED,),
    ev.PRICE_REMOVED: (_CHANGED,),
    ev.PRICE_REPORTED: (_CHANGED,),
    ev.PRICE_ANNOUNCED: (_CHANGED,),
    ev.BEHAVIOUR_CHANGED: (
        _CHANGED,
        Rule(reason=Reason.CHANGED, recipients=recipients.on_the_route, content=changes.shifted),
    ),
    ev.LIMIT_CHANGED: (_CHANGED,),
    ev.SETTING_CHANGED: (_CHANGED,),
    ev.DOCUMENT_CHANGED: (_CHANGED,),
    ev.LIFECYCLE_ANNOUNCED: (_CHANGED, _FALLBACK_ENDS),
    ev.LIFECYCLE_MOVED: (_CHANGED, _FALLBACK_ENDS),
    ev.LIFECYCLE_WITHDRAWN: (_CHANGED, _FALLBACK_ENDS),
    ev.CONFIG_CHANGED: (Rule(reason=Reason.STALE, recipients=recipients.denied_by_it, content=pauses.denied),),
    ev.ENTRY_FALLBACK_LOST: (
        Rule(reason=Reason.FALLBACK_LOST, recipients=recipients.its_owners, content=fallbacks.fallback_lost),
    ),
    ev.ENTRY_FALLBACK_RESTORED: (
        Rule(reason=Reason.RECOVERED, recipients=recipients.its_owners, content=fallbacks.fallback_restored),
    ),
    ev.ENTRY_REMINDED: (
        Rule(
            reason=Reason.UNACKNOWLEDGED,
            recipients=recipients.if_reminded(lambda what: what == PAUSE_REPEATED),
            content=pauses.repeated,
        ),
        Rule(
            reason=Reason.HELD,
            recipients=recipients.if_reminded(lambda what: what == UNLISTED),
            content=listings.unlisted,
        ),
        Rule(
            reason=Reason.ENDED,
            recipients=recipients.if_reminded(lambda what: what == LISTED_AGAIN),
            content=listings.listed_again,
        ),
        Rule(
            reason=Reason.FALLBACK_LOST,
            recipients=recipients.if_reminded(lambda what: what == FALLBACK_ENDS),
            content=reminders.reminder,
        ),
        Rule(
            reason=Reason.REMINDER,
            recipients=recipients.if_reminded(lambda what: what not in _TOLD_OTHERWISE),
            content=reminders.reminder,
        ),
        Rule(
            reason=Reason.CHANGED,
            recipients=recipients.if_reminded(lambda what: what == UNPINNED),
            content=pauses.not_pinned,
        ),
    ),
}
"""Event type → the rules by which it is composed. A rule leaves out what one before it speaks of: a change that paused
an entry stands in its pause alone.
"""

RULES = tuple(dict.fromkeys(rule for rules in TABLE.values() for rule in rules))
"""The rules in their order."""

SILENT = frozenset(
    {
        ev.BASELINE_RECORDED,  # what a first poll showed is the state that people know
        ev.SOURCE_FAILED,  # `source.stale` tells it once it lasts, `source.recovered` its end
        ev.ACCESS_GAINED,  # told with the change of the route that they judge
        ev.ACCESS_LOST,
        ev.INCIDENT_CHANGED,  # quoted where it explains something, and no news by itself
        ev.SOURCE_RENAMED,  # nothing moved but a name
        ev.ENTRY_RENAMED,
        ev.ENTRY_DECLARED,  # what changes nothing that production gets: who did it knows, and the log has it
        ev.ENTRY_AMENDED,
        ev.ENTRY_WINDOW_OPENED,
        ev.ENTRY_WINDOW_CLOSED,
        ev.ENTRY_SILENCED,
        ev.CONFIG_ACCEPTED,
        ev.EVALS_RECORDED,  # who records them knows, and the checklist shows them
        ev.NOTICE_DELIVERED,  # what became of notices is told by the relay
        ev.NOTICE_DEAD,
        ev.CLOCK_STEPPED,
        ev.DAEMON_STARTED,  # who starts it knows
        ev.GATE_DENIED,
        ev.GATE_FIRST_USED,
        ev.TOKEN_CREATED,  # who may ask over HTTP moves nothing that production gets
        ev.TOKEN_REVOKED,
        ev.TOKEN_LINKED,
    }
)
"""The event types that nobody is told of, and why not."""
