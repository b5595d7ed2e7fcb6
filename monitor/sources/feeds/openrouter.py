"""The `openrouter` format: OpenRouter's models list, whose prices are strings, in USD per token.

    {"data": [{"id": "openai/gpt-5.6-sol", "pricing": {"prompt": "0.000005", "overrides": [{"min_prompt_tokens": 272000,
    …}], …}}]}

It is a reseller's list: promotions move its prices where the maker's stay. What stands before the slash is the
provider; a variant (`:batch`, `:free`) stays a part of the model's name, since it is sold as a model.
`~openai/gpt-latest` is a name of OpenRouter's own for whatever model is the latest, so its tilde stays with the
provider and keeps it apart from the models of that maker. What such a name points to is stated in `alias_target` since
2026-07-29, and never told by its price.
"""

from __future__ import annotations

from collections.abc import Mapping

from monitor.core.facts import Fact, Subject
from monitor.core.price import TEXT
from monitor.sources.extraction import Extraction, Unreadable
from monitor.sources.feeds.sheet import (
    PER_TOKEN,
    SEVERAL_BANDS,
    PriceTable,
    condition_beside,
    in_other_money,
    long,
    name,
    number_in_text,
    of_money,
    per_million,
    short,
    why_not,
)

EXTRACTOR = "openrouter/3"

METERS = {
    "prompt": ("input", TEXT),
    "completion": ("output", TEXT),
    "input_cache_read": ("cached_input", TEXT),
    "input_cache_write": ("cache_write", TEXT),
    "input_cache_write_1h": ("cache_write_1h", TEXT),
    "internal_reasoning": ("reasoning", TEXT),
    "audio": ("input", "audio"),
    "audio_output": ("output", "audio"),
    "input_audio_cache": ("cached_input", "audio"),
    "image_token": ("input", "image"),
    "image_output": ("output", "image"),
}

OTHER_UNITS = frozenset({"request", "web_search", "image"})
"""By the request and the search; an image is priced by the piece for some models and by its tokens for others, and
which is not said.
"""

ALIAS = "~"
"""What the ids of aliases begin with."""

OVERRIDES = "overrides"
CONDITION = "min_prompt_tokens"


def extract(payload: object) -> Extraction:
    """Read the prices of a parsed list.

    Raises:
        Unreadable: no list with prices, one that goes on elsewhere, or not one price in it could be read.
    """
    items = _items(payload)
    sheet = PriceTable()
    for index, item in enumerate(items):
        try:
            if not isinstance(item, dict):
                raise ValueError("no object with an `id`")
            id = name(item.get("id"), "id")
            provider, slash, model = id.partition("/")
            if not (provider and slash and model):
                raise ValueError("`id` names no provider")
            pricing = item.get("pricing")
            if not isinstance(pricing, dict):
                raise ValueError("no object with prices")
        except ValueError as error:
            sheet.refuse(f"data[{index}]", str(error))
            continue
        known = METERS.keys() | OTHER_UNITS | {OVERRIDES}
        reason = in_other_money(item, PER_TOKEN) or in_other_money(pricing, PER_TOKEN)
        if reason := reason or condition_beside(pricing, known):
            sheet.refuse_all(id, reason, Subject(provider, model))
            continue
        _read(sheet, Subject(provider, model), id, pricing)
        target = _target(item)
        if target is not None:
            sheet.aliases[Subject(provider, model)] = target
    return sheet.extraction()


def _target(item: Mapping[str, object]) -> str | None:
    """Return what an alias points to, empty where the list does not say; None for what is none."""
    target = item.get("alias_target")
    if isinstance(target, dict) and isinstance(slug := target.get("slug"), str) and slug.strip() and slug.isprintable():
        return slug
    id, canonical = item.get("id"), item.get("canonical_slug")
    if not isinstance(id, str) or not id.startswith(ALIAS):
        return None
    # An alias that is its own canonical name says nothing; that of a model is its dated spelling.
    usable = isinstance(canonical, str) and canonical.strip() and canonical.isprintable() and canonical[0] != ALIAS
    return str(canonical) if usable else ""


def _items(payload: object) -> list[object]:
    items = payload.get("data") if isinstance(payload, dict) else None
    if not isinstance(payload, dict) or not isinstance(items, list):
        raise Unreadable("no object with a list `data`")
    if not any(isinstance(item, dict) and "pricing" in item for item in items):
        raise Unreadable("no item of `data` has `pricing`")
    if reason := in_other_money(payload, PER_TOKEN):
        raise Unreadable(reason)
    links, total = payload.get("links"), payload.get("total_count")
    goes_on = isinstance(links, dict) and links.get("next")
    if goes_on or (type(total) is int and total > len(items)):
        raise Unreadable(f"a part of the list: {len(items)} items, and it goes on elsewhere")
    return items


def _read(sheet: PriceTable, subject: Subject, where: str, pricing: Mapping[str, object]) -> None:
    for key, value in pricing.items():
        if key == OVERRIDES:
            _overrides(sheet, subject, f"{where}.{key}", value)
        elif price := _price(sheet, subject, f"{where}.{key}", key, value, beyond=False):
            sheet.put(subject, *price)


def _overrides(sheet: PriceTable, subject: Subject, where: str, overrides: object) -> None:
    """Read the prices of longer prompts. A price has one long context, so several say nothing that
    could be compared.
    """
    listed = overrides if isinstance(overrides, list) else [overrides]
    bands = []
    for index, override in enumerate(listed):
        if not isinstance(override, dict) or type(override.get(CONDITION)) is not int:
            sheet.refuse(f"{where}[{index}]", f"no object with `{CONDITION}`")
            continue
        pairs = ((key, value) for key, value in override.items() if key != CONDITION)
        prices = (_price(sheet, subject, f"{where}[{index}].{key}", key, value, beyond=True) for key, value in pairs)
        bands.append([price for price in prices if price])
    if len(listed) > 1:
        sheet.refuse(where, SEVERAL_BANDS)
        sheet.unclear.update(Fact(subject, field) for band in bands for field, _ in band)
        return
    for band in bands:
        for field, value in band:
            sheet.put(subject, field, value)


def _price(
    sheet: PriceTable, subject: Subject, where: str, key: str, stated: object, *, beyond: bool
) -> tuple[str, str] | None:
    if key in OTHER_UNITS or stated is None or of_money(key):
        return None
    if key not in METERS:
        sheet.refuse(where, "a price under a name that is not known")
        return None
    field = (long if beyond else short)(*METERS[key])
    parsed = number_in_text(stated)
    value = None if parsed is None else per_million(parsed)
    if value is None:
        sheet.refuse(where, why_not(parsed), subject, field)
        return None
    return field, value
