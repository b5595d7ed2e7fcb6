"""A configuration as the log keeps it: plain JSON in the shape of the file, references and never secrets.

`settings.kept` makes such a document and reads it back; here two of them are compared and named.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Document: TypeAlias = Mapping[str, Any]
"""Section → key → value; `surface`, `source`, `owner`, `entry` and `deployment` are lists of tables, each with its
`key`.
"""

RENAMED: Mapping[tuple[str, ...], str] = {
    ("belief",): "confirmation",
    ("confirmation", "absence", "looks"): "polls",
    ("confirmation", "change", "looks"): "polls",
}
"""Path of a key as versions before 0.4 wrote it → its name now; a path begins with the names that the rows above it
gave.
"""


def current_path(path: tuple[str, ...]) -> tuple[str, ...]:
    """Return the path of a key in today's names."""
    for old, name in RENAMED.items():
        if path[: len(old)] == old:
            path = (*old[:-1], name, *path[len(old) :])
    return path


def current_names(document: Document) -> dict[str, Any]:
    """Return the document in today's names. Where an old name and its new one both stand, the new one counts."""

    def named(tables: Mapping[str, Any], above: tuple[str, ...]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for name, value in tables.items():
            path = current_path((*above, name))
            if path[-1] == name or path[-1] not in tables:
                result[path[-1]] = named(value, path) if isinstance(value, Mapping) else value
        return result

    return named(document, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDifference:
    """A key that two documents state differently: its path (`source.openai-pricing.url`), and both values, None where
    there is none.
    """

    path: str
    old: object
    new: object


def digest(document: Document) -> str:
    """Return the SHA-256 of a document, in hexadecimal; neither the order of tables nor the spelling of the file takes
    part.
    """
    canonical = json.dumps(_keyed(document), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def differences(before: Document, after: Document) -> tuple[KeyDifference, ...]:
    """Return every key that differs, by path; a table that came or went is named as a whole, and one that was renamed
    is compared with what it was.
    """
    # A section that one side lacks is compared with an empty one, so that its keys are named.
    sections = sorted(before.keys() | after.keys())
    return tuple(
        difference
        for name in sections
        for difference in _of_section(name, _keyed(before.get(name, {})), _keyed(after.get(name, {})))
    )


def _of_section(name: str, old: Any, new: Any) -> Iterator[KeyDifference]:
    for key, was in _renamed(old, new):
        yield KeyDifference(path=f"{name}.{key}.key", old=was, new=key)
        old = {**{other: table for other, table in old.items() if other != was}, key: {**old[was], "key": key}}
        new = {**new, key: {**new[key], "was": old[key].get("was")}}
    yield from _differences(name, old, new)


def _renamed(old: Any, new: Any) -> list[tuple[str, str]]:
    """Return the tables that go on under another key, which they name themselves: that key, and the old one."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return []
    named = [(key, str(table.get("was"))) for key, table in new.items() if isinstance(table, Mapping)]
    return [(key, was) for key, was in named if was in old and was not in new and key not in old]


def _differences(path: str, old: Any, new: Any) -> Iterator[KeyDifference]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in sorted(old.keys() | new.keys()):
            yield from _differences(f"{path}.{name}", old.get(name), new.get(name))
    elif old != new:
        yield KeyDifference(path=path, old=old, new=new)


def _keyed(value: Any) -> Any:
    """Return the value with every list of tables as a mapping of their keys, so that their order says nothing."""
    if isinstance(value, Mapping):
        return {name: _keyed(below) for name, below in value.items()}
    if isinstance(value, list) and value and all(isinstance(item, Mapping) and "key" in item for item in value):
        return {str(item["key"]): _keyed(item) for item in value}
    return value
