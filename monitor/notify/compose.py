"""Composing notices from what was committed: who hears of which event, for which reason, and what the item about it says.

`compose` is called once, at the commit of a decision. `TABLE` says of each type of event whose owners hear of it, the reason that is its
headline, and how its content is made; `SILENT` names the types that nobody hears of. Content only: how it is worded and marked up is the
business of `wording` and `forms`.

What repeats needs no second entrance: a reminder, and a pause that is said again since nobody acknowledged it, are events too
(`entry.reminded`). What the monitor says of itself and of no event, an alarm or a destination that cannot be reached, is made by `alarm` and `relay`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.core import events as ev
from monitor.core import price
from monitor.core.configuration import OFFICIAL
from monitor.core.entry import FALLBACK_ENDS, PAUSE_REPEATED, UNLISTED, Entry, Pin, Status
from monitor.core.events import Event, rfc3339
from monitor.core.facts import ACCESS, ANNOUNCED, LISTED, PARAGRAPH, SHUTDOWN_DATE, Fact, Subject, Value, is_refusal
from monitor.core.maintenance_windows import expecting
from monitor.core.notices import PAUSING, Difference, Item, Notice, Reason
from monitor.core.text import duration_in_words, level_in_words, rename_in_words, value_in_words
from monitor.gate.state import Production
from monitor.registry import checklist, pins
from monitor.registry.acceptance import COMMANDS
from monitor.registry.monthly import monthly
from monitor.registry.policy import matters, watches
from monitor.registry.reminders import days_in_words
from monitor.registry.transitions import RegistryTransaction

NAMED = 3
"""How many facts a sentence names."""

QUOTED = 1
"""How many paragraphs each way a notice quotes: it has one line for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipients:
    """The owners who hear of an event, and the entry for whose sake; `waiting` are the entries instead where it is about none of them."""

    owners: tuple[str, ...]
    entry: Entry | None = None
    waiting: tuple[str, ...] = ()

    @property
    def entries(self) -> tuple[str, ...]:
        """The keys of the entries for whose sake they hear of it."""
        return self.waiting if self.entry is None else (self.entry.key,)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeItem:
    """An item and who gets it."""

    recipients: Recipients
    item: Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What an item says beyond its events and its entry. Texts that are empty, and `evidence` that is None, are as the entry or the first event has them."""

    since: datetime
    summary: str = ""
    differences: tuple[Difference, ...] = ()
    looks: int = 0
    subject: str = ""
    evidence: str | None = None
    commands: tuple[str, ...] = ()


class Commit:
    """What was committed, and how far it is composed: `spoken_of` holds, for each entry that an item is about, the facts that it speaks of."""

    def __init__(self, events: Sequence[Event], registry: RegistryTransaction, at: datetime) -> None:
        self.events = {event.position: event for event in events}
        self.entries: Mapping[str, Entry] = registry.entries
        self._before = registry.before
        self.spoken_of: dict[str, set[Fact]] = {}
        self.at = at
        self._routes: dict[int | None, str] = {
            event.cause: event.data["note"]
            for event in events
            if event.type in (ev.ACCESS_LOST, ev.ACCESS_GAINED) and "note" in event.data
        }

    def was(self, key: str, *statuses: Status) -> bool:
        """Whether the decision found an entry in one of these statuses."""
        entry = self._before.get(key)
        return entry is not None and entry.status in statuses

    def routes(self, event: Event) -> str:
        """What every route says of the model whose access an event moved; empty where one route alone says anything."""
        return self._routes.get(event.position, "")


def _nothing(commit: Commit, entry: Entry, event: Event) -> Iterable[Fact]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How one kind of news is composed: whose owners hear of an event, under which reason, and what is said.

    Those of one entry are one item where they are told `together`. `speaks_of` names the facts that the item says what there is to say of.
    """

    reason: Reason
    recipients: Callable[[Commit, Event], Iterable[Recipients]]
    content: Callable[[Commit, Recipients, Sequence[Event]], Content]
    together: bool = False
    speaks_of: Callable[[Commit, Entry, Event], Iterable[Fact]] = _nothing


def compose(
    events: Sequence[Event], registry: RegistryTransaction, gate_answers: Production, at: datetime
) -> tuple[Notice, ...]:
    """Compose the notices of what was committed at `at`: one for each owner who hears of any of it.

    `events` are those of the decision, `registry` is as they leave it, and what an item says of production is what `gate_answers` says after
    them. The id of a notice names the last of the events and the owner.
    """
    commit = Commit(events, registry, at)
    about: dict[Rule, list[Event]] = {rule: [] for rule in RULES}
    for event in events:
        for rule in TABLE.get(event.type, ()):
            about[rule].append(event)
    composed = [one for rule, mine in about.items() for one in _composed(rule, commit, mine)]
    items = [one for one in _once(composed) if _audible(one, commit)]
    by_owner: dict[str, list[Item]] = {}
    for one in items:
        item = _answered(one.item, gate_answers)
        for owner in one.recipients.owners:
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
    """The items of one rule."""
    together: dict[object, tuple[Recipients, list[Event]]] = {}
    for event in events:
        for to in rule.recipients(commit, event):
            one = to.entries if rule.together else (event.position, to.owners, to.entries)
            together.setdefault(one, (to, []))[1].append(event)
    for to, about in together.values():
        yield NoticeItem(recipients=to, item=_item(rule.reason, to, about, rule.content(commit, to, about)))
        if to.entry is not None:
            commit.spoken_of.setdefault(to.entry.key, set()).update(
                fact for event in about for fact in rule.speaks_of(commit, to.entry, event)
            )


def _item(reason: Reason, to: Recipients, events: Sequence[Event], content: Content) -> Item:
    """An item about an entry as it stands after the decision, or about what is none; what the gate says of it is put in later."""
    entry = to.entry
    item = Item(
        reason=reason,
        subject=content.subject,
        position=max(event.position for event in events),
        since=content.since,
        source=events[0].source,
        summary=content.summary,
        differences=content.differences,
        looks=content.looks,
        evidence=events[0].evidence if content.evidence is None else content.evidence,
        commands=content.commands,
    )
    if entry is None:
        return item
    return replace(
        item,
        subject=content.subject or entry.spec.model_id or entry.key,
        entry=entry.key,
        name=entry.spec.name,
        status=entry.status,
        asks=checklist.asked(entry) if reason in (*PAUSING, Reason.UNACKNOWLEDGED) else (),
        commands=content.commands or _commands(reason, entry),
    )


def _commands(reason: Reason, entry: Entry) -> tuple[str, ...]:
    """The commands to run next, unless what is said knows better ones."""
    look = f"access-monitor status {entry.key}"
    listed = f"access-monitor checklist {entry.key}"
    resume = f'access-monitor resume {entry.key} --by YOU --reason "…" --expect {entry.position}'
    match reason:
        case Reason.PAUSED | Reason.UNACKNOWLEDGED:
            return _why(entry), f"access-monitor ack {entry.key} --by YOU", listed, resume
        case Reason.PAUSE_EXTENDED:
            return _why(entry), listed, resume
        case Reason.FALLBACK_LOST:
            return look, f"access-monitor status {entry.spec.fallback}"
        case Reason.STALE:
            return (listed,)
        case Reason.REMINDER:
            return look, listed
        case _:
            return (look,)


def _why(entry: Entry) -> str:
    return f"access-monitor why {entry.key}"


def _once(composed: Sequence[NoticeItem]) -> list[NoticeItem]:
    """Without the lost fallbacks of entries whose pause is told in the same breath, which says that nothing stands in for them."""
    paused = {one.item.entry for one in composed if one.item.reason in PAUSING}
    return [one for one in composed if one.item.reason is not Reason.FALLBACK_LOST or one.item.entry not in paused]


def _audible(one: NoticeItem, commit: Commit) -> bool:
    """Whether no silence hides an item; none hides a pause."""
    if one.item.reason in PAUSING:
        return True
    until = (commit.entries[key].silenced_until for key in one.recipients.entries)
    return not all(silenced is not None and commit.at < silenced for silenced in until)


def _answered(item: Item, gate: Production) -> Item:
    """An item with what the gate says of its entry after the decision."""
    if item.entry not in gate.entries:
        return item
    answer = gate.answer(item.entry)
    spared, until = gate.spared(item.entry)
    return replace(
        item,
        denied=not (answer.allowed or spared),
        refusal="" if answer.allowed else answer.reason,
        spared=spared,
        spared_until=until,
        fallback=answer.fallback or gate.entries[item.entry].spec.fallback,
        fallback_allowed=bool(answer.fallback),
    )


# -- who hears of an event -------------------------------------------------


def _of(entry: Entry) -> Recipients:
    return Recipients(owners=entry.spec.owners, entry=entry)


def _its_owners(commit: Commit, event: Event) -> Iterator[Recipients]:
    """The owners of the entry that an event befell."""
    yield _of(commit.entries[event.subject])


def _unless_by_a_person(commit: Commit, event: Event) -> Iterator[Recipients]:
    """The owners of an entry that the monitor moved; who moved it by hand knows."""
    if event.actor == ev.SYSTEM:
        yield _of(commit.entries[event.subject])


def _if_in_use(commit: Commit, event: Event) -> Iterator[Recipients]:
    """The owners of an entry that production used when it was withdrawn."""
    if commit.was(event.subject, Status.ACTIVE, Status.PAUSED):
        yield _of(commit.entries[event.subject])


def _always(commit: Commit, key: str) -> bool:
    return True


def _was_active(commit: Commit, key: str) -> bool:
    return commit.was(key, Status.ACTIVE)


def _is_active(commit: Commit, key: str) -> bool:
    return commit.entries[key].status is Status.ACTIVE


def _if_stale_by(
    because: str, *, where: Callable[[Commit, str], bool] = _always
) -> Callable[[Commit, Event], Iterator[Recipients]]:
    """The owners of an entry whose check is lost to this, where that matters to them."""

    def recipients(commit: Commit, event: Event) -> Iterator[Recipients]:
        if event.data.get("because") == because and where(commit, event.subject):
            yield _of(commit.entries[event.subject])

    return recipients


def _if_reminded(wanted: Callable[[str], bool]) -> Callable[[Commit, Event], Iterator[Recipients]]:
    """The owners of an entry that is reminded of something of a kind; the event names others who hear of it as well."""

    def recipients(commit: Commit, event: Event) -> Iterator[Recipients]:
        if wanted(event.data["what"]):
            to = _of(commit.entries[event.subject])
            yield replace(to, owners=tuple(event.data.get("owners", to.owners)))

    return recipients


def _active_there(commit: Commit, event: Event) -> Iterator[Recipients]:
    """The owners of entries that were active and that what an anomaly holds back concerns, whatever else of the same poll paused them."""
    facts = [fact for fact, _ in _concerned(event)]
    for entry in commit.entries.values():
        if _was_active(commit, entry.key) and any(_touches(fact, entry) for fact in facts):
            yield _of(entry)


def _touches(fact: Fact, entry: Entry) -> bool:
    """Whether a fact that is held concerns an entry; one without a field stands for all of its subject."""
    return matters(fact, entry) if fact.field else fact.subject in entry.subjects


def _resting_on_it(commit: Commit, event: Event) -> Iterator[Recipients]:
    """The owners of active entries of which a source that is not read any more verifies a check, or feeds one."""
    for key in (*event.data["denies"], *event.data["unseen"]):
        yield _of(commit.entries[key])


def _going_by_the_price(commit: Commit, event: Event) -> Iterator[Recipients]:
    """The owners of entries that go by a price which is held back."""
    fact = _fact(event)
    for entry in commit.entries.values():
        if entry.alive and matters(fact, entry):
            yield _of(entry)


def _standing_on_it(commit: Commit, event: Event) -> Iterator[Recipients]:
    """The owners of entries that stand on a fact which moved, unless an item about the entry says it already."""
    if not _news(event):
        return
    fact = _fact(event)
    for entry in commit.entries.values():
        if (
            entry.alive
            and fact not in commit.spoken_of.get(entry.key, ())
            and not _one_more_route(fact, entry)
            and (_watched(event, entry) or matters(fact, entry))
        ):
            yield _of(entry)


def _on_the_route(commit: Commit, event: Event) -> Iterator[Recipients]:
    """The owners of entries whose route answers otherwise than it did."""
    if _drift(event):
        for entry in commit.entries.values():
            if entry.alive and watches(entry, surface=event.data["surface"], model=event.subject):
                yield _of(entry)


def _waiting_for_an_id(commit: Commit, event: Event) -> Iterator[Recipients]:
    """The owners of entries that wait for their model id where a model newly appears; which of them it is, a person decides."""
    waiting: dict[str, list[str]] = {}
    for key, entry in commit.entries.items():
        if entry.alive and not entry.spec.model_id and _scope(event) in entry.spec.surfaces:
            for owner in entry.spec.owners:
                waiting.setdefault(owner, []).append(key)
    for owner, keys in waiting.items():
        yield Recipients(owners=(owner,), waiting=tuple(keys))


def _denied_by_it(commit: Commit, event: Event) -> Iterator[Recipients]:
    """The owners of entries that a configuration denies to production, where no other item is about the entry."""
    for key in event.data.get("denies", ()):
        if key not in commit.spoken_of:
            yield _of(commit.entries[key])


# -- what an event says of facts -------------------------------------------


def _scope(event: Event) -> str:
    """The surface or provider of the subject of an event; the source itself where it is about neither."""
    return str(event.data.get("surface") or event.data.get("provider") or event.source)


def _fact(event: Event) -> Fact:
    """The fact whose change an event records. One of a text stands for all of its parts."""
    if event.type == ev.DOCUMENT_CHANGED:
        return Fact(Subject(event.source, event.source), PARAGRAPH)
    return Fact(Subject(_scope(event), event.subject), _field(event))


def _field(event: Event) -> str:
    data = event.data
    if event.type in (ev.MODEL_LISTED, ev.MODEL_UNLISTED):
        return LISTED
    if event.type.startswith("lifecycle."):
        return SHUTDOWN_DATE
    if event.type.startswith("price."):
        field = price.Meter(data["tier"], data["context"], data["modality"], data["meter"]).field
        return f"{ANNOUNCED}{field}@{data['date']}" if event.type == ev.PRICE_ANNOUNCED else field
    return str(data["field"])


def _values(event: Event) -> tuple[Value | None, Value | None]:
    """The old and the new value of a fact; None where there was or is none."""
    data = event.data
    if event.type in (ev.MODEL_LISTED, ev.MODEL_UNLISTED):
        return (None, True) if event.type == ev.MODEL_LISTED else (True, None)
    return data["old"], data["date"] if event.type.startswith("lifecycle.") else data["new"]


def _difference(event: Event) -> Difference:
    old, new = _values(event)
    return _moved(event.subject, _field(event), old, new)


def _moved(subject: str, field: str, old: Value | None, new: Value | None) -> Difference:
    return Difference(
        subject=subject,
        what=field,
        old=None if old is None else value_in_words(old),
        new=None if new is None else value_in_words(new),
    )


def _drift(event: Event) -> bool:
    """Whether an event is a shift of what calls took, measured over a window, rather than another answer."""
    return "window_since" in event.data


def _news(event: Event) -> bool:
    """Whether a change is news to anybody: not what another source stated before, how a route words its no, or an announcement that came true."""
    if event.type == ev.DOCUMENT_CHANGED:
        return True
    if event.type == ev.PRICE_ANNOUNCED and event.data["new"] is None:
        return bool(event.data["date"] > event.occurred_at.date().isoformat())
    return not (event.data.get("corroborates") or _drift(event) or is_refusal(_field(event)))


def _renamed(event: Event) -> bool:
    return "renamed_to" in event.data or "renamed_from" in event.data


def _note(event: Event) -> str:
    """What owners should read of a change beyond old and new."""
    data = event.data
    if event.type == ev.DOCUMENT_CHANGED:
        return "; ".join(_paragraphs(event))
    if _renamed(event):
        old, new = data.get("renamed_from", event.subject), data.get("renamed_to", event.subject)
        return rename_in_words(event.source, old, new, official=data["trust"] == OFFICIAL)
    return str(data.get("note", ""))


def _paragraphs(event: Event) -> Iterator[str]:
    """What came and went in a text: the markers, the first paragraphs each way, and how many more there are."""
    data = event.data
    markers = data.get("markers", {"came": (), "went": ()})
    yield from (f"“{marker}” is in {event.source} now" for marker in markers["came"])
    yield from (f"“{marker}” is in {event.source} no longer" for marker in markers["went"])
    removed, added = data["removed"], data["added"]
    if removed:
        yield f"{event.source} no longer says: " + " ".join(f"“{text}”" for text in removed[:QUOTED])
    if added:
        yield f"{event.source} says now: " + " ".join(f"“{text}”" for text in added[:QUOTED])
    if left := max(0, len(removed) - QUOTED) + max(0, len(added) - QUOTED) + data["more"]:
        yield f"and {left} more paragraph{'s' if left > 1 else ''}"


def _watched(event: Event, entry: Entry) -> bool:
    """Whether an event is about a text that can concern an entry."""
    return event.type == ev.DOCUMENT_CHANGED and watches(entry, **event.data["about"])


def _one_more_route(fact: Fact, entry: Entry) -> bool:
    """Whether a fact is one more way to a model whose closing paused the entry already, and none that it pins.

    A model that is gone closes a dozen routes, each a look of its own: the first was told, and the log has the others.
    """
    if not fact.field.startswith(ACCESS) or entry.status is not Status.PAUSED:
        return False
    model = f"{fact.subject.scope}/{fact.subject.name}/"
    closed = {key.removeprefix(model) for key in entry.deviations if key.startswith(model)}
    return any(field == LISTED or field.startswith(ACCESS) for field in closed) and model + fact.field not in {
        pin.key for pin in entry.pins
    }


def _concerned(event: Event) -> list[tuple[Fact, Mapping[str, Value | None]]]:
    """What an anomaly holds back of that entries stand on, each with what else is said of it; the field is empty where it is a whole subject."""
    return [
        (Fact(Subject(one["scope"], one["subject"]), one.get("field", "")), one)
        for one in event.data.get("concerns", ())
    ]


# -- what is said ----------------------------------------------------------


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _entry_of(to: Recipients) -> Entry:
    """The entry that an item is about."""
    assert to.entry is not None
    return to.entry


def _shifts(entry: Entry, event: Event) -> list[tuple[Pin, Value | None, Value | None]]:
    """The pins that no longer held at a pause, each with what was accepted and what is so instead (None: gone)."""
    by_key = {pin.key: pin for pin in entry.pins}
    return [(by_key[shift["pin"]], shift["old"], shift["new"]) for shift in event.data["shifts"]]


def _pinned_facts(commit: Commit, entry: Entry, event: Event) -> Iterator[Fact]:
    for pin, _, _ in _shifts(entry, event):
        yield from pins.facts(pin, entry)


def _pause(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """Which pins no longer hold, what that means in money, and how access was lost."""
    entry, event = _entry_of(to), events[0]
    shifts = _shifts(entry, event)
    parts = (_money(entry, {pin.field: new for pin, _, new in shifts}), "; ".join(event.data["notes"]))
    return Content(
        since=_time(event.data["since"]),
        looks=event.data["looks"],
        summary="; ".join(part for part in (*parts, *event.data["losses"]) if part),
        differences=tuple(
            replace(_moved(pin.name, pin.field, old, new), old=value_in_words(old)) for pin, old, new in shifts
        ),
    )


def _money(entry: Entry, moved: Mapping[str, Value | None]) -> str:
    """What the prices among the fields that moved mean for a month, against what was accepted; empty where no usage is stated or observed."""
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


def _visible(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """That a model is listed, and what the entry needs before it may be active."""
    entry, data = _entry_of(to), events[0].data
    wanting = ", ".join(checklist.missing(entry, now=commit.at))
    needs = (
        f"before it may be active it needs: {wanting}" if wanting else "nothing is missing, a person may activate it"
    )
    return Content(
        since=_time(data["since"]),
        looks=data["looks"],
        summary=f"{entry.spec.model_id} is listed on {entry.spec.surface}; {needs}",
        commands=(
            f"access-monitor checklist {entry.key}",
            f'access-monitor activate {entry.key} --by YOU --reason "…" --expect {entry.position}',
        ),
    )


def _hidden(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """That a model is not listed any more, so that the entry waits again."""
    entry, data = _entry_of(to), events[0].data
    return Content(
        since=_time(data["since"]),
        looks=data["looks"],
        summary=f"{entry.spec.model_id or 'its model id'} is not listed on {entry.spec.surface}: back to waiting",
        commands=(_why(entry),),
    )


def _listing(commit: Commit, entry: Entry, event: Event) -> Iterator[Fact]:
    yield Fact(Subject(event.data["surface"], event.data["model_id"]), LISTED)


def _withdrawn(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    return Content(since=events[0].occurred_at, summary=events[0].data["reason"])


def _approval(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """That one person asked for an acceptance, and how another confirms it."""
    entry, data = _entry_of(to), events[0].data
    command = COMMANDS[data["act"]]
    return Content(
        since=events[0].occurred_at,
        summary=f"{data['by']} asks to {command} it ({data['reason']}); it takes effect when another person does the same",
        commands=(
            f"access-monitor {command} {entry.key} --dry-run",
            f'access-monitor {command} {entry.key} --by YOU --reason "…" --expect {entry.position}',
        ),
    )


def _fallback_lost(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    return Content(since=events[0].occurred_at, summary=f"its fallback {events[0].data['reason']}")


def _fallback_restored(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    fallback = events[0].data["fallback"]
    return Content(since=events[0].occurred_at, summary=f"its fallback {fallback} is allowed in production again")


def _repeated(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    return Content(since=_entry_of(to).since, summary=events[0].data["text"])


def _unlisted(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    data = events[0].data
    return Content(since=_time(data["since"]), looks=data["looks"], summary=data["text"])


def _reminder(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    data = events[0].data
    return Content(since=events[0].occurred_at, summary=f"{days_in_words(data['days'])}: {data['text']}")


def _expired(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    name = events[0].data["check"]
    until = _entry_of(to).checks[name].until or commit.at
    return Content(since=until, summary=f"the check {name} was verified until {rfc3339(until)}")


def _aged(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    since = min(_time(event.data["since"]) for event in events)
    names = ", ".join(event.data["check"] for event in events)
    return Content(since=since, summary=f"no look has verified {names} since {rfc3339(since)}")


def _amended(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    data = events[0].data
    return Content(
        since=events[0].occurred_at, summary=f"the check {data['check']} does not hold any more: {data['reason']}"
    )


def _document(commit: Commit, event: Event) -> Event:
    """The change of a document by which a check went stale."""
    assert event.cause is not None
    return commit.events[event.cause]


def _on_a_document(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """That a check rests on a document which changed; what changed is said with the first check of an entry."""
    event, document = events[0], _document(commit, events[0])
    said = _fact(document) in commit.spoken_of.get(_entry_of(to).key, ())
    what = f"the check {event.data['check']} rests on {event.source}, which changed"
    return Content(
        since=document.occurred_at,
        looks=document.data["looks"],
        summary=what if said else f"{what}: {_note(document)}",
    )


def _its_document(commit: Commit, entry: Entry, event: Event) -> Iterator[Fact]:
    yield _fact(_document(commit, event))


def _held(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """What an answer lacks or moves all at once, or what of it alternates."""
    event, data = events[0], events[0].data
    if "facts" in data:
        return Content(since=event.occurred_at, looks=1, summary=_contradiction(event, _entry_of(to)))
    moved = "moved_count" in data
    meters = data.get("meters", ())
    what = f"the prices {', '.join(meters)} of " if meters else ""
    how = f"changed in {event.source}" if moved else f"are missing from {event.source}"
    hold: timedelta = _time(data["until"]) - event.occurred_at
    count = data["moved_count"] if moved else data["missing_count"]
    return Content(
        since=event.occurred_at,
        looks=1,
        summary=(
            f"{what}{count} of {data['known']} known models {how} at once; "
            f"nothing is believed before it stood for {duration_in_words(hold)}{_incident(event)}"
        ),
    )


def _contradiction(event: Event, entry: Entry) -> str:
    """What of a source whose answers alternate concerns an entry."""
    mine = [(fact, one) for fact, one in _concerned(event) if matters(fact, entry)]
    parts = [
        f"{fact.subject.name} appears and disappears"
        if fact.field == LISTED
        else f"{fact.field.removeprefix(price.PREFIX)} of {fact.subject.name} alternates between "
        f"{value_in_words(one['old'])} and {value_in_words(one['new'])}"
        for fact, one in mine[:NAMED]
    ]
    more = f"; and {len(mine) - NAMED} more" if len(mine) > NAMED else ""
    return f"{event.source} contradicts itself from poll to poll: {'; '.join(parts)}{more}; the last confirmed values stand"


def _incident(event: Event) -> str:
    """What to add to a sentence while an incident is open on the surface that it is about."""
    said = event.data.get("incident")
    return f"; the provider's status page says: “{said}”" if said else ""


def _quarantined(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """That a price is held back since it cannot be right, or that one can no longer be read."""
    event, entry, data = events[0], _entry_of(to), events[0].data
    difference = _difference(event)
    summary = f"a price that cannot be right is held back: {data['reason'].replace('_', ' ')}"
    release = f'access-monitor release {event.position} --by YOU --reason "…"'
    if data["new"] is None:
        name = difference.what.removeprefix(price.PREFIX)
        summary = f"{name} (was {value_in_words(data['old'])}) is still spoken of and can no longer be read; nothing renews it"
        release = f"access-monitor verify {entry.key} pricing --by YOU --url …"
    return Content(
        since=event.occurred_at,
        subject=event.subject,
        summary=summary,
        differences=() if data["new"] is None else (difference,),
        looks=data["looks"],
        commands=(release,),
    )


def _unread(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """That a source is not read any more, and from when production is denied what it alone verifies."""
    event, data = events[0], events[0].data
    why = "no look" if data["reason"] == ev.NO_GOOD_LOOK else data["reason"]
    unread = f"{event.source} has not been read since {data['last_good']} ({why})"
    denies = f"what only it can verify is denied in production from {data['denied_at']}"
    unseen = "nothing is denied for that, and what changes there is not seen"
    follows = denies if _entry_of(to).key in data["denies"] else unseen
    return Content(since=_time(data["last_good"]), summary=f"{unread}; {follows}{_incident(event)}")


def _changed(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """News about what an entry stands on, that pauses nothing; its own tiers come first, in the order people read prices."""
    entry = _entry_of(to)
    changes = sorted(events, key=lambda event: price.telling_order(_fact(event).field, entry.spec.tiers))
    parts = (
        "; ".join(dict.fromkeys(note for event in changes if (note := _note(event)))),
        "; ".join(dict.fromkeys(said for event in changes if (said := commit.routes(event)))),
        _expected(entry, changes, commit.at),
    )
    return Content(
        since=min(event.occurred_at for event in changes),
        looks=max(event.data["looks"] for event in changes),
        evidence=changes[0].evidence,
        differences=tuple(
            _difference(event) for event in changes if event.type != ev.DOCUMENT_CHANGED and not _renamed(event)
        ),
        summary="; ".join(part for part in parts if part),
    )


def _expected(entry: Entry, changes: Iterable[Event], at: datetime) -> str:
    """The maintenance in which a change of what an entry pins is expected, so that it did not pause."""
    pinned = {pin.key for pin in entry.pins}
    facts = (_fact(event) for event in changes)
    keys = [key for fact in facts if (key := f"{fact.subject.scope}/{fact.subject.name}/{fact.field}") in pinned]
    open_windows = [window for key in keys if (window := expecting(entry.windows, key, at)) is not None]
    last = max(open_windows, key=lambda window: window.end, default=None)
    return (
        ""
        if last is None
        else f"expected until {rfc3339(last.end)} ({last.reason}; {last.by}); what deviates then pauses it"
    )


def _shifted(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """That calls by a route take or fail otherwise than they did, by how much, and by which test."""
    event, data = events[0], events[0].data
    old, new = (level_in_words(data[name], data["unit"]) for name in ("old", "new"))
    return Content(
        since=event.occurred_at,
        looks=data["calls"],
        summary=(
            f"{new} where it was {old}, over {data['calls']} calls against {data['compared']} before "
            f"({data['test']}, p = {data['p']})"
        ),
        differences=(Difference(subject=event.subject, what=data["field"], old=old, new=new),),
    )


def _newcomer(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    """That a model is newly listed where entries wait for their id: it is named by itself, since no entry declares it."""
    event = events[0]
    wait = f"{', '.join(to.waiting)} {'wait' if len(to.waiting) > 1 else 'waits'} for a model id"
    return Content(
        subject=event.subject,
        since=event.occurred_at,
        summary=f"newly listed on {_scope(event)}, where {wait}: if it is this one, write it into the configuration",
        differences=(_difference(event),),
        looks=event.data["looks"],
        commands=(f"access-monitor events --subject {event.subject}",),
    )


def _denied(commit: Commit, to: Recipients, events: Sequence[Event]) -> Content:
    reason = events[0].data["denies"][_entry_of(to).key]
    return Content(since=events[0].occurred_at, summary=f"the configuration changed: {reason}")


# -- the table -------------------------------------------------------------

_CHANGED = Rule(reason=Reason.CHANGED, recipients=_standing_on_it, content=_changed, together=True)
_NEWCOMER = Rule(reason=Reason.CHANGED, recipients=_waiting_for_an_id, content=_newcomer)

TABLE: Mapping[str, tuple[Rule, ...]] = {
    ev.ENTRY_PAUSED: (
        Rule(reason=Reason.PAUSED, recipients=_unless_by_a_person, content=_pause, speaks_of=_pinned_facts),
    ),
    ev.ENTRY_PAUSE_EXTENDED: (
        Rule(reason=Reason.PAUSE_EXTENDED, recipients=_its_owners, content=_pause, speaks_of=_pinned_facts),
    ),
    ev.ENTRY_VISIBLE: (
        Rule(reason=Reason.VISIBLE, recipients=_unless_by_a_person, content=_visible, speaks_of=_listing),
    ),
    ev.ENTRY_HIDDEN: (Rule(reason=Reason.CHANGED, recipients=_its_owners, content=_hidden, speaks_of=_listing),),
    ev.ENTRY_WITHDRAWN: (Rule(reason=Reason.CHANGED, recipients=_if_in_use, content=_withdrawn),),
    ev.ENTRY_APPROVAL_REQUESTED: (Rule(reason=Reason.CHANGED, recipients=_its_owners, content=_approval),),
    ev.CHECK_STALE: (  # one that goes with a pause or with the model is silent: the pause, or the model, is told
        Rule(reason=Reason.STALE, recipients=_if_stale_by("date"), content=_expired),
        Rule(reason=Reason.STALE, recipients=_if_stale_by("age", where=_is_active), content=_aged, together=True),
        Rule(reason=Reason.STALE, recipients=_if_stale_by("amendment", where=_was_active), content=_amended),
        Rule(
            reason=Reason.STALE,
            recipients=_if_stale_by("document"),
            content=_on_a_document,
            speaks_of=_its_document,
        ),
    ),
    ev.SOURCE_ANOMALY: (Rule(reason=Reason.HELD, recipients=_active_there, content=_held),),
    ev.SOURCE_STALE: (Rule(reason=Reason.BLIND, recipients=_resting_on_it, content=_unread),),
    ev.PRICE_QUARANTINED: (Rule(reason=Reason.HELD, recipients=_going_by_the_price, content=_quarantined),),
    ev.MODEL_LISTED: (_CHANGED, _NEWCOMER),
    ev.MODEL_UNLISTED: (_CHANGED,),
    ev.MODEL_CHANGED: (_CHANGED,),
    ev.PRICE_LISTED: (_CHANGED,),
    ev.PRICE_CHANGED: (_CHANGED,),
    ev.PRICE_REMOVED: (_CHANGED,),
    ev.PRICE_REPORTED: (_CHANGED,),
    ev.PRICE_ANNOUNCED: (_CHANGED,),
    ev.BEHAVIOUR_CHANGED: (_CHANGED, Rule(reason=Reason.CHANGED, recipients=_on_the_route, content=_shifted)),
    ev.LIMIT_CHANGED: (_CHANGED,),
    ev.SETTING_CHANGED: (_CHANGED,),
    ev.DOCUMENT_CHANGED: (_CHANGED,),
    ev.LIFECYCLE_ANNOUNCED: (_CHANGED,),
    ev.LIFECYCLE_MOVED: (_CHANGED,),
    ev.LIFECYCLE_WITHDRAWN: (_CHANGED,),
    ev.CONFIG_CHANGED: (Rule(reason=Reason.STALE, recipients=_denied_by_it, content=_denied),),
    ev.ENTRY_FALLBACK_LOST: (Rule(reason=Reason.FALLBACK_LOST, recipients=_its_owners, content=_fallback_lost),),
    ev.ENTRY_FALLBACK_RESTORED: (Rule(reason=Reason.RECOVERED, recipients=_its_owners, content=_fallback_restored),),
    ev.ENTRY_REMINDED: (
        Rule(
            reason=Reason.UNACKNOWLEDGED,
            recipients=_if_reminded(lambda what: what == PAUSE_REPEATED),
            content=_repeated,
        ),
        Rule(reason=Reason.HELD, recipients=_if_reminded(lambda what: what == UNLISTED), content=_unlisted),
        Rule(
            reason=Reason.FALLBACK_LOST, recipients=_if_reminded(lambda what: what == FALLBACK_ENDS), content=_reminder
        ),
        Rule(
            reason=Reason.REMINDER,
            recipients=_if_reminded(lambda what: what not in (PAUSE_REPEATED, UNLISTED, FALLBACK_ENDS)),
            content=_reminder,
        ),
    ),
}
"""Event type → how it is told. A rule leaves out what one before it has told: a change that paused an entry is not told beside the pause."""

RULES = tuple(dict.fromkeys(rule for rules in TABLE.values() for rule in rules))
"""The rules in their order."""

SILENT = frozenset(
    {
        ev.BASELINE_RECORDED,  # what a first look showed is the state that people know
        ev.SOURCE_FAILED,  # `source.stale` tells it once it lasts
        ev.SOURCE_RECOVERED,
        ev.ACCESS_GAINED,  # told with the change of the route that they judge
        ev.ACCESS_LOST,
        ev.INCIDENT_CHANGED,  # quoted where it explains something, and no news by itself
        ev.ENTRY_DECLARED,  # acts of people: who did it knows, and the log has it
        ev.ENTRY_AMENDED,
        ev.ENTRY_ACTIVATED,
        ev.ENTRY_RESUMED,
        ev.ENTRY_RETIRED,
        ev.ENTRY_WINDOW_OPENED,
        ev.ENTRY_WINDOW_CLOSED,
        ev.ENTRY_SILENCED,
        ev.NOTICE_ACKNOWLEDGED,
        ev.CONFIG_ACCEPTED,
        ev.CHECK_ATTESTED,
        ev.CHECK_VERIFIED,
        ev.CHECK_FAILED,  # a required one denies, which the gate says; what moved is told by its own event
        ev.NOTICE_DELIVERED,  # what became of notices is told by the relay
        ev.NOTICE_DEAD,
        ev.CLOCK_STEPPED,
        ev.GATE_DENIED,
        ev.GATE_FIRST_USED,
    }
)
"""The event types that nobody is told of, and why not."""
