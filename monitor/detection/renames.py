"""Prices that go on under another id: which subjects of one poll are the same rows as before, renamed.

On 2026-08-01 a feed spelled 27 ids anew in one commit, every amount as it was: read row by row that is a mass drop and
a hundred new prices. Only prices are compared here. A models list has none, so a model that leaves it is never
explained away, and nothing here says that two ids are one model: that is for a person to declare.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TypeAlias

from monitor.core import price
from monitor.core.facts import LISTED, Fact, Facts, Subject, Value

_BETWEEN = re.compile(r"[/,;|+&]|\band\b|\bor\b")
_KIND = re.compile(r"[^\W\d_]+")

LEAST = 2
"""How many equal prices it takes where the ids do not spell the same: one amount alone may be equal by chance."""

Rows: TypeAlias = tuple[tuple[str, Value], ...]


def renames(before: Facts, after: Facts) -> dict[Subject, Subject]:
    """Return old subject → new subject, for rows that vanished under one id and stand, equal to the digit, under
    another of the same provider.

    Where several ids share their prices, only those pair that differ in nothing but punctuation and case (`gpt-56` and
    `gpt-5-6`); what stays ambiguous is no rename.
    """
    gone = before.keys() - after.keys()
    if not gone:
        return {}
    came: dict[tuple[str, Rows], list[Subject]] = {}
    for subject in sorted(after.keys() - before.keys()):
        if any(_names_both(subject.name, old.name) for old in gone):
            continue
        came.setdefault((subject.scope, _rows(after[subject])), []).append(subject)
    left: dict[tuple[str, Rows], list[Subject]] = {}
    for subject in sorted(gone):
        left.setdefault((subject.scope, _rows(before[subject])), []).append(subject)
    pairs: dict[Subject, Subject] = {}
    for (scope, rows), olds in left.items():
        news = came.get((scope, rows), []) if rows else []
        if len(olds) == len(news) == 1 and len(rows) >= LEAST:
            pairs[olds[0]] = news[0]
        else:
            pairs.update(_spelled_alike(olds, news))
    return pairs


def _names_both(name: str, old: str) -> bool:
    """Return whether a name is that of an old one and of another like it (`gpt-5/gpt-5-mini`): two models in one cell
    are no new name of either.

    A prefix (`openai/gpt-5`) is none of another model.
    """
    parts = [part.strip() for part in _BETWEEN.split(name) if part.strip()]
    kind = _KIND.match(old)
    return old in parts and any(part != old and kind is not None and part.startswith(kind[0]) for part in parts)


def _rows(fields: Mapping[str, Value]) -> Rows:
    """Return the prices of a subject; none where it also stands in a list."""
    if LISTED in fields:
        return ()
    return tuple(sorted((field, value) for field, value in fields.items() if field.startswith(price.PREFIX)))


def _spelled_alike(olds: list[Subject], news: list[Subject]) -> dict[Subject, Subject]:
    old_by, new_by = _by_letters(olds), _by_letters(news)
    return {
        old_by[letters][0]: new_by[letters][0]
        for letters in old_by.keys() & new_by.keys()
        if len(old_by[letters]) == len(new_by[letters]) == 1
    }


def _by_letters(subjects: list[Subject]) -> dict[str, list[Subject]]:
    by_letters: dict[str, list[Subject]] = {}
    for subject in subjects:
        by_letters.setdefault("".join(filter(str.isalnum, subject.name.casefold())), []).append(subject)
    return by_letters


def confirmed(pairs: Mapping[Subject, Subject], baseline: Facts, accepted: Collection[Fact]) -> dict[Subject, Subject]:
    """Return the renames of which every row is confirmed in this poll, gone under the old id and there under the new
    one.
    """
    return {
        old: new
        for old, new in pairs.items()
        if all(Fact(subject, field) in accepted for subject in (old, new) for field in baseline[old])
    }
