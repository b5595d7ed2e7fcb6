"""What the vocabulary says of an event, held against events that were written."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import UnionType
from typing import Any, NotRequired, Union, get_args, get_origin, get_type_hints

from monitor.core.event_types import EVENT_TYPES


def wrong(type: str, stream: str, data: Mapping[str, Any]) -> list[str]:
    """Return what is otherwise than the type says: stream, a key too many or missing, a value of another type."""
    found = EVENT_TYPES.get(type)
    if found is None:
        return [f"{type} is no event type"]
    hints = _hints(found.data)
    return [
        *([f"{type} stands in {stream}"] if stream.partition("/")[0] != found.stream else []),
        *(f"{type} holds {key}" for key in data.keys() - hints.keys()),
        *(f"{type} lacks {key}" for key in _required(found.data) - data.keys()),
        *(
            f"{type} has {key} = {value!r}"
            for key, value in data.items()
            if key in hints and not _is(value, hints[key])
        ),
    ]


@cache
def _hints(data: Any) -> Mapping[str, Any]:
    return get_type_hints(data)


@cache
def _required(data: Any) -> frozenset[str]:
    # `__required_keys__` cannot tell: annotations are texts where they are not evaluated at once.
    hints = get_type_hints(data, include_extras=True)
    return frozenset(key for key, hint in hints.items() if get_origin(hint) is not NotRequired)


def _is(value: object, hint: Any) -> bool:
    if hint is Any:
        return True
    if get_origin(hint) in (Union, UnionType):
        return any(_is(value, one) for one in get_args(hint))
    if get_origin(hint) is list:
        return isinstance(value, list) and all(_is(one, get_args(hint)[0]) for one in value)
    if get_origin(hint) is dict:
        return isinstance(value, dict) and all(isinstance(key, str) for key in value)
    return type(value) is hint
