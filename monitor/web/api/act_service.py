"""Serves the acts of the API: `POST /v1/entries/{key}/ACT` and `POST /v1/changes/{position}/release`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeVar

from pydantic import Field, TypeAdapter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.audit.documents import of_acceptance
from monitor.core.credentials import AccessScope
from monitor.core.event_types import in_words
from monitor.core.events import Event, record
from monitor.core.ports import MonitorError, Refused, Store
from monitor.registry.acts import ActTarget, IncompleteAct
from monitor.registry.lookup import UnknownEntry
from monitor.web.access import CSRF_HEADER, FORGED, FormKeys, ScopedRoute, visitor_of
from monitor.web.acting import Acting, RehearsedAct
from monitor.web.api.acts import ACTS, ActBody, ActSpec, MalformedAct, in_fields, read_body
from monitor.web.api.models import ApiDocument, EventDocument, Key
from monitor.web.forms import OversizedBody, body_of
from monitor.web.responses import as_response, problem

LARGEST = 64 * 1024
"""Bytes of a body that brings no file."""

CHANNEL = "api"
"""How events call this way of acting."""

T = TypeVar("T")


class ActDocument(ApiDocument):
    """What an act recorded."""

    dry_run: Literal[False]
    entry: Key = Field(description="The row that it was done to; empty of a change.")
    events: list[EventDocument]


class PlannedEventDocument(ApiDocument):
    """An event that an act would record."""

    type: str
    subject: str
    words: str
    data: dict[str, Any]


class PlannedNoticeDocument(ApiDocument):
    """A message that an act would bring about."""

    owner: str
    reason: str


class PinComparisonDocument(ApiDocument):
    """A pin as it was accepted and as it would be; null is none."""

    pin: str
    accepted: Any
    now: Any
    moved: bool


class MissingDocument(ApiDocument):
    """What stands against an act, and what mends it."""

    what: str
    fix: str


class AcceptanceDocument(ApiDocument):
    """What an activation or a resumption would accept."""

    entry: Key
    position: int
    pins: list[PinComparisonDocument]
    unpinned: list[str]
    asks: list[str]
    missing: list[MissingDocument]


class RehearsalDocument(ApiDocument):
    """What an act would do, or with `refusal` why it would not be done; nothing was changed."""

    dry_run: Literal[True]
    refusal: str | None
    events: list[PlannedEventDocument]
    notices: list[PlannedNoticeDocument]
    acceptance: AcceptanceDocument | None


ANSWER: TypeAdapter[Any] = TypeAdapter(ActDocument | RehearsalDocument)


def path_of_act(spec: ActSpec) -> str:
    """Return the path of an act, as the description writes it."""
    return f"/v1/changes/{{position}}/{spec.name}" if spec.on_change else f"/v1/entries/{{key}}/{spec.name}"


class Turns:
    """Runs what writes the store beside the event loop, a few at a time. It is waited for: an act is never left half
    known.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="act")

    async def run(self, act: Callable[[], T]) -> T:
        """Return what it returns, or raise what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, act)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActApi:
    """Answers the acts."""

    acting: Acting
    store: Store
    keys: FormKeys
    turns: Turns = field(default_factory=Turns)

    def routes(self) -> list[Route]:
        """Return the paths."""
        return [
            ScopedRoute(
                path_of_act(spec).replace("{position}", "{position:int}"),
                partial(self._answer, spec),
                methods=["POST"],
                needs=AccessScope.OPERATE,
            )
            for spec in ACTS.values()
        ]

    async def _answer(self, spec: ActSpec, request: Request) -> Response:
        visitor = visitor_of(request.scope)
        body = await posted(request, spec.body, self.keys, spec.largest)
        if isinstance(body, Response):
            return body
        target = _target(request, body)

        def act() -> Response:
            if body.dry_run:
                return as_response(of_rehearsal(self.acting.rehearse(spec, target, body, visitor, CHANNEL)))
            done = self.acting.carry_out(spec, target, body, visitor, CHANNEL)
            document = {"dry_run": False, "entry": done.key, "events": recorded_events(self.store, done.events)}
            return as_response(ANSWER.dump_python(ANSWER.validate_python(document), mode="json", by_alias=True))

        try:
            return await self.turns.run(act)
        except MonitorError as error:
            return act_refusal(error)


B = TypeVar("B", bound=ActBody)


async def posted(request: Request, model: type[B], keys: FormKeys, largest: int = LARGEST) -> B | Response:
    """Return the fields of an act that was sent as JSON, or why they are not taken."""
    if not keys.holds(visitor_of(request.scope), request.headers.get(CSRF_HEADER, "")):
        return problem(
            403, f"{FORGED} Programs send a token instead of a cookie, or {CSRF_HEADER} as /v1/session says."
        )
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return problem(415, "The body is not JSON: send it as Content-Type: application/json.")
    try:
        document = json.loads(await body_of(request, largest) or b"{}")
        return read_body(model, document)
    except OversizedBody:
        return problem(413, f"The body is larger than {largest} bytes: shorten what it says.")
    except (ValueError, RecursionError):
        return problem(400, "The body is not JSON: send one object with the fields of the act.")
    except MalformedAct as error:
        return problem(422, str(error))


def act_refusal(error: MonitorError) -> Response:
    """Return why an act was not done: the sentence that the command would print, with fields for its options."""
    return problem(act_status(error), in_fields(str(error)))


def act_status(error: MonitorError) -> int:
    """Return the status of a refusal."""
    if isinstance(error, UnknownEntry):
        return 404
    if isinstance(error, IncompleteAct | MalformedAct):
        return 422
    return 409 if isinstance(error, Refused) else 503


def recorded_events(store: Store, events: tuple[Event, ...]) -> list[dict[str, object]]:
    """Return events as they stand in the log."""
    with store.read() as reader:
        return [record(recorded) for event in events if (recorded := reader.event(event.position)) is not None]


def of_rehearsal(rehearsed: RehearsedAct) -> dict[str, object]:
    """Return what an act would do."""
    acceptance, rehearsal, refusal = rehearsed.acceptance, rehearsed.rehearsal, rehearsed.refusal
    events = () if rehearsal is None else rehearsal.events
    notices = () if rehearsal is None else rehearsal.notices
    document = {
        "dry_run": True,
        "refusal": None if refusal is None else in_fields(str(refusal)),
        "events": [
            {"type": event.type, "subject": event.subject, "words": in_words(event), "data": dict(event.data)}
            for event in events
        ],
        "notices": [{"owner": notice.owner, "reason": notice.reason.value} for notice in notices],
        "acceptance": None if acceptance is None else of_acceptance(rehearsed.key, acceptance),
    }
    answer: dict[str, object] = ANSWER.dump_python(ANSWER.validate_python(document), mode="json", by_alias=True)
    return answer


def _target(request: Request, body: ActBody) -> ActTarget:
    path = request.path_params
    return ActTarget(entry=str(path.get("key", path.get("position", ""))), surface=getattr(body, "surface", ""))
