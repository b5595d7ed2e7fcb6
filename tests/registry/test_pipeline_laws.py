"""What holds after any sequence of polls, failures, acts and configurations, on a real store."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipeline_world import (
    INPUT,
    LUNA,
    OUTPUT,
    START,
    VIA,
    World,
    configuration,
    entry_spec,
    furnish,
    listing,
    model,
    world_of,
)

from monitor.audit.rebuild import rebuild
from monitor.core.entry import Status
from monitor.core.facts import FailureReason, Observation, Subject, Unchanged
from monitor.core.ports import Refused, Unavailable

MINUTE = timedelta(minutes=1)
SOURCES = ("list", "page", "feed")
ENTRIES = ("luna", "sol")

Step = Callable[[World], object]


def _configuration() -> dict[str, object]:
    return {"entries": {"luna": entry_spec(), "sol": entry_spec("sol", "m00", checks=("evals",), pause_on="worse")}}


def _fail(key: str, reason: FailureReason | None) -> Step:
    return lambda world: setattr(world.sources[key], "fail", reason)


def _price(subject: Subject, meter: str, amount: str | None) -> Step:
    def step(world: World) -> None:
        for key in ("page", "feed"):
            world.sources[key].set(subject, **{meter: amount})

    return step


def _listed(numbers: frozenset[int], with_luna: bool) -> Step:
    def step(world: World) -> None:
        facts = {model(number): {"listed": True} for number in numbers}
        world.sources["list"].facts = {**facts, **({LUNA: {"listed": True}} if with_luna else {})}

    return step


def _act(name: str, key: str) -> Step:
    def step(world: World) -> None:
        act = getattr(world.operator, name)
        try:
            act(key, by="ann", reason="because", via=VIA)
        except Refused:
            world.poll()

    return step


def _release(world: World) -> None:
    held = [
        pending_change.quarantine for pending_change in world.pending_changes() if pending_change.quarantine is not None
    ]
    if held:
        world.operator.release(held[0], by="ann", reason="true", via=VIA)


def _amend(version: str, base_url: str, with_sol: bool) -> Step:
    def step(world: World) -> None:
        conf = configuration(**_configuration(), version=version)
        surfaces = {"openai": replace(conf.surfaces["openai"], base_url=base_url)}
        entries = {key: spec for key, spec in conf.entries.items() if with_sol or key != "sol"}
        world.configure(replace(conf, surfaces=surfaces, entries=entries))

    return step


def _wait(minutes: int, keys: tuple[str, ...]) -> Step:
    return lambda world: world.poll(*keys, after=minutes * MINUTE)


def _upgrade(version: int) -> Step:
    def step(world: World) -> None:
        for source in world.sources.values():
            source.extractor = f"fake/{version}"

    return step


_waits = st.builds(
    _wait, st.sampled_from([1, 2, 11, 40, 700, 1500]), st.sampled_from([(), ("list",), ("page",), ("feed",)])
)
_steps: st.SearchStrategy[Step] = st.one_of(
    _waits,
    _waits,
    st.builds(_fail, st.sampled_from(SOURCES), st.sampled_from([None, None, *FailureReason])),
    st.builds(
        _price,
        st.sampled_from([LUNA, model(0)]),
        st.sampled_from(["input", "cached_input", "output"]),
        st.sampled_from(["1", "2", "7", "0", "0.01", "1000", None]),
    ),
    st.builds(_listed, st.frozensets(st.integers(0, 12)), st.booleans()),
    st.builds(_act, st.sampled_from(["activate", "resume", "pause"]), st.sampled_from(ENTRIES)),
    st.just(_release),
    st.just(lambda world: world.attest("evals", "sol")),
    st.just(lambda world: world.attest("pricing")),
    st.builds(_amend, st.sampled_from("23"), st.sampled_from(["https://api.example/v1", "https://b"]), st.booleans()),
    st.builds(_upgrade, st.integers(1, 3)),
    st.just(lambda world: world.tender.tend(world.now)),
)


def _consistent(world: World) -> None:
    """Check the laws that hold between any two commits."""
    events, entries = world.events(), world.entries()
    assert world.replayed() == entries
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    for key, state in world.states().items():
        named = [event.data["baseline"] for event in events if event.source == key and "baseline" in event.data]
        assert state.baseline == (named[-1] if named else "")
    for event in events:
        assert event.cause is None or event.cause < event.position
        assert event.occurred_at <= world.now
    paused: set[str] = set()
    for event in events:
        if event.type == "entry.paused":
            assert event.subject not in paused, "paused twice without a resume between"
            paused.add(event.subject)
        elif event.type in ("entry.resumed", "entry.withdrawn"):
            paused.discard(event.subject)
    for entry in entries.values():
        if entry.status is Status.ACTIVE:
            assert entry.by == "ann"


@given(st.lists(_steps, min_size=5, max_size=25))
def test_the_registry_and_the_baselines_are_what_the_log_says_after_any_sequence(steps: list[Step]) -> None:
    with world_of(configuration(**_configuration())) as world:
        furnish(world)
        for step in steps:
            step(world)
        _consistent(world)
        assert rebuild(world.store).differed == ()


_blind = st.one_of(
    st.tuples(st.sampled_from(SOURCES), st.sampled_from(FailureReason)),
    st.tuples(st.just("list"), st.sampled_from(["empty", "truncated"])),
    st.tuples(st.sampled_from(SOURCES), st.just("late")),
)


@given(st.lists(_blind, min_size=1, max_size=25), st.booleans())
def test_no_sequence_of_failures_held_and_late_polls_moves_a_baseline_or_reads_as_gone(
    sequence: list[tuple[str, FailureReason | str]], activated: bool
) -> None:
    """As long as it is shorter than the hold, whatever it is made of."""
    with world_of() as world:
        furnish(world)
        if activated:
            world.activate()
        full = {key: source.facts for key, source in world.sources.items()}
        confirmed, at, entry = world.baselines(), world.head, world.entry()
        for key, what in sequence:
            source = world.sources[key]
            source.facts, source.fail = full[key], None
            if isinstance(what, FailureReason):
                source.fail = what
            elif what == "late":
                source.facts = {**full[key], Subject("openai", "late"): {"listed": True, INPUT: "5"}}
                snapshot = source.observe(START + MINUTE, None)
                assert world.poller.record(key, snapshot).verdict == "late"
                continue
            else:
                source.facts = {} if what == "empty" else listing(5)
            world.poll(key, after=50 * MINUTE)
        assert world.baselines() == confirmed
        kinds = {kind for kind in world.types(after=at) if not kind.startswith("check.verified")}
        assert kinds <= {"source.failed", "source.recovered", "source.anomaly"}
        assert replace(world.entry(), checks=entry.checks) == entry


# -- two pollers over one store ----------------------------------------------

_moves = st.lists(
    st.tuples(
        st.sampled_from(["observe", "observe", "record"]),
        st.sampled_from(["one", "two"]),
        st.integers(0, 200),
        st.booleans(),
    ),
    max_size=40,
)


@given(_moves)
def test_any_interleaving_of_two_pollers_records_each_change_once(moves: list[tuple[str, str, int, bool]]) -> None:
    """Each polls and records when it will, with what it saw at that time; the price moves once,
    somewhere on the way.
    """
    with world_of() as world:
        furnish(world)
        world.activate()
        page = world.sources["page"]
        pollers = {"one": world.poller, "two": world.another_poller()}
        seen: dict[str, list[Observation]] = {"one": [], "two": []}
        for what, who, seconds, moves_now in moves:
            world.now += timedelta(seconds=seconds)
            if moves_now:
                page.set(LUNA, output="7")
            if what == "observe":
                seen[who].append(page.observe(world.now, None))
            elif seen[who]:
                pollers[who].record("page", seen[who].pop())
        for who, waiting in seen.items():
            for observation in waiting:
                pollers[who].record("page", observation)
        page.set(LUNA, output="7")
        for who in ("one", "two", "one"):
            world.now += 2 * MINUTE
            pollers[who].poll(["page"])
        assert [event.data["new"] for event in world.events("price.changed")] == ["7"]
        assert world.types().count("entry.paused") == 1
        assert len([notice for notice in world.notices() if notice.items[0].reason == "paused"]) == 1
        _consistent(world)


def test_two_pollers_with_threads_of_their_own_record_each_change_once() -> None:
    with world_of() as world:
        furnish(world)
        world.activate()
        world.sources["list"].drop(model(1))
        world.sources["list"].set(Subject("openai", "new"), listed=True)
        world.sources["page"].set(LUNA, output="7")
        at = world.head
        gate = threading.Barrier(4)
        failures: list[BaseException] = []

        def work(step: int) -> None:
            poller = world.another_poller()
            try:
                for _ in range(3):
                    gate.wait(timeout=20)
                    if step == 0:
                        world.now += 20 * MINUTE
                    gate.wait(timeout=20)
                    poller.poll()
            except (Unavailable, AssertionError, threading.BrokenBarrierError, LookupError) as error:
                failures.append(error)
                gate.abort()

        threads = [threading.Thread(target=work, args=(step,)) for step in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert not failures
        kinds = [kind for kind in world.types(after=at) if kind.startswith(("model.", "price.", "entry."))]
        assert sorted(kinds) == ["entry.paused", "model.listed", "model.unlisted", "price.changed"]
        _consistent(world)


@pytest.mark.parametrize("key", SOURCES)
def test_one_observation_that_is_recorded_twice_is_recorded_once(key: str) -> None:
    with world_of() as world:
        furnish(world)
        world.now += 2 * MINUTE
        world.sources[key].set(Subject("openai", "new"), listed=True, input="2", output="3")
        seen = world.sources[key].observe(world.now, None)
        assert world.poller.record(key, seen).verdict == "suspect"
        rows = world.all_rows()
        assert world.another_poller().record(key, seen).verdict == "late"
        assert world.all_rows() == rows


@given(st.lists(st.sampled_from(["6", "7", "8"]), min_size=1, max_size=12), st.integers(1, 3))
def test_polls_that_only_repeat_what_was_seen_within_the_gap_change_no_outcome(shown: list[str], times: int) -> None:
    """Polling as fast as one can is neither a way to confirm sooner nor a way to confirm something else."""

    def story(repeat: int) -> list[tuple[str, object, object]]:
        with world_of() as world:
            furnish(world)
            world.activate()
            for amount in shown:
                world.sources["page"].set(LUNA, output=amount)
                world.poll("page", after=5 * MINUTE)
                for _ in range(repeat):
                    world.poll("page", after=timedelta(seconds=10))
                world.now -= repeat * timedelta(seconds=10)
            return [
                (event.type, event.data.get("old"), event.data.get("new"))
                for event in world.events()
                if event.type.startswith(("price.", "entry."))
            ]

    assert story(times) == story(0)


def test_an_unchanged_answer_to_a_source_that_was_never_read_is_dropped() -> None:
    with world_of() as world:
        assert world.poller.record("page", Unchanged(source="page", at=world.now)).verdict == "late"
        with world.store.read() as reader:
            assert reader.source("page") is None
            assert OUTPUT not in reader.facts("")
