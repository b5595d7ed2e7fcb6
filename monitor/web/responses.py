"""How answers are written: JSON, also for errors, since clients parse before they look at the status."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from monitor.web import ofrep


def dumped(document: object) -> bytes:
    """Return the document as it is sent."""
    return json.dumps(document, ensure_ascii=False).encode(errors="replace")


def as_response(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer that nobody may keep."""
    all_headers = {"Content-Type": "application/json", "Cache-Control": "no-store", **(headers or {})}
    return Response(dumped(document), status, all_headers)


def problem(status: int, details: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error in one sentence, in the words of RFC 9457 and in those of OFREP."""
    words = {"title": HTTPStatus(status).phrase, "status": status, "detail": details}
    all_headers = {"Content-Type": "application/problem+json", **(headers or {})}
    return as_response(words | ofrep.failure(ofrep.GENERAL, details), status, all_headers)


def tagged(request: Request, content: bytes, etag: str, more: Mapping[str, str] | None = None) -> Response:
    """Return an answer with an ETag; 304 where the caller has it."""
    headers = {"Content-Type": "application/json", "Cache-Control": "no-cache", "ETag": etag, **(more or {})}
    had = {value.strip().removeprefix("W/") for value in request.headers.get("if-none-match", "").split(",")}
    if had & {etag, "*"}:
        return Response(status_code=304, headers={"Cache-Control": "no-cache", "ETag": etag})
    return Response(content, headers=headers)
