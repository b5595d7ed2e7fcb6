"""The servers of the gate's bench: the monitor's own over a registry in memory, and beside it a route that returns a
constant.

Both on the same HTTP server with the same settings. Prints the two ports and serves until it is ended.
"""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime, timedelta

import uvicorn
from _common import ROOT
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.core.configuration import Configuration, GateRules
from monitor.core.entry import Status
from monitor.core.events import LogHead
from monitor.gate.decision import Standing
from monitor.gate.uses import Uses
from monitor.web.app import Endpoints
from monitor.web.memory import RegistryCache, RegistrySnapshot
from monitor.web.server import Server, listen

ENTRIES = 20
CONSTANT = b'{"key": "entry-0", "value": true, "reason": "TARGETING_MATCH", "variant": "active"}'


def standings() -> dict[str, Standing]:
    """Return what a team of twenty entries has."""
    later = datetime.now(UTC) + timedelta(days=1)
    return {
        f"entry-{n}": Standing(
            key=f"entry-{n}",
            name=f"Entry {n}",
            model_ids=(f"model-{n}",),
            model_id=f"model-{n}",
            status=Status.ACTIVE,
            position=n + 1,
            access_until=later,
            price_until=later,
        )
        for n in range(ENTRIES)
    }


def ours() -> Server:
    """Return the monitor's server; its registry never moves."""
    registry, configuration = standings(), Configuration(gate=GateRules())
    endpoints = Endpoints(
        memory=RegistryCache(
            read=lambda configuration: RegistrySnapshot(
                standings=registry, head=LogHead("bench", 1, ENTRIES), configuration=configuration
            ),
            head=lambda: ENTRIES,
            configuration=lambda: configuration,
        ),
        clock=lambda: datetime.now(UTC),
        working=lambda: True,
        probe=lambda: None,
        metrics=str,
        uses=Uses(lambda: configuration.gate.environments),
    )
    return Server(endpoints, listen("127.0.0.1", 0), lambda reference: reference, lambda: None)


async def constant(request: Request) -> Response:
    return Response(CONSTANT, media_type="application/json")


def bare() -> socket.socket:
    """Return a Starlette route and nothing else."""
    listener = listen("127.0.0.1", 0)
    app = Starlette(routes=[Route("/flags/{key:path}", constant, methods=["POST"])])
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
    )
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
    return listener


if __name__ == "__main__":
    assert ROOT.is_dir()
    server = ours()
    server.start()
    print(server.url.rpartition(":")[2], bare().getsockname()[1], flush=True)
    threading.Event().wait()
