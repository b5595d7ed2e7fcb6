"""The account that every specification here begins with, the client that looks at it, and a monitor that polls it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from admin_account import Account, client, serving

from monitor.sources.http import HttpClient

sys.path.insert(0, str(Path(__file__).parents[1] / "pipeline"))


@pytest.fixture
def account() -> Iterator[Account]:
    with serving() as made:
        yield made


@pytest.fixture
def http() -> Iterator[HttpClient]:
    made = client()
    yield made
    made.close()
