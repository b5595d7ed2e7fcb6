"""Between the core's values and what a database can hold: canonical JSON, times, identifiers. No SQL.

Dataclasses are written field by field as their type hints say and read back to equal values. A field that a stored row
does not have takes its default, so a field with a default may be added without a migration. Metadata `stored` names a
field that is stored under another name than its own.
"""

from __future__ import annotations

import json
import secrets
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple, TypeVar, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

from monitor.core.content import JSON, plain
from monitor.core.entry_spec import EntrySpec, dump, load
from monitor.core.facts import Facts, Subject

T = TypeVar("T")

Columns = dict[str, Any]


def time_text(at: datetime) -> str:
    """Return a time as it is stored: UTC, fixed width, so that text order is time order.

    Raises:
        ValueError: the time has no zone, so it names no moment.
    """
    if at.tzinfo is not UTC:
        if at.tzinfo is None:
            raise ValueError(f"{at.isoformat()} has no time zone")
        at = at.astimezone(UTC)
    return at.isoformat(timespec="microseconds")[:26] + "Z"


def time_of(text: str) -> datetime:
    """Read a stored time."""
    return datetime.fromisoformat(text)


def optional_time_text(at: datetime | None) -> str | None:
    return None if at is None else time_text(at)


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
    return JSON.encode(_converter(type(value)).write(value))


def decode(kind: type[T], text: str) -> T:
    """Read back what `encode` wrote."""
    return cast(T, _converter(kind).read(json.loads(text)))


class _Converter(NamedTuple):
    """Both directions between values of one type and plain JSON."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


_AS_IS = _Converter(plain, lambda value: value)
_TIME = _Converter(time_text, time_of)


def _converter(kind: object) -> _Converter:
    # Made once for each type, since one decision writes and reads dozens of values; a hint is hashable, though not for
    # mypy.
    return _made_converter(cast(Any, kind))


@cache
def _made_converter(kind: Any) -> _Converter:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _optional(arguments)
    if origin is tuple:
        item = _converter(arguments[0])
        return _Converter(
            lambda values: [item.write(v) for v in values], lambda values: tuple(item.read(v) for v in values)
        )
    if origin is not None and issubclass(origin, Mapping):
        item = _converter(arguments[1])
        return _Converter(
            lambda values: {key: item.write(v) for key, v in values.items()},
            lambda values: {key: item.read(v) for key, v in values.items()},
        )
    if kind is EntrySpec:
        return _Converter(dump, load)
    if is_dataclass(kind):
        return _of_dataclass(kind)
    if kind is datetime:
        return _TIME
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return _Converter(lambda value: value.value, kind)
    return _AS_IS


def _optional(arguments: tuple[Any, ...]) -> _Converter:
    present = [argument for argument in arguments if argument is not types.NoneType]
    if len(present) > 1:
        return _AS_IS  # several plain types (`Value`), which JSON itself tells apart
    item = _converter(present[0])
    return _Converter(
        lambda value: None if value is None else item.write(value),
        lambda value: None if value is None else item.read(value),
    )


def _of_dataclass(kind: Any) -> _Converter:
    hints = get_type_hints(kind)
    items = [
        (column.name, column.metadata.get("stored", column.name), _converter(hints[column.name]))
        for column in fields(kind)
    ]
    needed = {field.name for field in fields(kind) if field.default is MISSING and field.default_factory is MISSING}

    def write(value: Any) -> dict[str, Any]:
        return {stored: item.write(getattr(value, name)) for name, stored, item in items}

    def read(values: Mapping[str, Any]) -> Any:
        return kind(
            **{name: item.read(values[stored]) for name, stored, item in items if name in needed or stored in values}
        )

    return _Converter(write, read)


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
