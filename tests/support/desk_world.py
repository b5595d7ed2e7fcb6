"""A registry with a paused entry, over which the API and the pages are tested."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from pipeline_world import LUNA, VIA, World, furnish, world_of
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from monitor.web.access import ANYBODY, Visitor, admit
from monitor.web.api.service import Api


@contextmanager
def paused_world(*, by: str, note: str) -> Iterator[World]:
    """Provide a world in which a price rose and paused the entry, and somebody has acknowledged it."""
    with world_of() as made:
        furnish(made)
        made.activate()
        made.now += timedelta(hours=1)
        made.sources["page"].set(LUNA, input="2")
        made.polls(2, "page")
        made.use_cases().attendant.acknowledge("luna", by=by, note=note, via=VIA)
        yield made


def api_of(world: World) -> Api:
    """Return the API over a world, at the world's time."""
    return Api(store=world.store, configuration=lambda: world.conf, clock=lambda: world.now)


class Everybody:
    """Lets everybody read, as a server on loopback does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        admit(scope, Visitor(scopes=ANYBODY))
        await self._app(scope, receive, send)


def client_of(*routes: Route) -> TestClient:
    """Return a client of an application with these routes, in which everybody may read."""
    return TestClient(Starlette(routes=routes, middleware=[Middleware(Everybody)]))


def path_of(path: str, world: World) -> str:
    """Return a path at which there is something."""
    with world.store.read() as reader:
        notice = reader.deliveries()[0].notice
        evidence = next(recorded.event.evidence for recorded in reader.events() if recorded.event.evidence)
    known = {"position": "1", "id": notice, "name": "luna", "key": "page" if "sources" in path else "luna"}
    known["hash"] = evidence
    for name, value in known.items():
        path = path.replace(f"{{{name}}}", value)
    return path
