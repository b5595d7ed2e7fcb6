"""Signed leases, and the guard that keeps one from a real server: nobody else's, never an older one, and nothing on the
request path.
"""

from __future__ import annotations

import base64
import gc
import json
import os
import shutil
import subprocess
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from gate_examples import HOUR, NOW, at_position, standing
from waiting import until
from web_world import World

from monitor.core.entry import Status
from monitor.core.ports import ConfigurationError, Unavailable
from monitor.gate.client import ask
from monitor.gate.client.guard import Guard, ModelDenied
from monitor.gate.client.signature import HEADER, checker, signer
from monitor.web.leases import Leases

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = base64.b64encode(PRIVATE.private_bytes_raw()).decode()
PUBLIC = base64.b64encode(PRIVATE.public_key().public_bytes_raw()).decode()
OTHER = base64.b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()
LUNA = "gpt-5.6-luna"


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def signed(world: World) -> World:
    world.endpoints.leases = Leases(signer(KEY))
    return world


class Guards:
    """Makes guards that ask often, and ends them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._made: list[Guard] = []

    def __call__(self, **options: Any) -> Guard:
        named = {"url": self._world.server.url, "every": 0.02, "now": lambda: self._world.now} | options
        made = Guard(**named)
        self._made.append(made)
        return made

    def close(self) -> None:
        for made in self._made:
            made.close()


@pytest.fixture
def guards(world: World) -> Iterator[Guards]:
    made = Guards(world)
    yield made
    made.close()


def allowed(guard: Guard, model: str = LUNA) -> bool:
    guard._next = 0  # as a second later
    try:
        return guard.admit(model) == model
    except ModelDenied:
        return False


# -- what is served -----------------------------------------------------------


def test_a_lease_carries_the_signature_of_its_bytes_and_so_does_the_path_beside_it(signed: World) -> None:
    response = signed.http.get("/v1/lease/production.json")
    assert checker(PUBLIC)(response.content, response.headers[HEADER])
    assert not checker(PUBLIC)(response.content + b" ", response.headers[HEADER])
    beside = signed.http.get("/v1/lease/production.json.sig")
    assert (beside.text.strip(), beside.headers["content-type"]) == (response.headers[HEADER], "text/plain")
    assert signed.http.get("/v1/lease/elsewhere.json.sig").status_code == 404


def test_without_a_key_there_is_no_signature(world: World) -> None:
    assert HEADER not in world.http.get("/v1/lease/production.json").headers
    beside = world.http.get("/v1/lease/production.json.sig")
    assert beside.status_code == 404
    assert "gate.signing_key" in beside.json()["errorDetails"]


def test_a_signature_asks_for_a_token_where_the_lease_does(signed: World) -> None:
    signed.protect("token")
    assert signed.http.get("/v1/lease/production.json.sig").status_code == 401


@pytest.mark.parametrize("key", ["", "AAAA", "not base64 !", KEY + "AAAA"])
def test_a_key_that_is_none_is_refused_without_being_repeated(world: World, key: str) -> None:
    with pytest.raises(ValueError, match="32 bytes in base64"):
        signer(key)
    world.server._secret = lambda reference: key
    try:
        with pytest.raises(ConfigurationError, match="env:GATE_SIGNING_KEY") as refused:
            world.server._signer("env:GATE_SIGNING_KEY")
        assert not key or key not in str(refused.value)
    finally:
        world.server._secret = lambda reference: reference


@pytest.mark.parametrize("signature", ["", "AAAA", "not base64 !", "é", base64.b64encode(bytes(64)).decode()])
def test_what_is_no_signature_is_no_proof(signature: str) -> None:
    assert not checker(PUBLIC)(b"content", signature)


def test_keys_of_openssl_are_keys(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: the documented command that makes keys is not run here")
    pem = str(tmp_path / "gate.pem")
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", pem], check=True, capture_output=True)
    private, public = (
        subprocess.run(
            ["sh", "-c", f"openssl pkey -in {pem} {more} -outform DER | tail -c 32 | base64"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for more in ("", "-pubout")
    )
    assert checker(public)(b"content", signer(private)(b"content"))


# -- who keeps it --------------------------------------------------------------


def test_a_guard_keeps_the_lease_of_a_server_and_learns_of_a_pause(world: World, guards: Guards) -> None:
    guard = guards()
    assert allowed(guard)
    world.commit(standing("luna", status=Status.PAUSED))
    until(lambda: not allowed(guard))


def test_an_environment_that_is_not_configured_is_judged_by_productions_lease(world: World, guards: Guards) -> None:
    guard = guards(environment="elsewhere")
    assert allowed(guard)
    assert not allowed(guard, "nova")
    assert allowed(guards(environment="staging"), "nova")
    world.commit(standing("luna", status=Status.PAUSED))
    until(lambda: not allowed(guard))


def test_what_has_not_changed_is_not_sent_again(world: World, guards: Guards, monkeypatch: pytest.MonkeyPatch) -> None:
    guard = guards()
    given: list[object] = []
    kept: Any = guard._keeper._kept  # type: ignore[attr-defined]
    monkeypatch.setattr(kept, "take", lambda *told, **how: given.append(told))
    asked: list[object] = []
    ask = guard._keeper.ask  # type: ignore[attr-defined]
    monkeypatch.setattr(guard._keeper, "ask", lambda: (asked.append(1), ask())[1])
    until(lambda: len(asked) > 3)
    assert given == []


def test_the_answer_of_a_dead_server_is_kept_until_its_lease_ends(world: World, guards: Guards) -> None:
    guard = guards()
    world.broken = Unavailable("The database is away.")
    world.elapsed += 1000
    world.now += 5 * HOUR
    assert allowed(guard)
    world.now += HOUR
    assert not allowed(guard)


def test_nothing_is_asked_over_the_network_while_somebody_waits(world: World, guards: Guards) -> None:
    guard = guards(every=1000)
    before = world.reads
    world.commit(standing("luna", status=Status.PAUSED))
    assert allowed(guard)
    assert world.reads == before


def test_without_an_answer_everything_is_denied_and_the_start_goes_on(guards: Guards) -> None:
    guard = guards(url="http://127.0.0.1:9")
    with pytest.raises(ModelDenied) as refused:
        guard.admit(LUNA)
    assert refused.value.status == "unknown"
    assert "did not give a lease" in refused.value.reason


def test_a_token_is_sent_read_anew_and_never_repeated(world: World, guards: Guards) -> None:
    world.protect("s3cret-token")
    tokens = ["wrong-token"]
    guard = guards(token=lambda: tokens[-1])
    with pytest.raises(ModelDenied, match="401") as refused:
        guard.admit(LUNA)
    assert "wrong-token" not in str(refused.value)
    tokens.append("s3cret-token")
    until(lambda: allowed(guard))
    tokens.append("line\r\nbreak")
    until(lambda: "ValueError" in guard._keeper._kept._trouble)  # type: ignore[attr-defined]


def test_a_lease_counts_only_if_it_is_signed_by_the_given_key(signed: World, guards: Guards) -> None:
    assert allowed(guards(public_key=PUBLIC))
    with pytest.raises(ModelDenied, match="not signed by the given key"):
        guards(public_key=OTHER).admit(LUNA)
    signed.endpoints.leases = Leases()
    with pytest.raises(ModelDenied, match="not signed by the given key"):
        guards(public_key=PUBLIC).admit(LUNA)


def test_an_older_lease_does_not_take_the_place_of_a_newer_one(signed: World, guards: Guards) -> None:
    older = signed.endpoints.leases
    signed.http.get("/v1/lease/production.json")
    signed.now += HOUR
    signed.endpoints.leases = Leases(signer(KEY))
    signed.commit(standing("luna", status=Status.PAUSED))
    guard = guards(public_key=PUBLIC)
    assert not allowed(guard)
    older._head, older._made_at = (
        at_position(signed.position),
        signed.now,
    )  # whoever sits between gives the old one again
    signed.endpoints.leases = older
    until(lambda: "older than the last one" in guard._keeper._kept._trouble)  # type: ignore[attr-defined]
    assert not allowed(guard)


def test_a_signed_file_counts_only_with_its_signature_beside_it(signed: World, tmp_path: Path) -> None:
    response = signed.http.get("/v1/lease/production.json")
    file = tmp_path / "production.json"
    file.write_bytes(response.content)
    guard = Guard(lease=tmp_path, public_key=PUBLIC, now=lambda: NOW)
    assert not allowed(guard)
    file.with_name("production.json.sig").write_text(signed.http.get("/v1/lease/production.json.sig").text)
    assert allowed(guard)
    forged = json.loads(response.content)
    forged["metadata"]["lease_until"] = "2099-01-01T00:00:00Z"
    file.write_text(json.dumps(forged))
    assert allowed(guard), "the last good one holds on"
    assert not allowed(Guard(lease=tmp_path, public_key=PUBLIC, now=lambda: NOW))


def test_the_thread_ends_with_its_guard(world: World) -> None:
    guard = Guard(url=world.server.url, every=0.02, now=lambda: NOW)
    kept, stopped = weakref.ref(guard), guard._keeper._stopped  # type: ignore[attr-defined]
    assert "lease" in [thread.name for thread in threading.enumerate()]
    del guard
    until(lambda: gc.collect() >= 0 and kept() is None and stopped.is_set())
    until(lambda: "lease" not in [thread.name for thread in threading.enumerate()])


def test_a_forked_process_asks_by_itself(world: World, guards: Guards) -> None:
    guard = guards()
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.read(receive, 1)
            until(lambda: not allowed(guard))
            os._exit(0)
        finally:
            os._exit(1)
    world.commit(standing("luna", status=Status.PAUSED))
    os.write(send, b"x")
    assert os.waitpid(child, 0)[1] == 0


def test_the_command_answers_only_from_what_is_signed_by_the_given_key(
    signed: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "production.json"
    file.write_bytes(signed.http.get("/v1/lease/production.json").content)

    def code(key: str) -> int:
        return ask.run(["luna", "--lease", str(tmp_path), "--public-key", key], {}, lambda: NOW)

    assert code(PUBLIC) == 75
    assert "production.json.sig" in capsys.readouterr().err
    file.with_name("production.json.sig").write_text(signed.http.get("/v1/lease/production.json.sig").text)
    assert [code(PUBLIC), code(OTHER), code("no key")] == [0, 75, 2]
    file.write_bytes(file.read_bytes() + b" ")
    assert code(PUBLIC) == 75
