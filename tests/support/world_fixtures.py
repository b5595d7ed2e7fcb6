"""Worlds at the three points where most specifications begin."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pipeline_world import World, furnish, world_of


@pytest.fixture
def world() -> Iterator[World]:
    """Provide a world whose configuration is declared, and nothing was looked at."""
    with world_of() as made:
        yield made


@pytest.fixture
def furnished(world: World) -> World:
    """Provide a world in which every source has its baseline; the entry is being evaluated."""
    furnish(world)
    return world


@pytest.fixture
def active(furnished: World) -> World:
    """Provide a world in which a person accepted the assumptions of the entry."""
    furnished.activate()
    return furnished
