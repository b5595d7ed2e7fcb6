"""`status_page`: the incidents that a provider states."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from monitor.core.configuration import OFFICIAL, Capabilities, SourceSpec
from monitor.core.ports import Source
from monitor.sources.kind import SourceDeps, SourceKind, web
from monitor.sources.options import SourceOptions, Text


class StatusOptions(SourceOptions):
    """The keys of a status page."""

    url: str = Field(examples=["https://developers.openai.com/api/docs/pricing.md"])
    surface: str | None = None
    component: Text | None = Field(default=None, description="The component of the status page that counts.")


def build(spec: SourceSpec, deps: SourceDeps) -> Source:
    """Build a source that reads the page."""
    from monitor.sources.status_page import StatusPage

    web(f"source {spec.key}", "url", spec.url)
    return StatusPage(spec, deps.http)


KIND = SourceKind(
    factory=build,
    options=StatusOptions,
    every=timedelta(minutes=5),
    trust=OFFICIAL,
    capabilities=Capabilities(incidents=True),
)
