"""What an error body states, whatever its envelope. Pure: a parsed body in, texts out; what they mean for access stands
in `error_meanings`.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

_SENTENCE_END = re.compile(r"\n|[.;!?](?=\s|$)|[。；！]")

_IF = re.compile(r"(?:if|when|once|unless|until|in case|should you|to (?:increase|raise|continue|avoid))\b", re.I).match


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorStatement:
    """What an error body states, whatever its envelope; empty texts are what it leaves out."""

    type: str = ""
    code: str = ""
    param: str = ""
    message: str = ""

    @property
    def names(self) -> str:
        """Code and type in plain words, and a message that is a code: `insufficient_quota` is `insufficient quota`."""
        message = "" if " " in self.message else self.message
        return " / ".join(words_of(name) for name in (self.code, self.type, message))

    @property
    def sentences(self) -> tuple[str, ...]:
        """The sentences of the message that say what is so; what is said of a case that may be is left out."""
        parts = (part.strip() for part in _SENTENCE_END.split(self.message.replace("’", "'")))
        return tuple(part for part in parts if part and not _IF(part))


def words_of(name: str) -> str:
    """Return an identifier as words, however they are joined: `AccountOverdueError` is `Account Overdue Error`."""
    return re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).strip()


_DEEPEST = 3
"""How many envelopes are opened: a gateway quotes its provider, which may quote another."""

_QUOTED = 4_000
"""Characters of a message in which a quoted body is looked for."""

_MESSAGES = ("message", "detail", "title", "msg", "error_msg", "error_message", "error_description", "Message")

_FALLBACK = re.compile(r"\n?\bError doing the fallback\b.*", re.DOTALL)
"""What LiteLLM says of another deployment, after what it says of the one that was called."""


def error_statement(body: object, *, depth: int = 0) -> ErrorStatement:
    """Read an error body: the OpenAI envelope, the flat one of Mistral and vLLM, `{"error": "…"}`, `{"detail": …}`,
    problem+json, a list around one of them (Gemini), and a provider's body that a gateway quotes in its own message.
    """
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    if not isinstance(body, Mapping):
        return ErrorStatement()
    error = body.get("error") or next(iter(_list(body.get("errors"))), None)
    inner = error if isinstance(error, Mapping) else body
    outer = ErrorStatement(
        type=_text(inner.get("type")),
        code=_text(inner.get("code") or inner.get("error_code")),
        param=_text(inner.get("param")),
        message=_FALLBACK.sub("", error if isinstance(error, str) else _message(inner)),
    )
    quoted = _quoted(inner, outer.message) if depth < _DEEPEST else None
    if quoted is None:
        return outer
    within = error_statement(quoted, depth=depth + 1)
    return ErrorStatement(
        type=within.type or outer.type,
        code=within.code or outer.code,
        param=within.param or outer.param,
        message=within.message or outer.message,
    )


def _quoted(error: Mapping[str, object], message: str) -> object:
    """Return the body of a provider that a gateway quotes: in OpenRouter's `metadata.raw`, else within its message."""
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, Mapping) else None
    text = raw if isinstance(raw, str) else message
    text = text[:_QUOTED]
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return {"error": text} if isinstance(raw, str) else None
    try:
        return cast(object, json.JSONDecoder().raw_decode(text, start)[0])
    except (ValueError, RecursionError):
        pass
    try:
        return cast(object, ast.literal_eval(text[start : end + 1]))
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return {"error": text} if isinstance(raw, str) else None


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _message(error: Mapping[str, object]) -> str:
    text = next((error[key] for key in _MESSAGES if error.get(key)), "")
    if isinstance(text, Mapping) and isinstance(text.get("error"), str):  # DeepInfra: `{"detail": {"error": "…"}}`
        text = text["error"]
    return text if isinstance(text, str) else json.dumps(text, default=str)


def _text(value: object) -> str:
    """Return a field as text; LiteLLM writes `"None"` where it means none, and codes come as numbers, too."""
    return "" if value is None or isinstance(value, dict | list) or value == "None" else str(value)
