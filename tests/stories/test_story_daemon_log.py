"""The daemon's log stays JSON and short, whatever fails: one line when it begins, one when it ends."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from story_world import Answer, Daemon, Request, Story, until


@pytest.fixture
def watched(story: Story) -> Story:
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    story.configure(story.entry())
    return story


def entries(daemon: Daemon) -> list[dict[str, Any]]:
    """Return every line of standard output and error; each has to be JSON."""
    return [json.loads(line) for line in daemon.said().splitlines()]


def stays_quiet(daemon: Daemon, most: int) -> None:
    """Check that no trouble was said often, and none in more than a line."""
    troubles = [line for line in entries(daemon) if line["level"] in ("warning", "error")]
    kinds = Counter(tuple(line.get(key, "") for key in ("message", "job", "error", "detail")) for line in troubles)
    assert max(kinds.values(), default=0) <= most, kinds.most_common(3)
    assert "Traceback" not in daemon.said()


def polled(story: Story, path: str = "/v1/models", times: int = 4) -> None:
    count = story.provider.count(path)
    until(lambda: story.provider.count(path) >= count + times, "polls go on")


@contextmanager
def locked(story: Story) -> Iterator[None]:
    other = sqlite3.connect(story.folder / "monitor.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500, {"error": {"message": "The server had an error"}}),
        Answer(200, b"\x00\xff not json"),
        lambda request: Answer(429, {"error": {"message": f"no: request {id(request)}"}}),
    ],
)
def test_a_provider_that_dies_is_two_lines(watched: Story, answer: Any):
    with watched.daemon() as daemon:
        polled(watched)
        watched.provider.answers["GET", "/v1/models"] = answer
        until(lambda: watched.events("--type", "source.failed"), "the outage is recorded")
        polled(watched, times=5)
        del watched.provider.answers["GET", "/v1/models"]
        until(lambda: watched.events("--type", "source.recovered"), "its end is recorded")
        assert daemon.stop() == 0
    lines = [line for line in entries(daemon) if line.get("source") == "openai-models"]
    assert [line["verdict"] for line in lines] == ["baseline", "failed", "unchanged"]


def test_a_database_that_is_held_by_another_writer_is_two_lines(watched: Story):
    watched.provider.messages.clear()
    with watched.daemon() as daemon:
        polled(watched)
        with locked(watched):
            watched.provider.models = ["orion-1", "orion-2", "orion-3"]
            until(lambda: daemon.lines("job failed"), "it is said")
            polled(watched, "/pricing.md")
        until(lambda: daemon.lines("job works again"), "its end is said")
        assert daemon.stop() == 0
    stays_quiet(daemon, 2)
    assert len(entries(daemon)) < 20


def test_a_database_that_is_destroyed_is_said_and_the_daemon_can_be_stopped(watched: Story):
    with watched.daemon() as daemon:
        polled(watched)
        for name in ("monitor.db", "monitor.db-wal"):
            file = watched.folder / name
            if file.exists():
                with file.open("r+b") as bytes:
                    bytes.write(b"\xde\xad" * (max(file.stat().st_size, 4096) // 2))
        watched.provider.models = ["orion-1", "orion-2", "orion-3"]
        until(lambda: daemon.lines("job failed"), "it is said")
        polled(watched)
        daemon.signal(signal.SIGHUP)
        until(
            lambda: daemon.lines("jobs cannot begin") or daemon.lines("not reloaded") or daemon.ended(),
            "the reload is refused, and no more can be done",
        )
        assert daemon.stop() == 0
    stays_quiet(daemon, 3)
    assert len(entries(daemon)) < 30


HOSTILE = (
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"GET / HTTP/9.9\r\n\r\n",
    b"\x00" * 5000,
    b"POST /ofrep/v1/evaluate/flags/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
    b"GET /v1/gate/%ff%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /ofrep/v1/evaluate/flags/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
)


def test_hostile_bytes_at_the_port_are_nobody_s_log(watched: Story):
    with watched.daemon() as daemon:
        address = urlsplit(daemon.lines("watching")[0]["http"])
        for _ in range(10):
            for content in HOSTILE:
                with socket.create_connection((address.hostname, address.port), timeout=10) as client:
                    client.sendall(content)
        polled(watched)
        assert daemon.stop() == 0
    stays_quiet(daemon, 1)
    assert len(entries(daemon)) < 10


def test_a_destination_that_fails_in_an_odd_way_is_no_traceback(watched: Story):
    def hang_up(request: Request) -> Answer:
        raise ConnectionAbortedError

    watched.poll()
    watched.activate()
    watched.provider.answers["POST", "/hook/platform"] = hang_up
    with watched.daemon() as daemon:
        watched.provider.prices = {"orion-2": ("2.00", "6.00")}
        until(lambda: watched.provider.count("/hook/platform"), "it is tried")
        polled(watched)
        daemon.signal(signal.SIGTERM)
        assert daemon.stop() == 0
    stays_quiet(daemon, 2)
