"""How the story goes on: by being looked at, by a person's act, or at a driver's word."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_clients import Clients

from monitor.sandbox import (
    Fault,
    FaultKind,
    Sandbox,
    Target,
    Timeline,
    TimelineModel,
    TimelinePrice,
    TimelineState,
    TimelineStep,
)
from monitor.sandbox.gpt_5_6 import ACTIVATE, RESUME, STEPS

ONE = TimelineStep(date=date(2026, 1, 1), title="one", polls=2, lists=(TimelineModel(id="a", created=1),))
TWO = TimelineStep(date=date(2026, 1, 2), title="two", polls=1, lists=(TimelineModel(id="b", created=2),))
HELD = replace(ONE, waits_for="activate")


@given(st.lists(st.sampled_from([Target.LIST, Target.PAGE]), max_size=30))
def test_a_step_ends_exactly_when_list_and_page_were_both_looked_at_often_enough(polls: list[Target]) -> None:
    timeline = Timeline((ONE, TWO))
    seen = {Target.LIST: 0, Target.PAGE: 0}
    expected = 0
    for poll in polls:
        assert timeline.request(poll).index == expected, "the poll that ends a step still sees it"
        seen[poll] += 1
        if min(seen.values()) >= timeline.steps[expected].polls and expected == 0:
            expected, seen = 1, {Target.LIST: 0, Target.PAGE: 0}
        assert timeline.index == expected
    assert timeline.ended == (expected == 1 and min(seen.values()) >= TWO.polls)


def test_other_doors_do_not_move_the_story() -> None:
    timeline = Timeline((TWO, ONE))
    for target in set(Target) - {Target.LIST, Target.PAGE}:
        for _ in range(5):
            timeline.request(target)
    assert timeline.index == 0
    assert timeline.requests[Target.CHAT] == 5


def test_after_the_end_the_last_state_stays() -> None:
    timeline = Timeline((TWO,))
    assert not timeline.ended
    timeline.request(Target.LIST)
    timeline.request(Target.PAGE)
    assert timeline.ended
    assert timeline.request(Target.LIST).state.model("b") is not None
    assert timeline.advance() == TWO


def test_a_held_step_waits_for_its_act_however_often_it_is_looked_at() -> None:
    timeline = Timeline((HELD, TWO), hold=True)
    for _ in range(10):
        timeline.request(Target.LIST)
        timeline.request(Target.PAGE)
    assert (timeline.index, timeline.awaits) == (0, "activate")
    with pytest.raises(ValueError, match="does not wait for 'resume'"):
        timeline.release("resume")
    timeline.release("activate")
    assert (timeline.index, timeline.awaits) == (1, "")
    with pytest.raises(ValueError, match="does not wait"):
        timeline.release("activate")


def test_an_act_before_enough_polls_lets_the_polls_end_the_step() -> None:
    timeline = Timeline((HELD, TWO), hold=True)
    timeline.release("activate")
    assert timeline.index == 0
    for _ in range(2):
        timeline.request(Target.LIST)
        timeline.request(Target.PAGE)
    assert timeline.index == 1


def test_without_hold_no_step_waits_for_anybody() -> None:
    timeline = Timeline((HELD, TWO))
    assert timeline.awaits == ""
    for _ in range(2):
        timeline.request(Target.LIST)
        timeline.request(Target.PAGE)
    assert timeline.index == 1


def test_advancing_ends_a_step_whatever_it_waits_for_and_the_counts_begin_anew() -> None:
    timeline = Timeline((HELD, HELD, TWO), hold=True)
    timeline.request(Target.LIST)
    assert timeline.advance() == HELD
    assert (timeline.index, timeline.polls[Target.LIST], timeline.awaits) == (1, 0, "activate")


def test_the_faults_of_a_step_end_with_it_and_those_scripted_from_outside_stay() -> None:
    broken = replace(ONE, faults=(Fault(target=Target.LIST, kind=FaultKind.STATUS, status=500),))
    timeline = Timeline((broken, TWO))
    assert timeline.request(Target.LIST).fault is not None
    timeline.put_fault(Fault(target=Target.PAGE, kind=FaultKind.HTML))
    timeline.advance()
    assert timeline.request(Target.LIST).fault is None
    assert timeline.request(Target.PAGE).fault is not None


def test_a_fault_with_a_count_is_met_that_often_and_a_scripted_one_before_the_steps_own() -> None:
    timeline = Timeline((replace(ONE, polls=9, faults=(Fault(target=Target.LIST, kind=FaultKind.HTML),)),))
    timeline.put_fault(Fault(target=Target.LIST, kind=FaultKind.NULL_DATA, times=2))
    met = [fault.kind for _ in range(4) if (fault := timeline.request(Target.LIST).fault) is not None]
    assert met == [FaultKind.NULL_DATA, FaultKind.NULL_DATA, FaultKind.HTML, FaultKind.HTML]
    timeline.clear_faults(Target.PAGE)
    assert len(timeline.faults) == 1
    timeline.clear_faults()
    assert timeline.faults == ()


def test_a_step_adds_replaces_and_takes_away() -> None:
    old, new = TimelinePrice(input=Decimal(1), output=None), TimelinePrice(input=Decimal(2), output=None)
    first = replace(ONE, prices={"a": old, "z": old}, notes=("n",)).follow(TimelineState())
    second = replace(
        TWO,
        lists=(TimelineModel(id="a", created=9), TimelineModel(id="b", created=2)),
        prices={"b": new, "a": new},
        unprices=("z",),
    ).follow(first)
    assert second.models == (TimelineModel(id="a", created=9), TimelineModel(id="b", created=2))
    assert dict(second.prices) == {"b": new, "a": new}
    assert second.notes == ("n",)
    third = replace(TWO, lists=(), unlists=("a",), notes=()).follow(second)
    assert [model.id for model in third.models] == ["b"]
    assert third.notes == ()


def test_waiting_for_a_step_returns_when_it_begins_and_says_so_when_it_does_not() -> None:
    with Sandbox() as sandbox:
        assert not sandbox.wait_for(lambda: sandbox.timeline.index > 0, 0.01)
        sandbox.advance()
        assert sandbox.wait_for(lambda: sandbox.timeline.index > 0, 0.01)


def test_a_timeline_needs_a_step_and_a_step_a_poll() -> None:
    with pytest.raises(ValueError, match="at least one step"):
        Timeline(())
    with pytest.raises(ValueError, match="at least one"):
        replace(ONE, polls=0)


def test_being_watched_is_enough_to_live_through_the_whole_of_gpt_5_6(clients: Clients) -> None:
    seen = []
    for _ in range(sum(step.polls for step in STEPS)):
        seen.append(clients.sandbox.timeline.index)
        clients.poll()
    assert list(dict.fromkeys(seen)) == list(range(len(STEPS)))
    assert clients.sandbox.ended


def test_in_hold_mode_gpt_5_6_waits_for_the_activation_and_for_the_resumption() -> None:
    timeline = Timeline(STEPS, hold=True)
    awaited = []
    for _ in range(100):
        timeline.request(Target.LIST)
        timeline.request(Target.PAGE)
        if timeline.awaits and timeline.polls[Target.LIST] > 20:
            awaited.append((timeline.current.date, timeline.awaits))
            timeline.release(timeline.awaits)
    assert awaited == [(date(2026, 7, 9), ACTIVATE), (date(2026, 7, 30), RESUME), (date(2026, 8, 21), RESUME)]
    assert timeline.ended
