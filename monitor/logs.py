"""The daemon's own log: one line per poll and per delivery, JSON unless a person is watching. Nothing of the event log is in here.

What has the shape of a key is masked in every line, since a line may quote an error of any library.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import traceback
from datetime import UTC, datetime
from typing import TextIO

from monitor.domain.redaction import redact

LOGGER = logging.getLogger("monitor")

PAUSE = 60.0
"""Seconds between two lines of a library that say the same; how many were left out stands in the next."""

KINDS = 1000
"""Kinds of lines that are remembered."""


class _Lines(logging.Formatter):
    """`extra={"fields": {…}}` of a record becomes its fields."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        return redact(self._line(record))

    def _line(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields = {key: value for key, value in getattr(record, "fields", {}).items() if value not in ("", None)}
        if self._as_json:
            line = {"at": at, "level": record.levelname.lower(), "message": record.getMessage().strip(), **fields}
            return json.dumps(line, ensure_ascii=False, default=str)
        said = " ".join(f"{key}={value}" for key, value in fields.items())
        return f"{at[11:19]}Z {record.levelname.lower():7} {record.getMessage().strip()} {said}".rstrip()


def _where(record: logging.LogRecord) -> str:
    """The kind of the exception and where it was raised; its text may hold anything, an address with a password included."""
    if not record.exc_info or record.exc_info[1] is None:
        return ""
    frames = traceback.extract_tb(record.exc_info[2])
    where = f" in {frames[-1].filename}, line {frames[-1].lineno}" if frames else ""
    return f"{type(record.exc_info[1]).__name__}{where}"


class _Sparing(logging.Filter):
    """Lets one line of a kind pass in a while: what goes wrong for a thousand connections is one thing. Exceptions become a field."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._kinds: dict[tuple[str, int, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        kind = (record.name, record.levelno, str(record.msg))
        with self._lock:
            since, left_out = self._kinds.get(kind, (-PAUSE, 0))
            if 0 <= record.relativeCreated / 1000 - since < PAUSE:
                self._kinds[kind] = (since, left_out + 1)
                return False
            if len(self._kinds) >= KINDS:
                self._kinds.clear()
            self._kinds[kind] = (record.relativeCreated / 1000, 0)
        record.fields = {
            "logger": record.name,
            "error": _where(record),
            "left_out": left_out or "",
        }
        return True


def configure(stream: TextIO = sys.stderr, level: int = logging.INFO) -> None:
    """Write the daemon's log to `stream`; other libraries speak from WARNING up, and each kind of line once in a while."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Lines(as_json=not stream.isatty()))
    LOGGER.handlers = [handler]
    libraries = logging.StreamHandler(stream)
    libraries.setFormatter(handler.formatter)
    libraries.setLevel(logging.WARNING)
    libraries.addFilter(_Sparing())
    root = logging.getLogger()
    for other in [one for one in root.handlers if isinstance(one.formatter, _Lines)]:
        root.removeHandler(other)
    root.addHandler(libraries)
    LOGGER.setLevel(level)
    LOGGER.propagate = False
    # Its INFO is two lines a tick.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)


def line(message: str, *, level: int = logging.INFO, **fields: object) -> None:
    """Write one line."""
    LOGGER.log(level, message, extra={"fields": fields})
