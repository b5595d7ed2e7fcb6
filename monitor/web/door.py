"""Who is let in: callers with a token where there are tokens, and without tokens programs of this machine, but none of
the pages in its browsers.

A page of any site can send requests to loopback, by its own address or by a name that it makes resolve there (DNS
rebinding). It cannot choose the headers `Host`, `Origin` and `Sec-Fetch-Site`, which the browser writes. What is
refused here is counted nowhere, so no page writes a name into the log.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import IPv6Address, ip_address
from typing import Protocol
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.gate.client.signature import HEADER as SIGNATURE
from monitor.web.ack import PATH as ACK
from monitor.web.ack import AckPage, page
from monitor.web.responses import problem
from monitor.web.tokens import Tokens

MAX_AGE = 600
"""Seconds for which a browser may rely on what a preflight said."""

_PORTS = {"http": 80, "https": 443}


class Callers(Protocol):
    """Who may ask: with a token, where there are any; from pages of these origins; and whom `ack` serves by links."""

    tokens: Tokens
    origins: Collection[str]
    ack: AckPage | None


class Door:
    """Stands before the application, and answers what is not let in. `callers` is looked at for each request: a reload
    replaces its parts.

    Paths that are `open` need no token, and `signed` ones have a signature of their own, so that they need no address
    either.
    """

    def __init__(self, app: ASGIApp, callers: Callers, *, open: Collection[str], signed: Collection[str]) -> None:
        self._app = app
        self._callers = callers
        self._open = open
        self._signed = signed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        named = origin in self._callers.origins
        if _has_body(headers):
            receive, send = _closing_unread(receive, send)
        if named:
            send = _shared_with(origin, send)
        app: ASGIApp
        if named and scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            app = _preflight(headers)  # it carries no token, and asks whether a request with one may be sent
        else:
            app = self._refusal(scope["path"], scope["method"], headers) or self._app
        await app(scope, receive, send)

    def _refusal(self, path: str, method: str, headers: Headers) -> Response | None:
        """Why a request is not let in; None where it is."""
        callers = self._callers
        if path.startswith(ACK):
            return _stranger(callers.ack.origin if callers.ack is not None else "", method, headers)
        if not callers.tokens and path not in self._signed and not _loopback(headers.get("host", "")):
            details = (
                "Without tokens only this machine may ask: send localhost or 127.0.0.1 as Host, or set web.tokens."
            )
            return problem(421, details)
        if headers.get("origin", "") not in callers.origins and _foreign(headers):
            return problem(403, "A page of another site may not ask: name its origin in web.origins if this is meant.")
        if path in self._open or path in self._signed or callers.tokens.admit(headers):
            return None
        details = "A token is needed: send Authorization: Bearer … or X-API-Key: … with one of web.tokens."
        return problem(401, details, {"WWW-Authenticate": "Bearer"})


def _stranger(origin: str, method: str, headers: Headers) -> Response | None:
    """Return why the page of a link is not shown: it is asked for by another name than the public one, or its form was
    sent by another page. The token in the path is all else that it takes; who opens a link comes from anywhere.
    """
    host = headers.get("host", "")
    if not _loopback(host) and _place(f"//{host}", urlsplit(origin).scheme) != _place(origin):
        return page(421, "Open the link as it stands in the message: this is another host.")
    sent_by = headers.get("origin", "").lower()
    same = bool(sent_by) and sent_by == origin and headers.get("sec-fetch-site", "same-origin") == "same-origin"
    if method not in ("GET", "HEAD") and not same and _foreign(headers):
        return page(403, "The form of another page may not be sent here: open the link in the message.")
    return None


def _loopback(host: str) -> bool:
    """Return whether a Host header names this machine. Without one it is no browser that asks."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if not host or name == "localhost":
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def _foreign(headers: Headers) -> bool:
    """Return whether a page of another origin sent this. Old browsers lack Sec-Fetch-Site, and Origin where they only
    fetch.
    """
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return True
    page = headers.get("origin") or headers.get("referer")
    if page is None:
        return False
    place = _place(page)
    return place is None or place != _place(f"//{headers.get('host', '')}", urlsplit(page).scheme)


def _place(url: str, scheme: str = "") -> tuple[str, int | None] | None:
    """Host and port; the scheme is not compared, as a proxy may have taken the TLS off. None for what
    names no place.
    """
    try:
        parts = urlsplit(url, scheme)
        return (parts.hostname, parts.port or _PORTS.get(parts.scheme)) if parts.hostname else None
    except ValueError:
        return None


def _preflight(headers: Headers) -> Response:
    answer_headers = {
        "Access-Control-Allow-Methods": "GET, POST",
        "Access-Control-Allow-Headers": "Authorization, Content-Type, If-None-Match, X-API-Key",
        "Access-Control-Max-Age": str(MAX_AGE),
    }
    if "access-control-request-private-network" in headers:
        answer_headers["Access-Control-Allow-Private-Network"] = "true"
    return Response(status_code=204, headers=answer_headers)


def _shared_with(origin: str, send: Send) -> Send:
    """Let the browser show the answer to the page that asked."""

    async def sharing(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = f"ETag, {SIGNATURE}"
            headers.add_vary_header("Origin")
        await send(message)

    return sharing


def _has_body(headers: Headers) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _closing_unread(receive: Receive, send: Send) -> tuple[Receive, Send]:
    """Close the connection after an answer to a request whose body was not read to its end: nobody shall have to read
    the rest.
    """
    unread = True

    async def receiving() -> Message:
        nonlocal unread
        message = await receive()
        unread = unread and bool(message.get("more_body", False))
        return message

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start" and unread:
            MutableHeaders(scope=message)["Connection"] = "close"
        await send(message)

    return receiving, sending
