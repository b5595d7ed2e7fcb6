"""Answers of the generating endpoints: always the same short text, with the rules and the usage of the true ones.

What a model accepts and what it bills follows from the timeline's state, never from its name.
"""

from __future__ import annotations

import hashlib
import json
import math
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from monitor.sandbox.answers import EVENT_STREAM, ProviderAnswer, json_answer
from monitor.sandbox.errors import invalid_request, openai_error
from monitor.sandbox.timeline import FAST, FLEX, Scene, TimelineModel

TEXT = "pong"
OUTPUT_TOKENS = 2
CACHE_FROM = 1024
"""Prompts of fewer tokens are never cached."""

CACHE_STEP = 128
LEAST_OUTPUT = 16
DIMENSIONS = 8
"""Of an embedding; true ones have thousands."""

TIERS = {"auto": "default", "default": "default", "flex": "flex", "priority": "priority", "fast": "priority"}
"""Asked for → what the answer says was used."""

LIMITS: Mapping[str, str] = {
    "x-ratelimit-limit-requests": "5000",
    "x-ratelimit-limit-tokens": "2000000",
    "x-ratelimit-remaining-requests": "4999",
    "x-ratelimit-remaining-tokens": "1999900",
    "x-ratelimit-reset-requests": "12ms",
    "x-ratelimit-reset-tokens": "3ms",
}


@dataclass(frozen=True, slots=True)
class _Usage:
    prompt: int
    cached: int
    written: int

    def chat(self) -> dict[str, Any]:
        return {
            "prompt_tokens": self.prompt,
            "completion_tokens": OUTPUT_TOKENS,
            "total_tokens": self.prompt + OUTPUT_TOKENS,
            "prompt_tokens_details": {"cached_tokens": self.cached, "cache_write_tokens": self.written},
            "completion_tokens_details": {"reasoning_tokens": 0},
        }

    def responses(self) -> dict[str, Any]:
        return {
            "input_tokens": self.prompt,
            "input_tokens_details": {
                "cached_tokens": self.cached,
                "cache_write_tokens": self.written,
                "cache_write_tokens_details": {"ttl_30m_tokens": self.written, "ttl_12h_tokens": 0},
            },
            "output_tokens": OUTPUT_TOKENS,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": self.prompt + OUTPUT_TOKENS,
        }


class Inference:
    """The generating side of the provider; it remembers which prompt prefixes it has cached, and how often each was
    read.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cached: dict[str, int] = {}
        self._responses: dict[str, str] = {}

    def responses(self, scene: Scene, body: bytes) -> ProviderAnswer:
        """`POST /v1/responses`."""
        request = _parse(body)
        if request is None:
            return _unparsable()
        refusal = _refusal(scene, request) or _responses_refusal(request)
        if refusal is not None:
            return refusal
        usage = self._usage(scene, request, request.get("input"))
        answer = {
            "id": self._named(request, f"resp_{uuid4().hex}"),
            "object": "response",
            "created_at": int(scene.list_modified.timestamp()),
            "status": "completed",
            "background": False,
            "error": None,
            "incomplete_details": None,
            "instructions": request.get("instructions"),
            "max_output_tokens": request.get("max_output_tokens"),
            "metadata": {},
            "model": request["model"],
            "output": [output(request)],
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "service_tier": TIERS[request.get("service_tier") or "auto"],
            "store": request.get("store", True),
            "temperature": 1.0,
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "truncation": "disabled",
            "usage": usage.responses(),
        }
        options = request.get("prompt_cache_options")
        compared = options.get("comparison_response_id") if isinstance(options, dict) else None
        if compared is not None:
            answer["prompt_cache_diagnostics"] = self._diagnosed(request, str(compared), usage)
        return json_answer(answer, headers=LIMITS)

    def chat(self, scene: Scene, body: bytes) -> ProviderAnswer:
        """`POST /v1/chat/completions`, as one document or as a stream of events."""
        request = _parse(body)
        if request is None:
            return _unparsable()
        refusal = _refusal(scene, request) or _chat_refusal(scene, request)
        if refusal is not None:
            return refusal
        usage = self._usage(scene, request, request.get("messages")).chat()
        head = {
            "id": f"chatcmpl-{uuid4().hex}",
            "created": int(scene.list_modified.timestamp()),
            "model": request["model"],
            "service_tier": TIERS[request.get("service_tier") or "auto"],
            "system_fingerprint": None,
        }
        if request.get("stream"):
            options = request.get("stream_options")
            with_usage = isinstance(options, dict) and bool(options.get("include_usage"))
            chunks = tuple(_events(head, usage if with_usage else None))
            return ProviderAnswer(content_type=EVENT_STREAM, chunks=chunks, headers=LIMITS)
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": TEXT, "refusal": None, "annotations": []},
            "logprobs": None,
            "finish_reason": "stop",
        }
        return json_answer({**head, "object": "chat.completion", "choices": [choice], "usage": usage}, headers=LIMITS)

    def tokens(self, scene: Scene, body: bytes) -> ProviderAnswer:
        """`POST /v1/responses/input_tokens`."""
        request = _parse(body)
        if request is None:
            return _unparsable()
        refusal = _refusal(scene, request)
        if refusal is not None:
            return refusal
        count = _tokens("".join(text for text, _ in _blocks(request.get("input"))))
        return json_answer({"object": "response.input_tokens", "input_tokens": count})

    def embeddings(self, scene: Scene, body: bytes) -> ProviderAnswer:
        """`POST /v1/embeddings`, of models that do not generate."""
        request = _parse(body)
        if request is None:
            return _unparsable()
        refusal = _unknown(scene, request)
        if refusal is not None:
            return refusal
        model = scene.state.model(request["model"])
        if model is not None and model.generates:
            return invalid_request("You are not allowed to generate embeddings from this model", status=403)
        count = _tokens(str(request.get("input")))
        item = {"object": "embedding", "index": 0, "embedding": [0.125] * DIMENSIONS}
        usage = {"prompt_tokens": count, "total_tokens": count}
        answer = {"object": "list", "data": [item], "model": request["model"], "usage": usage}
        return json_answer(answer, headers=LIMITS)

    def _named(self, request: Mapping[str, Any], id: str) -> str:
        """Remember which model a response was of, as long as the sandbox lives, and return its id."""
        with self._lock:
            self._responses[id] = str(request["model"])
        return id

    def _diagnosed(self, request: Mapping[str, Any], compared: str, usage: _Usage) -> dict[str, Any]:
        with self._lock:
            before = self._responses.get(compared)
        if before is None:
            return {"type": "comparison_response_not_found"}
        if usage.cached:
            return {"type": "cache_hit"}
        reason = "input_changed" if before == request["model"] else "model_changed"
        return {"type": "cache_miss", "reason": reason, "cache_missed_tokens": usage.prompt}

    def _usage(self, scene: Scene, request: Mapping[str, Any], prompt: object) -> _Usage:
        blocks = list(_blocks(prompt))
        total = _tokens("".join(text for text, _ in blocks))
        marked = [place for place, (_, breakpoint) in enumerate(blocks) if breakpoint]
        options = request.get("prompt_cache_options")
        if marked:
            prefix = "".join(text for text, _ in blocks[: marked[-1] + 1])
            tokens = _tokens(prefix)
        elif isinstance(options, dict) and options.get("mode") == "explicit":
            return _Usage(total, 0, 0)
        else:
            tokens = total // CACHE_STEP * CACHE_STEP
            prefix = "".join(text for text, _ in blocks)[: tokens * 4]
        if tokens < CACHE_FROM:
            return _Usage(total, 0, 0)
        identity = json.dumps([request["model"], request.get("prompt_cache_key"), prefix])
        key = hashlib.sha256(identity.encode()).hexdigest()
        cache = scene.state.cache
        with self._lock:
            reads = self._cached.get(key)
            if reads is not None and (cache.reads is None or reads < cache.reads):
                self._cached[key] = reads + 1
                return _Usage(total, int(tokens * cache.share), 0)
            self._cached[key] = 0
        price = scene.state.prices.get(request["model"])
        # Models without a price for cache writes cache all the same, and do not report what they wrote.
        counted = cache.counted and price is not None and price.cache_write is not None
        return _Usage(total, 0, tokens if counted else 0)


def _parse(body: bytes) -> dict[str, Any] | None:
    try:
        request = json.loads(body)
    except ValueError:
        return None
    return request if isinstance(request, dict) else None


def _unparsable() -> ProviderAnswer:
    return invalid_request("We could not parse the JSON body of your request.")


def output(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the one item that a response consists of: a call of the first tool where one is required,
    else the text.
    """
    tools = request.get("tools")
    if isinstance(tools, list) and tools and request.get("tool_choice") == "required":
        arguments = json.dumps(_instance(tools[0].get("parameters")))
        call = {"id": f"fc_{uuid4().hex}", "call_id": f"call_{uuid4().hex}", "name": tools[0].get("name")}
        return {"type": "function_call", "status": "completed", "arguments": arguments, **call}
    text = request.get("text")
    form = text.get("format") if isinstance(text, dict) else None
    content = json.dumps(_instance(form.get("schema"))) if isinstance(form, dict) and "schema" in form else TEXT
    return {
        "id": f"msg_{uuid4().hex}",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [{"type": "output_text", "text": content, "annotations": [], "logprobs": []}],
    }


def _instance(schema: object) -> dict[str, Any]:
    """Return an object of a flat schema of booleans."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return dict.fromkeys(properties, True) if isinstance(properties, dict) else {}


def _unknown(scene: Scene, request: Mapping[str, Any]) -> ProviderAnswer | None:
    """Return the refusal of a model that is not there, or not for us."""
    id = request.get("model")
    if not isinstance(id, str) or not id:
        return invalid_request("Missing required parameter: 'model'.", param="model", code="missing_required_parameter")
    model = scene.state.model(id)
    if model is None:
        return openai_error(404, "model_not_found", model=id)
    return None if model.refused is None else openai_error(*model.refused, model=id)


def _refusal(scene: Scene, request: Mapping[str, Any]) -> ProviderAnswer | None:
    """Return what both endpoints refuse: an unknown model, a tier that is not to be had, sampling parameters."""
    refusal = _unknown(scene, request)
    if refusal is not None:
        return refusal
    id = request["model"]
    model = scene.state.model(id)
    assert model is not None, "an unknown one was refused"
    if not model.generates:
        return invalid_request(
            "This is not a chat model and thus not supported in this endpoint.", param="model", status=404
        )
    tier = str(request.get("service_tier") or "auto")
    price = scene.state.prices.get(id)
    needed = {"flex": FLEX, "priority": FAST, "fast": FAST}.get(tier)
    if tier not in TIERS or (needed is not None and (price is None or needed not in price.tiers)):
        return invalid_request(
            f"Invalid service_tier argument: {tier} is not available for this model.", param="service_tier"
        )
    return _sampling_refusal(model, request)


def _sampling_refusal(model: TimelineModel, request: Mapping[str, Any]) -> ProviderAnswer | None:
    temperature = request.get("temperature")
    if not model.reasons or temperature is None or temperature == 1:
        return None
    return invalid_request(
        f"Unsupported value: 'temperature' does not support {temperature} with this model. "
        "Only the default (1) value is supported.",
        param="temperature",
        code="unsupported_value",
    )


def _responses_refusal(request: Mapping[str, Any]) -> ProviderAnswer | None:
    if request.get("stream"):
        return invalid_request("This sandbox streams chat completions only.", param="stream", code="unsupported_value")
    if request.get("input") is None:
        return invalid_request("Missing required parameter: 'input'.", param="input", code="missing_required_parameter")
    most = request.get("max_output_tokens")
    if isinstance(most, int) and most < LEAST_OUTPUT:
        return invalid_request(
            "Invalid 'max_output_tokens': integer below minimum value. "
            f"Expected a value >= {LEAST_OUTPUT}, but got {most} instead.",
            param="max_output_tokens",
            code="integer_below_min_value",
        )
    return None


def _chat_refusal(scene: Scene, request: Mapping[str, Any]) -> ProviderAnswer | None:
    if not isinstance(request.get("messages"), list) or not request["messages"]:
        return invalid_request(
            "Missing required parameter: 'messages'.", param="messages", code="missing_required_parameter"
        )
    model = scene.state.model(request["model"])
    if model is not None and model.reasons and request.get("max_tokens") is not None:
        return invalid_request(
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            param="max_tokens",
            code="unsupported_parameter",
        )
    if model is not None and model.reasons and request.get("tools") and request.get("reasoning_effort") != "none":
        return invalid_request(
            "Function tools with reasoning_effort are not supported for this model in /v1/chat/completions. "
            "Please use /v1/responses or set reasoning_effort to 'none'.",
            param="reasoning_effort",
        )
    return None


def _events(head: Mapping[str, Any], usage: Mapping[str, Any] | None) -> Iterator[bytes]:
    half = len(TEXT) // 2
    deltas: tuple[tuple[dict[str, str], str | None], ...] = (
        ({"role": "assistant", "content": ""}, None),
        ({"content": TEXT[:half]}, None),
        ({"content": TEXT[half:]}, None),
        ({}, "stop"),
    )
    for delta, finish in deltas:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        yield _event({**head, "object": "chat.completion.chunk", "choices": [choice]})
    if usage is not None:
        yield _event({**head, "object": "chat.completion.chunk", "choices": [], "usage": usage})
    yield b"data: [DONE]\n\n"


def _event(chunk: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def _blocks(prompt: object) -> Iterator[tuple[str, bool]]:
    """Yield the texts of a prompt in order, and whether a cache breakpoint follows each."""
    if isinstance(prompt, str):
        yield prompt, False
    elif isinstance(prompt, list):
        for item in prompt:
            yield from _blocks(item)
    elif isinstance(prompt, dict):
        if isinstance(prompt.get("text"), str):
            yield prompt["text"], prompt.get("prompt_cache_breakpoint") is not None
        else:
            yield from _blocks(prompt.get("content"))


def _tokens(text: str) -> int:
    return max(1, math.ceil(len(text) / 4))
