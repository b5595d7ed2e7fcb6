"""The `genai_prices` format, v1 and v2: a list of providers with their models, in USD per one million tokens.

    [{"id": "openai", "models": [{"id": "gpt-5.6-luna", "prices": {"input_mtok": {"base": 1, "tiers": [{"start": 272000,
    "price": 2}]}}}]}]

`prices` is one set, or a list of sets with a `constraint` each, of which the last one that holds is valid: from its
`start_date` a set replaces all before it, meters that it does not state included; where none holds yet, the first one
does. A set that holds at certain hours of the day has these as its condition. Nothing is priced by provider or by tier
there: the tiers of a price are bands of context.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import NamedTuple

from monitor.core.facts import Fact, Refusal, Subject
from monitor.core.price import SHORT, STANDARD, TEXT, Meter, PriceRow
from monitor.sources.extraction import Extraction, Unreadable
from monitor.sources.feeds.sheet import (
    LONG,
    NO_PRICE,
    SEVERAL_BANDS,
    condition_beside,
    in_other_money,
    name,
    number,
    of_money,
    shown,
    why_not,
)

EXTRACTOR = "genai_prices/3"

OTHER_UNIT = "_kcount"
"""By the thousand: requests, searches."""

_TIME = re.compile(r"([01][0-9]:[0-5][0-9]|2[0-3]:[0-5][0-9])(?::00)?(?:Z|\+00:00)")
_KEY = re.compile(
    r"(?P<way>input|output)(?:_(?P<kind>audio|image|video|text|reasoning))?_mtok"
    r"|cache(?:_(?P<cached>audio|image|video|text))?_(?P<act>read|write)(?P<lifetime>_\d+[mh])?_mtok"
)


class _Set(NamedTuple):
    """One set of prices and when it holds: from `begin` (inclusive) until `end` (exclusive), at the hours of its
    `condition` alone.
    """

    where: str
    prices: object
    begin: datetime | None
    end: datetime | None
    condition: str = ""


def extract(payload: object) -> Extraction:
    """Read the prices of a parsed list, past, present and announced.

    Raises:
        Unreadable: no list of providers with models and prices, or not one price in it could be read.
    """
    if not isinstance(payload, list) or not any(
        isinstance(provider, dict) and isinstance(provider.get("models"), list) and "id" in provider
        for provider in payload
    ):
        raise Unreadable("no list of providers with a list `models`")
    rows: list[PriceRow] = []
    refused: list[Refusal] = []
    unclear: set[Fact] = set()
    for index, provider in enumerate(payload):
        try:
            if not isinstance(provider, dict):
                raise ValueError("no object with an `id`")
            scope = name(provider.get("id"), "id")
            models = provider.get("models")
            if not isinstance(models, list):
                raise ValueError("no list `models`")
        except ValueError as error:
            refused.append(Refusal(f"[{index}]", str(error)))
            continue
        for position, model in enumerate(models):
            try:
                if not isinstance(model, dict):
                    raise ValueError("no object with an `id`")
                id = name(model.get("id"), "id")
                if reason := in_other_money(provider) or in_other_money(model):
                    raise ValueError(reason)
                sets = list(_sets(f"{scope}/{id}", model.get("prices"), refused))
            except ValueError as error:
                about = model.get("id") if isinstance(model, dict) else None
                refused.append(
                    Refusal(f"{scope}.models[{position}]", str(error), (about,) if isinstance(about, str) else ())
                )
                continue
            for band in sets:
                rows.extend(_rows(Subject(scope, id), band, refused, unclear))
    if not rows:
        first = f"; {refused[0].where}: {refused[0].reason}" if refused else ""
        raise Unreadable(f"not one price could be read{first}")
    return Extraction(rows=tuple(rows), refused=tuple(refused), unclear=frozenset(unclear))


def _sets(where: str, prices: object, refused: list[Refusal]) -> Iterator[_Set]:
    """Yield the sets of prices of a model with the dates between which each is the last that holds.

    Raises:
        ValueError: there are no prices, or a set begins at a date that is none, so that it cannot be said when the
            others end.
    """
    if isinstance(prices, dict):
        yield _Set(where, prices, None, None)
        return
    if not isinstance(prices, list):
        raise ValueError("no object or list `prices`")
    end: datetime | None = None
    for index in range(len(prices) - 1, -1, -1):  # whatever stands later wins, so the last is settled first
        conditional, at = prices[index], f"{where}.prices[{index}]"
        if not isinstance(conditional, dict):
            raise ValueError(f"`prices[{index}]` is no object")
        constraint = conditional.get("constraint")
        if isinstance(constraint, dict) and "start_time" in constraint:
            if index and (hours := _hours(constraint)):
                yield _Set(at, conditional.get("prices"), None, end, hours)
            else:
                refused.append(Refusal(at, "a price that holds at hours of the day that are not clear"))
            continue
        begin = _begin(constraint, index)
        if not index:  # where none holds yet, the feed goes by the first
            begin = None
        if begin is None or end is None or begin < end:
            yield _Set(at, conditional.get("prices"), begin, end)
            if begin is None:
                return  # it holds always, so nothing before it ever does
            end = begin


def _hours(constraint: dict[str, object]) -> str:
    """Return the condition of the hours of a day in UTC that a constraint names; empty where it is not clear."""
    times = [constraint.get(key) for key in ("start_time", "end_time")]
    stated = {key for key, value in constraint.items() if value is not None}
    matches = [_TIME.fullmatch(text) if isinstance(text, str) else None for text in times]
    if stated != {"start_time", "end_time"} or None in matches:
        return ""
    begin, end = (match[1] for match in matches if match)
    return f"hours {begin}-{end} UTC"


def _begin(constraint: object, index: int) -> datetime | None:
    if constraint is None:
        return None
    conditions = (
        {key: value for key, value in constraint.items() if value is not None} if isinstance(constraint, dict) else {}
    )
    start = conditions.get("start_date")
    if not isinstance(start, str) or len(conditions) != 1:
        raise ValueError(f"`prices[{index}].constraint` is not a `start_date`")
    try:
        return datetime.combine(date.fromisoformat(start), time(), UTC)
    except ValueError:
        raise ValueError(f"`prices[{index}].constraint.start_date` is not a date") from None


def _rows(subject: Subject, one: _Set, refused: list[Refusal], unclear: set[Fact]) -> Iterator[PriceRow]:
    if not isinstance(one.prices, dict):
        refused.append(Refusal(one.where, "no object with prices", (subject.name,)))
        return
    if reason := in_other_money(one.prices) or condition_beside(
        {key: value for key, value in one.prices.items() if not _priced(key)}, ()
    ):
        refused.append(Refusal(one.where, reason, (subject.name,)))
        return
    for key, value in one.prices.items():
        if value is None or key.endswith(OTHER_UNIT) or of_money(key):
            continue
        where = shown(f"{one.where}.{key}")
        if (identity := _identity(key)) is None:
            refused.append(Refusal(where, "a price under a name that is not known"))
            continue
        modality, meter = identity
        for context, price, doubt in _bands(value):
            amount = number(price)
            if doubt or amount is None or amount == NO_PRICE:
                refused.append(Refusal(where, doubt or why_not(amount)))
                unclear.add(Fact(subject, Meter(STANDARD, context, modality, meter, one.condition).field))
                continue
            yield PriceRow(
                provider=subject.scope,
                model=subject.name,
                context=context,
                modality=modality,
                meter=meter,
                amount=amount,
                valid_from=one.begin,
                valid_to=one.end,
                condition=one.condition,
            )


def _priced(key: str) -> bool:
    return key.endswith(OTHER_UNIT) or _KEY.fullmatch(key) is not None


def _identity(key: str) -> tuple[str, str] | None:
    match = _KEY.fullmatch(key)
    if match is None:
        return None
    if act := match["act"]:
        if act == "read":
            return None if match["lifetime"] else (match["cached"] or TEXT, "cached_input")
        return match["cached"] or TEXT, f"cache_write{match['lifetime'] or ''}"
    if match["kind"] == "reasoning":
        return (TEXT, "reasoning") if match["way"] == "output" else None
    return match["kind"] or TEXT, match["way"]


def _bands(stated: object) -> Iterator[tuple[str, object, str]]:
    """Yield the short price, and the long one where there is one, each with what is doubtful in it. Of several long
    ones none is the one.
    """
    if not isinstance(stated, dict):
        yield SHORT, stated, ""
        return
    if odd := next((key for key, value in stated.items() if key not in ("base", "tiers") and value is not None), ""):
        doubt = f"`{odd}` beside the amount is not known"
        yield SHORT, None, doubt
        yield LONG, None, doubt
        return
    yield SHORT, stated.get("base"), ""
    tiers = stated.get("tiers", [])
    if not isinstance(tiers, list) or not all(isinstance(tier, dict) and "start" in tier for tier in tiers):
        yield LONG, None, "no list of objects with `start` and `price`"
    elif any(tier.keys() - {"start", "price"} for tier in tiers):
        yield LONG, None, "a key beside `start` and `price` is not known"
    elif len(tiers) > 1:
        yield LONG, None, SEVERAL_BANDS
    else:
        yield from ((LONG, tier.get("price"), "") for tier in tiers)
