"""Finding an entry by its key and surface, and the one sentence that says there is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from monitor.core.entry import Entry, Status
from monitor.core.entry_spec import AT, row_key
from monitor.core.names import no_such, perhaps
from monitor.core.ports import Refused


class UnknownEntry(Refused):
    """An entry was named that there is not, or is not where it was named."""


class UnknownSurface(UnknownEntry):
    """A surface was named that the entry is not on."""

    exit_code = 2


def find_row(entries: Mapping[str, Entry], key: str, surface: str = "") -> str:
    """Return the key of the row that an entry has on a surface, of several the first unless one is named;
    `ENTRY@SURFACE` names it as well. An unknown key is returned as it is, for whoever needs the entry to refuse.

    Raises:
        UnknownSurface: the entry is not on this surface.
    """
    exact = entries.get(key)
    if exact is not None and surface in ("", exact.spec.surface) and exact.status is not Status.WITHDRAWN:
        return key
    entry, at, named = key.partition(AT)
    surface = surface or named
    if not surface or entry not in entries:
        return key
    if not at or surface == named:
        first = entries[entry]
        row = entry if surface in first.spec.surfaces else row_key(entry, surface)
        if row in entries:
            return row
    places = " and ".join(row.spec.surface for row in rows_of(entries, entry))
    raise UnknownSurface(f"{entry} is on {places}, not on {named if at and surface != named else surface}")


def rows_of(entries: Mapping[str, Entry], key: str) -> tuple[Entry, ...]:
    """Return all rows of an entry, the first surface first; one that is not declared any more only where none is."""
    rows = [entry for entry in entries.values() if entry.spec.entry == key.partition(AT)[0]]
    rows.sort(key=lambda row: AT in row.key)
    return tuple([row for row in rows if row.status is not Status.WITHDRAWN] or rows[:1])


def title(entry: Entry, entries: Mapping[str, Entry]) -> str:
    """Return how people call a row: its name, and its surface where the entry is on several."""
    name = entry.spec.name or entry.spec.entry
    return f"{name} on {entry.spec.surface}" if len(rows_of(entries, entry.key)) > 1 else name


def find_entry(entries: Mapping[str, Entry], key: str) -> Entry:
    """Return one entry.

    Raises:
        Refused: there is none of this key.
    """
    if key not in entries:
        raise unknown_entry(key, entries)
    return entries[key]


def unknown_entry(key: str, known: Iterable[str], *, then: str = "") -> UnknownEntry:
    """Make the refusal of a key that no entry has; `then` is when there was none, in words, empty for now."""
    known = sorted(known)
    has = ", ".join(known) or "none yet (`access-monitor poll` loads the configuration)"
    if then:
        return UnknownEntry(f"there was no entry {key!r} at {then}{perhaps(key, known)}; the registry had: {has}")
    return UnknownEntry(no_such("entry", key, known, f"the registry has: {has}"))
