"""The views that auditors ask: the same rows in both databases, and every column documented."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import docs_story
import pytest
from documented_views import VIEWS
from sqlalchemy import text

from monitor.store import SqlStore, open_store


@contextmanager
def _told(url: str) -> Iterator[SqlStore]:
    with ThreadPoolExecutor(1) as executor:
        store = open_store(url)
        docs_story.tell(docs_story.Story(store, executor))
        yield store
        store.close()


def _rows(store: SqlStore, view: str) -> list[dict[str, Any]]:
    first = next(iter(VIEWS[view]["columns"]))
    with store.reading_connection() as connection:
        return [dict(row) for row in connection.execute(text(f"SELECT * FROM {view} ORDER BY {first}")).mappings()]


@pytest.mark.slow
def test_each_view_has_the_columns_that_are_documented_and_says_the_same_in_both_databases(
    tmp_path: Path, postgres: Callable[[], str]
) -> None:
    with _told(str(tmp_path / "monitor.db")) as told, _told(postgres()) as other:
        for view in VIEWS:
            assert _rows(told, view) == _rows(other, view)
        _asked(told)


def _asked(told: SqlStore) -> None:
    for view, document in VIEWS.items():
        rows = _rows(told, view)
        assert rows, view
        assert list(rows[0]) == list(document["columns"])
        assert all(document["columns"].values())
    luna = [row for row in _rows(told, "pauses") if row["entry"] == docs_story.LUNA]
    assert (luna[0]["seconds"], luna[0]["ended_by"], luna[0]["old_value"]) == (4080, "Bob K.", "1")
    assert {(act["person"], act["account"]) for act in _rows(told, "acts")} >= {("Ada L.", "ada")}
    assert {row["state"] for row in _rows(told, "source_health")} == {"down", "stale", "held"}
    assert {row["entries"] for row in _rows(told, "notices_sent")} >= {docs_story.LUNA}
    statuses = [row for row in _rows(told, "entry_status_history") if row["entry"] == docs_story.LUNA]
    assert [row["status"] for row in statuses][:4] == ["waiting", "evaluating", "waiting", "evaluating"]
    assert all(row["until"] == after["since"] for row, after in pairwise(statuses))
