"""Asks for one document and says in the words of the domain what came back, or why nothing did.

One `HttpClient` serves every source: one connection pool, no cookies, no proxies, no redirect that was not judged
here. What the bytes mean is the business of the sources.
"""

from __future__ import annotations

import html
import json
import logging
import re
import ssl
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2

from monitor.core.facts import Body, FailureReason, Known, PollFailure, Unchanged
from monitor.sources.redaction import clean, one_line, redact
from monitor.sources.transport import DEFAULTS, Failed, Limits, Swollen, Transport

REDIRECTS = 3
"""How many redirects one poll follows."""

AGENT = "access-monitor"

# At INFO httpx2 writes the whole URL of every request, and a query may hold a token.
logging.getLogger("httpx2").setLevel(logging.WARNING)

_PLAIN = frozenset({200, 203})
_REASONS = {
    401: FailureReason.UNAUTHORIZED,
    403: FailureReason.FORBIDDEN,
    404: FailureReason.NOT_FOUND,
    408: FailureReason.TIMEOUT,
    429: FailureReason.RATE_LIMITED,
    206: FailureReason.TRUNCATED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """The bytes of a good answer as received, decompressed. `sha256` is of exactly these; `url` is where they came
    from.
    """

    content: bytes
    sha256: str
    url: str
    content_type: str = ""
    etag: str = ""
    last_modified: str = ""

    def body(self, secrets: Iterable[str] = ()) -> Body:
        """As evidence: redacted, with the hash and size of what was received."""
        secrets = tuple(secrets)
        return Body(
            content=redact(self.content, secrets),
            sha256=self.sha256,
            size=len(self.content),
            content_type=redact(self.content_type, secrets),
            url=redact(shown(self.url), secrets),
            etag=clean(self.etag, secrets),
            last_modified=clean(self.last_modified, secrets),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NotModified:
    """304: the server vouches for the bytes that the validators in `known` belong to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """No good answer. `detail` is not redacted yet; `answer` holds what was received, if it was received whole; a
    `swollen` one has too many items.
    """

    reason: FailureReason
    detail: str
    retry_after: float | None = None
    answer: HttpAnswer | None = None
    swollen: bool = False

    def of(self, source: str, at: datetime, secrets: Iterable[str] = ()) -> PollFailure:
        """As the observation of a source, redacted."""
        return PollFailure(
            source=source,
            at=at,
            reason=self.reason,
            detail=one_line(self.detail, secrets),
            retry_after=self.retry_after,
            body=self.answer.body(secrets) if self.answer else None,
            swollen=self.swollen,
        )


class HttpClient:
    """The shared client. `client` is for SDKs that want one; whatever goes through it is bound by the limits of
    `bounded`.
    """

    def __init__(
        self, *, allow: Collection[str] = (), limits: Limits = DEFAULTS, tls: ssl.SSLContext | None = None
    ) -> None:
        self.limits = limits
        self._transport = Transport(allow=allow, tls=tls)
        self.client = httpx2.Client(
            transport=self._transport,
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
            follow_redirects=False,
            timeout=timeout(limits),
            trust_env=False,
            headers={"User-Agent": AGENT, "Accept-Encoding": "gzip"},
        )

    def close(self) -> None:
        """Close all connections."""
        self.client.close()

    @contextmanager
    def bounded(self, limits: Limits | None = None) -> Iterator[None]:
        """Bound all requests of this thread inside the block by one total of time, and each by size."""
        with self._transport.bounded(limits or self.limits):
            yield

    def fetch(
        self,
        url: str,
        *,
        now: datetime,
        headers: Mapping[str, str] | None = None,
        known: Known | None = None,
        limits: Limits | None = None,
    ) -> HttpAnswer | NotModified | Failure:
        """GET a document, conditionally where `known` still holds at `now`.

        Redirects are followed within the same host and scheme, or from http to https on the same host, `REDIRECTS`
        times.
        """
        limits = limits or self.limits
        sent = {**(headers or {}), **conditions(known, now)}
        try:
            with self.bounded(limits):
                target = httpx2.URL(url)
                for _ in range(REDIRECTS + 1):
                    request = self.client.build_request("GET", target, headers=sent, timeout=timeout(limits))
                    response = self.client.send(request)
                    if not response.has_redirect_location:
                        return judged(
                            response, now=now, conditional="If-None-Match" in sent or "If-Modified-Since" in sent
                        )
                    onward = target.join(response.headers["location"])
                    if not _same_place(target, onward):
                        return Failure(
                            reason=FailureReason.REDIRECTED,
                            detail=f"{shown(target)} redirects to {shown(onward)}, which is another place",
                        )
                    target = onward
                return Failure(
                    reason=FailureReason.REDIRECTED, detail=f"{shown(url)} redirects more than {REDIRECTS} times"
                )
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return failure_of(error, url)


def timeout(limits: Limits) -> httpx2.Timeout:
    """Return the limits as httpx2 wants them."""
    return httpx2.Timeout(limits.read, connect=limits.connect, pool=limits.total)


def conditions(known: Known | None, now: datetime) -> dict[str, str]:
    """Headers of a conditional request; none once the known bytes would yield other facts, which a 304
    could not tell.
    """
    if known is None or not holds(known, now):
        return {}
    named = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
    return {name: value for name, value in named.items() if value}


def holds(known: Known, now: datetime) -> bool:
    """Return whether the known bytes still yield the known facts at `now`."""
    return known.valid_until is None or now < known.valid_until


def settled(
    source: str,
    got: HttpAnswer | NotModified | Failure,
    *,
    now: datetime,
    known: Known | None,
    secrets: Collection[str] = (),
) -> Body | Unchanged | PollFailure:
    """Return what came back, as an observation where that needs no reading, else the redacted body to read.

    Bytes that are known are settled by their hash, before anything is decoded, redacted or parsed.
    """
    if isinstance(got, Failure):
        return got.of(source, now, secrets)
    if isinstance(got, NotModified):
        # The validators of the 304 itself belong to no bytes that were seen, so those of the body stay.
        assert known is not None, "only a request with known validators is conditional"
        return Unchanged(source=source, at=now, etag=known.etag, last_modified=known.last_modified)
    if known is not None and got.sha256 == known.sha256 and holds(known, now):
        etag, modified = clean(got.etag, secrets), clean(got.last_modified, secrets)
        return Unchanged(source=source, at=now, etag=etag, last_modified=modified)
    return got.body(secrets)


def judged(response: httpx2.Response, *, now: datetime, conditional: bool) -> HttpAnswer | NotModified | Failure:
    """Return what a whole response is."""
    status = response.status_code
    if status == 304 and conditional:
        return NotModified()
    headers = response.headers
    answer = HttpAnswer(
        content=response.content,
        sha256=sha256(response.content).hexdigest(),
        url=str(response.request.url),
        content_type=headers.get("content-type", ""),
        etag=headers.get("etag", ""),
        last_modified=headers.get("last-modified", ""),
    )
    if status in _PLAIN:
        return answer
    reason = refused(status)
    detail = message(answer.content, answer.content_type)
    if response.has_redirect_location:
        reason = FailureReason.REDIRECTED
        detail = f"redirects to {shown(response.request.url.join(headers['location']))}"
    return Failure(
        reason=reason,
        detail=f"HTTP {status} from {shown(answer.url)}" + (f": {detail}" if detail else ""),
        retry_after=retry_after(headers.get("retry-after", ""), now),
        answer=answer,
    )


def refused(status: int) -> FailureReason:
    """Why an answer with this status is no good one."""
    return _REASONS.get(status) or (FailureReason.SERVER_ERROR if status >= 500 else FailureReason.HTTP_ERROR)


def failure_of(error: BaseException, url: str) -> Failure:
    """Return the failure behind an exception of httpx2 or of an SDK around it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, Failed):
            detail = f"{shown(url)}: {cause.detail}"
            return Failure(reason=cause.reason, detail=detail, swollen=isinstance(cause, Swollen))
        cause = cause.__cause__
    return Failure(reason=FailureReason.UNREACHABLE, detail=f"{shown(url)}: {error}")


def message(content: bytes, content_type: str) -> str:
    """Return what an error's body says to a person: message and code of an envelope, or the title of a page."""
    head = content[:65_536].decode("utf-8", "replace")
    try:
        document = json.loads(head)
    except (ValueError, RecursionError):
        title = re.search(r"<title[^>]*>(.*?)</title>", head, re.DOTALL | re.IGNORECASE)
        if title:
            return html.unescape(title[1]).strip()
        return "" if "html" in content_type or head.lstrip().startswith("<") else head.strip()
    code = ""
    while isinstance(document, dict):  # `{"error": {"message", "code"}}`, `{"detail"}`, `{"message"}`, `{"error": "…"}`
        code = str(document.get("code") or code)
        document = next((document[key] for key in ("error", "message", "detail") if document.get(key)), "")
    text = document if isinstance(document, str) else json.dumps(document)
    return f"{text} ({code})" if code else text


def retry_after(value: str, now: datetime) -> float | None:
    """Retry-After as seconds from `now`; None where there is none that can be read."""
    value = value.strip()
    if value.isascii() and value.isdecimal() and len(value) < 10:
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (date - now).total_seconds()) if date.tzinfo else None


def shown(url: str | httpx2.URL) -> str:
    """Return a URL that may be stored and shown: without credentials, query and fragment, which may hold a secret."""
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL:
        return "a URL that cannot be read"
    return str(parsed.copy_with(userinfo=b"", query=None, fragment=None))


def _same_place(one: httpx2.URL, other: httpx2.URL) -> bool:
    if one.host != other.host:
        return False
    if one.scheme == other.scheme:
        return one.port == other.port
    return (one.scheme, other.scheme) == ("http", "https") and one.port is None and other.port is None
