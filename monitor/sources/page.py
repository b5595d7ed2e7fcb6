"""A pricing page: what `web_page` fetches, given to the extractor of prices."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from monitor.core.configuration import SourceSpec
from monitor.core.facts import Body, Snapshot
from monitor.sources.extraction import Extraction
from monitor.sources.feed import snapshot
from monitor.sources.http import HttpClient
from monitor.sources.web_page import Page, reading


class RowExtractor(Protocol):
    """Reads the prices of a page's text; raises `Unreadable` where nothing may be read."""

    def __call__(self, text: str, *, provider: str) -> Extraction: ...


class PricingPage(Page):
    """A pricing page. `extract_rows` and `extractor` are the page extractor and its version."""

    def __init__(self, spec: SourceSpec, http: HttpClient, *, extract_rows: RowExtractor, extractor: str) -> None:
        def priced(spec: SourceSpec, body: Body, at: datetime) -> Snapshot:
            extraction = read(body, provider=spec.provider, extract_rows=extract_rows)
            return snapshot(spec.key, extractor, extraction, body, at)

        super().__init__(spec, http, reader=priced, extractor=extractor)


def read(body: Body, *, provider: str, extract_rows: RowExtractor) -> Extraction:
    """Return the prices of a page, once it is none of what stands in for one.

    Raises:
        Unreadable: it is no page, or none whose layout the extractor knows.
    """
    return reading(body, lambda text: extract_rows(text, provider=provider), what="pricing page")
