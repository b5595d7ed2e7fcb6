"""Windows of planned maintenance: opened and closed by people, and closed by time, which judges what then deviates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from monitor.app.commit import gate_answers_changed, write
from monitor.audit import queries
from monitor.core import events as ev
from monitor.core.configuration import Configuration
from monitor.core.entry import Entry, Status
from monitor.core.events import Event, entry_stream
from monitor.core.maintenance_windows import LONGEST, Window, matches
from monitor.core.ports import Clock, Reader, Refused, Store
from monitor.detection.stored_baselines import beliefs
from monitor.registry import policy
from monitor.registry.origins import Origins
from monitor.registry.transitions import RegistryTransaction

SHOWN = 5
"""How many pins a refusal names."""


class Maintenance:
    """What people do to windows. `published` is called after every commit that changed what the gate says of an entry."""

    def __init__(
        self, store: Store, configuration: Configuration, clock: Clock, *, published: Callable[[], object]
    ) -> None:
        self._store = store
        self._configuration = configuration
        self._clock = clock
        self._published = published

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
            Refused: the entry has no pins, a glob names none of them or all there could be, or the dates make no window.
        """
        now = self._clock()
        start = start or now
        with self._store.write() as tx:
            register = RegistryTransaction(tx.head(), tx.entries())
            entry = queries.entry(tx, key)
            _dates(start, end, now)
            named = _named(entry, changes)
            register.add(
                ev.ENTRY_WINDOW_OPENED,
                entry_stream(key),
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
            opened = register.events[-1]
            write(tx, self._configuration, register, at=now)
        return opened

    def close(self, key: str, position: int, *, by: str, reason: str, via: Mapping[str, str]) -> tuple[Event, ...]:
        """End a window before its time; what deviates pauses at once.

        Raises:
            Refused: the entry has no such window.
        """
        now = self._clock()
        with self._store.write() as tx:
            before = tx.entries()
            register = RegistryTransaction(tx.head(), before)
            window = next((one for one in queries.entry(tx, key).windows if one.position == position), None)
            if window is None:
                raise Refused(
                    f"{key} has no window of maintenance at position {position}; `access-monitor status {key}` shows those it has"
                )
            said = {"by": by, "reason": reason, "via": dict(via)}
            end_window(tx, self._configuration, register, key, window, now, said)
            write(tx, self._configuration, register, at=now)
            moved = gate_answers_changed(register, before)
        if moved:
            self._published()
        return tuple(register.events)


def ended(entries: Mapping[str, Entry], now: datetime) -> list[tuple[str, Window]]:
    """The windows of living entries whose end has passed."""
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
    said: Mapping[str, object] | None = None,
) -> None:
    """Close a window, by the word of a person (`said`) or by time, and judge the entry on what is believed."""
    said = said or {"by": ev.SYSTEM, "reason": "its end has passed"}
    position = register.add(
        ev.ENTRY_WINDOW_CLOSED,
        entry_stream(key),
        key,
        at=now,
        actor=str(said["by"]),
        cause=window.position,
        data={"window": window.position, **said},
    )
    versions = {"code": configuration.code, "configuration": configuration.version}
    known = beliefs(reader, configuration.sources)
    origin = Origins(reader, known, register).of
    trigger = policy.Trigger(at=now, position=position, origin=origin, versions=versions)
    policy.judge(register, key, known, trigger)


def _dates(start: datetime, end: datetime, now: datetime) -> None:
    if end <= start:
        raise Refused(
            f"a window that ends at {ev.rfc3339(end)} is over before it begins at {ev.rfc3339(start)}; mend --until"
        )
    if end <= now:
        raise Refused(f"a window that ended at {ev.rfc3339(end)} expects nothing any more; give --until a time to come")
    if end - start > LONGEST:
        raise Refused(
            f"a window of {(end - start).days} days is no maintenance: {LONGEST.days} days are the longest; open another when it ends"
        )


def _named(entry: Entry, changes: tuple[str, ...]) -> list[str]:
    """The keys of the pins that the globs name."""
    if entry.status not in (Status.ACTIVE, Status.PAUSED):
        raise Refused(
            f"{entry.key} is {entry.status} and pins nothing, so that nothing could pause it; there is nothing to expect"
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
