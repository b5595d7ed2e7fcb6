"""The starting set of evals is one that promptfoo takes: every file it names is there, every test is of a suite and
asserts something.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "config" / "evals"
CONFIG = yaml.safe_load((FOLDER / "promptfooconfig.yaml").read_text(encoding="utf-8"))
SUITES = {"long_context", "structured_output", "tool_use", "past_overrides", "safety_sensitive"}


def test_the_suites_are_those_that_are_promised() -> None:
    assert {Path(name).stem for name in CONFIG["tests"]} == SUITES
    assert {path.stem for path in (FOLDER / "suites").iterdir()} == SUITES


def test_a_candidate_and_a_baseline_are_asked_the_same() -> None:
    assert len(CONFIG["providers"]) == 2
    assert all(provider["id"].startswith("openai:responses:") for provider in CONFIG["providers"])
    (prompt,) = CONFIG["prompts"]
    assert {"{{instructions}}", "{{input}}"} == set((FOLDER / prompt.removeprefix("file://")).read_text().split())


@pytest.mark.parametrize("name", CONFIG["tests"])
def test_every_test_names_its_suite_and_asserts_something(name: str) -> None:
    tests = yaml.safe_load((FOLDER / name.removeprefix("file://")).read_text(encoding="utf-8"))
    assert tests
    for test in tests:
        assert test["metadata"] == {"suite": Path(name).stem}
        assert test["vars"].keys() == {"instructions", "input"}
        assert test["assert"]
        # Nothing that would ask a model to grade: the starting set needs no further key and no budget.
        assert {one["type"] for one in test["assert"]} <= {
            "icontains",
            "not-icontains",
            "contains",
            "not-contains",
            "is-json",
            "javascript",
        }
