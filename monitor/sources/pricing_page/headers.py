"""Header texts to meters: the only place that says what a column holds. A column's position means nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from monitor.core.price import SHORT
from monitor.sources.pricing_page import cells, money
from monitor.sources.pricing_page.profiles import Profile

_UNIT = re.compile(
    r" ?(?:\((?:usd |\$ ?)?(?:per|/) ?(?:1m|1 million|million|m) tokens\)|(?:per|/) ?(?:1m|1 million|million"
    r"|m) tokens)$"
)
_TIER = re.compile(r"(standard|batch|flex|priority|fast mode) (?=(?:cached )?(?:input|output)\b|cache writes?\b)")
_BAND = re.compile(r"(short|long) context ")
_WRITES = re.compile(
    r"(?:(\d+)[ -]?(h|m)(?:our|ours|in|inute|inutes)? )?cache writes?(?: tokens)?"
    r"(?: \(?(\d+)[ -]?(h|m)(?:our|ours|in|inute|inutes)?(?: ttl)?\)?)?"
)
_METERS = {
    "input": "input",
    "input tokens": "input",
    "input price": "input",
    "cached input": "cached_input",
    "cached input tokens": "cached_input",
    "output": "output",
    "output tokens": "output",
    "output price": "output",
    "output / cost": "output",  # its cells name any other unit themselves, and are refused one by one
}
_REGIONS = frozenset({"region", "regions", "location", "geography", "data zone", "zone"})
_UNITS = frozenset({"unit", "billing unit"})
_DESCRIPTIVE = frozenset({"category", "description"})


class Unbound(Exception):
    """The header does not say, or says twice, what the table holds."""


class PriceColumn(NamedTuple):
    """What a column's cells price. `plain` columns name no band, which is the short one unless a row's label says
    otherwise.

    `tier` is empty unless the column names one itself (`Batch input`).
    """

    context: str
    plain: bool
    meter: str
    tier: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """Which column holds what. `descriptive` columns tell something of a model, `sizes` how large its context is,
    `unit` and `region` say in what and where a price holds, `ignored` are columns of other things, `unit_stated`
    whether every price column names the unit.
    """

    width: int
    model: int
    modality: int | None
    prices: dict[int, PriceColumn]
    descriptive: tuple[int, ...]
    sizes: tuple[int, ...]
    ignored: tuple[tuple[int, str], ...]
    unit_stated: bool
    tier: str = ""
    region: int | None = None
    unit: int | None = None


def is_header(row: tuple[str, ...], header: tuple[str, ...], profile: Profile) -> bool:
    """Return whether a row within a table is a header of what follows: it titles columns, and states no amount.

    Titles that are not known are told from a row of words by where they stand: over two columns or more, each another,
    and beside no model.
    """
    texts = [text for text in row if text]
    if any(text.lower() == "model" for text in texts) and len(set(texts)) > 1:
        return True  # whatever else stands in it
    if len(set(texts)) < 2 or any("$" in text for text in texts if not _known(text, profile)):
        return False
    if any(_known(text, profile) for text in texts):
        return True
    places = [
        column
        for column, text in enumerate(header)
        if column < len(row) and _price(_UNIT.sub("", text.lower()), profile)
    ]
    priced = [row[column] for column in places]
    beside = {text for column, text in enumerate(row) if column not in places}
    words = all(text.lower() not in cells.BLANK and text[:1].isalpha() for text in priced)
    return words and len(set(priced)) == len(priced) > 1 and not any(map(_is_name, beside))


def _known(text: str, profile: Profile) -> bool:
    label = text.lower()
    return label in (profile.model, "model", "modality") or _price(_UNIT.sub("", label), profile) is not None


def _is_name(text: str) -> bool:
    try:
        return bool(cells.model(text))
    except ValueError:
        return False


def bind(header: tuple[tuple[str, ...], ...], profile: Profile) -> Binding:
    """Bind the columns of a header, whose rows are groups above labels.

    Raises:
        Unbound: no header, no model column, no price column, or two columns that say the same.
    """
    if not header:
        raise Unbound("the table has no header")
    if len({len(row) for row in header}) > 1:
        raise Unbound("the rows of the header have different numbers of columns")
    if words := money.foreign(" | ".join(text for row in header for text in row)):
        raise Unbound(f"the header names another currency than USD ({words})")
    labels = [_label(column) for column in zip(*header, strict=True)]
    if any(label.startswith("training") for label in labels):
        raise Unbound("fine-tuning prices, not inference")
    models = [column for column, label in enumerate(labels) if label == profile.model]
    modalities = [column for column, label in enumerate(labels) if label == "modality"]
    regions = [column for column, label in enumerate(labels) if label in _REGIONS]
    own_units = [column for column, label in enumerate(labels) if label in _UNITS]
    prices: dict[int, PriceColumn] = {}
    descriptive: list[int] = []
    ignored: list[tuple[int, str]] = []
    for column, label in enumerate(labels):
        if column in (*models, *modalities, *regions, *own_units) or label in profile.aside | profile.sizes:
            continue
        if price := _price(_UNIT.sub("", label), profile):
            prices[column] = price
        elif label in _DESCRIPTIVE or label in profile.descriptive:
            descriptive.append(column)
        else:
            ignored.append((column, label))
    units = [_UNIT.search(labels[column]) is not None or labels[column].startswith("1m ") for column in prices]
    shown = " | ".join(header[-1])
    twice = max(map(len, (modalities, regions, own_units))) > 1
    if len(models) != 1 or twice or any(label.endswith(" model") for label in labels):
        raise Unbound(f"the header {shown!r} does not name one column of models")
    _check_prices(shown, prices, units)
    return Binding(
        width=len(labels),
        model=models[0],
        modality=modalities[0] if modalities else None,
        prices=prices,
        descriptive=tuple(descriptive),
        sizes=tuple(column for column, label in enumerate(labels) if label in profile.sizes),
        ignored=tuple(ignored),
        unit_stated=all(units),
        tier=next(price.tier for price in prices.values()),
        region=regions[0] if regions else None,
        unit=own_units[0] if own_units else None,
    )


def _check_prices(shown: str, prices: Mapping[int, PriceColumn], units: Sequence[bool]) -> None:
    """Refuse columns of prices that do not go together; `units` says of each whether it names its unit.

    Raises:
        Unbound: there is none, two are the same, or only some name a tier or a unit.
    """
    if not prices:
        raise Unbound(f"no price column is recognised in the header {shown!r}")
    if len({(price.context, price.meter) for price in prices.values()}) < len(prices):
        raise Unbound(f"the header {shown!r} names the same price twice")
    if len({price.tier for price in prices.values()}) > 1:
        raise Unbound(f"only some columns of the header {shown!r} name a tier, or they name several")
    if any(units) and not all(units):
        raise Unbound(f"only some columns of the header {shown!r} name their unit")


def _label(column: tuple[str, ...]) -> str:
    """Return a column's whole label: the texts above it. Said twice it is another label (a group `Output` above
    `Output`).
    """
    return " ".join(filter(None, column)).lower()


def _price(label: str, profile: Profile) -> PriceColumn | None:
    named = _TIER.match(label)
    tier = (cells.tier(named[1]) or "") if named else ""
    label = label[named.end() :] if named else label
    if label in profile.meters:
        return PriceColumn(SHORT, True, profile.meters[label], tier)
    band = _BAND.match(label)
    rest = label[band.end() :] if band else label
    context = band[1] if band else SHORT
    writes = _WRITES.fullmatch(rest)
    if writes:
        lifetimes = {f"_{count}{unit}" for count, unit in (writes.group(1, 2), writes.group(3, 4)) if count}
        if len(lifetimes) > 1:
            return None
        meter = "cache_write" + "".join(lifetimes)
        return PriceColumn(context, band is None, meter, tier)
    named_meter = _METERS.get(rest)
    return PriceColumn(context, band is None, named_meter, tier) if named_meter else None
