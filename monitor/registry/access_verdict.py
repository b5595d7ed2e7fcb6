"""The verdict of access to an entry's model: one state over every watched route, and how each route stands.

Everything that speaks of access asks here: `status`, `why`, the report and the gate's explanation. Which routes an
entry cannot do without is asked of `pins`, so that what pauses it and what is shown are one opinion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import TypeAlias

from monitor.core import access
from monitor.core import events as ev
from monitor.core.baselines import UNKNOWN, Baselines
from monitor.core.configuration import Configuration, SourceSpec
from monitor.core.entry import Entry
from monitor.core.facts import ACCESS, GRANTED, LISTED, Fact, PendingChange, Subject, refusal
from monitor.core.ports import EventQuery, Reader
from monitor.core.text import polls_in_words
from monitor.detection import routes as detected
from monitor.detection.unexplained_refusals import answer_of
from monitor.registry import pins
from monitor.registry.freshness import Freshness


class AccessState(StrEnum):
    """How a route, or access as a whole, stands."""

    REACHED = "reached"  # the model was reached, or stands in the list
    ALLOWED = "allowed"  # a setting of the account does not deny it, which proves nothing alone
    REFUSED = "refused"  # confirmed: calls are refused, or the list lacks it
    DENIED = "denied"  # a setting of the account denies it
    PENDING = "pending"  # it was refused or missing, and that is not confirmed yet
    UNKNOWN = "unknown"  # nothing watches it, or nothing answered yet


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteAccess:
    """How one route, or one setting of the account, stands.

    Attributes:
        polls: how many polls showed it, as it was confirmed or is pending; 0 where that is not known.
        since: the first poll that showed it; None where that is not known.
        answer: how it answers where it does not reach the model, in the provider's words.
        source: the key of the source that says so; empty where nothing watches it.
        pinned: whether the entry was accepted with it.
    """

    route: str
    state: AccessState
    polls: int = 0
    since: datetime | None = None
    answer: str = ""
    source: str = ""
    pinned: bool = False

    @property
    def data(self) -> dict[str, object]:
        """As scripts read it."""
        return {
            "state": str(self.state),
            "polls": self.polls,
            "since": None if self.since is None else ev.rfc3339(self.since),
            "answer": self.answer,
            "source": self.source,
            "pinned": self.pinned,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessVerdict:
    """Whether an entry's model can be used, and what every route says of that, from the list to the calls."""

    state: AccessState
    routes: tuple[RouteAccess, ...] = ()

    @property
    def data(self) -> dict[str, object]:
        """As scripts read it: `{"state": …, "routes": {route: {"state", "polls", "since", "answer", …}}}`."""
        return {"state": str(self.state), "routes": {route.route: route.data for route in self.routes}}

    @property
    def well(self) -> bool:
        """Whether nothing speaks against the model; it may be that nothing speaks for it either."""
        return self.state in (AccessState.REACHED, AccessState.UNKNOWN)

    def reached_beside(self, route: str) -> bool:
        """Return whether another route that goes as far reaches the model: a call beside a call, a list beside a
        retrieval.
        """
        return any(
            other.state is AccessState.REACHED
            and other.route != route
            and detected.is_call(other.route) is detected.is_call(route)
            for other in self.routes
        )

    @property
    def in_words(self) -> str:
        """One line: `refused; reached: list (1 poll); refused: chat answers 404 model_not_found (2 polls)`."""
        parts = [str(self.state)]
        for state in AccessState:
            alike = [route for route in self.routes if route.state is state]
            if alike:
                parts.append(f"{state}: {', '.join(map(_in_words, alike))}")
        return "; ".join(parts)


def _in_words(route: RouteAccess) -> str:
    if route.state is AccessState.DENIED:  # by a setting, which answers nobody
        return f"{route.route} ({route.answer})"
    answers = f" answers {route.answer}" if route.answer else ""
    count = f" ({polls_in_words(route.polls)})" if route.polls else ""
    return f"{route.route}{answers}{count}"


def judge(routes: Iterable[RouteAccess], needed: Iterable[str]) -> AccessVerdict:
    """Make the verdict of what each route says; `needed` are the closed ways that the entry cannot do without.

    A setting that denies outranks everything; then a confirmed refusal of what is needed; a loss that is pending counts
    where no route nearer to production reaches the model. A setting that allows proves nothing.
    """
    ordered = tuple(sorted(routes, key=lambda route: detected.order(route.route)))
    closed = frozenset(needed)
    reached = [route.route for route in ordered if route.state is AccessState.REACHED]
    pending = [
        route
        for route in ordered
        if route.state is AccessState.PENDING
        and route.pinned
        and not any(detected.outweighs(other, route.route) for other in reached)
    ]
    if any(route.state is AccessState.DENIED and route.route in closed for route in ordered):
        state = AccessState.DENIED
    elif any(route.state is AccessState.REFUSED and route.route in closed for route in ordered):
        state = AccessState.REFUSED
    elif pending:
        state = AccessState.PENDING
    else:
        state = AccessState.REACHED if reached else AccessState.UNKNOWN
    return AccessVerdict(state=state, routes=ordered)


Edge: TypeAlias = Callable[[SourceSpec, Subject], tuple[int, datetime] | None]
"""How many polls confirmed what a source says of a model, and when the first of them was; None where that is not known.
"""


def unknown_edge(spec: SourceSpec, subject: Subject) -> None:
    """Return the edge of what no log is asked about."""


def counted(reader: Reader, configuration: Configuration, entry: Entry, fresh: Freshness) -> AccessVerdict:
    """Judge access to the model of an entry, with what the log says of when each route opened or closed."""
    return verdict(configuration, entry, fresh, partial(_last_edge, reader))


def counted_where_closed(reader: Reader, configuration: Configuration, entry: Entry, fresh: Freshness) -> AccessVerdict:
    """Judge access to the model of an entry; the log, which is asked once for each route, is read only where anything
    of it is closed or pending.
    """
    judged = verdict(configuration, entry, fresh)
    return judged if judged.well else counted(reader, configuration, entry, fresh)


def verdict(configuration: Configuration, entry: Entry, fresh: Freshness, edge: Edge = unknown_edge) -> AccessVerdict:
    """Judge access to the model of one entry, on the surface that the gate speaks for."""
    baselines = fresh.baselines
    subject = Subject(entry.spec.surface, entry.spec.model_id)
    if not subject.name:
        return AccessVerdict(state=AccessState.UNKNOWN)
    by_route: dict[str, RouteAccess] = {}
    for spec in configuration.sources.values():
        if spec.surface != subject.scope or not spec.route or spec.model not in ("", subject.name):
            continue
        route = _route(spec, subject, fresh, edge)
        if route.route not in by_route or by_route[route.route].state is AccessState.UNKNOWN:
            by_route[route.route] = route
    for name in (detected.LIST, *access.named(entry)):
        if name not in by_route and not (name == detected.LIST and baselines.lists(subject.scope)):
            by_route[name] = RouteAccess(route=name, state=AccessState.UNKNOWN)
    for name, setting in access.settings(entry).items():
        permission = UNKNOWN if setting.judge is None else baselines.permits(setting, subject, entry.spec)
        if permission is not UNKNOWN:
            by_route[name] = _setting(name, str(permission), subject, setting, baselines)
    pinned = {pins.way(pin, baselines) for pin in entry.pins if pin.field == LISTED or pin.field.startswith(ACCESS)}
    needed = pins.closed(entry, baselines)
    return judge((replace(route, pinned=route.route in pinned) for route in by_route.values()), needed)


def _setting(name: str, stated: str, subject: Subject, setting: access.Setting, baselines: Baselines) -> RouteAccess:
    speaking = [spec.key for fact in access.facts(subject, setting) for spec, _ in baselines.statements(fact)]
    return RouteAccess(
        route=name,
        state=AccessState.ALLOWED if stated == GRANTED else AccessState.DENIED,
        answer="" if stated == GRANTED else stated,
        source=next(iter(speaking), ""),
    )


def _route(spec: SourceSpec, subject: Subject, fresh: Freshness, edge: Edge) -> RouteAccess:
    """Read how one source stands to a model: what is pending of it, else what is confirmed."""
    fact = Fact(subject, LISTED if spec.lists else ACCESS + spec.route)
    pending = fresh.pending(spec, fact)
    if pending is not None and pending.seen and detected.lost(fact, pending.value):
        return _pending(spec, pending, fresh.pending(spec, Fact(subject, refusal(spec.route))))
    state, facts = fresh.state(spec), fresh.baselines.baseline(spec.key) or {}
    signal = None if state is None else detected.signal(spec, state, facts, (), subject)
    if signal is None and not (spec.lists and state is not None and state.baseline):
        return RouteAccess(route=spec.route, state=AccessState.UNKNOWN, source=spec.key)
    last = edge(spec, subject)
    reached = signal is not None and signal.says == GRANTED
    polls, since = (0, None) if last is None else last
    return RouteAccess(
        route=spec.route,
        state=AccessState.REACHED if reached else AccessState.REFUSED,
        polls=polls,
        since=since,
        answer="" if signal is None else signal.answer,
        source=spec.key,
    )


def _pending(spec: SourceSpec, pending: PendingChange, how: PendingChange | None) -> RouteAccess:
    if detected.is_unexplained(pending.value):
        answer = answer_of(pending.value)
    else:
        answer = detected.answer(spec.route, pending.value, {} if how is None else {how.fact.field: how.value})
    return RouteAccess(
        route=spec.route,
        state=AccessState.PENDING,
        polls=pending.seen,
        since=pending.first_at,
        answer=answer,
        source=spec.key,
    )


def _last_edge(reader: Reader, spec: SourceSpec, subject: Subject) -> tuple[int, datetime] | None:
    """Return how many polls confirmed that a route opened or closed last, and when the first of them was; where it
    never did, the poll that recorded its baseline.
    """
    query = EventQuery(type="access.*", source=spec.key, subject=subject.name, newest_first=True, limit=1)
    edge = next(reader.events(query), None)
    if edge is not None:
        own = next((signal for signal in edge.event.data["signals"] if signal["source"] == spec.key), None)
        return (1 if own is None else int(own["looks"]), edge.event.occurred_at)
    first = EventQuery(type=ev.BASELINE_RECORDED, source=spec.key, limit=1)
    recorded = next(reader.events(first), None)
    return None if recorded is None else (1, recorded.event.occurred_at)
