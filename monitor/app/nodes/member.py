"""A node's part in the work of many: it says that it lives, takes jobs, and ticks where no other node does.

Whoever ticks says what is due; who polls it says the engine. Everything here may be interrupted anywhere: a turn stays
due until its run has ended, and a paid probe until money was set aside for it. Times are the server's.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from monitor import __version__
from monitor.app.lanes import Lanes
from monitor.app.nodes.engine import DELIVERIES, DispatchEngine
from monitor.core import logs
from monitor.core.nodes import AGAIN, SILENCE, Node, TakenOver, Turn, for_once
from monitor.core.ports import MonitorError, Refused, Transaction
from monitor.detection.budget import first_poll
from monitor.detection.late_reads import awaiting
from monitor.detection.shards import PROBE, host_of, next_due, shards, turn_of

if TYPE_CHECKING:
    from monitor.app.bootstrap import Monitor
    from monitor.app.joblog import JobLog
    from monitor.detection.budget import Fence
    from monitor.store.dialects import Sole

RUN, WORKER = "run", "worker"

JOBS = 16
"""How many jobs a node runs at a time; their polls share its places."""

BEAT = timedelta(seconds=2)
"""How often a node says that it lives, and renews the lease of who ticks."""

PATIENCE = timedelta(seconds=15)
"""How long a shard waits for its polls: those that hang end by themselves, and the others are due again."""

OFFERED_AGAIN = timedelta(seconds=30)
"""When what is still due is offered again: it waits in the queue, or what had it is lost."""

FORGOTTEN = timedelta(days=1)
"""How long a silent node is shown."""

NAME_TAKEN = timedelta(seconds=5)
"""For how long a node looks whether another of its name lives, before it joins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunTurn:
    """A turn that runs on this node: the number of its run, since when, what it polls, and how often."""

    name: str
    run: int
    at: datetime
    keys: tuple[str, ...]
    every: timedelta


class Member:
    """One node. `poll` polls one source and says whether it was read.

    A worker never ticks. `pause` waits, less long where the process is to stop.
    """

    def __init__(
        self,
        monitor: Monitor,
        engine: DispatchEngine,
        log: JobLog,
        *,
        role: str,
        poll: Callable[[str], bool],
        pause: Callable[[float], None],
    ) -> None:
        self._monitor = monitor
        self._log = log
        self._role = role
        self._poll = poll
        self._pause = pause
        self._name = monitor.node_name
        self._turns = monitor.store.turns
        self._engine = engine
        self._lanes = Lanes(monitor.settings.run.workers, self._host)
        self._company: Sole | None = None
        self._started_at = monitor.clock()
        self._beat_at = self._ticks_until = self._took_over_at = float("-inf")
        self._shards: Mapping[str, tuple[str, ...]] = {}
        self._offered: dict[str, tuple[datetime, datetime]] = {}
        self._lock = threading.Lock()
        self._running: set[str] = set()
        self._polling: dict[str, Future[bool]] = {}
        self._fenced: dict[str, BegunTurn] = {}
        self._polls = 0
        monitor.fence = self._fence

    @property
    def ticking(self) -> bool:
        """Whether this node says what is due; counted by the time that passes, so that a node that was stopped knows
        that it may not any more.
        """
        return self._monitor.elapsed() < self._ticks_until

    @contextmanager
    def joined(self) -> Iterator[Sole]:
        """Be a node inside the block, and take jobs.

        Raises:
            Refused: another node of this name lives, or a daemon that works alone.
            ConfigurationError: several nodes cannot work on this database.
            Unavailable: it is out of reach.
        """
        with self._monitor.store.company() as company:
            self._company = company
            self._refuse_a_namesake()
            self._say_alive()
            self.reshard()
            with self._engine.working(self._run, JOBS):
                yield company
        self._lanes.shutdown(wait=False)
        with suppress(MonitorError):  # it is silent then, and forgotten after a day
            self._turns.leave(self._name)

    def rest(self) -> bool:
        """Take no further jobs, and wait for those that run, up to the limit; return whether no poll hangs."""
        ended = self._engine.rest(self._monitor.settings.run.drain.total_seconds())
        with self._lock:
            return ended and not self._polling

    def _refuse_a_namesake(self) -> None:
        heartbeat, ends = None, self._monitor.elapsed() + NAME_TAKEN.total_seconds()
        while self._monitor.elapsed() < ends:
            with self._monitor.store.read() as reader:
                other = next((node for node in reader.nodes() if node.name == self._name), None)
            if other is None or other.silent(self._monitor.clock()):
                return
            if heartbeat is not None and other.heartbeat_at != heartbeat:
                raise Refused(
                    f"A node named {self._name} lives already on {self._monitor.store.name}: give this one another "
                    "name, as by ACCESS_MONITOR__NODES__NAME."
                )
            heartbeat = other.heartbeat_at
            self._pause(0.5)

    # -- every second

    def hold(self) -> None:
        """Say that this node lives, and tick where no other one does.

        Raises:
            MonitorError: the database is out of reach.
        """
        now = self._monitor.elapsed()
        if now - self._beat_at < BEAT.total_seconds():
            return
        self._beat_at = now
        company = self._company
        if company is not None and not company.held():
            company.take()  # a daemon that works alone refuses to start beside it
        self._say_alive()
        if self._role == WORKER:
            return
        at = self._monitor.clock()
        ticked = self.ticking
        begun = self._monitor.elapsed()
        if self._turns.lease(self._name, at, at + SILENCE):
            self._ticks_until = begun + SILENCE.total_seconds()
            if not ticked:
                logs.line("this node ticks", node=self._name)
        elif ticked:
            self._ticks_until = float("-inf")
            logs.line("another node ticks", level=logging.WARNING)

    def _say_alive(self) -> None:
        from monitor.app.bootstrap import utc_now

        server = self._monitor.server_time
        assert server is not None, "nodes go by the server's time"
        server.measure()
        self._turns.heartbeat(
            Node(
                name=self._name,
                role=self._role,
                version=__version__,
                configuration=self._monitor.configuration.version,
                started_at=self._started_at,
                heartbeat_at=server(),
                clock_off=round((utc_now() - server()).total_seconds()),
                polls=self._polls,
                problems=self._monitor.health.problems,
            )
        )

    def reshard(self) -> None:
        """Know the shards of the configuration as it is now."""
        self._shards = shards(self._monitor.configuration)

    def plan(self) -> None:
        """Plan the turns of the configuration: what is new is due at once, a paid probe when it may be paid for."""
        self.reshard()
        now, sources = self._monitor.clock(), self._monitor.configuration.sources
        with self._monitor.store.read() as reader:
            states = reader.sources()
            due = dict.fromkeys(self._shards, now)
            for name, (key, *_) in self._shards.items():
                if name.startswith(PROBE):
                    due[name] = first_poll(sources[key], states.get(key), now, awaiting(reader, sources[key], now))
        self._turns.plan(due)

    def tick(self) -> None:
        """Offer what is due, and give the jobs of silent nodes to others.

        Raises:
            Unavailable: the database or its queue is out of reach.
        """
        now = self._monitor.clock()
        due = {turn.name: turn.due_at for turn in self._turns.due(now)}
        with self._monitor.store.read() as reader:
            if reader.due(now):
                due[DELIVERIES] = now.replace(microsecond=0)
        before = {name: offer for name, offer in self._offered.items() if now - offer[1] < OFFERED_AGAIN}
        names = [name for name, at in due.items() if name == DELIVERIES or before.get(name, (None,))[0] != at]
        self._engine.offer(names)
        self._offered = {**before, **{name: (due[name], now) for name in names}}
        if self._monitor.elapsed() - self._took_over_at >= BEAT.total_seconds():
            self._took_over_at = self._monitor.elapsed()
            self._turns.forget(now - FORGOTTEN)
            jobs = self._engine.take_over()
            if jobs:
                logs.line("jobs of silent nodes are given to others", level=logging.WARNING, jobs=jobs)

    def sooner(self, key: str, after: timedelta) -> None:
        """Have a source polled after this time, by whoever comes to it, unless it is polled earlier anyway."""
        self._turns.sooner(turn_of(key, self._monitor.configuration.sources[key]), self._monitor.clock() + after)

    def _host(self, key: str) -> str:
        spec = self._monitor.configuration.sources.get(key)
        return key if spec is None else host_of(self._monitor.configuration, spec)

    # -- jobs

    def _run(self, name: str) -> None:
        """Run a job; what it raises is logged as that of any other job."""
        kind = name.split()[0]
        with self._lock:
            if name in self._running:
                return  # it was taken for dead here and handed out again
            self._running.add(name)
        try:
            if name == DELIVERIES:
                sent = self._monitor.relay.tick()
                if sent:
                    logs.line("delivered", tried=sent)
            else:
                self._run_turn(name)
        except Exception as error:
            self._log.ended(f"{kind} job", error)
        else:
            self._log.ended(f"{kind} job", None)
        finally:
            with self._lock:
                self._running.discard(name)

    def _run_turn(self, name: str) -> None:
        begun = self.begin(name)
        if begun is not None:
            polled, failed = self._poll_all(begun.keys)
            self._monitor.poller.flush()
            self.finish(begun, polled, failed)

    def begin(self, name: str) -> BegunTurn | None:
        """Claim a turn; None where it is not due any more, since another node has run it."""
        keys = (name.removeprefix(AGAIN),) if for_once(name) else self._shards.get(name, ())
        sources, now = self._monitor.configuration.sources, self._monitor.clock()
        run = self._turns.claim(name, self._name, now)
        if run is None:
            return None
        keys = tuple(key for key in keys if key in sources)
        every = min((sources[key].every for key in keys), default=timedelta(0))
        begun = BegunTurn(name=name, run=run, at=now, keys=keys, every=every)
        if name.startswith(PROBE):
            with self._lock:
                self._fenced[name] = begun
        return begun

    def finish(self, begun: BegunTurn, polled: int, failed: int) -> None:
        """Write that a turn has ended, and when it is due next."""
        if for_once(begun.name) or not begun.keys:
            self._turns.drop(begun.name, begun.run)
            return
        ended = Turn(
            name=begun.name,
            due_at=next_due(begun.name, begun.every, begun.run, begun.at),
            run=begun.run,
            begun_at=begun.at,
            ended_at=self._monitor.clock(),
            polls=polled,
            failed=failed,
        )
        self._turns.end(ended)  # nothing, where it was taken over meanwhile

    def _poll_all(self, keys: tuple[str, ...]) -> tuple[int, int]:
        """Poll sources side by side; return how many polls ended in time, and how many of them read nothing."""
        with self._lock:
            begun = {key: self._lanes.submit(key, partial(self._poll, key)) for key in keys if key not in self._polling}
            self._polling.update(begun)
        for key, future in begun.items():
            future.add_done_callback(partial(self._polled, key))
        ended, _ = wait(begun.values(), PATIENCE.total_seconds())
        good = sum(future.exception() is None and future.result() for future in ended)
        return len(ended), len(ended) - good

    def _polled(self, key: str, future: Future[bool]) -> None:
        with self._lock:
            del self._polling[key]
            self._polls += 1
        self._log.ended(f"poll {key}", future.exception())

    def _fence(self, key: str) -> Fence:
        """Return what forbids a paid probe to spend money that another node may have spent for the same turn."""
        name = PROBE + key

        def fence(tx: Transaction, at: datetime) -> None:
            with self._lock:
                fenced = self._fenced.get(name)
            if fenced is not None and not tx.hold_turn(name, fenced.run, at + fenced.every):
                raise TakenOver(name)

        return fence

    # -- how all nodes are doing

    def seeing(self) -> bool:
        """Return whether every source was read as often as it should be, by whichever node."""
        now, sources = self._monitor.clock(), self._monitor.configuration.sources
        with self._monitor.store.read() as reader:
            states = reader.sources()
        return bool(sources) and all(
            (state := states.get(key)) is not None
            and not state.outage
            and state.good_at is not None
            and now - state.good_at <= 2 * spec.every + timedelta(minutes=1)
            for key, spec in sources.items()
        )
