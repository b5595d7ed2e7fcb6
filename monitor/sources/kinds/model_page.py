"""`model_page`: the provider's own page of a model; where its address holds `{model}`, one source for each model that
entries have.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from monitor.core.configuration import OFFICIAL, Capabilities, SourceSpec
from monitor.core.ports import ConfigurationError, Source
from monitor.sources.kind import Finding, Options, SourceDeps, SourceKind, Surroundings, web
from monitor.sources.options import Distinct, ModelId, SourceOptions, Trust

MODEL = "{model}"
"""What stands in the address for the id of a model."""


class ModelPageOptions(SourceOptions):
    """The keys of model pages."""

    url: str = Field(examples=["https://developers.openai.com/api/docs/models/{model}.md"])
    provider: str = Field(examples=["openai"])
    trust: Trust | None = None
    models: Annotated[list[ModelId], Distinct] | None = Field(
        default=None,
        description="The models whose pages are read; by default all that entries have of the provider.",
        min_length=1,
    )


def build(spec: SourceSpec, deps: SourceDeps) -> Source:
    """Build a source that reads the page."""
    from monitor.sources import model_page
    from monitor.sources.web_page import Page

    web(f"source {spec.key}", "url", spec.url)
    if not spec.provider:
        raise ConfigurationError(f"source {spec.key} is a model_page and needs `provider`, whose model it is about")
    return Page(spec, deps.http, reader=model_page.snapshot, extractor=model_page.EXTRACTOR)


def _sources(spec: SourceSpec, around: Surroundings) -> Iterator[SourceSpec]:
    if MODEL not in spec.url:
        yield replace(spec, options={})
        return
    for model in spec.options.get("models", around.models):
        yield replace(spec, key=f"{spec.key}/{model}", url=spec.url.replace(MODEL, model), options={"model": model})


def _check(options: Options, around: Surroundings) -> Iterator[Finding]:
    if "models" in options and MODEL not in around.url:
        yield "models", f"has no effect without {MODEL} in url, which stands for the id; write it there"


KIND = SourceKind(
    factory=build,
    options=ModelPageOptions,
    every=timedelta(hours=1),
    trust=OFFICIAL,
    capabilities=Capabilities(prices=True, page=True, states="model_page"),
    sources=_sources,
    check=_check,
)
