"""A field that differs at every poll, or alternates: it is said once, and costs no poll more than one that stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from pipeline_world import LUNA, World, configuration, entry_spec, furnish, world_of
from sizes import sizes

from monitor.core.facts import Value
from monitor.sources.catalog import source_spec

PROBE = f"probes/{LUNA.name}/chat"
FINGERPRINT = "behaviour.chat.fingerprint"

Values = Callable[[int], Value | None]

VOLATILE: dict[str, Values] = {
    "new at every poll": lambda n: f"fp_{n}",
    "one of two": lambda n: f"fp_{n % 2}",
    "two of each": lambda n: f"fp_{n // 2 % 2}",
    "one of five": lambda n: f"fp_{n * 7 % 5}",
    "now and then another": lambda n: "fp_0" if n % 9 else f"fp_{n}",
}


def polled(world: World, every: timedelta, field: str, values: Values, polls: int) -> int:
    """Poll as a daemon does, at its interval and when a pending change asks for it; return how many calls were made
    beyond those of the schedule.
    """
    source, calls = world.sources[PROBE], 0
    for _ in range(polls):
        due = world.now + every
        while True:
            source.set(LUNA, **{field: values(calls)})
            outcome = world.poller.poll([PROBE])[0]
            calls += 1
            if outcome.again is None or outcome.again >= due:
                break
            world.now = outcome.again
        world.now = due
    return calls - polls


CONFIRMED = {
    "two of each": [[*["behaviour.changed"] * 3, "source.anomaly"]],
    "now and then another": [[]],
}
"""What is said of values that stand for two polls, and so are changes, and of one that comes back at once; of all
others that they alternate.
"""


@contextmanager
def alternating(every: timedelta, field: str, values: Values, polls: int) -> Iterator[tuple[int, list[str], int]]:
    """Play a field of a probe; provide the calls beyond the schedule, what was recorded and how many were told."""
    base = configuration(entries={"luna": entry_spec(checks=("served_model",))})
    spec = source_spec(
        key=PROBE, kind="behaviour", every=every, surface="openai", options={"model": LUNA.name, "route": "chat"}
    )
    with world_of(replace(base, sources={**base.sources, PROBE: spec})) as world:
        stands: dict[str, Value] = {"access.chat": "granted", "behaviour.chat.model": LUNA.name}
        world.sources[PROBE].facts = {LUNA: {**stands, field: values(1)}}
        furnish(world)
        world.activate()
        before, notices = world.head, len(world.notices())
        more = polled(world, every, field, values, polls)
        said = [event.type for event in world.events(after=before) if not event.type.startswith("check.")]
        assert world.entry().status == "active"
        yield more, said, len(world.notices()) - notices


@pytest.mark.parametrize("polls", sizes(60, 200))
@pytest.mark.parametrize("every", [timedelta(minutes=5), timedelta(hours=6), timedelta(days=2)], ids=str)
@pytest.mark.parametrize("name", VOLATILE)
def test_a_fingerprint_that_does_not_stand_costs_no_call_and_is_said_once(
    name: str, every: timedelta, polls: int
) -> None:
    with alternating(every, FINGERPRINT, VOLATILE[name], polls) as (more, said, told):
        assert more == 0
        assert said in CONFIRMED.get(name, [["source.anomaly"]])
        assert told == len(said)


@pytest.mark.parametrize("polls", sizes(60, 200))
@pytest.mark.parametrize("every", [timedelta(minutes=5), timedelta(hours=6), timedelta(days=2)], ids=str)
@pytest.mark.parametrize("values", [lambda n: f"tier {n}", lambda n: f"tier {n % 2}"], ids=["new", "one of two"])
def test_any_other_field_that_informs_ends_the_quick_polling_and_is_said_once(
    every: timedelta, values: Values, polls: int
) -> None:
    with alternating(every, "behaviour.chat.service_tier", values, polls) as (more, said, told):
        assert more <= 3, "until it is known to alternate"
        assert said == ["source.anomaly"]
        assert told == 1


@pytest.mark.parametrize("polls", sizes(60, 200))
def test_what_an_entry_rests_on_is_said_once_a_day(polls: int) -> None:
    every = timedelta(hours=6)
    with alternating(every, "access.chat", lambda n: ("access_lost", "granted")[n % 2], polls) as (more, said, told):
        assert more <= 3
        assert set(said) == {"source.anomaly"}
        assert 1 < told == len(said) <= polls * every // timedelta(days=1)
