"""The `models_dev` format: the three documents of models.dev, in USD per one million tokens.

- `api.json`: providers with their models, as below; `catalog.json` holds the same under `providers`, beside `models` of
  no provider's own
- `models.json`: models alone, as `maker/model`; it states no prices as published, and is refused as such

    {"openai": {"id": "openai", "models": {"gpt-5.6-sol": {"cost": {"input": 5, "tiers": [{"input": 10, "tier": {"size":
    272000}}]}}}}}

The long context is written in up to three ways, at times twice for one model: `tiers` by size, `tiers` by
`context.min`, and the older `context_over_200k`. A model's other modes (`experimental.modes`) are tiers where their
name is that of one. Prices in yuan (`cost_cn`) and plan points (`cost_points`) stand apart under names of their own,
and are not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from monitor.core.facts import Fact, Subject
from monitor.core.price import STANDARD, TEXT
from monitor.sources.extraction import Extraction, Unreadable
from monitor.sources.feeds.sheet import (
    SEVERAL_BANDS,
    PriceTable,
    condition_beside,
    in_other_money,
    long,
    name,
    number,
    of_money,
    plain,
    short,
    why_not,
)

EXTRACTOR = "models_dev/3"

METERS = {
    "input": ("input", TEXT),
    "output": ("output", TEXT),
    "cache_read": ("cached_input", TEXT),
    "cache_write": ("cache_write", TEXT),
    "reasoning": ("reasoning", TEXT),
    "input_audio": ("input", "audio"),
    "output_audio": ("output", "audio"),
}

OTHER_UNITS = frozenset({"per_minute"})

TIERS = "tiers"
OVER_200K = "context_over_200k"

_KNOWN = METERS.keys() | OTHER_UNITS | {TIERS, OVER_200K, "tier", "context"}

MODES = {"fast": "priority", "priority": "priority", "batch": "batch", "flex": "flex", "ultrafast": "ultrafast"}
"""The tier that a mode is; `fast` is another name of `priority`."""


def extract(payload: object) -> Extraction:
    """Read the prices of a parsed document.

    Raises:
        Unreadable: no map of providers with models, or not one price in it could be read.
    """
    sheet = PriceTable()
    providers = _providers(payload)
    if providers is None:
        for where, model in _alone(payload):
            scope, _, id = where.partition("/")
            _model(sheet, scope, id, model, named=where)
        return sheet.extraction()
    for key, provider in providers.items():
        models = provider.get("models") if isinstance(provider, dict) else None
        try:
            scope = name(key, "the name of a provider")
            if not isinstance(models, dict):
                raise ValueError("no object with a map `models`")
            if reason := in_other_money(provider):
                raise ValueError(reason)
        except ValueError as error:
            sheet.refuse(key, str(error))
            continue
        for id, model in models.items():
            _model(sheet, scope, id, model)
    return sheet.extraction()


def _providers(payload: object) -> Mapping[str, object] | None:
    """Return the map of providers of `api.json` or `catalog.json`; None where there is none."""
    if not isinstance(payload, dict):
        return None
    for providers in (payload, payload.get("providers")):
        if isinstance(providers, dict) and any(
            isinstance(p, dict) and isinstance(p.get("models"), dict) for p in providers.values()
        ):
            return providers
    return None


def _alone(payload: object) -> Iterator[tuple[str, object]]:
    """Yield the models of `models.json` with a maker and a price.

    Raises:
        Unreadable: it is no such document, or not one of its models has a price.
    """
    models = payload.items() if isinstance(payload, dict) else ()
    maker_models = [
        (key, model) for key, model in models if isinstance(key, str) and "/" in key and isinstance(model, dict)
    ]
    if not maker_models:
        raise Unreadable("no map of providers with a map `models`")
    priced = [(key, model) for key, model in maker_models if model.get("cost") is not None]
    if not priced:
        raise Unreadable("a list of models without prices, as models.json is: api.json and catalog.json state them")
    yield from priced


def _model(sheet: PriceTable, scope: str, id: str, model: object, *, named: str = "") -> None:
    where = f"{scope}/{id}"
    try:
        subject = Subject(name(scope, "the name of a provider"), name(id, "the name of a model"))
        if not isinstance(model, dict):
            raise ValueError("no object with a `cost`")
        if model.get("id", named or id) != (named or id):
            raise ValueError("`id` is not the name that it stands under")
    except ValueError as error:
        sheet.refuse(where, str(error))
        return
    if reason := in_other_money(model):
        sheet.refuse_all(where, reason, subject)
        return
    if model.get("cost") is not None:  # many a model has no price
        _cost(sheet, subject, f"{where}.cost", model["cost"], STANDARD)
    for mode, cost in _modes(model):
        if mode in MODES:
            _cost(sheet, subject, f"{where}.{mode}.cost", cost, MODES[mode])
        else:
            sheet.refuse(f"{where}.{mode}.cost", "a mode that is no known tier")


def _modes(model: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    experimental = model.get("experimental")
    modes = experimental.get("modes") if isinstance(experimental, dict) else None
    for mode, settings in modes.items() if isinstance(modes, dict) else ():
        if isinstance(settings, dict) and settings.get("cost") is not None:
            yield mode, settings["cost"]


def _cost(sheet: PriceTable, subject: Subject, where: str, cost: object, tier: str) -> None:
    if not isinstance(cost, dict):
        sheet.refuse(where, "no object with prices")
        return
    reasons = (in_other_money(part) or condition_beside(part, _KNOWN) for part in (cost, *_bands(cost)))
    if reason := next(filter(None, reasons), ""):
        sheet.refuse_all(where, reason, subject)
        return
    for field, value in _prices(sheet, subject, where, cost, tier, beyond=False):
        sheet.put(subject, field, value)
    bands = []
    for index, band in enumerate(_listed(cost.get(TIERS))):
        at = f"{where}.{TIERS}[{index}]"
        begin = _begin(band)
        if not isinstance(band, dict) or begin is None:
            sheet.refuse(at, "a tier by something else than the size of the context")
        elif begin == 0:
            for field, value in _prices(sheet, subject, at, band, tier, beyond=False):
                sheet.put(subject, field, value)
        else:
            bands.append(list(_prices(sheet, subject, at, band, tier, beyond=True)))
    if len(bands) > 1:
        sheet.refuse(f"{where}.{TIERS}", SEVERAL_BANDS)
        sheet.unclear.update(Fact(subject, field) for band in bands for field, _ in band)
        return
    if isinstance(older := cost.get(OVER_200K), dict):
        bands.append(list(_prices(sheet, subject, f"{where}.{OVER_200K}", older, tier, beyond=True)))
    for prices in bands:
        for field, value in prices:
            sheet.put(subject, field, value)


def _bands(cost: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    yield from (band for band in (*_listed(cost.get(TIERS)), cost.get(OVER_200K)) if isinstance(band, dict))


def _listed(tiers: object) -> list[object]:
    if tiers is None:
        return []
    return tiers if isinstance(tiers, list) else [tiers]


def _begin(band: object) -> int | None:
    """Return the size of context from which a tier holds; None where it depends on anything else, such as the hour."""
    if not isinstance(band, dict):
        return None
    selector, bounds = band.get("tier"), band.get("context")
    if isinstance(selector, dict) and bounds is None and selector.keys() <= {"type", "size"}:
        size = selector.get("size") if selector.get("type", "context") == "context" else None
    else:
        size = bounds.get("min", 0) if isinstance(bounds, dict) and selector is None else None
    return size if type(size) is int else None


def _prices(
    sheet: PriceTable, subject: Subject, where: str, prices: Mapping[str, object], tier: str, *, beyond: bool
) -> Iterator[tuple[str, str]]:
    for key, amount in prices.items():
        if key in (TIERS, OVER_200K, "tier", "context") or key in OTHER_UNITS or amount is None or of_money(key):
            continue
        if key not in METERS:
            sheet.refuse(f"{where}.{key}", "a price under a name that is not known")
            continue
        field = (long if beyond else short)(*METERS[key], tier)
        parsed = number(amount)
        value = None if parsed is None else plain(parsed)
        if value is None:
            sheet.refuse(f"{where}.{key}", why_not(parsed), subject, field)
        else:
            yield field, value
