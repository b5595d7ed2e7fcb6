"""Who hears of an event: the owners of the entry that it befell, or of those that stand on what it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from monitor.core import events as ev
from monitor.core.entry import CheckState, Entry, Status
from monitor.core.events import Event, entry_key
from monitor.core.facts import ACCESS, BEHAVIOUR, GRANTED, LISTED, Fact, is_answering
from monitor.notify.event_facts import concerned_by, fact_of, is_drift, is_news, scope_of
from monitor.notify.rules import Commit, Recipients
from monitor.registry.policy import matters, watches

TOLD = frozenset({Status.ACTIVE, Status.PAUSED})
"""The statuses of entries whose owners hear that what they were told of an active one is over."""


def _of(entry: Entry) -> Recipients:
    return Recipients(owners=entry.spec.owners, entry=entry)


def its_owners(commit: Commit, event: Event) -> Iterator[Recipients]:
    """Yield the owners of the entry that an event befell."""
    yield _of(commit.entries[entry_key(event)])


def its_owners_and_further(commit: Commit, event: Event) -> Iterator[Recipients]:
    """Yield the owners of the entry that an event befell, and those to whom its pause was escalated: what they were
    told ends, or is in hand.
    """
    yield _with_escalated(commit, commit.entries[entry_key(event)])


def _with_escalated(commit: Commit, entry: Entry) -> Recipients:
    before = commit.before(entry.key) or entry
    return replace(_of(entry), owners=tuple(dict.fromkeys((*entry.spec.owners, *before.escalated))))


def unless_by_a_person(commit: Commit, event: Event) -> Iterator[Recipients]:
    """Yield the owners of an entry that the monitor moved."""
    if event.actor == ev.SYSTEM:
        yield _of(commit.entries[entry_key(event)])


def if_by_a_person(commit: Commit, event: Event) -> Iterator[Recipients]:
    """Yield the owners of an entry that a person moved."""
    if event.actor != ev.SYSTEM:
        yield _of(commit.entries[entry_key(event)])


def of_each_acknowledged(commit: Commit, event: Event) -> Iterator[Recipients]:
    """Yield the owners of each entry whose pause somebody acknowledged."""
    for key in event.data["entries"]:
        if key in commit.entries:
            yield _with_escalated(commit, commit.entries[key])


def if_verified_again(commit: Commit, event: Event) -> Iterator[Recipients]:
    """Yield the owners of an active entry that regains a check which had expired: they were told that it had."""
    before = commit.before(entry_key(event))
    if before is None or before.status is not Status.ACTIVE or not is_active(commit, entry_key(event)):
        return
    check = before.checks.get(event.data["check"])
    if check is not None and check.state is CheckState.STALE:
        yield _of(commit.entries[entry_key(event)])


def if_it_is_over(commit: Commit, event: Event) -> Iterator[Recipients]:
    """Yield the owners who were told of a hold that has ended."""
    cause = commit.cause(event)
    if cause is not None and cause.type == ev.SOURCE_ANOMALY:
        for entry in commit.entries.values():
            if entry.status in TOLD and any(_touches(fact, entry) for fact, _ in concerned_by(cause)):
                yield _of(entry)
    if cause is not None and cause.type == ev.PRICE_QUARANTINED:
        yield from going_by_the_price(commit, cause)


def if_read_again(commit: Commit, event: Event) -> Iterator[Recipients]:
    """Yield the owners who were told that a source was down."""
    cause = commit.cause(event)
    if cause is not None and cause.type == ev.SOURCE_STALE:
        for key in (*cause.data.get("denies", ()), *cause.data.get("unseen", ())):
            if key in commit.entries and commit.entries[key].status in TOLD:
                yield _of(commit.entries[key])


def if_in_use(commit: Commit, event: Event) -> Iterator[Recipients]:
    """Yield the owners of an entry that production used when it was withdrawn."""
    if commit.was(entry_key(event), Status.ACTIVE, Status.PAUSED):
        yield _with_escalated(commit, commit.entries[entry_key(event)])


def always(commit: Commit, key: str) -> bool:
    return True


def was_active(commit: Commit, key: str) -> bool:
    return commit.was(key, Status.ACTIVE)


def is_active(commit: Commit, key: str) -> bool:
    return commit.entries[key].status is Status.ACTIVE


def if_stale_by(
    because: str, *, where: Callable[[Commit, str], bool] = always
) -> Callable[[Commit, Event], Iterator[Recipients]]:
    """Return the owners of an entry whose check is lost to this, where that matters to them."""

    def recipients(commit: Commit, event: Event) -> Iterator[Recipients]:
        if event.data.get("because") == because and where(commit, entry_key(event)):
            yield _of(commit.entries[entry_key(event)])

    return recipients


def if_failed(check: str) -> Callable[[Commit, Event], Iterator[Recipients]]:
    """Return the owners of an entry of which this check failed, unless it is paused in the same breath."""

    def recipients(commit: Commit, event: Event) -> Iterator[Recipients]:
        entry = commit.entries[entry_key(event)]
        paused = entry.status is Status.PAUSED and entry.key in commit.spoken_of
        if event.data["check"] == check and not paused:
            yield _of(entry)

    return recipients


def if_reminded(wanted: Callable[[str], bool]) -> Callable[[Commit, Event], Iterator[Recipients]]:
    """Return the owners of an entry that is reminded of something of a kind; the event names others who hear of it as
    well.
    """

    def recipients(commit: Commit, event: Event) -> Iterator[Recipients]:
        if wanted(event.data["what"]):
            to = _of(commit.entries[entry_key(event)])
            yield replace(to, owners=tuple(event.data.get("owners", to.owners)))

    return recipients


def active_there(commit: Commit, event: Event) -> Iterator[Recipients]:
    """Yield the owners of entries that were active and that what an anomaly holds back concerns, whatever else of the
    same poll paused them.
    """
    facts = [fact for fact, _ in concerned_by(event)]
    for entry in commit.entries.values():
        if was_active(commit, entry.key) and any(_touches(fact, entry) for fact in facts):
            yield _of(entry)


def _touches(fact: Fact, entry: Entry) -> bool:
    """Return whether a fact that is held concerns an entry; one without a field stands for all of its subject."""
    return matters(fact, entry) if fact.field else fact.subject in entry.subjects


def resting_on_it(commit: Commit, event: Event) -> Iterator[Recipients]:
    """Yield the owners of active entries of which a source that is not read any more verifies a check, or feeds one."""
    for key in (*event.data["denies"], *event.data["unseen"]):
        yield _of(commit.entries[key])


def if_nobody_rests_on_it(commit: Commit, event: Event) -> Iterator[Recipients]:
    """Yield the fallback owner for a source that is not read any more and on which no active entry rests."""
    if commit.background.fallback_owner and not event.data["denies"] and not event.data["unseen"]:
        yield Recipients(owners=(commit.background.fallback_owner,))


def if_nobody_heard(commit: Commit, event: Event) -> Iterator[Recipients]:
    """Yield the fallback owner for a source that is read again, where it alone was told that it was not."""
    cause = commit.cause(event)
    if cause is not None and cause.type == ev.SOURCE_STALE:
        yield from if_nobody_rests_on_it(commit, cause)


def going_by_the_price(commit: Commit, event: Event) -> Iterator[Recipients]:
    """Yield the owners of entries that go by a price which is held back."""
    fact = fact_of(event)
    for entry in commit.entries.values():
        if entry.alive and matters(fact, entry):
            yield _of(entry)


def standing_on_it(commit: Commit, event: Event) -> Iterator[Recipients]:
    """Yield the owners of entries that stand on a fact which moved, unless an item about the entry says it already."""
    if not is_news(event) or _first_answer(commit, event):
        return
    fact = fact_of(event)
    for entry in commit.entries.values():
        if (
            entry.alive
            and fact not in commit.spoken_of.get(entry.key, ())
            and not _one_more_route(fact, entry)
            and not _one_more_opening(commit, event, entry)
            and (_watched(event, entry) or matters(fact, entry))
        ):
            yield _of(entry)


def resting_on_its_fallback(commit: Commit, event: Event) -> Iterator[Recipients]:
    """Yield the owners of entries whose fallback an announced end is of, where they do not hear of it as its owners."""
    if not is_news(event):
        return
    fact = fact_of(event)
    for entry in commit.entries.values():
        fallback = commit.entries.get(entry.spec.fallback)
        if fallback is not None and entry.status in TOLD and fallback.alive and matters(fact, fallback):
            owners = tuple(owner for owner in entry.spec.owners if owner not in fallback.spec.owners)
            if owners and not matters(fact, entry):
                yield Recipients(owners=owners, entry=entry)


def on_the_route(commit: Commit, event: Event) -> Iterator[Recipients]:
    """Yield the owners of entries whose route answers otherwise than it did."""
    if is_drift(event):
        for entry in commit.entries.values():
            if entry.alive and watches(entry, surface=event.data["surface"], model=event.subject):
                yield _of(entry)


def waiting_for_an_id(commit: Commit, event: Event) -> Iterator[Recipients]:
    """Yield the owners of entries that wait for their model id where a model newly appears; which of them it is, a
    person decides.
    """
    waiting: dict[str, list[str]] = {}
    for key, entry in commit.entries.items():
        if entry.alive and not entry.spec.model_id and scope_of(event) in entry.spec.surfaces:
            for owner in entry.spec.owners:
                waiting.setdefault(owner, []).append(key)
    for owner, keys in waiting.items():
        yield Recipients(owners=(owner,), waiting=tuple(keys))


def denied_by_it(commit: Commit, event: Event) -> Iterator[Recipients]:
    """Yield the owners of entries that a configuration denies to production, where no other item is about the entry."""
    for key in event.data.get("denies", ()):
        if key not in commit.spoken_of:
            yield _of(commit.entries[key])


def _one_more_route(fact: Fact, entry: Entry) -> bool:
    """Return whether a fact is one more way to a model whose closing paused the entry already, and none that it pins.

    A model that is gone closes a dozen routes, each a poll of its own: the first was told, and the log has the others.
    """
    if not fact.field.startswith(ACCESS) or entry.status is not Status.PAUSED:
        return False
    model = f"{fact.subject.scope}/{fact.subject.name}/"
    closed = {key.removeprefix(model) for key in entry.deviations if key.startswith(model)}
    return any(field == LISTED or field.startswith(ACCESS) for field in closed) and model + fact.field not in {
        pin.key for pin in entry.pins
    }


def _one_more_opening(commit: Commit, event: Event, entry: Entry) -> bool:
    """Return whether an event opens one more way to the model of an entry that is not in use.

    A model that becomes generally available opens a dozen routes, each a poll of its own: its owners hear that it is
    listed and that calls work, and the checklist has the others.
    """
    fact = fact_of(event)
    if not fact.field.startswith(ACCESS) or event.data["new"] != GRANTED or entry.status in TOLD:
        return False
    return commit.access(entry.key).reached_beside(fact.field.removeprefix(ACCESS))


def _first_answer(commit: Commit, event: Event) -> bool:
    """Return whether an event holds what the first answer of a route says of itself, beside the event that it is open:
    no news, unless another model gave it.
    """
    fact = fact_of(event)
    if not fact.field.startswith(BEHAVIOUR) or event.data["old"] is not None:
        return False
    if is_answering(fact.field) and event.data["new"] != event.subject:
        return False
    opened = Fact(fact.subject, ACCESS + fact.field.removeprefix(BEHAVIOUR).partition(".")[0])
    return any(
        other.type == ev.BEHAVIOUR_CHANGED and fact_of(other) == opened and other.data["new"] == GRANTED
        for other in commit.events.values()
    )


def _watched(event: Event, entry: Entry) -> bool:
    """Return whether an event is about a text that can concern an entry."""
    return event.type == ev.DOCUMENT_CHANGED and watches(entry, **event.data["about"])
