"""The configuration at the desk: `GET /v1/configuration`, its page, and its acceptance by both."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydantic import Field, TypeAdapter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.audit.documents import of_loading
from monitor.core.credentials import AccessScope
from monitor.core.event_types import in_words
from monitor.core.events import Event
from monitor.core.ports import MonitorError, Store
from monitor.registry.configuration_acceptance import effect_in_words
from monitor.web.access import CSRF_FIELD, FORGED, FormKeys, ScopedRoute, Visitor, visitor_of
from monitor.web.api import act_service
from monitor.web.api.act_service import Turns, act_refusal, act_status, posted, recorded_events
from monitor.web.api.acts import AcceptConfigurationBody, in_fields, read_body
from monitor.web.api.models import ApiDocument, EventDocument
from monitor.web.configuration import ConfigurationDesk, LoadedConfiguration
from monitor.web.forms import OversizedBody, body_of, form_of
from monitor.web.pages import acts as act_pages
from monitor.web.pages.frame import as_page, drawn, refused_page
from monitor.web.responses import as_response

PATH = "/configuration"


class SettingDocument(ApiDocument):
    """One value in effect."""

    key: str
    value: Any
    origin: str


class LoadingDocument(ApiDocument):
    """What loading the file on disk would do; each of the three is entry → why."""

    position: int = Field(description="What `expect` of its acceptance takes.")
    pauses: dict[str, str]
    withdraws: dict[str, str]
    denies: dict[str, str]
    keep_deny: list[str]
    renames: list[dict[str, str]]
    accepted: dict[str, Any] | None
    changed: list[str] | None


class ConfigurationDocument(ApiDocument):
    """What is loaded, without secrets, and what loading the file on disk would do."""

    path: str
    version: str
    settings: list[SettingDocument]
    problems: list[str] = Field(description="Why the file on disk cannot be loaded.")
    sha256: str | None = Field(description="The hash of what the file and the environment come to.")
    loading: LoadingDocument | None


class AcceptedConfigurationDocument(ApiDocument):
    """An acceptance; without an event the file takes nothing from production and needs none."""

    dry_run: bool
    events: list[EventDocument]


CONFIGURATION: TypeAdapter[Any] = TypeAdapter(ConfigurationDocument)
ACCEPTED: TypeAdapter[Any] = TypeAdapter(AcceptedConfigurationDocument)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationPages:
    """Shows the configuration and takes its acceptance."""

    desk: ConfigurationDesk
    store: Store
    keys: FormKeys
    turns: Turns = field(default_factory=Turns)

    def routes(self) -> list[Route]:
        """Return the paths."""
        return [
            ScopedRoute("/v1/configuration", self._document, needs=AccessScope.READ),
            ScopedRoute("/v1/configuration/accept", self._accepted, needs=AccessScope.ADMIN, methods=["POST"]),
            ScopedRoute(PATH, self._page, needs=AccessScope.READ, answer=refused_page),
            ScopedRoute(PATH, self._sent, needs=AccessScope.ADMIN, methods=["POST"], answer=refused_page),
        ]

    async def _document(self, request: Request) -> Response:
        try:
            loaded = await self.turns.run(self.desk.look)
        except MonitorError as error:
            return act_refusal(error)
        document = {
            "path": loaded.path,
            "version": loaded.version,
            "settings": [row._asdict() for row in loaded.settings],
            "problems": list(loaded.problems),
            "sha256": loaded.sha256 or None,
            "loading": None if loaded.effect is None else of_loading(loaded.effect),
        }
        return as_response(CONFIGURATION.dump_python(CONFIGURATION.validate_python(document), mode="json"))

    async def _accepted(self, request: Request) -> Response:
        body = await posted(request, AcceptConfigurationBody, self.keys)
        if isinstance(body, Response):
            return body
        try:
            events = await self.turns.run(lambda: self._accept(body, visitor_of(request.scope), act_service.CHANNEL))
            recorded = recorded_events(self.store, events)
        except MonitorError as error:
            return act_refusal(error)
        document = {"dry_run": body.dry_run, "events": recorded}
        return as_response(ACCEPTED.dump_python(ACCEPTED.validate_python(document), mode="json"))

    def _accept(self, body: AcceptConfigurationBody, visitor: Visitor, channel: str) -> tuple[Event, ...]:
        if body.dry_run:
            self.desk.hold(body.sha256)
            return ()
        event = self.desk.accept(
            body.sha256, by=visitor.name, reason=body.reason, via=visitor.via(channel), expect=body.expect
        )
        return () if event is None else (event,)

    async def _page(self, request: Request) -> Response:
        return await self._shown(request)

    async def _sent(self, request: Request) -> Response:
        visitor = visitor_of(request.scope)
        try:
            form = dict(form_of(await body_of(request, act_pages.LARGEST)))
        except OversizedBody:
            return await self._shown(request, 413, "The form is too large: shorten the reason.")
        if not self.keys.holds(visitor, form.pop(CSRF_FIELD, "")):
            return await self._shown(request, 403, FORGED)
        try:
            body = read_body(AcceptConfigurationBody, {name: value for name, value in form.items() if value})
            events = await self.turns.run(lambda: self._accept(body, visitor, act_pages.CHANNEL))
        except MonitorError as error:
            return await self._shown(request, act_status(error), in_fields(str(error)))
        rows = [{"position": event.position, "type": event.type, "words": in_words(event)} for event in events]
        values = {"title": "Accept: done", "key": "", "events": rows}
        return as_page(drawn("act_done.html", values, request, self.keys))

    async def _shown(self, request: Request, status: int = 200, problem: str = "") -> Response:
        try:
            loaded = await self.turns.run(self.desk.look)
        except MonitorError as error:
            values = {"title": "The monitor cannot answer now", "detail": error.sentence}
            return as_page(drawn("problem.html", values, request, self.keys), 503)
        return as_page(drawn("configuration.html", _values(loaded) | {"problem": problem}, request, self.keys), status)


def _values(loaded: LoadedConfiguration) -> dict[str, Any]:
    effect = loaded.effect
    return {
        "title": "Configuration",
        "current": "Configuration",
        "loaded": loaded,
        "effect": effect,
        "sentences": [] if effect is None else effect_in_words(effect),
        "differences": [] if effect is None else effect.differences or (),
    }
