"""What a cell or an item names: the ids of models, the path of an endpoint, a feature in words; and what kind of
replacement is recommended. An id is taken where it is marked as code or is nothing but an id.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from monitor.sources.pricing_page.inline import CODE


class ReplacementKind(StrEnum):
    """How a replacement may be used."""

    DROP_IN = "drop_in"  # one id, and no more is said
    OPTIONS = "options"  # several ids to choose from
    NOTE = "note"  # words


class Named(NamedTuple):
    """What ends: ids of models, paths of endpoints (`v1/prompts`), and features in the words of the page."""

    models: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    features: tuple[str, ...] = ()


_SPAN = re.compile(rf"{CODE}([^{CODE}]*){CODE}")
_INCLUDED = re.compile(r"\(((?:including|and the alias(?:es)?|alias(?:es)?:?)\b[^()]*)\)", re.IGNORECASE)
_PARENTHESES = re.compile(r"\(([^()]*)\)")
_BETWEEN = re.compile(r"[\s|,;/&]+|\b(?:and|or)\b")
_STATED = re.compile(r"(?!v\d+(?:beta\d*)?/)[A-Za-z0-9][A-Za-z0-9._:/@-]*", re.ASCII)
_SHAPED = re.compile(r"(?=[^ ]*[0-9-])(?!v\d+(?:beta\d*)?/)[A-Za-z][A-Za-z0-9._:/@-]*[A-Za-z0-9]", re.ASCII)
_ENDPOINT = re.compile(r"(?:(?:GET|POST|PUT|DELETE|PATCH) )?/?(v\d+(?:beta\d*)?/[A-Za-z0-9_{}./-]+)", re.ASCII)
_WORDS = re.compile(r"[A-Za-z][\w .:+/()&'=-]{2,60}", re.ASCII)
_MARK = re.compile(r"(?<=\w)[*†‡]+")


def models(cell: str, *, ids: bool = False) -> tuple[str, ...]:
    """Return the ids that a cell names, with those that it says are included in parentheses; none where it speaks of
    something else. In a column of `ids` several may stand without anything between them.
    """
    cell = _MARK.sub("", cell)
    included = [name for part in _INCLUDED.findall(cell) for name in _SPAN.findall(part)]
    rest = _PARENTHESES.sub("", cell)
    if CODE in cell and CODE not in rest:
        return _in_parentheses(cell)
    if CODE in rest:
        names = _SPAN.findall(rest)
        if _BETWEEN.sub("", _SPAN.sub("", rest)) or not all(map(_STATED.fullmatch, names)):
            return ()
    else:
        names = [word.strip() for word in re.split(r"[|,;]|\b(?:and|or)\b", rest) if word.strip()]
        if ids and len(names) == 1 and " " in names[0]:
            names = names[0].split()
        if not all(map(_SHAPED.fullmatch, names)):
            return _in_parentheses(cell)
    return tuple(dict.fromkeys(name for name in (*names, *included) if _STATED.fullmatch(name)))


def _in_parentheses(cell: str) -> tuple[str, ...]:
    """Return the ids of `GPT-4o (`gpt-4o-2024-08-06`, `gpt-4o-2024-11-20`)`: a name, and behind it nothing but ids."""
    parts = _PARENTHESES.findall(cell)
    if len(parts) != 1 or not cell.endswith(")"):
        return ()
    if CODE in parts[0]:
        named = _SPAN.findall(parts[0])
        clean = not _BETWEEN.sub("", _SPAN.sub("", parts[0])) and all(map(_STATED.fullmatch, named))
    else:
        named = [word for word in _BETWEEN.split(parts[0]) if word]
        clean = all(map(_SHAPED.fullmatch, named))
    return tuple(dict.fromkeys(named)) if clean else ()


def named(cell: str, *, ids: bool, features: bool) -> Named:
    """Return what a cell of what ends names; `features` says whether its column may hold more than models."""
    if model_ids := models(cell, ids=ids):
        return Named(models=model_ids)
    plain = cell.replace(CODE, "").strip()
    spans = _SPAN.findall(cell) or [plain]
    paths = [path for span in spans if (path := _ENDPOINT.fullmatch(span.strip()))]
    # Behind the name of an API its path may stand in parentheses; elsewhere nothing may stand beside it.
    beside = _BETWEEN.sub("", re.sub(r"[()]", "", _SPAN.sub("", cell))) if _SPAN.search(cell) else ""
    if paths and len(paths) == len(spans) and (not beside or features):
        return Named(endpoints=tuple(dict.fromkeys(path[1].rstrip("/") for path in paths)))
    if features and CODE not in cell and _WORDS.fullmatch(plain):
        return Named(features=(plain,))
    return Named()


def spans(text: str) -> tuple[str, ...]:
    """Return the code spans of a text."""
    return tuple(dict.fromkeys(_SPAN.findall(text)))


def of_spans(text: str) -> Named:
    """Return what the code spans of a text name; nothing where one of them is neither an id nor a path."""
    ids, paths = [], []
    for span in spans(text):
        if path := _ENDPOINT.fullmatch(span):
            paths.append(path[1].rstrip("/"))
        elif _STATED.fullmatch(span):
            ids.append(span)
        else:
            return Named()
    return Named(models=tuple(ids), endpoints=tuple(paths))


def replacement(cell: str) -> tuple[str, ReplacementKind]:
    """Return a recommended replacement in the words of the page, and how it may be used."""
    words = _MARK.sub("", cell.replace(CODE, ""))
    model_ids = models(cell)
    if not model_ids or _PARENTHESES.search(cell):
        return words, ReplacementKind.NOTE
    return words, ReplacementKind.DROP_IN if len(model_ids) == 1 else ReplacementKind.OPTIONS
