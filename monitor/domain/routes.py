"""The ways by which a model is reached, and what they say together: list and retrieve, list and probe.

Two different routes that agree that a model is gone replace the time that one of them would need; a route that was seen to work since
takes that time to a week. Listed, retrievable and callable stay separate facts: nothing here turns one into another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.domain.configuration import Belief, Requirement, SourceSpec
from monitor.domain.events import rfc3339
from monitor.domain.model import ACCESS, GRANTED, LISTED, Fact, Facts, SourceState, Streak, Subject, Value


def lost(fact: Fact, value: Value | None) -> bool:
    """Whether a value says that a model cannot be reached by the route of its fact."""
    if fact.field == LISTED:
        return value is None
    return fact.field.startswith(ACCESS) and value not in (None, GRANTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What one route says of a model: how many looks, from when until when; `says` is `lost` or `granted`."""

    route: str
    source: str
    says: str
    looks: int
    since: datetime
    until: datetime

    @property
    def data(self) -> dict[str, object]:
        """As events record it."""
        return {
            "route": self.route,
            "source": self.source,
            "says": self.says,
            "looks": self.looks,
            "since": rfc3339(self.since),
            "until": rfc3339(self.until),
        }


def in_words(signals: Iterable[Signal]) -> str:
    """What the routes say, each side in one part: `closed by 2 routes: list (1 look), retrieve (1 look); open by 1 route: responses (1 look)`."""
    sides: dict[str, list[str]] = {"lost": [], GRANTED: []}
    for one in signals:
        sides[one.says].append(f"{one.route} ({one.looks} {'look' if one.looks == 1 else 'looks'})")
    spoken = (("closed by", sides["lost"]), ("open by", sides[GRANTED]))
    return "; ".join(
        f"{how} {len(routes)} {'route' if len(routes) == 1 else 'routes'}: {', '.join(routes)}"
        for how, routes in spoken
        if routes
    )


_DEPTH = {"list": 0, "codex": 0, "retrieve": 1, "tokens": 1}
_CALL = 2


def outweighs(one: str, other: str) -> bool:
    """Whether a model that the route `one` reaches speaks against its loss by the route `other`.

    A call that was served speaks against a list that misses the model. A list says nothing of whether its models can be called, nor one call of another.
    """
    return _DEPTH.get(one, _CALL) > _DEPTH.get(other, _CALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """What the other routes say of the models that a look by the route `own` misses: subject → their signals."""

    signals: Mapping[Subject, tuple[Signal, ...]] = field(default_factory=dict)
    own: str = "list"

    def agree(self, subject: Subject) -> int:
        """How many looks by other routes say that the model is gone, too."""
        return sum(one.looks for one in self.signals.get(subject, ()) if one.says == "lost")

    def need(self, subject: Subject, belief: Belief, hold: timedelta | None, *, since: datetime) -> Requirement:
        """What it takes to believe a loss that was first seen at `since`.

        Agreement of routes counts their looks together and needs no span; a model that a route which outweighs ours reached after it was
        first missed can be used all the while: that a list leaves it out is believed only once it stood for long (`Belief.reached`).
        """
        absence = belief.absence
        if agreeing := self.agree(subject):
            return Requirement(looks=max(1, absence.looks - agreeing), span=timedelta(0))
        reached = any(
            one.says == GRANTED and one.until > since and outweighs(one.route, self.own)
            for one in self.signals.get(subject, ())
        )
        longer = belief.reached if reached else hold
        return absence if longer is None else Requirement(looks=absence.looks, span=max(absence.span, longer))


ALONE = Others()
"""Nothing else says anything."""


def signal(
    spec: SourceSpec, state: SourceState, facts: Facts, streaks: Iterable[Streak], subject: Subject
) -> Signal | None:
    """What one source says of a model: what it suspects, else what is believed of it; None where it says nothing."""
    for streak in streaks:
        if streak.fact.subject == subject and streak.seen and lost(streak.fact, streak.value):
            return Signal(
                route=spec.route,
                source=spec.key,
                says="lost",
                looks=streak.seen,
                since=streak.first_at,
                until=streak.counted_at,
            )
    fields = facts.get(subject, {})
    name = LISTED if spec.lists else ACCESS + spec.route
    if state.good_at is None or name not in fields:
        return None
    reached = not lost(Fact(subject, name), fields[name])
    return Signal(
        route=spec.route,
        source=spec.key,
        says=GRANTED if reached else "lost",
        looks=1,
        since=state.good_at,
        until=state.good_at,
    )
