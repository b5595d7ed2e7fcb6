"""What the log keeps of who asks the gate: first uses once, denials with the day's count, and never a row a request."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from pipeline_world import World

from monitor.core import events as ev
from monitor.core.ports import EventQuery, Unavailable
from monitor.gate import uses
from monitor.gate.decision import Answer
from monitor.gate.uses import JudgedRow, Uses, record
from monitor.registry.transitions import fold, replay

HOUR = timedelta(hours=1)


def given(allowed: bool = False, key: str = "luna", position: int = 7) -> Answer:
    status = "active" if allowed else "paused"
    return Answer(
        key=key, allowed=allowed, status=status, reason=f"{status}: so", fallback="", position=position, expires_at=None
    )


@pytest.fixture
def counted() -> Uses:
    return Uses(lambda: ("production", "staging"))


def written(world: World, type: str = "gate.*") -> list[ev.Event]:
    with world.store.read() as reader:
        return [recorded.event for recorded in reader.events(EventQuery(type=type))]


def ask(counted: Uses, at: datetime, *, times: int = 1, allowed: bool = False, **who: Any) -> None:
    named = {"entry": "luna", "environment": "production", "caller": "support-agent"} | who
    answer = given(allowed, key=named["entry"] or named.pop("key", "gpt-9"), position=named.pop("position", 7))
    row = JudgedRow(named["entry"], named.pop("surface", "openai")) if named["entry"] else None
    for _ in range(times):
        counted.note(answer, row, named["environment"], named["caller"], at)


def test_the_first_use_is_written_once_and_what_follows_is_not(world: World, counted: Uses) -> None:
    ask(counted, world.now, times=3, allowed=True)
    assert record(world.store, counted, world.now) == 1
    ask(counted, world.now, times=100, allowed=True)
    assert record(world.store, counted, world.now + HOUR) == 0
    (event,) = written(world)
    assert (event.type, event.stream, event.subject) == ("gate.first_used", "gate/production", "luna")
    assert (event.cause, event.occurred_at, event.source, event.actor) == (7, world.now, "", "system")
    assert event.data == {
        "environment": "production",
        "caller": "support-agent",
        "count": 3,
        "status": "active",
        "reason": "active: so",
        "surface": "openai",
    }


def test_a_use_on_each_surface_is_one_of_the_entry_there(world: World, counted: Uses) -> None:
    for surface in ("openai", "codex"):
        ask(counted, world.now, allowed=True, surface=surface)
    assert record(world.store, counted, world.now) == 2
    assert [(event.subject, event.data["surface"]) for event in written(world)] == [
        ("luna", "openai"),
        ("luna", "codex"),
    ]


@pytest.mark.parametrize(("subject", "surface"), [("luna", "openai"), ("luna@codex", "codex")])
def test_a_use_that_an_earlier_version_wrote_under_the_key_of_its_row_is_not_written_again(
    world: World, counted: Uses, subject: str, surface: str
) -> None:
    data = {"environment": "production", "caller": "support-agent", "count": 1, "status": "active", "reason": "so"}
    with world.store.write() as tx:
        ledger = ev.Ledger(tx.head())
        ledger.add(ev.GATE_FIRST_USED, "gate/production", subject, at=world.now, cause=7, data=data)
        tx.append(ledger.events, world.now)
    ask(counted, world.now, allowed=True, surface=surface)
    assert record(world.store, counted, world.now) == 0


def test_what_is_no_entry_is_counted_under_the_whole_name_that_was_asked_for(world: World, counted: Uses) -> None:
    ask(counted, world.now, entry="", key="gpt-9@codex", position=0)
    assert record(world.store, counted, world.now + 48 * HOUR) == 1
    again = Uses(lambda: ("production",))
    ask(again, world.now, entry="", key="gpt-9@codex", position=0)
    assert record(world.store, again, world.now + 48 * HOUR) == 0
    (event,) = written(world)
    assert event.subject == "gpt-9@codex"
    assert "surface" not in event.data


def test_another_activation_environment_or_caller_is_another_first_use(world: World, counted: Uses) -> None:
    for who in ({}, {"position": 9}, {"environment": "staging"}, {"caller": "billing"}, {"caller": ""}):
        ask(counted, world.now, allowed=True, **who)
    assert record(world.store, counted, world.now) == 5


def test_a_first_use_is_not_written_again_after_a_restart(world: World, counted: Uses) -> None:
    ask(counted, world.now, allowed=True)
    record(world.store, counted, world.now)
    again = Uses(lambda: ("production",))
    ask(again, world.now, allowed=True)
    assert record(world.store, again, world.now) == 0
    assert len(written(world)) == 1


def test_denials_are_written_when_their_day_is_over_with_its_count(world: World, counted: Uses) -> None:
    start = world.now.replace(hour=10, minute=0)
    ask(counted, start, times=40)
    ask(counted, start + 13 * HOUR, times=2)
    assert record(world.store, counted, start + 13 * HOUR) == 0
    ask(counted, start + 14 * HOUR)
    assert record(world.store, counted, start + 14 * HOUR) == 1
    (event,) = written(world)
    assert (event.type, event.stream, event.subject, event.cause) == ("gate.denied", "gate/production", "luna", 7)
    assert (event.occurred_at, event.data["count"], event.data["day"]) == (start, 42, start.date().isoformat())
    assert record(world.store, counted, start + 38 * HOUR) == 1


def test_a_stop_writes_what_there_is_and_a_restart_on_that_day_writes_no_second_one(
    world: World, counted: Uses
) -> None:
    ask(counted, world.now, times=5)
    assert record(world.store, counted, world.now, ending=True) == 1
    again = Uses(lambda: ("production",))
    ask(again, world.now, times=2)
    ask(again, world.now, position=9)
    assert record(world.store, again, world.now + 24 * HOUR) == 1
    assert [(event.cause, event.data["count"]) for event in written(world, "gate.denied")] == [(7, 5), (9, 1)]


def test_nothing_asked_is_nothing_written_and_no_transaction(
    world: World, counted: Uses, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise AssertionError("a transaction was begun")

    monkeypatch.setattr(world.store, "write", refuse)
    assert record(world.store, counted, world.now, ending=True) == 0


def test_the_counts_of_two_nodes_are_one_and_outlive_both(world: World, counted: Uses) -> None:
    other, following = (Uses(lambda: ("production", "staging")) for _ in range(2))
    ask(counted, world.now, times=2)
    ask(other, world.now + HOUR, times=3)
    for node in (counted, other):
        assert record(world.store, node, world.now + HOUR) == 0
    assert record(world.store, following, world.now + 24 * HOUR) == 1
    (event,) = written(world)
    assert (event.data["count"], event.occurred_at) == (5, world.now)
    assert record(world.store, counted, world.now + 48 * HOUR) == 0


def test_what_could_not_be_written_is_counted_on(world: World, counted: Uses) -> None:
    class Away:
        def write(self) -> None:
            raise Unavailable("The database is away.")

    ask(counted, world.now, times=2)
    ask(counted, world.now, allowed=True)
    with pytest.raises(Unavailable):
        record(Away(), counted, world.now, ending=True)  # type: ignore[arg-type]
    ask(counted, world.now, times=3)
    assert record(world.store, counted, world.now, ending=True) == 2
    assert {event.type: event.data["count"] for event in written(world)} == {"gate.denied": 5, "gate.first_used": 1}


def test_many_are_written_in_parts_and_what_a_failure_kept_back_is_written_later(
    world: World, counted: Uses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uses, "BATCH", 4)
    begun: list[int] = []

    class Full:
        def write(self) -> Any:
            begun.append(1)
            if len(begun) == 3:
                raise Unavailable("The disk is full.")
            return world.store.write()

    for number in range(10):
        ask(counted, world.now, caller=f"pod-{number}")
    with pytest.raises(Unavailable):
        record(Full(), counted, world.now, ending=True)  # type: ignore[arg-type]
    assert len(written(world)) == 8
    assert record(world.store, counted, world.now, ending=True) == 2
    assert len({event.data["caller"] for event in written(world)}) == 10


def test_callers_beyond_the_limit_are_one(world: World, counted: Uses) -> None:
    for number in range(3 * uses.CALLERS):
        ask(counted, world.now, caller=f"pod-{number}")
    assert record(world.store, counted, world.now, ending=True) == uses.CALLERS + 1
    by_caller = {event.data["caller"]: event.data["count"] for event in written(world)}
    assert by_caller[uses.OTHERS] == 2 * uses.CALLERS
    for number in range(3 * uses.CALLERS):
        ask(counted, world.now, allowed=True, caller=f"job-{number}")
        record(world.store, counted, world.now)
    assert len(written(world, "gate.first_used")) == 1


def test_keys_that_nobody_registered_are_counted_and_are_not_many(world: World, counted: Uses) -> None:
    for number in range(3 * uses.CALLERS):
        ask(counted, world.now, entry="", key=f"gpt-{number}" + "x" * 500)
    record(world.store, counted, world.now, ending=True)
    subjects = {event.subject for event in written(world)}
    assert len(subjects) == uses.CALLERS + 1
    assert uses.OTHERS in subjects
    assert max(map(len, subjects)) == uses.LONGEST


def test_memory_is_bounded_whatever_is_asked(world: World, counted: Uses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uses, "LIMIT", 50)
    for number in range(500):
        ask(counted, world.now, caller=f"pod-{number}", allowed=number % 2 == 0)
        ask(counted, world.now, entry="", key=f"gpt-{number}")
    assert len(counted._tallies) <= 50 + 4


def test_an_environment_that_is_not_configured_is_one_of_the_others(world: World, counted: Uses) -> None:
    ask(counted, world.now, environment="../../etc")
    record(world.store, counted, world.now, ending=True)
    (event,) = written(world)
    assert (event.stream, event.data["environment"]) == ("gate/others", "others")


def test_names_that_no_terminal_would_survive_are_made_harmless(world: World, counted: Uses) -> None:
    ask(counted, world.now, caller="\x1b[2J\nroot")
    record(world.store, counted, world.now, ending=True)
    assert written(world)[0].data["caller"] == "�[2J�root"


def test_the_registry_is_not_moved_by_who_asks(active: World, counted: Uses) -> None:
    before = _entries(active)
    key = next(iter(before))
    ask(counted, active.now, entry=key, position=before[key].status_position)
    ask(counted, active.now, entry=key, position=before[key].status_position, allowed=True)
    ask(counted, active.now, entry=before[key].spec.model_id, position=before[key].status_position)
    assert record(active.store, counted, active.now, ending=True) == 3
    assert _entries(active) == before
    with active.store.read() as reader:
        log = [recorded.event for recorded in reader.events()]
    assert replay(log) == before
    assert [fold(before, event) for event in log[-3:]] == [{}, {}, {}]


def _entries(world: World) -> Mapping[str, Any]:
    with world.store.read() as reader:
        return dict(reader.entries())
