"""The state of a registry row as an event carries it to another row, so that the fold needs that event alone.

An entry that comes to stand on several surfaces, or whose surfaces change places, has rows that go on from what another
row was: what a person accepted, and what was verified, is not lost by a change of keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from monitor.core.baselines import CONFIG, SOURCES
from monitor.core.entry import Check, CheckState, Entry, Pin, Status, is_price
from monitor.core.entry_spec import EntrySpec
from monitor.core.events import Event, rfc3339
from monitor.core.facts import ALIAS_TARGET
from monitor.core.maintenance_windows import Window

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
        scope, _, rest = key.partition("/")
        owner, _, name = rest.rpartition("/")
        value = declared if name in (SOURCES, "provider") else accepted.get(key, declared)
        pins += (Pin(scope=scope, name=owner, field=name, value=value),)
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


def dump(entry: Entry) -> dict[str, Any]:
    """Return the state of a row as plain JSON."""
    return {
        "from": entry.key,
        "status": entry.status.value,
        "since": rfc3339(entry.since),
        "status_position": entry.status_position,
        "pins": [asdict(pin) for pin in entry.pins],
        "unpinned": list(entry.unpinned),
        "checks": {name: _check(check) for name, check in entry.checks.items()},
        "deviations": dict(entry.deviations),
        "pause": entry.pause,
        "reason": entry.reason,
        "by": entry.by,
        "callers": list(entry.callers),
        "reminded": list(entry.reminded),
        "windows": [_window(window) for window in entry.windows],
        "observed": dict(entry.observed),
        "acknowledged": entry.acknowledged,
        "waived": list(entry.waived),
        "fallback_lost": entry.fallback_lost,
        "silenced_until": None if entry.silenced_until is None else rfc3339(entry.silenced_until),
    }


def load(key: str, spec: EntrySpec, event: Event, state: State) -> Entry:
    """Return the row that goes on from a state, as of the event that carries it."""
    silenced = state["silenced_until"]
    return Entry(
        key=key,
        spec=spec,
        position=event.position,
        status=Status(state["status"]),
        since=datetime.fromisoformat(state["since"]),
        status_position=state["status_position"],
        pins=tuple(Pin(**pin) for pin in state["pins"]),
        unpinned=tuple(state["unpinned"]),
        checks={name: _loaded_check(check) for name, check in state["checks"].items()},
        deviations=dict(state["deviations"]),
        pause=state["pause"],
        reason=state["reason"],
        by=state["by"],
        callers=tuple(state["callers"]),
        reminded=tuple(state["reminded"]),
        windows=tuple(_loaded_window(window) for window in state["windows"]),
        observed=dict(state["observed"]),
        acknowledged=state["acknowledged"],
        waived=tuple(state["waived"]),
        fallback_lost=state["fallback_lost"],
        silenced_until=None if silenced is None else datetime.fromisoformat(silenced),
    )


def _check(check: Check) -> dict[str, Any]:
    dates = {"verified_at": check.verified_at, "until": check.until}
    written = {name: None if at is None else rfc3339(at) for name, at in dates.items()}
    return {**asdict(check), **written, "state": check.state.value}


def _loaded_check(check: State) -> Check:
    dates = {name: check[name] and datetime.fromisoformat(check[name]) for name in ("verified_at", "until")}
    return Check(**{**check, **dates, "state": CheckState(check["state"])})


def _window(window: Window) -> dict[str, Any]:
    written = {"start": rfc3339(window.start), "end": rfc3339(window.end), "changes": list(window.changes)}
    return {**asdict(window), **written}


def _loaded_window(window: State) -> Window:
    dates = {name: datetime.fromisoformat(window[name]) for name in ("start", "end")}
    return Window(**{**window, **dates, "changes": tuple(window["changes"])})
