"""The daemon: its life from the lock to the drain, and its jobs. The main thread waits for requests and for time, and
does nothing else.

Every job is short, bounded by timeouts below it, and repeated: the schedule is the retry loop. Jobs hand on what they
learn to `health`, and a failing job is logged, counted and run again at its next turn.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from monitor.app.bootstrap import Monitor
from monitor.app.health import notify_systemd, watchdog_interval
from monitor.app.joblog import JobLog
from monitor.app.nodes.member import RUN, WORKER, Member
from monitor.app.scheduler import Schedule
from monitor.app.signals import Signals
from monitor.core import logs
from monitor.core.ports import PUBLISHING, STORING, ClockStep, ConfigurationError, MonitorError, NotSent
from monitor.detection.budget import first_poll, unpaid
from monitor.detection.late_reads import awaiting, readers_of
from monitor.detection.shards import SHORT, SPREAD, host_of
from monitor.gate.lease_file import LEASE_RENEWAL
from monitor.registry import check_expiry
from monitor.registry.timekeeping import described, keep_ages, record_absence, record_steps
from monitor.settings import Settings

if TYPE_CHECKING:
    from monitor.store.dialects import Sole
    from monitor.web.server import Server

STEP = timedelta(seconds=1)
TEND = timedelta(seconds=30)
HEARTBEAT = timedelta(minutes=1)
ABILITIES = timedelta(seconds=5)
"""How often it is seen whether the database can be written, and whether anybody has to be told of a trouble."""

USES = timedelta(minutes=1)
"""How often first uses are written, and the denials of a day that is over."""

PATIENCE = timedelta(seconds=60)
"""How old the last finished step may be before the watchdog is no longer fed."""

RECHECK_SPREAD = 0.33

ADOPT_AGAIN = timedelta(minutes=1)
"""When a new time is tried again that could not be taken over."""


class Daemon:
    """Runs a monitor until it is told to stop. `reload` reads the configuration anew, or raises and changes nothing.

    `signals` are what is asked of it from outside; without any, whoever embeds it owns the process's signals and calls
    `stop`. Where several nodes share the work, `role` says whether this one also ticks and answers HTTP (`RUN`), or
    only works (`WORKER`).
    """

    def __init__(
        self, monitor: Monitor, reload: Callable[[], Settings], signals: Signals | None = None, *, role: str = RUN
    ) -> None:
        self._monitor = monitor
        self._reload = reload
        self._signals = signals if signals is not None else Signals()
        self.health = monitor.health
        monitor.unattended = True
        self._log = JobLog(self.health)
        self._sole: Sole | None = None
        self._role = role
        self._idle = self._restarts = self._begun = False
        self._status = ""
        self._steps: tuple[ClockStep, ...] = ()
        self._leased: Mapping[str, int] | None = None
        self._undrained: list[Schedule] = []
        self._scheduler = self._new_scheduler()
        self._web: Server | None = None
        self._listening = (monitor.settings.web.host, monitor.settings.web.port)
        self._watchdog = watchdog_interval()
        self._fed_at = self._adopt_at = float("-inf")
        self._member: Member | None = None
        if monitor.settings.nodes.engine:
            self._member = Member(
                monitor,
                monitor.engine(),
                self._log,
                role=role,
                poll=self._poll,
                pause=lambda seconds: self._signals.wait(seconds),
            )

    def run(self) -> bool:
        """Take the daemon's lock, work until a signal, then drain; returns whether all jobs ended within the limit.

        Raises:
            Refused: another daemon runs on this database.
            ConfigurationError: a token of the HTTP server is not there, or the lock cannot be held.
            MonitorError: the store, the lease folder or the HTTP server's address cannot be used.
            Damaged: a page of the database is not what was written.
        """
        monitor = self._monitor
        # The socket first: where it is taken, nothing has been recorded or sent yet.
        with ExitStack() as stack:
            if self._member is None:
                self._sole = stack.enter_context(monitor.store.sole())
            self._web = web = stack.enter_context(self._bound())
            monitor.store.check_pages()  # what is read every day may be well while what is read once a year is not
            self._signals.serve()
            monitor.relay.recover()
            if self._member is None:
                self._begin()
            else:
                self._say_unaccepted()
                monitor.publish()
                stack.enter_context(self._member.joined())
                self._hold()
            self._start()
            if web is not None:
                web.start()
            notify_systemd("READY=1")
            logs.line(
                "watching",
                sources=len(monitor.configuration.sources),
                entries=len(monitor.configuration.entries),
                database=monitor.store.name,
                http=web.url if web is not None else "",
            )
            try:
                self._wait()
            finally:
                drained = self._drain()
            return drained

    def stop(self) -> None:
        """Ask the daemon to stop; safe to call from anywhere, more than once."""
        self._signals.stop()

    # -- the main thread ---------------------------------------------------

    def _wait(self) -> None:
        while not self._signals.stopping:
            self._signals.wait(self._pause())
            if self._signals.take_reload() and not self._signals.stopping:
                self._reconfigure()
            self._watch()

    def _pause(self) -> float:
        """Return seconds until there is something to watch: the clock every second, the watchdog three times
        in its interval.
        """
        feed = STEP if self._watchdog is None else min(STEP, self._watchdog / 3)
        return feed.total_seconds()

    def _watch(self) -> None:
        """Feed the watchdog, say how it goes, follow a clock that was set once that has stood, and begin jobs that
        could not begin.
        """
        now = self._monitor.elapsed()
        if self._watchdog is not None and now - self._fed_at >= self._watchdog.total_seconds() / 4:
            answering = self._web is None or self._web.alive
            if answering and self.health.alive(PATIENCE):
                self._fed_at = now
                notify_systemd("WATCHDOG=1")
        if (status := self.health.summary()) != self._status:
            self._status = status
            notify_systemd(f"STATUS={status}")
        waits = self._idle or self._signals.stopping or now < self._adopt_at
        if self._monitor.clock.stood() is not None and not waits:
            self._adopt_at = now + ADOPT_AGAIN.total_seconds()
            self._adopt()
        if self._restarts and not self._signals.stopping:
            self._restart()

    @contextmanager
    def _bound(self) -> Iterator[Server | None]:
        """Provide the HTTP server on its address, if one is wanted; it goes on answering while running jobs end."""
        if not self._monitor.settings.web.host or self._role == WORKER:
            yield None
            return
        from monitor.web.server import bound  # a server's libraries cost a tenth of a second

        with bound(self._monitor, self.health, PATIENCE, self._reload) as server:
            yield server

    def _begin(self) -> None:
        """Do what whoever takes the lock does first: record since when nobody watched, and the configuration; write the
        leases.
        """
        self._say_unaccepted()
        record_absence(self._monitor.store, self._monitor.configuration.code, self._monitor.clock())
        self._monitor.declare()
        self._monitor.publish()

    def _start(self) -> None:
        self._plan()
        if not self._signals.stopping:
            self._scheduler.start()

    def _drain(self) -> bool:
        """Let running jobs end, up to the limit, and write what is still held in memory."""
        notify_systemd("STOPPING=1")
        rested = self._member is None or self._member.rest()
        drained = self._end_jobs(also_when_stopping=True) and rested
        try:
            self._monitor.poller.flush()
        except MonitorError as error:
            logs.line("freshness not recorded", level=logging.WARNING, error=error)
        try:
            self._record_uses(ending=self._member is None)
        except MonitorError as error:
            logs.line("uses not recorded", level=logging.WARNING, error=error)
        logs.line("stopped", drained=drained)
        return drained

    def _end_jobs(self, *, also_when_stopping: bool = False) -> bool:
        """Start no more jobs and wait for those that run, up to the limit; returns whether all have ended.

        Requests are heard meanwhile: a stop ends the waiting unless it is the stop that waits.
        """
        schedules, ended, begun = [*self._undrained, self._scheduler], threading.Event(), self._monitor.elapsed()
        limit = self._monitor.settings.run.drain

        self._scheduler.end()  # at once, whatever is waited for: a job of an earlier schedule may still hang

        def join() -> None:
            for schedule in schedules:
                schedule.join()
            ended.set()
            self._signals.wake()

        threading.Thread(target=join, name="drain", daemon=True).start()
        while not ended.is_set() and (also_when_stopping or not self._signals.stopping):
            left = limit - timedelta(seconds=self._monitor.elapsed() - begun)
            if left <= timedelta(0):
                break
            self._signals.wait(min(left, STEP).total_seconds())
        self._undrained = [] if ended.is_set() else schedules
        return ended.is_set()

    def _reconfigure(self) -> None:
        """Load the configuration anew, all or nothing; but the address of the HTTP server is for the next start."""
        notify_systemd("RELOADING=1")
        before = self._monitor.chosen
        try:
            chosen = self._monitor.choose(self._reload())
            settings = chosen.settings
            if settings.database != before.settings.database:
                raise ConfigurationError("database.url has changed, which a running daemon cannot follow: restart it.")
            web = settings.web
            address_changed = (web.host, web.port) != self._listening
            # Tokens belong to an address: those of another one may be none at all.
            keys = None if self._web is None or address_changed else self._web.keys_of(settings)
            # Jobs of the old configuration end first: none of them may record under the new one, nor may one that
            # hangs.
            ended = self._end_jobs()
            if self._signals.stopping:
                return
            self._monitor.poller.flush()
            self._monitor.poller.retire()
            self._monitor.go_by(chosen)
            self._say_unaccepted()
            self._monitor.publish()  # a lease folder that cannot be written is found before anything is recorded
            changed = self._declared_anew()
            self._monitor.publish()
            if self._web is not None and keys is not None:
                self._web.use(keys, settings)
            if address_changed:
                logs.line("web.listen is another; it takes effect at the next start", level=logging.WARNING)
            logs.line("reloaded", path=settings.path, events=changed, drained=ended)
        except MonitorError as error:
            if self._monitor.chosen is not before:
                self._monitor.go_by(before)
            logs.line("not reloaded", level=logging.ERROR, error=error)
        self._restart()
        notify_systemd("READY=1")

    def _declared_anew(self) -> int:
        """Record the configuration that was loaded; of several nodes, the one that ticks does."""
        if self._member is None:
            return self._monitor.declare()
        self._member.reshard()
        if not self._member.ticking:
            return 0
        changed = self._monitor.declare()
        self._member.plan()
        return changed

    def _say_unaccepted(self) -> None:
        if self._monitor.chosen.unaccepted:
            logs.line("configuration not taken", level=logging.WARNING, reason=self._monitor.chosen.unaccepted)

    def _adopt(self) -> None:
        """Go by a time of day that was set and has stood; what is kept stays as old as it is."""
        clock = self._monitor.clock
        ended = self._end_jobs()
        if self._signals.stopping:
            return
        try:
            self._monitor.poller.flush()
            if not ended:  # what hangs began by the old time, and may not record by the new one
                self._monitor.poller.retire()
                self._monitor.go_by(self._monitor.chosen)
            by = clock.stood()
            if by is not None:
                if self._may_tick():
                    keep_ages(self._monitor.store, by, clock())
                clock.adopt()
                logs.line("the new time counts", level=logging.WARNING, by=round(by.total_seconds()))
            self._monitor.publish()
        except MonitorError as error:
            logs.line("the new time is not taken over", level=logging.ERROR, error=error)
        self._restart()

    def _restart(self) -> None:
        """Go on with the schedule, anew where it was ended; where the database cannot be read, as soon as it can."""
        if self._scheduler.running:
            return
        scheduler = self._scheduler
        try:
            self._scheduler = self._new_scheduler()
            self._start()
        except MonitorError as error:
            self._scheduler, self._restarts = scheduler, True
            if self._log.troubles.begin("schedule", f"schedule: {error}"):
                logs.line("jobs cannot begin", level=logging.ERROR, error=error)
        else:
            self._restarts = False
            if self._log.troubles.end("schedule"):
                logs.line("jobs begin again")

    # -- the schedule ------------------------------------------------------

    def _new_scheduler(self) -> Schedule:
        run = self._monitor.settings.run
        return Schedule(
            self._monitor.elapsed,
            # Probes have threads of their own: there may be hundreds, and a provider that hangs holds each for a
            # minute.
            lanes={"default": run.workers, "probes": run.workers},
            pools={"housekeeping": 4, "lock": 1},
            ended=self._log.ended,
            overran=self._log.overran,
        )

    def _plan(self) -> None:
        """Add all jobs; every source is polled at once (those that cost money a little later), then at its interval."""
        now = self._monitor.clock()
        with self._monitor.store.read() as reader:
            states = reader.sources()
            sources = self._monitor.configuration.sources
            writes = {key: awaiting(reader, spec, now) for key, spec in sources.items()}
        own = sources if self._member is None else {}  # where nodes share the work, nothing is due here alone
        self.health.expect({key: spec.every for key, spec in own.items()})
        for key, spec in own.items():
            self._scheduler.every(
                spec.every,
                self._alone(self._poll),
                f"poll {key}",
                key,
                pool="probes" if spec.can.calls else "default",
                host=host_of(self._monitor.configuration, spec),
                first=first_poll(spec, states.get(key), now, writes[key]) - now,
                spread=SPREAD if spec.every > SHORT else 0,
            )
        rules, at_once = self._monitor.configuration.gate, timedelta(0)
        # In a thread of its own: whatever the others wait for, the lock is looked after.
        self._scheduler.every(STEP, self._hold, "lock", pool="lock", first=STEP)
        self._every(STEP, self._step, "step", first=at_once)
        self._every(STEP, self._follow, "follow", first=at_once)
        self._every(STEP, self._time, "clock", first=at_once, ticking=True)
        # Also without the lock: owners hear that the database is away from whoever sees it.
        self._scheduler.every(ABILITIES, self._check_writing, "writing", pool="housekeeping", first=at_once)
        self._scheduler.every(ABILITIES, self._alarm, "alarm", pool="housekeeping", first=STEP)
        if self._member is not None:
            self._every(STEP, self._member.tick, "tick", first=at_once, ticking=True)
        self._every(TEND, self._tend, "tend", first=STEP, ticking=True)
        self._every(min(rules.lease / 2, LEASE_RENEWAL), self._renew, "leases")
        if self._web is not None:
            self._every(USES, self._record_uses, "uses")
            self._every(STEP, self._deployments, "deployments")
        self._every(self._monitor.settings.audit.every, self._seal, "checkpoints", ticking=True)
        heartbeat = self._monitor.settings.heartbeat
        if heartbeat.url or heartbeat.failure_url:
            self._every(HEARTBEAT, self._beat, "heartbeat", ticking=True)

    def _every(
        self,
        interval: timedelta,
        act: Callable[[], None],
        name: str,
        *,
        first: timedelta | None = None,
        ticking: bool = False,
    ) -> None:
        self._scheduler.every(interval, self._alone(act, ticking=ticking), name, pool="housekeeping", first=first)

    def _alone(self, act: Callable[..., object], *, ticking: bool = False) -> Callable[..., None]:
        """Return a job that does nothing while the lock is lost: another daemon may do it. Of several nodes, only the
        one that ticks does what is done once for all of them.
        """

        def unless_idle(*arguments: str) -> None:
            if not self._idle and (not ticking or self._may_tick()):
                act(*arguments)

        return unless_idle

    def _may_tick(self) -> bool:
        return self._member is None or (self._begun and self._member.ticking)

    # -- the jobs ----------------------------------------------------------

    def _poll(self, key: str) -> bool:
        """Poll a source, and have polled again what that asks for; return whether it was read.

        Raises:
            MonitorError: what was seen could not be recorded.
        """
        try:
            outcomes = self._monitor.poller.poll_once([key])
        except MonitorError:  # what was seen could not be recorded; that polls go on is another matter
            self.health.polled(key, "failed")
            raise
        for outcome in outcomes:
            now = self._monitor.clock()
            self.health.polled(outcome.source, outcome.verdict)
            self._log.polled(outcome)
            if outcome.again is not None:
                self._again(outcome.source, outcome.again, now)
            self._read_late(outcome.source, now)
            if outcome.notices and self._member is None:
                self._scheduler.sooner("step", timedelta(0))
            if outcome.verdict in ("baseline", "changed"):
                with self._monitor.store.read() as reader:
                    waiting = unpaid(reader, self._monitor.configuration, outcome.source)
                for probe in waiting:
                    self._again(probe, now, now)
        return all(outcome.verdict != "failed" for outcome in outcomes if outcome.source == key)

    def _read_late(self, key: str, now: datetime) -> None:
        """Poll what reads the cache late when what a poll of this source wrote is about to end, and not by chance."""
        for spec in readers_of(key, self._monitor.configuration.sources):
            with self._monitor.store.read() as reader:
                write = awaiting(reader, spec, now)
            if write is not None and now < write.ends:
                self._sooner(spec.key, max(write.due - now, timedelta(0)) + STEP)

    def _again(self, key: str, at: datetime, now: datetime) -> None:
        """Poll a suspect again, jittered, unless the schedule does so anyway."""
        if key in self._monitor.configuration.sources:
            wait = max(at - now, timedelta(0))
            self._sooner(key, wait * random.uniform(1 - RECHECK_SPREAD, 1 + RECHECK_SPREAD))

    def _sooner(self, key: str, after: timedelta) -> None:
        if self._member is None:
            self._scheduler.sooner(f"poll {key}", after)
        else:
            self._member.sooner(key, after)

    def _hold(self) -> None:
        """See that the lock is still held; where it was lost, nothing else is done until it is taken again."""
        if self._member is not None:
            self._hold_together(self._member)
            return
        sole = self._sole
        assert sole is not None
        if not self._idle and not sole.held():
            self._idle = True
            self.health.sole(held=False)
            logs.line(
                "the daemon's lock is lost; nothing is polled or sent until it is taken again", level=logging.ERROR
            )
        if not self._idle:
            return
        self.health.stepped()  # to wait is what there is to do: another start would wait as well
        if not sole.held() and not sole.take():
            if self._log.troubles.begin("lock", "another daemon has it"):
                logs.line("another daemon has the lock; waiting for its end", level=logging.WARNING)
            return
        self._begin()
        self._leased = None
        self._idle = False
        self._log.troubles.end("lock")
        self.health.sole(held=True)
        logs.line("the daemon's lock is taken again")

    def _hold_together(self, member: Member) -> None:
        """Say that this node lives; where it begins to tick, do what comes first."""
        member.hold()
        if not member.ticking:
            self._begun = False
        elif not self._begun:
            self._begin()
            member.plan()
            self._begun = True

    def _time(self) -> None:
        """Record that the clock was set, by the old time."""
        self._steps += self._monitor.clock.take_steps()
        if not self._steps:
            return
        record_steps(self._monitor.store, self._steps, self._monitor.clock())
        for step in self._steps:
            logs.line("the clock was set", level=logging.WARNING, **described(step))
        self._steps = ()

    def _step(self) -> None:
        # A store that cannot be written stops no step: a restart by the watchdog would free no disk.
        try:
            self._monitor.poller.flush()
            sent = self._monitor.relay.tick() if self._member is None else 0  # else it is a job
            if sent:
                logs.line("delivered", tried=sent)
        finally:
            self.health.stepped()

    def _check_writing(self) -> None:
        """See whether a decision could be recorded now; said once when it no longer can, and once when it can again."""
        now, before = self._monitor.clock(), self.health.trouble(STORING)
        try:
            self._monitor.store.check_writable(now)
        except MonitorError as error:
            self.health.failing(STORING, str(error), now)
            if before is None:
                logs.line("the database cannot be written", level=logging.ERROR, error=error)
                self._beat()
        else:
            self.health.works(STORING)
            if before is not None:
                logs.line("the database can be written again")

    def _alarm(self) -> None:
        """Tell owners of the monitor's own troubles, by a way that needs no database."""
        sent = self._monitor.alarm.tick(self.health.troubles(), self._monitor.clock())
        if sent:
            logs.line("owners notified of trouble", tried=sent)

    def _follow(self) -> None:
        """Write the leases when an entry moved, whoever moved it: a command may have died between its commit and its
        lease files.
        """
        current = self._leased is not None and self.health.trouble(PUBLISHING) is None
        if current and not self._monitor.store.changed():
            return
        leased, self._leased = self._leased, None  # until the files are written, to be tried again
        with self._monitor.store.read() as reader:
            positions = {key: entry.position for key, entry in reader.entries().items()}
        if positions != leased or not current:
            self._renew()
        self._leased = positions

    def _tend(self) -> None:
        monitor, now = self._monitor, self._monitor.clock()
        written = monitor.tender.tend(now)
        if not written:
            return
        logs.line("tended", events=written)
        with monitor.store.read() as reader:
            awaited = check_expiry.awaited(reader, monitor.configuration)
        for key in awaited:
            self._again(key, now, now)

    def _renew(self) -> None:
        self._monitor.publish()

    def _seal(self) -> None:
        """Sign a checkpoint and bring it out of reach; what cannot be reached is said once while it lasts."""
        _, failures = self._monitor.seal()
        if not failures:
            if self._log.troubles.end("checkpoints"):
                logs.line("checkpoints are published again")
        elif self._log.troubles.begin("checkpoints", f"checkpoints: {failures[0]}"):
            for failure in failures:
                logs.line("checkpoint not published", level=logging.WARNING, reason=failure)

    def _record_uses(self, *, ending: bool = False) -> None:
        if self._web is not None:
            from monitor.web.review import record_uses

            record_uses(self._web.endpoints, self._monitor, ending=ending)
            if self._web.endpoints.credentials is not None:
                self._monitor.credentials.note_uses(self._web.endpoints.credentials.take_uses())

    def _deployments(self) -> None:
        if self._web is not None:
            from monitor.web.review import answer_deployments

            answer_deployments(self._web.endpoints, self._monitor, self._monitor.node_name, self._ended_nodes())

    def _ended_nodes(self) -> list[str]:
        """Return the nodes whose work this one takes over, as the one that ticks."""
        if self._member is None or not self._may_tick():
            return []
        now = self._monitor.clock()
        with self._monitor.store.read() as reader:
            return [node.name for node in reader.nodes() if node.silent(now)]

    def _beat(self) -> None:
        """Tell the outside that polls truly succeed, or that nothing can be written; otherwise silence is the alarm."""
        from monitor.notify.heartbeat import ping

        heartbeat = self._monitor.settings.heartbeat
        seeing = self.health.seeing() if self._member is None else self._member.seeing()
        well = heartbeat.url if seeing else ""
        url = heartbeat.failure_url if self.health.troubles() else well
        if not url:
            return
        outcome = ping(self._monitor.secret(url))
        if isinstance(outcome, NotSent):
            if self._log.troubles.begin("heartbeat", f"heartbeat {outcome.reason}"):
                logs.line("heartbeat not sent", level=logging.WARNING, reason=outcome.reason)
        elif self._log.troubles.end("heartbeat"):
            logs.line("heartbeat sent again")
