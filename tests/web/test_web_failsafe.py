"""Whatever fails, production is not answered "allowed" wrongly, and is answered: one test for each failure, over all
who answer.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from gate_examples import HOUR, LEASE, NOW, RULES, at_position, standing
from waiting import until
from web_world import JSON, World

from monitor.core.entry import Status
from monitor.core.ports import Unavailable
from monitor.gate.client import ask
from monitor.gate.client.guard import Guard, ModelDenied
from monitor.gate.lease_file import lease_documents, write_lease
from monitor.web import memory


class Everyone:
    """Asks by file with the command, with the guard, and over HTTP: plain, OFREP single, OFREP bulk."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.folder = folder
        self.passed = 0.0
        self.publish()
        self.guard = Guard(lease=folder, now=lambda: world.now, elapsed=lambda: self.passed)

    def publish(self) -> None:
        made = lease_documents(self.world.standings, RULES, self.world.now, at_position(self.world.position))
        write_lease(self.folder, made, at_position(self.world.position))

    @property
    def file(self) -> Path:
        return self.folder / "production.json"

    def by_file(self, key: str) -> dict[str, bool]:
        self.passed += 1
        command = ask.run([key, "--lease", str(self.folder)], {}, lambda: self.world.now)
        try:
            guarded = self.guard.admit(key) == key
        except ModelDenied:
            guarded = False
        return {"command": command == 0, "guard": guarded}

    def by_http(self, key: str, **asked: str) -> dict[str, bool]:
        bulk = {flag["key"]: flag["value"] for flag in self.world.bulk(**asked)}
        return {
            "plain": self.world.gate(key, **asked)["allowed"],
            "single": self.world.ofrep(key, **asked)["value"],
            "bulk": bulk.get(key, False),
        }


@pytest.fixture
def everyone(world: World, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Everyone]:
    return Everyone(world, tmp_path)


YES = {"command": True, "guard": True}
NO = {"command": False, "guard": False}
NOBODY = {"plain": False, "single": False, "bulk": False}


def test_nothing_fails_and_all_allow(everyone: Everyone) -> None:
    assert everyone.by_file("luna") == YES
    assert everyone.by_http("luna") == dict.fromkeys(NOBODY, True)


def test_daemon_dead(everyone: Everyone) -> None:
    everyone.world.now += LEASE - timedelta(seconds=1)
    assert everyone.by_file("luna") == YES, "a restart stops nobody"
    everyone.world.now += timedelta(seconds=1)
    assert everyone.by_file("luna") == NO


def test_database_gone(everyone: Everyone) -> None:
    everyone.by_http("luna")
    everyone.world.broken = Unavailable("The database is away.")
    everyone.world.elapsed += memory.PATIENCE + memory.STEP
    assert everyone.by_http("luna") == NOBODY
    assert everyone.by_file("luna") == YES, "the file holds until its lease ends"


@pytest.mark.parametrize("content", [b"", b"{", b"null", b'{"flags":{"luna":true}}', b"\x00" * 100])
def test_file_corrupt(everyone: Everyone, content: bytes) -> None:
    everyone.file.write_bytes(content)
    assert everyone.by_file("luna") == {"command": False, "guard": True}, "the guard keeps the last good one"
    everyone.world.now += LEASE
    assert everyone.by_file("luna") == NO
    fresh = Guard(lease=everyone.folder, now=lambda: NOW)
    with pytest.raises(ModelDenied):
        fresh.admit("luna")


def test_file_deleted(everyone: Everyone) -> None:
    everyone.file.unlink()
    assert everyone.by_file("luna")["command"] is False
    everyone.world.now += LEASE
    assert everyone.by_file("luna") == NO


@pytest.mark.parametrize("skew", [-HOUR, -timedelta(days=365), 7 * HOUR, timedelta(days=365)])
def test_clock_skewed(everyone: Everyone, skew: timedelta) -> None:
    everyone.world.now += skew
    assert everyone.by_file("luna")["command"] is False
    everyone.guard = Guard(lease=everyone.folder, now=lambda: everyone.world.now, elapsed=lambda: everyone.passed)
    assert everyone.by_file("luna") == NO


@pytest.mark.parametrize("key", ["gpt-9", "shared", "LUNA", "luna ", "../luna", "luna\x00", "nul"])
def test_unregistered_model(everyone: Everyone, key: str) -> None:
    assert everyone.by_file(key) == NO
    response = everyone.world.http.get(f"/v1/gate/{key.encode().hex() if chr(0) in key else key}")
    assert response.status_code in (200, 404)
    assert response.json().get("allowed", False) is False


@pytest.mark.parametrize("environment", ["", "nowhere", "PRODUCTION", "production ", "prod", "staging\n"])
def test_unknown_environment(everyone: Everyone, environment: str) -> None:
    assert everyone.by_http("nova", env=environment) == NOBODY


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"context": 5}', b"\xff", b"[" * 60_000, b'{"context": {"env": {"a": 1}}}', b"x" * 100_000]
)
def test_malformed_request(everyone: Everyone, body: bytes) -> None:
    for path in ("/ofrep/v1/evaluate/flags/nova", "/ofrep/v1/evaluate/flags/sol"):
        response = everyone.world.http.post(path, content=body, headers=JSON)
        assert response.status_code in (200, 400)
        assert response.json().get("value", False) is False


def test_two_hundred_concurrent_clients(everyone: Everyone) -> None:
    world, wrong = everyone.world, []

    async def client(http: httpx2.AsyncClient, number: int) -> None:
        for _ in range(3):
            plain = await http.get("/v1/gate/luna", params={"caller": f"pod-{number}"})
            denied = await http.post(
                "/ofrep/v1/evaluate/flags/sol", json={"context": {"targetingKey": f"pod-{number}"}}
            )
            flags = await http.post("/ofrep/v1/evaluate/flags", content=b"{}", headers=JSON)
            codes = {plain.status_code, denied.status_code, flags.status_code}
            if codes != {200} or plain.json()["allowed"] is not True or denied.json()["value"] is not False:
                wrong.append((codes, plain.text, denied.text))

    async def all_of_them() -> None:
        limits = httpx2.Limits(max_connections=200, max_keepalive_connections=200)
        async with httpx2.AsyncClient(base_url=world.server.url, trust_env=False, timeout=60, limits=limits) as http:
            await asyncio.gather(*(client(http, number) for number in range(200)))

    stop = threading.Event()

    def commits() -> None:
        while not stop.wait(0.02):
            world.commit(standing("terra"))

    until(lambda: everyone.by_http("luna") != NOBODY, "the registry was read once")
    busy = threading.Thread(target=commits)
    busy.start()
    try:
        asyncio.run(all_of_them())
    finally:
        stop.set()
        busy.join()
    assert wrong == []
    world.commit(standing("luna", status=Status.PAUSED))
    assert everyone.by_http("luna") == NOBODY


def test_an_answer_is_never_too_many_requests(everyone: Everyone) -> None:
    codes = {everyone.world.http.get("/v1/gate/sol").status_code for _ in range(300)}
    assert codes == {200}
    assert json.loads(everyone.file.read_text())["flags"]["sol"]["state"] == "ENABLED"
