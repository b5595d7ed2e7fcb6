"""Rows that go on under another id, and those that only look so."""

from __future__ import annotations

import pytest

from monitor.core.facts import Subject
from monitor.detection.renames import renames

PRICES = {"price.standard.short.input": "1", "price.standard.short.output": "6"}


def renamed(old: str, new: str) -> bool:
    before, after = Subject("p", old), Subject("p", new)
    return renames({before: PRICES}, {after: PRICES}) == {before: after}


@pytest.mark.parametrize(("old", "new"), [("gpt-56", "gpt-5-6"), ("gpt-5", "openai/gpt-5"), ("gpt-5", "gpt-5-latest")])
def test_equal_rows_under_another_id_are_a_rename(old: str, new: str) -> None:
    assert renamed(old, new)


@pytest.mark.parametrize(
    "new",
    [
        "gpt-5/gpt-5-mini",
        "gpt-5-mini/gpt-5",
        "gpt-5 / gpt-5-mini",
        "gpt-5, gpt-6",
        "gpt-5 and gpt-5-mini",
        "gpt-6|gpt-5",
    ],
)
def test_a_name_of_two_models_is_no_new_name_of_either(new: str) -> None:
    assert not renamed("gpt-5", new)
