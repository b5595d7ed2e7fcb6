"""The databases that the contract is held against: a SQLite file, and a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.store import SqlStore, open_store, upgrade


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Provide a database of either kind with an empty schema, made by the migrations."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres")())
    address = f"sqlite:///{tmp_path / 'monitor.db'}"
    upgrade(address)
    return address


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    """Provide the store on that database. Every test is also one of leaked connections."""
    opened = open_store(url)
    yield opened
    pool: Any = opened.engine.pool
    leaked = pool.checkedout()
    opened.close()
    assert leaked == 0, "connections that were never given back"
