"""The registry: the status of an entry, the one table of its transitions, and the fold that makes an entry of its events.

Rule 1: everything that changes an entry stands in this file. An entry is nothing but `apply` over the log, so the stored
projection and `replay` cannot differ; a decision that wants to change an entry writes an event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from monitor.domain import events as ev
from monitor.domain.events import Event
from monitor.domain.model import Value


class Status(StrEnum):
    """What the registry says of an entry."""

    WAITING = "waiting"
    EVALUATING = "evaluating"
    ACTIVE = "active"
    PAUSED = "paused"
    RETIRED = "retired"
    WITHDRAWN = "withdrawn"


class CheckState(StrEnum):
    """A check is blank until someone or something verified it; a blank is shown as a blank."""

    BLANK = "blank"
    VERIFIED = "verified"
    STALE = "stale"
    FAILED = "failed"


TRANSITIONS: Mapping[str, Mapping[Status, Status]] = {
    ev.ENTRY_VISIBLE: {Status.WAITING: Status.EVALUATING},
    ev.ENTRY_HIDDEN: {Status.EVALUATING: Status.WAITING},
    ev.ENTRY_ACTIVATED: {Status.EVALUATING: Status.ACTIVE},
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """An assumption: the value of one fact when a person accepted it.

    `scope` is a surface, a provider, or `config` for our own side (base URL, project, model id, price id, source of a pin).
    """

    scope: str
    name: str
    field: str
    value: Value

    @property
    def key(self) -> str:
        """How the pin is written in events and messages."""
        return f"{self.scope}/{self.name}/{self.field}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """An item of the readiness checklist. `position` is the event that last moved it; `until` when it goes stale, where a date is set."""

    state: CheckState = CheckState.BLANK
    verified_at: datetime | None = None
    position: int | None = None
    by: str = ""
    url: str = ""
    note: str = ""
    evidence: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A registry row, folded from the log.

    `declared` is the declaration as recorded (the fields of `EntrySpec`). `position` is the last event that concerns the entry: what `--expect` is held
    against. `since` and `status_position` belong to the status. `deviations` maps the key of each pin that no longer
    holds to the value that is believed instead (None: gone). `pause` is the event of the running pause.
    """

    key: str
    status: Status
    since: datetime
    position: int
    status_position: int
    declared: Mapping[str, object]
    pins: tuple[Pin, ...] = ()
    unpinned: tuple[str, ...] = ()
    checks: Mapping[str, Check] = field(default_factory=dict)
    deviations: Mapping[str, Value | None] = field(default_factory=dict)
    pause: int | None = None
    reason: str = ""
    by: str = ""
    callers: tuple[str, ...] = ()
