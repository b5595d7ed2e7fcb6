"""Polling: poll sources outside any transaction, then record each poll in one.

A source whose bytes did not change and about which nothing is open costs no transaction: its freshness is written in
batches. Nothing in here sleeps or schedules; who calls, and when, is the daemon's business.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from datetime import datetime
from typing import Protocol

from monitor.core.configuration import Configuration, SourceSpec
from monitor.core.facts import FailureReason, Known, NotDue, Observation, PollFailure, Snapshot, SourceState, Unchanged
from monitor.core.names import no_such
from monitor.core.nodes import TakenOver
from monitor.core.ports import Clock, ConfigurationError, Reader, Refused, SeenAt, Source, Store
from monitor.detection.context import Reread
from monitor.detection.outcome import Outcome


class Record(Protocol):
    """Takes one observation into the log, in one transaction.

    `under_lock` is called under the writer's lock before anything is written; what it raises takes everything back.
    """

    def __call__(
        self, spec: SourceSpec, observation: Observation, *, reread: Reread, under_lock: Callable[[], None]
    ) -> Outcome: ...


class Poller:
    """Polls sources and records what they showed.

    `source` gives the source of a key, built when first asked for. `executor` runs polls side by side; without one they
    run in turn.
    """

    def __init__(
        self,
        store: Store,
        configuration: Configuration,
        source: Callable[[str], Source],
        clock: Clock,
        *,
        record: Record,
        executor: Executor | None = None,
    ) -> None:
        self._store = store
        self._configuration = configuration
        self._source = source
        self._clock = clock
        self._record = record
        self._executor = executor
        self._polls: list[SeenAt] = []
        self._polls_lock = threading.Lock()
        self._retired = threading.Event()

    def retire(self) -> None:
        """Record nothing from now on: another configuration holds, and what is still being read belongs to this one."""
        self._retired.set()

    def poll(self, keys: Sequence[str] = ()) -> list[Outcome]:
        """Poll the named sources, or all, and at those that an outcome asks for; freshness is written before it
        returns.

        Those that cost money come last, so that what the others state about prices is known by then.

        The key of a table that makes several sources names all of them.

        Raises:
            Refused: a key names no source.
        """
        specs = self._configuration.sources
        named = {key: [source for source in specs if source == key or source.startswith(f"{key}/")] for key in keys}
        for key, sources in named.items():
            if not sources:
                raise Refused(no_such("source", key, specs, f"configured are: {', '.join(sorted(specs)) or 'none'}"))
        keys = list(dict.fromkeys(source for matches in named.values() for source in matches)) or list(specs)
        free = [key for key in keys if not specs[key].paid]
        outcomes = self.poll_once(free)
        polled = {outcome.source for outcome in outcomes}
        outcomes += self.poll_once([key for key in keys if key not in polled])
        self.flush()
        order = {key: place for place, key in enumerate(keys)}
        return sorted(outcomes, key=lambda one: order.get(one.source, len(order)))

    def poll_once(self, keys: Sequence[str], *, prompted: bool = True) -> list[Outcome]:
        """Poll as `poll` does, but what leaves no trace in the log is kept until `flush`: a daemon writes it once a
        second.

        Without `prompted`, what an outcome asks for is left to its own schedule.
        """
        outcomes = self._run(keys)
        if not prompted:
            return outcomes
        reread = sorted({key for outcome in outcomes for key in outcome.ask} - set(keys))
        return outcomes + self._run(reread)

    def _run(self, keys: Sequence[str]) -> list[Outcome]:
        if not keys:
            return []
        with self._store.read() as reader:
            states = reader.sources() if len(keys) > 1 else {keys[0]: reader.source(keys[0])}
        if self._executor is None or len(keys) == 1:
            return [self._one(key, states.get(key)) for key in keys]
        return list(self._executor.map(lambda key: self._one(key, states.get(key)), keys))

    def _one(self, key: str, state: SourceState | None) -> Outcome:
        observation = self._observe(key, state)
        if isinstance(observation, NotDue):
            return Outcome(source=key, verdict="not due", due=observation.until)
        if isinstance(observation, Unchanged) and state is not None and _quiet(state, observation.at):
            with self._polls_lock:
                self._polls.append(
                    SeenAt(
                        source=key,
                        at=observation.at,
                        etag=observation.etag,
                        last_modified=observation.last_modified,
                    )
                )
            return Outcome(source=key, verdict="unchanged")
        return self.record(key, observation)

    def _observe(self, key: str, state: SourceState | None) -> Observation | NotDue:
        now = self._clock()
        previous = None
        # The first poll of a day dates the checks, and is read whole: the evidence beside a check is that of the poll
        # that dates it.
        if state is not None and state.body_sha256 and not state.attention and _dated(state, now):
            previous = Known(
                sha256=state.body_sha256,
                etag=state.etag,
                last_modified=state.last_modified,
                valid_until=state.valid_until,
            )
        try:
            source = self._source(key)
        except ConfigurationError as error:
            return PollFailure(source=key, at=now, reason=FailureReason.MISCONFIGURED, detail=str(error))
        try:
            if state is not None and state.extractor != source.extractor:
                previous = None  # the same bytes may mean something else to another version
            return source.observe(now, previous)
        except ConfigurationError as error:
            return PollFailure(source=key, at=now, reason=FailureReason.NO_CREDENTIAL, detail=str(error))
        except TakenOver:
            return NotDue(source=key, until=None)
        except Exception as error:  # a source of someone else's making must not stop the others
            detail = f"the source raised {type(error).__name__}"
            return PollFailure(source=key, at=now, reason=FailureReason.INVALID_SHAPE, detail=detail)

    def record(self, key: str, observation: Observation) -> Outcome:
        """Take one observation into the log, in one transaction.

        Raises:
            Refused: the poller is retired.
        """

        def unless_retired() -> None:
            # Asked under the writer's lock: who loads the next configuration records it under the same lock.
            if self._retired.is_set():
                raise Refused(f"the configuration was loaded anew during this poll of {key}, so it is not recorded")

        return self._record(
            self._configuration.sources[key],
            observation,
            reread=lambda reader, state: self._reread(key, reader, state),
            under_lock=unless_retired,
        )

    def _reread(self, key: str, reader: Reader, state: SourceState) -> Snapshot | None:
        body = reader.evidence(state.evidence) if state.evidence else None
        if body is None or state.good_at is None:
            return None
        again = self._source(key).extract(body, state.good_at)
        return again if isinstance(again, Snapshot) else None

    def flush(self) -> None:
        """Write the freshness of all polls that changed nothing, in one batch."""
        with self._polls_lock:
            polls, self._polls = self._polls, []
        if not polls:
            return
        try:
            self._store.touch(polls)
        except BaseException:
            with self._polls_lock:
                self._polls[:0] = polls  # they were good polls, and are written with the next ones
            raise


def _quiet(state: SourceState, at: datetime) -> bool:
    """Return whether an unchanged poll has nothing to say: nothing is open, and today was written down already."""
    return (
        not state.attention
        and not state.outage
        and not state.anomaly
        and state.stale_position is None
        and state.good_at is not None
        and state.good_at <= at  # else the clock was set back, and only a whole poll dates it back, too
        and _dated(state, at)
    )


def _dated(state: SourceState, at: datetime) -> bool:
    """Return whether a poll of this day was written down already."""
    return state.heartbeat_at is not None and state.heartbeat_at.date() == at.date()
