"""The files that `verify --from` takes, and what was found in them, shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli import output
from monitor.core.cost import in_order
from monitor.core.ports import MonitorError

if TYPE_CHECKING:
    from monitor.core.entry import EvalCell
    from monitor.core.events import Event
    from monitor.registry.acts import AttachedFile
    from monitor.registry.evals import EvalMatrix, EvalMatrixRow

OLD = 30
"""Days after which a sample says little of how requests are logged now."""


def attached(files: Sequence[Path]) -> tuple[AttachedFile, ...]:
    """Return files as they are handed in; of one that is too large no more than that it is.

    Raises:
        MonitorError: one cannot be read.
    """
    from monitor.registry.acts import AttachedFile

    return tuple(AttachedFile(name=str(file), content=_content(file)) for file in files)


def _content(file: Path) -> bytes:
    from monitor.app.attaching import LARGEST

    try:
        with file.open("rb") as opened:
            return opened.read(LARGEST + 1)  # never to the end: a device or a pipe has no size, and may have no end
    except OSError as error:
        raise MonitorError(f"{file} could not be read ({error.strerror}): let this user read it.") from error


def tell(event: Event, laid_out: EvalMatrix | None) -> None:
    """Show what was found in the files of a word; of evals with a plan its whole comparison (`laid_out`)."""
    if laid_out is not None:
        comparison(laid_out)
    elif compared := event.data.get("evals"):
        _compared(compared)
    if logging := event.data.get("logging"):
        _usage(logging, event.occurred_at)


def _usage(seen: Mapping[str, Any], handed_in: datetime) -> None:
    click.echo(
        f"{output.plural(seen['requests'], 'request')} from {seen['from']} to {seen['to']}: "
        f"{output.plural(seen['errors'], 'error')}, "
        f"{seen['retries']} tried again, {seen['cost']} USD."
    )
    if seen["usage"]:
        counted = ", ".join(
            f"{meter.replace('_', ' ')} {tokens:,}" for meter, tokens in in_order(seen["usage"]).items()
        )
        click.echo(f"Observed usage, scaled to a month: {counted} tokens.")
    else:
        output.note("The sample is over less than an hour, so that no usage of a month follows from it.")
    if (days := (handed_in - datetime.fromisoformat(seen["to"])).days) > OLD:
        output.note(f"The sample is old: its last request is of {days} days ago.")
    if seen["unpriced"]:
        output.note(
            f"The cost of {output.plural(seen['unpriced'], 'request')} was not held against a price: one of "
            "them is blank."
        )
    if seen["ignored"]:
        output.note(
            f"Ignored, being of other entries: {', '.join(f'{name} ({n})' for name, n in seen['ignored'].items())}."
        )


def comparison(laid_out: EvalMatrix) -> None:
    """Show the comparison that a plan of evals asks for, its empty cells included, and what is missing."""
    output.table(
        ("SUITE", "METRIC", ", ".join(laid_out.candidate) or "NO MODEL ID YET", laid_out.plan.baseline, *_OF_CELLS),
        [cells(row) for row in laid_out.rows],
    )
    if laid_out.missing:
        output.note(f"The evals are not complete; missing: {', '.join(laid_out.missing)}.")


_OF_CELLS = ("SAMPLES", "HANDED IN")


def cells(row: EvalMatrixRow) -> tuple[str, ...]:
    """Return a row of the comparison in words: suite, metric, both scores, how many samples each rests on, and who
    handed each in, when, with which file. What is empty stays empty.
    """
    both = (row.candidate, row.baseline)
    return (
        row.suite,
        row.metric,
        *("" if cell is None else cell.score for cell in both),
        " / ".join("–" if cell is None or cell.samples is None else str(cell.samples) for cell in both),
        " / ".join("–" if cell is None else _handed_in(cell) for cell in both),
    )


def _handed_in(cell: EvalCell) -> str:
    return f"{cell.by}, {cell.at:%Y-%m-%d}, {cell.evidence.removeprefix('sha256:')[:8]}"


def _compared(compared: Mapping[str, Any]) -> None:
    baseline = compared["baseline"]
    output.table(
        (
            "SUITE",
            "METRIC",
            ", ".join(compared["candidate"]),
            baseline["name"] if baseline else "NO BASELINE",
            "SAMPLES",
        ),
        [
            (
                row["suite"] or "all",
                row["metric"],
                row["candidate"] or "",
                row["baseline"] or "",
                " / ".join("–" if count is None else str(count) for count in row["samples"]),
            )
            for row in compared["rows"]
        ],
    )
    if not baseline:
        output.note("Nothing to compare with: name what production runs now with --baseline ENTRY|MODEL.")
    elif any(row["candidate"] is None or row["baseline"] is None for row in compared["rows"]):
        output.note("An empty cell is one where nothing ran.")
    if ignored := compared["ignored"]:
        names = ", ".join(f"{name} ({output.plural(count, 'result')})" for name, count in ignored.items())
        output.note(f"Ignored, being of neither model: {names}.")
