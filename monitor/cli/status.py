"""`status`, `why` and `checklist`: the registry as it is or was, what brought it there, and what each entry still
lacks.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

import click

from monitor.cli import accepting, agreement, maintenance, output, papers, terms
from monitor.cli.alerts import in_hand, silence_in_words
from monitor.cli.framework import Options, command
from monitor.cli.names import complete_entries
from monitor.cli.opening import opened
from monitor.cli.surface import row_of, surface_option
from monitor.cli.times import time_option
from monitor.core.entry import CheckState, Status
from monitor.core.entry_spec import AT
from monitor.core.event_types import in_words
from monitor.core.moments import Moment, both, utc
from monitor.core.time import rounded
from monitor.gate.client.verdict import PRODUCTION

if TYPE_CHECKING:
    from monitor.app.bootstrap import Monitor
    from monitor.audit.agreement import PriceComparison
    from monitor.audit.production import ProductionAnswer
    from monitor.audit.queries import ChainStep, CheckRow, StatusRow
    from monitor.core.ports import Store
    from monitor.registry.terms import PricedEntry

_DIGITS = 8
"""How many digits of a hash are enough to ask for it."""

_INTERVAL = 1.0  # seconds between two questions whether the database changed
_LABEL = 12  # the width of a label and the space after it
_TURNS = 10
"""After how many of them it is shown anew all the same: ages move on, and leases end by time alone."""

_NEXT: Mapping[str, str] = {
    "waiting": "access-monitor poll",
    "evaluating": "access-monitor checklist {key}",
    "paused": "access-monitor resume {key} --by YOU --reason WHY --expect {position}",
}
"""Status → the command that leads on from it."""


@command(
    "status",
    table=True,
    examples=(
        "access-monitor status",
        "access-monitor status gpt-5.6-luna --at 2026-07-30",
        "access-monitor status --json | jq '.[].status'",
    ),
)
@click.argument("entry", required=False, shell_complete=complete_entries)
@surface_option
@time_option("--at", "As recorded at TIME: RFC 3339, a date, or '2h ago'.")
@click.option("--watch", is_flag=True, help="Refresh whenever it changes, until Ctrl-C.")
@click.pass_obj
def status(options: Options, *, entry: str | None, surface: str, at: Moment | None, watch: bool) -> None:
    """Show the registry, now or as it was.

    An entry has a row on each of its surfaces. STATUS also shows what production is answered where that differs.
    POSITION is what --expect of `activate` and `resume` takes.
    """
    if watch and (at or options.json):
        raise click.UsageError(f"--watch shows what is now, in words: leave out {'--at' if at else '--json'}.")
    if surface and entry is None:
        raise click.UsageError("--surface is of one entry; name the ENTRY.")
    with opened(options) as monitor:
        if watch:
            keep_showing(lambda: _show(options, monitor, entry, surface, None), monitor.store, threading.Event())
        else:
            _show(options, monitor, entry, surface, at)


def keep_showing(show: Callable[[], None], store: Store, stop: threading.Event) -> None:
    """Show something, and again whenever the database changed or its ages have moved on; ends when `stop` is set.

    A terminal is cleared first; elsewhere each showing stands below the one before.
    """
    while not stop.is_set():
        store.changed()  # asked before reading: what is committed in between is then shown by the next turn
        if sys.stdout.isatty():
            click.clear()
        show()
        for _ in range(_TURNS):
            if stop.wait(_INTERVAL) or store.changed():
                break
        if not sys.stdout.isatty() and not stop.is_set():
            click.echo()


def _show(options: Options, monitor: Monitor, entry: str | None, surface: str, at: Moment | None) -> None:
    from monitor.audit import documents, queries
    from monitor.audit.agreement import of_entry
    from monitor.audit.production import production_answers
    from monitor.gate.state import Production
    from monitor.registry.lookup import find_row, unknown_entry
    from monitor.registry.terms import priced

    with monitor.store.read() as reader:
        now = monitor.clock()
        then = at.resolve(now) if at else None
        shown = queries.entries(reader, at=then) if options.json or entry is not None else {}
        key = None if entry is None else find_row(shown, entry, surface)
        judged = None if options.json else () if key is None else (key,)  # a table has no room for routes
        production = Production(reader, monitor.configuration, now) if then is None else None
        fresh = None if production is None else production.fresh.undated()
        rows = queries.status(reader, monitor.configuration, at=then, now=now, judged=judged, fresh=fresh)
        gate = {} if production is None else production_answers(production)
        costs = priced(reader, monitor.configuration, shown, at=then, fresh=fresh)
        registered = shown.get(key) if key is not None and then is None else None
        words = (
            of_entry(reader, monitor.configuration, registered, now)
            if registered is not None and not options.json
            else []
        )
    others: list[StatusRow] = []
    if key is not None:
        if key not in shown:
            raise unknown_entry(key, shown, then=utc(then) if then else "")
        if not surface and key == entry:
            others = [row for row in rows if row.key.partition(AT)[0] == key and row.key != key]
        rows = [row for row in rows if row.key == key]
    if options.json:
        shapes = {
            row.key: documents.of_row(row, then or now, gate.get(row.key), costs[row.key]) for row in (*rows, *others)
        }
        output.as_json(list(shapes.values()) if key is not None and not others else documents.by_entry(shapes))
    elif key is not None:
        _print_one(rows[0], gate.get(key), costs[key], words, now, at=then or now)
        for row in others:
            line = f"{row.status}: {row.reason} (access-monitor status {row.key})"
            click.echo(f"{'also on':<{_LABEL}}{output.printable(f'{row.surface}, {line}')}")
    elif rows:
        _print_all(rows, gate, then or now, past=then is not None)
    else:
        output.note("The registry is empty; `access-monitor poll` loads the configuration.")


@command(
    "why",
    table=True,
    examples=(
        "access-monitor why gpt-5.6-luna",
        "access-monitor why gpt-5.6-luna --at 2026-07-30",
        "access-monitor why gpt-5.6-luna --json",
    ),
)
@click.argument("entry", shell_complete=complete_entries)
@surface_option
@time_option("--at", "As recorded at TIME: RFC 3339, a date, or '2h ago'.")
@click.pass_obj
def why(options: Options, *, entry: str, surface: str, at: Moment | None) -> None:
    """Explain a status: events and evidence, in words.

    The nearest event comes first; its causes are indented below it. With --at, what production was answered is left
    out.
    """
    from monitor.audit import documents, queries
    from monitor.audit.agreement import of_entry
    from monitor.audit.production import production_answers
    from monitor.gate.state import Production
    from monitor.registry.lookup import find_row, unknown_entry

    with opened(options) as monitor, monitor.store.read() as reader:
        now = monitor.clock()
        then = at.resolve(now) if at else None
        entries = queries.entries(reader, at=then)
        entry = find_row(entries, entry, surface)
        if entry not in entries:
            raise unknown_entry(entry, entries, then=utc(then) if then else "")
        words = of_entry(reader, monitor.configuration, entries[entry], now) if then is None else []
        steps = queries.why(reader, entry, at=then)
        rows = queries.status(reader, monitor.configuration, at=then, now=now, judged=(entry,))
        row = next(row for row in rows if row.key == entry)
        gate = Production(reader, monitor.configuration, now) if then is None else None
        answer = None if gate is None else production_answers(gate, (entry,))[entry]
        denied = _denied(row, answer)
    if options.json:
        claims = [{"source": w.fact.source, "field": w.fact.meter.field, "amount": w.fact.amount} for w in words]
        sources = [{**claim, **documents.of_agreement(word)} for claim, word in zip(claims, words, strict=True)]
        output.as_json(
            {
                **documents.of_status(row, then or now),
                "production": documents.of_production(answer),
                "chain": documents.of_chain(steps),
                "prices": sources,
            }
        )
        return
    was = f"was at {both(then)}" if then else "is"
    head = f"{output.colour(row.key, output.BOLD)} {was} {output.status(row.status)} since {both(row.since)}"
    click.echo(f"{head}: {output.printable(row.reason)}." if row.reason else f"{head}.")
    for line in denied:
        click.echo(output.printable(f"  {line}: see `access-monitor checklist {row.key}`"))
    for step in steps:
        click.echo(output.printable(_step(step)))
    if questions := _asked(row):
        click.echo(output.printable(f"  {questions}"))
    if row.access is not None:
        click.echo(output.printable(f"  access {row.access.in_words}"))
    for window in row.windows:
        click.echo(output.printable(f"  maintenance {maintenance.in_words(window, then or now)}"))
    for line in agreement.lines(words):
        click.echo(output.printable(f"  prices at {line}"))
    if row.status in _NEXT and then is None:
        output.note(f"Next: {_NEXT[row.status].format(key=row.key, position=row.position)}")


@command(
    "checklist",
    table=True,
    examples=("access-monitor checklist gpt-5.6-luna", "access-monitor checklist gpt-5.6-luna --json"),
)
@click.argument("entry", shell_complete=complete_entries)
@surface_option
@time_option("--at", "As recorded at TIME: RFC 3339, a date, or '2h ago'.")
@click.pass_obj
def checklist(options: Options, *, entry: str, surface: str, at: Moment | None) -> None:
    """Show every readiness check of an entry.

    Each with its state, since when and until when it holds, who verified it and on what evidence. A blank is
    unverified. Also shows how the fallback differs, and for a paused entry which pins a resumption would change.
    """
    from monitor.audit import documents, queries
    from monitor.core.check_names import EVALS
    from monitor.gate.state import Production
    from monitor.registry.acceptance import acceptance, mend
    from monitor.registry.checklist import FALLBACK
    from monitor.registry.evals import matrix
    from monitor.registry.fallbacks import compared
    from monitor.registry.lookup import find_entry

    if at is not None:
        _checklist_then(options, entry, surface, at)
        return
    with opened(options) as monitor, monitor.store.read() as reader:
        now = monitor.clock()
        entry = row_of(monitor, entry, surface)
        rows = queries.complete(queries.checks(reader, monitor.configuration, entry), now)
        entries = reader.entries()
        registered = find_entry(entries, entry)
        comparison = matrix(registered, entries)
        accepted = acceptance(reader, monitor.configuration, registered, now, Production)
        fallback, differences = compared(registered, Production(reader, monitor.configuration, now))
        mends = {
            row.name: mend(monitor.configuration, registered, row.name, row.check.state)
            for row in rows
            if (row.required_in or row.required_for or row.asked) and row.check.state is not CheckState.VERIFIED
        }
    if options.json:
        laid_out: dict[str, object] = {} if comparison is None else {EVALS: comparison.as_json()}
        if fallback:
            laid_out[FALLBACK] = {"fallback": fallback, "differences": [asdict(line) for line in differences]}
        output.as_json([{**documents.of_check(row), "comparison": laid_out.get(row.name)} for row in rows])
        return
    _print_checks(rows)
    if differences:
        click.echo()
        click.echo(output.printable(f"Its fallback {fallback}: {'; '.join(line.words for line in differences)}."))
    if comparison is not None:
        click.echo()
        papers.comparison(comparison)
    if registered.status is Status.PAUSED or accepted.asks:
        click.echo()
        accepting.asks(accepted)
        accepting.pins(accepted.compared)
    if mends:
        output.note(f"Needed and not verified: {', '.join(mends)}.")
    for name, how in mends.items():
        output.note(f"  {name}: {how}")


def _checklist_then(options: Options, entry: str, surface: str, at: Moment) -> None:
    """Show the checks of an entry as they were recorded at a time; how its fallback differed is not in the log."""
    from monitor.audit import documents, queries
    from monitor.core.check_names import EVALS
    from monitor.registry.evals import matrix
    from monitor.registry.lookup import find_row, unknown_entry

    with opened(options) as monitor, monitor.store.read() as reader:
        then = at.resolve(monitor.clock())
        entries = queries.entries(reader, at=then)
        row_key = find_row(entries, entry, surface)
        if row_key not in entries:
            raise unknown_entry(row_key, entries, then=utc(then))
        rows = queries.complete(queries.checks(reader, monitor.configuration, row_key, at=then), then)
        comparison = matrix(entries[row_key], entries)
    if options.json:
        evals = None if comparison is None else comparison.as_json()
        output.as_json(
            [{**documents.of_check(row), "comparison": evals if row.name == EVALS else None} for row in rows]
        )
        return
    _print_checks(rows)
    if comparison is not None:
        click.echo()
        papers.comparison(comparison)


def _print_checks(rows: Sequence[CheckRow]) -> None:
    output.table(
        ("CHECK", "NEEDED", "STATE", "VERIFIED", "UNTIL", "BY", "ON WHAT"),
        [
            (
                row.name,
                _needed(row),
                row.check.state.value,
                both(row.verified_at) if row.verified_at else "",
                both(row.check.until) if row.check.until else "",
                row.check.by,
                "; ".join(part for part in (row.check.url, _short(row.check.evidence), row.check.note) if part),
            )
            for row in rows
        ],
        coloured="STATE",
    )


def _needed(row: CheckRow) -> str:
    """Return where a check is needed, and whether it is asked for again; what a person went on without says so."""
    return ", ".join(
        [
            *("yes" if environment == PRODUCTION else environment for environment in row.required_in),
            *(f"for {caller}" for caller in row.required_for),
            *(["again"] if row.asked else []),
            *(["waived"] if row.waived else []),
        ]
    )


def _denied(row: StatusRow, given: ProductionAnswer | None) -> list[str]:
    """Say that production is denied an active entry, and why; its status alone would mislead."""
    if given is None or given.allowed or row.status != Status.ACTIVE:
        return []
    return [f"denied in production now, {given.reason}"]


def _print_all(rows: Sequence[StatusRow], gate: Mapping[str, ProductionAnswer], now: datetime, *, past: bool) -> None:
    from monitor.audit.production import status_in_words

    def when(at: datetime | None) -> str:
        return "" if at is None else both(at) if past else f"{rounded(now - at)} ago"

    output.table(
        ("ENTRY", "STATUS", "MODEL", "SINCE", "VERIFIED", "POSITION", "OWNERS", "FALLBACK", "REASON"),
        [
            (
                row.key,
                status_in_words(row.status, gate.get(row.key)),
                row.model_id,
                utc(row.since),
                when(row.verified_at),
                str(row.position),
                ", ".join(row.owners),
                row.fallback,
                "; ".join(
                    [
                        *_denied(row, gate.get(row.key)),
                        row.reason,
                        *_people(row),
                        *(f"maintenance until {utc(w.end)}" for w in row.windows if w.open(now)),
                    ]
                ),
            )
            for row in rows
        ],
        coloured="STATUS",
        numbers=("POSITION",),
    )


def _print_one(
    row: StatusRow,
    given: ProductionAnswer | None,
    priced: PricedEntry,
    words: Sequence[PriceComparison],
    now: datetime,
    *,
    at: datetime,
) -> None:
    from monitor.audit.production import status_in_words

    verified = f"{both(row.verified_at)}, {rounded(now - row.verified_at)} ago" if row.verified_at else "never"
    lines = (
        ("entry", f"{row.key} ({row.name})" if row.name else row.key),
        ("status", output.status(status_in_words(row.status, given))),
        ("reason", row.reason),
        *(("gate", line) for line in _denied(row, given)),
        ("since", both(row.since)),
        ("model", row.model_id or "blank"),
        ("access", "" if row.access is None else row.access.in_words),
        ("verified", verified),
        ("position", str(row.position)),
        ("owners", ", ".join(row.owners)),
        ("fallback", row.fallback or "none"),
        ("asked", _asked(row)),
        ("to resume" if row.status == Status.PAUSED else "asks for", ", ".join(row.asks)),
        ("waived", ", ".join(row.waived)),
        ("who has it", _holder(row)),
        ("silent", "" if row.silence is None else silence_in_words(row.silence)),
        *(("expected", maintenance.in_words(window, at)) for window in row.windows),
        *terms.lines(priced, now),
        *(("stale", line) for line in agreement.lines(words, overtaken=True)),
    )
    for name, value in lines:
        if value:
            click.echo(f"{name:<{_LABEL}}{value if name == 'status' else output.printable(value)}")


def _people(row: StatusRow) -> list[str]:
    """Return in brief who has a pause in hand, and until when an entry is silent."""
    holder = row.acknowledged
    # Who paused it by hand is named by the pause.
    people = [] if holder is None or holder.at == row.since else [f"acknowledged by {in_hand(holder)}"]
    return people + ([] if row.silence is None else [f"silent until {utc(row.silence.until)}"])


def _holder(row: StatusRow) -> str:
    """Return who has a running pause in hand; empty where nothing is paused."""
    if row.status != Status.PAUSED:
        return ""
    if row.acknowledged is None:
        return f"nobody yet: access-monitor ack {row.key} --by YOU"
    return f"{in_hand(row.acknowledged)}, since {both(row.acknowledged.at)}"


def _asked(row: StatusRow) -> str:
    """Return what waits for a second person, and the command that confirms it."""
    from monitor.registry.acceptance import COMMANDS

    if row.approval is None:
        return ""
    approval = row.approval
    act = COMMANDS[approval.act]
    command = f"access-monitor {act} {row.key} --by YOU --reason WHY --expect {approval.expect}"
    return f"{approval.by} asked to {act} it at position {approval.position}; another person confirms: {command}"


def _step(step: ChainStep) -> str:
    event = step.recorded.event
    origin = " ".join(part for part in (event.source and f"at {event.source}", _short(event.evidence)) if part)
    whence = f" [{origin}]" if origin else ""
    lead = "  " * (step.depth + 1) + ("because " if step.depth else "")
    return (
        f"{lead}{event.position}  {both(event.occurred_at)}  {event.type}  {event.subject}  {in_words(event)}{whence}"
    ).rstrip()


def _short(evidence: str) -> str:
    return f"evidence {evidence.removeprefix('sha256:')[:_DIGITS]}" if evidence else ""
