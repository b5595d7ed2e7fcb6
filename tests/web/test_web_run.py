"""The HTTP side of `run`: a real daemon over the sandbox, its socket, its tokens, its metrics."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
from plain_demo import write_plain_demo
from waiting import until

from monitor.app.bootstrap import Monitor, open_monitor
from monitor.app.daemon import Daemon
from monitor.core.ports import ConfigurationError, EventQuery, MonitorError, Refused
from monitor.gate.client import ask, clock
from monitor.registry import transitions
from monitor.sandbox import Sandbox
from monitor.settings import load
from monitor.web.server import listen

ROOT = Path(__file__).parents[2]
MINI = "gpt-5.4-mini"


class Running:
    """A daemon in a thread, and a client of it."""

    def __init__(self, daemon: Daemon, monitor: Monitor, url: str) -> None:
        self.daemon = daemon
        self.monitor = monitor
        self.http = httpx2.Client(base_url=url, trust_env=False, timeout=10)

    def allowed(self, key: str) -> bool:
        return bool(self.http.get(f"/v1/gate/{key}").json()["allowed"])


@contextmanager
def running(config: Path) -> Iterator[Running]:
    with open_monitor(config) as monitor:
        daemon = Daemon(monitor, lambda: load(config, {}))
        thread = threading.Thread(target=daemon.run)
        thread.start()
        try:
            until(lambda: daemon._web is not None and daemon._web.alive)
            assert daemon._web is not None
            one = Running(daemon, monitor, daemon._web.url)
            with one.http:
                yield one
        finally:
            daemon.stop()
            thread.join(30)
            assert not thread.is_alive()


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in [name for name in os.environ if name.startswith("ACCESS_MONITOR")]:
        monkeypatch.delenv(name)
    with Sandbox() as sandbox:
        yield write_plain_demo(sandbox, tmp_path)


def rewrite(config: Path, web: str) -> None:
    text = re.sub(r"\[web\]\n(?:\w.*\n)*", f"[web]\n{web}\n", config.read_text())
    config.write_text(text)


def test_a_daemon_answers_as_its_lease_files_do_from_the_first_activation_to_the_pause(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(config) as one:
        until(lambda: one.http.get("/readyz").status_code == 200)
        until(lambda: one.http.get(f"/v1/gate/{MINI}").json()["status"] == "evaluating")
        assert not one.allowed(MINI)
        assert one.http.get(f"/v1/gate/{MINI}", params={"env": "staging"}).json()["allowed"] is True
        with open_monitor(config) as other:  # as a command does, from elsewhere
            act: Any = {"by": "Ada L.", "reason": "evals passed", "via": {"channel": "test"}}
            until(lambda: attempt(lambda: other.operator.activate(MINI, **act)))
            until(lambda: one.allowed(MINI))
            folder = str(other.settings.lease_dir)
            assert ask.run([MINI, "--lease", folder, "--json"], {}, clock.now) == 0
            read = json.loads(capsys.readouterr().out)
            said = one.http.get(f"/v1/gate/{MINI}").json()
            assert {**said, "expires_at": ""} == {**read, "expires_at": ""}
            served = one.http.get("/v1/lease/production.json").json()
            assert served["flags"].keys() == json.loads((Path(folder) / "production.json").read_text())["flags"].keys()
            other.operator.pause(MINI, **act)
            until(lambda: not one.allowed(MINI))
        assert one.http.post(f"/ofrep/v1/evaluate/flags/{MINI}", json={}).json()["variant"] == "paused"
        assert_metrics(one)


def attempt(act: Callable[[], object]) -> bool:
    """Return whether it is done; it is refused while something about the entry has not been seen yet."""
    try:
        act()
    except Refused:
        return False
    return True


def assert_metrics(one: Running) -> None:
    response = one.http.get("/metrics")
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = (line.rsplit(" ", 1) for line in response.text.splitlines() if not line.startswith("#"))
    samples = {name: float(value) for name, value in lines}
    with one.monitor.store.read() as reader:
        head = reader.head()
    assert 0 < samples["access_monitor_events_total"] <= head
    assert samples['access_monitor_source_good_age_seconds{source="openai-models"}'] < 60
    assert samples['access_monitor_source_failing{source="openai-pricing"}'] == 0
    assert samples['access_monitor_entries{status="paused"}'] == 1
    assert samples['access_monitor_deliveries{state="dead"}'] == 0
    assert samples['access_monitor_polls_total{verdict="baseline"}'] == 2
    assert samples["access_monitor_store_up"] == 1


def logged(monitor: Monitor, type: str) -> list[Any]:
    with monitor.store.read() as reader:
        return [one.event for one in reader.events(EventQuery(type=type))]


def test_what_is_asked_stands_in_the_log_when_the_daemon_stops(config: Path) -> None:
    with running(config) as one:
        until(lambda: one.http.get(f"/v1/gate/{MINI}").json()["status"] == "evaluating")
        assert one.http.get(f"/v1/gate/{MINI}", params={"env": "staging", "caller": "billing"}).json()["allowed"]
        for _ in range(7):
            one.http.post(f"/ofrep/v1/evaluate/flags/{MINI}", json={"context": {"targetingKey": "support-agent"}})
        assert logged(one.monitor, "gate.*") == []
    with open_monitor(config) as monitor:
        (first,) = logged(monitor, "gate.first_used")
        assert (first.subject, first.stream, first.data["caller"]) == (MINI, "gate/staging", "billing")
        counts = {
            event.data["caller"]: event.data["count"]
            for event in logged(monitor, "gate.denied")
            if event.data["status"] == "evaluating"
        }
        assert counts["support-agent"] == 7
        with monitor.store.read() as reader:
            assert transitions.replay(event.event for event in reader.events()) == reader.entries()


def test_github_is_answered_by_the_daemon_and_leases_are_signed(config: Path, tmp_path: Path) -> None:
    told: list[Any] = []

    class GitHub(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            told.append((self.path, self.headers["Authorization"], body["state"], body["comment"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    secrets = {"webhook": "shared", "github": "t0ken", "signing": base64.b64encode(bytes(range(32))).decode()}
    for name, value in secrets.items():
        (tmp_path / name).write_text(value)
    with ThreadingHTTPServer(("127.0.0.1", 0), GitHub) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        api = f"http://127.0.0.1:{server.server_port}"
        config.write_text(
            config.read_text().replace("[gate]\n", f'[gate]\nsigning_key = "file:{tmp_path}/signing"\n')
            + f"""
[github]
api = "{api}"
webhook_secret = "file:{tmp_path}/webhook"
token = "file:{tmp_path}/github"

[[deployment]]
key = "shop"
repository = "example/shop"
github_environment = "production"
entries = ["{MINI}"]
"""
        )
        path = "/repos/example/shop/actions/runs/42/deployment_protection_rule"
        body = json.dumps(
            {
                "environment": "production",
                "deployment_callback_url": api + path,
                "repository": {"full_name": "example/shop"},
            }
        ).encode()
        signature = "sha256=" + hmac.new(b"shared", body, hashlib.sha256).hexdigest()
        headers = {"X-Hub-Signature-256": signature, "X-GitHub-Event": "deployment_protection_rule"}
        with running(config) as one:
            until(lambda: one.http.get(f"/v1/gate/{MINI}").json()["status"] == "evaluating")
            assert one.http.post("/v1/github/deployment-protection", content=body, headers=headers).status_code == 202
            until(lambda: bool(told))
            lease = one.http.get("/v1/lease/production.json")
            assert len(base64.b64decode(lease.headers["Lease-Signature"])) == 64
            (tmp_path / "signing").write_text("no key")
            one.daemon._reconfigure()
            again = one.http.get("/v1/lease/production.json")
            assert "Lease-Signature" in again.headers, "a reload that was refused took the key away"
        server.shutdown()
    assert told == [(path, "Bearer t0ken", "rejected", f"{MINI} is denied in production: nobody has activated it yet")]


def test_tokens_are_asked_for_and_a_reload_takes_new_ones_or_nothing(config: Path, tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("first\n")
    rewrite(config, f'listen = "127.0.0.1:0"\ntokens = ["file:{secret}"]')
    with running(config) as one:

        def codes() -> tuple[int, ...]:
            return tuple(
                one.http.get("/metrics", headers={"X-API-Key": token}).status_code for token in ("", "first", "second")
            )

        assert codes() == (401, 200, 401)
        secret.unlink()
        one.daemon._reconfigure()
        assert codes() == (401, 200, 401)
        secret.write_text("second\n")
        one.daemon._reconfigure()
        assert codes() == (401, 401, 200)
        rewrite(config, 'listen = "127.0.0.1:1"')
        one.daemon._reconfigure()
        one.daemon._reconfigure()
        assert codes() == (401, 401, 200), "the tokens of another address, which are none, were taken for this one"


def test_a_reload_and_a_stop_wait_for_a_job_that_asks_for_its_next_poll(config: Path) -> None:
    began, go_on = threading.Event(), threading.Event()
    with running(config) as one:
        asking = one.daemon._again

        def slow(key: str, at: datetime, now: datetime) -> None:
            began.set()
            go_on.wait(10)
            asking(key, at, now)

        one.daemon._again = slow  # type: ignore[method-assign]
        assert began.wait(10)
        reload = threading.Thread(target=one.daemon._reconfigure, daemon=True)
        reload.start()
        until(lambda: not one.daemon._scheduler.running)
        go_on.set()
        reload.join(10)
        assert not reload.is_alive()


def test_a_token_that_is_not_there_stops_the_start(config: Path, tmp_path: Path) -> None:
    rewrite(config, f'listen = "127.0.0.1:0"\ntokens = ["file:{tmp_path}/nowhere"]')
    with open_monitor(config) as monitor, pytest.raises(ConfigurationError, match="nowhere"):
        Daemon(monitor, lambda: load(config, {})).run()


def test_a_port_that_is_taken_is_one_sentence_and_nothing_was_begun(config: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        rewrite(config, f'listen = "127.0.0.1:{port}"')
        command = [sys.executable, "-m", "monitor", "--config", str(config), "run"]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1, result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert f"127.0.0.1:{port}" in result.stderr
    assert "web.listen" in result.stderr
    assert result.stdout == ""
    with open_monitor(config) as monitor:
        with monitor.store.read() as reader:
            assert reader.head() == 0
        assert not monitor.settings.lease_dir.exists()


def test_with_an_empty_address_there_is_no_server_and_its_libraries_are_not_loaded(config: Path) -> None:
    rewrite(config, 'listen = ""')
    program = f"""
import sys, threading
from pathlib import Path
from monitor.app.bootstrap import open_monitor
from monitor.app.daemon import Daemon
config = Path({str(config)!r})
with open_monitor(config) as monitor:
    daemon = Daemon(monitor, lambda: None)
    threading.Timer(2, daemon.stop).start()
    daemon.run()
    with monitor.store.read() as reader:
        server = ("uvicorn", "starlette", "prometheus_client")
        print(reader.head() > 0, [name for name in server if name in sys.modules])
"""
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (result.returncode, result.stdout.strip()) == (0, "True []"), result.stderr


def test_a_command_does_not_load_the_server(config: Path) -> None:
    program = (
        "import sys; from monitor.cli import cli\n"
        f"for command in (['db', 'upgrade'], ['status']): cli(['--config', {str(config)!r}, *command], "
        "standalone_mode=False)\n"
        "print([name for name in ('uvicorn', 'starlette', 'prometheus_client', 'monitor.web') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.stdout.splitlines()[-1] == "[]", result.stderr


def test_who_connects_before_the_server_answers_waits() -> None:
    with listen("127.0.0.1", 0) as listener:
        socket.create_connection(listener.getsockname(), timeout=2).close()


def test_connections_send_what_they_have_at_once() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname(), timeout=2):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_name_that_stands_for_both_families_is_taken_in_the_older_one() -> None:
    with listen("localhost", 0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("host", "port", "says"),
    [("192.0.2.1", 0, "an address of this machine"), ("no-such-host.invalid", 8787, "an address of this machine")],
)
def test_an_address_that_is_not_this_machines_is_refused_in_one_sentence(host: str, port: int, says: str) -> None:
    with pytest.raises(MonitorError, match=f"{host}:{port}.*{says}") as refused:
        listen(host, port)
    assert refused.value.exit_code == 1
