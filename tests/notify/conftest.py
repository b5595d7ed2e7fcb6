from __future__ import annotations

from collections.abc import Iterator

import pytest
from slack_sink import Sink, slack_sink
from world_fixtures import active, furnished, world

__all__ = ["active", "furnished", "sink", "world"]


@pytest.fixture
def sink() -> Iterator[Sink]:
    with slack_sink() as sink:
        yield sink
