"""The log's vocabulary: what an event is, which types there are, and the ledger a decision writes into.

Who may emit what, and why, is decided elsewhere; here stand only the shapes. Every name and key that
`Event.data` holds is relied on by others (docs/events.md).

An event as others read it: the one JSON shape of a line of the log.

Pure, because the command line, the feeds and the audit all write it; none of them may spell it differently.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

Data: TypeAlias = Mapping[str, Any]

SYSTEM = "system"

LAST_POSITION = 2**63 - 1
"""Beyond it there is no position: a database has no such number."""

NO_GOOD_POLL = "no good look"  # as the log has spelled it from the first version on
"""Why a `source.stale` was written where neither an outage nor an anomaly explains it."""

BASELINE_RECORDED = "source.baseline_recorded"
SOURCE_RENAMED = "source.renamed"
SOURCE_FAILED = "source.failed"
SOURCE_RECOVERED = "source.recovered"
SOURCE_ANOMALY = "source.anomaly"
SOURCE_STALE = "source.stale"
SOURCE_HOLD_ENDED = "source.hold_ended"
SOURCE_REFUSED = "source.refused"
MODEL_LISTED = "model.listed"
MODEL_UNLISTED = "model.unlisted"
MODEL_CHANGED = "model.changed"
PRICE_LISTED = "price.listed"
PRICE_CHANGED = "price.changed"
PRICE_REMOVED = "price.removed"
PRICE_REPORTED = "price.reported"
PRICE_QUARANTINED = "price.quarantined"
ACCESS_GAINED = "access.gained"
ACCESS_LOST = "access.lost"
BEHAVIOUR_CHANGED = "behaviour.changed"
LIMIT_CHANGED = "limit.changed"
SETTING_CHANGED = "setting.changed"
DOCUMENT_CHANGED = "document.changed"
INCIDENT_CHANGED = "incident.changed"
PRICE_ANNOUNCED = "price.announced"
LIFECYCLE_ANNOUNCED = "lifecycle.announced"
LIFECYCLE_MOVED = "lifecycle.moved"
LIFECYCLE_WITHDRAWN = "lifecycle.withdrawn"
ENTRY_DECLARED = "entry.declared"
ENTRY_RENAMED = "entry.renamed"
ENTRY_AMENDED = "entry.amended"
ENTRY_WITHDRAWN = "entry.withdrawn"
ENTRY_VISIBLE = "entry.visible"
ENTRY_HIDDEN = "entry.hidden"
ENTRY_ACTIVATED = "entry.activated"
ENTRY_PAUSED = "entry.paused"
ENTRY_PAUSE_EXTENDED = "entry.pause_extended"
ENTRY_RESUMED = "entry.resumed"
ENTRY_RETIRED = "entry.retired"
ENTRY_REMINDED = "entry.reminded"
ENTRY_FALLBACK_LOST = "entry.fallback_lost"
ENTRY_FALLBACK_RESTORED = "entry.fallback_restored"
ENTRY_APPROVAL_REQUESTED = "entry.approval_requested"
ENTRY_WINDOW_OPENED = "entry.window_opened"
ENTRY_WINDOW_CLOSED = "entry.window_closed"
ENTRY_SILENCED = "entry.silenced"
CHECK_VERIFIED = "check.verified"
EVALS_RECORDED = "evals.recorded"
CHECK_ATTESTED = "check.attested"
CHECK_STALE = "check.stale"
CHECK_FAILED = "check.failed"
NOTICE_DELIVERED = "notice.delivered"
NOTICE_DEAD = "notice.dead"
NOTICE_ACKNOWLEDGED = "notice.acknowledged"
CONFIG_CHANGED = "config.changed"
CONFIG_ACCEPTED = "config.accepted"
CLOCK_STEPPED = "clock.stepped"
DAEMON_STARTED = "daemon.started"
GATE_DENIED = "gate.denied"
GATE_FIRST_USED = "gate.first_used"
TOKEN_CREATED = "token.created"
TOKEN_REVOKED = "token.revoked"
TOKEN_LINKED = "token.linked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One past-tense record of the log, as a decision writes it.

    `position` is where it will stand: a decision is made under the writer's lock, so it knows. `occurred_at` is the
    first poll that showed the new value. `cause` is the position of the nearest event it follows from;
    `data["causes"]`, where present, the direct triggers. `evidence` is `sha256:` and the hash of stored bytes.
    """

    position: int
    type: str
    stream: str
    subject: str
    occurred_at: datetime
    source: str = ""
    actor: str = SYSTEM
    cause: int | None = None
    evidence: str = ""
    data: Data = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An event as it stands in the log: with the identity, stream version and time that the store gave it."""

    event: Event
    id: str
    version: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True, order=True)
class LogHead:
    """Where a log stands: which one it is, how often it was set back, and its last position. Heads of one log are
    ordered.
    """

    log: str
    epoch: int
    position: int


class Ledger:
    """What one transaction will append, in order; positions are known while it is written."""

    def __init__(self, head: int) -> None:
        self._head = head
        self._events: list[Event] = []

    @property
    def events(self) -> Sequence[Event]:
        return self._events

    def add(  # noqa: PLR0913 - an event has so many parts, and the caller names each
        self,
        type: str,
        stream: str,
        subject: str,
        *,
        at: datetime,
        source: str = "",
        actor: str = SYSTEM,
        cause: int | None = None,
        evidence: str = "",
        data: Data | None = None,
    ) -> int:
        """Write one event and return its position."""
        return self.write(
            Event(
                position=self._head + len(self._events) + 1,
                type=type,
                stream=stream,
                subject=subject,
                occurred_at=at,
                source=source,
                actor=actor,
                cause=cause,
                evidence=evidence,
                data=data or {},
            )
        )

    def write(self, event: Event) -> int:
        """Write an event that is made already."""
        self._events.append(event)
        return event.position

    def extend(self, events: Iterable[Event]) -> None:
        """Write events that are made already, in order."""
        for event in events:
            self.write(event)


def source_stream(key: str) -> str:
    """Name the stream of what one source showed."""
    return f"source/{key}"


def entry_stream(key: str) -> str:
    """Name the stream of what befell one registry entry."""
    return f"entry/{key}"


def entry_key(event: Event) -> str:
    """Return the key of the registry row that an event befell; empty where it is about none.

    The subject of such an event is the entry, which may have several rows.
    """
    kind, _, key = event.stream.partition("/")
    return key if kind == "entry" else ""


def notice_stream(id: str) -> str:
    """Name the stream of what became of one notice."""
    return f"notice/{id}"


def gate_stream(environment: str) -> str:
    """Name the stream of what the gate was asked by one environment."""
    return f"gate/{environment}"


def token_stream(name: str) -> str:
    """Name the stream of what became of the tokens of one name."""
    return f"token/{name}"


CONFIG_STREAM = "config"
CLOCK_STREAM = "clock"
DAEMON_STREAM = "daemon"


def rfc3339(at: datetime) -> str:
    """Return a time as it is written everywhere: UTC with `Z`, microseconds only where there are any.

    Raises:
        ValueError: the time has no zone, so it names no moment.
    """
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no time zone")
    return at.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def record(recorded: Recorded) -> dict[str, object]:
    """Return the JSON object of one event, its keys in the order in which the documentation shows them."""
    event = recorded.event
    return {
        "position": event.position,
        "id": recorded.id,
        "type": event.type,
        "stream": event.stream,
        "subject": event.subject,
        "source": event.source,
        "occurred_at": rfc3339(event.occurred_at),
        "recorded_at": rfc3339(recorded.recorded_at),
        "actor": event.actor,
        "cause": event.cause,
        "evidence": event.evidence,
        "data": dict(event.data),
    }
