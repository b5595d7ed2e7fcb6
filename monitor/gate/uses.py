"""Who asks the gate, as far as the log shall know: denials with the day's count, and first uses. Never a row a request.

Counting happens where requests are answered and costs a dictionary's entry; `record` takes it out of memory, now and
then, writes what is due and keeps the rest beside the log: counts outlive the process, and those of several nodes are
one. What is counted is bounded: callers and keys are whatever the asking side sends, so that beyond a
number of them they are one, `others`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any

from monitor.core import events as ev
from monitor.core.entry_spec import AT, row_key
from monitor.core.ports import EventQuery, Reader, Store
from monitor.core.records import time_of, time_text
from monitor.gate.client.verdict import PRODUCTION
from monitor.gate.decision import Answer

OTHERS = "others"
"""The one caller, key or environment that stands for all beyond the limit."""

CALLERS = 100
"""Callers told apart for one key in one environment on one day."""

LIMIT = 10_000
"""Tallies held in memory; beyond it new callers are `others`."""

BATCH = 500
"""Events in one transaction."""

USES = "uses"
"""The name under which counts are kept that are not due yet."""

LONGEST = 100
"""Characters of a caller's name or of an unknown key."""


@dataclass(frozen=True, slots=True)
class UsageKey:
    """What is counted together. `surface` is where the entry is judged, empty where there is no entry; `position` is
    the event that gave the entry its status; `day` is None for a first use.
    """

    subject: str
    surface: str
    environment: str
    caller: str
    position: int
    day: date | None


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """The row of the registry that an answer is about: its entry, and the surface on which it is judged."""

    entry: str
    surface: str


@dataclass(frozen=True, slots=True)
class UsageCount:
    """How often, since when, and what was answered last."""

    count: int
    first: datetime
    status: str
    reason: str


class Uses:
    """Counts in memory. Safe to use from several threads; `environments` are the configured ones."""

    def __init__(self, environments: Callable[[], Iterable[str]]) -> None:
        self._environments = environments
        self._lock = threading.Lock()
        self._tallies: dict[UsageKey, UsageCount] = {}
        self._known: set[UsageKey] = set()
        self._callers: dict[tuple[str, str], set[str]] = {}
        self._day: date | None = None

    def note(self, given: Answer, row: JudgedRow | None, environment: str, caller: str, now: datetime) -> None:
        """Count one answer; `row` is what it is about, None where that is no entry."""
        environment = environment if environment in (*self._environments(), PRODUCTION) else OTHERS
        subject, surface = (_name(given.key), "") if row is None else (row.entry, row.surface)
        today = now.date()
        day = None if given.allowed else today
        with self._lock:
            if today != self._day:
                self._day = today
                self._callers.clear()
            usage = UsageKey(subject, surface, environment, _name(caller), given.position, day)
            if usage in self._known:
                return
            count = self._tallies.get(usage)
            if count is None:
                usage = self._bounded(usage, registered=row is not None)
                if usage in self._known:
                    return
                count = self._tallies.get(usage, UsageCount(0, now, "", ""))
            self._tallies[usage] = UsageCount(count.count + 1, count.first, given.status, given.reason)

    def _bounded(self, usage: UsageKey, *, registered: bool) -> UsageKey:
        full = len(self._tallies) + len(self._known) >= LIMIT
        if not registered:
            # Whatever was typed; all of them together are one more key with its callers.
            keys = self._callers.setdefault(("", usage.environment), set())
            if usage.subject not in keys and (full or len(keys) >= CALLERS):
                usage = replace(usage, subject=OTHERS)
            keys.add(usage.subject)
        callers = self._callers.setdefault((usage.subject, usage.environment), set())
        if usage.caller not in callers and (full or len(callers) >= CALLERS):
            return replace(usage, caller=OTHERS)
        callers.add(usage.caller)
        return usage

    def take(self) -> dict[UsageKey, UsageCount]:
        """Hand over what was counted."""
        with self._lock:
            counted, self._tallies = self._tallies, {}
            firsts = [usage for usage in counted if usage.day is None]
            if len(self._known) + len(firsts) > LIMIT:
                self._known.clear()  # the log knows them as well, and is asked before anything is written
            self._known.update(firsts)
            return counted

    def give_back(self, counted: Mapping[UsageKey, UsageCount]) -> None:
        """Count on from what could not be written."""
        with self._lock:
            self._known.difference_update(counted)
            self._tallies = _added(counted, self._tallies)


def record(store: Store, uses: Uses, now: datetime, *, ending: bool = False) -> int:
    """Write what is due, at most once for each: first uses, denials of days that are over, and all when the only daemon
    ends. Keep the rest beside the log. Returns how many events that was.

    Raises:
        MonitorError: the store cannot be written; what was not written is counted on.
    """
    counted = uses.take()
    try:
        if not counted:
            with store.read() as reader:
                if not _due(_read(reader), now, ending=ending):
                    return 0
        written, left = _record(store, counted, now, ending=ending)
    except BaseException:
        uses.give_back(counted)
        raise
    while left:  # in parts, as nobody else can write meanwhile
        more, left = _record(store, {}, now, ending=ending)
        written += more
    return written


def _record(store: Store, counted: Mapping[UsageKey, UsageCount], now: datetime, *, ending: bool) -> tuple[int, bool]:
    """Add what was counted to what is kept, write some of what is due; return how many events that was, and whether
    more is due.
    """
    with store.write() as tx:
        counts = _added(_read(tx), counted)
        due = _due(counts, now, ending=ending)
        part = sorted(due.items(), key=lambda pair: (pair[1].first, pair[0].subject, pair[0].caller))[:BATCH]
        before = _known(tx, [usage for usage, _ in part])
        ledger = ev.Ledger(tx.head())
        for use, tally in part:
            del counts[use]
            identity = _identity(use)
            # The log of an earlier version does not say on which surface the first row of an entry is judged.
            if not before & {identity, replace(identity, surface="")}:
                _write(ledger, identity, use, tally)
        if ledger.events:
            tx.append(ledger.events, now)
        tx.put_working_state(USES, json.dumps([_as_kept(*pair) for pair in counts.items()]) if counts else "", now)
        return len(ledger.events), len(due) > BATCH


def _due(counted: Mapping[UsageKey, UsageCount], now: datetime, *, ending: bool) -> dict[UsageKey, UsageCount]:
    return {usage: count for usage, count in counted.items() if ending or usage.day != now.date()}


def _read(reader: Reader) -> dict[UsageKey, UsageCount]:
    return dict(map(_of_kept, json.loads(reader.working_state(USES) or "[]")))


def _as_kept(usage: UsageKey, count: UsageCount) -> list[object]:
    day = None if usage.day is None else usage.day.isoformat()
    who = [usage.subject, usage.surface, usage.environment, usage.caller, usage.position, day]
    return [*who, count.count, time_text(count.first), count.status, count.reason]


def _of_kept(row: Sequence[Any]) -> tuple[UsageKey, UsageCount]:
    subject, surface, environment, caller, position, day, count, first, status, reason = row
    on = None if day is None else date.fromisoformat(day)
    return UsageKey(subject, surface, environment, caller, position, on), UsageCount(
        count, time_of(first), status, reason
    )


def _added(first: Mapping[UsageKey, UsageCount], then: Mapping[UsageKey, UsageCount]) -> dict[UsageKey, UsageCount]:
    """Add counts: the time is that of the first, the answer that of the last."""
    total = dict(first)
    for usage, count in then.items():
        before = total.get(usage)
        total[usage] = count if before is None else replace(count, count=before.count + count.count, first=before.first)
    return total


def _write(ledger: ev.Ledger, identity: UseIdentity, use: UsageKey, tally: UsageCount) -> None:
    data = {
        "environment": use.environment,
        "caller": use.caller,
        "count": tally.count,
        "status": tally.status,
        "reason": tally.reason,
        **({"surface": use.surface} if use.surface else {}),
        **({} if identity.day is None else {"day": identity.day}),
    }
    ledger.add(identity.type, identity.stream, use.subject, at=tally.first, cause=identity.cause, data=data)


@dataclass(frozen=True, slots=True)
class UseIdentity:
    """Of what there is one event."""

    type: str
    stream: str
    subject: str
    surface: str
    caller: str
    cause: int | None
    day: str | None


def _identity(use: UsageKey) -> UseIdentity:
    return UseIdentity(
        type=ev.GATE_FIRST_USED if use.day is None else ev.GATE_DENIED,
        stream=ev.gate_stream(use.environment),
        subject=use.subject,
        surface=use.surface,
        caller=use.caller,
        cause=use.position or None,
        day=None if use.day is None else use.day.isoformat(),
    )


def _recorded(event: ev.Event) -> UseIdentity:
    """Return of what an event is the one; an earlier version wrote the key of the row as its subject."""
    # What is no entry has no cause, and is written as it was asked for.
    subject, _, surface = event.subject.partition(AT) if event.cause is not None else (event.subject, "", "")
    return UseIdentity(
        type=event.type,
        stream=event.stream,
        subject=subject,
        surface=event.data.get("surface", surface),
        caller=event.data["caller"],
        cause=event.cause,
        day=event.data.get("day"),
    )


def _known(reader: Reader, due: Sequence[UsageKey]) -> set[UseIdentity]:
    """Return what is in the log already, of all that may be the same: first uses of these subjects, and denials since
    the first of these days.
    """
    queries: set[EventQuery] = set()
    days = [usage.day for usage in due if usage.day is not None]
    for use in due:
        stream = ev.gate_stream(use.environment)
        if use.day is None:
            row = row_key(use.subject, use.surface)
            queries |= {
                EventQuery(type=ev.GATE_FIRST_USED, stream=stream, subject=subject) for subject in (use.subject, row)
            }
        else:
            since = datetime.combine(min(days), time(), tzinfo=UTC)
            queries.add(EventQuery(type=ev.GATE_DENIED, stream=stream, since=since))
    return {_recorded(recorded.event) for query in queries for recorded in reader.events(query)}


def _name(text: str) -> str:
    return "".join(letter if letter.isprintable() else "�" for letter in text[:LONGEST])
