"""`status`, `why` and `checklist`: the registry as it is or was, what brought it there, and what each entry still
lacks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING

import click

from monitor.cli import accepting, agreement, maintenance, output, terms
from monitor.cli.framework import Options, command
from monitor.cli.opening import opened
from monitor.cli.times import Moment, both, time_option, utc
from monitor.core.entry import Check, CheckState, Status
from monitor.core.event_types import in_words
from monitor.core.events import record, rfc3339
from monitor.core.time import rounded
from monitor.gate.client.verdict import PRODUCTION

if TYPE_CHECKING:
    from monitor.audit.agreement import PriceComparison
    from monitor.audit.queries import ChainStep, CheckRow, StatusRow
    from monitor.gate.decision import Answer
    from monitor.registry.terms import PricedEntry

_DIGITS = 8
"""How many digits of a hash are enough to ask for it."""

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
@click.argument("entry", required=False)
@time_option("--at", "As it was recorded at this time.")
@click.pass_obj
def status(options: Options, *, entry: str | None, at: Moment | None) -> None:
    """Show the registry, now or as it was.

    POSITION is what --expect of `activate` and `resume` takes. Times are RFC 3339, a date (its first moment, UTC), or
    relative ('2h ago').
    """
    from monitor.audit import queries
    from monitor.audit.agreement import of_entry
    from monitor.gate.state import production
    from monitor.registry.lookup import unknown_entry
    from monitor.registry.terms import priced

    with opened(options) as monitor, monitor.store.read() as reader:
        now = monitor.clock()
        then = at.resolve(now) if at else None
        rows = queries.status(reader, monitor.configuration, at=then)
        gate = production(reader, monitor.configuration, now) if then is None else {}
        shown = queries.entries(reader, at=then) if options.json or entry is not None else {}
        costs = priced(reader, monitor.configuration, shown, at=then)
        registered = shown.get(entry) if entry is not None and then is None else None
        words = (
            of_entry(reader, monitor.configuration, registered, now)
            if registered is not None and not options.json
            else []
        )
    if entry is not None:
        known = [row.key for row in rows]
        if entry not in known:
            raise unknown_entry(entry, known, then=utc(then) if then else "")
        rows = [row for row in rows if row.key == entry]
    if options.json:
        output.as_json(
            [
                {
                    **status_json(row, then or now),
                    "production": _answer_json(gate.get(row.key)),
                    **terms.as_json(costs[row.key]),
                }
                for row in rows
            ]
        )
    elif entry is not None:
        _print_one(rows[0], gate.get(entry), costs[rows[0].key], words, now, at=then or now)
    elif rows:
        _print_all(rows, gate, then or now, past=then is not None)
    else:
        output.note("The registry is empty; `access-monitor poll` loads the configuration.")


@command("why", table=True, examples=("access-monitor why gpt-5.6-luna", "access-monitor why gpt-5.6-luna --json"))
@click.argument("entry")
@click.pass_obj
def why(options: Options, *, entry: str) -> None:
    """Explain a status: events and evidence, in words.

    The nearest event comes first; what led to an event stands below it, further in.
    """
    from monitor.audit import queries
    from monitor.audit.agreement import of_entry
    from monitor.gate.state import production
    from monitor.registry.lookup import find_entry

    with opened(options) as monitor, monitor.store.read() as reader:
        words = of_entry(reader, monitor.configuration, find_entry(reader.entries(), entry), monitor.clock())
        steps = queries.why(reader, entry)
        now = monitor.clock()
        row = next(row for row in queries.status(reader, monitor.configuration) if row.key == entry)
        denied = _denied(row, production(reader, monitor.configuration, now)[entry])
    if options.json:
        chain = [{"depth": step.depth, **record(step.recorded)} for step in steps]
        claims = [{"source": w.fact.source, "field": w.fact.meter.field, "amount": w.fact.amount} for w in words]
        sources = [{**claim, **agreement.as_json(word)} for claim, word in zip(claims, words, strict=True)]
        output.as_json({**status_json(row, now), "chain": chain, "prices": sources})
        return
    head = f"{output.colour(row.key, output.BOLD)} is {output.status(row.status)} since {both(row.since)}"
    click.echo(f"{head}: {output.printable(row.reason)}." if row.reason else f"{head}.")
    for line in denied:
        click.echo(output.printable(f"  {line}: see `access-monitor checklist {row.key}`"))
    for step in steps:
        click.echo(output.printable(_step(step)))
    if questions := _asked(row):
        click.echo(output.printable(f"  {questions}"))
    for window in row.windows:
        click.echo(output.printable(f"  maintenance {maintenance.in_words(window, now)}"))
    for line in agreement.lines(words):
        click.echo(output.printable(f"  prices at {line}"))
    if row.status in _NEXT:
        output.note(f"Next: {_NEXT[row.status].format(key=row.key, position=row.position)}")


@command(
    "checklist",
    table=True,
    examples=("access-monitor checklist gpt-5.6-luna", "access-monitor checklist gpt-5.6-luna --json"),
)
@click.argument("entry")
@click.pass_obj
def checklist(options: Options, *, entry: str) -> None:
    """Show every readiness check of an entry.

    Each with its state, since when and until when it holds, and who verified it on what. A blank is a check that nobody
    and nothing has verified. Below stands in what its fallback differs, and for a paused entry the pins that a
    resumption would move, old and new side by side.
    """
    from monitor.audit import queries
    from monitor.core.check_names import CHECKS
    from monitor.gate.state import Production
    from monitor.registry.acceptance import acceptance, mend
    from monitor.registry.checklist import FALLBACK
    from monitor.registry.fallbacks import compared
    from monitor.registry.lookup import find_entry

    with opened(options) as monitor, monitor.store.read() as reader:
        now = monitor.clock()
        rows = complete(queries.checks(reader, monitor.configuration, entry), CHECKS, now)
        registered = find_entry(reader.entries(), entry)
        accepted = acceptance(reader, monitor.configuration, registered, now, Production)
        fallback, differences = compared(registered, Production(reader, monitor.configuration, now))
        mends = {
            row.name: mend(monitor.configuration, registered, row.name, row.check.state)
            for row in rows
            if (row.required_in or row.asked) and row.check.state is not CheckState.VERIFIED
        }
    if options.json:
        comparison = {"fallback": fallback, "differences": [asdict(line) for line in differences]}
        beside = {FALLBACK: {"comparison": comparison}} if fallback else {}
        output.as_json([{**check_json(row, CHECKS), **beside.get(row.name, {})} for row in rows])
        return
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
    if differences:
        click.echo()
        click.echo(output.printable(f"Its fallback {fallback}: {'; '.join(line.words for line in differences)}."))
    if registered.status is Status.PAUSED:
        click.echo()
        if accepted.asked:
            click.echo(f"The pause asks for: {', '.join(accepted.asked)}.")
        accepting.pins(accepted.compared)
    if mends:
        output.note(f"Needed and not verified: {', '.join(mends)}.")
    for name, how in mends.items():
        output.note(f"  {name}: {how}")


def _needed(row: CheckRow) -> str:
    """Return where a check is needed, and whether for the running pause; what a person went on without says so."""
    return ", ".join(
        [
            *("yes" if environment == PRODUCTION else environment for environment in row.required_in),
            *(["to resume"] if row.asked else []),
            *(["waived"] if row.waived else []),
        ]
    )


def complete(rows: Sequence[CheckRow], known: Mapping[str, str], now: datetime) -> list[CheckRow]:
    """Return all checks there are, those without a word about them as blanks; a word whose date has passed is stale."""
    from monitor.audit.queries import CheckRow

    named = {row.name for row in rows}
    blanks = [
        CheckRow(name=name, required=False, check=Check(), verified_at=None) for name in known if name not in named
    ]
    return [*(_judged(row, now) for row in rows), *blanks]


def status_json(row: StatusRow, at: datetime) -> dict[str, object]:
    """Return an entry for scripts, in the documented shape."""
    times: dict[str, object] = {
        "since": rfc3339(row.since),
        "verified_at": rfc3339(row.verified_at) if row.verified_at else None,
    }
    times["windows"] = maintenance.as_json(row.windows, at)
    return {**asdict(row), **times, "status": str(row.status), "owners": list(row.owners)}


def check_json(row: CheckRow, known: Mapping[str, str]) -> dict[str, object]:
    """Return a check for scripts; what is blank is null."""
    check = row.check
    return {
        "check": row.name,
        "about": known.get(row.name, ""),
        "required": row.required,
        "required_in": list(row.required_in),
        "asked": row.asked,
        "waived": row.waived,
        "state": check.state.value,
        "verified_at": rfc3339(row.verified_at) if row.verified_at else None,
        "until": rfc3339(check.until) if check.until else None,
        "by": check.by or None,
        "url": check.url or None,
        "note": check.note or None,
        "evidence": check.evidence or None,
        "position": check.position,
    }


def _judged(row: CheckRow, now: datetime) -> CheckRow:
    until = row.check.until
    if row.check.state is CheckState.VERIFIED and until is not None and until <= now:
        return replace(row, check=replace(row.check, state=CheckState.STALE))
    return row


def _answer_json(given: Answer | None) -> dict[str, object] | None:
    return None if given is None else {"allowed": given.allowed, "reason": given.reason}


def _denied(row: StatusRow, given: Answer | None) -> list[str]:
    """Say that production is denied an active entry, and why; its status alone would let people confirm otherwise."""
    if given is None or given.allowed or row.status != Status.ACTIVE:
        return []
    return [f"denied in production now, {given.reason}"]


def _print_all(rows: Sequence[StatusRow], gate: Mapping[str, Answer], now: datetime, *, past: bool) -> None:
    def when(at: datetime | None) -> str:
        return "" if at is None else both(at) if past else f"{rounded(now - at)} ago"

    output.table(
        ("ENTRY", "STATUS", "MODEL", "SINCE", "VERIFIED", "POSITION", "OWNERS", "FALLBACK", "REASON"),
        [
            (
                row.key,
                str(row.status),
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
    given: Answer | None,
    priced: PricedEntry,
    words: Sequence[PriceComparison],
    now: datetime,
    *,
    at: datetime,
) -> None:
    verified = f"{both(row.verified_at)}, {rounded(now - row.verified_at)} ago" if row.verified_at else "never"
    lines = (
        ("entry", f"{row.key} ({row.name})" if row.name else row.key),
        ("status", output.status(str(row.status))),
        ("reason", row.reason),
        *(("gate", line) for line in _denied(row, given)),
        ("since", both(row.since)),
        ("model", row.model_id or "blank"),
        ("verified", verified),
        ("position", str(row.position)),
        ("owners", ", ".join(row.owners)),
        ("fallback", row.fallback or "none"),
        ("asked", _asked(row)),
        ("to resume", ", ".join(row.asked)),
        ("waived", ", ".join(row.waived)),
        *(("expected", maintenance.in_words(window, at)) for window in row.windows),
        *terms.lines(priced, now),
        *(("stale", line) for line in agreement.lines(words, overtaken=True)),
    )
    for name, value in lines:
        if value:
            click.echo(f"{name:<10}{value if name == 'status' else output.printable(value)}")


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
