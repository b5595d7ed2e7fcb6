"""What the monitor could not see, and when: sources that failed, were too old or in part held back or not understood,
and times in which no daemon ran or the clock was set. Reading only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from monitor.audit.reading import merged, of_types
from monitor.core import events as ev
from monitor.core.event_types import OUTAGE_ENDS, OUTAGE_EVENTS, in_words
from monitor.core.events import Recorded
from monitor.core.names import no_such
from monitor.core.ports import EventQuery, Reader, Refused
from monitor.registry.timekeeping import ABSENCE

DAEMON = "daemon"
CLOCK = "clock"


class OutageKind(StrEnum):
    """Why something could not be seen."""

    DOWN = "down"  # polls of the source failed
    STALE = "stale"  # it had no good poll for too long
    HELD = "held"  # a part of its answer was held for review
    REFUSED = "refused"  # a part of its answer was not understood
    STOPPED = "stopped"  # no daemon ran
    CLOCK = "clock"  # the time of day was set


_KINDS = {
    ev.SOURCE_FAILED: OutageKind.DOWN,
    ev.SOURCE_STALE: OutageKind.STALE,
    ev.SOURCE_ANOMALY: OutageKind.HELD,
    ev.SOURCE_REFUSED: OutageKind.REFUSED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageRow:
    """One time in which something could not be seen.

    Attributes:
        subject: The source; `daemon` or `clock` for the monitor itself.
        ended_at: None while it lasts, and where the log does not say that it ended.
        what: Why, in words.
        last_good_at: The last good poll before it, where it is recorded.
        position: The event that began it, or that says so; None of a daemon that does not run now.
        ended_position: The event that ended it, or gave another reason.
    """

    kind: OutageKind
    subject: str
    began_at: datetime
    ended_at: datetime | None
    what: str
    last_good_at: datetime | None = None
    position: int | None = None
    ended_position: int | None = None
    evidence: str = ""

    def length(self, now: datetime) -> timedelta:
        """Return how long it lasted, or has lasted."""
        return (now if self.ended_at is None else self.ended_at) - self.began_at


def outages(
    reader: Reader,
    now: datetime,
    *,
    source: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[OutageRow]:
    """Return what could not be seen at any time between two, of everything or of one source, in order; as it was
    recorded up to the later one.

    Raises:
        Refused: the log has no source of this key.
    """
    monitors_own = source in (DAEMON, CLOCK)
    keys = {DAEMON, CLOCK, *reader.sources()}
    if source not in ("", *keys) and not _logged(reader, source, until):
        raise Refused(no_such("source", source, keys, "`access-monitor sources` lists them"))
    own = of_types((ev.DAEMON_STARTED, ev.CLOCK_STEPPED), EventQuery(until=until))
    log = merged(
        reader,
        own if monitors_own or not source else (),
        iter(()) if monitors_own else reader.events_of_outages(source, since, until),
    )
    rows = [*_of_log(log), *_stopped_now(reader, now if until is None else min(now, until))]
    rows = [row for row in rows if source in ("", row.subject)]
    return sorted(
        (row for row in rows if since is None or row.ended_at is None or row.ended_at >= since),
        key=lambda row: (row.began_at, row.position or 0),
    )


def _logged(reader: Reader, source: str, until: datetime | None) -> bool:
    """Return whether the log has an outage of a source that is none any more."""
    of_source = EventQuery(source=source, until=until, limit=1)
    return any(merged(reader, of_types((*OUTAGE_EVENTS, ev.SOURCE_RECOVERED), of_source)))


def stopped_at(reader: Reader, at: datetime) -> datetime | None:
    """Return since when no daemon ran at a time; None where one ran, or nothing is known of it."""
    query = EventQuery(type=ev.DAEMON_STARTED, since=at, limit=1)
    rows = [*_of_log(reader.events(query)), *_stopped_now(reader, at)]
    return next(
        (row.began_at for row in rows if row.began_at < at and (row.ended_at is None or at < row.ended_at)), None
    )


def _of_log(log: Iterator[Recorded]) -> Iterator[OutageRow]:
    opened: dict[int, OutageRow] = {}
    for recorded in log:
        event = recorded.event
        if event.cause in opened and event.type in OUTAGE_ENDS:
            began = opened.pop(event.cause)
            yield replace(began, ended_at=event.occurred_at, ended_position=event.position)
        if event.type in _KINDS:
            opened[event.position] = _opened(recorded)
        elif event.type == ev.CLOCK_STEPPED:
            times = sorted(datetime.fromisoformat(event.data[name]) for name in ("from", "to"))
            yield _of_monitor(OutageKind.CLOCK, CLOCK, times[0], times[1], recorded)
        elif event.type == ev.DAEMON_STARTED and event.data["last_seen"] is not None:
            last_seen = datetime.fromisoformat(event.data["last_seen"])
            if event.occurred_at - last_seen > ABSENCE:  # else it only runs in another version
                yield _of_monitor(OutageKind.STOPPED, DAEMON, last_seen, event.occurred_at, recorded)
    yield from opened.values()


def _opened(recorded: Recorded) -> OutageRow:
    event = recorded.event
    last_good = event.data.get("last_good")
    return OutageRow(
        kind=_KINDS[event.type],
        subject=event.source,
        began_at=event.occurred_at,
        ended_at=None,
        what=in_words(event),
        last_good_at=datetime.fromisoformat(last_good) if last_good else None,
        position=event.position,
        evidence=event.evidence,
    )


def _of_monitor(
    kind: OutageKind, subject: str, began_at: datetime, ended_at: datetime, recorded: Recorded
) -> OutageRow:
    return OutageRow(
        kind=kind,
        subject=subject,
        began_at=began_at,
        ended_at=ended_at,
        what=in_words(recorded.event),
        position=recorded.event.position,
        ended_position=recorded.event.position,
    )


def _stopped_now(reader: Reader, at: datetime) -> Iterator[OutageRow]:
    """Yield that no daemon runs, where none was seen for longer than a restart takes before a time."""
    seen_at = reader.daemon_seen_at()
    if seen_at is not None and at - seen_at > ABSENCE:
        yield OutageRow(
            kind=OutageKind.STOPPED, subject=DAEMON, began_at=seen_at, ended_at=None, what="no daemon runs since"
        )
