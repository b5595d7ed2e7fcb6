"""`audit acts`, `approvals`, `attestations`, `pauses`, `outages`, `decided` and `denials`: what an auditor asks of the
log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import click

from monitor.cli import output
from monitor.cli.framework import Options, command
from monitor.cli.names import complete_entries, complete_sources
from monitor.cli.opening import opened
from monitor.cli.times import time_option
from monitor.core.moments import Moment, utc
from monitor.core.text import value_in_words
from monitor.core.time import rounded

since_option = time_option("--since", "Only what lasted or was recorded at this time or later.")
until_option = time_option("--until", "Only what was recorded up to this time.")
at_option = time_option("--at", "As recorded at TIME: RFC 3339, a date, or '2h ago'.")
entry_option = click.option(
    "--entry", metavar="KEY", default="", shell_complete=complete_entries, help="Only what concerns this entry."
)


@command(
    "acts",
    table=True,
    examples=("access-monitor audit acts --by 'Ada L.'", "access-monitor audit acts --entry gpt-5.6-luna --json"),
)
@click.option("--by", metavar="PERSON", default="", help="Only what this person did.")
@entry_option
@since_option
@until_option
@click.pass_obj
def acts(options: Options, *, by: str, entry: str, since: Moment | None, until: Moment | None) -> None:
    """Show what people did.

    Who, from which account and host, by which way, with what reason, and which position of the log they had in view.
    """
    from monitor.audit import documents
    from monitor.audit.acts import acts as acts_of

    with opened(options) as monitor, monitor.store.read() as reader:
        now = monitor.clock()
        rows = acts_of(reader, by=by, entry=entry, since=_time(since, now), until=_time(until, now))
    if options.json:
        output.as_json([documents.of_act(act) for act in rows])
        return
    _table(
        ("POSITION", "AT", "ACT", "SUBJECT", "BY", "FROM", "IN VIEW", "WHAT"),
        [
            (
                str(act.position),
                utc(act.at),
                act.act,
                act.row or act.subject,
                act.by,
                _from(act.account, act.host, act.channel),
                "" if act.seen_position is None else str(act.seen_position),
                act.what,
            )
            for act in rows
        ],
        "Nobody did anything.",
    )


@command(
    "approvals",
    table=True,
    examples=(
        "access-monitor audit approvals gpt-5.6-luna",
        "access-monitor audit approvals openai/gpt-5.6-luna --at 2026-08-01 --json",
    ),
)
@click.argument("name", metavar="ENTRY|MODEL", shell_complete=complete_entries)
@at_option
@click.pass_obj
def approvals(options: Options, *, name: str, at: Moment | None) -> None:
    """Show who accepted an entry or price, seeing what.

    Activations, resumptions, requests for a second person, and held prices that were let in, each with the values
    that were accepted.
    """
    from monitor.audit import documents
    from monitor.audit.acts import approvals as approvals_of

    with opened(options) as monitor, monitor.store.read() as reader:
        rows = approvals_of(reader, name, at=_time(at, monitor.clock()))
    if options.json:
        output.as_json([documents.of_approval(row) for row in rows])
        return
    _table(
        ("POSITION", "AT", "ACT", "ROW", "BY", "FROM", "IN VIEW", "REASON", "ACCEPTED"),
        [
            (
                str(row.act.position),
                utc(row.act.at),
                row.act.act,
                row.act.row or row.act.subject,
                f"{row.act.by}, asked for by {row.requested_by}" if row.requested_by else row.act.by,
                _from(row.act.account, row.act.host, row.act.channel),
                "" if row.act.seen_position is None else str(row.act.seen_position),
                row.act.reason,
                "; ".join(
                    [
                        *(f"{key} {value_in_words(value)}" for key, value in row.pins.items()),
                        *([f"unknown: {', '.join(row.unpinned)}"] if row.unpinned else []),
                        *([f"without {', '.join(row.waived)}"] if row.waived else []),
                        *([f"lost: {', '.join(map(str, row.losses))}"] if row.losses else []),
                    ]
                ),
            )
            for row in rows
        ],
        "Nobody has accepted it.",
    )


@command(
    "attestations",
    table=True,
    examples=("access-monitor audit attestations", "access-monitor audit attestations --entry gpt-5.6-luna --json"),
)
@entry_option
@at_option
@click.pass_obj
def attestations(options: Options, *, entry: str, at: Moment | None) -> None:
    """Show attestations and their files.

    HOLDS says whether the check still rests on it. `evidence HASH` prints a file.
    """
    from monitor.audit import documents
    from monitor.audit.acts import attestations as attestations_of

    with opened(options) as monitor, monitor.store.read() as reader:
        rows = attestations_of(reader, entry=entry, at=_time(at, monitor.clock()))
    if options.json:
        output.as_json([documents.of_attestation(row) for row in rows])
        return
    _table(
        ("POSITION", "AT", "ROW", "CHECK", "BY", "UNTIL", "HOLDS", "RESTS ON"),
        [
            (
                str(row.act.position),
                utc(row.act.at),
                row.act.row,
                row.check,
                row.act.by,
                utc(row.until) if row.until else "",
                "yes" if row.holds else "no",
                "; ".join(
                    [*(_file(file.evidence, file.format) for file in row.files), *filter(None, [row.url, row.note])]
                ),
            )
            for row in rows
        ],
        "Nothing was attested.",
    )


@command(
    "pauses",
    table=True,
    examples=("access-monitor audit pauses", "access-monitor audit pauses --since 2026-07-01 --until 2026-08-01"),
)
@entry_option
@since_option
@until_option
@click.pass_obj
def pauses(options: Options, *, entry: str, since: Moment | None, until: Moment | None) -> None:
    """Show pauses.

    How long each lasted, why, and who ended it.
    """
    from monitor.audit import documents
    from monitor.audit.pauses import pauses as pauses_of

    with opened(options) as monitor, monitor.store.read() as reader:
        now = monitor.clock()
        end = _time(until, now)
        rows = pauses_of(reader, entry=entry, since=_time(since, now), until=end)
    shapes = [documents.of_pause(row, end or now) for row in rows]
    if options.json:
        output.as_json(shapes)
        return
    _table(
        ("POSITION", "ROW", "FROM", "TO", "LASTED", "ENDED BY", "WHY"),
        [
            (
                str(shape["position"]),
                shape["row"],
                utc(row.began.event.occurred_at),
                "lasts" if row.ended is None else utc(row.ended.event.occurred_at),
                rounded(row.length(end or now)),
                _ended(shape),
                shape["reason"],
            )
            for row, shape in zip(rows, shapes, strict=True)
        ],
        "No entry was paused.",
    )


@command(
    "outages",
    table=True,
    examples=(
        "access-monitor audit outages --since 2026-07-01",
        "access-monitor audit outages --source openai-models",
        "access-monitor audit outages --source daemon",
    ),
)
@click.option(
    "--source",
    metavar="KEY",
    default="",
    shell_complete=complete_sources,
    help="Only this source; daemon or clock for the monitor itself.",
)
@since_option
@until_option
@click.pass_obj
def outages(options: Options, *, source: str, since: Moment | None, until: Moment | None) -> None:
    """Show what the monitor could not see.

    Sources that were down, stale, held or in part refused, and times in which no daemon ran or the clock was set.
    """
    from monitor.audit import documents
    from monitor.audit.outages import outages as outages_of

    with opened(options) as monitor, monitor.store.read() as reader:
        now = monitor.clock()
        end = _time(until, now)
        rows = outages_of(reader, now, source=source, since=_time(since, now), until=end)
    if options.json:
        output.as_json([documents.of_outage(row, end or now) for row in rows])
        return
    _table(
        ("POSITION", "WHAT", "SUBJECT", "FROM", "TO", "LASTED", "WHY"),
        [
            (
                "" if row.position is None else str(row.position),
                row.kind.value,
                row.subject,
                utc(row.began_at),
                utc(row.ended_at) if row.ended_at else "",
                rounded(row.length(end or now)),
                row.what,
            )
            for row in rows
        ],
        "Everything could be seen.",
    )


@command(
    "decided",
    table=True,
    examples=("access-monitor audit decided 34", "access-monitor audit decided 34 --json | jq .document"),
)
@click.argument("position", type=click.IntRange(min=1))
@click.pass_obj
def decided(options: Options, *, position: int) -> None:
    """Show which configuration and code decided an event.

    With --json the whole configuration, without secrets.
    """
    from monitor.audit import documents
    from monitor.audit.provenance import provenance

    with opened(options) as monitor, monitor.store.read() as reader:
        shape = documents.of_provenance(provenance(reader, position))
    if options.json:
        output.as_json(shape)
        return
    accepted = shape["accepted"]
    lines = (
        ("event", f"{position} {shape['type']} of {shape['subject']}, by {shape['actor']}"),
        ("code", f"{shape['code'] or 'not recorded'}{'' if shape['stated'] else ', recorded last before it'}"),
        ("reading", shape["extractor"]),
        ("configuration", shape["configuration"] or "not recorded"),
        ("sha256", shape["sha256"]),
        ("loaded", f"{shape['loaded_at']}, event {shape['loaded']}" if shape["loaded"] else ""),
        ("accepted", f"by {accepted['by']}, event {accepted['position']}: {accepted['reason']}" if accepted else ""),
    )
    for name, value in lines:
        if value:
            click.echo(f"{name:<14}{output.printable(value)}")


@command(
    "denials",
    table=True,
    examples=("access-monitor audit denials", "access-monitor audit denials --caller support-agent --since 2026-07-01"),
)
@entry_option
@click.option("--caller", metavar="NAME", help="Only to this caller; '' for who gave no name.")
@click.option("--env", "environment", metavar="ENV", default="", help="Only in this environment.")
@since_option
@until_option
@click.pass_obj
def denials(
    options: Options,
    *,
    entry: str,
    caller: str | None,
    environment: str,
    since: Moment | None,
    until: Moment | None,
) -> None:
    """Show what the gate denied.

    To whom and how often, by day and caller, as HTTP and OFREP were asked. What was denied today is recorded when
    the day is over.
    """
    from monitor.audit import documents
    from monitor.audit.gate_history import denials as denials_of

    with opened(options) as monitor, monitor.store.read() as reader:
        now = monitor.clock()
        rows = denials_of(
            reader,
            entry=entry,
            caller=caller,
            environment=environment,
            since=_time(since, now),
            until=_time(until, now),
        )
    if options.json:
        output.as_json([documents.of_denial(row) for row in rows])
        return
    _table(
        ("POSITION", "DAY", "SUBJECT", "ENVIRONMENT", "CALLER", "TIMES", "WHY"),
        [
            (
                str(row.position),
                row.day or utc(row.first_at),
                f"{row.subject} on {row.surface}" if row.surface else row.subject,
                row.environment,
                row.caller,
                str(row.count),
                row.reason,
            )
            for row in rows
        ],
        "Nothing was denied.",
    )


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]], nothing: str) -> None:
    if rows:
        output.table(headers, rows, numbers=("POSITION", "IN VIEW", "TIMES"))
    else:
        output.note(nothing)


def _time(at: Moment | None, now: datetime) -> datetime | None:
    return None if at is None else at.resolve(now)


def _from(account: str, host: str, channel: str) -> str:
    where = "@".join(filter(None, (account, host)))
    return f"{where} ({channel})" if channel else where


def _file(evidence: str, format: str) -> str:
    return f"{evidence[:15]} ({format})" if format else evidence[:15]


def _ended(shape: Mapping[str, Any]) -> str:
    if shape["ended"] is None:
        return ""
    reason = f": {shape['ended_reason']}" if shape["ended_reason"] else ""
    return f"{shape['ended_by']}, {shape['ended']}{reason}"


QUESTIONS = (acts, approvals, attestations, pauses, outages, decided, denials)
