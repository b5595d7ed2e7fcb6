"""A provider's deprecations page: which models end when, what replaces them, and what the page calls their state.

Both published forms are tables with a column of shutdown dates: one table with the state of each model, or one in each
dated section. Columns are bound by their headers. A cell names a model only where it says so as a code span or is
nothing but ids; "Videos API", "OpenAI-Beta: realtime=v1" and "New fine-tuning training on …" name none. A date is a day
or a refusal: "at earliest" is no day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from monitor.core.configuration import SourceSpec
from monitor.core.facts import (
    ANYTHING,
    DEPRECATION,
    REPLACEMENT,
    SHUTDOWN_DATE,
    Body,
    Fact,
    Facts,
    Refusal,
    Snapshot,
    Subject,
    Value,
)
from monitor.core.time import month
from monitor.sources.extraction import Unreadable
from monitor.sources.pricing_page import markdown, markup
from monitor.sources.pricing_page.blocks import Block, Heading, PageTable, TableRow
from monitor.sources.pricing_page.inline import CODE
from monitor.sources.web_page import is_html, reading

EXTRACTOR = "deprecations_page/1"

ROW = DEPRECATION + "listed"
STATUS = DEPRECATION + "status"
NOTICE_DATE = DEPRECATION + "notice_date"

_COLUMNS = {
    "shutdown date": SHUTDOWN_DATE,
    "shut down date": SHUTDOWN_DATE,
    "retirement date": SHUTDOWN_DATE,
    "affected model": ROW,
    "affected models": ROW,
    "deprecated model": ROW,
    "legacy model": ROW,
    "model": ROW,
    "model / system": ROW,
    "model snapshot": ROW,
    "system": ROW,
    "recommended replacement": REPLACEMENT,
    "recommended replacement base model": REPLACEMENT,
    "substitute model": REPLACEMENT,
    "replacement": REPLACEMENT,
    "status": STATUS,
    "notice date": NOTICE_DATE,
}
"""Header text → what a column holds; a column of another text is passed over, and noted where it stands beside these.
"""

_BLANK = frozenset({"", "-", "--", "---", "–", "—", "n/a", "none", "tbd"})
_HYPHENS = str.maketrans(dict.fromkeys("‐‑‒–", "-"))
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_SPOKEN = re.compile(r"([A-Z][a-z]{2,8})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})", re.ASCII)
_SECTION = re.compile(r"(\d{4}-\d{2}-\d{2})\s*:")
_SPAN = re.compile(rf"{CODE}([^{CODE}]*){CODE}")
_INCLUDED = re.compile(r"\((including\b[^()]*)\)", re.IGNORECASE)
_BETWEEN = re.compile(r"[\s|,/]+|\b(?:and|or)\b")
_STATED = re.compile(r"(?!v\d+/)[A-Za-z0-9][A-Za-z0-9._:/-]*", re.ASCII)
_SHAPED = re.compile(r"(?=[^ ]*[0-9-])[A-Za-z][A-Za-z0-9._:/-]*[A-Za-z0-9]", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndsReading:
    """What a page states of each model; `unclear` are fields that it states in two ways, or in a way that is not
    understood.
    """

    models: Mapping[str, Mapping[str, Value]]
    unclear: frozenset[tuple[str, str]]
    refused: tuple[Refusal, ...]
    notes: tuple[str, ...]


def snapshot(spec: SourceSpec, body: Body, at: datetime) -> Snapshot:
    """Return what a page says at `at`. A model that it does not name is not spoken of: rows come and go, ends do not.

    Raises:
        Unreadable: it is no page, or none whose layout is known.
    """
    page = reading(body, read, what="deprecations page")
    facts: Facts = {Subject(spec.provider, model): fields for model, fields in page.models.items()}
    return Snapshot(
        source=spec.key,
        at=at,
        facts=facts,
        extractor=EXTRACTOR,
        body=body,
        unclear=frozenset(Fact(Subject(spec.provider, model), field) for model, field in page.unclear),
        announcing=True,
        refused=page.refused,
        notes=page.notes,
    )


def read(text: str) -> EndsReading:
    """Read the text of a page.

    Raises:
        Unreadable: no table on it names a model and has a column of shutdown dates.
    """
    blocks = markup.read(text, code=True) if is_html(text) else markdown.read(text, code=True)
    claims: dict[tuple[str, str], Value] = {}
    torn: dict[tuple[str, str], list[Value]] = {}
    refused: list[Refusal] = []
    notes: list[str] = []
    unclear: set[tuple[str, str]] = set()
    for block, section, announced in _tables(blocks):
        where = f"{section or 'the page'}, table at line {block.line}"
        columns, passed = _bound(block)
        if SHUTDOWN_DATE not in columns.values():
            continue
        if block.flaw or len(columns) != len(set(columns.values())) or ROW not in columns.values():
            reason = block.flaw or "its header does not name one column of models and one of each other kind"
            refused.append(Refusal(where, reason, _words(block.rows) or (ANYTHING,)))
            continue
        notes += [f"{where}: the column {label!r} is not read" for label in passed]
        for row in block.rows:
            for model, field, value in _row(row, columns, block, announced, where, refused):
                if value is None:
                    unclear.add((model, field))
                elif claims.setdefault((model, field), value) != value:
                    torn.setdefault((model, field), [claims[model, field]]).append(value)
    refused += [
        Refusal(f"{model} {field}", f"stated more than once, as {', '.join(map(str, dict.fromkeys(values)))}", (model,))
        for (model, field), values in torn.items()
    ]
    unclear |= torn.keys()
    models: dict[str, dict[str, Value]] = {}
    for (model, field), value in claims.items():
        if (model, field) not in unclear:
            models.setdefault(model, {})[field] = value
    if not models:
        first = f"; the first refusal: {refused[0].where}: {refused[0].reason}" if refused else ""
        raise Unreadable(f"no table names a model and its shutdown date{first}")
    return EndsReading(models=models, unclear=frozenset(unclear), refused=tuple(refused), notes=tuple(notes))


def _tables(blocks: Iterable[Block]) -> Iterator[tuple[PageTable, str, str]]:
    """Yield each table with the title of its section and the day, if any, on which that was announced."""
    section, announced = "", ""
    for block in blocks:
        if isinstance(block, Heading):
            day = _SECTION.match(block.text.translate(_HYPHENS))
            if day or block.level <= 3:  # a heading below a dated one divides its section and dates nothing
                section, announced = block.text, day[1] if day else ""
        if isinstance(block, PageTable):
            yield block, section, announced


def _bound(table: PageTable) -> tuple[dict[int, str], list[str]]:
    """Column → what it holds, and the labels of the others; prices beside a model are known to be none of this."""
    labels = [" ".join(filter(None, column)).replace(CODE, "").lower() for column in zip(*table.header, strict=False)]
    columns = {index: _COLUMNS[label] for index, label in enumerate(labels) if label in _COLUMNS}
    return columns, [label for label in labels if label and label not in _COLUMNS and not label.endswith("price")]


def _row(
    row: TableRow, columns: Mapping[int, str], table: PageTable, announced: str, where: str, refused: list[Refusal]
) -> Iterator[tuple[str, str, Value | None]]:
    """Model, field and value of what one row states; None for a value that is there and not understood."""
    where = f"{where}, row {row.line}"
    if row.flaw or len(row.cells) != len(table.header[0]):
        refused.append(Refusal(where, row.flaw or "it has another number of cells than the header", _words([row])))
        for model in _SPAN.findall(" ".join(row.cells)):
            yield from ((model, field, None) for field in columns.values())
        return
    cells = {field: row.cells[index] for index, field in columns.items()}
    names = models(cells[ROW])
    if not names:
        refused.append(Refusal(where, f"{cells[ROW].replace(CODE, '')!r} names no model"))
        return
    values: dict[str, Value | None] = {ROW: True}
    for field, text in cells.items():
        plain = "".join(filter(str.isprintable, text.replace(CODE, "").translate(_HYPHENS))).strip()
        if field == ROW or plain.lower() in _BLANK:
            continue
        if field == STATUS:
            values[field] = plain.lower()
        elif field == REPLACEMENT:
            values[field] = re.sub(r"(?<=\w)\*+", "", plain)  # the mark of a footnote is no part of an id
        else:
            values[field] = day(plain)
            if values[field] is None:
                refused.append(Refusal(where, f"{plain!r} is not a day", tuple(names)))
    if announced:
        values.setdefault(NOTICE_DATE, announced)
    for model in names:
        yield from ((model, field, value) for field, value in values.items())


def models(cell: str) -> tuple[str, ...]:
    """Return the ids that a cell names, with those that it says are included in parentheses; none where it speaks of
    something else.
    """
    included = [name for part in _INCLUDED.findall(cell) for name in _SPAN.findall(part)]
    rest = re.sub(r"\([^()]*\)", "", cell)
    if CODE in rest:
        names = _SPAN.findall(rest)
        if _BETWEEN.sub("", _SPAN.sub("", rest)) or not all(map(_STATED.fullmatch, names)):
            return ()
    else:
        names = [word for word in re.split(r"[|,]|\b(?:and|or)\b", rest) if word.strip()]
        names = [word.strip() for word in names]
        if not all(map(_SHAPED.fullmatch, names)):
            return ()
    return tuple(dict.fromkeys(name for name in (*names, *included) if _STATED.fullmatch(name)))


def day(text: str) -> str | None:
    """Return the day that a text names and nothing else, as `YYYY-MM-DD`; None where it says more,
    less or otherwise.
    """
    try:
        if iso := _ISO.fullmatch(text):
            return date(int(iso[1]), int(iso[2]), int(iso[3])).isoformat()
        if named := _SPOKEN.fullmatch(text):
            return date(int(named[3]), month(named[1]), int(named[2])).isoformat()
    except ValueError:
        return None
    return None


def _words(rows: Iterable[TableRow]) -> tuple[str, ...]:
    """Return the code spans in rows that are refused: of these models the page still speaks."""
    return tuple(dict.fromkeys(name for row in rows for cell in row.cells for name in _SPAN.findall(cell)))
