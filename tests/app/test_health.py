"""What the daemon says of itself, over a passing of time that the test moves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.app.health import MISSES, SLACK, Health

EVERY = timedelta(minutes=5)
PATIENCE = timedelta(minutes=1)


class Time:
    def __init__(self) -> None:
        self.passed = 1000.0

    def __call__(self) -> float:
        return self.passed

    def pass_by(self, span: timedelta) -> None:
        self.passed += span.total_seconds()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def health(time: Time) -> Health:
    health = Health(time)
    health.expect({"list": EVERY})
    health.stepped()
    return health


def test_it_works_while_steps_end(health: Health, time: Time) -> None:
    assert health.working(PATIENCE)
    time.pass_by(PATIENCE * 1.1)
    assert not health.working(PATIENCE)
    assert not health.alive(PATIENCE)
    health.stepped()
    assert health.working(PATIENCE)


def test_it_works_while_polls_end_whatever_they_find(health: Health, time: Time) -> None:
    health.polled("list", "failed")
    time.pass_by(MISSES * EVERY + SLACK)
    health.stepped()
    assert health.working(PATIENCE)
    time.pass_by(timedelta(seconds=1))
    assert not health.working(PATIENCE)


def test_it_sees_only_while_polls_succeed(health: Health) -> None:
    assert not health.seeing()
    health.polled("list", "unchanged")
    assert health.seeing()
    health.polled("list", "failed")
    assert not health.seeing()


def test_without_the_lock_it_does_not_work_and_lives_while_it_waits(health: Health, time: Time) -> None:
    health.sole(held=False)
    assert not health.working(PATIENCE)
    time.pass_by(10 * EVERY)
    health.stepped()
    assert health.alive(PATIENCE)
    health.sole(held=True)
    assert health.working(PATIENCE)
    time.pass_by(PATIENCE * 1.1)
    assert not health.alive(PATIENCE)
