"""One deadline for a whole call, whatever library makes it and however its server answers."""

from __future__ import annotations

import smtplib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import httpx2
import pytest
import requests

from monitor.core import deadline
from monitor.core.deadline import Overdue, bounded
from monitor.core.ports import NotSent
from monitor.gate import github
from monitor.notify.heartbeat import ping

LONG = 60.0
SHORT = 0.3


class Dripper:
    """Takes connections and sends a byte at a time; `gone` counts the other sides that went away."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.taken = 0
        self.gone = threading.Semaphore(0)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.taken += 1
                threading.Thread(target=self._drip, args=(connection,), daemon=True).start()

    def _drip(self, connection: socket.socket) -> None:
        pause = threading.Event()
        with connection, suppress(OSError):
            while True:
                connection.sendall(b"2")
                pause.wait(0.02)
        self.gone.release()


@pytest.fixture
def dripper() -> Iterator[Dripper]:
    dripper = Dripper()
    with dripper.listener:
        yield dripper


CALLS: dict[str, Callable[[int], object]] = {
    "requests": lambda port: requests.post(f"http://127.0.0.1:{port}/", data=b"x", timeout=LONG),
    "httpx2": lambda port: httpx2.get(f"http://127.0.0.1:{port}/", timeout=LONG),
    "smtplib": lambda port: smtplib.SMTP("127.0.0.1", port, timeout=LONG),
}


@pytest.mark.parametrize("library", CALLS)
def test_a_call_that_drips_is_left_and_its_connection_is_cut(dripper: Dripper, library: str) -> None:
    for seconds in (SHORT, 10 * SHORT, 100 * SHORT):  # a busy machine may not have connected by then
        with pytest.raises(Overdue, match="no answer within"):
            bounded(lambda: CALLS[library](dripper.port), seconds)
        if dripper.taken:
            break
    assert dripper.gone.acquire(timeout=LONG)


def test_a_call_that_was_left_opens_no_further_connection(dripper: Dripper) -> None:
    refused = threading.Event()
    over = threading.Event()

    def again() -> None:
        over.wait(LONG)
        try:
            socket.create_connection(("127.0.0.1", dripper.port), timeout=LONG)
        except TimeoutError:
            refused.set()

    with pytest.raises(Overdue):
        bounded(again, SHORT)
    over.set()
    assert refused.wait(LONG)
    assert dripper.taken == 0


def test_what_a_call_returns_or_raises_is_passed_on() -> None:
    assert bounded(lambda: 7, LONG) == 7

    def fail() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        bounded(fail, LONG)


def test_no_call_is_begun_while_too_many_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "MOST", 2)
    monkeypatch.setattr(deadline, "_left", [])
    released = threading.Event()
    for _ in range(2):
        with pytest.raises(Overdue, match="no answer"):
            bounded(lambda: released.wait(LONG), 0.01)
    with pytest.raises(Overdue, match="2 earlier calls still hang"):
        bounded(lambda: 7, LONG)
    released.set()
    for call in deadline._left:
        assert call.ended.acquire(timeout=LONG)
        call.ended.release()
    assert bounded(lambda: 7, LONG) == 7


def test_a_heartbeat_that_drips_is_a_failure_that_names_the_host_only(dripper: Dripper) -> None:
    outcome = ping(f"http://127.0.0.1:{dripper.port}/SECRET", timeout=SHORT)
    assert outcome == NotSent(reason="heartbeat at 127.0.0.1 failed: no answer within 0.3 s")


def test_an_answer_to_github_that_drips_is_tried_again(dripper: Dripper) -> None:
    outcome = github.post(f"http://127.0.0.1:{dripper.port}/callback", {}, "t0ken", timeout=SHORT)
    assert outcome == NotSent(reason="GitHub could not be reached: no answer within 0.3 s")


def test_a_thread_runs_one_call_after_the_other_and_never_one_that_was_left() -> None:
    ran: list[int | None] = []
    released = threading.Event()

    def note() -> None:
        ran.append(threading.get_ident())

    for _ in range(3):
        bounded(note, LONG)
    assert len(set(ran)) == 1
    with pytest.raises(Overdue):
        bounded(lambda: (note(), released.wait(LONG)), SHORT)
    bounded(note, LONG)
    assert ran[3] == ran[0]
    assert ran[4] != ran[3]
    released.set()


def test_a_connection_that_outlasts_its_call_is_cut_with_the_next_one_that_uses_it(dripper: Dripper) -> None:
    def opened() -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", dripper.port), timeout=LONG)
        deadline.release(connection)
        return connection

    def read(connection: socket.socket) -> None:
        deadline.use(connection)
        while connection.recv(1):
            pass

    connection = bounded(opened, LONG)
    assert connection.recv(1) == b"2"
    with connection, pytest.raises(Overdue):
        bounded(lambda: read(connection), SHORT)
    assert dripper.gone.acquire(timeout=LONG)
