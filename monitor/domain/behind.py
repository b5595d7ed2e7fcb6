"""The facts behind the checks: what a probe or the account's own settings can verify, and what an activation pins for it.

One table. A check that is not in it is verified by a list or a price (`checklist`), or attested by a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from monitor.domain.beliefs import UNKNOWN, Beliefs, Unknown
from monitor.domain.configuration import SourceSpec
from monitor.domain.model import ACCESS, BEHAVIOUR, GRANTED, LIMIT, SETTING, Fact, Subject, Value
from monitor.domain.registry import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """Which facts a check rests on.

    `fields` are fields of the entry's models, or with an `account` subject of that setting; one that ends in a dot is a prefix. `value`
    is what verifies, None any value at all. `by` are the routes and parts that state them. A check that only `shows` its facts is
    pinned by them and verified by a person, who knows what they should be.
    """

    fields: tuple[str, ...]
    by: frozenset[str]
    value: Value | None = GRANTED
    account: str = ""
    shows: bool = False


_CALLS = ("responses", "chat", "embeddings")

TABLE: Mapping[str, Behind] = MappingProxyType(
    {
        "test_call": Behind(fields=tuple(ACCESS + route for route in _CALLS), by=frozenset(_CALLS)),
        "organisation": Behind(fields=tuple(ACCESS + route for route in _CALLS), by=frozenset(_CALLS)),
        "rate_limits": Behind(fields=(LIMIT,), by=frozenset({"rate_limits", *_CALLS}), value=None),
        "regions": Behind(fields=(ACCESS + "region",), by=frozenset({"region"})),
        "residency": Behind(fields=(SETTING,), by=frozenset({"project"}), value=None, account="residency", shows=True),
        "batch": Behind(fields=(ACCESS + "batch",), by=frozenset({"batch"})),
        "flex": Behind(fields=(ACCESS + "flex",), by=frozenset({"flex"})),
        "priority": Behind(fields=(ACCESS + "priority",), by=frozenset({"priority"})),
        "billing": Behind(fields=(BEHAVIOUR + "billing.visible",), by=frozenset({"usage"}), value=True),
        "caching": Behind(fields=(BEHAVIOUR + "caching.hit",), by=frozenset({"caching"}), value=True),
    }
)
"""Check → the facts behind it."""


def facts(name: str, entry: Entry, beliefs: Beliefs) -> dict[Fact, Value]:
    """What is believed of the facts behind a check, on every surface of the entry; none for a check without any."""
    behind = TABLE.get(name)
    if behind is None:
        return {}
    found: dict[Fact, Value] = {}
    for surface, model_id in entry.surfaces.items():
        subject = Subject(surface, behind.account or model_id)
        for field, stated in beliefs.facts_of(subject).items() if subject.name else ():
            if covers(behind, field):
                found[Fact(subject, field)] = stated[0][1]
    return found


def covers(behind: Behind, field: str) -> bool:
    """Whether a field is among those of a check."""
    return any(field == one or (one.endswith(".") and field.startswith(one)) for one in behind.fields)


def verifying(name: str, entry: Entry, beliefs: Beliefs) -> dict[Fact, Value]:
    """Those of the facts behind a check that verify it, or that it shows: what an activation pins."""
    behind = TABLE.get(name)
    return {
        fact: value
        for fact, value in facts(name, entry, beliefs).items()
        if behind is not None and behind.value in (None, value)
    }


def verdict(name: str, entry: Entry, beliefs: Beliefs) -> bool | Literal[Unknown.UNKNOWN]:
    """What the facts behind a check say of it: verified, failed, or nothing."""
    if TABLE[name].shows or not facts(name, entry, beliefs):
        return UNKNOWN
    return bool(verifying(name, entry, beliefs))


def fed_by(spec: SourceSpec) -> tuple[str, ...]:
    """The checks that a probe or a part of the account can verify."""
    states = spec.option("route") or spec.option("part")
    return tuple(name for name, behind in TABLE.items() if states in behind.by and not behind.shows)


def checks_of(field: str) -> frozenset[str]:
    """The checks that rest on a field."""
    return frozenset(name for name, behind in TABLE.items() if covers(behind, field))
