"""The registries that the tests of the gate use, and a server to ask about them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "gate"))

from web_world import World


@pytest.fixture(scope="session")
def server() -> Iterator[World]:
    with World() as running:
        yield running


@pytest.fixture
def world(server: World) -> World:
    server.forget()
    return server
