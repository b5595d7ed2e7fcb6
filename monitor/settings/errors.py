"""What is wrong with a configuration, said in sentences: file, key path and the mend, and never a secret.

What pydantic finds is turned into the end of such a sentence here; the rejected input is quoted only where it is a
name.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeAlias, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from monitor.core.names import suggest
from monitor.core.ports import ConfigurationError
from monitor.settings.schema import ALTERNATIVE, Document
from monitor.settings.secrets import holds_secret

Location: TypeAlias = tuple[str | int, ...]
Finding: TypeAlias = tuple[Location, str]
"""Where, and the end of the sentence; the location is empty where there is no key to point at."""


class InvalidConfiguration(ConfigurationError):
    """A configuration that is refused. `problems` holds a sentence for each thing that is wrong; the message is the
    first.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        first, more = self.problems[0], len(self.problems) - 1
        tail = f" (and {more} more: `access-monitor config check` shows all)." if more else ""
        super().__init__(first.removesuffix(".") + tail if tail else first)


def findings_of(error: ValidationError) -> list[Finding]:
    """Return one finding for each thing that pydantic found."""
    return [
        (location, _phrase(location, problem))
        for problem in error.errors(include_url=False)
        for location in [tuple(part for part in problem["loc"] if not str(part).startswith(ALTERNATIVE))]
    ]


def _phrase(location: Location, one: Any) -> str:
    context, value = one.get("ctx", {}), one["input"]
    match one["type"]:
        case "value_error":
            return str(context["error"])
        case "missing":
            return f"is missing; add {location[-1]} = {_example(location)}"
        case "extra_forbidden":
            return f"is not a key that there is; {suggest(_name(location[-1]), _keys(location[:-1]))}"
        case "literal_error":
            choices = [str(choice) for choice in _choices(location)]
            return f"is not a value that it can have; {suggest(_name(value), choices)}"
        case "greater_than_equal":
            return f"is too small; write at least {context['ge']}"
        case "less_than_equal":
            return f"is too large; write at most {context['le']}"
        case "too_short" | "string_too_short":
            return f"is empty; name at least one, as in {_example(location)}, or leave it out"
        case other:
            return (
                _of_another_type(location, other) or f"is not valid: {one['msg']}; see `access-monitor config schema`"
            )


def _of_another_type(location: Location, kind: str) -> str:
    """Say which type a value must have; empty where the problem is another."""
    match kind:
        case "string_type":
            return f"must be a text; write it in quotes, as in {_example(location)}"
        case "int_type" | "int_parsing" | "int_from_float":
            return "must be a whole number; write it without quotes and point"
        case "list_type" if len(location) == 1:
            return f"must be a list of tables; write [[{location[0]}]] above each"
        case "list_type":
            return f"must be a list; write {location[-1]} = {_example(location)}"
        case "model_type" | "dict_type" if len(location) == 1:
            return f"must be a table; write [{location[0]}] once"
        case "model_type" | "dict_type":
            return "must be a table; write {key = value}"
        case _:
            return ""


def _name(value: object) -> str:
    return value if isinstance(value, str) and not holds_secret(value) else ""


def _field(location: Location) -> FieldInfo | None:
    """Return the field at a location; what lies inside a list or a plain mapping has the field of that."""
    model: type[BaseModel] | None = Document
    field: FieldInfo | None = None
    for part in location:
        if isinstance(part, int) or model is None:
            continue
        field = model.model_fields.get(part)
        model = _model(field.annotation) if field is not None else None
    return field


def _model(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type):
        return annotation if issubclass(annotation, BaseModel) else None
    return next((model for argument in get_args(annotation) if (model := _model(argument)) is not None), None)


def _keys(location: Location) -> list[str]:
    field = _field(location)
    model = _model(field.annotation) if field is not None else Document
    return list(model.model_fields) if model is not None else []


def _choices(location: Location) -> list[object]:
    def strings(annotation: object) -> list[object]:
        if isinstance(annotation, str):
            return [annotation]
        return [choice for argument in get_args(annotation) for choice in strings(argument)]

    field = _field(location)
    return strings(field.annotation) if field is not None else []


def _example(location: Location) -> str:
    field = _field(location)
    if field is None or not field.examples:
        return '"…"' if field is None or "list" not in str(field.annotation) else '["…"]'
    return json.dumps(field.examples[0], ensure_ascii=False)
