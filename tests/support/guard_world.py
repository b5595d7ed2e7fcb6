"""Leases, clocks and clients that the tests of the guard share; the provider behind a client only counts what reaches
it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from gate_examples import ENVIRONMENTS, LEASE, NOW, at_position, registry, spared, standing
from openai import AsyncOpenAI, OpenAI

from monitor.core.entry import Status
from monitor.gate.client.guard import Guard
from monitor.gate.decision import Standing
from monitor.gate.lease_file import lease_documents, write_lease

LUNA, SOL, TERRA, NOVA, OLD = "gpt-5.6-luna", "gpt-5.6-sol", "gpt-5.6-terra", "gpt-5.6-nova", "gpt-5.6-old"

REGISTERED = registry(
    standing("luna"),
    spared("sol", fallback="terra"),
    standing("terra"),
    standing("nova", status=Status.EVALUATING, fallback="sol"),
    standing("old", access_until=NOW),
)


class Time:
    """The clock and what has passed, moved by hand."""

    def __init__(self) -> None:
        self.now: datetime = NOW
        self.passed = 1000.0

    def wait(self, **span: float) -> None:
        step = timedelta(**span)
        self.now += step
        self.passed += step.total_seconds()


class Place:
    """A folder of lease files, and guards that read it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.time = Time()
        self.position = 17
        self.standings: dict[str, Standing] = dict(REGISTERED)
        self.write()

    @property
    def file(self) -> Path:
        return self.folder / "production.json"

    def write(self, *changed: Standing) -> None:
        """Commit as the monitor does, and write its files."""
        self.standings |= registry(*changed)
        self.position += 1
        made = lease_documents(self.standings, ENVIRONMENTS, self.time.now, LEASE, at_position(self.position))
        write_lease(self.folder, made, at_position(self.position))

    def guard(self, **options: Any) -> Guard:
        return Guard(**({"lease": self.folder} | options), now=lambda: self.time.now, elapsed=lambda: self.time.passed)


class Provider:
    """What reaches the provider: method, path and body of each request."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, bytes]] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append((request.method, request.url.path, request.read()))
        return httpx2.Response(200, json=_answer(request.url.path))

    async def later(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append((request.method, request.url.path, await request.aread()))
        return httpx2.Response(200, json=_answer(request.url.path))

    @property
    def models(self) -> list[str]:
        return [json.loads(body)["model"] for _, _, body in self.seen if body]

    def client(self, **options: Any) -> OpenAI:
        http = httpx2.Client(transport=httpx2.MockTransport(self))
        return OpenAI(api_key="k", base_url="http://provider.invalid/v1", http_client=http, **options)

    def asynchronous(self, **options: Any) -> AsyncOpenAI:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(self.later))
        return AsyncOpenAI(api_key="k", base_url="http://provider.invalid/v1", http_client=http, **options)


def _answer(path: str) -> dict[str, Any]:
    if path.endswith("/chat/completions"):
        message = {"role": "assistant", "content": '{"n": 1}'}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    if path.endswith("/embeddings"):
        return {
            "object": "list",
            "model": "m",
            "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
            "usage": {"prompt_tokens": 1, "total_tokens": 1},
        }
    return {"id": "x", "object": "thing", "output": [], "data": []}


Call = Callable[[Any], Any]
