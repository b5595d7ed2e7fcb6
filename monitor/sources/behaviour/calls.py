"""What each route sends: the smallest call that shows what is asked. A plan yields calls and is told each answer; it
stops where one says no.

Models reject each other's parameters, so nothing but what every call needs stands here; the rest is a small table in
the configuration.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, TypeAlias
from urllib.parse import quote

from monitor.core.cache_writes import LIFETIME, CacheWrite
from monitor.core.error_meanings import Meaning
from monitor.sources.behaviour.exchange import Call, Exchange

Plan: TypeAlias = Generator[Call, Exchange, None]

INPUT = "ping"
OUTPUT = 16
"""The fewest output tokens that may be asked for."""

ROOM = 64
"""Output tokens of calls whose answer is more than a word."""

LIMITS = ("max_output_tokens", "max_completion_tokens", "max_tokens")

PREFIX_WORDS = 760
"""Words of the prefix that is cached, of two tokens or more each: caching begins somewhere above a thousand tokens."""

TTL = f"{LIFETIME // timedelta(minutes=1)}m"
"""How long the cache is asked to keep a prefix, as the parameter spells it."""

SCHEMA = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}},
    "required": ["ok"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedCall:
    """Whom a probe asks, and how.

    `parameters` are those of the configuration: `effort` and `verbosity` go where the endpoint has them, `endpoint =
    "chat"` moves routes that could use either, an empty text leaves a parameter out, and everything else is sent as it
    stands. `marker` tells our batches from those of others.
    """

    model: str
    at: datetime
    every: timedelta
    marker: str
    parameters: Mapping[str, object] = field(default_factory=dict)

    @property
    def by_chat(self) -> bool:
        """Whether routes that could use either endpoint shall use chat completions."""
        return self.parameters.get("endpoint") == "chat"


def retrieve(asked: AskedCall) -> Plan:
    yield Call(name="retrieve", method="GET", path="/models/" + quote(asked.model, safe="/:@"))


def tokens(asked: AskedCall) -> Plan:
    yield Call(name="tokens", path="/responses/input_tokens", body={"model": asked.model, "input": INPUT})


def responses(asked: AskedCall) -> Plan:
    yield by_responses("responses", asked, {})


def chat(asked: AskedCall) -> Plan:
    yield by_chat("chat", asked, {})


def embeddings(asked: AskedCall) -> Plan:
    body = {"model": asked.model, "input": INPUT, "encoding_format": "float"}
    yield Call(name="embeddings", path="/embeddings", body=body, tokens={"input": _bound(body)})


def streaming(asked: AskedCall) -> Plan:
    more = {"stream": True, "stream_options": {"include_usage": True}}
    yield replace(by_chat("streaming", asked, more), stream=True)


def structured(asked: AskedCall) -> Plan:
    text = "Answer with ok set to true."
    if asked.by_chat:
        form: dict[str, Any] = {
            "type": "json_schema",
            "json_schema": {"name": "probe", "strict": True, "schema": SCHEMA},
        }
        yield by_chat("structured", asked, {"response_format": form}, text=text, room=ROOM)
    else:
        form = {"type": "json_schema", "name": "probe", "strict": True, "schema": SCHEMA}
        yield by_responses("structured", asked, {"text": {"format": form}}, text=text, room=ROOM)


def tools(asked: AskedCall) -> Plan:
    text = "Report that all is well."
    function = {"name": "report", "description": "Report the state.", "parameters": SCHEMA, "strict": True}
    if asked.by_chat:
        more: dict[str, Any] = {"tools": [{"type": "function", "function": function}], "tool_choice": "required"}
        yield by_chat("tools", asked, more, text=text, room=ROOM)
    else:
        more = {"tools": [{"type": "function", **function}], "tool_choice": "required"}
        yield by_responses("tools", asked, more, text=text, room=ROOM)


def flex(asked: AskedCall) -> Plan:
    yield either("flex", asked, {"service_tier": "flex"}, tier="flex")


def priority(asked: AskedCall) -> Plan:
    yield either("priority", asked, {"service_tier": "priority"}, tier="priority")


def region(asked: AskedCall) -> Plan:
    yield either("region", asked, {}, regional=True)


def contract(asked: AskedCall) -> Plan:
    """Four calls that GPT-5.6 is known to refuse, each for one reason; what is refused costs nothing."""
    function = {"type": "function", "function": {"name": "report", "parameters": SCHEMA}}
    plain = AskedCall(model=asked.model, at=asked.at, every=asked.every, marker=asked.marker)
    yield by_responses("temperature", asked, {"temperature": 0.3})
    yield by_chat("max_tokens", asked, {"max_tokens": 5, "max_completion_tokens": ""})
    # Without any effort: `none` is what makes function tools acceptable there.
    yield by_chat("chat_tools", plain, {"tools": [function]})
    yield by_responses("least_output", asked, {"max_output_tokens": 1})


def caching(asked: AskedCall) -> Plan:
    """Yield the same prefix twice, up to an explicit breakpoint."""
    options: dict[str, Any] = {"mode": "explicit", "ttl": TTL}
    prefix = cached_prefix(asked.at)
    first = yield _cached("write", asked, prefix, options)
    if first.verdict(asked.model).meaning is not Meaning.GRANTED:
        return
    id = first.said.get("id")
    if isinstance(id, str) and id:
        options = {**options, "comparison_response_id": id}
    yield _cached("read", asked, prefix, options)


def late_read(asked: AskedCall, write: CacheWrite) -> Plan:
    """Read what an earlier poll wrote, under the `marker` of the source that did."""
    call = _cached("late_read", asked, cached_prefix(write.at), {"mode": "explicit", "ttl": TTL})
    yield replace(call, earlier=write.tokens)


def cached_prefix(at: datetime) -> str:
    """Return the prefix of a poll. It begins with the time of that: one that an earlier poll left in the cache would
    not be written.
    """
    return f"Poll of {at.astimezone(UTC).isoformat()}. " + " ".join(f"word{n % 10}" for n in range(PREFIX_WORDS))


def _cached(name: str, asked: AskedCall, prefix: str, options: Mapping[str, Any]) -> Call:
    content = [
        {"type": "input_text", "text": prefix, "prompt_cache_breakpoint": {"mode": "explicit"}},
        {"type": "input_text", "text": f"{INPUT} {name}"},
    ]
    body = _responses_body(
        asked, {"prompt_cache_key": asked.marker, "prompt_cache_options": dict(options)}, INPUT, OUTPUT
    )
    body["input"] = [{"role": "user", "content": content}]
    most = _bound(body)
    return Call(
        name=name,
        path="/responses",
        body=body,
        tokens={"input": most, "cache_write": most, "output": _most(body)},
    )


def either(
    name: str, asked: AskedCall, more: Mapping[str, Any], *, tier: str = "standard", regional: bool = False
) -> Call:
    """Return a ping by the endpoint that the configuration wants."""
    by = by_chat if asked.by_chat else by_responses
    return by(name, asked, more, tier=tier, regional=regional)


def by_responses(
    name: str,
    asked: AskedCall,
    more: Mapping[str, Any],
    *,
    text: str = INPUT,
    room: int = OUTPUT,
    tier: str = "standard",
    regional: bool = False,
) -> Call:
    """Return a call of the Responses API; nothing of it is stored."""
    body = _responses_body(asked, more, text, room)
    return _billed(Call(name=name, path="/responses", body=body, tier=tier, regional=regional))


def by_chat(
    name: str,
    asked: AskedCall,
    more: Mapping[str, Any],
    *,
    text: str = INPUT,
    room: int = OUTPUT,
    tier: str = "standard",
    regional: bool = False,
) -> Call:
    """Return a call of chat completions; nothing of it is stored."""
    body = _chat_body(asked, more, text, room)
    return _billed(Call(name=name, path="/chat/completions", body=body, tier=tier, regional=regional))


def _responses_body(asked: AskedCall, more: Mapping[str, Any], text: str, room: int) -> dict[str, Any]:
    own = {k: v for k, v in asked.parameters.items() if k not in ("endpoint", "max_completion_tokens", "max_tokens")}
    body: dict[str, Any] = {"model": asked.model, "input": text, "max_output_tokens": room, "store": False}
    if "effort" in own:
        body["reasoning"] = {"effort": own.pop("effort")}
    if "verbosity" in own:
        body["text"] = {"verbosity": own.pop("verbosity")}
    if isinstance(more.get("text"), dict):
        more = {**more, "text": {**body.get("text", {}), **more["text"]}}
    return _without_blanks({**body, **own, **more})


def _chat_body(asked: AskedCall, more: Mapping[str, Any], text: str, room: int) -> dict[str, Any]:
    own = {k: v for k, v in asked.parameters.items() if k not in ("endpoint", "max_output_tokens")}
    body: dict[str, Any] = {
        "model": asked.model,
        "messages": [{"role": "user", "content": text}],
        "max_completion_tokens": "" if own.get("max_tokens") else room,
        "store": False,
    }
    if "effort" in own:
        body["reasoning_effort"] = own.pop("effort")
    return _without_blanks({**body, **own, **more})


def _without_blanks(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if value != ""}


def _billed(call: Call) -> Call:
    return replace(call, tokens={"input": _bound(call.body), "output": _most(call.body)})


def _bound(body: Mapping[str, Any]) -> int:
    """Return the most input tokens a body can be: no token is shorter than a byte."""
    return len(json.dumps(body, ensure_ascii=False).encode())


def _most(body: Mapping[str, Any]) -> int:
    """Return the most output tokens that a body asks for."""
    return max((value for name in LIMITS if isinstance(value := body.get(name), int)), default=ROOM)


PLANS: Mapping[str, Callable[[AskedCall], Plan]] = MappingProxyType(
    {
        "retrieve": retrieve,
        "tokens": tokens,
        "responses": responses,
        "chat": chat,
        "embeddings": embeddings,
        "streaming": streaming,
        "structured": structured,
        "tools": tools,
        "flex": flex,
        "priority": priority,
        "contract": contract,
        "caching": caching,
        "region": region,
    }
)
"""Route → its plan; `batch` and the late read of `caching` are elsewhere, because they last longer than a poll."""
