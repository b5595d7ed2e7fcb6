"""Which ids a page says to be aliases, and of what."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.core.facts import ALIAS_TARGET, Body, Snapshot, Subject
from monitor.sources.feed import snapshot
from monitor.sources.page import read as read_page
from monitor.sources.pricing_page import EXTRACTOR, extract

SHARED = Path(os.environ.get("ACCESS_MONITOR_SHARED", Path(__file__).parents[3].parent / "shared"))
PAGE = SHARED / "pages" / "openai-pricing" / "2026-08-22plus_llms-txt-archive_pricing.md"
TABLE = "Prices per 1M tokens.\n\n| Model | Input | Output |\n|---|---|---|\n| gpt-x-1 | $1.25 | $5.00 |\n"


def aliases(sentence: str) -> dict[str, str]:
    found = extract(f"# Pricing\n\n{TABLE}\n{sentence}\n", provider="openai").aliases
    assert {subject.scope for subject in found} <= {"openai"}
    return {subject.name: target for subject, target in found.items()}


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("`chat-latest` currently points to `gpt-x-1`.", {"chat-latest": "gpt-x-1"}),
        ("The alias `chat-latest` currently points to `gpt-x-1`.", {"chat-latest": "gpt-x-1"}),
        ("`a-1` is an alias that currently points to `gpt-x-1`. It will move.", {"a-1": "gpt-x-1"}),
        (
            "`a-1` and `b-1` are aliases that currently point to `x-1` and `y-1`, respectively.",
            {"a-1": "x-1", "b-1": "y-1"},
        ),
        ("`a-1`, `b-1`, and `c-1` currently point to `x-1`.", {"a-1": "x-1", "b-1": "x-1", "c-1": "x-1"}),
    ],
)
def test_a_sentence_that_says_what_an_id_points_to_is_a_fact(sentence: str, found: dict[str, str]) -> None:
    assert aliases(sentence) == found


@pytest.mark.parametrize(
    "sentence",
    [
        "`a-1` no longer currently points to `x-1`.",
        "`a-1` points to the newest model.",
        "`a-1` and `b-1` currently point to `x-1`, `y-1` and `z-1`, respectively.",
        "`a-1` and `b-1` currently point to `x-1`, respectively.",
        "Our alias currently points to a new model.",
        "`a-1` currently points to `x-1`. `a-1` currently points to `y-1`.",
        "`a-1` currently points to `x-1`. The alias `a-1` currently points to `y-1`.",
    ],
)
def test_a_sentence_that_says_it_otherwise_or_twice_is_none(sentence: str) -> None:
    assert aliases(sentence) == {}


def test_an_alias_is_a_fact_of_its_id_beside_the_prices_of_that() -> None:
    text = f"# Pricing\n\n{TABLE}\n`gpt-x-1` currently points to `gpt-y-2`.\n"
    body = Body(content=text.encode(), sha256="", size=len(text))

    at = datetime(2026, 8, 22, tzinfo=UTC)
    seen = snapshot("page", EXTRACTOR, read_page(body, provider="openai", extract_rows=extract), body, at)
    assert isinstance(seen, Snapshot)
    assert seen.facts[Subject("openai", "gpt-x-1")] == {
        ALIAS_TARGET: "gpt-y-2",
        "price.standard.short.input": "1.25",
        "price.standard.short.output": "5",
    }


@pytest.mark.skipif(not PAGE.is_file(), reason=f"NO REAL PAGE: {PAGE} is absent, set ACCESS_MONITOR_SHARED")
def test_the_two_aliases_of_the_real_page_are_paired_in_order() -> None:
    found = extract(PAGE.read_text(encoding="utf-8"), provider="openai").aliases
    assert found == {
        Subject("openai", "daybreak-blue-latest"): "gpt-5.6-sol",
        Subject("openai", "daybreak-red-latest"): "gpt-5.6-cyber",
    }
