"""The daemon: signals, the scheduler, the drain. The only module that knows APScheduler; the main thread does nothing but wait.

Every job is short, bounded by timeouts below it, and repeated: the schedule is the retry loop. Jobs hand on what they learn to `health`,
and a failing job is logged, counted and run again at its next turn.
"""

from __future__ import annotations

import logging
import random
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from types import FrameType
from typing import TYPE_CHECKING

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from monitor import logs
from monitor.bootstrap import Monitor
from monitor.gate.lease_file import LEASE_RENEWAL
from monitor.health import PUBLISHING, STORING, notify_systemd, watchdog_interval
from monitor.pipeline.budget import first_look, unpaid
from monitor.pipeline.outcome import Outcome
from monitor.pipeline.ports import ConfigurationError, MonitorError, NotSent
from monitor.settings import Settings

if TYPE_CHECKING:
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

SPREAD = 0.1
"""Jitter, as a share of an interval: sources of one host are not all asked in the same second."""

RECHECK_SPREAD = 0.33


class Daemon:
    """Runs a monitor until it is told to stop. `reload` reads the configuration anew, or raises and changes nothing."""

    def __init__(self, monitor: Monitor, reload: Callable[[], Settings]) -> None:
        self._monitor = monitor
        self._reload = reload
        self._stop = threading.Event()
        self._reloading = threading.Event()
        self._wake = threading.Event()
        self.health = monitor.health
        monitor.unattended = True
        self._failing: dict[str, str] = {}
        self._leased: Mapping[str, int] | None = None
        self._scheduler = self._new_scheduler()
        self._web: Server | None = None
        self._listening = (monitor.settings.web.host, monitor.settings.web.port)

    def run(self) -> bool:
        """Take the daemon's lock, work until a signal, then drain; returns whether all jobs ended within the limit.

        Raises:
            Refused: another daemon runs on this database.
            ConfigurationError: a token of the HTTP server is not there.
            MonitorError: the store, the lease folder or the HTTP server's address cannot be used.
        """
        monitor = self._monitor
        # The socket first: where it is taken, nothing has been recorded or sent yet.
        with monitor.store.sole(), self._signals(), self._bound() as web:
            self._web = web
            monitor.relay.recover()
            monitor.declare()
            monitor.publish()
            self._plan()
            self._scheduler.start()
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
        self._stop.set()
        self._wake.set()

    # -- the main thread ---------------------------------------------------

    def _wait(self) -> None:
        interval = watchdog_interval()
        feed = interval / 3 if interval is not None else None
        while not self._stop.is_set():
            self._wake.wait(None if feed is None else feed.total_seconds())
            self._wake.clear()
            if self._reloading.is_set():
                self._reloading.clear()
                self._reconfigure()
            answering = self._web is None or self._web.alive
            if feed is not None and answering and self.health.working(self._monitor.clock(), PATIENCE):
                notify_systemd("WATCHDOG=1")

    @contextmanager
    def _bound(self) -> Iterator[Server | None]:
        """The HTTP server on its address, if one is wanted; it goes on answering while running jobs end."""
        if not self._monitor.settings.web.host:
            yield None
            return
        from monitor.web.server import bound  # a server's libraries cost a tenth of a second

        with bound(self._monitor, self.health, PATIENCE) as server:
            yield server

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT stop, SIGHUP reloads. A handler only sets a flag: it interrupts anything, at any line."""

        def stop(_number: int, _frame: FrameType | None) -> None:
            self.stop()

        def reload(_number: int, _frame: FrameType | None) -> None:
            self._reloading.set()
            self._wake.set()

        if threading.current_thread() is not threading.main_thread():
            yield  # embedded: whoever owns the process owns its signals
            return
        before = {
            number: signal.signal(number, handler)
            for number, handler in ((signal.SIGTERM, stop), (signal.SIGINT, stop), (signal.SIGHUP, reload))
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _drain(self) -> bool:
        """Let running jobs end, up to the limit, and write what is still held in memory."""
        notify_systemd("STOPPING=1")
        drain = self._monitor.settings.run.drain.total_seconds()
        ended = threading.Thread(target=self._end_jobs, name="drain", daemon=True)
        ended.start()
        ended.join(drain)
        self._monitor.poller.flush()
        try:
            self._record_uses(ending=True)
        except MonitorError as error:
            logs.line("uses not recorded", level=logging.WARNING, error=error)
        logs.line("stopped", drained=not ended.is_alive())
        return not ended.is_alive()

    def _reconfigure(self) -> None:
        """Load the configuration anew, all or nothing; but the address of the HTTP server is for the next start."""
        notify_systemd("RELOADING=1")
        before = self._monitor.settings
        try:
            settings = self._reload()
            if settings.database != before.database:
                raise ConfigurationError("database.url has changed, which a running daemon cannot follow: restart it.")
            web = settings.web
            moved = (web.host, web.port) != self._listening
            # Tokens belong to an address: those of another one may be none at all.
            keys = None if self._web is None or moved else self._web.keys_of(settings)
            # Jobs of the old configuration end first: none of them may record under the new one.
            self._end_jobs()
            self._monitor.poller.flush()
            self._monitor.reconfigure(settings)
            self._monitor.publish()  # a lease folder that cannot be written is found before anything is recorded
            changed = self._monitor.declare()
            self._monitor.publish()
            if self._web is not None and keys is not None:
                self._web.use(keys, settings)
            if moved:
                logs.line("web.listen is another; it takes effect at the next start", level=logging.WARNING)
            logs.line("reloaded", path=settings.path, events=changed)
        except MonitorError as error:
            if self._monitor.settings is not before:
                self._monitor.reconfigure(before)
            logs.line("not reloaded", level=logging.ERROR, error=error)
        if not self._scheduler.running:
            self._scheduler = self._new_scheduler()
            self._plan()
            self._scheduler.start()
        notify_systemd("READY=1")

    # -- the schedule ------------------------------------------------------

    def _end_jobs(self) -> None:
        """Start no more jobs, and wait for those that run.

        Not by APScheduler's own waiting: it holds the lock that a running job needs to ask for its next look, and both would wait for ever.
        """
        self._scheduler.shutdown(wait=False)
        for executor in self._executors.values():
            executor.shutdown(wait=True)

    def _new_scheduler(self) -> BackgroundScheduler:
        run = self._monitor.settings.run
        # Probes have threads of their own: there may be hundreds, and a provider that hangs holds each for a minute.
        self._executors = {
            "default": ThreadPoolExecutor(run.workers),
            "probes": ThreadPoolExecutor(run.workers),
            "housekeeping": ThreadPoolExecutor(4),
        }
        scheduler = BackgroundScheduler(
            executors=self._executors,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone="UTC",
        )
        scheduler.add_listener(self._troubled, EVENT_JOB_ERROR | EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)
        scheduler.add_listener(self._worked, EVENT_JOB_EXECUTED)
        return scheduler

    def _plan(self) -> None:
        """Add all jobs; every source is looked at at once (those that cost money a little later), then at its interval."""
        now = self._monitor.clock()
        with self._monitor.store.read() as reader:
            states = reader.sources()
        sources = self._monitor.configuration.sources
        self.health.expect({key: spec.every for key, spec in sources.items()}, now)
        for key, spec in sources.items():
            first = first_look(spec, states.get(key), now)
            pool = "probes" if spec.kind == "behaviour" else "default"
            self._every(spec.every, self._look, f"look {key}", first=first, args=[key], executor=pool)
        rules = self._monitor.configuration.gate
        self._every(STEP, self._step, "step", first=now)
        self._every(STEP, self._follow, "follow", first=now)
        self._every(ABILITIES, self._check_writing, "writing", first=now)
        self._every(ABILITIES, self._alarm, "alarm", first=now + STEP)
        self._every(TEND, self._tend, "tend", first=now + STEP)
        self._every(min(rules.lease / 2, LEASE_RENEWAL), self._renew, "leases")
        if self._web is not None:
            self._every(USES, self._record_uses, "uses")
            self._every(STEP, self._deployments, "deployments")
        heartbeat = self._monitor.settings.heartbeat
        if heartbeat.url or heartbeat.failure_url:
            self._every(HEARTBEAT, self._beat, "heartbeat")

    def _every(
        self,
        interval: timedelta,
        act: Callable[..., None],
        name: str,
        *,
        first: datetime | None = None,
        args: list[str] | None = None,
        executor: str = "housekeeping",
    ) -> None:
        seconds = interval.total_seconds()
        self._scheduler.add_job(
            act,
            "interval",
            seconds=seconds,
            jitter=seconds * SPREAD if executor != "housekeeping" and seconds > 10 else None,
            args=args or [],
            id=name,
            name=name,
            executor=executor,
            **({} if first is None else {"next_run_time": first}),
        )

    def _troubled(self, event: JobEvent) -> None:
        self.health.problem()
        error = getattr(event, "exception", None)
        if error is not None:
            said = str(error) if isinstance(error, MonitorError) else f"{type(error).__name__}: {error}"
            # Jobs come every second: what goes on failing is said once, and once when it is over.
            if self._failing.get(event.job_id) != said:
                logs.line("job failed", level=logging.ERROR, job=event.job_id, error=said)
            self._failing[event.job_id] = said
        elif event.code == EVENT_JOB_MAX_INSTANCES and event.job_id not in ("step", "follow", "deployments"):
            logs.line("job overran", level=logging.WARNING, job=event.job_id)

    def _worked(self, event: JobEvent) -> None:
        if self._failing.pop(event.job_id, None) is not None:
            logs.line("job works again", job=event.job_id)

    # -- the jobs ----------------------------------------------------------

    def _look(self, key: str) -> None:
        try:
            outcomes = self._monitor.poller.look([key])
        except MonitorError:  # what was seen could not be recorded; that polls go on is another matter
            self.health.looked(key, "failed", self._monitor.clock())
            raise
        for outcome in outcomes:
            now = self._monitor.clock()
            self.health.looked(outcome.source, outcome.verdict, now)
            self._say(outcome)
            if outcome.again is not None:
                self._again(outcome.source, outcome.again, now)
            if outcome.verdict in ("baseline", "changed"):
                with self._monitor.store.read() as reader:
                    waiting = unpaid(reader, self._monitor.configuration, outcome.source)
                for probe in waiting:
                    self._again(probe, now, now)

    def _say(self, outcome: Outcome) -> None:
        quiet = outcome.verdict == "unchanged" and not outcome.events
        logs.line(
            "looked",
            level=logging.WARNING
            if outcome.verdict in ("failed", "held")
            else logging.DEBUG
            if quiet
            else logging.INFO,
            source=outcome.source,
            verdict=outcome.verdict,
            detail=outcome.detail,
            believed=outcome.believed or "",
            suspects=outcome.suspects or "",
            events=", ".join(dict.fromkeys(event.type for event in outcome.events)),
            notices=len(outcome.notices) or "",
        )

    def _again(self, key: str, at: datetime, now: datetime) -> None:
        """Look at a suspect again, jittered, unless the schedule does so anyway."""
        if key not in self._monitor.configuration.sources:
            return
        wait = max(at - now, timedelta(0))
        due = now + wait * random.uniform(1 - RECHECK_SPREAD, 1 + RECHECK_SPREAD)
        regular = self._scheduler.get_job(f"look {key}")
        if regular is not None and regular.next_run_time is not None and due < regular.next_run_time:
            with suppress(JobLookupError):  # the daemon has stopped meanwhile
                regular.modify(next_run_time=due)

    def _step(self) -> None:
        # A store that cannot be written stops no step: a restart by the watchdog would free no disk.
        try:
            self._monitor.poller.flush()
            sent = self._monitor.relay.tick()
            if sent:
                logs.line("delivered", tried=sent)
        finally:
            self.health.stepped(self._monitor.clock())

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
            logs.line("told of trouble", tried=sent)

    def _follow(self) -> None:
        """Write the leases when an entry moved, whoever moved it: a command may have died between its commit and its lease files."""
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
        written = self._monitor.tender.tend(self._monitor.clock())
        if written:
            logs.line("tended", events=written)

    def _renew(self) -> None:
        self._monitor.publish()

    def _record_uses(self, *, ending: bool = False) -> None:
        if self._web is not None:
            from monitor.web.review import record_uses

            record_uses(self._web.endpoints, self._monitor, ending=ending)

    def _deployments(self) -> None:
        if self._web is not None:
            from monitor.web.review import answer_deployments

            answer_deployments(self._web.endpoints, self._monitor)

    def _beat(self) -> None:
        """Tell the outside that polls truly succeed, or that nothing can be written; otherwise silence is the alarm."""
        from monitor.notify.heartbeat import ping

        heartbeat = self._monitor.settings.heartbeat
        if self.health.troubles():
            url = heartbeat.failure_url
        else:
            url = heartbeat.url if self.health.seeing(self._monitor.clock()) else ""
        if not url:
            return
        outcome = ping(self._monitor.secret(url))
        if isinstance(outcome, NotSent):
            logs.line("heartbeat not sent", level=logging.WARNING, reason=outcome.reason)
