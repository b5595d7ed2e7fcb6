"""Reads a page from top to bottom and places its tables in sections, with what titles, labels and sentences state over,
between and under them.

A statement holds in the section it stands in and below, never in the next one. Headings nest by level; a title that is
only a loose line is a section of its own below the last heading. A loose tab label names the tier of the one table
after it: rendered pages do not mark where a tab ends, so a second table is not covered by it. What a table's own
caption, or a row that is a title within it, states holds for the rows below that alone. A sentence about prices holds
in its section, wherever it stands in it, and one about all prices on the whole page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from monitor.core.price import PER_MILLION_TOKENS
from monitor.sources.pricing_page import cells, hours, money
from monitor.sources.pricing_page.blocks import (
    Block,
    Caption,
    Component,
    Heading,
    Margin,
    PageControl,
    PageTable,
    Pane,
    Paragraph,
)
from monitor.sources.pricing_page.cells import ALWAYS
from monitor.sources.pricing_page.context import (
    CAPTION,
    LONGEST_NAME,
    LOOSE,
    NOT_TEXT,
    OWN,
    SHORTLY,
    PageSection,
    Placed,
)
from monitor.sources.pricing_page.packed import ORDER
from monitor.sources.pricing_page.profiles import PLAIN, Profile
from monitor.sources.pricing_page.statements import Statement, statements
from monitor.sources.pricing_page.titles import Title, title

_TRANSPARENT = frozenset({"all models", "latest models", "our latest models", "learn more"})
_SPEECH = re.compile(r"[.!?:;,$|{}\[\]<>]")
_CLOCK = re.compile(r"\b[0-9]{1,2}:[0-9]{2}\b")
_THOUSANDS = re.compile(r"(?<=[0-9]),(?=[0-9]{3})")
_LETTER = re.compile(r"[A-Za-z]")
_MARGINAL = re.compile(
    r"\b(?:prices?|pricing|rates?|amounts?|costs?|fees)\b[^.;|]{0,60}(?:\bin\b|\bper\b|\bas\b|:|\()", re.IGNORECASE
)
_LONGEST_TITLE = 8
_QUOTED = re.compile(r"^(?:> ?)+")
_NAMED = re.compile(r"(?:(?:pricing|service|processing) )?(?:tier|mode|processing) ?: ?(.+)|(.+?) ?:", re.IGNORECASE)
_FOOTNOTE = re.compile(r"^[*†‡§¹²³0-9.)\s]+(?=[A-Za-z])")
_LIMITING = re.compile(
    r"(?:for|in|with|without|on|during|after|before|once|when|while|until|from|under|via|through|at|between|above|over"
    r"|only|except|if|where|including|excluding)\b",
    re.IGNORECASE,
)
"""How titles begin that limit the prices below them."""
_CONDITIONAL_KEY = re.compile(
    r"currency|units?|regions?|country|plan|offer|audience|tier|effective(?:[_ -]\w+)*|valid(?:[_ -]\w+)*"
    r"|expires?(?:[_ -]\w+)*"
    r"|until|from|discount|archived|deprecated|draft|superseded(?:[_ -]\w+)*",
    re.IGNORECASE,
)
_OF_EVERY_CALL = re.compile(
    r"usd|us dollars?|\$|(?:per )?1m(?: tokens)?|(?:usd|\$) ?(?:per|/) ?1m tokens|standard|global|worldwide|all"
    r"|everyone"
    r"|false|no|none|null",
    re.IGNORECASE,
)
_PRICES = re.compile(r"\b(?:prices?|pricing|rates|tariffs?|price lists?|costs?)\b", re.IGNORECASE)
_ELSEWHERE_SAID = re.compile(
    r"(?:see|learn|read|contact|view|show|copy|visit|try|compare|explore|get|sign|log|skip|build|check|click"
    r"|download|scroll|expand|hide|open|search|share|subscribe|talk|find|jump|go|back|edit"
    r"|was this|did this|last (?:updated|modified|reviewed)|updated|generated|published|source|table of "
    r"contents|on this page|note|tip|there|here|it|you|we|they|this)\b",
    re.IGNORECASE,
)
"""How lines begin that are no titles: they send the reader elsewhere, or speak of the page."""


@dataclass(slots=True)
class _Walk:
    words: Profile = PLAIN
    section: PageSection = field(default_factory=lambda: PageSection(level=0, title="", parent=None))
    lead: PageSection | None = None
    pending: str | None = None  # the tier of the next table; empty: labels without content between them
    caption: str | None = None
    own: list[str] = field(default_factory=list)  # the titles of the next table itself
    adjacent: bool = False
    placed: list[Placed] = field(default_factory=list)
    sections: list[PageSection] = field(default_factory=list)  # innermost last
    leads: list[PageSection] = field(default_factory=list)  # under loose titles over all tables of their heading
    late: list[tuple[Statement, int]] = field(default_factory=list)  # with how many tables stood above

    def enter(self, level: int, title: str) -> None:
        self._look_ahead()
        parent = self.section
        tab = parent.tab and level == LOOSE  # a title within a tab
        while parent.level >= level and parent.parent is not None and not (level == LOOSE and _pending(parent)):
            parent = parent.parent
        self.section = PageSection(level=level, title=title, parent=parent, tab=tab)
        self.sections.append(self.section)
        self.pending = self.caption = None
        self.own = []

    def _look_ahead(self) -> None:
        """Let the unit that a section without tables states of prices below be that of the sections after it."""
        here = self.section
        if self.words.unit_ahead and here.unit_ahead and not here.tables and here.parent is not None:
            here.parent.unit = here.parent.unit or here.unit
            self.lead = here.parent if self.lead is here else self.lead

    def pane(self, value: str) -> bool:
        """Enter a tab; whether it is one of a tier."""
        while self.section.tab and self.section.parent is not None:
            self.section = self.section.parent
        tier = cells.tier(value)
        if tier:
            self.label(tier, pane=True)
            return True
        self.enter(LOOSE, value)
        self.section.tab = True
        return False

    def label(self, tier: str, pane: bool = False) -> None:
        """Take up a tab's label. Labels in a row are a list of tabs, and none of them is over what follows."""
        self.section.tiers += 1
        contradicts = self.adjacent and self.pending is not None and self.pending != tier
        self.pending = "" if contradicts and not pane else tier
        self.caption = None

    def heading(self, block: Heading) -> None:
        caption = CAPTION.fullmatch(block.text)
        if caption:
            name = (caption[1] or "").lower()
            self.caption = None if name in ("", "grouped") else cells.tier(name) or ""
            self.section.tiers += self.caption is not None
            return
        tier = cells.tier(block.text)
        text = self.words.suffix.sub("", block.text) if self.words.suffix else block.text
        self.enter(block.level, block.text if cells.tier(text) else text)
        self.section.unit = PER_MILLION_TOKENS if money.by_million(block.text) else ""
        self.section.plain = block.text.lower() in self.words.titles
        if tier and self.section.parent:
            self.section.tier = tier
            self.section.parent.tiers += 1

    def paragraph(self, block: Paragraph) -> bool:
        """Read loose text; whether it was a label of a tab."""
        self.section.empty = False
        text = _QUOTED.sub("", block.text) if block.text[:1] == ">" else block.text
        text = self._defined(text)
        short = len(text) <= 60 and (block.lone or text is not block.text)
        named_tier = _NAMED.fullmatch(text) if short else None
        if short and (tier := cells.tier((named_tier[1] or named_tier[2]) if named_tier else text)):
            self.label(tier)
            return True
        sentences = statements(text)
        for statement in sentences:
            if statement.tier is not None:
                self.pending = statement.tier
            if statement.unit:
                self.section.unit = statement.unit
                self.section.unit_ahead = statement.ahead
                self.lead = self.lead or (self.section if statement.unit == PER_MILLION_TOKENS else None)
        if any(sentence.unit or sentence.money or sentence.tier for sentence in sentences):
            self.section.quiet = self.section.quiet and all(sentence.general for sentence in sentences)
            self.hold(sentences)
            return False
        if self.words.per_model is not None and (models := cells.ids(text)):
            self.section.models = models
            return False
        if cells.tabs(text):
            self.section.tiers += 1  # a table under none of these tabs is not a standard one for want of a label
            return False
        line = text.removesuffix(":")
        if len(line.split()) <= LONGEST_NAME and SHORTLY.search(line):
            line = _FOOTNOTE.sub("", line)  # a footnote of a word or two, `* Off-peak.`
            line = line.removesuffix(".") if len(line.split()) < LONGEST_NAME else line
        if short and text.lower() not in _TRANSPARENT and _is_title(line):
            self.hold(sentences, titled=True)
            self._titled(line)
            self.section.announces = text.endswith(":")
        else:
            self.section.quiet = False
            self.hold(sentences)
        return False

    def _defined(self, text: str) -> str:
        """Take up the definitions of a paragraph that its provider is known to give; the rest of its words."""
        if self.words.peak_hours:
            defined, text = hours.defined(text)
            self._over().hours = defined or self._over().hours
            if defined and hours.PEAK.search(text):
                self._doubt(Statement(text, doubt=f"more is said of its hours than is known: {text!r}"), self._over())
        if self.words.ordered and ORDER.search(text):
            self.section.ordered = True
            text = ORDER.sub("", text).strip()
        return text

    def _titled(self, line: str) -> None:
        """Enter a section under a loose title."""
        early = not self._over().tables
        self.enter(LOOSE, line)
        self.leads += [self.section] if early else []

    def _over(self) -> PageSection:
        """Return the innermost section under a heading, or the whole page."""
        return next(section for section in self.section.chain() if section.level < LOOSE)

    def _top(self) -> PageSection:
        """Return the whole page."""
        return list(self.section.chain())[-1]

    def hold(self, said: Iterable[Statement], *, titled: bool = False) -> None:
        """Keep what sentences say of prices, in the section that it holds in; a line that is `titled` opens one of its
        own besides.
        """
        over = self._over()
        for statement in said:
            if statement.named:
                self._top().named.append(statement)
            elif statement.doubt:
                if not (titled and statement.strange):  # the title itself says whose these prices are
                    self._doubt(statement, over)
            elif statement.window is ALWAYS and not statement.condition:
                continue
            elif statement.wide:
                _keep(self._top(), statement)
            elif not titled:
                self._limit(statement, over)
            elif not over.tables:
                over.windows += [statement.window] if statement.window is not ALWAYS else []

    def _limit(self, found: Statement, over: PageSection) -> None:
        """Date the tables around a sentence, or give them its condition: those below it, and those above where it
        points there.
        """
        if not over.tables:
            _keep(over, found)
        elif not found.ahead:
            self._look_back(found, over)
        if not found.back:
            self._speak(found)

    def _doubt(self, found: Statement, over: PageSection) -> None:
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
        self.enter(LOOSE, found.text)
        self.section.spoken = True
        _keep(self.section, found)
        self.section.unit = unit
        self.pending, self.caption, self.own = pending, caption, own

    def _look_back(self, found: Statement, over: PageSection) -> None:
        """Date the tables above a sentence: by it where it points there, and not at all where it may mean those below
        as well.
        """
        for number, placed in enumerate(self.placed):
            if over in placed.section.chain():
                section = PageSection(level=OWN, title="", parent=placed.section)
                if found.back:
                    _keep(section, found)
                else:
                    section.doubts.append(found._replace(doubt=f"it is not said of which prices: {found.text!r}"))
                self.placed[number] = replace(placed, section=section)

    def margin(self, block: Margin) -> None:
        """Take from beside the page what names a currency, a unit or a time, and a condition that a key of it sets; its
        other words are not about these prices.
        """
        titled = title(block.text) if block.key == "title" else Title()
        if titled.doubt or titled.past or titled.window is not ALWAYS:
            self._top().doubts.append(Statement(block.text, doubt=f"the page's title is {block.text!r}"))
        elif _CONDITIONAL_KEY.fullmatch(block.key) and not _OF_EVERY_CALL.fullmatch(block.text.strip()):
            self._top().doubts.append(Statement(block.text, doubt=f"the page says of itself {block.key}: {block.text}"))
        self._top().doubts += [
            statement for statement in statements(block.text) if statement.money and _MARGINAL.search(statement.text)
        ]

    def choice(self, block: PageControl) -> None:
        """Take up a choice of currencies: which of them the page shows is not said."""
        self._top().doubts += [
            Statement(text, doubt=f"it may not be in USD: the page offers {text!r}", money=True)
            for text in block.texts
            if len(text.split()) <= LONGEST_NAME and money.foreign(text)
        ]

    def close(self) -> None:
        """Settle what was said where no table stands, and at the end of the page: it is about the tables that do stand
        there.
        """
        for section in self.sections:
            if section.level == LOOSE and not section.tables and (doubt := self._astray(section)) is not None:
                next(ancestor for ancestor in section.chain() if ancestor.level < LOOSE).doubts.append(doubt)
        for statement, count in self.late:
            if count == len(self.placed):
                self._top().doubts.append(statement)
        for section in reversed(self.sections):
            if not section.tables and section.parent is not None:
                raised = [sentence for sentence in section.doubts if sentence.general and not sentence.strange]
                section.parent.doubts += raised
                if not section.spoken:
                    section.parent.windows += section.windows
                    section.parent.conditions += section.conditions

    def _astray(self, section: PageSection) -> Statement | None:
        """Return what the title of a section without a table leaves open of the prices around it."""
        title, text = section.told, section.title
        lead = section in self.leads or section.empty
        priced = _PRICES.search(text) or _LIMITING.match(text)
        timed = any((section.spoken, title.doubt, title.past, title.window is not ALWAYS, title.condition))
        timed = timed or bool(lead and priced and NOT_TEXT.search(text))
        apart = title.strange and lead and (section.announces or priced or SHORTLY.search(text))
        if not timed and not apart:
            return None
        doubt = f"it is not said of which prices: {text!r}"
        return Statement(text, doubt=doubt, strange=frozenset() if timed else title.strange)

    def table(self, block: PageTable | Component) -> None:
        if self.caption and self.pending == "":
            self.pending = None  # a caption that names the tier settles what a row of labels left open
        recorded_changes = [claim for claim in (self.pending, self.caption) if claim is not None]
        recorded_changes += [section.tier for section in self.section.chain() if section.tier]
        if isinstance(block, Component):
            if block.tier:
                recorded_changes.append(cells.tier(block.tier) or "")
        else:
            self.pending = None
        self.caption = None
        unit = next((section.unit for section in self.section.chain() if section.unit), "")
        placed = Placed(block=block, section=self.section, recorded_changes=tuple(recorded_changes), unit=unit)
        for own in self.own:
            placed = placed.under(own)
            self.section.tiers += bool(placed.section.tier)
        self.own = []
        self.placed.append(placed)
        for section in self.section.chain():
            section.tables += 1


def _keep(section: PageSection, found: Statement) -> None:
    """Let the prices of a section hold when and where a sentence says."""
    if found.window is not ALWAYS:
        section.windows.append(found.window)
    if found.condition:
        section.conditions.append(found.condition)


def place(blocks: Iterable[Block], words: Profile = PLAIN) -> tuple[list[Placed], PageSection | None]:
    """Return the tables with what is stated around them, and the first section that announces prices per 1M tokens.

    Where a provider has a table for each model, a line of nothing but ids says which models its section is about.
    """
    walk, blocks = _Walk(words=words), list(blocks)
    headed = any(isinstance(block, Heading) for block in blocks)
    for block in blocks:
        if isinstance(block, Margin):
            walk.margin(block)
            continue
        if isinstance(block, PageControl):
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


def _is_title(text: str) -> bool:
    """Return whether a lone line is the title of what follows: a few words, no sentence and nothing that sends the
    reader elsewhere.
    """
    if not _LETTER.search(text) or _ELSEWHERE_SAID.match(text):
        return False
    dated = title(text).window is not ALWAYS  # commas belong to days
    text = _THOUSANDS.sub("", _CLOCK.sub("", text))
    return len(text.split()) <= _LONGEST_TITLE and not (_SPEECH.search(text) and not (dated and not text.endswith(".")))


def _pending(section: PageSection) -> bool:
    """Return whether a loose title has no table yet that it would set apart: the title after it is one within it."""
    if section.level != LOOSE or section.tables:
        return False
    title = section.told
    return (
        section.spoken
        or bool(title.doubt)
        or title.past
        or title.window is not ALWAYS
        or (bool(title.strange) and (section.quiet or SHORTLY.search(section.title) is not None))
    )
