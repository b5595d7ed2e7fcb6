"""The one table of an entry's transitions, and the fold that makes an entry of its events.

Rule 1: everything that changes an entry stands in this file. An entry is nothing but `apply` over the log, so the
stored projection and `replay` cannot differ; a decision that wants to change an entry writes an event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from monitor.core import events as ev
from monitor.core.check_names import AMENDMENT, EVALS
from monitor.core.entry import (
    CANDIDATE,
    DENY_NEW,
    FALLBACK_ENDS,
    Approval,
    Check,
    CheckState,
    Entry,
    EvalCell,
    Pin,
    Status,
    rises,
)
from monitor.core.entry_spec import AT, load
from monitor.core.events import Data, Event, Ledger, entry_key, entry_stream
from monitor.core.facts import Subject, Value
from monitor.core.maintenance_windows import Window
from monitor.registry import row_state

TRANSITIONS: Mapping[str, Mapping[Status, Status]] = {
    ev.ENTRY_VISIBLE: {Status.WAITING: Status.EVALUATING},
    ev.ENTRY_HIDDEN: {Status.EVALUATING: Status.WAITING},
    ev.ENTRY_ACTIVATED: {Status.EVALUATING: Status.ACTIVE, Status.ACTIVE: Status.ACTIVE},
    ev.ENTRY_PAUSED: {Status.ACTIVE: Status.PAUSED},
    ev.ENTRY_PAUSE_EXTENDED: {Status.PAUSED: Status.PAUSED},
    ev.ENTRY_RESUMED: {Status.PAUSED: Status.ACTIVE},
    ev.ENTRY_RETIRED: {
        Status.WAITING: Status.RETIRED,
        Status.EVALUATING: Status.RETIRED,
        Status.ACTIVE: Status.RETIRED,
        Status.PAUSED: Status.RETIRED,
    },
    ev.ENTRY_WITHDRAWN: {
        Status.WAITING: Status.WITHDRAWN,
        Status.EVALUATING: Status.WITHDRAWN,
        Status.ACTIVE: Status.WITHDRAWN,
        Status.PAUSED: Status.WITHDRAWN,
    },
}
"""Event type → status before → status after. What is not in here cannot happen."""


class IllegalTransition(Exception):
    """An event that the table does not allow: a defect, or a log that somebody wrote into."""

    def __init__(self, event: Event, status: Status) -> None:
        super().__init__(
            f"{event.type} at position {event.position} cannot follow on status {status} of {event.subject}"
        )


def apply(entry: Entry | None, event: Event) -> Entry:
    """Return the entry after one of its own events.

    Raises:
        IllegalTransition: the table does not allow the event.
    """
    if event.type in (ev.ENTRY_DECLARED, ev.ENTRY_RENAMED):
        return _declared(entry, event)
    if entry is None:
        raise IllegalTransition(event, Status.WITHDRAWN)
    folded = FOLDS.get(event.type)
    if folded is None:
        raise IllegalTransition(event, entry.status)
    return folded(entry, event)


def _declared(entry: Entry | None, event: Event) -> Entry:
    if entry is not None and entry.status is not Status.WITHDRAWN:
        raise IllegalTransition(event, entry.status)
    if "carried" in event.data:
        return _carried(event)
    return Entry(
        key=entry_key(event),
        status=Status.WAITING,
        since=event.occurred_at,
        position=event.position,
        status_position=event.position,
        spec=load(event.data["declaration"]),
    )


def _carried(event: Event) -> Entry:
    return row_state.load(entry_key(event), load(event.data["declaration"]), event, event.data["carried"])


def _reminded(entry: Entry, event: Event) -> Entry:
    """Keep the key of a reminder; it tells what was told already, so it can change no mind."""
    further = event.data.get("escalated", ())
    entry = replace(
        entry,
        reminded=(*entry.reminded, event.data["key"]),
        escalated=tuple(dict.fromkeys((*entry.escalated, *further))),
    )
    # Who took a pause on relied on what stands in for it.
    return replace(entry, acknowledged=None) if event.data["what"] == FALLBACK_ENDS else entry


def _fallback_lost(entry: Entry, event: Event) -> Entry:
    return replace(entry, fallback_lost=event.position, acknowledged=None)


def _fallback_restored(entry: Entry, event: Event) -> Entry:
    return replace(entry, fallback_lost=None)


def _approval_requested(entry: Entry, event: Event) -> Entry:
    data = event.data
    approval = Approval(act=data["act"], by=data["by"], position=event.position, expect=data["expect"])
    return replace(entry, approval=approval)


def _acknowledged(entry: Entry, event: Event) -> Entry:
    return replace(entry, acknowledged=entry.pause)


def _silenced(entry: Entry, event: Event) -> Entry:
    until = event.data["until"]
    return replace(entry, silenced_until=datetime.fromisoformat(until) if until else None)


def _checked(entry: Entry, event: Event) -> Entry:
    name = event.data["check"]
    entry = replace(entry, checks={**entry.checks, name: _check(entry, event)})
    if entry.checks[name].state is CheckState.VERIFIED:
        entry = replace(entry, waived=tuple(check for check in entry.waived if check != name))
    if name == EVALS and entry.checks[name].state is CheckState.STALE and event.data.get("because") != AMENDMENT:
        # They were of a model that has to be evaluated anew; those of the baseline are as true as before.
        entry = replace(entry, evals=tuple(cell for cell in entry.evals if cell.side != CANDIDATE))
    if usage := event.data.get("logging", {}).get("usage"):
        entry = replace(entry, observed=dict(usage))
    # A check that was verified confirms what a person saw; only one that was lost can change a mind. How the fallback
    # stands is asked of the gate again when it matters.
    confirms = event.type in (ev.CHECK_VERIFIED, ev.CHECK_ATTESTED) or "fallback" in event.data
    return entry if confirms else replace(entry, position=event.position)


def _evals_recorded(entry: Entry, event: Event) -> Entry:
    """Fill the cells; a suite of a model that is handed in again replaces what stood there, each metric of it."""
    data = event.data
    cells = tuple(EvalCell(**cell, at=event.occurred_at, by=data["by"]) for cell in data["cells"])
    anew = {(cell.model, cell.suite) for cell in cells}
    return replace(entry, evals=(*(cell for cell in entry.evals if (cell.model, cell.suite) not in anew), *cells))


def _amended(entry: Entry, event: Event) -> Entry:
    if "carried" in event.data:
        return _carried(event)
    after = replace(entry, position=event.position, spec=load(event.data["declaration"]))
    return after if after.spec.fallback == entry.spec.fallback else replace(after, fallback_lost=None)


def _window_opened(entry: Entry, event: Event) -> Entry:
    return replace(entry, position=event.position, windows=(*entry.windows, _window(event)))


def _window_closed(entry: Entry, event: Event) -> Entry:
    left = tuple(window for window in entry.windows if window.position != event.data["window"])
    return replace(entry, position=event.position, windows=left)


def _window(event: Event) -> Window:
    data = event.data
    return Window(
        position=event.position,
        start=datetime.fromisoformat(data["from"]),
        end=datetime.fromisoformat(data["until"]),
        changes=tuple(data["changes"]),
        by=data["by"],
        reason=data["reason"],
    )


def _moved(entry: Entry, event: Event) -> Entry:
    after = TRANSITIONS.get(event.type, {}).get(entry.status)
    if after is None:
        raise IllegalTransition(event, entry.status)
    entry = replace(entry, position=event.position)
    if after is not entry.status:
        entry = replace(entry, status=after, since=event.occurred_at, status_position=event.position)
    data = event.data
    by = entry.by if event.type == ev.ENTRY_PAUSE_EXTENDED else ""  # the pause stays that of the person who ordered it
    entry = replace(entry, reason=data.get("reason", ""), by=data.get("by", by))
    if event.type in (ev.ENTRY_ACTIVATED, ev.ENTRY_RESUMED):
        return replace(
            entry,
            pins=tuple(Pin(**pin) for pin in data["pins"]),
            unpinned=tuple(data["unpinned"]),
            callers=tuple(data["callers"]),
            waived=tuple(data.get("waived", ())),
            asks=(),
            deviations={},
            pause=None,
            escalated=(),
            approval=None,
            risen_at=None,
            status_position=event.position,
        )
    if event.type in (ev.ENTRY_PAUSED, ev.ENTRY_PAUSE_EXTENDED):
        moved = {shift["pin"]: shift["new"] for shift in data["shifts"]}
        if entry.risen_at is None and _counts_rises(entry) and any(_risen(shift) for shift in data["shifts"]):
            entry = replace(entry, risen_at=event.occurred_at)
        acknowledged = None if data.get("worse") else entry.acknowledged
        return replace(
            entry,
            deviations={**entry.deviations, **moved},
            pause=entry.pause or event.position,
            waived=(),
            acknowledged=acknowledged,
        )
    if event.type == ev.ENTRY_HIDDEN:
        return replace(entry, asks=tuple(data.get("asks", ())))
    return entry


def _counts_rises(entry: Entry) -> bool:
    # A log of an earlier version holds a `deny_new` only with its `grace`, so that its entries fold as they did.
    return entry.spec.on_pause == DENY_NEW and entry.spec.grace is None


def _risen(shift: Mapping[str, Value | None]) -> bool:
    return rises(str(shift["pin"]), shift["old"], shift["new"])


def _check(entry: Entry, event: Event) -> Check:
    before = entry.checks.get(event.data["check"], Check())
    if event.type in (ev.CHECK_STALE, ev.CHECK_FAILED):
        state = CheckState.STALE if event.type == ev.CHECK_STALE else CheckState.FAILED
        return replace(before, state=state, position=event.position, note=event.data.get("reason", ""))
    until = event.data.get("until")
    return Check(
        state=CheckState.VERIFIED,
        verified_at=event.occurred_at,
        position=event.position,
        by=event.data.get("by", ""),
        url=event.data.get("url", ""),
        note=event.data.get("note", ""),
        evidence=event.evidence,
        until=datetime.fromisoformat(until) if until else None,
    )


FOLDS: Mapping[str, Callable[[Entry, Event], Entry]] = {
    ev.ENTRY_AMENDED: _amended,
    ev.ENTRY_REMINDED: _reminded,
    ev.ENTRY_FALLBACK_LOST: _fallback_lost,
    ev.ENTRY_FALLBACK_RESTORED: _fallback_restored,
    ev.ENTRY_APPROVAL_REQUESTED: _approval_requested,
    ev.ENTRY_WINDOW_OPENED: _window_opened,
    ev.ENTRY_WINDOW_CLOSED: _window_closed,
    ev.ENTRY_SILENCED: _silenced,
    ev.NOTICE_ACKNOWLEDGED: _acknowledged,
    ev.EVALS_RECORDED: _evals_recorded,
    ev.CHECK_VERIFIED: _checked,
    ev.CHECK_ATTESTED: _checked,
    ev.CHECK_STALE: _checked,
    ev.CHECK_FAILED: _checked,
    **dict.fromkeys(TRANSITIONS, _moved),
}
"""Event type → what it makes of an entry that there is; only `entry.declared` makes one."""


def concerns(entry: Entry, event: Event) -> bool:
    """Whether a fact of the log is about what the entry stands on, so that an `--expect` from before
    it is out of date.
    """
    scope = event.data.get("surface") or event.data.get("provider")
    if scope is None or event.subject not in entry.model_names:  # of most events, and cheaper than all subjects
        return False
    return entry.alive and Subject(scope, event.subject) in entry.subjects


def fold(entries: Mapping[str, Entry], event: Event, named: Iterable[str] | None = None) -> dict[str, Entry]:
    """Return the entries that an event changes, as they are after it. `named` are the keys of those that may be called
    as its subject is, or more; all unless given.
    """
    if key := entry_key(event):
        return {key: apply(entries.get(key), event)}
    if event.type == ev.NOTICE_ACKNOWLEDGED:
        return {key: apply(entries[key], event) for key in event.data["entries"] if key in entries}
    if event.type in (ev.GATE_DENIED, ev.GATE_FIRST_USED):
        return {}  # who asks moves nothing, though an entry may be called as its model is
    keys = entries if named is None else named
    return {key: replace(entries[key], position=event.position) for key in keys if concerns(entries[key], event)}


def replay(log: Iterable[Event]) -> dict[str, Entry]:
    """Build the registry as the log tells it."""
    entries: dict[str, Entry] = {}
    by_name: dict[str, dict[str, None]] = {}  # without it the time grows with events times entries
    for event in log:
        for key, entry in fold(entries, event, by_name.get(event.subject, ())).items():
            if key not in entries or entries[key].spec is not entry.spec:
                for name in entry.model_names:
                    by_name.setdefault(name, {})[key] = None
            entries[key] = entry
    return entries


class RegistryTransaction(Ledger):
    """A ledger that keeps the registry at the state of the last written event, so that a decision sees its own effects.

    `before` is the registry as the decision found it.
    """

    def __init__(self, head: int, entries: Mapping[str, Entry]) -> None:
        super().__init__(head)
        self.entries = dict(entries)
        self.before: Mapping[str, Entry] = dict(entries)

    def write(self, event: Event) -> int:
        """Write one event and fold it into the registry."""
        position = super().write(event)
        self.entries.update(fold(self.entries, event))
        return position

    def add_to_entry(  # noqa: PLR0913 - as `add`
        self,
        type: str,
        key: str,
        *,
        at: datetime,
        source: str = "",
        actor: str = ev.SYSTEM,
        cause: int | None = None,
        evidence: str = "",
        data: Data | None = None,
    ) -> int:
        """Write one event of a registry row and return its position: its subject is the entry, its stream the row, and
        its data name the surface.
        """
        data = data or {}
        surface = data["surface"] if "surface" in data else self.entries[key].spec.surface
        return self.add(
            type,
            entry_stream(key),
            key.partition(AT)[0],
            at=at,
            source=source,
            actor=actor,
            cause=cause,
            evidence=evidence,
            data={"surface": surface, **data},
        )

    @property
    def moved(self) -> tuple[Entry, ...]:
        """The entries that are not as they were."""
        return tuple(entry for key, entry in self.entries.items() if entry is not self.before.get(key))
