"""What alternates: which turns are counted, for how long, and which differences are turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from core_facts import MINUTE, START

from monitor.core.changes import Change
from monitor.core.configuration import ConfirmationRules
from monitor.core.facts import Alternation, Fact, PendingChange, Subject, Value
from monitor.detection.alternation import DAY, MOST, advance, alternating, fresh, named
from monitor.detection.confirmation import CountedPoll, confirm

PRICE = Fact(Subject("openai", "a"), "price.standard.short.input")


class Polls:
    """Polls of one fact, one every five minutes; a value is confirmed after two."""

    def __init__(self, value: Value | None = "1") -> None:
        self.baseline = value
        self.pending_changes: dict[Fact, PendingChange] = {}
        self.rows: dict[Fact, Alternation] = {}
        self.at = START
        self.turning: list[bool] = []

    def show(self, *values: Value | None) -> Alternation | None:
        for value in values:
            changes = [] if value == self.baseline else [Change(fact=PRICE, old=self.baseline, new=value)]
            self.rows = fresh(self.rows.values(), self.at)
            self.turning.append(bool(alternating(self.rows, self.pending_changes, changes)))
            done = confirm(
                self.pending_changes,
                changes,
                poll=CountedPoll(source="page", at=self.at, before=None),
                rules=ConfirmationRules(),
            )
            self.rows = advance(
                self.rows, self.pending_changes, done.pending, done.confirmed, source="page", at=self.at
            )
            self.pending_changes = {pending_change.fact: pending_change for pending_change in done.pending}
            self.baseline = next((item.change.new for item in done.confirmed), self.baseline)
            self.at += 5 * MINUTE
        return self.rows.get(PRICE)


def test_each_return_to_the_baseline_is_a_turn_and_the_third_departure_is_an_alternation() -> None:
    polls = Polls()
    row = polls.show("2", "1", "2", "1", "2")
    assert row is not None
    assert (row.turns, row.other) == (2, "2")
    assert polls.turning == [False, False, False, False, True]


def test_a_value_that_is_never_the_same_turns_at_every_poll() -> None:
    polls = Polls()
    row = polls.show("2", "3", "4", "5")
    assert row is not None
    assert row.turns == 3
    assert polls.turning[-1]


def test_confirmed_changes_that_lead_back_and_forth_are_turns_and_one_that_leads_on_is_none() -> None:
    polls = Polls()
    row = polls.show("2", "2", "1", "1", "2", "2")
    assert row is not None
    assert (row.turns, row.other) == (2, "1")
    polls.show("3")
    assert not polls.turning[-1], "it was never 3"
    assert Polls().show("2", "2", "3", "3", "4", "4") == replace(row, turns=0, other="3")


def test_a_turn_is_kept_for_a_day() -> None:
    polls = Polls()
    row = polls.show("2", "1")
    assert row is not None
    assert fresh([row], row.at + DAY - MINUTE) == {PRICE: row}
    assert fresh([row], row.at + DAY) == {}


def test_of_a_mass_drop_the_owners_have_heard_when_it_began() -> None:
    gone = PendingChange(source="list", fact=PRICE, value=None, seen=1, first_at=START, counted_at=START)
    back = START + MINUTE
    held = replace(gone, held_until=START + DAY)
    assert advance({}, {PRICE: gone}, [], [], source="list", at=back)[PRICE].told_at is None
    row = advance({}, {PRICE: held}, [], [], source="list", at=back)[PRICE]
    assert row.told_at == START
    later = replace(held, first_at=START + timedelta(hours=1))
    assert advance({PRICE: row}, {PRICE: later}, [], [], source="list", at=back)[PRICE].told_at == START


def test_what_was_not_stated_clearly_for_a_while_did_not_turn() -> None:
    unread = PendingChange(source="page", fact=PRICE, value="1", seen=0, first_at=START, counted_at=START)
    assert advance({}, {PRICE: unread}, [], [], source="page", at=START + MINUTE) == {}


def test_only_so_many_are_kept() -> None:
    facts = [Fact(Subject("openai", f"m{number}"), "listed") for number in range(MOST + 5)]
    pending_changes = {
        fact: PendingChange(source="list", fact=fact, value=None, seen=1, first_at=START, counted_at=START)
        for fact in facts
    }
    assert len(advance({}, pending_changes, [], [], source="list", at=START + MINUTE)) == MOST


def test_of_a_model_that_comes_and_goes_only_that_is_named() -> None:
    def changes(*fields: str) -> Sequence[Change]:
        return [Change(fact=Fact(Subject("openai", "a"), field), old="x", new=None) for field in fields]

    assert [change.fact.field for change in named(changes("created", "listed", "owned_by"))] == ["listed"]
    assert [change.fact.field for change in named(changes("created", "owned_by"))] == ["created", "owned_by"]
