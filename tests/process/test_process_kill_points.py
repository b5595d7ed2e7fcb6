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

# (point, calls among which the seed chooses, whether the sink has a message of which the store does not know: elsewhere
# it may have one, since messages are sent while sources are polled)
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
    for _ in range(times):
        world.change()
        daemon = world.start(point=point, nth=chosen.randint(1, calls))
        assert daemon.wait() == -signal.SIGKILL, daemon.said()
        check_store(world)
        before, in_between = world.received(), world.in_between()
        assert in_between or not repeats
        with world.running():
            until(world.settled, "everything is recorded and told")
            until(world.lease_agrees, "the lease file says what the registry says")
            until(lambda: world.status() == Status.PAUSED, "the entry is paused")
            until(lambda: world.check("pricing") is CheckState.VERIFIED, "the price that paused it is read again")
            assert world.repeated(before) == in_between
        check_store(world)
        check_story(world)
        world.operate("resume")
        until(world.lease_agrees, "who resumes also writes the lease")
