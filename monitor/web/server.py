"""The HTTP server in its thread: one socket, taken before anything else is started, and given back at the end.

uvicorn's own signals, logging and access log stay off: the daemon owns the first two, and one line a request is
nobody's log.
"""

from __future__ import annotations

import errno
import logging
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import uvicorn

from monitor.audit.source_status import refused_parts
from monitor.core import logs
from monitor.core.credentials import Credential
from monitor.core.events import Event
from monitor.core.ports import ConfigurationError, MonitorError, Store
from monitor.gate.client.signature import signer
from monitor.gate.github import Reviews
from monitor.gate.uses import Uses
from monitor.registry.ack_links import AckLink, find_link
from monitor.settings import Settings
from monitor.web.ack import AckPage
from monitor.web.acting import Acting
from monitor.web.api.act_service import ActApi, Turns
from monitor.web.api.service import Api
from monitor.web.app import Endpoints, application
from monitor.web.configuration import ConfigurationDesk
from monitor.web.connections import KEEP_ALIVE, LARGEST_HEAD, Connection, Crowd, room
from monitor.web.credentials import CredentialCache
from monitor.web.desk import DeskPages
from monitor.web.door import AccessRules
from monitor.web.leases import Leases
from monitor.web.memory import RegistryCache, read_head, read_view
from monitor.web.metrics import metrics
from monitor.web.oidc import OidcClient
from monitor.web.pages.acts import ActPages
from monitor.web.pages.configuration import ConfigurationPages
from monitor.web.ports import DaemonHealth, Host
from monitor.web.signin import SignInPages
from monitor.web.tokens import Tokens

GRACE = 2
"""Seconds that running requests may take to end; they are answered from memory."""

BACKLOG = 1024
"""Connections that may wait to be taken, also while the daemon starts."""

BURST = 64
"""Connections taken at a time; each has a descriptor before it is known whether there is room for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What the server lets in, signs with and knows GitHub by; no part of it is ever printed."""

    tokens: Tokens
    sign: Callable[[bytes], str] | None = field(repr=False)
    webhook: str = field(repr=False)


class Server:
    """A bound server; it answers from `start` to `stop`."""

    def __init__(
        self,
        endpoints: Endpoints,
        listener: socket.socket,
        secret: Callable[[str], str],
        failed: Callable[[], None],
    ) -> None:
        self.endpoints = endpoints
        self._listener = listener
        self._secret = secret
        self._failed = failed
        most = room()
        protocol: Any = partial(Connection, crowd=Crowd(most))
        self._uvicorn = _Uvicorn(
            uvicorn.Config(
                application(endpoints),
                loop="asyncio",
                http=protocol,
                h11_max_incomplete_event_size=LARGEST_HEAD,
                backlog=min(BURST, most // 4),
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                log_level=logging.ERROR,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE,
                timeout_graceful_shutdown=GRACE,
            )
        )
        self._thread = threading.Thread(target=self._serve, name="web", daemon=True)

    @property
    def url(self) -> str:
        """The root, with the port that was taken."""
        host, port = self._listener.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def keys_of(self, settings: Settings) -> Keys:
        """Return the secrets that the settings refer to, as they are now.

        Raises:
            ConfigurationError: one is not there, or is no such key.
        """
        return Keys(
            tokens=Tokens(self._secret(reference) for reference in settings.web.tokens),
            sign=self._signer(settings.signing_key),
            webhook=self._secret(settings.github.webhook_secret) if settings.github.webhook_secret else "",
        )

    def _signer(self, reference: str) -> Callable[[bytes], str] | None:
        if not reference:
            return None
        try:
            return signer(self._secret(reference))
        except ValueError as error:
            raise ConfigurationError(
                f"The signing key {reference} cannot be used: {error}; docs/gate.md has the command that makes one."
            ) from error

    def use(self, keys: Keys, settings: Settings) -> None:
        """Answer under these keys from now on."""
        endpoints = self.endpoints
        endpoints.tokens = keys.tokens
        endpoints.origins = settings.web.origins
        endpoints.access = access_rules(settings)
        if endpoints.ack is not None:
            endpoints.ack.public_url = settings.web.public_url
            endpoints.ack.user_header = settings.web.user_header
            endpoints.ack.proxied = bool(settings.web.proxies)
        endpoints.leases = Leases(keys.sign)
        endpoints.reviews = (
            Reviews(keys.webhook, settings.github.deployments, settings.github.api, endpoints.reviews)
            if keys.webhook
            else None
        )

    def start(self) -> None:
        """Answer; who connected since the socket was taken has waited until now."""
        self._thread.start()

    def stop(self) -> None:
        """Let running requests end, and give the socket back; does nothing more when it is called again."""
        self._uvicorn.should_exit = True
        if self._thread.is_alive():
            self._thread.join(2 * GRACE)
        self._listener.close()

    def _serve(self) -> None:
        try:
            self._uvicorn.run(sockets=[self._listener])
        except BaseException as error:
            # Also SystemExit, which is how uvicorn says that it could not start; in a thread nobody would hear of it.
            self._failed()
            logs.line("the HTTP server ended", level=logging.ERROR, error=f"{type(error).__name__}: {error}")


class _Uvicorn(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen. uvicorn has one number for how many may wait and how many are taken at a time, and the first is
        larger.
        """
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(BACKLOG)


def access_rules(settings: Settings) -> AccessRules:
    """Return what is set of access."""
    web = settings.web
    parts = urlsplit(web.public_url)
    return AccessRules(
        public_origin=f"{parts.scheme}://{parts.netloc}".lower() if web.public_url else "",
        proxies=tuple(map(ip_network, web.proxies)),
        user_header=web.user_header,
        grants=web.scopes,
    )


@contextmanager
def bound(
    monitor: Host, health: DaemonHealth, patience: timedelta, read_file: Callable[[], Settings]
) -> Iterator[Server]:
    """Provide a server on the configured address, not started; stopped at the end of the block.

    `patience` is how old the daemon's last step may be before it is not ready; `read_file` reads the configuration
    anew.

    Raises:
        ConfigurationError: a token or a key is not there.
        MonitorError: the address cannot be listened on.
    """
    store, settings, web = monitor.store, monitor.settings, monitor.settings.web
    endpoints = Endpoints(
        memory=RegistryCache(
            read=lambda configuration: read_view(store, configuration, monitor.clock()),
            head=lambda: read_head(store),
            configuration=lambda: monitor.configuration,
        ),
        clock=monitor.clock,
        credentials=CredentialCache(lambda: read_credentials(store), monitor.clock),
        working=lambda: health.working(patience),
        troubles=health.troubles,
        probe=lambda: read_head(store),
        uses=Uses(lambda: monitor.configuration.gate.environments),
        ack=AckPage(find=partial(_find, monitor), press=partial(_press, monitor), clock=monitor.clock),
        api=Api(
            store=store,
            configuration=lambda: monitor.configuration,
            clock=monitor.clock,
            zone=lambda: _zone(monitor),
            refused=partial(refused_parts, monitor.source),
        ),
        metrics=lambda openmetrics: metrics(
            store,
            monitor.configuration,
            health,
            monitor.clock(),
            per_day=monitor.settings.budget,
            openmetrics=openmetrics,
        ),
    )
    endpoints.desk = desk_pages(monitor, endpoints, read_file)
    server = Server(endpoints, listen(web.host, web.port), monitor.secret, health.problem)
    try:
        server.use(server.keys_of(settings), settings)
        yield server
    finally:
        server.stop()


def desk_pages(monitor: Host, endpoints: Endpoints, read_file: Callable[[], Settings]) -> DeskPages:
    """Return the desk over a monitor; what it shows of access is what the endpoints go by."""
    assert endpoints.credentials is not None
    keys, store = endpoints.keys, monitor.store
    turns, reading = Turns(), Turns()  # who reads the file, or waits for an identity provider, holds up no act
    acting = Acting(host=monitor)

    def provider() -> OidcClient | None:
        web = monitor.settings.web
        return None if web.oidc is None else OidcClient(settings=web.oidc, root=web.root, secret=monitor.secret)

    return DeskPages(
        sign_in=SignInPages(
            credentials=lambda: monitor.credentials,
            tokens=lambda: endpoints.tokens,
            cache=endpoints.credentials,
            rules=lambda: endpoints.access,
            provider=provider,
            keys=keys,
            clock=monitor.clock,
        ),
        api=ActApi(acting=acting, store=store, keys=keys, turns=turns),
        acts=ActPages(acting=acting, store=store, keys=keys, turns=turns),
        configuration=ConfigurationPages(
            desk=ConfigurationDesk(host=monitor, read_file=read_file), store=store, keys=keys, turns=reading
        ),
    )


def read_credentials(store: Store) -> Sequence[Credential]:
    """Return the tokens and sessions as the store has them now."""
    with store.read() as reader:
        return reader.credentials()


def _find(monitor: Host, notice: str, token: str) -> AckLink:
    with monitor.store.read() as reader:
        return find_link(reader, notice, token, monitor.clock())


def _press(monitor: Host, notice: str, token: str, *, by: str, via: Mapping[str, str], note: str) -> Event:
    return monitor.attendant.acknowledge_by_link(notice, token, by=by, via=via, note=note)


def _zone(monitor: Host) -> ZoneInfo | None:
    name = monitor.settings.notify.timezone
    return ZoneInfo(name) if name else None


def listen(host: str, port: int) -> socket.socket:
    """Take the address; from here on connections wait instead of being refused.

    Raises:
        MonitorError: it is taken, is none of this machine's, or may not be taken by this user.
    """
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        # A name may stand for both; clients that are told "localhost" try the other one as well.
        family, *_, address = min(addresses, key=lambda one: one[0] is not socket.AF_INET)
        listener = socket.create_server(address[:2], family=family, backlog=BACKLOG)
        # Connections inherit it. asyncio would set it, but only where the protocol of the socket is named, and here it
        # is not; without it a body waits 40 ms for the acknowledgement of its headers.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        raise MonitorError(f"The HTTP server cannot listen on {host}:{port}: {_why(error)}.") from error


def _why(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            'another program does, perhaps a second monitor; set web.listen to another port, or to "" for no HTTP '
            "server"
        )
    if error.errno == errno.EACCES:
        return "ports below 1024 are not for this user; set web.listen to a higher one"
    return f"{error.strerror}; set web.listen to an address of this machine"
