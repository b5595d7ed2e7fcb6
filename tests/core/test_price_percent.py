"""One function says how far an amount moved, wherever it is read."""

from __future__ import annotations

import pytest

from monitor.core.price import percent


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("1", "0.2", "−80 %"),
        ("30", "20", "−33 %"),
        ("2", "3", "+50 %"),
        ("0.2", "1", "+400 %"),
        ("1", "1.005", "+0.5 %"),
        ("1", "1.0003", "+0.03 %"),
        ("1", "1.0000001", "+0.00001 %"),
        ("1", "1.095", "+9.5 %"),
        ("1", "1.0996", "+10 %"),
        ("1", "0.004", "−99.6 %"),
        ("1", "0.000001", "−99.9999 %"),
        ("1", "0", "−100 %"),
        ("1", "101", "+10000 %"),
    ],
)
def test_a_move_is_said_as_exactly_as_is_useful_and_never_as_none(old: str, new: str, said: str) -> None:
    assert percent(old, new) == said


@pytest.mark.parametrize(("old", "new"), [("0", "1"), ("1", "1.0"), ("0.6", "0.6000000000000000001")])
def test_what_has_no_share_or_did_not_move_has_no_percentage(old: str, new: str) -> None:
    assert percent(old, new) == ""
