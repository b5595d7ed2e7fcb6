"""Where a table stands: its section, and the tier and unit that the page states for it there.

A statement holds in the section it stands in and below, never in the next one. Headings nest by level; a title that is only a
loose line is a section of its own below the last heading. A loose tab label names the tier of the one table after it:
rendered pages do not mark where a tab ends, so a second table is not covered by it. What a table's own caption, or a row that is a title
within it, states holds for the rows below that alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from monitor.domain.price import PER_MILLION_TOKENS, STANDARD, TEXT
from monitor.sources.pricing_page import cells, money
from monitor.sources.pricing_page.blocks import (
    Block,
    Caption,
    Component,
    Control,
    Heading,
    Margin,
    Pane,
    Paragraph,
    Table,
)
from monitor.sources.pricing_page.cells import ALWAYS, Window
from monitor.sources.pricing_page.days import both
from monitor.sources.pricing_page.statements import Statement, sentences, statement
from monitor.sources.pricing_page.titles import Title, parts, title

_CAPTION = re.compile(r"(?:(.+?) )?pricing(?: table)? data", re.IGNORECASE)
_LOOSE = 7  # below every heading
_OWN = 8  # the table's own titles, below all others
_TRANSPARENT = frozenset({"all models", "latest models", "our latest models", "learn more"})
_SPEECH = re.compile(r"[.!?:;,$|{}\[\]<>]")
_CLOCK = re.compile(r"\b[0-9]{1,2}:[0-9]{2}\b")
_LETTER = re.compile(r"[A-Za-z]")
_LONGEST_TITLE = 8
_LONGEST_NAME = 3  # words of a loose line that names an offer
_FINE_TUNING = re.compile(r"fine-? ?tun", re.IGNORECASE)
_ELSEWHERE = re.compile(
    r"\b(?:regional|residency|third-party|fedramp|bedrock|azure|vertex|foundry|credits?|provisioned|reserved|scale tier)\b",
    re.IGNORECASE,
)
_OTHER_OFFER = re.compile(
    r"\b(?:EU|europe(?:an)?|government|education|nonprofits?|enterprise|committed|promotion(?:al|s)?|discount(?:s|ed)?|off-?peak|historical|historic|past|archived?|examples?)\b",
    re.IGNORECASE,
)
_UNKNOWN_TIER = re.compile(r"[\w-]+ (?:mode|processing|tier)", re.IGNORECASE)
_LONG = re.compile(
    r"long[ -]contexts?(?: (?:pricing|prices|rates))?(?: ?\(?(?:>|≥|>=|over|above) ?[0-9]+K(?: (?:input )?tokens| context(?: length)?)?\)?)?",
    re.IGNORECASE,
)
_SIZED = re.compile(
    r"\b(?:long|longer|large|medium|extended)[ -](?:context|prompt|input)s?\b|(?:>|≥|\bover|\babove|\bmore than|\bexceeding|\bbeyond) ?[0-9][0-9,.]* ?[km]\b",
    re.IGNORECASE,
)
_NAMED = re.compile(r"(?:(?:pricing|service|processing) )?(?:tier|mode|processing) ?: ?(.+)|(.+?) ?:", re.IGNORECASE)
_ALSO_OFFERS = "preview beta turbo experimental lite eco economy fast flex batch priority ultra max instant live trial"
_APART = frozenset(_ALSO_OFFERS.split())
"""Words that are parts of many ids, and offers as well: they tell nothing apart only where every model of a table bears them."""
_SHORTLY = re.compile(
    r"\b(?:program\w*|startups?|academ\w+|students?|education\w*|nonprofits?|government|enterprises?|partners?|resell\w+|resale|volume|commit\w+|discount\w*|promo\w*|offers?|sale|deals?"
    r"|special|trial|off-?peak|peak|night\w*|weekends?|hours|region\w*|china|europe\w*|asia\w*|customers|members?|plan|tier)\b",
    re.IGNORECASE,
)
_ELSEWHERE_SAID = re.compile(
    r"(?:see|learn|read|contact|view|show|copy|visit|try|compare|explore|get|sign|log|skip|build|check|click|download|scroll|expand|hide|open|search|share|subscribe|talk|find|jump|go|back|edit"
    r"|was this|did this|last (?:updated|modified|reviewed)|updated|generated|published|source|table of contents|on this page|note|tip|there|here|it|you|we|they|this)\b",
    re.IGNORECASE,
)
"""How lines begin that are no titles: they send the reader elsewhere, or speak of the page."""
_MODALITY = re.compile(r"(text|audio|image) tokens", re.IGNORECASE)
_NOT_TEXT = re.compile(r"audio|realtime|speech|voice|transcri|image|video|vision|music|multimodal", re.IGNORECASE)


class Unplaced(Exception):
    """The page does not say, or says in two ways, what a table is about."""


class Elsewhere(Unplaced):
    """It was understood, and its prices are not those of a plain call."""


@dataclass(slots=True, kw_only=True)
class Section:
    """A stretch of the page under one title. `unit` is empty until stated; `tiers` counts labels of tiers in it, `models` are
    those it is about where a line of ids says so; a `tab` is one whose label names no tier. `spoken` is a section that a sentence opens, and
    `windows` and `doubts` are what sentences say of its prices; the innermost section that states a time decides.
    """

    level: int
    title: str
    parent: Section | None
    tier: str = ""
    unit: str = ""
    tiers: int = 0
    tables: int = 0
    models: tuple[str, ...] = ()
    tab: bool = False
    spoken: bool = False
    windows: list[Window] = field(default_factory=list)
    doubts: list[Statement] = field(default_factory=list)
    named: list[Statement] = field(default_factory=list)

    @property
    def told(self) -> Title:
        """What its title says."""
        return title(self.title) if self.title and not self.spoken and not _CAPTION.fullmatch(self.title) else Title()

    def chain(self) -> Iterator[Section]:
        """The section and those it stands in, innermost first."""
        section: Section | None = self
        while section is not None:
            yield section
            section = section.parent

    @property
    def path(self) -> str:
        """The titles from the outermost to the innermost; what refusals name."""
        return " › ".join(reversed([section.title for section in self.chain() if section.title]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A table or component with what was stated around it: the tiers that labels name, and the unit in force."""

    block: Table | Component
    section: Section
    claims: tuple[str, ...]
    unit: str
    some: frozenset[str] = frozenset()
    every: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """The place, as refusals name it."""
        return f"{self.section.path}, line {self.block.line}".removeprefix(", ")

    @property
    def models(self) -> tuple[str, ...]:
        """The models that its section is about, by the nearest line of ids over it."""
        return next((section.models for section in self.section.chain() if section.models), ())

    def about(self, names: Iterable[str], provider: str) -> Placed:
        """The same place with the names of the models in it: words of these in a title tell nothing apart."""
        names = tuple(names)
        each = [parts((name,)) for name in names]
        whose = parts((provider,))
        shared = frozenset.intersection(*each) if each else frozenset[str]()
        return replace(self, some=whose.union(*each), every=whose | shared, names=names)

    def tier(self, column: str = "") -> str:
        """The one tier the table is under; `column` is the one that its columns name, if they name one.

        A table without a label is a standard one only in a section that has no tabs at all, and under titles that tell nothing apart; under any
        other title its tier is an offer of its own (`other:…`).

        Raises:
            Unplaced: labels disagree or name no tier that is known, or the section has tabs and the table none.
        """
        claims = {*self.claims, column} if column else set(self.claims)
        if isinstance(self.block, Component) and self.section.tab:  # the tab may be a region or another offer
            raise Unplaced(f"it stands under a tab that names no tier ({self.section.title!r})")
        if len(claims) > 1 or "" in claims:
            raise Unplaced("its tier is not known, or its labels name more than one")
        spoken = frozenset[str]().union(*(cells.mentioned(section.title) for section in self.section.chain()))
        if not claims and any(section.tiers for section in self.section.chain()):
            raise Unplaced("its section has tabs of tiers, and none of them is over this table")
        offers = list(dict.fromkeys(filter(None, map(self._offer, self.section.chain()))))
        if len(offers) + len(claims) > 1:
            raise Unplaced(f"it stands under titles of several offers ({self.section.path!r})")
        tier = offers[0] if offers else claims.pop() if claims else STANDARD
        if spoken - {tier}:
            raise Unplaced(f"it stands under a title of another tier ({self.section.path!r})")
        return tier

    def _offer(self, section: Section) -> str:
        """The offer that the title of a section makes of its prices; empty where it tells nothing apart."""
        told = section.told
        if not told.strange or cells.tier(section.title) or _LONG.fullmatch(section.title):
            return ""
        return "" if told.strange <= self.every | (self.some - _APART) else told.offer

    def window(self) -> Window:
        """When its prices hold: what the innermost title or sentence that names a time says, within what is said of the whole page.

        Raises:
            Unplaced: the two leave no time.
        """
        chain = list(self.section.chain())
        near: Window | None = ALWAYS
        for section in chain[:-1]:
            windows = [*section.windows, *filter(lambda one: one is not ALWAYS, [section.told.window])]
            if windows:
                near = windows[-1]
                break
        for wide in chain[-1].windows:
            near = both(near, wide) if near is not None else None
        if near is None:
            raise Unplaced(f"the times that are said of it leave none ({self.section.path!r})")
        return near

    @property
    def named(self) -> list[Statement]:
        """What the page says of single models by name."""
        return list(self.section.chain())[-1].named

    def time_of(self, name: str, window: Window) -> Window:
        """When the prices of a model hold, by what sentences say of it by name beside what is said of its table.

        Raises:
            ValueError: the two leave no time, or a sentence names a day of its prices in a way that is not clear.
        """
        for said in self.named:
            if not _speaks_of(said.text, name, self.names):
                continue
            within = None if said.doubt else both(window, said.window)
            if within is None:
                raise ValueError(said.doubt or f"the times that are said of it leave none: {said.text!r}")
            window = within
        return window

    def modality(self) -> str:
        """The modality of a table without a column for it.

        Raises:
            Unplaced: the section is about something else than text, and the table does not say which of its prices are.
        """
        for section in self.section.chain():
            named = _MODALITY.fullmatch(section.title)
            if named:
                return named[1].lower()
            if _NOT_TEXT.search(section.title):
                raise Unplaced(f"the section {section.title!r} is not about text, and the table names no modality")
        return TEXT

    def long(self) -> bool:
        """Whether its section is about long contexts.

        Raises:
            Unplaced: it is about some size of prompts, and not in a way that is recognised.
        """
        sized = [section.title for section in self.section.chain() if _SIZED.search(section.title)]
        if unknown := [title for title in sized if not _LONG.fullmatch(title)]:
            raise Unplaced(f"the section {unknown[0]!r} is about prompts of some size")
        return bool(sized)

    def under(self, title: str) -> Placed:
        """The same place below a title of the table's own. A tier that it names is one more claim, so it cannot contradict another."""
        caption = _CAPTION.fullmatch(title)
        tier = cells.tier((caption[1] or "") if caption else title)
        section = Section(
            level=_OWN,
            title="" if caption and not tier else title,
            parent=self.section,
            tier=tier or "",
            unit=PER_MILLION_TOKENS if money.by_million(title) else "",
        )
        claims = (*self.claims, tier) if tier else self.claims
        return replace(self, section=section, claims=claims, unit=section.unit or self.unit)

    def check(self) -> None:
        """Refuse sections whose prices are not those of a plain call.

        Raises:
            Elsewhere: fine-tuning, another offer, or another time.
            Unplaced: an offer or a tier that is not known.
        """
        for section in self.section.chain():
            told = section.told
            if _FINE_TUNING.search(section.title):
                raise Elsewhere("fine-tuning prices, not inference")
            if _ELSEWHERE.search(section.title):
                raise Elsewhere(f"the section {section.title!r} is about another offer")
            if told.past:
                raise Elsewhere(f"the section {section.title!r} is about another time")
            if told.doubt:
                raise Unplaced(told.doubt)
            short = section.level < _LOOSE or len(section.title.split()) <= _LONGEST_NAME  # else it is a sentence
            if short and _OTHER_OFFER.search(section.title):
                raise Unplaced(f"the section {section.title!r} may be about another offer")
            if _UNKNOWN_TIER.fullmatch(section.title) and cells.tier(section.title) is None:
                raise Unplaced(f"the section {section.title!r} names no tier that is known")
        self.window()

    def check_said(self) -> None:
        """Refuse prices of which a sentence says more than is understood.

        Raises:
            Unplaced: their currency, unit, day or offer is doubtful.
        """
        for section in self.section.chain():
            for said in section.doubts:
                if not said.strange or said.strange - self.some:
                    raise Unplaced(said.doubt)

    def check_unit(self) -> None:
        """Refuse another unit, and none.

        Raises:
            Unplaced: not stated to be per 1M tokens.
        """
        if not self.unit:
            raise Unplaced("no unit is stated for it")
        if self.unit != PER_MILLION_TOKENS:
            raise Unplaced(self.unit)


@dataclass(slots=True)
class _Walk:
    per_model: bool = False
    section: Section = field(default_factory=lambda: Section(level=0, title="", parent=None))
    lead: Section | None = None
    pending: str | None = None  # the tier of the next table; empty: labels without content between them
    caption: str | None = None
    own: list[str] = field(default_factory=list)  # the titles of the next table itself
    adjacent: bool = False
    placed: list[Placed] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)  # innermost last
    late: list[tuple[Statement, int]] = field(default_factory=list)  # with how many tables stood above

    def enter(self, level: int, title: str) -> None:
        parent = self.section
        tab = parent.tab and level == _LOOSE  # a title within a tab
        while parent.level >= level and parent.parent is not None and not (level == _LOOSE and _pending(parent)):
            parent = parent.parent
        self.section = Section(level=level, title=title, parent=parent, tab=tab)
        self.sections.append(self.section)
        self.pending = self.caption = None
        self.own = []

    def pane(self, value: str) -> bool:
        """Enter a tab; whether it is one of a tier."""
        while self.section.tab and self.section.parent is not None:
            self.section = self.section.parent
        tier = cells.tier(value)
        if tier:
            self.label(tier, pane=True)
            return True
        self.enter(_LOOSE, value)
        self.section.tab = True
        return False

    def label(self, tier: str, pane: bool = False) -> None:
        """A tab's label. Labels in a row are a list of tabs, and none of them is over what follows."""
        self.section.tiers += 1
        contradicts = self.adjacent and self.pending is not None and self.pending != tier
        self.pending = "" if contradicts and not pane else tier
        self.caption = None

    def heading(self, block: Heading) -> None:
        caption = _CAPTION.fullmatch(block.text)
        if caption:
            name = (caption[1] or "").lower()
            self.caption = None if name in ("", "grouped") else cells.tier(name) or ""
            self.section.tiers += self.caption is not None
            return
        tier = cells.tier(block.text)
        self.enter(block.level, block.text)
        self.section.unit = PER_MILLION_TOKENS if money.by_million(block.text) else ""
        if tier and self.section.parent:
            self.section.tier = tier
            self.section.parent.tiers += 1

    def paragraph(self, block: Paragraph) -> bool:
        """Read loose text; whether it was a label of a tab."""
        text = block.text
        short = block.lone and len(text) <= 60
        named_tier = _NAMED.fullmatch(text)
        if short and (tier := cells.tier((named_tier[1] or named_tier[2]) if named_tier else text)):
            self.label(tier)
            return True
        said = [found for sentence in sentences(text) if (found := statement(sentence)) is not None]
        for found in said:
            if found.tier is not None:
                self.pending = found.tier
            if found.unit:
                self.section.unit = found.unit
                self.lead = self.lead or (self.section if found.unit == PER_MILLION_TOKENS else None)
        if any(found.unit or found.money or found.tier for found in said):
            self.hold(said)
            return False
        if self.per_model and (models := cells.ids(text)):
            self.section.models = models
            return False
        if cells.tabs(text):
            self.section.tiers += 1  # a table under none of these tabs is not a standard one for want of a label
            return False
        line = text.removesuffix(":")
        if short and text.lower() not in _TRANSPARENT and _is_title(line):
            self.hold(said, titled=True)
            self._titled(line)
        else:
            self.hold(said)
        return False

    def _titled(self, line: str) -> None:
        """Enter a section under a loose title; one of another time is that of all that its heading is over, where no table stood there yet."""
        over, told = self._over(), title(line)
        if over.level and not over.tables and (told.doubt or told.past):
            over.doubts.append(Statement(line, doubt=told.doubt or f"the line {line!r} is about another time"))
        self.enter(_LOOSE, line)

    def _over(self) -> Section:
        """The innermost section under a heading, or the whole page."""
        return next(section for section in self.section.chain() if section.level < _LOOSE)

    def _top(self) -> Section:
        """The whole page."""
        return list(self.section.chain())[-1]

    def hold(self, said: Iterable[Statement], *, titled: bool = False) -> None:
        """Keep what sentences say of prices, in the section that it holds in; a line that is `titled` opens one of its own besides."""
        over = self._over()
        for found in said:
            if found.named:
                self._top().named.append(found)
            elif found.doubt:
                if not (titled and found.strange):  # the title itself says whose these prices are
                    self._doubt(found, over)
            elif found.window is ALWAYS:
                continue
            elif found.wide:
                self._top().windows.append(found.window)
            elif titled:
                over.windows += [found.window] if not over.tables else []
            else:
                self._date(found, over)

    def _date(self, found: Statement, over: Section) -> None:
        """Date the tables around a sentence: those below it, and those above where it points there."""
        if not over.tables:
            over.windows.append(found.window)
        elif not found.ahead:
            self._look_back(found, over)
        if not found.back:
            self._speak(found)

    def _doubt(self, found: Statement, over: Section) -> None:
        if found.wide:
            self._top().doubts.append(found)
            return
        early = found.general and not found.strange and not over.tables
        (over if early else self.section).doubts.append(found)
        if found.general and found.money:
            self.late.append((found, len(self.placed)))

    def _speak(self, found: Statement) -> None:
        """Open a section by a sentence that dates what follows it. What labels the next table still does."""
        pending, caption, own, unit = self.pending, self.caption, self.own, self.section.unit
        self.enter(_LOOSE, found.text)
        self.section.spoken = True
        self.section.windows.append(found.window)
        self.section.unit = unit
        self.pending, self.caption, self.own = pending, caption, own

    def _look_back(self, found: Statement, over: Section) -> None:
        """Date the tables above a sentence: by it where it points there, and not at all where it may mean those below as well."""
        said = found.window if found.back else None
        for number, placed in enumerate(self.placed):
            if over in placed.section.chain():
                section = Section(level=_OWN, title="", parent=placed.section)
                if said is None:
                    section.doubts.append(found._replace(doubt=f"it is not said of which prices: {found.text!r}"))
                else:
                    section.windows.append(said)
                self.placed[number] = replace(placed, section=section)

    def margin(self, block: Margin) -> None:
        """Take from beside the page what names a currency or unit; its other words are not about these prices."""
        self._top().doubts += [
            found for sentence in sentences(block.text) if (found := statement(sentence)) is not None and found.money
        ]

    def choice(self, block: Control) -> None:
        """A choice of currencies: which of them the page shows is not said."""
        self._top().doubts += [
            Statement(text, doubt=f"it may not be in USD: the page offers {text!r}", money=True)
            for text in block.texts
            if len(text.split()) <= _LONGEST_NAME and money.foreign(text)
        ]

    def close(self) -> None:
        """Settle what was said where no table stands, and at the end of the page: it is about the tables that do stand there."""
        for found, count in self.late:
            if count == len(self.placed):
                self._top().doubts.append(found)
        for section in reversed(self.sections):
            if not section.tables and section.parent is not None:
                raised = [one for one in section.doubts if one.general and not one.strange]
                section.parent.doubts += raised
                if section.windows and not section.spoken:
                    section.parent.windows += section.windows

    def table(self, block: Table | Component) -> None:
        if self.caption and self.pending == "":
            self.pending = None  # a caption that names the tier settles what a row of labels left open
        claims = [claim for claim in (self.pending, self.caption) if claim is not None]
        claims += [section.tier for section in self.section.chain() if section.tier]
        if isinstance(block, Component):
            if block.tier:
                claims.append(cells.tier(block.tier) or "")
        else:
            self.pending = None
        self.caption = None
        unit = next((section.unit for section in self.section.chain() if section.unit), "")
        placed = Placed(block=block, section=self.section, claims=tuple(claims), unit=unit)
        for own in self.own:
            placed = placed.under(own)
            self.section.tiers += bool(placed.section.tier)
        self.own = []
        self.placed.append(placed)
        for section in self.section.chain():
            section.tables += 1


def place(blocks: Iterable[Block], *, per_model: bool = False) -> tuple[list[Placed], Section | None]:
    """The tables with what is stated around them, and the first section that announces prices per 1M tokens.

    With `per_model` a line of nothing but ids says which models its section is about.
    """
    walk, blocks = _Walk(per_model=per_model), list(blocks)
    headed = any(isinstance(block, Heading) for block in blocks)
    for block in blocks:
        if isinstance(block, Margin):
            walk.margin(block)
            continue
        if isinstance(block, Control):
            walk.choice(block)
            if headed and not walk.section.level:
                continue  # a site's own controls stand above the page
            walk.section.tiers += any(cells.tier(text) or cells.tabs(text) for text in block.texts)
            continue
        labelled = False
        if isinstance(block, Heading):
            walk.heading(block)
        elif isinstance(block, Paragraph):
            labelled = walk.paragraph(block)
        elif isinstance(block, Pane):
            labelled = walk.pane(block.value)
        elif isinstance(block, Caption):
            walk.own.append(block.text)
        else:
            walk.table(block)
        walk.adjacent = labelled
    walk.close()
    return walk.placed, walk.lead


def _speaks_of(text: str, name: str, names: tuple[str, ...]) -> bool:
    """Whether a sentence names a model, by its id or as people write it (`GPT-5.6 Sol`), and not only one whose name begins with it."""
    spans = [match.span() for match in _spelt(name).finditer(text)]
    longer = [match.span() for other in names if len(other) > len(name) for match in _spelt(other).finditer(text)]
    return any(not any(start <= at and stop <= end for start, end in longer) for at, stop in spans)


def _spelt(name: str) -> re.Pattern[str]:
    pieces = map(re.escape, re.split(r"[\s/:_-]+", name))
    return re.compile(rf"(?<![\w.-]){'[ _-]?'.join(pieces)}(?![\w-]|\.\w)", re.IGNORECASE)


def _is_title(text: str) -> bool:
    """Whether a lone line is the title of what follows: a few words, no sentence and nothing that sends the reader elsewhere."""
    if not _LETTER.search(text) or _ELSEWHERE_SAID.match(text):
        return False
    dated = title(text).window is not ALWAYS  # commas belong to days
    text = _CLOCK.sub("", text)
    return len(text.split()) <= _LONGEST_TITLE and not (_SPEECH.search(text) and not (dated and not text.endswith(".")))


def _pending(section: Section) -> bool:
    """Whether a loose title has no table yet that it would set apart: the title after it is one within it."""
    if section.level != _LOOSE or section.tables:
        return False
    told = section.told
    return (
        section.spoken
        or bool(told.doubt)
        or told.past
        or told.window is not ALWAYS
        or (bool(told.strange) and _SHORTLY.search(section.title) is not None)
    )


def sized(text: str) -> bool:
    """Whether a text is about prompts of some size beyond the short ones."""
    return _SIZED.search(text) is not None
