"""The pages: every one of them answers, says what presses first, escapes what providers wrote, and needs no script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from desk_world import path_of, paused_world
from pipeline_world import World, world_of
from signed_world import SignedWorld
from starlette.testclient import TestClient

from monitor.core.credentials import AccessScope
from monitor.core.facts import Measurement
from monitor.core.nodes import Node
from monitor.core.ports import EventQuery, Unavailable
from monitor.detection.shards import shards
from monitor.gate.decision import Answer
from monitor.gate.uses import JudgedRow, Uses, record
from monitor.web.api.acts import ACTS
from monitor.web.pages.views import PAGES, PageSpec

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def paused() -> Iterator[World]:
    with paused_world(by=SCRIPT, note=f"{SCRIPT}&amp;") as made:
        uses = Uses(lambda: ("production",))
        answer = Answer(
            key="luna", allowed=False, status="paused", reason="so", fallback="", position=9, expires_at=None
        )
        uses.note(answer, JudgedRow("luna", "openai"), "production", "support-agent", made.now)
        record(made.store, uses, made.now, ending=True)
        yield made


@pytest.fixture(scope="module")
def http(paused: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with SignedWorld(paused, tmp_path_factory.mktemp("desk")).client() as client:
        yield client


class _Read(HTMLParser):
    """Collects tags that are open, ids, and links to other hosts."""

    VOID = frozenset({"meta", "link", "input", "br", "line", "circle", "rect", "path"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.inline: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src", "action") and value]
        self.inline += [name for name in named if name == "style" or name.startswith("on")]
        self.inline += [tag] if tag == "style" or (tag == "script" and "src" not in named) else []
        self.ids += [named["id"]] if named.get("id") else []

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_every_page_is_whole_names_no_other_host_and_holds_nothing_inline(
    http: TestClient, paused: World, page: PageSpec
) -> None:
    answer = http.get(path_of(page.path, paused))
    assert answer.status_code == 200, answer.text
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    read = _Read()
    read.feed(answer.text)
    assert read.open == []
    assert read.inline == []
    assert all(link.startswith(("/", "?", "data:,", "#")) for link in read.links), read.links
    assert len(read.ids) == len(set(read.ids))
    assert SCRIPT not in answer.text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_every_link_of_a_page_leads_somewhere(http: TestClient, paused: World, page: PageSpec) -> None:
    read = _Read()
    read.feed(http.get(path_of(page.path, paused)).text)
    for link in dict.fromkeys(link for link in read.links if link.startswith("/")):
        assert http.get(link, follow_redirects=True).status_code == 200, link


def test_what_is_paused_stands_on_top_with_who_has_it_and_leads_to_why_in_one_click(http: TestClient) -> None:
    text = http.get("/").text
    top = text[: text.index("<table")]
    assert "PAUSED" in top
    assert "Production is denied" in top
    assert "&lt;script&gt;alert(1)&lt;/script&gt; has it" in top
    assert 'href="/entries/luna"' in top
    entry = http.get("/entries/luna").text
    assert "standard input: 1.00 → 2.00 USD per 1M tokens (+100 %)" in entry
    assert "access-monitor resume luna --by YOU --reason WHY --expect" in entry


def test_the_timeline_of_an_entry_shows_who_was_denied(http: TestClient) -> None:
    assert "gate.denied: " in http.get("/entries/luna").text


def test_filters_choose_rows_and_stay_in_the_address(http: TestClient) -> None:
    assert 'href="/entries/luna"' in http.get("/?status=paused").text.partition("<table")[2]
    text = http.get("/?status=retired&q=luna").text
    assert "No entry matches" in text
    assert 'value="luna"' in text


def test_a_page_of_a_time_says_so_and_shows_what_was_recorded_then(http: TestClient, paused: World) -> None:
    with paused.store.read() as reader:
        pause = next(reader.events(EventQuery(type="entry.paused")))
    before = (pause.recorded_at - timedelta(seconds=1)).isoformat()
    for path in ("/", "/entries/luna"):
        text = http.get(path, params={"at": before}).text
        assert "You look at what was recorded up to" in text
        assert re.search(r'class="word good">active<', text)
        assert "PAUSED" not in text
    assert "it is of now" in http.get("/sources", params={"at": before}).text
    assert "entry.paused" not in http.get("/events", params={"at": before}).text
    assert "entry.paused" in http.get("/events").text
    assert "PAUSED" not in http.get("/deliveries", params={"at": before}).text
    assert "PAUSED" in http.get("/deliveries").text


def test_what_is_open_is_shown_as_of_a_time_without_a_next_step_and_says_what_is_of_now(
    http: TestClient, paused: World
) -> None:
    with paused.store.read() as reader:
        pause = next(reader.events(EventQuery(type="entry.paused")))
    for ago, is_open in ((timedelta(seconds=1), False), (timedelta(0), True)):
        text = http.get("/open", params={"at": (pause.recorded_at - ago).isoformat()}).text
        then, _, now = text.partition("<h2>Of now</h2>")
        assert "You look at what was recorded up to" in text
        assert ("PAUSED" in then) is is_open
        assert "access-monitor ack" not in then
        assert "is not in the log: below it is of now" in now
    assert "access-monitor resume luna" in http.get("/open").text
    assert "Of now" not in http.get("/open").text


def test_a_source_shows_what_its_calls_took_and_cost_and_says_where_there_were_none(tmp_path: Path) -> None:
    with world_of() as world, SignedWorld(world, tmp_path).client() as http:
        assert "No call of this source was measured in the last seven days" in http.get("/sources/list").text
        call = Measurement(
            source="list", surface="openai", model=SCRIPT, route="responses", at=world.now, outcome="granted", latency=0
        )
        old = replace(call, at=world.now - timedelta(days=8), latency=9999)
        calls = [replace(call, latency=number, cost="0.00002") for number in range(100, 2100, 100)]
        with world.store.write() as tx:
            tx.put_measurements([old, *calls, replace(call, outcome="unclear", latency=9999)])
        text = http.get("/sources/list").text
        assert "1000 ms" in text, "the median"
        assert "1900 ms" in text, "95 of 100 are within"
        assert "9999" not in text, "what is older than a week, or was not granted, took no time that counts"
        assert "4.8 %" in text
        assert "0.0004 USD" in text
        assert text.count('<svg class="chart"') == 2
        assert "21 calls, 1 not granted, median 1000 ms, 95 % within 1900 ms" in text
        assert SCRIPT not in text


def test_nodes_are_listed_with_who_polls_what_and_one_daemon_says_nothing_of_them(tmp_path: Path) -> None:
    with world_of() as world, SignedWorld(world, tmp_path).client() as http:
        assert "Nodes" not in http.get("/sources").text
        assert "Polled by" not in http.get("/sources/list").text
        assert http.get("/v1/nodes").json() == []
        node = Node(
            name=SCRIPT, role="run", version="1", configuration="c", started_at=world.now, heartbeat_at=world.now
        )
        turns = world.store.turns
        turns.heartbeat(node)
        turns.heartbeat(replace(node, name="silent", heartbeat_at=world.now - timedelta(hours=3)))
        names = list(shards(world.conf))
        turns.plan(dict.fromkeys(names, world.now))
        for name in names:
            turns.claim(name, SCRIPT, world.now)
        escaped = SCRIPT.replace("<", "&lt;").replace(">", "&gt;")
        text = http.get("/sources").text
        assert f"{escaped}<small>run" in text
        assert "3 h ago" in text
        assert "Polled by" in text
        assert escaped in http.get("/sources/list").text
        assert 'href="/sources#nodes">silent</a>' in http.get("/open").text
        assert SCRIPT not in text
        rows = http.get("/v1/nodes").json()
        assert [(row["name"], row["state"], row["sources"]) for row in rows] == [
            (SCRIPT, "working", len(world.conf.sources)),
            ("silent", "silent", 0),
        ]


def test_evidence_is_a_download_and_never_a_page(http: TestClient, paused: World) -> None:
    with paused.store.read() as reader:
        hash = next(recorded.event.evidence for recorded in reader.events() if recorded.event.evidence)
    answer = http.get(f"/evidence/{hash}")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert http.get("/evidence/sha256:00000000").status_code == 404


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("/entries/lnua", 404, "There is no entry"),
        ("/events/99999", 404, "There is no event 99999"),
        ("/?bogus=1", 400, "There is no parameter"),
        ("/?at=bogus", 400, "is no time"),
        ("/deliveries/none", 404, "There is no notice"),
        ("/static/none.js", 404, "no such file"),
    ],
)
def test_what_is_not_there_is_a_page_that_says_so(http: TestClient, path: str, status: int, sentence: str) -> None:
    answer = http.get(path)
    assert answer.status_code == status
    assert sentence in answer.text


def test_an_empty_registry_has_pages_too(tmp_path: Path) -> None:
    with world_of() as empty, SignedWorld(empty, tmp_path).client() as http:
        for path in ("/", "/open", "/sources", "/events", "/deliveries", "/changes"):
            assert http.get(path).status_code == 200, path


def test_while_the_store_cannot_be_read_the_page_says_so(
    http: TestClient, paused: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise Unavailable("The database is down.")

    monkeypatch.setattr(paused.store, "read", broken)
    answer = http.get("/")
    assert answer.status_code == 503
    assert "The database is down." in answer.text


SIGNED = (
    *(f"/acts/{act}?entry=luna" for act in ("ack", "resume", "pause", "activate", "retire", "verify")),
    "/acts/silence?entry=luna",
    "/acts/silence?entry=luna&lift=true",
    "/acts/silence?entry=luna&for=8h",
    "/acts/maintenance?entry=luna",
    "/acts/maintenance?entry=luna&close=3",
    "/acts/release?position=4",
    "/acts/resume?entry=lnua",
    "/acts/resume",
    f"/acts/ack?entry=luna&note={SCRIPT}",
    f"/acts/maintenance?entry=luna&until={SCRIPT}&change={SCRIPT}",
    f"/acts/ack?entry={SCRIPT}",
    f"/signin?next=/{SCRIPT}",
    f"/signin/{SCRIPT.replace('/', '')}",
    "/signin",
    "/configuration",
    "/open",
    "/entries/luna",
)


def test_the_pages_of_a_person_who_is_signed_in_are_whole_and_hold_nothing_inline(
    paused: World, tmp_path: Path
) -> None:
    desk = SignedWorld(paused, tmp_path)
    browser = desk.signed_in(SCRIPT, AccessScope.ADMIN)
    head = paused.head
    for path in SIGNED:
        answer = browser.get(path)
        assert answer.status_code in (200, 404), (path, answer.text)
        read = _Read()
        read.feed(answer.text)
        assert (read.open, read.inline) == ([], []), path
        assert len(read.ids) == len(set(read.ids)), (path, read.ids)
        assert SCRIPT not in answer.text, path
        assert answer.headers["referrer-policy"] == "same-origin", "a form would be sent with the origin null"
        assert "form-action 'self'" in answer.headers["content-security-policy"]
        assert ("sign-out" in read.ids, "sign-in" in read.ids) == (True, False)
        assert all(link.startswith(("/", "?", "data:,", "#")) and not link.startswith("//") for link in read.links)
    assert paused.head == head, "what is only looked at is not recorded"


def test_every_next_step_is_a_button_that_leads_to_what_it_would_do(paused: World, tmp_path: Path) -> None:
    browser = SignedWorld(paused, tmp_path).signed_in("clicks", AccessScope.OPERATE)
    for page in ("/", "/open", "/entries/luna"):
        read = _Read()
        read.feed(browser.get(page).text)
        steps = [id for id in read.ids if id.startswith("act-")]
        assert steps, page
        assert {link for link in read.links if link.startswith("/acts/")} <= {f"/acts/{name}" for name in ACTS}
    resume = browser.get("/acts/resume?entry=luna").text
    assert "price.standard.short.input" in resume
    assert re.search(r"<td>1</td><td>2</td>", resume), "old and new stand side by side"
