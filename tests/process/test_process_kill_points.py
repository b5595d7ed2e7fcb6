"""kill -9 at the worst moments: no event and no notice is lost, and nothing is told twice but what was sent and not yet
settled.
"""

from __future__ import annotations

import random
import signal

import pytest
from process_world import World, check_store, check_story
from sizes import sizes
from waiting import until

from monitor.core.entry import CheckState, Status

# (point, calls among which the seed chooses, whether the sink may have a message of which the store does not know)
POINTS = [
    ("before-t1", 4, False),
    ("inside-t1", 20, False),
    ("after-t1", 4, False),
    ("lease-due", 2, False),
    ("lease-half-written", 4, False),
    ("after-claim", 1, False),
    ("sent-not-settled", 1, True),
    ("inside-settle", 1, True),
]


@pytest.mark.parametrize("times", sizes(2, 10))
@pytest.mark.parametrize(("point", "calls", "repeats"), POINTS, ids=[name for name, _, _ in POINTS])
def test_a_daemon_killed_at_its_worst_moment_loses_no_event_and_no_notice(
    world: World, point: str, calls: int, repeats: bool, times: int
) -> None:
    chosen = random.Random(point)
    world.prepare()
    told_twice = 0
    for _ in range(times):
        world.change()
        daemon = world.start(point=point, nth=chosen.randint(1, calls))
        assert daemon.wait() == -signal.SIGKILL, daemon.said()
        check_store(world)
        before = world.received()
        in_between = {id for id in before if id in world.unsent()}
        with world.running():
            until(world.settled, "everything is recorded and told")
            until(world.lease_agrees, "the lease file says what the registry says")
            until(lambda: world.status() == Status.PAUSED, "the entry is paused")
            until(lambda: world.check("pricing") is CheckState.VERIFIED, "the price that paused it is read again")
            repeated = {id for id, count in world.received().items() if count > before[id] > 0}
            assert repeated == in_between
            told_twice += len(repeated)
            check_story(world)
            world.operate("resume")
            until(world.settled, "the resumption is told before the next kill, which else repeats that message")
        until(world.lease_agrees, "who resumes also writes the lease")
        check_store(world)
    # Messages are settled in crowds, so a kill may leave several that were sent: each of them was seen above.
    assert told_twice >= times if repeats else told_twice == 0
