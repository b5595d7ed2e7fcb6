"""What `bench/detector.py` measures, on less: no needless pause beyond what a differ of three polls makes, and nothing
missed.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import ModuleType
from typing import Any

import pytest
from replayed import HISTORIES, ROOT, needs_histories

pytestmark = needs_histories

SPRING = datetime(2026, 5, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(ROOT / "bench"), *sys.path])
        yield importlib.import_module("_histories")


@pytest.fixture
def judge(bench: ModuleType) -> ModuleType:
    return importlib.import_module("detector")


@pytest.fixture(scope="module")
def mistral(bench: ModuleType) -> tuple[Any, Any]:
    """Provide a stretch of a list that flaps, and what the monitor does with it on the list alone."""
    history = bench.load(HISTORIES, "mw_v1models_mistral", until=datetime(2026, 6, 10, tzinfo=UTC))
    return history, bench.monitored(history)


def test_on_openai_the_list_alone_pauses_nothing_falsely_and_misses_no_removal(
    bench: ModuleType, judge: ModuleType
) -> None:
    history = bench.load(HISTORIES, "mw_v1models_openai")
    naive, three, ours = bench.counted(history, 1), bench.counted(history, 3), bench.monitored(history)
    assert naive.false(bench.WEEK) == 1
    assert ours.false(bench.WEEK) == 0
    assert ours.missed == []
    assert len(ours.delays()) == len(three.delays()) == 17
    assert not [one for one, at in ours.pauses.items() if one.lasting and judge.late(one, at - one.since)]


def test_where_a_list_flaps_and_drops_in_masses_no_pause_is_more_than_three_polls_make(bench: ModuleType) -> None:
    history = bench.load(HISTORIES, "mw_v1models_fireworks")
    naive, three, ours = bench.counted(history, 1), bench.counted(history, 3), bench.monitored(history)
    assert naive.false(bench.DAY) >= 20
    assert ours.false(bench.DAY) == 0
    assert ours.false(bench.WEEK) <= three.false(bench.WEEK)
    assert ours.missed == []


def test_routes_that_reach_a_model_keep_it_from_being_paused_and_those_that_miss_it_pause_it_sooner(
    bench: ModuleType, mistral: tuple[Any, Any]
) -> None:
    history, alone = mistral
    both = bench.monitored(history, reached=bench.DAY)
    short = [one for one in alone.pauses if one.within(bench.DAY)]
    assert [one.since.date().isoformat() for one in short] == ["2026-05-31"]  # gone for 21 hours
    assert both.pauses.keys() == alone.pauses.keys() - set(short)
    assert all(both.pauses[one] < alone.pauses[one] for one in both.pauses)
    assert both.missed == []


def test_what_only_the_list_misses_for_less_than_a_week_is_not_paused_for(
    bench: ModuleType, mistral: tuple[Any, Any]
) -> None:
    history, alone = mistral
    naive, both = bench.counted(history, 1), bench.monitored(history, reached=bench.WEEK)
    assert naive.false(bench.WEEK) >= alone.false(bench.WEEK) > 0
    assert both.false(bench.WEEK) == 0
    assert both.missed == []


def test_absences_and_the_simple_differs_are_what_they_are_called(bench: ModuleType) -> None:
    hour = timedelta(hours=1)
    shown = ["ab", "ab", "a", "ab", "a", "a", "a", "ab", "b", "b"]
    good = [(SPRING + number * hour, frozenset(ids)) for number, ids in enumerate(shown)]
    found = list(bench._absences(good))
    assert [(one.model, len(one.polls), one.until is None) for one in found] == [
        ("b", 1, False),
        ("b", 3, False),
        ("a", 2, True),
    ]
    assert all(before.since < after.since for before, after in pairwise(found))
    history = bench.History(name="x", polls=(), carry=None, good=good, absences=found)
    assert [len(bench.counted(history, count).pauses) for count in (1, 2, 3, 4)] == [3, 2, 1, 0]
    assert bench.counted(history, 1).false(bench.DAY) == 2
