"""Names of settings that changed: the old ones are read for one version, with one warning; old and new at once is
refused.

Which names those are stands in `core.accepted_configuration.RENAMED`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from monitor.core.accepted_configuration import RENAMED

KeyPath: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OldNames:
    """The old names that a file and the variables over it use.

    `rows` are the rows of `RENAMED` that the file uses, `clashes` sentences about names that are used in both forms,
    and `warning` is one line that names every old name with its new one, empty where there is none.
    """

    rows: tuple[KeyPath, ...]
    clashes: tuple[str, ...]
    warning: str

    def as_written(self, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
        """Give the path of a key as the file spells it."""
        for row in reversed(self.rows):
            new = _renamed(row)
            if path[: len(new)] == new:
                path = (*row, *path[len(new) :])
        return path


def old_names(file: Mapping[str, Any], variables: Mapping[str, tuple[KeyPath, str]]) -> OldNames:
    """Find the old names in a file, and among variables: name → the path that it spells and the variable's name of
    today.
    """
    old: defaultdict[KeyPath, list[str]] = defaultdict(list)
    new: defaultdict[KeyPath, list[str]] = defaultdict(list)
    rows: dict[KeyPath, None] = {}
    for path in _paths(file):
        for row, form in _forms(path):
            (old if form == row else new)[row].append(_spoken(form))
            if form == row:
                rows[row] = None
    for name, (path, _) in variables.items():
        for row, form in _forms(path):
            (old if form == row else new)[row].append(name)
    renamed = {f"{_spoken(row)} is now {_spoken(_renamed(row))}": None for row in rows}
    renamed |= {f"{name} is now {today}": None for name, (_, today) in variables.items() if name != today}
    return OldNames(
        rows=tuple(row for row in RENAMED if row in rows),
        clashes=tuple(
            f"{old[row][0]} and {new[row][0]} are the old and the new name of one setting; write the new one alone"
            for row in RENAMED
            if old[row] and new[row]
        ),
        warning=f"{', '.join(renamed)}; the old names are read by this version only" if renamed else "",
    )


def _renamed(row: KeyPath) -> KeyPath:
    return (*row[:-1], RENAMED[row])


def _forms(path: KeyPath) -> Iterator[tuple[KeyPath, KeyPath]]:
    """Yield the rows that a path goes through, each with the form of the name that it uses: the row itself, or what it
    became.
    """
    for row in RENAMED:
        new = _renamed(row)
        if path[: len(row)] == row:
            yield row, row
            path = (*new, *path[len(row) :])
        elif path[: len(new)] == new:
            yield row, new


def _paths(tables: Mapping[str, Any], above: KeyPath = ()) -> Iterator[KeyPath]:
    for name, value in tables.items():
        yield (*above, name)
        if isinstance(value, Mapping):
            yield from _paths(value, (*above, name))


def _spoken(path: KeyPath) -> str:
    return f"[{path[0]}]" if len(path) == 1 else ".".join(path[-2:])
