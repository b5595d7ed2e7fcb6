"""Five real nodes on one PostgreSQL: whatever happens to one of them, no change is lost and none recorded twice, and no
notice is lost or sent by two.
"""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from hanging_proxy import hanging
from nodes_world import NODES, SILENCE, Nodes, Server, serving
from preloaded import Nursery
from process_world import Forks, World, check_store, check_story
from sizes import beyond, sizes
from sqlalchemy.engine import make_url
from waiting import until

from monitor.core.entry import Status
from monitor.sandbox import Sandbox
from monitor.sandbox.faults import Fault, FaultKind, Target
from monitor.store.migrations import HEAD

SEED = 20261130
PROBE = """
[[source]]
key = "openai-behaviour"
kind = "behaviour"
surface = "openai"
routes = ["chat"]
every = "1h"
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def world(tmp_path: Path, forks: Forks, nursery: Nursery, told: Sandbox, server: Server) -> Iterator[World]:
    world = World(tmp_path, told, forks, nursery, database=server.database())
    yield world
    world.stop()


def begun(world: World, more: str = "") -> Nodes:
    """Start five nodes, and activate the entry that the story is about."""
    nodes = Nodes(world, more)
    nodes.start()
    nodes.working()
    until(lambda: world.status() == Status.EVALUATING, "the entry is visible")
    until(world._activated, "the entry can be activated")
    until(lambda: not world.unsent(), "what there was to tell is told")
    return nodes


def settled(nodes: Nodes) -> None:
    world = nodes.world
    until(world.settled, "everything is recorded and told")
    until(world.lease_agrees, "the lease file says what the registry says")
    check_store(world)
    check_story(world)
    nodes.told_once()


@pytest.mark.parametrize("kills", sizes(4, 100))
def test_kills_of_workers_and_of_the_ticking_node_lose_nothing_and_repeat_nothing(world: World, kills: int) -> None:
    chosen, pause = random.Random(SEED), threading.Event()
    nodes = begun(world)
    off = {name: node.clock_off for name, node in nodes.rows().items()}
    assert {name: round(off[name], -2) for name in NODES} == {"n1": -3600, "n2": 0, "n3": 3600, "n4": 0, "n5": 0}
    for kill in range(kills):
        if world.seen():
            world.change()
        pause.wait(chosen.uniform(0.0, 1.0))
        name = nodes.ticks() if kill % 3 == 0 else chosen.choice(list(NODES))
        nodes.kill(name)
        nodes.start(name)
        nodes.working(name)
    settled(nodes)
    assert world.step > kills / 6, "too few changes were seen between the kills to prove anything"
    log = world.events()
    assert log[-1].recorded_at - log[0].recorded_at < timedelta(minutes=30), "a clock that is an hour off dates nothing"


NEWER = (
    "ALTER TABLE sources ADD COLUMN later TEXT NOT NULL DEFAULT ''",
    "CREATE TABLE later (key TEXT PRIMARY KEY)",
    f"INSERT INTO compatible_revisions (revision, since) VALUES ('9999', '{HEAD}')",
    "UPDATE alembic_version SET version_num = '9999'",
)
"""What a migration of the next version does that keeps the rule: it adds, and says which revisions may go on."""


@pytest.mark.parametrize(
    "upgraded", [pytest.param(("n2", "n3"), id="2"), pytest.param(tuple(NODES), id="5", marks=pytest.mark.proof)]
)
def test_nodes_outlive_a_restart_of_their_server_and_are_upgraded_one_after_the_other(
    world: World, server: Server, upgraded: tuple[str, ...]
) -> None:
    nodes = begun(world)
    world.change()
    world.close()
    server.restart()
    nodes.note_sending()
    settled(nodes)
    with psycopg.connect(world.database, autocommit=True) as connection:
        for statement in NEWER:
            connection.execute(statement)
    for name in upgraded:
        world.change()
        nodes.daemons[name].signal(signal.SIGTERM)
        assert nodes.daemons[name].wait() == 0
        nodes.start(name)
        nodes.working(name)
        until(world.seen, "what comes meanwhile is recorded")
    settled(nodes)


@pytest.mark.parametrize("round", beyond(1, range(10)))
def test_a_stopped_node_goes_on_and_pays_for_no_probe_twice(world: World, round: int) -> None:
    nodes = begun(world)
    world.sandbox.fault(Fault(target=Target.CHAT, kind=FaultKind.DRIP, seconds=2 * SILENCE, times=1))
    nodes.write(PROBE)
    for daemon in nodes.daemons.values():
        daemon.signal(signal.SIGHUP)
    until(lambda: world.sandbox.requests[Target.CHAT] == 2, "each entry's probe is paid for")
    until(lambda: len(nodes.probing()) == 1, "one of them waits for its answer")
    (turn,) = nodes.probing()
    nodes.daemons[turn.node].signal(signal.SIGSTOP)
    nodes.note_sending()
    world.change()
    until(world.seen, "the others record what comes meanwhile")
    until(lambda: nodes.silent(turn.node), "the stopped node is taken for dead")
    nodes.daemons[turn.node].signal(signal.SIGCONT)
    until(lambda: turn.name.removeprefix("probe ") in nodes.read(), "the probe that was stopped is recorded")
    settled(nodes)
    assert world.sandbox.requests[Target.CHAT] == 2
    assert nodes.turns()[turn.name].run == turn.run


@pytest.mark.parametrize("round", beyond(1, range(10)))
def test_a_node_that_is_cut_off_loses_its_work_to_the_others_and_comes_back(
    world: World, server: Server, round: int
) -> None:
    nodes = begun(world)
    with hanging(str(server.socket)) as proxy:
        url = make_url(world.database)
        through = url.set(host="127.0.0.1", port=proxy.port, query={}).render_as_string(hide_password=False)
        for name in ("n1", "n3"):
            nodes.kill(name)
            nodes.start(name, database=through)
            nodes.working(name)
        nodes.daemons["n2"].signal(signal.SIGTERM)
        until(lambda: nodes.ticks() == "n1", "a node ticks that will be cut off")
        proxy.hang()
        nodes.note_sending()
        nodes.start("n2")
        world.change()
        until(world.seen, "the others record what comes meanwhile")
        assert nodes.ticks() == "n2"
        proxy.resume()
        settled(nodes)
        world.change()
        settled(nodes)
        for name in ("n1", "n3"):
            assert not nodes.daemons[name].ended(), nodes.daemons[name].said()
