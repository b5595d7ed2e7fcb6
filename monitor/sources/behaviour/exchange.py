"""One call and what came back, as evidence keeps it. Nothing is sent here, and no meaning is given beyond the table of
answers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from monitor.core.error_meanings import ErrorVerdict, classify
from monitor.core.facts import FailureReason

KEPT_HEADERS = frozenset(
    {
        "x-request-id",
        "openai-processing-ms",
        "openai-version",
        "x-ratelimit-limit-requests",
        "x-ratelimit-limit-tokens",
        "retry-after",
        "content-type",
    }
)
"""The headers of an answer that its evidence keeps."""

TEXT = 2_000
"""Characters that are kept of an answer that is not JSON."""


class ProbeProblem(Exception):
    """A poll that yields nothing, and why. `retry_after` is in seconds, `refusal` as a `PollFailure` has it."""

    def __init__(
        self, reason: FailureReason, detail: str, retry_after: float | None = None, *, refusal: str = ""
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.retry_after = retry_after
        self.refusal = refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of a probe.

    `name` is what evidence and facts call it. `tokens` are the most that it may be billed for, meter → tokens, empty
    where it is free; `tier` is the tier of its price. A `late` bill comes after the answer, so that what was set aside
    for it stays spent. `upload` is the content of a file for a batch.
    """

    name: str
    path: str
    method: str = "POST"
    body: Mapping[str, Any] = field(default_factory=dict)
    upload: bytes = b""
    tokens: Mapping[str, int] = field(default_factory=dict)
    tier: str = "standard"
    stream: bool = False
    regional: bool = False
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A call's answer. `body` is the parsed JSON of it, for a stream its `events` and whether it was `done`; None where
    it is no JSON, and then `text` is its beginning.
    """

    name: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    text: str = ""

    @property
    def said(self) -> Mapping[str, Any]:
        """The body where it is an object, else nothing."""
        return self.body if isinstance(self.body, dict) else {}

    def verdict(self, model: str) -> ErrorVerdict:
        """Return what it means for access to a model."""
        failed = self.said.get("failed")  # an error in the middle of a stream, as the object around it
        return classify(self.status, failed or self.body, model=model)


def parsed(content: bytes) -> tuple[Any, str]:
    """Return an answer as JSON, or None and the beginning of its text."""
    try:
        return json.loads(content), ""
    except (ValueError, RecursionError):
        return None, content[: 4 * TEXT].decode("utf-8", "replace")[:TEXT]


def kept(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that evidence keeps."""
    return {name.lower(): value for name, value in headers.items() if name.lower() in KEPT_HEADERS}


def written(route: str, model: str, exchanges: Sequence[Exchange]) -> bytes:
    """Return all exchanges of a poll as one document."""
    calls = [
        {"name": exchange.name, "status": exchange.status, "headers": dict(exchange.headers)}
        | ({"text": exchange.text} if exchange.body is None else {"body": exchange.body})
        for exchange in exchanges
    ]
    return json.dumps({"route": route, "model": model, "calls": calls}, sort_keys=True).encode()


def read_back(content: bytes) -> tuple[Exchange, ...]:
    """Return the exchanges of a document that `written` made.

    Raises:
        Problem: it is none.
    """
    try:
        calls = json.loads(content)["calls"]
        return tuple(
            Exchange(
                name=call["name"],
                status=call["status"],
                headers=call["headers"],
                body=call.get("body"),
                text=call.get("text", ""),
            )
            for call in calls
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ProbeProblem(FailureReason.INVALID_SHAPE, "the stored answers of a probe cannot be read") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class CallUsage:
    """Tokens as an answer counts them, whichever of the two shapes it uses; None is what it does not say."""

    input: int | None = None
    cached: int | None = None
    written: int | None = None
    output: int | None = None


def usage(said: Mapping[str, Any]) -> CallUsage:
    """Return the usage of an answer; of a stream, that of the event that has it."""
    counts = said.get("usage")
    if not isinstance(counts, dict):
        events = said.get("events")  # the last one counts: some servers count up in every event
        counts = next(
            (
                event["usage"]
                for event in reversed(events if isinstance(events, list) else [])
                if isinstance(event, dict) and isinstance(event.get("usage"), dict)
            ),
            {},
        )
    details: Mapping[str, Any] = next(
        (counts[key] for key in ("input_tokens_details", "prompt_tokens_details") if isinstance(counts.get(key), dict)),
        {},
    )
    return CallUsage(
        input=_count(counts, "input_tokens", "prompt_tokens"),
        cached=_count(details, "cached_tokens"),
        written=_count(details, "cache_write_tokens"),
        output=_count(counts, "output_tokens", "completion_tokens"),
    )


def _count(found: Mapping[str, Any], *names: str) -> int | None:
    values = (found.get(name) for name in names)
    return next(
        (value for value in values if isinstance(value, int) and not isinstance(value, bool) and value >= 0), None
    )
