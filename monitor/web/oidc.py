"""Signing in by an identity provider: OpenID Connect, code flow with PKCE. Who comes back is believed when the answer
belongs to the browser that left (state), to this very attempt (nonce, code verifier), and is signed by the issuer for
us and for now.

Authlib makes the question and judges the claims; the requests go through a client of our own, which follows no redirect
and takes no proxy from the environment.
"""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import httpx2

from monitor.core.ports import MonitorError
from monitor.core.redaction import redact
from monitor.registry.credentials import NAME_LENGTH, SignedPerson
from monitor.settings.values import Oidc
from monitor.web.access import GROUP, own_name

PROVIDER = "/signin/oidc"
CALLBACK = "/signin/oidc/callback"

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""How tokens may be signed: by keys of which the provider publishes one half. A shared secret is none."""

LEEWAY = 60
"""Seconds by which the clock of the provider may differ from ours."""

_TIMEOUT = 10.0
_LARGEST = 1024 * 1024
_RANDOM_BYTES = 32


class SignInFailed(MonitorError):
    """The provider cannot be asked, or what came back proves nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """Where a browser is sent, and the cookie by which it is known when it is back."""

    url: str
    cookie: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcClient:
    """One provider. `secret` resolves the reference of the client's secret; `root` is where people reach us."""

    settings: Oidc
    root: str
    secret: Callable[[str], str]
    transport: httpx2.BaseTransport | None = None

    def begin(self, after: str) -> Departure:
        """Return where to send a browser that wants to sign in, and then to a path of ours.

        Raises:
            SignInFailed: the provider does not describe itself.
        """
        state, nonce, verifier = (secrets.token_urlsafe(_RANDOM_BYTES) for _ in range(3))
        with self._http() as http:
            described = self._described(http)
            url, _ = self._oauth(http).create_authorization_url(
                str(described["authorization_endpoint"]), state=state, code_verifier=verifier, nonce=nonce
            )
        waiting = json.dumps([state, nonce, verifier, after]).encode()
        return Departure(url=url, cookie=urlsafe_b64encode(waiting).decode())

    def finish(self, cookie: str, given: Mapping[str, str], now: datetime) -> tuple[SignedPerson, str]:
        """Return who came back, and the path to go on to.

        Raises:
            SignInFailed: it is another browser, another attempt, or the token is not one of this issuer for us.
        """
        state, nonce, verifier, after = _kept(cookie)
        if not state or not secrets.compare_digest(state.encode(), given.get("state", "").encode(errors="replace")):
            raise SignInFailed("This is not the browser that left for the identity provider, or it was too long ago.")
        if "error" in given:
            words = redact(given.get("error_description") or given["error"])[:200]
            raise SignInFailed(f"The identity provider refused: {words}.")
        with self._http() as http:
            described = self._described(http)
            if given.get("iss", described["issuer"]) != described["issuer"]:  # RFC 9207: an answer of another provider
                raise SignInFailed("The answer is of another identity provider.")
            token = self._token(http, described, given.get("code", ""), verifier)
            claims = self._claims(http, described, token, nonce, now)
        return self._person(claims), after

    def _http(self) -> httpx2.Client:
        return httpx2.Client(
            timeout=_TIMEOUT, follow_redirects=False, trust_env=False, transport=self.transport, max_redirects=0
        )

    def _oauth(self, http: httpx2.Client) -> Any:
        from authlib.oauth2 import OAuth2Client

        reference = self.settings.client_secret
        return OAuth2Client(
            http,
            client_id=self.settings.client_id,
            client_secret=self.secret(reference) if reference else None,
            scope="openid profile email",
            redirect_uri=f"{self.root}{CALLBACK}",
            code_challenge_method="S256",
        )

    def _described(self, http: httpx2.Client) -> Mapping[str, Any]:
        """Return how the provider describes itself, which has to bear the issuer that is configured."""
        described = _json_of(http, f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration")
        if str(described.get("issuer", "")).rstrip("/") != self.settings.issuer.rstrip("/"):
            raise SignInFailed("The identity provider calls itself by another name than web.oidc.issuer.")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not isinstance(described.get(name), str):
                raise SignInFailed(f"The identity provider does not say its {name}.")
        return described

    def _token(self, http: httpx2.Client, described: Mapping[str, Any], code: str, verifier: str) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": f"{self.root}{CALLBACK}",
            "code_verifier": verifier,
        }
        reference = self.settings.client_secret
        auth = httpx2.BasicAuth(self.settings.client_id, self.secret(reference)) if reference else httpx2.Auth()
        if not reference:
            form["client_id"] = self.settings.client_id
        try:
            answer = http.post(
                described["token_endpoint"],
                content=urlencode(form),
                headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
                auth=auth,
            )
            token = answer.json() if answer.status_code == 200 else None
        except (httpx2.HTTPError, ValueError) as error:
            raise SignInFailed(f"The identity provider gave no token ({type(error).__name__}): try again.") from None
        if not isinstance(token, dict) or not isinstance(token.get("id_token"), str):
            raise SignInFailed(f"The identity provider gave no token (HTTP {answer.status_code}): try again.")
        return token

    def _claims(
        self, http: httpx2.Client, described: Mapping[str, Any], token: Mapping[str, Any], nonce: str, now: datetime
    ) -> Mapping[str, Any]:
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet
        from joserfc.jws import JWSRegistry

        try:
            keys = KeySet.import_key_set(_json_of(http, described["jwks_uri"]))  # type: ignore[arg-type]
            registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
            read = jwt.decode(token["id_token"], keys, registry=registry)
            claims = CodeIDToken(
                read.claims,
                read.header,
                {
                    "iss": {"essential": True, "value": described["issuer"]},
                    "aud": {"essential": True, "value": self.settings.client_id},
                },
                {"nonce": nonce, "client_id": self.settings.client_id, "access_token": token.get("access_token")},
            )
            claims.validate(now=int(now.timestamp()), leeway=LEEWAY)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise SignInFailed(f"The token of the identity provider is not taken ({type(error).__name__}).") from None
        return dict(claims)

    def _person(self, claims: Mapping[str, Any]) -> SignedPerson:
        """Return whom a token is about. An address that the provider has not verified is anybody's, and counts for
        nothing.
        """
        email = str(claims.get("email", "")) if claims.get("email_verified") is True else ""
        groups = claims.get(self.settings.groups_claim, ())
        subject = str(claims["sub"])
        name = email or str(claims.get("preferred_username") or subject)
        if not subject or not name.isprintable():
            raise SignInFailed("The identity provider gives the person no name that could be recorded.")
        group_names = (str(group) for group in (groups if isinstance(groups, list) else [groups]) if group)
        return SignedPerson(
            name=name[:NAME_LENGTH],
            identity=f"{self.settings.issuer}#{subject}",
            names=tuple(_lines([*own_name(email), *(f"{GROUP}{group}" for group in group_names)])),
        )


def _lines(names: Iterable[str]) -> list[str]:
    return [name for name in names if name and name.isprintable()]


def _kept(cookie: str) -> tuple[str, str, str, str]:
    """Return state, nonce, verifier and path of a cookie; empty of what is none of ours."""
    try:
        state, nonce, verifier, after = json.loads(urlsafe_b64decode(cookie.encode()))
    except (ValueError, TypeError):
        return "", "", "", ""
    return str(state), str(nonce), str(verifier), str(after)


def _json_of(http: httpx2.Client, url: str) -> dict[str, Any]:
    try:
        answer = http.get(url, headers={"Accept": "application/json"})
        document = answer.json() if answer.status_code == 200 and len(answer.content) <= _LARGEST else None
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise SignInFailed(f"The identity provider cannot be reached ({type(error).__name__}): try again.") from None
    if not isinstance(document, dict):
        raise SignInFailed(f"The identity provider does not answer as one (HTTP {answer.status_code}).")
    return document
