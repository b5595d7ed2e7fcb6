"""Asking the world before answering: polls what an entry's pins rest on, and says what denies an answer of this age.

`gate KEY --max-age 10m` and GitHub's rule ask for it. A poll goes the way of every poll, so a change that it confirms
pauses as always. What it leaves pending pauses nothing, but no fresh answer can be "allowed" beside it; nor beside what
could not be read.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.core import price
from monitor.core.baselines import CONFIG, Baselines
from monitor.core.changes import same
from monitor.core.configuration import Configuration, SourceSpec
from monitor.core.entry import Pin
from monitor.core.facts import LISTED, Fact
from monitor.core.ports import Clock, Reader, Store
from monitor.core.text import move_in_words, pin_in_words, polls_in_words
from monitor.detection.outcome import Outcome
from monitor.detection.poller import Poller
from monitor.detection.stored_baselines import current_baselines
from monitor.gate.decision import Answer
from monitor.registry.pins import facts as facts_of
from monitor.registry.pins import pins

PATIENCE = 60.0
"""Seconds that all polls of a question may take together."""

SIDE_BY_SIDE = 8
"""How many sources are polled for a question at a time."""

NAMED = 3
"""How many differences the reason of an answer names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recency:
    """What was polled for an answer.

    Attributes:
        polled: the sources that were polled, since their last good poll was older than was asked for.
        pending: the differences from what is pinned that are not confirmed yet, in words.
        unread: the sources that could not be read, each with the reason.
        unasked: the sources that cost money and are older than was asked for, which nobody allowed to be polled.
    """

    polled: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """Why a fresh answer is no; empty where nothing stands against it."""
        if self.pending:
            return f"pending: {_brief(self.pending)}"
        return f"not verified: {_brief(self.unread)}" if self.unread else ""

    def applied(self, answer: Answer, now: datetime) -> Answer:
        """Return the answer, denied where what was polled stands against it; such a denial holds for no time."""
        if not self.reason or not answer.allowed:
            return answer
        return replace(answer, allowed=False, reason=self.reason, expires_at=now.replace(microsecond=0))


class PollFirst:
    """Polls, through the poller, what entries rest on. `patience` are seconds for all polls of one question."""

    def __init__(
        self, store: Store, configuration: Configuration, poller: Poller, clock: Clock, *, patience: float = PATIENCE
    ) -> None:
        self._store = store
        self._configuration = configuration
        self._poller = poller
        self._clock = clock
        self._patience = patience

    def __call__(self, key: str, max_age: timedelta, *, paid: bool = False) -> Recency:
        """Poll the sources behind the pins of an entry whose last good poll is older than `max_age`.

        Those that cost money are polled only if `paid`, and with what is left of the budget.

        Raises:
            MonitorError: the store cannot be read or written.
        """
        limit = self._clock() - max_age
        old = self._older(key, limit)
        chosen = [source for source in old if paid or not self._configuration.sources[source].paid]
        failures = self._poll(chosen)
        pending, unclear = self._open(key)
        unread = [
            f"{source} ({failures.get(source) or 'what it says is held for review'})"
            for source in self._older(key, limit)
            if source in chosen
        ]
        return Recency(
            polled=tuple(chosen),
            pending=tuple(pending),
            unread=tuple(unread + unclear),
            unasked=tuple(source for source in old if source not in chosen),
        )

    def _poll(self, keys: Sequence[str]) -> dict[str, str]:
        """Poll side by side, each within what is left of the time; return why each failure is one.

        What an outcome asks for is not polled as well: that might cost money.
        """
        if not keys:
            return {}
        end, waiting = time.monotonic() + self._patience, deque(keys)
        futures: dict[str, Future[list[Outcome]]] = {key: Future() for key in keys}

        def work() -> None:
            while waiting and time.monotonic() < end:
                with suppress(IndexError):
                    key = waiting.popleft()
                    try:
                        futures[key].set_result(self._poller.poll_once([key], prompted=False))
                    except BaseException as error:
                        futures[key].set_exception(error)

        # Daemon threads: the interpreter waits at its end for all others, also for one whose provider hangs.
        for _ in range(min(len(keys), SIDE_BY_SIDE)):
            threading.Thread(target=work, name="poll first", daemon=True).start()
        wait(futures.values(), max(0.0, end - time.monotonic()))
        self._poller.flush()
        overdue = f"no answer within {self._patience:g} s"
        return {key: _failure(future.result()) if future.done() else overdue for key, future in futures.items()}

    def _older(self, key: str, limit: datetime) -> list[str]:
        """List the sources that an entry rests on and whose last good poll began before `limit`."""
        with self._store.read() as reader:
            states = reader.sources()
            rests_on = dict.fromkeys(spec.key for _, _, spec in self._rests_on(reader, key))
        return [
            source
            for source in rests_on
            if (state := states.get(source)) is None or state.good_at is None or state.good_at < limit
        ]

    def _open(self, key: str) -> tuple[list[str], list[str]]:
        """Say in words what is pending of the facts that an entry rests on, and what its source no longer states
        clearly.
        """
        pending: dict[str, None] = {}
        unclear: dict[str, None] = {}
        with self._store.read() as reader:
            changes = {(change.source, change.fact): change for change in reader.pending_changes()}
            for pin, fact, spec in self._rests_on(reader, key):
                change = changes.get((spec.key, fact))
                if change is None or (change.seen and same(fact.field, change.value, pin.value)):
                    continue
                about = pin_in_words(replace(pin, field=fact.field, name=fact.subject.name))
                if not change.seen:
                    unclear[f"{spec.key} (it states {about} no longer clearly)"] = None
                    continue
                move = move_in_words(fact.field, pin.value, change.value)
                pending[f"{about}: {move} at {spec.key} ({polls_in_words(change.seen)})"] = None
        return list(pending), list(unclear)

    def _rests_on(self, reader: Reader, key: str) -> Iterator[tuple[Pin, Fact, SourceSpec]]:
        """Yield each fact that an entry rests on with the sources that state it; of an entry without pins what it would
        pin.
        """
        entry = reader.entries().get(key)
        if entry is None:
            return
        baselines = current_baselines(reader, self._configuration.sources)
        for pin in entry.pins or pins(entry, baselines)[0]:
            for fact in facts_of(pin, entry) if pin.scope != CONFIG else ():
                for spec in _stating(fact, baselines):
                    yield pin, fact, spec


def _failure(outcomes: Iterable[Outcome]) -> str:
    return next((outcome.detail for outcome in outcomes if outcome.verdict == "failed"), "")


def _stating(fact: Fact, baselines: Baselines) -> Iterable[SourceSpec]:
    if fact.field == LISTED:
        return baselines.lists(fact.subject.scope)
    if fact.field.startswith(price.PREFIX):
        statements = baselines.price_statements(fact.subject, region=None)
        return list({spec.key: spec for spec, field, _ in statements if field == fact.field}.values())
    return [spec for spec, _ in baselines.statements(fact)]


def _brief(parts: tuple[str, ...]) -> str:
    more = f"; and {len(parts) - NAMED} more" if len(parts) > NAMED else ""
    return "; ".join(parts[:NAMED]) + more


def as_json(recency: Recency) -> Mapping[str, list[str]]:
    """Return what was polled for scripts."""
    return {name: list(getattr(recency, name)) for name in ("polled", "pending", "unread", "unasked")}
