"""An event as others read it: the one JSON shape of the log, whichever door it leaves by."""

from __future__ import annotations

from datetime import UTC, datetime

from monitor.domain.events import Recorded


def rfc3339(at: datetime) -> str:
    """A time in UTC with `Z`; the fraction stands only where there is one."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def record(recorded: Recorded) -> dict[str, object]:
    """The event as a JSON object, keys in their documented order."""
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
