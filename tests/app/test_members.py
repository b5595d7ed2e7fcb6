"""A node's part in the work of many, without its engine: what it offers, claims and may still pay for, and how nodes
are shown.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from monitor.app.health import Health
from monitor.app.joblog import JobLog
from monitor.app.nodes.member import Member
from monitor.audit import documents
from monitor.audit.alerts import alerts
from monitor.audit.node_status import late_turns, node_rows, nothing_ticks, polled_by
from monitor.core.configuration import Configuration
from monitor.core.nodes import SILENCE, Node, TakenOver
from monitor.sources.catalog import source_spec
from monitor.store import SqlStore, open_store

BEGIN = datetime(2026, 7, 30, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
ROOT = Path(__file__).parents[2]


@dataclass
class Queue:
    """An engine that only remembers what it was offered."""

    offered: list[str] = field(default_factory=list)

    def offer(self, names: Iterable[str]) -> None:
        self.offered += names

    def take_over(self) -> int:
        return 0

    def taken(self) -> list[str]:
        taken, self.offered = self.offered, []
        return taken


@dataclass
class World:
    store: SqlStore
    configuration: Configuration
    now: datetime = BEGIN
    queue: Queue = field(default_factory=Queue)
    polled: list[str] = field(default_factory=list)

    def member(self, name: str, role: str = "run") -> Member:
        monitor: Any = SimpleNamespace(
            node_name=name,
            store=self.store,
            configuration=self.configuration,
            settings=SimpleNamespace(run=SimpleNamespace(workers=2)),
            clock=lambda: self.now,
            server_time=Server(self),
            elapsed=lambda: (self.now - BEGIN).total_seconds(),
            health=Health(),
            poller=SimpleNamespace(flush=lambda: None),
            fence=None,
        )
        engine: Any = self.queue
        member = Member(
            monitor, engine, JobLog(Health()), role=role, poll=lambda key: self.poll(key), pause=lambda seconds: None
        )
        member.reshard()
        return member

    def poll(self, key: str) -> bool:
        self.polled.append(key)
        return True


@dataclass
class Server:
    world: World

    def measure(self) -> None:
        pass

    def __call__(self) -> datetime:
        return self.world.now


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    store = open_store(str(tmp_path / "monitor.db"), durable=False)
    specs = [
        source_spec(key=f"s{n}", kind="document", url=f"https://a.example/{n}", every=timedelta(minutes=5))
        for n in range(3)
    ]
    yield World(store, Configuration(sources={spec.key: spec for spec in specs}, shard=2))
    store.close()


def test_what_is_due_is_offered_once_polled_and_due_again_after_its_interval(world: World) -> None:
    member = world.member("a")
    member.hold()
    assert member.ticking
    member.plan()
    for _ in range(3):
        member.tick()
    assert world.queue.taken() == ["polls 300s 1", "polls 300s 2"]
    for name in ("polls 300s 1", "polls 300s 2", "polls 300s 1"):
        member._run(name)
    assert sorted(world.polled) == ["s0", "s1", "s2"], "a job that was run twice polls once"
    world.now += MINUTE
    member.tick()
    assert world.queue.taken() == []
    world.now += 4 * MINUTE
    member.tick()
    assert world.queue.taken() == ["polls 300s 1", "polls 300s 2"]
    world.now += MINUTE
    member.tick()
    assert len(world.queue.taken()) == 2, "what nobody took is offered again"


def test_a_source_that_is_asked_for_sooner_is_polled_once_more(world: World) -> None:
    member = world.member("a")
    member.plan()
    member._run("polls 300s 1")
    world.polled.clear()
    member.sooner("s1", 90 * SECOND)
    member.tick()
    assert world.queue.taken() == ["polls 300s 2"]
    world.now += 90 * SECOND
    member.tick()
    assert "again s1" in world.queue.taken()
    member._run("again s1")
    assert world.polled == ["s1"]
    assert "again s1" not in [turn.name for turn in world.store.turns.due(world.now + HOUR)]


def test_a_node_that_was_stopped_knows_that_it_does_not_tick_any_more(world: World) -> None:
    first, second, worker = world.member("a"), world.member("b"), world.member("w", "worker")
    for member in (worker, first, second):
        member.hold()
    assert [member.ticking for member in (worker, first, second)] == [False, True, False]
    world.now += SILENCE
    assert not first.ticking
    second.hold()
    first.hold()
    assert [first.ticking, second.ticking] == [False, True]


def test_a_probe_that_was_taken_over_may_not_be_paid_for(world: World) -> None:
    world.store.turns.plan({"probe p": world.now})
    stopped, following = world.member("a"), world.member("b")
    paying: dict[str, Callable[..., None]] = {"a": stopped._fence("p"), "b": following._fence("p")}
    stopped._shards = following._shards = {"probe p": ("s0",)}
    assert stopped.begin("probe p") is not None
    assert following.begin("probe p") is not None, "nothing was paid for yet"
    with world.store.write() as tx, pytest.raises(TakenOver):
        paying["a"](tx, world.now)
    with world.store.write() as tx:
        paying["b"](tx, world.now)
    assert world.member("c").begin("probe p") is None, "it is paid for"


def test_the_error_of_a_job_ends_neither_the_node_nor_its_other_jobs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = world.member("a")
    member.plan()
    monkeypatch.setattr(world.store.turns, "claim", lambda *_: 1 / 0)
    member._run("polls 300s 1")
    assert member._running == set()


def test_nodes_are_shown_with_what_is_wrong_with_them(world: World) -> None:
    turns = world.store.turns

    def say(name: str, ago: timedelta = timedelta(0), **more: Any) -> None:
        row = {"role": "run", "version": "2", "configuration": "c", "started_at": BEGIN} | more
        turns.heartbeat(Node(name=name, heartbeat_at=world.now - ago, **row))

    with world.store.read() as reader:
        assert node_rows(reader, world.configuration, world.now) == []
        assert polled_by(reader, world.configuration) == {}
        assert nothing_ticks(reader, world.now) is None
    say("a")
    say("b", ago=MINUTE, role="worker")
    say("c", version="1", configuration="d", clock_off=-3600, polls=7)
    turns.lease("a", world.now, world.now + SILENCE)
    turns.plan({"polls 300s 1": world.now, "polls 300s 2": world.now})
    turns.claim("polls 300s 1", "c", world.now)
    with world.store.read() as reader:
        rows = {row.name: row for row in node_rows(reader, world.configuration, world.now)}
        assert [(row.state.value, row.sources, row.differs) for row in rows.values()] == [
            ("ticking", 0, ()),
            ("silent", 0, ()),
            ("working", 2, ("version", "configuration")),
        ]
        assert polled_by(reader, world.configuration)["s0"] == "c"
        kinds = {row.subject: row.what for row in alerts(reader, world.configuration, world.now) if row.kind == "node"}
        assert "not heard of" in kinds.pop("b")
        assert "3600 s behind" in kinds.pop("c")
        assert kinds == {}
        assert documents.of_node(rows["c"])["heartbeat_at"] == "2026-07-30T12:00:00Z"
        assert late_turns(reader, world.now + 2 * MINUTE) == 2
        late = world.now + 10 * MINUTE
        assert nothing_ticks(reader, late) == world.now + SILENCE
        assert any(row.subject == "ticking" for row in alerts(reader, world.configuration, late))


@pytest.mark.slow
def test_one_node_imports_nothing_of_the_engine() -> None:
    code = (
        "import sys, monitor.app.daemon, monitor.app.bootstrap, monitor.app.nodes.member, monitor.cli.run, "
        "monitor.store.sql, monitor.web.server; "
        "print([name for name in ('procrastinate', 'psycopg', 'psycopg_pool', 'asgiref') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
