"""Notices as signed CloudEvents 1.0, posted to a webhook of one's own; signed as Standard Webhooks says.

The event is in structured mode. Its id is the notice's, and so is `webhook-id`: a repeat has the same.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any
from urllib.parse import urlsplit

from standardwebhooks import Webhook

from monitor.core.events import rfc3339
from monitor.core.ports import NotSent, Sent
from monitor.notify.headlines import STATES
from monitor.notify.notice_json import notice_json
from monitor.notify.posting import post
from monitor.notify.replies import Reply, webhook
from monitor.notify.service import Means, Outgoing, UnusableDestination

SCHEMES = ("cloudevents+https", "cloudevents+http")

SOURCE = "urn:access-monitor:notices"
"""The CloudEvents `source`. With the id of a notice it names an event on whichever host the outbox lies."""

LARGEST = 64 * 1024
"""Bytes of an event that every intermediary has to forward."""

_SECRET_PREFIX = "whsec_"
_SECRET_BYTES = 24


class CloudEventsHook:
    """Posts each message as one event to `cloudevents+https://host/path`."""

    def __init__(self, url: str, means: Means) -> None:
        parts = urlsplit(url)
        if not parts.hostname or any(char.isspace() or not char.isprintable() for char in url):
            raise UnusableDestination("is a webhook without a host; write it as in cloudevents+https://host/path")
        self._url = url.partition("+")[2]
        self._means = means
        self.label = f"{parts.scheme}://{parts.hostname}"
        if means.secret == "":
            raise UnusableDestination(
                'is a webhook whose events are signed; write { url = "…", secret = "env:NAME" } in destinations'
            )
        self._keys = [_key(secret) for secret in (means.secret or "").split()]

    def send(self, outgoing: Outgoing) -> Sent | NotSent:
        """Post one event; its signature holds the time of the attempt."""
        event = _event(outgoing)
        now = self._means.clock()
        text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
        headers = {
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            "webhook-id": event["id"],
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(key.sign(event["id"], now, text) for key in self._keys),
        }
        reply = post(self._url, text.encode(), headers, self._means.timeout)
        refusal = webhook(reply) if isinstance(reply, Reply) else reply
        if refusal is not None:
            return NotSent(reason=refusal.reason, permanent=refusal.permanent, retry_after=refusal.retry_after)
        return Sent(form="cloudevents", title=outgoing.rendered.title, body=text)


def _key(secret: str) -> Webhook:
    """Return a key to sign with; the library takes anything that resembles Base64 for one."""
    try:
        raw = base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) < _SECRET_BYTES:
        raise UnusableDestination(
            f"has a secret that is no key of Standard Webhooks; make one of {_SECRET_PREFIX} and at least "
            f"{_SECRET_BYTES} random bytes in Base64"
        )
    return Webhook(raw)


def _event(outgoing: Outgoing) -> dict[str, Any]:
    """Return a message as an event of at most `LARGEST` bytes; items that have no room are counted."""
    notice, data = outgoing.notice, notice_json(outgoing)
    state = STATES[notice.reason].lower().replace(" ", "_")
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": notice.id,
        "source": SOURCE,
        "type": f"io.access-monitor.notice.{state}.v1",
        "time": rfc3339(notice.at),
        "datacontenttype": "application/json",
        "data": data,
    }
    subjects = list(dict.fromkeys(item.entry or item.subject for item in notice.items))
    if len(subjects) == 1:
        event["subject"] = subjects[0]
    items, left = data["items"], len(data["items"])
    while _size(event) > LARGEST and left:
        left //= 2
        data |= {"items": items[:left], "items_left_out": len(items) - left}
    if _size(event) > LARGEST:
        data |= {"text": "", "over": []}
    return event


def _size(event: dict[str, Any]) -> int:
    return len(json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode())
