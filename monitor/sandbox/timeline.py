"""The story that the sandbox lives through: what the provider lists and charges, step by step.

Time passes by being polled: a step ends when the models list and the pricing page have both been polled often
enough, so a slow machine sees the same story as a fast one and no date of the story is ever compared with a clock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from monitor.sandbox.faults import Fault, FaultBox, Target

STANDARD = "standard"
BATCH = "batch"
FLEX = "flex"
FAST = "fast"
ALL_TIERS = (STANDARD, BATCH, FLEX, FAST)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineModel:
    """A row of the models list. `created` is in Unix seconds, `shutdown_date` is `YYYY-MM-DD` where one is announced.

    `generates` tells models that answer from those that only embed; `reasons` those that refuse sampling parameters.
    One that is not `listed` cannot be retrieved either. `refused` is how calls are answered where they are, as status
    and code of the table in `errors`: listed is not callable.
    """

    id: str
    created: int
    owned_by: str = "system"
    shutdown_date: str | None = None
    generates: bool = True
    reasons: bool = True
    listed: bool = True
    refused: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelinePrice:
    """The standard, short-context price of a model in USD per 1M tokens; None where the page states none.

    The other `tiers` and, with `long_context`, the long band are multiples of it.
    """

    input: Decimal
    output: Decimal | None
    cached_input: Decimal | None = None
    cache_write: Decimal | None = None
    long_context: bool = False
    tiers: tuple[str, ...] = ALL_TIERS


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineCache:
    """How the prompt cache behaves: whether a write is `counted` in the usage, which `share` of a prefix a read takes
    from it, and after how many reads a prefix is gone (None: never). A sandbox compares nothing with a clock: a prefix
    that ends early ends by its reads.

    Raises:
        ValueError: a share beyond 0 to 1, or a negative number of reads.
    """

    counted: bool = True
    share: Decimal = Decimal(1)
    reads: int | None = None

    def __post_init__(self) -> None:
        if not self.share.is_finite() or not 0 <= self.share <= 1:
            raise ValueError(f"share is from 0 to 1, not {self.share}")
        if self.reads is not None and self.reads < 0:
            raise ValueError(f"reads cannot be negative ({self.reads})")


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineState:
    """What the provider lists and states at one moment; `notes` are the remarks below the page's standard table,
    `regional` is whether the regional host serves the project, and `cache` how prompts are cached.
    """

    models: tuple[TimelineModel, ...] = ()
    prices: Mapping[str, TimelinePrice] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    regional: bool = True
    cache: TimelineCache = TimelineCache()

    @property
    def listed(self) -> tuple[TimelineModel, ...]:
        """The models that stand in the list."""
        return tuple(model for model in self.models if model.listed)

    def model(self, id: str) -> TimelineModel | None:
        """Return the model of this exact id."""
        return next((model for model in self.models if model.id == id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineStep:
    """One day of the story.

    `date` labels it and `title` says in one line, to a newcomer, what happens. It lasts until list and page were each
    polled `polls` times, and in hold mode until the act that it `waits_for` was released. `lists` adds models or
    replaces those of the same id, `unlists` takes them away; `prices` and `unprices` likewise; `notes`, `regional`
    and `cache`, where given, replace what was. `faults` stand until the step ends.
    """

    date: date
    title: str
    polls: int
    lists: tuple[TimelineModel, ...] = ()
    unlists: tuple[str, ...] = ()
    prices: Mapping[str, TimelinePrice] = field(default_factory=dict)
    unprices: tuple[str, ...] = ()
    notes: tuple[str, ...] | None = None
    regional: bool | None = None
    cache: TimelineCache | None = None
    faults: tuple[Fault, ...] = ()
    waits_for: str = ""

    def __post_init__(self) -> None:
        if self.polls < 1:
            raise ValueError(f"the step of {self.date} lasts {self.polls} polls; it needs at least one")

    def follow(self, state: TimelineState) -> TimelineState:
        """Return the state that this step makes of the one before."""
        models = {model.id: model for model in state.models if model.id not in self.unlists}
        models |= {model.id: model for model in self.lists}
        # New prices go on top, as the true page does; an amended one stays where it stands.
        new = {id: price for id, price in self.prices.items() if id not in state.prices}
        prices = {**new, **state.prices, **self.prices}
        return TimelineState(
            models=tuple(models.values()),
            prices={id: price for id, price in prices.items() if id not in self.unprices},
            notes=state.notes if self.notes is None else self.notes,
            regional=state.regional if self.regional is None else self.regional,
            cache=state.cache if self.cache is None else self.cache,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What one request meets: the step, the state, since when list and page are as they are, and a fault where one
    stands.
    """

    index: int
    step: TimelineStep
    state: TimelineState
    list_modified: datetime
    page_modified: datetime
    fault: Fault | None = None


class Timeline:
    """Plays steps. Safe for threads: what a request meets, its count and the step's end are one act under one lock.

    `hold` makes steps wait for their acts. `changed` is notified at every request and act.

    Raises:
        ValueError: there are no steps.
    """

    def __init__(
        self, steps: Sequence[TimelineStep], *, hold: bool = False, changed: threading.Condition | None = None
    ) -> None:
        if not steps:
            raise ValueError("a timeline needs at least one step")
        self.steps = tuple(steps)
        self._hold = hold
        self._changed = changed or threading.Condition()
        self._scenes = _scenes(self.steps)
        self._faults = FaultBox()
        self._requests = dict.fromkeys(Target, 0)
        self._released = False
        self._cache: TimelineCache | None = None
        self._begin(0)

    @property
    def current(self) -> TimelineStep:
        """The running step; after the end, the last one."""
        with self._changed:
            return self.steps[self._index]

    @property
    def index(self) -> int:
        """The place of the running step, counted from 0."""
        with self._changed:
            return self._index

    @property
    def state(self) -> TimelineState:
        """What the provider lists and states now."""
        with self._changed:
            return self._scenes[self._index].state

    @property
    def ended(self) -> bool:
        """Whether the last step has been polled and released."""
        with self._changed:
            return self._ended

    @property
    def awaits(self) -> str:
        """The act that the running step is held for; empty when it is held for none."""
        with self._changed:
            return "" if self._released else self.steps[self._index].waits_for

    @property
    def polls(self) -> Mapping[Target, int]:
        """How often list and page were polled since the running step began."""
        with self._changed:
            return dict(self._polls)

    @property
    def requests(self) -> Mapping[Target, int]:
        """How many requests each door has seen since the start."""
        with self._changed:
            return dict(self._requests)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults that stand now."""
        with self._changed:
            return self._faults.standing

    def request(self, target: Target) -> Scene:
        """Meet what stands at `target`: counts the poll, uses up a fault, and ends the step when it
        was polled enough.
        """
        with self._changed:
            scene = self._scenes[self._index]
            fault = self._faults.take(target)
            self._requests[target] += 1
            if target in self._polls:
                self._polls[target] += 1
                self._end_if_over()
            self._changed.notify_all()
            return Scene(
                index=scene.index,
                step=scene.step,
                state=scene.state if self._cache is None else replace(scene.state, cache=self._cache),
                list_modified=scene.list_modified,
                page_modified=scene.page_modified,
                fault=fault,
            )

    def advance(self) -> TimelineStep:
        """End the running step now, whatever it waits for, and return the next; at the last one, the story ends."""
        with self._changed:
            self._next()
            self._changed.notify_all()
            return self.steps[self._index]

    def release(self, act: str) -> None:
        """Say that the act was done which the running step is held for.

        Raises:
            ValueError: the running step does not wait for this act.
        """
        with self._changed:
            step = self.steps[self._index]
            if self._released or step.waits_for != act:
                raise ValueError(f"the step of {step.date} does not wait for {act!r}")
            self._released = True
            self._end_if_over()
            self._changed.notify_all()

    def put_cache(self, cache: TimelineCache) -> None:
        """Let the prompt cache behave so from now on, whatever the steps say."""
        with self._changed:
            self._cache = cache

    def put_fault(self, fault: Fault) -> None:
        """Let a fault stand, over those of the step."""
        with self._changed:
            self._faults.put(fault)

    def clear_faults(self, target: Target | None = None) -> None:
        """Take away the faults of a target, all of them without one."""
        with self._changed:
            self._faults.clear(target)

    def wait_for(self, predicate: Callable[[], bool], timeout: float) -> bool:
        """Wait until `predicate` holds, at most `timeout` seconds, and say whether it does."""
        with self._changed:
            return self._changed.wait_for(predicate, timeout)

    def _begin(self, index: int) -> None:
        self._index = index
        self._polls = {Target.LIST: 0, Target.PAGE: 0}
        self._released = not (self._hold and self.steps[index].waits_for)
        self._ended = False
        self._faults.begin_step(self.steps[index].faults)

    def _end_if_over(self) -> None:
        if self._released and min(self._polls.values()) >= self.steps[self._index].polls:
            self._next()

    def _next(self) -> None:
        if self._index + 1 < len(self.steps):
            self._begin(self._index + 1)
        else:
            self._released = True
            self._ended = True


def _scenes(steps: Sequence[TimelineStep]) -> tuple[Scene, ...]:
    scenes: list[Scene] = []
    for index, step in enumerate(steps):
        before = scenes[-1] if scenes else None
        state = step.follow(before.state if before else TimelineState())
        # Two steps may share a date; a second per step keeps their Last-Modified apart.
        now = datetime.combine(step.date, time(), UTC) + timedelta(seconds=index)
        same_list = before is not None and before.state.listed == state.listed
        same_page = before is not None and (before.state.prices, before.state.notes) == (state.prices, state.notes)
        scenes.append(
            Scene(
                index=index,
                step=step,
                state=state,
                list_modified=before.list_modified if before and same_list else now,
                page_modified=before.page_modified if before and same_page else now,
            )
        )
    return tuple(scenes)
