"""Connections that nobody uses: a daemon goes on answering, polling and pausing, however many of them one host holds
open.
"""

from __future__ import annotations

import json
import resource
import select
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from urllib.parse import urlsplit

import pytest
from story_world import Daemon, Story, until

MANY = 1200
UNFINISHED = (
    b"",
    b"GET /v1/gate/orion?caller=half HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: ",
    b"POST /ofrep/v1/evaluate/flags/orion HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b'Content-Length: 1000\r\n\r\n{"context": ',
    b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",  # a whole request, whose connection is kept and not used again
)


@pytest.fixture(autouse=True)
def descriptors() -> Iterator[None]:
    """Allow this side a descriptor for each connection, too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * MANY
    if hard != resource.RLIM_INFINITY and hard < needed:
        pytest.skip(f"a story of {MANY} connections needs {needed} descriptors, and this process may have {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def limited(soft: int, hard: int) -> tuple[str, ...]:
    """Return a wrapper that lets the daemon open so many files."""
    return ("bash", "-c", f'ulimit -Sn {soft} && ulimit -Hn {hard} && exec "$@"', "bash")


def connect(daemon: Daemon) -> socket.socket:
    address = urlsplit(daemon.url)
    return socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=60)


@contextmanager
def crowd(daemon: Daemon, number: int = MANY) -> Iterator[list[socket.socket]]:
    """So many connections that are idle or have sent a half of something."""
    with ExitStack() as stack:
        connections = []
        for count in range(number):
            connection = stack.enter_context(connect(daemon))
            connection.sendall(UNFINISHED[count % len(UNFINISHED)])
            connections.append(connection)
        yield connections


def gate(daemon: Daemon) -> bool:
    """Return what the gate says over HTTP, on a connection of its own."""
    with urllib.request.urlopen(f"{daemon.url}/v1/gate/orion?caller=other", timeout=30) as answer:
        return bool(json.load(answer)["allowed"])


def closed(connection: socket.socket) -> bool:
    """Return whether the other side has closed it, whatever it said before."""
    while select.select([connection], [], [], 0)[0]:
        try:
            if not connection.recv(65536):
                return True
        except ConnectionError:
            return True
    return False


def watching(story: Story) -> None:
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    story.configure(story.entry())
    story.poll()
    story.activate()


@pytest.mark.parametrize(
    "wrapper", [(), limited(256, 1024), limited(256, 256)], ids=["as it is", "256 of 1024 files", "256 files"]
)
def test_a_thousand_unused_connections_stop_neither_the_gate_nor_a_pause(story: Story, wrapper: tuple[str, ...]):
    watching(story)
    with story.daemon(wrapper=wrapper) as daemon, crowd(daemon):
        assert all(gate(daemon) for _ in range(20))
        story.provider.prices = {"orion-2": ("2.00", "6.00")}
        until(lambda: story.gate() == 1, "the pause stands in the lease file")
        until(lambda: not gate(daemon), "the gate says so over HTTP")
        until(lambda: story.messages("PAUSED"), "the owner is told")
        with crowd(daemon, 300):
            assert not gate(daemon)
        loud = [line for line in daemon.lines() if line["level"] in ("warning", "error")]
    assert len(loud) < 20, loud
    assert "Traceback" not in daemon.said()
    assert all(line.startswith("{") for line in daemon.said().splitlines())


def test_who_does_not_finish_a_request_is_let_go_and_who_does_is_answered(story: Story):
    watching(story)
    with story.daemon() as daemon, crowd(daemon, 3) as (idle, head, body):

        def dripping() -> bool:
            for connection in (head, body):
                if not closed(connection):
                    with suppress(ConnectionError):
                        connection.sendall(b"x")  # a byte now and then is no progress
            return closed(idle) and closed(head) and closed(body)

        assert not closed(idle)
        until(dripping, "all three are closed", every=0.2)
        assert gate(daemon)


@pytest.mark.parametrize(
    ("type", "length"), [("text/plain", 50_000_000), ("application/json", 50_000_000)], ids=["wrong type", "too large"]
)
def test_a_body_that_is_refused_is_not_read_on(story: Story, type: str, length: int):
    watching(story)
    with story.daemon() as daemon, connect(daemon) as connection:
        head = f"POST /ofrep/v1/evaluate/flags/orion HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {type}\r\n"
        connection.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode() + b" " * 1000)
        answer = connection.recv(65536).decode()
        assert answer.startswith(("HTTP/1.1 415", "HTTP/1.1 400"))
        assert "connection: close" in answer.lower()
        with suppress(ConnectionError):
            sent = 0
            while sent < length:
                sent += connection.send(b" " * 65536)
        assert sent < length, "all of it was taken"
        assert gate(daemon)
