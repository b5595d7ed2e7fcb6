"""One ping, whose failures are outcomes."""

from __future__ import annotations

import logging

import httpx2
import pytest

from monitor.core.ports import NotSent, Sent
from monitor.notify.heartbeat import ping

URL = "https://hc.example.org/SECRET-uuid"


def answering(status: int) -> httpx2.MockTransport:
    return httpx2.MockTransport(lambda request: httpx2.Response(status))


def test_a_ping_that_is_taken_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[httpx2.Request] = []

    def take(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200)

    assert ping(URL, transport=httpx2.MockTransport(take)) == Sent()
    assert [(request.method, str(request.url)) for request in seen] == [("GET", URL)]
    assert "SECRET" not in caplog.text


@pytest.mark.parametrize(("status", "permanent"), [(500, False), (302, False), (429, False), (404, True), (410, True)])
def test_any_other_answer_is_a_failure_that_names_the_host_only(status: int, permanent: bool) -> None:
    outcome = ping(URL, transport=answering(status))
    assert outcome == NotSent(reason=f"heartbeat at hc.example.org answered HTTP {status}", permanent=permanent)


def test_an_unreachable_host_is_a_failure() -> None:
    def refuse(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused " + URL)

    outcome = ping(URL, transport=httpx2.MockTransport(refuse))
    assert outcome == NotSent(reason="heartbeat at hc.example.org failed: ConnectError")


def test_an_address_that_is_none_is_a_failure() -> None:
    assert isinstance(ping("not a url"), NotSent)
