"""How values are written down for good, and what stored bytes are called: canonical JSON, and names by hash.

Pure, so that a decision can name what it shows before anything of it is stored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from monitor.core.facts import Facts, Value

PREFIX = "sha256:"


def name_of(content: bytes) -> str:
    """Name stored bytes by their hash."""
    return PREFIX + hashlib.sha256(content).hexdigest()


def facts_name(facts: Facts) -> str:
    """Name a blob of facts.

    Raises:
        TypeError: a value that is no text, whole number or truth.
    """
    return name_of(facts_text(facts).encode())


def facts_text(facts: Facts) -> str:
    """Write the canonical blob of facts: `{scope: {name: {field: value}}}`.

    Raises:
        TypeError: a value that is no text, whole number or truth.
    """
    scopes: dict[str, dict[str, Mapping[str, Value]]] = {}
    for (scope, name), values in facts.items():
        for field, value in values.items():
            if not (isinstance(field, str) and isinstance(value, str | int)):
                plain(values)  # says what is wrong; plain facts are not taken apart: a list may have 100,000 of them
        scopes.setdefault(scope, {})[name] = values if isinstance(values, dict) else dict(values)
    return JSON.encode(scopes)


def canonical_json(value: object) -> str:
    """Write canonical JSON: sorted keys, no spaces, no floats (they do not come back as they were written everywhere).

    Raises:
        TypeError: a float, a key that is no text, or something that JSON has no word for.
    """
    return JSON.encode(plain(value))


JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
"""Writes what is plain already."""


def plain(value: object) -> object:
    """Take a value apart into what JSON has words for.

    Raises:
        TypeError: it has none for a part of it.
    """
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"{key!r} is a key of a stored value, and only text may be one")
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    raise TypeError(f"{value!r} is a {type(value).__name__}, which is not stored: amounts and times are text")
