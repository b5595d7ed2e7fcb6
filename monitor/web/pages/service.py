"""Serves the pages, their style and script, and stored evidence, which is offered as a download alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.core.credentials import AccessScope
from monitor.core.ports import MonitorError, Refused
from monitor.web.access import FormKeys, ScopedRoute
from monitor.web.api.parameters import MalformedQuestion, read_query
from monitor.web.api.resources import Desk
from monitor.web.api.service import Api, typed_path
from monitor.web.pages.configuration import PATH as CONFIGURATION
from monitor.web.pages.frame import HEADERS, STATIC, as_page, drawn, environment, refused_page, static
from monitor.web.pages.views import PAGES, PageSpec


@dataclass(frozen=True, slots=True)
class PageFailure:
    """Why there is no page."""

    status: int
    title: str
    detail: str


class Pages:
    """The pages over what the API reads."""

    def __init__(self, api: Api, keys: FormKeys | None = None) -> None:
        self._api = api
        self._keys = keys
        environment().globals["pages"] = [
            *((page.path, page.nav) for page in PAGES if page.nav),
            (CONFIGURATION, "Configuration"),
        ]

    def routes(self) -> list[Route]:
        """Return their paths."""
        read = partial(ScopedRoute, needs=AccessScope.READ, answer=refused_page)
        return [
            *(read(typed_path(page.path), partial(self._page, page)) for page in PAGES),
            read("/evidence/{hash}", self._evidence),
            ScopedRoute("/static/{name}", self._asset, needs=None),
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
            return self._problem(request, page_failure(error))
        return as_page(content)

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
        return drawn(page.template, {**frame, **page.build(desk, request.path_params, parameters)}, request, self._keys)

    def _problem(self, request: Request, failure: PageFailure) -> Response:
        values = {"title": failure.title, "detail": failure.detail, "now": self._api.clock()}
        return as_page(drawn("problem.html", values, request, self._keys), failure.status)

    async def _evidence(self, request: Request) -> Response:
        """`GET /evidence/{hash}`: the bytes that a source sent, as a download, since they are anybody's."""
        hash = request.path_params["hash"]
        try:
            body = await self._api.read(lambda desk: desk.reader.evidence(hash))
        except MonitorError as error:
            return self._problem(request, page_failure(error))
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
        if name not in STATIC:
            return Response("There is no such file.\n", 404, HEADERS)
        headers = {**HEADERS, "Content-Type": STATIC[name], "Cache-Control": "public, max-age=31536000, immutable"}
        return Response(static(name), headers=headers)


def page_failure(error: MonitorError) -> PageFailure:
    """Return what a page says where it cannot be shown."""
    if isinstance(error, MalformedQuestion):
        return PageFailure(400, "This cannot be asked", error.sentence)
    if isinstance(error, Refused):
        return PageFailure(404, "There is no such thing", error.sentence)
    return PageFailure(503, "The monitor cannot answer now", error.sentence)
