"""Commands of root in a service's folder, killed wherever they make a file: the service's user goes on."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from preloaded import Nursery
from process_world import Forks, World

from monitor.sandbox import Sandbox

SERVICE = 64_000
"""A user of no name, as the one of `DynamicUser=`."""

POLL = ("poll", "openai-pricing", "--deliver")


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT PLAYED: only root can leave files of root")
def test_what_a_killed_command_of_root_left_does_not_keep_the_service_from_going_on(
    told: Sandbox, forks: Forks, nursery: Nursery
) -> None:
    # Not in a folder of pytest's, which closes those above it to other users whenever another run begins.
    with TemporaryDirectory() as folder:
        os.chown(folder, SERVICE, SERVICE)
        world = World(Path(folder), told, forks, nursery)
        try:
            go_on(world)
        finally:
            world.stop()


def go_on(world: World) -> None:
    nth = 1
    while (dying := world.fork(*POLL, point="making-a-file", nth=nth)).wait() == -signal.SIGKILL:
        served = world.fork(*POLL, user=SERVICE)
        assert served.wait() == 0, (nth, served.said(), [(str(p), p.stat().st_uid) for p in world.folder.rglob("*")])
        nth += 1
    assert dying.code == 0, dying.said()
    assert nth > 3, "it makes some files"
    served = world.fork(*POLL, user=SERVICE)
    assert served.wait() == 0, served.said()
    assert json.loads(world.lease.read_text())["metadata"]
    assert {path.stat().st_uid for path in world.lease.parent.iterdir()} == {SERVICE}
    beside = [path for path in world.folder.iterdir() if path.name.startswith("monitor.db")]
    assert {path.name: path.stat().st_uid for path in beside} == {path.name: SERVICE for path in beside}
