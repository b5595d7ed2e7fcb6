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

from monitor.cli.demo_summary import (
    NEW_USAGE,
    TEST_CALL,
    Answers,
    Chapter,
    Expected,
    ExpectedStep,
    StoryAnswer,
    answered,
    readable,
    title,
)
from monitor.cli.demo_words import StoryLine, narrate
from monitor.core import events as ev
from monitor.core.entry import CheckState, Entry, Status
from monitor.core.facts import ACCESS, GRANTED, Subject
from monitor.core.ports import DeliveryState, EventQuery, MonitorError, Refused
from monitor.gate.client.lease import Lease, read
from monitor.sandbox import Sandbox, TimelineStep
from monitor.sandbox.demo_config import CALLS
from monitor.sandbox.gpt_5_6 import RESUME

if TYPE_CHECKING:
    from monitor.app.bootstrap import Monitor

PERSON = "you"
PRODUCTION = "production"
REASONS: Mapping[str, str] = {
    "activate": "listed, priced, and we want it",
    "resume": "the new price is accepted",
}

WATCHED = "watched"
"""The act that ends a step which waits for no other: everything that it leads to was recorded."""

PATIENCE = timedelta(minutes=2)
"""How long one condition is waited for. A step takes a second; on a busy machine a few."""

BREATH = 0.1
"""The longest time between two readings of a condition, in seconds."""


class Stopped(Exception):
    """A person ended the demo before its end."""


class StageProtocol(Protocol):
    """What the audience sees."""

    def begin(self, chapter: Chapter, before: Chapter | None) -> None: ...

    def line(self, line: StoryLine) -> None: ...


def held(steps: Sequence[TimelineStep]) -> tuple[TimelineStep, ...]:
    """Return the steps of a story, each held until it is released and no longer: what is to be recorded in it says how
    long it lasts, and not a number of polls.
    """
    return tuple(replace(step, polls=1, waits_for=step.waits_for or WATCHED) for step in steps)


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

    def run(self, wanted: Sequence[ExpectedStep]) -> None:
        """Play all steps; `wanted` is what each has to lead to.

        Raises:
            Stopped: a person ended it.
            MonitorError: something did not happen, or the daemon ended.
        """
        steps = self._sandbox.timeline.steps
        for index, (step, expectation) in enumerate(zip(steps, wanted, strict=True)):
            self._until(partial(self._begun, index), "the sandbox had not gone on to the next step")
            for type, subject in expectation.events:
                self._until(partial(self._recorded, (type, subject)), f"no {type} of {subject} was recorded")
            self._until(self._reached, "a free probe did not reach a model that the list shows")
            self._until(self._settled, "something was still pending")
            self._ask_gate(expectation.answers)
            self._until(self._told, "not every notice was delivered")
            self._act(resuming=step.waits_for == RESUME)
            self._until(self._told, "not every notice was delivered")
            if index + 1 < len(steps):
                self._sandbox.release(step.waits_for)

    def _begun(self, index: int) -> bool:
        return len(self.chapters) > index

    def _recorded(self, wanted: Expected) -> bool:
        return wanted in self._seen

    def _ask_gate(self, asked: Answers) -> None:
        """Ask the gate as production does, by the lease file alone, once it denies new usage; say what it answers."""
        for key, answers in asked.items():
            self._until(partial(self._denied, key), f"the gate went on to allow new usage of {key}")
            self.chapters[-1].answers[key] = {caller: self._answer(key, caller) for caller in answers}
            self._stage.line(StoryLine(at=self._monitor.clock(), word="gate", text=self._in_words(key)))

    def _denied(self, key: str) -> bool:
        return not self._answer(key, NEW_USAGE).allowed

    def _lease(self) -> Lease:
        path = str(self._monitor.settings.lease_dir / f"{PRODUCTION}.json")
        return Lease(path, read(path), PRODUCTION, self._monitor.clock())

    def _answer(self, key: str, caller: str) -> StoryAnswer:
        lease = self._lease()
        grace = None if caller == NEW_USAGE else lease.grace(key)
        return StoryAnswer(allowed=bool(lease.answer(key, caller)["allowed"]), grace=grace)

    def _in_words(self, key: str) -> str:
        fallback = self._lease().answer(key, NEW_USAGE)["fallback"]
        instead = f"{fallback} is allowed instead" if fallback else "nothing is allowed instead"
        callers = {caller: answer for caller, answer in self.chapters[-1].answers[key].items() if caller != NEW_USAGE}
        going_on = [f"{caller} is {answered(answer)}" for caller, answer in callers.items() if answer.allowed]
        if going_on:
            return f"new usage of {key} is denied, {instead}; {', '.join(going_on)}"
        whom = "everybody" + (f", {' and '.join(callers)} too" if callers else "")
        return f"{key} is denied to {whom}; {instead}"

    def _reached(self) -> bool:
        """Return whether every free probe reaches the models that may be activated now."""
        models = {entry.spec.model_id for entry in self._entries(Status.EVALUATING)}
        with self._monitor.store.read() as reader:
            for spec in self._monitor.configuration.sources.values():
                if spec.model not in models or spec.paid:
                    continue
                state = reader.source(spec.key)
                facts = reader.facts(state.baseline) if state is not None and state.baseline else {}
                if facts.get(Subject(spec.surface, spec.model), {}).get(ACCESS + spec.route) != GRANTED:
                    return False
        return True

    def _settled(self) -> bool:
        """Return whether nothing is pending: what one route shows, the others have confirmed."""
        with self._monitor.store.read() as reader:
            return not any(reader.pending_changes(key) for key in self._monitor.configuration.sources)

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
        evaluating = [entry.key for entry in self._entries(Status.EVALUATING)]
        if evaluating:
            command = " ".join(("access-monitor poll", *(f"{CALLS}/{key}" for key in evaluating)))
            self._stage.line(StoryLine(at=self._monitor.clock(), word="you", text=command))
            self._until(partial(self._tested, evaluating), f"no test call of {' or '.join(evaluating)} was answered")
        for key in evaluating:
            self._accept("activate", key)
        for entry in self._entries(Status.PAUSED) if resuming else ():
            self._accept("resume", entry.key)

    def _tested(self, keys: Sequence[str]) -> bool:
        """Poll the paid calls until each is verified: one that was refused before counts after two good polls."""
        with self._monitor.store.read() as reader:
            entries = reader.entries()
        checks = {key: entries[key].checks.get(TEST_CALL) for key in keys}
        missing = [key for key, check in checks.items() if check is None or check.state is not CheckState.VERIFIED]
        if missing:
            self._monitor.poller.poll([f"{CALLS}/{key}" for key in missing])
        return not missing

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
