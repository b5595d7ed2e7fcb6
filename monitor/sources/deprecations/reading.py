"""A deprecations page put together: what it states of each model, endpoint and feature, and the parts that it refuses.

Tables and lists of dated sections stand beside tables of the present state. Where two sections state different days,
the one that was announced later holds; where that is not certain, neither does. A statement that is not understood
refuses the part it stands in, never the page, and takes nothing back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from monitor.core.configuration import SourceSpec
from monitor.core.ends import AnnouncedEnd, Precision
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
from monitor.sources.deprecations import columns, names
from monitor.sources.deprecations.columns import NOTICE_DATE, REPLACEMENT_KIND, ROW, STATUS, Columns
from monitor.sources.deprecations.dates import DateReader, precision_of_all, sentences
from monitor.sources.deprecations.doubts import doubt
from monitor.sources.deprecations.prose import EndStatement, Prose, tells_apart
from monitor.sources.extraction import Unreadable
from monitor.sources.pricing_page import markdown, markup
from monitor.sources.pricing_page.blocks import MERGED, Block, Heading, Margin, PageTable, Paragraph, TableRow
from monitor.sources.pricing_page.inline import CODE
from monitor.sources.web_page import is_html, reading

EXTRACTOR = "deprecations_page/3"

KIND = DEPRECATION + "kind"
"""What a subject is that is no model: `ENDPOINT` or `FEATURE`."""

ENDPOINT = "endpoint"
FEATURE = "feature"

_BLANK = re.compile(
    r"[-–—]*|n/?a|none|null|tbd|tba|tbc|to be (?:announced|determined|confirmed)|unknown|not applicable"
    r"|(?:none|not)(?: yet)? (?:announced|scheduled|set|planned)(?: yet)?"
    r"|no (?:\w+ ){0,2}dates?(?: (?:announced|set|scheduled|planned))?(?: yet)?|retirement date not announced",
    re.IGNORECASE,
)
_HYPHENS = str.maketrans(dict.fromkeys("‐‑‒–−", "-"))
_NARROWER = re.compile(
    r"\bfine[- ]?tun|\bprovisioned\b|\bnew customers\b|\bgovcloud\b|\bbatch\b|\b(?:eu|us|china)? ?regions?\b",
    re.IGNORECASE,
)
"""Words of a heading whose tables are about less than the model: its fine-tuning, one region, new customers."""

_IDS = re.compile(r"[A-Za-z0-9](?:[\w./:@-]*\w)?")

_ANNOUNCED = frozenset({"deprecated", "retired", "shutdown", "shut down", "legacy", "retiring", "eol", "end-of-life"})
"""States in which an end is announced, so that a tentative day has become a firm one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one part of a page states of one subject: where it stands, when it was announced, and field → value; None
    for a value that is there and not understood.
    """

    where: str
    announced: str
    fields: Mapping[str, Value | None]
    part: int = -1
    """The block that it stands in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndsReading:
    """What a page states.

    Attributes:
        models: Model → field → value.
        others: Endpoint or feature → field → value.
        unclear: The fields that are stated in two ways, or in a way that is not understood.
        refused: The parts that were not read.
        notes: What was passed over, and says nothing of ends.
    """

    models: Mapping[str, Mapping[str, Value]]
    others: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    unclear: frozenset[tuple[str, str]] = frozenset()
    refused: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()


def snapshot(spec: SourceSpec, body: Body, at: datetime) -> Snapshot:
    """Return what a page says at `at`. A model that it does not name is not spoken of: rows come and go, ends do not.

    Raises:
        Unreadable: it is no page, or none whose layout is known.
    """
    page = reading(body, read, what="deprecations page")
    facts: Facts = {Subject(spec.provider, name): fields for name, fields in {**page.others, **page.models}.items()}
    return Snapshot(
        source=spec.key,
        at=at,
        facts=facts,
        extractor=EXTRACTOR,
        body=body,
        unclear=frozenset(Fact(Subject(spec.provider, name), field) for name, field in page.unclear),
        announcing=True,
        refused=page.refused,
        notes=page.notes,
    )


def read(text: str) -> EndsReading:
    """Read the text of a page.

    Raises:
        Unreadable: nothing on it says of a model, an endpoint or a feature when it ends, or that it does.
    """
    blocks = markup.read(text, code=True) if is_html(text) else markdown.read(text, code=True, items=True)
    page = _PageReader(DateReader(text.translate(_HYPHENS)), blocks)
    page.read()
    return page.reading()


class Section:
    """Where on a page something stands: the headings above it, the outermost first."""

    def __init__(self, headings: Sequence[Heading] = ()) -> None:
        self.headings = tuple(headings)

    def below(self, heading: Heading) -> Section:
        """Return the section that begins with a heading."""
        return Section([*(outer for outer in self.headings if outer.level < heading.level), heading])

    def within(self, other: Section) -> bool:
        """Say whether it lies in another one, or is it. What stands before the second heading is about all."""
        outer = tuple(heading for heading in other.headings if heading.level > 1)
        inner = tuple(heading for heading in self.headings if heading.level > 1)
        return inner[: len(outer)] == outer

    @property
    def title(self) -> str:
        """The heading that it stands under, nearest to level 3: one below that divides a section, no more."""
        titles = [heading.text for heading in self.headings if heading.level <= 3] or [""]
        return titles[-1]

    @property
    def texts(self) -> Iterator[str]:
        """The texts of its headings but the first one, which is the title of the page."""
        return (heading.text for heading in self.headings if heading.level > 1)


class _PageReader:
    """Reads the blocks of one page."""

    def __init__(self, dates: DateReader, blocks: Sequence[Block]) -> None:
        self._dates = dates
        self._blocks = blocks
        self._claims: dict[str, list[Claim]] = {}
        self._kinds: dict[str, str] = {}
        self._refused: list[Refusal] = []
        self._notes: list[str] = []
        self._sections = _sections(blocks)
        self._general = [
            (section, precision)
            for block, section in zip(blocks, self._sections, strict=True)
            if isinstance(block, Paragraph | Margin) and (precision := precision_of_all(block.text.replace(CODE, "")))
        ]
        self._part = -1

    def read(self) -> None:
        """Read every part of the page."""
        prose = Prose(self._dates)
        deprecated: list[tuple[int, EndStatement, Section, str]] = []
        for part, (block, section) in enumerate(zip(self._blocks, self._sections, strict=True)):
            self._part = part
            where = f"{section.title or 'the page'}, {'table' if isinstance(block, PageTable) else 'text'} at line "
            if isinstance(block, PageTable):
                self._table(block, section, f"{where}{block.line}")
            for statement in prose.read(block):
                if statement.end is not None and statement.reason:
                    deprecated.append((part, statement, section, f"{where}{statement.line}"))
                else:
                    self._statement(
                        statement.named, statement.end, statement.reason, section, f"{where}{statement.line}"
                    )
        self._cards()
        self._deprecated(deprecated)
        self._take_back()

    def _deprecated(self, statements: Sequence[tuple[int, EndStatement, Section, str]]) -> None:
        """Take a day of deprecation for the end of a model where the page knows no other word and says no other day."""
        apart = any(
            columns.tells_apart(block) if isinstance(block, PageTable) else tells_apart(block, self._dates)
            for block in self._blocks
        )
        for part, statement, section, where in statements:
            self._part = part
            other = any(
                SHUTDOWN_DATE in claim.fields
                for name in (*statement.named.models, *statement.named.endpoints, *statement.named.features)
                for claim in self._claims.get(name, ())
            )
            if apart:
                self._statement(statement.named, None, statement.reason, section, where)
            elif other:
                self._refused.append(Refusal(where, statement.reason, statement.named.models))
            else:
                self._statement(statement.named, statement.end, "", section, where)

    def _take_back(self) -> None:
        """Take back the days that a sentence says were moved, or hold in one place alone, or are made up."""
        for part, (block, section) in enumerate(zip(self._blocks, self._sections, strict=True)):
            if not isinstance(block, Paragraph):
                continue
            for sentence in sentences(block.text):
                if (taken := doubt(sentence)) is None:
                    continue
                about = self._concerned(sentence, part, section, ahead=taken.ahead)
                where = f"{section.title or 'the page'}, text at line {block.line}"
                if about:
                    self._refused.append(Refusal(where, taken.reason, about))
                self._part = part
                self._claim(names.Named(models=about), where, _announced(section, self._dates), {SHUTDOWN_DATE: None})

    def _concerned(self, sentence: str, part: int, section: Section, *, ahead: bool) -> tuple[str, ...]:
        """Return whom a sentence concerns: those that it names, else those of its section; with `ahead` those of the
        next table.
        """
        if ahead:
            table = next((n for n, block in enumerate(self._blocks) if n > part and isinstance(block, PageTable)), -1)
            return tuple(name for name, claims in self._claims.items() if any(claim.part == table for claim in claims))
        words = set(_IDS.findall(sentence.replace(CODE, " ")))
        if named := tuple(name for name in self._claims if name in words):
            return named
        if names.spans(sentence) or not section.headings:
            return ()
        return tuple(
            name
            for name, claims in self._claims.items()
            if any(self._sections[claim.part].headings == section.headings for claim in claims)
        )

    def _statement(
        self, named: names.Named, end: AnnouncedEnd | None, reason: str, section: Section, where: str
    ) -> None:
        """Take what a sentence or a list states, or refuse it."""
        if reason:
            self._refused.append(Refusal(where, reason, (*named.models, *named.endpoints)))
        if end is not None:
            end = self._qualified(end, section)
        announced = _announced(section, self._dates)
        if end is None:
            self._claim(named, where, announced, {SHUTDOWN_DATE: None})
        else:
            self._claim(named, where, announced, {ROW: True, SHUTDOWN_DATE: str(end)})

    def _claim(self, named: names.Named, where: str, announced: str, fields: Mapping[str, Value | None]) -> None:
        if announced:
            fields = {NOTICE_DATE: announced, **fields}
        for name in named.models:
            self._claims.setdefault(name, []).append(self._claimed(where, announced, fields))
        for kind, others in ((ENDPOINT, named.endpoints), (FEATURE, named.features)):
            for name in others:
                self._kinds[name] = kind
                self._claims.setdefault(name, []).append(self._claimed(where, announced, fields))

    def _claimed(self, where: str, announced: str, fields: Mapping[str, Value | None]) -> Claim:
        return Claim(where=where, announced=announced, fields=fields, part=self._part)

    # -- tables ----------------------------------------------------------------

    def _table(self, table: PageTable, section: Section, where: str) -> None:
        labels = columns.labels(table)
        bound = columns.bound(labels)
        if columns.UPDATE in bound.kinds.values() and columns.DATE in bound.kinds.values():
            self._timeline(table, bound, section, where)
            return
        ends = bound.has(ROW, SHUTDOWN_DATE)
        # `Model being retired | Replacement`: the day stands in the text above it.
        replaced = bound.has(ROW, REPLACEMENT) and SHUTDOWN_DATE not in bound.kinds.values()
        retiring = replaced and any(re.search(r"retir|deprecat|legacy|affected", label) for label in labels)
        if not ends and not retiring:
            if SHUTDOWN_DATE in bound.kinds.values() or (bound.unclear and ROW in bound.kinds.values()):
                reason = (
                    table.flaw
                    or (bound.doubled and "its header does not name one column of each kind")
                    or (bound.unclear and f"the column {bound.unclear[0]!r} is not known")
                    or "its header does not name one column of models"
                )
                self._refused.append(Refusal(where, reason, _spans(table.rows) or (ANYTHING,)))
            return
        if table.flaw or bound.doubled:
            reason = table.flaw or "its header does not name one column of models and one of each other kind"
            self._refused.append(Refusal(where, reason, _spans(table.rows) or (ANYTHING,)))
            return
        self._notes += [f"{where}: the column {label!r} is not read" for label in bound.passed]
        for row in table.rows:
            again = _header_again(row, labels)
            if again is not None:
                bound, labels = again, [columns.plain(cell) for cell in row.cells]
                continue
            self._row(row, bound, len(labels), section, f"{where}, row {row.line}")

    def _row(self, row: TableRow, bound: Columns, width: int, section: Section, where: str) -> None:
        if _divides(row):
            return
        if row.flaw or len(row.cells) != width:
            reason = row.flaw or "it has another number of cells than the header"
            self._refused.append(Refusal(where, reason, _spans([row])))
            lost = dict.fromkeys(bound.kinds.values())
            for name in _spans([row]):
                self._claims.setdefault(name, []).append(self._claimed(where, "", lost))
            return
        cells = {kind: row.cells[index] for index, kind in bound.kinds.items()}
        named = self._named(cells, bound)
        if not any(named):
            self._refused.append(Refusal(where, f"{_plain(cells[ROW])!r} names no model"))
            return
        narrow = next((word[0] for title in section.texts if (word := _NARROWER.search(title))), "")
        if narrow and not all(name.startswith("ft") for name in named.models):
            self._refused.append(Refusal(where, f"its section is about {narrow!r}, not the whole model", named.models))
            return
        values = self._values(cells, bound, named, where)
        announced = str(values.get(NOTICE_DATE) or _announced(section, self._dates))
        end = AnnouncedEnd.of(values.get(SHUTDOWN_DATE))
        if end is not None and announced and end.day.isoformat() < announced:
            reason = f"its end on {end.day} is before its notice on {announced}"
            self._refused.append(Refusal(where, reason, (*named.models, *named.endpoints)))
            values[SHUTDOWN_DATE] = values[NOTICE_DATE] = None
            announced = ""
        elif end is not None:
            values[SHUTDOWN_DATE] = str(self._qualified(end, section))
        self._claim(named, where, announced, {ROW: True, **values})

    def _named(self, cells: Mapping[str, str], bound: Columns) -> names.Named:
        named = names.named(cells[ROW], ids=bound.ids, features=bound.features)
        version = _plain(cells.get(columns.VERSION, ""))
        if bound.ids or columns.VERSION not in cells or (version and _BLANK.fullmatch(version)):
            return named
        # Azure names a version of a model by both; one that is no day is no part of an id.
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", version) and len(named.models) == 1:
            return names.Named(models=(f"{named.models[0]}-{version}",))
        return names.Named()

    def _values(
        self, cells: Mapping[str, str], bound: Columns, named: names.Named, where: str
    ) -> dict[str, Value | None]:
        values: dict[str, Value | None] = {}
        about = (*named.models, *named.endpoints, *named.features)
        status = _plain(cells.get(STATUS, "")).lower()
        for kind, text in cells.items():
            plain = _plain(text)
            if kind in (ROW, columns.VERSION) or _BLANK.fullmatch(plain):
                continue
            if kind == STATUS:
                values[STATUS] = status
            elif kind == REPLACEMENT:
                words, use = names.replacement(text.translate(_HYPHENS))
                values |= {REPLACEMENT: words, REPLACEMENT_KIND: use.value}
            elif kind == NOTICE_DATE:
                noticed = self._dates.day(plain)
                values[NOTICE_DATE] = None if noticed is None else noticed.isoformat()
            else:
                sure = bound.tentative and status in _ANNOUNCED
                end = self._dates.end(plain, Precision.FIRM if sure else bound.precision)
                values[SHUTDOWN_DATE] = None if end is None else str(end)
            if kind in (NOTICE_DATE, SHUTDOWN_DATE) and values[kind] is None:
                self._refused.append(Refusal(where, f"{plain!r} is not a day", about))
        return values

    def _timeline(self, table: PageTable, bound: Columns, section: Section, where: str) -> None:
        """Read `Date | Update`: what a row says happens on its day, if it says that something ends."""
        by_kind = {kind: index for index, kind in bound.kinds.items()}
        prose = Prose(self._dates)
        for row in table.rows:
            if row.flaw or len(row.cells) != len(table.header[0]):
                continue
            sentence = f"On {row.cells[by_kind[columns.DATE]]}, {row.cells[by_kind[columns.UPDATE]]}"
            for statement in prose.read(Paragraph(text=sentence, lone=False, line=row.line)):
                if not statement.reason:
                    self._statement(statement.named, statement.end, "", section, f"{where}, row {row.line}")

    def _qualified(self, end: AnnouncedEnd, section: Section) -> AnnouncedEnd:
        """Return a day with what the page says of all days in its place: that they are the earliest ones."""
        if not end.firm:
            return end
        return next(
            (AnnouncedEnd(end.day, precision) for scope, precision in self._general if section.within(scope)), end
        )

    def _cards(self) -> None:
        """Read the card of a model, as Bedrock has it: its ids in a table, its end as a labelled line."""
        ids: list[str] = []
        for block in self._blocks:
            if isinstance(block, PageTable) and not block.flaw:
                bound = columns.bound(columns.labels(block))
                index = next((index for index, kind in bound.kinds.items() if kind == ROW), None)
                if bound.ids and index is not None and SHUTDOWN_DATE not in bound.kinds.values():
                    width = len(block.header[0])
                    cells = [row.cells[index] for row in block.rows if not row.flaw and len(row.cells) == width]
                    ids += [name for cell in cells for name in names.models(cell, ids=True)]
        if not ids:
            return
        named = names.Named(models=tuple(dict.fromkeys(ids)))
        ends: list[tuple[AnnouncedEnd, str]] = []
        for block, section in zip(self._blocks, self._sections, strict=True):
            label, colon, text = block.text.partition(":") if isinstance(block, Paragraph) else ("", "", "")
            label = columns.plain(re.sub(r"^(?:[-+*•]|\d+[.)])\s+", "", label))
            plain = _plain(text)
            if not colon or columns.kind_of(label) != SHUTDOWN_DATE or _BLANK.fullmatch(plain):
                continue
            assert isinstance(block, Paragraph)
            where = f"{section.title or 'the page'}, text at line {block.line}"
            end = self._dates.end(plain, columns.bound([label]).precision)
            if end is None:
                self._refused.append(Refusal(where, f"{plain!r} is not a day", named.models))
                self._claim(named, where, "", {SHUTDOWN_DATE: None})
            else:
                ends.append((end, where))
        firm = [(end, where) for end, where in ends if end.firm]
        for end, where in firm or ends:  # once a day is set, the earliest one says no more
            self._claim(named, where, "", {ROW: True, SHUTDOWN_DATE: str(end)})

    # -- what comes of it --------------------------------------------------------

    def reading(self) -> EndsReading:
        """Return what all parts state together.

        Raises:
            Unreadable: none of them states anything.
        """
        unclear: set[tuple[str, str]] = set()
        by_name: dict[str, dict[str, Value]] = {}
        for name, claims in self._claims.items():
            for kind in dict.fromkeys(kind for claim in claims for kind in claim.fields):
                values = [claim for claim in claims if kind in claim.fields]
                value, reason = _settled(kind, values)
                if value is not None:
                    by_name.setdefault(name, {})[kind] = value
                    continue
                unclear.add((name, kind))
                if reason:
                    self._refused.append(Refusal(f"{name} {kind}", reason, (name,)))
        for name, fields in by_name.items():
            if name in self._kinds:
                fields[KIND] = self._kinds[name]
        by_name = {name: fields for name, fields in by_name.items() if fields.keys() & {SHUTDOWN_DATE, ROW}}
        if not by_name:
            first = f"; the first refusal: {self._refused[0].where}: {self._refused[0].reason}" if self._refused else ""
            raise Unreadable(f"no table, list or sentence names a model and its end{first}")
        return EndsReading(
            models={name: fields for name, fields in by_name.items() if name not in self._kinds},
            others={name: fields for name, fields in by_name.items() if name in self._kinds},
            unclear=frozenset(unclear),
            refused=tuple(self._refused),
            notes=tuple(self._notes),
        )


def _settled(kind: str, claims: Sequence[Claim]) -> tuple[Value | None, str]:
    """Return the value that holds of what is claimed of one field, or None and why none does: the parts that differ
    were not announced one after the other.
    """
    latest = max(claim.announced for claim in claims)
    newest = [claim for claim in claims if claim.announced == latest] if all(c.announced for c in claims) else claims
    values = list(dict.fromkeys(claim.fields[kind] for claim in newest))
    if len(values) == 1:
        return values[0], ""
    if kind == SHUTDOWN_DATE and None not in values:
        ends = [end for value in values if (end := AnnouncedEnd.of(value))]
        firm = [end for end in ends if end.firm]
        # `not before May 1` and `on July 1` are one thing said twice, the second time in full.
        if len(firm) == 1 and all(end.day <= firm[0].day for end in ends):
            return str(firm[0]), ""
    if None in values:
        return None, ""
    return None, f"stated more than once, as {', '.join(map(str, values))}"


def _sections(blocks: Iterable[Block]) -> list[Section]:
    """Return in which section each block stands."""
    sections, section = [], Section()
    for block in blocks:
        if isinstance(block, Heading):
            section = section.below(block)
        sections.append(section)
    return sections


def _announced(section: Section, dates: DateReader) -> str:
    """Return the day before the colon of a section's heading, on which it was announced; empty where none is there."""
    day, colon, _ = section.title.translate(_HYPHENS).partition(":")
    announced = dates.day(day.strip()) if colon else None
    return "" if announced is None else announced.isoformat()


def _header_again(row: TableRow, labels: Sequence[str]) -> Columns | None:
    """Return the columns from a row on that is a header within a table; None where it is none."""
    cells = [columns.plain(cell) for cell in row.cells]
    if len([cell for cell in cells if columns.kind_of(cell)]) < 2 or len(cells) != len(labels):
        return None
    bound = columns.bound(cells)
    return bound if bound.has(ROW, SHUTDOWN_DATE) and not bound.doubled else Columns(kinds={})


def _divides(row: TableRow) -> bool:
    """Say whether a row only divides the table (`Preview models`): it fills one cell, and that names nothing."""
    texts = {text for cell in row.cells if (text := _plain(cell))}
    if row.flaw not in ("", MERGED) or len(texts) > 1 or (row.flaw == "" and len(row.cells) < 2):
        return False
    if not texts:
        return True
    return CODE not in "".join(row.cells) and not any(names.named(texts.pop(), ids=False, features=False))


def _plain(text: str) -> str:
    return "".join(filter(str.isprintable, text.replace(CODE, "").translate(_HYPHENS))).strip().strip("*").strip()


def _spans(rows: Iterable[TableRow]) -> tuple[str, ...]:
    """Return the code spans in rows that are refused: of these models the page still speaks."""
    return tuple(dict.fromkeys(name for row in rows for cell in row.cells for name in names.spans(cell)))
