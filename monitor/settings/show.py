"""A configuration as data for people: what is in effect and where each value came from, and the JSON Schema of the
file.

What may hold a secret is masked: destinations, the password in the URL of a database, headers that are named like one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from pydantic.json_schema import GenerateJsonSchema

from monitor.core.redaction import redact
from monitor.settings import durations
from monitor.settings.schema import Document
from monitor.settings.secrets import MASK, is_reference, masked, without_password
from monitor.settings.values import Settings

DEFAULT = "default"

_SECRET_HEADER = re.compile(r"\.headers\..*(key|token|secret|auth|password|cookie)", re.IGNORECASE)


class ShownSetting(NamedTuple):
    """One effective value: its key (`entry[0].owners`), the value as JSON has it, and where it came from."""

    key: str
    value: object
    origin: str


def show(settings: Settings) -> list[ShownSetting]:
    """Return every setting in effect, in the order of the sections; secrets masked."""
    return [
        ShownSetting(key, _hidden(key, value), settings.origins.get(key, DEFAULT))
        for key, value in leaves(settings.document)
    ]


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the configuration file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Document.model_json_schema(schema_generator=_Schema),
    }


class _Schema(GenerateJsonSchema):
    """Defaults as the file spells them; pydantic would write durations in ISO 8601, which the file refuses."""

    def encode_default(self, dft: Any) -> Any:
        return durations.spoken(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def leaves(value: Any, key: str = "") -> Iterator[tuple[str, object]]:
    """Yield the values that are neither tables nor lists of tables, each with its key."""
    if isinstance(value, Mapping):
        for name, below in value.items():
            yield from leaves(below, f"{key}.{name}" if key else str(name))
    elif _tables(key, value):
        for index, below in enumerate(value):
            yield from leaves(below, f"{key}[{index}]")
    else:
        yield key, value


def _tables(key: str, value: object) -> bool:
    """Return whether a value is a list of tables that are shown key by key; a destination is shown as one text."""
    return (
        isinstance(value, list | tuple)
        and bool(value)
        and not key.endswith(".destinations")
        and all(isinstance(item, Mapping) for item in value)
    )


def _hidden(key: str, value: object) -> object:
    if key.endswith(".destinations") and isinstance(value, list | tuple):
        return [_destination(item) for item in value]
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if key == "database.url":
        return without_password(str(value))
    if _SECRET_HEADER.search(key) and not is_reference(str(value)):
        return MASK
    return _plain(value)


def _destination(written: str | Mapping[str, object]) -> str:
    """Return a destination with what is set for it behind: `env:PAGER (when paused, denied; quiet 22:00-07:00)`."""
    if isinstance(written, str):
        return masked(written)
    rules = [
        f"{name} {', '.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in written.items()
        if name != "url"
    ]
    return masked(str(written["url"])) + (f" ({'; '.join(rules)})" if rules else "")


def _plain(value: object) -> object:
    """Return a value without what has the shape of a key: an address may carry one in its query."""
    return value if isinstance(value, int | float) else redact(str(value))
