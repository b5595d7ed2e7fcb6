"""Events in the forms that security tools take: OCSF, and syslog as RFC 5424 writes it. Nothing of an event is left out
of either.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from monitor.core import events as ev
from monitor.core.event_types import in_words
from monitor.core.events import SYSTEM, Recorded, record, rfc3339

PRODUCT = "access-monitor"

OCSF_VERSION = "1.3.0"
ENTITY_MANAGEMENT = 3004
OTHER = 99

ACTIVITIES = {
    ev.ENTRY_DECLARED: 1,
    ev.MODEL_LISTED: 1,
    ev.PRICE_LISTED: 1,
    ev.ENTRY_AMENDED: 3,
    ev.MODEL_CHANGED: 3,
    ev.PRICE_CHANGED: 3,
    ev.CONFIG_CHANGED: 3,
    ev.ENTRY_WITHDRAWN: 4,
    ev.MODEL_UNLISTED: 4,
    ev.PRICE_REMOVED: 4,
    ev.ENTRY_ACTIVATED: 10,
    ev.ENTRY_RETIRED: 11,
    ev.ENTRY_PAUSED: 12,
    ev.ENTRY_RESUMED: 13,
}
"""Event type → the activity of OCSF's class Entity Management; any other is 99, under the event's own type."""

_NAMES = {
    1: "Create",
    3: "Update",
    4: "Delete",
    10: "Activate",
    11: "Deactivate",
    12: "Suspend",
    13: "Resume",
}

_INFORMATIONAL, _LOW, _MEDIUM, _HIGH = 1, 2, 3, 4

SEVERITIES = {
    ev.ENTRY_PAUSED: _HIGH,
    ev.ENTRY_PAUSE_EXTENDED: _HIGH,
    ev.ENTRY_FALLBACK_LOST: _HIGH,
    ev.ACCESS_LOST: _HIGH,
    ev.NOTICE_DEAD: _HIGH,
    ev.SOURCE_FAILED: _MEDIUM,
    ev.SOURCE_STALE: _MEDIUM,
    ev.SOURCE_ANOMALY: _MEDIUM,
    ev.PRICE_CHANGED: _MEDIUM,
    ev.PRICE_QUARANTINED: _MEDIUM,
    ev.MODEL_UNLISTED: _MEDIUM,
    ev.CHECK_FAILED: _MEDIUM,
    ev.GATE_DENIED: _MEDIUM,
    ev.CLOCK_STEPPED: _MEDIUM,
    ev.DAEMON_STARTED: _MEDIUM,
    ev.CHECK_STALE: _LOW,
}
"""Event type → how grave it is in OCSF's measure; informational unless named."""

_SYSLOG_SEVERITIES = {_HIGH: 3, _MEDIUM: 4, _LOW: 5, _INFORMATIONAL: 6}
_LOG_AUDIT = 13
"""The facility of RFC 5424 for audit logs."""

_SD_ID = "event@32473"
"""The name of the structured data; the number is the one that is reserved for who has none."""

_LONGEST_MSGID = 32
_ESCAPED = re.compile(r'(["\\\]])')


def ocsf(recorded: Recorded) -> dict[str, Any]:
    """Return an event as one of OCSF's class Entity Management (3004): what befell an entry, a model, a source."""
    event = recorded.event
    activity = ACTIVITIES.get(event.type, OTHER)
    severity = SEVERITIES.get(event.type, _INFORMATIONAL)
    metadata: dict[str, Any] = {
        "version": OCSF_VERSION,
        "uid": recorded.id,
        "sequence": event.position,
        "event_code": event.type,
        "log_name": event.stream,
        "logged_time": _milliseconds(recorded.recorded_at),
        "original_time": rfc3339(event.occurred_at),
        "product": {"name": PRODUCT, "vendor_name": PRODUCT},
    }
    if event.cause is not None:
        metadata["correlation_uid"] = str(event.cause)
    return {
        "category_uid": ENTITY_MANAGEMENT // 1000,
        "category_name": "Identity & Access Management",
        "class_uid": ENTITY_MANAGEMENT,
        "class_name": "Entity Management",
        "activity_id": activity,
        "activity_name": _NAMES.get(activity, event.type),
        "type_uid": ENTITY_MANAGEMENT * 100 + activity,
        "type_name": f"Entity Management: {_NAMES.get(activity, event.type)}",
        "severity_id": severity,
        "time": _milliseconds(event.occurred_at),
        "message": in_words(event) or event.type,
        "actor": {"app_name": PRODUCT} if event.actor == SYSTEM else {"user": {"name": event.actor}},
        "entity": {
            "name": event.subject or event.stream,
            "type": event.type.partition(".")[0],
            "uid": event.stream,
        },
        "metadata": metadata,
        "unmapped": record(recorded),
    }


def syslog(recorded: Recorded) -> str:
    """Return an event as one line of RFC 5424, its message the JSON that `events --format jsonl` prints, in ASCII.

    The time is that of recording, which never decreases; the host is left out, since a log may be read elsewhere.
    """
    event = recorded.event
    severity = _SYSLOG_SEVERITIES[SEVERITIES.get(event.type, _INFORMATIONAL)]
    parameters = {
        "position": str(event.position),
        "id": recorded.id,
        "stream": event.stream,
        "subject": event.subject,
        "actor": event.actor,
        "cause": "" if event.cause is None else str(event.cause),
    }
    data = "".join(f' {name}="{_value(value)}"' for name, value in parameters.items() if value)
    header = f"<{_LOG_AUDIT * 8 + severity}>1 {rfc3339(recorded.recorded_at)} - {PRODUCT} -"
    message = json.dumps(record(recorded), separators=(",", ":"))
    return f"{header} {event.type[:_LONGEST_MSGID]} [{_SD_ID}{data}] {message}"


def _value(value: str) -> str:
    """Return a value of structured data: escaped as the RFC says, and on the line whatever was in it."""
    printable = "".join(character if character.isprintable() else "\ufffd" for character in value)
    return _ESCAPED.sub(r"\\\1", printable)


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
