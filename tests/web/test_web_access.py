"""Who may what over HTTP: a scope on every path, tokens and sessions that end, and what a page of another site, or
somebody who is no proxy, tries.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from signed_world import LOCAL, Form, SignedWorld, csrf_of, signed_world
from starlette.testclient import TestClient

from monitor.core.credentials import AccessScope, digest_of_secret, granted
from monitor.core.ports import Unavailable
from monitor.web.access import ScopedRoute
from monitor.web.credentials import CredentialCache
from monitor.web.door import COOKIE

GATE, READ, OPERATE, ADMIN = AccessScope.GATE, AccessScope.READ, AccessScope.OPERATE, AccessScope.ADMIN
CONFIGURED = "a-token-of-the-configuration"
PROTECTED = 'tokens = ["env:TOKEN"]\norigins = ["https://app.example"]'
PUBLIC = "https://monitor.example.com"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignedWorld]:
    """Provide a desk on loopback without tokens of the configuration."""
    with signed_world(tmp_path_factory.mktemp("desk")) as made:
        yield made


@pytest.fixture(scope="module")
def protected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignedWorld]:
    """Provide a desk that asks everybody for a token."""
    with signed_world(tmp_path_factory.mktemp("desk"), PROTECTED, {"env:TOKEN": CONFIGURED}) as made:
        yield made


# -- scopes -----------------------------------------------------------------------------------------------------------


def _asked(route: ScopedRoute) -> tuple[str, str]:
    path = re.sub(r"{position(:int)?}", "1", route.path)
    method = "POST" if "POST" in (route.methods or ()) else "GET"
    return method, re.sub(r"{(\w+)(?::\w+)?}", "luna", path)


OPEN = {
    "/healthz",
    "/readyz",
    "/signin",
    "/signin/oidc",
    "/signin/oidc/callback",
    "/signin/{link}",
    "/signout",
    "/static/{name}",
    "/v1/session",
    "/v1/github/deployment-protection",
    "/ack/style.css",
    "/ack/{notice:path}/{token}",
}
"""What anybody may ask: probes, what makes a person known, and what carries a secret or a signature of its own."""


def test_every_path_takes_a_scope_which_refuses_who_has_all_others(protected: SignedWorld) -> None:
    clients = {scope: protected.bearer(f"only {scope}", scope) for scope in AccessScope}
    nobody = protected.client()
    found: dict[AccessScope, int] = dict.fromkeys(AccessScope, 0)
    walked: set[tuple[str, str]] = set()
    for route in protected.app.routes:
        assert isinstance(route, ScopedRoute), route
        method, path = _asked(route)
        if (method, path) in walked:
            continue  # the route before it answers
        walked.add((method, path))
        if route.needs is None:
            assert route.path in OPEN
            continue
        found[route.needs] += 1
        without = nobody.request(method, path, json={} if method == "POST" else None)
        page = without.status_code == 303 and without.headers["location"].startswith("/signin?next=")
        assert page or without.status_code == 401, (method, path, without.status_code)
        for scope, client in clients.items():
            answer = client.request(method, path, json={} if method == "POST" else None)
            if route.needs in granted([scope]):
                assert answer.status_code not in (401, 403), (method, path, scope, answer.text)
            else:
                assert answer.status_code == 403, (method, path, scope, answer.status_code)
                assert str(route.needs) in answer.text
    assert min(found.values()) > 0
    assert {
        route.path for route in protected.app.routes if isinstance(route, ScopedRoute) and route.needs is None
    } == OPEN


def test_a_token_of_the_configuration_reads_and_asks_the_gate_and_never_acts(protected: SignedWorld) -> None:
    configured = protected.client(Authorization=f"Bearer {CONFIGURED}")
    assert configured.get("/v1/registry").status_code == 200
    assert configured.get("/v1/gate/luna").status_code == 200
    refused = configured.post("/v1/entries/luna/ack", json={})
    assert refused.status_code == 403
    assert "operate" in refused.json()["detail"]
    assert configured.post("/v1/configuration/accept", json={}).status_code == 403
    nobody = protected.client().post("/signin", data={"token": CONFIGURED})
    assert (nobody.status_code, "names nobody" in nobody.text) == (403, True)


def test_on_loopback_without_tokens_everybody_reads_and_nobody_acts(desk: SignedWorld) -> None:
    nobody = desk.client()
    assert [nobody.get(path).status_code for path in ("/", "/v1/registry", "/v1/gate/luna")] == [200, 200, 200]
    refused = nobody.post("/v1/entries/luna/pause", json={"reason": "so"})
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    asked = nobody.get("/acts/resume?entry=luna")
    assert (asked.status_code, asked.headers["location"]) == (303, "/signin?next=%2Facts%2Fresume%3Fentry%3Dluna")
    assert desk.bearer("reads only", READ).get("/v1/gate/luna").status_code == 403


def test_an_unknown_path_says_nothing_to_who_may_not_read(protected: SignedWorld) -> None:
    assert protected.client().get("/nowhere").status_code == 401
    assert protected.bearer("reader of nothing", READ).get("/nowhere").status_code == 404


# -- tokens -----------------------------------------------------------------------------------------------------------


def test_a_token_ends_by_time_and_by_revocation_at_once_and_so_does_what_it_signed_in(desk: SignedWorld) -> None:
    dated = desk.token("dated", OPERATE, until=desk.world.now + timedelta(hours=1))
    client, browser = desk.client(X_API_Key=dated), desk.client()
    assert browser.post("/signin", data={"token": dated}).status_code == 303
    for asking in (client, browser):
        assert asking.get("/v1/session").json()["name"] == "dated"
    desk.world.now += timedelta(hours=1)
    for asking in (client, browser):
        assert asking.get("/v1/session").json()["name"] is None

    browser = desk.signed_in("revoked", OPERATE)
    assert browser.get("/acts/ack?entry=luna").status_code == 200
    desk.host.credentials.revoke("revoked", by="root", via={})
    assert browser.get("/v1/session").json()["name"] is None
    assert browser.get("/acts/ack?entry=luna").status_code == 303


def test_a_session_without_its_token_is_none(desk: SignedWorld) -> None:
    browser = desk.signed_in("lost", OPERATE)
    with desk.world.store.write() as tx:
        (session,) = [row for row in tx.credentials() if row.name == "lost" and row.kind == "session"]
        tx.revoke_token("lost", desk.world.now)
        tx.put_credential(session)
    assert browser.get("/v1/session").json()["name"] is None


def test_the_last_use_of_a_token_is_kept_without_a_write_a_request(desk: SignedWorld) -> None:
    client = desk.bearer("used", READ)
    cache = desk.endpoints.credentials
    assert cache is not None
    cache.take_uses()
    before = desk.world.head
    for _ in range(3):
        assert client.get("/v1/registry").status_code == 200
    uses = cache.take_uses()
    assert list(uses.values()) == [desk.world.now]
    desk.host.credentials.note_uses(uses)
    (row,) = [row for row in desk.host.credentials.tokens() if row.name == "used"]
    assert (row.used_at, desk.world.head) == (desk.world.now, before)
    assert cache.take_uses() == {}


def test_no_secret_is_stored_or_answered(desk: SignedWorld, caplog: pytest.LogCaptureFixture) -> None:
    secret = desk.token("planted", OPERATE)
    browser = desk.client()
    browser.post("/signin", data={"token": secret})
    session = browser.cookies[COOKIE]
    answer = browser.post(
        "/v1/entries/luna/ack",
        json={"note": f"my token is {secret} {session}"},
        headers={"X-CSRF-Token": csrf_of(browser)},
    )
    assert answer.status_code == 200, answer.text
    database = b"".join(path.read_bytes() for path in _files(desk))
    for value in (secret, session):
        assert value.encode() not in database
        assert digest_of_secret(value).encode() in database
        assert value not in caplog.text
        for path in ("/", "/events", "/v1/events?limit=1000", "/configuration", "/v1/configuration", "/v1/session"):
            assert value not in browser.get(path).text


def _files(desk: SignedWorld) -> list[Path]:
    path = Path(desk.world.store.name.rpartition(" ")[2])  # type: ignore[attr-defined]
    return [file for file in path.parent.iterdir() if file.name.startswith(path.name)]


def test_while_the_database_is_away_known_tokens_go_on_and_nobody_new_is_told_apart(desk: SignedWorld) -> None:
    secret = desk.token("known before", READ)
    away = False

    def read() -> object:
        if away:
            raise Unavailable("away")
        with desk.world.store.read() as reader:
            return reader.credentials()

    cache = desk.endpoints.credentials
    try:
        for known in (True, False):
            desk.endpoints.credentials = CredentialCache(read, desk.world.clock, desk.tick)  # type: ignore[arg-type]
            client = desk.client(Authorization=f"Bearer {secret}")
            away = not known
            if known:
                assert client.get("/v1/session").json()["name"] == "known before"
            away = True
            answer = client.get("/v1/session")
            assert answer.status_code == (200 if known else 503)
            assert not known or answer.json()["name"] == "known before"
            assert desk.client().get("/v1/gate/luna").status_code == 200, "who sends no token is not held up"
    finally:
        desk.endpoints.credentials = cache


# -- sessions ---------------------------------------------------------------------------------------------------------


def test_a_session_is_a_cookie_that_no_script_reads_and_no_other_site_sends(desk: SignedWorld, tmp_path: Path) -> None:
    answer = desk.client().post("/signin", data={"token": desk.token("cookie", OPERATE), "next": "/open?x=1"})
    assert answer.headers["location"] == "/open?x=1"
    cookie = answer.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=lax", "Path=/", "Max-Age=43200"))
    assert "Secure" not in cookie
    with signed_world(tmp_path, f'public_url = "{PUBLIC}"') as public:
        browser = public.client(base=PUBLIC)
        answer = browser.post("/signin", data={"token": public.token("cookie", OPERATE)}, headers={"Origin": PUBLIC})
        assert "Secure" in answer.headers["set-cookie"]
        assert browser.get("/open").status_code == 200
        assert public.client(base=PUBLIC).get("/open").status_code == 303, "who comes by the public name signs in"
        assert public.client(base="https://evil.example").get("/open").status_code == 421


@pytest.mark.parametrize(
    "after", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "open", "/a\nb"]
)
def test_a_sign_in_leads_to_no_other_site(desk: SignedWorld, after: str) -> None:
    token = desk.token(f"led to {after!r}", READ)
    assert desk.client().post("/signin", data={"token": token, "next": after}).headers["location"] == "/"


def test_a_session_that_somebody_else_chose_is_none_and_signing_in_gives_a_new_one(desk: SignedWorld) -> None:
    browser = desk.client()
    browser.cookies.set(COOKIE, "ams_chosen-by-somebody-else-chosen-by-somebody-else", domain="localhost.local")
    assert browser.get("/v1/session").json()["name"] is None
    token = desk.token("fixed", OPERATE)
    first = browser.post("/signin", data={"token": token}).cookies[COOKIE]
    second = browser.post("/signin", data={"token": token}).cookies[COOKIE]
    assert len({first, second, "ams_chosen-by-somebody-else-chosen-by-somebody-else"}) == 3


def test_a_session_ends_by_time_and_by_signing_out(desk: SignedWorld) -> None:
    browser = desk.signed_in("leaves", OPERATE)
    cookie = browser.cookies[COOKIE]
    form = Form(browser.get("/open").text, "sign-out")
    assert browser.post("/signout", data={"csrf": "0" * 64}).status_code == 403
    assert browser.post(form.action, data=form.fields).status_code == 303
    stolen = desk.client(Cookie=f"{COOKIE}={cookie}")
    assert stolen.get("/v1/session").json()["name"] is None, "the session is over, not only the cookie gone"

    browser = desk.signed_in("stays too long", OPERATE)
    desk.world.now += timedelta(hours=12)
    assert browser.get("/v1/session").json()["name"] is None


def test_a_link_signs_in_once_and_only_by_its_button(desk: SignedWorld) -> None:
    desk.token("linked", OPERATE)
    secret = desk.host.credentials.link("linked", by="root", via={}).secret
    for _ in range(2):  # as mail scanners do
        shown = desk.client().get(f"/signin/{secret}")
        assert shown.status_code == 200
        assert COOKIE not in shown.cookies
    browser = desk.client()
    assert browser.post(f"/signin/{secret}").status_code == 303
    assert browser.get("/v1/session").json() | {"csrf": ""} == {
        "name": "linked", "sign_in": "link", "scopes": ["gate", "operate", "read"], "csrf": ""
    }  # fmt: skip
    again = desk.client().post(f"/signin/{secret}")
    assert (again.status_code, COOKIE in again.cookies) == (403, False)
    late = desk.host.credentials.link("linked", by="root", via={}).secret
    desk.world.now += timedelta(minutes=10)
    assert desk.client().post(f"/signin/{late}").status_code == 403


def test_attempts_to_sign_in_are_bounded(tmp_path: Path) -> None:
    with signed_world(tmp_path) as desk:
        browser = desk.client()
        codes = [browser.post("/signin", data={"token": "amt_guess"}).status_code for _ in range(61)]
        assert codes == [403] * 60 + [429]


# -- pages of other sites ---------------------------------------------------------------------------------------------


def test_a_forged_form_does_nothing(desk: SignedWorld) -> None:
    browser, other = desk.signed_in("clicks", OPERATE), desk.signed_in("another", OPERATE)
    before = desk.world.head
    fields = {"entry": "luna", "step": "confirm", "note": "x"}
    for csrf in ("", "0" * 64, csrf_of(other)):
        assert browser.post("/acts/ack", data={**fields, "csrf": csrf}).status_code == 403
        answer = browser.post("/v1/entries/luna/ack", json={}, headers={"X-CSRF-Token": csrf} if csrf else {})
        assert answer.status_code == 403
    assert desk.world.head == before
    assert browser.post("/acts/ack", data={**fields, "csrf": csrf_of(browser)}).status_code == 200
    assert desk.world.head == before + 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Referer": "https://evil.example/page"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    ],
)
def test_a_page_of_another_site_neither_acts_nor_signs_anybody_in(desk: SignedWorld, headers: dict[str, str]) -> None:
    browser = desk.signed_in(f"visits {len(desk.host.credentials.tokens())}", OPERATE)
    csrf = csrf_of(browser)
    before = desk.world.head
    for path, data in (("/acts/ack", {"entry": "luna", "step": "confirm", "csrf": csrf}), ("/signin", {"token": "x"})):
        assert browser.post(path, data=data, headers=headers).status_code == 403
    answer = browser.post("/v1/entries/luna/ack", json={}, headers={**headers, "X-CSRF-Token": csrf})
    assert (answer.status_code, desk.world.head) == (403, before)


def test_who_follows_a_link_out_of_a_message_is_shown_the_page_and_nothing_else(desk: SignedWorld) -> None:
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert desk.client().get("/entries/luna", headers=followed).status_code == 200
    for headers in (followed, {**followed, "Sec-Fetch-Dest": "iframe"}, {"Sec-Fetch-Site": "cross-site"}):
        assert desk.client().get("/v1/registry", headers=headers).status_code == 403
    assert desk.client().get("/entries/luna", headers={**followed, "Sec-Fetch-Dest": "iframe"}).status_code == 403


def test_a_named_origin_asks_the_gate_and_nothing_else(protected: SignedWorld) -> None:
    app = {"Origin": "https://app.example", "Sec-Fetch-Site": "cross-site"}
    gate, reader = protected.bearer("from an app", GATE), protected.bearer("reader", READ)
    flag = gate.post("/ofrep/v1/evaluate/flags/luna", json={}, headers=app)
    assert (flag.status_code, flag.headers["access-control-allow-origin"]) == (200, "https://app.example")
    read = reader.get("/v1/registry", headers=app)
    assert (read.status_code, "access-control-allow-origin" in read.headers) == (403, False)


def test_a_page_that_points_a_name_of_its_own_at_loopback_learns_nothing(desk: SignedWorld) -> None:
    rebound = desk.client(base="http://evil.example")
    assert {rebound.get(path).status_code for path in ("/", "/v1/registry", "/signin", "/v1/session")} == {421}


# -- proxies ----------------------------------------------------------------------------------------------------------

PROXY = f"""public_url = "{PUBLIC}"
trusted_proxy = ["192.0.2.7", "2001:db8::/32"]
user_header = "X-Forwarded-User"
scopes = {{ operate = ["ada@example.com"], admin = ["group:leads"], read = ["*"] }}
"""


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignedWorld]:
    with signed_world(tmp_path_factory.mktemp("desk"), PROXY) as made:
        yield made


def _through(desk: SignedWorld, address: str, user: str, base: str = PUBLIC) -> TestClient:
    return desk.client(base=base, address=address, X_Forwarded_User=user)


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::1", "::ffff:192.0.2.7"])
def test_a_proxy_that_is_named_says_who_acts(proxied: SignedWorld, address: str) -> None:
    ada = _through(proxied, address, "ada@example.com")
    session = ada.get("/v1/session").json()
    assert (session["name"], session["sign_in"], session["scopes"]) == ("ada@example.com", "proxy", ["operate", "read"])
    assert ada.post("/v1/entries/luna/ack", json={}).status_code == 403, "a browser's request carries the token"
    answer = ada.post("/v1/entries/luna/ack", json={}, headers={"X-CSRF-Token": session["csrf"], "Origin": PUBLIC})
    (event,) = answer.json()["events"]
    assert event["actor"] == event["data"]["by"] == "ada@example.com"
    assert event["data"]["via"] == {"channel": "api", "identity": "proxy:ada@example.com", "sign_in": "proxy"}
    bob = _through(proxied, address, "bob@example.com")
    assert (bob.get("/open").status_code, bob.get("/acts/ack?entry=luna").status_code) == (200, 403)
    assert _through(proxied, address, "group:leads").get("/v1/session").json()["scopes"] == ["read"]


@pytest.mark.parametrize("address", ["192.0.2.8", "127.0.0.1", "2001:db9::1", "::1", "testclient"])
def test_the_header_counts_for_nothing_from_elsewhere(proxied: SignedWorld, address: str) -> None:
    spoofed = _through(proxied, address, "ada@example.com")
    assert spoofed.get("/v1/session").json()["name"] is None
    assert spoofed.get("/acts/ack?entry=luna").status_code == 303
    assert spoofed.post("/v1/entries/luna/ack", json={}).status_code == 401
    local = _through(proxied, address, "ada@example.com", LOCAL)
    assert local.post("/v1/entries/luna/ack", json={}).status_code == 401


def test_a_page_that_makes_a_browser_beside_the_proxy_send_the_header_is_refused(proxied: SignedWorld) -> None:
    assert _through(proxied, "192.0.2.7", "ada@example.com", "http://evil.example").get("/open").status_code == 421


@pytest.mark.parametrize("user", ["", " ", "x" * 81, "ada\x00"])
def test_a_proxy_s_name_that_is_none_signs_nobody_in(proxied: SignedWorld, user: str) -> None:
    assert _through(proxied, "192.0.2.7", user).get("/v1/session").json()["name"] is None
