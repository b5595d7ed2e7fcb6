"""The difference between what is confirmed and what a poll showed, and its inverse.

Only facts go in here: a failed poll has no facts, so it cannot come out as a difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from monitor.core import price
from monitor.core.facts import (
    ACCESS,
    ANNOUNCED,
    BEHAVIOUR,
    DEPRECATION,
    INCIDENT,
    LIMIT,
    LISTED,
    PARAGRAPH,
    SETTING,
    SHUTDOWN_DATE,
    WATCHED,
    Fact,
    Facts,
    Snapshot,
    Subject,
    Value,
)

MASS = 3
"""From so many subjects on that are gone at once, what is missing may be a fault of the source."""

OWN = (price.PREFIX, ANNOUNCED, PARAGRAPH, WATCHED, INCIDENT, ACCESS, BEHAVIOUR, LIMIT, SETTING, DEPRECATION)
"""Prefixes of fields that each stand for themselves: that no subject has one any more is said, not passed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One fact that differs. None stands for "is not there", never for "was not said"."""

    fact: Fact
    old: Value | None
    new: Value | None


def same(field: str, one: Value | None, other: Value | None) -> bool:
    """Return whether two values of a field are the same thing: amounts within the tolerance of prices, all else
    exactly.
    """
    if one is None or other is None:
        return one is other
    if type(one) is not type(other):  # True == 1, and "1" is not 1
        return False
    if field.startswith(price.PREFIX) and isinstance(one, str) and isinstance(other, str):
        return price.equal(one, other)
    return one == other


def diff(
    before: Facts, after: Facts, *, silent: frozenset[str] = frozenset(), unclear: frozenset[Fact] = frozenset()
) -> tuple[Change, ...]:
    """Return every fact that differs, in the order of subject and field.

    Fields in `silent` were not spoken of and facts in `unclear` were stated in two ways, so they differ in nothing; but
    with a subject that is gone its silent fields are gone. One of which something is unclear is not gone.
    """
    if before == after:  # as below, for all subjects at once: a feed of thousands is sorted only once something differs
        return ()
    changes: list[Change] = []
    for subject in sorted(before.keys() | after.keys()):
        old_fields, new_fields = before.get(subject, {}), after.get(subject, {})
        if old_fields == new_fields:  # one comparison in C for the usual case; True == 1 cannot change a field's type
            continue
        gone = subject not in after
        for field in sorted(old_fields.keys() | new_fields.keys()):
            old, new = old_fields.get(field), new_fields.get(field)
            fact = Fact(subject, field)
            if same(field, old, new) or fact in unclear or (not gone and field in silent):
                continue
            changes.append(Change(fact=fact, old=old, new=new))
    return tuple(changes)


def dropped(before: Facts, after: Facts) -> frozenset[str]:
    """Return the fields of models that no model has any more: a list of another shape, which does not speak of them.

    A price is its own fact, and a page that loses a whole column of them has said so. Of shutdown dates a source says
    itself whether it speaks of them: the last one that is taken back leaves none, and is a withdrawal all the same.
    """
    if after is before:
        return frozenset()
    gone = _fields(before) - _fields(after) - {LISTED, SHUTDOWN_DATE}
    return frozenset(field for field in gone if not field.startswith(OWN))


def carried(before: Facts, poll: Snapshot) -> Facts:
    """Return the facts of a poll, with what it says nothing of as it was.

    A row that left a page of announcements takes none of them back. Where several left at once that speak of days still
    to come, half of the page is missing, and a day that another row lacks is not taken back either: of 13 such polls of
    one real history all were over within days.
    """
    if not poll.announcing:
        return poll.facts
    today = poll.at.date().isoformat()
    withdrawn = sum(
        str(before[subject].get(SHUTDOWN_DATE, "")) > today for subject in before.keys() - poll.facts.keys()
    )
    facts = {**before, **poll.facts}
    for subject in before.keys() & poll.facts.keys() if withdrawn >= MASS else ():
        if SHUTDOWN_DATE in before[subject]:
            facts[subject] = {SHUTDOWN_DATE: before[subject][SHUTDOWN_DATE], **poll.facts[subject]}
    return facts


def _fields(facts: Facts) -> set[str]:
    return {field for fields in facts.values() for field in fields}


def patch(facts: Facts, changes: Iterable[Change]) -> Facts:
    """Return `facts` with the changes made; a subject without a field left is gone. `patch(a, diff(a, b)) == b`."""
    patched: dict[Subject, Mapping[str, Value]] = dict(facts)  # a row that nothing changes is not copied
    changed: dict[Subject, dict[str, Value]] = {}
    for change in changes:
        subject, field = change.fact
        fields = changed.get(subject)
        if fields is None:
            fields = changed[subject] = dict(facts.get(subject, {}))
        if change.new is None:
            fields.pop(field, None)
        else:
            fields[field] = change.new
    patched.update(changed)
    return {subject: fields for subject, fields in patched.items() if fields}


def common(facts: Facts, seen: Facts) -> Facts:
    """Return those of the facts that are also among what was `seen`, each with the value of `facts`."""
    common_facts = {
        subject: {field: value for field, value in fields.items() if field in seen.get(subject, {})}
        for subject, fields in facts.items()
    }
    return {subject: fields for subject, fields in common_facts.items() if fields}


def without(facts: Facts, dropped: Iterable[Fact]) -> Facts:
    """Return `facts` less some of them."""
    return patch(facts, (Change(fact=fact, old=None, new=None) for fact in dropped))


def lookup(facts: Facts, fact: Fact) -> Value | None:
    """Return the value of one fact, None where there is none."""
    return facts.get(fact.subject, {}).get(fact.field)
