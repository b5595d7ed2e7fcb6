"""Prose that bears on prices: uplifts, promotions, dates, aliases. It is shown to people and never becomes a price."""

from __future__ import annotations

import re
from collections.abc import Iterable

from monitor.sources.pricing_page.blocks import Block, Paragraph

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\"“])")
_TOLD = re.compile(
    r"\$\s?\d|\d\s?%|\buplift|\bpromotion|\bdiscount|\balias"
    r"|\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\s+\d{1,2}\b",
)
_CODE = re.compile(r"[{}\[\]]|\bpricingHtml\b|=>")
_LONGEST = 500


def notes_of(blocks: Iterable[Block]) -> tuple[str, ...]:
    """The sentences, once each, in the order of the page."""
    found: dict[str, None] = {}
    for block in blocks:
        if isinstance(block, Paragraph) and _TOLD.search(block.text):
            for sentence in _SENTENCE.split(block.text):
                if (
                    len(sentence) <= _LONGEST
                    and " " in sentence
                    and _TOLD.search(sentence)
                    and not _CODE.search(sentence)
                ):
                    found[sentence] = None
    return tuple(found)
