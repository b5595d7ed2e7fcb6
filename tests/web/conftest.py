"""The registries that the tests of the gate use, and a server to ask about them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from web_world import World


@pytest.fixture(scope="session")
def server() -> Iterator[World]:
    with World() as running:
        yield running


@pytest.fixture
def world(server: World) -> World:
    server.forget()
    return server
