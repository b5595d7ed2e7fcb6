"""A real HTTP server over a registry that the test writes, at a time that the test sets."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Any

import httpx2
from gate_examples import ENVIRONMENTS, LEASE, NOW, at_position, registry, spared, standing

from monitor.core.configuration import Configuration, GateRules
from monitor.core.entry import Status
from monitor.gate.decision import Standing
from monitor.gate.uses import Uses
from monitor.web.app import Endpoints
from monitor.web.leases import Leases
from monitor.web.memory import RegistryCache, RegistrySnapshot
from monitor.web.server import Server, listen
from monitor.web.tokens import Tokens

REGISTERED = registry(
    standing("luna"),
    spared("sol", fallback="terra"),
    standing("terra", model_ids=("shared",)),
    standing("nova", status=Status.EVALUATING, model_ids=("shared", "openai/gpt-4o")),
    standing("old", status=Status.ACTIVE, access_until=NOW),
)


JSON = {"Content-Type": "application/json"}
"""What an OFREP request has to be; a page of another site cannot send it."""


class World:
    """`now` is the time of day, `elapsed` that of intervals; a `broken` store raises what stands there."""

    def __init__(self) -> None:
        self.reset()
        self.endpoints = Endpoints(
            memory=self._memory(),
            clock=lambda: self.now,
            working=lambda: self.working,
            probe=self._probe,
            metrics=lambda _: "access_monitor_store_up 1\n",
        )
        self.server = Server(self.endpoints, listen("127.0.0.1", 0), lambda reference: reference, lambda: None)
        self.http = httpx2.Client(base_url=self.server.url, trust_env=False, timeout=10)

    def reset(self) -> None:
        """Set the registry and the times that a test begins with."""
        self.standings: dict[str, Standing] = dict(REGISTERED)
        self.position = 42
        self.now: datetime = NOW
        self.elapsed = 100.0
        self.broken: Exception | None = None
        self.working = True
        self.reads = 0
        self.configuration = Configuration(gate=GateRules(environments=ENVIRONMENTS, lease=LEASE))

    def forget(self) -> None:
        """As after a start."""
        self.reset()
        self.endpoints.memory = self._memory()
        self.endpoints.leases = Leases()
        self.endpoints.tokens = Tokens()
        self.endpoints.uses = Uses(lambda: ENVIRONMENTS)
        self.endpoints.reviews = None

    def _memory(self) -> RegistryCache:
        return RegistryCache(self._read, self._head, lambda: self.configuration, lambda: self.elapsed)

    def __enter__(self) -> World:
        self.server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()
        self.server.stop()
        assert not self.server.alive

    def _probe(self) -> None:
        if self.broken is not None:
            raise self.broken

    def _head(self) -> int:
        self._probe()
        return self.position

    def _read(self, configuration: Configuration) -> RegistrySnapshot:
        self._probe()
        self.reads += 1
        return RegistrySnapshot(
            standings=dict(self.standings), head=at_position(self.position), configuration=configuration
        )

    # -- what happens --------------------------------------------------------

    def commit(self, *standings: Standing) -> None:
        """Somebody commits; a second later the server may know."""
        self.standings |= registry(*standings)
        self.position += 1
        self.elapsed += 1

    def reconfigure(self, **rules: Any) -> None:
        self.configuration = replace(self.configuration, gate=replace(self.configuration.gate, **rules))

    def protect(self, *tokens: str) -> None:
        self.endpoints.tokens = Tokens(tokens)

    # -- what is asked -------------------------------------------------------

    def gate(self, key: str, **asked: str) -> dict[str, Any]:
        """Return the answer of the gate; it is 200, whatever it says."""
        response = self.http.get(f"/v1/gate/{key}", params=asked)
        assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
        answer: dict[str, Any] = response.json()
        return answer

    def ofrep(self, key: str, **context: object) -> dict[str, Any]:
        """Ask for one evaluation."""
        response = self.http.post(f"/ofrep/v1/evaluate/flags/{key}", json={"context": context})
        assert response.status_code == 200
        answer: dict[str, Any] = response.json()
        return answer

    def bulk(self, **context: object) -> list[dict[str, Any]]:
        """Return all evaluations."""
        response = self.http.post("/ofrep/v1/evaluate/flags", json={"context": context})
        assert response.status_code == 200
        flags: list[dict[str, Any]] = response.json()["flags"]
        return flags
