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
from functools import lru_cache

from monitor.domain.price import PER_MILLION_TOKENS, STANDARD, TEXT
from monitor.sources.pricing_page import cells
from monitor.sources.pricing_page.blocks import Block, Caption, Component, Control, Heading, Pane, Paragraph, Table

_CAPTION = re.compile(r"(?:(.+?) )?pricing(?: table)? data", re.IGNORECASE)
_LOOSE = 7  # below every heading
_OWN = 8  # the table's own titles, below all others
_TRANSPARENT = frozenset({"all models", "latest models", "our latest models", "learn more"})
_SPEECH = re.compile(r"[.!?:;,$|{}\[\]<>]")
_LETTER = re.compile(r"[A-Za-z]")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_MILLION = re.compile(
    r"(?:all |the )?(?:token )?prices (?:listed below )?(?:are )?(?:listed |shown )?(?:in usd |in us dollars )?(?:in units of )?per (?:1m|1 million|one million|million) tokens"
    r"(?:,? unless (?:otherwise )?noted(?: otherwise)?)?\.?",
    re.IGNORECASE,
)
_PRICED = re.compile(r"\b(?:prices?|pricing|priced|rates?|costs?|amounts?|charged|cents|credits)\b", re.IGNORECASE)
_PER = re.compile(
    r"(?:\bper |\bin |/ ?)(?:an? |one )?(?:[0-9][0-9,.]*|thousand|million)? ?(?:k|m|thousand|million|billion)? ?"
    r"(?:tokens?|characters?|seconds?|minutes?|hours?|days?|months?|images?|pages?|calls?|requests?|songs?|words?|credits?|cents)\b",
    re.IGNORECASE,
)
_CURRENCY = re.compile(
    r"€|£|¥|₩|₹|₽|\b(?:A|AU|C|CA|HK|NZ|R|S)\$|\b(?:EUR|[Ee]uros?|GBP|[Pp]ounds|JPY|[Yy]en|CNY|RMB|[Yy]uan|INR|[Rr]upees|KRW|[Ww]on|CHF|[Ff]rancs|BRL|[Rr]eais|RUB"
    r"|SEK|NOK|DKK|PLN|TRY|AUD|CAD|SGD|HKD|NZD|TWD|MXN|(?:Australian|Canadian|Singapore|Hong Kong|New Zealand) dollars)\b"
)
_LONGEST_STATEMENT = 120
_LONGEST_NAME = 3  # words of a loose line that names an offer
_FINE_TUNING = re.compile(r"fine-? ?tun", re.IGNORECASE)
_ELSEWHERE = re.compile(
    r"\b(?:regional|residency|third-party|fedramp|bedrock|azure|vertex|foundry|credits?|provisioned|reserved|scale tier)\b",
    re.IGNORECASE,
)
_OTHER_TIME = re.compile(
    r"\b(?:upcoming|announced|former|old|previous) |\b(?:starting|effective|until|from|before|after|as of) (?:on )?\w+ \d",
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
_APPLIES = re.compile(
    r"(?:the |these |all )?(?:(?:following|prices?|rates?|pricing|table|below|shown|listed) )+(?:appl(?:y|ies)|is|are) (?:only )?(?:to|for) (?:the )?(.+?)\.?",
    re.IGNORECASE,
)
_POINTING = re.compile(r"\b(?:following|below|this table|these)\b", re.IGNORECASE)
_RELATIVE = re.compile(
    r"%|\b(?:half|twice|double|discount\w*|less|more|than|times|save\w*|of (?:the|these|those))\b", re.IGNORECASE
)
_PROCESSED = re.compile(
    r"\b(?:standard|batch|flex|priority|fast|ultrafast)(?=[ -](?:api|mode|processing|tier|service|requests?|jobs?)\b)",
    re.IGNORECASE,
)
_MODALITY = re.compile(r"(text|audio|image) tokens", re.IGNORECASE)
_NOT_TEXT = re.compile(r"audio|realtime|speech|voice|transcri|image|video|vision|music|multimodal", re.IGNORECASE)


class Unplaced(Exception):
    """The page does not say, or says in two ways, what a table is about."""


class Elsewhere(Unplaced):
    """It was understood, and its prices are not those of a plain call."""


@dataclass(slots=True, kw_only=True)
class Section:
    """A stretch of the page under one title. `unit` is empty until stated; `tiers` counts labels of tiers in it, `models` are
    those it is about where a line of ids says so; a `tab` is one whose label names no tier.
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

    @property
    def where(self) -> str:
        """The place, as refusals name it."""
        return f"{self.section.path}, line {self.block.line}".removeprefix(", ")

    @property
    def models(self) -> tuple[str, ...]:
        """The models that its section is about, by the nearest line of ids over it."""
        return next((section.models for section in self.section.chain() if section.models), ())

    def tier(self, column: str = "") -> str:
        """The one tier the table is under; `column` is the one that its columns name, if they name one.

        A table without a label is a standard one only in a section that has no tabs at all.

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
        tier = claims.pop() if claims else STANDARD
        if spoken - {tier}:
            raise Unplaced(f"it stands under a title of another tier ({self.section.path!r})")
        return tier

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
            unit=unit_of(title),
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
            if _FINE_TUNING.search(section.title):
                raise Elsewhere("fine-tuning prices, not inference")
            if _ELSEWHERE.search(section.title):
                raise Elsewhere(f"the section {section.title!r} is about another offer")
            if _OTHER_TIME.search(section.title):
                raise Elsewhere(f"the section {section.title!r} is about another time")
            short = section.level < _LOOSE or len(section.title.split()) <= _LONGEST_NAME  # else it is a sentence
            if short and _OTHER_OFFER.search(section.title):
                raise Unplaced(f"the section {section.title!r} may be about another offer")
            if _UNKNOWN_TIER.fullmatch(section.title) and cells.tier(section.title) is None:
                raise Unplaced(f"the section {section.title!r} names no tier that is known")

    def check_unit(self) -> None:
        """Refuse another unit, and none.

        Raises:
            Unplaced: not stated to be per 1M tokens.
        """
        if not self.unit:
            raise Unplaced("no unit is stated for it")
        if self.unit != PER_MILLION_TOKENS:
            raise Unplaced(f"it is not per 1M tokens: {self.unit!r}")


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

    def enter(self, level: int, title: str) -> None:
        parent = self.section
        tab = parent.tab and level == _LOOSE  # a title within a tab
        while parent.level >= level and parent.parent is not None:
            parent = parent.parent
        self.section = Section(level=level, title=title, parent=parent, tab=tab)
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
        if tier and self.section.parent:
            self.section.tier = tier
            self.section.parent.tiers += 1

    def paragraph(self, block: Paragraph) -> bool:
        """Read loose text; whether it was a label of a tab."""
        for sentence in _SENTENCE.split(block.text) if _PRICED.search(block.text) else ():
            if (said := _tier_said(sentence)) is not None:
                self.pending = said
            if unit := unit_of(sentence):
                self.section.unit = unit
                self.lead = self.lead or (self.section if unit == PER_MILLION_TOKENS else None)
                return False
        text = block.text
        if self.per_model and (models := cells.ids(text)):
            self.section.models = models
            return False
        if cells.tabs(text):
            self.section.tiers += 1  # a table under none of these tabs is not a standard one for want of a label
            return False
        if not block.lone or len(text) > 60 or text.lower() in _TRANSPARENT:
            return False
        named_tier = _NAMED.fullmatch(text)
        tier = cells.tier((named_tier[1] or named_tier[2]) if named_tier else text)
        if tier:
            self.label(tier)
            return True
        if len(text.split()) <= 8 and not _SPEECH.search(text) and _LETTER.search(text):
            self.enter(_LOOSE, text)
        return False

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
        for title in self.own:
            placed = placed.under(title)
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
        if isinstance(block, Control):
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
    return walk.placed, walk.lead


def _tier_said(sentence: str) -> str | None:
    """The tier that a sentence says the next table is of; empty where it speaks of one and does not say so in a known way.

    None where it speaks of none, or of one beside the table's (`Batch requests are billed at 50% of these rates`).
    """
    if len(sentence) > _LONGEST_STATEMENT or not _POINTING.search(sentence) or _RELATIVE.search(sentence):
        return None
    applies = _APPLIES.fullmatch(sentence)
    if applies and (tier := cells.tier(applies[1])):
        return tier
    return "" if _PROCESSED.search(sentence) else None


def sized(text: str) -> bool:
    """Whether a text is about prompts of some size beyond the short ones."""
    return _SIZED.search(text) is not None


@lru_cache(maxsize=1024)  # a page says the same at nearly every look
def unit_of(sentence: str) -> str:
    """The unit a sentence states for what follows: `1M tokens`, another in its own words, or empty when it states none."""
    if len(sentence) > _LONGEST_STATEMENT or not _PRICED.search(sentence):
        return ""
    if _MILLION.fullmatch(sentence):
        return PER_MILLION_TOKENS
    return sentence if _PER.search(sentence) or _CURRENCY.search(sentence) else ""
