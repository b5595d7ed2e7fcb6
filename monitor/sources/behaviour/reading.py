"""From the answers of a probe to facts, or to why there are none. Pure: it sees what evidence keeps, and nothing else.

Granted or a loss is a fact; everything else is a failed poll. A refusal of the very parameter that a route tries (a
tier, a stream) is what the route asked for; a refusal of any other says only that the probe was wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, TypeGuard

from monitor.core.cache_writes import LATE_READ
from monitor.core.error_meanings import GOOD, LOSSES, ErrorVerdict, Meaning, refuses_call
from monitor.core.facts import ACCESS, BEHAVIOUR, GRANTED, LIMIT, FailureReason, Value, refusal
from monitor.sources.behaviour.exchange import Exchange, ProbeProblem, usage
from monitor.sources.http import refused, retry_after

LIMITED = frozenset({"responses", "chat", "embeddings"})
"""The routes whose answers state the rate limits of a model; tiers and batches have limits of their own."""

LIMITS = ("requests", "tokens")

CODE = 60
"""Characters of a code that a refusal is told with; a longer one is none."""

SOMETIMES = ("fingerprint", "diagnostics")
"""What a granted answer may leave out."""

READ = Decimal("0.9")
"""The least share of what was written that a read takes from the cache."""

STATED = (
    "model",
    "service_tier",
    "access_programs",
    "usage",
    "input_tokens",
    "dimensions",
    "valid",
    "called",
    "written",
    "hit",
    "read",
)
"""What only a granted answer says, of whichever route."""

TRIED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "flex": ("service_tier",),
        "priority": ("service_tier",),
        "streaming": ("stream",),
        "structured": ("text.format", "response_format"),
        "tools": ("tool",),
        "caching": ("prompt_cache", "comparison_response_id"),
    }
)
"""Route → how the parameters begin that it is there to try."""

FAILED_INSIDE: Mapping[str, FailureReason] = MappingProxyType(
    {
        "rate_limit_exceeded": FailureReason.RATE_LIMITED,
        "server_error": FailureReason.SERVER_ERROR,
        "vector_store_timeout": FailureReason.SERVER_ERROR,
    }
)
"""Codes of an answer that failed inside 200 → the reason that the status would have given."""


def facts_of(route: str, model: str, exchanges: Sequence[Exchange], at: datetime) -> dict[str, Value]:
    """Return the facts that the answers of a poll of a route state.

    Raises:
        Problem: they state nothing.
    """
    if not exchanges:
        raise ProbeProblem(FailureReason.INVALID_SHAPE, "no call was made")
    if route == "contract":
        return _contract(model, exchanges, at)
    for exchange in exchanges:
        verdict = exchange.verdict(model)
        if verdict.meaning in LOSSES or tried(route, verdict):
            return refused_by(route, exchange.status, verdict)
        if verdict.meaning is not Meaning.GRANTED:
            raise failure(exchange, verdict, at)
    facts = READERS.get(route, _answered)(route, exchanges)
    limits = _limits(exchanges[-1]) if route in LIMITED else {}
    return {ACCESS + route: GRANTED, **facts, **limits}


def refused_by(route: str, status: int, verdict: ErrorVerdict) -> dict[str, Value]:
    """Return the facts of a refusal: what it means, and how it was said."""
    return {ACCESS + route: str(verdict.meaning), refusal(route): _answered_with(status, verdict)}


def _answered_with(status: int, verdict: ErrorVerdict) -> str:
    code = verdict.code or verdict.param
    return f"{status} {code}" if code.isprintable() and 0 < len(code) <= CODE and code != str(status) else str(status)


def unsaid(route: str, facts: Mapping[str, Value]) -> frozenset[str]:
    """Return the fields of a route that a poll does not speak of, so that nothing of them is gone.

    What is granted takes no refusal back: whoever reads one asks first whether the route is closed. A refusal counts no
    tokens and states no limits; a batch that only began says nothing of how batches end; and a fingerprint comes and
    goes from one answer to the next.
    """
    if route == LATE_READ:
        return frozenset()
    fields = {refusal(route), *(f"{BEHAVIOUR}{route}.{name}" for name in SOMETIMES)}
    if route == "batch":
        fields |= {ACCESS + route, *(f"{BEHAVIOUR}{route}.{name}" for name in ("created", "model"))}
    elif facts.get(ACCESS + route, GRANTED) != GRANTED:
        fields |= {f"{BEHAVIOUR}{route}.{name}" for name in STATED} | {f"{LIMIT}{what}" for what in LIMITS}
    return frozenset(fields - facts.keys())


def tried(route: str, verdict: ErrorVerdict) -> bool:
    """Return whether a refusal is one of the very parameter that a route tries."""
    return (
        verdict.meaning is Meaning.PARAMETER_REJECTED
        and bool(verdict.param)
        and any(name in verdict.param for name in TRIED.get(route, ()))
    )


def failure(one: Exchange, verdict: ErrorVerdict, at: datetime) -> ProbeProblem:
    """Why an answer is no observation."""
    why = verdict.message or one.text
    code = f" ({verdict.code or verdict.param})" if verdict.code or verdict.param else ""
    detail = f"HTTP {one.status} to the call {one.name}" + (f": {why}" if why else "") + code
    reason = refused(one.status)
    if verdict.meaning is Meaning.PARAMETER_REJECTED:
        reason = FailureReason.PROBE_REJECTED
        detail += "; set what its calls must carry in `parameters` of the source"
    elif one.body is None and one.status in GOOD:
        reason = FailureReason.NOT_JSON
    elif one.status in GOOD:
        reason = FAILED_INSIDE.get(verdict.code, FailureReason.INVALID_SHAPE)
    unexplained = verdict.meaning is Meaning.UNKNOWN and one.body is not None and refuses_call(one.status)
    return ProbeProblem(
        reason,
        detail,
        retry_after(one.headers.get("retry-after", ""), at),
        refusal=_answered_with(one.status, verdict) if unexplained else "",
    )


def _shape(one: Exchange, what: str) -> ProbeProblem:
    return ProbeProblem(FailureReason.INVALID_SHAPE, f"the answer to the call {one.name} {what}")


def _limits(one: Exchange) -> dict[str, Value]:
    limits = {what: one.headers.get(f"x-ratelimit-limit-{what}", "") for what in LIMITS}
    return {
        LIMIT + what: int(value)
        for what, value in limits.items()
        if value.isascii() and value.isdecimal() and len(value) < 16
    }


def _retrieved(route: str, exchanges: Sequence[Exchange]) -> dict[str, Value]:
    id = exchanges[-1].said.get("id")
    if not _name(id):
        raise _shape(exchanges[-1], "has no id")
    return {f"{BEHAVIOUR}{route}.model": id}


def _counted(route: str, exchanges: Sequence[Exchange]) -> dict[str, Value]:
    count = exchanges[-1].said.get("input_tokens")
    if not isinstance(count, int) or isinstance(count, bool):
        raise _shape(exchanges[-1], "has no whole number `input_tokens`")
    return {f"{BEHAVIOUR}{route}.input_tokens": count}


def _embedded(route: str, exchanges: Sequence[Exchange]) -> dict[str, Value]:
    data = exchanges[-1].said.get("data")
    first = data[0] if isinstance(data, list) and data and isinstance(data[0], dict) else {}
    vector = first.get("embedding")
    if not isinstance(vector, list) or not vector:
        raise _shape(exchanges[-1], "has no embedding")
    return {**_echo(route, exchanges[-1].said), f"{BEHAVIOUR}{route}.dimensions": len(vector)}


def _answered(route: str, exchanges: Sequence[Exchange]) -> dict[str, Value]:
    _output(exchanges[-1])
    return _echo(route, exchanges[-1].said)


def _streamed(route: str, exchanges: Sequence[Exchange]) -> dict[str, Value]:
    exchange = exchanges[-1]
    events = exchange.said.get("events")
    if not isinstance(events, list) or not events:
        raise _shape(exchange, "is no stream of events")
    if not exchange.said.get("done"):
        raise ProbeProblem(FailureReason.TRUNCATED, f"the stream of the call {exchange.name} ends without [DONE]")
    last = next((event for event in reversed(events) if isinstance(event, dict) and event.get("usage")), None)
    if last is None:
        raise _shape(exchange, "streams no usage, though it was asked to")
    return _echo(route, last)


def _structured(route: str, exchanges: Sequence[Exchange]) -> dict[str, Value]:
    exchange = exchanges[-1]
    text, whole = _output(exchange)
    facts = _echo(route, exchange.said)
    if whole:  # one that ran out of room says nothing of its shape
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        fits = isinstance(value, dict) and value.keys() == {"ok"} and isinstance(value["ok"], bool)
        facts[f"{BEHAVIOUR}{route}.valid"] = fits
    return facts


def _called(route: str, exchanges: Sequence[Exchange]) -> dict[str, Value]:
    exchange = exchanges[-1]
    _, whole = _output(exchange)
    facts = _echo(route, exchange.said)
    items = exchange.said.get("output")
    if isinstance(items, list):
        called = any(isinstance(item, dict) and item.get("type") == "function_call" for item in items)
    else:
        called = bool(_message(exchange.said).get("tool_calls"))
    if called or whole:
        facts[f"{BEHAVIOUR}{route}.called"] = called
    return facts


def _tier(route: str, exchanges: Sequence[Exchange]) -> dict[str, Value]:
    """Return what says that a tier was accepted and echoed; an answer by another tier is one without this tier."""
    _output(exchanges[-1])
    used = exchanges[-1].said.get("service_tier")
    if not isinstance(used, str):
        raise _shape(exchanges[-1], "does not say which tier it used")
    # `fast` and `priority` are one tier, and both are echoed as `priority`.
    granted = used == route or (route == "priority" and used == "fast")
    other = ErrorVerdict(meaning=Meaning.ACCESS_LOST, code=f"in the tier {used}")
    return {
        **_echo(route, exchanges[-1].said),
        **({} if granted else refused_by(route, exchanges[-1].status, other)),
    }


def _cached(route: str, exchanges: Sequence[Exchange]) -> dict[str, Value]:
    if len(exchanges) < 2:
        raise ProbeProblem(FailureReason.INVALID_SHAPE, "the second of two calls was not made")
    for exchange in exchanges:
        _output(exchange)
    first = usage(exchanges[0].said)
    facts = _echo(route, exchanges[1].said)
    if first.written is not None:
        facts[f"{BEHAVIOUR}{route}.written"] = first.written > 0
    # A write that is not counted is taken for all that was sent.
    facts[f"{BEHAVIOUR}{route}.read"] = _read_back(exchanges[1], first.written or first.input or 0)
    facts[f"{BEHAVIOUR}{route}.hit"] = bool(usage(exchanges[1].said).cached)
    diagnostics = exchanges[1].said.get("prompt_cache_diagnostics")
    if isinstance(diagnostics, dict) and _name(diagnostics.get("type")):
        why = diagnostics.get("reason")
        facts[f"{BEHAVIOUR}{route}.diagnostics"] = f"{diagnostics['type']}:{why}" if _name(why) else diagnostics["type"]
    return facts


def _read_back(exchange: Exchange, written: int) -> bool:
    """Return whether a call read what was written before, in tokens, from the cache."""
    cached = usage(exchange.said).cached
    if cached is None:
        raise _shape(exchange, "does not say how many tokens were cached")
    return cached > 0 and cached >= READ * written


def late_facts(model: str, exchanges: Sequence[Exchange], at: datetime) -> dict[str, Value]:
    """Return what a late read says of the cache; whether the model can be called at all is asked elsewhere.

    Raises:
        ProbeProblem: it says nothing.
    """
    if not exchanges:
        raise ProbeProblem(FailureReason.INVALID_SHAPE, "no call was made")
    exchange = exchanges[-1]
    verdict = exchange.verdict(model)
    if verdict.meaning is not Meaning.GRANTED:
        raise failure(exchange, verdict, at)
    _output(exchange)
    return {f"{BEHAVIOUR}caching.late_read": _read_back(exchange, exchange.earlier)}


def _contract(model: str, exchanges: Sequence[Exchange], at: datetime) -> dict[str, Value]:
    """Return what each call that should be refused was answered; whether the model can be called at all is asked
    elsewhere.
    """
    facts: dict[str, Value] = {}
    for exchange in exchanges:
        verdict = exchange.verdict(model)
        if verdict.meaning is Meaning.PARAMETER_REJECTED:
            facts[f"{BEHAVIOUR}contract.{exchange.name}"] = (
                f"rejected:{verdict.code or verdict.param or exchange.status}"
            )
        elif verdict.meaning is Meaning.GRANTED:
            _output(exchange)
            facts[f"{BEHAVIOUR}contract.{exchange.name}"] = "accepted"
        else:
            raise failure(exchange, verdict, at)
    return facts


def _output(one: Exchange) -> tuple[str, bool]:
    """Return the text that a call was answered with, and whether it is whole.

    Raises:
        Problem: it is no answer of either endpoint.
    """
    body = one.said
    items = body.get("output")
    if isinstance(items, list):
        status = body.get("status", "completed")
        why = body.get("incomplete_details")
        full = isinstance(why, dict) and why.get("reason") == "max_output_tokens"
        if status != "completed" and not (status == "incomplete" and full):
            raise _shape(one, f"has the status {status!r}")
        parts = [part for item in items if isinstance(item, dict) for part in item.get("content") or ()]
        texts = [part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]
        return "".join(texts), status == "completed"
    message = _message(body)
    if not message:
        raise _shape(one, "holds neither `output` nor a message in `choices`")
    content = message.get("content")
    return content if isinstance(content, str) else "", body["choices"][0].get("finish_reason") != "length"


def _message(said: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = said.get("choices")
    first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    message = first.get("message")
    return message if isinstance(message, dict) else {}


def _echo(route: str, said: Mapping[str, Any]) -> dict[str, Value]:
    """Return what an answer says of itself: who answered, by which tier, under which access programmes, and in which
    fields it counts.
    """
    facts: dict[str, Value] = {}
    for field, name in (("model", "model"), ("service_tier", "service_tier"), ("system_fingerprint", "fingerprint")):
        value = said.get(field)
        if _name(value):
            facts[f"{BEHAVIOUR}{route}.{name}"] = value
    programs = said.get("access_programs")
    if isinstance(programs, dict):
        named = [f"{name} {value}" for name, value in sorted(programs.items()) if _name(name) and _name(value)]
        if named:
            facts[f"{BEHAVIOUR}{route}.access_programs"] = ", ".join(named)
    counted = said.get("usage")
    if isinstance(counted, dict) and counted:
        facts[f"{BEHAVIOUR}{route}.usage"] = ",".join(sorted(_fields(counted)))
    return facts


def _fields(counted: Mapping[str, Any], above: str = "") -> list[str]:
    """Return the names of all fields, nested ones below their parents (`input_tokens_details.cached_tokens`)."""
    names: list[str] = []
    for name, value in counted.items():
        names += _fields(value, f"{above}{name}.") if isinstance(value, dict) else [above + name]
    return names


def _name(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


READERS: Mapping[str, Callable[[str, Sequence[Exchange]], dict[str, Value]]] = MappingProxyType(
    {
        "retrieve": _retrieved,
        "tokens": _counted,
        "embeddings": _embedded,
        "streaming": _streamed,
        "structured": _structured,
        "tools": _called,
        "flex": _tier,
        "priority": _tier,
        "caching": _cached,
    }
)
"""Route → how its granted answers are read; the others are plain answers."""
