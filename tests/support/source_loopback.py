"""A real HTTP server on loopback that answers as a test says, and the recorded histories."""

from __future__ import annotations

import gzip
import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from monitor.core import zstd
from monitor.sources.http import HttpClient
from monitor.sources.transport import Limits

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

Script = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    loopback: LoopbackServer

    def do_GET(self) -> None:
        self.loopback.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        self.loopback.script(self)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def reply(self, content: bytes, status: int = 200, *, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)
        if length is not None and length > len(content):
            self.close_connection = True

    def reply_packed(self, packed: bytes) -> None:
        self.reply(packed, Content_Encoding="gzip")

    def drip(self, *, headers: bool) -> None:
        """Send one byte every few milliseconds until the other side has had enough."""
        self.close_connection = True
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nX-Slow: "
        try:
            if not headers:
                self.wfile.write(head + b"no\r\n\r\n")
            else:
                self.wfile.write(head)
            while not self.loopback.stopping.wait(0.02):
                self.wfile.write(b" ")
                self.wfile.flush()
        except OSError:
            pass


@dataclass
class LoopbackServer:
    script: Script = lambda handler: handler.reply(b"not scripted", 500)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Listener(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: many tests mean the other side to hang up."""


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    loopback = LoopbackServer()
    listener = Listener(("127.0.0.1", 0), type("Bound", (Handler,), {"loopback": loopback}))
    loopback.port = listener.server_port
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield loopback
    loopback.stopping.set()
    listener.shutdown()
    listener.server_close()
    thread.join(5)


SMALL = Limits(connect=5.0, read=10.0, total=20.0, size=1_000_000)
"""Limits of size that a test can exceed; those of time are only for a broken test."""


@pytest.fixture
def http() -> Iterator[HttpClient]:
    client = HttpClient(allow=["127.0.0.1"], limits=SMALL)
    yield client
    client.close()


def packed(content: bytes) -> bytes:
    return gzip.compress(content)


def shared() -> Path:
    return Path(os.environ.get("ACCESS_MONITOR_SHARED") or Path(__file__).parents[2].parent / "shared")


@pytest.fixture
def history() -> Callable[[str], list[dict[str, Any]]]:
    """Read a recorded history by its name; skips the test where the recordings are not there."""

    def read(name: str) -> list[dict[str, Any]]:
        path = shared() / "replay" / f"{name}.jsonl.zst"
        if not path.exists():
            pytest.skip(f"REAL DATA MISSING: {path} (set ACCESS_MONITOR_SHARED)")
        with path.open("rb") as file:
            text = zstd.ZstdFile(file).read().decode()
        return [json.loads(line) for line in text.splitlines()]

    return read
