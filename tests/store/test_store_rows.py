"""The contract of everything beside the log: sources, streaks, the registry projection, blobs and the outbox."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from monitor.core.entry import Check, CheckState, Entry, Pin, Status
from monitor.core.entry_spec import EntrySpec
from monitor.core.facts import Alternation, Body, Fact, PendingChange, SourceState, Subject
from monitor.core.notices import Difference, Item, Notice, Reason
from monitor.core.ports import Delivery, DeliveryState, MonitorError, Refused, SeenAt
from monitor.store import SqlStore
from monitor.store.blobs import compress

NOW = datetime(2026, 7, 30, 17, 34, 21, 500, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LUNA = Subject("openai", "gpt-5.6-luna")

FULL = SourceState(
    key="openai-models",
    extractor="models/2",
    baseline="sha256:b",
    evidence="sha256:e",
    subjects=9,
    body_sha256="ff",
    body_size=2**40,
    etag='"x"',
    last_modified="Thu, 30 Jul 2026 17:34:21 GMT",
    valid_until=NOW + MINUTE,
    accepted_at=NOW,
    good_at=NOW,
    looked_at=NOW,
    outage="timeout",
    outage_since=NOW,
    outage_position=1,
    anomaly="mass_drop",
    anomaly_since=NOW,
    anomaly_position=2,
    stale_position=3,
    heartbeat_at=NOW,
    attention=False,
)


@pytest.mark.parametrize("state", [FULL, SourceState(key="new")])
def test_a_source_comes_back_as_it_was_put(store: SqlStore, state: SourceState) -> None:
    with store.write() as tx:
        tx.put_source(SourceState(key=state.key, etag="old", attention=True))
        tx.put_source(state)
        tx.put_source(SourceState(key="another"))
        assert tx.source(state.key) == state
    with store.read() as reader:
        assert reader.source(state.key) == state
        assert list(reader.sources()) == sorted([state.key, "another"])
        assert reader.sources()[state.key] == state
        assert reader.source("unknown") is None


def test_touching_moves_freshness_forward_and_nothing_else(store: SqlStore) -> None:
    with store.write() as tx:
        tx.put_source(FULL)
    later = NOW + MINUTE
    store.touch(
        [SeenAt(source=FULL.key, at=later, etag='"y"', last_modified="later"), SeenAt(source="unknown", at=later)]
    )
    moved = replace(FULL, good_at=later, looked_at=later, accepted_at=later, etag='"y"', last_modified="later")
    with store.read() as reader:
        assert reader.sources() == {FULL.key: moved}
        assert reader.head() == 0


def test_touching_never_moves_back_and_empty_validators_keep_the_old_ones(store: SqlStore) -> None:
    polled = replace(FULL, looked_at=NOW + 2 * MINUTE)
    with store.write() as tx:
        tx.put_source(polled)
    store.touch([SeenAt(source=FULL.key, at=NOW - MINUTE, etag='"older"')])
    with store.read() as reader:
        assert reader.source(FULL.key) == polled
    store.touch([SeenAt(source=FULL.key, at=NOW + MINUTE)])
    with store.read() as reader:
        assert reader.source(FULL.key) == replace(polled, good_at=NOW + MINUTE, accepted_at=NOW + MINUTE)


def test_touching_fills_what_was_never_set(store: SqlStore) -> None:
    with store.write() as tx:
        tx.put_source(SourceState(key="new"))
    store.touch([SeenAt(source="new", at=NOW, etag="e")])
    store.touch([])
    with store.read() as reader:
        assert reader.source("new") == SourceState(key="new", good_at=NOW, looked_at=NOW, accepted_at=NOW, etag="e")


def pending_change(name: str, value: str | int | bool | None = None, source: str = "s") -> PendingChange:
    return PendingChange(
        source=source,
        fact=Fact(Subject("openai", name), "listed"),
        value=value,
        seen=1,
        first_at=NOW,
        counted_at=NOW + MINUTE,
    )


def test_the_streaks_of_a_source_are_replaced_as_a_whole_and_keep_their_order(store: SqlStore) -> None:
    full = replace(
        pending_change("b", "true"),
        before=NOW - MINUTE,
        evidence="sha256:e",
        quarantine=7,
        anomaly=5,
        held_until=NOW + MINUTE,
    )
    first = [full, pending_change("a", True), pending_change("c", 1), pending_change("d")]
    with store.write() as tx:
        tx.put_pending_changes("s", first)
        tx.put_pending_changes("t", [pending_change("a", source="t")])
    with store.read() as reader:
        found = reader.pending_changes("s")
        assert found == first
        assert [type(one.value) for one in found] == [str, bool, int, type(None)]
        assert len(reader.pending_changes()) == 5
    with store.write() as tx:
        tx.put_pending_changes("s", [])
        assert [one.source for one in tx.pending_changes()] == ["t"]


def test_the_alternations_of_a_source_are_replaced_as_a_whole(store: SqlStore) -> None:
    fact = Fact(Subject("openai", "a"), "listed")
    plain = Alternation(source="s", fact=fact, other=None, turns=0, at=NOW)
    full = Alternation(
        source="s", fact=fact._replace(field="size"), other=7, turns=3, at=NOW, said_at=NOW - MINUTE, told_at=NOW
    )
    with store.write() as tx:
        tx.put_alternations("s", [plain, full])
        tx.put_alternations("t", [replace(plain, source="t")])
    with store.read() as reader:
        assert {row.fact.field: row for row in reader.alternations("s")} == {"listed": plain, "size": full}
    with store.write() as tx:
        tx.put_alternations("s", [])
        assert tx.alternations("s") == []
        assert len(tx.alternations("t")) == 1


ENTRY = Entry(
    key="luna",
    status=Status.PAUSED,
    since=NOW,
    position=9,
    status_position=8,
    spec=EntrySpec(
        key="luna",
        name="Luna",
        surfaces={"openai": "gpt-5.6-luna", "codex": ""},
        owners=("platform",),
        grace=MINUTE,
        check_age={"evals": MINUTE},
        config_pins={"config/openai/base_url": "https://api.example.com"},
    ),
    pins=(
        Pin(scope="openai", name="gpt-5.6-luna", field="listed", value=True),
        Pin(scope="p", name="n", field="f", value="0.20"),
    ),
    unpinned=("price.standard.short.cached_input",),
    checks={
        "pricing": Check(state=CheckState.VERIFIED, verified_at=NOW, position=3, by="ada", until=NOW + MINUTE),
        "evals": Check(),
    },
    deviations={"openai/gpt-5.6-luna/listed": None, "p/n/f": "0.30"},
    pause=9,
    reason="price",
    by="ada",
    callers=("support-agent",),
)


def test_an_entry_comes_back_as_it_was_put(store: SqlStore) -> None:
    with store.write() as tx:
        tx.put_entry(replace(ENTRY, status=Status.ACTIVE, pause=None))
        tx.put_entry(ENTRY)
        tx.put_entry(replace(ENTRY, key="a"))
    with store.read() as reader:
        assert list(reader.entries()) == ["a", "luna"]
        assert reader.entries()["luna"] == ENTRY
    with store.write() as tx:
        tx.drop_entries()
        assert tx.entries() == {}


FACTS = {LUNA: {"listed": True, "price.standard.short.input": "0.2", "n": 1}, Subject("azure", "gpt-5.6-luna"): {}}


def test_facts_are_stored_once_under_the_hash_of_their_canonical_form(store: SqlStore) -> None:
    canonical = (
        '{"azure":{"gpt-5.6-luna":{}},'
        '"openai":{"gpt-5.6-luna":{"listed":true,"n":1,"price.standard.short.input":"0.2"}}}'
    )
    with store.write() as tx:
        hash = tx.put_facts(FACTS)
        assert tx.put_facts(dict(reversed(FACTS.items()))) == hash
        assert hash == "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()
    with store.write() as tx:
        assert tx.put_facts(FACTS) == hash
        assert tx.facts(hash) == FACTS
    with store.read() as reader:
        assert reader.facts(hash) == FACTS
        assert reader.facts("") == {}
        assert reader.facts(hash)[LUNA]["listed"] is True


def test_facts_that_are_read_cannot_be_written_to(store: SqlStore) -> None:
    with store.write() as tx:
        found = tx.facts(tx.put_facts(FACTS))
    with pytest.raises(TypeError):
        found[LUNA] = {}  # type: ignore[index]
    with pytest.raises(TypeError):
        found[LUNA]["listed"] = False  # type: ignore[index]


def test_facts_that_are_not_there_are_an_error_and_not_an_empty_baseline(store: SqlStore) -> None:
    with pytest.raises(MonitorError, match="backup"), store.read() as reader:
        reader.facts("sha256:" + "0" * 64)


def test_a_float_is_no_fact(store: SqlStore) -> None:
    with pytest.raises(TypeError), store.write() as tx:
        tx.put_facts({LUNA: {"price": 0.1}})  # type: ignore[dict-item]


BODY = Body(
    content=b'{"data": [1]}' * 50, sha256="aa" * 32, size=999, content_type="application/json", url="https://x.test/v1"
)


def test_evidence_comes_back_byte_for_byte_by_hash_or_prefix(store: SqlStore) -> None:
    with store.write() as tx:
        hash = tx.put_evidence(replace(BODY, etag="not kept"), "openai-models", NOW)
        assert hash == "sha256:" + hashlib.sha256(BODY.content).hexdigest()
        assert tx.put_evidence(replace(BODY, url="https://later.test"), "other", NOW) == hash
    with store.read() as reader:
        assert reader.evidence(hash) == BODY
        assert reader.evidence(hash[:15]) == BODY
        assert reader.evidence(hash[7:20].upper()) == BODY
        assert reader.evidence("sha256:" + "0" * 64) is None
        for wrong in ("sha256:abc", "", "nothing", hash + "0"):
            with pytest.raises(Refused, match="eight"):
                reader.evidence(wrong)


def test_a_prefix_of_two_pieces_of_evidence_is_refused(store: SqlStore) -> None:
    row = "('evidence', '{}', '', 0, '', '', '', '', NULL)"
    hashes = ["sha256:" + "ab" * 31 + end for end in ("00", "01")]
    with store.engine.begin() as connection:
        connection.execute(text("INSERT INTO blobs VALUES " + ", ".join(row.format(hash) for hash in hashes)))
    with store.read() as reader, pytest.raises(Refused, match="more digits"):
        reader.evidence("abababab")


def test_facts_and_evidence_of_the_same_bytes_do_not_meet(store: SqlStore) -> None:
    with store.write() as tx:
        hash = tx.put_facts({})
        assert tx.evidence(hash) is None
        assert tx.put_evidence(replace(BODY, content=b"{}"), "s", NOW) == hash
        assert tx.facts(hash) == {}


def test_bytes_that_are_not_what_was_stored_are_not_handed_out(store: SqlStore) -> None:
    with store.engine.begin() as connection:
        statement = text("INSERT INTO blobs VALUES ('evidence', :hash, :content, 1, '', '', '', '', NULL)")
        connection.execute(statement, {"hash": "sha256:" + "ab" * 32, "content": b"not zstd"})
        connection.execute(statement, {"hash": "sha256:" + "cd" * 32, "content": compress(b"something else")})
    with store.read() as reader:
        for digits in ("ab" * 32, "cd" * 32):
            with pytest.raises(MonitorError, match="not what was stored"):
                reader.evidence(digits)


NOTICE = Notice(
    id="n1",
    owner="platform",
    at=NOW,
    items=(
        Item(
            reason=Reason.PAUSED,
            subject="gpt-5.6-luna",
            position=9,
            since=NOW,
            differences=(Difference(subject="gpt-5.6-luna", what="listed", old="true", new=None),),
            denied=True,
            commands=("access-monitor why luna", "access-monitor resume luna"),
        ),
    ),
)


def put_notices(store: SqlStore, *ids: str, now: datetime = NOW) -> list[Delivery]:
    with store.write() as tx:
        for id in ids:
            tx.enqueue(replace(NOTICE, id=id), ["platform#1"], now)
        return list(tx.deliveries())


def test_a_notice_and_its_deliveries_come_back_as_they_were_enqueued(store: SqlStore) -> None:
    with store.write() as tx:
        tx.enqueue(NOTICE, ["platform#1", "platform#2"], NOW)
        tx.enqueue(replace(NOTICE, items=()), ["platform#3"], NOW + MINUTE)
    with store.read() as reader:
        assert reader.notice("n1") == NOTICE
        assert reader.notice("n2") is None
        waiting = reader.deliveries(DeliveryState.WAITING)
        assert reader.deliveries() == waiting
        assert reader.deliveries(DeliveryState.SENT, DeliveryState.DEAD) == []
    assert [(one.destination, one.state, one.attempts, one.retry_at, one.created_at) for one in waiting] == [
        ("platform#1", DeliveryState.WAITING, 0, NOW, NOW),
        ("platform#2", DeliveryState.WAITING, 0, NOW, NOW),
    ]


def claim(store: SqlStore, worker: str, now: datetime = NOW, limit: int = 10) -> list[int]:
    with store.write() as tx:
        return [one.id for one in tx.claim(now, now + MINUTE, limit, worker)]


def test_claims_of_two_workers_never_overlap_and_take_the_oldest_first(store: SqlStore) -> None:
    ids = [one.id for one in put_notices(store, "n1", "n2", "n3")]
    assert claim(store, "a", limit=2) == ids[:2]
    assert claim(store, "b") == ids[2:]
    assert claim(store, "c") == []
    with store.read() as reader:
        assert len(reader.deliveries(DeliveryState.SENDING)) == 3


def test_what_is_not_due_is_not_claimed(store: SqlStore) -> None:
    put_notices(store, "n1", now=NOW + MINUTE)
    assert claim(store, "a") == []
    assert len(claim(store, "a", NOW + MINUTE)) == 1


def test_a_claim_whose_lease_ended_is_claimed_again(store: SqlStore) -> None:
    ids = [one.id for one in put_notices(store, "n1")]
    assert claim(store, "a") == ids
    assert claim(store, "b", NOW + MINUTE - timedelta(microseconds=1)) == []
    assert claim(store, "b", NOW + MINUTE) == ids


def test_a_reader_says_that_something_is_due_exactly_when_a_claim_would_find_it(store: SqlStore) -> None:
    def due(now: datetime) -> bool:
        with store.read() as reader:
            return reader.due(now)

    assert not due(NOW)
    put_notices(store, "n1", now=NOW + MINUTE)
    assert not due(NOW)
    assert due(NOW + MINUTE)
    assert len(claim(store, "a", NOW + MINUTE)) == 1
    assert not due(NOW + MINUTE)
    assert due(NOW + 2 * MINUTE)


def test_the_claims_of_a_dead_worker_are_given_back_and_only_those(store: SqlStore) -> None:
    ids = [one.id for one in put_notices(store, "n1", "n2")]
    claim(store, "a", limit=1)
    claim(store, "b", limit=1)
    with store.write() as tx:
        assert tx.free_claims("a") == 1
        assert tx.free_claims("a") == 0
    assert claim(store, "c") == ids[:1]


def test_settling_writes_the_outcome_and_ends_the_claim(store: SqlStore) -> None:
    (first, second) = put_notices(store, "n1", "n2")
    claim(store, "a")
    again = replace(first, state=DeliveryState.WAITING, attempts=1, retry_at=NOW + MINUTE, error="502 from host")
    sent = replace(second, state=DeliveryState.SENT, attempts=1)
    with store.write() as tx:
        tx.settle(again)
        tx.settle(sent)
        assert tx.free_claims("a") == 0
    with store.read() as reader:
        assert reader.deliveries() == [again, sent]
    assert claim(store, "b", NOW + MINUTE) == [first.id]
    with pytest.raises(Refused), store.write() as tx:
        tx.settle(replace(first, id=99))


def test_event_entry_baseline_and_outbox_are_one_commit(store: SqlStore) -> None:
    class Killed(BaseException):
        pass

    def write_and_die() -> None:
        with store.write() as tx:
            tx.put_source(FULL)
            tx.put_pending_changes("s", [pending_change("a")])
            tx.put_entry(ENTRY)
            tx.put_facts(FACTS)
            tx.put_evidence(BODY, "s", NOW)
            tx.enqueue(NOTICE, ["platform#1"], NOW)
            raise Killed

    with pytest.raises(Killed):
        write_and_die()
    with store.engine.connect() as connection:
        for table in ("events", "sources", "streaks", "entries", "blobs", "notices", "deliveries"):
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 0, table
