"""A pricing page: fetched, told apart from what stands in for a page (a challenge, a login), and given to the extractor."""

from __future__ import annotations

import codecs
import re
from datetime import datetime
from email.message import Message
from typing import Protocol

from monitor.domain.configuration import SourceSpec
from monitor.domain.model import Body, FailureReason, Known, Observation, PollFailure
from monitor.sources.extraction import Extraction, Unreadable
from monitor.sources.feed import snapshot
from monitor.sources.http import HttpClient, settled
from monitor.sources.redaction import one_line

SMALLEST = 64
"""Bytes; a table of one price is longer."""

LARGEST = 5_000_000
"""Bytes; ten times the largest pricing page seen."""

ACCEPT = {"Accept": "text/markdown, text/html;q=0.9, */*;q=0.1"}

# Only what no real page holds: Cloudflare puts `challenge-platform` scripts into ordinary pages, too, and many an
# ordinary page loads a captcha for its contact form.
_CHALLENGE = re.compile(
    r"<title>\s*(?:just a moment|attention required! \| cloudflare|access denied|ddos-guard|verify(?:ing)? you are"
    r"|are you (?:a )?(?:human|robot)|human verification|robot check|security check)[^<]*</title>"
    r"|_cf_chl_opt|id=[\"']challenge-(?:form|running|error-text)[\"']|cf-browser-verification|captcha-delivery\.com"
    r"|id=[\"']px-captcha[\"']|awswafcaptcha|aws-waf-token",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"<input\b[^>]*\btype\s*=\s*[\"']?password", re.IGNORECASE)


class RowExtractor(Protocol):
    """Reads the prices of a page's text; raises `Unreadable` where nothing may be read."""

    def __call__(self, text: str, *, provider: str) -> Extraction: ...


class PricingPage:
    """A pricing page. `extract_rows` and `extractor` are the page extractor and its version."""

    def __init__(self, spec: SourceSpec, http: HttpClient, *, extract_rows: RowExtractor, extractor: str) -> None:
        self.spec = spec
        self.extractor = extractor
        self._http = http
        self._extract_rows = extract_rows

    def observe(self, now: datetime, known: Known | None) -> Observation:
        """Look once."""
        got = self._http.fetch(self.spec.url, now=now, known=known, headers=ACCEPT)
        seen = settled(self.spec.key, got, now=now, known=known)
        return self.extract(seen, now) if isinstance(seen, Body) else seen

    def extract(self, body: Body, at: datetime) -> Observation:
        """Read a stored page anew, as of `at`."""
        try:
            extraction = read(body, provider=self.spec.provider, extract_rows=self._extract_rows)
        except Unreadable as error:
            reason = FailureReason.UNREADABLE
            return PollFailure(source=self.spec.key, at=at, reason=reason, detail=one_line(error.reason), body=body)
        return snapshot(self.spec.key, self.extractor, extraction, body, at)


def read(body: Body, *, provider: str, extract_rows: RowExtractor) -> Extraction:
    """The prices of a page, once it is none of what stands in for one.

    Raises:
        Unreadable: it is no page, or none whose layout the extractor knows.
    """
    if not SMALLEST <= len(body.content) <= LARGEST:
        raise Unreadable(f"{len(body.content)} bytes are no pricing page ({SMALLEST} to {LARGEST} are)")
    text = decoded(body)
    if _CHALLENGE.search(text):
        raise Unreadable("a challenge for robots instead of the page")
    try:
        return extract_rows(text, provider=provider)
    except Unreadable:
        # A real page may carry a login form somewhere, so it is asked for only where no prices were found.
        if _LOGIN.search(text):
            raise Unreadable("a login form instead of the page") from None
        raise
    except Exception as error:
        # A layout that trips the extractor is a layout that it does not know: said as an outage, never raised.
        raise Unreadable(f"the extractor failed on it: {error!r}") from error


def decoded(body: Body) -> str:
    """The text of a page: its byte order mark, else the charset of its Content-Type, else UTF-8; what does not decode is replaced."""
    if body.content.startswith(codecs.BOM_UTF8):
        return body.content.decode("utf-8-sig", "replace")
    header = Message()
    header["Content-Type"] = body.content_type or "text/plain"
    try:
        return body.content.decode(header.get_content_charset("utf-8"), "replace")
    except (LookupError, ValueError):  # some codecs, such as `idna`, refuse whatever the error handler says
        return body.content.decode("utf-8", "replace")
