"""Finding an entry by its key, and the one sentence that says there is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from monitor.core.entry import Entry
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
    """Make the refusal of a key that no entry has; `then` is the time at which there was none, in words, empty for now."""
    known = sorted(known)
    has = ", ".join(known) or "none yet (`access-monitor poll` loads the configuration)"
    if then:
        return Refused(f"there was no entry {key!r} at {then}{did_you_mean(key, known)}; the registry had: {has}")
    return Refused(f"there is no entry {key!r}{did_you_mean(key, known)}; the registry has: {has}")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Name the known word that is nearest to another, in brackets; empty where none is near."""
    near = get_close_matches(word, list(known), 1)
    return f" (did you mean {near[0]!r}?)" if near else ""
