"""The ways by which a model is reached, and what they say together: list and retrieve, list and probe.

Two different routes that agree that a model is gone replace the time that one of them would need; a route that was seen
to work since takes that time to a week. Listed, retrievable and callable stay separate facts: nothing here turns one
into another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.core.configuration import ConfirmationRules, Requirement, SourceSpec
from monitor.core.events import rfc3339
from monitor.core.facts import ACCESS, GRANTED, LISTED, Fact, Facts, PendingChange, SourceState, Subject, Value, refusal
from monitor.core.text import polls_in_words

LIST = "list"
CODEX = "codex"
RETRIEVE = "retrieve"
"""The routes that reach no further than a line in a list or a model's own page."""


def lost(fact: Fact, value: Value | None) -> bool:
    """Return whether a value says that a model cannot be reached by the route of its fact."""
    if fact.field == LISTED:
        return value is None
    return fact.field.startswith(ACCESS) and value not in (None, GRANTED)


UNEXPLAINED = "unknown: "
"""How the value of a pending change begins that counts refusals which nobody understands (`unexplained_refusals`)."""


def is_unexplained(value: Value | None) -> bool:
    """Return whether the value of a pending change counts refusals of this kind: no signal before it is confirmed."""
    return isinstance(value, str) and value.startswith(UNEXPLAINED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What one route says of a model: how many polls, from when until when; `says` is `lost` or `granted`, `answer` how
    it was refused.
    """

    route: str
    source: str
    says: str
    polls: int
    since: datetime
    until: datetime
    answer: str = ""

    @property
    def data(self) -> dict[str, object]:
        """As events record it."""
        return {
            "route": self.route,
            "source": self.source,
            "says": self.says,
            "looks": self.polls,
            "since": rfc3339(self.since),
            "until": rfc3339(self.until),
            **({"answer": self.answer} if self.answer else {}),
        }


_DEPTH = {LIST: 0, CODEX: 0, RETRIEVE: 1, "tokens": 1}
_CALL = 2


def in_words(subject: Subject, signals: Iterable[Signal], *, unpaid: bool = False) -> str:
    """Return what the routes to a model say together, as a sentence without its full stop.

    `calls to orion-2 are refused: responses and chat answer 404 model_not_found (2 polls); the models list still shows
    it`. A route that reached the model counts as open only if it did so after another was first seen to be closed; a
    list says what it said last. Where our own money is all that is wanting (`unpaid`), that is said first.
    """
    signals = list(signals)
    closed = [signal for signal in signals if signal.says == "lost"]
    since = min((signal.since for signal in closed), default=None)
    granted = [signal for signal in signals if signal.says == GRANTED]
    shown = [signal for signal in granted if not _DEPTH.get(signal.route, _CALL)]
    served = [signal for signal in granted if signal not in shown and (since is None or signal.until >= since)]
    still = [
        *([f"the {_LISTS[shown[0].route]} still shows it"] if shown else []),
        *([f"{joined(signal.route for signal in served)} still {_answers(served)}"] if served else []),
    ]
    head = loss(subject, [signal.route for signal in closed], served=bool(served), unpaid=unpaid)
    return "; ".join([f"{head}: {_shut(closed)}", *still])


def loss(subject: Subject, closed: Sequence[str], *, served: bool, unpaid: bool = False) -> str:
    """Return what it comes to that these routes to a model are closed, while another serves it or none does."""
    if any(not _DEPTH.get(route, _CALL) for route in closed):
        head = f"{subject.scope} no longer {'lists' if served else 'serves'} {subject.name}"
    elif all(route == RETRIEVE for route in closed):
        head = f"{subject.name} can no longer be retrieved"
    else:
        head = f"calls to {subject.name} are refused"
    return f"credit or a spend limit is used up, so {head}" if unpaid else head


def reopened(subject: Subject, signals: Sequence[Signal]) -> str:
    """Return what the routes say once the first of them is open again: `responses reaches orion-2 again; chat answers
    404 model_not_found (2 polls)`.
    """
    closed = [signal for signal in signals if signal.says == "lost"]
    return "; ".join([f"{signals[0].route} reaches {subject.name} again", *([_shut(closed)] if closed else [])])


_LISTS = {LIST: "models list", CODEX: "catalogue of Codex"}


def _shut(closed: Iterable[Signal]) -> str:
    """Return how the closed routes say no, those with the same answer together."""
    answers: dict[str, list[Signal]] = {}
    parts = []
    for signal in closed:
        if signal.route in _LISTS:
            parts.append(f"missing from the {_LISTS[signal.route]}{_polls([signal])}")
        else:
            answers.setdefault(signal.answer, []).append(signal)
    parts += [
        f"{joined(other_signal.route for other_signal in alike)} {_answers(alike)} {answer or 'no'}{_polls(alike)}"
        for answer, alike in answers.items()
    ]
    return ", ".join(parts)


def _answers(of: Sequence[Signal]) -> str:
    return "answers" if len(of) == 1 else "answer"


def serves(route: str) -> bool:
    """Return whether a route that reaches a model shows more than a line in a list."""
    return bool(_DEPTH.get(route, _CALL))


def order(route: str) -> tuple[int, str]:
    """Sort routes as people read them: from the list to the calls."""
    known = (LIST, CODEX, RETRIEVE, "responses", "chat", "embeddings")
    return (known.index(route) if route in known else len(known), route)


def joined(names: Iterable[str]) -> str:
    """Put names into a sentence: `retrieve, responses and chat`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _polls(of: Iterable[Signal]) -> str:
    """Return how many polls showed it, the most of the routes that say the same; nothing where that is not known."""
    count = max(signal.polls for signal in of)
    return f" ({polls_in_words(count)})" if count else ""


def is_call(route: str) -> bool:
    """Return whether a route makes a call to the model that is answered at once."""
    return bool(route) and route not in (*_DEPTH, "batch", "contract")


def outweighs(one: str, other: str) -> bool:
    """Return whether a model that the route `one` reaches speaks against its loss by the route `other`.

    A call that was served speaks against a list that misses the model. A list says nothing of whether its models can be
    called, nor one call of another.
    """
    return _DEPTH.get(one, _CALL) > _DEPTH.get(other, _CALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """What the other routes say of the models that a poll by the route `own` misses: subject → their signals."""

    signals: Mapping[Subject, tuple[Signal, ...]] = field(default_factory=dict)
    own: str = "list"

    def agree(self, subject: Subject) -> int:
        """Return how many polls by other routes say that the model is gone, too."""
        return sum(signal.polls for signal in self.signals.get(subject, ()) if signal.says == "lost")

    def need(
        self, fact: Fact, value: Value | None, rules: ConfirmationRules, hold: timedelta | None, *, since: datetime
    ) -> Requirement:
        """Return what it takes to confirm a loss that was first seen at `since`: a refusal is a change like any other,
        and a model that is missing an absence.

        Agreement of routes counts their polls together and needs no span. A model that a route which outweighs ours
        reached since it was first missed can be used all the while: that a list leaves it out, or that a retrieval
        does, is confirmed only once it stood for long (`ConfirmationRules.reached`), however many such routes agree.
        While such a route was not asked again, agreement hurries nothing.
        """
        subject, refused = fact.subject, value is not None
        usual = rules.change if refused else rules.absence
        nearer = [
            signal
            for signal in self.signals.get(subject, ())
            if signal.says == GRANTED and outweighs(signal.route, self.own)
        ]
        reached = any(signal.until >= since for signal in nearer)
        if not nearer and (agreeing := self.agree(subject)):
            return Requirement(polls=max(1, usual.polls - agreeing), span=timedelta(0))
        longer = rules.reached if reached else None if refused else hold
        return usual if longer is None else Requirement(polls=usual.polls, span=max(usual.span, longer))


ALONE = Others()
"""Nothing else says anything."""


def signal(
    spec: SourceSpec, state: SourceState, facts: Facts, pending_changes: Iterable[PendingChange], subject: Subject
) -> Signal | None:
    """Return what one source says of a model: what it suspects, else what is confirmed of it; None where it says
    nothing.
    """
    name = LISTED if spec.lists else ACCESS + spec.route
    pending = {
        pending_change.fact.field: pending_change
        for pending_change in pending_changes
        if pending_change.fact.subject == subject and pending_change.seen
    }
    fields = facts.get(subject, {})
    pending_change = pending.get(name)
    if pending_change is not None and is_unexplained(pending_change.value):
        pending_change = None
    if pending_change is not None and lost(pending_change.fact, pending_change.value):
        observed = pending.get(refusal(spec.route))
        return Signal(
            route=spec.route,
            source=spec.key,
            says="lost",
            polls=pending_change.seen,
            since=pending_change.first_at,
            until=pending_change.counted_at,
            answer=answer(
                spec.route, pending_change.value, fields if observed is None else {observed.fact.field: observed.value}
            ),
        )
    if state.good_at is None or name not in fields:
        return None
    reached = not lost(Fact(subject, name), fields[name])
    return Signal(
        route=spec.route,
        source=spec.key,
        says=GRANTED if reached else "lost",
        polls=1,
        since=state.good_at,
        until=state.good_at,
        answer="" if reached else answer(spec.route, fields[name], fields),
    )


def answer(route: str, value: Value | None, fields: Mapping[str, Value | None]) -> str:
    """Return how a route was refused: as it answered, else what its answer means; empty for a line that a list
    lacks.
    """
    return str(fields.get(refusal(route)) or str(value or "").replace("_", " "))
