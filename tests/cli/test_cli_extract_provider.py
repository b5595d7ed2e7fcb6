"""Whose prices a saved page states, where nobody says."""

from __future__ import annotations

import pytest

from monitor.cli.extract import read

ANTHROPIC = """# Pricing

| Model | Base Input Tokens | 5m Cache Writes | Cache Hits & Refreshes | Output Tokens |
|---|---|---|---|---|
| Claude Opus 5 | $5 / MTok | $6.25 / MTok | $0.50 / MTok | $25 / MTok |
"""
GOOGLE = """# Pricing

## Gemini X

*`gemini-x-1`*

|   | Free Tier | Paid Tier, per 1M tokens in USD |
|---|---|---|
| Input price | Free of charge | $1.25 |
"""
OPENAI = """# Pricing

Prices per 1M tokens.

| Model | Input | Output |
|---|---|---|
| gpt-x-1 | $1.25 | $5.00 |
"""


@pytest.mark.parametrize(("page", "provider"), [(ANTHROPIC, "anthropic"), (GOOGLE, "google"), (OPENAI, "openai")])
def test_the_words_of_a_page_say_whose_prices_it_states(page: str, provider: str) -> None:
    reading = read(page.encode(), "", "")
    assert {row.provider for row in reading.rows} == {provider}


def test_a_provider_that_is_given_is_the_only_one_tried() -> None:
    assert read(ANTHROPIC.encode(), "", "google").unreadable
    assert {row.provider for row in read(OPENAI.encode(), "", "us").rows} == {"us"}


def test_a_page_in_nobodys_words_is_refused_as_before() -> None:
    reading = read(b"# Pricing\n\n| Model | Songs |\n|---|---|\n| gpt-x-1 | $3 |\n" * 2, "", "")
    assert "no price was recognised" in reading.unreadable
