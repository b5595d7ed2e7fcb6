"""A page as received: decoded, and told apart from what stands in for one (a challenge, a login). What it says is read
elsewhere.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from datetime import datetime
from email.message import Message
from types import MappingProxyType
from typing import TypeAlias, TypeVar

from monitor.core.configuration import SourceSpec
from monitor.core.facts import Body, FailureReason, Snapshot
from monitor.sources.extraction import Unreadable
from monitor.sources.fetched import FetchedSource
from monitor.sources.http import HttpClient

Found = TypeVar("Found")

SMALLEST = 64
"""Bytes; a table of one row is longer."""

LARGEST = 5_000_000
"""Bytes; ten times the largest page seen."""

ACCEPT = MappingProxyType({"Accept": "text/markdown, text/html;q=0.9, */*;q=0.1"})

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
# Possessive: a page of many comments and no markup would be taken apart in all ways in which they may be one comment.
_HTML = re.compile(r"\s*+(?:(?><!--.*?-->)\s*+)*+<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)


Reader: TypeAlias = Callable[[SourceSpec, Body, datetime], Snapshot]
"""Reads a page as of a time; raises `Unreadable` where nothing may be read."""


class Page(FetchedSource):
    """A page that is fetched and read. `reader` and `extractor` are what reads it, and its version."""

    headers = ACCEPT

    def __init__(self, spec: SourceSpec, http: HttpClient, *, reader: Reader, extractor: str) -> None:
        super().__init__(spec, http)
        self.extractor = extractor
        self._reader = reader

    def read(self, body: Body, at: datetime) -> Snapshot:
        """Return what the page's own reader makes of it."""
        return self._reader(self.spec, body, at)

    def reason_of(self, error: Unreadable) -> FailureReason:
        """Return why the poll failed, of a page."""
        return FailureReason.UNREADABLE


def reading(body: Body, read: Callable[[str], Found], *, what: str) -> Found:
    """Return what a page says, once it is none of what stands in for one. `what` names the kind of page that is
    expected.

    Raises:
        Unreadable: it is no page, or none whose layout `read` knows.
    """
    text = text_of(body, what=what)
    try:
        return read(text)
    except Unreadable:
        # A real page may carry a login form somewhere, so it is asked for only where nothing else was found.
        if _LOGIN.search(text):
            raise Unreadable("a login form instead of the page") from None
        raise
    except Exception as error:
        # A layout that trips the extractor is a layout that it does not know: said as an outage, never raised.
        raise Unreadable(f"the extractor failed on it: {error!r}") from error


def text_of(body: Body, *, what: str) -> str:
    """Return the text of a page with `\\n` at the end of its lines.

    Raises:
        Unreadable: its size is out of bounds, or it is a challenge for robots.
    """
    if not SMALLEST <= len(body.content) <= LARGEST:
        raise Unreadable(f"{len(body.content)} bytes are no {what} ({SMALLEST} to {LARGEST} are)")
    text = decoded(body)
    if _CHALLENGE.search(text):
        raise Unreadable("a challenge for robots instead of the page")
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def is_html(text: str) -> bool:
    """Return whether a whole page is HTML, and not Markdown with tags in it."""
    return _HTML.match(text) is not None


def decoded(body: Body) -> str:
    """Return the text of a page: its byte order mark, else the charset of its Content-Type, else UTF-8; what does not
    decode is replaced.
    """
    if body.content.startswith(codecs.BOM_UTF8):
        return body.content.decode("utf-8-sig", "replace")
    header = Message()
    header["Content-Type"] = body.content_type or "text/plain"
    try:
        return body.content.decode(header.get_content_charset("utf-8"), "replace")
    except (LookupError, ValueError):  # some codecs, such as `idna`, refuse whatever the error handler says
        return body.content.decode("utf-8", "replace")
