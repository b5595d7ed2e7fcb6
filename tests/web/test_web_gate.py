"""`GET /v1/gate/{key}`: the same answers as the lease file, from memory, and no way to an "allowed" while nothing is
known.
"""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from gate_examples import (
    CHAINS,
    HOUR,
    LEASE,
    NOW,
    PAUSED,
    TABLE,
    at_position,
    callers,
    environments,
    question,
    standing,
    standings,
)
from hypothesis import HealthCheck, given, settings
from web_world import World

from monitor.core.entry import Status
from monitor.core.ports import Unavailable
from monitor.gate.client.lease import Lease
from monitor.gate.decision import Standing
from monitor.gate.lease_file import lease_document
from monitor.web import memory


def test_an_active_entry_is_allowed(world: World) -> None:
    assert world.gate("luna") == {
        "key": "luna",
        "allowed": True,
        "status": "active",
        "reason": "active: every assumption that was accepted holds and is fresh",
        "fallback": "",
        "position": 17,
        "expires_at": "2026-11-22T10:35:00Z",
    }


def test_a_paused_entry_is_denied_with_200_its_reason_and_its_fallback(world: World) -> None:
    answer = world.gate("sol")
    assert (answer["allowed"], answer["status"], answer["fallback"]) == (False, "paused", "terra")
    assert answer["reason"] == "paused: input price 0.20 → 0.25"
    assert world.gate("sol", caller="support-agent")["allowed"] is True


@pytest.mark.parametrize(("key", "status"), [("gpt-9", "unregistered"), ("", "unregistered"), ("shared", "ambiguous")])
def test_what_is_not_registered_or_names_two_entries_is_denied_with_200(world: World, key: str, status: str) -> None:
    answer = world.gate(key)
    assert (answer["key"], answer["allowed"], answer["status"]) == (key, False, status)


@pytest.mark.parametrize("path", ["openai/gpt-4o", "openai%2Fgpt-4o"])
def test_a_key_with_a_slash_is_found_raw_and_encoded(world: World, path: str) -> None:
    assert world.gate(path, env="staging")["key"] == "openai/gpt-4o"
    assert world.gate(path, env="staging")["allowed"] is True
    assert world.gate(path)["allowed"] is False


@pytest.mark.parametrize("asked", [{}, {"env": ""}, {"env": "production"}, {"env": "nowhere"}, {"env": "PRODUCTION"}])
def test_an_environment_that_is_not_named_or_not_configured_is_judged_as_production(
    world: World, asked: dict[str, str]
) -> None:
    assert world.gate("nova", **asked)["allowed"] is False


# A row at the end of the file's lease says nothing here: the lease of an answer begins when it is asked for.
@pytest.mark.parametrize(
    ("entry", "environment", "caller", "hours", "allowed", "variant"), [row for row in TABLE if row[3] * HOUR < LEASE]
)
def test_the_conformance_table_holds_over_http(
    world: World, entry: Standing, environment: str, caller: str, hours: int, allowed: bool, variant: str
) -> None:
    world.commit(entry)
    world.now = NOW + hours * HOUR
    assert world.gate("luna", env=environment, caller=caller)["allowed"] is allowed
    flag = world.ofrep("gpt-5.6-luna", env=environment, targetingKey=caller)
    assert (flag["value"], flag["variant"]) == (allowed, variant)
    assert flag in world.bulk(env=environment, targetingKey=caller)


@pytest.mark.parametrize(("chain", "environment", "caller", "hours", "fallback"), CHAINS)
def test_the_chains_of_the_table_lead_to_the_same_fallback_over_http(
    world: World, chain: tuple[Standing, ...], environment: str, caller: str, hours: int, fallback: str
) -> None:
    world.standings = {}
    world.commit(standing("luna", fallback="sol", **PAUSED), *chain)
    world.now = NOW + hours * HOUR
    said = world.gate("luna", env=environment, caller=caller)
    assert (said["allowed"], said["fallback"]) == (False, fallback)
    flag = world.ofrep("gpt-5.6-luna", env=environment, targetingKey=caller)
    assert (flag["value"], flag["metadata"]["fallback"]) == (False, fallback)
    assert flag in world.bulk(env=environment, targetingKey=caller)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(registered=standings(), environment=environments, caller=callers)
def test_every_key_of_the_lease_file_is_answered_as_the_file_does(
    world: World, registered: dict[str, Standing], environment: str, caller: str
) -> None:
    world.standings = {}
    world.commit(*registered.values())
    document = lease_document(registered, question(environment), at_position(world.position))
    lease = Lease("file", document, environment, NOW)
    for key in document["flags"]:
        read = lease.answer(key, caller)
        assert world.gate(key, env=environment, caller=caller) == read
        flag = world.ofrep(key, env=environment, caller=caller)
        assert (flag["value"], flag["metadata"]["reason"]) == (read["allowed"], read["reason"])


def test_a_pause_is_known_within_a_second_and_the_store_is_not_read_before(world: World) -> None:
    assert world.gate("luna")["allowed"] is True
    world.standings["luna"] = standing("luna", status=Status.PAUSED)
    world.position += 1
    assert world.gate("luna")["allowed"] is True
    assert world.reads == 1
    world.elapsed += memory.STEP
    assert world.gate("luna")["allowed"] is False
    assert world.reads == 2


def test_while_the_log_does_not_move_the_registry_is_read_for_its_freshness_alone(world: World) -> None:
    world.gate("luna")
    for _ in range(10):
        world.elapsed += memory.STEP
        world.gate("luna")
    assert world.reads == 1
    world.elapsed += memory.RENEWAL
    world.gate("luna")
    assert world.reads == 2


def test_time_is_that_of_the_request_though_the_registry_is_remembered(world: World) -> None:
    world.commit(standing("luna", access_until=NOW + HOUR))
    assert world.gate("luna")["expires_at"] == "2026-11-22T05:35:00Z"
    world.now = NOW + HOUR
    assert world.gate("luna")["allowed"] is False


def test_another_configuration_is_heeded_at_once(world: World) -> None:
    assert world.gate("nova", env="staging")["allowed"] is True
    world.reconfigure(environments=("production",), lease=HOUR)
    assert world.gate("nova", env="staging")["allowed"] is False
    assert world.gate("luna")["expires_at"] == "2026-11-22T05:35:00Z"


def test_while_the_registry_was_never_read_everything_is_denied_with_200_and_the_reason(world: World) -> None:
    world.broken = Unavailable("The database x.db is locked by another process: try again.")
    answer = world.gate("luna")
    assert (answer["allowed"], answer["status"], answer["position"]) == (False, "unknown", 0)
    assert answer["reason"] == "unknown: The database x.db is locked by another process: try again."


def test_a_store_that_cannot_be_read_is_bridged_for_half_a_minute_and_then_denied(world: World) -> None:
    assert world.gate("luna")["allowed"] is True
    world.broken = Unavailable("The database x.db could not be reached.")
    world.elapsed += memory.PATIENCE
    assert world.gate("luna")["allowed"] is True
    world.elapsed += memory.STEP
    assert world.gate("luna")["status"] == "unknown"
    world.broken = None
    world.elapsed += memory.STEP
    assert world.gate("luna")["allowed"] is True


def test_a_pause_that_happened_while_the_store_could_not_be_read_is_not_forgotten(world: World) -> None:
    assert world.gate("luna")["allowed"] is True
    world.broken = Unavailable("The database is away.")
    world.commit(standing("luna", status=Status.PAUSED))
    assert world.gate("luna")["allowed"] is True
    world.broken = None
    world.elapsed += memory.STEP
    assert world.gate("luna")["allowed"] is False


def test_the_text_of_an_unexpected_error_is_not_repeated_to_callers(world: World) -> None:
    world.broken = RuntimeError("postgresql://me:hunter2@db")
    assert "hunter2" not in json.dumps(world.gate("luna"))
    assert "RuntimeError" in world.gate("luna")["reason"]


def test_a_store_that_hangs_holds_up_no_answer_for_longer_than_a_client_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.gate("luna")
    monkeypatch.setattr(memory, "PROMPT", 0.05)
    released = threading.Event()

    def hang() -> int:
        released.wait(10)
        return 42

    monkeypatch.setattr(world.endpoints.memory, "_head", hang)
    try:
        world.elapsed += memory.STEP
        assert world.gate("luna")["allowed"] is True
        world.elapsed += memory.PATIENCE
        assert world.gate("luna")["reason"] == "unknown: the database does not answer"
    finally:
        released.set()


def test_a_store_that_hangs_costs_one_glance_while_the_last_reading_stands_in(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.gate("luna")
    released, waits, wait = threading.Event(), [], memory.asyncio.wait

    async def waiting(tasks: Any, *, timeout: float) -> Any:
        waits.append(timeout)
        return await wait(tasks, timeout=min(timeout, 0.01))

    monkeypatch.setattr(memory.asyncio, "wait", waiting)
    monkeypatch.setattr(world.endpoints.memory, "_head", lambda: released.wait(10) and 42)
    try:
        for passed in (memory.STEP, memory.GLANCE, memory.STEP, memory.PATIENCE - 3 * memory.STEP):
            world.elapsed += passed
            assert world.gate("luna")["allowed"] is True
        assert waits == [memory.GLANCE, 0, 0, 0]
        world.elapsed += memory.PATIENCE
        assert world.gate("luna")["reason"] == "unknown: the database does not answer"
        assert waits[-1] == 0, "it has hung for longer than anybody waits"
    finally:
        released.set()


def test_a_defect_denies_instead_of_failing(world: World) -> None:
    world.reconfigure(lease=timedelta(days=3_000_000))  # now and that is past the last year there is
    answer = world.gate("luna")
    assert (answer["allowed"], answer["reason"]) == (False, "unknown: the answer could not be worked out")
    assert world.ofrep("luna")["value"] is False


def test_head_and_other_methods_are_answered_in_order(world: World) -> None:
    head = world.http.head("/v1/gate/luna")
    assert (head.status_code, head.content) == (200, b"")
    for method, path, allowed in (
        ("POST", "/v1/gate/luna", "GET"),
        ("GET", "/ofrep/v1/evaluate/flags/luna", "POST"),
        ("GET", "/ofrep/v1/evaluate/flags", "POST"),
        ("DELETE", "/healthz", "GET"),
    ):
        response = world.http.request(method, path)
        assert response.status_code == 405
        assert allowed in response.headers["allow"]
        assert method in response.json()["errorDetails"]


def test_an_unknown_path_is_404_in_json_and_never_a_redirect(world: World) -> None:
    for path in ("/", "/v1/gate", "/healthz/", "/v1/lease/production"):
        response = world.http.get(path)
        assert response.status_code == 404
        assert "/v1/gate/KEY" in response.json()["errorDetails"]


def test_with_tokens_only_their_bearers_are_answered(world: World) -> None:
    world.protect("first-token", "zweites-tökén")
    for headers in (
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic first-token"},
        {"Authorization": "first-token"},
        {"X-API-Key": ""},
        {"X-API-Key": "first-toke"},
    ):
        response = world.http.get("/v1/gate/luna", headers=headers)
        assert response.status_code == 401, headers
        assert response.headers["www-authenticate"] == "Bearer"
        assert "token" in response.json()["errorDetails"]
    for headers in (
        {"Authorization": "Bearer first-token"},
        {"Authorization": "bearer  first-token"},
        {"X-API-Key": "first-token"},
        {"X-API-Key": "zweites-tökén".encode()},
        {"Authorization": "Bearer wrong", "X-API-Key": "first-token"},
    ):
        assert world.http.get("/v1/gate/luna", headers=headers).status_code == 200, headers


def test_with_tokens_nothing_but_the_probes_is_open(world: World) -> None:
    world.protect("token")
    codes = {path: world.http.get(path).status_code for path in ("/healthz", "/readyz", "/metrics", "/nowhere")}
    assert codes == {"/healthz": 200, "/readyz": 200, "/metrics": 401, "/nowhere": 401}
    assert world.http.post("/ofrep/v1/evaluate/flags").status_code == 401
    assert world.http.get("/v1/lease/production.json").status_code == 401
    assert set(world.http.get("/readyz").json()) == {"ready", "polling", "storing", "publishing"}
