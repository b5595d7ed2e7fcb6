"""How the daemon behaves: signals, reloads, what it rides out, whom it tells that it is alive."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from process_world import SPARE, World, check_store, check_story
from waiting import until

from monitor.core.entry import Status
from monitor.sandbox.faults import Fault, FaultKind, Target

pause = threading.Event().wait


def polls(world: World, more: int = 2) -> None:
    """Wait until the list was looked at again."""
    enough = world.sandbox.requests[Target.LIST] + more
    until(lambda: world.sandbox.requests[Target.LIST] >= enough, "the daemon goes on looking")


@contextmanager
def locked(world: World) -> Iterator[None]:
    """Another writer holds the database."""
    other = sqlite3.connect(world.folder / "monitor.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


# -- stopping


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_lets_the_running_poll_end_and_records_it(world: World, number: signal.Signals) -> None:
    world.sandbox.fault(Fault(target=Target.LIST, kind=FaultKind.DRIP, seconds=1.5, times=1))
    with world.running() as daemon:
        until(lambda: world.sandbox.requests[Target.LIST] == 1, "the poll has begun")
        daemon.signal(number)
        assert daemon.wait() == 0
        assert daemon.lines("stopped")[0]["drained"] is True
    assert "openai-models" in {one.event.source for one in world.events("source.baseline_recorded")}
    assert world.sandbox.requests[Target.LIST] == 1
    check_store(world)


def test_a_stop_writes_the_freshness_that_was_still_in_memory(world: World) -> None:
    world.prepare()
    with world.running(spans={"app.daemon.STEP": 1000}) as daemon:
        polls(world, 3)
        now = datetime.now(UTC)
        polls(world, 2)
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
    with world.store() as store, store.read() as reader:
        good_at = reader.sources()["openai-models"].good_at
    assert good_at is not None
    assert good_at > now


def test_a_poll_that_hangs_does_not_hold_a_stop_beyond_the_drain(world: World) -> None:
    world.sandbox.fault(Fault(target=Target.LIST, kind=FaultKind.HANG, seconds=60))
    with world.running(environ={"ACCESS_MONITOR__RUN__DRAIN": "500ms"}) as daemon:
        until(lambda: world.sandbox.requests[Target.LIST] == 1, "the poll has begun")
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
        assert daemon.lines("stopped")[0]["drained"] is False
    check_store(world)


# -- reloading


def test_a_wrong_configuration_is_not_reloaded_and_said_in_one_line(world: World) -> None:
    world.prepare()
    with world.running() as daemon:
        before = len(world.events("config.changed"))
        for text, word in (
            (world.text + '\n[[owner]]\nkey = "x"\ncolour = "red"\ndestinations = ["env:SINK"]\n', "colour"),
            (world.text + "[[", "TOML"),
            (world.text.replace("monitor.db", "other.db"), "database.url"),
            (world.text.replace(str(world.folder / "lease"), "/sys/lease") + NEW_ENTRY, "/sys/lease"),
        ):
            world.config.write_text(text)
            known = len(daemon.lines("not reloaded"))
            daemon.signal(signal.SIGHUP)
            until(lambda known=known: len(daemon.lines("not reloaded")) > known, "the refusal is said")
            (said,) = daemon.lines("not reloaded")[known:]
            assert word in said["error"]
            assert "\n" not in said["error"]
            polls(world)
        assert daemon.lines("reloaded") == []
        assert len(world.events("config.changed")) == before
        assert world.status("gpt-5.5") == ""
        world.change()
        until(world.settled, "the old configuration goes on")
        until(lambda: world.status() == Status.PAUSED, "the entry is paused")
        until(world.lease_agrees, "the leases are written where the old configuration says")
    check_story(world)


NEW_ENTRY = """
[[entry]]
key = "gpt-5.5"
surface = "openai"
model_id = "gpt-5.5"
owners = ["platform"]
"""


def test_a_reload_adds_an_entry_and_a_source_without_a_restart(world: World) -> None:
    with world.running() as daemon:
        until(lambda: world.status() == Status.EVALUATING, "the first configuration works")
        source = (
            f'\n[[source]]\nkey = "again"\nkind = "pricing_page"\nurl = "{world.sandbox.pricing_url}"\nprovider = '
            '"openai"\n'
        )
        world.write(source + NEW_ENTRY)
        daemon.signal(signal.SIGHUP)
        until(lambda: daemon.lines("reloaded"), "the reload is said")
        until(lambda: world.status("gpt-5.5") == Status.EVALUATING, "the new entry is judged")
        until(
            lambda: "again" in {one.event.source for one in world.events("source.baseline_recorded")},
            "the new source is looked at",
        )
        until(world.lease_agrees, "the lease file holds the new entry")
        world.write()
        daemon.signal(signal.SIGHUP)
        until(lambda: world.status("gpt-5.5") == Status.WITHDRAWN, "the entry is withdrawn again")
        assert not daemon.ended()
    check_store(world)


# -- riding out


def test_an_outage_of_the_provider_is_told_once_and_moves_nothing(world: World) -> None:
    world.prepare()
    with world.running() as daemon:
        world.sandbox.fault(Fault(target=Target.LIST, kind=FaultKind.STATUS, status=500))
        until(lambda: world.events("source.failed"), "the outage is recorded")
        polls(world)
        assert len(world.events("source.failed")) == 1
        assert world.status() == Status.ACTIVE
        world.sandbox.clear()
        until(lambda: world.events("source.recovered"), "its end is recorded")
        assert not daemon.ended()
    assert world.events("model.*") == []


def test_a_database_that_another_writer_holds_for_seconds_delays_and_loses_nothing(world: World) -> None:
    world.prepare()
    with world.running(spans={"store.sql.open_store:patience": 1}) as daemon:
        with locked(world):
            world.change()
            # A job may also have waited for another job of the daemon that waits for the lock.
            until(
                lambda: any("locked by another process" in line["error"] for line in daemon.lines("job failed")),
                "the daemon gives up waiting, and says for whom",
            )
        until(world.settled, "everything is recorded and told after all")
        until(lambda: daemon.lines("job works again"), "the end of it is said")
        assert not daemon.ended()
    check_store(world)
    check_story(world)


def test_a_webhook_that_hangs_delays_no_poll_and_no_lease_and_is_told_in_the_end(world: World) -> None:
    world.prepare()
    spans = {"notify.settling.FIRST_RETRY": 0.5}
    with world.running(environ={"ACCESS_MONITOR__NOTIFY__TIMEOUT": "1s"}, spans=spans):
        world.sandbox.fault(Fault(target=Target.WEBHOOK, kind=FaultKind.HANG, seconds=60))
        known = len(world.sandbox.messages)
        world.change()
        until(lambda: world.sandbox.requests[Target.WEBHOOK] > known, "the notice is tried")
        until(world.seen, "the change is recorded")
        until(lambda: world.status() == Status.PAUSED, "the entry is paused")
        until(world.lease_agrees, "production is denied")
        polls(world)
        assert len(world.sandbox.messages) == known
        world.sandbox.clear()
        until(world.settled, "the notice arrives")
    check_store(world)


# -- other processes


def test_an_act_of_another_process_is_seen_also_when_that_died_before_the_lease_files(world: World) -> None:
    world.prepare()
    with world.running():
        until(world.lease_agrees, "the lease file says what the registry says")
        world.operate("pause")
        until(world.lease_agrees, "the pause is in the lease file")
        dying = world.fork("activate", SPARE, "--by", "Ada L.", "--reason", "a test", point="lease-due", nth=1)
        assert dying.wait() == -signal.SIGKILL
        assert world.status(SPARE) == Status.ACTIVE
        until(world.lease_agrees, "the daemon writes what the dead command could not")
    check_store(world)


# -- who is told


@contextmanager
def manager(folder: Path) -> Iterator[socket.socket]:
    """Provide a service manager's notification socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(folder / "notify"))
        listening.settimeout(10)
        yield listening


def hear(listening: socket.socket, word: str) -> None:
    while listening.recv(100).decode() != word:
        pass


def heard(listening: socket.socket) -> list[str]:
    """Return everything that has been said by now, but for what is said to people."""
    said = []
    listening.setblocking(False)
    try:
        while True:
            said.append(listening.recv(100).decode())
    except BlockingIOError:
        listening.settimeout(10)
        return [word for word in said if not word.startswith("STATUS=")]


def test_the_service_manager_is_told_of_ready_reload_and_stop_and_of_life_only_while_work_goes_on(
    world: World,
) -> None:
    with manager(world.folder) as listening:
        environ = {"NOTIFY_SOCKET": str(world.folder / "notify"), "WATCHDOG_USEC": "300000"}
        spans = {"app.daemon.PATIENCE": 1, "app.daemon.STEP": 0.2}
        with world.running(environ=environ, spans=spans) as daemon:
            assert listening.recv(100) == b"READY=1"
            hear(listening, "STATUS=2 sources polled")
            hear(listening, "WATCHDOG=1")
            daemon.signal(signal.SIGHUP)
            hear(listening, "RELOADING=1")
            hear(listening, "READY=1")
            hear(listening, "WATCHDOG=1")
            with locked(world):
                pause(2)
                heard(listening)
                pause(1)
                assert heard(listening) == []
            hear(listening, "WATCHDOG=1")
            daemon.signal(signal.SIGTERM)
            hear(listening, "STOPPING=1")
            assert daemon.wait() == 0


@contextmanager
def pulse() -> Iterator[tuple[str, list[str]]]:
    """Provide an address that counts who comes by."""
    came: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            came.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/hunter2", came
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_the_heartbeat_is_sent_only_while_polls_succeed(world: World) -> None:
    with pulse() as (url, came):
        environ = {"ACCESS_MONITOR__HEARTBEAT__URL": "env:PULSE", "PULSE": url}
        with world.running(environ=environ, spans={"app.daemon.HEARTBEAT": 0.2}) as daemon:
            until(lambda: len(came) >= 3, "the heart beats")
            world.sandbox.fault(Fault(target=Target.LIST, kind=FaultKind.STATUS, status=500))
            until(lambda: world.events("source.failed"), "the outage is seen")
            pause(0.5)
            silent = len(came)
            pause(1)
            assert len(came) == silent
            world.sandbox.clear()
            until(lambda: len(came) > silent, "the heart beats again")
            assert "hunter2" not in daemon.said()


def test_every_line_of_the_log_is_json_and_holds_no_secret(world: World) -> None:
    world.prepare()
    world.sandbox.fault(Fault(target=Target.WEBHOOK, kind=FaultKind.STATUS, status=500, times=1))
    with world.running(spans={"notify.settling.FIRST_RETRY": 0.2}) as daemon:
        world.change()
        until(world.settled, "everything is recorded and told")
        daemon.signal(signal.SIGTERM)
        daemon.wait()
        lines = [json.loads(line) for line in daemon.said().splitlines()]
        assert {"watching", "polled", "delivered", "stopped"} <= {line["message"] for line in lines}
        assert "sk-sandbox" not in daemon.said()
        assert "/services/" not in daemon.said()


# -- what costs money


PROBES = """
[[source]]
key = "a-probe"
kind = "behaviour"
surface = "openai"
routes = ["responses"]
models = ["gpt-5.6-luna"]
every = "6h"
"""


def test_a_probe_is_paid_for_at_the_first_start_and_not_again_at_the_next(world: World) -> None:
    world.write(PROBES)
    with world.running() as daemon:
        until(lambda: world.sandbox.requests[Target.RESPONSES] == 1, "the price was known when it was asked")
        until(
            lambda: "a-probe/gpt-5.6-luna/responses" in {one.event.source for one in world.events()},
            "it is recorded",
        )
        daemon.signal(signal.SIGTERM)
        daemon.wait()
    assert world.events("source.failed") == []
    with world.running():
        polls(world, more=8)
    assert world.sandbox.requests[Target.RESPONSES] == 1


def test_probes_that_hang_do_not_keep_lists_and_pages_waiting(world: World) -> None:
    world.write('\n[run]\nworkers = 1\ndrain = "1s"\n' + PROBES.replace('["responses"]', '["responses", "chat"]'))
    for target in (Target.RESPONSES, Target.CHAT):
        world.sandbox.fault(Fault(target=target, kind=FaultKind.HANG, seconds=120))

    def hung() -> tuple[int, int]:
        return world.sandbox.requests[Target.RESPONSES], world.sandbox.requests[Target.CHAT]

    with world.running():
        # A probe that hangs gives its place back, so that the other one hangs beside it, and the polls go on.
        until(lambda: hung() == (1, 1), "both hang")
        polls(world, more=4)
        assert hung() == (1, 1)
