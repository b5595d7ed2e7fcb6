"""A clock that is set forward and back: nothing stays blind, nothing is confirmed on a bogus span, and nothing is
called fresh.
"""

from __future__ import annotations

from datetime import timedelta

from pipeline_world import LUNA, World

from monitor.core.entry import Status

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def _jumped(world: World, by: timedelta = 30 * DAY) -> None:
    """Look once while the clock is ahead, and set it back."""
    world.poll(after=by)
    world.now -= by


def test_a_source_is_looked_at_again_as_soon_as_the_clock_is_right(active: World) -> None:
    _jumped(active)
    outcomes = active.poll(after=MINUTE)
    assert {outcome.verdict for outcome in outcomes} == {"unchanged"}
    active.sources["list"].drop(LUNA)
    active.settle("list")
    assert active.entry().status is Status.PAUSED


def test_a_poll_from_the_future_keeps_nothing_fresh(active: World) -> None:
    _jumped(active)
    assert active.standing().access_until is None
    active.poll(after=MINUTE)
    assert active.standing().access_until == active.now + DAY


def test_an_unchanged_poll_dates_a_source_back(active: World) -> None:
    _jumped(active)
    active.poll(after=MINUTE)
    with active.store.read() as reader:
        states = reader.sources()
    assert {state.good_at for state in states.values()} == {active.now}


def test_a_suspect_that_was_counted_in_the_future_is_counted_anew(active: World) -> None:
    active.sources["list"].drop(LUNA)
    _jumped(active)
    active.polls(2, "list", every=20 * MINUTE)
    assert active.entry().status is Status.ACTIVE
    active.polls(2, "list", every=20 * MINUTE)
    assert active.entry().status is Status.PAUSED


def test_an_anomaly_from_the_future_is_held_from_now_on(active: World) -> None:
    for number in range(5):
        active.sources["list"].drop(LUNA._replace(name=f"m{number:02}"))
    _jumped(active)
    head = active.head
    active.polls(4, "list", every=7 * timedelta(hours=1))
    assert active.types(after=head) == []
    active.polls(2, "list", every=7 * timedelta(hours=1))
    assert active.types(after=head).count("model.unlisted") == 5
