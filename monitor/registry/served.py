"""Which model answers the calls of an entry: the judgement behind the check `served_model`.

An answer names the model that gave it. That is the id that was asked for, the target that a source states for it as an
alias, or a dated snapshot of it; any other name is another model. An answer by a route that is refused now is one of
yesterday, and an answer that names no model says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from monitor.core import access
from monitor.core.baselines import UNKNOWN, Baselines, Unknown
from monitor.core.entry import Entry
from monitor.core.facts import ACCESS, ALIAS_TARGET, GRANTED, Fact, Value, answered_route, is_answering
from monitor.detection.routes import joined, order

ROUTES = (*access.CALLS, "streaming", "structured", "tools", *access.TIERS)
"""The routes whose answers name the model that gave them."""

_MONTH, _DAY = r"(0[1-9]|1[0-2])", r"(0[1-9]|[12]\d|3[01])"
_SNAPSHOT = re.compile(rf"[-@](20\d\d-?{_MONTH}-?{_DAY}|{_MONTH}-20\d\d|{_MONTH}-?{_DAY}|2\d{_MONTH}|0\d\d)")
"""What a dated or numbered snapshot adds to the name of its model: `-2026-04-01`, `@20260401`, `-0613`, `-2411`,
`-002`; never a size or a version, which is another model.
"""

_LATEST = "-latest"


def routes(entry: Entry) -> tuple[str, ...]:
    """Return the routes whose answers count for an entry: the plain calls that it makes, what is a part of any call,
    and the tiers that it uses.
    """
    named = (*access.calls(entry), *access.named(entry))
    return tuple(
        route for route in ROUTES if route in named or (route not in (*access.CALLS, *access.TIERS, *entry.spec.ignore))
    )


def is_same(model_id: str, answered: str, targets: frozenset[Value] = frozenset()) -> bool:
    """Return whether an answering id names the model that was asked for; `targets` are what sources state of the id as
    an alias.

    A prefix that only one of both ids has (`models/`, `openai/`) is the provider's.
    """
    if answered == model_id or answered in targets:
        return True
    if ("/" in model_id) != ("/" in answered):
        model_id, answered = model_id.rpartition("/")[2], answered.rpartition("/")[2]
    name = model_id.removesuffix(_LATEST)
    rest = answered.removeprefix(name)
    return answered == model_id or (answered.startswith(name) and _SNAPSHOT.fullmatch(rest) is not None)


def targets(entry: Entry, baselines: Baselines) -> frozenset[Value]:
    """Return the ids that sources state as the target of an entry's model, where that is an alias."""
    return frozenset(
        target for _, target in baselines.statements(Fact(entry.price_subject, ALIAS_TARGET)) if target != ""
    )


def verifying(known: Mapping[Fact, Value], targets: frozenset[Value]) -> dict[Fact, Value]:
    """Return the facts that verify the check: every answer that names the model."""
    return {fact: value for fact, value in _answers(known) if _fits(fact, value, targets)}


def verdict(known: Mapping[Fact, Value], targets: frozenset[Value]) -> bool | Literal[Unknown.UNKNOWN]:
    """Return what the facts behind the check say: verified by an answer that names the model, failed where another
    model answers or every call is refused, else nothing.
    """
    answers = [_fits(fact, value, targets) for fact, value in _answers(known)]
    if answers:
        return all(answers)
    ways = [value for fact, value in known.items() if fact.field.startswith(ACCESS)]
    return False if ways and GRANTED not in ways else UNKNOWN


def in_words(known: Mapping[Fact, Value], targets: frozenset[Value]) -> str:
    """Say which other model answers: `responses is answered by orion-1, which is no snapshot of orion-2`; empty where
    none does.
    """
    others: dict[tuple[str, str], list[str]] = {}
    for fact, value in _answers(known):
        if not _fits(fact, value, targets):
            others.setdefault((str(value), fact.subject.name), []).append(answered_route(fact.field))
    return ", ".join(
        f"{joined(sorted(names, key=order))} {'is' if len(names) == 1 else 'are'} answered by {answered}, "
        f"which is no snapshot of {model_id}"
        for (answered, model_id), names in others.items()
    )


def _answers(known: Mapping[Fact, Value]) -> Iterator[tuple[Fact, Value]]:
    """Yield what each route that is open answers with."""
    for fact, value in known.items():
        if is_answering(fact.field):
            route = answered_route(fact.field)
            if known.get(Fact(fact.subject, ACCESS + route)) == GRANTED:
                yield fact, value


def _fits(fact: Fact, value: Value, targets: frozenset[Value]) -> bool:
    return is_same(fact.subject.name, str(value), targets)
