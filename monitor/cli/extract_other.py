"""`extract`: what the reader of a kind of source, or the table of errors, makes of a saved answer. No database, no
network, no configuration.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from monitor.cli import output
from monitor.cli.framework import Options, command
from monitor.cli.packed import unpacked
from monitor.core.ends import AnnouncedEnd
from monitor.core.facts import DEPRECATION, SHUTDOWN_DATE

if TYPE_CHECKING:
    from monitor.core.error_meanings import ErrorVerdict
    from monitor.core.facts import Facts, Refusal, Subject, Value

KEYS: Mapping[str, str] = {
    "models_list": "id",
    "codex": "id",
    "deprecations_page": "model",
    "lifecycle_feed": "model",
    "model_page": "model",
    "document": "subject",
    "status_page": "subject",
}
"""Kind → what a row calls whom it is about."""

PRECISION = "precision"
"""What a row calls how sure the day of an end is: `firm`, `earliest` or `after`."""

ERROR = "error"

SAVED = "saved"

NOWHERE = "https://saved.invalid/v1"
"""The address of what is read from a file; nothing is asked there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """What was read: `rows`, the parts that were refused, each with its place and reason, and whether nothing is
    wanting. `unreadable` is why a poll would fail on it; rows may be there all the same.
    """

    kind: str
    rows: list[dict[str, object]] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)
    unreadable: str = ""

    @property
    def complete(self) -> bool:
        """Whether the whole answer was read."""
        return not self.unreadable and not self.refused


@command(
    "extract",
    table=True,
    examples=(
        "access-monitor extract models.json --as models_list --json",
        "access-monitor extract deprecations.md --as deprecations_page",
        "access-monitor extract error.json --as error --status 404 --model gpt-5.6-luna",
        "access-monitor evidence 3f9a2c41 | access-monitor extract - --as models_list",
    ),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--as",
    "kind",
    required=True,
    type=click.Choice([*KEYS, ERROR]),
    metavar="KIND",
    help=f"The kind of source: {', '.join(KEYS)}; or {ERROR} for an error body.",
)
@click.option("--status", type=click.IntRange(100, 599), help="The HTTP status of an error.")
@click.option("--model", default="", metavar="ID", help="The id that was called when an error came.")
@click.pass_obj
def extract(options: Options, *, file: str, kind: str, status: int | None, model: str) -> int:
    """Show what is read from a saved answer.

    Ends with 1 and the reason when a poll would fail on it. For prices use `access-monitor prices extract`. FILE
    may be compressed with gzip or zstd; - reads standard input.
    """
    if (status is None) is (kind == ERROR):
        raise click.UsageError("--status goes with --as error, which needs it.")
    with click.open_file(file, "rb") as stream:
        content = stream.read()
    try:
        content = unpacked(content)
    except ValueError as error:
        raise click.ClickException(f"{file} cannot be unpacked: {error}.") from None
    if status is not None:
        return _print_error(options, content, status, model)
    reading = read(content, kind)
    if options.json:
        output.as_json({"kind": kind, "complete": reading.complete, "rows": reading.rows, "refused": reading.refused})
    elif reading.rows or not reading.unreadable:
        _print(reading)
    if reading.unreadable:
        why = output.printable(reading.unreadable.rstrip("."))
        click.echo(f"Error: A poll would fail on {file} as {kind}: {why}.", err=True)
        return 1
    return 0


def read(content: bytes, kind: str) -> Extract:
    """Read an answer as a poll of this kind would; of a list that goes on also what it holds so far."""
    return _read_list(content) if kind == "models_list" else _read_other(content, kind)


def _read_list(content: bytes) -> Extract:
    from monitor.sources import models_list

    try:
        reading = models_list.read(content, SAVED)
    except models_list.ListProblem as problem:
        partly = problem.reading
        facts, refused = ({}, []) if partly is None else (partly.facts, partly.refused)
        return _extract("models_list", facts, refused, problem.detail)
    return _extract("models_list", reading.facts, reading.refused)


def _read_other(content: bytes, kind: str) -> Extract:
    from datetime import timedelta
    from hashlib import sha256

    from monitor.app.bootstrap import utc_now
    from monitor.core.configuration import Surface
    from monitor.core.facts import Body, PollFailure, Snapshot
    from monitor.sources.catalog import SourceDeps, build, source_spec
    from monitor.sources.http import HttpClient

    surface = Surface(key=SAVED, base_url=NOWHERE, provider=SAVED)
    # A feed names the providers of its models itself; one of whom a page says nothing has to be named.
    provider = "" if kind == "lifecycle_feed" else SAVED
    spec = source_spec(key=SAVED, kind=kind, every=timedelta(hours=1), surface=SAVED, provider=provider, url=NOWHERE)
    source = build(spec, SourceDeps(http=HttpClient(), surface=surface, secret=lambda _: ""))
    body = Body(content=content, sha256=sha256(content).hexdigest(), size=len(content))
    observation = source.extract(body, utc_now())
    if isinstance(observation, Snapshot):
        return _extract(kind, observation.facts, observation.refused)
    assert isinstance(observation, PollFailure), "bytes that are read anew are never unchanged"
    return _extract(kind, {}, (), observation.detail)


def _extract(kind: str, facts: Facts, refused: Sequence[Refusal], unreadable: str = "") -> Extract:
    whole = [{"where": "the whole file", "reason": unreadable}] if unreadable else []
    return Extract(
        kind=kind,
        rows=[_row(kind, subject, fields) for subject, fields in sorted(facts.items())],
        refused=[*whole, *({"where": refusal.where, "reason": refusal.reason} for refusal in refused)],
        unreadable=unreadable,
    )


def _row(kind: str, subject: Subject, fields: Mapping[str, Value]) -> dict[str, object]:
    """Return the facts of a subject as a row; of an end the day and how sure it is stand apart."""
    row: dict[str, object] = {str(fields.get(f"{DEPRECATION}kind", KEYS[kind])): subject.name, **fields}
    if kind == "lifecycle_feed":
        row["provider"] = subject.scope
    if (end := AnnouncedEnd.of(fields.get(SHUTDOWN_DATE))) is not None:
        row |= {SHUTDOWN_DATE: end.day.isoformat(), PRECISION: end.precision.value}
    return row


def _print(reading: Extract) -> None:
    key = KEYS[reading.kind]
    output.table(
        [key.upper(), "FACTS"],
        [
            [str(next(iter(row.values()))), "; ".join(f"{name} {value}" for name, value in list(row.items())[1:])]
            for row in reading.rows
        ],
    )
    for part in reading.refused[bool(reading.unreadable) :]:  # why the whole is refused is said at the end
        output.note(f"Refused: {part['where']}: {part['reason']}")
    rows = output.plural(len(reading.rows), "row")
    output.note(f"{rows} read, {len(reading.refused)} refused; {'complete' if reading.complete else 'not complete'}.")


def _print_error(options: Options, content: bytes, status: int, model: str) -> int:
    """Print what an error means for the model that was called, and in which words it says so."""
    from monitor.core.error_meanings import classify

    try:
        body: object = json.loads(content)
    except (ValueError, RecursionError):
        body = content.decode("utf-8", "replace")
    verdict = classify(status, body, model=model)
    if options.json:
        output.as_json({"meaning": str(verdict.meaning), "why": _why(verdict, status)})
    else:
        click.echo(f"{verdict.meaning}: {output.printable(_why(verdict, status))}")
    return 0


def _why(verdict: ErrorVerdict, status: int) -> str:
    reason = ", ".join(part for part in (verdict.code and f"code {verdict.code}", verdict.message) if part)
    return f"HTTP {status}" + (f": {reason}" if reason else "")
