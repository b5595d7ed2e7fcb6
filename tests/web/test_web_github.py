"""GitHub's question before a deployment: taken only with its signature, decided by the gate, answered only to GitHub
itself.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx2
import pytest
from gate_examples import HOUR
from web_world import World

from monitor.core.configuration import Deployment, GateRules
from monitor.core.ports import NotSent, Sent, Unavailable
from monitor.gate import github
from monitor.gate.decision import Answer, GateQuestion, answer
from monitor.gate.github import Reviews, github_answer, post
from monitor.web.app import SIGNED

SECRET = "webhook-secret"
API = "https://api.github.com"
SHOP = Deployment(
    repository="example/shop", github_environment="Production EU", environment="production", entries=("luna",)
)
CALLBACK = f"{API}/repos/example/shop/actions/runs/42/deployment_protection_rule"


@pytest.fixture
def asked(world: World) -> World:
    world.endpoints.reviews = Reviews(SECRET, (SHOP,), API)
    return world


def question(**changes: Any) -> dict[str, Any]:
    return {
        "action": "requested",
        "environment": "Production EU",
        "event": "push",
        "deployment_callback_url": CALLBACK,
        "deployment": {"id": 1},
        "repository": {"full_name": "example/shop"},
    } | changes


def deliver(
    world: World, document: object = None, *, secret: str = SECRET, event: str = github.EVENT, **headers: str
) -> httpx2.Response:
    body = (
        document if isinstance(document, bytes) else json.dumps(question() if document is None else document).encode()
    )
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    given = {"X-Hub-Signature-256": signature, "X-GitHub-Event": event} | headers
    return world.http.post(github.PATH, content=body, headers=given)


def reviews(world: World) -> Reviews:
    found = world.endpoints.reviews
    assert found is not None
    return found


class Sending:
    """Takes the answers; `outcome` is what GitHub says to them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.given: list[tuple[str, Any]] = []
        self.outcome: Sent | NotSent = Sent()

    def send(self, url: str, document: object) -> Sent | NotSent:
        self.given.append((url, document))
        return self.outcome

    def decide(self, deployment: Deployment) -> list[Answer]:
        rules = self._world.configuration.gate
        asks = GateQuestion(rules=rules, now=self._world.now, environment=deployment.environment, caller=github.CALLER)
        return [answer(key, self._world.standings, asks) for key in deployment.entries]

    def turn(self) -> list[Any]:
        return reviews(self._world).answer_due(self.decide, self.send, self._world.now)


@pytest.fixture
def sending(asked: World) -> Sending:
    return Sending(asked)


def test_what_waits_is_taken_over_by_another_process(asked: World) -> None:
    deliver(asked)
    kept = reviews(asked).kept()
    following = Reviews("another secret", (SHOP,), API)
    following.take_back(kept)
    following.take_back(kept)
    assert following.waiting() == reviews(asked).waiting()
    assert Reviews(SECRET, (), API).kept() == ""
    elsewhere = Reviews(SECRET, (SHOP,), "https://github.example/api/v3")
    elsewhere.take_back(kept)
    assert elsewhere.waiting() == {}, "no token is sent to an API that the question did not come from"


def test_a_deployment_whose_entries_are_all_allowed_is_approved(asked: World, sending: Sending) -> None:
    response = deliver(asked)
    assert (response.status_code, response.json()["accepted"]) == (202, True)
    assert sending.given == [], "nothing is decided while GitHub waits"
    sending.turn()
    comment = "luna is allowed in production: active: every assumption that was accepted holds and is fresh"
    assert sending.given == [(CALLBACK, {"environment_name": "Production EU", "state": "approved", "comment": comment})]
    assert sending.turn() == []


def test_one_denied_entry_rejects_with_its_reason_and_its_fallback(asked: World, sending: Sending) -> None:
    asked.endpoints.reviews = Reviews(SECRET, (replace(SHOP, entries=("luna", "sol")),), API)
    deliver(asked)
    sending.turn()
    ((_, said),) = sending.given
    assert said["state"] == "rejected"
    assert said["comment"].splitlines()[1] == (
        "sol is denied in production: paused: input price 0.20 → 0.25; terra is allowed instead"
    )


def test_what_nobody_configured_is_rejected_with_the_mend(asked: World, sending: Sending) -> None:
    deliver(asked, question(environment="staging"))
    sending.turn()
    ((_, said),) = sending.given
    assert (said["environment_name"], said["state"]) == ("staging", "rejected")
    assert "No [[deployment]] names example/shop" in said["comment"]


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Hub-Signature-256": ""},
        {"X-Hub-Signature-256": "sha256=" + "0" * 64},
        {"X-Hub-Signature-256": "sha1=abc"},
        {"X-Hub-Signature-256": "é".encode()},
    ],
)
def test_without_the_right_signature_nothing_is_taken(asked: World, headers: dict[str, Any]) -> None:
    assert deliver(asked, **headers).status_code == 401
    assert deliver(asked, secret="another").status_code == 401
    assert reviews(asked).waiting() == {}


def test_the_signature_stands_in_the_place_of_a_token(asked: World) -> None:
    asked.protect("token")
    assert deliver(asked).status_code == 202
    assert deliver(asked, secret="another").status_code == 401
    assert set(SIGNED) == {github.PATH}


@pytest.mark.parametrize(
    "callback",
    [
        "https://evil.example/repos/example/shop/actions/runs/42/deployment_protection_rule",
        "https://api.github.com.evil.example/repos/example/shop/actions/runs/42/deployment_protection_rule",
        "https://api.github.com@evil.example/repos/example/shop/actions/runs/42/deployment_protection_rule",
        f"{API}/repos/example/other/actions/runs/42/deployment_protection_rule",
        f"{API}/repos/example/shop/actions/runs/42/deployment_protection_rule/../../secrets",
        f"{API}/repos/example/shop/actions/runs/42/cancel",
        f"{CALLBACK}\n",
        "file:///etc/passwd",
        "",
    ],
)
def test_a_token_goes_nowhere_but_to_the_callback_of_that_repository(asked: World, callback: str) -> None:
    response = deliver(asked, question(deployment_callback_url=callback))
    assert response.status_code == 400
    assert reviews(asked).waiting() == {}


@pytest.mark.parametrize("document", [b"{", b"[]", b"null", b"[" * 50_000, {}, {"repository": "x"}])
def test_what_is_no_question_is_400(asked: World, document: object) -> None:
    response = deliver(asked, document)
    assert response.status_code == 400
    assert "errorDetails" in response.json()


def test_other_events_are_taken_and_nothing_is_done(asked: World) -> None:
    assert deliver(asked, {"zen": "Keep it logically awesome."}, event="ping").status_code == 200
    assert reviews(asked).waiting() == {}


def test_where_github_is_not_configured_there_is_nothing(world: World) -> None:
    assert deliver(world).status_code == 404


def test_an_answer_that_could_not_be_given_is_tried_again_ever_more_rarely_and_for_a_day(
    asked: World, sending: Sending
) -> None:
    deliver(asked)
    sending.outcome = NotSent(reason="GitHub answered HTTP 502")
    begun, turns = asked.now, 0
    while reviews(asked).waiting():
        turns += len(sending.turn())
        asked.now += timedelta(seconds=5)
        assert asked.now - begun < 25 * HOUR
    assert asked.now - begun > 24 * HOUR
    assert 100 < turns < 200


def test_an_answer_that_is_refused_for_good_is_not_tried_again(asked: World, sending: Sending) -> None:
    deliver(asked)
    sending.outcome = NotSent(reason="GitHub answered HTTP 404", permanent=True)
    sending.turn()
    assert reviews(asked).waiting() == {}


def test_while_the_registry_cannot_be_read_nothing_is_answered_and_the_question_waits(
    asked: World, sending: Sending
) -> None:
    deliver(asked)

    def away(deployment: Deployment) -> list[Answer]:
        raise Unavailable("The database is away.")

    with pytest.raises(Unavailable):
        reviews(asked).answer_due(away, sending.send, asked.now)
    assert sending.given == []
    assert list(reviews(asked).waiting()) == [CALLBACK]


def test_questions_outlive_a_reload_and_are_answered_as_configured_then(asked: World) -> None:
    deliver(asked)
    before = reviews(asked)
    more = replace(SHOP, entries=("luna", "terra"))
    assert Reviews("new secret", (more,), API, before).waiting()[CALLBACK].deployment == more
    assert Reviews(SECRET, (), API, before).waiting()[CALLBACK].deployment.entries == ()
    assert Reviews(SECRET, (SHOP,), "https://github.example/api/v3", before).waiting() == {}


def test_the_questions_that_wait_are_bounded(asked: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(github, "LIMIT", 1)
    assert deliver(asked).status_code == 202
    assert deliver(asked).status_code == 202
    assert deliver(asked, question(deployment_callback_url=CALLBACK.replace("42", "43"))).status_code == 503


def test_a_comment_is_not_longer_than_github_takes(asked: World) -> None:
    long = answer("x" * 5000, {}, GateQuestion(rules=GateRules(), now=asked.now))
    assert len(github_answer(SHOP, [replace(long, reason="y" * 5000)])["comment"]) == github.LONGEST_COMMENT


class GitHub(BaseHTTPRequestHandler):
    seen: list[tuple[str, str | None, Any]] = []  # noqa: RUF012 - one server, one list
    status = 204

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.path, self.headers["Authorization"], json.loads(body)))
        self.send_response(self.status)
        self.send_header("Location", "http://127.0.0.1:9/")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (204, Sent()),
        (302, NotSent(reason="GitHub answered HTTP 302")),
        (401, NotSent(reason="GitHub answered HTTP 401")),
        (404, NotSent(reason="GitHub answered HTTP 404", permanent=True)),
        (500, NotSent(reason="GitHub answered HTTP 500")),
    ],
)
def test_an_answer_is_posted_with_the_token_and_its_outcome_is_told(
    status: int, outcome: Sent | NotSent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    GitHub.seen.clear()
    GitHub.status = status
    with ThreadingHTTPServer(("127.0.0.1", 0), GitHub) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        assert post(f"http://127.0.0.1:{server.server_port}/answer", {"state": "approved"}, "t0ken") == outcome
        server.shutdown()
    assert GitHub.seen == [("/answer", "Bearer t0ken", {"state": "approved"})]


def test_nobody_there_is_an_outcome_that_does_not_repeat_the_token() -> None:
    outcome = post("http://127.0.0.1:9/answer", {}, "t0ken")
    assert isinstance(outcome, NotSent)
    assert "t0ken" not in outcome.reason
