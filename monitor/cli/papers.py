"""The files that `verify --from` takes: kept as evidence, and where the check asks for it read first; and what was
found in them, shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli import output
from monitor.core.cost import in_order
from monitor.core.facts import Body
from monitor.core.ports import MonitorError, Refused

if TYPE_CHECKING:
    from monitor.core.entry import EvalCell
    from monitor.core.events import Event
    from monitor.core.request_log import Fields
    from monitor.registry.attachments import EvalPaper, RequestPaper
    from monitor.registry.evals import EvalMatrix, EvalMatrixRow

LARGEST = 20_000_000
"""Bytes of a file that is kept as evidence."""


OLD = 30
"""Days after which a sample says little of how requests are logged now."""


def evidence_of(file: Path, url: str) -> Body:
    """Return a file as evidence: redacted like everything that is kept, beside the hash that the file itself has.

    Raises:
        MonitorError: it is too large to be kept.
    """
    content = _content(file)
    return _body(content, content, url)


def of_evals(files: Sequence[Path], url: str, baseline: str, called: str) -> EvalPaper:
    """Results of evals, read. Of an archive the part that was read is kept: what is compressed cannot be redacted.

    Raises:
        Refused: a file is not one of results.
        MonitorError: a file is too large to be kept.
    """
    from monitor.registry.attachments import EvalPaper
    from monitor.sources.attested import evals
    from monitor.sources.extraction import Unreadable

    results, bodies = [], []
    for file in files:
        content = _content(file)
        try:
            reading = evals.read(content)
        except Unreadable as error:
            raise Refused(
                f"{file} cannot be read as results of evals: {error.reason}; known are {evals.KNOWN}, and "
                "--url may point to others"
            ) from error
        results.append(reading.results)
        bodies.append(_body(reading.kept, content, url))
    return EvalPaper(results=tuple(results), bodies=tuple(bodies), baseline=baseline, called=called)


def of_requests(file: Path, url: str, fields: Fields, now: datetime) -> RequestPaper:
    """Return a sample of a request log, read. Only the configured fields are kept: the others may hold prompts.

    Raises:
        Refused: it is not JSON Lines.
        MonitorError: it is too large.
    """
    from monitor.registry.attachments import RequestPaper
    from monitor.sources.attested import request_log
    from monitor.sources.extraction import Unreadable

    content = _content(file)
    try:
        reading = request_log.read(content, fields)
    except Unreadable as error:
        raise Refused(f"{file} cannot be read as JSON Lines: {error.reason}") from error
    return RequestPaper(
        requests=reading.requests, body=_body(reading.kept, content, url), tolerance=fields.tolerance, now=now
    )


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST + 1)  # never to the end: a device or a pipe has no size, and may have no end
    except OSError as error:
        raise MonitorError(f"{file} could not be read ({error.strerror}): let this user read it.") from error
    if len(content) > LARGEST:
        raise MonitorError(f"{file} is larger than {LARGEST // 1_000_000} MB; give --url to where it is kept instead.")
    return content


def _body(kept: bytes, content: bytes, url: str) -> Body:
    from monitor.sources.redaction import redact

    return Body(content=redact(kept), sha256=hashlib.sha256(content).hexdigest(), size=len(content), url=url)


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
