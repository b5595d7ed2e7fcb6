"""The read API: each answer is what the command prints, fits its description, and is refused in one sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NoReturn

import pytest
from desk_world import api_of, client_of, path_of, paused_world
from pipeline_world import VIA, World
from starlette.testclient import TestClient

from monitor.audit import documents, queries
from monitor.audit.alerts import alerts
from monitor.core.events import record
from monitor.core.ports import EventQuery, Unavailable
from monitor.web.api import service
from monitor.web.api.description import description
from monitor.web.api.operations import OPERATIONS
from monitor.web.api.resources import RESOURCES, Resource


@pytest.fixture(scope="module")
def paused() -> Iterator[World]:
    with paused_world(by="ann", note="on it") as made:
        yield made


@pytest.fixture(scope="module")
def http(paused: World) -> Iterator[TestClient]:
    with client_of(*api_of(paused).routes()) as client:
        yield client


def _path(resource: Resource, world: World) -> str:
    path = path_of(resource.path, world)
    return f"{path}?since=1d ago" if path.endswith("/diff") else path


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.path)
def test_every_answer_fits_its_description_to_the_field(http: TestClient, paused: World, resource: Resource) -> None:
    answer = http.get(_path(resource, paused))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    given = resource.adapter.validate_python(answer.json())
    assert json.loads(resource.adapter.dump_json(given, by_alias=True)) == answer.json()


def test_the_description_names_every_path_with_its_parameters(http: TestClient) -> None:
    described = http.get("/openapi.json").json()
    assert described == json.loads(json.dumps(description()))
    paths = {resource.path for resource in RESOURCES} | {operation.path for operation in OPERATIONS}
    assert set(described["paths"]) == paths
    events = described["paths"]["/v1/events"]["get"]
    assert {"type", "subject", "since", "until", "after", "limit"} <= {one["name"] for one in events["parameters"]}
    for path, about in described["paths"].items():
        (operation,) = about.values()
        named = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
        assert {f"{{{name}}}" for name in named} == {part for part in path.split("/") if part.startswith("{")}
    assert _references(described) <= set(described["components"]["schemas"])


def _references(part: Any) -> set[str]:
    if isinstance(part, dict):
        here = {part["$ref"].rpartition("/")[2]} if isinstance(part.get("$ref"), str) else set()
        return here.union(*map(_references, part.values()))
    return set().union(*map(_references, part)) if isinstance(part, list) else set()


def test_the_registry_says_what_production_is_answered(http: TestClient, paused: World) -> None:
    (luna,) = [row for row in http.get("/v1/registry").json() if row["key"] == "luna"]
    assert (luna["status"], luna["production"]["allowed"]) == ("paused", False)
    assert luna["position"] == paused.entry().position
    assert http.get("/v1/registry/luna").json() == luna


def test_a_silence_stands_beside_its_entry_as_in_the_command() -> None:
    with paused_world(by="ann", note="") as world, client_of(*api_of(world).routes()) as http:
        until = world.now + timedelta(hours=4)
        world.use_cases().attendant.silence("luna", until=until, by="ann", reason="known", via=VIA)
        (silence,) = http.get("/v1/silences").json()
        assert http.get("/v1/registry/luna").json()["silence"] == silence


def test_the_registry_of_a_time_is_what_the_log_says_of_it(http: TestClient, paused: World) -> None:
    with paused.store.read() as reader:
        pause = next(reader.events(EventQuery(type="entry.paused")))
    before = (pause.recorded_at - timedelta(seconds=1)).isoformat()
    row = http.get("/v1/registry/luna", params={"at": before}).json()
    assert (row["status"], row["production"], row["access"]) == ("active", None, None)
    assert http.get("/v1/registry/luna/why", params={"at": before}).json()["chain"][0]["type"] == "entry.activated"


def test_why_goes_back_to_what_was_seen(http: TestClient) -> None:
    chain = http.get("/v1/registry/luna/why").json()["chain"]
    assert [step["type"] for step in chain][:2] == ["entry.paused", "price.changed"]
    assert chain[0]["depth"] < chain[1]["depth"]


def test_open_matters_are_those_of_the_command(http: TestClient, paused: World) -> None:
    with paused.store.read() as reader:
        rows = alerts(reader, paused.conf, paused.now)
    assert http.get("/v1/alerts").json() == json.loads(json.dumps([documents.of_alert(row) for row in rows]))
    assert http.get("/v1/alerts").json()[0]["acknowledged"]["by"] == "ann"


@pytest.mark.parametrize("newest", [False, True])
def test_pages_of_the_log_are_the_log(http: TestClient, paused: World, newest: bool) -> None:
    with paused.store.read() as reader:
        whole = [record(recorded) for recorded in reader.events(EventQuery(type="*.*", newest_first=newest))]
    path: str | None = f"/v1/events?limit=3&type=*.*{'&newest=true' if newest else ''}"
    read: list[Any] = []
    while path is not None:
        page = http.get(path).json()
        read += page["events"]
        path = page["next"]
    assert read == json.loads(json.dumps(whole))
    assert len(read) > 6


def test_checks_that_nobody_verified_are_blank_and_one_whose_date_has_passed_is_stale(
    http: TestClient, paused: World
) -> None:
    rows = {row["check"]: row for row in http.get("/v1/registry/luna/checks").json()}
    assert rows["pricing"]["asked"]
    assert rows["evals"]["state"] == "blank"
    assert set(rows) >= {row.name for row in _checks(paused)}


def _checks(world: World) -> list[queries.CheckRow]:
    with world.store.read() as reader:
        return queries.checks(reader, world.conf, "luna")


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("/v1/registry/lnua", 404, "There is no entry 'lnua' (did you mean 'luna'?); the registry has: luna."),
        ("/v1/registry?att=now", 400, "There is no parameter 'att' (did you mean 'at'?); known are: at."),
        ("/v1/registry?at=now&at=now", 400, "at is given twice."),
        ("/v1/registry?at=yesterday", 400, "at: 'yesterday' is no time: write"),
        ("/v1/registry?at=2026-07-30T10:00:00", 400, "names no zone"),
        ("/v1/events?type=prize.*", 400, "type: no type of event matches 'prize.*'"),
        ("/v1/events?check=evalz", 400, "there is no check 'evalz' (did you mean 'evals'?)"),
        ("/v1/events?limit=0", 400, "limit: "),
        ("/v1/events?after=9223372036854775808", 400, "after: "),
        ("/v1/events?cause=9223372036854775808", 400, "cause: "),
        ("/v1/events/9223372036854775808", 404, "There is no event 9223372036854775808"),
        ("/v1/events?after=-1", 400, "after: "),
        ("/v1/events/99999", 404, "There is no event 99999; the last one is"),
        ("/v1/sources/pages", 404, "There is no source 'pages' (did you mean 'page'?)"),
        ("/v1/notices/none", 404, "There is no notice 'none'"),
        ("/v1/diff", 400, "since is missing: The earlier time."),
        ("/v1/prices/nothing", 404, "No source states a price of 'nothing'"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_one_sentence(
    http: TestClient, path: str, status: int, sentence: str
) -> None:
    answer = http.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert sentence in answer.json()["detail"]


def test_while_the_store_cannot_be_read_the_answer_is_503(
    http: TestClient, paused: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise Unavailable("The database is down.")

    monkeypatch.setattr(paused.store, "read", broken)
    answer = http.get("/v1/registry")
    assert (answer.status_code, answer.json()["detail"]) == (503, "The database is down.")


def test_a_stream_whose_store_cannot_be_read_any_more_says_so_and_ends(
    http: TestClient, paused: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_: object, **__: object) -> NoReturn:
        raise Unavailable("The database cannot be read: look at its disk.")

    monkeypatch.setattr(service, "_following", unreadable)
    answer = http.get("/v1/events", headers={"Accept": "text/event-stream"})
    assert answer.status_code == 200
    assert answer.text.endswith(
        'event: trouble\ndata: {"detail": "The database cannot be read: look at its disk."}\n\n'
    )


def test_a_stream_gives_what_was_recorded_after_the_event_that_its_reader_had_last(
    http: TestClient, paused: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "STREAM", 0.5)
    monkeypatch.setattr(service, "STEP", 0.1)
    monkeypatch.setattr(service, "PAGE", 2)
    with paused.store.read() as reader:
        head = reader.head()
    headers = {"Accept": "text/event-stream", "Last-Event-ID": str(head - 5)}
    answer = http.get("/v1/events", headers=headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    ids = [int(line.partition(": ")[2]) for line in answer.text.splitlines() if line.startswith("id: ")]
    assert ids == list(range(head - 4, head + 1))
    refused = http.get("/v1/events?newest=true", headers=headers)
    assert (refused.status_code, "goes forward" in refused.text) == (400, True)
