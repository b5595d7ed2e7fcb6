"""What an entry uses in a month, as the file states it."""

from __future__ import annotations

from pathlib import Path

import pytest
from configurations import MINIMAL, loaded

from monitor.core.ports import ConfigurationError
from monitor.settings.show import show


def test_a_usage_is_read_as_tokens_by_meter(tmp_path: Path) -> None:
    settings = loaded(tmp_path, MINIMAL + 'usage = { output = "30M", input = 400_000_000, cached = "1G" }\n')
    usage = settings.configuration.entries["luna"].usage
    assert list(usage.items()) == [("input", 400_000_000), ("output", 30_000_000), ("cached_input", 1_000_000_000)]
    shown = {row.key: row for row in show(settings)}
    assert shown["entry[0].usage.cached"].value == "1G"
    assert shown["entry[0].usage.cached"].origin.endswith("monitor.toml")


def test_an_entry_without_a_usage_has_none(tmp_path: Path) -> None:
    assert loaded(tmp_path).configuration.entries["luna"].usage == {}


def test_a_usage_is_part_of_what_was_declared(tmp_path: Path) -> None:
    without, with_ = loaded(tmp_path), loaded(tmp_path, MINIMAL + 'usage = { input = "1M" }\n')
    assert without.configuration.version != with_.configuration.version


@pytest.mark.parametrize(
    ("usage", "said"),
    [
        ('{ ouput = "1M" }', "'ouput' is not a meter of tokens; known are input, cached, cache_write, output"),
        ('{ input = "many" }', "'many' is not a number of tokens; write it like"),
        ("{ input = -1 }", "'-1' is not a number of tokens"),
        ("{ input = true }", "entry[0].usage"),
        ("{ input = 1.5 }", "entry[0].usage"),
        ("{ }", "no tokens are stated"),
        ('"1M"', "entry[0].usage"),
    ],
)
def test_a_usage_that_is_not_clear_is_refused_with_its_place(tmp_path: Path, usage: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        loaded(tmp_path, MINIMAL + f"usage = {usage}\n")
    assert said in str(refused.value)
    assert "entry[0].usage" in str(refused.value)
