"""The guard around a client of the `openai` package: every request passes `request`, and every web socket
`_websocket_query_params`.

A subclass of the client's own type overrides these two and `copy`, and nothing of what an application calls: `create`,
`parse`, `stream`, `with_raw_response`, `beta` and `post` all end there. The SDK is not imported here: who has a client
has it loaded.

What answers is seen where the SDK makes objects of data, in `_process_response_data`: of a whole answer, of each event
of a stream, and of a raw response that is parsed. `_process_response` notes before which model was sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Protocol, TypeVar, cast

ClientT = TypeVar("ClientT")


class Admitting(Protocol):
    """What is asked about every model that a request names (`guard.Guard`); both first raise `guard.ModelDenied`."""

    def admit(self, model: str, base_url: str = "") -> str:
        """Return the model to call at a base URL: the one that was named, or its approved fallback."""

    def require(self, model: str, base_url: str = "") -> None:
        """Refuse a model that no fallback can stand in for here."""

    def compare(self, model: str, route: str, answered: str, base_url: str = "") -> None:
        """Hold the model that answered against the one that was accepted; may raise `guard.ModelMismatch`."""


_PARTS = frozenset(
    {
        *(
            "session",
            "audio",
            "input",
            "transcription",
            "input_audio_transcription",
            "delegation",
            "target",
            "moderation",
        ),
        *("data_source", "grader", "graders", "method", "reinforcement"),
    }
)
"""Objects that may stand in a body and name a model of their own. Nothing else is looked into: a prompt (an `input`
that is no object), a schema or metadata may hold the word `model` as well.
"""

_LISTS = frozenset({"tools", "testing_criteria"})
"""Lists of such objects."""


_ROUTES = {"/responses": "responses", "/chat/completions": "chat", "/embeddings": "embeddings", "/completions": ""}
"""How the path of a call ends whose answer names the model that gave it → the route that its pin is of."""

_SENT = "access_monitor_sent"
"""The extension of a response that holds the model that was sent and its route, until an answer named a model."""


def wrapped(client: ClientT, made: Callable[[], Admitting]) -> ClientT:
    """Return a guarded copy of the client; the guard is made once it is known to be one that can be.

    Raises:
        TypeError: it is no client of the SDK.
        ValueError: it is guarded already.
    """
    from openai import AsyncOpenAI, OpenAI

    if isinstance(client, _Guarded):
        raise ValueError("the client is guarded already; guard the one that it was made from")
    if not isinstance(client, OpenAI | AsyncOpenAI):
        raise TypeError(f"the guard is for openai.OpenAI and openai.AsyncOpenAI, not for {type(client).__name__}")
    guard = made()
    kind: Any = type(client)
    # Built from the SDK's own copy, which has no resources yet: those of the client call the client itself.
    guarded: Any = object.__new__(_kind(kind, isinstance(client, AsyncOpenAI)))
    vars(guarded).update(vars(client.copy()), guard=guard)
    return cast(ClientT, guarded)


@cache
def _kind(kind: type, asynchronous: bool) -> type:
    """Return the guarded subclass of a type of client; one for each, as types are never collected soon."""
    return type(f"Guarded{kind.__name__}", (_Async if asynchronous else _Sync, kind), {})


class _Guarded:
    guard: Admitting

    def copy(self, **options: Any) -> Any:
        """As the SDK's, and guarded by the same guard."""
        copied = super().copy(**options)  # type: ignore[misc]
        copied.guard = self.guard
        return copied

    with_options = copy

    def _process_response(self, *, options: Any, response: Any, **rest: Any) -> Any:
        """Note with a response what was sent for it; the SDK's own does the rest, and is awaited where it is async."""
        if sent := _sent(self, options):
            response.extensions[_SENT] = sent
        return super()._process_response(options=options, response=response, **rest)  # type: ignore[misc]

    def _process_response_data(self, *, data: object, response: Any, **rest: Any) -> Any:
        """Compare what an answer names, and the first event of a stream that names a model, with what was accepted.

        Raises:
            ModelMismatch: another model answered, and the guard raises it.
        """
        if _SENT in response.extensions and (answered := _answering(data)):
            model, route = response.extensions.pop(_SENT)
            self.guard.compare(model, route, answered, _base_url(self))
        return super()._process_response_data(data=data, response=response, **rest)  # type: ignore[misc]

    def _websocket_query_params(self, url: Any, extra_query: Mapping[str, object]) -> Any:
        """Return the one place that every connection to a model by web socket passes before it is opened."""
        named = {name: extra_query[name] for name in ("model", "deployment") if isinstance(extra_query.get(name), str)}
        sent = {name: self.guard.admit(str(model), _base_url(self)) for name, model in named.items()}
        return super()._websocket_query_params(url, {**extra_query, **sent})  # type: ignore[misc]


class _Sync(_Guarded):
    def request(self, cast_to: Any, options: Any, **rest: Any) -> Any:
        return super().request(cast_to, _screened(self, options), **rest)  # type: ignore[misc]


class _Async(_Guarded):
    async def request(self, cast_to: Any, options: Any, **rest: Any) -> Any:
        if options.files:
            import anyio.to_thread  # the SDK's own; a batch file may be hundreds of megabytes

            options = await anyio.to_thread.run_sync(_screened, self, options)
        else:
            options = _screened(self, options)
        return await super().request(cast_to, options, **rest)  # type: ignore[misc]


def _sent(client: _Guarded, options: Any) -> tuple[str, str] | None:
    """Return the model that a request was sent for, and the route that answers it; None where no answer is compared."""
    path = str(options.url).partition("?")[0]
    ending = next((ending for ending in _ROUTES if path.endswith(ending)), None)
    if ending is None or options.method.lower() != "post":
        return None
    bodies = (body for body in (options.extra_json, options.json_data) if isinstance(body, Mapping))
    model = getattr(client, "_azure_deployment", None) or next(
        (body["model"] for body in bodies if isinstance(body.get("model"), str)), None
    )
    return (str(model), _ROUTES[ending]) if model else None


def _answering(data: object) -> str:
    """Return the model that an answer or an event names; empty where it names none."""
    for part in (data, _part(data, "response"), _part(data, "data"), _part(_part(data, "data"), "response")):
        if isinstance(model := _part(part, "model"), str) and model:
            return model
    return ""


def _part(of: object, name: str) -> object:
    return of.get(name) if isinstance(of, Mapping) else None


def _base_url(client: Any) -> str:
    """Return where the requests of a client go; that of one deployment is its resource's."""
    return str(getattr(client, "base_url", "")).rstrip("/")


class _Addressed:
    """A guard that is asked about requests to one base URL."""

    __slots__ = ("_base_url", "_guard")

    def __init__(self, guard: Admitting, base_url: str) -> None:
        self._guard = guard
        self._base_url = base_url

    def admit(self, model: str) -> str:
        return self._guard.admit(model, self._base_url)

    def require(self, model: str) -> None:
        self._guard.require(model, self._base_url)


def _screened(client: _Guarded, options: Any) -> Any:
    """Return the options of the request that may be sent.

    Raises:
        ModelDenied: it names a model that is denied.
    """
    if options.method.lower() == "get":
        return options
    guard = _Addressed(client.guard, _base_url(client))
    # An Azure client may be made for one deployment, which is then called whatever the body names.
    deployment = getattr(client, "_azure_deployment", None)
    if deployment:
        guard.require(deployment)
    changes: dict[str, Any] = {}
    for part in ("json_data", "extra_json"):
        body = getattr(options, part)
        if isinstance(body, Mapping):
            admitted = _admitted(body, guard.admit)
            if admitted is not body:
                changes[part] = admitted
    params = options.params
    if isinstance(params, Mapping) and isinstance(params.get("model"), str):  # calls of realtime by SDP name it there
        changes["params"] = {**params, "model": guard.admit(str(params["model"]))}
    if isinstance(options.content, bytes | bytearray | str):
        _require(guard, options.content)
    if options.files and isinstance(options.json_data, Mapping) and options.json_data.get("purpose") == "batch":
        changes["files"] = _batch(guard, options.files)
    return options.model_copy(update=changes) if changes else options


def _admitted(body: Mapping[str, Any], admit: Callable[[str], str]) -> Mapping[str, Any]:
    """Return the body with the models that may be called: its own, and those of its parts. The same object where
    nothing is replaced.
    """
    changes: dict[str, Any] = {}
    model = body.get("model")
    if isinstance(model, str) and (sent := admit(model)) != model:
        changes["model"] = sent
    for name in _PARTS.intersection(body):
        part = body[name]
        if isinstance(part, Mapping) and (admitted := _admitted(part, admit)) is not part:
            changes[name] = admitted
    for name in _LISTS.intersection(body):
        if isinstance(body[name], list | tuple):
            each = [_admitted(item, admit) if isinstance(item, Mapping) else item for item in body[name]]
            if any(item is not before for item, before in zip(each, body[name], strict=True)):
                changes[name] = each
    return {**body, **changes} if changes else body


def _batch(guard: _Addressed, files: Any) -> Any:
    """Return the files of a batch, each line's model admitted; what can be read only once is replaced
    by what was read.
    """
    named = isinstance(files, Mapping)
    pairs = list(files.items()) if named else list(files)
    checked = []
    for name, file in pairs:
        parts = file if isinstance(file, tuple) else (None, file)
        content, copy = _read(parts[1])
        for line in content.splitlines():
            _require(guard, line)
        checked.append((name, (parts[0], copy, *parts[2:]) if isinstance(file, tuple) else copy))
    return dict(checked) if named else checked


def _read(file: Any) -> tuple[bytes, Any]:
    """Return the bytes of a file, and what to send for it."""
    if isinstance(file, bytes | bytearray):
        return bytes(file), file
    if isinstance(file, str):
        return file.encode(), file
    began = file.tell() if file.seekable() else None
    content = file.read()
    content = content.encode() if isinstance(content, str) else content
    if began is None:
        return content, content
    file.seek(began)
    return content, file


def _require(guard: _Addressed, text: bytes | bytearray | str) -> None:
    """Ask about every model that a JSON text names, its own or that of the request in it: it is sent as it is, or not
    at all.
    """
    try:
        request = json.loads(text)
    except (ValueError, RecursionError):
        return  # the provider refuses it as well

    def admit(model: str) -> str:
        guard.require(model)
        return model

    if isinstance(request, dict):
        for body in (request, request.get("body")):
            if isinstance(body, dict):
                _admitted(body, admit)
