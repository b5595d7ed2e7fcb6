"""`deprecations_page`: a page on which a provider says which models end, and when."""

from __future__ import annotations

from datetime import timedelta

from monitor.core.configuration import OFFICIAL, SourceSpec
from monitor.core.ports import ConfigurationError, Source
from monitor.sources.kind import SourceDeps, SourceKind, web
from monitor.sources.options import OfPage


def build(spec: SourceSpec, deps: SourceDeps) -> Source:
    """Build a source that reads the page."""
    from monitor.sources import deprecations
    from monitor.sources.web_page import Page

    web(f"source {spec.key}", "url", spec.url)
    if not spec.provider:
        raise ConfigurationError(f"source {spec.key} is a deprecations_page and needs `provider`, whose models end")
    return Page(spec, deps.http, reader=deprecations.snapshot, extractor=deprecations.EXTRACTOR)


KIND = SourceKind(factory=build, options=OfPage, every=timedelta(hours=6), trust=OFFICIAL)
