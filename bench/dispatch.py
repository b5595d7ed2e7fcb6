"""100,000 sources on several nodes, on a virtual clock: what is due is said by the real dispatcher (shards, turns, the
node that ticks), only polls and the way through the queue are made up.

    python bench/dispatch.py [SOURCES [NODES [MINUTES]]]

Nine in ten sources are polled every five minutes, the rest every hour; five hosts have half of them, a thousand the
rest; one source of a thousand hangs at every poll. In the middle a third of the nodes dies. What is judged: how late
shards begin, and that no host's sources get fewer of their polls than another's.
"""

from __future__ import annotations

import heapq
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from _common import Row, report

from monitor.app.nodes.member import JOBS, PATIENCE, BegunTurn, Member
from monitor.core.configuration import Configuration
from monitor.detection.shards import host_of, shards
from monitor.sources.catalog import source_spec
from monitor.store import SqlStore, open_store

SOURCES, NODES, MINUTES = 100_000, 6, 60
POLL = 0.06
"""Seconds that a poll takes: the way to a provider and back; of this node's processor a tenth."""

PLACES = 32
"""Polls side by side on a node: `run.workers`, which goes with so many sources."""

DEAD = timedelta(seconds=10)
BEGIN = datetime(2026, 7, 1, tzinfo=UTC)


class World:
    """The virtual clock, and what happens when."""

    def __init__(self) -> None:
        self.now = BEGIN
        self._order = count()
        self._events: list[tuple[datetime, int, Callable[[], None]]] = []

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + timedelta(seconds=seconds), next(self._order), act))

    def run(self, ends: datetime) -> None:
        while self._events and self._events[0][0] <= ends:
            self.now, _, act = heapq.heappop(self._events)
            act()


class Queue:
    """An engine: jobs wait in order; a node that has room takes the next; those of a dead one wait again."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.nodes: list[VirtualNode] = []
        self._waiting: dict[str, None] = {}

    def offer(self, names: Iterable[str]) -> None:
        self._waiting.update(dict.fromkeys(names))
        self.hand_out()

    def take_over(self) -> int:
        return 0

    def hand_out(self) -> None:
        running = {name for node in self.nodes for name in node.running}
        for node in sorted(self.nodes, key=lambda node: len(node.running)):
            while node.alive and len(node.running) < JOBS:
                name = next((name for name in self._waiting if name not in running), None)
                if name is None:
                    return
                del self._waiting[name]
                running.add(name)
                node.take(name)


class VirtualNode:
    """A real member; its polls take as long as `POLL` says, `PLACES` at a time, shared by its jobs."""

    def __init__(self, world: World, queue: Queue, store: SqlStore, configuration: Configuration, name: str) -> None:
        self._world = world
        self._queue = queue
        self._configuration = configuration
        self.alive = True
        self.running: dict[str, BegunTurn] = {}
        self.free_at = world.now
        self.late: list[float] = []
        self.polls: Counter[str] = Counter()
        monitor: Any = SimpleNamespace(
            node_name=name,
            store=SimpleNamespace(turns=store.turns, read=no_deliveries(store)),
            configuration=configuration,
            settings=SimpleNamespace(run=SimpleNamespace(workers=1)),
            clock=lambda: world.now,
            elapsed=lambda: (world.now - BEGIN).total_seconds(),
            fence=None,
        )
        self.member = Member(
            monitor,
            queue,
            SimpleNamespace(),
            role="run",
            poll=lambda key: True,
            pause=lambda _: None,  # type: ignore[arg-type]
        )
        self.member.reshard()

    def take(self, name: str) -> None:
        due = {turn.name: turn.due_at for turn in self.member._turns.due(self._world.now) if turn.name == name}
        begun = self.member.begin(name)
        if begun is None:
            return
        if name in due:
            self.late.append((self._world.now - due[name]).total_seconds())
        self.running[name] = begun
        hangs = any(int(key[1:]) % 1000 == 7 for key in begun.keys)
        self.free_at = max(self.free_at, self._world.now) + timedelta(seconds=len(begun.keys) * POLL / PLACES)
        took = max((self.free_at - self._world.now).total_seconds(), PATIENCE.total_seconds() if hangs else 0.0)
        self._world.after(took, lambda: self._end(name))

    def _end(self, name: str) -> None:
        if not self.alive:
            return
        begun = self.running.pop(name)
        self.member.finish(begun, len(begun.keys), 0)
        self.polls.update(host_of(self._configuration, self._configuration.sources[key]) for key in begun.keys)
        self._queue.hand_out()

    def die(self) -> None:
        self.alive = False
        lost = list(self.running)
        self.running.clear()
        self._world.after(DEAD.total_seconds(), lambda: self._queue.offer(lost))


def no_deliveries(store: SqlStore) -> Callable[[], Any]:
    @contextmanager
    def read() -> Any:
        yield SimpleNamespace(due=lambda now: False, sources=dict)

    return read


def configured(sources: int) -> Configuration:
    """Return so many sources, half of them of five hosts, the rest of a thousand."""
    specs = {}
    for number in range(sources):
        host = f"big-{number % 10}" if number % 2 else f"host-{number % 1000}"
        specs[f"s{number}"] = source_spec(
            key=f"s{number}",
            kind="document",
            url=f"https://{host}.example/{number}",
            every=timedelta(hours=1) if number % 10 == 0 else timedelta(minutes=5),
        )
    return Configuration(sources=specs)


def simulated(store: SqlStore, sources: int, nodes: int, minutes: int) -> list[Row]:
    random.seed(7)
    configuration, world = configured(sources), World()
    queue = Queue(world)
    queue.nodes = [VirtualNode(world, queue, store, configuration, f"n{number}") for number in range(nodes)]
    first = queue.nodes[0].member
    first.plan()

    def tick() -> None:
        first.tick()
        world.after(1.0, tick)

    tick()
    for node in queue.nodes[1 : 1 + nodes // 3]:
        world.after(minutes * 30, node.die)
    world.run(BEGIN + timedelta(minutes=minutes))
    late = sorted(seconds for node in queue.nodes for seconds in node.late)
    polls = sum((node.polls for node in queue.nodes), Counter[str]())
    wanted: Counter[str] = Counter()
    for spec in configuration.sources.values():
        wanted[host_of(configuration, spec)] += 1 / spec.every.total_seconds()
    shares = [polls[host] / rate for host, rate in wanted.items()]
    seconds = minutes * 60
    name = f"{sources:,} sources, {nodes} nodes"
    quantile = {share: late[int(share * (len(late) - 1))] for share in (0.5, 0.99, 1.0)}
    return [
        Row(
            what=f"late starts, p99 of {len(late):,} shards, {name}",
            ours=f"{quantile[0.99]:.1f} s",
            bare=f"p50 {quantile[0.5]:.1f} s",
            figure=quantile[0.99],
            limit=60,
            unit="s",
        ),
        Row(
            what="polls made of those due",
            ours=f"{sum(polls.values()):,}",
            bare=f"{sum(wanted.values()) * seconds:,.0f}",
            figure=sum(polls.values()) / sum(wanted.values()) / seconds,
            limit=0.95,
            at_least=True,
        ),
        Row(
            what="the worst host's share of its polls, against the median",
            ours=f"{min(shares) / seconds:.2f}",
            bare=f"{sorted(shares)[len(shares) // 2] / seconds:.2f}",
            figure=min(shares) / sorted(shares)[len(shares) // 2],
            limit=0.8,
            at_least=True,
        ),
        Row(
            what="jobs a second",
            ours=f"{len(late) / seconds:.2f}/s",
            bare=f"{len(shards(configuration)):,} turns",
            figure=len(late) / seconds,
            limit=10,
            unit="/s",
        ),
    ]


def main() -> int:
    sources, nodes, minutes = sizes()
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(str(Path(folder) / "turns.db"), durable=False)
        try:
            return report(simulated(store, sources, nodes, minutes))
        finally:
            store.close()


def sizes() -> tuple[int, int, int]:
    """Return how many sources, nodes and minutes are simulated."""
    given = [int(word) for word in sys.argv[1:4]]
    sources, nodes, minutes = [*given, *(SOURCES, NODES, MINUTES)[len(given) :]]
    return sources, nodes, minutes


if __name__ == "__main__":
    sys.exit(main())
