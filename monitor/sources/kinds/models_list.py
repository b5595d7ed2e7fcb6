"""`models_list`: the list of a surface, which is the account's own word about what it may use."""

from __future__ import annotations

from datetime import timedelta

from monitor.core.configuration import OFFICIAL, Capabilities, SourceSpec
from monitor.core.ports import ConfigurationError, Source
from monitor.sources.kind import SourceDeps, SourceKind, web
from monitor.sources.options import OfSurface


def build(spec: SourceSpec, deps: SourceDeps) -> Source:
    """Build a source that reads the list."""
    from monitor.sources.models_list import ModelsList

    surface = deps.surface
    if surface is None:
        raise ConfigurationError(f"source {spec.key} is a models_list and needs `surface`, the key of a [[surface]]")
    web(f"surface {surface.key}", "base_url", surface.base_url)
    return ModelsList(spec, surface, deps.http, deps.secret)


KIND = SourceKind(
    factory=build,
    options=OfSurface,
    every=timedelta(minutes=5),
    trust=OFFICIAL,
    capabilities=Capabilities(lists=True, route="list"),
)
