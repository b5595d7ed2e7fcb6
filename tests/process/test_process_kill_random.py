"""kill -9 at fifty random moments of one database's life."""

from __future__ import annotations

import random
import threading
from collections import Counter

import pytest
from process_world import World, check_store, check_story, until

pytestmark = pytest.mark.slow
KILLS = 50
SEED = 20260730
LATEST = 0.8
"""Seconds after its start at which a daemon dies at the latest; what a change sets off ends sooner."""


def test_fifty_kills_at_random_moments_lose_no_event_and_no_notice_and_repeat_only_what_was_not_settled(
    world: World,
) -> None:
    chosen, pause = random.Random(SEED), threading.Event()
    world.prepare()
    allowed: Counter[str] = Counter()
    for kill in range(KILLS):
        if world.seen():
            world.change()
        daemon = world.start()
        pause.wait(chosen.uniform(0.0, LATEST))
        daemon.kill()
        allowed.update(world.unsent())
        if kill % 5 == 0:
            check_store(world)
    check_store(world)
    with world.running():
        until(world.settled, 20, "everything is recorded and told")
        until(world.lease_agrees, 5, "the lease file says what the registry says")
    check_store(world)
    check_story(world)
    assert world.step > KILLS / 4, "too few changes were seen between the kills to prove anything"
    received = world.received()
    with world.store() as store, store.read() as reader:
        notices = {row.notice for row in reader.deliveries()}
    assert set(received) == notices
    assert {id: times for id, times in received.items() if times > 1 + allowed[id]} == {}
