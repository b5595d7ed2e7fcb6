"""The `llm_prices` format: the three shapes that llm-prices.com publishes, in USD per one million tokens.

- `current-v1` and `historical-v1`: `{"prices": [{id, vendor, name, input, output, input_cached, from_date, to_date}]}`
- a file per vendor: `{"vendor", "models": [{id, name, price_history: [{input, output, input_cached, from_date,
  to_date}]}]}`

The order of a history means nothing: on 2026-07-30 an old price came back to its head, with an end. Which rows hold
now is decided by their dates alone, and not in here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import NamedTuple

from monitor.core.facts import ANYTHING, Refusal
from monitor.core.price import SHORT, PriceRow
from monitor.sources.extraction import Extraction, Unreadable
from monitor.sources.feeds.sheet import LONG, NOT_AN_AMOUNT, condition_beside, in_other_money, name, number

EXTRACTOR = "llm_prices/3"

METERS = {"input": "input", "output": "output", "input_cached": "cached_input"}

_KNOWN = METERS.keys() | {"id", "vendor", "name", "from_date", "to_date"}

_LONG_ID = re.compile(r"(?P<base>.+)-(?P<size>\d+)k")


class _Item(NamedTuple):
    """One stretch of prices of one model, wherever it stood in the file."""

    where: str
    vendor: object
    id: object
    name: object
    prices: object


def extract(payload: object) -> Extraction:
    """Read the prices of a parsed feed, past, present and announced.

    Raises:
        Unreadable: none of the published shapes, or not one price in it could be read.
    """
    items = list(_items(payload))
    if reason := in_other_money(payload):
        raise Unreadable(reason)
    ids = {(item.vendor, item.id) for item in items if isinstance(item.vendor, str) and isinstance(item.id, str)}
    rows: list[PriceRow] = []
    refused: list[Refusal] = []
    for item in items:
        try:
            rows.extend(_rows(item, ids, refused))
        except ValueError as error:
            about = item.id if isinstance(item.id, str) else ANYTHING
            refused.append(Refusal(item.where, str(error), (about,)))
    if refused and not rows:
        raise Unreadable(f"not one price could be read; {refused[0].where}: {refused[0].reason}")
    return Extraction(rows=tuple(rows), refused=tuple(refused), notes=())


def _items(payload: object) -> Iterator[_Item]:
    if isinstance(payload, dict) and isinstance(payload.get("prices"), list):
        for index, row in enumerate(payload["prices"]):
            fields = row if isinstance(row, dict) else {}
            yield _Item(f"prices[{index}]", fields.get("vendor"), fields.get("id"), fields.get("name"), row)
    elif isinstance(payload, dict) and isinstance(payload.get("models"), list) and "vendor" in payload:
        for index, model in enumerate(payload["models"]):
            fields = model if isinstance(model, dict) else {}
            history = fields.get("price_history")
            for step, prices in enumerate(history if isinstance(history, list) else [None]):
                where = f"models[{index}].price_history[{step}]"
                yield _Item(where, payload["vendor"], fields.get("id"), fields.get("name"), prices)
    else:
        raise Unreadable("none of the published shapes: neither `prices` nor `vendor` with `models`")


def _rows(item: _Item, known: set[tuple[str, str]], refused: list[Refusal]) -> Iterator[PriceRow]:
    vendor, id = name(item.vendor, "vendor"), name(item.id, "id")
    prices = item.prices
    if not isinstance(prices, dict):
        raise ValueError("no object with prices")
    if reason := in_other_money(prices):
        raise ValueError(reason)
    if reason := condition_beside(prices, _KNOWN):
        raise ValueError(reason)
    begin, end = _midnight(prices, "from_date"), _midnight(prices, "to_date")
    if begin and end and begin >= end:
        raise ValueError("ends before it begins")
    model, context = _context(vendor, id, item.name, known)
    for key, meter in METERS.items():
        if (text := prices.get(key)) is None:
            continue
        if (amount := number(text)) is None:
            refused.append(Refusal(f"{item.where}.{key}", NOT_AN_AMOUNT, (model,)))
            continue
        yield PriceRow(
            provider=vendor,
            model=model,
            context=context,
            meter=meter,
            amount=amount,
            valid_from=begin,
            valid_to=end,
        )


def _context(vendor: str, id: str, name: object, known: set[tuple[str, str]]) -> tuple[str, str]:
    """Return the model and band of an id.

    The feed writes the long band as a model of its own, `gpt-5.6-sol-272k` named `GPT-5.6 Sol >272k`. Only where id and
    name agree and the base stands in the file is that read; from an id alone nothing is inferred.
    """
    match = _LONG_ID.fullmatch(id)
    if match and (vendor, match["base"]) in known and isinstance(name, str):
        hit = re.search(r">\s*(\d+)\s*k\b", name, re.IGNORECASE)
        if hit and hit[1] == match["size"]:
            return match["base"], LONG
    return id, SHORT


def _midnight(prices: Mapping[str, object], key: str) -> datetime | None:
    day = prices.get(key)
    if day is None:
        return None
    if not isinstance(day, str):
        raise ValueError(f"`{key}` is not a date")
    try:
        return datetime.combine(date.fromisoformat(day), time(), UTC)
    except ValueError:
        raise ValueError(f"`{key}` is not a date") from None
