"""An event as others read it: the one JSON shape of a line of the log.

Pure, because the command line, the feeds and the audit all write it; none of them may spell it differently.
"""

from __future__ import annotations

from monitor.domain.events import Recorded, rfc3339


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
