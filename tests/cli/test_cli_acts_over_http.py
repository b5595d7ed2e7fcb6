"""An act over HTTP does what the command does, and is refused as the command is: in the same sentence, for the same
state.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cli_world import BY, LUNA, MINI, activate, am, data
from signed_world import Form, SignedDesk, ids_of
from starlette.testclient import TestClient

from monitor.app.bootstrap import open_monitor
from monitor.core.credentials import AccessScope
from monitor.core.events import Event
from monitor.core.ports import EventQuery
from monitor.sandbox import Sandbox
from monitor.settings import load
from monitor.web.api.acts import in_fields

REPRICED = date(2026, 7, 30)
WHY = {"reason": "evals passed"}


@pytest.fixture
def desk(config: Path, sandbox: Sandbox) -> Iterator[SignedDesk]:
    """Provide the desk of a monitor in which Luna is paused by a lower price, and Mini active."""
    activate(sandbox)
    am("activate", MINI, *BY)
    while sandbox.current.date < REPRICED:
        sandbox.advance()
    am("poll")
    am("poll")
    with open_monitor(config) as monitor:
        yield SignedDesk(monitor, lambda: load(config, {}), monitor.secret)


@dataclass(frozen=True)
class Attempt:
    """The same act by the command and over HTTP."""

    words: tuple[str, ...]
    path: str
    body: dict[str, Any] = field(default_factory=dict)
    status: int = 409
    exit_code: int = 1


REFUSED = (
    Attempt(("resume", LUNA, *BY), f"entries/{LUNA}/resume", WHY),
    Attempt(("resume", LUNA, "--waive", "evals", *BY), f"entries/{LUNA}/resume", {**WHY, "waive": ["evals"]}),
    Attempt(("resume", LUNA, "--accept-loss", "chat", *BY), f"entries/{LUNA}/resume", {**WHY, "accept_loss": "chat"}),
    Attempt(("resume", MINI, *BY), f"entries/{MINI}/resume", WHY),
    Attempt(("resume", "luna", *BY), "entries/luna/resume", WHY, 404),
    Attempt(("activate", LUNA, *BY), f"entries/{LUNA}/activate", WHY),
    Attempt(("activate", MINI, "--expect", "999999", *BY), f"entries/{MINI}/activate", {**WHY, "expect": 999999}),
    Attempt(("activate", MINI, "--expect", "1", *BY), f"entries/{MINI}/activate", {**WHY, "expect": 1}),
    Attempt(("pause", LUNA, *BY), f"entries/{LUNA}/pause", WHY),
    Attempt(("pause", MINI, "--surface", "codex", *BY), f"entries/{MINI}/pause", {**WHY, "surface": "codex"}, 404, 2),
    Attempt(("ack", MINI, "--by", "Ada L."), f"entries/{MINI}/ack"),
    Attempt(("ack", "4711.nobody", "--by", "Ada L."), "entries/4711.nobody/ack", {}, 404),
    Attempt(("verify", MINI, "evals", "--by", "Ada L."), f"entries/{MINI}/verify", {"check": "evals"}),
    Attempt(
        ("verify", MINI, "evals", "--by", "Ada L.", "--note", "fine"),
        f"entries/{MINI}/verify",
        {"check": "evals", "note": "fine"},
    ),
    Attempt(
        ("verify", MINI, "evalz", "--by", "Ada L.", "--note", "fine"),
        f"entries/{MINI}/verify",
        {"check": "evalz", "note": "fine"},
    ),
    Attempt(
        ("verify", MINI, "visibility", "--by", "Ada L.", "--note", "I see it"),
        f"entries/{MINI}/verify",
        {"check": "visibility", "note": "I see it"},
    ),
    Attempt(("silence", MINI, *BY), f"entries/{MINI}/silence", WHY, 422, 2),
    Attempt(("silence", "mini", "--for", "8h", *BY), "entries/mini/silence", {**WHY, "for": "8h"}, 404),
    Attempt(("maintenance", MINI, *BY), f"entries/{MINI}/maintenance", WHY, 422, 2),
    Attempt(
        ("maintenance", MINI, "--until", "in 4h", "--change", "*", *BY),
        f"entries/{MINI}/maintenance",
        {**WHY, "until": "in 4h", "change": ["*"]},
    ),
    Attempt(
        ("maintenance", MINI, "--until", "in 40d", "--change", "openai/*", *BY),
        f"entries/{MINI}/maintenance",
        {**WHY, "until": "in 40d", "change": ["openai/*"]},
    ),
    Attempt(("maintenance", MINI, "--close", "3", *BY), f"entries/{MINI}/maintenance", {**WHY, "close": 3}),
    Attempt(
        ("maintenance", MINI, "--close", "3", "--until", "in 4h", *BY),
        f"entries/{MINI}/maintenance",
        {**WHY, "close": 3, "until": "in 4h"},
        422,
        2,
    ),
    Attempt(("release", "4", *BY), "changes/4/release", WHY),
    Attempt(("release", "99999", *BY), "changes/99999/release", WHY),
)


def test_what_the_command_refuses_http_refuses_in_the_same_sentence_and_so_does_a_dry_run(desk: SignedDesk) -> None:
    ada = desk.bearer("Ada L.", AccessScope.OPERATE)
    head = _head(desk)
    for attempt in REFUSED:
        said = am(*attempt.words, expect=attempt.exit_code).stderr.strip().splitlines()[-1].removeprefix("Error: ")
        answer = ada.post(f"/v1/{attempt.path}", json=attempt.body)
        assert answer.status_code == attempt.status, (attempt, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"] == in_fields(said), attempt
        tried = ada.post(f"/v1/{attempt.path}", json={**attempt.body, "dry_run": True})
        assert in_fields(said) == (tried.json().get("refusal") or tried.json().get("detail")), attempt
    assert _head(desk) == head


DONE = (
    Attempt(("ack", LUNA, "--by", "Ada L.", "--note", "on it"), f"entries/{LUNA}/ack", {"note": "on it"}),
    Attempt(("silence", MINI, "--for", "8h", *BY), f"entries/{MINI}/silence", {**WHY, "for": "8h"}),
    Attempt(("silence", MINI, "--lift", *BY), f"entries/{MINI}/silence", {**WHY, "lift": True}),
    Attempt(
        ("maintenance", MINI, "--until", "2099-01-01", "--from", "2098-12-31", "--change", "openai/*/price.*", *BY),
        f"entries/{MINI}/maintenance",
        {**WHY, "until": "2099-01-01", "from": "2098-12-31", "change": "openai/*/price.*"},
    ),
    Attempt(
        ("verify", MINI, "safety_review", "--by", "Ada L.", "--url", "https://wiki.example/7"),
        f"entries/{MINI}/verify",
        {"check": "safety_review", "url": "https://wiki.example/7"},
    ),
    Attempt(("activate", MINI, "--waive", "evals", *BY), f"entries/{MINI}/activate", {**WHY, "waive": "evals"}),
    Attempt(("pause", MINI, *BY), f"entries/{MINI}/pause", WHY),
    Attempt(("resume", MINI, *BY), f"entries/{MINI}/resume", WHY),
    Attempt(("retire", MINI, *BY), f"entries/{MINI}/retire", WHY),
)


def test_an_act_over_http_records_what_the_command_records_and_a_dry_run_nothing(desk: SignedDesk) -> None:
    ada = desk.bearer("Ada L.", AccessScope.OPERATE)
    for attempt in DONE:
        head = _head(desk)
        planned = ada.post(f"/v1/{attempt.path}", json={**attempt.body, "dry_run": True}).json()
        assert _head(desk) == head
        act = attempt.words[0]
        if planned["refusal"] is not None:
            said = am(*attempt.words, expect=1).stderr.strip().splitlines()[-1].removeprefix("Error: ")
            assert planned["refusal"] == in_fields(said)
            continue
        answer = ada.post(f"/v1/{attempt.path}", json=attempt.body)
        assert answer.status_code == 200, answer.text
        events = answer.json()["events"]
        assert [event["type"] for event in planned["events"]][: len(events)] == [event["type"] for event in events]
        (event,) = events
        assert (event["actor"], event["data"]["by"]) == ("Ada L.", "Ada L.")
        assert event["data"]["via"] == {"channel": "api", "identity": "token:Ada L.", "sign_in": "token"}
        if act in ("ack", "silence", "maintenance", "verify"):  # these may be done twice
            again = data(*attempt.words)
            (command,) = again if isinstance(again, list) else [again]
            assert command["type"] == event["type"]
            left = {"via", "until", "from"} if act in ("silence", "verify") else {"via"}
            assert _without(command["data"], left) == _without(event["data"], left)
    assert {"entry.paused", "entry.resumed", "entry.retired"} <= {event.type for event in _events(desk)}


def _events(desk: SignedDesk, type: str = "") -> list[Event]:
    with desk.host.store.read() as reader:
        return [recorded.event for recorded in reader.events(EventQuery(type=type))]


def test_files_are_read_and_refused_as_those_of_the_command(desk: SignedDesk, tmp_path: Path) -> None:
    ada = desk.bearer("Ada L.", AccessScope.OPERATE)
    file = tmp_path / "review.txt"
    file.write_text("approved; the key sk-proj-abcdefghijklmnop0123456789 is not ours")
    sent = {"name": str(file), "content": base64.b64encode(file.read_bytes()).decode()}
    verify = ("verify", MINI)
    ends = ("--by", "Ada L.", "--from", str(file))
    for words, body, status in (
        ((*verify, "evals", *ends), {"check": "evals", "from": [sent]}, 409),
        ((*verify, "logging", *ends), {"check": "logging", "from": [sent]}, 409),
        ((*verify, "billing", *ends, "--from", str(file)), {"check": "billing", "from": [sent, sent]}, 422),
        ((*verify, "billing", *ends, "--baseline", "x"), {"check": "billing", "from": [sent], "baseline": "x"}, 422),
    ):
        said = am(*words, expect=1 if status == 409 else 2).stderr.strip().splitlines()[-1].removeprefix("Error: ")
        answer = ada.post(f"/v1/entries/{MINI}/verify", json=body)
        assert (answer.status_code, answer.json()["detail"]) == (status, in_fields(said)), words
    command = data(*verify, "safety_review", *ends)
    answer = ada.post(f"/v1/entries/{MINI}/verify", json={"check": "safety_review", "from": [sent]})
    (event,) = answer.json()["events"]
    assert event["evidence"] == command["evidence"]
    assert "[redacted]" in am("evidence", event["evidence"]).stdout
    unread = {"check": "billing", "from": [{"name": "x", "content": "not base64 !"}]}
    assert ada.post(f"/v1/entries/{MINI}/verify", json=unread).status_code == 422


def _without(document: dict[str, Any], keys: set[str]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in keys}


def _head(desk: SignedDesk) -> int:
    with desk.host.store.read() as reader:
        return reader.head()


@pytest.mark.parametrize(
    ("path", "body", "status", "sentence"),
    [
        ("pause", {}, 422, "reason is missing: say why; the log keeps it."),
        ("pause", {"reason": "  "}, 422, "reason is missing"),
        ("pause", {"reason": "so", "by": "Bob"}, 422, "There is no field 'by': who acts is who is signed in."),
        ("pause", {"reason": "so", "via": {}}, 422, "There is no field 'via'"),
        ("pause", {"reason": "so", "expct": 1}, 422, "There is no field 'expct' (did you mean 'expect'?)"),
        ("pause", {"reason": 7}, 422, "reason: "),
        ("pause", {"reason": "x" * 2001}, 422, "reason: "),
        ("pause", {"reason": "so", "expect": -1}, 422, "expect: "),
        ("silence", {"reason": "so", "for": "8 parsecs"}, 422, "for: is not a duration"),
        ("silence", {"reason": "so", "for": "999999999999999d"}, 422, "for: is longer than 366d"),
        ("maintenance", {"reason": "so", "until": "never", "change": "*"}, 422, "until: "),
        ("verify", {"note": "so"}, 422, "check is missing: The check, as the checklist names it."),
        ("pause", [], 422, "The body is no JSON object"),
        ("pause", "so", 422, "The body is no JSON object"),
        ("pause", {"reason": "x" * 70_000}, 413, "larger than"),
    ],
)
def test_a_body_that_is_none_is_refused_before_anything_is_asked(
    acting: TestClient, path: str, body: object, status: int, sentence: str
) -> None:
    answer = acting.post(f"/v1/entries/luna/{path}", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert sentence in answer.json()["detail"]


def test_a_body_that_is_no_json_is_refused(acting: TestClient) -> None:
    assert acting.post("/v1/entries/luna/pause", data={"reason": "so"}).status_code == 415
    json = {"Content-Type": "application/json"}
    for content in (b"{", b"\xff", b"[" * 50_000, b'{"reason": "\\ud800"}'):
        assert acting.post("/v1/entries/luna/pause", content=content, headers=json).status_code in (400, 422)


@pytest.fixture(scope="module")
def acting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    from signed_world import signed_world

    with signed_world(tmp_path_factory.mktemp("desk")) as made:
        yield made.bearer("Ada L.", AccessScope.OPERATE)


def test_a_person_sees_acknowledges_verifies_and_resumes_by_clicks_alone(desk: SignedDesk) -> None:
    browser = desk.signed_in("Ada L.", AccessScope.OPERATE)
    page = browser.get("/open").text
    step = next(id for id in ids_of(page) if id.startswith("act-ack-"))
    opened = Form(page, step)
    shown = browser.get(opened.action, params=opened.fields)
    assert {"act-ack", "would", "confirm", "preview", "note"} <= ids_of(shown.text)
    assert "notice.acknowledged" in shown.text
    assert _send(browser, shown.text, "act-ack", note="on it <b>").status_code == 200
    assert data("status", LUNA)[0]["acknowledged"]["note"] == "on it <b>"

    resume = browser.get("/acts/resume", params={"entry": LUNA})
    assert {"missing", "waive", "pins"} <= ids_of(resume.text)
    early = _send(browser, resume.text, "act-resume", reason="new price accepted")
    assert (early.status_code, data("status", LUNA)[0]["status"]) == (409, "paused")
    assert "Refused: " in early.text

    verify = browser.get("/acts/verify", params={"entry": LUNA})
    assert "confirm" not in ids_of(verify.text), "there is nothing to try yet"
    filled = {"check": "pricing", "url": "https://openai.com/pricing"}
    tried = _send(browser, verify.text, "act-verify", step="preview", **filled)
    assert "check.attested" in tried.text
    assert "Verify: done" in _send(browser, tried.text, "act-verify", **filled).text

    resume = browser.get("/acts/resume", params={"entry": LUNA})
    assert {"nothing-missing", "would"} <= ids_of(resume.text)
    done = _send(browser, resume.text, "act-resume", reason="new price accepted")
    assert "entry.resumed" in done.text
    (row,) = data("status", LUNA)
    assert (row["status"], row["production"]["allowed"]) == ("active", True)
    (event,) = _events(desk, "entry.resumed")
    assert (event.actor, event.data["via"]["channel"]) == ("Ada L.", "web")
    again = _send(browser, resume.text, "act-resume", reason="again")
    assert (again.status_code, "cannot be resumed" in again.text) == (409, True)


def _send(browser: TestClient, page: str, id: str, step: str = "confirm", **typed: str) -> Any:
    form = Form(page, id)
    assert "csrf" in form.fields
    return browser.post(form.action, data={**form.fields, **typed, "step": step})


def test_two_approvers_are_two_people_who_signed_in(desk: SignedDesk, config: Path, sandbox: Sandbox) -> None:
    text = config.read_text()
    place = text.index("\n", text.index(f'key = "{MINI}"'))
    config.write_text(f"{text[:place]}\napprovers = 2{text[place:]}")
    am("poll")
    ada, bob = desk.bearer("Ada", AccessScope.OPERATE), desk.bearer("Bob", AccessScope.OPERATE)
    with open_monitor(config) as monitor:
        desk = SignedDesk(monitor, lambda: load(config, {}), monitor.secret)
        ada, bob = (desk.client(Authorization=str(one.headers["authorization"])) for one in (ada, bob))
        asked = ada.post(f"/v1/entries/{MINI}/activate", json=WHY).json()["events"][0]
        assert asked["type"] == "entry.approval_requested"
        body = {**WHY, "expect": asked["data"]["expect"]}
        again = ada.post(f"/v1/entries/{MINI}/activate", json=body)
        assert (again.status_code, "another person confirms it" in again.json()["detail"]) == (409, True)
        page = bob.get("/open").text
        assert f"act-activate-{MINI}-{asked['position']}" in ids_of(page)
        confirmed = bob.post(f"/v1/entries/{MINI}/activate", json=body).json()["events"][0]
        assert (confirmed["type"], confirmed["data"]["requested_by"]) == ("entry.activated", "Ada")
