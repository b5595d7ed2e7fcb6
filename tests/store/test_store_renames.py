"""The contract of renamed keys: the rows of a source move, and events are found under the key that they have now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from test_store_log import NOW, append, event, positions
from test_store_measures import FULL as MEASURED
from test_store_rows import FULL, pending_change

from monitor.core.facts import Alternation, Fact, Subject
from monitor.core.ports import MeasurementQuery
from monitor.store import SqlStore


def renamed_source(position: int, was: str, key: str) -> Any:
    data: Mapping[str, Any] = {"was": was, "subjects": 1, "baseline": "", "extractor": ""}
    return event(position, "source.renamed", f"source/{key}", subject=key, source=key, data=data)


def renamed_entry(position: int, was: str, key: str) -> Any:
    data: Mapping[str, Any] = {"was": was, "carried": {"from": was}}
    return event(position, "entry.renamed", f"entry/{key}", subject=key.partition("@")[0], data=data)


def test_the_rows_of_a_source_move_and_those_of_another_stay(store: SqlStore) -> None:
    turned = Alternation(source="old", fact=Fact(Subject("openai", "a"), "listed"), other=None, turns=1, at=NOW)
    with store.write() as tx:
        for key in ("old", "other"):
            tx.put_source(replace(FULL, key=key))
            tx.put_pending_changes(key, [pending_change("a", source=key)])
            tx.put_alternations(key, [replace(turned, source=key)])
            tx.put_measurements([replace(MEASURED, source=key)])
    with store.write() as tx:
        tx.rename_source("old", "new")
    with store.read() as reader:
        assert set(reader.sources()) == {"new", "other"}
        assert reader.source("new") == replace(FULL, key="new")
        assert [row.source for row in reader.pending_changes()] == ["new", "other"]
        assert (reader.alternations("old"), reader.alternations("new")) == ([], [replace(turned, source="new")])
        counts = {key: len(list(reader.measurements(MeasurementQuery(source=key)))) for key in ("old", "new", "other")}
        assert counts == {"old": 0, "new": 1, "other": 1}


@pytest.fixture
def log(store: SqlStore) -> SqlStore:
    """Provide a log in which a source had three keys, an entry two, and both old keys are used by others since."""
    append(
        store,
        event(1, "source.failed", "source/a", subject="a", source="a"),
        event(2, "model.listed", "source/a", subject="gpt-x", source="a"),
        renamed_source(3, "a", "b"),
        event(4, "source.failed", "source/b", subject="b", source="b"),
        renamed_source(5, "b", "c"),
        event(6, "source.failed", "source/c", subject="c", source="c"),
        event(7, "source.failed", "source/a", subject="a", source="a"),
        event(8, "entry.declared", "entry/gpt-x", subject="gpt-x"),
        event(9, "gate.denied", "gate/production", subject="gpt-x"),
        renamed_entry(10, "gpt-x", "moon"),
        event(11, "entry.declared", "entry/gpt-x", subject="gpt-x"),
    )
    return store


def test_a_source_is_found_by_each_of_its_keys_for_as_long_as_it_had_them(log: SqlStore) -> None:
    assert positions(log, source="c") == [1, 2, 3, 4, 5, 6]
    assert positions(log, stream="source/c") == [1, 2, 3, 4, 5, 6]
    assert positions(log, subject="c") == [1, 3, 4, 5, 6]
    assert positions(log, source="b") == [1, 2, 3, 4]
    assert positions(log, source="a") == [1, 2, 7]


def test_an_entry_is_found_by_its_former_key_and_not_the_model_that_is_called_so(log: SqlStore) -> None:
    assert positions(log, subject="moon") == [8, 9, 10]
    assert positions(log, stream="entry/moon") == [8, 10]
    assert positions(log, subject="gpt-x") == [2, 8, 9, 11]


def test_other_conditions_hold_as_well(log: SqlStore) -> None:
    assert positions(log, source="c", type="source.failed") == [1, 4, 6]
    assert positions(log, source="c", after=3, newest_first=True, limit=1) == [6]
    assert positions(log, subject="c*") == [5, 6]
