"""Lines of a label and its value, as `Region: Frankfurt` or `Discount: 20%`, and fragments that are such a line without
its label, as `With a 20% discount`.

They say of the prices after them what a sentence would, in so few words that no grammar of sentences finds its subject.
A value that tells nothing apart (`Plan: all`, `Region: any`) says nothing; one that is not understood leaves the prices
unknown.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from monitor.sources.pricing_page import cells, conditions, money
from monitor.sources.pricing_page.titles import words_of

_PLACES = (
    r"(?:(?:data|deployment|billing|cloud|inference|processing|serving) )?(?:region|zone|country|market|location"
    r"|geograph(?:y|ic area)|geo|territory|residency|jurisdiction|data ?cent(?:er|re))s?"
)
_TIMES = r"(?:time(?:s|frame)?(?: of (?:the )?day)?|hours?|schedule|time ?slot|days?|weekdays?|valid hours)"
_OFFERS = (
    r"(?:(?:customer|user|account|contract|pricing|price|billing|deployment|service|processing|sales|launch"
    r"|volume|promo(?:tion(?:al)?)?) )?"
    r"(?:plan|tier|audience|customers?|segment|channel|program(?:me)?|promo(?:tion)?s?|code|coupon|voucher|discounts?"
    r"|rebates?|surcharges?|uplift|markup|mark-up|offers?|contract|commitment|commit|edition|subscription|deployment"
    r"|status(?=\W+(?:draft|proposed|planned|tentative|estimated|preliminary|pending|expired|archived|not))"
    r"|(?:context|prompt|input)(?: (?:length|size|window))?(?=\W*[:=]\W*(?:[<>≤≥]|over|above|below|under|up to|more))"
    r"|type|mode|marketplace|platform|reseller|partner|eligibility|requirements?|minimum|conditions?|applies to"
    r"|valid for|for)"
)
_LABEL = re.compile(
    rf"\W*(?:(?P<place>{_PLACES})|(?P<time>{_TIMES})|(?P<offer>{_OFFERS}))\W{{0,4}}?\s*[:=]\W*(?P<value>\S.*?)[\s.*_]*",
    re.IGNORECASE,
)
_TELLING_NOTHING = """
all any every each everyone everybody anyone none no n/a na not applicable default normal regular plain public general
generally available ga active current live final regions region zones zone countries country markets locations
customers users accounts plans tiers channels programs models model the of and or our in for to standard pay as you go
pay-as-you-go payg on-demand demand on api apis direct usage-based usage based token tokens required
"""
_EVERYTHING = frozenset(_TELLING_NOTHING.split())
_FRAGMENT = re.compile(
    r"\W*(?:(?:prices? |rates? )?(?:with|after|net of|less|minus|includ(?:es|ing)|incl\.?|before|without)\b"
    r"[^.;:]{0,40}\b(?:discounts?|rebates?|vouchers?|coupons?|promo(?:tion)?s?|credits)\b[^.;:]*"
    r"|[^.;:]{0,40}\b(?:discounts?|rebates?|vouchers?|coupons?|promo codes?|promotions?)\b[^.;:]{0,20}"
    r"\b(?:appl(?:y|ies|ied)|included|reflected|deducted|shown|redeemed)\b[^.;:]*(?::\W*[0-9.]+ ?%)?"
    r"|(?:[^.;:]{0,30}[:–—-] )?[0-9.]+ ?% (?:off|discount|reduction|rebate)(?: on| for)?(?: (?:all|every|everything"
    r"|our|the|models?|prices?|tokens?|today|now))*"
    r"|(?:with )?(?:an? )?(?:minimum|annual|yearly|monthly|upfront|prepaid) (?:spend|commitment|commit|contract)\b"
    r"[^.;:]*"
    r"|(?:as )?(?:already )?announced[^.;:]*|from (?:the |next )?new year[^.;:]*"
    r"|(?:[\w-]+ ){0,2}(?:members|customers|accounts|subscribers|partners|students|organi[sz]ations|resellers) only"
    r"|(?:for|to) (?:(?:new|existing|current|former|selected|eligible|approved|verified|qualified|paying|early"
    r"|large|small|registered|invited|our|all|certain|some) )*"
    r"(?:contracts?|customers?|accounts?|organi[sz]ations?|users?|subscribers?|teams?|start-?ups?|students?|schools?"
    r"|universities|researchers?|partners?|resellers?|members?|non-?profits?|agreements?|commitments?|deployments?"
    r"|orders?|invoices?|sign-?ups?|workspaces?|projects?)"
    r"(?: (?:signed|created|opened|made|registered|placed|who|that|whose|with|in|on|of|from|under|before|after|since"
    r"|until|by|older|younger|joining|located|based|outside|within|only|exclusively)\b[^,;:]*)?)\W*",
    re.IGNORECASE,
)
_CLOCK = re.compile(
    r"\b(?:between|from|during|at|after|before|on)\b[^.;:]{0,20}(?:\b(?:midnight|noon|nights?|weekends?|weekdays?"
    r"|evenings?|mornings?)\b|\b[0-9]{1,2} ?[ap]\.?m\b|\b[0-2]?[0-9]:[0-5][0-9]\b)",
    re.IGNORECASE,
)
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_TIME = r"[0-2]?[0-9]:[0-5][0-9](?::[0-5][0-9])?(?: ?\(?(?:UTC|GMT)\)?(?: time)?)?"
_MOMENT = re.compile(
    rf"\b{_TIME},? (?:on )?(?:the )?(?:{_MONTH} [0-9]{{1,2}}(?:st|nd|rd|th)?\b"
    rf"|[0-9]{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH}\b"
    r"|20[0-9]{2}[-/][0-9]{1,2}[-/][0-9]{1,2}\b)"
    rf"|\b20[0-9]{{2}}(?:[-/][0-9]{{1,2}}[-/][0-9]{{1,2}})?,?(?: at)? {_TIME}",
    re.IGNORECASE,
)
"""A time of one day, which is no hours of every day."""
_CHEAPER = re.compile(
    r"\b(?:rates?|prices?|pricing|tariffs?|off|discount(?:ed|s)?|half price|cheaper|reduced)\b", re.IGNORECASE
)
_EVENT = re.compile(
    r"\b(?:updat\w+|refresh\w+|chang\w+|publish\w+|maintenance|reset\w*|support|office|sales|contact\w*|available"
    r"|status|uptime|checked|verified|generated|fetched|announc\w+|releas\w+)\b",
    re.IGNORECASE,
)
_TIERED = re.compile(rf"\b(?:{cells.TIER_WORDS}|cach\w+)\b", re.IGNORECASE)
_OLD_PAGE = re.compile(
    r"\bthis (?:page|site|table|list|document|article|price list|rate card)\b[^.;:]{0,20}\b(?:outdated|obsolete"
    r"|archived|deprecated|retired|moved|out of date|out-of-date|historical|unmaintained|stale|superseded"
    r"|no longer \w+|not (?:being )?(?:maintained|updated|current|accurate))\b",
    re.IGNORECASE,
)


class LabelledLine(NamedTuple):
    """What a line says of the prices after it; `doubt` is why they are not known."""

    doubt: str = ""
    condition: str = ""
    tier: str | None = None


def label(text: str) -> LabelledLine | None:
    """Read a line; None where it is no such line, or says nothing of prices."""
    if match := _LABEL.fullmatch(text):
        return _labelled(text, match)
    if _OLD_PAGE.search(text):
        return LabelledLine(doubt=f"the page says that it is not current: {text!r}")
    if _FRAGMENT.fullmatch(text) and not _TIERED.search(text):
        return LabelledLine(doubt=f"it may be another offer: {text!r}")
    if (at := _CLOCK.search(_MOMENT.sub(" ", text))) and _CHEAPER.search(text) and not _EVENT.search(text):
        if conditions.HOURS.search(text):
            return None  # hours with their zone are read as a sentence's
        return LabelledLine(doubt=f"it may hold at some hours alone: {text!r} ({at[0]})")
    return None


def _labelled(text: str, match: re.Match[str]) -> LabelledLine | None:
    value = match["value"]
    if len(value.split()) > 8 or (not words_of(value) - _EVERYTHING and not re.search(r"[0-9]", value)):
        return None
    if match["place"]:
        if words := conditions.OF_REGION.fullmatch(value):
            return LabelledLine(condition=conditions.region_of(words))
        return LabelledLine(doubt=f"it may hold in one place alone: {text!r}")
    if match["time"]:
        if words := conditions.HOURS.fullmatch(value):
            return LabelledLine(condition=conditions.hours_of(words))
        return LabelledLine(doubt=f"it may hold at some hours alone: {text!r}")
    if tier := cells.tier(value):
        return LabelledLine(tier=tier)
    return None if money.by_million(value) else LabelledLine(doubt=f"it may be another offer: {text!r}")
