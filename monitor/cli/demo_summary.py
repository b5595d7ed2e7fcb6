"""What came of the demo's story, read from the log, from the gate and from what the owner received, and held against
what the story says.

Pure, and nothing in it is known beforehand: what a step lists, prices or breaks says what has to be recorded in it and
what production has to be answered, and every number of the summary is counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from html import unescape

from monitor.cli.output import plural
from monitor.core import events as ev
from monitor.core.entry import RISE_GRACE
from monitor.core.events import Recorded
from monitor.sandbox import Target, TimelinePrice, TimelineState, TimelineStep, WebhookMessage
from monitor.sandbox.gpt_5_6 import RESUME

Expected = tuple[str, str]
"""Type and subject of an event that a step has to lead to."""

NEWS = ("model.", "price.", "access.", "entry.", "lifecycle.")
"""What no failed poll may bring about."""

TEST_CALL = "test_call"

NEW_USAGE = ""
"""Who asks the gate without a name: use that is new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryAnswer:
    """What production is answered while an entry is paused. `grace` is for how long the caller goes on, None for as
    long as nothing else changes; it means nothing where the answer is no.
    """

    allowed: bool
    grace: timedelta | None = None


DENIED = StoryAnswer(allowed=False)

Answers = Mapping[str, Mapping[str, StoryAnswer]]
"""Entry → who asks → what the gate answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedStep:
    """What a step has to lead to: the events that the provider brings about, what production is answered then, and the
    events that follow when a person has acted.
    """

    events: tuple[Expected, ...] = ()
    answers: Answers = field(default_factory=dict)
    acts: tuple[Expected, ...] = ()

    @property
    def paused(self) -> list[str]:
        """The entries that it pauses."""
        return [subject for type, subject in self.events if type == ev.ENTRY_PAUSED]


@dataclass(slots=True, kw_only=True)
class Chapter:
    """A step as it was played: the position of its first event, when it began, and what the gate answered."""

    step: TimelineStep
    first: int
    began_at: datetime
    answers: dict[str, dict[str, StoryAnswer]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryPause:
    """One pause: on which day of the story, when really, after how many polls, and what ended it.

    `delay` runs from the first poll that showed what changed to the record of the pause. `evidence` are the bytes that
    showed it, `evidence_before` what the same source had been seen to say before. `answers` is what production got.
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
    answers: Mapping[str, StoryAnswer]
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
    """All of it.

    `events` are those of each chapter, `untested` the entries that were activated before a call of their model was
    answered. `messages` are those that the owner received, `pauses_told` those of them that tell of a pause.
    """

    pauses: Sequence[StoryPause]
    events: Sequence[frozenset[Expected]]
    untested: Sequence[str]
    outage: Outage
    messages: Sequence[str]
    pauses_told: Sequence[str]
    undelivered: int


def expected(
    steps: Sequence[TimelineStep], entries: Mapping[str, Sequence[str]], *, list_source: str
) -> list[ExpectedStep]:
    """For each step what has to follow from it, of what concerns the entries (key → callers)."""
    chapters: list[ExpectedStep] = []
    state, broken = TimelineState(), False
    for index, step in enumerate(steps):
        visible = [model.id for model in step.lists if model.id in entries]
        gone = [id for id in step.unlists if id in entries]
        prices = {id: (state.prices.get(id), price) for id, price in step.prices.items() if index and id in entries}
        moved = {id: (before, now) for id, (before, now) in prices.items() if before is not None and before != now}
        events = [(ev.ENTRY_VISIBLE, id) for id in visible]
        events += [(ev.PRICE_LISTED, id) for id, (before, _) in prices.items() if before is None]
        events += [(type, id) for id in moved for type in (ev.PRICE_CHANGED, ev.ENTRY_PAUSED)]
        events += [(type, id) for id in gone for type in (ev.ACCESS_LOST, ev.ENTRY_PAUSED)]
        failing = any(fault.target is Target.LIST for fault in step.faults)
        if failing is not broken:
            events.append((ev.SOURCE_FAILED if failing else ev.SOURCE_RECOVERED, list_source))
        going_on = {id: StoryAnswer(allowed=True, grace=_grace(before, now)) for id, (before, now) in moved.items()}
        chapters.append(
            ExpectedStep(
                events=tuple(events),
                answers={
                    id: {NEW_USAGE: DENIED, **dict.fromkeys(entries[id], going_on.get(id, DENIED))}
                    for id in (*moved, *gone)
                },
                acts=(
                    *((ev.ENTRY_ACTIVATED, id) for id in visible),
                    *((ev.ENTRY_RESUMED, id) for id in moved if step.waits_for == RESUME),
                ),
            )
        )
        state, broken = step.follow(state), failing
    return chapters


def _grace(before: TimelinePrice, now: TimelinePrice) -> timedelta | None:
    """Return for how long callers go on after a price moved: without end unless it rose."""
    moves = ((before.input, now.input), (before.output, now.output), (before.cached_input, now.cached_input))
    return RISE_GRACE if any(old is not None and new is not None and new > old for old, new in moves) else None


def summarise(
    chapters: Sequence[Chapter], log: Sequence[Recorded], messages: Iterable[WebhookMessage], *, list_source: str
) -> StorySummary:
    """Read the summary off the log and the messages."""
    pauses = [_pause(chapters, log, recorded) for recorded in log if recorded.event.type == ev.ENTRY_PAUSED]
    texts = [readable(message) for message in messages]
    return StorySummary(
        pauses=pauses,
        events=[
            frozenset(
                (record.event.type, record.event.subject)
                for record in log
                if record.event.position >= chapter.first and dated(chapters, record.event.position) is chapter
            )
            for chapter in chapters
        ],
        untested=_untested(log),
        outage=_outage(log, list_source),
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
    chapter = dated(chapters, event.position)
    return StoryPause(
        entry=event.subject,
        name=_name(log, event.subject),
        date=chapter.step.date,
        position=event.position,
        at=recorded.recorded_at,
        delay=recorded.recorded_at - datetime.fromisoformat(event.data["since"]),
        polls=event.data["looks"] or 0,
        shifts=event.data["shifts"],
        evidence=event.evidence,
        evidence_before=next(
            (record.event.evidence for record in reversed(earlier) if _other_bytes(record, recorded)), ""
        ),
        answers=chapter.answers.get(event.subject, {}),
        resumed_at=None if resumed is None else resumed.recorded_at,
        resumed_by="" if resumed is None else resumed.event.data["by"],
    )


def _untested(log: Sequence[Recorded]) -> list[str]:
    """Return the entries whose activation no verified test call came before."""
    tested: set[str] = set()
    untested: list[str] = []
    for record in log:
        if record.event.type == ev.CHECK_VERIFIED and record.event.data["check"] == TEST_CALL:
            tested.add(record.event.subject)
        elif record.event.type == ev.ENTRY_ACTIVATED and record.event.subject not in tested:
            untested.append(record.event.subject)
    return untested


def _other_bytes(one: Recorded, other: Recorded) -> bool:
    return one.event.source == other.event.source and one.event.evidence not in ("", other.event.evidence)


def _outage(log: Sequence[Recorded], list_source: str) -> Outage:
    own = [record for record in log if record.event.subject == list_source]
    failures = [record for record in own if record.event.type == ev.SOURCE_FAILED]
    recoveries = [record for record in own if record.event.type == ev.SOURCE_RECOVERED]
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


def problems(summary: StorySummary, chapters: Sequence[Chapter], wanted: Sequence[ExpectedStep]) -> list[str]:
    """Return where what came out differs from the story, each in words; empty where it came out as told."""
    steps = list(zip(chapters, wanted, strict=False))
    due = {(chapter.step.date, key) for chapter, step in steps for key in step.paused}
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
    counted = (ev.ENTRY_PAUSED, ev.SOURCE_FAILED, ev.SOURCE_RECOVERED)
    differences += [
        f"no {type} of {subject} was recorded on {chapter.step.date}"
        for (chapter, step), events in zip(steps, summary.events, strict=True)
        for type, subject in (*step.events, *step.acts)
        if type not in counted and (type, subject) not in events
    ]
    differences += [difference for chapter, step in steps for difference in _answered_otherwise(chapter, step)]
    differences += [f"{entry} was activated before a call of its model was answered" for entry in summary.untested]
    differences += _of_the_outage(summary.outage, [type for step in wanted for type, _ in step.events])
    differences += [
        f"the owner was not notified of the pause of {pause.entry}"
        for pause in summary.pauses
        if not any(_tells(text, pause) for text in summary.messages)
    ]
    if summary.undelivered:
        differences.append(f"{plural(summary.undelivered, 'notice')} could not be delivered")
    return differences


def _answered_otherwise(chapter: Chapter, step: ExpectedStep) -> Iterator[str]:
    for entry, answers in step.answers.items():
        for caller, wanted in answers.items():
            answer = chapter.answers.get(entry, {}).get(caller)
            if answer != wanted:
                came = "the gate was not asked" if answer is None else f"{caller or 'new usage'} {answered(answer)}"
                yield f"on {chapter.step.date} {came} for {entry}, and should be {answered(wanted)}"


def _of_the_outage(outage: Outage, types: Sequence[str]) -> Iterator[str]:
    for noun, count, type in (
        ("failure", outage.failures, ev.SOURCE_FAILED),
        ("recovery", outage.recoveries, ev.SOURCE_RECOVERED),
    ):
        if count != types.count(type):
            yield f"{plural(count, noun)} stood in the log instead of {types.count(type)}"
    if outage.between:
        yield f"{plural(outage.between, 'piece')} of news came out of a list that nobody could read"


def answered(answer: StoryAnswer) -> str:
    """Return an answer in words: `denied`, `allowed for 72 h`, `allowed without end`."""
    if not answer.allowed:
        return "denied"
    return "allowed without end" if answer.grace is None else f"allowed for {answer.grace // timedelta(hours=1)} h"


def _tells(text: str, pause: StoryPause) -> bool:
    return re.search(rf"\bevent {pause.position}\b", text) is not None


def _name(log: Sequence[Recorded], entry: str) -> str:
    declared = (
        record.event for record in log if record.event.type == ev.ENTRY_DECLARED and record.event.subject == entry
    )
    return next((str(event.data["declaration"]["name"]) for event in declared), entry)
