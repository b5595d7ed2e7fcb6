"""What nodes agree upon: turns, the lease of who ticks, nodes, and the fence before money."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hanging_proxy import hanging
from sqlalchemy.engine import make_url
from waiting import until

from monitor.core.nodes import TICKING, Node, Turn
from monitor.core.ports import ConfigurationError, Refused, Unavailable
from monitor.store import SqlStore, dialects, open_store
from monitor.store.patient import PatientConnection

NOW = datetime(2026, 7, 30, 12, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def turn(store: SqlStore, name: str) -> Turn:
    with store.read() as reader:
        return next(turn for turn in reader.turns() if turn.name == name)


def names(store: SqlStore) -> set[str]:
    with store.read() as reader:
        return {turn.name for turn in reader.turns()} - {TICKING}


def ended(store: SqlStore, name: str, run: int, due_at: datetime) -> bool:
    return store.turns.end(replace(turn(store, name), run=run, due_at=due_at, ended_at=NOW + SECOND, polls=3, failed=1))


def test_a_turn_is_claimed_when_it_is_due_and_by_the_last_claim_alone_ended(store: SqlStore) -> None:
    turns = store.turns
    turns.plan({"polls 1": NOW, "polls 2": NOW + MINUTE})
    assert [turn.name for turn in turns.due(NOW)] == ["polls 1"]
    assert turns.claim("polls 2", "a", NOW) is None
    assert turns.claim("unknown", "a", NOW) is None
    first = turns.claim("polls 1", "a", NOW)
    assert first == 1
    assert turns.due(NOW) == [], "what runs is not offered"
    second = turns.claim("polls 1", "b", NOW + SECOND)
    assert second == 2, "what was taken over runs anew"
    assert not ended(store, "polls 1", first, NOW + MINUTE)
    assert ended(store, "polls 1", second, NOW + MINUTE)
    stands = turn(store, "polls 1")
    assert (stands.node, stands.due_at, stands.polls, stands.failed) == ("b", NOW + MINUTE, 3, 1)
    assert turns.claim("polls 1", "a", NOW + SECOND) is None


def test_a_run_without_an_end_is_offered_again_in_the_end(store: SqlStore) -> None:
    store.turns.plan({"polls 1": NOW})
    store.turns.claim("polls 1", "a", NOW)
    assert store.turns.due(NOW + MINUTE) == []
    assert [turn.name for turn in store.turns.due(NOW + 3 * MINUTE)] == ["polls 1"]


def test_a_plan_keeps_the_times_of_what_stays_and_what_is_for_once(store: SqlStore) -> None:
    turns = store.turns
    turns.plan({"polls 1": NOW, "polls 2": NOW})
    turns.sooner("again models", NOW)
    turns.plan({"polls 2": NOW + MINUTE, "probe p": NOW})
    assert names(store) == {"polls 2", "probe p", "again models"}
    assert turn(store, "polls 2").due_at == NOW


def test_what_is_asked_for_sooner_is_heard_also_while_it_runs(store: SqlStore) -> None:
    turns = store.turns
    turns.plan({"probe p": NOW})
    run = turns.claim("probe p", "a", NOW) or 0
    turns.sooner("probe p", NOW + 2 * SECOND)
    assert ended(store, "probe p", run, NOW + MINUTE)
    assert turn(store, "probe p").due_at == NOW + MINUTE, "it was due already, so it is not put forward"
    turns.sooner("probe p", NOW + 5 * SECOND)
    turns.sooner("probe p", NOW + 30 * SECOND)
    assert turn(store, "probe p").due_at == NOW + 5 * SECOND
    turns.sooner("again m", NOW)
    run = turns.claim("again m", "a", NOW) or 0
    turns.drop("again m", run - 1)
    assert "again m" in names(store)
    turns.drop("again m", run)
    assert "again m" not in names(store)


def test_money_is_spent_in_the_last_run_of_a_turn_alone(store: SqlStore) -> None:
    turns = store.turns
    turns.plan({"probe p": NOW})
    stopped = turns.claim("probe p", "a", NOW) or 0
    following = turns.claim("probe p", "b", NOW + SECOND) or 0
    with store.write() as tx:
        assert not tx.hold_turn("probe p", stopped, NOW + MINUTE)
        assert tx.hold_turn("probe p", following, NOW + MINUTE)
    assert turns.claim("probe p", "c", NOW + 2 * SECOND) is None, "what was paid for is not run again"
    assert ended(store, "probe p", following, NOW + 2 * MINUTE)
    assert turn(store, "probe p").due_at == NOW + MINUTE


def test_one_node_ticks_and_another_takes_over_when_its_lease_ends(store: SqlStore) -> None:
    turns = store.turns
    assert turns.lease("a", NOW, NOW + 10 * SECOND)
    assert not turns.lease("b", NOW + 5 * SECOND, NOW + 15 * SECOND)
    assert turns.lease("a", NOW + 5 * SECOND, NOW + 15 * SECOND)
    assert turns.lease("b", NOW + 15 * SECOND, NOW + 25 * SECOND)
    assert not turns.lease("a", NOW + 16 * SECOND, NOW + 26 * SECOND)
    turns.leave("b")
    assert turns.lease("a", NOW + 17 * SECOND, NOW + 27 * SECOND)


def test_nodes_say_how_they_are_and_are_silent_after_a_while(store: SqlStore) -> None:
    node = Node(name="a", role="run", version="1", configuration="c", started_at=NOW, heartbeat_at=NOW, clock_off=-3600)
    store.turns.heartbeat(node)
    later = replace(node, heartbeat_at=NOW + SECOND, polls=7)
    store.turns.heartbeat(later)
    with store.read() as reader:
        assert reader.nodes() == [later]
    assert not later.silent(NOW + 10 * SECOND)
    assert later.silent(NOW + 12 * SECOND)
    store.turns.heartbeat(replace(node, name="b", heartbeat_at=NOW - MINUTE))
    store.turns.forget(NOW)
    with store.read() as reader:
        assert [row.name for row in reader.nodes()] == ["a"]
    store.turns.leave("a")
    with store.read() as reader:
        assert reader.nodes() == []


def test_the_servers_time_is_a_time_of_day(store: SqlStore) -> None:
    assert abs(store.turns.time() - datetime.now(UTC)) < MINUTE


def test_working_state_is_kept_under_its_name_until_it_is_empty(store: SqlStore) -> None:
    for content in ("[1]", "[1,2]", "", ""):
        with store.write() as tx:
            tx.put_working_state("uses", content, NOW)
        with store.read() as reader:
            assert reader.working_state("uses") == content


def test_a_writer_that_says_nothing_loses_its_lock_to_the_next(
    postgres: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialects, "LONGEST_PAUSE", "200ms")
    url = postgres()
    stopped, other = open_store(url), open_store(url)

    def stop_and_go_on() -> None:
        with stopped.write() as tx:
            tx.put_working_state("x", "mine", NOW)
            with other.write() as following:
                following.put_working_state("x", "theirs", NOW)
            tx.put_working_state("x", "mine again", NOW)

    with pytest.raises(Unavailable):
        stop_and_go_on()
    with other.read() as reader:
        assert reader.working_state("x") == "theirs"
    stopped.close()
    other.close()


def test_a_server_that_hangs_holds_up_nobody_for_ever(
    postgres: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PatientConnection, "patience", 0.3)
    url = make_url(postgres())
    with hanging(f"{url.query['host']}/.s.PGSQL.5432") as proxy:
        through = url.set(host="127.0.0.1", port=proxy.port, query={}).render_as_string(hide_password=False)
        store = open_store(through)
        store.turns.time()
        proxy.hang()
        with pytest.raises(Unavailable, match="could not be reached"):
            store.turns.time()
        proxy.resume()
        until(lambda: _answers(store), "it answers again")
        store.close()


def _answers(store: SqlStore) -> bool:
    try:
        store.turns.time()
    except Unavailable:
        return False
    return True


def test_daemons_that_share_a_database_and_one_that_works_alone_keep_out_of_each_others_way(
    postgres: Callable[[], str], tmp_path: Path
) -> None:
    url = postgres()
    first, second, alone = open_store(url), open_store(url), open_store(url)
    with first.company(), second.company(), pytest.raises(Refused, match="Another daemon runs"), alone.sole():
        pass
    with alone.sole(), pytest.raises(Refused, match="works alone"), first.company():
        pass
    file = open_store(str(tmp_path / "monitor.db"))
    with pytest.raises(ConfigurationError, match="Several nodes need PostgreSQL"), file.company():
        pass
    for store in (first, second, alone, file):
        store.close()
