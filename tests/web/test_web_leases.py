"""Lease files over HTTP, and the probes."""

from __future__ import annotations

import json

import httpx2
import pytest
from gate_examples import HOUR, NOW, RULES, at_position, standing
from web_world import World

from monitor.core.entry import Status
from monitor.core.ports import Trouble, Unavailable
from monitor.gate.client.lease import Lease
from monitor.gate.lease_file import LEASE_RENEWAL, lease_documents
from monitor.web import memory


def lease(world: World, environment: str = "production", etag: str = "") -> httpx2.Response:
    return world.http.get(f"/v1/lease/{environment}.json", headers={"If-None-Match": etag} if etag else {})


@pytest.mark.parametrize("environment", ["production", "staging"])
def test_a_lease_is_the_document_that_the_folder_holds(world: World, environment: str) -> None:
    documents = lease_documents(world.standings, RULES, NOW, at_position(42))
    response = lease(world, environment)
    assert response.headers["content-type"] == "application/json"
    assert response.json() == json.loads(json.dumps(documents[environment]))


def test_a_lease_is_304_until_the_log_moves(world: World) -> None:
    etag = lease(world).headers["etag"]
    world.now += LEASE_RENEWAL / 2
    again = lease(world, etag=etag)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    world.commit(standing("luna", status=Status.PAUSED))
    moved = lease(world, etag=etag)
    assert moved.status_code == 200
    assert Lease("http", moved.json(), "production", world.now).answer("luna", "")["allowed"] is False


@pytest.mark.parametrize("later", [LEASE_RENEWAL, -HOUR])
def test_a_lease_is_renewed_as_often_as_the_files_and_when_the_clock_was_set_back(world: World, later: object) -> None:
    etag = lease(world).headers["etag"]
    world.now += later  # type: ignore[operator]
    renewed = lease(world, etag=etag)
    assert renewed.status_code == 200
    assert Lease("http", renewed.json(), "production", world.now).written_at == world.now


def test_an_environment_that_nobody_configured_has_no_lease(world: World) -> None:
    response = lease(world, "elsewhere")
    assert response.status_code == 404
    assert "gate.environments" in response.json()["errorDetails"]


def test_while_the_registry_cannot_be_read_the_last_lease_is_given_and_not_renewed(world: World) -> None:
    before = lease(world)
    world.broken = Unavailable("The database is away.")
    world.elapsed += memory.PATIENCE + memory.STEP
    world.now += HOUR
    after = lease(world)
    assert (after.status_code, after.content) == (200, before.content)


def test_where_no_lease_was_ever_known_none_is_made_up(world: World) -> None:
    world.broken = Unavailable("The database is away.")
    response = lease(world)
    assert response.status_code == 503
    assert "The database is away." in response.json()["errorDetails"]


def test_alive_is_who_answers(world: World) -> None:
    world.broken = Unavailable("The database is away.")
    world.working = False
    assert world.http.get("/healthz").json() == {"alive": True}


@pytest.mark.parametrize(
    ("working", "broken", "polling", "storing"),
    [
        (True, None, True, True),
        (False, None, False, True),
        (True, Unavailable("away"), True, False),
        (True, OSError("too many open files"), True, False),
    ],
)
def test_ready_is_who_polls_and_stores(
    world: World, working: bool, broken: Exception | None, polling: bool, storing: bool
) -> None:
    world.working, world.broken = working, broken
    response = world.http.get("/readyz")
    assert response.status_code == (200 if polling and storing else 503)
    state = {"polling": polling, "storing": storing, "publishing": True}
    assert response.json() == {"ready": polling and storing, **state}


@pytest.mark.parametrize("ability", ["storing", "publishing"])
def test_who_cannot_write_is_not_ready(world: World, ability: str) -> None:
    world.endpoints.troubles = lambda: {ability: Trouble(since=NOW, reason="the disk is full")}
    response = world.http.get("/readyz")
    assert response.status_code == 503
    able = {"polling": True, "storing": True, "publishing": True, ability: False}
    assert response.json() == {"ready": False, **able}
