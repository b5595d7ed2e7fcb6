"""An event as others read it: the one JSON shape of a line of the log, and the one spelling of a time.

Pure, because the command line, the feeds and the audit all write it; none of them may spell it differently.
"""

from __future__ import annotations

from datetime import UTC, datetime

from monitor.domain.events import Recorded


def rfc3339(at: datetime) -> str:
    """A time in UTC with `Z`; microseconds only where there are any.

    Raises:
        ValueError: the time has no zone, so it names no moment.
    """
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no time zone")
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def record(recorded: Recorded) -> dict[str, object]:
    """The JSON object of one event, its keys in the order in which the documentation shows them."""
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
