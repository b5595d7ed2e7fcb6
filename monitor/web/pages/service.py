"""Serves the pages, their style and script, and stored evidence.

Text of providers is untrusted everywhere: it is escaped, no page allows inline script or style, and evidence is offered
as a download alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.core.events import rfc3339
from monitor.core.moments import utc
from monitor.core.ports import MonitorError, Refused
from monitor.web.api.parameters import MalformedQuestion, read_query
from monitor.web.api.resources import Desk
from monitor.web.api.service import Api
from monitor.web.pages.views import PAGES, PageSpec, Values

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

_FRAME: Values = {
    "current": "",
    "of_now": True,
    "live": False,
    "at_text": "",
    "at_query": "",
    "at_asked": False,
    "then": None,
    "head": "unknown",
}
"""What a page stands in where nothing was read."""

_STATIC = {"app.css": "text/css; charset=utf-8", "app.js": "text/javascript; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class PageFailure:
    """Why there is no page."""

    status: int
    title: str
    detail: str


class Pages:
    """The pages over what the API reads."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._static = {name: (files("monitor.web.pages") / "static" / name).read_bytes() for name in _STATIC}
        self._environment = Environment(
            loader=PackageLoader("monitor.web.pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        self._environment.filters |= {"utc": _utc, "iso": _iso, "pretty": _pretty}
        self._environment.globals |= {"pages": PAGES, "stamp": _stamp(self._static)}

    def routes(self) -> list[Route]:
        """Return their paths."""
        return [
            *(Route(page.path.replace("{position}", "{position:int}"), partial(self._page, page)) for page in PAGES),
            Route("/evidence/{hash}", self._evidence),
            Route("/static/{name}", self._asset),
        ]

    async def _page(self, page: PageSpec, request: Request) -> Response:
        query_items = request.query_params.multi_items()
        asks_time = "at" in page.query.model_fields
        at_text = next((value for name, value in query_items if name == "at"), "")
        try:
            fields = [(name, value) for name, value in query_items if value and (name != "at" or asks_time)]
            parameters = read_query(page.query, fields)
            content = await self._api.read(partial(self._drawn, page, request, parameters, at_text))
        except MonitorError as error:
            return self._problem(request, _failure(error))
        return self._response(content)

    def _drawn(self, page: PageSpec, request: Request, parameters: Any, at_text: str, desk: Desk) -> str:
        at = getattr(parameters, "at", None)
        then = None if at is None else at.resolve(desk.now)
        frame = {
            "title": page.title,
            "current": page.nav,
            "of_now": "at" not in page.query.model_fields,
            "live": page.live,
            "at_text": at_text if then else "",
            "at_query": f"?{urlencode({'at': at_text})}" if then else "",
            "at_asked": bool(at_text),
            "then": then,
            "now": desk.now,
            "head": desk.reader.head(),
        }
        return self._rendered(page.template, request, {**frame, **page.build(desk, request.path_params, parameters)})

    def _rendered(self, template: str, request: Request, values: Values) -> str:
        return self._environment.get_template(template).render(_FRAME | {"here": request.url.path} | values)

    def _problem(self, request: Request, failure: PageFailure) -> Response:
        values = {"title": failure.title, "detail": failure.detail, "now": self._api.clock()}
        return self._response(self._rendered("problem.html", request, values), failure.status)

    def _response(self, content: str, status: int = 200) -> Response:
        return Response(
            content.encode(errors="replace"), status, {**HEADERS, "Content-Type": "text/html; charset=utf-8"}
        )

    async def _evidence(self, request: Request) -> Response:
        """`GET /evidence/{hash}`: the bytes that a source sent, as a download, since they are anybody's."""
        hash = request.path_params["hash"]
        try:
            body = await self._api.read(lambda desk: desk.reader.evidence(hash))
        except MonitorError as error:
            return self._problem(request, _failure(error))
        if body is None:
            return self._problem(request, PageFailure(404, "No such evidence", f"No evidence {hash} is stored."))
        name = f"evidence-{hash.removeprefix('sha256:')[:12]}.txt"
        return Response(
            body.content,
            headers={
                **HEADERS,
                "Content-Type": "application/octet-stream",
                "Content-Disposition": f'attachment; filename="{name}"',
            },
        )

    async def _asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._static:
            return Response("There is no such file.\n", 404, HEADERS)
        headers = {**HEADERS, "Content-Type": _STATIC[name], "Cache-Control": "public, max-age=31536000, immutable"}
        return Response(self._static[name], headers=headers)


def _failure(error: MonitorError) -> PageFailure:
    if isinstance(error, MalformedQuestion):
        return PageFailure(400, "This cannot be asked", error.sentence)
    if isinstance(error, Refused):
        return PageFailure(404, "There is no such thing", error.sentence)
    return PageFailure(503, "The monitor cannot answer now", error.sentence)


def _utc(at: datetime | str) -> str:
    return utc(datetime.fromisoformat(at) if isinstance(at, str) else at)


def _iso(at: datetime | str) -> str:
    return at if isinstance(at, str) else rfc3339(at)


def _pretty(document: Mapping[str, object]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2)


def _stamp(static: Mapping[str, bytes]) -> str:
    """Return what changes when a file does, so that browsers may keep each for good."""
    return sha256(b"".join(static.values())).hexdigest()[:12]
