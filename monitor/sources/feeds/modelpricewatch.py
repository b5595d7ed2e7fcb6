"""The `modelpricewatch` format: a list of models with three prices each, in USD per one million tokens.

    [{"id": "openai-gpt-5-6-luna", "provider": "OpenAI", "model": "GPT-5.6 Luna", "input_per_mtok": 0.2, …}]

Its ids are the feed's own, and were all renamed in one day; no provider's model id is derived from them or from the
display name, so they are kept as they stand. The end of a promotion (`promo_until`) is a remark: what the price will be
after it is not said.
"""

from __future__ import annotations

from monitor.core.facts import Subject
from monitor.sources.extraction import Extraction, Unreadable
from monitor.sources.feeds.sheet import PriceTable, in_other_money, name, number, plain, short, why_not

EXTRACTOR = "modelpricewatch/2"

METERS = {"input_per_mtok": "input", "output_per_mtok": "output", "cached_input_per_mtok": "cached_input"}

UNIT = "_per_mtok"


def extract(payload: object) -> Extraction:
    """Read the prices of a parsed list, bare or under `models`.

    Raises:
        Unreadable: no list of models with prices, or not one price in it could be read.
    """
    items = payload.get("models") if isinstance(payload, dict) else payload
    if not isinstance(items, list) or not any(isinstance(item, dict) and item.keys() & METERS.keys() for item in items):
        raise Unreadable(f"no list of models with prices `…{UNIT}`")
    sheet = PriceTable()
    notes: list[str] = []
    for index, item in enumerate(items):
        try:
            if not isinstance(item, dict):
                raise ValueError("no object with an `id`")
            id = name(item.get("id"), "id")
            subject = Subject(_provider(id, name(item.get("provider"), "provider")), id)
        except ValueError as error:
            sheet.refuse(f"[{index}]", str(error))
            continue
        if reason := in_other_money(item):
            sheet.refuse_all(id, reason, subject)
            continue
        _read(sheet, subject, id, item)
        until = item.get("promo_until")
        if isinstance(until, str) and until.isprintable():
            notes.append(f"{id}: a promotion through {until}")
    return sheet.extraction(notes)


def _provider(id: str, shown: str) -> str:
    """Return the provider's key: its shown name in lower case where the id begins with that, else the name as it is
    shown.
    """
    key = shown.lower()
    return key if id.startswith(f"{key}-") else shown


def _read(sheet: PriceTable, subject: Subject, where: str, item: dict[str, object]) -> None:
    for key, amount in item.items():
        if not key.endswith(UNIT) or amount is None:
            continue
        if key not in METERS:
            sheet.refuse(f"{where}.{key}", "a price under a name that is not known")
            continue
        field = short(METERS[key])
        parsed = number(amount)
        value = None if parsed is None else plain(parsed)
        if value is None:
            sheet.refuse(f"{where}.{key}", why_not(parsed), subject, field)
        else:
            sheet.put(subject, field, value)
