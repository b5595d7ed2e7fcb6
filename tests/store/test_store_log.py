"""The contract of the log: what is appended, what is read back, and what nobody can do to it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from monitor.core.events import Event, record
from monitor.core.ports import Conflict, EventQuery, MonitorError, Unavailable
from monitor.store import SqlStore, open_store

NOW = datetime(2026, 7, 30, 17, 34, 21, 500, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


def event(position: int, type: str = "model.listed", stream: str = "source/a", **more: Any) -> Event:
    return Event(
        **{"position": position, "type": type, "stream": stream, "subject": "gpt-x", "occurred_at": NOW, **more}
    )


def append(store: SqlStore, *events: Event, now: datetime = NOW) -> None:
    with store.write() as tx:
        tx.append(events, now)


def positions(store: SqlStore, **query: Any) -> list[int]:
    with store.read() as reader:
        return [found.event.position for found in reader.events(EventQuery(**query))]


def test_what_is_appended_is_what_is_read(store: SqlStore) -> None:
    given = event(
        1,
        cause=None,
        evidence="sha256:ab",
        source="a",
        actor="ada",
        data={"old": None, "new": "ü", "causes": (1, 2), "ok": True},
    )
    with store.write() as tx:
        (returned,) = tx.append([given], NOW)
        assert tx.event(1) == returned
    with store.read() as reader:
        assert reader.event(1) == returned
        assert list(reader.events()) == [returned]
        assert reader.event(2) is None
    assert returned.event.data == {"old": None, "new": "ü", "causes": [1, 2], "ok": True}
    assert (returned.event.occurred_at, returned.recorded_at, returned.version) == (NOW, NOW, 1)


def test_an_empty_log_has_head_zero(store: SqlStore) -> None:
    with store.read() as reader:
        assert reader.head() == 0
        assert list(reader.events()) == []


def test_versions_count_within_a_stream_and_positions_over_all(store: SqlStore) -> None:
    append(store, event(1, stream="source/a"), event(2, stream="source/b"))
    append(store, event(3, stream="source/a"), event(4, stream="source/a"))
    with store.read() as reader:
        assert [(e.event.stream, e.version) for e in reader.events()] == [
            ("source/a", 1),
            ("source/b", 1),
            ("source/a", 2),
            ("source/a", 3),
        ]
        assert reader.head() == 4


@pytest.mark.parametrize("wrong", [[event(2)], [event(1), event(3)], [event(0)]])
def test_a_position_that_is_not_the_next_one_is_a_conflict_and_appends_nothing(
    store: SqlStore, wrong: list[Event]
) -> None:
    with pytest.raises(Conflict), store.write() as tx:
        tx.append(wrong, NOW)
    assert positions(store) == []


def test_a_position_that_was_taken_meanwhile_is_a_conflict(store: SqlStore) -> None:
    append(store, event(1))
    with pytest.raises(Conflict):
        append(store, event(1))
    assert positions(store) == [1]


def test_recorded_at_never_decreases_when_the_clock_is_set_back(store: SqlStore) -> None:
    append(store, event(1))
    append(store, event(2), now=NOW - timedelta(hours=1))
    append(store, event(3), now=NOW + timedelta(microseconds=1))
    with store.read() as reader:
        recorded = [found.recorded_at for found in reader.events()]
    assert recorded == [NOW, NOW, NOW + timedelta(microseconds=1)]


def test_identifiers_are_uuids_of_version_7_that_sort_as_the_log(store: SqlStore) -> None:
    append(store, *(event(n) for n in range(1, 40)))
    append(store, event(40), now=NOW + timedelta(microseconds=400))
    with store.read() as reader:
        ids = [found.id for found in reader.events()]
    assert ids == sorted(ids)
    assert len(set(ids)) == 40
    assert {id[14] for id in ids} == {"7"}


def test_a_time_of_another_zone_is_stored_as_the_same_moment(store: SqlStore) -> None:
    elsewhere = NOW.astimezone(ZoneInfo("Asia/Kolkata"))
    append(store, event(1, occurred_at=elsewhere), now=elsewhere)
    with store.read() as reader:
        found = reader.event(1)
    assert found is not None
    assert record(found)["recorded_at"] == record(found)["occurred_at"] == "2026-07-30T17:34:21.000500Z"


@pytest.mark.parametrize("value", [0.1, {"deep": [1.5]}, {1: "x"}, b"x", NOW])
def test_data_that_does_not_come_back_as_written_is_refused(store: SqlStore, value: object) -> None:
    with pytest.raises(TypeError), store.write() as tx:
        tx.append([event(1, data={"value": value})], NOW)
    assert positions(store) == []


def test_a_time_without_a_zone_is_refused(store: SqlStore) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        append(store, event(1, occurred_at=datetime(2026, 1, 1)))


def test_a_rollback_leaves_nothing_behind(store: SqlStore) -> None:
    class Stopped(Exception):
        pass

    def write_and_stop() -> None:
        with store.write() as tx:
            tx.append([event(1)], NOW)
            tx.put_facts({})
            assert tx.head() == 1
            raise Stopped

    with pytest.raises(Stopped):
        write_and_stop()
    with store.read() as reader:
        assert reader.head() == 0
    append(store, event(1))
    assert positions(store) == [1]


def test_globs_match_with_case_and_take_every_other_character_as_it_is(store: SqlStore) -> None:
    names = ["gpt-5", "GPT-5", "gpt_5", "gpt%5", "gpt[5]", "gpt-5-mini", "o!1", "ü-5"]
    append(store, *(event(n, subject=name) for n, name in enumerate(names, 1)))

    def matching(glob: str) -> list[str]:
        return [names[n - 1] for n in positions(store, subject=glob)]

    assert matching("gpt-5") == ["gpt-5"]
    assert matching("gpt?5") == ["gpt-5", "gpt_5", "gpt%5"]
    assert matching("gpt_*") == ["gpt_5"]
    assert matching("gpt%*") == ["gpt%5"]
    assert matching("*[5]") == ["gpt[5]"]
    assert matching("GPT*") == ["GPT-5"]
    assert matching("*!1") == ["o!1"]
    assert matching("?-5") == ["ü-5"]
    assert matching("*") == names


def test_a_query_is_every_condition_at_once(store: SqlStore) -> None:
    hour = timedelta(hours=1)
    append(
        store, event(1, type="price.changed", source="p"), event(2, type="model.listed", source="m", stream="source/m")
    )
    append(store, event(3, type="price.listed", source="p"), now=NOW + hour)
    append(store, event(4, type="price.changed", source="q"), now=NOW + 2 * hour)
    assert positions(store, type="price.*") == [1, 3, 4]
    assert positions(store, type="price.*", source="p") == [1, 3]
    assert positions(store, stream="source/m") == [2]
    assert positions(store, after=2) == [3, 4]
    assert positions(store, after=1, limit=2) == [2, 3]
    assert positions(store, newest_first=True, limit=2) == [4, 3]
    assert positions(store, since=NOW + hour) == [3, 4]


def test_until_is_inclusive_so_that_as_of_a_time_holds_what_was_recorded_at_it(store: SqlStore) -> None:
    append(store, event(1))
    append(store, event(2), now=NOW + timedelta(microseconds=1))
    append(store, event(3), now=NOW + timedelta(seconds=1))
    assert positions(store, until=NOW) == [1]
    assert positions(store, until=NOW + timedelta(microseconds=1)) == [1, 2]
    assert positions(store, until=NOW - timedelta(microseconds=1)) == []


def test_a_reader_sees_one_state_while_others_write(store: SqlStore) -> None:
    append(store, event(1))
    with store.read() as reader:
        assert reader.head() == 1
        append(store, event(2))
        assert reader.head() == 1
        assert [found.event.position for found in reader.events()] == [1]
    assert positions(store) == [1, 2]


def test_a_log_of_many_events_is_read_in_order_and_can_be_left_early(store: SqlStore) -> None:
    append(store, *(event(n) for n in range(1, 1202)))
    assert positions(store) == list(range(1, 1202))
    with store.read() as reader:
        assert next(iter(reader.events())).event.position == 1
        assert reader.head() == 1201


REFUSED = [
    "UPDATE events SET actor = 'mallory' WHERE position = 1",
    "UPDATE events SET position = 9 WHERE position = 1",
    "DELETE FROM events WHERE position = 1",
    "DELETE FROM events",
    "UPDATE blobs SET source = 'mallory'",
    "DELETE FROM blobs",
]
REFUSED_BY_SQLITE = [
    f"INSERT OR REPLACE INTO events SELECT {columns} FROM events WHERE position = 1"
    for columns in (
        # the same position; the same id at another one; the same stream and version at another one
        "position, 'x', 'y', 's', 9, subject, source, occurred_at, recorded_at, actor, cause, evidence, data",
        "9, id, 'y', 's', 9, subject, source, occurred_at, recorded_at, actor, cause, evidence, data",
        "9, 'x', 'y', stream, version, subject, source, occurred_at, recorded_at, actor, cause, evidence, data",
        "NULL, 'x', 'y', stream, version, subject, source, occurred_at, recorded_at, actor, cause, evidence, data",
    )
] + [
    "UPDATE OR REPLACE events SET actor = 'mallory'",
    "INSERT INTO events SELECT * FROM events WHERE true ON CONFLICT DO UPDATE SET actor = 'mallory'",
    (
        "INSERT OR REPLACE INTO blobs SELECT kind, hash, x'00', size, sha256, content_type, url, source, "
        "created_at FROM blobs"
    ),
]
REFUSED_BY_POSTGRESQL = [
    "TRUNCATE events",
    "TRUNCATE blobs",
    "INSERT INTO events SELECT * FROM events ON CONFLICT (position) DO UPDATE SET actor = 'mallory'",
    "SET LOCAL session_replication_role = replica; DELETE FROM events",
]


def test_invariant_5_nothing_in_the_log_is_ever_updated_or_deleted(store: SqlStore) -> None:
    with store.write() as tx:
        tx.append([event(1), event(2)], NOW)
        tx.put_facts({})
    rows = {table: _rows(store, table) for table in ("events", "blobs")}
    assert len(rows["events"]) == 2
    assert len(rows["blobs"]) == 1
    own = REFUSED_BY_SQLITE if store.engine.dialect.name == "sqlite" else REFUSED_BY_POSTGRESQL
    for statement in REFUSED + own:
        with pytest.raises(MonitorError, match="append-only"), store.engine.begin() as connection:
            connection.execute(text(statement))
        assert {table: _rows(store, table) for table in rows} == rows, statement


def _rows(store: SqlStore, table: str) -> list[Any]:
    with store.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(f"SELECT * FROM {table} ORDER BY 1, 2"))]


def append_one(store: SqlStore, writer: str) -> None:
    with store.write() as tx:
        tx.append([event(tx.head() + 1, stream=f"source/{writer}", actor=writer)], NOW)


def test_threads_that_write_at_once_lose_nothing_and_positions_appear_in_order(store: SqlStore) -> None:
    gone_wrong: list[str] = []
    done = threading.Event()

    def write(writer: str) -> None:
        try:
            for _ in range(15):
                append_one(store, writer)
        except BaseException as error:
            gone_wrong.append(repr(error))

    def watch() -> None:
        while not done.is_set():
            seen = positions(store)
            if seen != list(range(1, len(seen) + 1)):
                gone_wrong.append(f"a reader saw {seen}")

    writers = [threading.Thread(target=write, args=(f"w{n}",)) for n in range(4)]
    reader = threading.Thread(target=watch)
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    assert gone_wrong == []
    assert positions(store) == list(range(1, 61))


PROCESS = """
import sys
sys.path.insert(0, sys.argv[3])
from test_store_log import append_one
from monitor.store import open_store
store = open_store(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(25):
    append_one(store, sys.argv[2])
store.close()
"""


def test_two_processes_that_write_at_once_lose_nothing(store: SqlStore, url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, url, name, str(Path(__file__).parent)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("a", "b")
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, "")
    assert positions(store) == list(range(1, 51))
    assert len(positions(store, stream="source/a")) == 25


def test_a_writer_that_waits_too_long_is_told_so_in_one_sentence(store: SqlStore, url: str) -> None:
    impatient = open_store(url, patience=timedelta(milliseconds=50))
    try:
        with store.write() as tx:
            tx.append([event(1)], NOW)
            with pytest.raises(Unavailable, match="locked by another"), impatient.write():
                pass
        with impatient.write(), pytest.raises(Unavailable, match="another part of this process"), impatient.write():
            pass
    finally:
        impatient.close()
    assert positions(store) == [1]


def soon(question: Callable[[], bool], seconds: float = 5) -> bool:
    """Ask until the answer is yes: a server passes on what was committed a moment later."""
    ended = time.monotonic() + seconds
    while not (answer := question()) and time.monotonic() < ended:
        threading.Event().wait(0.01)
    return answer


def test_a_commit_elsewhere_is_seen_once(store: SqlStore, url: str) -> None:
    other = open_store(url)
    try:
        store.changed()
        assert not store.changed()
        append(other, event(1))
        assert soon(store.changed)
        assert not store.changed()
        with pytest.raises(Conflict):
            append(other, event(1))
        with other.write():
            pass
        assert not store.changed()
    finally:
        other.close()


def test_a_log_has_an_identity_that_no_other_has_and_an_epoch_that_only_grows(store: SqlStore) -> None:
    with store.read() as reader:
        before = reader.log_head()
    assert (before.epoch, before.position) == (1, 0)
    append(store, event(1))
    with store.write() as tx:
        tx.advance_epoch(4)
    with store.read() as reader:
        after = reader.log_head()
    assert (after.log, after.epoch, after.position) == (before.log, 5, 1)
    with store.write() as tx:
        tx.advance_epoch(2)
    with store.read() as reader:
        assert reader.log_head().epoch == 6


def test_that_it_can_be_written_is_seen_by_writing(store: SqlStore) -> None:
    store.check_writable(NOW)
    with store.read() as reader:
        assert reader.head() == 0


def test_outages_that_had_ended_before_a_time_are_left_out(store: SqlStore) -> None:
    hour = timedelta(hours=1)
    rows = (
        event(1, "source.failed", source="a"),
        event(2, "source.failed", source="a", cause=1, occurred_at=NOW + hour),  # another reason
        event(3, "source.anomaly", "source/b", source="b", occurred_at=NOW + hour),
        event(4, "source.recovered", source="a", cause=2, occurred_at=NOW + 3 * hour),
        event(5, "source.failed", source="a", cause=4, occurred_at=NOW + 4 * hour),
        event(6, source="a", occurred_at=NOW + 4 * hour),
    )
    for row in rows:
        append(store, row, now=row.occurred_at)
    with store.read() as reader:

        def read(source: str = "", since: datetime | None = None, until: datetime | None = None) -> list[int]:
            return [found.event.position for found in reader.events_of_outages(source, since, until)]

        assert read() == read(since=NOW + hour) == [1, 2, 3, 4, 5]
        assert read(since=NOW + 2 * hour) == read(since=NOW + 3 * hour) == [2, 3, 4, 5]
        assert read(since=NOW + 5 * hour) == [3, 5]
        assert read("a", since=NOW + 5 * hour) == [5]
        assert read(since=NOW + 5 * hour, until=NOW + 2 * hour) == [2, 3]
        assert read("c") == []
