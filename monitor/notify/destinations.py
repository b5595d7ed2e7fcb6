"""Who is told, and where: groups and the fallback owner, and which items of a notice a destination takes.

A destination is written in the outbox as a reference by owner and place, never as the URL itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from monitor.core.configuration import DestinationRules, Owner
from monitor.core.notices import ENDING, Item, Notice, Reason
from monitor.core.ports import DeliveryState, Reader
from monitor.notify.headlines import state_of

FOLLOWING = ENDING | {Reason.ACKNOWLEDGED}
"""Reasons that follow on what was told before: they go wherever that went."""

_ALL = DestinationRules()


def destinations(owner: Owner) -> tuple[str, ...]:
    """Return the references to all destinations of an owner, in order: `platform#1`, `platform#2`."""
    return tuple(_reference(owner, place) for place in range(1, len(owner.destinations) + 1))


def _reference(owner: Owner, place: int) -> str:
    return f"{owner.key}#{place}"


def rules_of(owners: Mapping[str, Owner], destination: str) -> DestinationRules:
    """Return what is set for a destination; that it takes everything at once where nothing is."""
    key, _, place = destination.rpartition("#")
    owner = owners.get(key)
    return _ALL if owner is None or not place.isdecimal() else owner.rules.get(int(place), _ALL)


def notified(owners: Mapping[str, Owner], fallback: str, name: str) -> tuple[str, ...]:
    """Return the owners who are told what `name` is to be told: the members of a group, each once, and the fallback
    owner for one who is not declared any more.
    """
    waiting, visited = [name], dict[str, bool]()
    while waiting:
        key = waiting.pop(0)
        if key in visited:
            continue
        owner = owners.get(key)
        visited[key] = owner is None or not owner.members
        if owner is not None:
            waiting += owner.members
        elif fallback and key != fallback:
            visited[key] = False
            waiting.append(fallback)
    return tuple(key for key, is_told in visited.items() if is_told)


def takers(reader: Reader, owner: Owner, notice: Notice) -> tuple[str, ...]:
    """Return the references to the destinations of an owner that take any item of a notice, in order."""
    return tuple(
        destination
        for place, destination in enumerate(destinations(owner), 1)
        if _taken(reader, owner.rules.get(place, _ALL), notice, destination)
    )


def addressed(reader: Reader, rules: DestinationRules, notice: Notice, destination: str) -> tuple[Item, ...]:
    """Return the items of a notice that a destination takes: those of a reason that it names, and what follows on one
    of them.

    All of them where it takes none any more: the configuration changed since the notice was written for it, and what
    was promised is sent.
    """
    return _taken(reader, rules, notice, destination) or notice.items


def _taken(reader: Reader, rules: DestinationRules, notice: Notice, destination: str) -> tuple[Item, ...]:
    if not rules.when:
        return notice.items
    return tuple(
        item
        for item in notice.items
        if item.reason is Reason.TEST
        or _named(item, rules)
        or (item.reason in FOLLOWING and _follows(reader, rules, notice, item, destination))
    )


def _named(item: Item, rules: DestinationRules) -> bool:
    return state_of(item).lower() in rules.when


def _follows(reader: Reader, rules: DestinationRules, notice: Notice, item: Item, destination: str) -> bool:
    """Return whether a destination was told, or is about to be, of the incident that an item is part of."""
    if not item.incident:
        return False
    if next(reader.sent_messages(destination=destination, incident=item.incident), None) is not None:
        return True
    waiting = (
        reader.notice(row.notice)
        for row in reader.deliveries(DeliveryState.WAITING, DeliveryState.SENDING)
        if row.destination == destination and row.notice != notice.id
    )
    return any(
        other.incident == item.incident and _named(other, rules)
        for earlier in waiting
        if earlier is not None
        for other in earlier.items
    )
