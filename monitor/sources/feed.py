"""A price feed: a JSON document of many providers' prices, read by the extractor of its format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from monitor.domain.configuration import SourceSpec
from monitor.domain.model import Body, Fact, FailureReason, Known, Observation, PollFailure, Snapshot
from monitor.sources.extraction import Extraction, Priced, Unreadable, announced, facts_of, next_boundary, with_remarks
from monitor.sources.feeds import genai_prices, litellm, llm_prices, modelpricewatch, models_dev, openrouter
from monitor.sources.feeds.sheet import Sheet
from monitor.sources.http import HttpClient, settled
from monitor.sources.json_text import NotJson, parse
from monitor.sources.redaction import one_line


class Format(NamedTuple):
    """How a feed is read: the version of the extractor, and the function from parsed JSON to prices."""

    extractor: str
    extract: Callable[[object], Extraction]


FORMATS: Mapping[str, Format] = {
    "genai_prices": Format(genai_prices.EXTRACTOR, genai_prices.extract),
    "litellm": Format(litellm.EXTRACTOR, litellm.extract),
    "llm_prices": Format(llm_prices.EXTRACTOR, llm_prices.extract),
    "modelpricewatch": Format(modelpricewatch.EXTRACTOR, modelpricewatch.extract),
    "models_dev": Format(models_dev.EXTRACTOR, models_dev.extract),
    "openrouter": Format(openrouter.EXTRACTOR, openrouter.extract),
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
    """What a set of prices, dated or not, says at `at`."""
    rows = extraction.rows
    if isinstance(rows, Sheet):
        priced, until = Priced(rows.facts, extraction.unclear, extraction.refused), None
    else:
        priced = announced(facts_of((row for row in rows if row.effective(at)), extraction.refused), rows, at)
        until = next_boundary(rows, at)
    stated = (Fact(subject, field) for subject, field in extraction.unclear if field in priced.facts.get(subject, {}))
    unclear = priced.unclear | extraction.unclear.difference(stated)
    return Snapshot(
        source=source,
        at=at,
        facts=with_remarks(priced.facts, source, extraction.notes),
        extractor=extractor,
        body=body,
        unclear=unclear,
        valid_until=until,
        refused=priced.refused,
        notes=extraction.notes,
    )
