"""A pooler of PostgreSQL in transaction mode, as PgBouncer is: a client has a session of the server for one
transaction, and the next one has it after.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

SSL, GSS = 80877103, 80877104


def exactly(peer: socket.socket, count: int) -> bytes:
    content = b""
    while len(content) < count:
        chunk = peer.recv(count - len(content))
        if not chunk:
            raise ConnectionError
        content += chunk
    return content


def message(peer: socket.socket) -> tuple[bytes, bytes]:
    """Return the type of the next message, and all of its bytes."""
    head = exactly(peer, 5)
    return head[:1], head + exactly(peer, struct.unpack("!I", head[1:])[0] - 4)


class Pooler:
    """Sessions of one user on one database, reached by a socket of this machine."""

    def __init__(self, server: str, user: str, database: str) -> None:
        self._server = server
        words = b"".join(word.encode() + b"\0" for word in ("user", user, "database", database)) + b"\0"
        self._startup = struct.pack("!II", len(words) + 8, 196608) + words
        self._free: list[tuple[socket.socket, bytes]] = []
        self._lock = threading.Lock()

    def _session(self) -> tuple[socket.socket, bytes]:
        with self._lock:
            if self._free:
                return self._free.pop()
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._server)
        server.sendall(self._startup)
        greeting = b""
        while True:
            kind, content = message(server)
            greeting += content
            if kind == b"Z":
                return server, greeting

    def _release(self, session: tuple[socket.socket, bytes]) -> None:
        with self._lock:
            self._free.append(session)

    def serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            while True:
                (length,) = struct.unpack("!I", exactly(client, 4))
                (code,) = struct.unpack("!I", exactly(client, length - 4)[:4])
                if code not in (SSL, GSS):
                    break
                client.sendall(b"N")
            session = self._session()
            client.sendall(session[1])
            self._release(session)
            held: tuple[socket.socket, bytes] | None = None
            try:
                while True:
                    kind, content = message(client)
                    if kind == b"X":
                        return
                    held = held or self._session()
                    held[0].sendall(content)
                    if kind not in (b"Q", b"S"):
                        continue
                    while True:
                        kind, content = message(held[0])
                        client.sendall(content)
                        if kind == b"Z":
                            break
                    if content[-1:] == b"I":
                        self._release(held)
                        held = None
            finally:
                if held is not None:
                    held[0].close()


@contextmanager
def pooling(server: str, user: str, database: str) -> Iterator[int]:
    """Provide the port of a pooler in front of a server's socket."""
    pooler = Pooler(server, user, database)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=pooler.serve, args=[client], daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    for session, _ in pooler._free:
        session.close()
