"""The comparison that an entry's plan of evals asks for: a matrix of suites, with empty cells until both models filled
them.

The check is verified only while every suite is filled for both models with as many samples as the plan wants. The
results of the baseline may be given before the model has an id; those of the model expire when another may answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monitor.core.entry import BASELINE, CANDIDATE, Entry, EvalCell
from monitor.core.entry_spec import EvalPlan
from monitor.core.events import rfc3339
from monitor.registry.lookup import rows_of


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalMatrixRow:
    """One metric of one suite for both models; None where nothing was handed in, and no metric where nothing was for
    either.
    """

    suite: str
    metric: str = ""
    candidate: EvalCell | None = None
    baseline: EvalCell | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalMatrix:
    """The comparison as it stands: the exact ids of both models (`()` while one has none), the rows in the order of the
    plan, and what is `missing`, each in words.
    """

    plan: EvalPlan
    candidate: tuple[str, ...]
    baseline: tuple[str, ...]
    rows: tuple[EvalMatrixRow, ...]
    missing: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it for scripts: each cell with score, samples, time, person and evidence, or null."""
        return {
            "suites": list(self.plan.suites),
            "samples": self.plan.samples,
            "candidate": list(self.candidate),
            "baseline": {"name": self.plan.baseline, "ids": list(self.baseline)},
            "rows": [
                {
                    "suite": row.suite,
                    "metric": row.metric or None,
                    CANDIDATE: _cell_json(row.candidate),
                    BASELINE: _cell_json(row.baseline),
                }
                for row in self.rows
            ],
            "missing": list(self.missing),
            "complete": not self.missing,
        }

    def as_recorded(self) -> dict[str, Any]:
        """Return it as an attested check records a comparison of evals: scores and samples alone."""
        return {
            "candidate": list(self.candidate),
            "baseline": {"name": self.plan.baseline, "ids": list(self.baseline)},
            "rows": [
                {
                    "suite": row.suite,
                    "metric": row.metric,
                    CANDIDATE: None if row.candidate is None else row.candidate.score,
                    BASELINE: None if row.baseline is None else row.baseline.score,
                    "samples": [None if cell is None else cell.samples for cell in (row.candidate, row.baseline)],
                }
                for row in self.rows
            ],
        }


def _cell_json(cell: EvalCell | None) -> dict[str, Any] | None:
    if cell is None:
        return None
    return {
        "score": cell.score,
        "samples": cell.samples,
        "at": rfc3339(cell.at),
        "by": cell.by,
        "evidence": cell.evidence,
    }


def matrix(entry: Entry, entries: Mapping[str, Entry]) -> EvalMatrix | None:
    """Lay out what was handed in for an entry and its baseline; None where it has no plan of evals."""
    plan = entry.spec.evals
    if plan is None:
        return None
    ids = {CANDIDATE: ids_of(entry), BASELINE: ids_of(*rows_of(entries, plan.baseline))}
    cells = {(cell.side, cell.suite, cell.metric): cell for cell in entry.evals if cell.model in ids.get(cell.side, ())}
    rows: list[EvalMatrixRow] = []
    missing: list[str] = []
    names = {CANDIDATE: ", ".join(ids[CANDIDATE]) or entry.key, BASELINE: plan.baseline}
    for suite in plan.suites:
        metrics = dict.fromkeys(metric for _, named, metric in cells if named == suite)
        filled = [
            EvalMatrixRow(
                suite=suite,
                metric=metric,
                candidate=cells.get((CANDIDATE, suite, metric)),
                baseline=cells.get((BASELINE, suite, metric)),
            )
            for metric in metrics
        ]
        rows += filled or [EvalMatrixRow(suite=suite)]
        missing += _missing(filled, suite, names, plan.samples)
    return EvalMatrix(
        plan=plan, candidate=ids[CANDIDATE], baseline=ids[BASELINE], rows=tuple(rows), missing=tuple(missing)
    )


def ids_of(*rows: Entry) -> tuple[str, ...]:
    """Return the exact model ids of some rows that are known."""
    return tuple(sorted({id for row in rows for id in row.spec.surfaces.values() if id}))


def _missing(rows: list[EvalMatrixRow], suite: str, names: Mapping[str, str], least: int) -> list[str]:
    """Say what one suite lacks; one metric that both have, from enough samples, is enough."""
    both = [(row.candidate, row.baseline) for row in rows if row.candidate is not None and row.baseline is not None]
    if any(_enough(candidate, least) and _enough(baseline, least) for candidate, baseline in both):
        return []
    filled = {
        CANDIDATE: [row.candidate for row in rows if row.candidate is not None],
        BASELINE: [row.baseline for row in rows if row.baseline is not None],
    }
    lacks = [f"{suite} of {names[side]}" for side, cells in filled.items() if not cells]
    lacks += [
        f"{suite} of {names[side]} has {_samples(cells)} of {least} samples"
        for side, cells in filled.items()
        if cells and not any(_enough(cell, least) for cell in cells)
    ]
    return lacks or [f"one metric of {suite} that both models have"]


def _enough(cell: EvalCell, least: int) -> bool:
    return not least or (cell.samples is not None and cell.samples >= least)


def _samples(cells: list[EvalCell]) -> str:
    counts = [cell.samples for cell in cells if cell.samples is not None]
    return str(max(counts)) if counts else "an unknown number"
