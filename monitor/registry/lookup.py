"""Finding an entry by its key, and the one sentence that says there is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from monitor.core.entry import Entry
from monitor.core.names import no_such, perhaps
from monitor.core.ports import Refused


def find_entry(entries: Mapping[str, Entry], key: str) -> Entry:
    """Return one entry.

    Raises:
        Refused: there is none of this key.
    """
    if key not in entries:
        raise unknown_entry(key, entries)
    return entries[key]


def unknown_entry(key: str, known: Iterable[str], *, then: str = "") -> Refused:
    """Make the refusal of a key that no entry has; `then` is when there was none, in words, empty for now."""
    known = sorted(known)
    has = ", ".join(known) or "none yet (`access-monitor poll` loads the configuration)"
    if then:
        return Refused(f"there was no entry {key!r} at {then}{perhaps(key, known)}; the registry had: {has}")
    return Refused(no_such("entry", key, known, f"the registry has: {has}"))
