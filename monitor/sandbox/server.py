"""The sandbox on the wire: HTTP/1.1 with kept connections on loopback, and the faults that only a wire has.

It never listens elsewhere: the control API asks for no key. Stopping ends every connection, also one that a fault holds
up.
"""

from __future__ import annotations

import gzip
import select
import socket
import socketserver
import struct
import sys
import threading
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import perf_counter
from typing import Any

from monitor.sandbox.answers import ProviderAnswer, plain
from monitor.sandbox.faults import Fault, FaultKind
from monitor.sandbox.provider import Provider, ProviderRequest, validators

LOOPBACK = "127.0.0.1"
LARGEST = 10_000_000
"""The largest request body that is read, in bytes."""

DROPS = 20
"""In how many pieces a slow answer arrives."""

BREATH = 0.02
"""How often a held-up connection looks whether its asker is still there, in seconds."""


class SandboxServer(ThreadingHTTPServer):
    """Answers with `provider` on a loopback port (0 takes a free one)."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, provider: Provider) -> None:
        self.provider = provider
        self.closing = threading.Event()
        self._idle = threading.Condition()
        self._open: set[socket.socket] = set()
        super().__init__((LOOPBACK, port), Handler)

    def server_bind(self) -> None:
        # HTTPServer looks its own name up here, which may wait for a name server that nobody needs.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, self.server_address[1]

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection, and know it while it is open."""
        with self._idle:
            if self.closing.is_set():
                return
            self._open.add(request)
        try:
            super().finish_request(request, client_address)
        finally:
            with self._idle:
                self._open.discard(request)
                self._idle.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say what went wrong, unless it is only that the asker has gone."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """End serving and every open connection; returns when their threads have let go, within a second."""
        self.closing.set()
        self.shutdown()
        self.server_close()
        with self._idle:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # its asker, or a reset, was faster
            self._idle.wait_for(lambda: not self._open, timeout=0.9)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: SandboxServer
    protocol_version = "HTTP/1.1"
    server_version = "sandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    timeout = 60

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: request lines and headers of tests and demos are noise."""

    def _serve(self) -> None:
        began = perf_counter()
        # The body is read whatever the answer will be; left in the stream it would be taken for the next request.
        body = self._body()
        if body is None:
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = ProviderRequest(
            method=self.command, path=self.path, headers=headers, body=body, date=self.date_time_string()
        )
        reply = self.server.provider.reply(request)
        fault = reply.fault
        extra = {"openai-processing-ms": str(round((perf_counter() - began) * 1000))} if "/v1/" in self.path else {}
        if fault is None:
            self._send(reply.answer, extra)
        else:
            self._disturb(reply.answer, fault, extra)

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdigit():
            self._refuse(411)
        elif int(length) > LARGEST:
            self._refuse(413)
        else:
            return self.rfile.read(int(length))
        return None

    def _refuse(self, status: int) -> None:
        self.close_connection = True
        self._send(plain(status, HTTPStatus(status).phrase), {"Connection": "close"})

    def _send(self, answer: ProviderAnswer, extra: Mapping[str, str]) -> None:
        if answer.chunks:
            self._head(answer, {**extra, "Transfer-Encoding": "chunked"})
            for chunk in answer.chunks:
                self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
        elif answer.status == HTTPStatus.NOT_MODIFIED:
            self._head(answer, extra)
        else:
            self._head(answer, {**extra, "Content-Length": str(len(answer.body))})
            self.wfile.write(answer.body)

    def _head(self, answer: ProviderAnswer, extra: Mapping[str, str]) -> None:
        self.send_response(answer.status)
        headers = {"Content-Type": answer.content_type, **validators(answer), **answer.headers, **extra}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _disturb(self, answer: ProviderAnswer, fault: Fault, extra: Mapping[str, str]) -> None:
        """Send the answer, or not, as the fault has it."""
        # Closing after a body of the announced length would be a second fault, met by whoever uses the kept connection
        # next.
        self.close_connection |= fault.kind in (FaultKind.HANG, FaultKind.RESET, FaultKind.TRUNCATED)
        body = answer.body or b"".join(answer.chunks)
        match fault.kind:
            case FaultKind.HANG:
                self._hold(fault.seconds)
            case FaultKind.RESET:
                self._reset()
            case FaultKind.TRUNCATED:
                self._head(answer, {**extra, "Content-Length": str(len(body))})
                self.wfile.write(body[: int(len(body) * fault.keep)])
            case FaultKind.BROKEN_GZIP | FaultKind.CUT_GZIP:
                packed = gzip.compress(body, mtime=0)
                cut = packed[: int(len(packed) * fault.keep)]
                # Ten bytes of header, then a block type that does not exist.
                sent = cut if fault.kind is FaultKind.CUT_GZIP else packed[:10] + b"\xff" * len(body)
                self._head(answer, {**extra, "Content-Encoding": "gzip", "Content-Length": str(len(sent))})
                self.wfile.write(sent)
            case FaultKind.DRIP:
                self._head(answer, {**extra, "Content-Length": str(len(body))})
                size = max(1, -(-len(body) // DROPS))
                for start in range(0, len(body), size):
                    if not self._hold(fault.seconds / DROPS):
                        self.close_connection = True
                        return
                    self.wfile.write(body[start : start + size])

    def _hold(self, seconds: float) -> bool:
        """Do nothing for `seconds`; False as soon as the asker hangs up or the sandbox stops."""
        until = perf_counter() + seconds
        while (left := until - perf_counter()) > 0:
            if self.server.closing.wait(min(BREATH, left)):
                return False
            readable, _, _ = select.select([self.connection], [], [], 0)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                return False
        return True

    def _reset(self) -> None:
        # With lingering switched off, close() sends RST instead of FIN. The stream that reads from the socket holds it
        # open until the handler finishes, right after this.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
