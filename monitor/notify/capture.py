"""Shows the HTTP replies that Apprise's services get, which they look at for their status and then throw away, and
keeps their connections for the next message.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.exceptions import ProtocolError

from monitor.core import deadline
from monitor.notify.replies import Reply

LARGEST = 1_000_000
"""Bytes of a reply; one that goes on is an error, as a service would otherwise keep whatever is sent until its time is
up.
"""

_KEPT = 64 * 1024

CONNECTED = 3.0
"""Seconds for which connections are kept: long enough for the messages of one commit, and shorter than servers wait."""

_here = threading.local()


@contextmanager
def replies() -> Iterator[list[Reply]]:
    """Collect the replies to whatever this thread sends in the block, other than questions (GET, HEAD), in order."""
    # Services call `requests.post`, which makes a session of its own each time; the adapter of a session is where
    # requests lets one look in.
    requests.sessions.HTTPAdapter = _Adapter  # type: ignore[attr-defined]
    requests.sessions.get_environ_proxies = _proxies  # type: ignore[attr-defined]
    collected: list[Reply] = []
    _here.replies = collected
    try:
        yield collected
    finally:
        del _here.replies


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **settings: Any) -> None:
        if hasattr(_here, "replies"):
            self.poolmanager = _connections
        else:
            super().init_poolmanager(*arguments, **settings)

    def close(self) -> None:
        """Close what is this adapter's alone."""
        if self.poolmanager is not _connections:
            super().close()
        for proxy in self.proxy_manager.values():
            proxy.clear()

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


def _proxies(url: str, no_proxy: str | None = None) -> dict[str, str]:
    """Return the proxies that the environment names for a URL, as requests does, but not by walking through all of the
    environment twice for each message.
    """
    if not hasattr(_here, "replies"):
        return get_environ_proxies(url, no_proxy)
    scheme, _, rest = url.partition("://")
    environment = tuple(os.environ.get(name) for name in _PROXY_VARIABLES)
    return dict(_proxies_of(f"{scheme}://{rest.partition('/')[0]}", no_proxy, environment))


_PROXY_VARIABLES = tuple(
    spelt for name in ("http", "https", "all", "no") for spelt in (f"{name}_proxy", f"{name}_proxy".upper())
)


@lru_cache(maxsize=256)
def _proxies_of(host: str, no_proxy: str | None, environment: tuple[str | None, ...]) -> dict[str, str]:
    return get_environ_proxies(host, no_proxy)


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


class _KeptConnections(HTTPConnectionPool):
    """Connections to one host, which outlast the bounded calls that use them."""

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection: Any = super()._get_conn(timeout)
        if getattr(connection, "sock", None) is not None:
            deadline.use(connection.sock)
        return connection

    def _put_conn(self, conn: Any) -> None:
        if getattr(conn, "sock", None) is not None:
            deadline.release(conn.sock)
            _close_soon()
        super()._put_conn(conn)


class _KeptTlsConnections(_KeptConnections, HTTPSConnectionPool):
    """The same with TLS."""


_connections = PoolManager(num_pools=100, maxsize=4)
_connections.pool_classes_by_scheme = {"http": _KeptConnections, "https": _KeptTlsConnections}
os.register_at_fork(after_in_child=_connections.clear)  # they are the parent's
_lock = threading.Lock()
_closing: threading.Timer | None = None


def _close_soon() -> None:
    """Close all that is kept in a while: a server ends what is silent, and what it ended must not be written to."""
    global _closing
    with _lock:
        if _closing is None or not _closing.is_alive():
            _closing = threading.Timer(CONNECTED, _connections.clear)
            _closing.daemon = True
            _closing.start()
