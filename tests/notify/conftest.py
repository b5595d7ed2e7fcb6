from __future__ import annotations

from collections.abc import Iterator

import pytest
from slack_sink import Sink, slack_sink


@pytest.fixture
def sink() -> Iterator[Sink]:
    with slack_sink() as sink:
        yield sink
