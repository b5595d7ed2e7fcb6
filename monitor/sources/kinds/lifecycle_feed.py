"""`lifecycle_feed`: ends of models as third parties collect them, as JSON in one of several formats."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from monitor.core.configuration import SourceSpec
from monitor.core.ports import ConfigurationError, Source
from monitor.sources.kind import SourceDeps, SourceKind, web
from monitor.sources.options import SourceOptions, Trust

Format = Literal["endoflife", "litellm", "model_eol", "modeldeprecations"]


class LifecycleFeedOptions(SourceOptions):
    """The keys of a feed of ends."""

    format: Format = Field(examples=["model_eol"])
    url: str = Field(examples=["https://modeldeprecations.dev/api/v1/models.json"])
    provider: str | None = None
    trust: Trust | None = None


def build(spec: SourceSpec, deps: SourceDeps) -> Source:
    """Build a source that reads the feed."""
    from monitor.sources.lifecycle_feed import FORMATS, LifecycleFeed

    web(f"source {spec.key}", "url", spec.url)
    if spec.format and spec.format not in FORMATS:
        formats = ", ".join(sorted(FORMATS))
        raise ConfigurationError(f"source {spec.key} has the unknown `format` {spec.format!r}; known are {formats}")
    if spec.format == "endoflife" and not spec.provider:
        raise ConfigurationError(f"source {spec.key} needs `provider`: endoflife.date does not say whose models end")
    return LifecycleFeed(spec, deps.http)


KIND = SourceKind(factory=build, options=LifecycleFeedOptions)
