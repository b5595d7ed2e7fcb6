"""`events`: the log, in the forms that people, scripts, spreadsheets and event buses read."""

from __future__ import annotations

import csv
import io
import json
import select
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import click

from monitor.app.streams import nowhere
from monitor.audit.exports import ocsf, syslog
from monitor.cli import output
from monitor.cli.framework import Options, command
from monitor.cli.names import (
    complete_checks,
    complete_entries,
    complete_event_types,
    complete_sources,
    known_check,
    known_event_types,
    known_name,
)
from monitor.cli.opening import opened
from monitor.cli.times import time_option
from monitor.core.event_types import in_words
from monitor.core.events import record, rfc3339
from monitor.core.moments import Moment, both, utc
from monitor.core.ports import EventQuery, EventReader, EventStore

if TYPE_CHECKING:
    from monitor.audit.concerning import OfEntry, Saying
    from monitor.core.events import Recorded

Line: TypeAlias = Callable[["Recorded", EventReader], str]
"""One event as one line of output."""

LOG = "urn:access-monitor:log"
"""The CloudEvents `source`. Event ids are UUIDs, so they are unique under one name on whichever host the log is read.
"""

COLUMNS = (
    "position",
    "id",
    "type",
    "stream",
    "subject",
    "source",
    "occurred_at",
    "recorded_at",
    "actor",
    "cause",
    "evidence",
    "data",
)

ROOMY = 150
"""Columns of a terminal on which the user's own time has room beside UTC."""

_BELOW = " " * 10
"""What stands before the words of an event where its line has no room for them."""

PAGE = 500
"""How many events are read at once."""

_INTERVAL = 1.0  # seconds between two looks at whether the log grew


@command(
    "events",
    table=True,
    examples=(
        "access-monitor events --since '2h ago'",
        "access-monitor events --type 'price.*' --subject gpt-5.6-luna",
        "access-monitor events --follow --format jsonl | jq .type",
    ),
)
@click.option(
    "--type",
    metavar="GLOB",
    default="",
    shell_complete=complete_event_types,
    help="Only types that match, such as 'entry.*'.",
)
@click.option(
    "--subject", metavar="GLOB", default="", help="Only subjects that match: a model id, an entry or a source."
)
@click.option(
    "--entry",
    metavar="KEY",
    default="",
    shell_complete=complete_entries,
    help="Only what concerns this entry: its models, prices, notices, acts, answers of the gate.",
)
@click.option("--text", metavar="WORDS", default="", help="Only what says all of these words, in any case.")
@click.option(
    "--source", metavar="KEY", default="", shell_complete=complete_sources, help="Only what this source showed."
)
@click.option(
    "--check",
    metavar="NAME",
    default="",
    shell_complete=complete_checks,
    help="Only events about this readiness check.",
)
@click.option("--actor", metavar="NAME", default="", help="Only what this person, or `system`, wrote.")
@click.option("--cause", metavar="POSITION", type=click.IntRange(min=1), help="Only events that this one caused.")
@time_option("--since", "Only what was recorded at this time or later.")
@time_option("--until", "Only what was recorded up to this time.")
@click.option("--after", metavar="POSITION", type=click.IntRange(min=0), help="Only positions above this one.")
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="At most N, the first that match.")
@click.option("--newest", is_flag=True, help="The newest first; with --limit, the last that match.")
@click.option("--follow", is_flag=True, help="Go on with new events until Ctrl-C.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("table", "jsonl", "csv", "cloudevents", "ocsf", "syslog", "parquet")),
    help="How to print them; a table by default.",
)
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file that --format parquet writes; none is replaced.",
)
@click.option(
    "--sealed",
    metavar="FOLDER|FILE",
    type=click.Path(path_type=Path),
    help="Read sealed copies that `audit seal` wrote, without the database.",
)
@click.pass_obj
def events(
    options: Options,
    *,
    type: str,
    subject: str,
    entry: str,
    text: str,
    source: str,
    check: str,
    actor: str,
    cause: int | None,
    since: Moment | None,
    until: Moment | None,
    after: int | None,
    limit: int | None,
    newest: bool,
    follow: bool,
    form: str | None,
    out: Path | None,
    sealed: Path | None,
) -> None:
    """Read the log.

    Oldest first. Times go by recording. In CSV an apostrophe precedes a text that a spreadsheet would run as a
    formula.
    """
    from monitor.audit.concerning import find_actor, find_subject

    if options.json and form not in (None, "jsonl"):
        raise click.UsageError(f"--json and --format {form} ask for two formats: give one of them.")
    if follow and (newest or until):
        raise click.UsageError(
            f"--follow has no end and goes forward: leave out {'--newest' if newest else '--until'}."
        )
    if (form == "parquet") != (out is not None) or (out is not None and follow):
        raise click.UsageError("--format parquet and --out FILE belong together, and a file has an end: no --follow.")
    known_event_types(type)
    known_check(check)
    header, line = form_of(form or ("jsonl" if options.json else "table"))
    if sealed is not None and (follow or options.database is not None):
        raise click.UsageError("--sealed reads copies that end: leave --follow and --database out.")
    if sealed is not None and entry:
        output.note("Sealed copies do not hold what was sent, so deliveries are left out.")
    with _opened_log(options, sealed, source) as (store, now):
        query = EventQuery(
            type=type,
            subject=subject,
            source=source,
            check=check,
            actor=actor,
            cause=cause,
            since=since.resolve(now) if since else None,
            until=until.resolve(now) if until else None,
            after=after,
            limit=limit,
            newest_first=newest,
        )
        if not follow:  # what is waited for need not be there yet
            with store.read() as reader:
                find_subject(reader, subject)
                find_actor(reader, actor)
        chosen = _chosen(store, entry, text)
        if out is not None:
            _write_parquet(store, out, query, chosen)
            return
        if header:
            click.echo(header)
        if follow:
            follow_events(store, query, line, threading.Event(), chosen)
            return
        count = 0
        for shown in lines(store, query, line, chosen):
            click.echo(shown)
            count += 1
    if not count and header:
        output.note("No events match.")


class EventFilters(NamedTuple):
    """What events have to pass beyond a query; None is anything."""

    entry: OfEntry | None = None
    text: Saying | None = None


ANY = EventFilters()


@contextmanager
def _opened_log(options: Options, sealed: Path | None, source: str) -> Iterator[tuple[EventStore, datetime]]:
    """Provide the log that is meant, and the time it is; `source` has to be one that it knows."""
    if sealed is not None:
        from monitor.app.bootstrap import utc_now
        from monitor.app.sealed_copies import SealedStore

        yield SealedStore(sealed), utc_now()
        return
    with opened(options) as monitor:
        if source:
            with monitor.store.read() as reader:
                known_name("source", source, dict.fromkeys((*monitor.configuration.sources, *reader.sources())))
        yield monitor.store, monitor.clock()


def _write_parquet(store: EventStore, path: Path, query: EventQuery, chosen: EventFilters) -> None:
    from monitor.audit.concerning import passing
    from monitor.cli.parquet import write_parquet

    with store.read() as reader:
        count = write_parquet(path, passing(reader, query, *chosen))
    output.note(f"Wrote {output.plural(count, 'event')} to {path}.")


def _chosen(store: EventStore, entry: str, text: str) -> EventFilters:
    from monitor.audit.concerning import of_entry, saying

    if not entry:
        return EventFilters(text=saying(text) if text else None)
    with store.read() as reader:
        return EventFilters(of_entry(reader, entry), saying(text) if text else None)


def follow_events(
    store: EventStore, query: EventQuery, line: Line, stop: threading.Event, chosen: EventFilters = ANY
) -> None:
    """Print what matches, then what is recorded from then on.

    Ends when `stop` is set, when the limit is reached, and when the reader of stdout has gone, which an idle log would
    otherwise not notice before its next event.
    """
    left = query.limit
    after = query.after or 0
    try:
        while not stop.is_set() and not _reader_gone():
            # Asked before reading: what is committed in between is then reported by the next call, not lost.
            store.changed()
            with store.read() as reader:
                head = reader.head()
            for text in lines(store, replace(query, after=after, before=head + 1, limit=left), line, chosen):
                click.echo(text)
                left = None if left is None else left - 1
            if left == 0 or _unwritable():
                return
            after = max(after, head)
            while not stop.wait(_INTERVAL) and not _reader_gone() and not store.changed():
                pass
    except BrokenPipeError:
        nowhere(sys.stdout.fileno())


def lines(store: EventStore, query: EventQuery, line: Line, chosen: EventFilters = ANY) -> Iterator[str]:
    """Yield the lines of the events that match as the log stands now and pass every filter, read page by page.

    No transaction is open while a line is printed: a pager that nobody closes would else keep SQLite from ever
    shortening its write-ahead log. The log only grows, so pages that are read one after the other are what one reading
    would have been.
    """
    from monitor.audit.concerning import passing

    with store.read() as reader:
        end = reader.head() + 1
    query = replace(query, before=end if query.before is None else min(end, query.before))
    left = query.limit
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        with store.read() as reader:
            page = list(passing(reader, replace(query, limit=size), *chosen))
            texts = [line(recorded, reader) for recorded in page]
        yield from texts
        if len(page) < size:
            return
        last = page[-1].event.position
        query = replace(query, before=last) if query.newest_first else replace(query, after=last)
        left = None if left is None else left - len(texts)


def form_of(name: str) -> tuple[str, Line]:
    """Return the header and the line of a format."""
    if name == "jsonl":
        return "", lambda recorded, _: _compact(record(recorded))
    if name == "csv":
        return ",".join(COLUMNS), lambda recorded, _: _csv(recorded)
    if name == "cloudevents":
        return "", cloud_event
    if name == "ocsf":
        return "", lambda recorded, _: _compact(ocsf(recorded))
    if name == "syslog":
        return "", lambda recorded, _: syslog(recorded)
    header = _columns("POSITION", "RECORDED", "TYPE", "SUBJECT", "WHAT")
    if sys.stdout.isatty() and output.cells(header) > output.width():
        header = "\n".join(output.wrapped(header, output.width()))
    return header, lambda recorded, _: _row(recorded)


def cloud_event(recorded: Recorded, reader: EventReader) -> str:
    """Return an event as CloudEvents 1.0 in JSON. Written by hand: it is a dozen fields, and the package would be a
    dependency.
    """
    event = recorded.event
    envelope: dict[str, object] = {
        "specversion": "1.0",
        "id": recorded.id,
        "source": LOG,
        "type": f"io.access-monitor.{event.type}.v1",
        "time": rfc3339(event.occurred_at),
        "recordedtime": rfc3339(recorded.recorded_at),
        "datacontenttype": "application/json",
        # An integer attribute has 32 bits; padded text has no end and sorts.
        "sequence": f"{event.position:020d}",
        "stream": event.stream,
        "actor": event.actor,
    }
    if event.subject:
        envelope["subject"] = event.subject
    if event.source:
        envelope["origin"] = event.source
    cause = reader.event(event.cause) if event.cause is not None else None
    if cause is not None:
        envelope["causationid"] = cause.id
    # `dataref` must hold what `data` holds, so the reference to the evidence goes inside.
    envelope["data"] = {"evidence": event.evidence, **event.data} if event.evidence else dict(event.data)
    return _compact(envelope)


def _row(recorded: Recorded) -> str:
    event, what = recorded.event, output.printable(in_words(recorded.event))
    leading = (str(event.position), _when(recorded.recorded_at), event.type, event.subject)
    row = _columns(*leading, what)
    room = output.width()
    if not sys.stdout.isatty() or output.cells(row) <= room:
        return row
    first = _columns(*leading, "")
    lines = [first] if output.cells(first) <= room else output.wrapped(first.lstrip(), room)
    return "\n".join([*lines, *(_BELOW + line for line in output.wrapped(what, room - len(_BELOW)) if line)])


def _roomy() -> bool:
    return sys.stdout.isatty() and output.width() >= ROOMY


def _when(at: datetime) -> str:
    return both(at) if _roomy() else utc(at)


def _columns(position: str, at: str, type: str, subject: str, what: str) -> str:
    # Fixed widths, since a log is printed as it is read; what is longer pushes the rest.
    parts = (
        f"{position:>8}",
        at.ljust(44 if _roomy() else 20),
        type.ljust(24),
        output.fit_at_least(output.printable(subject), 22),
        output.printable(what),
    )
    return "  ".join(parts).rstrip()


def _csv(recorded: Recorded) -> str:
    shape = record(recorded)
    cells = io.StringIO()
    row = [_compact(shape[name]) if name == "data" else shape[name] for name in COLUMNS]
    csv.writer(cells, lineterminator="").writerow(map(output.spreadsheet_cell, row))
    return cells.getvalue()


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _unwritable() -> bool:
    """Return whether output was lost already: following on would do nothing for ever."""
    return bool(getattr(sys.stdout, "lost", ""))


def _reader_gone() -> bool:
    try:
        watched = select.poll()
        watched.register(sys.stdout.fileno(), 0)
        return bool(watched.poll(0))
    except (OSError, ValueError, AttributeError):
        return False  # no descriptor to ask: the next write will tell
