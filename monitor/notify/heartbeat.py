"""The dead man's switch: one ping to an address whose owner raises the alarm when pings stay away.

When to ping is decided elsewhere; a ping that fails is an outcome, never an exception, and is not tried again.
"""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

import httpx2

from monitor.core.deadline import Overdue, bounded
from monitor.core.ports import NotSent, Sent

TIMEOUT = 5.0
"""Seconds that a ping may take in all."""


def ping(url: str, *, timeout: float = TIMEOUT, transport: httpx2.BaseTransport | None = None) -> Sent | NotSent:
    """GET a heartbeat URL. The URL is a secret: reasons name its host only, and nothing is logged."""
    # httpx2 logs every request with its URL at INFO.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    host = urlsplit(url).hostname or "its host"

    def get() -> int:
        with (
            httpx2.Client(timeout=timeout, transport=transport, follow_redirects=False) as client,
            client.stream("GET", url, headers={"User-Agent": "access-monitor"}) as answer,
        ):
            return answer.status_code

    try:
        status = bounded(get, timeout)
    except Overdue as overdue:
        return NotSent(reason=f"heartbeat at {host} failed: {overdue}")
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return NotSent(reason=f"heartbeat at {host} failed: {type(error).__name__}")
    if not 200 <= status < 300:
        return NotSent(reason=f"heartbeat at {host} answered HTTP {status}", permanent=status in (404, 410))
    return Sent()
