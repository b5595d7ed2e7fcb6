"""A Slack-shaped webhook on a loopback port that does as it is told: takes, refuses, throttles or hangs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATH = "/services/T000/B000/XXXSECRETXXX"


@dataclass
class Sink:
    """`answers` are used up in order, then 200 `ok`; `released` ends every hanging request."""

    url: str = ""
    port: int = 0
    received: list[dict[str, Any]] = field(default_factory=list)
    answers: list[tuple[int, str, dict[str, str]]] = field(default_factory=list)
    hanging: bool = False
    dripping: bool = False
    refuse_blocks: bool = False
    released: threading.Event = field(default_factory=threading.Event)


@contextmanager
def slack_sink() -> Iterator[Sink]:
    sink = Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            sink.received.append(payload)
            if sink.hanging:
                sink.released.wait(30)
                return
            if sink.dripping:
                self.send_response(200)
                self.end_headers()
                while not sink.released.wait(0.1):
                    try:
                        self.wfile.write(b"o")
                    except OSError:
                        return
                return
            status, text, headers = sink.answers.pop(0) if sink.answers else (200, "ok", {})
            if sink.refuse_blocks and "blocks" in payload:
                status, text = 400, "invalid_blocks"
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    sink.port = server.server_address[1]
    sink.url = f"http://127.0.0.1:{sink.port}{PATH}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield sink
    finally:
        sink.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
