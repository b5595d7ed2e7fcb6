"""`ACCESS_MONITOR__SECTION__KEY`: the environment laid over the file, and the names that belong to no setting refused."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from monitor.settings.problems import suggest
from monitor.settings.rules import Finding, Location
from monitor.settings.schema import Document

PREFIX = "ACCESS_MONITOR__"


def variable(location: Location) -> str:
    """The variable that sets the key at `location`."""
    return PREFIX + "__".join(str(part) for part in location).upper()


def settable(model: type[BaseModel] = Document, above: Location = ()) -> Iterator[tuple[Location, FieldInfo]]:
    """Every key that a variable can set: those of plain sections, not of lists of tables."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from settable(kind, (*above, name))
        elif above:
            yield (*above, name), field


def overlay(document: dict[str, Any], environ: Mapping[str, str]) -> tuple[set[Location], list[Finding]]:
    """Write what the environment sets into `document`; return where, and the variables that name no setting.

    The location of such a finding is empty: there is no key to point at.
    """
    fields = {variable(location): (location, field) for location, field in settable()}
    written: set[Location] = set()
    findings: list[Finding] = []
    for name in sorted(environ):
        if not name.startswith(PREFIX):
            continue
        if name not in fields:
            findings.append(((), f"The environment variable {name} names no setting; {_mend(name, fields)}"))
            continue
        location, field = fields[name]
        table = document
        for part in location[:-1]:
            below = table.setdefault(str(part), {})
            if not isinstance(below, dict):  # the file holds something else there, which its own check refuses
                break
            table = below
        else:
            table[str(location[-1])] = _value(environ[name], field)
            written.add(location)
    return written, findings


def _mend(name: str, fields: Mapping[str, object]) -> str:
    first = name.removeprefix(PREFIX).partition("__")[0].lower()
    lists = {
        table
        for table in Document.model_fields
        if not any(name.startswith(f"{PREFIX}{table.upper()}__") for name in fields)
    }
    if first in lists:
        return f"[[{first}]] is a list of tables and is set in the file only"
    return f"{suggest(name, fields)}".replace("known are", "there are")


def _value(text: str, field: FieldInfo) -> object:
    """A list is written as JSON or with commas; every other value as it stands."""
    if get_origin(field.annotation) is not list:
        return text
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    return value if isinstance(value, list) else [item for part in text.split(",") if (item := part.strip())]
