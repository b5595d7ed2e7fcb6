"""Who is let in, and as whom: callers with a token, people who are signed in, and where nothing is protected programs
of this machine, but none of the pages in its browsers.

A page of any site can send requests to loopback, by its own address or by a name that it makes resolve there (DNS
rebinding). It cannot choose the headers `Host`, `Origin` and `Sec-Fetch-Site`, which the browser writes. What is
refused here is counted nowhere, so no page writes a name into the log.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http.cookies import CookieError, SimpleCookie
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Protocol, TypeAlias
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.core.credentials import AccessScope, Credential, CredentialKind, token_identity
from monitor.core.ports import Unavailable
from monitor.gate.client.signature import HEADER as SIGNATURE
from monitor.web.access import ANYBODY, NOBODY, Visitor, admit, own_name, scopes_of
from monitor.web.ack import PATH as ACK
from monitor.web.ack import AckPage, page
from monitor.web.credentials import CredentialCache
from monitor.web.responses import problem
from monitor.web.tokens import Tokens, secrets_in

MAX_AGE = 600
"""Seconds for which a browser may rely on what a preflight said."""

COOKIE = "access_monitor_session"

NAME_LENGTH = 80
"""Characters of a name that a proxy gives."""

Network: TypeAlias = IPv4Network | IPv6Network

_PORTS = {"http": 80, "https": 443}

_SHARED = ("/ofrep/", "/v1/gate/", "/v1/lease/")
"""What pages of named origins may ask; nothing else answers a page of another site."""

_FOR_PROGRAMS = ("/v1/", "/ofrep/", "/metrics", "/openapi.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRules:
    """What is set of access; a reload replaces it.

    Attributes:
        public_origin: Scheme and host by which people reach the server, as browsers write an origin; empty where they
            do not.
        proxies: From where `user_header` is believed.
        user_header: In which header a proxy names who is signed in.
        grants: Scope → the people who have it: names, addresses and groups that an identity provider or a proxy gives.
    """

    public_origin: str = ""
    proxies: Sequence[Network] = ()
    user_header: str = ""
    grants: Mapping[AccessScope, Sequence[str]] = field(default_factory=dict)

    @property
    def secure(self) -> bool:
        """Whether people come by TLS, so that cookies are sent by nothing else."""
        return self.public_origin.startswith("https://")

    def proxied_user(self, scope: Scope, headers: Headers) -> str:
        """Return whom a proxy names as signed in; empty where none does, or it is no proxy that was named."""
        name = headers.get(self.user_header, "").strip() if self.user_header else ""
        if not name or not name.isprintable() or len(name) > NAME_LENGTH:
            return ""
        try:
            address = ip_address((scope.get("client") or ("",))[0])
        except ValueError:
            return ""
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        return name if any((mapped or address) in network for network in self.proxies) else ""


class Callers(Protocol):
    """Who may ask: with a token, where there are any; from pages of these origins; and whom `ack` serves by links."""

    tokens: Tokens
    origins: Collection[str]
    ack: AckPage | None
    access: AccessRules
    credentials: CredentialCache | None


class Door:
    """Stands before the application, refuses pages of other sites, and says of every other request who sent it; what
    they may is for the routes. `callers` is looked at for each request: a reload replaces its parts.

    Paths that are `signed` have a signature of their own, so that they need no address.
    """

    def __init__(self, app: ASGIApp, callers: Callers, *, signed: Collection[str]) -> None:
        self._app = app
        self._callers = callers
        self._signed = signed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        named = origin in self._callers.origins and scope["path"].startswith(_SHARED)
        if _has_body(headers):
            receive, send = _closing_unread(receive, send)
        if named:
            send = _shared_with(origin, send)
        app: ASGIApp
        if named and scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            app = _preflight(headers)  # it carries no token, and asks whether a request with one may be sent
        else:
            app = await self._refusal(scope, headers, named=named) or self._app
        await app(scope, receive, send)

    async def _refusal(self, scope: Scope, headers: Headers, *, named: bool) -> Response | None:
        """Why a request is not let in; None where it is, and then it bears who sent it."""
        callers, path, rules = self._callers, scope["path"], self._callers.access
        link = path.startswith(ACK)
        try:
            visitor = await self._visitor(scope, headers)
        except Unavailable as error:
            if not link:
                return problem(503, str(error))
            visitor = NOBODY  # a link needs no more than its token
        if link:
            admit(scope, visitor)
            return _stranger(callers.ack.origin if callers.ack is not None else "", scope["method"], headers)
        protected = bool(callers.tokens)
        local = _loopback(headers.get("host", ""))
        # The word of a proxy is as good as its address, and a page can make a browser beside the proxy speak to us.
        told_apart = protected or path in self._signed or visitor.sign_in not in ("", "proxy")
        if not (local or told_apart or _is_public(rules.public_origin, headers)):
            details = (
                "Without tokens only this machine may ask: send localhost or 127.0.0.1 as Host, or set web.tokens."
            )
            return problem(421, details)
        if not named and _foreign(headers, rules.public_origin) and not _followed(scope, headers):
            return problem(403, "A page of another site may not ask: name its origin in web.origins if this is meant.")
        if not protected and local and (visitor.browser or not visitor.sign_in):
            visitor = replace(visitor, scopes=visitor.scopes | ANYBODY)
        admit(scope, visitor)
        return None

    async def _visitor(self, scope: Scope, headers: Headers) -> Visitor:
        """Return who a request says that it is from.

        Raises:
            Unavailable: that cannot be found out now.
        """
        callers, rules = self._callers, self._callers.access
        if callers.tokens.hold(headers):
            return Visitor(scopes=ANYBODY, sign_in="token")
        cache = callers.credentials
        if cache is not None:
            for secret in secrets_in(headers):
                if (token := await cache.find(secret, CredentialKind.TOKEN)) is not None:
                    identity = token_identity(token.name)
                    return Visitor(scopes=token.granted, name=token.name, identity=identity, sign_in="token")
            for secret in cookies_in(headers, COOKIE):
                if (session := await cache.find(secret, CredentialKind.SESSION)) is not None:
                    return await _of_session(session, cache, rules)
        if name := rules.proxied_user(scope, headers):
            scopes = scopes_of(own_name(name), rules.grants)
            return Visitor(scopes=scopes, name=name, identity=f"proxy:{name}", sign_in="proxy", browser=True)
        return NOBODY


async def _of_session(session: Credential, cache: CredentialCache, rules: AccessRules) -> Visitor:
    token = await cache.token(session.token) if session.token else None
    return Visitor(
        scopes=scopes_of(session.names.split("\n"), rules.grants) if token is None else token.granted,
        name=session.name,
        identity=session.identity,
        sign_in=session.sign_in,
        session=session.digest,
        browser=True,
    )


def cookies_in(headers: Headers, name: str) -> Iterator[str]:
    """Yield the values of a cookie; what is no cookie is none."""
    for header in headers.getlist("cookie"):
        try:
            morsel = SimpleCookie(header).get(name)
        except CookieError:
            continue
        if morsel is not None and morsel.value:
            yield morsel.value


def _stranger(origin: str, method: str, headers: Headers) -> Response | None:
    """Return why the page of a link is not shown: it is asked for by another name than the public one, or its form was
    sent by another page. The token in the path is all else that it takes; who opens a link comes from anywhere.
    """
    host = headers.get("host", "")
    if not _loopback(host) and not _is_public(origin, headers):
        return page(421, "Open the link as it stands in the message: this is another host.")
    if method not in ("GET", "HEAD") and _foreign(headers, origin):
        return page(403, "The form of another page may not be sent here: open the link in the message.")
    return None


def _is_public(origin: str, headers: Headers) -> bool:
    """Return whether a request is for the public origin, by its Host."""
    host = headers.get("host", "")
    return bool(origin) and _place(f"//{host}", urlsplit(origin).scheme) == _place(origin)


def _followed(scope: Scope, headers: Headers) -> bool:
    """Return whether somebody followed a link to a page of ours, as out of a message or from an identity provider: it
    is shown to them, and to no other page.
    """
    return (
        scope["method"] in ("GET", "HEAD")
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
        and not scope["path"].startswith(_FOR_PROGRAMS)
    )


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


def _foreign(headers: Headers, public: str) -> bool:
    """Return whether a page of another origin than ours, which may be the `public` one of a proxy, sent this. Old
    browsers lack Sec-Fetch-Site, and Origin where they only fetch.
    """
    sent_by = headers.get("origin", "").lower()
    if public and sent_by == public and headers.get("sec-fetch-site", "same-origin") == "same-origin":
        return False
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
