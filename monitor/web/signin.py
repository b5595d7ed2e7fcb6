"""Signing in and out: by a token in a form, by a link that is used once, by an identity provider. A session is a cookie
that no script reads and no other site sends; who signs in always gets a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.core.ports import Clock, MonitorError
from monitor.registry.credentials import SESSION_LASTS, Credentials, IssuedCredential, NotSignedIn
from monitor.web.access import CSRF_FIELD, FORGED, FormKeys, ScopedRoute, visitor_of
from monitor.web.api.act_service import Turns
from monitor.web.credentials import CredentialCache
from monitor.web.door import COOKIE, AccessRules, cookies_in
from monitor.web.forms import A_MINUTE, OversizedBody, RateLimit, body_of, form_of
from monitor.web.oidc import CALLBACK, PROVIDER, OidcClient, SignInFailed
from monitor.web.pages.frame import HEADERS, Values, as_page, drawn
from monitor.web.responses import as_response
from monitor.web.tokens import Tokens

LARGEST = 8 * 1024
"""Bytes of a form."""

WAITING = "access_monitor_oidc"
"""The cookie of who is on the way to an identity provider and back."""

_WAITS = timedelta(minutes=10)
_NOBODY = (
    "This token of the configuration names nobody: `access-monitor token add NAME --scope read --by YOU` makes one "
    "that signs a person in."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInPages:
    """The pages. `tokens` are those of the configuration, which sign nobody in; they, `rules`, `provider` and
    `credentials` are others after a reload.
    """

    credentials: Callable[[], Credentials]
    tokens: Callable[[], Tokens]
    cache: CredentialCache
    rules: Callable[[], AccessRules]
    provider: Callable[[], OidcClient | None]
    keys: FormKeys
    clock: Clock
    turns: Turns = field(default_factory=Turns)
    limit: RateLimit = field(default_factory=lambda: RateLimit(A_MINUTE))

    def routes(self) -> list[Route]:
        """Return the paths, which are open to everybody."""
        return [
            ScopedRoute("/signin", self._form, needs=None),
            ScopedRoute("/signin", self._by_token, needs=None, methods=["POST"]),
            ScopedRoute(PROVIDER, self._to_provider, needs=None),
            ScopedRoute(CALLBACK, self._from_provider, needs=None),
            ScopedRoute("/signin/{link}", self._link, needs=None),
            ScopedRoute("/signin/{link}", self._by_link, needs=None, methods=["POST"]),
            ScopedRoute("/signout", self._sign_out, needs=None, methods=["POST"]),
            ScopedRoute("/v1/session", self._who, needs=None),
        ]

    async def _form(self, request: Request) -> Response:
        return self._page(request, local(request.query_params.get("next", "")))

    async def _by_token(self, request: Request) -> Response:
        form = await self._sent(request)
        if isinstance(form, Response):
            return form
        after, token = local(form.get("next", "")), form.get("token", "").strip()
        if self.tokens().holds(token.encode(errors="replace")):
            return self._page(request, after, 403, _NOBODY)
        return await self._signed_in(request, after, lambda: self.credentials().sign_in_by_token(token, SESSION_LASTS))

    async def _link(self, request: Request) -> Response:
        """Show a link's button: programs open links to look what is behind them, and would use it up."""
        values = {"title": "Sign in", "link": True, "provider": False, "after": "/", "problem": ""}
        return as_page(drawn("signin.html", values, request))

    async def _by_link(self, request: Request) -> Response:
        form = await self._sent(request)
        if isinstance(form, Response):
            return form
        link = request.path_params["link"]
        return await self._signed_in(request, "/", lambda: self.credentials().sign_in_by_link(link, SESSION_LASTS))

    async def _to_provider(self, request: Request) -> Response:
        provider = self.provider()
        if provider is None:
            return self._page(request, "/", 404, "No identity provider is configured: set web.oidc.")
        if (refusal := self._refusal(request)) is not None:
            return refusal
        try:
            going = await self.turns.run(lambda: provider.begin(local(request.query_params.get("next", ""))))
        except MonitorError as error:
            return self._page(request, "/", 503, error.sentence)
        response = Response(status_code=303, headers={**HEADERS, "Location": going.url})
        self._set(response, WAITING, going.cookie, _WAITS)
        return response

    async def _from_provider(self, request: Request) -> Response:
        provider = self.provider()
        waiting = next(cookies_in(request.headers, WAITING), "")
        if provider is None:
            return self._page(request, "/", 404, "No identity provider is configured: set web.oidc.")

        def sign_in() -> tuple[IssuedCredential, str]:
            person, after = provider.finish(waiting, request.query_params, self.clock())
            return self.credentials().sign_in(person, SESSION_LASTS), after

        try:
            issued, after = await self.turns.run(sign_in)
        except SignInFailed as error:
            response = self._page(request, "/", 403, str(error))
        except MonitorError as error:
            response = self._page(request, "/", 503, error.sentence)
        else:
            response = self._begun(request, issued, local(after))
        response.delete_cookie(WAITING, path="/")
        return response

    async def _sign_out(self, request: Request) -> Response:
        visitor = visitor_of(request.scope)
        form = await self._sent(request)
        if isinstance(form, Response):
            return form
        if visitor.session:
            if not self.keys.holds(visitor, form.get(CSRF_FIELD, "")):
                return self._page(request, "/", 403, FORGED)
            try:
                await self.turns.run(lambda: self.credentials().sign_out(visitor.session))
            except MonitorError as error:
                return self._page(request, "/", 503, error.sentence)
            self.cache.forget()
        response = Response(status_code=303, headers={**HEADERS, "Location": "/signin"})
        response.delete_cookie(COOKIE, path="/")
        return response

    async def _who(self, request: Request) -> Response:
        """`GET /v1/session`: who asks, what they may, and what their requests have to carry."""
        visitor = visitor_of(request.scope)
        return as_response(
            {
                "name": visitor.name or None,
                "sign_in": visitor.sign_in or None,
                "scopes": sorted(visitor.scopes),
                "csrf": self.keys.of(visitor) or None,
            }
        )

    async def _sent(self, request: Request) -> Mapping[str, str] | Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        try:
            return form_of(await body_of(request, LARGEST))
        except OversizedBody:
            return self._page(request, "/", 413, "The form is too large.")

    def _refusal(self, request: Request) -> Response | None:
        address = request.client.host if request.client is not None else ""
        if self.limit.admit(address, self.clock()):
            return None
        return self._page(request, "/", 429, "Too many attempts: wait a minute.", {"Retry-After": "60"})

    async def _signed_in(self, request: Request, after: str, sign_in: Callable[[], IssuedCredential]) -> Response:
        try:
            issued = await self.turns.run(sign_in)
        except NotSignedIn as error:
            return self._page(request, after, 403, error.sentence)
        except MonitorError as error:
            return self._page(request, after, 503, error.sentence)
        return self._begun(request, issued, after)

    def _begun(self, request: Request, issued: IssuedCredential, after: str) -> Response:
        """Lead a person who has signed in to where they wanted to go; a session that they had before is over."""
        self.cache.forget()
        response = Response(status_code=303, headers={**HEADERS, "Location": after})
        self._set(response, COOKIE, issued.secret, SESSION_LASTS)
        return response

    def _set(self, response: Response, name: str, value: str, lasts: timedelta) -> None:
        response.set_cookie(
            name,
            value,
            max_age=int(lasts.total_seconds()),
            path="/",
            secure=self.rules().secure,
            httponly=True,
            samesite="lax",
        )

    def _page(
        self,
        request: Request,
        after: str,
        status: int = 200,
        sentence: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        values: Values = {
            "title": "Sign in",
            "link": False,
            "provider": self.provider() is not None,
            "after": after,
            "problem": sentence,
        }
        return as_page(drawn("signin.html", values, request, self.keys), status, headers)


def local(path: str) -> str:
    """Return a path of ours to go on to; the first page for what leads elsewhere."""
    parts = urlsplit(path)
    here = path.startswith("/") and not path.startswith("//") and not parts.scheme and not parts.netloc
    return path if here and "\\" not in path and path.isprintable() else "/"
