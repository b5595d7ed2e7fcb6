"""Dataclasses of the core as plain JSON, written field by field as their type hints say, and read back to equal values.

A field that a written value does not have takes its default, so a field with a default may be added without a
migration. Metadata `stored` names a field that is written under another name than its own.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from monitor.core.content import plain
from monitor.core.entry_spec import EntrySpec, dump, load

T = TypeVar("T")


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


def to_plain(value: object) -> Any:
    """Return a dataclass of the core as plain JSON.

    Raises:
        TypeError: a field holds a float, or what JSON has no word for.
    """
    return _converter(type(value)).write(value)


def of_plain(kind: type[T], written: Any) -> T:
    """Read back what `to_plain` made; what is no field is left out."""
    return cast(T, _converter(kind).read(written))


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
