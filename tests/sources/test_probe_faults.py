"""Probes on a network that misbehaves: each fault is a classified failure within its bounds, whichever way a call is
sent.
"""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from source_loopback import NOW, LoopbackServer, Script
from test_source_contract import BOMB, FAULTS, STATUSES

from monitor.core.configuration import Surface
from monitor.core.facts import FailureReason, PollFailure, Snapshot
from monitor.core.ports import Reservation, Source
from monitor.sources.catalog import SourceDeps, build, source_spec
from monitor.sources.http import HttpClient
from monitor.sources.transport import Limits

M = "gpt-5.6-luna"
ROUTES = ("retrieve", "responses", "streaming", "batch")


class Rich:
    """A budget that never ends."""

    def price(
        self,
        surface: str,
        model: str,
        tokens: Mapping[str, int],
        *,
        tier: str = "standard",
        at: datetime | None = None,
    ) -> Decimal | None:
        return Decimal(0)

    def reserve(self, surface: str, amount: Decimal, at: datetime) -> Reservation | None:
        return Reservation(id=1, surface=surface, amount=amount)

    def settle(self, reservation: Reservation, spent: Decimal) -> None:
        pass

    def left(self, surface: str, at: datetime) -> Decimal:
        return Decimal(1)


def made(route: str, url: str, http: HttpClient) -> Source:
    spec = source_spec(
        key="watched",
        kind="behaviour",
        every=timedelta(hours=6),
        surface="openai",
        options={"model": M, "route": route},
    )
    surface = Surface(key="openai", base_url=url, provider="openai", api_key="env:KEY")
    return build(spec, SourceDeps(http=http, surface=surface, secret=lambda _: "sk-0123456789", budget=Rich()))


@pytest.fixture(params=ROUTES)
def route(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def poll(route: str, server: LoopbackServer, http: HttpClient) -> Callable[[Script], Any]:
    source = made(route, server.url, http)

    def once(script: Script) -> Any:
        server.script = script
        return source.observe(NOW, None)

    return once


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_network_is_a_failure_of_the_probe_with_its_reason(poll: Any, fault: str) -> None:
    script, reason = FAULTS[fault]
    seen = poll(script)
    assert isinstance(seen, PollFailure)
    assert seen.reason is reason
    assert len(seen.measured) == 1


@pytest.mark.parametrize(("status", "reason"), STATUSES.items())
def test_a_status_without_a_known_body_is_its_reason(poll: Any, status: int, reason: FailureReason) -> None:
    seen = poll(lambda h: h.reply(b'{"error": {"message": "Sorry."}}' if status != 204 else b"", status))
    assert isinstance(seen, PollFailure)
    assert seen.reason is reason
    assert f"HTTP {status}" in seen.detail


def test_an_error_with_a_bomb_for_a_body_is_too_large(poll: Any) -> None:
    def bomb(handler: Any) -> None:
        try:
            handler.reply(BOMB, 500, Content_Encoding="gzip")
        except OSError:
            handler.close_connection = True

    assert poll(bomb).reason is FailureReason.TOO_LARGE


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_slow_answer_ends_with_the_total(route: str, server: LoopbackServer, part: str) -> None:
    server.script = lambda h: h.drip(headers=part == "headers")
    http = HttpClient(allow=["127.0.0.1"], limits=Limits(connect=5, read=5, total=0.3))
    seen = made(route, server.url, http).observe(NOW, None)
    http.close()
    assert isinstance(seen, PollFailure)
    assert seen.reason is FailureReason.TIMEOUT


def test_a_stream_that_never_ends_ends_with_the_total(server: LoopbackServer) -> None:
    def trickle(handler: Any) -> None:
        handler.close_connection = True
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 100000\r\n\r\n")
        try:
            while not handler.loopback.stopping.wait(0.02):
                handler.wfile.write(b'data: {"choices": []}\n\n')
                handler.wfile.flush()
        except OSError:
            pass

    server.script = trickle
    http = HttpClient(allow=["127.0.0.1"], limits=Limits(connect=5, read=5, total=0.3))
    seen = made("streaming", server.url, http).observe(NOW, None)
    http.close()
    assert isinstance(seen, PollFailure)
    assert seen.reason is FailureReason.TIMEOUT


def test_a_name_that_does_not_resolve_is_unreachable(route: str, http: HttpClient) -> None:
    seen = made(route, "http://nobody.invalid", http).observe(NOW, None)
    assert isinstance(seen, PollFailure)
    assert seen.reason is FailureReason.UNREACHABLE


def test_nobody_listening_is_unreachable_for_a_probe(route: str, http: HttpClient) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        seen = made(route, f"http://127.0.0.1:{unused.getsockname()[1]}", http).observe(NOW, None)
    assert isinstance(seen, PollFailure)
    assert seen.reason is FailureReason.UNREACHABLE


def test_plain_text_where_tls_was_due_fails_a_probe(route: str, server: LoopbackServer, http: HttpClient) -> None:
    seen = made(route, server.url.replace("http:", "https:"), http).observe(NOW, None)
    assert isinstance(seen, PollFailure)
    assert seen.reason is FailureReason.TLS


def test_a_private_address_is_blocked_before_a_probe_sends_anything(route: str, server: LoopbackServer) -> None:
    http = HttpClient(allow=[])
    seen = made(route, server.url, http).observe(NOW, None)
    http.close()
    assert isinstance(seen, PollFailure)
    assert seen.reason is FailureReason.BLOCKED_ADDRESS
    assert server.requests == []


def test_a_packed_answer_is_read_and_a_fault_before_it_leaves_no_trace(
    server: LoopbackServer, http: HttpClient
) -> None:
    source = made("retrieve", server.url, http)
    for script, _ in FAULTS.values():
        server.script = script
        assert isinstance(source.observe(NOW, None), PollFailure)
    server.script = lambda h: h.reply_packed(gzip.compress(json.dumps({"id": M}).encode()))
    assert isinstance(source.observe(NOW, None), Snapshot)


def test_a_clock_that_jumps_between_polls_changes_nothing_but_their_dates(
    server: LoopbackServer, http: HttpClient
) -> None:
    server.script = lambda h: h.reply(json.dumps({"id": M}).encode())
    source = made("retrieve", server.url, http)
    seen = [source.observe(NOW + jump, None) for jump in (timedelta(0), timedelta(days=400), timedelta(days=-400))]
    assert [one.at - NOW for one in seen] == [timedelta(0), timedelta(days=400), timedelta(days=-400)]
    assert all(isinstance(one, Snapshot) and one.measured[0].latency >= 0 for one in seen)
