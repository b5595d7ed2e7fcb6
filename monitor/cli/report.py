"""`report`: the internal rollout page of an entry. What is confirmed stands apart from what must still be checked, and
every blank is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from monitor import __version__
from monitor.cli import agreement, output
from monitor.cli.framework import Options, command
from monitor.cli.names import complete_entries
from monitor.cli.opening import opened
from monitor.cli.papers import cells
from monitor.cli.report_page import (
    Block,
    Cell,
    CellState,
    Items,
    Link,
    ReportPage,
    ReportSection,
    ReportTable,
    html,
    is_web,
    markdown,
)
from monitor.cli.surface import row_of, surface_option
from monitor.cli.terms import lines as price_lines
from monitor.core.check_names import CHECKS
from monitor.core.cost import in_order, money
from monitor.core.entry import CheckState
from monitor.core.events import SYSTEM, rfc3339
from monitor.core.facts import Value
from monitor.core.moments import utc
from monitor.core.price import PREFIX, Meter, spoken
from monitor.core.text import value_in_words
from monitor.core.time import rounded
from monitor.registry.monthly import usd

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.audit.controls import ControlMap
    from monitor.audit.pauses import Pause
    from monitor.audit.queries import CheckRow
    from monitor.audit.report import Report
    from monitor.registry.evals import EvalMatrix

FORMS = {"md": markdown, "html": html}


@command(
    "report",
    table=True,
    examples=(
        "access-monitor report gpt-5.6-luna",
        "access-monitor report gpt-5.6-luna --format html > gpt-5.6-luna.html",
    ),
)
@click.argument("entry", shell_complete=complete_entries)
@surface_option
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMS)),
    help="Markdown, the default, or one self-contained HTML file.",
)
@click.pass_obj
def report(options: Options, *, entry: str, surface: str, form: str | None) -> None:
    """Write the rollout page of an entry.

    What is confirmed and what must be checked, prices with dates, the checklist with its blanks, evals beside
    production's model, the history of pauses, and open questions. At the end stands what the log shows of controls
    (OWASP AISVS, EU AI Act, ISO/IEC 42001), and what it does not.
    """
    if options.json and form is not None:
        raise click.UsageError(f"--json and --format {form} ask for two formats: give one of them.")
    from monitor.audit.report import report as gather

    with opened(options) as monitor, monitor.store.read() as reader:
        rollout = gather(reader, monitor.configuration, row_of(monitor, entry, surface), now=monitor.clock())
    if options.json:
        output.as_json(_as_json(rollout))
    else:
        click.echo(FORMS[form or "md"](page(rollout)), nl=False)


def page(of: Report) -> ReportPage:
    """Return the page of a report; what there is nothing to say about is said to be nothing."""
    from monitor.audit import queries

    checks = queries.complete(of.checks, of.at)
    return ReportPage(
        title=f"{of.row.name or of.row.key}: rollout report",
        lead=f"Entry {of.row.key}, as recorded on {utc(of.at)} at position {of.head} of its log.",
        sections=(
            ReportSection(title="Status", blocks=tuple(_standing(of))),
            ReportSection(title="Access by route", blocks=tuple(_access(of))),
            ReportSection(title="Open questions", blocks=_or_none(Items(items=of.questions), of.questions, "None.")),
            ReportSection(title="Confirmed", blocks=tuple(_confirmed(of, checks))),
            ReportSection(title="Must be checked", blocks=tuple(_to_check(checks))),
            ReportSection(title="Prices", blocks=tuple(_prices(of))),
            ReportSection(title="Checklist", blocks=(_checklist(checks),)),
            ReportSection(title="The fallback beside it", blocks=tuple(_fallback(of))),
            ReportSection(title="Evals beside current production", blocks=tuple(_evals(of))),
            ReportSection(title="Usage and cost", blocks=tuple(_usage(of))),
            ReportSection(title="What comes on a day", blocks=_dated(of)),
            ReportSection(title="Pauses", blocks=tuple(_pauses(of))),
            ReportSection(title="What this log shows of controls", blocks=tuple(_controls(of.controls))),
        ),
        footer=(
            f"access-monitor {__version__}. Prices in USD. What is blank is not known; nothing here is inferred "
            "from a name."
        ),
    )


def _standing(of: Report) -> Iterator[Block]:
    row, entry = of.row, of.entry
    verified = (
        f"{utc(row.verified_at)}, {rounded(of.at - row.verified_at)} ago" if row.verified_at else "never as a whole"
    )
    rows: list[tuple[str, Cell]] = [
        ("Status", CellState(str(row.status))),
        ("Because", row.reason),
        ("Production now", f"{'allowed' if of.production.allowed else 'denied'}: {of.production.reason}"),
        ("Since", utc(row.since)),
        ("Asks for", ", ".join(row.asks)),
        ("Last verified", verified),
        ("Planned for", entry.spec.use),
        *(("Model id", f"{model_id or 'blank'} on {surface}") for surface, model_id in entry.spec.surfaces.items()),
        ("Priced as", of.priced.terms.price_model or "blank"),
        ("Processing modes in use", ", ".join(entry.spec.tiers)),
        ("Family", of.priced.release.family),
        ("Released", of.priced.release.release),
        ("Stage", of.priced.release.stage_in_words),
        ("Announcement", Link(entry.spec.announcement) if entry.spec.announcement else ""),
        ("Touches", ", ".join(entry.spec.touches)),
        *((f"Touches, by {caller}", ", ".join(kinds)) for caller, kinds in entry.spec.touches_by.items()),
        ("Owners", ", ".join(row.owners)),
        ("Fallback", row.fallback or "none"),
        ("Callers", ", ".join(entry.spec.callers)),
    ]
    if of.accepted is not None:
        data = of.accepted.event.data
        rows.append(
            (
                "Accepted",
                (
                    f"by {data['by']} on {utc(of.accepted.event.occurred_at)}: {data['reason']} (position "
                    f"{of.accepted.event.position})"
                ),
            )
        )
    yield ReportTable(headers=("Field", "Value"), rows=[line for line in rows if line[1]])


def _access(of: Report) -> Iterator[Block]:
    """Yield the verdict of access and how each route stands, as `status --json` has them."""
    access = of.row.access
    if access is None:
        yield "Not judged: what each route said in the past is in the log."
        return
    yield f"Access to the model is {access.state}."
    rows: list[tuple[Cell, ...]] = [
        (
            route.route,
            CellState(str(route.state)),
            str(route.polls or ""),
            _when(route.since),
            route.answer,
            route.source,
            "yes" if route.pinned else "",
        )
        for route in access.routes
    ]
    headers = ("Route", "State", "Polls", "Since", "Answers", "Source", "Pinned")
    yield from _or_none(ReportTable(headers=headers, rows=rows), rows, "No route is watched.")


def _confirmed(of: Report, checks: Sequence[CheckRow]) -> Iterator[Block]:
    rows: list[tuple[Cell, ...]] = [
        (line.what, line.value, utc(line.seen_at) if line.seen_at else "", "") for line in of.confirmed
    ]
    rows += [
        (CHECKS.get(row.name, row.name), row.name, _when(row.verified_at), _by(row))
        for row in checks
        if row.check.state is CheckState.VERIFIED
    ]
    yield from _or_none(
        ReportTable(headers=("What", "Value", "Last seen or verified", "By"), rows=rows), rows, "Nothing yet."
    )


def _to_check(checks: Sequence[CheckRow]) -> Iterator[Block]:
    open_ = [row for row in checks if row.check.state is not CheckState.VERIFIED]
    needed, others = (
        [
            (CHECKS.get(row.name, row.name), row.name, CellState(row.check.state.value))
            for row in open_
            if bool(row.required or row.required_for or row.asked) is wanted
        ]
        for wanted in (True, False)
    )
    headers = ("What", "Check", "State")
    yield from _or_none(ReportTable(headers=headers, rows=needed), needed, "Nothing: every needed check is verified.")
    if others:
        yield "Not required, and not verified either:"
        yield ReportTable(headers=headers, rows=others)


def _meter(meter: Meter) -> str:
    name = meter.meter.replace("_", " ") if meter.modality == "text" else f"{meter.modality} {meter.meter}"
    return f"{name} ({meter.condition})" if meter.condition else name


def _prices(of: Report) -> Iterator[Block]:
    accepted = {pin.field: str(pin.value) for pin in of.entry.pins}
    rows: list[tuple[Cell, ...]] = [
        (
            *word.fact.meter[:2],
            _meter(word.fact.meter),
            spoken(word.fact.amount),
            spoken(accepted[word.fact.meter.field]) if word.fact.meter.field in accepted else "",
            _when(word.fact.since),
            _when(word.fact.verified_at),
            word.fact.source,
            agreement.cell(word) or "official",
        )
        for word in of.words
    ]
    numbers = ("USD per 1M tokens", "Accepted")
    headers = ("Tier", "Context", "Meter", *numbers, "Since", "Last seen", "Source", "Stands")
    yield from _or_none(
        ReportTable(headers=headers, rows=rows, numbers=numbers), rows, "No source states a price of it."
    )
    lines = [text for label, text in price_lines(of.priced, of.at) if label == "price"]
    if rows and lines:
        yield "In the registry's terms, cached reads and cache writes beside input:"
        yield Items(items=lines)
    if of.priced.urls:
        yield ReportTable(headers=("Stated at",), rows=[(Link(url),) for url in of.priced.urls])


def _fallback(of: Report) -> Iterator[Block]:
    if not of.fallback:
        yield "No fallback is declared."
        return
    rows: list[tuple[Cell, ...]] = [
        (line.what.removeprefix(PREFIX), _stated(line.before), _stated(line.after), line.words)
        for line in of.differences
    ]
    headers = ("What", of.row.key, of.fallback, "Difference")
    yield from _or_none(
        ReportTable(headers=headers, rows=rows), rows, f"No source states a difference to {of.fallback}."
    )


def _stated(value: Value | None) -> str:
    """Say a value that a source states; what none states is a blank."""
    return "" if value is None else "no" if value is False else value_in_words(value)


def _checklist(checks: Sequence[CheckRow]) -> Block:
    def proof(row: CheckRow) -> Cell:
        parts = [
            row.check.note,
            f"evidence {row.check.evidence.removeprefix('sha256:')[:12]}" if row.check.evidence else "",
        ]
        if is_web(row.check.url) and not any(parts):
            return Link(row.check.url)
        return "; ".join(part for part in (row.check.url, *parts) if part)

    return ReportTable(
        headers=("Check", "Needed", "State", "Verified", "Until", "By", "On what"),
        rows=[
            (
                row.name,
                "yes" if row.required else ", ".join(f"for {caller}" for caller in row.required_for),
                CellState(row.check.state.value),
                _when(row.verified_at),
                _when(row.check.until),
                _by(row),
                proof(row),
            )
            for row in checks
        ],
    )


def _comparison(of: EvalMatrix) -> Iterator[Block]:
    least = f", {of.plan.samples} samples of each at least" if of.plan.samples else ""
    yield f"Candidate: {', '.join(of.candidate) or 'no model id yet'}. Production: {of.plan.baseline}{least}."
    numbers = ("Candidate", "Production")
    yield ReportTable(
        headers=("Suite", "Metric", *numbers, "Samples", "Handed in"),
        rows=[cells(row) for row in of.rows],
        numbers=numbers,
    )
    yield f"Missing: {', '.join(of.missing)}." if of.missing else "Every suite is filled for both."


def _evals(of: Report) -> Iterator[Block]:
    if of.comparison is not None:
        yield from _comparison(of.comparison)
        return
    if of.compared is None:
        yield "No results were handed in."
        return
    event = of.compared.event
    evals: dict[str, Any] = event.data["evals"]
    name = evals["baseline"]["name"] if evals["baseline"] else "no baseline was named"
    files = ", ".join(
        f"{file['format']} ({str(file['evidence']).removeprefix('sha256:')[:12]})" for file in evals["files"]
    )
    yield (
        f"Handed in by {event.data['by']} on {utc(event.occurred_at)}: {files}. An empty cell is one where nothing ran."
    )
    numbers = ("Candidate", "Production")
    yield f"Candidate: {', '.join(evals['candidate'])}. Production: {name}."
    yield ReportTable(
        headers=("Suite", "Metric", *numbers, "Samples"),
        rows=[
            (
                row["suite"] or "all",
                row["metric"],
                row["candidate"] or "",
                row["baseline"] or "",
                " / ".join("–" if count is None else str(count) for count in row["samples"]),
            )
            for row in evals["rows"]
        ],
        numbers=numbers,
    )
    if evals["ignored"]:
        yield f"Ignored, being of neither model: {', '.join(evals['ignored'])}."


def _usage(of: Report) -> Iterator[Block]:
    if of.sampled is not None:
        sample: dict[str, Any] = of.sampled.event.data["logging"]
        yield (
            f"A sample of {output.plural(sample['requests'], 'request')} from {sample['from']} to {sample['to']}: "
            f"{output.plural(sample['errors'], 'error')}, "
            f"{sample['retries']} tried again, {sample['cost']} USD."
        )
    if of.spending is None:
        yield "What production uses in a month is not known."
        return
    meters = in_order(of.spending.usage)
    yield f"A month of the {of.spending.known} usage, in short context, at the official prices of now:"
    columns = tuple(meter.replace("_", " ") for meter in meters)
    rows: list[tuple[Cell, ...]] = [("tokens", *(f"{tokens:,}" for tokens in meters.values()), "")]
    for tier, spent in of.spending.tiers.items():
        parts = (spent.parts[meter] for meter in meters)
        shown = ("" if part is None else spoken(money(part)) for part in parts)
        rows.append((f"{tier}, USD", *shown, "" if spent.total is None else usd(spent.total)))
    yield ReportTable(headers=("", *columns, "Together"), rows=rows, numbers=(*columns, "Together"))


def _dated(of: Report) -> tuple[Block, ...]:
    rows: list[tuple[Cell, ...]] = [
        (deadline.day.isoformat(), deadline.what, deadline.text, deadline.source) for deadline in of.dated
    ]
    return _or_none(ReportTable(headers=("Day", "Kind", "What", "Source"), rows=rows), rows, "Nothing is announced.")


def _pauses(of: Report) -> Iterator[Block]:
    rows = [_pause(of, pause) for pause in of.pauses]
    headers = ("From", "To", "For", "What changed", "Ended by", "Position")
    yield from _or_none(ReportTable(headers=headers, rows=rows), rows, "It was never paused.")


def _pause(of: Report, one: Pause) -> tuple[Cell, ...]:
    began, ended = one.began.event, one.ended.event if one.ended else None
    reasons = [str(each.event.data["reason"]) for each in (one.began, *one.extended)]
    by = f" ({began.data['by']})" if began.data.get("by") else ""
    lasted = (ended.occurred_at if ended else of.at) - began.occurred_at
    end = "it lasts"
    if ended is not None:
        words = (str(ended.data.get("by", "")), str(ended.data.get("reason", "")))
        end = f"{ended.type.partition('.')[2]}: {', '.join(word for word in words if word)}"
    return (
        utc(began.occurred_at),
        utc(ended.occurred_at) if ended else "",
        rounded(lasted),
        "; then ".join(reasons) + by,
        end,
        str(began.position),
    )


def _controls(of: ControlMap) -> Iterator[Block]:
    since = f"It goes back to {utc(of.since)}, and the counts are of all of it." if of.since else "It is empty."
    yield f"This is no statement of conformity: each row says what the events show and what they do not. {since}"
    rows: list[tuple[Cell, ...]] = [
        (
            row.control.name,
            row.control.asks,
            ", ".join(f"{counted.type} {counted.count:,}" for counted in row.counts),
            row.control.shows,
            row.control.lacks,
        )
        for row in of.rows
    ]
    yield ReportTable(headers=("Control", "Asks for", "Events", "They show", "They do not show"), rows=rows)


def _as_json(of: Report) -> dict[str, Any]:
    """Return the report as plain JSON: the sections as they stand on the page, and the controls as data."""
    shown = page(of)
    return {
        "entry": of.row.key,
        "at": rfc3339(of.at),
        "position": of.head,
        "sections": [
            {"title": section.title, "blocks": [_block_json(block) for block in section.blocks]}
            for section in shown.sections
        ],
        "controls": {
            "since": rfc3339(of.controls.since) if of.controls.since else None,
            "rows": [
                {
                    "control": row.control.name,
                    "asks": row.control.asks,
                    "shows": row.control.shows,
                    "lacks": row.control.lacks,
                    "events": [
                        {
                            "type": counted.type,
                            "count": counted.count,
                            "last": rfc3339(counted.last) if counted.last else None,
                        }
                        for counted in row.counts
                    ],
                }
                for row in of.controls.rows
            ],
        },
    }


def _block_json(block: Block) -> object:
    if isinstance(block, ReportTable):
        cells = [[cell if isinstance(cell, str) else cell[0] for cell in row] for row in block.rows]
        return {"headers": list(block.headers), "rows": cells}
    return {"items": list(block.items)} if isinstance(block, Items) else {"text": block}


def _or_none(block: Block, content: Sequence[object], otherwise: str) -> tuple[Block, ...]:
    return (block,) if content else (otherwise,)


def _by(row: CheckRow) -> str:
    return "its sources" if row.check.by == SYSTEM else row.check.by


def _when(at: datetime | None) -> str:
    return utc(at) if at else ""
