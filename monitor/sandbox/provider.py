"""The OpenAI-shaped provider: which request gets which answer. It knows routes and nothing of sockets.

Whoever asks without the key is turned away before anything is counted, so that a wrong key never moves the story.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from monitor.sandbox import pricing_page
from monitor.sandbox.answers import HTML, JSON, MARKDOWN, ProviderAnswer, json_answer
from monitor.sandbox.batches import Batches
from monitor.sandbox.control import ControlApi
from monitor.sandbox.errors import invalid_request, openai_error
from monitor.sandbox.faults import LOGIN_PAGE, ON_THE_WIRE, Fault, Target
from monitor.sandbox.inference import Inference
from monitor.sandbox.timeline import Scene, Timeline, TimelineModel
from monitor.sandbox.webhook import Inbox

API_KEY = "sk-sandbox"
"""The one key that `/v1` takes; nothing outside the sandbox knows it."""

WEBHOOK_PATH = "/services/T000/B000/XXX"
PAGE_PATH = "/docs/pricing.md"
REGION_PATH = "/eu/v1"
"""The base URL of the regional host."""

IDENTITY: Mapping[str, str] = {
    "openai-version": "2020-10-01",
    "openai-organization": "org-sandbox",
    "openai-project": "proj_sandbox",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRequest:
    """A request as it arrived; the names of `headers` are in lower case. `date` is the `Date` of its answer, which
    files and batches are dated by.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""
    date: str = "Thu, 01 Jan 1970 00:00:00 GMT"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderReply:
    """An answer, and the fault that disturbs how it travels, where one does."""

    answer: ProviderAnswer
    fault: Fault | None = None


class Provider:
    """Answers requests from the timeline's state; the faults that stand are already in what it returns."""

    def __init__(self, timeline: Timeline, inbox: Inbox) -> None:
        self._timeline = timeline
        self._inbox = inbox
        self._inference = Inference()
        self._batches = Batches()
        self._control = ControlApi(timeline, inbox)

    def reply(self, request: ProviderRequest) -> ProviderReply:
        """Answer one request."""
        path = unquote(urlsplit(request.path).path)
        if path.startswith(REGION_PATH):
            return self._regional(replace(request, path=request.path.removeprefix("/eu")))
        if path == "/v1" or path.startswith("/v1/"):
            reply = self._api(request, path)
            headers = {**IDENTITY, "x-request-id": f"req_{uuid4().hex}", **reply.answer.headers}
            return replace(reply, answer=replace(reply.answer, headers=headers))
        if path == PAGE_PATH:
            if request.method != "GET":
                return ProviderReply(answer=ProviderAnswer(status=405, headers={"Allow": "GET"}))
            return self._page(request)
        if path.startswith("/services/"):
            if request.method != "POST":
                return ProviderReply(answer=ProviderAnswer(status=405, headers={"Allow": "POST"}))
            return self._webhook(request)
        if path.startswith("/sandbox/"):
            return ProviderReply(answer=self._control.answer(request.method, path, request.body))
        if path == "/login":
            return ProviderReply(answer=ProviderAnswer(body=LOGIN_PAGE, content_type=HTML))
        return ProviderReply(answer=ProviderAnswer(status=404, body=b"not found\n"))

    def _regional(self, request: ProviderRequest) -> ProviderReply:
        """Return what the regional host says: what the other one does, or that the project does not live there."""
        if self._timeline.state.regional or _unauthorised(request.headers.get("authorization", "")):
            return self.reply(request)
        return ProviderReply(answer=openai_error(401, "incorrect_hostname"))

    def _api(self, request: ProviderRequest, path: str) -> ProviderReply:
        refusal = _unauthorised(request.headers.get("authorization", ""))
        if refusal is not None:
            return ProviderReply(answer=refusal)
        match (request.method, path):
            case ("GET", "/v1/models"):
                scene = self._timeline.request(Target.LIST)
                return _faulty(scene, _conditional(request, scene, _listing(scene)))
            case ("POST", "/v1/responses"):
                scene = self._timeline.request(Target.RESPONSES)
                return _faulty(scene, self._inference.responses(scene, request.body), _model_of(request.body))
            case ("POST", "/v1/chat/completions"):
                scene = self._timeline.request(Target.CHAT)
                return _faulty(scene, self._inference.chat(scene, request.body), _model_of(request.body))
            case ("POST", "/v1/responses/input_tokens"):
                scene = self._timeline.request(Target.TOKENS)
                return _faulty(scene, self._inference.tokens(scene, request.body), _model_of(request.body))
            case ("POST", "/v1/embeddings"):
                scene = self._timeline.request(Target.EMBEDDINGS)
                return _faulty(scene, self._inference.embeddings(scene, request.body), _model_of(request.body))
            case ("GET" | "POST", _) if path.startswith(("/v1/files", "/v1/batches")):
                return self._batch(request, path)
            case ("GET", _) if path.startswith("/v1/models/"):
                scene = self._timeline.request(Target.RETRIEVE)
                id = path.removeprefix("/v1/models/")
                return _faulty(scene, _retrieved(scene, id), id)
        if path in ("/v1/models", "/v1/responses", "/v1/chat/completions"):
            return ProviderReply(
                answer=invalid_request(
                    f"Not allowed to {request.method} on {path}. "
                    "(HINT: Perhaps you meant to use a different HTTP method?)",
                    status=405,
                )
            )
        return ProviderReply(answer=invalid_request(f"Invalid URL ({request.method} {path})", status=404))

    def _batch(self, request: ProviderRequest, path: str) -> ProviderReply:
        scene = self._timeline.request(Target.BATCHES)

        def serve(endpoint: str, body: bytes) -> ProviderAnswer:
            answer = self._inference.chat if endpoint.endswith("/chat/completions") else self._inference.responses
            return answer(scene, body)

        now = int(parsedate_to_datetime(request.date).timestamp())
        kind = request.headers.get("content-type", "")
        answer = self._batches.answer(request.method, path, request.body, kind, now=now, serve=serve)
        return _faulty(scene, answer or invalid_request(f"No such object: {path}", status=404))

    def _page(self, request: ProviderRequest) -> ProviderReply:
        scene = self._timeline.request(Target.PAGE)
        body = pricing_page.render(scene.state).encode()
        answer = ProviderAnswer(body=body, content_type=MARKDOWN, etag=_etag(body), modified=scene.page_modified)
        return _faulty(scene, _conditional(request, scene, answer))

    def _webhook(self, request: ProviderRequest) -> ProviderReply:
        scene = self._timeline.request(Target.WEBHOOK)
        if scene.fault is not None:
            return _faulty(scene, ProviderAnswer(body=b"ok"))
        if urlsplit(request.path).path != WEBHOOK_PATH:
            return ProviderReply(answer=ProviderAnswer(status=404, body=b"no_service"))
        return ProviderReply(answer=self._inbox.accept(request.body))


def _unauthorised(authorization: str) -> ProviderAnswer | None:
    scheme, _, key = authorization.partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        return openai_error(401, "missing")
    return None if key.strip() == API_KEY else openai_error(401, "invalid_api_key")


def _row(model: TimelineModel) -> dict[str, Any]:
    return {
        "id": model.id,
        "object": "model",
        "created": model.created,
        "owned_by": model.owned_by,
        "shutdown_date": model.shutdown_date,
    }


def _listing(scene: Scene) -> ProviderAnswer:
    body = json.dumps({"object": "list", "data": [_row(model) for model in scene.state.listed]}).encode()
    return ProviderAnswer(body=body, content_type=JSON, etag=_etag(body), modified=scene.list_modified)


def _retrieved(scene: Scene, id: str) -> ProviderAnswer:
    model = scene.state.model(id)
    if model is None or not model.listed:
        return openai_error(*((model and model.refused) or (404, "model_not_found")), model=id)
    return json_answer(_row(model))


def _etag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _conditional(request: ProviderRequest, scene: Scene, answer: ProviderAnswer) -> ProviderAnswer:
    """304 where the asker already has these bytes and no fault stands; `If-None-Match` decides alone
    where it is given.
    """
    if scene.fault is not None or answer.modified is None:
        return answer
    known = request.headers.get("if-none-match")
    if known is not None:
        tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
        same = "*" in tags or answer.etag in tags
    else:
        same = _not_after(request.headers.get("if-modified-since", ""), answer)
    return replace(answer, status=304, body=b"") if same else answer


def _not_after(since: str, answer: ProviderAnswer) -> bool:
    try:
        return answer.modified is not None and answer.modified <= parsedate_to_datetime(since)
    except (TypeError, ValueError):
        return False


def _faulty(scene: Scene, answer: ProviderAnswer, model: str = "") -> ProviderReply:
    if scene.fault is None:
        return ProviderReply(answer=answer)
    on_the_wire = scene.fault if scene.fault.kind in ON_THE_WIRE else None
    return ProviderReply(answer=scene.fault.distort(answer, model), fault=on_the_wire)


def _model_of(body: bytes) -> str:
    try:
        request = json.loads(body)
    except ValueError:
        return ""
    return str(request.get("model", "")) if isinstance(request, dict) else ""


def validators(answer: ProviderAnswer) -> dict[str, str]:
    """Return the headers by which an asker can later ask whether anything changed."""
    headers = {"ETag": answer.etag} if answer.etag else {}
    if answer.modified is not None:
        headers["Last-Modified"] = format_datetime(answer.modified, usegmt=True)
    return headers
