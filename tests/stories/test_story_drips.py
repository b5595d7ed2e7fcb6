"""Servers that answer a byte at a time: whoever sends to one is free again after the timeout, and so are a reload and a
stop.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain, cycle

import pytest
from story_world import Answer, Request, Story, until

TIMEOUT = '\n[notify]\ntimeout = "1s"\n'
DRIPS = {
    "body": (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", b"o"),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X-Drop: 1\r\n"),
    "status": (b"", b"H"),
    "banner": (b"", b"2"),
    "banner lines": (b"220-", b"hello\r\n220-"),
    "nothing": (b"", b""),
}


class Dripper:
    """Takes connections and says the beginning of something, then a drop at a time, until the other side is gone."""

    def __init__(self, kind: str) -> None:
        self._beginning, self._drop = DRIPS[kind]
        self._over = threading.Event()
        self._lock = threading.Lock()
        self.taken = self.gone = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._drip, args=(connection,), daemon=True).start()

    def _drip(self, connection: socket.socket) -> None:
        with self._lock:
            self.taken += 1
        connection.settimeout(0.1)
        with connection, suppress(OSError):
            for drops in chain([self._beginning], cycle([self._drop])):
                connection.sendall(drops)
                with suppress(TimeoutError):
                    if not connection.recv(65536):
                        break
                if self._over.is_set():
                    return
        with self._lock:
            self.gone += 1

    def close(self) -> None:
        self._over.set()
        self._listener.close()


@contextmanager
def dripping(kind: str) -> Iterator[Dripper]:
    dripper = Dripper(kind)
    try:
        yield dripper
    finally:
        dripper.close()


MAIL = "mailto://127.0.0.1:{port}?from=monitor@example.org&to=ops@example.org&mode=insecure"


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        ("body", "json://127.0.0.1:{port}/hook"),
        ("headers", "json://127.0.0.1:{port}/hook"),
        ("status", "form://127.0.0.1:{port}/hook"),
        ("body", "http://127.0.0.1:{port}/services/hook"),
        ("headers", "http://127.0.0.1:{port}/services/hook"),
        ("headers", "mmost://127.0.0.1:{port}/abcdefghijklmnopqrstuvwxyz"),
        ("nothing", "jsons://127.0.0.1:{port}/hook"),
        ("banner", MAIL),
        ("banner lines", MAIL),
    ],
)
def test_a_test_message_to_a_dripping_destination_ends_in_one_sentence(story: Story, kind: str, url: str):
    with dripping(kind) as dripper:
        destination = url.format(port=dripper.port)
        story.configure(story.entry(), TIMEOUT, **{story.provider.hook(): destination})
        story.must("db", "upgrade")
        done = story.run("notify", "test", "platform", "--json")
        assert done.code == 1
        (row,) = done.json
        assert (row["state"], row["error"]) == ("waiting", "no answer within 1 s")
        assert done.err.strip().count("\n") == 0
        assert done.err.strip().endswith(".")
        until(lambda: dripper.taken == dripper.gone > 0, "the connection is closed")


def test_dripping_destinations_delay_neither_others_nor_a_reload_nor_a_stop(story: Story):
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    with dripping("body") as http, dripping("headers") as head, dripping("banner lines") as mail:
        urls = (
            f"json://127.0.0.1:{http.port}/a",
            f"http://127.0.0.1:{http.port}/services/b",
            f"json://127.0.0.1:{head.port}/c",
            f"http://127.0.0.1:{head.port}/services/d",
            MAIL.format(port=mail.port),
            story.provider.hook(),
        )
        written = "[" + ", ".join(f'"{url}"' for url in urls) + "]"
        story.configure(story.entry(), TIMEOUT, **{f'["{story.provider.hook()}"]': written})
        story.poll()
        story.activate()
        with story.daemon() as daemon:
            story.provider.prices = {"orion-2": ("2.00", "6.00")}
            until(lambda: story.messages("PAUSED"), "the owner is told by the destination that answers")
            until(lambda: http.taken and head.taken and mail.taken, "the others are tried")
            daemon.signal(signal.SIGHUP)
            until(lambda: daemon.lines("reloaded"), "the reload is done")
            until(lambda: all(row["attempts"] for row in story.json("outbox")), "each of them is tried again later")
            assert {row["error"] for row in story.json("outbox")} == {"no answer within 1 s"}
            assert daemon.stop() == 0


class Hanging:
    """An answer that comes when it is released."""

    def __init__(self) -> None:
        self.asked, self.released, self.answered = threading.Event(), threading.Event(), threading.Event()

    def __call__(self, request: Request) -> Answer:
        self.asked.set()
        self.released.wait()
        self.answered.set()
        return Answer(200, {"object": "list", "data": [{"id": "late-1", "object": "model"}]})


def test_a_poll_that_hangs_delays_a_reload_and_a_stop_no_longer_than_a_drain(story: Story):
    first, second = Hanging(), Hanging()
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    drain = '\n[run]\ndrain = "1s"\n'
    story.configure(story.entry(), drain)
    story.poll()
    story.provider.answers["GET", "/v1/models"] = first
    try:
        with story.daemon() as daemon:
            until(first.asked.is_set, "a poll hangs")
            del story.provider.answers["GET", "/v1/models"]
            story.configure(story.entry(), story.entry("lyra", "lyra-1", name="Lyra"), drain)
            daemon.signal(signal.SIGHUP)
            until(lambda: daemon.lines("reloaded"), "the reload goes on without it")
            assert daemon.lines("reloaded")[0]["drained"] is False
            assert story.status("lyra")["status"] == "waiting"
            first.released.set()
            until(first.answered.is_set, "the poll that hung has its answer")
            story.provider.answers["GET", "/v1/models"] = second
            until(second.asked.is_set, "another poll hangs")
            assert daemon.stop() == 0
            assert not second.released.is_set()
    finally:
        first.released.set()
        second.released.set()
    assert "late-1" not in {event["subject"] for event in story.events()}


def test_reloads_beside_a_poll_that_hangs_leave_the_last_configuration_at_work(story: Story):
    hanging = Hanging()
    story.provider.models = ["orion-1", "orion-2"]
    story.provider.prices = {"orion-2": ("1.00", "6.00")}
    drain = '\n[run]\ndrain = "1s"\n'
    document = f'\n[[source]]\nkey = "card"\nkind = "document"\nurl = "{story.provider.url}/card"\nevery = "1s"\n'
    story.provider.answers["GET", "/card"] = Answer(200, "The card of Orion.", {"Content-Type": "text/plain"})
    story.configure(story.entry(), drain)
    story.poll()
    story.provider.answers["GET", "/v1/models"] = hanging
    try:
        with story.daemon() as daemon:
            until(hanging.asked.is_set, "a poll hangs")
            del story.provider.answers["GET", "/v1/models"]
            for reloads in (1, 2):
                if reloads == 2:
                    story.configure(story.entry(), drain, document)
                daemon.signal(signal.SIGHUP)
                until(lambda count=reloads: len(daemon.lines("reloaded")) == count, "the reload goes on without it")
            until(lambda: story.provider.count("/card"), "the source of the last configuration is polled")
            hanging.released.set()
            until(hanging.answered.is_set, "the poll that hung has its answer")
            asked = story.provider.count("/v1/models")
            until(lambda: story.provider.count("/v1/models") > asked + 5, "polls go on")
            assert daemon.stop() == 0
    finally:
        hanging.released.set()
