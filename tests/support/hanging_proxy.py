"""A way to a server that can be cut without a word, as by a firewall: connections stay open, and nothing passes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class HangingProxy:
    """Passes bytes between clients on `port` and a server's socket, unless it hangs."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._open = threading.Event()
        self._open.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._pairs: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def hang(self) -> None:
        """Let nothing pass from now on."""
        self._open.clear()

    def resume(self) -> None:
        """Let pass what was held up, and all that follows."""
        self._open.set()

    def close(self) -> None:
        self.resume()
        for peer in (self._listener, *self._pairs):
            with suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
            peer.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                self._pairs += [client, server]
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._pass, args=[source, sink], daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(65536):
                self._open.wait()
                sink.sendall(content)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


@contextmanager
def hanging(server: str) -> Iterator[HangingProxy]:
    proxy = HangingProxy(server)
    try:
        yield proxy
    finally:
        proxy.close()
