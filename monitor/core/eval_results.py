"""Results of evals, whichever runner they come from: scores of models, and the candidate held against what production
runs now.

No score is judged good enough here, and no model is taken for another: a result counts for a model only where it is
called by that model's exact id, in one of the ways its runner writes it. Everything else is ignored, and named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from monitor.core.price import canonical

PLACES = Decimal("0.000001")
"""How exactly a score is kept; a share of a third has no last digit."""

PASS_RATE = "pass rate"
"""The metric of what passed among what ran, for runners that count that."""

MODES = ("chat", "responses", "completion", "messages", "realtime")
"""What may stand between provider and model in promptfoo's ids (`openai:chat:gpt-4.1`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One metric of one suite for one model, as its runner calls it; `samples` of them ran (None: the runner does not
    say).
    """

    model: str
    suite: str
    metric: str
    value: str
    samples: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What a file holds: its format, its scores, and how many results it has of each model, those that ended in an
    error included.
    """

    format: str
    scores: tuple[Score, ...]
    counted: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalModel:
    """A model as results may call it: its exact ids, and whose they are. `called` is the one further name that a person
    gave.
    """

    ids: frozenset[str]
    providers: frozenset[str] = frozenset()
    called: str = ""

    def is_named(self, name: str) -> bool:
        """Return whether a result with this name is one of this model."""
        return bool(self.id_of(name))

    def id_of(self, name: str) -> str:
        """Return the exact id of this model that a result with this name is of; empty where it is of another."""
        ids = sorted(self.ids)
        return next((id for id in ids if name == self.called or name in _names(id, self.providers)), "")


def _names(id: str, providers: Iterable[str]) -> set[str]:
    prefixes = [provider + end for provider in providers for end in ("/", ":", *(f":{mode}:" for mode in MODES))]
    return {id, *(prefix + id for prefix in prefixes)}


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalRow:
    """One metric of one suite, for both models; None where nothing ran."""

    suite: str
    metric: str
    candidate: str | None
    baseline: str | None
    samples: tuple[int | None, int | None] = (None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalComparison:
    """The candidate beside the baseline, in the order of the files. `ignored` maps each name that is neither to its
    results.
    """

    rows: tuple[EvalRow, ...]
    ignored: Mapping[str, int] = field(default_factory=dict)

    @property
    def blanks(self) -> int:
        """How many cells are empty."""
        return sum((row.candidate is None) + (row.baseline is None) for row in self.rows)


class CaseTwice(Exception):
    """The same metric of the same suite is stated twice for one model, with different values."""


def compare(results: Iterable[Results], candidate: EvalModel, baseline: EvalModel | None) -> EvalComparison:
    """Lay the scores of both models side by side.

    Raises:
        Twice: which of two runs counts is nothing to guess.
    """
    cells: dict[tuple[str, str], list[Score | None]] = {}
    ignored: dict[str, int] = {}
    for run in results:
        for name, count in run.counted.items():
            if _side(name, candidate, baseline) is None:
                ignored[name] = ignored.get(name, 0) + count
        for score in run.scores:
            if (side := _side(score.model, candidate, baseline)) is None:
                continue
            pair = cells.setdefault((score.suite, score.metric), [None, None])
            before = pair[side]
            if before is not None and before.value != score.value:
                raise CaseTwice(f"{score.metric} of {score.suite or 'all'} is stated twice for {score.model}")
            pair[side] = score
    rows = tuple(_row(suite, metric, *pair) for (suite, metric), pair in cells.items())
    return EvalComparison(rows=rows, ignored=dict(sorted(ignored.items())))


def _side(name: str, candidate: EvalModel, baseline: EvalModel | None) -> int | None:
    if candidate.is_named(name):
        return 0
    return 1 if baseline is not None and baseline.is_named(name) else None


def _row(suite: str, metric: str, candidate: Score | None, baseline: Score | None) -> EvalRow:
    return EvalRow(
        suite=suite,
        metric=metric,
        candidate=None if candidate is None else candidate.value,
        baseline=None if baseline is None else baseline.value,
        samples=(None if candidate is None else candidate.samples, None if baseline is None else baseline.samples),
    )


def mean(values: Iterable[Decimal | int]) -> str:
    """Return the mean of some numbers, at least one, in its one spelling."""
    numbers = [Decimal(value) for value in values]
    with localcontext(prec=50):
        return spelled(sum(numbers, Decimal(0)) / len(numbers))


def spelled(value: Decimal | int) -> str:
    """Return a score in its one spelling, to six places."""
    with localcontext(prec=50):
        return canonical(Decimal(value).quantize(PLACES, ROUND_HALF_EVEN))
