"""Results of promptfoo: `promptfoo eval --output output.json`, and the summary that its library returns.

A row whose request failed says nothing about the model: it is counted and not scored. A test may name its suite in its
metadata (`metadata: {suite: long_context}`); its rows are then also told by suite.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from monitor.core.eval_results import PASS_RATE, Results, Score, mean
from monitor.sources.attested.values import number, table, text
from monitor.sources.extraction import Unreadable

FORMAT = "promptfoo"

ERROR = 2
"""`failureReason` of a row whose request failed; 1 is a failed assertion."""

Row = Mapping[str, object]


def fits(document: object) -> bool:
    """Return whether it is such a file: the rows stand in `results.results`, or in `results` beside the version and the
    statistics.
    """
    return _found(document) is not None


def _found(document: object) -> list[object] | None:
    outer = table(document)
    inner = table(outer.get("results")).get("results")
    if isinstance(inner, list):
        return inner
    results = outer.get("results")
    return results if isinstance(results, list) and "stats" in outer and "version" in outer else None


def read(document: object) -> Results:
    """Read the rows.

    Raises:
        Unreadable: a row does not say which provider it is of.
    """
    by_provider: dict[str, list[Row]] = {}
    for index, value in enumerate(_found(document) or ()):
        row = table(value)
        provider = row.get("provider")
        id = text(provider) or text(table(provider).get("id"))
        if not id:
            raise Unreadable(f"its result {index + 1} names no provider, so it is not clear whose it is")
        by_provider.setdefault(id, []).append(row)
    return Results(
        format=FORMAT,
        scores=tuple(score for id, items in by_provider.items() for score in _scores(id, items)),
        counted={id: len(items) for id, items in by_provider.items()},
    )


def _scores(id: str, found: list[Row]) -> Iterator[Score]:
    ran = [row for row in found if not _failed(row)]
    suites: dict[str, list[Row]] = {"": ran}
    for row in ran:
        if suite := _suite(row):
            suites.setdefault(suite, []).append(row)
    for suite, mine in suites.items():
        for metric, values in _metrics(mine).items():
            yield Score(model=id, suite=suite, metric=metric, value=mean(values), samples=len(values))


def _metrics(mine: list[Row]) -> dict[str, list[Decimal | int]]:
    metrics: dict[str, list[Decimal | int]] = {}
    for row in mine:
        if isinstance(row.get("success"), bool):
            metrics.setdefault(PASS_RATE, []).append(int(bool(row["success"])))
        named = {"score": row.get("score"), **table(row.get("namedScores"))}
        for name, value in named.items():
            if (amount := number(value)) is not None:
                metrics.setdefault(name, []).append(amount)
    return metrics


def _failed(row: Row) -> bool:
    if "failureReason" in row:
        return row["failureReason"] == ERROR
    # Older files: `error` of a row also holds why an assertion failed, that of the response only why there is none.
    return bool(table(row.get("response")).get("error")) or "response" not in row


def _suite(row: Row) -> str:
    return text(table(table(row.get("testCase")).get("metadata")).get("suite")) or text(
        table(row.get("metadata")).get("suite")
    )
