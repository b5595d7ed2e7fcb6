"""The monitor that the peers are polled by: the real sources, a real store, a clock set by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from monitor.sources.http import HttpClient
from monitor.sources.transport import Limits


@pytest.fixture
def http() -> Iterator[HttpClient]:
    made = HttpClient(allow=["127.0.0.1"], limits=Limits(connect=5.0, read=30.0, total=60.0, size=5_000_000))
    yield made
    made.close()
