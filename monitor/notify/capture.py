"""Shows the HTTP replies that Apprise's services get, which they look at for their status and then throw away."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ProtocolError

from monitor.notify.replies import Reply

LARGEST = 1_000_000
"""Bytes of a reply; one that goes on is an error, as a service would otherwise keep whatever is sent until its time is
up.
"""

_KEPT = 64 * 1024

_here = threading.local()


@contextmanager
def replies() -> Iterator[list[Reply]]:
    """Collect the replies to whatever this thread sends in the block, other than questions (GET, HEAD), in order."""
    # Services call `requests.post`, which makes a session of its own each time; the adapter of a session is where
    # requests lets one look in.
    requests.sessions.HTTPAdapter = _Adapter  # type: ignore[attr-defined]
    collected: list[Reply] = []
    _here.replies = collected
    try:
        yield collected
    finally:
        del _here.replies


class _Adapter(HTTPAdapter):
    def send(self, request: requests.PreparedRequest, *arguments: Any, **settings: Any) -> requests.Response:
        response = super().send(request, *arguments, **settings)
        collected: list[Reply] | None = getattr(_here, "replies", None)
        if collected is None:
            return response
        response.raw = _Bounded(response.raw)
        if request.method not in ("GET", "HEAD") and not response.is_redirect:
            text = response.content[:_KEPT].decode("utf-8", "replace")
            retry_after = response.headers.get("Retry-After", "")
            collected.append(Reply(status=response.status_code, text=text, retry_after=retry_after))
        return response


class _Bounded:
    """A raw body that ends with an error when it is too long."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, *arguments: Any, **settings: Any) -> Iterator[bytes]:
        size = 0
        for piece in self._raw.stream(*arguments, **settings):
            size += len(piece)
            if size > LARGEST:
                raise ProtocolError(f"the answer is larger than {LARGEST} bytes")
            yield piece
