"""A provider on this machine, and a configuration that watches it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from plain_demo import write_plain_demo

from monitor.sandbox import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def config(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = write_plain_demo(sandbox, tmp_path)
    monkeypatch.setenv("ACCESS_MONITOR_CONFIG", str(path))
    monkeypatch.delenv("ACCESS_MONITOR_LEASE", raising=False)
    return path
