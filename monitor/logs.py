"""The daemon's own log: one line per poll and per delivery, JSON unless a person is watching. Nothing of the event log is in here.

What has the shape of a key is masked in every line, since a line may quote an error of any library.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

from monitor.domain.redaction import redact

LOGGER = logging.getLogger("monitor")


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
            line = {"at": at, "level": record.levelname.lower(), "message": record.getMessage(), **fields}
            return json.dumps(line, ensure_ascii=False, default=str)
        said = " ".join(f"{key}={value}" for key, value in fields.items())
        return f"{at[11:19]}Z {record.levelname.lower():7} {record.getMessage()} {said}".rstrip()


def configure(stream: TextIO = sys.stderr, level: int = logging.INFO) -> None:
    """Write the daemon's log to `stream`; other libraries speak from WARNING up."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Lines(as_json=not stream.isatty()))
    LOGGER.handlers = [handler]
    LOGGER.setLevel(level)
    LOGGER.propagate = False
    # Its INFO is two lines a tick.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)


def line(message: str, *, level: int = logging.INFO, **fields: object) -> None:
    """Write one line."""
    LOGGER.log(level, message, extra={"fields": fields})
