"""`price_feed`: prices as somebody else collects them, as JSON in one of several formats."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from monitor.core.configuration import Capabilities, SourceSpec
from monitor.core.ports import ConfigurationError, Source
from monitor.sources.kind import SourceDeps, SourceKind, web
from monitor.sources.options import SourceOptions, Trust

Format = Literal["litellm", "openrouter", "models_dev", "llm_prices", "genai_prices", "modelpricewatch"]
RESELLERS = frozenset({"openrouter"})
"""Formats of feeds that state what their publisher charges: another offer of the same model, not another word on the
maker's price.
"""


class FeedOptions(SourceOptions):
    """The keys of a feed."""

    format: Format = Field(examples=["llm_prices"])
    url: str = Field(examples=["https://developers.openai.com/api/docs/pricing.md"])
    provider: str | None = None
    trust: Trust | None = None


def build(spec: SourceSpec, deps: SourceDeps) -> Source:
    """Build a source that reads the feed."""
    from monitor.sources.feed import FORMATS, PriceFeed

    web(f"source {spec.key}", "url", spec.url)
    if spec.format not in FORMATS:
        formats = ", ".join(sorted(FORMATS))
        raise ConfigurationError(f"source {spec.key} has the unknown `format` {spec.format!r}; known are {formats}")
    return PriceFeed(spec, deps.http)


def _capabilities(spec: SourceSpec) -> Capabilities:
    return Capabilities(prices=True, resells=spec.format in RESELLERS)


KIND = SourceKind(factory=build, options=FeedOptions, capabilities=_capabilities)
