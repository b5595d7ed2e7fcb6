"""What the fields of a request log are called, as the file states it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from configurations import MINIMAL, loaded

from monitor.core.ports import ConfigurationError
from monitor.core.request_log import Fields


def test_the_names_are_those_of_the_file_and_otherwise_the_usual_ones(tmp_path: Path) -> None:
    assert loaded(tmp_path).logging == Fields()
    read = loaded(
        tmp_path, MINIMAL + '[logging]\ncost = "cost.usd"\ntolerance = "0.05"\ncached_in_input = false\n'
    ).logging
    assert read == Fields(cost="cost.usd", tolerance=Decimal("0.05"), cached_in_input=False)


def test_the_names_are_a_part_of_what_was_declared(tmp_path: Path) -> None:
    named = loaded(tmp_path, MINIMAL + '[logging]\ncost = "cost.usd"\n')
    assert named.configuration.version != loaded(tmp_path).configuration.version


@pytest.mark.parametrize(
    "line",
    ['tolerance = "1"', 'tolerance = "-0.1"', 'tolerance = "a lot"', "tolerance = true", 'cost = ""', 'coast = "x"'],
)
def test_what_cannot_be_meant_is_refused_with_its_place(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        loaded(tmp_path, MINIMAL + f"[logging]\n{line}\n")
    assert f"logging.{line.partition(' ')[0]}" in str(refused.value)
