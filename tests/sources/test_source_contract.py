"""What every source keeps to, against a real server: a poll returns what was seen, or why nothing was, and never
raises.
"""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from source_loopback import NOW, SMALL, Handler, LoopbackServer, Script, packed

from monitor.core.configuration import SourceSpec, Surface
from monitor.core.facts import FailureReason, Known, PollFailure, Snapshot, Unchanged
from monitor.core.ports import Source
from monitor.core.price import PriceRow
from monitor.sources import deprecations
from monitor.sources.catalog import source_spec
from monitor.sources.extraction import Extraction, Unreadable
from monitor.sources.feed import PriceFeed
from monitor.sources.http import HttpClient
from monitor.sources.lifecycle_feed import LifecycleFeed
from monitor.sources.models_list import ModelsList
from monitor.sources.page import PricingPage
from monitor.sources.transport import Limits
from monitor.sources.web_page import Page

KEY = "sk-proj-abcdefghijklmnopqrstuvwxyz"


def rows_of_page(text: str, *, provider: str) -> Extraction:
    """Return a stand-in for the page extractor: one line a price."""
    found = [line.split("|") for line in text.splitlines() if line.count("|") == 1]
    if not found:
        raise Unreadable("no recognised table")
    rows = tuple(
        PriceRow(provider=provider, model=model, meter="input", amount=Decimal(price)) for model, price in found
    )
    return Extraction(rows=rows, refused=(), notes=())


@dataclass(frozen=True)
class Kind:
    """A class of sources: how one is built for a URL, and a body that it reads."""

    name: str
    build: Callable[[str, HttpClient], Source]
    good: bytes
    html: FailureReason


def _spec(kind: str, url: str) -> SourceSpec:
    return source_spec(
        key="watched", kind=kind, every=timedelta(minutes=5), url=url, provider="openai", format="llm_prices"
    )


def _surface(url: str) -> Surface:
    return Surface(key="openai", base_url=url, provider="openai", api_key="env:KEY")


KINDS = [
    Kind(
        "models_list",
        lambda url, http: ModelsList(_spec("models_list", ""), _surface(url), http, lambda _: KEY),
        json.dumps({"object": "list", "data": [{"id": f"model-{n}", "object": "model"} for n in range(60)]}).encode(),
        FailureReason.NOT_JSON,
    ),
    Kind(
        "pricing_page",
        lambda url, http: PricingPage(
            _spec("pricing_page", url + "/page"), http, extract_rows=rows_of_page, extractor="stand-in/1"
        ),
        "\n".join(["# Pricing", *(f"model-{n}|{n}.5" for n in range(60))]).encode(),
        FailureReason.UNREADABLE,
    ),
    Kind(
        "price_feed",
        lambda url, http: PriceFeed(_spec("price_feed", url + "/feed.json"), http),
        json.dumps(
            {"prices": [{"id": f"model-{n}", "vendor": "openai", "input": 1, "output": 2} for n in range(60)]}
        ).encode(),
        FailureReason.NOT_JSON,
    ),
    Kind(
        "deprecations_page",
        lambda url, http: Page(
            _spec("deprecations_page", url + "/ends.md"),
            http,
            reader=deprecations.snapshot,
            extractor=deprecations.EXTRACTOR,
        ),
        "\n".join(
            ["| Shutdown date | Model |", "| --- | --- |", *(f"| 2026-12-11 | `model-{n}` |" for n in range(60))]
        ).encode(),
        FailureReason.UNREADABLE,
    ),
    Kind(
        "lifecycle_feed",
        lambda url, http: LifecycleFeed(replace(_spec("lifecycle_feed", url + "/ends.json"), format="model_eol"), http),
        json.dumps(
            {"publisher": "openai", "models": [{"id": f"model-{n}", "shutdown": "2026-12-11"} for n in range(60)]}
        ).encode(),
        FailureReason.NOT_JSON,
    ),
]

HTML = (
    b"<!doctype html><html><head><title>Portal</title></head><body><h1>Welcome to the hotel's "
    b"network</h1></body></html>"
)


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture
def poll(kind: Kind, server: LoopbackServer, http: HttpClient) -> Callable[..., Any]:
    """Look once at a server that follows a script."""
    source = kind.build(server.url, http)

    def once(script: Script, known: Known | None = None) -> Any:
        server.script = script
        return source.observe(NOW, known)

    return once


def known_of(snapshot: Snapshot, **changes: Any) -> Known:
    body = snapshot.body
    stated = {"sha256": body.sha256, "etag": body.etag, "last_modified": body.last_modified, **changes}
    return Known(**stated)


def test_a_good_answer_is_a_snapshot_with_its_bytes_and_validators(
    kind: Kind, poll: Any, server: LoopbackServer
) -> None:
    seen = poll(lambda h: h.reply(kind.good, ETag='"one"', Last_Modified="Mon, 23 Nov 2026 10:00:00 GMT"))
    assert isinstance(seen, Snapshot)
    assert len(seen.facts) == 60
    assert (seen.source, seen.at, seen.body.content) == ("watched", NOW, kind.good)
    assert seen.body.size == len(kind.good)
    assert (seen.body.etag, seen.body.last_modified) == ('"one"', "Mon, 23 Nov 2026 10:00:00 GMT")
    assert "if-none-match" not in server.requests[0][1]


def test_stored_evidence_yields_the_same_facts_again(kind: Kind, poll: Any, http: HttpClient) -> None:
    seen = poll(lambda h: h.reply(kind.good))
    again = kind.build("http://nobody.invalid", http).extract(seen.body, NOW)
    assert isinstance(again, Snapshot)
    assert (again.facts, again.extractor) == (seen.facts, seen.extractor)


def test_a_304_is_unchanged_and_keeps_the_validators_of_the_body(kind: Kind, poll: Any, server: LoopbackServer) -> None:
    first = poll(lambda h: h.reply(kind.good, ETag='"one"'))
    seen = poll(lambda h: h.reply(b"", 304, ETag='"another"'), known_of(first))
    assert seen == Unchanged(source="watched", at=NOW, etag='"one"')
    assert server.requests[-1][1]["if-none-match"] == '"one"'


def test_a_304_that_nobody_asked_for_is_a_failure(poll: Any) -> None:
    assert poll(lambda h: h.reply(b"", 304)).reason is FailureReason.HTTP_ERROR


def test_equal_bytes_are_unchanged_whatever_their_validators(kind: Kind, poll: Any) -> None:
    first = poll(lambda h: h.reply(kind.good, ETag='"one"'))
    seen = poll(lambda h: h.reply(kind.good, ETag='"two"'), known_of(first))
    assert seen == Unchanged(source="watched", at=NOW, etag='"two"')


def test_known_bytes_are_read_again_once_a_date_in_them_has_come(kind: Kind, poll: Any, server: LoopbackServer) -> None:
    first = poll(lambda h: h.reply(kind.good, ETag='"one"'))
    seen = poll(lambda h: h.reply(kind.good, ETag='"one"'), known_of(first, valid_until=NOW))
    assert isinstance(seen, Snapshot)
    assert "if-none-match" not in server.requests[-1][1], "a 304 could not tell that the date has come"


def test_a_packed_answer_is_hashed_unpacked(kind: Kind, poll: Any) -> None:
    plain, squeezed = poll(lambda h: h.reply(kind.good)), poll(lambda h: h.reply_packed(packed(kind.good)))
    assert squeezed.body.sha256 == plain.body.sha256
    assert squeezed.facts == plain.facts


def test_a_packed_answer_may_have_several_members(kind: Kind, poll: Any) -> None:
    members = packed(kind.good[:100]) + packed(kind.good[100:])
    assert poll(lambda h: h.reply_packed(members)).body.content == kind.good


def test_a_shrunken_answer_is_a_snapshot_for_admission_to_judge(kind: Kind, poll: Any) -> None:
    shrunk = {
        "models_list": b'{"object":"list","data":[]}',
        "pricing_page": b"# Pricing of the one model that is left over from sixty of them\nmodel-1|1.5",
        "deprecations_page": (
            b"| Shutdown date | Model |\n| --- | --- |\n| 2026-12-11 | `model-1` |\n\nOne is left of sixty."
        ),
        "price_feed": b'{"prices":[{"id":"model-1","vendor":"openai","input":1}]}',
        "lifecycle_feed": b'{"publisher":"openai","models":[{"id":"model-1","shutdown":"2026-12-11"}]}',
    }[kind.name]
    assert len(poll(lambda h: h.reply(shrunk)).facts) <= 1


def _refuse(status: int, **headers: str) -> Script:
    envelope = {"error": {"message": f"Incorrect API key provided: {KEY}.", "type": "x", "code": "bad_day"}}
    return lambda h: h.reply(json.dumps(envelope).encode(), status, Content_Type="application/json", **headers)


STATUSES = {
    401: FailureReason.UNAUTHORIZED,
    403: FailureReason.FORBIDDEN,
    404: FailureReason.NOT_FOUND,
    412: FailureReason.HTTP_ERROR,
    429: FailureReason.RATE_LIMITED,
    500: FailureReason.SERVER_ERROR,
    503: FailureReason.SERVER_ERROR,
    206: FailureReason.TRUNCATED,
    204: FailureReason.HTTP_ERROR,
}


@pytest.mark.parametrize(("status", "reason"), STATUSES.items())
def test_a_status_is_a_reason_and_the_detail_one_redacted_line(poll: Any, status: int, reason: FailureReason) -> None:
    seen = poll(_refuse(status) if status != 204 else lambda h: h.reply(b"", 204))
    assert isinstance(seen, PollFailure)
    assert (seen.source, seen.at, seen.reason) == ("watched", NOW, reason)
    assert f"HTTP {status}" in seen.detail
    assert "\n" not in seen.detail
    assert len(seen.detail) <= 300
    if status >= 400:
        assert "Incorrect API key provided: [redacted]. (bad_day)" in seen.detail
        assert KEY.encode() not in seen.body.content


@pytest.mark.parametrize(
    ("said", "seconds"), [("17", 17.0), ("Mon, 23 Nov 2026 12:02:00 GMT", 120.0), ("soon", None), ("-5", None)]
)
def test_retry_after_is_in_seconds(poll: Any, said: str, seconds: float | None) -> None:
    assert poll(_refuse(429, Retry_After=said)).retry_after == seconds


def test_html_with_200_is_a_failure_that_keeps_the_evidence(kind: Kind, poll: Any) -> None:
    seen = poll(lambda h: h.reply(HTML, Content_Type="text/html"))
    assert (seen.reason, seen.body.content) == (kind.html, HTML)


def test_an_empty_body_is_a_failure(kind: Kind, poll: Any) -> None:
    assert poll(lambda h: h.reply(b"")).reason is kind.html


BOMB = gzip.compress(bytes(40_000_000))


def _hang_up(handler: Handler) -> None:
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


FAULTS: dict[str, tuple[Script, FailureReason]] = {
    "fewer bytes than announced": (lambda h: h.reply(b'{"data": [', length=5000), FailureReason.TRUNCATED),
    "compression that ends early": (lambda h: h.reply_packed(packed(HTML * 50)[:-20]), FailureReason.TRUNCATED),
    "broken compression": (lambda h: h.reply_packed(b"this is no gzip"), FailureReason.TRUNCATED),
    "compression nobody asked for": (lambda h: h.reply(b"\x8b\x01", Content_Encoding="br"), FailureReason.TRUNCATED),
    "ten megabytes": (lambda h: _to_deaf_ears(h, bytes(10_000_000)), FailureReason.TOO_LARGE),
    "a decompression bomb": (lambda h: _to_deaf_ears(h, BOMB, Content_Encoding="gzip"), FailureReason.TOO_LARGE),
    "a connection that is closed": (_hang_up, FailureReason.UNREACHABLE),
    "a redirect to another host": (lambda h: h.reply(b"", 302, Location="http://127.0.0.2/"), FailureReason.REDIRECTED),
    "a redirect to another port": (
        lambda h: h.reply(b"", 302, Location="http://127.0.0.1:1/"),
        FailureReason.REDIRECTED,
    ),
}


def _to_deaf_ears(handler: Handler, content: bytes, status: int = 200, **headers: str) -> None:
    try:
        handler.reply(content, status, **headers)
    except OSError:
        handler.close_connection = True


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_network_is_a_failure_with_its_reason(poll: Any, fault: str) -> None:
    script, reason = FAULTS[fault]
    seen = poll(script)
    assert isinstance(seen, PollFailure)
    assert seen.reason is reason
    assert "127.0.0.1" in seen.detail


@pytest.mark.parametrize("part", ["headers", "body"])
def test_an_answer_that_drips_ends_with_the_total_though_no_single_read_is_slow(
    kind: Kind, server: LoopbackServer, part: str
) -> None:
    server.script = lambda h: h.drip(headers=part == "headers")
    http = HttpClient(allow=["127.0.0.1"], limits=Limits(connect=5, read=5, total=0.3))
    seen = kind.build(server.url, http).observe(NOW, None)
    http.close()
    assert seen.reason is FailureReason.TIMEOUT
    assert "within 0.3 s" in seen.detail or "in time" in seen.detail


def test_a_fault_leaves_the_next_poll_unharmed(kind: Kind, poll: Any) -> None:
    for script, _ in FAULTS.values():
        poll(script)
    assert isinstance(poll(lambda h: h.reply(kind.good)), Snapshot)


def test_an_error_with_a_bomb_for_a_body_is_a_failure(poll: Any) -> None:
    seen = poll(lambda h: _to_deaf_ears(h, BOMB, 500, Content_Encoding="gzip"))
    assert seen.reason is FailureReason.TOO_LARGE


def test_nobody_listening_is_unreachable(kind: Kind, http: HttpClient) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        seen = kind.build(f"http://127.0.0.1:{unused.getsockname()[1]}", http).observe(NOW, None)
    assert seen.reason is FailureReason.UNREACHABLE


def test_plain_text_where_tls_was_due_is_a_tls_failure(kind: Kind, server: LoopbackServer, http: HttpClient) -> None:
    seen = kind.build(server.url.replace("http:", "https:"), http).observe(NOW, None)
    assert seen.reason is FailureReason.TLS


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_private_address_that_nobody_allowed_is_blocked_before_anything_is_sent(
    kind: Kind, server: LoopbackServer, host: str
) -> None:
    http = HttpClient(allow=["10.0.0.1"], limits=SMALL)
    seen = kind.build(f"http://{host}:{server.port}", http).observe(NOW, None)
    http.close()
    assert seen.reason is FailureReason.BLOCKED_ADDRESS
    assert "[network] allow" in seen.detail
    assert server.requests == []


def test_a_connection_closed_while_idle_does_not_fail_the_next_poll(
    kind: Kind, poll: Any, server: LoopbackServer
) -> None:
    def close_silently(handler: Handler) -> None:
        handler.reply(kind.good)
        handler.close_connection = True

    assert all(isinstance(poll(close_silently), Snapshot) for _ in range(5))


def test_a_request_carries_no_cookie_that_an_answer_set(kind: Kind, poll: Any, server: LoopbackServer) -> None:
    for _ in range(2):
        poll(lambda h: h.reply(kind.good, Set_Cookie="visitor=1; Path=/"))
    assert "cookie" not in server.requests[-1][1]


def test_the_hash_is_of_the_bytes_as_received_and_the_evidence_is_redacted(kind: Kind, poll: Any) -> None:
    leaky = kind.good.replace(b"model-7", b"model-7 " + KEY.encode()[:3] + b"live-0123456789")
    seen = poll(lambda h: h.reply(leaky))
    assert seen.body.sha256 == sha256(leaky).hexdigest()
    assert b"live-0123456789" not in seen.body.content


def test_two_packed_answers_in_one_connection_do_not_mix(kind: Kind, poll: Any) -> None:
    assert poll(lambda h: h.reply_packed(gzip.compress(kind.good))).facts == poll(lambda h: h.reply(kind.good)).facts
