"""The schedule: which job runs when. The only module that knows APScheduler.

Intervals go by the time that passes, never by the time of day. APScheduler 3 plans by the time of day and counts up
every run that was missed: a clock set back by two hours stopped it for two hours, one set forward by sixty days kept it
counting for minutes. It reads the time with `datetime.now(timezone)`, which leaves the reading to the zone, and asks a
trigger for the next run: both are given here.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from typing import Any

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_MAX_INSTANCES, JobEvent
from apscheduler.executors.pool import BasePoolExecutor, ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers import SchedulerNotRunningError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from monitor.app.lanes import Lanes

_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


class Schedule:
    """Jobs that repeat, each in a pool of threads, none twice at a time. Every job gets a name of its own.

    `elapsed` counts seconds that pass. `pools` gives the number of threads of each pool, `lanes` the places of each
    that shares them out between quick and slow jobs and between hosts. After each run `ended` is called with the job's
    name and what it raised, or None; `overran` with the name of a job that should have begun and still ran.
    """

    def __init__(
        self,
        elapsed: Callable[[], float],
        *,
        pools: Mapping[str, int],
        lanes: Mapping[str, int],
        ended: Callable[[str, BaseException | None], None],
        overran: Callable[[str], None],
    ) -> None:
        self._zone = _Passing(elapsed)
        self._hosts: dict[str, str] = {}
        self._pools: dict[str, BasePoolExecutor] = {
            **{name: ThreadPoolExecutor(threads) for name, threads in pools.items()},
            **{name: _Lanes(places, self._hosts) for name, places in lanes.items()},
        }
        self._ended = ended
        self._overran = overran
        self._scheduler = BackgroundScheduler(
            executors=self._pools,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=self._zone,
        )
        self._scheduler.add_listener(self._heard, EVENT_JOB_ERROR | EVENT_JOB_EXECUTED | EVENT_JOB_MAX_INSTANCES)

    @property
    def running(self) -> bool:
        """Whether jobs are started."""
        return bool(self._scheduler.running)

    def every(
        self,
        interval: timedelta,
        act: Callable[..., object],
        name: str,
        *args: object,
        pool: str,
        host: str = "",
        first: timedelta | None = None,
        spread: float = 0,
    ) -> None:
        """Add a job: it runs after `first`, then at every interval, which `spread` lengthens or shortens by a random
        share.

        Without `first` one interval passes before the first run. `host` is whose share of its lanes the job takes; its
        own unless given.
        """
        self._hosts[name] = host or name
        trigger = _Every(interval, spread)
        now = self._zone.now()
        due = trigger.get_next_fire_time(None, now) if first is None else now + max(first, timedelta(0))
        self._scheduler.add_job(act, trigger, args=args, id=name, name=name, executor=pool, next_run_time=due)

    def sooner(self, name: str, wait: timedelta) -> None:
        """Run a job after this time, unless it runs before anyway, is unknown, or nothing is run any more."""
        due = self._zone.now() + max(wait, timedelta(0))
        job = self._scheduler.get_job(name)
        if job is not None and job.next_run_time is not None and due < job.next_run_time:
            with suppress(JobLookupError):  # all jobs were ended meanwhile
                job.modify(next_run_time=due)

    def start(self) -> None:
        """Begin to start jobs."""
        self._scheduler.start()

    def end(self) -> None:
        """Start no more jobs; more than once is once."""
        with suppress(SchedulerNotRunningError):
            self._scheduler.shutdown(wait=False)

    def join(self) -> None:
        """Wait for the jobs that still run after `end`.

        Not by APScheduler's own waiting: it holds the lock that a running job needs to ask for its next run, and both
        would wait for ever.
        """
        for pool in self._pools.values():
            pool.shutdown(wait=True)

    def _heard(self, event: JobEvent) -> None:
        if event.code == EVENT_JOB_MAX_INSTANCES:
            self._overran(event.job_id)
        else:
            self._ended(event.job_id, getattr(event, "exception", None))


class _Lanes(BasePoolExecutor):  # type: ignore[misc]
    """The lanes as APScheduler's pool: what it submits is a function and a job, whose id is the key."""

    def __init__(self, places: int, hosts: Mapping[str, str]) -> None:
        self._lanes = Lanes(places, hosts.__getitem__)
        super().__init__(self)

    def submit(self, run: Callable[..., Any], job: Any, *rest: Any) -> Future[Any]:
        return self._lanes.submit(job.id, partial(run, job, *rest))

    def shutdown(self, wait: bool = True) -> None:
        self._lanes.shutdown(wait)


class _Passing(tzinfo):
    """A zone that is UTC in form, and in which it is now so late as time has passed."""

    def __init__(self, elapsed: Callable[[], float]) -> None:
        self._elapsed = elapsed

    def now(self) -> datetime:
        return (_BEGINNING + timedelta(seconds=self._elapsed())).replace(tzinfo=self)

    def fromutc(self, at: datetime) -> datetime:
        return self.now()

    def utcoffset(self, at: datetime | None) -> timedelta:
        return timedelta(0)

    def dst(self, at: datetime | None) -> timedelta:
        return timedelta(0)

    def tzname(self, at: datetime | None) -> str:
        return UTC.tzname(None)


class _Every(BaseTrigger):  # type: ignore[misc]
    """One interval after the last run, or after now where that has passed: a run that was missed is not made up for."""

    def __init__(self, interval: timedelta, spread: float) -> None:
        self._interval = interval
        self._spread = spread

    def get_next_fire_time(self, previous: Any, now: datetime) -> datetime:
        interval = self._interval * random.uniform(1 - self._spread, 1 + self._spread)
        due: datetime = (previous or now) + interval
        return due if due > now else now + interval
