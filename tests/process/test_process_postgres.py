"""The same story on PostgreSQL: a change pauses and is told, and kill -9 loses nothing."""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from preloaded import Nursery
from process_world import Forks, World, check_store, check_story
from sizes import sizes
from waiting import until

from monitor.core.entry import CheckState, Status
from monitor.sandbox import Sandbox

POINTS = (("before-t1", 1, 0), ("inside-t1", 9, 0), ("after-t1", 2, 0), ("lease-due", 2, 0), ("sent-not-settled", 1, 1))


@pytest.fixture
def elsewhere(
    tmp_path: Path, forks: Forks, nursery: Nursery, postgres: Callable[[], str], told: Sandbox
) -> Iterator[World]:
    world = World(tmp_path, told, forks, nursery, database=postgres())
    yield world
    world.stop()


@pytest.mark.parametrize("kills", sizes(3, 30))
def test_the_story_on_postgresql_survives_kills_at_its_worst_moments_and_at_random(
    elsewhere: World, kills: int
) -> None:
    world, chosen, pause = elsewhere, random.Random(7), threading.Event()
    world.prepare()
    for point, nth, repeats in POINTS:
        world.change()
        assert world.start(point=point, nth=nth).wait() == -signal.SIGKILL
        before = sum(world.received().values()) - len(world.received())
        check_store(world)
        with world.running():
            until(world.settled, "everything is recorded and told")
            until(world.lease_agrees, "the lease file says what the registry says")
            until(lambda: world.status() == Status.PAUSED, "the entry is paused")
            until(lambda: world.check("pricing") is CheckState.VERIFIED, "the price that paused it is read again")
            check_story(world)
            world.operate("resume")
            until(world.settled, "the resumption is told before the next kill, which else repeats that message")
        check_store(world)
        received = world.received()
        told_twice = sum(received.values()) - len(received) - before
        assert told_twice >= repeats if repeats else told_twice == 0
    for _ in range(kills):
        if world.seen():
            world.change()
        daemon = world.start()
        pause.wait(chosen.uniform(0.0, 0.8))
        daemon.kill()
    with world.running():
        until(world.settled, "everything is recorded and told")
        until(world.lease_agrees, "the lease file says what the registry says")
    check_store(world)
    check_story(world)
    assert not world.unsent()
