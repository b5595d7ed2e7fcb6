"""The HTTP side of the monitor over a registry that a test of the documentation writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from monitor.core.configuration import Configuration, GateRules
from monitor.core.entry import Status
from monitor.core.events import LogHead
from monitor.core.ports import Unavailable
from monitor.gate.client import clock
from monitor.gate.decision import Standing
from monitor.web.app import Endpoints
from monitor.web.memory import RegistryCache, RegistrySnapshot
from monitor.web.server import Server, listen
from monitor.web.tokens import Tokens

TOKEN = "a-token-of-the-test"
CONFIGURATION = Configuration(gate=GateRules(environments=("production", "staging"), lease=timedelta(hours=6)))


def standing(key: str, status: Status, fallback: str = "") -> Standing:
    until = clock.now() + timedelta(hours=1)
    return Standing(
        key=key,
        name=key,
        model_ids=(key,),
        surface="openai",
        base_url="https://api.openai.com/v1",
        status=status,
        position=17,
        reason="",
        fallback=fallback,
        access_until=until,
        price_until=until,
    )


ENTRIES = (
    standing("gpt-5.6-luna", Status.PAUSED, "gpt-5.4-mini"),
    standing("gpt-5.4-mini", Status.ACTIVE),
    standing("gpt-5.6-sol", Status.EVALUATING),
    standing("gpt-5.6-terra", Status.EVALUATING),
)


class Registry:
    """What the server reads; `away` is a database that cannot be read."""

    def __init__(self, entries: Sequence[Standing] = ENTRIES) -> None:
        self.standings = {one.key: one for one in entries}
        self.position = 17
        self.away = False

    def head(self) -> int:
        if self.away:
            raise Unavailable("The database is away.")
        return self.position

    def view(self, configuration: Configuration) -> RegistrySnapshot:
        return RegistrySnapshot(
            standings=self.standings, head=LogHead("log-1", 1, self.head()), configuration=configuration
        )


def endpoints(registry: Registry, *tokens: str) -> Endpoints:
    return Endpoints(
        memory=RegistryCache(registry.view, registry.head, lambda: CONFIGURATION),
        clock=clock.now,
        working=lambda: True,
        probe=registry.head,
        metrics=lambda _: "access_monitor_store_up 1\n",
        tokens=Tokens(tokens),
    )


@contextmanager
def answering(registry: Registry, *tokens: str) -> Iterator[str]:
    """Provide the root URL of a server that answers until the end of the block."""
    listener = listen("127.0.0.1", 0)
    server = Server(endpoints(registry, *tokens), listener, lambda reference: reference, lambda: None)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()
        assert not server.alive
