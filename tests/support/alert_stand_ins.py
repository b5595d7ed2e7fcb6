"""PagerDuty, Jira Service Management and a webhook of one's own on a loopback port, as far as messages go there.

The two alert services keep alerts by their keys and refuse what the real ones refuse; `answers` are given first.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

KEY = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True, kw_only=True)
class Received:
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class StandIn:
    """`alerts` maps the key of an alert to its state: open, acknowledged, closed."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    answers: list[tuple[int, str, dict[str, str]]] = field(default_factory=list)
    alerts: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def answer(self, request: Received) -> tuple[int, str, dict[str, str]]:
        """Answer as the service whose path was asked; any other path is a webhook that takes everything."""
        self.received.append(request)
        if self.answers:
            return self.answers.pop(0)
        parts = urlsplit(request.path)
        if parts.path == "/v2/enqueue":
            return self._pagerduty(request.json)
        if parts.path.startswith("/jsm/ops/integration/v2/alerts"):
            return self._jira(parts.path, parse_qs(parts.query), request)
        return 204, "", {}

    def _pagerduty(self, event: Mapping[str, Any]) -> tuple[int, str, dict[str, str]]:
        action, key = event["event_action"], event["dedup_key"]
        problems = [] if len(event["routing_key"]) == 32 else ["Length of 'routing_key' is incorrect"]
        if action == "trigger":
            payload = event["payload"]
            problems += [f"'{name}' is missing" for name in ("summary", "source", "severity") if not payload.get(name)]
            problems += ["summary too long"] if len(payload["summary"]) > 1024 else []
            problems += [] if payload["severity"] in ("critical", "error", "warning", "info") else ["severity"]
        if problems or len(key) > 255:
            return 400, json.dumps({"status": "invalid event", "message": "invalid", "errors": problems}), {}
        self._move(key, {"trigger": "open", "acknowledge": "acknowledged", "resolve": "closed"}[action])
        return 202, json.dumps({"status": "success", "message": "Event processed", "dedup_key": key}), {}

    def _jira(self, path: str, query: Mapping[str, list[str]], request: Received) -> tuple[int, str, dict[str, str]]:
        if request.headers["authorization"] != f"GenieKey {KEY}":
            return 401, json.dumps({"message": "Could not authenticate"}), {}
        rest = [unquote(part) for part in path.removeprefix("/jsm/ops/integration/v2/alerts").split("/")[1:]]
        body = request.json
        if not rest:
            if len(body["message"]) > 130 or len(body["description"]) > 15000 or len(body["alias"]) > 512:
                return 422, json.dumps({"message": "Request body is not processable"}), {}
            self._move(body["alias"], "open")
        else:
            assert query["identifierType"] == ["alias"]
            key, verb = rest
            self._move(key, {"acknowledge": "acknowledged", "close": "closed"}[verb])
        return 202, json.dumps({"result": "Request will be processed", "took": 0.1, "requestId": "43a29c5c"}), {}

    def _move(self, key: str, state: str) -> None:
        """Move an alert as the services do: nothing but a trigger opens one, and what is acknowledged stays so."""
        now = self.alerts.get(key, "closed")
        if state == "open":
            self.alerts[key] = now if now == "acknowledged" else "open"
        elif now != "closed":
            self.alerts[key] = state


@contextmanager
def stand_in() -> Iterator[StandIn]:
    sink = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, text, more = sink.answer(Received(path=self.path, headers=headers, body=body))
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    sink.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
