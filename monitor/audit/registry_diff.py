"""What differs in the registry between two times. Reading only, from the log alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from monitor.audit.queries import entries
from monitor.core.entry import Check, Entry
from monitor.core.entry_spec import dump
from monitor.core.ports import Reader
from monitor.core.text import value_in_words
from monitor.gate.state import reason
from monitor.registry.lookup import unknown_entry


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryDifference:
    """One thing that differs: `what` is `status`, `reason`, `pin KEY`, `check NAME` or `declared KEY`; None where there
    was or is none. `position` is the entry's at the later time.
    """

    entry: str
    what: str
    old: str | None
    new: str | None
    position: int


def registry_diff(reader: Reader, first: datetime, second: datetime, key: str = "") -> list[RegistryDifference]:
    """Return what differs from the one time to the other, of every entry or of one.

    Raises:
        Refused: there was no entry of this key at either time.
    """
    before, after = entries(reader, at=first), entries(reader, at=second)
    keys = sorted(before.keys() | after.keys())
    if key and key not in keys:
        raise unknown_entry(key, keys, then="either of these times")
    return [
        difference
        for name in ([key] if key else keys)
        for difference in _differences(name, before.get(name), after.get(name))
    ]


def _differences(key: str, before: Entry | None, after: Entry | None) -> Iterator[RegistryDifference]:
    old, new = _values(before), _values(after)
    position = after.position if after is not None else before.position if before is not None else 0
    for what in dict.fromkeys((*old, *new)):
        if old.get(what) != new.get(what):
            yield RegistryDifference(entry=key, what=what, old=old.get(what), new=new.get(what), position=position)


def _values(entry: Entry | None) -> Mapping[str, str]:
    """Return everything of an entry that a person would compare, in words and in the order in which it is shown."""
    if entry is None:
        return {}
    declared = {
        f"declared {name}": _written(value) for name, value in dump(entry.spec).items() if name not in _NOT_DECLARED
    }
    return {
        "status": entry.status.value,
        "reason": reason(entry),
        **{f"pin {pin.key}": value_in_words(pin.value) for pin in entry.pins},
        **{f"deviation {pin}": value_in_words(value) for pin, value in entry.deviations.items()},
        **{f"check {name}": _check(check) for name, check in sorted(entry.checks.items())},
        **{name: text for name, text in declared.items() if text},
    }


_NOT_DECLARED = frozenset({"key", "ours", "provider"})
"""What a declaration records beside what the file says: it is among the pins of an entry that was accepted."""


def _check(check: Check) -> str:
    return f"{check.state.value} by {check.by}" if check.by else check.state.value


def _written(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={_written(below)}" for name, below in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_written, value))
    return "" if value is None else str(value)
