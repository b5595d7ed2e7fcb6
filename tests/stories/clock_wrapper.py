"""Stands before the command, `python clock_wrapper.py FILE COMMAND …`, and moves its time of day by the seconds that
FILE holds, read at every reading.

What a program can ask for the time of day is replaced before it is loaded: `time.time`, `datetime.now`,
`datetime.utcnow`. Clocks that nobody can set stay. The same by hand, for all of a process: `faketime` with
`FAKETIME_DONT_FAKE_MONOTONIC=1`.
"""

from __future__ import annotations

import datetime
import runpy
import sys
import time
from pathlib import Path

OFFSET, COMMAND = Path(sys.argv[1]), sys.argv[2]
_time, _datetime = time.time, datetime.datetime


def _now() -> float:
    return _time() + float(OFFSET.read_text() or 0)


class _Kind(type(_datetime)):  # type: ignore[misc]
    """What was made by the original is an instance as well: libraries written in C make nothing else."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _datetime)


class _Moved(_datetime, metaclass=_Kind):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
        return _datetime.fromtimestamp(_now(), tz)

    @classmethod
    def utcnow(cls) -> datetime.datetime:
        return _datetime.fromtimestamp(_now(), datetime.UTC).replace(tzinfo=None)


time.time = _now
datetime.datetime = _Moved  # type: ignore[misc]
sys.argv = sys.argv[2:]
runpy.run_path(COMMAND, run_name="__main__")
