"""What a connection may take: its deadlines, its place among others, and the end of one whose body was refused."""

from __future__ import annotations

import io
import json
import logging
import resource
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from web_world import World

from monitor.app import log_output
from monitor.core import logs
from monitor.web import connections
from monitor.web.connections import DEADLINES, Connection, Crowd, Phase

PATIENCE = 60
GATE = b"GET /v1/gate/luna HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /ofrep/v1/evaluate/flags/luna HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Provide a server with room for sixteen connections."""
    monkeypatch.setattr(connections, "MOST", 16)
    with World() as world:
        yield world


def connect(world: World, sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection(world.server._listener.getsockname()[:2], timeout=PATIENCE)
    connection.sendall(sent)
    return connection


def allowed(connection: socket.socket) -> bool:
    """Return whether the next answer says so; it may arrive in pieces."""
    received = b""
    while b"expires_at" not in received:
        piece = connection.recv(65536)
        assert piece, received
        received += piece
    return b'"allowed": true' in received


def rest(connection: socket.socket) -> bytes:
    """Return everything until the other side closes; fails where it does not."""
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionError:
        pass
    return received


@pytest.mark.parametrize(
    ("phase", "sent"),
    [
        (Phase.HEAD, b""),
        (Phase.HEAD, GATE[:-2]),
        (Phase.HEAD, GATE + GATE[:-2]),
        (Phase.BODY, POST + b"Content-Length: 9\r\n\r\n{"),
        (Phase.BODY, POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"),
        (Phase.IDLE, GATE),
    ],
)
def test_a_connection_is_closed_when_what_it_waits_for_does_not_come(
    world: World, monkeypatch: pytest.MonkeyPatch, phase: Phase, sent: bytes
) -> None:
    monkeypatch.setitem(DEADLINES, phase, 0.2)
    with connect(world, sent) as connection:
        assert rest(connection).count(b"HTTP/1.1 200") == sent.count(GATE)


def test_who_does_not_read_its_answer_is_let_go(small: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DEADLINES, Phase.ANSWER, 0.2)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(PATIENCE)
        connection.connect(small.server._listener.getsockname()[:2])
        try:
            while True:  # questions without an end, and never a look at the answers
                connection.sendall(GATE * 1000)
        except ConnectionError:
            pass
    assert small.gate("luna")["allowed"]


def test_the_oldest_without_a_whole_request_makes_room_and_not_one_that_is_kept(small: World) -> None:
    with ExitStack() as stack:
        kept = stack.enter_context(connect(small, GATE))
        assert allowed(kept)
        others = [stack.enter_context(connect(small, GATE[:-2])) for _ in range(40)]
        assert small.gate("luna")["allowed"]
        assert rest(others[0]) == b""
        kept.sendall(GATE)
        assert allowed(kept)
        others[-1].sendall(GATE[-2:])
        assert allowed(others[-1])


def test_idle_ones_make_room_when_all_have_asked(small: World) -> None:
    with ExitStack() as stack:
        asked = []
        for _ in range(20):
            connection = stack.enter_context(connect(small, GATE))
            assert allowed(connection)
            asked.append(connection)
        assert rest(asked[0]) == b""
        asked[-1].sendall(GATE)
        assert allowed(asked[-1])


class Seat:
    """A connection as far as the crowd knows it."""

    def __init__(self, crowd: Crowd, host: str) -> None:
        self.host = host
        self.crowd = crowd
        self.phase = Phase.HEAD
        self.dropped = False

    def drop(self) -> None:
        self.dropped = True
        self.crowd.leave(self, self.phase)  # type: ignore[arg-type]

    def enter(self) -> bool:
        self.crowd._reporting = True  # that is for an event loop
        return self.crowd.enter(self)  # type: ignore[arg-type]

    def move(self, phase: Phase) -> Seat:
        self.crowd.move(self, self.phase, phase)  # type: ignore[arg-type]
        self.phase = phase
        return self


def test_the_host_with_most_unfinished_requests_makes_room_for_all() -> None:
    crowd = Crowd(4)
    lone, *many = (Seat(crowd, host) for host in ("a", "b", "b", "b"))
    assert all(seat.enter() for seat in (lone, *many))
    assert Seat(crowd, "b").enter()
    assert [seat.dropped for seat in (lone, *many)] == [False, True, False, False]


def test_who_is_being_answered_makes_no_room() -> None:
    crowd = Crowd(2)
    seats = [Seat(crowd, "a") for _ in range(2)]
    assert all(seat.enter() for seat in seats)
    for seat in seats:
        seat.move(Phase.ANSWER)
    assert not Seat(crowd, "b").enter()
    seats[0].move(Phase.IDLE)
    assert Seat(crowd, "b").enter()
    assert seats[0].dropped


def test_without_any_room_the_answer_is_503_and_the_connection_is_closed(
    small: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Crowd, "enter", lambda self, connection: False)
    with connect(small) as connection:
        head, _, body = rest(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"connection: close" in head.lower()
    assert json.loads(body)["errorDetails"]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (POST + b"Content-Length: 50000000\r\n\r\n", b"400"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n" + (b"2000\r\n" + b" " * 0x2000 + b"\r\n") * 9, b"400"),
        (POST.replace(b"application/json", b"text/plain") + b"Content-Length: 50000000\r\n\r\n", b"415"),
        (POST.replace(b"flags", b"nowhere") + b"Content-Length: 50000000\r\n\r\n", b"404"),
        (POST.replace(b"localhost", b"evil.example") + b"Content-Length: 50000000\r\n\r\n", b"421"),
    ],
)
def test_a_body_that_is_refused_is_not_read_and_its_refusal_arrives(world: World, head: bytes, status: bytes) -> None:
    with connect(world, head + b"x" * 1000) as connection:
        answer = rest(connection)
        assert answer.startswith(b"HTTP/1.1 " + status)
        assert b"connection: close" in answer.lower()


def test_a_small_body_that_was_refused_leaves_the_connection_to_its_caller(world: World) -> None:
    text = POST.replace(b"application/json", b"text/plain") + b"Content-Length: 2\r\n\r\n{}"
    with connect(world, text) as connection:
        assert rest(connection).startswith(b"HTTP/1.1 415")
    assert world.gate("luna")["allowed"]


def test_a_head_without_an_end_is_refused(world: World) -> None:
    with connect(world, GATE[:-2] + b"X-Long: " + b"x" * 20_000) as connection:
        assert rest(connection).startswith(b"HTTP/1.1 400")


def test_room_is_a_quarter_of_the_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    for soft, expected in ((20, 16), (256, 64), (1024, 256), (1 << 20, 1024), (resource.RLIM_INFINITY, 1024)):
        monkeypatch.setattr(resource, "getrlimit", lambda kind, soft=soft: (soft, soft))
        assert connections.room() == expected


def test_the_limit_is_said_once_while_it_lasts(small: World) -> None:
    stream = io.StringIO()
    before, level = logs.LOGGER.handlers, logs.LOGGER.level
    log_output.configure(stream)
    try:
        with ExitStack() as stack:
            for _ in range(60):
                stack.enter_context(connect(small))
            assert small.gate("luna")["allowed"]
        logger = logging.getLogger("a.library")
        for number in range(50):
            try:
                raise OSError(number, "SECRET")
            except OSError:
                logger.error("it went wrong", exc_info=sys.exc_info())
    finally:
        root = logging.getLogger()
        root.removeHandler(next(one for one in root.handlers if isinstance(one.formatter, log_output._Lines)))
        logs.LOGGER.handlers = before
        logs.LOGGER.setLevel(level)
        logs.LOGGER.propagate = True
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["message"] for line in lines] == ["connections closed to make room", "it went wrong"]
    assert lines[0]["limit"] == 16
    assert lines[1]["error"] == "OSError"
    assert "SECRET" not in stream.getvalue()


def test_a_connection_is_the_protocol_that_uvicorn_knows() -> None:
    """What is overridden exists: an update that renames it would otherwise take the deadlines away without a word."""
    for name in ("connection_made", "data_received", "on_response_complete", "connection_lost"):
        assert callable(getattr(Connection.__mro__[1], name))
