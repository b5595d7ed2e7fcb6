"""OFREP 0.3.0 (OpenFeature Remote Evaluation Protocol): what is asked, and what is answered. Knows no server.

A client falls back to the default that its caller wrote, which may be `true`, whenever it does not like an answer: on a
missing variant, on a reason that is none of the protocol's, on 404, 429 and 5xx. So a denial is an ordinary evaluation
to `false`, also of a key that nobody registered and while the registry cannot be read; only a request that cannot be
understood is an error.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from monitor.gate.client.verdict import PRODUCTION, UNREGISTERED, rfc3339
from monitor.gate.decision import AMBIGUOUS, named_keys
from monitor.web.answers import UNKNOWN, GateRequest, GateResult, decided
from monitor.web.memory import RegistrySnapshot

PARSE_ERROR = "PARSE_ERROR"
INVALID_CONTEXT = "INVALID_CONTEXT"
GENERAL = "GENERAL"

_REASONS = {UNREGISTERED: "STATIC", AMBIGUOUS: "STATIC", UNKNOWN: "UNKNOWN"}
_REASON = "TARGETING_MATCH"
"""Who asks, where and when took part in the answer. The gate's own reason stands in the metadata: the protocol's is an
enum.
"""


class Malformed(Exception):
    """A request that cannot be understood: the protocol's code, one sentence, and the HTTP status."""

    def __init__(self, code: str, details: str, status: int = 400) -> None:
        super().__init__(details)
        self.code = code
        self.details = details
        self.status = status


def parse(body: bytes) -> GateRequest:
    """Return who asks. Nothing, `null`, `{}` and a `null` context are contexts without a word in them.

    A word of another type than text counts as not given, and what is not given is judged as production by an unnamed
    caller: the strictest.

    Raises:
        Malformed: it is no JSON object, or its context is none.
    """
    try:
        document = json.loads(body) if body.strip() else None
    except (ValueError, RecursionError):
        raise Malformed(PARSE_ERROR, 'The body is not JSON: send {"context": {"env": …, "targetingKey": …}}.') from None
    if document is not None and not isinstance(document, dict):
        raise Malformed(PARSE_ERROR, 'The body is not a JSON object: send {"context": {"env": …, "targetingKey": …}}.')
    context = (document or {}).get("context")
    if context is not None and not isinstance(context, dict):
        raise Malformed(INVALID_CONTEXT, "The context is not a JSON object: send its words as keys and values.")
    caller = _word(context, "caller") or _word(context, "targetingKey")
    environment = _word(context, "env") or PRODUCTION
    return GateRequest(environment=environment, caller=caller, surface=_word(context, "surface"))


def _word(context: Mapping[str, Any] | None, name: str) -> str:
    value = (context or {}).get(name)
    return value if isinstance(value, str) else ""


def evaluation(one: GateResult) -> dict[str, object]:
    """Return one flag; always a value, a variant and a reason of the protocol."""
    answer = one.answer
    metadata: dict[str, bool | int | str] = {
        "status": answer.status,
        "position": answer.position,
        "reason": answer.reason,
        "fallback": answer.fallback,
    }
    if answer.expires_at is not None:
        metadata["expires_at"] = rfc3339(answer.expires_at)
    return {
        "key": answer.key,
        "value": answer.allowed,
        "reason": _REASONS.get(answer.status, _REASON),
        "variant": one.variant,
        "metadata": metadata,
    }


def bulk(view: RegistrySnapshot, asking: GateRequest, now: datetime) -> tuple[dict[str, object], str]:
    """Return all flags, also of model ids that no entry holds alone, and the ETag of the answer."""
    answers = [decided(view, key, asking, now) for key in named_keys(view.standings)]
    document: dict[str, object] = {
        "flags": [evaluation(result) for result in answers],
        "metadata": {"version": str(view.position)},
    }
    return document, _etag(view, asking, answers, now)


def _etag(view: RegistrySnapshot, asking: GateRequest, answers: list[GateResult], now: datetime) -> str:
    """Return one tag for one answer: the version, who asks, and what time alone may have moved.

    Facts go stale and graces end without an event, so the version alone would confirm an "allowed" that is over.
    Answers are leased to a time that moves with every second; it takes part in halves of a lease, or nothing would ever
    be confirmed.
    """
    lease = view.configuration.gate.lease
    leased = (now + lease).replace(microsecond=0)
    outcomes = [
        [answer.key, answer.allowed, result.variant, None if answer.expires_at == leased else str(answer.expires_at)]
        for result in answers
        for answer in (result.answer,)
    ]
    half = int(now.timestamp() // (lease.total_seconds() / 2))
    state = [view.position, view.trouble, asking.environment, asking.caller, asking.surface, half, outcomes]
    return tag(json.dumps(state).encode())


def tag(content: bytes) -> str:
    """Return a strong ETag for these bytes."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def failure(code: str, details: str, key: str | None = None) -> dict[str, object]:
    """Return the body of every error, with the key where one was asked for; clients that find no `errorDetails` raise
    another error.
    """
    result: dict[str, object] = {} if key is None else {"key": key}
    return result | {"errorCode": code, "errorDetails": details}
