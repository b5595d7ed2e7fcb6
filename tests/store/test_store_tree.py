"""The contract of the tree over the log: a leaf for each thing kept, in the same commit, and nobody changes any."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from documented_views import VIEWS
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from translog_world import price_changed

from monitor.audit.translog.verification import verify
from monitor.core.content import name_of
from monitor.core.events import Event, Recorded, record
from monitor.core.facts import Body
from monitor.core.leaves import LARGEST, KeptCheckpoint, LeafKind, event_content
from monitor.core.merkle import Frontier, Tree, leaf_hash
from monitor.core.notices import Item, Notice, Reason
from monitor.core.ports import Conflict, MonitorError, SentMessage
from monitor.store import SqlStore, open_store
from monitor.store.tree import plain_event
from monitor.store.writer import _event_row

NOW = datetime(2026, 7, 30, 17, 34, 21, 500, tzinfo=UTC)
BODY = Body(content=b"a page", sha256=hashlib.sha256(b"a page").hexdigest(), size=6, url="https://example.com/")
MESSAGE = SentMessage(
    id=0,
    notice="n1",
    owner="platform",
    destination="platform#1",
    label="slack://hooks.slack.com",
    at=NOW,
    incidents=("luna-1", "sol-1"),
    form="text",
    title="PAUSED Luna",
    body="Grüße\n„x“",
)


def append(store: SqlStore, count: int, **more: Any) -> None:
    with store.write() as tx:
        first = tx.head() + 1
        tx.append([price_changed(position, NOW, **more) for position in range(first, first + count)], NOW)


def kinds(store: SqlStore) -> list[LeafKind]:
    with store.read() as reader:
        return [leaf.kind for leaf in reader.tree.leaves()]


def verified(store: SqlStore) -> tuple[str, ...]:
    with store.read() as reader:
        return tuple(misfit.sentence for misfit in verify(reader).misfits)


def test_a_new_log_begins_with_the_leaf_that_says_which_it_is(store: SqlStore) -> None:
    with store.read() as reader:
        (leaf,) = reader.tree.leaves()
        head = reader.log_head()
        assert (leaf.kind, leaf.number, leaf.position, leaf.reference) == (LeafKind.LOG, 0, 0, "1")
        assert reader.tree.content(leaf) == rfc8785.dumps({"leaf": "log", "log": head.log, "epoch": 1})


def test_the_content_of_an_event_is_its_exported_line_as_rfc_8785_writes_it(store: SqlStore) -> None:
    append(store, 1, text='ü\u2028\x7f\x1f"\\/€', z=1, a=[True, None, {"ﬀ": 1, "\U0001f600": 2}])
    with store.read() as reader:
        recorded = reader.event(1)
        assert recorded is not None
        leaf = reader.tree.leaf_of(1)
        assert leaf is not None
        line = json.loads(json.dumps(record(recorded)))
        assert reader.tree.content(leaf) == rfc8785.dumps(line)
        assert leaf.hash == leaf_hash(rfc8785.dumps(line))
        (stored,) = reader.tree.events()
        assert stored.position == 1
    assert verified(store) == ()


def test_a_whole_number_that_no_double_holds_and_a_very_large_event_have_leaves_too(store: SqlStore) -> None:
    append(store, 1, large=2**53, larger=[{"x": -(10**30)}], fine=2**53 - 1)
    append(store, 1, much="x" * 70_000)
    with store.read() as reader:
        first, second = (reader.tree.content(leaf) for leaf in (reader.tree.leaf_of(1), reader.tree.leaf_of(2)) if leaf)
        assert first is not None
        data = json.loads(first)["data"]
        assert (data["large"], data["larger"], data["fine"]) == (str(2**53), [{"x": str(-(10**30))}], 2**53 - 1)
        recorded = reader.event(2)
        assert recorded is not None
        assert second is not None
        assert len(second) <= LARGEST
        assert json.loads(second)["data"] == {"sha256": name_of(rfc8785.dumps(dict(recorded.event.data)))}
    assert verified(store) == ()


def test_everything_that_is_kept_has_a_leaf_and_what_is_there_already_gets_no_other(store: SqlStore) -> None:
    item = Item(reason=Reason.PAUSED, subject="luna", position=1, since=NOW)
    notice = Notice(id="n1", owner="platform", at=NOW, items=(item,))
    for _ in range(2):
        with store.write() as tx:
            evidence = tx.put_evidence(BODY, "openai-pricing", NOW)
            tx.append([price_changed(tx.head() + 1, NOW, evidence)], NOW)
            tx.enqueue(notice, ["platform#1"], NOW)
            tx.keep_sent(MESSAGE)
    with store.write() as tx:
        tx.keep_lease("production", b'{"flags":{}}', NOW)
        tx.keep_signing_key("a+b+c", NOW)
        tx.advance_epoch(1)
    assert kinds(store) == [
        LeafKind.LOG,
        LeafKind.EVIDENCE,
        LeafKind.EVENT,
        LeafKind.NOTICE,
        LeafKind.MESSAGE,
        LeafKind.EVENT,
        LeafKind.MESSAGE,
        LeafKind.LEASE,
        LeafKind.KEY,
        LeafKind.LOG,
    ]
    with store.read() as reader:
        assert [leaf.position for leaf in reader.tree.leaves()] == [0, 0, 1, 1, 1, 2, 2, 2, 2, 2]
        for leaf in reader.tree.leaves():
            content = reader.tree.content(leaf)
            assert content is not None
            assert leaf_hash(content) == leaf.hash
        last = reader.tree.last_lease("production")
        assert last is not None
        assert (last.content, last.record.environment) == (b'{"flags":{}}', "production")
        assert reader.tree.last_lease("staging") is None
        assert reader.tree.signing_keys() == ["a+b+c"]
        assert [message.id for message in reader.sent_messages()] == [1, 2]
    assert verified(store) == ()


def test_a_commit_that_fails_leaves_no_leaf(store: SqlStore) -> None:
    append(store, 3)
    with pytest.raises(Conflict), store.write() as tx:  # noqa: PT012 - what came before it is what matters
        tx.append([price_changed(4, NOW)], NOW)
        assert tx.tree.size() == 5
        tx.append([price_changed(4, NOW)], NOW)
    append(store, 1)
    with store.read() as reader:
        assert [leaf.number for leaf in reader.tree.leaves()] == list(range(5))
    assert verified(store) == ()


def test_roots_and_proofs_come_from_what_is_kept_across_tiles(store: SqlStore) -> None:
    for count in (200, 1, 54, 1, 300, 3):
        append(store, count)
    with store.read() as reader:
        leaves = list(reader.tree.leaves())
        frontier = Frontier()
        for leaf in leaves:
            frontier.add(leaf.hash)
        tree = Tree(reader.tree.tile, reader.tree.size())
        assert (tree.size, tree.root()) == (560, frontier.root())
        assert [len(reader.tree.tile(1, 0, 256)), len(reader.tree.tile(0, 2, 48))] == [2, 48]
        for position in (1, 255, 256, 257, 559):
            leaf = reader.tree.leaf_of(position)
            assert leaf is not None
            assert (leaf.kind, leaf.position) == (LeafKind.EVENT, position)
        assert reader.tree.leaf_of(560) is None
        assert reader.tree.leaf_of(0) is None
    assert verified(store) == ()


def test_the_leaf_of_a_position_is_the_event_whatever_stands_beside_it(store: SqlStore) -> None:
    for number in range(40):
        with store.write() as tx:
            for beside in range(number % 4):
                tx.keep_lease("production", f"{number} {beside}".encode(), NOW)
            tx.append([price_changed(tx.head() + 1, NOW)], NOW)
    with store.read() as reader:
        found = [reader.tree.leaf_of(position) for position in range(1, 41)]
    assert [(leaf.kind, leaf.position) for leaf in found if leaf] == [(LeafKind.EVENT, at) for at in range(1, 41)]


LATER = (
    *("leaves", "tree_nodes", "checkpoints", "signing_keys", "lease_documents"),
    *("credentials", "turns", "nodes", "working_state", "compatible_revisions"),
)
"""The tables that came with the tree, and those after."""


@pytest.mark.parametrize("table", ["leaves", "tree_nodes", "checkpoints", "signing_keys", "lease_documents"])
def test_the_database_refuses_to_change_the_tree(store: SqlStore, table: str) -> None:
    append(store, 300)
    with store.write() as tx:
        tx.keep_checkpoint(KeptCheckpoint(size=301, at=NOW, note="a note"))
        tx.keep_signing_key("a+b+c", NOW)
        tx.keep_lease("production", b"{}", NOW)
        assert tx.tree.last_checkpoint() == KeptCheckpoint(size=301, at=NOW, note="a note")
    column = {"leaves": "kind", "tree_nodes": "hash", "checkpoints": "note"}.get(table, "at")
    same = f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"
    statements = [f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"]
    statements += [same] if store.engine.dialect.name == "sqlite" else [f"TRUNCATE {table}"]
    for statement in statements:
        with pytest.raises(MonitorError, match="append-only"), store.engine.begin() as connection:
            connection.execute(text(statement))


def test_a_log_without_a_tree_gets_one_and_that_is_said(
    url: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """A log as a version without the tree left it: the tables are not there, and all else is."""
    store = open_store(url)
    append(store, 5000)
    item = Item(reason=Reason.PAUSED, subject="luna", position=1, since=NOW)
    with store.write() as tx:
        tx.put_evidence(BODY, "openai-pricing", NOW)
        tx.enqueue(Notice(id="n1", owner="platform", at=NOW, items=(item,)), ["platform#1"], NOW)
        tx.keep_sent(MESSAGE)
        tx.advance_epoch(1)
    with store.engine.begin() as connection:
        for view in VIEWS:
            connection.execute(text(f"DROP VIEW {view}"))
        for index in ("events_acts", "notices_at"):
            connection.execute(text(f"DROP INDEX {index}"))
        for table in LATER:
            connection.execute(text(f"DROP TABLE {table}"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0005'"))
    store.close()
    caplog.clear()
    store = open_store(url)
    try:
        assert "got its tree over 5,000 events" in caplog.text
        assert sorted(set(kinds(store))) == sorted({"log", "event", "evidence", "notice", "message"})
        with store.read() as reader:
            assert next(iter(reader.tree.leaves())).reference == "2"
            assert reader.tree.size() == 5004
        assert verified(store) == ()
        append(store, 1)
        assert verified(store) == ()
    finally:
        store.close()
    caplog.clear()
    open_store(url).close()
    assert caplog.text == ""


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


@given(
    data=st.dictionaries(WORDS, VALUES, max_size=4),
    subject=WORDS,
    actor=WORDS,
    cause=st.none() | st.integers(1, 99),
    at=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
)
def test_the_leaf_put_together_from_a_row_is_the_one_that_is_written_anew(
    data: dict[str, Any], subject: str, actor: str, cause: int | None, at: datetime
) -> None:
    event = Event(
        position=7,
        type="price.changed",
        stream="s",
        subject=subject,
        occurred_at=at,
        actor=actor,
        cause=cause,
        data=data,
    )
    row = _event_row(event, "an-id", 3, at)
    content = plain_event(tuple(row.values()))
    recorded = Recorded(event=replace(event, data=json.loads(row["data"])), id="an-id", version=3, recorded_at=at)
    assert content in (None, event_content(recorded))
    assert (content is None) == (not row["data"].isascii() or re.search("[0-9]{16}", row["data"]) is not None)
