"""Notices: 100 of them to 3 destinations against Apprise alone, and how soon one is tried while others hang.

    python bench/notices.py

Both sides of the first send the same texts to the same receiver, a process of its own. Ours claims from the outbox,
asks the gate, renders, sends, and settles each durably; Apprise is given the URLs and the text of each notice. The
second commits 200 deliveries at once, of which a third are for destinations that never answer, and lets the relay tick
every second as the daemon does: what counts is when the receiver sees the first attempt of each.
"""

from __future__ import annotations

import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from _common import Row, interleaved_costs, milliseconds, report
from apprise import Apprise, AppriseAsset, NotifyFormat

from monitor.core.configuration import Configuration, Owner
from monitor.core.notices import Difference, Item, Notice, Reason
from monitor.gate.state import Production
from monitor.notify.channels import AppriseChannel
from monitor.notify.destinations import destinations
from monitor.notify.forms import render
from monitor.notify.incidents import named
from monitor.notify.relay import Relay
from monitor.store import SqlStore, open_store, upgrade

NOTICES = 100
PLACES = 3
ROUNDS = 6
DUE = 200
HANGING = DUE // 3
SENDERS = 100
LIMIT = 1.5
LIMIT_SECONDS = 2.0


def now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


# -- the receiver, in a process of its own -------------------------------------


class _Sink(BaseHTTPRequestHandler):
    """Answers at once, but never what is posted to /hang/…; each request is a line on stdout: when, and for what."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        sys.stdout.write(f"{time.time()} {self.path}\n")
        sys.stdout.flush()
        if self.path.startswith("/hang/"):
            self.close_connection = True
            self.connection.settimeout(60)
            self.rfile.read(1)
            return
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(socketserver.ThreadingTCPServer):
    request_queue_size = 1024
    daemon_threads = True
    allow_reuse_address = True


def sink() -> None:
    """Serve until killed."""
    server = _Server(("127.0.0.1", 0), _Sink)
    print(server.server_address[1], flush=True)
    server.serve_forever()


class Receiver:
    """The sink's address, and when it saw the first request for each path."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.address = f"127.0.0.1:{int(process.stdout.readline())}"
        self.first: dict[str, float] = {}
        self._lines = process.stdout
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self._lines:
            at, _, path = line.strip().partition(" ")
            self.first.setdefault(path, float(at))


@contextmanager
def receiving() -> Iterator[Receiver]:
    command = [sys.executable, __file__, "--sink"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield Receiver(process)
    finally:
        process.kill()
        process.wait()


# -- what is sent ----------------------------------------------------------------


def notice(number: int, owner: str) -> Notice:
    moved = tuple(
        Difference(subject="gpt-5.6-luna", what=f"price.standard.short.{meter}", old="1", new="1.5")
        for meter in ("input", "cached_input", "output")
    )
    item = Item(
        reason=Reason.PAUSED,
        subject="gpt-5.6-luna",
        position=number,
        since=now(),
        entry="luna",
        name="GPT-5.6 Luna",
        status="paused",
        model="gpt-5.6-luna",
        provider="openai",
        surface="openai",
        incident=named("luna", number),
        source="openai-pricing",
        differences=moved,
        denied=True,
        commands=("access-monitor ack luna --by YOU", "access-monitor why luna"),
    )
    return Notice(id=f"{number}.{owner}", owner=owner, at=now(), items=(item,))


@contextmanager
def outbox(owners: dict[str, Owner]) -> Iterator[tuple[SqlStore, Configuration]]:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "monitor.db")
        upgrade(f"sqlite:///{path}")
        store = open_store(path)
        try:
            yield store, Configuration(owners=owners)
        finally:
            store.close()


def relay_of(store: SqlStore, conf: Configuration, executor: ThreadPoolExecutor) -> Relay:
    urls = {
        reference: owner.destinations[place]
        for owner in conf.owners.values()
        for place, reference in enumerate(destinations(owner))
    }
    return Relay(
        store=store,
        channel=AppriseChannel(urls.__getitem__),
        clock=now,
        owners=lambda: conf.owners,
        worker="bench",
        executor=executor,
        gate=lambda reader, at: Production(reader, conf, at),
    )


def enqueue(store: SqlStore, notices: dict[Notice, tuple[str, ...]]) -> None:
    with store.write() as tx:
        for one, references in notices.items():
            tx.enqueue(one, references, one.at)


# -- what is measured --------------------------------------------------------------


def throughput() -> Iterator[Row]:
    with receiving() as receiver, ThreadPoolExecutor(SENDERS) as executor:
        urls = tuple(f"json://{receiver.address}/place{place}" for place in range(PLACES))
        owner = Owner(key="platform", destinations=urls)
        rendered = render(notice(0, "platform"))
        asset = AppriseAsset(app_id="bench", app_desc="bench", app_url="")
        with outbox({"platform": owner}) as (store, conf):
            relay, count = relay_of(store, conf, executor), iter(range(1, 10**9))

            def ours() -> None:
                mine = {notice(next(count), "platform"): destinations(owner) for _ in range(NOTICES)}
                enqueue(store, mine)
                while relay.tick():
                    pass

            def bare() -> None:
                for _ in range(NOTICES):
                    alone = Apprise(asset=asset)
                    alone.add(urls)
                    assert alone.notify(body=rendered.text, title=rendered.title, body_format=NotifyFormat.TEXT)

            mine, theirs = interleaved_costs(ours, bare, ROUNDS)
            with store.read() as reader:
                assert not reader.due(now()), "all was sent"
    what = f"{NOTICES} notices to {PLACES} destinations"
    for kind, took, other in (("time", mine.wall, theirs.wall), ("CPU", mine.cpu, theirs.cpu)):
        figure = took / other
        yield Row(what=f"{what}, {kind}", ours=milliseconds(took), bare=milliseconds(other), figure=figure, limit=LIMIT)


def latency() -> Row:
    with receiving() as receiver, ThreadPoolExecutor(SENDERS) as executor:
        owners = {
            f"o{number}": Owner(
                key=f"o{number}",
                destinations=(f"json://{receiver.address}/{'hang' if number < HANGING else 'ok'}/{number}",),
            )
            for number in range(DUE)
        }
        with outbox(owners) as (store, conf):
            relay, done = relay_of(store, conf, executor), threading.Event()

            def daemon() -> None:
                while not done.wait(1.0):
                    relay.tick()

            thread = threading.Thread(target=daemon, daemon=True)
            thread.start()
            time.sleep(0.3)
            enqueue(store, {notice(1, key): destinations(owner) for key, owner in owners.items()})
            committed = time.time()
            deadline = committed + 120
            while len(receiver.first) < DUE and time.time() < deadline:
                time.sleep(0.05)
            waits = sorted(at - committed for at in receiver.first.values()) + [120.0] * (DUE - len(receiver.first))
            done.set()
            thread.join(60)
    p99 = waits[int(len(waits) * 0.99) - 1]
    return Row(
        what=f"commit to first attempt, {DUE} due, {HANGING} hang (p99)",
        ours=f"{p99:.2f} s",
        bare=f"median {waits[len(waits) // 2]:.2f} s",
        figure=p99,
        limit=LIMIT_SECONDS,
        unit="s",
    )


def main() -> int:
    return report([*throughput(), latency()])


if __name__ == "__main__":
    if "--sink" in sys.argv:
        sink()
    sys.exit(main())
