"""What asking the gate costs: the guard in process over an OpenFeature client in memory, and OFREP over a route that
returns a constant.

    python bench/gate.py [ROUNDS]

The guard reads a lease file of twenty entries as it does in production, with its real clock and its look at the file
each second.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from _common import Row, failed, interleaved, report

CHECKS = 2000
REQUESTS = 200
ROUNDS = 31
GUARD_LIMIT = 0.2
OFREP_LIMIT = 0.5
BODY = b'{"context": {"targetingKey": "support-agent"}}'


def check(rounds: int) -> Row:
    """Measure one check by the guard over one evaluation by OpenFeature's own in-memory provider."""
    what = "guard, one check, over an OpenFeature evaluation in memory"
    try:
        from openfeature import api
        from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider
    except ImportError:
        return failed(what, "openfeature-sdk is not installed")
    from _gate_server import ENTRIES, standings

    from monitor.core.configuration import GateRules
    from monitor.core.events import LogHead
    from monitor.gate.client.guard import Guard
    from monitor.gate.lease_file import lease_documents, write_lease

    api.set_provider(InMemoryProvider({"entry-0": InMemoryFlag("on", {"on": True, "off": False})}))
    client = api.get_client()
    with tempfile.TemporaryDirectory() as folder:
        documents = lease_documents(
            standings(), GateRules(environments=("production",)), datetime.now(UTC), LogHead("bench", 1, ENTRIES)
        )
        write_lease(Path(folder), documents, LogHead("bench", 1, ENTRIES))
        guard = Guard(lease=folder)

        def ours() -> None:
            for _ in range(CHECKS):
                guard.admit("model-0")

        def bare() -> None:
            for _ in range(CHECKS):
                client.get_boolean_value("entry-0", False)

        assert guard.admit("model-0") == "model-0"
        assert client.get_boolean_value("entry-0", False)
        took, other = interleaved(ours, bare, rounds)
    api.shutdown()
    return Row(what=what, ours=each(took, CHECKS), bare=each(other, CHECKS), figure=took / other, limit=GUARD_LIMIT)


def each(took: float, count: int) -> str:
    return f"{took / count * 1e6:.2f} µs"


@contextmanager
def servers() -> Iterator[tuple[int, int]]:
    """Provide the ports of both servers, in a process of their own."""
    command = [sys.executable, str(Path(__file__).with_name("_gate_server.py"))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ours, bare = process.stdout.readline().split()
        yield int(ours), int(bare)
    finally:
        process.terminate()
        process.wait()


def asking(port: int, path: str) -> Callable[[], None]:
    """Ask again and again on one kept connection, with as little of a client as there can be."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
        f"{len(BODY)}\r\n\r\n"
    )
    request = head.encode() + BODY

    def ask() -> None:
        for _ in range(REQUESTS):
            connection.sendall(request)
            answer = connection.recv(65536)
            head, _, body = answer.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            while len(body) < length:
                body += connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200") and b'"value": true' in body, answer  # noqa: PT018 - one answer

    return ask


def ofrep(rounds: int) -> Row:
    """Single evaluations by OFREP over answers of a constant, in requests a second on one connection."""
    with servers() as (port, other):
        ours, bare = asking(port, "/ofrep/v1/evaluate/flags/entry-0"), asking(other, "/flags/entry-0")
        ours()
        bare()
        took, constant = interleaved(ours, bare, rounds)
    return Row(
        what="OFREP, one flag, over a route that returns a constant",
        ours=f"{REQUESTS / took:,.0f}/s",
        bare=f"{REQUESTS / constant:,.0f}/s",
        figure=constant / took,
        limit=OFREP_LIMIT,
        at_least=True,
    )


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    return report([check(rounds), ofrep(rounds)])


if __name__ == "__main__":
    sys.exit(main())
