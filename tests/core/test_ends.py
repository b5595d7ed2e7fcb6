"""The announced end of a model as one value: a day and how surely the model ends on it."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.ends import AnnouncedEnd, Precision, end_in_words


@given(st.dates(), st.sampled_from(list(Precision)))
def test_a_value_comes_back_as_it_was_written(day: date, precision: Precision) -> None:
    end = AnnouncedEnd(day, precision)
    assert AnnouncedEnd.of(str(end)) == end
    assert type(str(end)) is str


def test_a_day_alone_is_firm_as_versions_before_wrote_it() -> None:
    assert AnnouncedEnd.of("2026-12-11") == (date(2026, 12, 11), Precision.FIRM)


@pytest.mark.parametrize(
    "value", [None, "", "soon", "2026-13-11", "2026-12-11 perhaps", "2026-12-11 firm", 20261211, True]
)
def test_what_states_no_day_is_no_end(value: object) -> None:
    assert AnnouncedEnd.of(value) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("precision", "words"),
    [
        (Precision.FIRM, "2026-12-11"),
        (Precision.EARLIEST, "not before 2026-12-11"),
        (Precision.AFTER, "2026-12-11 or later"),
    ],
)
def test_people_read_how_sure_it_is(precision: Precision, words: str) -> None:
    assert end_in_words("2026-12-11", precision.value) == words
