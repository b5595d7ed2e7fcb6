"""A probe with everything around it made up: the provider is a function, the budget a dictionary, the clock counts its
readings.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx2

from monitor.core.cache_writes import LATE_READ, WRITER, CacheWrite
from monitor.core.configuration import Surface
from monitor.core.facts import Observation, PollFailure, Snapshot, Subject
from monitor.core.ports import Reservation
from monitor.sources.behaviour import BehaviourSource
from monitor.sources.catalog import source_spec
from monitor.sources.http import HttpClient

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
M = "gpt-5.6-luna"
KEY = "sk-key-of-the-tests"
INVALID = "invalid_request_error"
MILLION = Decimal(1_000_000)

Handler = Callable[[httpx2.Request], httpx2.Response]


def luna_prices() -> dict[str, str]:
    return {"input": "0.2", "cached_input": "0.02", "cache_write": "0.25", "output": "1.2"}


@dataclass
class FakeBudget:
    """Prices by tier and meter; what was set aside and what was spent."""

    prices: dict[str, dict[str, str]] = field(
        default_factory=lambda: {tier: luna_prices() for tier in ("standard", "flex", "priority", "batch")}
    )
    money: Decimal = Decimal(1)
    reserved: list[Decimal] = field(default_factory=list)
    settled: list[Decimal] = field(default_factory=list)

    def price(
        self,
        surface: str,
        model: str,
        tokens: Mapping[str, int],
        *,
        tier: str = "standard",
        at: datetime | None = None,
    ) -> Decimal | None:
        known = self.prices.get(tier, {})
        if any(meter not in known for meter in tokens):
            return None
        return sum((Decimal(known[meter]) * count / MILLION for meter, count in tokens.items()), Decimal(0))

    def reserve(self, surface: str, amount: Decimal, at: datetime) -> Reservation | None:
        if amount > self.money:
            return None
        self.money -= amount
        self.reserved.append(amount)
        return Reservation(id=len(self.reserved), surface=surface, amount=amount)

    def settle(self, reservation: Reservation, spent: Decimal) -> None:
        self.money += reservation.amount - spent
        self.settled.append(spent)

    def left(self, surface: str, at: datetime) -> Decimal:
        return self.money


@dataclass
class Probe:
    """A source, its budget, and the requests that it sent."""

    source: BehaviourSource
    budget: FakeBudget
    requests: list[httpx2.Request]

    def poll(self, at: datetime = NOW) -> Observation:
        return self.source.observe(at, None)

    def facts(self) -> dict[str, Any]:
        seen = self.poll()
        assert isinstance(seen, Snapshot), seen
        return dict(seen.facts[Subject("openai", M)])

    def failure(self) -> PollFailure:
        seen = self.poll()
        assert isinstance(seen, PollFailure), seen
        return seen

    def sent(self, number: int = -1) -> dict[str, Any]:
        return json.loads(self.requests[number].content)


def probe(
    route: str,
    answer: Handler | httpx2.Response | list[httpx2.Response],
    *,
    budget: FakeBudget | None = None,
    parameters: Mapping[str, object] | None = None,
    written: Callable[[datetime], CacheWrite | None] = lambda now: None,
    **surface: Any,
) -> Probe:
    """Return a probe of a route to a provider that answers as told: always the same, one after the other, or by a
    function.
    """
    requests: list[httpx2.Request] = []
    waiting = iter(answer) if isinstance(answer, list) else None

    def handle(request: httpx2.Request) -> httpx2.Response:
        requests.append(request)
        if waiting is not None:
            return next(waiting)
        return answer(request) if callable(answer) else answer  # type: ignore[operator,return-value]

    http = HttpClient()
    http.client = httpx2.Client(transport=httpx2.MockTransport(handle), follow_redirects=False, trust_env=False)
    budget = budget or FakeBudget()
    ticks = iter(range(10_000))
    options = {"model": M, "route": route, "parameters": dict(parameters or {})}
    if route == LATE_READ:
        options[WRITER] = f"probes/{M}/caching"
    spec = source_spec(
        key=f"probes/{M}/{route}", kind="behaviour", every=timedelta(hours=6), surface="openai", options=options
    )
    fields = {"base_url": "https://api.example/v1", "region_url": "https://eu.api.example/v1", "api_key": "env:KEY"}
    made = Surface(**{"key": "openai", "provider": "openai", **fields, **surface})
    source = BehaviourSource(
        spec, made, http, lambda _: KEY, budget=budget, elapsed=lambda: next(ticks) / 10, written=written
    )
    return Probe(source=source, budget=budget, requests=requests)


def ok(body: object, **headers: str) -> httpx2.Response:
    return httpx2.Response(200, json=body, headers=named(headers))


def named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def error(
    status: int,
    message: str,
    *,
    code: str | None = None,
    param: str | None = None,
    type: str = INVALID,
    **headers: str,
) -> httpx2.Response:
    body = {"error": {"message": message, "type": type, "param": param, "code": code}}
    return httpx2.Response(status, json=body, headers=named(headers))


def response(text: str = "pong", **more: object) -> dict[str, Any]:
    """Return an answer of the Responses API."""
    usage = {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 12,
    }
    item = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
    return {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "error": None,
        "model": M,
        "service_tier": "default",
        "output": [item],
        "usage": usage,
        **more,
    }


def completion(**more: object) -> dict[str, Any]:
    """Return an answer of chat completions."""
    usage = {"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10}
    choice = {"index": 0, "message": {"role": "assistant", "content": "pong"}, "finish_reason": "stop"}
    return {
        "id": "chatcmpl_1",
        "object": "chat.completion",
        "model": M,
        "system_fingerprint": "fp_1",
        "service_tier": "default",
        "choices": [choice],
        "usage": usage,
        **more,
    }


def events(*chunks: object, done: bool = True) -> httpx2.Response:
    """Return a stream."""
    text = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + ("data: [DONE]\n\n" if done else "")
    return httpx2.Response(200, content=text.encode(), headers={"content-type": "text/event-stream; charset=utf-8"})


def chunk(content: str = "", **more: object) -> dict[str, Any]:
    delta = {"content": content} if content else {"role": "assistant", "content": ""}
    return {"object": "chat.completion.chunk", "model": M, "choices": [{"index": 0, "delta": delta}], **more}
