"""Results of OpenAI's evals: the record log that `oaieval` writes (JSON Lines), and runs as the Evals API answers them.

The first completion function of a record log is what was evaluated; a second one only grades. Runs are told apart by
the eval they belong to, because the name of a run is free text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from monitor.core.eval_results import PASS_RATE, Results, Score, mean, spelled
from monitor.sources import json_text
from monitor.sources.attested.values import count, number, rows, table, text
from monitor.sources.extraction import Unreadable

RECORD_LOG = "openai-evals"
RUN = "openai-evals-api"
_RUN = "eval.run"

Line = Mapping[str, object]


def lines(content: bytes) -> list[Line]:
    """Return the objects of JSON Lines; empty where any line is none, so that a broken file is not taken for a short
    one.
    """
    parsed: list[Line] = []
    for line in content.splitlines():
        if not line.strip():
            continue
        try:
            value = json_text.parse(line)
        except json_text.NotJson:
            return []
        if not isinstance(value, dict):
            return []
        parsed.append(value)
    return parsed


def is_record_log(found: list[Line]) -> bool:
    """Return whether it is a record log: its first line says what was run."""
    return bool(found) and "completion_fns" in table(found[0].get("spec"))


def read_record_log(found: list[Line]) -> Results:
    """Read the final report of each run in a record log.

    Raises:
        Unreadable: a run names no model, or did not end.
    """
    scores: list[Score] = []
    counted: dict[str, int] = {}
    model = suite = ""
    samples: set[str] = set()
    reported = True
    for line in (*found, {"spec": None}):
        if "spec" in line:
            if not reported:
                raise Unreadable(f"the run of {suite} has no final report: it did not end")
            if model:
                counted[model] = counted.get(model, 0) + len(samples)
            if (spec := line["spec"]) is None:
                break
            model, suite, reported = _model(spec), text(table(spec).get("eval_name")), False
            samples = set()
        elif "final_report" in line:
            reported = True
            for metric, value in _leaves(line["final_report"]):
                scores.append(Score(model=model, suite=suite, metric=metric, value=spelled(value)))
        elif id := text(line.get("sample_id")):
            samples.add(id)
    return Results(format=RECORD_LOG, scores=tuple(scores), counted=counted)


def _model(spec: object) -> str:
    names = rows(table(spec).get("completion_fns"))
    if not names or not text(names[0]):
        raise Unreadable("its spec names no completion function, so it is not clear which model was run")
    return text(names[0])


def _leaves(report: object, above: str = "") -> Iterator[tuple[str, Decimal | int]]:
    for name, value in table(report).items():
        called = f"{above}/{name}" if above else name
        if (amount := number(value)) is not None:
            yield called, amount
        yield from _leaves(value, called)


def is_run(document: object) -> bool:
    """Return whether it is a run of the Evals API, or a list of them."""
    return bool(_runs(document))


def _runs(document: object) -> list[Line]:
    documents = rows(table(document).get("data")) or [document]
    runs = [table(value) for value in documents]
    return runs if all(run.get("object") == _RUN for run in runs) else []


def read_runs(document: object) -> Results:
    """Read the counts of runs.

    Raises:
        Unreadable: a run has not ended, or names no model.
    """
    scores: list[Score] = []
    counted: dict[str, int] = {}
    for run in _runs(document):
        id, model = text(run.get("id")), text(run.get("model"))
        if run.get("status") != "completed":
            raise Unreadable(
                f"the run {id} is {text(run.get('status')) or 'of no status'}, not completed; hand in one that ended"
            )
        if not model:
            raise Unreadable(f"the run {id} names no model, so it is not clear whose results these are")
        counts = table(run.get("result_counts"))
        counted[model] = counted.get(model, 0) + (count(counts.get("total")) or 0)
        scores += _rates(model, text(run.get("eval_id")), PASS_RATE, counts)
        for criterion in map(table, rows(run.get("per_testing_criteria_results"))):
            scores += _rates(model, text(run.get("eval_id")), text(criterion.get("testing_criteria")), criterion)
    return Results(format=RUN, scores=tuple(scores), counted=counted)


def _rates(model: str, suite: str, metric: str, counts: Line) -> Iterator[Score]:
    passed, failed = count(counts.get("passed")), count(counts.get("failed"))
    if passed is not None and failed is not None and (ran := passed + failed):
        value = mean([Decimal(passed) / ran])
        yield Score(model=model, suite=suite, metric=metric, value=value, samples=ran)
