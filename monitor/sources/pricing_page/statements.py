"""What a sentence says of the prices around it, in currency, unit, day, tier, size of prompts, modality, region, offer
or audience.

The grammar is one of doubt: a sentence about the prices themselves, and that says more of them than is understood,
leaves them unknown. What is understood is counted out word by word: the clauses that tell nothing apart
(`_HARMLESS`), a currency, a unit, a day, a tier, a region, hours. A sentence about anything else (an uplift, another
product, the day a model was released) says nothing of them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from monitor.core.price import PER_MILLION_TOKENS
from monitor.sources.pricing_page import cells, conditions, money
from monitor.sources.pricing_page.cells import ALWAYS, TIER_WORDS, CellWindow
from monitor.sources.pricing_page.days import Day, days, window
from monitor.sources.pricing_page.labels import label
from monitor.sources.pricing_page.titles import PLAIN, words_of

_ENDS = re.compile(
    r"(?<=[.!?])(?<!\bU\.S\.)(?<!\b[IiEe]n[ck]l\.)(?<!\b[Ee]xcl\.)(?<!\bzzgl\.)(?<!\bapprox\.)(?<!\be\.g\.)(?<!\bi\.e\.)"
    r"[\"”’)*_]*\s+(?=\D)"
)
_BULLETS = frozenset({"- ", "* ", "+ ", "• "})
_ITEM = re.compile(r"\s+[-*+•]\s+(?=\S)")  # the items of a list stand in one paragraph
_WORTH = re.compile(
    r"\b(?:pric\w+|rates?|rate card|costs?|fees?|charg\w+|amounts?|bill\w*|pay\w*|quoted?|currenc\w+|invoic\w+"
    r"|tariffs?|figures|values|tables?|lists?|only|exclusively|available|valid|reserved"
    r"|effective|supersed\w+|expire\w*|until|cents|credits|dollars?|tokens?|unit|appl(?:y|ies|icable)|preise?|prix"
    r"|precios?|preços?|prezz[io]|tarif\w*|kosten)\b|20[0-9]{2}|[€£¥₩₹¢$%价價円元]|料金",
    re.IGNORECASE,
)
_PRICED = re.compile(
    (
        r"\b(?:pric(?:es?|ing|ed)|rates?|tariffs?|fees?|costs?|amounts?|charge[sd]?|bill(?:ed|ing|s)?|quoted"
        r"|invoiced?|pay|payable|currency|figures|cents|credits|dollars?|preise?|prix|precios?|preços?|prezz[io]|kosten)\b"
        r"|\bunits?:|\$(?:[ \"”]|$|/)|[价價価円元]|料金"
    ),
    re.IGNORECASE,
)
_NOUN = (
    r"(?:prices?|pricing|price lists?|rates?(?! limit)|rate cards?|tariffs?|amounts?|costs?|fees|charges|figures|values"
    r"|numbers|tables?|lists?)"
)
_ADJECTIVES = (
    r"(?:(?:all|the|our|these|those|this|any|every|following|listed|displayed|shown|above|below|current|new|old"
    r"|api|token|model|usage|list|public|published|quoted|stated|of|price"
    r"|per-token|input|output|and) )*"
)
_GENERAL = re.compile(
    (
        r"(?:^|[;:,(—–]\s*|\band |\bthat |\bapply the |\bhere are )\W*(?:[0-9]\W+)?(?:please )?(?:note(?: "
        rf"that)?:? )?{_ADJECTIVES}{_NOUN}\b"
    ),
    re.IGNORECASE,
)
_POINTING = re.compile(
    r"\b(?:following|below|above|preceding|this table|these|this page|listed|shown)\b", re.IGNORECASE
)
_HERE = re.compile(
    (
        rf"^\W*(?:these|those)\b|\b(?:these|those) {_NOUN}\b|\b(?:the following|follows|here|below|above)\b|\bthis "
        r"(?:from|until|through|on)\b"
    ),
    re.IGNORECASE,
)
_UNDER = re.compile(
    rf"\W*(?:(?:introductory|promotional|launch|special|discounted|half-price|current|new|old) )*(?:(?:{_NOUN}"
    r"|promotion|offer|discount) )?"
    r"(?:effective|valid|in effect|in force|from|until|till?|through|starting|beginning|as of)\b",
    re.IGNORECASE,
)
_WIDE = re.compile(
    (
        rf"\b(?:all|every|any) {_ADJECTIVES}{_NOUN}\b|\b(?:this page|this site|this website|our website|throughout"
        r"|everywhere|everything)\b"
    ),
    re.IGNORECASE,
)
_NARROW = re.compile(
    r"\b(?:this|the following) (?:section|table)|\b(?:below|following|above|preceding)\b", re.IGNORECASE
)
_AMOUNT = re.compile(r"\$ ?[0-9]")
_TAXES = r"(?:VAT|GST|HST|tax(?:es)?|duties|MwSt|USt|TVA|IVA)"
_TAXED = re.compile(
    r"(?<!not )(?<!n't )(?<!n’t )\b(?:in[ck]l(?:ud(?:e|es|ing|ed)|usive|uant|\.)?)(?![a-z])(?! no)[^.;]{0,40}"
    rf"\b{_TAXES}\b|\b{_TAXES} (?:is |are )?in[ck]l(?:ud(?:ed|ing)|us[ei]\w*|\.)|(?:^|\s)(?:TTC|brutto)\W*$",
    re.IGNORECASE,
)
_FEW = 5
"""Words of a text that is a currency or a unit and nothing else."""

_STATING = """
all the our these token tokens price prices pricing list listed rates costs below above following are is shown stated
quoted given in units unit of usd us dollars dollar unless otherwise noted note specified except where and or
excluding exclude excludes exclusive without before tax taxes vat gst not do does include sales applicable local this
page here table models model for api apply any please that on text expressed displayed measured
represent represents consumed cost
"""
_UNIT_WORDS = frozenset(_STATING.split())
_LONGEST_UNIT = 120
_RELATIVE = re.compile(
    r"%|\b(?:half|twice|double|discount\w*|less|more|than|times|save\w*|of (?:the|these|those))\b", re.IGNORECASE
)
_PROCESSED = re.compile(
    rf"\b(?:{TIER_WORDS})(?=[ -](?:api|mode|processing|tier|service|requests?|jobs?|prices?|pricing|rates?)\b)",
    re.IGNORECASE,
)
_SCOPE = re.compile(
    rf"(?:^|[;:,(—–]\s*|\band |\bthat )\W*{_ADJECTIVES}{_NOUN}\b[^.;]{{0,60}}?\b(?:appl(?:y|ies)|applicable"
    r"|(?:are|is)(?: only| exclusively| currently)?"
    r"(?: valid| available| offered| reserved| intended| meant| exclusive| limited| restricted| applicable)?"
    r"|shows?|lists?|covers?|holds?)"
    rf" (?:the )?(?:{_NOUN} )?(?:only |exclusively )?(?:to|for|in|with|when|if|within|under|during|on|by|at|as"
    r"|while|between|outside)\b(?P<whom>.+)",
    re.IGNORECASE,
)
_FRAGMENT = re.compile(
    rf"\W*(?:{_ADJECTIVES}{_NOUN} (?:only |exclusively )?(?:for|in|with|within|under|during|on|when|if)\b(?P<one>.+)"
    r"|(?:appl(?:y|ies)|requires?|assumes?|subject to|available|valid|offered|applicable|reserved|intended|only"
    r"|exclusively)\b(?P<two>.+)|for "
    r"(?P<three>.{1,60} (?:only|exclusively))\W*)",
    re.IGNORECASE,
)
_HELD = re.compile(
    (
        rf"(?:^|[;:,(]\s*)\W*{_ADJECTIVES}{_NOUN}\b[^.;]{{0,40}}?\b(?:includes?|reflects?|assumes?"
        r"|requires?)\b(?P<whom>.+)"
    ),
    re.IGNORECASE,
)
_OFFERED = re.compile(
    r"\b(?:promotion\w*|discounted|introductory|special|sale|trial|student|academic|education\w*|enterprise"
    r"|partner|reseller|government|non-?profit|startup|preview|beta|estimated"
    r"|indicative|approximate|example|illustrative|sample|tentative|draft|negotiated|committed|reserved"
    r"|provisioned|contract|minimum|maximum|average|old|former|previous|histor\w+|archived"
    r"|past|future|upcoming|proposed|planned|off-?peak|regional|wholesale|internal|member|loyalty|bulk"
    rf"|volume) (?:[\w-]+ )?{_NOUN}\b",
    re.IGNORECASE,
)
_SOME_TIME = re.compile(
    r"\b(?:not yet|no longer|used to (?:be|apply|cost|charge|pay)|coming soon|superseded|expired|outdated"
    r"|obsolete|out of date|(?:next|last) (?:week"
    r"|month|quarter|year)|tomorrow|later this year|starting soon"
    r"|will (?:soon )?(?:apply|take effect|come into|be effective|become effective|be introduced|be charged"
    r"|start|begin|replace))\b"
    rf"|\bnew {_NOUN}\W*:\W*$",
    re.IGNORECASE,
)
_OF_EVERYBODY = """
apply applies applied applicable valid available offered
holds hold held shows show showing lists lists listing summarizes summarises summarized
provide provides provided outlines outlined describe describes described detailed contain contains cover covers displays
displayed published presented broken down grouped sorted organized see seen find found located defined documented
charge charged charges bill billed bills pay paid calculated computed measured based according basis depending metered
call calls request requests query queries endpoint endpoints customer customers user users everyone everybody everywhere
anyone organization organizations organisation organisations account accounts team teams subscriber
worldwide globally universal universally tiers usage use uses used using purposes informational
prompt prompts cached cache caching hit hits miss misses read reads write writes completion reasoning count counted
reference full complete official public standardized same equal identical equally uniform consistent remain
remains unchanged stay stays easily quickly compare comparison chart charts card row rows column columns
will be been being has have had can could should would must may so if there they them their its it's let note please
both either respectively between among against next two three four five separately separate each per thousand million
rounded round nearest cent usd$ product products offering offerings provider providers company
announced unless follow follows subject change changes explanation
"""
_WHOM = PLAIN | _UNIT_WORDS | frozenset(_OF_EVERYBODY.split())
"""Words that tell no prices apart from others in a sentence about them."""

_TIERED = rf"(?:{TIER_WORDS})(?:[ -](?:api|mode|processing|tier|service|requests?|jobs?))*"
_HARMLESS = re.compile(
    r"\b(?:see|refer to|visit|read|check|consult|learn|contact|compare|explore|find|use)\b[^.;:]*\b(?:for|about|more"
    r"|page|section|docs?|documentation|guide|calculator|sales|details)\b[^.;:]*"
    r"|\(?\bsee [^.;:()]*\)?"
    r"|\bincludes? (?:all |any |the )?(?:reasoning|thinking)(?: tokens)?\b"
    r"|\b(?:in|across|for|to) (?:all|every|any|each)(?: of)?(?: our)? (?:regions?|countries|locations?|plans?"
    r"|surfaces)\b"
    r"|\band (?:will )?(?:cancel|end|stop|remove|discontinue)\w* (?:the|our|any) [\w' -]+"
    r"|\bdepends? (?:only )?on (?:the )?(?:number|amount|count|volume) of [\w ]*tokens\b"
    r"|\b(?:are |is )?subject to change(?: at any time)?(?:,? (?:with(?:out)?|upon|at) (?:prior |further |any )?"
    r"(?:notice|time))?(?: at any time)?"
    r"|\b(?:may|can|could|might) (?:change|vary|be (?:changed|updated|adjusted))(?: (?:at any time|over time"
    r"|from time to time|without (?:prior )?notice|in the future|frequently|periodically))?"
    r"|\b(?:unless|except where|except as|if not) (?:otherwise )?(?:noted|stated|specified|indicated|mentioned|shown)"
    r"(?: otherwise)?"
    r"|\b(?:exclud\w+|excl\.|exclusive of|(?:do(?:es)? )?not includ\w+|before|plus|without|net of)(?: (?:of|any|all))*"
    r"(?: applicable| local| sales| value[- ]added| indirect|,)*(?: (?:tax(?:es)?|VAT|GST|duties|levies|fees)"
    r"(?:,| and| or)*)+"
    rf"|\b(?:[0-9]+(?:\.[0-9]+)? ?%|half|twice|double|[0-9.]+ ?(?:x|times))[^.;:]*?\b(?:with|for|via|using|through"
    rf"|in|on"
    rf"|under) (?:the )?{_TIERED}"
    r"|\b(?:were|was|are|is|been|last|next)? ?(?:updated|reviewed|checked|verified|refreshed|revised|modified)"
    r"(?: (?:regularly|periodically|daily|weekly|monthly|on|at|as of|from time to time))*",
    re.IGNORECASE,
)
"""Clauses that tell no prices apart: where to read more, that they may change, taxes on top, how a tier relates."""

_POINTED = re.compile(
    rf"\b(?:these|those|following|preceding|(?:the |our )(?:above|below))(?: [\w-]+){{0,3}}? {_NOUN}\b"
    rf"|\b{_NOUN}(?<!\bcosts)(?<!\bcost)(?<!\bcharges)\b[^.;:]{{0,40}}?\b(?:below|above|as follows"
    rf"|on this page|in (?:this|the) table|listed|shown"
    r"|displayed)\b"
    rf"|\b(?:costs|charges) (?:below|above)\b|\b(?:below|here (?:are|is)|following|follows?)\b[^.;:]{{0,30}}\b{_NOUN}\b"
    rf"|\bthis (?:price list|pricing|price|table|rate card|tariff|rate)\b"
    r"|^\W*(?:below|here|these|those|the following|following) (?:are|is|were|was)\b"
    r"|\b(?:billed|charged?|pays?|costs?|appl(?:y|ies)) (?:at )?(?:the following|as follows|these|this|those)\b",
    re.IGNORECASE,
)
_COMPARED = re.compile(
    r"\b(?:of|than|to|from|over|off|on|against|with|by|above|below|beyond|times|as) (?:all |the |our )*"
    rf"(?:these|those|following|above|below|listed|shown|standard|preceding)?(?: [\w-]+){{0,2}}? ?{_NOUN}\b",
    re.IGNORECASE,
)
_ADDED = re.compile(
    r"\W*(?:an? |the )?(?:additional |extra |further )?[0-9.]+ ?%(?: [\w-]+)? (?:discount|surcharge|uplift"
    r"|increase|markup"
    r"|mark-up|fee|premium|reduction|rebate|tax)\b",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    rf"(?:^|[;:(—–]\s*|,\s*(?:and )?|\bthat )\W*(?:[0-9]\W+)?(?:please )?(?:note(?: that)?:? )?{_ADJECTIVES}{_NOUN}\b",
    re.IGNORECASE,
)
_LED = re.compile(
    r"\W*(?P<lead>(?:after|before|once|when|whenever|while|during|for|in|on|at|with|without|if|until|till|through|via"
    r"|between|above|below|over|under|since|beginning|starting|from|upon|within|outside|unless|where|by|up to|as of)\b"
    rf"[^,;:]{{2,120}}?),? (?:{_ADJECTIVES}{_NOUN}|we|you)\b",
    re.IGNORECASE,
)
_DIRECTIVE = re.compile(
    r"\W*(?:see|learn|read|contact|visit|check|consult|refer|use|try|click|explore|compare|find|get|talk|view|note"
    r"|for (?:more|further|details|additional|questions|(?:the )?(?:most|latest|full|complete|up-to-date)))\b",
    re.IGNORECASE,
)
_DATING = re.compile(
    r"\b(?:effective|starting|start|starts|beginning|begins|begin|valid|from|as|of|since|until|till|through|thru|to"
    r"|after|onwards?|forward|in effect|in force|(?:come|comes|coming|go|goes|going|put|enter|enters) (?:in|into|live)"
    r"(?: (?:effect|force|operation))?|takes? effect|taking effect|at least|price list"
    r"|new|current|old|expires?|expiring|ends?|ending|superseded|replaced|replace|prior|up|later|date|day|end|of the"
    r"|introductory|promotional|promotion|offer|raising|no|earlier|than|become|becomes|introduced|gmt|utc|time)\b",
    re.IGNORECASE,
)
_TIER_NAME = re.compile(rf"\b{_TIERED}\b", re.IGNORECASE)
_LABEL = re.compile(rf"\W*(?:[\w'’-]+ ){{1,2}}{_NOUN}(?:[,:]|\W*$)", re.IGNORECASE)
_ELSEWHERE = re.compile(
    r"\b(?:listed|shown|found|available|described|documented|published|given) (?:separately|elsewhere"
    r"|(?:on|in) (?:a|the|our|its|their|each) [^.;]{0,40}\b(?:page|guide|docs|documentation|section|site)s?\b)",
    re.IGNORECASE,
)
_SHORT = 14
"""Words of a sentence of which every word counts, where its subject are prices."""

_EVENT = re.compile(
    r"\b(?:releas\w+|launch\w+|renam\w+|updat\w+(?! (?:prices?|pricing|rates?|price list))|generat\w+|fetch\w+"
    r"|retriev\w+|deprecat\w+|retir\w+|shut ?down"
    r"|sunset\w*|train\w*|cut-?off|knowledge|announc\w+|publish\w+|posted|created"
    r"|founded|copyright|version\w*|snapshots?|revis\w+|modified|edited|review\w+|access\w+|check\w+|verif\w+"
    r"|added|removed|unchanged|last chang\w+)\b|©",
    re.IGNORECASE,
)
_LONGEST = 1200
_SMALL = 40
"""Characters of a text that may be a currency or a unit and nothing else."""

_NEAR = 60
_CLAUSE = re.compile(r"[;()]|,(?! ?20[0-9]{2})|\b(?:and|but|which|who)\b| [—–] ")
_FRAGMENT_WORDS = 12
_VERB = re.compile(r"\b(?:is|are|was|were|has|have|had|can|may|must|should|opened|moved|became)\b", re.IGNORECASE)


class Statement(NamedTuple):
    """What a sentence says of the prices in its scope.

    `doubt` is why they are not known; where it rests on `strange` words alone, it falls with them: a model may go by
    these. `money` is a doubt about currency or unit. `wide` is said of the whole page, `general` of prices as such,
    `back` and `ahead` of those above or below alone. `condition` is the region or the hours in which alone they
    hold. `named` is said of the models alone that `text` names.
    """

    text: str
    doubt: str = ""
    strange: frozenset[str] = frozenset()
    unit: str = ""
    tier: str | None = None
    window: CellWindow = ALWAYS
    condition: str = ""
    money: bool = False
    wide: bool = False
    general: bool = False
    back: bool = False
    ahead: bool = False
    named: bool = False


@lru_cache(maxsize=2048)  # a page says the same at nearly every poll
def statements(text: str) -> tuple[Statement, ...]:
    """Return what the sentences of a paragraph say of the prices around them."""
    if len(text) > _SMALL and not _WORTH.search(text):
        return ()
    items = _ITEM.split(text[2:]) if text[:2] in _BULLETS else (text,)
    return tuple(
        claim for item in items for sentence in _ENDS.split(item) if (claim := statement(sentence)) is not None
    )


def statement(sentence: str) -> Statement | None:
    """Read a sentence; None where it says nothing of the prices around it."""
    if len(sentence) > _SMALL and not _WORTH.search(sentence):
        return None
    if len(sentence) > _LONGEST:  # no sentence but the words of a menu or of code, run together
        return None if (near := _near_money(sentence)) is None else _money(Statement(near, wide=True, general=True))
    if (line := label(sentence)) is not None:
        return Statement(sentence, doubt=line.doubt, tier=line.tier, condition=line.condition, ahead=not line.doubt)
    narrow = _NARROW.search(sentence) is not None
    general = _GENERAL.search(sentence) is not None
    base = Statement(
        sentence,
        general=general,
        wide=_WIDE.search(sentence) is not None and not narrow,
        back=re.search(r"\b(?:above|preceding)\b", sentence, re.IGNORECASE) is not None,
        ahead=re.search(r"\b(?:following|below)\b|: ?$", sentence, re.IGNORECASE) is not None,
    )
    return _money(base) or _claims(base)


def tells_nothing_apart(sentence: str) -> bool:
    """Return whether a sentence is about the prices around it and says of them what is so of every call."""
    about = _SUBJECT.search(sentence) or _POINTED.search(sentence)
    return about is not None and not _DIRECTIVE.match(sentence) and statement(sentence) is None


def _claims(base: Statement) -> Statement | None:
    """Return what a sentence states of tier, day, region and hours, or a doubt where it says more than that of the
    prices here.
    """
    tiered = _tier(base) or base
    if tiered.tier == "":
        return tiered
    dated = _dated(tiered)
    if dated is not None and (dated.doubt or dated.named):
        return dated
    claim = dated or tiered
    rest = _without_days(base.text, dating=dated is not None)
    rest = _TIER_NAME.sub(" ", rest) if claim.tier else rest
    claim, rest = _conditional(claim, rest)
    if claim.doubt:
        return claim
    doubt = _strange_claim(claim, rest, dated is not None)
    if doubt is not None:
        return doubt
    return claim if claim != base else None


def _conditional(claim: Statement, rest: str) -> tuple[Statement, str]:
    """Return what is stated with the region or the hours in which alone it holds, and the rest of its words."""
    text = claim.text
    brief = len(text.split()) <= _FRAGMENT_WORDS and not _VERB.search(text) and _PRICED.search(text)
    if not (brief or _POINTED.search(text) or _SUBJECT.search(text) or _FRAGMENT.fullmatch(text)):
        return claim, rest
    if match := conditions.HOURS.search(rest):
        condition = conditions.hours_of(match)
        rest = conditions.OFF_PEAK.sub(" ", rest[: match.start()] + rest[match.end() :])
    elif match := conditions.IN_REGION.search(rest):
        condition, rest = conditions.region_of(match), rest[: match.start()] + " " + rest[match.end() :]
        if conditions.IN_REGION.search(rest) or re.search(r"\bUS\b", money.unpriced(rest)):
            return claim._replace(doubt=f"it is said of several regions: {text!r}"), rest
    else:
        return claim, rest
    return claim._replace(condition=condition), rest


def _near_money(text: str) -> str | None:
    """Return the stretch around a foreign currency that stands beside a word of prices."""
    at = money.foreign_at(text)
    while at is not None:
        near = text[max(0, at[0] - _NEAR) : at[1] + _NEAR]
        if _PRICED.search(near):
            return near
        at = money.foreign_at(text, at[1])
    return None


def _money(base: Statement) -> Statement | None:
    """Return the currency or unit that a sentence states, or a doubt about either."""
    text = base.text
    priced = _PRICED.search(text) is not None
    few = len(words_of(text)) <= _FEW
    if (words := money.foreign(text)) and (priced or few):
        doubt = f"it is not per 1M tokens in USD: {text!r} ({words})"
        return base._replace(doubt=doubt, money=True, wide=base.wide or base.general, general=True)
    if (priced or few) and _TAXED.search(text):
        return base._replace(doubt=f"it may hold taxes: {text!r}", money=True, general=True)
    if not (priced or few):
        return None
    own = _AMOUNT.search(text) is not None  # an amount of its own has a unit of its own
    words = "" if own else money.other_unit(text)
    of_tokens = re.search(r"tok|char|トークン|文字|字符|[0-9] ?k?$|thousand$", words, re.IGNORECASE) is not None
    if words and (base.general or len(text) <= _LONGEST_UNIT or (of_tokens and _POINTING.search(text))):
        doubt = f"it is not per 1M tokens: {text!r} ({words})"
        # A unit of another thing (a call, a session) holds until another is stated, one of tokens contradicts every
        # other.
        if not (base.general or of_tokens or _POINTED.search(text)):
            return base._replace(unit=doubt)
        return base._replace(doubt=doubt, money=True, general=base.general and of_tokens)
    if money.by_million(text) and not own and (base.general or len(text) <= _LONGEST_UNIT):
        terms = frozenset(word.lower() for word in re.findall(r"[A-Za-z]+", money.unpriced(text)))
        if terms <= _UNIT_WORDS:
            return base._replace(unit=PER_MILLION_TOKENS)
        rest = " ".join(
            word for word in re.findall(r"[A-Za-z]+", money.unpriced(text)) if word.lower() not in _UNIT_WORDS
        )
        if tier := cells.tier(rest):
            return base._replace(unit=PER_MILLION_TOKENS, tier=tier)
        return base._replace(doubt=f"it may not be per 1M tokens of a plain call: {text!r}", money=True)
    return None


def _tier(base: Statement) -> Statement | None:
    """Return the tier that a sentence says the next table is of; empty where it speaks of one and does not say so in a
    known way.
    """
    text = base.text
    if tier := cells.tier(text.rstrip(".:")):
        return base._replace(tier=tier) if _PRICED.search(text) else None
    if _RELATIVE.search(text) or not (_POINTING.search(text) or base.general):
        return None
    applies = _SCOPE.search(text)
    if applies and (tier := cells.tier(re.sub(r"^ (?:only )?(?:the )?|(?: only)?\W*$", "", applies["whom"]))):
        return base._replace(tier=tier)
    return base._replace(tier="") if _PROCESSED.search(text) and _POINTING.search(text) else None


def _dated(base: Statement) -> Statement | None:
    """Return the time for which a sentence says that prices hold, or a doubt about it; nothing of the day of another
    event.
    """
    text = base.text
    named = list(days(text))
    if not named:
        if (base.general or _POINTED.search(text)) and (match := _SOME_TIME.search(text)):
            return base._replace(doubt=f"it may be about another time: {text!r} ({match[0]})")
        return None
    named = [day for day in named if not _EVENT.search(_clause(text, day.start, day.stop))]
    if not named:
        return None
    fragment = len(text.split()) <= _FRAGMENT_WORDS and not _VERB.search(text) and not text.endswith(".")
    if not (base.general or fragment or _about_what_stands_here(text, named)):
        if not _PRICED.search(text):
            return None
        base = base._replace(named=True)
    when = window(text, named)
    if when is None:
        return base._replace(doubt=f"the day that is said of it is not clear: {text!r}")
    return base._replace(window=when) if when != ALWAYS else None


def _about_what_stands_here(text: str, named: list[Day]) -> bool:
    """Return whether a dated sentence is about the prices beside it: it points at them, or they are its subject once
    the day is said.
    """
    return _HERE.search(text) is not None or any(
        _GENERAL.match(text[day.stop :].lstrip(", ")) or _UNDER.match(_clause(text, day.start, day.stop))
        for day in named
    )


def _clause(text: str, start: int, stop: int) -> str:
    """Return the part of a sentence that a day stands in."""
    begins = [match.end() for match in _CLAUSE.finditer(text, 0, start)]
    ends = [match.start() for match in _CLAUSE.finditer(text, stop)]
    return text[begins[-1] if begins else 0 : ends[0] if ends else len(text)]


def _without_days(text: str, *, dating: bool) -> str:
    """Return a text without its days, and with `dating` without the words that bind them."""
    for day in reversed(list(days(text))):
        text = f"{text[: day.start]} {text[day.stop :]}"
    return _DATING.sub(" ", text) if dating else text


def _strange_claim(claim: Statement, rest: str, dated: bool) -> Statement | None:
    """Return a doubt about the prices of which a sentence says something that is not understood; `rest` is what
    remains of it once its day and tier are read.
    """
    text = claim.text
    subject = _SUBJECT.search(text) is not None
    if not dated and (_DIRECTIVE.match(text) or _ELSEWHERE.search(text)):
        return None
    pointed = _POINTED.search(text) is not None
    if pointed and not subject and _RELATIVE.search(text) and _COMPARED.search(text) and not _ADDED.match(text):
        return None  # how other prices relate to these
    if (subject and (pointed or claim.wide)) and (match := _OFFERED.search(text)):
        return claim._replace(doubt=f"it may be another offer: {text!r} ({match[0]})")
    if pointed or dated or (subject and len(text.split()) <= _SHORT) or _LABEL.match(text) or claim.condition:
        claimed = rest
    elif match := _SCOPE.search(text) or _HELD.search(text) or _FRAGMENT.fullmatch(text) or _LED.match(text):
        claimed = next(filter(None, match.groupdict().values()), "")
    else:
        return None
    strange = words_of(_HARMLESS.sub(" ", money.unpriced(claimed))) - _WHOM
    if not strange:
        return None
    return claim._replace(doubt=f"it may hold only under a condition: {text!r}", strange=strange)
