"""Between the core's values and what a database can hold: canonical JSON, times, identifiers. No SQL.

Dataclasses are written field by field as their type hints say and read back to equal values. A field that a stored row does not
have takes its default, so a field with a default may be added without a migration.
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
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

from monitor.domain.model import Facts, Subject, Value

T = TypeVar("T")

Columns = dict[str, Any]


def time_text(at: datetime) -> str:
    """A time as it is stored: UTC, fixed width, so that text order is time order.

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


def canonical(value: object) -> str:
    """Canonical JSON: sorted keys, no spaces, no floats (they do not come back as they were written everywhere).

    Raises:
        TypeError: a float, a key that is no text, or something that JSON has no word for.
    """
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _plain(value: object) -> object:
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"{key!r} is a key of a stored value, and only text may be one")
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    raise TypeError(f"{value!r} is a {type(value).__name__}, which is not stored: amounts and times are text")


def uuid7(at: datetime, position: int) -> str:
    """A UUIDv7 (RFC 9562) for the event at `position`: milliseconds, the rest of the microseconds, the position, chance.

    With the position inside, identifiers sort as the log does, also within one commit.
    """
    microseconds = (at - datetime(1970, 1, 1, tzinfo=UTC)) // _MICROSECOND
    milliseconds, rest = divmod(microseconds, 1000)
    high = (milliseconds & 0xFFFF_FFFF_FFFF) << 16 | 0x7000 | (rest * 4096 // 1000)
    low = 0b10 << 62 | (position & 0xFFFF_FFFF) << 30 | secrets.randbits(30)
    return str(UUID(int=high << 64 | low))


_MICROSECOND = datetime.resolution


def facts_text(facts: Facts) -> str:
    """The canonical blob of facts: `{scope: {name: {field: value}}}`.

    Raises:
        TypeError: a value that is no text, whole number or truth.
    """
    scopes: dict[str, dict[str, Mapping[str, Value]]] = {}
    for (scope, name), values in facts.items():
        scopes.setdefault(scope, {})[name] = values
    return canonical(scopes)


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
    """A dataclass of the core as canonical JSON."""
    return canonical(_written(value))


def decode(kind: type[T], text: str) -> T:
    """Read back what `encode` wrote."""
    return cast(T, _reader(cast(Any, kind))(json.loads(text)))


def _written(value: Any) -> object:
    if is_dataclass(value):
        return {field.name: _written(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, Mapping):
        return {key: _written(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_written(inner) for inner in value]
    return value


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _optional(arguments)
    if origin is tuple:
        item = _reader(arguments[0])
        return lambda values: tuple(item(value) for value in values)
    if origin is not None and issubclass(origin, Mapping):
        inner = _reader(arguments[1])
        return lambda values: {key: inner(value) for key, value in values.items()}
    if is_dataclass(kind):
        return _dataclass_reader(kind)
    if kind is datetime:
        return time_of
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind
    return lambda value: value


def _optional(arguments: tuple[Any, ...]) -> Callable[[Any], Any]:
    present = [argument for argument in arguments if argument is not types.NoneType]
    # A union of several plain types (`Value`) is told apart by JSON itself.
    inner = _reader(present[0]) if len(present) == 1 else lambda value: value
    return lambda value: None if value is None else inner(value)


def _dataclass_reader(kind: Any) -> Callable[[Any], Any]:
    hints = get_type_hints(kind)
    readers = {field.name: _reader(hints[field.name]) for field in fields(kind)}
    needed = {field.name for field in fields(kind) if field.default is MISSING and field.default_factory is MISSING}

    def read(values: Mapping[str, Any]) -> Any:
        known = {name: reader(values[name]) for name, reader in readers.items() if name in needed or name in values}
        return kind(**known)

    return read


@cache
def _time_columns(kind: Any) -> frozenset[str]:
    return frozenset(name for name, hint in get_type_hints(kind).items() if datetime in (hint, *get_args(hint)))


def columns(value: Any) -> Columns:
    """The fields of a flat dataclass as the columns of a row."""
    times = _time_columns(cast(Any, type(value)))
    return {
        field.name: optional_time_text(getattr(value, field.name))
        if field.name in times
        else getattr(value, field.name)
        for field in fields(value)
    }


def of_columns(kind: type[T], row: Mapping[Any, Any]) -> T:
    """Read a flat dataclass from the columns of a row that bear the names of its fields."""
    times = _time_columns(cast(Any, kind))
    names = [field.name for field in fields(cast(Any, kind))]
    return kind(**{name: optional_time_of(row[name]) if name in times else row[name] for name in names})
