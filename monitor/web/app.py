"""Paths, methods, headers and status codes. What the answers say is worked out in the modules beside this one.

Every body is JSON but that of `/metrics`, errors included: clients parse before they look at the status. A denial is
200; a request is never told to slow down (429), because OFREP clients then stop asking and answer by themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from monitor.core.credentials import AccessScope
from monitor.core.ports import PUBLISHING, STORING, Clock, Trouble
from monitor.gate.client.signature import HEADER
from monitor.gate.client.verdict import PRODUCTION
from monitor.gate.github import PATH as GITHUB
from monitor.gate.github import Reviews
from monitor.gate.uses import Uses
from monitor.web import metrics, ofrep
from monitor.web.access import FormKeys, ScopedRoute, refusal_of, refused, visitor_of
from monitor.web.ack import PATH as ACK
from monitor.web.ack import AckPage, page
from monitor.web.answers import UNKNOWN, GateRequest, GateResult, as_json, decided, lifecycle_headers
from monitor.web.api.resources import GATE
from monitor.web.api.service import Api
from monitor.web.credentials import CredentialCache
from monitor.web.desk import DeskPages
from monitor.web.door import AccessRules, Door
from monitor.web.feeds import Feeds
from monitor.web.forms import OversizedBody, body_of
from monitor.web.leases import LeaseDocument, Leases
from monitor.web.memory import PROMPT, RegistryCache
from monitor.web.pages.service import Pages
from monitor.web.responses import as_response, dumped, problem, tagged
from monitor.web.tokens import Tokens

LARGEST = 64 * 1024
"""Bytes of a request's body; a context is a few words."""

LARGEST_FORM = 8 * 1024
"""Bytes of the form on the page of a link."""

LARGEST_DELIVERY = 2 * 1024 * 1024
"""Bytes of what GitHub tells about a deployment, which names its whole repository."""

OPEN = ("/healthz", "/readyz")
"""What an orchestrator asks, which carries no token; the answers name nothing."""

SIGNED = (GITHUB,)
"""What carries a signature instead of a token, and is refused without a right one."""

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Endpoints:
    """What the paths answer from. `working` says whether polls and deliveries go on, `troubles` what else the daemon
    cannot do; `probe` and `metrics` read the store and may block.
    """

    memory: RegistryCache
    clock: Clock
    working: Callable[[], bool]
    probe: Callable[[], object]
    metrics: Callable[[bool], str]
    uses: Uses = field(default_factory=lambda: Uses(tuple))
    troubles: Callable[[], Mapping[str, Trouble]] = dict
    tokens: Tokens = field(default_factory=Tokens)
    origins: Collection[str] = ()
    leases: Leases = field(default_factory=Leases)
    reviews: Reviews | None = None
    ack: AckPage | None = None
    api: Api | None = None
    access: AccessRules = field(default_factory=AccessRules)
    credentials: CredentialCache | None = None
    desk: DeskPages | None = None
    keys: FormKeys = field(default_factory=FormKeys)

    async def gate(self, request: Request) -> Response:
        """`GET /v1/gate/{key}`: 200 for yes and no alike."""
        parameters = request.query_params
        if "at" in parameters and self.api is not None:
            refusal = refusal_of(visitor_of(request.scope), AccessScope.READ)  # what was answered is in the log
            return await self.api.answer(GATE, request) if refusal is None else refused(request, refusal)
        asking = GateRequest(
            environment=parameters.get("env") or PRODUCTION,
            caller=parameters.get("caller", ""),
            surface=parameters.get("surface", ""),
        )
        result, headers = await self._decided(request.path_params["key"], asking)
        return as_response(as_json(result.answer), headers=headers)

    async def flag(self, request: Request) -> Response:
        """OFREP, one flag."""
        key = request.path_params["key"]
        try:
            asking = ofrep.parse(await _context(request))
        except ofrep.Malformed as malformed:
            return as_response(ofrep.failure(malformed.code, malformed.details, key), malformed.status)
        result, headers = await self._decided(key, asking)
        return as_response(ofrep.evaluation(result), headers=headers)

    async def _decided(self, key: str, asking: GateRequest) -> tuple[GateResult, Mapping[str, str]]:
        """Return an answer, and the headers that say when its model ends."""
        view = await self.memory.view()
        now = self.clock()
        result = decided(view, key, asking, now)
        if result.variant != UNKNOWN:  # that is our own trouble, and says nothing about who uses what
            self.uses.note(result.answer, result.row, asking.environment, asking.caller, now)
        return result, lifecycle_headers(view, result)

    async def flags(self, request: Request) -> Response:
        """OFREP, all flags; 304 where the caller has this answer."""
        try:
            asking = ofrep.parse(await _context(request))
        except ofrep.Malformed as malformed:
            return as_response(ofrep.failure(malformed.code, malformed.details), malformed.status)
        view = await self.memory.view()
        document, etag = ofrep.bulk(view, asking, self.clock())
        return tagged(request, dumped(document), etag)

    async def lease(self, request: Request) -> Response:
        """`GET /v1/lease/{env}.json`: the lease file."""
        lease = await self._leased(request)
        if isinstance(lease, Response):
            return lease
        return tagged(request, lease.content, lease.etag, {HEADER: lease.signature} if lease.signature else {})

    async def signature(self, request: Request) -> Response:
        """`GET /v1/lease/{env}.json.sig`: the signature of the lease file that is given now."""
        lease = await self._leased(request)
        if isinstance(lease, Response):
            return lease
        if not lease.signature:
            return problem(404, "Leases are not signed here: set gate.signing_key.")
        return Response(lease.signature + "\n", headers={"Content-Type": "text/plain", "Cache-Control": "no-cache"})

    async def _leased(self, request: Request) -> LeaseDocument | Response:
        environment = request.path_params["env"]
        view = await self.memory.view()
        lease = self.leases.of(environment, view, self.clock())
        if lease is not None:
            return lease
        if view.trouble:
            # No document can say this: one without flags makes clients answer by themselves, an error makes them keep
            # what they have.
            return problem(503, f"There is no lease to give: {view.trouble}")
        return problem(404, f"There is no lease of {environment}: gate.environments does not name it.")

    async def review(self, request: Request) -> Response:
        """`POST /v1/github/deployment-protection`: take the question; the answer is given elsewhere, by another
        request.
        """
        if self.reviews is None:
            return problem(404, "GitHub is not configured here: set github.webhook_secret and github.token.")
        try:
            body = await _body(request, LARGEST_DELIVERY)
        except ofrep.Malformed as malformed:
            return problem(400, malformed.details)
        status, details = self.reviews.take(request.headers, body)
        return as_response({"accepted": True, "details": details}, status) if status < 400 else problem(status, details)

    async def ack_shown(self, request: Request) -> Response:
        """`GET /ack/{notice}/{token}`: the page of a link in a message; nothing is changed."""
        return page(404, "Links are not served here.") if self.ack is None else await self.ack.show(request)

    async def ack_pressed(self, request: Request) -> Response:
        """`POST /ack/{notice}/{token}`: somebody has the pause in hand."""
        if self.ack is None:
            return page(404, "Links are not served here.")
        try:
            return await self.ack.take(request, await _body(request, LARGEST_FORM))
        except ofrep.Malformed:
            return page(400, "The form is too large: shorten the note.")

    async def ack_style(self, request: Request) -> Response:
        """`GET /ack/style.css`."""
        return page(404, "Links are not served here.") if self.ack is None else self.ack.style()

    async def alive(self, request: Request) -> Response:
        """`GET /healthz`: the process answers."""
        return as_response({"alive": True})

    async def ready(self, request: Request) -> Response:
        """`GET /readyz`: polling, storing and publishing, or 503."""
        try:
            await _aside(self.probe)
            storing = True
        except Exception:  # whatever it is that keeps the store from answering, it does not answer
            storing = False
        troubles = self.troubles()
        state = {
            "polling": self.working(),
            "storing": storing and STORING not in troubles,
            "publishing": PUBLISHING not in troubles,
        }
        ready = all(state.values())
        return as_response({"ready": ready, **state}, 200 if ready else 503)

    async def measure(self, request: Request) -> Response:
        """`GET /metrics`."""
        try:
            openmetrics = "application/openmetrics-text" in request.headers.get("accept", "")
            text = await _aside(partial(self.metrics, openmetrics))
        except TimeoutError:
            return problem(503, "The database does not answer: see `access-monitor status`.")
        return Response(text, headers={"Content-Type": metrics.CONTENT_TYPES[openmetrics], "Cache-Control": "no-store"})


def application(endpoints: Endpoints) -> Starlette:
    """Return the ASGI application. Every path says which scope it takes."""
    gate = partial(ScopedRoute, needs=AccessScope.GATE)
    anybody = partial(ScopedRoute, needs=None)
    app = Starlette(
        routes=[  # what is asked most stands first: they are tried in turn
            gate("/ofrep/v1/evaluate/flags/{key:path}", endpoints.flag, methods=["POST"]),
            gate("/v1/gate/{key:path}", endpoints.gate),
            gate("/v1/lease/{env}.json", endpoints.lease),
            gate("/v1/lease/{env}.json.sig", endpoints.signature),
            anybody(GITHUB, endpoints.review, methods=["POST"]),
            gate("/ofrep/v1/evaluate/flags", endpoints.flags, methods=["POST"]),
            anybody(f"{ACK}style.css", endpoints.ack_style),
            anybody(f"{ACK}{{notice:path}}/{{token}}", endpoints.ack_shown, methods=["GET"]),
            anybody(f"{ACK}{{notice:path}}/{{token}}", endpoints.ack_pressed, methods=["POST"]),
            *(anybody(path, endpoint) for path, endpoint in zip(OPEN, (endpoints.alive, endpoints.ready), strict=True)),
            ScopedRoute("/metrics", endpoints.measure, needs=AccessScope.READ),
            *(_desk(endpoints) if endpoints.api is not None else ()),
        ],
        middleware=[Middleware(Door, callers=endpoints, signed=SIGNED)],
        exception_handlers={HTTPException: _refused, ClientDisconnect: _left, Exception: _failed},
    )
    # A redirect makes of a POST a GET, which no client of the gate expects.
    app.router.redirect_slashes = False
    app.router.default = _nowhere
    return app


def _desk(endpoints: Endpoints) -> list[Route]:
    """Return what is read and done at the desk: the API, the pages over it, and what others follow."""
    assert endpoints.api is not None
    desk = () if endpoints.desk is None else endpoints.desk.routes()
    return [
        *desk,
        *endpoints.api.routes(gate=False),
        *Pages(endpoints.api, endpoints.keys).routes(),
        *Feeds(endpoints.api).routes(),
    ]


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a path that there is not; who may not read is not told which there are."""
    refusal = refusal_of(visitor_of(scope), AccessScope.READ)
    if refusal is None:
        raise HTTPException(404)
    await refused(Request(scope, receive), refusal)(scope, receive, send)


async def _context(request: Request) -> bytes:
    """Return the body of an OFREP request. Its type has to be named: the types that a page of any site may send are
    others.

    Raises:
        Malformed: it is of another type, or too large.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise ofrep.Malformed(
            ofrep.PARSE_ERROR, "The body is not JSON: send it as Content-Type: application/json.", 415
        )
    return await _body(request, LARGEST)


async def _body(request: Request, largest: int) -> bytes:
    """Return the body, of at most that many bytes.

    Raises:
        Malformed: it is larger; the rest is not read.
    """
    try:
        return await body_of(request, largest)
    except OversizedBody:
        details = f"The body is larger than {largest} bytes: send the context alone."
        raise ofrep.Malformed(ofrep.PARSE_ERROR, details) from None


async def _aside(act: Callable[[], T]) -> T:
    """Do what may block in a thread, and do not wait for long.

    Raises:
        TimeoutError: it takes too long.
    """
    return await asyncio.wait_for(asyncio.to_thread(act), PROMPT)


def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    path = request.url.path
    if error.status_code == 405:
        return problem(405, f"{request.method} is not for {path}: see the header Allow.", error.headers)
    paths = "the gate is /v1/gate/KEY, OFREP /ofrep/v1/evaluate/flags/KEY, what can be read stands in /openapi.json"
    return problem(error.status_code, f"There is nothing at {path}: {paths}.", error.headers)


def _left(request: Request, error: Exception) -> Response:
    """Nobody is there to read it; without this a client that went away would be logged as a defect."""
    return Response(status_code=400)


def _failed(request: Request, error: Exception) -> Response:
    return problem(500, "The monitor failed to answer: see its log.")
