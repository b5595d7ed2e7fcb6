"""Where a poll may go, what it follows, and what is taken out of what it brings back."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpcore2
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from source_loopback import NOW, SMALL, Handler, LoopbackServer

from monitor.core.facts import FailureReason
from monitor.sources.http import Failure, HttpAnswer, HttpClient, message, shown
from monitor.sources.redaction import MASK, one_line, redact
from monitor.sources.transport import Limits, forbidden


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::10.0.0.1",
        "::ffff:0:10.0.0.1",
        "::127.0.0.1",
        "fec0::1",
        "192.0.0.192",
        "2002:7f00:1::",
    ],
)
def test_an_address_that_is_not_of_the_public_internet_is_forbidden(address: str) -> None:
    assert forbidden(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"])
def test_an_address_of_the_public_internet_is_not(address: str) -> None:
    assert not forbidden(address)


def _resolver(*answers: list[str]) -> Any:
    """Return a name server that gives one answer after the other."""
    left = iter(answers)

    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in next(left)]

    return getaddrinfo


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Provide the hosts that a connection was attempted to; none is made."""
    hosts: list[str] = []

    def connect_tcp(self: object, host: str, *_: Any, **__: Any) -> Any:
        hosts.append(host)
        raise httpcore2.ConnectError("nobody is dialled in tests")

    monkeypatch.setattr(httpcore2.SyncBackend, "connect_tcp", connect_tcp)
    return hosts


def test_the_address_that_was_checked_is_the_one_connected_to(
    monkeypatch: pytest.MonkeyPatch, dialled: list[str]
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _resolver(["93.184.216.34"], ["127.0.0.1"]))
    seen = HttpClient().fetch("http://rebinding.example/", now=NOW)
    assert isinstance(seen, Failure)
    assert dialled == ["93.184.216.34"], "the name itself would be resolved once more, to another answer"


def test_of_a_names_addresses_only_the_public_ones_are_tried(
    monkeypatch: pytest.MonkeyPatch, dialled: list[str]
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _resolver(["10.0.0.1", "93.184.216.34", "127.0.0.1", "1.1.1.1"]))
    seen = HttpClient().fetch("http://mixed.example/", now=NOW)
    assert isinstance(seen, Failure)
    assert (seen.reason, dialled) == (FailureReason.UNREACHABLE, ["93.184.216.34", "1.1.1.1"])


def test_an_allowed_host_may_be_anywhere(monkeypatch: pytest.MonkeyPatch, dialled: list[str]) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _resolver(["10.0.0.1"]))
    HttpClient(allow=["Intranet.example"]).fetch("http://intranet.EXAMPLE/", now=NOW)
    assert dialled == ["10.0.0.1"]


@pytest.mark.parametrize("allow", [[], ["silent.example"]])
def test_a_resolver_that_never_answers_counts_against_the_poll(
    monkeypatch: pytest.MonkeyPatch, dialled: list[str], allow: list[str]
) -> None:
    released = threading.Event()

    def silent(*_: Any, **__: Any) -> Any:
        released.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    try:
        seen = HttpClient(allow=allow, limits=Limits(total=0.2)).fetch("http://silent.example/", now=NOW)
    finally:
        released.set()
    assert isinstance(seen, Failure)
    assert (seen.reason, dialled) == (FailureReason.TIMEOUT, [])
    assert "silent.example was not resolved" in seen.detail


def test_a_name_that_does_not_resolve_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    seen = HttpClient().fetch("http://nowhere.example/", now=NOW)
    assert isinstance(seen, Failure)
    assert (seen.reason, seen.detail) == (
        FailureReason.UNREACHABLE,
        "http://nowhere.example/: the name nowhere.example does not resolve",
    )


def _redirecting(times: int) -> Any:
    """Redirects from /n to /n+1 until it has done so `times` times."""

    def script(handler: Handler) -> None:
        step = int(handler.path.strip("/") or 0)
        if step < times:
            handler.reply(b"", 302, Location=f"/{step + 1}")
        else:
            handler.reply(b"here")

    return script


def test_a_few_redirects_within_a_place_are_followed(server: LoopbackServer, http: HttpClient) -> None:
    server.script = _redirecting(3)
    seen = http.fetch(server.url + "/0", now=NOW)
    assert isinstance(seen, HttpAnswer)
    assert (seen.content, seen.url) == (b"here", server.url + "/3")


def test_more_redirects_are_not(server: LoopbackServer, http: HttpClient) -> None:
    server.script = _redirecting(99)
    seen = http.fetch(server.url + "/0", now=NOW)
    assert isinstance(seen, Failure)
    assert (seen.reason, len(server.requests)) == (FailureReason.REDIRECTED, 4)


@pytest.mark.parametrize(
    ("start", "location", "followed"),
    [
        ("http://a.example/", "https://a.example/x", True),
        ("https://a.example/", "http://a.example/x", False),
        ("https://a.example/", "https://b.example/", False),
        ("https://a.example/", "//a.example/x", True),
        ("https://a.example/", "https://a.example:8443/", False),
        ("https://a.example/", "https://a.example.evil.example/", False),
    ],
)
def test_a_redirect_stays_on_its_host_and_never_loses_tls(start: str, location: str, followed: bool) -> None:
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        return httpx2.Response(302, headers={"Location": location}) if len(asked) == 1 else httpx2.Response(200)

    http = HttpClient()
    http.client = httpx2.Client(transport=httpx2.MockTransport(answer))
    seen = http.fetch(start, now=NOW)
    assert isinstance(seen, HttpAnswer) is followed
    assert len(asked) == (2 if followed else 1)


def test_a_redirect_to_nonsense_is_a_failure(server: LoopbackServer, http: HttpClient) -> None:
    server.script = lambda h: h.reply(b"", 302, Location="http://[")
    assert isinstance(http.fetch(server.url, now=NOW), Failure)


def test_a_slow_server_times_out_with_the_read(server: LoopbackServer, http: HttpClient) -> None:
    server.script = lambda h: server.stopping.wait(5)  # type: ignore[assignment, return-value]
    seen = http.fetch(server.url, now=NOW, limits=Limits(read=0.1))
    assert isinstance(seen, Failure)
    assert (seen.reason, seen.detail.split(": ")[1]) == (FailureReason.TIMEOUT, "no answer in time (read)")


def test_a_get_is_sent_again_once_when_a_reused_connection_breaks(server: LoopbackServer, http: HttpClient) -> None:
    def every_second_breaks(handler: Handler) -> None:
        if len(server.requests) % 2 == 0:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
        else:
            handler.reply(b"here")

    server.script = every_second_breaks
    assert all(isinstance(http.fetch(server.url, now=NOW), HttpAnswer) for _ in range(3))
    assert len(server.requests) == 5


def test_the_limits_of_one_thread_do_not_bind_another(server: LoopbackServer, http: HttpClient) -> None:
    server.script = lambda h: h.reply(bytes(2000))
    inside = threading.Barrier(2, timeout=10)

    def one(size: int) -> Any:
        with http.bounded(Limits(size=size)):
            inside.wait()
            return http.fetch(server.url, now=NOW, limits=Limits(size=size))

    with ThreadPoolExecutor(2) as pool:
        small, large = pool.map(one, (1000, 3000))
    assert small.reason is FailureReason.TOO_LARGE
    assert isinstance(large, HttpAnswer)


def test_a_size_of_exactly_the_limit_is_not_too_large(server: LoopbackServer, http: HttpClient) -> None:
    server.script = lambda h: h.reply(bytes(SMALL.size))
    assert isinstance(http.fetch(server.url, now=NOW), HttpAnswer)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"error":{"message":"no","code":"model_not_found"}}', "no (model_not_found)"),
        (b'{"error":"no"}', "no"),
        (b'{"detail":"no"}', "no"),
        (b'{"detail":[{"loc":1}]}', '[{"loc": 1}]'),
        (b"<html><title>502 Bad\n Gateway &amp; co</title>", "502 Bad\n Gateway & co"),
        (b"<html><p>long story", ""),
        (b"plain words", "plain words"),
        (b"", ""),
    ],
)
def test_the_message_of_an_error_is_found_in_its_envelope(content: bytes, said: str) -> None:
    assert message(content, "") == said


@given(st.binary(max_size=200))
def test_no_error_body_makes_it_raise(content: bytes) -> None:
    assert isinstance(message(content, "text/html"), str)


def test_a_shown_url_holds_no_credential_and_no_query() -> None:
    assert shown("https://user:secret@host.example/path?key=secret#secret") == "https://host.example/path"


def test_no_log_holds_a_query(server: LoopbackServer, http: HttpClient, caplog: pytest.LogCaptureFixture) -> None:
    server.script = lambda h: h.reply(b"here")
    with caplog.at_level("INFO"):
        assert isinstance(http.fetch(server.url + "/?token=secret", now=NOW), HttpAnswer)
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-proj-abcdef0123456789",
        "Incorrect API key provided: sk-ab********wxyz.",
        "Authorization: Bearer abcdef.0123456789-xyz==",
    ],
)
def test_what_looks_like_a_key_is_taken_out_of_text_and_bytes(text: str) -> None:
    assert MASK in redact(text)
    assert redact(text.encode()) == redact(text).encode()
    assert not {"0123456789", "wxyz"} & set(redact(text).replace("-", " ").replace(".", " ").split())


@pytest.mark.parametrize(
    "text", ["task-oriented-model-1", "risk-averse-model", "sk-", "bearer of good news", "whisk-attack"]
)
def test_what_does_not_stays(text: str) -> None:
    assert redact(text) == text


FILLER = st.text("ab ")


@given(st.text("#?xyz", min_size=6), FILLER, FILLER)
def test_a_known_secret_is_never_left(secret: str, before: str, after: str) -> None:
    text = before + secret + after
    assert redact(text, [secret]) == before + MASK + after
    assert redact(text.encode(), [secret]) == redact(text, [secret]).encode()


def test_a_short_key_of_a_local_server_does_not_eat_model_ids() -> None:
    assert redact(b'{"id":"test-model"}', ["test"]) == b'{"id":"test-model"}'


def test_a_secret_at_the_cut_is_redacted_before_it() -> None:
    line = one_line("x" * 290 + "\n" + "secret-value-that-is-long", ["secret-value-that-is-long"])
    assert len(line) <= 300
    assert "secret" not in line


def test_certificates_that_cannot_be_read_fail_what_is_under_tls_and_nothing_else(
    http: HttpClient, server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/certificates.pem")
    failure = http.fetch("https://127.0.0.1:9/", now=NOW)
    assert isinstance(failure, Failure)
    assert failure.reason is FailureReason.TLS
    assert "the certificates that this machine trusts cannot be read" in failure.detail
    http.fetch(server.url, now=NOW)
    assert len(server.requests) == 1
