"""What a model can do as sources state it, and how one model compares with another that stands in for it.

Lists name these things in many ways (`context_length`, `max_model_len`, `architecture.input_modalities`), pages and
probes in ours. A thing that nobody states is unknown: it is shown as such, and nothing is concluded from it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from monitor.core import access, price
from monitor.core.baselines import Baselines
from monitor.core.entry import Entry
from monitor.core.facts import ACCESS, BEHAVIOUR, GRANTED, Fact, Subject, Value
from monitor.detection.routes import lost

_CONTEXT = frozenset(
    {
        "context_length",
        "context_window",
        "context_size",
        "max_context_length",
        "max_context_window_tokens",
        "max_model_len",
        "max_input_tokens",
        "input_token_limit",
    }
)
_CALLS_FUNCTIONS = frozenset(
    {"function_calling", "supports_function_calling", "supports_tools", "tool_call", "tool_calls", "tool_calling"}
)
_SEES = frozenset({"vision", "supports_vision", "supports_image_input", "image_input"})
_PARAMETERS = frozenset({"supported_parameters", "supported_features", "features"})
_ENDPOINTS = frozenset({"endpoints", "supported_endpoints", "endpoint_types"})
_YES, _NO = (True, "supported", "yes"), (False, "not supported", "no")

INPUT, OUTPUT, TOOL, ENDPOINT, TIER = "input", "output", "tool", "endpoint", "tier"
_KINDS = {INPUT: "input modalities", OUTPUT: "output modalities", TOOL: "tools", ENDPOINT: "endpoints", TIER: "tiers"}

FUNCTIONS = "functions"
"""The tool that a program brings itself."""

_NEEDS: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        "v1/audio/transcriptions": ((INPUT, "audio"),),
        "v1/audio/translations": ((INPUT, "audio"),),
        "v1/audio/speech": ((OUTPUT, "audio"),),
        "v1/realtime": ((INPUT, "audio"), (OUTPUT, "audio")),
        "v1/images/generations": ((OUTPUT, "image"),),
        "v1/images/edits": ((INPUT, "image"), (OUTPUT, "image")),
        "v1/videos": ((OUTPUT, "video"),),
    }
)
"""Endpoint → the modalities without which no model serves it."""


@dataclass(slots=True, kw_only=True)
class ModelFeatures:
    """What is stated of a model. `features` maps (kind, name) to whether it has that; of a kind in `whole` everything
    that it has is stated. `context` is in tokens, `prices` are amounts in USD per 1M tokens by field.
    """

    context: int | None = None
    features: dict[tuple[str, str], bool] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    prices: Mapping[str, str] = field(default_factory=dict)

    def has(self, kind: str, name: str) -> bool | None:
        """Return whether the model has a feature; None where nobody states it."""
        return self.features.get((kind, name), False if kind in self.whole else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackDifference:
    """In what a model differs from another: `before` and `after` as they are stated (None: nobody states it), and the
    same in words.
    """

    what: str
    before: Value | None
    after: Value | None
    words: str


def model_features(entry: Entry, baselines: Baselines) -> ModelFeatures:
    """Gather what official sources state of an entry's model."""
    gathered = ModelFeatures()
    subjects = {Subject(entry.spec.surface, entry.spec.model_id), Subject(entry.spec.provider, entry.spec.model_id)}
    if entry.spec.model_id:
        for subject in sorted({*subjects, entry.price_subject}):
            facts = {name: values[0][1] for name, values in baselines.facts_of(subject).items()}
            for name, value in facts.items():
                for path, leaf in _leaves(name, value):
                    _read(gathered, path, leaf)
            for name, value in facts.items():  # what calls showed counts more than what a list says
                _observed(gathered, Fact(subject, name), value)
    priced = baselines.prices(entry.price_subject, entry.spec.tiers)
    gathered.prices = {name: amounts[0][1] for name, amounts in priced.items()}
    return gathered


def differences(entry: Entry, of_entry: ModelFeatures, of_other: ModelFeatures) -> list[FallbackDifference]:
    """Compare a model with one that stands in for it: context, tools, modalities, the endpoints and prices in use."""
    differing = list(_context(of_entry.context, of_other.context))
    used = {ENDPOINT: entry.spec.uses, TIER: entry.spec.tiers}
    unknown: dict[str, None] = {}
    for (kind, name), has in sorted(of_entry.features.items()):
        if not has or (kind in used and name not in used[kind]):
            continue
        if of_other.has(kind, name) is False:
            words = f"{_feature(kind, name)} lost"
            differing.append(FallbackDifference(what=f"{kind}.{name}", before=True, after=False, words=words))
        elif of_other.has(kind, name) is None:
            unknown[kind] = None
    differing += [
        FallbackDifference(what=kind, before=True, after=None, words=f"{_KINDS[kind]} not stated") for kind in unknown
    ]
    for tier in entry.spec.tiers:
        for meter in ("input", "output"):
            name = price.Meter(tier, price.SHORT, price.TEXT, meter).field
            differing += _price(name, of_entry.prices.get(name), of_other.prices.get(name))
    return differing


def lacking(entry: Entry, of_other: ModelFeatures) -> list[str]:
    """List what a model that stands in lacks of what an entry uses, as far as that is stated: endpoints, the modalities
    that these need, and tiers.
    """
    lacks = [_feature(ENDPOINT, name) for name in entry.spec.uses if of_other.has(ENDPOINT, name) is False]
    lacks += [
        _feature(kind, name)
        for endpoint in entry.spec.uses
        for kind, name in _NEEDS.get(endpoint, ())
        if of_other.has(kind, name) is False
    ]
    lacks += [_feature(TIER, tier) for tier in entry.spec.tiers if of_other.has(TIER, tier) is False]
    return list(dict.fromkeys(lacks))


def _context(before: int | None, after: int | None) -> Iterator[FallbackDifference]:
    if before is not None and before != after:
        words = f"context {_tokens(before)} → {'not stated' if after is None else _tokens(after)}"
        yield FallbackDifference(what="context", before=before, after=after, words=words)


def _price(name: str, before: str | None, after: str | None) -> Iterator[FallbackDifference]:
    meter = price.Meter.of(name)
    about = meter.meter if meter.tier == "standard" else f"{meter.tier} {meter.meter}"
    if before is None or (after is not None and price.equal(before, after)):
        return
    if after is None:
        words = f"{about} price not stated"
    else:
        words = f"{about} {price.percent(before, after) or f'{price.spoken(before)} → {price.spoken(after)}'}"
    yield FallbackDifference(what=name, before=before, after=after, words=words)


def _feature(kind: str, name: str) -> str:
    if kind == TOOL:
        return "tools" if name == FUNCTIONS else f"tool {name}"
    return f"{kind} {name}" if kind in (ENDPOINT, TIER) else f"{name} {kind}"


def _tokens(count: int) -> str:
    """Say a number of tokens: `400k`, `1.05M`, `131,072`."""
    if count >= 1_000_000 and not count % 10_000:
        return f"{count / 1_000_000:g}M"
    return f"{count // 1000}k" if count >= 1000 and not count % 1000 else f"{count:,}"


def _leaves(name: str, value: Value) -> Iterator[tuple[tuple[str, ...], object]]:
    """Yield what a fact holds, by its path: lists state nested objects as JSON."""
    path = tuple(_snake(part) for part in name.split(".")) if not name.startswith("endpoint.") else (name,)
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            yield from _within(path, json.loads(value))
        except (ValueError, RecursionError):
            return
    else:
        yield path, value


def _within(path: tuple[str, ...], value: object) -> Iterator[tuple[tuple[str, ...], object]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _within((*path, _snake(str(name))), inner)
    else:
        yield path, value


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[- ]", "_", name).lower()


def _read(stated: ModelFeatures, path: tuple[str, ...], value: object) -> None:
    """Take one statement of a list or page."""
    last, above = path[-1], path[-2] if len(path) > 1 else ""
    if path[0].startswith("endpoint."):
        _put(stated, ENDPOINT, path[0].removeprefix("endpoint."), value)
    elif last in _CONTEXT and isinstance(value, int) and not isinstance(value, bool) and value > 0:
        stated.context = value if stated.context is None else min(stated.context, value)
    elif last in _CALLS_FUNCTIONS:
        _put(stated, TOOL, FUNCTIONS, value)
    elif last in _SEES:
        _put(stated, INPUT, "image", value)
    elif above == TOOL:
        _put(stated, TOOL, last, value)
    elif above in ("modality", "modalities") and last in (INPUT, OUTPUT):
        _put_all(stated, last, value)
    elif last in ("input_modalities", "output_modalities"):
        _put_all(stated, last.removesuffix("_modalities"), value)
    elif last == "modality" and isinstance(value, str) and "->" in value:  # `text+image->text`
        inputs, _, outputs = value.partition("->")
        _put_all(stated, INPUT, inputs.split("+"))
        _put_all(stated, OUTPUT, outputs.split("+"))
    elif last in _PARAMETERS and isinstance(value, list) and value:
        _put(stated, TOOL, FUNCTIONS, bool({"tools", "function_calling", "function-calling"} & set(map(str, value))))
    elif last in _ENDPOINTS and isinstance(value, list):
        _put_all(stated, ENDPOINT, [str(name).strip("/") for name in value])


def _observed(stated: ModelFeatures, fact: Fact, value: Value) -> None:
    """Take what calls showed: which endpoints and tiers a model serves, and whether it calls functions."""
    if fact.field == f"{BEHAVIOUR}tools.called":
        _put(stated, TOOL, FUNCTIONS, value)
    route = fact.field.removeprefix(ACCESS) if fact.field.startswith(ACCESS) else ""
    served = True if value == GRANTED else False if lost(fact, value) else None
    if not route or served is None:
        return
    for endpoint, of_route in access.ENDPOINTS.items():
        if of_route == route:
            stated.features[ENDPOINT, endpoint] = served
    if route in access.TIERS:
        stated.features[TIER, route] = served


def _put(stated: ModelFeatures, kind: str, name: str, value: object) -> None:
    if value in _YES or value in _NO:
        stated.features[kind, name] = value in _YES


def _put_all(stated: ModelFeatures, kind: str, value: object) -> None:
    """Take a list of everything that a model has of a kind."""
    names = value.split(",") if isinstance(value, str) else value
    if isinstance(names, list) and names and all(isinstance(name, str) and name.strip() for name in names):
        stated.whole.add(kind)
        stated.features.update(dict.fromkeys(((kind, name.strip().lower()) for name in names), True))
