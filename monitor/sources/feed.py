"""A price feed: a JSON document of many providers' prices, read by the extractor of its format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from monitor.domain.configuration import SourceSpec
from monitor.domain.model import Body, FailureReason, Known, Observation, PollFailure, Snapshot
from monitor.sources.extraction import Extraction, Unreadable, facts_of, next_boundary
from monitor.sources.feeds import llm_prices
from monitor.sources.http import HttpClient, settled
from monitor.sources.json_text import NotJson, parse
from monitor.sources.redaction import one_line


class Format(NamedTuple):
    """How a feed is read: the version of the extractor, and the function from parsed JSON to prices."""

    extractor: str
    extract: Callable[[object], Extraction]


FORMATS: Mapping[str, Format] = {
    "llm_prices": Format(llm_prices.EXTRACTOR, llm_prices.extract),
}


def read(content: bytes, format: str) -> Extraction:
    """Read a feed from its bytes.

    Raises:
        NotJson: it is not JSON.
        Unreadable: it is, but of another shape than the format's.
    """
    return FORMATS[format].extract(parse(content))


class PriceFeed:
    """A price feed. Its facts are the prices that hold at the look, out of all that it states with dates."""

    def __init__(self, spec: SourceSpec, http: HttpClient) -> None:
        self.spec = spec
        self.extractor = FORMATS[spec.format].extractor
        self._http = http

    def observe(self, now: datetime, known: Known | None) -> Observation:
        """Look once."""
        got = self._http.fetch(self.spec.url, now=now, known=known)
        seen = settled(self.spec.key, got, now=now, known=known)
        return self.extract(seen, now) if isinstance(seen, Body) else seen

    def extract(self, body: Body, at: datetime) -> Observation:
        """Read a stored feed anew, as of `at`."""
        try:
            extraction = read(body.content, self.spec.format)
        except Unreadable as error:
            reason = FailureReason.NOT_JSON if isinstance(error, NotJson) else FailureReason.INVALID_SHAPE
            return PollFailure(source=self.spec.key, at=at, reason=reason, detail=one_line(error.reason), body=body)
        return snapshot(self.spec.key, self.extractor, extraction, body, at)


def snapshot(source: str, extractor: str, extraction: Extraction, body: Body, at: datetime) -> Snapshot:
    """What a set of dated prices says at `at`."""
    priced = facts_of((row for row in extraction.rows if row.effective(at)), extraction.refused)
    return Snapshot(
        source=source,
        at=at,
        facts=priced.facts,
        extractor=extractor,
        body=body,
        unclear=priced.unclear,
        valid_until=next_boundary(extraction.rows, at),
        refused=priced.refused,
        notes=extraction.notes,
    )
