"""Signing in by an identity provider: what is right signs in, and of what is wrong each single thing does not."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from identity_provider import CLIENT, SECRET, IdentityProvider
from signed_world import LOCAL, SignedWorld, csrf_of, signed_world
from starlette.testclient import TestClient

from monitor.web.door import COOKIE
from monitor.web.signin import WAITING

SCOPES = '[web.scopes]\noperate = ["ada@example.com"]\nadmin = ["group:leads"]\nread = ["group:platform"]\n'


def _settings(provider: IdentityProvider, secret: str = 'client_secret = "env:OIDC"') -> str:
    oidc = f'[web.oidc]\nissuer = "{provider.issuer}"\nclient_id = "{CLIENT}"\n{secret}\n'
    return f'listen = "127.0.0.1:8787"\npublic_url = "{LOCAL}"\n{oidc}{SCOPES}'


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    with IdentityProvider() as running:
        yield running


@pytest.fixture(scope="module")
def made(provider: IdentityProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignedWorld]:
    with signed_world(tmp_path_factory.mktemp("desk"), _settings(provider), {"env:OIDC": SECRET}) as desk:
        yield desk


@pytest.fixture
def desk(made: SignedWorld, provider: IdentityProvider) -> SignedWorld:
    provider.reset()
    made.world.now = max(made.world.now, datetime.now(UTC))
    return made


def _leave(browser: TestClient, after: str = "/open") -> str:
    """Leave for the provider, sign in there, and return the path and query by which the browser comes back."""
    answer = browser.get("/signin/oidc", params={"next": after})
    assert answer.status_code == 303, answer.text
    with httpx2.Client(trust_env=False, follow_redirects=False) as http:
        back = http.get(answer.headers["location"]).headers["location"]
    return back.removeprefix(LOCAL)


FOLLOWED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


def test_a_person_signs_in_and_acts_under_the_name_that_the_provider_gives(
    desk: SignedWorld, provider: IdentityProvider
) -> None:
    browser = desk.client()
    assert 'id="sign-in-oidc"' in browser.get("/signin").text
    back = browser.get(_leave(browser, "/open?x=1"), headers=FOLLOWED)
    assert (back.status_code, back.headers["location"]) == (303, "/open?x=1")
    session = browser.get("/v1/session").json()
    assert (session["name"], session["sign_in"]) == ("ada@example.com", "oidc")
    assert session["scopes"] == ["gate", "operate", "read"]
    answer = browser.post("/v1/entries/luna/ack", json={}, headers={"X-CSRF-Token": csrf_of(browser)})
    (event,) = answer.json()["events"]
    assert event["actor"] == "ada@example.com"
    assert event["data"]["via"] == {"channel": "api", "identity": f"{provider.issuer}#00u1", "sign_in": "oidc"}
    asked = provider.asked[-1]
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert "openid" in asked["scope"]
    assert len(asked["nonce"]) >= 32
    assert len(asked["state"]) >= 32


WRONG: dict[str, Callable[[IdentityProvider], object]] = {
    "nonce": lambda one: one.claims.update(nonce="another"),
    "no nonce": lambda one: one.claims.update(nonce=None),
    "issuer": lambda one: one.claims.update(iss="https://evil.example"),
    "audience": lambda one: one.claims.update(aud="another-client"),
    "audience, though we are the party": lambda one: one.claims.update(aud="another-client", azp=CLIENT),
    "audiences without us as the party": lambda one: one.claims.update(aud=[CLIENT, "another"], azp="another"),
    "expired": lambda one: one.claims.update(exp=int(time.time()) - 3600, iat=int(time.time()) - 7200),
    "never expires": lambda one: one.claims.update(exp=None),
    "of nobody": lambda one: one.claims.update(sub=None),
    "not yet": lambda one: one.claims.update(nbf=int(time.time()) + 3600),
    "access token": lambda one: one.claims.update(at_hash="AAAA"),
    "key": lambda one: setattr(one, "token_key", one.other_key),
    "signed by the shared secret": lambda one: (
        setattr(one, "token_key", one.shared),
        setattr(one, "header", {"alg": "HS256"}),
    ),
    "unsigned": lambda one: setattr(one, "cut", _unsigned),
    "cut": lambda one: setattr(one, "cut", lambda token: token[:-8]),
    "no token": lambda one: setattr(one, "cut", lambda token: ""),
    "another name for itself": lambda one: one.described.update(issuer="https://evil.example"),
    "no keys": lambda one: one.described.update(jwks_uri=f"{one.issuer}/nowhere"),
    "no endpoint": lambda one: one.described.update(token_endpoint=None),
    "name": lambda one: one.claims.update(sub="00\u20281", email_verified=False),
}


def _unsigned(token: str) -> str:
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).rstrip(b"=").decode()
    return f"{header}.{token.split('.')[1]}."


@pytest.mark.parametrize("what", WRONG)
def test_a_token_that_is_wrong_in_one_thing_signs_nobody_in(
    desk: SignedWorld, provider: IdentityProvider, what: str
) -> None:
    browser = desk.client()
    path = _leave(browser)
    WRONG[what](provider)
    answer = browser.get(path)
    assert answer.status_code == 403, answer.text
    assert 'id="problem"' in answer.text
    assert COOKIE not in browser.cookies
    assert browser.get("/v1/session").json()["name"] is None


def test_an_answer_counts_once_and_in_the_browser_that_left(desk: SignedWorld) -> None:
    browser, other = desk.client(), desk.client()
    path = _leave(browser)
    assert other.get(path).status_code == 403, "another browser, made to open what came back"
    _leave(other)
    assert other.get(path).status_code == 403, "a browser on a way of its own"
    state = parse_qs(urlsplit(path).query)["state"][0]
    assert browser.get("/signin/oidc/callback", params={"state": state}).status_code == 403
    path = _leave(browser)
    assert browser.get(path.replace("state=", "state=x")).status_code == 403, "the right code with another state"
    path = _leave(browser)
    waiting = browser.cookies[WAITING]
    assert browser.get(path).status_code == 303
    assert WAITING not in browser.cookies
    again = desk.client(Cookie=f"{WAITING}={waiting}")
    assert again.get(path).status_code == 403, "the code was used"


@pytest.mark.parametrize("cookie", ["", "e30=", "W10=", "not base64 !", base64.b64encode(b'["","","",""]').decode()])
def test_a_cookie_that_is_none_of_ours_leads_nowhere(desk: SignedWorld, cookie: str) -> None:
    browser = desk.client(Cookie=f'{WAITING}="{cookie}"')
    assert browser.get("/signin/oidc/callback?code=x&state=").status_code == 403


def test_what_the_provider_refuses_is_said_and_escaped(desk: SignedWorld) -> None:
    browser = desk.client()
    state = parse_qs(urlsplit(_leave(browser)).query)["state"][0]
    answer = browser.get(
        "/signin/oidc/callback", params={"state": state, "error": "access_denied", "error_description": "<script>no"}
    )
    assert answer.status_code == 403
    assert "&lt;script&gt;no" in answer.text


def test_an_address_that_is_not_verified_gives_nothing_and_groups_give_what_they_are_named_for(
    desk: SignedWorld, provider: IdentityProvider
) -> None:
    def session(**claims: Any) -> dict[str, Any]:
        browser = desk.client()
        path = _leave(browser)
        provider.claims = claims
        browser.get(path)
        answer: dict[str, Any] = browser.get("/v1/session").json()
        return answer

    unverified = session(email_verified=False)
    assert (unverified["name"], unverified["scopes"]) == ("00u1", ["gate", "read"])
    assert "operate" not in session(email_verified="true")["scopes"]
    assert session(groups="leads")["scopes"] == ["admin", "gate", "operate", "read"]
    assert "admin" not in session(groups=None, email="group:leads")["scopes"]


def test_a_client_without_a_secret_shows_its_verifier_alone(provider: IdentityProvider, tmp_path: Path) -> None:
    provider.reset()
    provider.public_client = True
    with signed_world(tmp_path, _settings(provider, "")) as desk:
        desk.world.now = datetime.now(UTC)
        browser = desk.client()
        assert browser.get(_leave(browser)).status_code == 303


def test_a_provider_that_does_not_answer_is_said_in_a_sentence(tmp_path: Path) -> None:
    gone = IdentityProvider()
    with gone:
        pass
    with signed_world(tmp_path, _settings(gone), {"env:OIDC": SECRET}) as desk:
        answer = desk.client().get("/signin/oidc")
        assert answer.status_code == 503
        assert "cannot be reached" in answer.text
        assert SECRET not in answer.text


def test_without_a_provider_there_is_no_way_to_one(tmp_path: Path) -> None:
    with signed_world(tmp_path) as desk:
        assert desk.client().get("/signin/oidc").status_code == 404
        assert desk.client().get("/signin/oidc/callback").status_code == 404
        assert 'id="sign-in-oidc"' not in desk.client().get("/signin").text
