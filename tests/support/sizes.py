"""How much of something that is random or repeated is tried: a little by `make test`, a lot by `make proof`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def sizes(little: int, lot: int) -> list[Any]:
    """Values for `parametrize`: how often, as a part of `make test`, and how often, as proof."""
    return [pytest.param(little, id=str(little)), pytest.param(lot, id=str(lot), marks=pytest.mark.proof)]


def beyond(first: int, values: Iterable[Any]) -> list[Any]:
    """Values for `parametrize`, of which only the `first` so many are not proof."""
    return [
        value if number < first else pytest.param(value, marks=pytest.mark.proof) for number, value in enumerate(values)
    ]
