"""Windows of planned maintenance: opened and closed by people, and closed by time, which judges what then deviates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from monitor.core import events as ev
from monitor.core.configuration import Configuration
from monitor.core.entry import Entry, Status
from monitor.core.events import Event
from monitor.core.maintenance_windows import LONGEST, Window, matches
from monitor.core.ports import Reader, Refused
from monitor.detection.stored_baselines import current_baselines
from monitor.registry import policy
from monitor.registry.lookup import find_entry
from monitor.registry.origins import Origins
from monitor.registry.transitions import RegistryTransaction
from monitor.registry.unit_of_work import Begin

SHOWN = 5
"""How many pins a refusal names."""


class Maintenance:
    """What people do to windows."""

    def __init__(self, configuration: Configuration, begin: Begin) -> None:
        self._configuration = configuration
        self._begin = begin

    def open(
        self,
        key: str,
        *,
        start: datetime | None = None,
        end: datetime,
        changes: tuple[str, ...],
        by: str,
        reason: str,
        via: Mapping[str, str],
    ) -> Event:
        """Expect changes of the pins that match the globs, from `start` (now unless given) until `end`.

        Raises:
            Refused: the entry has no pins, a glob names none of them or all there could be, or the dates make no
                window.
        """
        with self._begin() as unit:
            register, now = unit.register, unit.now
            start = start or now
            entry = find_entry(register.entries, key)
            _dates(start, end, now)
            named = _named(entry, changes)
            register.add_to_entry(
                ev.ENTRY_WINDOW_OPENED,
                key,
                at=now,
                actor=by,
                cause=entry.position,
                data={
                    "from": ev.rfc3339(start),
                    "until": ev.rfc3339(end),
                    "changes": list(changes),
                    "pins": named,
                    "by": by,
                    "reason": reason,
                    "via": dict(via),
                },
            )
            return register.events[-1]

    def close(self, key: str, position: int, *, by: str, reason: str, via: Mapping[str, str]) -> tuple[Event, ...]:
        """End a window before its time; what deviates pauses at once.

        Raises:
            Refused: the entry has no such window.
        """
        with self._begin() as unit:
            register = unit.register
            window = next(
                (
                    candidate
                    for candidate in find_entry(register.entries, key).windows
                    if candidate.position == position
                ),
                None,
            )
            if window is None:
                raise Refused(
                    f"{key} has no window of maintenance at position {position}; `access-monitor status {key}` "
                    "shows those it has"
                )
            act = {"by": by, "reason": reason, "via": dict(via)}
            end_window(unit.tx, self._configuration, register, key, window, unit.now, act)
        return tuple(register.events)


def ended(entries: Mapping[str, Entry], now: datetime) -> list[tuple[str, Window]]:
    """List the windows of living entries whose end has passed."""
    return [
        (key, window) for key, entry in entries.items() if entry.alive for window in entry.windows if window.end <= now
    ]


def end_window(
    reader: Reader,
    configuration: Configuration,
    register: RegistryTransaction,
    key: str,
    window: Window,
    now: datetime,
    act: Mapping[str, object] | None = None,
) -> None:
    """Close a window, by the word of a person (`act`) or by time, and judge the entry on what is confirmed."""
    act = act or {"by": ev.SYSTEM, "reason": "its end has passed"}
    position = register.add_to_entry(
        ev.ENTRY_WINDOW_CLOSED,
        key,
        at=now,
        actor=str(act["by"]),
        cause=window.position,
        data={"window": window.position, **act},
    )
    versions = {"code": configuration.code, "configuration": configuration.version}
    known = current_baselines(reader, configuration.sources)
    origin = Origins(reader, known, register).of
    trigger = policy.Trigger(at=now, position=position, origin=origin, versions=versions)
    policy.judge(register, key, known, trigger)


def _dates(start: datetime, end: datetime, now: datetime) -> None:
    if end <= start:
        raise Refused(
            f"a window that ends at {ev.rfc3339(end)} is over before it begins at {ev.rfc3339(start)}; correct --until"
        )
    if end <= now:
        raise Refused(f"a window that ended at {ev.rfc3339(end)} expects nothing any more; give --until a time to come")
    if end - start > LONGEST:
        raise Refused(
            f"a window of {(end - start).days} days is no maintenance: {LONGEST.days} days are the longest; "
            "open another when it ends"
        )


def _named(entry: Entry, changes: tuple[str, ...]) -> list[str]:
    """List the keys of the pins that the globs name."""
    if entry.status not in (Status.ACTIVE, Status.PAUSED):
        raise Refused(
            f"{entry.key} is {entry.status} and pins nothing, so that nothing could pause it; there is nothing "
            "to expect"
        )
    keys = [pin.key for pin in entry.pins]
    for glob in changes:
        if not glob.strip("*?/"):
            raise Refused(
                f"--change {glob!r} names no change but all of them; name the pins that will move: {_some(keys)}"
            )
        if not any(matches((glob,), key) for key in keys):
            raise Refused(f"--change {glob!r} matches no pin of {entry.key}; it pins {_some(keys)}")
    return [key for key in keys if matches(changes, key)]


def _some(keys: list[str]) -> str:
    more = f" and {len(keys) - SHOWN} more (`access-monitor coverage`)" if len(keys) > SHOWN else ""
    return ", ".join(keys[:SHOWN]) + more
