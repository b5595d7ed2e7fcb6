"""The one road to the network: bounds time, size and addresses for every request, whoever makes it.

The limits sit here, below httpx2, because the `openai` SDK reads bodies on its own (an error's body even without
being asked) and would otherwise wait for a slow drip, unpack a decompression bomb or follow a name to a private
address. No URL, status or body is interpreted here.
"""

from __future__ import annotations

import socket
import ssl
import threading
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any

import httpcore2
import httpx2

from monitor.core.facts import FailureReason

CONNECTIONS = 256
"""Open at once: more than polls may run at once, or slow hosts would keep the others from connecting."""

KEEPALIVE = 30.0
"""Seconds that an idle connection is kept; shorter than what servers grant, so that it is rarely closed under a
request.
"""

_EMBEDDING = (
    IPv6Network("64:ff9b::/96"),  # NAT64
    IPv6Network("::ffff:0:0:0/96"),  # IPv4-translated
)
"""Networks whose last 32 bits are the IPv4 address that packets end up at."""

# What the standard library of some supported version calls global: IPv4-compatible, NAT64 within a site, site-local;
# protocol assignments, among them the metadata service of a cloud.
_ALSO_FORBIDDEN = tuple(map(ip_network, ("::/96", "64:ff9b:1::/48", "fec0::/10", "192.0.0.0/24")))

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_PIECE = 256 * 1024
_ID = b'"id"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one poll may take: seconds to connect, between two reads and in all; bytes after decompression.

    Where `items` is not zero it is how many keys `"id"` an answer of JSON may have, counted as it arrives: what has a
    million of them is not kept.
    """

    connect: float = 10.0
    read: float = 20.0
    total: float = 60.0
    size: int = 20_000_000
    items: int = 0


DEFAULTS = Limits()


class Failed(httpx2.TransportError):
    """The request yielded no whole answer. An httpx2 error, so that the SDK wraps it instead of losing it."""

    def __init__(self, reason: FailureReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class TimedOut(Failed, httpx2.TimeoutException):
    """A failure that the SDK shall know as a timeout."""

    def __init__(self, detail: str) -> None:
        super().__init__(FailureReason.TIMEOUT, detail)


class Swollen(Failed):
    """An answer with more items than it may have."""

    def __init__(self, most: int) -> None:
        super().__init__(FailureReason.TOO_LARGE, f"the answer has more than {most:,} items")


def forbidden(address: str) -> bool:
    """Return whether an address is private, loopback, link-local, shared (CGNAT) or otherwise not of the public
    Internet.
    """
    parsed = ip_address(address.partition("%")[0])
    if any(parsed in network for network in _ALSO_FORBIDDEN):
        return True
    embedded = _embedded(parsed) if isinstance(parsed, IPv6Address) else None
    return not parsed.is_global or parsed.is_multicast if embedded is None else forbidden(str(embedded))


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that packets to this IPv6 address end up at."""
    if any(address in network for network in _EMBEDDING):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


class _Budget(threading.local):
    """The limits of the poll that runs in this thread."""

    def __init__(self) -> None:
        self.limits = DEFAULTS
        self.deadline: float | None = None

    def clip(self, timeout: float | None) -> float | None:
        """Return the given timeout in seconds, cut to what is left of the poll."""
        if self.deadline is None:
            return timeout
        left = self.deadline - monotonic()
        if left <= 0:
            raise TimedOut(f"no whole answer within {self.limits.total:g} s")
        return left if timeout is None else min(left, timeout)


class _Stream(httpcore2.NetworkStream):
    """A connection whose every read, write and handshake counts against the poll, not only against its own timeout."""

    def __init__(self, inner: httpcore2.NetworkStream, budget: _Budget) -> None:
        self._inner = inner
        self._budget = budget

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._budget.clip(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._budget.clip(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        try:
            secured = self._inner.start_tls(ssl_context, server_hostname, self._budget.clip(timeout))
        except httpcore2.ConnectError as error:
            # Told apart here, because the pool raises its errors without their causes.
            if isinstance(cause := error.__cause__, ssl.SSLError):
                reason = getattr(cause, "verify_message", "") or cause.reason or str(cause)
                raise Failed(FailureReason.TLS, f"TLS failed: {reason}") from error
            raise
        return _Stream(secured, self._budget)

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


class _Backend(httpcore2.NetworkBackend):
    """Resolves a name itself and connects to the very address that was checked, so a second answer of DNS changes
    nothing.
    """

    def __init__(self, allow: Collection[str], budget: _Budget) -> None:
        self._inner = httpcore2.SyncBackend()
        self._allow = frozenset(host.lower().strip("[]") for host in allow)
        self._budget = budget

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        addresses = self._addresses(host, port, timeout)
        for number, address in enumerate(addresses, start=1):
            try:
                stream = self._inner.connect_tcp(
                    address, port, self._budget.clip(timeout), local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if number == len(addresses):
                    raise
            else:
                return _Stream(stream, self._budget)
        raise AssertionError("no address was tried")

    def _addresses(self, host: str, port: int, timeout: float | None) -> list[str]:
        try:
            answers = resolved(host, port, self._budget.clip(timeout))
        except (OSError, UnicodeError) as error:
            raise Failed(FailureReason.UNREACHABLE, f"the name {host} does not resolve") from error
        addresses = list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in answers))
        if host.lower().strip("[]") in self._allow:
            return addresses
        public = [address for address in addresses if not forbidden(address)]
        if not public:
            raise Failed(
                FailureReason.BLOCKED_ADDRESS,
                f"{host} is at the private address {addresses[0]}; name the host in [network] allow if this is meant",
            )
        return public


def resolved(host: str, port: int, timeout: float | None) -> list[Any]:
    """Return what the system's resolver says of a name, as `socket.getaddrinfo` does.

    It takes no timeout and may block for half a minute, so it is asked in a thread that is left behind when time is up.

    Raises:
        TimedOut: there is no answer within `timeout` seconds.
        OSError, UnicodeError: the name does not resolve, or is none.
    """
    answers: SimpleQueue[list[Any] | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=timeout)
    except Empty:
        raise TimedOut(f"the name {host} was not resolved within {timeout:.3g} s") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


class _Received(httpx2.SyncByteStream):
    """The body, decompressed here: httpx2 unpacks a piece whole, up to a thousand times its size, before anybody can
    count.
    """

    def __init__(self, inner: Iterable[bytes], *, packed: bool, limits: Limits) -> None:
        self._inner = inner
        self._packed = packed
        self._limits = limits

    def __iter__(self) -> Iterator[bytes]:
        size, items, most = 0, 0, self._limits.items
        before = b""
        for piece in self._unpacked() if self._packed else self._pieces():
            size += len(piece)
            if most:
                items += (before + piece).count(_ID)
                before = (before + piece)[1 - len(_ID) :]  # a key may stand in two pieces
                if items > most:
                    raise Swollen(most)
            if size > self._limits.size:
                raise Failed(FailureReason.TOO_LARGE, f"the answer is larger than {self._limits.size} bytes")
            yield piece

    def _pieces(self) -> Iterator[bytes]:
        with _translated(FailureReason.TRUNCATED):
            yield from self._inner

    def _unpacked(self) -> Iterator[bytes]:
        unpack = zlib.decompressobj(_GZIP_OR_ZLIB)
        begun = False
        try:
            for piece in self._pieces():
                rest, full, begun = piece, False, True
                while rest or full:
                    if unpack.eof:  # gzip allows several members in a row
                        unpack = zlib.decompressobj(_GZIP_OR_ZLIB)
                    out = unpack.decompress(rest, _PIECE)
                    yield out
                    rest = unpack.unused_data or unpack.unconsumed_tail
                    full = len(out) == _PIECE and not unpack.eof  # zlib may hold more back though it took all input
        except zlib.error as error:
            raise Failed(FailureReason.TRUNCATED, "the compression of the answer is broken") from error
        if begun and not unpack.eof:
            raise Failed(FailureReason.TRUNCATED, "the compressed answer ends early")

    def close(self) -> None:
        if hasattr(self._inner, "close"):
            self._inner.close()


@contextmanager
def _translated(broken: FailureReason) -> Iterator[None]:
    """Turn the transport's errors into reasons; `broken` is what a protocol error means at this point."""
    try:
        yield
    except httpcore2.TimeoutException as error:
        kind = type(error).__name__.removesuffix("Timeout").lower()
        raise TimedOut(f"no answer in time ({kind})") from error
    except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.UnsupportedProtocol) as error:
        raise Failed(broken, str(error) or type(error).__name__) from error


class Transport(httpx2.BaseTransport):
    """Connection pools under limits.

    Proxies resolve names out of our sight and are therefore not used, whatever the environment says.
    """

    def __init__(self, *, allow: Collection[str] = (), tls: ssl.SSLContext | None = None) -> None:
        self._budget = _Budget()
        self._backend = _Backend(allow, self._budget)
        self._tls = tls
        self._pools: dict[bool, httpcore2.ConnectionPool] = {}
        self._lock = threading.Lock()

    @contextmanager
    def bounded(self, limits: Limits) -> Iterator[None]:
        """Bound everything that this thread sends inside the block by `limits`, together."""
        budget = self._budget
        before = budget.limits, budget.deadline
        budget.limits, budget.deadline = limits, monotonic() + limits.total
        try:
            yield
        finally:
            budget.limits, budget.deadline = before

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request.

        Raises:
            Failed: no answer, or none that may be read.
        """
        with _translated(FailureReason.UNREACHABLE):
            pool = self._pool(secured=request.url.scheme == "https")
            try:
                response = pool.handle_request(_core(request))
            except (httpcore2.RemoteProtocolError, httpcore2.ReadError, httpcore2.WriteError):
                # A server closes an idle connection whenever it likes, also while we write into it. RFC 9112 §9.3.1
                # lets a GET go out again; without that, every source would fail now and then.
                if request.method != "GET":
                    raise
                response = pool.handle_request(_core(request))
        packed = False
        headers = []
        for name, value in response.headers:
            lowered = name.lower()
            if lowered == b"content-encoding":
                packed = self._packing(value, response)
            elif lowered != b"content-length":  # of the packed form; checked below httpx2 anyway
                headers.append((name, value))
        assert isinstance(response.stream, Iterable)
        return httpx2.Response(
            status_code=response.status,
            headers=headers,
            stream=_Received(response.stream, packed=packed, limits=self._budget.limits),
            extensions=response.extensions,
        )

    def close(self) -> None:
        with self._lock:
            for pool in self._pools.values():
                pool.close()

    def _pool(self, *, secured: bool) -> httpcore2.ConnectionPool:
        """Return the connections under TLS, or those in the clear, which need not wait for the machine's certificates:
        to load them takes 20 ms.
        """
        with self._lock:
            if secured not in self._pools:
                self._pools[secured] = httpcore2.ConnectionPool(
                    ssl_context=(self._tls or _trusted()) if secured else None,
                    max_connections=CONNECTIONS,
                    max_keepalive_connections=CONNECTIONS,
                    keepalive_expiry=KEEPALIVE,
                    network_backend=self._backend,
                )
            return self._pools[secured]

    @staticmethod
    def _packing(value: bytes, response: httpcore2.Response) -> bool:
        encoding = value.strip().lower().decode("latin-1")
        if encoding in ("", "identity"):
            return False
        if encoding in ("gzip", "x-gzip", "deflate"):
            return True
        response.close()
        raise Failed(FailureReason.TRUNCATED, f"the answer is compressed as {encoding!r}, which was not asked for")


def _trusted() -> ssl.SSLContext:
    """Load the certificates that this machine trusts."""
    try:
        return httpx2.create_ssl_context()
    except OSError as error:  # also what is no certificate
        raise Failed(FailureReason.TLS, f"the certificates that this machine trusts cannot be read: {error}") from error


def _core(request: httpx2.Request) -> httpcore2.Request:
    url = request.url
    assert isinstance(request.stream, Iterable)
    return httpcore2.Request(
        method=request.method,
        url=httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=request.stream,
        extensions=request.extensions,
    )
