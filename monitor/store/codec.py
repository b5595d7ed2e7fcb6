"""Between the core's values and what a database can hold: canonical JSON, times, identifiers. No SQL.

How dataclasses are written stands in `core/records`.
"""

from __future__ import annotations

import functools
import json
import secrets
import types
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from functools import cache
from typing import Any, ParamSpec, TypeVar, cast, get_args, get_type_hints
from uuid import UUID

from monitor.core.content import JSON
from monitor.core.events import Event, Recorded
from monitor.core.facts import Facts, Subject
from monitor.core.ports import SentMessage
from monitor.core.records import of_plain, time_of, time_text, to_plain
from monitor.store.errors import Damaged

T = TypeVar("T")
P = ParamSpec("P")

Columns = dict[str, Any]


def _of_stored(read: Callable[P, T]) -> Callable[P, T]:
    """Return a reader of a row that says of one which cannot be what was written that it is damaged. SQLite keeps no
    sums of its pages: what a disk changed inside a text it hands over as it is.
    """

    @functools.wraps(read)
    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return read(*args, **kwargs)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
            raise Damaged(
                "The database is damaged, a row of it is not what was written: stop all processes, see `access-monitor "
                "db check`, and restore a copy made with `access-monitor db backup`."
            ) from error

    return checked


def optional_time_text(at: datetime | None) -> str | None:
    return None if at is None else time_text(at)


@_of_stored
def optional_time_of(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def uuid7(at: datetime, position: int) -> str:
    """Return a UUIDv7 (RFC 9562) for the event at `position`: milliseconds, the rest of the microseconds, the position,
    chance.

    With the position inside, identifiers sort as the log does, also within one commit.
    """
    microseconds = (at - datetime(1970, 1, 1, tzinfo=UTC)) // _MICROSECOND
    milliseconds, rest = divmod(microseconds, 1000)
    high = (milliseconds & 0xFFFF_FFFF_FFFF) << 16 | 0x7000 | (rest * 4096 // 1000)
    low = 0b10 << 62 | (position & 0xFFFF_FFFF) << 30 | secrets.randbits(30)
    return str(UUID(int=high << 64 | low))


_MICROSECOND = datetime.resolution


@_of_stored
def facts_of(text: str) -> Facts:
    """Read a blob of facts; what is returned cannot be written to, since it is shared."""
    return types.MappingProxyType(
        {
            Subject(scope, name): types.MappingProxyType(values)
            for scope, names in json.loads(text).items()
            for name, values in names.items()
        }
    )


def encode(value: object) -> str:
    """Return a dataclass of the core as canonical JSON.

    Raises:
        TypeError: a field holds a float, or what JSON has no word for.
    """
    return JSON.encode(to_plain(value))


@_of_stored
def decode(kind: type[T], text: str) -> T:
    """Read back what `encode` wrote."""
    return of_plain(kind, json.loads(text))


@cache
def _columns_of(kind: Any) -> tuple[tuple[str, bool, bool], ...]:
    hints = get_type_hints(kind)
    return tuple(
        (field.name, datetime in (hints[field.name], *get_args(hints[field.name])), hints[field.name] is bool)
        for field in fields(kind)
    )


def columns(value: Any) -> Columns:
    """Return the fields of a flat dataclass as the columns of a row."""
    return {
        name: optional_time_text(getattr(value, name)) if is_time else getattr(value, name)
        for name, is_time, _ in _columns_of(cast(Any, type(value)))
    }


@_of_stored
def of_columns(kind: type[T], row: Mapping[Any, Any]) -> T:
    """Read a flat dataclass from the columns of a row that bear the names of its fields; SQLite knows truths as 0 and
    1.
    """
    return kind(
        **{
            name: optional_time_of(row[name]) if is_time else bool(row[name]) if is_bool else row[name]
            for name, is_time, is_bool in _columns_of(cast(Any, kind))
        }
    )


@_of_stored
def recorded_of(row: Any) -> Recorded:
    """Read a row of the log."""
    # By position and not by name: a log is read by the hundred thousand.
    (position, id, type, stream, version, subject, source, occurred_at, recorded_at, actor, cause, evidence, data) = row
    event = Event(
        position=position,
        type=type,
        stream=stream,
        subject=subject,
        occurred_at=time_of(occurred_at),
        source=source,
        actor=actor,
        cause=cause,
        evidence=evidence,
        data=json.loads(data),
    )
    return Recorded(event=event, id=id, version=version, recorded_at=time_of(recorded_at))


@_of_stored
def message_of(row: Mapping[Any, Any]) -> SentMessage:
    """Read a row of what went out."""
    return of_columns(SentMessage, {**row, "incidents": tuple(row["incidents"].strip("|").split("|"))})
