"""A real LiteLLM proxy with the hook of the documentation: denied calls are 403 and reach no provider."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest
from gate_examples import at_position, registry, standing

from monitor.core.configuration import GateRules
from monitor.core.entry import Status
from monitor.gate.client import clock
from monitor.gate.lease_file import lease_documents, write_lease

ROOT = Path(__file__).parents[2]
PROXY = ROOT / ".peers/litellm/bin/litellm"

STARTS = 180
"""Seconds that the proxy may take to start; it imports for most of them."""

KEY = "sk-" + "0" * 40

HOOK = """
from monitor.gate.client.guard import Guard
from monitor.gate.client.litellm_hook import litellm_hook

hook = litellm_hook(Guard(on_denied="fallback", fallbacks=["terra"]), names={"best": "gpt-5.6-sol"})
"""


class Provider(BaseHTTPRequestHandler):
    """Takes every call, and keeps which model it was for."""

    called: list[str] = []  # noqa: RUF012 - one server, one list

    def do_POST(self) -> None:
        document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.called.append(document["model"])
        choice = {"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        answer = {"id": "c", "object": "chat.completion", "created": 1, "model": document["model"]}
        content = json.dumps(answer | {"choices": [choice], "usage": usage}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Proxy:
    """The running proxy, and the leases that its hook reads."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.position = 1
        self.http = httpx2.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60)

    def publish(self, **statuses: Status) -> None:
        now = clock.now()
        until = {"access_until": now + timedelta(hours=1), "price_until": now + timedelta(hours=1)}
        entries = registry(
            *(
                standing(key, status=status, fallback="terra" if key == "sol" else "", **until)
                for key, status in statuses.items()
            )
        )
        self.position += 1
        write_lease(
            self.folder,
            lease_documents(entries, GateRules(environments=("production",)), now, at_position(self.position)),
            at_position(self.position),
        )

    def chat(self, model: str) -> httpx2.Response:
        return self.http.post(
            "/v1/chat/completions",
            json={"model": model, "messages": [{"role": "user", "content": "hello"}]},
            headers={"Authorization": f"Bearer {KEY}"},
        )


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    if not PROXY.exists():
        pytest.skip("LiteLLM is not installed: run `make test-peers`")
    folder = tmp_path_factory.mktemp("litellm")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with ThreadingHTTPServer(("127.0.0.1", 0), Provider) as provider:
        Thread(target=provider.serve_forever, args=(0.02,), daemon=True).start()
        (folder / "gate_hook.py").write_text(HOOK)
        names = {"gpt-5.6-luna": "gpt-5.6-luna", "best": "gpt-5.6-sol", "gpt-5.6-terra": "gpt-5.6-terra"}
        base = f"http://127.0.0.1:{provider.server_port}/v1"
        models = [
            {"model_name": name, "litellm_params": {"model": f"openai/{id}", "api_base": base, "api_key": "k"}}
            for name, id in names.items()
        ]
        settings = {"callbacks": "gate_hook.hook", "num_retries": 2}
        # JSON is YAML.
        (folder / "config.yaml").write_text(json.dumps({"model_list": models, "litellm_settings": settings}))
        running = Proxy(folder / "lease", port)
        running.publish(luna=Status.ACTIVE, sol=Status.PAUSED, terra=Status.ACTIVE)
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]),
            "ACCESS_MONITOR_LEASE": str(folder / "lease"),
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_MASTER_KEY": KEY,
            "no_proxy": "*",
        }
        command = [str(PROXY), "--config", str(folder / "config.yaml"), "--host", "127.0.0.1", "--port", str(port)]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, cwd=folder, env=environ, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + STARTS
            while not _answers(running):
                assert process.poll() is None, (folder / "log").read_text()[-3000:]
                assert time.monotonic() < deadline, (folder / "log").read_text()[-3000:]
                time.sleep(0.5)
            yield running
        finally:
            process.terminate()
            process.wait(30)
            provider.shutdown()


def _answers(running: Proxy) -> bool:
    try:
        return running.http.get("/health/liveliness").status_code == 200
    except httpx2.HTTPError:
        return False


@pytest.fixture(autouse=True)
def nothing_called() -> None:
    Provider.called.clear()


def test_an_allowed_model_is_called(proxy: Proxy) -> None:
    response = proxy.chat("gpt-5.6-luna")
    assert response.status_code == 200, response.text
    assert Provider.called == ["gpt-5.6-luna"]


def test_a_denied_model_goes_on_as_its_fallback_under_the_names_of_the_proxy(proxy: Proxy) -> None:
    assert proxy.chat("best").status_code == 200
    assert Provider.called == ["gpt-5.6-terra"]


def test_a_pause_is_403_with_its_reason_and_reaches_no_provider(proxy: Proxy) -> None:
    proxy.publish(luna=Status.PAUSED, sol=Status.PAUSED, terra=Status.PAUSED)
    deadline = time.monotonic() + 10
    while (response := proxy.chat("gpt-5.6-luna")).status_code == 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    Provider.called.clear()
    for model in ("gpt-5.6-luna", "best"):
        response = proxy.chat(model)
        assert response.status_code == 403
        assert "denied in production" in response.text
    assert Provider.called == []
