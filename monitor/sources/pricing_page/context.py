"""Where a table stands, and what is stated of its prices there: tier, unit, modality, band, time, offer.

What a section states holds in it and below, and for the time the innermost title or sentence decides. What may not be
so of a plain call is refused here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from monitor.core.price import PER_MILLION_TOKENS, STANDARD, TEXT
from monitor.sources.pricing_page import cells, money
from monitor.sources.pricing_page.blocks import Component, PageTable
from monitor.sources.pricing_page.cells import ALWAYS, CellWindow
from monitor.sources.pricing_page.days import both
from monitor.sources.pricing_page.hours import PeakHours
from monitor.sources.pricing_page.statements import Statement
from monitor.sources.pricing_page.titles import Title, parts, title

CAPTION = re.compile(r"(?:(.+?) )?pricing(?: table)? data", re.IGNORECASE)
LOOSE = 7  # below every heading
OWN = 8  # the table's own titles, below all others
LONGEST_NAME = 3  # words of a loose line that names an offer
_FINE_TUNING = re.compile(r"fine-? ?tun", re.IGNORECASE)
_ELSEWHERE = re.compile(
    (
        r"\b(?:regional|residency|third-party|fedramp|bedrock|azure|vertex|foundry|credits?|provisioned|reserved"
        r"|scale tier)\b"
    ),
    re.IGNORECASE,
)
_OTHER_OFFER = re.compile(
    (
        r"\b(?:EU|europe(?:an)?|government|education|nonprofits?|enterprise|committed|promotion(?:al|s)?"
        r"|discount(?:s|ed)?|off-?peak|historical|historic|past|archived?|examples?)\b"
    ),
    re.IGNORECASE,
)
SHORTLY = re.compile(
    r"\b(?:program\w*|startups?|academ\w+|students?|education\w*|nonprofits?|government|enterprises?|partners?"
    r"|resell\w+|resale|volume|commit\w+|discount\w*|promo\w*|offers?|sale|deals?"
    r"|special|trial|off-?peak|peak|night\w*|weekends?|hours|region\w*|china|europe\w*|asia\w*|customers"
    r"|members?|plan|tier|off|dedicated|deferred|async\w*|overnight|surcharges?|savings?|multipliers?|reserved|provisioned"
    r"|(?:eu|us|uk|apac|emea)(?= only)|only|exclusively)\b",
    re.IGNORECASE,
)
"""Words of audiences, offers and regions."""

_UNKNOWN_TIER = re.compile(r"[\w-]+ (?:mode|processing|tier)", re.IGNORECASE)
_LONG = re.compile(
    (
        r"long[ -]contexts?(?: (?:pricing|prices|rates))?(?: ?\(?(?:>|≥|>=|over|above) ?[0-9]+K(?: (?:input "
        r")?tokens| context(?: length)?)?\)?)?"
    ),
    re.IGNORECASE,
)
_SIZED = re.compile(
    (
        r"\b(?:long|longer|large|medium|extended)[ -](?:context|prompt|input)s?\b|(?:>|≥|\bover|\babove|\bmore than"
        r"|\bexceeding|\bbeyond) ?[0-9][0-9,.]* ?[km]\b"
    ),
    re.IGNORECASE,
)
_ALSO_OFFERS = "preview beta turbo experimental lite eco economy fast flex batch priority ultra max instant live trial"
_APART = frozenset(_ALSO_OFFERS.split())
"""Words that are parts of many ids, and offers as well: they tell nothing apart only where every model of a table bears
them.
"""
_MODALITY = re.compile(r"(text|audio|image) tokens", re.IGNORECASE)
NOT_TEXT = re.compile(r"audio|realtime|speech|voice|transcri|image|video|vision|music|multimodal", re.IGNORECASE)


class Unplaced(Exception):
    """The page does not say, or says in two ways, what a table is about."""


class Elsewhere(Unplaced):
    """It was understood, and its prices are not those of a plain call."""


@dataclass(slots=True, kw_only=True)
class PageSection:
    """A stretch of the page under one title. `unit` is empty until stated; `tiers` counts labels of tiers in it,
    `models` are those it is about where a line of ids says so; a `tab` is one whose label names no tier. `spoken` is
    a section that a sentence opens, a `quiet` one has no text that says nothing of prices, an `empty` one none at
    all. The title of one that `announces` ends with a colon; of one that is `ordered` a sentence says in which order
    cells state amounts, a `plain` one has a title that its provider is known to give all models, and a unit that is
    `unit_ahead` is that of prices "below". `windows` and `doubts` are what sentences say of its prices; the innermost
    section that states a time decides.
    """

    level: int
    title: str
    parent: PageSection | None
    tier: str = ""
    unit: str = ""
    tiers: int = 0
    tables: int = 0
    models: tuple[str, ...] = ()
    tab: bool = False
    spoken: bool = False
    quiet: bool = True
    empty: bool = True
    announces: bool = False
    windows: list[CellWindow] = field(default_factory=list)
    doubts: list[Statement] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    named: list[Statement] = field(default_factory=list)
    ordered: bool = False
    hours: PeakHours | None = None
    plain: bool = False
    unit_ahead: bool = False

    @property
    def told(self) -> Title:
        """What its title says."""
        if self.plain:
            return Title()
        return title(self.title) if self.title and not self.spoken and not CAPTION.fullmatch(self.title) else Title()

    def chain(self) -> Iterator[PageSection]:
        """Yield the section and those it stands in, innermost first."""
        section: PageSection | None = self
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

    block: PageTable | Component
    section: PageSection
    recorded_changes: tuple[str, ...]
    unit: str
    names: tuple[str, ...] = ()
    provider: str = ""

    @property
    def ordered(self) -> bool:
        """Whether a sentence over it states the order of the amounts in its cells."""
        return any(section.ordered for section in self.section.chain())

    @property
    def hours(self) -> PeakHours | None:
        """The hours of the peak, by the nearest sentence that defines them."""
        return next((section.hours for section in self.section.chain() if section.hours), None)

    def within(self, condition: str) -> Placed:
        """Return the same place for prices that hold under one more condition."""
        section = PageSection(level=OWN, title="", parent=self.section, conditions=[condition])
        return replace(self, section=section)

    @property
    def where(self) -> str:
        """The place, as refusals name it."""
        return f"{self.section.path}, line {self.block.line}".removeprefix(", ")

    @property
    def models(self) -> tuple[str, ...]:
        """The models that its section is about, by the nearest line of ids over it."""
        return next((section.models for section in self.section.chain() if section.models), ())

    def about(self, names: Iterable[str], provider: str) -> Placed:
        """Return the same place with the names of the models in it: words of these in a title tell nothing apart."""
        return replace(self, names=tuple(names), provider=provider)

    @property
    def sets_apart(self) -> bool:
        """Whether anything around it may tell its prices apart by words that could be a model's name."""
        return bool(self.named) or any(section.doubts or section.told.strange for section in self.section.chain())

    def unknown(self, strange: frozenset[str]) -> bool:
        """Return whether words tell prices apart, and are no parts of the names of the models here or of their
        provider.
        """
        if not strange:
            return False
        each = [parts((name,)) for name in self.names]
        shared = frozenset.intersection(*each) if each else frozenset[str]()
        return bool(strange - parts((self.provider,)) - shared - (frozenset[str]().union(*each) - _APART))

    def tier(self, column: str = "") -> str:
        """Return the one tier the table is under; `column` is the one that its columns name, if they name one.

        A table without a label is a standard one only in a section that has no tabs at all, and under titles that tell
        nothing apart; under any other title its tier is an offer of its own (`other:…`).

        Raises:
            Unplaced: labels disagree or name no tier that is known, or the section has tabs and the table none.
        """
        recorded_changes = {*self.recorded_changes, column} if column else set(self.recorded_changes)
        if isinstance(self.block, Component) and self.section.tab:  # the tab may be a region or another offer
            raise Unplaced(f"it stands under a tab that names no tier ({self.section.title!r})")
        if len(recorded_changes) > 1 or "" in recorded_changes:
            raise Unplaced("its tier is not known, or its labels name more than one")
        spoken = frozenset[str]().union(*(cells.mentioned(section.title) for section in self.section.chain()))
        if not recorded_changes and any(section.tiers for section in self.section.chain()):
            raise Unplaced("its section has tabs of tiers, and none of them is over this table")
        offers = list(dict.fromkeys(filter(None, map(self._offer, self.section.chain()))))
        if len(offers) + len(recorded_changes) > 1:
            raise Unplaced(f"it stands under titles of several offers ({self.section.path!r})")
        tier = offers[0] if offers else recorded_changes.pop() if recorded_changes else STANDARD
        if spoken - {tier}:
            raise Unplaced(f"it stands under a title of another tier ({self.section.path!r})")
        return tier

    def _offer(self, section: PageSection) -> str:
        """Return the offer that the title of a section makes of its prices; empty where it tells nothing apart."""
        title = section.told
        if not title.strange or cells.tier(section.title) or _LONG.fullmatch(section.title):
            return ""
        return title.offer if self.unknown(title.strange) else ""

    def window(self) -> CellWindow:
        """Return when its prices hold: what the innermost title or sentence that names a time says, within what is said
        of the whole page.

        Raises:
            Unplaced: the two leave no time.
        """
        chain = list(self.section.chain())
        near: CellWindow | None = ALWAYS
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

    def condition(self) -> str:
        """Return the regions and hours in which alone its prices hold, by titles and sentences; empty for none.

        Raises:
            Unplaced: they name several of a kind.
        """
        conditions: dict[str, str] = {}
        for section in self.section.chain():
            for condition in filter(None, (*section.conditions, section.told.condition)):
                if conditions.setdefault(condition.split()[0], condition) != condition:
                    raise Unplaced(f"it stands under several conditions ({condition!r})")
        return ", ".join(sorted(conditions.values()))

    @property
    def named(self) -> list[Statement]:
        """What the page says of single models by name."""
        return list(self.section.chain())[-1].named

    def time_of(self, name: str, window: CellWindow) -> CellWindow:
        """Return when the prices of a model hold, by what sentences say of it by name beside what is said of its table.

        Raises:
            ValueError: the two leave no time, or a sentence names a day of its prices in a way that is not clear.
        """
        for statement in self.named:
            if not _speaks_of(statement.text, name, self.names):
                continue
            within = None if statement.doubt else both(window, statement.window)
            if within is None:
                raise ValueError(statement.doubt or f"the times that are said of it leave none: {statement.text!r}")
            window = within
        return window

    def modality(self, kinds: bool = False) -> str:
        """Return the modality of a table without a column for it; with `kinds` it is empty where only amounts that name
        a kind of tokens can say it.

        Raises:
            Unplaced: the section is about something else than text, and the table does not say which of its prices are.
        """
        for section in self.section.chain():
            if section.plain:
                continue
            named = _MODALITY.fullmatch(section.title)
            if named:
                return named[1].lower()
            if NOT_TEXT.search(section.title):
                if kinds:
                    return ""
                raise Unplaced(f"the section {section.title!r} is not about text, and the table names no modality")
        return TEXT

    def long(self) -> bool:
        """Return whether its section is about long contexts.

        Raises:
            Unplaced: it is about some size of prompts, and not in a way that is recognised.
        """
        sized = [section.title for section in self.section.chain() if _SIZED.search(section.title)]
        if unknown := [title for title in sized if not _LONG.fullmatch(title)]:
            raise Unplaced(f"the section {unknown[0]!r} is about prompts of some size")
        return bool(sized)

    def under(self, title: str) -> Placed:
        """Return the same place below a title of the table's own. A tier that it names is one more claim, so it cannot
        contradict another.
        """
        caption = CAPTION.fullmatch(title)
        tier = cells.tier((caption[1] or "") if caption else title)
        section = PageSection(
            level=OWN,
            title="" if caption and not tier else title,
            parent=self.section,
            tier=tier or "",
            unit=PER_MILLION_TOKENS if money.by_million(title) else "",
        )
        recorded_changes = (*self.recorded_changes, tier) if tier else self.recorded_changes
        return replace(self, section=section, recorded_changes=recorded_changes, unit=section.unit or self.unit)

    def check(self) -> None:
        """Refuse sections whose prices are not those of a plain call.

        Raises:
            Elsewhere: fine-tuning, another offer, or another time.
            Unplaced: an offer or a tier that is not known.
        """
        for section in self.section.chain():
            title = section.told
            if _FINE_TUNING.search(section.title):
                raise Elsewhere("fine-tuning prices, not inference")
            if not title.condition and _ELSEWHERE.search(section.title):
                raise Elsewhere(f"the section {section.title!r} is about another offer")
            if title.past:
                raise Elsewhere(f"the section {section.title!r} is about another time")
            if title.doubt:
                raise Unplaced(title.doubt)
            short = section.level < LOOSE or len(section.title.split()) <= LONGEST_NAME  # else it is a sentence
            if short and not title.condition and _OTHER_OFFER.search(section.title):
                raise Unplaced(f"the section {section.title!r} may be about another offer")
            if _UNKNOWN_TIER.fullmatch(section.title) and cells.tier(section.title) is None:
                raise Unplaced(f"the section {section.title!r} names no tier that is known")
        self.window()
        self.condition()

    def check_said(self) -> None:
        """Refuse prices of which a sentence says more than is understood.

        Raises:
            Unplaced: their currency, unit, day or offer is doubtful.
        """
        for section in self.section.chain():
            for statement in section.doubts:
                if not statement.strange or self.unknown(statement.strange):
                    raise Unplaced(statement.doubt)

    def check_unit(self) -> None:
        """Refuse another unit, and none.

        Raises:
            Unplaced: not stated to be per 1M tokens.
        """
        if not self.unit:
            raise Unplaced("no unit is stated for it")
        if self.unit != PER_MILLION_TOKENS:
            raise Unplaced(self.unit)


def _speaks_of(text: str, name: str, names: tuple[str, ...]) -> bool:
    """Return whether a sentence names a model, by its id or as people write it (`GPT-5.6 Sol`), and not only one whose
    name begins with it.
    """
    spans = [match.span() for match in _spelt(name).finditer(text)]
    longer = [match.span() for other in names if len(other) > len(name) for match in _spelt(other).finditer(text)]
    return any(not any(start <= at and stop <= end for start, end in longer) for at, stop in spans)


def _spelt(name: str) -> re.Pattern[str]:
    pieces = map(re.escape, re.split(r"[\s/:_-]+", name))
    return re.compile(rf"(?<![\w.-]){'[ _-]?'.join(pieces)}(?![\w-]|\.\w)", re.IGNORECASE)


def offers(text: str) -> bool:
    """Return whether a text beside a model may say to whom or where its price is offered."""
    return any(pattern.search(text) for pattern in (SHORTLY, _OTHER_OFFER, _ELSEWHERE)) or bool(title(text).doubt)


def sized(text: str) -> bool:
    """Return whether a text is about prompts of some size beyond the short ones."""
    return _SIZED.search(text) is not None
