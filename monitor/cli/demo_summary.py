"""What came of the demo's story, read from the log and from what the owner received, and held against what the story
says.

Pure, and nothing in it is known beforehand: what a step lists, prices or breaks says what has to be recorded in it, and
every number of the summary is counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from html import unescape

from monitor.cli.output import plural
from monitor.core import events as ev
from monitor.core.events import Recorded
from monitor.sandbox import Target, TimelineState, TimelineStep, WebhookMessage

Expected = tuple[str, str]
"""Type and subject of an event that a step has to lead to."""

NEWS = ("model.", "price.", "access.", "entry.", "lifecycle.")
"""What no failed poll may bring about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A step as it was played: the position of its first event, and when it began."""

    step: TimelineStep
    first: int
    began_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryPause:
    """One pause: on which day of the story, when really, after how many polls, and what ended it.

    `delay` runs from the first poll that showed the new value to the record of the pause. `evidence` is the page that
    showed it, `evidence_before` what the same source had been seen to say before.
    """

    entry: str
    name: str
    date: date
    position: int
    at: datetime
    delay: timedelta
    polls: int
    shifts: Sequence[Mapping[str, str | bool | None]]
    evidence: str
    evidence_before: str
    resumed_at: datetime | None
    resumed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """What the failed polls came to: how many events say so, and how much news was recorded between."""

    failures: int
    recoveries: int
    between: int
    blind: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class StorySummary:
    """All of it. `messages` are those that the owner received, `pauses_told` those of them that tell of a pause."""

    pauses: Sequence[StoryPause]
    outage: Outage
    messages: Sequence[str]
    pauses_told: Sequence[str]
    undelivered: int


def expected(steps: Sequence[TimelineStep], entries: Iterable[str], *, list_source: str) -> list[tuple[Expected, ...]]:
    """For each step the events that have to follow from it, of those that concern the entries."""
    keys = frozenset(entries)
    chapters: list[tuple[Expected, ...]] = []
    state, broken = TimelineState(), False
    for index, step in enumerate(steps):
        wanted: list[Expected] = []
        wanted += [(ev.ENTRY_VISIBLE, model.id) for model in step.lists if model.id in keys]
        for model, price in step.prices.items():
            before = state.prices.get(model)
            if index and model in keys and price != before:
                wanted.append((ev.PRICE_LISTED if before is None else ev.ENTRY_PAUSED, model))
        failing = any(fault.target is Target.LIST for fault in step.faults)
        if failing is not broken:
            wanted.append((ev.SOURCE_FAILED if failing else ev.SOURCE_RECOVERED, list_source))
        state, broken = step.follow(state), failing
        chapters.append(tuple(wanted))
    return chapters


def summarise(chapters: Sequence[Chapter], log: Sequence[Recorded], messages: Iterable[WebhookMessage]) -> StorySummary:
    """Read the summary off the log and the messages."""
    pauses = [_pause(chapters, log, recorded) for recorded in log if recorded.event.type == ev.ENTRY_PAUSED]
    texts = [readable(message) for message in messages]
    return StorySummary(
        pauses=pauses,
        outage=_outage(log),
        messages=texts,
        pauses_told=[text for text in texts if any(_tells(text, pause) for pause in pauses)],
        undelivered=sum(recorded.event.type == ev.NOTICE_DEAD for recorded in log),
    )


def _pause(chapters: Sequence[Chapter], log: Sequence[Recorded], recorded: Recorded) -> StoryPause:
    event = recorded.event
    earlier = [record for record in log if record.event.position < event.position]
    later = [
        record for record in log if record.event.position > event.position and record.event.subject == event.subject
    ]
    resumed = next((record for record in later if record.event.type == ev.ENTRY_RESUMED), None)
    causes = [record.event for record in log if record.event.position in event.data["causes"]]
    return StoryPause(
        entry=event.subject,
        name=_name(log, event.subject),
        date=dated(chapters, event.position).step.date,
        position=event.position,
        at=recorded.recorded_at,
        delay=recorded.recorded_at - datetime.fromisoformat(event.data["since"]),
        polls=max((int(cause.data.get("looks", 0)) for cause in causes), default=0),
        shifts=event.data["shifts"],
        evidence=event.evidence,
        evidence_before=next(
            (record.event.evidence for record in reversed(earlier) if _other_bytes(record, recorded)), ""
        ),
        resumed_at=None if resumed is None else resumed.recorded_at,
        resumed_by="" if resumed is None else resumed.event.data["by"],
    )


def _other_bytes(one: Recorded, other: Recorded) -> bool:
    return one.event.source == other.event.source and one.event.evidence not in ("", other.event.evidence)


def _outage(log: Sequence[Recorded]) -> Outage:
    failures = [record for record in log if record.event.type == ev.SOURCE_FAILED]
    recoveries = [record for record in log if record.event.type == ev.SOURCE_RECOVERED]
    if not (failures and recoveries):
        return Outage(failures=len(failures), recoveries=len(recoveries), between=0, blind=timedelta(0))
    first, last = failures[0], recoveries[-1]
    between = range(first.event.position, last.event.position)
    return Outage(
        failures=len(failures),
        recoveries=len(recoveries),
        between=sum(record.event.position in between and record.event.type.startswith(NEWS) for record in log),
        blind=last.event.occurred_at - first.event.occurred_at,
    )


def dated(chapters: Sequence[Chapter], position: int) -> Chapter:
    """Return the chapter in which an event was recorded."""
    return [chapter for chapter in chapters if chapter.first <= position][-1]


def readable(message: WebhookMessage) -> str:
    """Return a message as a phone shows it: the plain text that goes with its blocks, without the escapes of the chat
    service.
    """
    text = message.payload.get("text")
    return unescape(text) if isinstance(text, str) and text else message.text


def title(text: str) -> str:
    """Return the first line of a message."""
    return text.partition("\n")[0]


def problems(summary: StorySummary, chapters: Sequence[Chapter], wanted: Sequence[tuple[Expected, ...]]) -> list[str]:
    """Return where what came out differs from the story, each in words; empty where it came out as told."""
    due = {
        (chapter.step.date, subject)
        for chapter, events in zip(chapters, wanted, strict=False)
        for type, subject in events
        if type == ev.ENTRY_PAUSED
    }
    came = [(pause.date, pause.entry) for pause in summary.pauses]
    differences = [f"{entry} was not paused on {day}" for day, entry in sorted(due - set(came))]
    differences += [
        f"{entry} was paused on {day}, and nothing of it had moved" for day, entry in sorted(set(came) - due)
    ]
    differences += [
        f"{entry} was paused {came.count((day, entry))} times on {day}"
        for day, entry in sorted(due)
        if came.count((day, entry)) > 1
    ]
    types = [type for events in wanted for type, _ in events]
    outage = summary.outage
    for noun, count, type in (
        ("failure", outage.failures, ev.SOURCE_FAILED),
        ("recovery", outage.recoveries, ev.SOURCE_RECOVERED),
    ):
        if count != types.count(type):
            differences.append(f"{plural(count, noun)} stood in the log instead of {types.count(type)}")
    if outage.between:
        differences.append(f"{plural(outage.between, 'piece')} of news came out of a list that nobody could read")
    differences += [
        f"the owner was not notified of the pause of {pause.entry}"
        for pause in summary.pauses
        if not any(_tells(text, pause) for text in summary.messages)
    ]
    if summary.undelivered:
        differences.append(f"{plural(summary.undelivered, 'notice')} could not be delivered")
    return differences


def _tells(text: str, pause: StoryPause) -> bool:
    return re.search(rf"\bevent {pause.position}\b", text) is not None


def _name(log: Sequence[Recorded], entry: str) -> str:
    declared = (
        record.event for record in log if record.event.type == ev.ENTRY_DECLARED and record.event.subject == entry
    )
    return next((str(event.data["declaration"]["name"]) for event in declared), entry)
