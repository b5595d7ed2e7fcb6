"""An answer before it travels: status, headers and bytes. Nothing here knows sockets, routes or faults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

JSON = "application/json"
MARKDOWN = "text/markdown; charset=utf-8"
HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
EVENT_STREAM = "text/event-stream; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderAnswer:
    """What is sent back.

    With an `etag`, the answer may become 304. `chunks`, where given, are sent one by one in chunked encoding instead of
    `body`.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = TEXT
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str = ""
    modified: datetime | None = None
    chunks: tuple[bytes, ...] = ()


def json_answer(value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> ProviderAnswer:
    """`value` as a JSON document."""
    return ProviderAnswer(status=status, body=json.dumps(value).encode(), content_type=JSON, headers=headers or {})


def plain(status: int, text: str, *, retry_after: int | None = None) -> ProviderAnswer:
    """Return a line of text, with `Retry-After` in seconds where it is given."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return ProviderAnswer(status=status, body=text.encode(), headers=headers)
