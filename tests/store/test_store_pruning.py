"""The contract of pruning: bytes that no event names may go after a while, and nothing else ever does."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from translog_world import price_changed

from monitor.app.publication import Places, Publisher
from monitor.audit.translog.sealing import Sealer
from monitor.audit.translog.verification import verify
from monitor.core.facts import Body, Fact, PendingChange, SourceState, Subject
from monitor.core.ports import KeptEvidence, MonitorError
from monitor.store import SqlStore

NOW = datetime(2026, 7, 30, 17, 34, 21, tzinfo=UTC)
OLD = NOW - timedelta(days=100)
BEFORE = NOW - timedelta(days=90)


def body(content: str) -> Body:
    raw = content.encode()
    return Body(content=raw, sha256=hashlib.sha256(raw).hexdigest(), size=len(raw), url="https://example.com/")


def put(store: SqlStore, content: str, at: datetime = OLD) -> str:
    with store.write() as tx:
        return tx.put_evidence(body(content), "page", at)


def append(store: SqlStore, evidence: str = "", **data: str) -> None:
    with store.write() as tx:
        tx.append([price_changed(tx.head() + 1, NOW, evidence, **data)], NOW)


def prunable(store: SqlStore) -> tuple[list[KeptEvidence], int]:
    with store.read() as reader:
        return list(reader.unreferenced_evidence(BEFORE)), reader.head()


def prune(store: SqlStore) -> list[str]:
    unreferenced, head = prunable(store)
    with store.write() as tx:
        return [kept.hash for kept in tx.prune_evidence(unreferenced, head)]


def misfits(store: SqlStore) -> list[str]:
    with store.read() as reader:
        return [misfit.sentence for misfit in verify(reader).misfits]


def content(store: SqlStore, hash: str) -> bytes | None:
    with store.read() as reader:
        kept = reader.evidence(hash)
    return None if kept is None else kept.content


def test_only_what_nothing_names_is_pruned_and_the_log_verifies_after_it(store: SqlStore) -> None:
    named, in_data, standing, pending = (put(store, f"page {number}") for number in range(4))
    loose, young = put(store, "loose"), put(store, "young", NOW)
    append(store, named)
    append(store, "", files=in_data)
    change = PendingChange(
        source="page",
        fact=Fact(Subject("openai", "luna"), "price.standard.short.input"),
        value="2",
        seen=1,
        first_at=NOW,
        counted_at=NOW,
        evidence=pending,
    )
    with store.write() as tx:
        tx.put_source(SourceState(key="page", evidence=standing))
        tx.put_pending_changes("page", [change])
    assert prune(store) == [loose]
    assert prune(store) == [], "once is enough"
    assert content(store, loose) is None
    assert all(content(store, kept) for kept in (named, in_data, standing, pending, young))
    assert misfits(store) == []
    with store.read() as reader:
        assert {kept.hash for kept in reader.kept_evidence() if kept.pruned} == {loose}


def test_what_is_named_between_asking_and_pruning_is_left(store: SqlStore) -> None:
    hash = put(store, "loose")
    unreferenced, head = prunable(store)
    append(store, hash)
    with store.write() as tx:
        assert not tx.prune_evidence(unreferenced, head)
    assert content(store, hash) == b"loose"


def test_bytes_that_are_seen_again_are_kept_again_under_the_leaf_that_they_have(store: SqlStore) -> None:
    hash = put(store, "loose")
    prune(store)
    with store.read() as reader:
        leaves = reader.tree.size()
    assert put(store, "loose", NOW) == hash
    append(store, hash)
    assert content(store, hash) == b"loose"
    with store.read() as reader:
        assert reader.tree.size() == leaves + 1, "the event alone"
    assert misfits(store) == []


def test_a_pruned_piece_that_an_event_names_is_a_misfit(store: SqlStore) -> None:
    hash = put(store, "named")
    append(store, hash)
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE blobs SET content = :nothing"), {"nothing": b""})
    assert misfits(store) == [f"position 1: the bytes of {hash} are not there"]


def test_a_pruned_log_is_signed_and_published_with_its_entries(store: SqlStore, tmp_path: Path) -> None:
    for number in range(300):
        put(store, f"loose {number}")
    append(store)
    assert len(prune(store)) == 300
    sealer = Sealer(store, lambda: NOW, "monitor.example.com/log", lambda: ["A" * 43 + "="])
    failures = Publisher(store, Places(folder=tmp_path / "log", entries=True)).publish(sealer.seal())
    assert failures == []


@pytest.mark.parametrize(
    "act",
    [
        "UPDATE blobs SET content = :other",
        "UPDATE blobs SET content = :nothing, url = 'https://elsewhere.example/'",
        "UPDATE blobs SET content = :nothing, created_at = NULL",
        "DELETE FROM blobs",
    ],
)
def test_the_database_refuses_any_other_change_of_what_was_received(store: SqlStore, act: str) -> None:
    hash = put(store, "named")
    values = {name: value for name, value in (("other", b"other"), ("nothing", b"")) if f":{name}" in act}
    with pytest.raises(MonitorError, match="append-only"), store.engine.begin() as connection:
        connection.execute(text(act), values)
    assert content(store, hash) == b"named"
