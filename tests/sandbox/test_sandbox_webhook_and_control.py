"""What an owner is told, and how a driver in another process directs the sandbox."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from threading import Thread

import httpx2
import pytest
from sandbox_clients import Clients

from monitor.sandbox import API_KEY, Fault, FaultKind, Sandbox, Target
from monitor.sandbox.demo_config import demo_configuration, write_demo

ROOT = Path(__file__).parents[2]


def control(clients: Clients, act: str, **data: object) -> httpx2.Response:
    return clients.http.post(f"{clients.sandbox.url}/sandbox/{act}", json=data)


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({"text": "Luna is paused"}, "Luna is paused"),
        ({"text": "in short", "blocks": [{"text": {"text": "Luna is paused"}}]}, "Luna is paused"),
        (
            {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "Luna"}}, {"text": "paused"}]},
            "Luna\npaused",
        ),
        ({"attachments": [{"title": "x", "text": "Luna is paused"}]}, "Luna is paused"),
        ({"title": "Luna", "message": "is paused", "type": "warning"}, "Luna\nis paused"),
    ],
)
def test_a_message_is_taken_with_ok_and_kept_as_received(
    clients: Clients, payload: dict[str, object], text: str
) -> None:
    answer = clients.http.post(clients.sandbox.webhook_url, json=payload)
    assert (answer.status_code, answer.text) == (200, "ok")
    (message,) = clients.sandbox.messages
    assert (message.number, message.text, message.payload) == (1, text, payload)
    kept = clients.http.get(clients.sandbox.url + "/sandbox/messages").json()
    assert kept == [{"number": 1, "text": text, "payload": payload}]


@pytest.mark.parametrize(
    ("content", "word"), [(b"hello", "invalid_payload"), (b"[]", "invalid_payload"), (b"{}", "no_text")]
)
def test_what_is_no_message_is_refused_and_not_kept(clients: Clients, content: bytes, word: str) -> None:
    answer = clients.http.post(clients.sandbox.webhook_url, content=content)
    assert (answer.status_code, answer.text) == (400, word)
    assert clients.sandbox.messages == ()


def test_another_webhook_than_its_own_does_not_exist(clients: Clients) -> None:
    answer = clients.http.post(clients.sandbox.url + "/services/T000/B000/YYY", json={"text": "hello"})
    assert (answer.status_code, answer.text) == (404, "no_service")


@pytest.mark.parametrize(
    ("status", "word"),
    [(500, "rollup_error"), (429, "rate_limited"), (404, "no_service"), (410, "channel_is_archived")],
)
def test_the_webhook_fails_as_told_keeps_nothing_and_takes_the_next_try(
    clients: Clients, status: int, word: str
) -> None:
    clients.sandbox.fault(Fault(target=Target.WEBHOOK, kind=FaultKind.STATUS, status=status, retry_after=3, times=2))
    for _ in range(2):
        answer = clients.http.post(clients.sandbox.webhook_url, json={"text": "paused"})
        assert (answer.status_code, answer.text, answer.headers["retry-after"]) == (status, word, "3")
    assert clients.sandbox.messages == ()
    assert clients.http.post(clients.sandbox.webhook_url, json={"text": "paused"}).status_code == 200
    assert len(clients.sandbox.messages) == 1
    assert clients.sandbox.requests[Target.WEBHOOK] == 3


def test_a_hanging_webhook_keeps_the_sender_waiting_and_nothing_else(clients: Clients) -> None:
    clients.sandbox.fault(Fault(target=Target.WEBHOOK, kind=FaultKind.HANG))
    with pytest.raises(httpx2.ReadTimeout):
        clients.http.post(clients.sandbox.webhook_url, json={"text": "paused"}, timeout=0.1)
    assert clients.sandbox.messages == ()


def test_a_driver_can_wait_for_a_message(clients: Clients) -> None:
    sender = Thread(target=clients.http.post, args=(clients.sandbox.webhook_url,), kwargs={"json": {"text": "paused"}})
    sender.start()
    assert clients.sandbox.wait_for(lambda: bool(clients.sandbox.messages), 5)
    sender.join()


def test_the_state_says_where_the_story_stands(clients: Clients) -> None:
    clients.go_to("2026-07-25")
    clients.poll()
    state = clients.http.get(clients.sandbox.url + "/sandbox/state").json()
    assert state["step"] == {
        "index": 4,
        "of": 7,
        "date": "2026-07-25",
        "title": "The models list answers again, and it is the same list",
        "polls": 3,
        "looks": 3,
        "awaits": "",
    }
    assert state["polls"] == state["looks"] == {"list": 1, "page": 1}
    assert state["prices"]["gpt-5.6-luna"] == {
        "input": "1",
        "cached_input": "0.10",
        "cache_write": "1.25",
        "output": "6",
    }
    assert "gpt-5.6-luna" in state["models"]
    assert (state["ended"], state["faults"], state["messages"]) == (False, [], 0)


def test_a_driver_can_advance_fault_and_clear_over_http(clients: Clients) -> None:
    assert control(clients, "advance").json()["step"]["date"] == "2026-06-26"
    told = control(clients, "fault", target="list", kind="status", status=503, times=5).json()
    assert [(fault["target"], fault["status"]) for fault in told["faults"]] == [("list", 503)]
    assert clients.list().status_code == 503
    assert control(clients, "fault", clear="page").json()["faults"] != []
    assert control(clients, "fault", clear="list").json()["faults"] == []
    assert clients.list().status_code == 200
    control(clients, "fault", target="page", kind="html")
    assert control(clients, "fault", clear="all").json()["faults"] == []


def test_a_driver_can_release_a_held_step_over_http() -> None:
    with Sandbox(hold=True) as sandbox, httpx2.Client(trust_env=False) as client:
        sandbox.advance()
        sandbox.advance()
        assert client.get(sandbox.url + "/sandbox/state").json()["step"]["awaits"] == "activate"
        refused = client.post(sandbox.url + "/sandbox/release", json={"act": "resume"})
        assert (refused.status_code, refused.json()) == (
            400,
            {"error": "the step of 2026-07-09 does not wait for 'resume'"},
        )
        released = client.post(sandbox.url + "/sandbox/release", json={"act": "activate"})
        assert released.json()["step"]["awaits"] == ""


def test_what_the_control_does_not_understand_is_said_in_one_sentence(clients: Clients) -> None:
    wrong = clients.http.post(clients.sandbox.url + "/sandbox/fault", content=b"{")
    assert (wrong.status_code, wrong.json()) == (400, {"error": "the body is not JSON"})
    assert control(clients, "fault", target="list", kind="meteor").status_code == 400
    assert control(clients, "fault", clear="moon").status_code == 400
    assert clients.http.post(clients.sandbox.url + "/sandbox/fault", json=[1]).status_code == 400
    assert clients.http.get(clients.sandbox.url + "/sandbox/advance").status_code == 404


def test_the_demo_configuration_names_the_sandbox_and_keeps_the_key_in_a_file_of_its_owner(tmp_path: Path) -> None:
    folder = tmp_path / 'a "quoted" \\ folder'
    folder.mkdir()
    with Sandbox() as sandbox:
        path = write_demo(sandbox.base_url, sandbox.pricing_url, sandbox.webhook_url, folder, listen="127.0.0.1:9")
        text = path.read_text()
        assert text == demo_configuration(
            sandbox.base_url, sandbox.pricing_url, sandbox.webhook_url, folder, listen="127.0.0.1:9"
        )
        read = tomllib.loads(text)
        assert read["surface"][0]["base_url"] == sandbox.base_url
        assert read["source"][1]["url"] == sandbox.pricing_url
        assert read["owner"] == [{"key": "platform", "destinations": [sandbox.webhook_url]}]
        offered = {model.id for step in sandbox.timeline.steps for model in step.lists}
    assert API_KEY not in text
    key = Path(read["surface"][0]["api_key"].removeprefix("file:"))
    assert key.read_text().strip() == API_KEY
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.parent == folder
    entries = {entry["key"]: entry for entry in read["entry"]}
    assert entries.keys() >= {"gpt-5.6-sol", "gpt-5.6-terra", "gpt-5.6-luna"}
    for entry in entries.values():
        assert entry["model_id"] in offered
        assert entry["owners"] == ["platform"]
        assert entry.get("fallback", "gpt-5.4-mini") in entries
    sources = {source["key"]: source for source in read["source"]}
    assert sources["openai-behaviour"]["routes"] == ["retrieve", "tokens"]
    assert sources["openai-calls"]["routes"] == ["responses"]
    assert {entry["key"]: entry.get("callers") for entry in entries.values()} == {
        "gpt-5.6-sol": ["support-agent"],
        "gpt-5.6-terra": None,
        "gpt-5.6-luna": ["support-agent"],
        "gpt-5.4-mini": None,
    }
    assert read["confirmation"]["gap"] == "0s"
    assert "for the demo only" in text


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "monitor.sandbox", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_as_a_process_it_prints_its_url_first_and_ends_when_asked(end: signal.Signals) -> None:
    with start() as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        state = json.loads(httpx2.get(url + "/sandbox/state", trust_env=False).content)
        process.send_signal(end)
        assert process.wait(timeout=5) == 0
    assert state["step"]["index"] == 0


def test_as_a_process_it_says_in_one_sentence_that_a_port_is_taken() -> None:
    with Sandbox() as sandbox, start("--port", str(sandbox.port)) as process:
        out, err = process.communicate(timeout=10)
    assert process.returncode == 1
    assert out == ""
    assert err.count("\n") == 1
    assert "choose another with --port" in err


def test_it_imports_nothing_heavy() -> None:
    heavy = ("openai", "httpx2", "pydantic", "sqlalchemy", "apprise", "apscheduler", "click")
    script = (
        f"import sys, monitor.sandbox.demo_config, monitor.sandbox; print([m for m in {heavy} if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert out.stdout.strip() == "[]"
