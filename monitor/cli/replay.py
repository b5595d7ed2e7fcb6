"""`replay`: a recorded history through the real pipeline, to see what the monitor would have made of it.

Nothing leaves the machine: sources are built and never asked, notices are counted and never put into the outbox, no
lease is written.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from monitor.cli import output
from monitor.cli.events import form_of
from monitor.cli.framework import Options, command
from monitor.cli.names import complete_recordings
from monitor.cli.opening import config_path
from monitor.core import events as ev
from monitor.core.moments import utc
from monitor.core.ports import MonitorError

if TYPE_CHECKING:
    from monitor.app.bootstrap import Monitor
    from monitor.audit.replay import Replay, ReplayStep
    from monitor.core.facts import ReplayedRecording
    from monitor.core.notices import Notice

SPARSE = timedelta(hours=1)
"""How often a poll of a recording of sparse changes is repeated unless --carry says otherwise."""

_ROUTINE = frozenset({ev.CHECK_VERIFIED, ev.CONFIG_CHANGED})
"""Left out of the table: the one comes every day for every entry, the other is the configuration that was just given.
"""

_EVERY = 25  # polls between two updates of the progress line


def _pairs(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[str, Path], ...]:
    split = [value.partition("=") for value in values]
    for key, equals, file in split:
        if not (key and file):
            raise click.BadParameter(
                f"{key + equals + file!r} is not SOURCE=FILE, such as openai-models=history.jsonl.zst.", ctx, param
            )
    twice = sorted(key for key, count in Counter(key for key, _, _ in split).items() if count > 1)
    if twice:
        raise click.BadParameter(f"{twice[0]} is given two files: join them in the order of `observed_at`.", ctx, param)
    return tuple((key, Path(file)) for key, _, file in split)


def _span(ctx: click.Context, param: click.Parameter, value: str | None) -> timedelta | None:
    from monitor.settings import durations

    try:
        return None if value is None else durations.positive(durations.parse(value))
    except ValueError as error:
        raise click.BadParameter(f"{value!r} {error}.", ctx, param) from None


@command(
    "replay",
    table=True,
    examples=(
        "access-monitor replay openai-models=history.jsonl.zst",
        "access-monitor replay openai-models=list.jsonl openai-pricing=pages.jsonl --activate auto",
        "access-monitor replay llm-prices=changes.jsonl --carry 1h --format jsonl | jq -r .type | sort | uniq -c",
        "access-monitor replay --log var/monitor.db --policy stricter.toml",
    ),
)
@click.argument(
    "files",
    metavar="[SOURCE=FILE...]",
    callback=_pairs,
    nargs=-1,
    shell_complete=complete_recordings,
)
@click.option(
    "--carry",
    metavar="EVERY",
    callback=_span,
    help=(
        "Repeat the last observation at this interval, such as 1h: for files that hold only changes. "
        "Changes days apart are repeated every hour by default."
    ),
)
@click.option(
    "--activate",
    type=click.Choice(("auto",)),
    help="Activate each entry as soon as it may be and resume it after each pause, so that every pause "
    "shows. Checks that no replayed source feeds are waived; an entry without a replayed models list "
    "counts as listed.",
)
@click.option("--format", "form", type=click.Choice(("table", "jsonl")), help="How to print them; a table by default.")
@click.option(
    "--log",
    "log",
    metavar="URL",
    help="Play the history that this database kept, a path or a URL, under --policy. Nothing is written to it.",
)
@click.option(
    "--policy",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A configuration, or only the parts that change: [confirmation], and of entries checks, ignore, pause_on, "
    "tiers or uses.",
)
@click.pass_obj
def replay(
    options: Options,
    *,
    files: tuple[tuple[str, Path], ...],
    carry: timedelta | None,
    activate: str | None,
    form: str | None,
    log: str | None,
    policy: Path | None,
) -> None:
    """Run recorded observations through the pipeline and print the events.

    SOURCE is a source of the configuration, FILE its history in JSON Lines, plain or zstd. Several are merged by
    time, on a clock taken from the files. Sends nothing and needs no secret. Uses a scratch database unless
    --database names one, which has to be new or empty.

    The table leaves out what is routine and ends with a summary; --json is --format jsonl and holds every event.

    With --log and --policy: which pauses the policy would have made or spared over the history that a log kept. What
    people did is done again at its time. The log has no row for a poll that changed nothing, so what is open is
    taken to be polled as often as its source is set to be; --carry names another interval.
    """
    if log is not None or policy is not None:
        _what_if(options, files, carry, log, policy, plain=activate is None and form is None)
        return
    if not files:
        raise click.UsageError("Say what to replay: SOURCE=FILE, or --log URL with --policy FILE.")
    if options.json and form == "table":
        raise click.UsageError("--json and --format table ask for two formats: give one of them.")
    jsonl = options.json or form == "jsonl"
    with _store(options) as monitor:
        polls, repeated = _recordings(monitor, files, carry)
        play = monitor.replay(polls, carry=repeated, activate=activate is not None)
        summary = _Summary()
        _print(play, summary, monitor, jsonl=jsonl)
    waived = _waived(play.waived)
    if jsonl:
        for line in waived:
            output.note(f"Waived: {line}.")
    else:
        click.echo()
        summary.print(waived)


def _what_if(
    options: Options,
    files: Sequence[object],
    carry: timedelta | None,
    log: str | None,
    policy: Path | None,
    *,
    plain: bool,
) -> None:
    if log is None or policy is None:
        raise click.UsageError("--log and --policy go together: the history, and what is tried on it.")
    if files or not plain or options.database is not None:
        raise click.UsageError(
            "--log plays the history of one database in a scratch one: leave SOURCE=FILE, --activate, --format and "
            "--database out."
        )
    from monitor.cli.what_if import show_what_if
    from monitor.settings import anchored, is_reference, resolve

    url = anchored(resolve(log, os.environ) if is_reference(log) else log, Path())
    show_what_if(url, policy, carry, as_json=options.json)


@contextmanager
def _store(options: Options) -> Iterator[Monitor]:
    from monitor.app.bootstrap import open_monitor

    with TemporaryDirectory(prefix="access-monitor-replay-") as folder:
        database = options.database or str(Path(folder) / "replay.db")
        with open_monitor(config_path(options), database, durable=options.database is not None) as monitor:
            yield monitor


def _recordings(
    monitor: Monitor, files: Sequence[tuple[str, Path]], carry: timedelta | None
) -> tuple[Mapping[str, Sequence[ReplayedRecording]], Mapping[str, timedelta]]:
    """Return the recorded polls of each source, and at which interval those of which sources are repeated."""
    from monitor.sources import recording

    sources = monitor.configuration.sources
    for key, file in files:
        if key not in sources:
            there = ", ".join(sorted(sources)) or "none"
            raise MonitorError(
                f"{file} is given for {key!r}, which is no source of {monitor.settings.path}; it has: {there}."
            )
    histories = {key: recording.read(file) for key, file in files}
    polls = {key: history.polls for key, history in histories.items()}
    if carry is not None:
        return polls, dict.fromkeys(polls, carry)
    sparse = [key for key, history in histories.items() if history.sparse]
    if sparse:
        output.note(
            f"The recording of {', '.join(sparse)} holds only changes, days apart: each poll is repeated every "
            "hour until the next, "
            "as with --carry 1h."
        )
    if doubtful := [key for key, history in histories.items() if history.only_changes and key not in sparse]:
        output.note(
            f"The recording of {', '.join(doubtful)} holds only changes: what nothing in it confirms is never "
            "confirmed; "
            "--carry 1h repeats each poll until the next."
        )
    return polls, dict.fromkeys(sparse, SPARSE)


def _print(play: Replay, told: _Summary, monitor: Monitor, *, jsonl: bool) -> None:
    header, line = form_of("jsonl" if jsonl else "table")
    with _progress() as progress:
        for step in play.run():
            if header and not step.source:  # the declaration, so that a refused replay prints nothing
                click.echo(header)
            told.add(step)
            shown = [record for record in step.recorded if jsonl or record.event.type not in _ROUTINE]
            if shown or step.notices:
                progress.clear()
                with monitor.store.read() as reader:
                    lines = [line(record, reader) for record in shown]
                for text in lines:
                    click.echo(text)
                if not jsonl:
                    for notice in step.notices:
                        click.echo(_would_tell(notice))
            progress.update(told.polls, step.at)


def _would_tell(notice: Notice) -> str:
    items = "; ".join(f"{item.entry or item.subject} {item.reason.value.replace('_', ' ')}" for item in notice.items)
    return output.colour(output.printable(f"{'':>8}  would notify {notice.owner}: {items}"), output.DIM)


class _Summary:
    """What a replay came to, counted while it runs."""

    def __init__(self) -> None:
        self.polls = 0
        self._since: datetime | None = None
        self._until: datetime | None = None
        self._verdicts: Counter[str] = Counter()
        self._events: Counter[str] = Counter()
        self._notices: Counter[str] = Counter()

    def add(self, step: ReplayStep) -> None:
        """Count one step."""
        self._since = self._since or step.at
        self._until = step.at
        if step.verdict:
            self.polls += 1
            self._verdicts[step.verdict] += 1
        self._events.update(record.event.type for record in step.recorded)
        self._notices.update(notice.reason.value for notice in step.notices)

    def print(self, waived: Iterable[str]) -> None:
        """Print it, a line for each thing that a person asks after a replay."""
        spanned = f"{utc(self._since)} to {utc(self._until)}" if self._since and self._until else "none"
        events, verdicts = self._events, self._verdicts
        counted = [(event, events[event]) for event in (ev.BASELINE_RECORDED, ev.SOURCE_ANOMALY, ev.SOURCE_STALE)]
        rows = [
            ("time", spanned),
            ("polls", f"{self.polls}: {verdicts['failed']} failed, {verdicts['held']} held, {verdicts['late']} late"),
            ("outages", f"{events[ev.SOURCE_FAILED]} failed, {events[ev.SOURCE_RECOVERED]} recovered"),
            ("sources", ", ".join(f"{count} {event.partition('.')[2].replace('_', ' ')}" for event, count in counted)),
            *((noun, self._of(noun)) for noun in ("model", "access", "price", "lifecycle", "entry")),
            ("checks", f"{self._of('check')} ({ev.CHECK_VERIFIED} is not in the table)"),
            ("notices", self._told()),
            *(("waived", line) for line in waived),
        ]
        for name, text in rows:
            click.echo(f"{name:<10}{output.printable(text)}")

    def _of(self, noun: str) -> str:
        counts = sorted((event, count) for event, count in self._events.items() if event.startswith(f"{noun}."))
        return ", ".join(f"{count} {event.partition('.')[2].replace('_', ' ')}" for event, count in counts) or "nothing"

    def _told(self) -> str:
        reasons = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in sorted(self._notices.items()))
        total = sum(self._notices.values())
        return f"{total} would have been sent ({reasons})" if total else "none would have been sent"


def _waived(waived: Mapping[str, frozenset[str]]) -> list[str]:
    """Return the waived checks, entries with the same ones on one line."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for key, names in waived.items():
        if names:
            groups.setdefault(tuple(sorted(names)), []).append(key)
    return [f"{', '.join(names)} of {', '.join(keys)}" for names, keys in groups.items()]


class _Progress:
    """A line on stderr that is rewritten in place; nothing where nobody is looking."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._dirty = False

    def update(self, polls: int, at: datetime) -> None:
        """Say how far the replay is."""
        if self._shown and polls % _EVERY == 0:
            output.terminal(f"\r{utc(at)}  {polls} polls")
            self._dirty = True

    def clear(self) -> None:
        """Make room for a line of data."""
        if self._dirty:
            output.terminal("\r\033[K")
            self._dirty = False


@contextmanager
def _progress() -> Iterator[_Progress]:
    progress = _Progress(shown=sys.stderr.isatty())
    try:
        yield progress
    finally:
        progress.clear()
