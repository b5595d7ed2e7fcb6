"""Sentences that take a day back: the end was put off or withdrawn, or it holds in one place alone, or it is made up.

A table goes on showing a day after the sentence above it has moved it. Whom such a sentence concerns is what it names;
where it names nobody, what its own section says. A rule about ends in general (`dates may be extended`) takes no day
back: it says how sure all of them are.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from monitor.sources.deprecations.dates import IN_GENERAL
from monitor.sources.pricing_page.inline import CODE

_END = (
    r"(?:dates?|day|deprecations?|shut ?downs?|retirements?|ends?|end[- ]of[- ]life|eol|sunsets?|removals?|timelines?"
    r"|schedules?|discontinuations?|announcements?|notices?|plans?|table|models?|snapshots?|these|this|they|it)"
)
_MOVED = re.compile(
    r"\b(?:postponed|delayed|deferred|rescheduled|pushed (?:back|out)|put off|put on hold|on hold|paused|suspended"
    r"|cancell?ed|withdrawn|revoked|rescinded|reversed|reverted|reinstated|brought back|called off|undone"
    r"|(?:been|was|were|is|are) (?:extended|moved|changed)|(?:postpone|delay|defer|cancel|withdraw|extend|reinstate)s? "
    r"(?:the|this|these|our|its)"
    r"|no longer (?:appl(?:y|ies)|valid|planned|scheduled|deprecated|retiring|being (?:retired|deprecated|removed))"
    r"|(?:will|does|do) (?:no longer|not) (?:be (?:retired|shut down|removed|deprecated|discontinued)|apply)"
    r"(?![^.]*\b(?:before|until|till|sooner|earlier)\b))\b",
    re.IGNORECASE,
)
_ABOUT_ENDS = re.compile(rf"\b{_END}\b|{CODE}", re.IGNORECASE)
_ELSEWHERE = re.compile(
    r"\b(?:azure|foundry|bedrock|aws|amazon|vertex|google cloud|databricks|snowflake|oracle|govcloud|government|china"
    r"|eu|europe\w*|enterprise|free tier|chatgpt|consumer|playground|codex|on-?premises?|preview|beta|batch"
    r"|fine[- ]?tun\w*|provisioned|dedicated)\b",
    re.IGNORECASE,
)
_ONLY = re.compile(r"\b(?:only|solely|exclusively)\b", re.IGNORECASE)
_HOLDS = re.compile(r"\b(?:appl(?:y|ies)|holds?|valid|relevant|concerns?|affects?|refers?|for|dates?)\b", re.IGNORECASE)
_EXAMPLE = re.compile(
    r"\b(?:for example|for instance|as an example|e\.g\.|an? (?:sample|example|hypothetical|fictional|illustrative)"
    r"|illustration|placeholders?|hypothetical|made[- ]up|fictitious)\b[^.]*:\s*$",
    re.IGNORECASE,
)


class Doubt(NamedTuple):
    """Why the days that a sentence concerns are not known. `ahead` is said of the next table alone."""

    reason: str
    ahead: bool = False


def doubt(sentence: str) -> Doubt | None:
    """Return what a sentence takes back; None where it takes nothing back."""
    text = sentence.replace(CODE, "")
    if _EXAMPLE.search(text):
        return Doubt("the text above it calls it an example", ahead=True)
    if _ABOUT_ENDS.search(sentence) is None or IN_GENERAL.search(text):
        return None
    if match := _MOVED.search(text):
        return Doubt(f"the page says that this changed: {match[0]!r}")
    if (place := _ELSEWHERE.search(text)) and _ONLY.search(text) and _HOLDS.search(text) and " API" not in text:
        return Doubt(f"the page says that it holds in one place alone: {place[0]!r}")
    return None
