"""kill -9 at random moments of one database's life."""

from __future__ import annotations

import random
import threading
from collections import Counter
from functools import partial

import pytest
from process_world import World, check_store, check_story
from sizes import sizes
from waiting import until

SEED = 20260730
FURTHEST = 14
"""After how many requests of its own a daemon dies at the latest: what a change sets off takes about ten, however long
those take.
"""
BETWEEN = 0.05
"""Seconds after that request in which it dies, so that it dies anywhere and not just while it asks."""


def served(world: World, wanted: int) -> bool:
    return sum(world.sandbox.requests.values()) >= wanted


@pytest.mark.parametrize("kills", sizes(12, 500))
def test_kills_at_random_moments_lose_no_event_and_no_notice_and_repeat_only_what_was_not_settled(
    world: World, kills: int
) -> None:
    chosen, pause = random.Random(SEED), threading.Event()
    world.prepare()
    allowed: Counter[str] = Counter()
    for kill in range(kills):
        if world.seen():
            world.change()
        before = sum(world.sandbox.requests.values())
        daemon = world.start()
        wanted = before + chosen.randint(0, FURTHEST)
        until(partial(served, world, wanted), "the daemon works")
        pause.wait(chosen.uniform(0.0, BETWEEN))
        daemon.kill()
        allowed.update(world.unsent())
        if kill % 5 == 0:
            check_store(world)
    check_store(world)
    with world.running():
        until(world.settled, "everything is recorded and told")
        until(world.lease_agrees, "the lease file says what the registry says")
    check_store(world)
    check_story(world)
    assert world.step > kills / 4, "too few changes were seen between the kills to prove anything"
    received = world.received()
    with world.store() as store, store.read() as reader:
        notices = {row.notice for row in reader.deliveries()}
    assert set(received) == notices
    assert {id: times for id, times in received.items() if times > 1 + allowed[id]} == {}
