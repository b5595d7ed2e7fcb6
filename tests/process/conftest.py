"""A world for each test, and one parent of daemons for all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from preloaded import Nursery
from process_world import Forks, World, story

from monitor.sandbox import Sandbox


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    forks = Forks()
    yield forks
    forks.close()


@pytest.fixture
def told() -> Iterator[Sandbox]:
    """Provide a provider at the beginning of its story."""
    with Sandbox(story()) as sandbox:
        yield sandbox


@pytest.fixture
def world(tmp_path: Path, forks: Forks, nursery: Nursery, told: Sandbox) -> Iterator[World]:
    world = World(tmp_path, told, forks, nursery)
    yield world
    world.stop()
