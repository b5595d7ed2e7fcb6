"""A chat service's incoming webhook: takes messages and keeps them, so that a demo can show what an owner was told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from monitor.sandbox.answers import ProviderAnswer, plain
from monitor.sandbox.errors import webhook_error


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookMessage:
    """A message that was answered `ok`. `text` is what a person reads, `payload` the JSON as received."""

    number: int
    text: str
    payload: Mapping[str, Any]


class Inbox:
    """Keeps accepted messages in the order of their arrival. `changed` is notified of each."""

    def __init__(self, changed: threading.Condition) -> None:
        self._changed = changed
        self._messages: list[WebhookMessage] = []

    @property
    def messages(self) -> tuple[WebhookMessage, ...]:
        with self._changed:
            return tuple(self._messages)

    def accept(self, body: bytes) -> ProviderAnswer:
        """Keep a message that has `text`, `blocks`, `attachments` or `message`; refuse anything else as the service
        does.
        """
        try:
            payload = json.loads(body)
        except ValueError:
            return webhook_error(400)
        if not isinstance(payload, dict):
            return webhook_error(400)
        text = _read(payload)
        if not text:
            return plain(400, "no_text")
        with self._changed:
            self._messages.append(WebhookMessage(number=len(self._messages) + 1, text=text, payload=payload))
            self._changed.notify_all()
        return plain(200, "ok")


def _read(payload: Mapping[str, Any]) -> str:
    # A chat service shows the blocks and hides `text` behind them; a generic webhook sends title and message instead.
    if parts := [*_texts(payload.get("blocks"))]:
        return "\n".join(parts)
    if isinstance(payload.get("text"), str) and payload["text"]:
        return str(payload["text"])
    parts = [*_texts(payload.get("attachments"))]
    return "\n".join(
        parts or [part for key in ("title", "message") if isinstance(part := payload.get(key), str) and part]
    )


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "text" and isinstance(item, str):
                yield item
            else:
                yield from _texts(item)
