"""Each fault on one machine is known by its word, harms no other source, and loses nothing."""

from __future__ import annotations

import pytest
from fault_plays import ON_THIS_MACHINE, PLAYS, Unplayable, all_at_once
from sizes import beyond
from story_world import Story

FIRST = ("a full disk", "200 MB for a list of a million")
assert set(FIRST) <= set(ON_THIS_MACHINE)


@pytest.mark.parametrize("name", beyond(len(FIRST), [*FIRST, *(name for name in PLAYS if name not in FIRST)]))
def test_a_fault_is_known_and_loses_nothing(story: Story, name: str) -> None:
    play, known = PLAYS[name]
    try:
        played = play(story)
    except Unplayable as error:
        pytest.skip(f"NOT PLAYED: {name}: {error}")
    assert played.known == known
    assert played.others > 0


def test_sources_that_misbehave_at_once_are_each_known_and_lose_nothing(story: Story) -> None:
    for name, (found, known) in all_at_once(story).items():
        assert found == known, name
