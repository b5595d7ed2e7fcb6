"""Differences and their inverse: what was stated, what was stated to be absent, and what was not spoken of."""

from __future__ import annotations

from core_facts import addresses, facts, fields
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.changes import Change, diff, lookup, patch, same, without
from monitor.core.facts import Fact, Facts, Subject

A, B = Subject("openai", "a"), Subject("openai", "b")
INPUT = "price.standard.short.input"


def _alike(one: Facts, other: Facts) -> bool:
    """Equal up to what counts as the same value: amounts within the tolerance."""
    every = {Fact(subject, field) for facts in (one, other) for subject in facts for field in facts[subject]}
    return all(same(fact.field, lookup(one, fact), lookup(other, fact)) for fact in every)


@given(facts, facts)
def test_patching_with_the_difference_gives_the_other(one: Facts, other: Facts) -> None:
    patched = patch(one, diff(one, other))
    assert _alike(patched, other)
    assert patched.keys() == other.keys()
    assert not diff(patched, other)


@given(facts, facts)
def test_the_difference_of_equal_facts_is_empty_and_a_patch_with_nothing_is_no_patch(one: Facts, other: Facts) -> None:
    assert not diff(one, one)
    assert patch(one, ()) == one
    if diff(one, other) == ():
        assert _alike(one, other)


@given(facts, facts, st.frozensets(fields), st.frozensets(addresses))
def test_what_was_not_spoken_of_stays_as_it_was_and_all_else_becomes_the_other(
    one: Facts, other: Facts, silent: frozenset[str], unclear: frozenset[Fact]
) -> None:
    patched = patch(one, diff(one, other, silent=silent, unclear=unclear))
    every = {Fact(subject, field) for facts in (one, other) for subject in facts for field in facts[subject]}
    for fact in every:
        gone = fact.subject not in other
        spoken = fact not in unclear and (gone or fact.field not in silent)
        expected = lookup(other if spoken else one, fact)
        assert same(fact.field, lookup(patched, fact), expected), fact


@given(facts, facts, st.frozensets(addresses))
def test_an_unclear_fact_never_differs_even_where_its_subject_states_nothing_else(
    one: Facts, other: Facts, unclear: frozenset[Fact]
) -> None:
    assert not unclear & {change.fact for change in diff(one, other, unclear=unclear)}


@given(facts, facts)
def test_differences_come_in_the_order_of_subject_and_field(one: Facts, other: Facts) -> None:
    found = [change.fact for change in diff(one, other)]
    assert found == sorted(set(found))


def test_a_silent_field_of_a_model_that_is_gone_goes_with_it() -> None:
    before: Facts = {A: {"listed": True, "shutdown_date": "2026-12-01"}}
    assert patch(before, diff(before, {}, silent=frozenset({"shutdown_date"}))) == {}


def test_a_price_whose_only_row_is_stated_in_two_ways_is_not_gone() -> None:
    before: Facts = {A: {INPUT: "1"}, B: {INPUT: "2"}}
    assert diff(before, {B: {INPUT: "2"}}, unclear=frozenset({Fact(A, INPUT)})) == ()


def test_float_noise_of_a_feed_is_no_difference_and_a_tenth_of_a_cent_is_one() -> None:
    assert diff({A: {INPUT: "0.6"}}, {A: {INPUT: "0.6000000000000000001"}}) == ()
    assert diff({A: {INPUT: "0.6"}}, {A: {INPUT: "0.601"}}) == (Change(fact=Fact(A, INPUT), old="0.6", new="0.601"),)


def test_true_is_not_one_and_a_number_is_not_its_spelling() -> None:
    assert not same("x", True, 1)
    assert not same("x", 1, "1")
    assert not same("x", None, False)
    assert same("x", None, None)


@given(facts, st.frozensets(addresses))
def test_without_leaves_everything_but_what_is_named(one: Facts, dropped: frozenset[Fact]) -> None:
    left = without(one, dropped)
    for subject in one:
        for field, value in one[subject].items():
            assert lookup(left, Fact(subject, field)) == (None if Fact(subject, field) in dropped else value)
    assert all(left.values())
