"""`prices extract`: what the extractor reads from a saved page or feed. No database, no network, no configuration."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from monitor.cli import output
from monitor.cli.framework import Options, command
from monitor.cli.packed import unpacked
from monitor.cli.times import time_option
from monitor.core.events import rfc3339
from monitor.core.facts import Refusal
from monitor.core.moments import Moment
from monitor.core.names import no_such
from monitor.core.price import PriceRow, canonical, spoken

if TYPE_CHECKING:
    from datetime import datetime

PAGE = "pricing_page"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractReading:
    """What was read: under which format, by which extractor. `unreadable` is why nothing was, empty where something
    was.
    """

    format: str
    extractor: str
    rows: Sequence[PriceRow] = ()
    refused: Sequence[Refusal] = ()
    notes: Sequence[str] = ()
    unreadable: str = ""


@command(
    "extract",
    table=True,
    examples=(
        "access-monitor prices extract pricing.md",
        "access-monitor prices extract pricing.md --provider anthropic",
        "access-monitor prices extract pricing.md --at 2026-10-01",
        "access-monitor prices extract historical-v1.json --as llm_prices --json",
        "access-monitor evidence 3f9a2c41 | access-monitor prices extract -",
    ),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--as",
    "form",
    metavar="FORMAT",
    default="",
    help="pricing_page, or a feed's format such as llm_prices; recognised from the content by default.",
)
@click.option(
    "--provider",
    default="",
    help="Whose prices a page states, needed where the page does not say so; a feed says so itself.",
)
@time_option("--at", "Only the prices that hold at TIME; by default past and announced ones as well.")
@click.pass_obj
def extract(options: Options, *, file: str, form: str, provider: str, at: Moment | None) -> int:
    """Show what is read from a saved page or feed.

    Ends with 1 and the reason when it cannot be read. Past and announced prices are shown with their dates. FILE
    may be compressed with gzip or zstd; - reads standard input.
    """
    with click.open_file(file, "rb") as stream:
        content = stream.read()
    reading = read(content, form, provider)
    if at is not None:
        from monitor.app.bootstrap import utc_now

        when = at.resolve(utc_now())
        reading = replace(reading, rows=[row for row in reading.rows if row.effective(when)])
    if options.json:
        output.as_json(as_json(reading))
    elif not reading.unreadable:
        _print(reading)
    if reading.unreadable:
        click.echo(
            f"Error: {file} is unreadable as {reading.format}: {output.printable(reading.unreadable)}.", err=True
        )
        return 1
    return 0


def read(content: bytes, form: str, provider: str) -> ExtractReading:
    """Read a page or feed; without a format, the one that its content fits.

    Raises:
        click.UsageError: there is no such format.
    """
    from monitor.sources.feed import FORMATS

    if form and form != PAGE and form not in FORMATS:
        formats = (PAGE, *sorted(FORMATS))
        raise click.UsageError(no_such("format", form, formats, f"known are {', '.join(formats)}") + ".")
    try:
        content = unpacked(content)
    except ValueError as error:
        return ExtractReading(format=form or "page or feed", extractor="", unreadable=str(error))
    if _is_recording(content):
        why = "it is a recorded history of polls, which `access-monitor replay SOURCE=FILE` reads"
        return ExtractReading(format=form or "page or feed", extractor="", unreadable=why)
    if form == PAGE or (not form and not content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"["))):
        return _read_page(content, provider) if provider else _read_any_page(content)
    readings = [_read_feed(content, name) for name in ([form] if form else sorted(FORMATS))]
    fitting = [reading for reading in readings if not reading.unreadable]
    if len(fitting) == 1 or form or len(readings) == 1:
        return (fitting or readings)[0]
    names = ", ".join(reading.format for reading in fitting or readings)
    reasons = {reading.unreadable for reading in readings}
    if fitting:
        why = f"it reads as {names}: say which with --as"
    else:  # what is not even JSON is so under every format
        why = reasons.pop() if len(reasons) == 1 else f"it is none of {names}"
    return ExtractReading(format="feed", extractor="", unreadable=why)


def _is_recording(content: bytes) -> bool:
    """Return whether it is made of polls, one a line, rather than the answer of one."""
    try:
        first = json.loads(content.split(b"\n", 1)[0].decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    return isinstance(first, dict) and "observed_at" in first and "status" in first


def as_json(reading: ExtractReading) -> dict[str, object]:
    """Return the documented shape; dates, conditions and notes are additions."""
    return {
        "format": reading.format,
        "extractor": reading.extractor,
        "rows": [
            {
                "provider": row.provider,
                "model": row.model,
                "tier": row.tier,
                "context": row.context,
                "modality": row.modality,
                "meter": row.meter,
                "unit": row.unit,
                "currency": row.currency,
                "amount": canonical(row.amount),
                "valid_from": _date(row.valid_from),
                "valid_to": _date(row.valid_to),
                "condition": row.condition or None,
            }
            for row in reading.rows
        ],
        "refused": [{"where": refusal.where, "reason": refusal.reason} for refusal in reading.refused]
        or ([{"where": "the whole file", "reason": reading.unreadable}] if reading.unreadable else []),
        "notes": list(reading.notes),
    }


def _read_page(content: bytes, provider: str) -> ExtractReading:
    from monitor.core.facts import Body
    from monitor.sources import page, pricing_page
    from monitor.sources.extraction import Unreadable

    body = Body(content=content, sha256="", size=len(content))
    try:
        read = page.read(body, provider=provider, extract_rows=pricing_page.extract)
    except Unreadable as error:
        return ExtractReading(format=PAGE, extractor=pricing_page.EXTRACTOR, unreadable=error.reason)
    return ExtractReading(
        format=PAGE, extractor=pricing_page.EXTRACTOR, rows=read.rows, refused=read.refused, notes=read.notes
    )


def _read_any_page(content: bytes) -> ExtractReading:
    """Read a page of which nobody said whose it is: as that of the one provider that it names."""
    from monitor.sources.extraction import Unreadable
    from monitor.sources.pricing_page import EXTRACTOR
    from monitor.sources.pricing_page.publisher import publisher

    try:
        provider = publisher(content.decode("utf-8", "replace"))
    except Unreadable as error:
        return ExtractReading(format=PAGE, extractor=EXTRACTOR, unreadable=error.reason)
    return _read_page(content, provider)


def _read_feed(content: bytes, form: str) -> ExtractReading:
    from monitor.sources.extraction import Unreadable
    from monitor.sources.feed import FORMATS
    from monitor.sources.feed import read as read_feed

    extractor = FORMATS[form].extractor
    try:
        read = read_feed(content, form)
    except Unreadable as error:
        return ExtractReading(format=form, extractor=extractor, unreadable=error.reason)
    # What a page says of aliases is a sentence among its notes already.
    aliases = [
        f"{scope}/{name} currently points to {target}" for (scope, name), target in read.aliases.items() if target
    ]
    return ExtractReading(
        format=form, extractor=extractor, rows=read.rows, refused=read.refused, notes=(*read.notes, *aliases)
    )


def _print(reading: ExtractReading) -> None:
    dated = any(row.valid_from or row.valid_to for row in reading.rows)
    headers = ["PROVIDER", "MODEL", "TIER", "CONTEXT", "MODALITY", "METER", "AMOUNT", "UNIT"] + (
        ["FROM", "UNTIL"] if dated else []
    )
    conditional = any(row.condition for row in reading.rows)
    headers += ["WHERE"] if conditional else []
    rows = []
    for row in reading.rows:
        cells = [
            row.provider,
            row.model,
            *row.identity[:4],
            spoken(canonical(row.amount)),
            f"{row.currency} per {row.unit}",
        ]
        days = (_day(row.valid_from), _day(row.valid_to)) if dated else ()
        rows.append([*cells, *days, *((row.condition,) if conditional else ())])
    output.table(headers, rows, numbers=("AMOUNT",))
    for refusal in reading.refused:
        output.note(f"Refused: {refusal.where}: {refusal.reason}")
    for note in reading.notes:
        output.note(f"Note: {note}")
    output.note(
        f"{output.plural(len(reading.rows), 'price')} read by {reading.extractor}, {len(reading.refused)} refused."
    )


def _date(at: datetime | None) -> str | None:
    return rfc3339(at) if at else None


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d}" if at else ""
