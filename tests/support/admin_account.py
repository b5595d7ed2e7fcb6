"""An account on loopback: answers the admin API with exactly the shapes that it documents, and lets a test change what
is set.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from monitor.core.configuration import SourceSpec, Surface
from monitor.sources.admin import AdminSource
from monitor.sources.catalog import source_spec
from monitor.sources.http import HttpClient
from monitor.sources.transport import Limits

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
PROJECT = "proj_abc"
KEY = "sk-admin-of-tests-0123456789"
OF_PROJECT = f"/organization/projects/{PROJECT}"

Answer = tuple[int, object]
"""Status and JSON; bytes go out as they are."""


def day(ago: int, now: datetime = NOW) -> int:
    """Return when the UTC day so many days before today began, in Unix seconds."""
    return int((now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=ago)).timestamp())


def error(message: str, code: str | None, kind: str = "invalid_request_error") -> dict[str, object]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


MISSING = (404, error("Not found", None))


def rate_limit(model: str, **more: object) -> dict[str, object]:
    row = {
        "object": "project.rate_limit",
        "id": f"rl-{model}",
        "model": model,
        "max_requests_per_1_minute": 5000,
        "max_tokens_per_1_minute": 2_000_000,
        "max_requests_per_1_day": None,
        "batch_1_day_max_input_tokens": 20_000_000,
    }
    return row | more


def listed(*items: Mapping[str, object], has_more: bool = False) -> dict[str, object]:
    return {
        "object": "list",
        "data": list(items),
        "first_id": items[0]["id"] if items else None,
        "last_id": items[-1]["id"] if items else None,
        "has_more": has_more,
    }


def buckets(*days: tuple[int, list[dict[str, object]]], has_more: bool = False, after: str | None = None) -> Any:
    return {
        "object": "page",
        "has_more": has_more,
        "next_page": after,
        "data": [
            {"object": "bucket", "start_time": day(ago), "end_time": day(ago - 1), "results": results}
            for ago, results in days
        ],
    }


def cost(
    line_item: str | None,
    value: object,
    quantity: object,
    *,
    currency: str = "usd",
    unit: str | None = "tokens",
    **more: object,
) -> dict[str, object]:
    return {
        "object": "organization.costs.result",
        "amount": {"value": value, "currency": currency},
        "line_item": line_item,
        "quantity": quantity,
        "quantity_unit": unit,
        "project_id": None,
        "api_key_id": None,
        **more,
    }


def completion(model: str | None, **more: object) -> dict[str, object]:
    return {
        "object": "organization.usage.completions.result",
        "model": model,
        "project_id": None,
        "service_tier": None,
        "batch": None,
        "num_model_requests": 12,
        "input_tokens": 14000,
        "output_tokens": 96,
        **more,
    }


def audited(kind: str, at: datetime, **more: object) -> dict[str, object]:
    return {
        "id": f"audit_log-{kind}-{int(at.timestamp())}",
        "type": kind,
        "effective_at": int(at.timestamp()),
        "actor": {
            "type": "session",
            "session": {"user": {"id": "user-7", "email": "ada@example.com"}, "ip_address": "203.0.113.9"},
        },
        **more,
    }


def settled() -> dict[str, Answer]:
    """Return every answer of an account in which all is set."""
    return {
        OF_PROJECT: (
            200,
            {
                "object": "organization.project",
                "id": PROJECT,
                "name": "prod",
                "status": "active",
                "created_at": 1780000000,
                "archived_at": None,
                "external_key_id": None,
                "residency": "EU_STORAGE_PROCESSING",
            },
        ),
        f"{OF_PROJECT}/rate_limits": (200, listed(rate_limit("gpt-5.6-luna"), rate_limit("gpt-5.6-terra"))),
        f"{OF_PROJECT}/model_permissions": (
            200,
            {
                "object": "project.model_permissions",
                "mode": "allow_list",
                "model_ids": ["gpt-5.6-terra", "gpt-5.6-luna"],
            },
        ),
        f"{OF_PROJECT}/service_tier_settings": (
            200,
            {"object": "project.service_tier_settings", "default": "standard", "enabled_tiers": ["flex", "fast"]},
        ),
        f"{OF_PROJECT}/hosted_tool_permissions": (
            200,
            {
                "code_interpreter": {"enabled": True},
                "file_search": {"enabled": True},
                "image_generation": {"enabled": False},
                "mcp": {"enabled": False},
                "web_search": {"enabled": True},
            },
        ),
        f"{OF_PROJECT}/data_retention": (
            200,
            {"object": "project.data_retention", "type": "zero_data_retention"},
        ),
        "/organization/data_retention": (
            200,
            {"object": "organization.data_retention", "type": "modified_abuse_monitoring"},
        ),
        f"{OF_PROJECT}/spend_limit": (
            200,
            {
                "object": "project.spend_limit",
                "threshold_amount": 500_000,
                "currency": "USD",
                "interval": "month",
                "enforcement": {"status": "inactive"},
            },
        ),
        "/organization/spend_limit": MISSING,
        "/organization/usage/completions": (200, buckets((3, [completion("gpt-5.6-luna")]))),
        "/organization/usage/embeddings": (200, buckets()),
        "/organization/costs": (200, buckets()),
        "/organization/audit_logs": (200, listed()),
    }


@dataclass
class Account:
    """The account, and what was asked of it. `answers` are by path below the base URL; a function gets the query."""

    answers: dict[str, Answer | Callable[[Mapping[str, list[str]]], Answer]] = field(
        default_factory=lambda: dict(settled())
    )
    requests: list[tuple[str, Mapping[str, list[str]], Mapping[str, str]]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def surface(self, **changes: Any) -> Surface:
        made: dict[str, Any] = {
            "key": "eu",
            "base_url": self.url,
            "provider": "openai",
            "admin_key": "env:ADMIN",
            "project": PROJECT,
        }
        return Surface(**(made | changes))

    def change(self, path: str, **fields: object) -> None:
        """Change what a path answers."""
        status, answer = self.answers[path]  # type: ignore[misc]
        assert isinstance(answer, dict)
        self.answers[path] = (status, {**answer, **fields})

    def answer(self, path: str, query: Mapping[str, list[str]], headers: Mapping[str, str]) -> Answer:
        self.requests.append((path, query, headers))
        if headers.get("authorization") != f"Bearer {KEY}":
            return 401, error(f"Incorrect API key provided: {headers.get('authorization', '')}", "invalid_api_key")
        found = self.answers.get(path, MISSING)
        return found(query) if callable(found) else found


class Listener(ThreadingHTTPServer):
    daemon_threads = True


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    account: Account

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, answer = self.account.answer(parts.path.removeprefix("/v1"), parse_qs(parts.query), headers)
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving() -> Iterator[Account]:
    account = Account()
    with Listener(("127.0.0.1", 0), type("Bound", (Handler,), {"account": account})) as listener:
        account.port = listener.server_port
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield account
        listener.shutdown()
        thread.join(5)


def client() -> HttpClient:
    return HttpClient(allow=["127.0.0.1"], limits=Limits(connect=5.0, read=10.0, total=20.0, size=1_000_000))


def spec(part: str, **changes: Any) -> SourceSpec:
    made: dict[str, Any] = {
        "key": f"account/{part}",
        "kind": "admin",
        "every": timedelta(hours=1),
        "surface": "eu",
        "provider": "openai",
        "options": {"part": part},
    }
    return source_spec(**(made | changes))


def source(account: Account, http: HttpClient, part: str, secret: Any = lambda _: KEY, **changes: Any) -> AdminSource:
    return AdminSource(spec(part), account.surface(**changes), http, secret)
