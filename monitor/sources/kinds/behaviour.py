"""`behaviour`: what one route really does with a small call to one model; a table makes one source for each model and
route.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Annotated, Literal, get_args

from pydantic import Field

from monitor.core.cache_writes import CACHING, LATE_READ, WRITER
from monitor.core.configuration import OFFICIAL, Capabilities, SourceSpec
from monitor.core.names import suggest
from monitor.core.ports import ConfigurationError, Source
from monitor.sources.kind import Finding, Options, SourceDeps, SourceKind, Surroundings, web
from monitor.sources.options import Distinct, ModelId, OfSurface

Route = Literal[
    "retrieve", "tokens", "responses", "chat", "embeddings", "streaming", "structured", "tools", "flex", "priority",
    "contract", "caching", "region", "batch",
]  # fmt: skip
FREE = frozenset({"retrieve", "tokens"})
"""The routes that cost nothing."""
UNLESS_TOLD: tuple[Route, ...] = ("retrieve",)
"""The one route that surely costs nothing; another is only ever tried because somebody wrote it down."""


class BehaviourOptions(OfSurface):
    """The keys of probes."""

    routes: Annotated[list[Route], Distinct] | None = Field(
        default=None, description="The routes that a behaviour source tries; retrieve by default.", min_length=1
    )
    models: Annotated[list[ModelId], Distinct] | None = Field(
        default=None,
        description="The models that a behaviour source calls; by default all that entries have there.",
        min_length=1,
    )
    parameters: dict[str, dict[str, str | int | bool]] | None = Field(
        default=None, description="Model id to what its calls must carry, since models reject each other's parameters."
    )


def build(spec: SourceSpec, deps: SourceDeps) -> Source:
    """Build the source of one model and route."""
    from monitor.sources.behaviour import BehaviourSource

    surface = deps.surface
    if surface is None:
        raise ConfigurationError(f"source {spec.key} is a behaviour and needs `surface`, the key of a [[surface]]")
    web(f"surface {surface.key}", "base_url", surface.base_url)
    if spec.route == "region":
        web(f"surface {surface.key}, whose route region source {spec.key} tries,", "region_url", surface.region_url)
    return BehaviourSource(
        spec,
        surface,
        deps.http,
        deps.secret,
        budget=deps.budget,
        elapsed=deps.elapsed,
        written=partial(deps.written, spec),
        rests=deps.rests,
    )


def _sources(spec: SourceSpec, around: Surroundings) -> Iterator[SourceSpec]:
    models = spec.options.get("models", around.models)
    parameters = spec.options.get("parameters", {})
    # What costs nothing is asked of every model before anything is paid for.
    for route in sorted(spec.options.get("routes", UNLESS_TOLD), key=get_args(Route).index):
        for model in around.models:
            if model in models:
                options = {"model": model, "route": route, "parameters": parameters.get(model, {})}
                probe = replace(spec, key=f"{spec.key}/{model}/{route}", options=options)
                yield probe
                if route == CACHING:
                    late = {**options, "route": LATE_READ, WRITER: probe.key}
                    yield replace(spec, key=f"{spec.key}/{model}/{LATE_READ}", options=late)


def _capabilities(spec: SourceSpec) -> Capabilities:
    route = spec.option("route")
    states = CACHING if route == LATE_READ else route
    return Capabilities(route=route, states=states, calls=True, paid=route not in FREE)


def _check(options: Options, around: Surroundings) -> Iterator[Finding]:
    surface = around.surface
    if "region" in options.get("routes", ()) and surface is not None and not surface.region_url:
        yield (
            "routes",
            (
                f"try the route region, and the surface {surface.key!r} has no regional host; give that region_url "
                "or leave the route out"
            ),
        )
    for model in options.get("models", ()):
        if model not in around.models:
            yield "models", f"names {model!r}, which no entry has on that surface; {suggest(model, around.models)}"


KIND = SourceKind(
    factory=build,
    options=BehaviourOptions,
    every=timedelta(hours=6),
    trust=OFFICIAL,
    capabilities=_capabilities,
    sources=_sources,
    check=_check,
)
