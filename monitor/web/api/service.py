"""Answers the questions of the API: each in one reading of the store, in threads of its own, so that slow questions
never hold up the gate.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import partial
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from monitor.core.configuration import Configuration
from monitor.core.credentials import AccessScope
from monitor.core.events import record
from monitor.core.ports import Clock, MonitorError, Refused, Store
from monitor.web.access import ScopedRoute
from monitor.web.api.description import description
from monitor.web.api.parameters import MalformedQuestion, OfEvents, read_query
from monitor.web.api.resources import GATE, RESOURCES, Desk, RefusedParts, Resource, page_of_log
from monitor.web.responses import dumped, problem

PATIENCE = 10.0
"""Seconds that a question may take."""

THREADS = 4
"""Questions that are read at a time."""

STREAM = 25.0
"""Seconds that a stream of events lasts. Its reader comes back by itself, from the event that it had last: so what a
connection may take stays bounded.
"""

STEP = 1.0
"""Seconds between two questions whether the log grew."""

PAGE = 200
"""Events of a stream that are read at a time."""

HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Api:
    """What the API answers from. The configuration and the zone are others after a reload, so both are asked for."""

    store: Store
    configuration: Callable[[], Configuration]
    clock: Clock
    zone: Callable[[], tzinfo | None] = lambda: None
    refused: RefusedParts | None = None
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(THREADS, thread_name_prefix="read"), repr=False
    )

    def routes(self, *, gate: bool = True) -> list[Route]:
        """Return the paths, the description among them; without that of the `gate` where it answers itself."""
        described, read = dumped(description()), partial(ScopedRoute, needs=AccessScope.READ)
        return [
            read("/openapi.json", lambda request: Response(described, headers=HEADERS)),
            *(
                read(typed_path(resource.path), partial(self.answer, resource))
                for resource in RESOURCES
                if gate or resource is not GATE
            ),
        ]

    async def read(self, question: Callable[[Desk], T]) -> T:
        """Answer a question from one reading of the store.

        Raises:
            MonitorError: the store cannot be read, or not in time.
        """

        def within() -> T:
            with self.store.read() as reader:
                return question(
                    Desk(
                        reader=reader,
                        configuration=self.configuration(),
                        now=self.clock(),
                        zone=self.zone(),
                        refused=self.refused,
                    )
                )

        running = asyncio.get_running_loop().run_in_executor(self._threads, within)
        try:
            return await asyncio.wait_for(running, PATIENCE)
        except TimeoutError:
            raise MonitorError("The database does not answer in time: see `access-monitor status`.") from None

    async def answer(self, resource: Resource, request: Request) -> Response:
        """Answer a question to a resource, or say in one sentence why not."""
        try:
            parameters = read_query(resource.query, request.query_params.multi_items())
            if isinstance(parameters, OfEvents) and "text/event-stream" in request.headers.get("accept", ""):
                return self._stream(request, parameters)
            content = await self.read(
                lambda desk: resource.adapter.dump_json(
                    resource.adapter.validate_python(resource.read(desk, request.path_params, parameters)),
                    by_alias=True,
                )
            )
        except MonitorError as error:
            return refusal(error)
        return Response(content, headers=HEADERS)

    def _stream(self, request: Request, parameters: OfEvents) -> Response:
        last = request.headers.get("last-event-id", "")
        if last.isdecimal():
            parameters = parameters.model_copy(update={"after": int(last)})
        if parameters.newest or parameters.until or parameters.before:
            raise MalformedQuestion("A stream has no end and goes forward: leave newest, until and before out.")
        return StreamingResponse(
            self._events(parameters), headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )

    async def _events(self, parameters: OfEvents) -> AsyncIterator[bytes]:
        """Yield events as they are recorded: those after the position that was named, else from now on. Where the store
        cannot be read any more, that is said and the stream ends; an `EventSource` tries again.
        """
        until = asyncio.get_running_loop().time() + STREAM
        yield b"retry: 1000\n\n"
        try:
            after = parameters.after
            if after is None:
                after = await self.read(lambda desk: desk.reader.head())
            while asyncio.get_running_loop().time() < until:
                head, page = await self.read(partial(_following, parameters=parameters, after=after))
                for document in page:
                    yield _as_sse(document)
                after = max(after, int(str(page[-1]["position"])) if len(page) == PAGE else head)
                if len(page) < PAGE:
                    await asyncio.sleep(STEP)
        except MonitorError as error:
            yield f"event: trouble\ndata: {json.dumps({'detail': str(error)}, ensure_ascii=False)}\n\n".encode()


def refusal(error: MonitorError) -> Response:
    """Return why there is no answer: the sentence that the command would print."""
    if isinstance(error, MalformedQuestion):
        return problem(400, str(error))
    if isinstance(error, Refused):
        return problem(404, error.sentence)
    return problem(503, str(error))


def _following(desk: Desk, *, parameters: OfEvents, after: int) -> tuple[int, list[dict[str, object]]]:
    """Return the last position, and what matches after a position: at most a page."""
    head = desk.reader.head()
    if head <= after:
        return head, []
    page, _ = page_of_log(desk, parameters.model_copy(update={"after": after, "limit": PAGE}))
    return head, [record(recorded) for recorded in page]


def _as_sse(document: dict[str, object]) -> bytes:
    data = json.dumps(document, ensure_ascii=False)
    return f"id: {document['position']}\nevent: {document['type']}\ndata: {data}\n\n".encode()


def typed_path(path: str) -> str:
    """Return a path with what its parameters may be: a position is a number; a model id, the key of a source and what
    the gate is asked for may hold slashes.
    """
    path = path.replace("{position}", "{position:int}").replace("{name}", "{name:path}")
    for room in ("gate", "sources"):
        path = path.replace(f"/{room}/{{key}}", f"/{room}/{{key:path}}")
    return path
