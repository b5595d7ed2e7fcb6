"""Prose that bears on prices: uplifts, promotions, dates, aliases, and what is so of every price. It is shown to people
and never becomes a price: what 10 % more comes to nobody printed, and OpenAI says it of models by the day of their
release and of regions that it does not name.

One kind of sentence is also a fact, though none of price: which id an alias currently points to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from monitor.sources.pricing_page.blocks import Block, Paragraph
from monitor.sources.pricing_page.statements import tells_nothing_apart

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\"“])")
_TOLD = re.compile(
    r"\$\s?\d|\d\s?%|\buplift|\bpromotion|\bdiscount|\balias"
    r"|\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\s+\d{1,2}\b",
)
_PRICES = re.compile(r"\b(?:prices|pricing|rates|price list)\b", re.IGNORECASE)
_CODE = re.compile(r"[{}\[\]]|\bpricingHtml\b|=>")
_LONGEST = 500
_ID = r"[A-Za-z](?=[A-Za-z0-9._:/-]*[0-9-])[A-Za-z0-9._:/-]*[A-Za-z0-9]"
_IDS = rf"{_ID}(?:, {_ID})*(?:,? and {_ID})?"
_POINTS = re.compile(
    rf"(?:The (?:alias|aliases) )?({_IDS})(?: (?:is an alias|are aliases)(?: that| which|,)?)? currently "
    rf"points? to ({_IDS})"
    r"(, respectively)?[.,;]?(?: .*)?"
)
_NAME = re.compile(_ID)


def notes_of(blocks: Iterable[Block]) -> tuple[str, ...]:
    """Return the sentences, once each, in the order of the page."""
    sentences: dict[str, None] = {}
    for block in blocks:
        if not isinstance(block, Paragraph) or not (_TOLD.search(block.text) or _PRICES.search(block.text)):
            continue
        for sentence in _SENTENCE.split(block.text):
            if len(sentence) > _LONGEST or " " not in sentence or _CODE.search(sentence):
                continue
            if _TOLD.search(sentence) or (_PRICES.search(sentence) and tells_nothing_apart(sentence)):
                sentences[sentence] = None
    return tuple(sentences)


def aliases_of(blocks: Iterable[Block]) -> dict[str, str]:
    """Return the ids that a sentence says currently point to another, which it names; several are paired in order, or
    all point to one.

    An alias of which two sentences say different things, or that is counted out against targets that are fewer or more,
    is none.
    """
    targets_of: dict[str, str] = {}
    torn: set[str] = set()
    for block in blocks:
        if not isinstance(block, Paragraph) or "currently point" not in block.text:
            continue
        for sentence in _SENTENCE.split(block.text):
            match = _POINTS.fullmatch(sentence) if len(sentence) <= _LONGEST else None
            if match is None or sentence.count("currently point") > 1:
                continue
            names, targets = _NAME.findall(match[1]), _NAME.findall(match[2])
            if len(targets) == 1 and not match[3]:
                targets *= len(names)
            if len(names) != len(targets):
                continue
            for name, target in zip(names, targets, strict=True):
                if targets_of.setdefault(name, target) != target:
                    torn.add(name)
    return {name: target for name, target in targets_of.items() if name not in torn}
