"""Playing the demo's story: the sandbox moves on when the monitor has recorded what the step leads to, and not before.

Whoever drives waits for conditions alone, each for a bounded time, and does what a person would do by the same use
cases as the command line. What is seen on the way is handed to `say`; no word of it is made up here.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol

from monitor.cli.demo_summary import Chapter, Expected, readable, title
from monitor.cli.demo_words import StoryLine, narrate
from monitor.core import events as ev
from monitor.core.entry import Entry, Status
from monitor.core.ports import DeliveryState, EventQuery, MonitorError, Refused
from monitor.gate.client.lease import Lease, read
from monitor.sandbox import Sandbox, TimelineStep
from monitor.sandbox.gpt_5_6 import RESUME

if TYPE_CHECKING:
    from monitor.app.bootstrap import Monitor

PERSON = "you"
PRODUCTION = "production"
REASONS: Mapping[str, str] = {
    "activate": "listed, priced, and we want it",
    "resume": "the new price is accepted",
}

PACE = 1.5
"""How many polls a step lasts for each that it needs: the story is to be read while it plays."""

WATCHED = "watched"
"""The act that ends a step which waits for no other: everything that it leads to was recorded."""

PATIENCE = timedelta(seconds=45)
"""How long one condition is waited for. On a busy machine a step takes twice its usual six seconds, not seven times."""

BREATH = 0.1
"""The longest time between two looks at a condition, in seconds."""


class Stopped(Exception):
    """A person ended the demo before its end."""


class StageProtocol(Protocol):
    """What the audience sees."""

    def begin(self, chapter: Chapter, before: Chapter | None) -> None: ...

    def line(self, line: StoryLine) -> None: ...


def paced(steps: Sequence[TimelineStep]) -> tuple[TimelineStep, ...]:
    """Return the steps of a story, each slow enough to be read and held until it is released."""
    return tuple(replace(step, polls=round(step.polls * PACE), waits_for=step.waits_for or WATCHED) for step in steps)


class Play:
    """One run through the story. `interrupted` says that a person wants it to end, `alive` that the
    daemon still works.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        monitor: Monitor,
        stage: StageProtocol,
        *,
        via: Mapping[str, str],
        interrupted: Callable[[], bool],
        alive: Callable[[], bool],
    ) -> None:
        self._sandbox = sandbox
        self._monitor = monitor
        self._stage = stage
        self._via = via
        self._interrupted = interrupted
        self._alive = alive
        self._position = 0
        self._seen: set[Expected] = set()
        self.chapters: list[Chapter] = []

    def run(self, wanted: Sequence[tuple[Expected, ...]]) -> None:
        """Play all steps; `wanted` are the events that each has to lead to.

        Raises:
            Stopped: a person ended it.
            MonitorError: something did not happen, or the daemon ended.
        """
        steps = self._sandbox.timeline.steps
        for index, (step, events) in enumerate(zip(steps, wanted, strict=True)):
            self._until(partial(self._begun, index), "the sandbox had not gone on to the next step")
            for type, subject in events:
                self._until(partial(self._recorded, (type, subject)), f"no {type} of {subject} was recorded")
            for type, subject in events:
                if type == ev.ENTRY_PAUSED:
                    self._until(partial(self._denied, subject), f"the gate went on to allow {subject}")
            self._until(self._told, "not every notice was delivered")
            self._act(resuming=step.waits_for == RESUME)
            self._until(self._told, "not every notice was delivered")
            if index + 1 < len(steps):
                self._sandbox.release(step.waits_for)

    def _begun(self, index: int) -> bool:
        return len(self.chapters) > index

    def _recorded(self, wanted: Expected) -> bool:
        return wanted in self._seen

    def _denied(self, key: str) -> bool:
        """Ask the gate as production does, by the lease file alone."""
        now = self._monitor.clock()
        path = str(self._monitor.settings.lease_dir / f"{PRODUCTION}.json")
        answer = Lease(path, read(path), PRODUCTION, now).answer(key, "")
        if answer["allowed"]:
            return False
        instead = f"{answer['fallback']} is allowed instead" if answer["fallback"] else "and nothing is allowed instead"
        self._stage.line(StoryLine(at=now, word="gate", text=f"{key} is denied in {PRODUCTION}, {instead}"))
        return True

    def _told(self) -> bool:
        with self._monitor.store.read() as reader:
            return not reader.deliveries(DeliveryState.WAITING, DeliveryState.SENDING)

    def _until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = self._monitor.clock() + PATIENCE
        while True:
            self._listen()
            if holds():
                return
            if self._interrupted():
                raise Stopped
            if not self._alive():
                raise MonitorError("The daemon of the demo ended by itself.")
            if self._monitor.clock() > deadline:
                step = self._sandbox.current
                raise MonitorError(
                    f"The story came to a halt at {step.date}: {PATIENCE.total_seconds():.0f} seconds on, {what}."
                )
            before = self._traffic()
            self._sandbox.wait_for(partial(self._busy_since, before), BREATH)

    def _traffic(self) -> tuple[int, int]:
        return sum(self._sandbox.requests.values()), len(self._sandbox.messages)

    def _busy_since(self, before: tuple[int, int]) -> bool:
        return self._traffic() != before

    def _listen(self) -> None:
        """Tell what is new in the log, under the step that it belongs to."""
        # The log is read before the step is: an event that a new step brought about is then never told under the old
        # one.
        with self._monitor.store.read() as reader:
            new = list(reader.events(EventQuery(after=self._position)))
        index = self._sandbox.timeline.index
        if index >= len(self.chapters):
            first = new[0].event.position if new else self._position + 1
            before = self.chapters[-1] if self.chapters else None
            self.chapters.append(Chapter(step=self._sandbox.current, first=first, began_at=self._monitor.clock()))
            self._seen.clear()
            self._stage.begin(self.chapters[-1], before)
        for line in narrate(new):
            self._stage.line(line)
        for recorded in new:
            self._position = recorded.event.position
            self._seen.add((recorded.event.type, recorded.event.subject))
            if recorded.event.type == ev.NOTICE_DELIVERED:
                self._stage.line(
                    self._message(recorded.event.subject, recorded.event.data["owner"], recorded.recorded_at)
                )

    def _message(self, notice: str, owner: str, at: datetime) -> StoryLine:
        texts = (readable(message) for message in self._sandbox.messages)
        text = next((text for text in texts if f"Notice {notice}" in text.splitlines()), "")
        return StoryLine(at=at, word="notified", text=f"{owner}: {title(text)}")

    # -- what a person does ------------------------------------------------

    def _act(self, *, resuming: bool) -> None:
        for entry in self._entries(Status.EVALUATING):
            self._accept("activate", entry.key)
        for entry in self._entries(Status.PAUSED) if resuming else ():
            self._accept("resume", entry.key)

    def _entries(self, status: Status) -> Iterator[Entry]:
        with self._monitor.store.read() as reader:
            entries = reader.entries()
        return (entry for entry in entries.values() if entry.status is status)

    def _accept(self, verb: str, key: str) -> None:
        """Activate or resume as soon as it is not refused: a check that the pause made stale is verified by the next
        poll.
        """
        refusal = ""

        def accepted() -> bool:
            nonlocal refusal
            with self._monitor.store.read() as reader:
                entry = reader.entries()[key]
            operator = self._monitor.operator
            act = operator.activate if verb == "activate" else operator.resume
            try:
                event = act(key, by=PERSON, reason=REASONS[verb], via=self._via, expect=entry.position)
            except Refused as error:
                refusal = str(error)
                return False
            line = f"access-monitor {verb} {key} --by {PERSON} --reason {shlex.quote(REASONS[verb])}"
            self._stage.line(StoryLine(at=event.occurred_at, word="you", text=f"{line} --expect {entry.position}"))
            return True

        try:
            self._until(accepted, f"{verb} {key} was refused")
        except MonitorError as error:
            raise MonitorError(f"{error} {refusal}".rstrip()) from None
