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
from gate_examples import NOW, RULES, at_position, registry, spared, standing
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
        made = lease_documents(self.standings, RULES, self.time.now, at_position(self.position))
        write_lease(self.folder, made, at_position(self.position))

    def guard(self, **options: Any) -> Guard:
        return Guard(**({"lease": self.folder} | options), now=lambda: self.time.now, elapsed=lambda: self.time.passed)


class Provider:
    """What reaches the provider: method, path and body of each request. `answers_as` is the model that its answers
    name.
    """

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, bytes]] = []
        self.answers_as: str = "m"

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append((request.method, request.url.path, request.read()))
        return self._answered(request)

    async def later(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append((request.method, request.url.path, await request.aread()))
        return self._answered(request)

    def _answered(self, request: httpx2.Request) -> httpx2.Response:
        if b'"stream":true' in self.seen[-1][2].replace(b" ", b""):
            events = _events(request.url.path, self.answers_as)
            content = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
            return httpx2.Response(
                200, text=content + "data: [DONE]\n\n", headers={"Content-Type": "text/event-stream"}
            )
        return httpx2.Response(200, json=_answer(request.url.path, self.answers_as))

    @property
    def models(self) -> list[str]:
        return [json.loads(body)["model"] for _, _, body in self.seen if body]

    def client(self, **options: Any) -> OpenAI:
        http = httpx2.Client(transport=httpx2.MockTransport(self))
        return OpenAI(api_key="k", base_url="http://provider.invalid/v1", http_client=http, **options)

    def asynchronous(self, **options: Any) -> AsyncOpenAI:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(self.later))
        return AsyncOpenAI(api_key="k", base_url="http://provider.invalid/v1", http_client=http, **options)


def _answer(path: str, model: str) -> dict[str, Any]:
    if path.endswith("/chat/completions"):
        message = {"role": "assistant", "content": '{"n": 1}'}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {"id": "c", "object": "chat.completion", "created": 1, "model": model, "choices": [choice]}
    if path.endswith("/embeddings"):
        return {
            "object": "list",
            "model": model,
            "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
            "usage": {"prompt_tokens": 1, "total_tokens": 1},
        }
    return {"id": "x", "object": "thing", "model": model, "output": [], "data": []}


def _events(path: str, model: str) -> list[dict[str, Any]]:
    """Return the events of a stream; the first names no model, as Azure's first chunk of chat completions."""
    if path.endswith("/chat/completions"):
        delta = {"index": 0, "delta": {"content": "a"}, "finish_reason": None}
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "choices": [delta], "type": "chunk"}
        return [{**chunk, "model": name} for name in ("", model, model)]
    response = {"id": "r", "object": "response", "created_at": 1, "status": "in_progress", "output": []}
    return [
        {"type": "keepalive", "sequence_number": 0},
        {"type": "response.created", "sequence_number": 1, "response": {**response, "model": model}},
        {"type": "response.in_progress", "sequence_number": 2, "response": {**response, "model": model}},
    ]


Call = Callable[[Any], Any]
