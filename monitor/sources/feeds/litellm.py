"""The `litellm` format: the price map of LiteLLM, a flat object of models, in USD per token.

    {"gpt-5.6": {"litellm_provider": "openai", "input_cost_per_token": 5e-06, "input_cost_per_token_above_272k_tokens":
    1e-05, …}}

What a price is of stands in its key alone: `…_above_272k_tokens` is the long context, `…_batches`, `…_flex` and
`…_priority` are tiers, `…_above_1hr` is a second lifetime of cached writes. An uplift of a region makes prices of that
region of all the others (`regional_processing_uplift_multiplier_eu`). Prices by the image, second, page or query and
amounts in another vendor's units are known and not read; a key that speaks of a cost in other words is refused. The map
also holds what is no model: `sample_spec`, whose values are explanations, and rules for names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from monitor.core.facts import Fact, Subject
from monitor.core.price import REGION, SHORT, STANDARD, Meter, canonical
from monitor.sources.extraction import Extraction, Unreadable
from monitor.sources.feeds.sheet import (
    LONG,
    PER_TOKEN,
    SEVERAL_BANDS,
    PriceTable,
    field_of,
    in_other_money,
    name,
    number,
    of_money,
    per_million,
    why_not,
)

EXTRACTOR = "litellm/2"

NO_MODELS = frozenset({"sample_spec", "fallback_generalizations"})

PROVIDER = "litellm_provider"
BANDS = "tiered_pricing"

METERS = {
    "input_cost_per_token": ("text", "input"),
    "output_cost_per_token": ("text", "output"),
    "cache_read_input_token_cost": ("text", "cached_input"),
    "input_cost_per_token_cache_hit": ("text", "cached_input"),
    "cache_creation_input_token_cost": ("text", "cache_write"),
    "cache_creation_input_token_cost_above_1hr": ("text", "cache_write_1h"),
    "output_cost_per_reasoning_token": ("text", "reasoning"),
    "citation_cost_per_token": ("text", "citation"),
    "input_cost_per_audio_token": ("audio", "input"),
    "output_cost_per_audio_token": ("audio", "output"),
    "cache_read_input_audio_token_cost": ("audio", "cached_input"),
    "cache_read_input_token_cost_per_audio_token": ("audio", "cached_input"),
    "cache_creation_input_audio_token_cost": ("audio", "cache_write"),
    "input_cost_per_image_token": ("image", "input"),
    "output_cost_per_image_token": ("image", "output"),
    "cache_read_input_image_token_cost": ("image", "cached_input"),
    "input_cost_per_video_token": ("video", "input"),
    "output_cost_per_video_token": ("video", "output"),
}

TIERS = {"": STANDARD, "_batches": "batch", "_flex": "flex", "_priority": "priority"}

_UPLIFT = re.compile(r"regional_processing_uplift_multiplier_(?P<region>\w+)")
_REGIONS = {"eu": "EU", "us": "US"}
_LARGEST_UPLIFT = 10

_KEY = re.compile(r"(?P<meter>\w+?)(?:_above_(?P<band>\d+)k_tokens)?(?P<tier>_batches|_flex|_priority)?")
_OF_COST = re.compile(r"cost|price|pricing")
_OTHER_UNITS = re.compile(
    r"_per_(?:image|pixel|second|character|query|page|request|session|credit|video_per_second|audio_per_second"
    r"|1k_\w+|gb_per_day)(?:_|$)|_dbu_cost_per_token$"
)


class _Price(NamedTuple):
    """What a key prices. `band` is the threshold of a long context, empty for the short one."""

    field: str
    band: str


@lru_cache(maxsize=1024)
def _meaning(key: str) -> _Price | str | None:
    match = _KEY.fullmatch(key)
    if match and (priced := METERS.get(match["meter"])):
        modality, meter = priced
        band = match["band"] or ""
        return _Price(field_of(TIERS[match["tier"] or ""], LONG if band else SHORT, modality, meter), band)
    if not _OF_COST.search(key) or _OTHER_UNITS.search(key) or key == BANDS:
        return None
    return "a key about a cost, in words that are not known"


def extract(payload: object) -> Extraction:
    """Read the prices of a parsed map.

    Raises:
        Unreadable: no entry of it names its provider, or not one price in it could be read.
    """
    if not isinstance(payload, dict) or not any(isinstance(e, dict) and PROVIDER in e for e in payload.values()):
        raise Unreadable(f"no map of models with `{PROVIDER}`")
    sheet = PriceTable()
    entries = [entry for entry in payload.values() if isinstance(entry, dict)]
    # A map has 35,000 keys and 150 different ones, most of which are no price: each is understood once, the others
    # passed over.
    meanings = {key: meaning for key in set().union(*entries) if (meaning := _meaning(key)) is not None}
    prices = {key: meaning for key, meaning in meanings.items() if isinstance(meaning, _Price)}
    unknown = {key: meaning for key, meaning in meanings.items() if isinstance(meaning, str)}
    uplifts = {key: match["region"] for key in set().union(*entries) if (match := _UPLIFT.fullmatch(key))}
    moneyed = any(map(of_money, set().union(*entries)))
    for key, entry in payload.items():
        if key in NO_MODELS:
            continue
        try:
            if not isinstance(entry, dict):
                raise ValueError("no object with prices")
            provider = entry.get(PROVIDER)
            subject = _subject(key, provider if isinstance(provider, str) else "")
        except ValueError as error:
            sheet.refuse(key, str(error))
            continue
        if moneyed and (reason := in_other_money(entry, PER_TOKEN)):
            sheet.refuse_all(key, reason, subject, [price.field for odd, price in prices.items() if odd in entry])
            continue
        _read(sheet, subject, key, entry, prices)
        if not uplifts.keys().isdisjoint(entry):
            _uplift(sheet, subject, key, {uplifts[name]: entry[name] for name in uplifts if name in entry})
        if not unknown.keys().isdisjoint(entry):
            for odd in filter(unknown.__contains__, entry):
                if number(entry[odd]) is not None:  # a table of searches or a remark is no amount at all
                    sheet.refuse(f"{key}.{odd}", unknown[odd])
    return sheet.extraction()


@lru_cache(maxsize=8192)  # a feed holds the same names at every poll
def _subject(key: str, provider: str) -> Subject:
    """Whom an entry is about: a prefix that repeats the provider, or begins it (`vertex_ai/…` of `vertex_ai-models`),
    is its provider.

    Another prefix is a part of the name (`low/1024-x-1024/gpt-image-1`).

    Raises:
        ValueError: one of the two is not a printable, non-empty string.
    """
    name(key, "the name of a model")
    name(provider, PROVIDER)
    prefix, slash, rest = key.partition("/")
    if prefix == provider and rest:
        return Subject(provider, rest)
    if slash and rest:
        label, other = prefix.replace("-", "_"), provider.replace("-", "_")
        if label == other:
            return Subject(provider, rest)
        if other.startswith(label + "_"):
            return Subject(prefix, rest)
    return Subject(provider, key)


def _read(
    sheet: PriceTable, subject: Subject, where: str, entry: dict[str, object], prices: Mapping[str, _Price]
) -> None:
    bands: dict[str, list[tuple[str, str]]] = {}
    fields = sheet.fields(subject)
    for key in filter(prices.__contains__, entry):
        if (amount := entry[key]) is None:
            continue
        field, band = prices[key]
        value = per_million(amount) if type(amount) is Decimal else _value(amount)
        if value is None:
            sheet.refuse(f"{where}.{key}", why_not(number(amount)), subject, field)
        elif band:
            bands.setdefault(band, []).append((field, value))
        elif fields.setdefault(field, value) is not value:
            sheet.put(subject, field, value)
    if BANDS in entry:
        _ranges(sheet, subject, f"{where}.{BANDS}", entry[BANDS])
    if bands:
        _long(sheet, subject, where, list(bands.values()))


def _uplift(sheet: PriceTable, subject: Subject, where: str, multipliers: Mapping[str, object]) -> None:
    """Write what the prices of a model are in each region that has an uplift."""
    for region, stated in multipliers.items():
        if stated is None:
            continue
        multiplier, place = number(stated), _REGIONS.get(region)
        if place is None or multiplier is None or not 1 <= multiplier <= _LARGEST_UPLIFT:
            sheet.refuse(f"{where}.regional_processing_uplift_multiplier_{region}", "an uplift that is not understood")
            continue
        for field, value in list(sheet.fields(subject).items()):
            if "{" in field:
                continue
            conditional = Meter.of(field)._replace(condition=REGION + place).field
            if Fact(subject, field) in sheet.unclear:
                sheet.unclear.add(Fact(subject, conditional))
            else:
                sheet.put(subject, conditional, canonical(Decimal(str(value)) * multiplier))


def _value(stated: object) -> str | None:
    parsed = number(stated)
    return None if parsed is None else per_million(parsed)


def _ranges(sheet: PriceTable, subject: Subject, where: str, ranges: object) -> None:
    """Read `[{"range": [0, 256000], …}, {"range": [256000, 1000000], …}]`: the range from 0 is the short context."""
    bands: list[list[tuple[str, str]]] = []
    for index, band in enumerate(ranges if isinstance(ranges, list) else [None]):
        bounds = band.get("range") if isinstance(band, dict) else None
        begin = number(bounds[0]) if isinstance(bounds, list) and len(bounds) == 2 else None
        if not isinstance(band, dict) or begin is None:
            if not isinstance(band, dict) or any(isinstance(_meaning(key), _Price) for key in band):
                sheet.refuse(f"{where}[{index}]", "no object with a `range` of two numbers")
            continue  # searches are tiered by their results, and are no tokens
        prices: list[tuple[str, str]] = []
        odd = next((key for key in band if key != "range" and not _understood(key)), "")
        for key, amount in band.items():
            meaning = _meaning(key)
            if not isinstance(meaning, _Price) or meaning.band or amount is None:
                continue
            if odd:
                sheet.refuse(
                    f"{where}[{index}].{key}", f"`{odd}` beside the amount is not known", subject, meaning.field
                )
                continue
            tier, _, *rest = meaning.field.removeprefix("price.").split(".")
            field = meaning.field if begin == 0 else ".".join(("price", tier, LONG, *rest))
            if (value := _value(amount)) is None:
                sheet.refuse(f"{where}[{index}].{key}", why_not(number(amount)), subject, field)
            else:
                prices.append((field, value))
        if begin == 0:
            for field, value in prices:
                sheet.put(subject, field, value)
        else:
            bands.append(prices)
    _long(sheet, subject, where, bands)


def _understood(key: str) -> bool:
    return isinstance(_meaning(key), _Price) or _OTHER_UNITS.search(key) is not None


def _long(sheet: PriceTable, subject: Subject, where: str, bands: list[list[tuple[str, str]]]) -> None:
    """Write the long context; a price has one, so several say nothing that could be compared."""
    for prices in bands:
        for field, value in prices:
            if len(bands) == 1:
                sheet.put(subject, field, value)
            else:
                sheet.unclear.add(Fact(subject, field))
    if len(bands) > 1:
        sheet.refuse(where, SEVERAL_BANDS)
