"""Who asks, and what they may: every path names the scope that it takes, and a route refuses who has not got it."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from monitor.core.credentials import AccessScope, granted
from monitor.web.responses import problem

CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf"

ANYBODY = frozenset({AccessScope.GATE, AccessScope.READ})
"""What everybody on this machine may where there are no tokens, and what a token of the configuration may."""

_VISITOR = "access_monitor.visitor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who asks.

    Attributes:
        scopes: What they may.
        name: What events call them; empty for a program or a person of whom no name is known.
        identity: The account behind the name.
        sign_in: How they showed who they are: `token` (a header, or the form), `link`, `oidc`, `proxy`; empty where
            they did not.
        session: The digest of their session; empty without one.
        browser: Whether it is a browser that shows it, by itself, so that a page of another site could make it ask.
    """

    scopes: frozenset[AccessScope] = frozenset()
    name: str = ""
    identity: str = ""
    sign_in: str = ""
    session: str = ""
    browser: bool = False

    def via(self, channel: str) -> dict[str, str]:
        """Return from where they act, as events keep it."""
        return {"identity": self.identity, "sign_in": self.sign_in, "channel": channel}


NOBODY = Visitor()


def visitor_of(scope: Scope) -> Visitor:
    """Return who sent a request; nobody, who may nothing, where no door let them in."""
    visitor: Visitor = scope.get(_VISITOR, NOBODY)
    return visitor


def admit(scope: Scope, visitor: Visitor) -> None:
    """Say of a request who sent it."""
    scope[_VISITOR] = visitor


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRefusal:
    """Why somebody may not: 401 who has to show who they are first, 403 who has not got the scope."""

    status: int
    sentence: str


def refusal_of(visitor: Visitor, needs: AccessScope) -> AccessRefusal | None:
    """Return why a visitor may not do what a scope is for; None where they may."""
    if needs in visitor.scopes:
        return None
    if visitor.sign_in:
        who = visitor.name or "This token"
        has = ", ".join(sorted(visitor.scopes)) or "nothing"
        return AccessRefusal(
            status=403, sentence=f"{who} may not: this takes the scope {needs}, and what is given is {has}."
        )
    if needs in ANYBODY:
        sentence = (
            "A token is needed: send Authorization: Bearer … or X-API-Key: … with one of web.tokens, or sign in at "
            "/signin."
        )
    else:
        sentence = (
            "Acting takes a person: send Authorization: Bearer … with a token of `access-monitor token add NAME "
            f"--scope {needs}`, or sign in at /signin."
        )
    return AccessRefusal(status=401, sentence=sentence)


def refused(request: Request, refusal: AccessRefusal) -> Response:
    """Answer a program that may not."""
    headers = {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else None
    return problem(refusal.status, refusal.sentence, headers)


Endpoint: TypeAlias = Callable[[Request], Any]
RefusalAnswer: TypeAlias = Callable[[Request, AccessRefusal], Response]


class ScopedRoute(Route):
    """A path and the scope that it takes, None for what anybody may ask. `answer` writes the refusal."""

    def __init__(
        self,
        path: str,
        endpoint: Endpoint,
        *,
        needs: AccessScope | None,
        methods: Sequence[str] | None = None,
        answer: RefusalAnswer = refused,
    ) -> None:
        super().__init__(path, endpoint, methods=methods)
        self.needs = needs
        self._answer = answer

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = None if self.needs is None else refusal_of(visitor_of(scope), self.needs)
        if refusal is None:
            await super().handle(scope, receive, send)
        else:
            await self._answer(Request(scope, receive), refusal)(scope, receive, send)


class FormKeys:
    """The tokens that forms carry, each bound to the session, or the proxy's user, that was shown the form.

    The key is of this process: a form that was open over a restart has to be loaded anew.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def of(self, visitor: Visitor) -> str:
        """Return the token of a visitor's forms; empty for who carries none."""
        bound = visitor.session or visitor.identity
        return hmac.new(self._key, bound.encode(), "sha256").hexdigest() if visitor.browser and bound else ""

    def holds(self, visitor: Visitor, given: str) -> bool:
        """Return whether a request was made by our own page; what no browser sends by itself needs no proof."""
        return not visitor.browser or (
            bool(given) and hmac.compare_digest(self.of(visitor).encode(), given.encode(errors="replace"))
        )


FORGED = "This was not sent by a page of ours, or the page is older than the session: load it again and repeat."


GROUP = "group:"
"""What the names of groups begin with in `web.scopes`."""


def own_name(name: str) -> tuple[str, ...]:
    """Return the name by which a person may be meant; none that would be that of a group."""
    return () if not name or name.casefold().startswith(GROUP) else (name,)


def scopes_of(names: Sequence[str], grants: Mapping[AccessScope, Sequence[str]]) -> frozenset[AccessScope]:
    """Return the scopes that `web.scopes` gives to a person of these names; `*` stands for everybody who signs in."""
    own_names = {name.casefold() for name in names} | {"*"}
    return granted(scope for scope, people in grants.items() if any(name.casefold() in own_names for name in people))
