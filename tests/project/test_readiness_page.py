"""The page of readiness names every check, and only fields, checks and commands that there are."""

from __future__ import annotations

import re
from pathlib import Path

from monitor.cli import COMMANDS
from monitor.core.check_names import CHECKS, INTEGRATION_CHECKS
from monitor.registry import check_rules
from monitor.settings.schema import EntryTable

PAGE = (Path(__file__).parents[2] / "docs" / "readiness.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (?!statement|---)(.+?) \| (check|field|command) `([a-z_]+)` \| (.+?) \|$", PAGE, re.MULTILINE)

BY_LIST_OR_PRICE = {"model_id", "visibility", "codex", "pricing", "fallback"}
"""The checks that a list, a price or the gate verifies, beside those in the table of rules."""


def test_every_row_of_the_page_is_read() -> None:
    assert len(ROWS) == len([line for line in PAGE.splitlines() if line.startswith("| ")]) - 1


def test_every_check_stands_on_the_page_once() -> None:
    named = [name for _, kind, name, _ in ROWS if kind == "check"]
    assert sorted(named) == sorted(CHECKS)


def test_the_fields_and_commands_are_some_that_there_are() -> None:
    assert {name for _, kind, name, _ in ROWS if kind == "field"} <= EntryTable.model_fields.keys()
    assert {name for _, kind, name, _ in ROWS if kind == "command"} <= {
        "gate",
        *(name for section in COMMANDS.values() for name in section),
    }


def test_who_verifies_a_check_is_as_the_rules_have_it() -> None:
    verified = {name for name, behind in check_rules.TABLE.items() if not behind.shows} | BY_LIST_OR_PRICE
    for _, kind, name, who in ROWS:
        if kind == "check":
            assert who.startswith("machine") is (name in verified), name


def test_integration_stands_for_checks_that_there_are() -> None:
    assert set(INTEGRATION_CHECKS) <= CHECKS.keys()
    assert all(f"| check `{name}` |" in PAGE for name in INTEGRATION_CHECKS)
