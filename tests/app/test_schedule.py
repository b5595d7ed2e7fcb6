"""The schedule, over a passing of time that the test moves: the time of day is never asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from monitor.app.scheduler import Schedule

HOUR = timedelta(hours=1)


def until(holds: object, what: str) -> None:
    for _ in range(2000):
        if holds():  # type: ignore[operator]
            return
        time.sleep(0.01)
    raise AssertionError(f"never came true: {what}")


class World:
    def __init__(self) -> None:
        self.passed = 0.0
        self.ran: list[str] = []
        self.ended: list[tuple[str, BaseException | None]] = []
        self.overran: list[str] = []
        self.schedule = Schedule(
            lambda: self.passed,
            pools={"a": 2, "b": 1},
            lanes={"shared": 2},
            ended=lambda job, error: self.ended.append((job, error)),
            overran=self.overran.append,
        )

    def job(self, name: str = "job", pool: str = "a", **when: timedelta) -> None:
        self.schedule.every(HOUR, lambda: self.ran.append(name), name, pool=pool, **when)

    def end(self) -> None:
        self.schedule.end()
        self.schedule.join()

    def later(self, span: timedelta) -> None:
        """Let time pass; the schedule sleeps by the real clock and is woken by a job that is due at once."""
        self.passed += span.total_seconds()
        count = len(self.ended)
        self.schedule.every(1000 * HOUR, lambda: None, f"wake {self.passed}", pool="b", first=timedelta(0))
        until(lambda: len(self.ended) > count, "it looks at what is due")


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.end()


def test_a_job_runs_first_when_told_and_then_at_its_interval(world: World) -> None:
    world.job(first=timedelta(0))
    world.schedule.start()
    until(lambda: world.ran == ["job"], "the first run")
    world.later(HOUR - timedelta(seconds=1))
    assert world.ran == ["job"]
    world.later(timedelta(seconds=1))
    until(lambda: world.ran == ["job"] * 2, "the second run")


def test_without_a_first_time_one_interval_passes(world: World) -> None:
    world.job()
    world.schedule.start()
    world.later(HOUR / 2)
    assert world.ran == []
    world.later(HOUR / 2)
    until(lambda: world.ran == ["job"], "the first run")


def test_runs_that_were_missed_are_one_and_are_not_counted_up(world: World) -> None:
    world.job(first=timedelta(0))
    world.schedule.start()
    until(lambda: world.ran == ["job"], "the first run")
    world.later(10_000_000 * HOUR)
    until(lambda: world.ran == ["job"] * 2, "one run for all that were missed")
    world.later(HOUR / 2)
    assert world.ran == ["job"] * 2


def test_a_job_can_be_made_sooner_and_never_later(world: World) -> None:
    world.job()
    world.schedule.start()
    world.schedule.sooner("job", 2 * HOUR)
    world.schedule.sooner("nobody", timedelta(0))
    world.schedule.sooner("job", timedelta(0))
    until(lambda: world.ran == ["job"], "the run that was asked for")
    world.later(HOUR)
    until(lambda: world.ran == ["job"] * 2, "the next by its interval")


def test_an_error_is_handed_on_and_the_job_runs_again(world: World) -> None:
    def fail() -> None:
        raise ValueError("no")

    world.schedule.every(HOUR, fail, "bad", pool="a", first=timedelta(0))
    world.schedule.start()
    until(lambda: len(world.ended) == 1, "the first run")
    world.later(HOUR)
    until(lambda: [str(error) for job, error in world.ended if job == "bad"] == ["no", "no"], "the second run")


def test_a_job_that_still_runs_is_not_begun_again(world: World) -> None:
    begun, go = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        go.wait(30)

    world.schedule.every(HOUR, wait, "long", pool="a", first=timedelta(0))
    world.schedule.start()
    assert begun.wait(30)
    world.later(HOUR)
    until(lambda: world.overran == ["long"], "it is said")
    go.set()


def test_the_end_waits_for_what_runs_and_may_be_asked_for_twice_at_once(world: World) -> None:
    begun, go, done = threading.Event(), threading.Event(), []

    def ask_for_more() -> None:
        begun.set()
        go.wait(30)
        world.schedule.sooner("long", timedelta(0))  # as a poll does that wants another one
        done.append(True)

    world.schedule.every(HOUR, ask_for_more, "long", pool="a", first=timedelta(0))
    world.schedule.start()
    assert begun.wait(30)
    enders = [threading.Thread(target=world.end) for _ in range(3)]
    for ender in enders:
        ender.start()
    until(lambda: not world.schedule.running, "nothing is begun any more")
    assert done == []
    go.set()
    for ender in enders:
        ender.join(30)
        assert not ender.is_alive()
    assert done == [True]


def test_a_schedule_that_was_never_begun_can_be_ended(world: World) -> None:
    world.job(first=timedelta(0))
    world.end()
    assert world.ran == []


def test_a_job_that_hangs_in_lanes_keeps_no_other_waiting(world: World) -> None:
    hung = threading.Event()
    for number in range(4):
        world.schedule.every(
            HOUR, lambda: hung.wait(60), f"slow {number}", pool="shared", host="slow", first=timedelta(0)
        )
    world.schedule.every(HOUR, lambda: world.ran.append("quick"), "quick", pool="shared", first=timedelta(0))
    world.schedule.start()
    try:
        until(lambda: world.ran == ["quick"], "the quick job runs")
        assert not any(job.startswith("slow") for job, _ in world.ended)
    finally:
        hung.set()
