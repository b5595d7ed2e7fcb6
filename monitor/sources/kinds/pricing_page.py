"""`pricing_page`: an official page of prices, in Markdown or HTML."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from pydantic import Field

from monitor.core.configuration import OFFICIAL, Capabilities, SourceSpec
from monitor.core.ports import ConfigurationError, Source
from monitor.sources.kind import SourceDeps, SourceKind, web
from monitor.sources.options import ModelId, OfPage, Text


class PricingPageOptions(OfPage):
    """The keys of a pricing page. `price_names` are the ids of models by the names that the page calls them."""

    price_names: dict[Text, ModelId] | None = Field(default=None, examples=[{"Helios Large": "helios-1"}])


def build(spec: SourceSpec, deps: SourceDeps) -> Source:
    """Build a source that reads the page."""
    from monitor.sources import pricing_page
    from monitor.sources.page import PricingPage

    web(f"source {spec.key}", "url", spec.url)
    if not spec.provider:
        raise ConfigurationError(f"source {spec.key} is a pricing_page and needs `provider`, whose prices it states")
    extract = partial(pricing_page.extract, names=spec.options.get("price_names") or {})
    return PricingPage(spec, deps.http, extract_rows=extract, extractor=pricing_page.EXTRACTOR)


KIND = SourceKind(
    factory=build,
    options=PricingPageOptions,
    every=timedelta(minutes=30),
    trust=OFFICIAL,
    capabilities=Capabilities(prices=True, page=True),
)
