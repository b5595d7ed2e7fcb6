"""Files and batches: a batch goes on by being polled, and its requests are answered as the endpoint would answer them
at that moment.

`completed` says only that the batch is over: whose request was refused ends completed, too, with the refusal in its
error file.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from uuid import uuid4

from monitor.sandbox.answers import ProviderAnswer, json_answer
from monitor.sandbox.errors import invalid_request

STAGES = ("validating", "in_progress", "completed")
"""What a batch is at the first poll of it, at the second, and from the third on."""

Serve = Callable[[str, bytes], ProviderAnswer]
"""Answers a request of a batch: path and body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One batch. `polls` is how often it was polled; `error_file` names the file with its refusals
    once there are any.
    """

    id: str
    input_file: str
    endpoint: str
    created: int
    metadata: Mapping[str, Any] = field(default_factory=dict)
    polls: int = 0
    completed: int = 0
    failed: int = 0
    model: str = ""
    error_file: str = ""
    cancelled: bool = False

    @property
    def status(self) -> str:
        return "cancelled" if self.cancelled else STAGES[min(self.polls, len(STAGES) - 1)]

    def row(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": self.endpoint,
            "input_file_id": self.input_file,
            "completion_window": "24h",
            "status": self.status,
            "created_at": self.created,
            "model": self.model or None,
            "errors": None,
            "output_file_id": f"{self.input_file}-out" if self.completed else None,
            "error_file_id": self.error_file or None,
            "request_counts": {"total": 1, "completed": self.completed, "failed": self.failed},
            "metadata": dict(self.metadata),
        }


class Batches:
    """The files and batches of the one account. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: dict[str, bytes] = {}
        self._batches: dict[str, Batch] = {}

    def answer(
        self, method: str, path: str, body: bytes, content_type: str, *, now: int, serve: Serve
    ) -> ProviderAnswer | None:
        """Answer a request to `/v1/files…` or `/v1/batches…` at `now` (Unix seconds); None for any other."""
        parts = path.removeprefix("/v1/").split("/")
        with self._lock:
            match (method, parts):
                case ("POST", ["files"]):
                    return self._upload(body, content_type, now)
                case ("GET", ["files", id, "content"]) if id in self._files:
                    return ProviderAnswer(body=self._files[id], content_type="application/octet-stream")
                case ("GET", ["batches"]):
                    return self._list(serve)
                case ("POST", ["batches"]):
                    return self._create(body, now)
                case ("GET", ["batches", id]) if id in self._batches:
                    return json_answer(self._step(id, serve).row())
                case ("POST", ["batches", id, "cancel"]) if id in self._batches:
                    self._batches[id] = replace(self._batches[id], cancelled=True)
                    return json_answer(self._batches[id].row())
        return None

    def _upload(self, body: bytes, content_type: str, now: int) -> ProviderAnswer:
        message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
        content = next(
            (
                part.get_payload(decode=True)
                for part in message.iter_parts()
                if part.get_param("name", header="content-disposition") == "file"
            ),
            None,
        )
        if not isinstance(content, bytes):
            return invalid_request("'file' is a required property", param="file", code="missing_required_parameter")
        id = f"file-{uuid4().hex}"
        self._files[id] = content
        return json_answer({"id": id, "object": "file", "bytes": len(content), "created_at": now, "purpose": "batch"})

    def _create(self, body: bytes, now: int) -> ProviderAnswer:
        try:
            request = json.loads(body)
            file, endpoint = request["input_file_id"], request["endpoint"]
        except (ValueError, KeyError, TypeError):
            return invalid_request("Missing required parameter: 'input_file_id'.", param="input_file_id")
        if file not in self._files:
            return invalid_request(f"File {file} was not found.", param="input_file_id", status=404)
        id = f"batch_{uuid4().hex}"
        self._batches[id] = Batch(
            id=id, input_file=file, endpoint=endpoint, created=now, metadata=request.get("metadata") or {}
        )
        return json_answer(self._batches[id].row())

    def _list(self, serve: Serve) -> ProviderAnswer:
        rows = [self._step(id, serve).row() for id in list(self._batches)]
        return json_answer({"object": "list", "data": rows[::-1], "has_more": False})

    def _step(self, id: str, serve: Serve) -> Batch:
        """Let a batch be as a poll finds it, and go on behind its back."""
        shown = self._batches[id]
        if shown.status == "completed" and not shown.completed + shown.failed:
            shown = self._batches[id] = self._end(shown, serve)
        self._batches[id] = replace(shown, polls=shown.polls + 1)
        return shown

    def _end(self, batch: Batch, serve: Serve) -> Batch:
        line = json.loads(self._files[batch.input_file].splitlines()[0])
        answer = serve(batch.endpoint, json.dumps(line["body"]).encode())
        body = json.loads(answer.body)
        if answer.status == 200:
            return replace(batch, completed=1, model=body["model"])
        file = f"{batch.input_file}-errors"
        wrapped = {"id": f"batch_req_{uuid4().hex}", "custom_id": line["custom_id"], "error": None}
        wrapped["response"] = {"status_code": answer.status, "body": body}
        self._files[file] = json.dumps(wrapped).encode() + b"\n"
        return replace(batch, failed=1, error_file=file)
