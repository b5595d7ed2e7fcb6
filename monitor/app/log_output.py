"""The daemon's own log: one line per poll and per delivery, JSON unless a person is watching. Nothing of the event log
is in here.

Whatever speaks in this process speaks through it, in one line each: libraries, warnings, and exceptions that nobody
caught. A library's message is given by its pattern, without what it fills in, which may be an address with a password.
What has the shape of a key is masked in every line.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import time
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

from monitor.app import journal
from monitor.core.logs import LOGGER, line
from monitor.core.redaction import redact

OFTEN = 600.0
"""Seconds in which a library says one thing once."""

REASONS = 5
"""How many different reasons of one trouble are said while it lasts."""

_LONGEST = 300
_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
_ADDRESS = re.compile(r"\w+://\S+")


class _Lines(logging.Formatter):
    """`extra={"fields": {…}}` of a record becomes its fields; no record is more than a line."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        return redact(self._line(record))

    def _line(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields, message = _fields(record), _pattern(record)
        if self._as_json:
            line = {"at": at, "level": record.levelname.lower(), "message": message, **fields}
            return json.dumps(line, ensure_ascii=False, default=str)
        pairs = " ".join(f"{key}={_one_line(value)}" for key, value in fields.items())
        return f"{at[11:19]}Z {record.levelname.lower():7} {message} {pairs}".rstrip()


class _Journal(logging.StreamHandler[TextIO]):
    """Writes to the journal with fields; what that does not take goes to the stream, as everywhere else."""

    def emit(self, record: logging.LogRecord) -> None:
        fields = {key: redact(_one_line(value)) for key, value in _fields(record).items()}
        if not journal.send(journal.record(self.format(record), _PRIORITIES.get(record.levelno, 6), fields)):
            super().emit(record)


class _Seldom(logging.Filter):
    """Lets what a library says through once in ten minutes; what this program says, always."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        if _ours(record):
            return True
        kind, now = (record.name, _pattern(record)), time.monotonic()
        with self._lock:
            self._said = {key: at for key, at in self._said.items() if now - at < OFTEN}
            return self._said.setdefault(kind, now) == now


class Troubles:
    """What goes wrong now, so that it is said when it begins and when it ends, and not at every turn in between. Safe
    to use from several threads.

    A reason that is said of one job is not said of another one meanwhile: where the database is away, every job fails
    for that.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reasons: dict[str, set[str]] = {}

    def begin(self, what: str, reason: str) -> bool:
        """Note that something fails; return whether that is to be said."""
        with self._lock:
            new = not any(reason in reasons for reasons in self._reasons.values())
            reasons = self._reasons.setdefault(what, set())
            if not new or len(reasons) < REASONS:
                reasons.add(reason)
                return new
            return False

    def end(self, what: str) -> bool:
        """Note that something works; return whether that is to be said: it had failed, and nothing fails for the same
        reasons any more.
        """
        with self._lock:
            reasons = self._reasons.pop(what, None)
            return reasons is not None and not any(reasons & others for others in self._reasons.values())


def configure(stream: TextIO = sys.stderr, level: int = logging.INFO) -> None:
    """Write the log to `stream`; libraries speak from WARNING up."""
    handler = _Journal(stream) if journal.connected(stream) else logging.StreamHandler(stream)
    handler.setFormatter(_Lines(as_json=not stream.isatty()))
    handler.addFilter(_Seldom())
    LOGGER.handlers = [handler]
    LOGGER.setLevel(level)
    LOGGER.propagate = False
    root = logging.getLogger()
    root.handlers = [handler]
    # Every job that fails is said by the schedule's listener already.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    logging.getLogger("apscheduler.executors").setLevel(logging.CRITICAL + 1)
    logging.raiseExceptions = False  # a stream that is gone is no reason to print tracebacks to it
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    sys.unraisablehook = _unraisable


def named(error: BaseException) -> str:
    """Return the kind of an exception that nobody foresaw, and where it was raised; its text may hold anything."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    where = f" in {last.tb_frame.f_globals.get('__name__')}, line {last.tb_lineno}" if last is not None else ""
    return f"{type(error).__name__}{where}"


def _ours(record: logging.LogRecord) -> bool:
    return record.name == LOGGER.name or record.name.startswith(f"{LOGGER.name}.")


def _fields(record: logging.LogRecord) -> dict[str, object]:
    """Return what stands beside the message."""
    extras: dict[str, object] = getattr(record, "fields", {})
    fields = {key: value for key, value in extras.items() if value not in ("", None)}
    if not _ours(record):
        fields["logger"] = record.name
    if record.exc_info and record.exc_info[0] is not None:
        fields["error"] = record.exc_info[0].__name__
    return fields


def _pattern(record: logging.LogRecord) -> str:
    if _ours(record):
        return _one_line(record.getMessage())
    if record.name == "py.warnings":
        return _ADDRESS.sub("…", _one_line(record.getMessage().partition("\n")[0]))
    return _ADDRESS.sub("…", _one_line(str(record.msg).partition("\n")[0]))[:_LONGEST]


def _one_line(value: object) -> str:
    return " ".join(str(value).split("\n"))


def _uncaught(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    line("an exception was not caught", level=logging.ERROR, error=named(error))


def _uncaught_in_thread(arguments: Any) -> None:
    if arguments.exc_value is not None and not isinstance(arguments.exc_value, SystemExit):
        name = arguments.thread.name if arguments.thread is not None else ""
        line("a thread ended", level=logging.ERROR, thread=name, error=named(arguments.exc_value))


def _unraisable(arguments: Any) -> None:
    if arguments.exc_value is not None:
        line("an exception was ignored", level=logging.WARNING, error=named(arguments.exc_value))
