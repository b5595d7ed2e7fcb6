"""The account that every specification here begins with, the client that looks at it, and a monitor that polls it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from admin_account import Account, client, serving

from monitor.sources.http import HttpClient


@pytest.fixture
def account() -> Iterator[Account]:
    with serving() as made:
        yield made


@pytest.fixture
def http() -> Iterator[HttpClient]:
    made = client()
    yield made
    made.close()
