"""The facts behind the checks: what a probe or the account's own settings can verify, and what an activation pins for
it.

One table. A check that is not in it is verified by a list or a price (`checklist`), or attested by a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from monitor.core import access
from monitor.core.baselines import UNKNOWN, Baselines, Unknown
from monitor.core.check_names import ENDPOINTS
from monitor.core.configuration import OFFICIAL, SourceSpec
from monitor.core.entry import Entry, Pin
from monitor.core.facts import (
    ACCESS,
    BEHAVIOUR,
    ENDPOINT,
    GRANTED,
    LIMIT,
    SETTING,
    SUPPORTED,
    Fact,
    Subject,
    Value,
    answered_route,
    answering,
    is_answering,
    refusal,
)
from monitor.detection.routes import joined, lost, order
from monitor.registry import caching, served


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """Which facts a check rests on.

    `fields` are fields of the entry's models, or with an `account` subject of that setting; one that ends in a dot is a
    prefix. `value` is what verifies, None any value at all. `by` are the routes and parts that state them. A check that
    only `shows` its facts is pinned by them and verified by a person, who knows what they should be. The facts of one
    that is `of_provider` are not those of a surface but those of the provider, whose page states them.
    """

    fields: tuple[str, ...]
    by: frozenset[str]
    value: Value | None = GRANTED
    account: str = ""
    shows: bool = False
    of_provider: bool = False


SERVED_MODEL = "served_model"
"""The check that calls verify whose answers name the model, or a dated snapshot of it."""

TABLE: Mapping[str, Behind] = MappingProxyType(
    {
        "test_call": Behind(fields=tuple(ACCESS + route for route in access.CALLS), by=frozenset(access.CALLS)),
        SERVED_MODEL: Behind(
            fields=tuple(name for route in served.ROUTES for name in (ACCESS + route, answering(route))),
            by=frozenset(served.ROUTES),
        ),
        "organisation": Behind(fields=tuple(ACCESS + route for route in access.CALLS), by=frozenset(access.CALLS)),
        ENDPOINTS: Behind(fields=(ENDPOINT,), by=frozenset({"model_page"}), value=SUPPORTED, of_provider=True),
        "rate_limits": Behind(fields=(LIMIT,), by=frozenset({"rate_limits", *access.CALLS}), value=None),
        "regions": Behind(fields=(ACCESS + "region",), by=frozenset({"region"})),
        "residency": Behind(fields=(SETTING,), by=frozenset({"project"}), value=None, account="residency", shows=True),
        "batch": Behind(fields=(ACCESS + "batch",), by=frozenset({"batch"})),
        "flex": Behind(fields=(ACCESS + "flex",), by=frozenset({"flex"})),
        "priority": Behind(fields=(ACCESS + "priority",), by=frozenset({"priority"})),
        "billing": Behind(fields=(BEHAVIOUR + "billing.visible",), by=frozenset({"usage"}), value=True),
        caching.CHECK: Behind(fields=caching.FIELDS, by=frozenset({"caching"}), value=True),
    }
)
"""Check → the facts behind it."""


def facts(name: str, entry: Entry, baselines: Baselines) -> dict[Fact, Value]:
    """List what is confirmed of the facts behind a check, on every surface of the entry; none for a
    check without any.
    """
    behind = TABLE.get(name)
    if behind is None:
        return {}
    values: dict[Fact, Value] = {}
    for surface, model_id in entry.spec.surfaces.items():
        subject = Subject(entry.spec.provider if behind.of_provider else surface, behind.account or model_id)
        for field, statements in baselines.facts_of(subject).items() if subject.name else ():
            if covers(behind, field) and counts(field, entry, name):
                values[Fact(subject, field)] = statements[0][1]
    return values


def covers(behind: Behind, field: str) -> bool:
    """Whether a field is among those of a check."""
    return any(field == pattern or (pattern.endswith(".") and field.startswith(pattern)) for pattern in behind.fields)


def counts(field: str, entry: Entry, name: str = "") -> bool:
    """Whether a field is one that a check of an entry rests on: of plain calls only those that it makes, of endpoints
    those that it uses; and of what answers nothing of a tier that it does not use.
    """
    if name == SERVED_MODEL:
        return (answered_route(field) if is_answering(field) else field.removeprefix(ACCESS)) in served.routes(entry)
    if field.startswith(ENDPOINT):
        return field.removeprefix(ENDPOINT) in entry.spec.uses
    route = field.removeprefix(ACCESS)
    return (
        not field.startswith(ACCESS) or route not in access.CALLS or not entry.spec.uses or route in access.calls(entry)
    )


def verifying(name: str, entry: Entry, baselines: Baselines) -> dict[Fact, Value]:
    """Those of the facts behind a check that verify it, or that it shows: what an activation pins."""
    behind = TABLE.get(name)
    confirmed = facts(name, entry, baselines)
    if name == SERVED_MODEL:
        return served.verifying(confirmed, served.targets(entry, baselines))
    return {fact: value for fact, value in confirmed.items() if behind is not None and behind.value in (None, value)}


def verdict(name: str, entry: Entry, baselines: Baselines) -> bool | Literal[Unknown.UNKNOWN]:
    """Return what the facts behind a check say of it: verified, failed, or nothing."""
    confirmed = facts(name, entry, baselines)
    if TABLE[name].shows or not confirmed:
        return UNKNOWN
    if name == SERVED_MODEL:
        return served.verdict(confirmed, served.targets(entry, baselines))
    if name == ENDPOINTS:
        return _supported(entry, baselines)
    return bool(verifying(name, entry, baselines))


def _supported(entry: Entry, baselines: Baselines) -> bool | Literal[Unknown.UNKNOWN]:
    """Return whether every endpoint that an entry uses is supported; one that is not, is a no, whatever the others
    are.
    """
    confirmed = facts(ENDPOINTS, entry, baselines)
    if any(value != SUPPORTED for value in confirmed.values()):
        return False
    return True if {fact.field.removeprefix(ENDPOINT) for fact in confirmed} == set(entry.spec.uses) else UNKNOWN


def refused(name: str, entry: Entry, baselines: Baselines) -> str:
    """How the routes behind a check say no, in words: `responses and chat answer 404 model_not_found`, or which other
    model answers; empty where none was refused.
    """
    known = facts(name, entry, baselines)
    if name == SERVED_MODEL and (other := served.in_words(known, served.targets(entry, baselines))):
        return other
    if name == ENDPOINTS:
        endpoints = sorted(known.items())
        paths = [fact.field.removeprefix(ENDPOINT) for fact, value in endpoints if value != SUPPORTED]
        return f"{joined(paths)} {'is' if len(paths) == 1 else 'are'} not supported, says the page of the model"
    answers: dict[str, list[str]] = {}
    closed = {fact: value for fact, value in known.items() if lost(fact, value)}
    for fact in sorted(closed, key=lambda fact: (fact.subject, order(fact.field.removeprefix(ACCESS)))):
        route = fact.field.removeprefix(ACCESS)
        texts = {text for _, text in baselines.statements(Fact(fact.subject, refusal(route)))}
        answers.setdefault(str(texts.pop() if len(texts) == 1 else closed[fact]), []).append(route)
    return ", ".join(
        f"{joined(routes)} {'answers' if len(routes) == 1 else 'answer'} {text}" for text, routes in answers.items()
    )


def fed_by(spec: SourceSpec, entry: Entry) -> tuple[str, ...]:
    """List the checks of an entry that a probe, a part of the account, or a source of a kind that says
    so can verify.
    """
    states, route = spec.can.states, ACCESS + spec.can.states
    return tuple(
        name
        for name, behind in TABLE.items()
        if (states in behind.by or (name in spec.can.verifies and spec.trust == OFFICIAL))
        and not behind.shows
        and (route not in behind.fields or counts(route, entry, name))
    )


def checks_of(pin: Pin) -> frozenset[str]:
    """List the checks that rest on a pinned fact."""
    return frozenset(
        name for name, behind in TABLE.items() if covers(behind, pin.field) and behind.account in ("", pin.name)
    )
