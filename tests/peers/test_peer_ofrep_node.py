"""`@openfeature/ofrep-provider` on Node against a real server: the other published client, with traps of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gate_examples import standing
from web_world import World

from monitor.core.entry import Status
from monitor.core.ports import Unavailable

HERE = Path(__file__).parent
PEERS = Path(__file__).parents[2] / ".peers"


@pytest.fixture
def world() -> Iterator[World]:
    if shutil.which("node") is None:
        pytest.skip("node is not installed: the OFREP client of Node is not run here")
    if not (PEERS / "node_modules/@openfeature/ofrep-provider").exists():
        pytest.skip("the OFREP client of Node is not installed: run `make test-peers`")
    with World() as running:
        yield running


def ask(world: World, *keys: str, token: str = "", **context: str) -> dict[str, dict[str, Any]]:
    questions = json.dumps([{"key": key, "context": context} for key in keys])
    result = subprocess.run(
        ["node", str(HERE / "ofrep.cjs"), world.server.url, token, questions],
        env={"PATH": os.environ["PATH"], "NODE_PATH": str(PEERS / "node_modules")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return {answer["key"]: answer for answer in json.loads(result.stdout)}


def test_node_is_told_yes_for_what_is_active_and_no_for_everything_else_whatever_its_default(world: World) -> None:
    keys = ("luna", "gpt-5.6-luna", "sol", "old", "nova", "openai/gpt-4o", "shared", "gpt-9")
    answers = ask(world, *keys)
    assert {key: answer["value"] for key, answer in answers.items()} == {
        key: key in ("luna", "gpt-5.6-luna") for key in keys
    }
    assert answers["sol"]["variant"] == "paused"
    assert answers["sol"]["metadata"]["fallback"] == "terra"
    assert answers["sol"]["metadata"]["position"] == 17


def test_node_tells_who_asks_and_where(world: World) -> None:
    assert ask(world, "sol", targetingKey="support-agent")["sol"]["value"] is True
    assert ask(world, "nova", env="staging")["nova"]["value"] is True
    assert ask(world, "openai/gpt-4o", env="staging")["openai/gpt-4o"]["value"] is True


def test_node_is_told_no_after_a_pause_and_while_the_registry_cannot_be_read(world: World) -> None:
    assert ask(world, "luna")["luna"]["value"] is True
    world.commit(standing("luna", status=Status.PAUSED))
    assert ask(world, "luna")["luna"]["value"] is False
    world.broken = Unavailable("The database is away.")
    world.elapsed += 1000
    answer = ask(world, "terra")["terra"]
    assert (answer["value"], answer["variant"]) == (False, "unknown")


def test_node_passes_its_token(world: World) -> None:
    world.protect("token")
    assert ask(world, "sol", token="token")["sol"]["variant"] == "paused"
