"""A provider's page of one model, in its Markdown form or rendered as HTML: endpoints, snapshots, modalities, limits by
usage tier, regions by service tier, and prices.

What is read stands in sections of known titles; tables bind by their headers. The prices go through the reader of
pricing pages, so that they have the same identities and the words around a table decide as they do there. A part that
is not understood is refused, and what it may have stated of the model is then unknown, never gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor.core.configuration import SourceSpec
from monitor.core.facts import (
    ENDPOINT,
    GENERAL,
    NOT_SUPPORTED,
    PREVIEW,
    STAGE,
    SUPPORTED,
    Body,
    Fact,
    Refusal,
    Snapshot,
    Subject,
    Value,
)
from monitor.sources import feed, pricing_page
from monitor.sources.deprecations.dates import DateReader
from monitor.sources.extraction import Extraction, Unreadable
from monitor.sources.pricing_page import markdown, markup
from monitor.sources.pricing_page.blocks import Block, Heading, PageTable, Paragraph, TableRow
from monitor.sources.pricing_page.inline import plain
from monitor.sources.web_page import is_html, reading

EXTRACTOR = "model_page/2"

SECTIONS: Mapping[str, str] = {
    "model details": "details",
    "pricing": "pricing",
    "endpoints": "endpoints",
    "features": "feature",
    "supported features": "feature",
    "tools": "tool",
    "supported tools": "tool",
    "snapshots": "snapshots",
    "rate limits": "limits",
    "regions": "regions",
    "supported regions": "regions",
    "regional availability": "regions",
    "regional processing": "regions",
    "data residency": "regions",
    "quick comparison": "",
}
"""Title of a section, in lower case → what it holds; empty where that is about other models as well."""

LIMITS: Mapping[str, str] = {
    "rpm": "rpm",
    "rpd": "rpd",
    "tpm": "tpm",
    "tpd": "tpd",
    "ipm": "ipm",
    "batch queue limit": "batch_queue",
}
"""Header of a column of limits → the name of the limit."""

SERVICE_TIERS: Mapping[str, str] = {
    "standard": "standard",
    "default": "standard",
    "support": "",
    "batch": "batch",
    "flex": "flex",
    "priority": "priority",
    "fast": "priority",
    "fast mode": "priority",
    "ultrafast": "ultrafast",
}
"""Header of a column of regions → the service tier; empty where the column names none."""

_ANSWERS = {
    **dict.fromkeys(("supported", "yes", "✓", "✅", "available"), SUPPORTED),
    **dict.fromkeys(("not supported", "unsupported", "no", "✗", "❌", "not available"), NOT_SUPPORTED),
}
_STAGES = {
    **dict.fromkeys(("preview", "limited preview", "public preview", "research preview"), PREVIEW),
    **dict.fromkeys(("general", "generally available", "general availability", "ga"), GENERAL),
}
_UNITS = frozenset({"1m tokens", "per 1m tokens", "1 million tokens", "/ 1m tokens"})
_BLANK = frozenset({"", "-", "–", "—", "n/a"})

_ID = r"`(?P<id>[A-Za-z0-9][A-Za-z0-9._:/-]*)`"
_MODEL_ID = re.compile(rf"(?:[-*] )?(?:\*\*)?Model ID:?(?:\*\*)?:? {_ID}", re.IGNORECASE)
_TOKEN = r"[A-Za-z0-9][A-Za-z0-9._:/]*-[A-Za-z0-9._:/-]+"
_UNMARKED = re.compile(rf"^(Model ID:?|Default snapshot:) ({_TOKEN})$", re.IGNORECASE)
_DEFAULT = re.compile(rf"Default snapshot: {_ID}", re.IGNORECASE)
_MODALITIES = re.compile(r"(?P<way>Input|Output) modalities: (?P<list>[a-z]+(?:, [a-z]+)*)", re.IGNORECASE)
_COUNTS = (
    ("context_window", re.compile(r"(?P<n>[0-9][0-9,]*) context window|Context window: (?P<m>[0-9][0-9,]*)", re.I)),
    (
        "max_input_tokens",
        re.compile(r"(?P<n>[0-9][0-9,]*) max input tokens|Max(?:imum)? input tokens: (?P<m>[0-9][0-9,]*)", re.I),
    ),
    (
        "max_output_tokens",
        re.compile(r"(?P<n>[0-9][0-9,]*) max output tokens|Max(?:imum)? output tokens: (?P<m>[0-9][0-9,]*)", re.I),
    ),
)
_CUTOFF = re.compile(r"(?P<n>.+) knowledge cutoff|Knowledge cutoff: (?P<m>.+)", re.IGNORECASE)
_STAGE = re.compile(r"(?:Stage|Status|Access|Availability): (?P<stage>.+?)\.?", re.IGNORECASE)
_BULLET = re.compile(r"[ \t]*[-*•] +(?P<text>.+?)\s*$")
_NAME = re.compile(r"[a-z][a-z0-9]*(?:[ _-][a-z0-9]+)*", re.IGNORECASE)
_ENDPOINT_PATH = re.compile(r"/?(?P<path>v[0-9][a-z0-9]*(?:/[A-Za-z0-9_.-]+)+)/?")
_SAID = (
    r"(?:is|are)(?: now| currently| still| only)?(?: available)?(?: (?P<preview>(?:in|as)(?: an?)?(?: limited| public"
    r"| research)? preview)|(?: now)? (?P<general>generally available|in general availability))\b"
)
_CONDITION = re.compile(r"\b(?:if|when|once|until|till|before|after|unless|while|as soon as)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReading:
    """What a page states of its model. `unclear` are fields that it states in two ways, or in one that is not
    understood.
    """

    model: str
    facts: Mapping[str, Value]
    prices: Extraction
    alias_of: str = ""
    unclear: frozenset[str] = frozenset()
    refused: tuple[Refusal, ...] = ()


def snapshot(spec: SourceSpec, body: Body, at: datetime) -> Snapshot:
    """Return what a page says at `at`.

    Raises:
        Unreadable: it is no page of a model, or that of another model than the source is for.
    """
    page = reading(body, lambda text: read(text, provider=spec.provider), what="model page")
    if spec.model not in ("", page.model):
        raise Unreadable(f"the page is about {page.model}, not about {spec.model}")
    subject = Subject(spec.provider, page.model)
    aliases = {subject: page.alias_of} if page.alias_of else {}
    extraction = replace(page.prices, aliases=aliases, refused=(*page.prices.refused, *page.refused))
    priced = feed.snapshot(spec.key, EXTRACTOR, extraction, body, at)
    facts = {**priced.facts, subject: {**priced.facts.get(subject, {}), **page.facts}}
    unclear = priced.unclear | {Fact(subject, name) for name in page.unclear}
    return replace(priced, facts=facts, unclear=frozenset(unclear))


def read(text: str, *, provider: str) -> ModelReading:
    """Read the text of a page.

    Raises:
        Unreadable: it names no model by its id or several, or has no section that is known.
    """
    sections = _rendered(text) if is_html(text) else _sections(text)
    ids = {match["id"] for line in sections[0].lines if (match := _MODEL_ID.fullmatch(line.strip()))}
    if len(ids) != 1:
        raise Unreadable("the page names no model by its id" if not ids else f"the page names {' and '.join(ids)}")
    return _Reader(ids.pop(), provider).read(sections)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    """A part of the page: its title (empty before the first), the lines below it, and what these are as blocks."""

    title: str
    kind: str | None
    lines: tuple[str, ...]
    blocks: tuple[Block, ...]
    heading: Heading | None = None

    @property
    def tables(self) -> Iterator[tuple[str, PageTable]]:
        """Yield each table with the title of the part of the section that it stands in."""
        part = ""
        for block in self.blocks:
            if isinstance(block, Heading):
                part = block.text
            elif isinstance(block, PageTable):
                yield part, block

    @property
    def bullets(self) -> list[str]:
        """The items of its lists, their code spans as written."""
        return [match["text"] for line in self.lines if (match := _BULLET.fullmatch(line))]


def _sections(text: str) -> list[_Section]:
    blocks = markdown.read(text)
    lines = text.split("\n")
    heads = [block for block in blocks if isinstance(block, Heading) and block.level == 2]
    starts: list[tuple[int, Heading | None]] = [(0, None), *((head.line, head) for head in heads)]
    ends = [*(start - 1 for start, _ in starts[1:]), len(lines)]
    sections = []
    for (start, head), end in zip(starts, ends, strict=True):
        title = "" if head is None else head.text
        inside = (block for block in blocks if start < block.line <= end)
        kind = SECTIONS.get(title.lower().strip(" :"))
        sections.append(
            _Section(title=title, kind=kind, lines=tuple(lines[start:end]), blocks=tuple(inside), heading=head)
        )
    return sections


def _rendered(text: str) -> list[_Section]:
    """Return the sections of a rendered page, whose lines are put as its Markdown form has them."""
    sections = [_Section(title="", kind=None, lines=(), blocks=())]
    for block in markup.read(text, prose=True):
        if isinstance(block, Heading) and block.level == 2:
            kind = SECTIONS.get(block.text.lower().strip(" :"))
            sections.append(_Section(title=block.text, kind=kind, lines=(), blocks=(), heading=block))
            continue
        last = sections[-1]
        sections[-1] = replace(last, blocks=(*last.blocks, block), lines=(*last.lines, *_lines(block, last)))
    sections[0] = replace(sections[0], lines=tuple(_joined(sections[0].lines)))
    return sections


def _joined(lines: Sequence[str]) -> Iterator[str]:
    """Yield the lines before the first section; a label and its id, which cards of a page have in two elements, in
    one.
    """
    for line, following in zip(lines, (*lines[1:], ""), strict=False):
        labelled = re.fullmatch(r"Model ID:?", line, re.IGNORECASE) and re.fullmatch(rf"`?({_TOKEN})`?", following)
        yield f"Model ID: `{labelled[1]}`" if labelled else line


def _lines(block: Block, inside: _Section) -> Iterator[str]:
    """Yield a paragraph or an item of a list as a line of Markdown. An id that the page does not mark as code is marked
    where nothing but an id can stand.
    """
    if not isinstance(block, Paragraph):
        return
    text = _UNMARKED.sub(r"\1 `\2`", block.text)
    if not block.lone and inside.kind == "snapshots" and re.fullmatch(_TOKEN, text):
        text = f"`{text}`"
    yield text if block.lone else f"- {text}"


@dataclass(slots=True)
class _Reader:
    """Collects what the sections of one page state."""

    model: str
    provider: str
    facts: dict[str, Value] = field(default_factory=dict)
    unclear: set[str] = field(default_factory=set)
    refused: list[Refusal] = field(default_factory=list)
    alias_of: str = ""
    prices: Extraction = field(default_factory=lambda: Extraction(rows=()))

    def read(self, sections: Sequence[_Section]) -> ModelReading:
        """Read all sections.

        Raises:
            Unreadable: none of them is known.
        """
        self._preamble(sections[0])
        readers = {
            "details": self._details,
            "pricing": self._pricing,
            "endpoints": self._endpoints,
            "feature": self._names,
            "tool": self._names,
            "snapshots": self._snapshots,
            "limits": self._limits,
            "regions": self._regions,
        }
        if not any(section.kind in readers for section in sections):
            raise Unreadable("the page has no section of a model page, such as Model details or Endpoints")
        read: set[str] = set()
        for section in sections[1:]:
            if section.kind in read:
                self._refuse(section.title, "a section of this kind stands on the page already")
            elif section.kind in readers:
                readers[section.kind](section)
                read.add(section.kind)
            elif section.kind is None and (section.bullets or any(section.tables)):
                self._refuse(section.title, "it is no section that is known")
        facts = {name: value for name, value in self.facts.items() if name not in self.unclear}
        return ModelReading(
            model=self.model,
            facts=facts,
            prices=self.prices,
            alias_of=self.alias_of,
            unclear=frozenset(self.unclear),
            refused=tuple(self.refused),
        )

    def _state(self, name: str, value: Value, where: str) -> None:
        """Keep a fact; one that is stated in two ways is unclear."""
        before = self.facts.setdefault(name, value)
        if before != value and name not in self.unclear:
            self.unclear.add(name)
            self._refuse(where, f"{name} is stated as {before} and as {value}")

    def _refuse(self, where: str, reason: str) -> None:
        self.refused.append(Refusal(where, reason, (self.model,)))

    def _preamble(self, section: _Section) -> None:
        title = next((block.text for block in section.blocks if isinstance(block, Heading)), self.model)
        named = "|".join(map(re.escape, (title, self.model, f"`{self.model}`")))
        statement = re.compile(rf"(?<!\w)(?:{named}|this model|the model) {_SAID}", re.IGNORECASE)
        for sentence in re.split(r"(?<=[.!?])\s+", " ".join(plain(line) for line in section.lines if line.strip())):
            # Only what is said of this model, and of today: the page also speaks of others, and of what is to come.
            if (match := statement.search(sentence)) and not _CONDITION.search(sentence):
                self._state(STAGE, PREVIEW if match["preview"] else GENERAL, "the beginning of the page")
        for line in section.lines:
            if (stage := _stage(plain(line))) is not None:
                self._stage(stage, "the beginning of the page")

    def _stage(self, words: str, where: str) -> None:
        stage = _STAGES.get(words.lower())
        if stage is None:
            self._refuse(where, f"{words!r} is no stage that is known")
            self.unclear.add(STAGE)
        else:
            self._state(STAGE, stage, where)

    def _details(self, section: _Section) -> None:
        for text in section.bullets:
            if match := _DEFAULT.fullmatch(text):
                self.alias_of = match["id"] if match["id"] != self.model else ""
            elif match := _MODALITIES.fullmatch(text):
                names = sorted(name.strip().lower() for name in match["list"].split(","))
                self._state(f"modality.{match['way'].lower()}", ", ".join(names), section.title)
            elif text.lower() == "reasoning token support":
                self._state("reasoning_tokens", SUPPORTED, section.title)
            elif (stage := _stage(plain(text))) is not None:
                self._stage(stage, section.title)
            elif not self._count(text, section.title):
                self._refuse(section.title, f"{plain(text)!r} is not understood")

    def _count(self, text: str, where: str) -> bool:
        """Keep a number of tokens or the day of the knowledge cutoff; says whether the text states one."""
        for name, pattern in _COUNTS:
            if match := pattern.fullmatch(text):
                self._state(name, int((match["n"] or match["m"]).replace(",", "")), where)
                return True
        match = _CUTOFF.fullmatch(text)
        cutoff = DateReader("").day(match["n"] or match["m"]) if match else None
        if cutoff is not None:
            self._state("knowledge_cutoff", cutoff.isoformat(), where)
        return cutoff is not None

    def _pricing(self, section: _Section) -> None:
        blocks: list[Block] = [] if section.heading is None else [section.heading]
        for block in section.blocks:
            blocks += self._across(block) if isinstance(block, PageTable) else [block]
        rows, refused = pricing_page.rows(blocks, provider=self.provider)
        self.prices = Extraction(rows=rows, refused=refused)

    def _across(self, table: PageTable) -> list[Block]:
        """Return a table of meters down as one with the model down and its meters across, as pricing pages have it."""
        where = f"Pricing, table at line {table.line}"
        if table.flaw or [_lower(head) for head in table.header] != [("metric", "price", "unit")]:
            self._refuse(where, table.flaw or "its header is not Metric, Price, Unit")
            return []
        rows = []
        for row in table.rows:
            if row.flaw or len(row.cells) != len(table.header[0]):
                self._refuse(where, row.flaw or "a row has another number of cells than the header")
            elif row.cells[2].lower() not in _UNITS:
                self._refuse(where, f"{row.cells[0]} is priced per {row.cells[2]}, not per 1M tokens")
            else:
                rows.append(row)
        if not rows:
            return []
        header = ("Model", *(f"{row.cells[0]} per 1M tokens" for row in rows))
        cells = TableRow(cells=(self.model, *(row.cells[1] for row in rows)), line=table.line)
        return [PageTable(header=(header,), rows=(cells,), line=table.line)]

    def _endpoints(self, section: _Section) -> None:
        for _, table in section.tables:
            for row in self._rows(section, table, ("route",), ("support",)):
                self._endpoint(row["route"], row["support"], section.title)

    def _endpoint(self, route: str, support: str, where: str) -> None:
        match = _ENDPOINT_PATH.fullmatch(route)
        answer = _ANSWERS.get(support.lower())
        if match is None:
            self._refuse(where, f"{route!r} is no path of an endpoint")
        elif answer is None:
            self.unclear.add(ENDPOINT + match["path"])
            self._refuse(where, f"{match['path']}: {support!r} is neither Supported nor Not supported")
        else:
            self._state(ENDPOINT + match["path"], answer, where)

    def _names(self, section: _Section) -> None:
        """Read features or tools: a list of those that are supported, or a table that says it of each."""
        for text in section.bullets:
            self._named(section, plain(text), SUPPORTED)
        columns = ("feature", "tool", "name")
        for _, table in section.tables:
            for row in self._rows(section, table, columns, ("support",)):
                name = next(row[column] for column in columns if column in row)
                answer = _ANSWERS.get(row["support"].lower())
                if answer is None:
                    self._refuse(section.title, f"{name}: {row['support']!r} is neither Supported nor Not supported")
                else:
                    self._named(section, name, answer)

    def _named(self, section: _Section, name: str, answer: str) -> None:
        if _NAME.fullmatch(name) is None:
            self._refuse(section.title, f"{name!r} is no name")
        else:
            self._state(f"{section.kind}.{_slug(name)}", answer, section.title)

    def _snapshots(self, section: _Section) -> None:
        ids = []
        for text in section.bullets:
            if match := re.fullmatch(_ID, text):
                ids.append(match["id"])
            else:
                self._refuse(section.title, f"{plain(text)!r} is no id of a snapshot")
        if ids:
            self._state("snapshots", ", ".join(sorted(set(ids))), section.title)

    def _limits(self, section: _Section) -> None:
        for part, table in section.tables:
            group = _slug(part) or "default"
            for row in self._rows(section, table, ("tier",), tuple(LIMITS), some=True):
                for column, text in row.items():
                    if column != "tier":
                        self._limit(f"usage_tier.{group}.{_slug(row['tier'])}.{LIMITS[column]}", text, section.title)

    def _limit(self, name: str, text: str, where: str) -> None:
        if text.lower() in _BLANK:
            return
        if text.lower() in _ANSWERS:
            self._state(name, _ANSWERS[text.lower()], where)
        elif re.fullmatch(r"[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+", text):
            self._state(name, int(text.replace(",", "")), where)
        else:
            self.unclear.add(name)
            self._refuse(where, f"{name}: {text!r} is no number")

    def _regions(self, section: _Section) -> None:
        for _, table in section.tables:
            for row in self._rows(section, table, ("region",), tuple(SERVICE_TIERS), some=True):
                for column, text in row.items():
                    if column != "region":
                        self._region(SERVICE_TIERS[column], row["region"], text, section.title)

    def _region(self, tier: str, region: str, text: str, where: str) -> None:
        name = ".".join(part for part in ("region", tier, _slug(region)) if part)
        answer = _ANSWERS.get(text.lower())
        if answer is None:
            self.unclear.add(name)
            self._refuse(where, f"{region}: {text!r} is neither Supported nor Not supported")
        else:
            self._state(name, answer, where)

    def _rows(
        self,
        section: _Section,
        table: PageTable,
        names: tuple[str, ...],
        values: tuple[str, ...],
        *,
        some: bool = False,
    ) -> Iterator[Mapping[str, str]]:
        """Yield the rows of a table as column → text, bound by its header: one column of `names`, and all `values` or,
        with `some`, at least one and no other.
        """
        where = f"{section.title}, table at line {table.line}"
        header = _lower(table.header[0]) if len(table.header) == 1 else ()
        here = [name for name in header if name in names]
        columns = [name for name in header if name in values]
        complete = set(columns) == set(values) or (some and columns and set(header) <= {*names, *values})
        if table.flaw or len(here) != 1 or not complete or len(set(header)) != len(header):
            self._refuse(where, table.flaw or f"its header is not understood: {', '.join(header)}")
            return
        for row in table.rows:
            if row.flaw or len(row.cells) != len(header):
                self._refuse(where, row.flaw or "a row has another number of cells than the header")
            else:
                cells = dict(zip(header, row.cells, strict=True))
                yield {name: cells[name] for name in (*here, *columns)}


def _stage(text: str) -> str | None:
    match = _STAGE.fullmatch(text.strip())
    return None if match is None else match["stage"]


def _lower(cells: Iterable[str]) -> tuple[str, ...]:
    return tuple(cell.lower() for cell in cells)


def _slug(text: str) -> str:
    return "_".join(re.findall(r"[a-z0-9]+", text.lower()))
