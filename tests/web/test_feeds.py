"""Feeds, calendars and badges of everything and of an entry, and the headers that say when a model ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree

import pytest
from desk_world import api_of, client_of, paused_world
from gate_examples import at_position, registry, standing
from pipeline_world import LUNA, START, World, configuration, furnish, world_of
from starlette.testclient import TestClient

from monitor.audit.lifecycle import FirmEnd
from monitor.core.configuration import Configuration
from monitor.sources.catalog import source_spec
from monitor.web.answers import GateRequest, decided, lifecycle_headers
from monitor.web.app import Endpoints, application
from monitor.web.badge import badge
from monitor.web.feeds import FEEDS, Feeds
from monitor.web.memory import RegistryCache, RegistrySnapshot, read_view

ATOM = "{http://www.w3.org/2005/Atom}"
NASTY = "<script>\x00&\"']]>"


@pytest.fixture(scope="module")
def paused() -> Iterator[World]:
    with paused_world(by=NASTY, note=NASTY) as made:
        yield made


@pytest.fixture(scope="module")
def http(paused: World) -> Iterator[TestClient]:
    with client_of(*Feeds(api_of(paused)).routes()) as client:
        yield client


PATHS = [*(f"/{name}" for name in FEEDS if name != "badge.svg"), *(f"/entries/luna/{name}" for name in FEEDS)]


@pytest.mark.parametrize("path", PATHS)
def test_who_has_a_file_already_gets_no_body(http: TestClient, path: str) -> None:
    answer = http.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == FEEDS[path.rpartition("/")[2]][0]
    again = http.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/feed.atom", "/entries/luna/feed.atom"])
def test_an_atom_feed_has_what_the_rfc_asks_for_and_each_event_once(http: TestClient, path: str) -> None:
    feed = ElementTree.fromstring(http.get(path).text)
    for name in ("id", "title", "updated", "author"):
        assert feed.find(f"{ATOM}{name}") is not None
    links = {link.get("rel"): link.get("href") for link in feed.findall(f"{ATOM}link")}
    assert links["self"] == f"http://testserver{path}"
    entries = feed.findall(f"{ATOM}entry")
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(set(ids)) == len(ids) > 3
    times = [str(entry.findtext(f"{ATOM}updated")) for entry in entries]
    assert times == sorted(times, reverse=True)
    assert feed.findtext(f"{ATOM}updated") == times[0]
    assert any("standard input: 1.00 → 2.00" in str(entry.findtext(f"{ATOM}summary")) for entry in entries)
    assert any("<script>" in str(entry.findtext(f"{ATOM}summary")) for entry in entries)


def test_a_json_feed_says_the_same_as_the_atom_feed(http: TestClient) -> None:
    document = http.get("/entries/luna/feed.json").json()
    feed = ElementTree.fromstring(http.get("/entries/luna/feed.atom").text)
    assert document["version"] == "https://jsonfeed.org/version/1.1"
    assert document["home_page_url"] == "http://testserver/entries/luna"
    assert [item["id"] for item in document["items"]] == [
        entry.findtext(f"{ATOM}id") for entry in feed.findall(f"{ATOM}entry")
    ]
    assert {"entry.paused", "price.changed"} <= {tag for item in document["items"] for tag in item["tags"]}


def test_a_badge_says_what_production_is_answered_in_words(http: TestClient) -> None:
    picture = ElementTree.fromstring(http.get("/entries/luna/badge.svg").text)
    assert picture.get("role") == "img"
    assert picture.findtext("{http://www.w3.org/2000/svg}title") == picture.get("aria-label") == "luna: denied, paused"


def test_a_badge_escapes_what_is_written_on_it() -> None:
    title = ElementTree.fromstring(badge("a<b>&\"'", "denied", "bad")).findtext("{http://www.w3.org/2000/svg}title")
    assert title == "a<b>&\"': denied"


@pytest.mark.parametrize("name", FEEDS)
def test_what_is_no_entry_has_no_feed(http: TestClient, name: str) -> None:
    answer = http.get(f"/entries/lnua/{name}")
    assert (answer.status_code, "did you mean 'luna'?" in answer.text) == (404, True)


def _headers(stated: Mapping[str, str], *, trust: str = "official") -> Mapping[str, str]:
    conf = configuration()
    ends = source_spec(
        key="ends",
        kind="deprecations_page",
        every=timedelta(hours=6),
        provider="openai",
        url="https://e.example/ends?token=hidden",
        trust=trust,
    )
    with world_of(replace(conf, sources={**conf.sources, "ends": ends})) as world:
        world.sources["ends"].announcing = True
        if stated:
            world.sources["ends"].set(LUNA, **stated)
        furnish(world)
        world.polls(3)
        view = read_view(world.store, world.conf, world.now)
        with client_of(*Feeds(api_of(world)).routes()) as http:
            calendar = http.get("/entries/luna/calendar.ics").text
        assert ("BEGIN:VEVENT" in calendar) == bool(stated)
        return lifecycle_headers(view, decided(view, "gpt-luna", GateRequest(), world.now))


def test_a_firm_end_is_said_in_the_headers_of_an_answer() -> None:
    notice = datetime(2026, 6, 1, tzinfo=UTC)
    headers = _headers({"shutdown_date": "2026-12-11", "deprecation.notice_date": "2026-06-01"})
    assert headers["Sunset"] == "Fri, 11 Dec 2026 00:00:00 GMT"
    assert headers["Deprecation"] == f"@{int(notice.timestamp())}"
    assert headers["Link"].startswith('</entries/luna>; rel="deprecation sunset"')
    assert "hidden" not in headers["Link"]
    assert "https://e.example/ends" in headers["Link"].encode("ascii").decode()


def test_the_headers_stand_on_the_answers_of_http_and_ofrep() -> None:
    end = FirmEnd(day=date(2026, 12, 11), announced_at=START, url="")
    conf = Configuration()
    view = RegistrySnapshot(
        standings=registry(standing("luna"), standing("terra")),
        head=at_position(9),
        configuration=conf,
        ends={"luna": end},
    )
    endpoints = Endpoints(
        memory=RegistryCache(lambda _: view, lambda: 9, lambda: conf),
        clock=lambda: START,
        working=lambda: True,
        probe=lambda: None,
        metrics=lambda _: "",
    )
    with TestClient(application(endpoints), base_url="http://localhost") as http:
        for key, stated in (("luna", True), ("terra", False), ("none", False)):
            answers = http.get(f"/v1/gate/{key}"), http.post(f"/ofrep/v1/evaluate/flags/{key}", json={})
            for answer in answers:
                assert answer.status_code == 200
                assert ("Sunset" in answer.headers, "Deprecation" in answer.headers) == (stated, stated)


def test_without_a_notice_the_announcement_is_dated_by_its_first_poll() -> None:
    at = int(_headers({"shutdown_date": "2026-12-11"})["Deprecation"].removeprefix("@"))
    assert START.timestamp() <= at <= (START + timedelta(days=1)).timestamp()


@pytest.mark.parametrize(
    "stated", [{}, {"shutdown_date": "2026-12-11 earliest"}, {"shutdown_date": "2026-12-11 after"}]
)
def test_what_is_no_firm_end_is_said_in_no_header(stated: Mapping[str, str]) -> None:
    assert _headers(stated) == {}


def test_a_third_party_ends_no_model() -> None:
    assert _headers({"shutdown_date": "2026-12-11"}, trust="third_party") == {}
