"""How access was lost, in plain words: which calls are refused and how, which setting of the account denies, which
other model answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from monitor.core import access
from monitor.core.baselines import UNKNOWN, Baselines
from monitor.core.entry import Entry, Pin
from monitor.core.facts import ACCESS, GRANTED, LISTED, Fact, Subject, Value, is_answering, refusal
from monitor.detection.routes import Signal, answer, in_words, joined, loss, lost, order, serves
from monitor.registry.access_verdict import AccessState, AccessVerdict
from monitor.registry.causes import Cause, cause
from monitor.registry.pins import way

Moved: TypeAlias = tuple[Pin, Value | None]
"""A pin that no longer holds, and what is so instead (None: it is gone)."""


def spoken(
    entry: Entry, moved: Sequence[Moved], baselines: Baselines, signals: Mapping[Fact, tuple[Signal, ...]]
) -> tuple[list[str], list[Moved]]:
    """Say what the pins about access that moved come to; returns the sentences, without full stops, and the pins that
    none of them is about.

    `signals` are what the routes said of a model whose route moved just now; of others it is said what is confirmed.
    """
    return _sentences(
        moved,
        lambda subject, moves: in_words(
            subject, _said(entry, subject, moves, baselines, signals), unpaid=_unpaid(moves)
        ),
    )


def in_brief(moved: Sequence[Moved], verdict: AccessVerdict) -> list[str]:
    """Say the same without how each route stands, which the verdict says beside it."""
    closed = [route.route for route in verdict.routes if route.state in (AccessState.REFUSED, AccessState.PENDING)]
    served = any(serves(route.route) for route in verdict.routes if route.state is AccessState.REACHED)
    sentences, _ = _sentences(
        moved,
        lambda subject, moves: loss(
            subject,
            closed or [pin.field.removeprefix(ACCESS) for pin, _ in moves],
            served=served,
            unpaid=_unpaid(moves),
        ),
    )
    return sentences


def _sentences(
    moved: Sequence[Moved], gone: Callable[[Subject, Sequence[Moved]], str]
) -> tuple[list[str], list[Moved]]:
    """Put pins that moved into sentences, those of a model's routes by `gone`; returns the rest as well."""
    routes: dict[Subject, list[Moved]] = {}
    sentences: list[str] = []
    others: dict[tuple[str, str], list[str]] = {}
    rest: list[Moved] = []
    for pin, now in moved:
        subject = Subject(pin.scope, pin.name)
        if access.setting(pin.field) is not None:
            if now != GRANTED:
                sentences.append(access.in_words(pin.field.removeprefix(ACCESS), pin.name, now))
        elif closed(pin, now) is not None:
            routes.setdefault(subject, []).append((pin, now))
        elif is_answering(pin.field):
            others.setdefault((str(pin.value), str(now)), []).append(pin.field.split(".")[1])
        else:
            rest.append((pin, now))
    answered = [
        (
            f"another model answers: {joined(names)} {'is' if len(names) == 1 else 'are'} answered by {new}, "
            f"accepted was {old}"
        )
        for (old, new), names in others.items()
    ]
    return [*sentences, *(gone(subject, moves) for subject, moves in routes.items()), *answered], rest


def _unpaid(moves: Iterable[Moved]) -> bool:
    """Return whether our own money is all that routes are refused for."""
    return all(cause(pin, now) is Cause.MONEY for pin, now in moves)


def closed(pin: Pin, now: Value | None) -> Subject | None:
    """Return the model that a pin's route no longer reaches; None where the pin is about anything else, or its route
    still does.
    """
    subject = Subject(pin.scope, pin.name)
    return subject if access.setting(pin.field) is None and lost(Fact(subject, pin.field), now) else None


def _said(
    entry: Entry,
    subject: Subject,
    moved: Sequence[Moved],
    baselines: Baselines,
    signals: Mapping[Fact, tuple[Signal, ...]],
) -> list[Signal]:
    """Return what each route says of a model: as it was polled where one of its routes moved just now, as it moved
    where a sentence is about that, whatever it says by now, and as it is confirmed for the others.
    """
    values = {pin.key: now for pin, now in moved}
    by_route: dict[str, Signal] = {}
    for pin, _ in moved:
        by_route.update((signal.route, signal) for signal in signals.get(Fact(subject, pin.field), ()))
    since = min((signal.since for signal in by_route.values() if signal.says == "lost"), default=None)
    for pin in entry.pins:
        if Subject(pin.scope, pin.name) != subject or not (pin.field == LISTED or pin.field.startswith(ACCESS)):
            continue
        route, now = way(pin, baselines), values.get(pin.key, baselines.current(pin, entry))
        if route in by_route or access.setting(pin.field) is not None or now is UNKNOWN:
            continue
        gone = lost(Fact(subject, pin.field), now)
        quoted = {refusal(route): text for _, text in baselines.statements(Fact(subject, refusal(route)))}
        at = entry.since if since is None else since
        by_route[route] = Signal(
            route=route,
            source="",
            says="lost" if gone else GRANTED,
            polls=0,
            since=at,
            until=at if since is None else entry.since,  # what was not polled since is no sign that it is open
            answer=answer(route, now, quoted) if gone else "",
        )
    return [by_route[route] for route in sorted(by_route, key=order)]
