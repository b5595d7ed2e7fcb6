"""The programs that the documentation shows are run: the source of one's own by the real command line, the flagd client
on a real lease file.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Any

import docs_story
import pytest
from docs_pages import ROOT, blocks, page
from docs_server import standing
from preloaded import Nursery

from monitor.core.configuration import GateRules
from monitor.core.entry import Status
from monitor.core.events import LogHead
from monitor.gate.client import clock
from monitor.gate.lease_file import lease_documents, write_lease
from monitor.settings import load

# -- a source of one's own -------------------------------------------------

PLUGIN = ROOT / "config" / "plugins" / "gateway_regions"
CLIENTS = ROOT / "config" / "clients"


class Gateway(ThreadingHTTPServer):
    """Serves one document, which a test may replace."""

    content = b""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/regions.json"


class Handler(BaseHTTPRequestHandler):
    server: Gateway

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


class Installed:
    """The example of a plug-in as an installed distribution, and a monitor that is configured as it says."""

    def __init__(self, folder: Path, gateway: Gateway, nursery: Nursery) -> None:
        packaging, source = ((PLUGIN / name).read_text() for name in ("pyproject.toml", "monitor.toml"))
        ((kind, place),) = tomllib.loads(packaging)["project"]["entry-points"]["monitor.sources"].items()
        module, _, _ = place.partition(":")
        shutil.copy(PLUGIN / f"{module}.py", folder)
        metadata = folder / f"{module}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[monitor.sources]\n{kind} = {place}\n")
        url = tomllib.loads(source)["source"][0]["url"]
        (folder / "monitor.toml").write_text(
            source.replace(url, gateway.url)
            + """
[[surface]]
key = "openai"
base_url = "https://api.openai.com/v1"

[[owner]]
key = "platform"
destinations = ["env:SLACK_URL"]

[[entry]]
key = "luna"
surface = "openai"
model_id = "gpt-5.6-luna"
owners = ["platform"]

[network]
allow = ["127.0.0.1"]

[confirmation]
change = {polls = 2, span = "0s"}
gap = "0s"
"""
        )
        self.folder = folder
        self._nursery = nursery

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        places = os.pathsep.join(filter(None, [str(self.folder), os.environ.get("PYTHONPATH")]))
        environ = {**os.environ, "PYTHONPATH": places, "COLUMNS": "200"}
        return self._nursery.run(["--config", "monitor.toml", *words], cwd=self.folder, env=environ)

    def poll(self) -> dict[str, Any]:
        result = self.run("poll", "--json")
        (outcome,) = json.loads(result.stdout)
        return dict(outcome, code=result.returncode)


@pytest.fixture
def installed(tmp_path: Path, gateway: Gateway, nursery: Nursery) -> Installed:
    gateway.content = b'{"regions": {"gpt-5.6-luna": "eu", "gpt-5.6-sol": "us"}}'
    return Installed(tmp_path, gateway, nursery)


@pytest.mark.slow
def test_the_example_of_a_source_is_short_and_typed(tmp_path):
    program = shutil.copy(PLUGIN / "gateway_regions.py", tmp_path)
    assert len(Path(program).read_text().splitlines()) <= 45
    types = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--follow-imports=silent", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if "No module named mypy" in types.stderr:
        pytest.skip("mypy is not installed: the example is not checked for its types here")
    assert types.returncode == 0, types.stdout


@pytest.mark.slow
def test_the_example_source_is_polled_believed_and_told_like_any_other(installed, gateway):
    assert "in order" in installed.run("config", "check").stdout
    assert installed.poll()["verdict"] == "baseline"
    gateway.content = gateway.content.replace(b'"eu"', b'"us"')
    assert installed.poll()["verdict"] == "suspect"
    assert installed.poll()["verdict"] == "changed"
    lines = installed.run("events", "--type", "model.*", "--json").stdout.splitlines()
    (event,) = map(json.loads, lines)
    assert (event["type"], event["subject"], event["source"]) == ("model.changed", "gpt-5.6-luna", "our-gateway")
    said = event["data"]
    assert (said["surface"], said["field"], said["old"], said["new"]) == ("openai", "region", "eu", "us")
    assert said["extractor"] == "gateway_regions/1"
    (delivery,) = json.loads(installed.run("outbox", "--json").stdout)
    assert delivery["about"] == "changed luna"


@pytest.mark.slow
def test_the_example_source_turns_what_it_does_not_understand_into_a_failure_that_moves_nothing(installed, gateway):
    installed.poll()
    for broken in (b"<html>", b"[]", b'{"regions": null}', b'{"regions": ["eu"]}', b"{}"):
        gateway.content = broken
        failed = installed.poll()
        assert (failed["verdict"], failed["code"]) == ("failed", 1), broken
        assert failed["detail"] == "invalid_shape: no object `regions` from model to region", broken
    gateway.content = b'{"regions": {"gpt-5.6-luna": "eu", "gpt-5.6-sol": "us"}}'
    assert installed.poll()["verdict"] == "unchanged"
    types = [
        json.loads(line)["type"]
        for line in installed.run("events", "--source", "our-gateway", "--json").stdout.splitlines()
    ]
    assert types == ["source.baseline_recorded", "source.failed", "source.recovered"]


# -- the gate in code -------------------------------------------------------


def program(about: str) -> str:
    """Return the one program of the page that names this."""
    (found,) = (block for block in blocks(page("gate"), "python") if about in block)
    return found


@pytest.fixture
def leased(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a folder of lease files: luna is paused, mini is active."""
    entries = (
        standing("gpt-5.6-luna", Status.PAUSED, "gpt-5.4-mini"),
        standing("gpt-5.4-mini", Status.ACTIVE),
    )
    documents = lease_documents(
        {one.key: one for one in entries}, GateRules(environments=("production",)), clock.now(), LogHead("log-1", 1, 17)
    )
    write_lease(tmp_path, documents, LogHead("log-1", 1, 17))
    monkeypatch.setenv("ACCESS_MONITOR_LEASE", str(tmp_path))


def test_the_example_of_the_guard_answers_why_it_does_not_call_a_paused_model(leased):
    import httpx2
    import openai

    def called(request: httpx2.Request) -> httpx2.Response:
        message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hello"}]}
        return httpx2.Response(200, json={"id": "r", "object": "response", "output": [message]})

    http = httpx2.Client(transport=httpx2.MockTransport(called))
    client = openai.OpenAI(api_key="k", base_url="http://provider.invalid/v1", http_client=http)
    text = program("guard(openai.OpenAI()").replace("openai.OpenAI()", "made()")
    for model, said in (("gpt-5.6-luna", "Not now: "), ("gpt-5.4-mini", "hello")):
        space: dict[str, Any] = {"made": lambda: client}
        exec(compile(text.replace("gpt-5.6-luna", model), "docs/gate.md", "exec"), space)
        assert space["answer"]("hi").startswith(said)


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    pytest.importorskip("openfeature.contrib.provider.flagd", reason="openfeature-provider-flagd is not installed")
    entries = (
        standing("gpt-5.6-luna", Status.PAUSED, "gpt-5.4-mini"),
        standing("gpt-5.4-mini", Status.ACTIVE),
        standing("gpt-5.6-sol", Status.EVALUATING),
    )
    documents = lease_documents({one.key: one for one in entries}, GateRules(), clock.now(), LogHead("log-1", 1, 17))
    write_lease(tmp_path, documents, LogHead("log-1", 1, 17))
    monkeypatch.setenv("ACCESS_MONITOR_LEASE", str(tmp_path))
    from openfeature import api

    space: dict[str, Any] = {}
    try:
        exec(compile((CLIENTS / "flagd_client.py").read_text(), "flagd_client.py", "exec"), space)
        yield space
    finally:
        api.shutdown()


def test_the_example_of_a_flagd_client_uses_the_entry_its_fallback_or_neither(example):
    assert [example["model_for"](key, "support-agent") for key in ("gpt-5.4-mini", "gpt-5.6-luna", "gpt-5.6-sol")] == [
        "gpt-5.4-mini",
        "gpt-5.4-mini",
        None,
    ]


def test_the_example_of_a_flagd_client_denies_a_key_that_the_file_does_not_hold(example):
    assert example["model_for"]("gpt-5.6-lnua", "support-agent") is None


def test_the_shown_lease_file_has_the_shape_of_a_written_one(tmp_path):
    (shown,) = (json.loads(block) for block in blocks(page("gate"), "json"))
    entries = {"gpt-5.6-sol": standing("gpt-5.6-sol", Status.ACTIVE, "gpt-5.4-mini")}
    written = lease_documents(entries, GateRules(environments=("production",)), clock.now(), LogHead("log-1", 1, 17))[
        "production"
    ]
    assert shown.keys() == written.keys()
    assert shown["metadata"].keys() == written["metadata"].keys()
    (flag,), (other,) = shown["flags"].values(), written["flags"].values()
    assert flag.keys() == other.keys()
    assert flag["variants"] == other["variants"]
    assert flag["metadata"].keys() == other["metadata"].keys()


def test_the_example_of_the_litellm_hook_asks_the_guard(leased, monkeypatch):
    class Refused(Exception):
        def __init__(self, status_code: int, detail: Any) -> None:
            self.status_code = status_code

    modules = {name: ModuleType(name) for name in ("fastapi", "litellm", "litellm.integrations")}
    logger = modules["litellm.integrations.custom_logger"] = ModuleType("litellm.integrations.custom_logger")
    modules["fastapi"].HTTPException = Refused  # type: ignore[attr-defined]
    logger.CustomLogger = type("CustomLogger", (), {})  # type: ignore[attr-defined]
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    space: dict[str, Any] = {}
    exec(compile(program("litellm_hook"), "docs/gate.md", "exec"), space)
    pre_call = space["hook"].async_pre_call_hook
    assert asyncio.run(pre_call(None, None, {"model": "gpt-5.4-mini"}, "completion")) == {"model": "gpt-5.4-mini"}
    with pytest.raises(Refused) as refused:
        asyncio.run(pre_call(None, None, {"model": "luna"}, "completion"))
    assert refused.value.status_code == 403


def test_the_shown_settings_of_the_gate_are_taken(tmp_path):
    shown = "".join(block for block in blocks(page("gate"), "toml") if "[web]" not in block)
    entries = "".join(
        f'[[entry]]\nkey = "{key}"\nsurface = "openai"\nmodel_id = "{key}"\nowners = ["platform"]\n'
        for key in ("gpt-5.6-luna", "gpt-5.4-mini")
    )
    (tmp_path / "monitor.toml").write_text(
        shown
        + '[[surface]]\nkey = "openai"\nbase_url = "https://api.openai.com/v1"\n'
        + '[[owner]]\nkey = "platform"\ndestinations = ["env:SLACK_URL"]\n'
        + entries
    )
    settings = load(tmp_path / "monitor.toml", {})
    assert settings.signing_key == "env:GATE_SIGNING_KEY"
    (deployment,) = settings.github.deployments
    assert (deployment.environment, deployment.entries) == ("production", ("gpt-5.6-luna", "gpt-5.4-mini"))


# -- the commands that a message prints --------------------------------------


def test_the_activation_that_a_message_prints_is_not_refused_for_its_position(tmp_path):
    with docs_story.visible(tmp_path) as story:
        with story.store.read() as reader:
            (delivery,) = reader.deliveries()
            notice = reader.notice(delivery.notice)
        assert notice is not None
        (item,) = notice.items
        printed = re.search(r"activate \S+ .* --expect (\d+)$", item.commands[-1])
        assert printed
        event = story.operator.activate(
            item.entry, by="Ada L.", reason="evals passed", via=docs_story.VIA, expect=int(printed[1])
        )
        assert event.type == "entry.activated"
