"""A story for each test: its own provider, its own folder."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from preloaded import Nursery
from story_world import Provider, Story, serving


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving(Provider()) as provider:
        yield provider


@pytest.fixture
def story(tmp_path: Path, provider: Provider, nursery: Nursery) -> Iterator[Story]:
    story = Story(tmp_path, provider, nursery)
    yield story
    for daemon in story.daemons:
        if not daemon.ended():
            daemon.signal(signal.SIGKILL)
            daemon.process.wait()
