"""Slack-shaped webhooks on any host, as an Apprise service: `slackhook://` over HTTP and `slackhooks://` over HTTPS.

Apprise's own `slack://` is fixed to one host, builds no blocks from its caller's, and reports neither `Retry-After` nor
why a webhook refused; an unreachable one then looks like a deleted one. Mattermost, Rocket.Chat and test servers speak
the same shape.
"""

# mypy: disable-error-code="assignment,no-untyped-call,override"
# Apprise types its plugin classes by their defaults (`protocol = None`), which no plugin keeps.

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from apprise import NotifyBase, NotifyFormat
from apprise.manager_plugins import NotificationManager

from monitor.notify.posting import post
from monitor.notify.replies import Reply, ReplyRefusal, chat

PROTOCOL = "slackhook"
SECURE_PROTOCOL = "slackhooks"


class SlackHook(NotifyBase):
    """Posts its body, which is a whole JSON payload, to `http(s)://host[:port]/path`. `refusal` tells how it went."""

    service_name = "Slack webhook"
    service_url = "https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks"
    setup_url = service_url
    protocol = PROTOCOL
    secure_protocol = SECURE_PROTOCOL
    request_rate_per_sec = 0.0
    notify_format = NotifyFormat.TEXT
    body_maxlen = 500_000
    title_maxlen = 0
    templates = ("{schema}://{host}/{path}", "{schema}://{host}:{port}/{path}")
    template_tokens = {  # noqa: RUF012 - Apprise reads it from the class
        **NotifyBase.template_tokens,
        "host": {"name": "Hostname", "type": "string", "required": True},
        "port": {"name": "Port", "type": "int", "min": 1, "max": 65535},
        "path": {"name": "Path", "type": "string", "private": True, "required": True},
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fullpath = kwargs.get("fullpath") or "/"
        self.refusal: ReplyRefusal | None = None

    def url(self, privacy: bool = False, *args: Any, **kwargs: Any) -> str:
        """Return the Apprise URL; with `privacy` without the path, which is the secret."""
        schema = self.secure_protocol if self.secure else self.protocol
        path = "/****" if privacy else quote(self.fullpath)
        return f"{schema}://{self._netloc}{path}"

    @property
    def _netloc(self) -> str:
        return f"{self.host}:{self.port}" if self.port else str(self.host)

    @staticmethod
    def parse_url(url: str) -> dict[str, Any] | None:
        parsed: dict[str, Any] | None = NotifyBase.parse_url(url, verify_host=True)
        return parsed

    def send(self, body: str, **kwargs: Any) -> bool:
        """Post the payload; where its blocks are refused, its text alone, since a fault of form may not silence it."""
        payload = json.loads(body)
        self.refusal = self._post(payload)
        if self.refusal is not None and self.refusal.malformed and "blocks" in payload:
            self.refusal = self._post({"text": payload["text"]})
        if self.refusal is not None:
            self.logger.warning("Slack webhook refused: %s", self.refusal.reason)
        return self.refusal is None

    def _post(self, payload: dict[str, Any]) -> ReplyRefusal | None:
        scheme = "https" if self.secure else "http"
        connect, read = self.request_timeout
        reply = post(
            f"{scheme}://{self._netloc}{quote(self.fullpath)}",
            json.dumps(payload).encode(),
            {"Content-Type": "application/json"},
            (read, connect),
            verify=self.verify_certificate,
        )
        return chat(reply) if isinstance(reply, Reply) else reply


def register() -> None:
    """Make both schemes known to Apprise; doing it twice is doing it once."""
    manager = NotificationManager()
    if PROTOCOL not in manager:
        manager.add(SlackHook)
