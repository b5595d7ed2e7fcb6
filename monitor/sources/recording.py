"""Reads a recorded history: what a source answered at each poll, one line a poll, plain or compressed.

It yields the bytes that the source's own reader is then given; what they mean is not judged here. A file that leaves a
doubt about what was seen when is refused whole, with the line: half a history replayed would look like a whole one.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import NamedTuple

from monitor.core import zstd
from monitor.core.events import rfc3339
from monitor.core.facts import Body, FailureReason, ReplayedRecording
from monitor.core.ports import MonitorError
from monitor.sources.http import refused
from monitor.sources.redaction import one_line, redact

CHANGES = "changes"
"""The `sampling` of a file that holds only polls that differed from the one before."""

RARE = timedelta(days=1)
ENOUGH = 8
"""A recording of only changes is sparse if it has at least so many polls, usually so far apart: no list or page was
polled that seldom.
"""

_STATUSES = ("ok", "error", "missing", "invalid_json")
_HTTP_STATUS = re.compile(
    r"\b(?:HTTP(?:/[\d.]+)?(?: error)?|status(?: code)?)[ :=]*([2-5]\d\d)\b|^([3-5]\d\d)\b", re.IGNORECASE
)
_SAYS: tuple[tuple[re.Pattern[str], FailureReason], ...] = tuple(
    (re.compile(words, re.IGNORECASE), reason)
    for words, reason in (
        (r"api key not found|not found in env|no (?:api key|credential)", FailureReason.NO_CREDENTIAL),
        (r"time(?:d )?[- ]?out", FailureReason.TIMEOUT),
        (r"certificate|\bssl\b|\btls\b", FailureReason.TLS),
        (r"\bjson\b", FailureReason.NOT_JSON),
    )
)


class History(NamedTuple):
    """A recorded history: its polls in the order observed, at least one. `sampling` is `scans`, `changes`, or empty
    where not said.
    """

    polls: list[ReplayedRecording]
    sampling: str

    @property
    def only_changes(self) -> bool:
        """Whether polls that showed nothing new are left out, as the file says or, where it says
        nothing, as it seems.
        """
        if self.sampling:
            return self.sampling == CHANGES
        return len(self.polls) > 1 and all(
            before.body is not other.body for before, other in pairwise(self.polls) if before.body
        )

    @property
    def sparse(self) -> bool:
        """Whether it holds only changes, and so few that hardly anything in it could ever be confirmed."""
        gaps = [(after.at - before.at).total_seconds() for before, after in pairwise(self.polls)]
        return self.only_changes and len(self.polls) >= ENOUGH and median(gaps) >= RARE.total_seconds()


class _Wrong(Exception):
    """What is wrong with a line."""


def read(path: Path) -> History:
    """Read a file of JSON Lines, compressed with zstd or not, whatever its name says.

    Raises:
        MonitorError: the file cannot be read, is not such a file, holds no poll, or its polls are not in order; says at
            which line.
    """
    polls: list[ReplayedRecording] = []
    sampling = ""
    bodies: dict[str, Body] = {}
    number = 0
    try:
        with _opened(path) as lines:
            for line in lines:
                number += 1
                if not line.strip():
                    continue
                fields = _fields(line)
                poll = _poll(fields, bodies)
                if polls and poll.at < polls[-1].at:
                    raise _Wrong(
                        f"was observed at {rfc3339(poll.at)}, before the line above it ({rfc3339(polls[-1].at)}); "
                        "sort the lines by `observed_at`"
                    )
                if not polls:
                    sampling = _sampling(fields)
                polls.append(poll)
    except OSError as error:
        raise MonitorError(f"The recording {path} cannot be read: {error.strerror or error}.") from None
    except (zstd.ZstdError, EOFError):
        raise MonitorError(
            f"The recording {path} is cut or damaged after line {number}: its compression is broken."
        ) from None
    except UnicodeDecodeError:
        raise MonitorError(f"The recording {path} is not UTF-8 text at line {number + 1} or soon after.") from None
    except _Wrong as wrong:
        raise MonitorError(f"The recording {path} cannot be replayed: line {number} {wrong}.") from None
    if not polls:
        raise MonitorError(f"The recording {path} holds no poll: one JSON object a line is needed.")
    return History(polls, sampling)


@contextmanager
def _opened(path: Path) -> Iterator[io.TextIOWrapper]:
    """Provide the text of a file, decompressed on the way where its first bytes say that it is compressed."""
    with path.open("rb") as file:
        compressed = file.read(len(zstd.MAGIC)) == zstd.MAGIC
        file.seek(0)
        with io.TextIOWrapper(zstd.ZstdFile(file) if compressed else file, encoding="utf-8-sig") as text:
            yield text


def _fields(line: str) -> dict[str, object]:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        raise _Wrong("is not JSON") from None
    if not isinstance(fields, dict):
        raise _Wrong("is not a JSON object")
    return fields


def _sampling(fields: dict[str, object]) -> str:
    sampling = fields.get("sampling", "")
    if sampling not in ("", "scans", CHANGES):
        raise _Wrong(f"has the unknown `sampling` {sampling!r}; known are scans, {CHANGES}")
    return str(sampling)


def _poll(fields: dict[str, object], bodies: dict[str, Body]) -> ReplayedRecording:
    at = _time(fields.get("observed_at"))
    status = fields.get("status")
    if status not in _STATUSES:
        raise _Wrong(f"has the unknown `status` {status!r}; known are {', '.join(_STATUSES)}")
    if status in ("ok", "invalid_json"):
        content, kind = _content(fields)
        if content is not None:
            return ReplayedRecording(at=at, body=_body(content, kind, bodies))
        if status == "ok":
            raise _Wrong("is `ok` and has neither `payload` nor `payload_text`")
    detail = one_line(str(fields.get("error") or ""))
    if status == "error":
        return ReplayedRecording(at=at, failure=failure(detail), detail=detail or "the recording does not say why")
    reason = FailureReason.NOT_FOUND if status == "missing" else FailureReason.NOT_JSON
    return ReplayedRecording(at=at, failure=reason, detail=detail or f"recorded as {status}")


def _time(written: object) -> datetime:
    try:
        at = datetime.fromisoformat(written) if isinstance(written, str) else None
        if at is not None and at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise _Wrong(f"has no time in `observed_at` ({written!r}); write one as 2026-07-30T17:34:21Z")


def _content(fields: dict[str, object]) -> tuple[bytes | None, str]:
    text = fields.get("payload_text")
    if isinstance(text, str):
        # A lone surrogate is valid in JSON and no text; passed on, the reader says that the bytes are not UTF-8.
        return text.encode("utf-8", "surrogatepass"), ""
    if text is not None:
        raise _Wrong("has a `payload_text` that is not a string")
    if "payload" in fields and (fields["payload"] is not None or fields["status"] == "ok"):
        return json.dumps(fields["payload"], separators=(",", ":")).encode(), "application/json"
    return None, ""


def _body(content: bytes, kind: str, bodies: dict[str, Body]) -> Body:
    """Return the body of these bytes, one for all polls that show the same: most of a history is repetition."""
    digest = sha256(content).hexdigest()
    if digest not in bodies:
        bodies[digest] = Body(content=redact(content), sha256=digest, size=len(content), content_type=kind)
    return bodies[digest]


def failure(said: str) -> FailureReason:
    """Return the reason behind the recorded words of an error. Words that name none mean that nothing was reached."""
    status = _HTTP_STATUS.search(said)
    if status is not None:
        return refused(int(status[1] or status[2]))
    return next((reason for words, reason in _SAYS if words.search(said)), FailureReason.UNREACHABLE)
