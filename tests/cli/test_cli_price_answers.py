"""What the command line answers about prices beyond listing them: the cost of a usage, the registry's fields, who
agrees.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from plain_demo import write_plain_demo

from monitor.cli import cli
from monitor.sandbox import Sandbox

MINI = "gpt-5.4-mini"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Provide a sandbox that was looked at once."""
    with Sandbox() as sandbox:
        path = write_plain_demo(sandbox, tmp_path)
        monkeypatch.setenv("ACCESS_MONITOR_CONFIG", str(path))
        am("poll")
        yield path


def am(*args: str, expect: int = 0) -> Result:
    result = CliRunner().invoke(cli, args)
    assert result.exit_code == expect, (args, result.exit_code, result.output, result.stderr)
    return result


def data(*args: str, expect: int = 0) -> Any:
    return json.loads(am(*args, "--json", expect=expect).stdout)


def test_the_cost_of_a_usage_is_the_sum_of_its_meters_at_the_stated_prices(config: Path) -> None:
    prices = {row["meter"]: row["amount"] for row in data("prices", MINI) if row["tier"] == "standard"}
    cost = next(row for row in data("prices", MINI, "--usage", "input=400M,output=30M") if row["tier"] == "standard")
    expected = Decimal(prices["input"]) * 400 + Decimal(prices["output"]) * 30
    assert Decimal(cost["cost"]) == expected
    assert (cost["context"], cost["source"], cost["missing"]) == ("short", "openai-pricing", [])
    assert cost["usage"] == {"input": 400_000_000, "output": 30_000_000}


def test_a_usage_of_what_has_no_price_costs_a_blank(config: Path) -> None:
    (cost,) = (r for r in data("prices", MINI, "--usage", "input=1M,cache_write_7d=1M") if r["tier"] == "standard")
    assert (cost["cost"], cost["missing"]) == (None, ["cache_write_7d"])
    assert Decimal(cost["parts"]["input"]) > 0
    shown = am("prices", MINI, "--usage", "input=1M,cache_write_7d=1M")
    assert shown.stdout.splitlines()[0].split()[:6] == ["MODEL", "TIER", "CONTEXT", "INPUT", "CACHE", "WRITE"]
    assert "A blank has no stated price" in shown.stderr


@pytest.mark.parametrize("usage", ["", "input", "input=", "ouput=1M", "input=1M,input=2M", "input=1.5"])
def test_a_usage_that_is_not_clear_is_wrong_usage(config: Path, usage: str) -> None:
    am("prices", MINI, "--usage", usage, expect=2)


def test_a_usage_beside_the_history_is_wrong_usage(config: Path) -> None:
    assert "leave --history" in am("prices", MINI, "--history", "--usage", "input=1M", expect=2).stderr


def test_status_shows_the_fields_of_price_of_the_registry(config: Path) -> None:
    (row,) = data("status", MINI)
    (band,) = row["prices"]
    assert (band["tier"], band["context"]) == ("standard", "short")
    assert (band["input"], band["output"], band["cached_input"]) == ("0.75", "4.5", "0.075")
    assert (band["cached_discount"], band["cache_writes"]) == ("0.9", {})
    assert row["modes"] == ["standard", "batch", "flex", "priority"]
    assert row["price_model"] == MINI
    assert row["price_verified_at"].endswith("Z")
    assert row["price_urls"][0].startswith("http://127.0.0.1")
    assert next(one for one in data("status") if one["key"] == MINI) == row
    shown = am("status", MINI).stdout
    assert "standard: input 0.75, output 4.50, cached read 0.075 (90 % less), cache write blank" in shown


def test_an_entry_without_a_price_shows_blanks(config: Path) -> None:
    (row,) = data("status", "gpt-5.6-luna")
    assert (row["prices"][0]["input"], row["modes"], row["price_verified_at"]) == (None, [], None)
    assert "input blank" in am("status", "gpt-5.6-luna").stdout


def test_prices_and_why_show_how_the_sources_stand_to_the_official_price(config: Path) -> None:
    assert {row["agreement"] for row in data("prices", MINI)} == {"official"}
    assert am("prices", MINI).stdout.splitlines()[0].split()[-1] == "AGREES"
    assert {row["agreement"] for row in data("why", MINI)["prices"]} == {"official"}
