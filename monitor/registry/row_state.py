"""The state of a registry row as an event carries it to another row, so that the fold needs that event alone.

An entry that comes to stand on several surfaces, or whose surfaces change places, has rows that go on from what another
row was: what a person accepted, and what was verified, is not lost by a change of keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from monitor.core import entry_spec
from monitor.core.baselines import CONFIG, SOURCES
from monitor.core.entry import Entry, Pin, is_price
from monitor.core.entry_spec import EntrySpec
from monitor.core.events import Event
from monitor.core.facts import ALIAS_TARGET
from monitor.core.records import of_plain, to_plain

State = Mapping[str, Any]


def part(entry: Entry, spec: EntrySpec) -> Entry:
    """Return what of an entry belongs to the row of `spec`, which has one of its surfaces: the pins of that surface and
    of what all surfaces share, and the declaration of the row.

    A row stands on fewer sources than the whole entry did, and may go by another provider; of the rest of our own side
    it keeps what was accepted.
    """
    pins = tuple(pin for pin in entry.pins if pin.scope != CONFIG and _belongs(pin, entry, spec))
    keys = {pin.key for pin in pins}
    accepted = {pin.key: str(pin.value) for pin in entry.pins if pin.scope == CONFIG}
    for key, declared in sorted(spec.config_pins.items()) if entry.pins else ():
        pin = Pin.of(key, declared)
        if pin.field not in (SOURCES, "provider"):
            pin = replace(pin, value=accepted.get(key, declared))
        pins += (pin,)
        keys.add(key)
    return replace(
        entry,
        key=spec.key,
        spec=spec,
        pins=pins,
        unpinned=tuple(key for key in entry.unpinned if key.partition("/")[0] not in _others(entry, spec)),
        deviations={key: value for key, value in entry.deviations.items() if key in keys},
        approval=None,
    )


def _others(entry: Entry, spec: EntrySpec) -> set[str]:
    return set(entry.spec.surfaces) - {spec.surface}


def _belongs(pin: Pin, entry: Entry, spec: EntrySpec) -> bool:
    # A provider may have the name of another surface; its prices are those of the model on every surface.
    return is_price(pin.key) or pin.field == ALIAS_TARGET or pin.scope not in _others(entry, spec)


_OF_THE_ROW = frozenset({"key", "position", "declared", "approval"})
"""What a row does not take from another: its own key, position and declaration; nor a request that one person made."""


def dump(entry: Entry, origin: str = "") -> dict[str, Any]:
    """Return the state of a row as plain JSON; `origin` is the key that it had, where that is another one."""
    written = to_plain(entry)
    return {"from": origin or entry.key} | {name: value for name, value in written.items() if name not in _OF_THE_ROW}


def load(key: str, spec: EntrySpec, event: Event, state: State) -> Entry:
    """Return the row that goes on from a state, as of the event that carries it."""
    own = {"key": key, "position": event.position, "declared": entry_spec.dump(spec)}
    return of_plain(Entry, {**state, **own})
