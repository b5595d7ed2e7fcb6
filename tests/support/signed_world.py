"""A monitor whose desk people sign in to: the whole HTTP application over a world, without a socket."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from desk_world import paused_world
from pipeline_world import VIA, World
from starlette.testclient import TestClient

from monitor.app.attaching import attestation_of
from monitor.core.configuration import Configuration
from monitor.core.credentials import AccessScope
from monitor.core.events import Event
from monitor.core.ports import Source, Store
from monitor.gate.recency import Recency
from monitor.registry.acknowledging import Attendant
from monitor.registry.acts import Acts, Attestation, AttestationRequest
from monitor.registry.configuration_acceptance import LoadingEffect
from monitor.registry.credentials import Credentials
from monitor.registry.unit_of_work import Rehearsal
from monitor.settings import Settings, load
from monitor.web.api.service import Api
from monitor.web.app import Endpoints, application
from monitor.web.credentials import CredentialCache
from monitor.web.memory import RegistryCache, read_head, read_view
from monitor.web.ports import Host
from monitor.web.server import access_rules, desk_pages, read_credentials
from monitor.web.tokens import Tokens

LOCAL = "http://localhost:8787"


class HostOfWorld:
    """A world as the web sees its monitor."""

    def __init__(self, world: World, settings: Settings, secrets: Mapping[str, str]) -> None:
        self.world = world
        self.settings = settings
        self.secrets = secrets

    @property
    def store(self) -> Store:
        return self.world.store

    @property
    def configuration(self) -> Configuration:
        return self.world.conf

    @property
    def attendant(self) -> Attendant:
        return self.world.use_cases().attendant

    @property
    def credentials(self) -> Credentials:
        return self.world.use_cases().credentials

    @property
    def acts(self) -> Acts:
        return self.world.use_cases().acts

    def attestation(self, request: AttestationRequest) -> Attestation:
        return attestation_of(request, self.settings.logging, self.world.now)

    def rehearse(self, act: Callable[[Acts], object]) -> Rehearsal:
        return self.world.use_cases().rehearse(lambda use_cases: act(use_cases.acts))

    def clock(self) -> datetime:
        return self.world.now

    def secret(self, reference: str) -> str:
        return self.secrets[reference]

    def source(self, key: str) -> Source:
        return self.world.sources[key]

    def poll_first(self, key: str, max_age: timedelta) -> Recency:
        raise AssertionError("a world is not polled by its server")

    def assess(self, settings: Settings) -> LoadingEffect:
        return LoadingEffect(position=self.world.head, differences=(), taken=(), acceptance=None)

    def accept(
        self, settings: Settings, *, by: str, reason: str, via: Mapping[str, str], expect: int | None
    ) -> Event | None:
        return None


class SignedDesk:
    """The application over a monitor; what was read of tokens is read anew for each request."""

    def __init__(self, host: Host, read_file: Callable[[], Settings], secret: Callable[[str], str]) -> None:
        settings, store = host.settings, host.store
        self.host = host
        self.elapsed = 0.0
        self.endpoints = Endpoints(
            memory=RegistryCache(
                read=lambda conf: read_view(store, conf, host.clock()),
                head=lambda: read_head(store),
                configuration=lambda: host.configuration,
            ),
            clock=host.clock,
            working=lambda: True,
            probe=lambda: None,
            metrics=lambda _: "access_monitor_store_up 1\n",
            tokens=Tokens(map(secret, settings.web.tokens)),
            origins=settings.web.origins,
            access=access_rules(settings),
            credentials=CredentialCache(lambda: read_credentials(store), host.clock, self.tick),
            api=Api(store=store, configuration=lambda: host.configuration, clock=host.clock),
        )
        self.endpoints.desk = desk_pages(host, self.endpoints, read_file)
        self.app = application(self.endpoints)

    def tick(self) -> float:
        """Return a second more each time."""
        self.elapsed += 1
        return self.elapsed

    def client(self, *, base: str = LOCAL, address: str = "127.0.0.1", **headers: str) -> TestClient:
        """Return a client of its own: with a jar of cookies, at an address, with headers of every request."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return TestClient(self.app, base_url=base, client=(address, 40000), headers=named, follow_redirects=False)

    def token(self, name: str, *scopes: AccessScope, until: datetime | None = None) -> str:
        """Make a token and return its secret."""
        return self.host.credentials.add(name, scopes, until=until, by="root", via=VIA).secret

    def bearer(self, name: str, *scopes: AccessScope) -> TestClient:
        """Return a client that sends a new token."""
        return self.client(Authorization=f"Bearer {self.token(name, *scopes)}")

    def signed_in(self, name: str, *scopes: AccessScope) -> TestClient:
        """Return a browser in which somebody has signed in by a new token."""
        browser = self.client()
        answer = browser.post("/signin", data={"token": self.token(name, *scopes)})
        assert answer.status_code == 303, answer.text
        return browser


class SignedWorld(SignedDesk):
    """The application over a world, at the world's time."""

    def __init__(self, world: World, folder: Path, web: str = "", secrets: Mapping[str, str] | None = None) -> None:
        file = folder / "monitor.toml"
        file.write_text(f"[web]\n{web}\n")
        self.world = world
        host = HostOfWorld(world, load(file, {}), secrets or {})
        super().__init__(host, lambda: load(file, {}), host.secret)


@contextmanager
def signed_world(
    folder: Path, web: str = "", secrets: Mapping[str, str] | None = None, note: str = ""
) -> Iterator[SignedWorld]:
    """Provide the desk over a world in which a price rose and paused an entry."""
    with paused_world(by="ann", note=note) as world:
        yield SignedWorld(world, folder, web, secrets)


class Form(HTMLParser):
    """The fields of a form on a page, as a browser would send them."""

    def __init__(self, page: str, id: str) -> None:
        super().__init__()
        self._id = id
        self._inside = False
        self.action = ""
        self.fields: dict[str, Any] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "form":
            self._inside = named.get("id") == self._id
            self.action = (named.get("action") or "") if self._inside else self.action
        elif self._inside and tag == "input" and named.get("type") != "checkbox" and named.get("name"):
            self.fields[str(named["name"])] = named.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False


def csrf_of(browser: TestClient) -> str:
    """Return what the requests of a browser have to carry."""
    return str(browser.get("/v1/session").json()["csrf"])


def ids_of(page: str) -> set[str]:
    """Return the ids of a page."""
    return set(re.findall(r' id="([^"]+)"', page))
