"""What the documentation says of HTTP is held against the server: every path and metric, no other ones, and examples
that run.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import docs_server
import docs_story
import httpx2
import pytest
from docs_pages import READ, ROOT, blocks, page, prose, quoted, rows, sections
from starlette.routing import Match, Route

from monitor.app.health import Health
from monitor.core.credentials import AccessScope
from monitor.core.nodes import Node
from monitor.gate.client import clock
from monitor.settings import load
from monitor.web.api.operations import OPERATIONS
from monitor.web.api.resources import RESOURCES
from monitor.web.app import OPEN, application
from monitor.web.feeds import FEEDS
from monitor.web.metrics import metrics
from monitor.web.pages.views import PAGES

METHODS = ("GET", "POST")
ROUTES = [
    route for route in application(docs_server.endpoints(docs_server.Registry())).routes if isinstance(route, Route)
]


def documented(path: str) -> str:
    """Return a route's path as the pages write it: `{key:path}` is `KEY`."""
    return re.sub(r"{(\w+)(?::\w+)?}", lambda found: found[1].upper(), path)


SERVED = {
    f"{method} {documented(route.path)}" for route in ROUTES for method in route.methods or () if method in METHODS
}
TABLED = [
    (cells[0].strip("`").partition("?")[0], cells)
    for name in ("gate", "operating")
    for cells in rows(page(name))
    if cells[0].strip("`").startswith(METHODS)
]


API = {documented(resource.path) for resource in RESOURCES}
ACTS = {documented(operation.path) for operation in OPERATIONS}


# -- paths -----------------------------------------------------------------


def test_the_paths_described_are_those_that_there_are():
    assert sorted(path for path, _ in TABLED) == sorted(SERVED)
    assert len(SERVED) > 5


def test_the_paths_that_need_no_token_are_those_that_are_said_to():
    said = {path.partition(" ")[2]: cells[2] for path, cells in TABLED if len(cells) > 2}
    assert {path for path, token in said.items() if token == "no"} == set(OPEN)
    for name in OPEN:
        assert f"`{name}`" in sections(page("gate"), 3)["Tokens"]


def test_the_pages_and_the_resources_described_are_those_that_there_are():
    named = {
        head: {name for row in rows(text) for name in quoted(row[0])}
        for head, text in sections(page("desk"), 2).items()
    }
    feeds = {f"/entries/KEY/{name}" for name in FEEDS} | {f"/{name}" for name in FEEDS if name != "badge.svg"}
    questions = rows(sections(page("events"), 2)["Asking about the past"])
    named["API"] |= {quoted(cells[2])[0].partition("?")[0] for cells in questions if len(cells) == 3}
    assert named == {
        "Pages": {documented(spec.path) for spec in PAGES} | {"/configuration"},
        "API": API,
        "Feeds": feeds,
        "Acts": ACTS,
        "Access": set(),
    }
    assert set(AccessScope) <= set(quoted(sections(page("desk"), 2)["Access"]))


def test_a_path_named_within_a_sentence_is_served():
    known = {path.partition(" ")[2] for path in SERVED} | API | ACTS
    named = {
        span.partition("?")[0]
        for path in READ
        for span in quoted(prose(path.read_text(encoding="utf-8")))
        if re.match(r"/(?:v1|ofrep|healthz|readyz|metrics)\b", span)
    }
    assert named - known == set()
    assert len(named) > 1


class Asked(NamedTuple):
    method: str
    path: str
    query: str
    body: str
    headers: tuple[tuple[str, ...], ...]
    answer: str


def asked() -> Iterator[Asked]:
    """Yield every request that a page shows together with its answer."""
    for path in READ:
        for block in blocks(path.read_text(encoding="utf-8"), "console"):
            for line, answer in re.findall(r"^\$ (curl .*)\n((?:[^$].*\n)*)", block, re.MULTILINE):
                words = shlex.split(line.partition(" | ")[0])
                url = urlsplit(next(word for word in words if word.startswith("http")))
                body = words[words.index("-d") + 1] if "-d" in words else ""
                headers = tuple(tuple(after.split(": ", 1)) for word, after in pairwise(words) if word == "-H")
                yield Asked("POST" if body else "GET", url.path, url.query, body, headers, answer)


ASKED = sorted(set(asked()))


@pytest.mark.parametrize("one", ASKED, ids=lambda one: f"{one.method} {one.path}?{one.query}")
def test_a_request_that_a_page_shows_is_one_that_the_server_takes(one):
    scope = {"type": "http", "method": one.method, "path": one.path, "headers": []}
    assert Match.FULL in {route.matches(scope)[0] for route in ROUTES}


def shape(value: Any) -> Any:
    return {key: shape(one) for key, one in value.items()} if isinstance(value, dict) else type(value)


@pytest.fixture(scope="module")
def server() -> Iterator[httpx2.Client]:
    with (
        docs_server.answering(docs_server.Registry()) as url,
        httpx2.Client(base_url=url, trust_env=False, timeout=10) as client,
    ):
        yield client


@pytest.mark.parametrize(
    "one",
    [one for one in ASKED if one.answer.startswith("{")],
    ids=lambda one: f"{one.method} {one.path}?{one.query} {one.answer[-20:]}",
)
def test_the_answer_that_a_page_shows_has_the_shape_of_the_real_one(one, server):
    answer = server.request(one.method, f"{one.path}?{one.query}", content=one.body, headers=one.headers)
    assert answer.status_code == 200
    shown = json.loads(one.answer)
    assert shape(shown) == shape(answer.json())
    if shown.get("status") in ("unregistered", "evaluating"):  # these say the same in both registries
        assert [shown[key] for key in ("allowed", "status")] == [answer.json()[key] for key in ("allowed", "status")]


def test_there_are_examples_of_the_gate_of_ofrep_and_of_health():
    assert {one.path.split("/")[1] for one in ASKED} == {"v1", "ofrep", "healthz", "readyz", "metrics"}


# -- metrics ---------------------------------------------------------------

FAMILY = re.compile(r"^(access_monitor_\w+?)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> str:
    health = Health()
    health.polled("openai-models", "baseline")
    with docs_story.visible(tmp_path_factory.mktemp("story")) as story:
        story.now = clock.now()
        story.store.turns.heartbeat(
            Node(name="n1", role="run", version="1", configuration="c", started_at=story.now, heartbeat_at=story.now)
        )
        story.slow_down(docs_story.PROBE, "responses", until=story.now)
        return metrics(story.store, story.configuration, health, clock.now())


def families(text: str) -> dict[str, set[str]]:
    """Name → names of its labels."""
    found: dict[str, set[str]] = {}
    for name, labels, _ in FAMILY.findall(text):
        found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    return found


def test_the_metrics_described_are_those_that_there_are(measured):
    described = {
        name: set(quoted(cells[1])) for cells in rows(page("operating")) if "_" in cells[0] for name in quoted(cells[0])
    }
    described = {name: labels for name, labels in described.items() if name.startswith("access_monitor_")}
    assert described == families(measured)
    assert len(described) > 5


def test_the_metrics_that_are_said_to_be_absent_without_a_database_are_absent(measured):
    table = [
        name for cells in rows(page("operating")) for name in quoted(cells[0]) if name.startswith("access_monitor_")
    ]

    class Away:
        def read(self) -> Any:
            return docs_server.Registry.head(away)

    away = docs_server.Registry()
    away.away = True
    left: Any = metrics(Away(), docs_server.CONFIGURATION, Health(), clock.now())  # type: ignore[arg-type]
    absent = set(table) - set(re.findall(r"^# TYPE (\S+)", left, re.MULTILINE))
    place = table.index("access_monitor_store_up") + 1
    assert absent == set(table[place : table.index("access_monitor_deliveries") + 1])


def test_a_metric_named_within_a_sentence_is_one():
    known = set(re.findall(r"access_monitor_\w+", page("operating")))
    for path in READ:
        assert set(re.findall(r"`(access_monitor_\w+)`", path.read_text(encoding="utf-8"))) <= known


# -- what the daemon says --------------------------------------------------


@cache
def said() -> frozenset[str]:
    """Return the message of every line that the program writes to its log."""
    return frozenset(
        call.args[0].value
        for path in (ROOT / "monitor").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) in ("logs.line", "line")
        and isinstance(call.args[0], ast.Constant)
    )


def test_every_message_of_the_log_is_explained_and_no_other():
    table = [cells[0] for cells in rows(sections(page("operating"), 3)["What the daemon says"])]
    explained = {name for cell in table for name in quoted(cell)}
    cut = {name.removesuffix(" …") for name in explained}
    assert {message for message in said() if not message.startswith(tuple(cut))} == set()
    assert {name for name in cut if not any(message.startswith(name) for message in said())} == set()


# -- programs --------------------------------------------------------------


@pytest.fixture
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_the_example_of_an_ofrep_client_allows_what_is_active_and_denies_when_nobody_answers(direct, monkeypatch):
    pytest.importorskip("openfeature.contrib.provider.ofrep", reason="openfeature-provider-ofrep is not installed")
    from openfeature import api

    program = (ROOT / "config" / "clients" / "ofrep_client.py").read_text()
    monkeypatch.setenv("GATE_TOKEN", docs_server.TOKEN)
    space: dict[str, Any] = {}
    try:
        with docs_server.answering(docs_server.Registry(), docs_server.TOKEN) as url:
            exec(compile(program.replace("http://127.0.0.1:8787", url), "ofrep_client.py", "exec"), space)
            allowed = [space["allowed"](one.key, "support-agent") for one in docs_server.ENTRIES]
            assert allowed == [False, True, False, False]
            assert space["allowed"]("gpt-5.4-mnii", "support-agent") is False
            monkeypatch.setenv("GATE_TOKEN", "another")
            assert space["allowed"]("gpt-5.4-mini", "support-agent") is False
            monkeypatch.setenv("GATE_TOKEN", docs_server.TOKEN)
            assert space["allowed"]("gpt-5.4-mini", "support-agent") is True
        assert space["allowed"]("gpt-5.4-mini", "support-agent") is False
    finally:
        api.shutdown()
        api.clear_providers()


class Copy:
    """The page's script that keeps a copy of a lease file, run in a folder."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "production.json"
        self._folder = folder
        self._header = folder / "token"
        self._header.write_text(f"Authorization: Bearer {docs_server.TOKEN}\n")
        self._script = (ROOT / "config" / "clients" / "copy-lease.sh").read_text()

    def fetch(self, url: str) -> int:
        script = self._script.replace("/etc/access-monitor/gate-token", str(self._header))
        script = script.replace("https://monitor.example.com", url)
        assert url in script
        environ = {**os.environ, "ACCESS_MONITOR_LEASE": str(self._folder)}
        return subprocess.run(
            ["sh", "-c", script], env=environ, capture_output=True, timeout=60, check=False
        ).returncode

    @property
    def state(self) -> tuple[int, bytes]:
        return self.file.stat().st_ino, self.file.read_bytes()


def test_the_script_that_copies_a_lease_takes_a_new_one_and_keeps_the_old_one_otherwise(direct, tmp_path):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed: the script that copies a lease file is not run here")
    copy, registry = Copy(tmp_path), docs_server.Registry()
    with docs_server.answering(registry, docs_server.TOKEN) as url:
        assert copy.fetch(url) == 0
        first = copy.state
        assert json.loads(first[1])["metadata"]["version"] == "17"
        (tmp_path / "production.new").write_text("what an earlier attempt left half done")
        assert copy.fetch(url) == 0
        assert copy.state == first, "an unchanged lease was written anew"
    with docs_server.answering(registry, "another token") as refusing:
        assert copy.fetch(refusing) != 0
        assert copy.state == first
    registry.away = True
    with docs_server.answering(registry, docs_server.TOKEN) as blind:
        assert copy.fetch(blind) != 0
        assert copy.state == first
    assert copy.fetch(url) != 0, "nobody listens there any more"
    assert copy.state == first
    registry.away, registry.position = False, 18
    with docs_server.answering(registry, docs_server.TOKEN) as url:
        assert copy.fetch(url) == 0
    assert json.loads(copy.state[1])["metadata"]["version"] == "18"


def test_the_shown_tokens_are_a_configuration_that_is_taken_and_without_them_it_is_refused(tmp_path):
    from monitor.core.ports import ConfigurationError

    (shown,) = (block for block in blocks(page("gate"), "toml") if "[web]" in block)
    path = tmp_path / "monitor.toml"
    path.write_text(shown)
    web = load(path, {}).web
    assert [f"env:{name}" for name in ("GATE_TOKEN", "GATE_TOKEN_NEXT")] == list(web.tokens)
    path.write_text(re.sub(r"^tokens = .*$", "", shown, flags=re.MULTILINE))
    with pytest.raises(ConfigurationError, match=r"web\.listen"):
        load(path, {})
    assert tomllib.loads(shown)["web"]["listen"] == f"{web.host}:{web.port}"


def test_the_lease_is_renewed_as_often_as_is_said():
    from monitor.gate.lease_file import LEASE_RENEWAL

    assert timedelta(minutes=5) == LEASE_RENEWAL
    assert "at least every five minutes" in page("gate").replace("\n", " ")
