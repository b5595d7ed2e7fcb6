"""The clock of a run, over a time of day and a passing of time that the test moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor.app.clock import SteadyClock

START = datetime(2026, 7, 1, 12, tzinfo=UTC)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


class World:
    """`wall` is `START` plus what has passed plus what it was set by."""

    def __init__(self) -> None:
        self.passed = timedelta(0)
        self.set = timedelta(0)
        self.clock = SteadyClock(lambda: START + self.passed + self.set, lambda: self.passed.total_seconds())

    def after(self, span: timedelta) -> datetime:
        self.passed += span
        return self.clock()


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("by", [-DAY, -2 * MINUTE, 2 * MINUTE, 10 * DAY])
def test_a_step_moves_nothing_until_it_is_adopted(world: World, by: timedelta) -> None:
    world.after(MINUTE)
    world.set = by
    assert world.after(SECOND) == START + MINUTE + SECOND
    assert world.clock.stood() is None
    assert world.after(5 * MINUTE) == START + 6 * MINUTE + SECOND
    assert world.clock.stood() == by
    world.clock.adopt()
    assert world.clock() == START + 6 * MINUTE + SECOND + by
    assert world.clock.stood() is None
    assert world.after(MINUTE) == START + 7 * MINUTE + SECOND + by
    (step,) = world.clock.take_steps()
    assert (step.by, step.before, step.after) == (by, START + MINUTE + SECOND, START + MINUTE + SECOND + by)


def test_a_glitch_is_two_steps_and_never_counts(world: World) -> None:
    world.set = 10 * DAY
    world.after(30 * SECOND)
    world.set = timedelta(0)
    assert world.after(30 * SECOND) == START + MINUTE
    world.after(10 * MINUTE)
    assert world.clock.stood() is None
    assert [step.by for step in world.clock.take_steps()] == [10 * DAY, -10 * DAY]
    assert world.clock.take_steps() == ()


def test_another_step_begins_the_five_minutes_anew(world: World) -> None:
    world.set = DAY
    world.after(4 * MINUTE)
    world.set = 2 * DAY
    world.after(4 * MINUTE)
    assert world.clock.stood() is None
    world.after(5 * MINUTE)
    assert world.clock.stood() == 2 * DAY
    assert [step.by for step in world.clock.take_steps()] == [DAY, DAY]


def test_a_clock_that_flips_all_the_time_is_reported_seldom(world: World) -> None:
    for number in range(600):
        world.set = DAY * (number % 2)
        world.after(SECOND)
    assert len(world.clock.take_steps()) <= 6


def test_a_small_difference_ahead_is_followed_at_once(world: World) -> None:
    world.set = 50 * SECOND
    assert world.after(SECOND) == START + 51 * SECOND
    assert world.clock.take_steps() == ()


def test_a_small_difference_behind_is_followed_without_ever_going_back(world: World) -> None:
    world.set = -10 * SECOND
    readings = [world.after(SECOND) for _ in range(30)]
    assert readings == sorted(set(readings))
    assert readings[0] == START + SECOND / 2
    assert readings[-1] == START + 20 * SECOND


def test_what_passes_while_the_machine_sleeps_is_no_step(world: World) -> None:
    assert world.after(8 * 60 * MINUTE) == START + 8 * 60 * MINUTE
    assert world.clock.take_steps() == ()
