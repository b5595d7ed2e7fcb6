"""The contract of what calls took and cost: kept beside the log, dropped when old, and never spent twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from documented_views import VIEWS
from sqlalchemy import text

from monitor.core import events as ev
from monitor.core.events import Event
from monitor.core.facts import GRANTED, Measurement, SourceState
from monitor.core.leaves import LeafKind
from monitor.core.ports import MeasurementQuery, MonitorError, Refused, Reservation
from monitor.store import SqlStore, check_schema, open_store, upgrade

NOW = datetime(2026, 7, 30, 17, 34, 21, 500, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = date(2026, 7, 30)

FULL = Measurement(
    source="probes/luna/chat",
    surface="openai",
    model="luna",
    route="chat",
    at=NOW,
    outcome=GRANTED,
    latency=812,
    first_token=140,
    retries=1,
    input_tokens=2**40,
    cached_tokens=0,
    cache_write_tokens=1024,
    output_tokens=5,
    cost="0.0000125",
    request="req_1",
)
BARE = Measurement(
    source="probes/sol/retrieve",
    surface="eu",
    model="sol",
    route="retrieve",
    at=NOW + HOUR,
    outcome="model_not_found",
    latency=0,
)


def measured(store: SqlStore, **query: object) -> list[Measurement]:
    with store.read() as reader:
        return list(reader.measurements(MeasurementQuery(**query)))  # type: ignore[arg-type]


def test_a_measurement_comes_back_as_it_was_put_and_a_blank_stays_one(store: SqlStore) -> None:
    with store.write() as tx:
        tx.put_measurements([BARE, FULL])
        tx.put_measurements([])
        assert list(tx.measurements()) == [FULL, BARE]
    with store.read() as reader:
        assert list(reader.measurements()) == [FULL, BARE]
        assert reader.head() == 0


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"source": FULL.source}, [FULL]),
        ({"surface": "eu"}, [BARE]),
        ({"model": "luna"}, [FULL]),
        ({"route": "retrieve"}, [BARE]),
        ({"route": "retrieve", "model": "luna"}, []),
        ({"since": NOW}, [FULL, BARE]),
        ({"since": NOW + timedelta(microseconds=1)}, [BARE]),
        ({"until": NOW + HOUR}, [FULL]),
        ({"until": NOW}, []),
        ({"limit": 1}, [FULL]),
        ({"limit": 1, "newest_first": True}, [BARE]),
        ({"newest_first": True}, [BARE, FULL]),
    ],
)
def test_measurements_are_found_by_what_they_are_about_and_when(
    store: SqlStore, query: dict[str, object], found: list[Measurement]
) -> None:
    with store.write() as tx:
        tx.put_measurements([FULL, BARE])
    assert measured(store, **query) == found


def test_calls_that_began_together_come_in_the_order_in_which_they_were_written(store: SqlStore) -> None:
    together = [replace(FULL, request=f"req_{number}") for number in range(20)]
    with store.write() as tx:
        tx.put_measurements(together)
    assert measured(store) == together
    assert measured(store, newest_first=True) == together[::-1]


def test_old_measurements_and_the_spending_of_old_days_are_dropped_and_nothing_else(store: SqlStore) -> None:
    with store.write() as tx:
        tx.put_source(SourceState(key=FULL.source))
        tx.put_measurements([replace(FULL, at=NOW - HOUR), FULL, BARE])
        tx.reserve("openai", Decimal("0.5"), NOW - timedelta(days=1))
        tx.reserve("openai", Decimal("0.25"), NOW)
    with store.write() as tx:
        assert tx.forget_measurements(NOW) == 1
        assert tx.forget_measurements(NOW) == 0
    assert measured(store) == [FULL, BARE]
    with store.read() as reader:
        assert reader.spent("openai", DAY - timedelta(days=1)) == 0
        assert reader.spent("openai", DAY) == Decimal("0.25")
        assert list(reader.sources()) == [FULL.source]


def test_what_is_spent_is_exact_and_of_one_surface_and_one_utc_day(store: SqlStore) -> None:
    midnight = datetime(2026, 7, 31, tzinfo=UTC)
    elsewhere = datetime.fromisoformat("2026-07-31T01:30:00+02:00")  # still the 30th in UTC
    with store.write() as tx:
        for _ in range(10):
            tx.reserve("openai", Decimal("0.1"), NOW)
        tx.reserve("openai", Decimal("0.00000000000001"), elsewhere)
        tx.reserve("openai", Decimal(7), midnight)
        tx.reserve("eu", Decimal(3), NOW)
        assert tx.spent("openai", DAY) == Decimal("1.00000000000001")
    with store.read() as reader:
        assert reader.spent("openai", DAY) == Decimal("1.00000000000001")
        assert reader.spent("openai", midnight.date()) == 7
        assert reader.spent("codex", DAY) == 0


def test_settling_replaces_the_reservation_and_an_unsettled_one_stays_spent(store: SqlStore) -> None:
    with store.write() as tx:
        first, second = tx.reserve("openai", Decimal("0.5"), NOW), tx.reserve("openai", Decimal("0.5"), NOW)
    assert first.id != second.id
    assert (first.surface, first.amount) == ("openai", Decimal("0.5"))
    with store.write() as tx:
        tx.settle_spending(first, Decimal("0.002"))
    with store.read() as reader:
        assert reader.spent("openai", DAY) == Decimal("0.502")


def test_a_settlement_of_nothing_and_a_sum_that_cannot_be_spent_are_refused(store: SqlStore) -> None:
    with pytest.raises(Refused), store.write() as tx:
        tx.settle_spending(Reservation(id=99, surface="openai", amount=Decimal(1)), Decimal(1))
    for bad in (Decimal("-0.1"), Decimal("NaN"), Decimal("Infinity")):
        with pytest.raises(ValueError, match="no sum"), store.write() as tx:
            tx.reserve("openai", bad, NOW)
    with store.read() as reader:
        assert reader.spent("openai", DAY) == 0


def test_a_transaction_that_fails_leaves_neither_measurements_nor_spending(store: SqlStore) -> None:
    with pytest.raises(ZeroDivisionError), store.write() as tx:  # noqa: PT012
        tx.put_measurements([FULL])
        tx.reserve("openai", Decimal(1), NOW)
        raise ZeroDivisionError
    assert measured(store) == []
    with store.read() as reader:
        assert reader.spent("openai", DAY) == 0


def test_an_upgrade_from_the_first_schema_keeps_everything_and_the_log_append_only(url: str) -> None:
    event = Event(position=1, type=ev.SOURCE_FAILED, stream="source/a", subject="a", occurred_at=NOW, source="a")
    before = open_store(url)
    with before.write() as tx:
        tx.append([event], NOW)
        tx.put_source(SourceState(key="a", good_at=NOW))
        hash = tx.put_facts({})
    # All that later revisions do is to add these tables and columns, so without them it is the first.
    with before.engine.begin() as connection:
        for statement in (
            *(f"DROP VIEW {view}" for view in VIEWS),
            "DROP INDEX events_acts",
            "DROP INDEX notices_at",
            *(
                f"DROP TABLE {table}"
                for table in (
                    "leaves",
                    "tree_nodes",
                    "checkpoints",
                    "signing_keys",
                    "lease_documents",
                    "credentials",
                    "turns",
                    "nodes",
                    "working_state",
                    "compatible_revisions",
                )
            ),
            "DROP TABLE sent_messages",
            "DROP TABLE measurements",
            "DROP TABLE spending",
            "DROP TABLE alternations",
            "ALTER TABLE streaks DROP COLUMN anomaly",
            "ALTER TABLE streaks DROP COLUMN held_until",
            "DROP TABLE log",
            "UPDATE alembic_version SET version_num = '0001'",
        ):
            connection.execute(text(statement))
    before.close()
    with pytest.raises(MonitorError, match="older than this program"):
        check_schema(url)
    assert upgrade(url) == "0001"
    after = open_store(url, migrate=False)
    try:
        with after.write() as tx:
            assert [one.event for one in tx.events()] == [event]
            assert tx.source("a") == SourceState(key="a", good_at=NOW)
            assert tx.facts(hash) == {}
            tx.put_measurements([FULL])
            assert [leaf.kind for leaf in tx.tree.leaves()] == [LeafKind.LOG, LeafKind.EVENT]
        assert measured(after) == [FULL]
        for statement in ("DELETE FROM events", "UPDATE events SET type = 'x'", "DELETE FROM blobs"):
            with pytest.raises(MonitorError), after.engine.begin() as connection:
                connection.execute(text(statement))
    finally:
        after.close()
