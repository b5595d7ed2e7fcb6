"""The registry of a time is read from the part of the log that counts, and is what the whole log up to it makes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docs_story
import pytest

from monitor.audit.queries import entries
from monitor.core.ports import EventQuery
from monitor.registry import transitions
from monitor.store import open_store

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_at_every_position_both_ways_give_the_same(tmp_path: Path, postgres: Callable[[], str], kind: str) -> None:
    store = open_store(str(tmp_path / "monitor.db") if kind == "sqlite" else postgres())
    with ThreadPoolExecutor(1) as executor:
        docs_story.tell(docs_story.Story(store, executor))
    with store.read() as reader:
        log = list(reader.events())
        for at in dict.fromkeys(recorded.recorded_at for recorded in log):
            whole = transitions.replay(recorded.event for recorded in log if recorded.recorded_at <= at)
            assert entries(reader, at=at) == whole
        assert len(list(reader.events_of_checks(at))) < len(list(reader.events(EventQuery(type="check.*"))))
    store.close()
