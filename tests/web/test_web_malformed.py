"""What a server on a network meets: requests that are none, and connections that never become one. The gate goes on
answering, and nothing that is sent makes the monitor fail.
"""

from __future__ import annotations

import random
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from desk_world import paused_world
from served_desk import served_world
from sizes import sizes

PATHS = (
    "/",
    "/events?limit=1",
    "/entries/luna",
    "/v1/registry",
    "/v1/gate/luna",
    "/v1/events?after=",
    "/v1/sources/",
    "/v1/entries/luna/pause",
    "/ofrep/v1/evaluate/flags/luna",
    "/ack/x/y",
    "/signin",
    "/static/",
    "/evidence/sha256:",
    "/metrics",
    "*",
    "",
    "http://[::1/",
)
BITS = (
    b"\0",
    b"\r",
    b"\n",
    b"\r\n\r\n",
    b"%00",
    b"%ff%fe",
    b"%",
    b"..%2f" * 40,
    b"\xff\xfe\xfd",
    "é☃".encode(),
    b" ",
    b"?a=b&" * 50,
)
HEADERS = (
    b"Content-Length: -1",
    b"Content-Length: 99999999999999999999",
    b"Content-Length: 5\r\nContent-Length: 6",
    b"Transfer-Encoding: chunked\r\nContent-Length: 3",
    b"Transfer-Encoding: gzip, chunked",
    b"Host: localhost\r\nHost: elsewhere.example",
    b"Host: ",
    b"Host: localhost:notaport",
    b"Cookie: access_monitor_session=" + b"x" * 4000,
    b"Cookie: =;;;=\xff",
    b"Authorization: Bearer",
    b"Authorization: Bearer \xf0\x9f\x92\xa9",
    b"X-API-Key: " + b"\x7f" * 50,
    b"Content-Type: application/json",
    b"Content-Type: multipart/form-data; boundary=",
    b"Content-Type: application/x-www-form-urlencoded",
    b"Last-Event-ID: -1",
    b"Last-Event-ID: one",
    b"Accept: text/event-stream;q=x",
    b'If-None-Match: W/"","',
    b"Expect: 100-continue",
    b"Upgrade: websocket\r\nConnection: Upgrade",
    b"No colon at all",
    b" folded: header",
    b"X: " + b"y" * 20_000,
)
BODIES = (
    b"",
    b"{",
    b"null",
    b"[" * 5000,
    b'{"reason": 1e999}',
    b"5\r\nhello",
    b"ffffffffff\r\n",
    b"\xff" * 300,
    b"a=%&=&csrf",
    b"x" * 70_000,
)


def malformed(chance: random.Random) -> bytes:
    """Return something like a request, wrong in one to three ways."""
    method = chance.choice([b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"TRACE", b"get", b"G\0T", b"PRI", b""])
    path = chance.choice(PATHS).encode()
    version = chance.choice([b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/9", b"", b"ICY"])
    lines = [b"Host: localhost", *chance.sample(HEADERS, chance.randint(0, 2))]
    body = chance.choice(BODIES)
    if chance.random() < 0.5:
        cut = chance.randint(0, len(path))
        path = path[:cut] + chance.choice(BITS) + path[cut:]
    if chance.random() < 0.3:
        lines.append(f"Content-Length: {len(body)}".encode())
    whole = b" ".join((method, path, version)) + b"\r\n" + b"\r\n".join(lines) + b"\r\n\r\n" + body
    if chance.random() < 0.2:
        cut = chance.randint(0, len(whole))
        whole = whole[:cut] + chance.choice(BITS) + whole[cut:]
    return whole[: chance.randint(1, len(whole))] if chance.random() < 0.1 else whole


def answer_to(address: tuple[str, int], request: bytes) -> bytes:
    """Send bytes and no more, and return what comes back until the connection ends."""
    with socket.create_connection(address, timeout=60) as connection:
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))
        except (ConnectionResetError, BrokenPipeError):
            return b""  # it was refused before all of it was read


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Provide the whole server over a world in which an entry is paused."""
    with paused_world(by="ann", note="") as world, served_world(world, tmp_path) as address:
        yield address


def address_of(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def asked(url: str) -> tuple[int, bool, str]:
    """Ask the gate, on a connection of its own."""
    answer = httpx2.get(f"{url}/v1/gate/luna", trust_env=False, timeout=60)
    return answer.status_code, answer.json()["allowed"], answer.json()["status"]


DENIED = (200, False, "paused")


@pytest.mark.slow
@pytest.mark.parametrize("count", sizes(500, 10_000))
def test_whatever_is_sent_is_no_failure_and_the_gate_goes_on(url: str, count: int) -> None:
    chance, address = random.Random(count), address_of(url)
    for number in range(count):
        request = malformed(chance)
        answer = answer_to(address, request)
        assert answer[:9] in (b"", b"HTTP/1.1 "), request
        assert not answer[9:].startswith(b"5"), (request, answer[:600])
        if number % 100 == 0:
            assert asked(url) == DENIED
    assert asked(url) == DENIED


@pytest.mark.slow
def test_five_hundred_slow_connections_keep_nobody_from_the_gate(url: str) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 2048:
        if hard < 2048:
            pytest.skip(f"TOO FEW DESCRIPTORS ({hard}): slow connections are not tried here")
        resource.setrlimit(resource.RLIMIT_NOFILE, (2048, hard))
    try:
        with ExitStack() as stack:
            slow = [stack.enter_context(socket.create_connection(address_of(url), timeout=60)) for _ in range(500)]
            for number, connection in enumerate(slow):
                connection.sendall(
                    b"POST /v1/entries/luna/pause HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"[
                        : 20 + number % 60
                    ]
                )
                if number % 50 == 0:
                    assert asked(url) == DENIED
            assert [asked(url) for _ in range(20)] == [DENIED] * 20
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
