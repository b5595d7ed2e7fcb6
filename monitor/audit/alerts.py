"""What is open now: everything that somebody may have to act upon, with since when, who took it on, and what to type
next.

Reading only, from the registry, the sources and the gate's own answers; commands, HTTP and pages show the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from shlex import quote

from monitor.audit.node_status import CLOCK_OFF, NodeCondition, node_rows, nothing_ticks
from monitor.audit.silences import silences
from monitor.audit.source_status import PendingRow, SourceCondition, SourceRow, source_rows
from monitor.core.configuration import Configuration
from monitor.core.entry import Entry, Status
from monitor.core.notices import Acknowledgement
from monitor.core.ports import Reader
from monitor.gate.state import Production, reason
from monitor.notify.answers import holders
from monitor.registry.acceptance import COMMANDS


class AlertKind(StrEnum):
    """What is open, the most pressing first."""

    PAUSED = "paused"
    DENIED = "denied"
    NODE = "node"
    SOURCE_DOWN = "source_down"
    SOURCE_STALE = "source_stale"
    HELD = "held"
    APPROVAL = "approval"
    WINDOW = "window"
    SILENCE = "silence"
    PENDING = "pending"
    NOT_ACTIVATED = "not_activated"


LATER = frozenset({AlertKind.PENDING, AlertKind.NOT_ACTIVATED})
"""What decides nothing yet, and is shown only where everything was asked for; so is a window that has not begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """The act that comes next, as its command is called, and the fields that it takes besides a reason."""

    act: str
    fields: Mapping[str, str | int | bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One open matter.

    Attributes:
        kind: What it is.
        subject: The entry or source that it is about.
        since: Since when; None where no poll or event dates it.
        until: When it ends by itself; None where it does not.
        what: Why, in words.
        production: What production is answered of an entry, `allowed` or `denied: …`; empty for a source.
        acknowledged: Who has it: who took it on, or the person who paused the entry.
        position: The event that brought it about.
        command: What to type next.
        step: The same as an act; None where it is to read, or to poll.
    """

    kind: AlertKind
    subject: str
    since: datetime | None
    what: str
    command: str
    until: datetime | None = None
    production: str = ""
    acknowledged: Acknowledgement | None = None
    position: int | None = None
    step: NextStep | None = None


def alerts(
    reader: Reader,
    configuration: Configuration,
    now: datetime,
    *,
    everything: bool = False,
    gate: Production | None = None,
) -> list[Alert]:
    """Return what is open, the most pressing kind first and the oldest first within one. `gate` is that of this moment,
    where it was made already.

    With `everything` also what decides nothing yet: differences that are being counted, windows that have not begun,
    and entries that nobody has activated.
    """
    rows = [
        *_of_entries(reader, gate or Production(reader, configuration, now), now, everything),
        *_of_nodes(reader, configuration, now),
        *_of_sources(reader, configuration, now),
    ]
    if not everything:
        rows = [row for row in rows if row.kind not in LATER and not (row.since and row.since > now)]
    return by_urgency(rows, now)


def by_urgency(rows: Iterable[Alert], now: datetime) -> list[Alert]:
    """Return open matters, the most pressing kind first and the oldest first within one."""
    order = list(AlertKind)
    return sorted(rows, key=lambda row: (order.index(row.kind), row.since is None, row.since or now, row.subject))


def production_in_words(allowed: bool, reason: str) -> str:
    """Say what production is answered."""
    return "allowed" if allowed else f"denied: {reason}"


def _of_entries(reader: Reader, gate: Production, now: datetime, everything: bool) -> Iterator[Alert]:
    having = holders(reader, gate.entries)
    for key, entry in gate.entries.items():
        if not entry.alive:
            continue
        answer = gate.answer(key)
        production = production_in_words(answer.allowed, answer.reason)
        if entry.status is Status.PAUSED:
            yield paused(entry, having.get(key), production)
        elif not answer.allowed and ((kind := _denial(entry)) not in LATER or everything):
            active = kind is AlertKind.DENIED
            yield Alert(
                kind=kind,
                subject=key,
                since=gate.expired_at(key) if active else entry.since,
                what=answer.reason if active else reason(entry),
                production=production,
                position=entry.status_position,
                command=f"access-monitor checklist {quote(key)}",
            )
        yield from of_people(entry, now)
    yield from of_silences(reader, now)


def of_silences(reader: Reader, at: datetime, entries: Mapping[str, Entry] | None = None) -> Iterator[Alert]:
    """Yield the silences that last at a time; `entries` are as they stood then, those of now unless given."""
    for silence in silences(reader, at, entries):
        lift = f"access-monitor silence {quote(silence.entry)} --lift --by YOU --reason WHY"
        yield Alert(
            kind=AlertKind.SILENCE,
            subject=silence.entry,
            since=silence.since,
            until=silence.until,
            what=f"{silence.reason} ({silence.by})",
            position=silence.position,
            command=lift,
            step=NextStep(act="silence", fields={"entry": silence.entry, "lift": True}),
        )


def _denial(entry: Entry) -> AlertKind:
    return AlertKind.DENIED if entry.status is Status.ACTIVE else AlertKind.NOT_ACTIVATED


def paused(entry: Entry, acknowledged: Acknowledgement | None, production: str = "") -> Alert:
    """Return the running pause of an entry, who has it, and what `production` is answered."""
    return Alert(
        kind=AlertKind.PAUSED,
        subject=entry.key,
        since=entry.since,
        what=reason(entry),
        production=production,
        acknowledged=acknowledged,
        position=entry.pause,
        command=_after_pause(entry, acknowledged),
        step=NextStep(act="ack", fields={"entry": entry.key})
        if acknowledged is None
        else NextStep(act="resume", fields={"entry": entry.key, "expect": entry.position}),
    )


def _after_pause(entry: Entry, acknowledged: Acknowledgement | None) -> str:
    key = quote(entry.key)
    if acknowledged is None:
        return f"access-monitor ack {key} --by YOU"
    return f"access-monitor resume {key} --by YOU --reason WHY --expect {entry.position}"


def of_people(entry: Entry, now: datetime) -> Iterator[Alert]:
    """Yield what people have begun: an acceptance that waits for a second person, and windows of maintenance."""
    key = quote(entry.key)
    if (approval := entry.asked) is not None:
        act = COMMANDS[approval.act]
        yield Alert(
            kind=AlertKind.APPROVAL,
            subject=entry.key,
            since=None,
            what=f"{approval.by} asked to {act} it; another person confirms",
            position=approval.position,
            command=f"access-monitor {act} {key} --by YOU --reason WHY --expect {approval.expect}",
            step=NextStep(act=act, fields={"entry": entry.key, "expect": approval.expect}),
        )
    for window in entry.windows:
        if window.end > now:
            yield Alert(
                kind=AlertKind.WINDOW,
                subject=entry.key,
                since=window.start,
                until=window.end,
                what=f"{', '.join(window.changes)} may move: {window.reason} ({window.by})",
                position=window.position,
                command=f"access-monitor maintenance {key} --close {window.position} --by YOU --reason WHY",
                step=NextStep(act="maintenance", fields={"entry": entry.key, "close": window.position}),
            )


def _of_nodes(reader: Reader, configuration: Configuration, now: datetime) -> Iterator[Alert]:
    if (since := nothing_ticks(reader, now)) is not None:
        words = "no node says what is due, so nothing is polled: start one with `access-monitor run`"
        yield _node_alert("ticking", since, words)
    for row in node_rows(reader, configuration, now):
        if row.state is NodeCondition.SILENT:
            yield _node_alert(row.name, row.heartbeat_at, "it is not heard of; the others do its work")
        elif abs(row.clock_off) > CLOCK_OFF.total_seconds():
            behind = "ahead of" if row.clock_off > 0 else "behind"
            off = f"its clock is {abs(row.clock_off)} s {behind} the database's"
            yield _node_alert(row.name, None, f"{off}; set it, as with `timedatectl set-ntp true`")


def _node_alert(name: str, since: datetime | None, what: str) -> Alert:
    return Alert(kind=AlertKind.NODE, subject=name, since=since, what=what, command="access-monitor doctor")


def _of_sources(reader: Reader, configuration: Configuration, now: datetime) -> Iterator[Alert]:
    for row in source_rows(reader, configuration, now):
        if row.state is SourceCondition.DOWN:
            yield _source_alert(row, AlertKind.SOURCE_DOWN, row.since, row.error, f"access-monitor poll {row.key}")
        elif row.state is SourceCondition.STALE:
            words = "its last good poll is too old to rely on"
            yield _source_alert(row, AlertKind.SOURCE_STALE, row.good_at, words, f"access-monitor poll {row.key}")
        if row.anomaly:
            yield _held(row)
        yield from (_quarantined(row, change) for change in row.held if change.release)
        if row.pending:
            yield _pending(row)


_SHOWN = 3
"""How many differences of a source are named."""


def _held(row: SourceRow) -> Alert:
    """Return the one matter that a held answer is, however many differences it holds."""
    differences = [change for change in row.held if not change.release]
    ends = [change.until for change in differences if change.until is not None]
    reason = row.anomaly.replace("_", " ")
    what = f"{reason}: {_in_words(differences)}" if differences else reason
    return _source_alert(
        row, AlertKind.HELD, row.since, what, f"access-monitor sources {row.key}", until=max(ends, default=None)
    )


def _quarantined(row: SourceRow, change: PendingRow) -> Alert:
    """Return a price that a person may let in."""
    return Alert(
        kind=AlertKind.HELD,
        subject=row.key,
        since=change.since,
        what=f"{change.subject} {change.what}",
        position=change.position,
        command=f"access-monitor release {change.position} --by YOU --reason WHY",
        step=NextStep(act="release", fields={"position": change.position or 0}),
    )


def _pending(row: SourceRow) -> Alert:
    """Return the differences of a source that are being counted, as one matter."""
    since = min(change.since for change in row.pending)
    return Alert(
        kind=AlertKind.PENDING,
        subject=row.key,
        since=since,
        what=_in_words(row.pending),
        command=f"access-monitor poll {row.key}",
    )


def _in_words(changes: Sequence[PendingRow]) -> str:
    shown = "; ".join(f"{change.subject} {change.what}" for change in changes[:_SHOWN])
    return f"{shown}; and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else shown


def _source_alert(
    row: SourceRow,
    kind: AlertKind,
    since: datetime | None,
    what: str,
    command: str,
    until: datetime | None = None,
) -> Alert:
    return Alert(
        kind=kind, subject=row.key, since=since, until=until, what=what, position=row.position, command=command
    )
