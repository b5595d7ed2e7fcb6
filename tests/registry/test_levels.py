"""Judging on levels, and what exactly that has in common with judging on every edge.

Let an entry be judged after each of a sequence of baselines, or after some of them only, the last one included. Then
(1) whichever were skipped, each pin that deviates at the end is recorded with the value it has at the end;
(2) an entry that was judged more often is paused wherever one that was judged less often is;
(3) where no pin came back to its pinned value on the way, status and deviations are the same altogether;
(4) judging twice at the same baselines writes nothing the second time.
A pin that came back makes the difference that remains: a pause is not undone by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from core_facts import START, believing
from hypothesis import given
from hypothesis import strategies as st

from monitor.core import events as ev
from monitor.core.changes import same
from monitor.core.entry import Entry, Status
from monitor.core.entry_spec import EntrySpec, dump
from monitor.core.events import Event, entry_stream
from monitor.core.facts import Facts, Subject
from monitor.registry.pins import ours, pins
from monitor.registry.policy import Trigger, deviations, judge
from monitor.registry.transitions import TRANSITIONS, IllegalTransition, RegistryTransaction, apply, fold, replay

A = Subject("openai", "a")
FIELDS = ("price.standard.short.input", "price.standard.short.output")

prices = st.sampled_from(["1", "2", "3", None])
beliefs_of_one = st.fixed_dictionaries({"listed": st.booleans(), FIELDS[0]: prices, FIELDS[1]: prices})
PINNED = {"listed": True, FIELDS[0]: "1", FIELDS[1]: "1"}


def _baselines(belief: dict[str, object]) -> dict[str, Facts]:
    listed: Facts = {A: {"listed": True}} if belief["listed"] else {}
    stated = {field: value for field in FIELDS if isinstance(value := belief[field], str)}
    return {"list": {**listed, Subject("openai", "z"): {"listed": True}}, "page": {A: stated} if stated else {}}


def _accepted(pause_on: str = "any") -> list[Event]:
    """Return an entry that was declared, seen and activated when all was as in `PINNED`."""
    spec = EntrySpec(
        key="a",
        name="A",
        surfaces={"openai": "a"},
        owners=("platform",),
        pause_on=pause_on,
        provider="openai",
        config_pins=ours("a", {"openai": "a"}, "", [("openai", "base_url", "https://x")]),
    )
    register = RegistryTransaction(0, {})
    stream = entry_stream("a")
    register.add(ev.ENTRY_DECLARED, stream, "a", at=START, data={"declaration": dump(spec)})
    register.add(ev.ENTRY_VISIBLE, stream, "a", at=START, data={})
    chosen, _, _ = pins(register.entries["a"], believing(_baselines(PINNED)))
    data = {
        "pins": [{"scope": p.scope, "name": p.name, "field": p.field, "value": p.value} for p in chosen],
        "unpinned": [],
        "callers": [],
    }
    register.add(ev.ENTRY_ACTIVATED, stream, "a", at=START, data=data)
    return list(register.events)


def _judged(baselines: Sequence[dict[str, object]], pause_on: str = "any") -> tuple[Entry, list[Event]]:
    log = _accepted(pause_on)
    register = RegistryTransaction(len(log), replay(log))
    for number, belief in enumerate(baselines):
        judge(register, "a", believing(_baselines(belief)), Trigger(at=START + timedelta(minutes=number)))
    return register.entries["a"], list(register.events)


sequences = st.lists(beliefs_of_one, min_size=1, max_size=6)


@given(sequences, st.data(), st.sampled_from(["any", "worse"]))
def test_judging_at_some_polls_ends_where_judging_at_every_poll_ends(
    sequence: list[dict[str, object]], data: st.DataObject, pause_on: str
) -> None:
    chosen = data.draw(st.lists(st.booleans(), min_size=len(sequence), max_size=len(sequence)))
    some = [belief for belief, keep in zip(sequence[:-1], chosen, strict=False) if keep] + [sequence[-1]]
    often, _ = _judged(sequence, pause_on)
    seldom, _ = _judged(some, pause_on)
    final = {
        shift.pin.key: shift.new
        for shift in deviations(replay(_accepted(pause_on))["a"], believing(_baselines(sequence[-1])))
    }
    for entry in (often, seldom):  # (1)
        assert {key: entry.deviations[key] for key in final} == final
    assert often.status is Status.PAUSED or seldom.status is Status.ACTIVE  # (2)
    assert seldom.deviations.keys() <= often.deviations.keys()
    if often.deviations == final:  # (3): nothing came back on the way
        assert (often.status, often.deviations) == (seldom.status, seldom.deviations)


@given(sequences)
def test_judging_twice_at_the_same_beliefs_writes_nothing_the_second_time(sequence: list[dict[str, object]]) -> None:
    once, first = _judged(sequence)
    twice, second = _judged([belief for belief in sequence for _ in range(2)])
    assert (once.status, once.deviations) == (twice.status, twice.deviations)
    assert [event.type for event in first] == [event.type for event in second]


@given(sequences)
def test_an_entry_is_paused_at_most_once_and_extended_only_for_news(sequence: list[dict[str, object]]) -> None:
    entry, events = _judged(sequence)
    kinds = [event.type for event in events if event.type.startswith("entry.")]
    assert kinds[:1] in ([], ["entry.paused"])
    assert set(kinds[1:]) <= {"entry.pause_extended"}
    seen: dict[str, object] = {}
    for event in events:
        for shift in event.data.get("shifts", ()):
            key = shift["pin"]
            assert key not in seen or not same(key.rpartition("/")[2], seen[key], shift["new"])
            seen[key] = shift["new"]
    assert seen == dict(entry.deviations)


@given(st.lists(st.sampled_from(["0.5", "1", "1.0000000000000001", "2"]), min_size=1, max_size=5))
def test_pause_on_worse_minds_a_price_only_where_it_is_above_the_pin(amounts: list[str]) -> None:
    entry, _ = _judged([{**PINNED, FIELDS[0]: amount} for amount in amounts], "worse")
    assert (entry.status is Status.PAUSED) is ("2" in amounts)
    entry, _ = _judged([{**PINNED, FIELDS[0]: amount} for amount in amounts])
    assert (entry.status is Status.PAUSED) is bool({"0.5", "2"} & set(amounts))


@pytest.mark.parametrize("pause_on", ["any", "worse"])
def test_a_lost_listing_pauses_whatever_the_entry_minds_and_a_vanished_price_never_does(pause_on: str) -> None:
    assert _judged([{**PINNED, "listed": False}], pause_on)[0].status is Status.PAUSED
    assert _judged([{**PINNED, FIELDS[0]: None, FIELDS[1]: None}], pause_on)[0].status is Status.ACTIVE


def test_a_list_that_was_never_read_says_neither_yes_nor_no() -> None:
    log = _accepted()
    register = RegistryTransaction(len(log), replay(log))
    judge(register, "a", believing({}), Trigger(at=START))
    assert not register.events


ALL = (*TRANSITIONS, ev.ENTRY_DECLARED)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("status", Status)
def test_what_the_table_of_transitions_does_not_hold_cannot_happen(kind: str, status: Status) -> None:
    from dataclasses import replace

    entry = replace(replay(_accepted())["a"], status=status)
    data = {"pins": [], "unpinned": [], "callers": [], "shifts": [], "declaration": dump(entry.spec)}
    event = Event(
        position=9, type=kind, stream=entry_stream("a"), subject="a", occurred_at=START, data={**data, "reason": ""}
    )
    allowed = {**TRANSITIONS, ev.ENTRY_DECLARED: {Status.WITHDRAWN: Status.WAITING}}[kind]
    if status in allowed:
        assert apply(entry, event).status is allowed[status]
    else:
        with pytest.raises(IllegalTransition, match="cannot follow"):
            apply(entry, event)


def test_an_event_about_an_entry_that_was_never_declared_is_refused() -> None:
    event = Event(position=1, type=ev.ENTRY_VISIBLE, stream=entry_stream("a"), subject="a", occurred_at=START)
    with pytest.raises(IllegalTransition):
        fold({}, event)


def test_a_fact_about_what_an_entry_stands_on_moves_the_position_that_expect_is_held_against() -> None:
    entries = replay(_accepted())

    def happened(subject: str, **data: str) -> bool:
        event = Event(
            position=9, type=ev.PRICE_CHANGED, stream="source/page", subject=subject, occurred_at=START, data=data
        )
        return fold(entries, event) != {}

    assert happened("a", provider="openai")
    assert happened("a", surface="openai")
    assert not happened("a", provider="reseller")
    assert not happened("b", provider="openai")
    assert not happened("a")
