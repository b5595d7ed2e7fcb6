"""Whose prices a saved page states, where nobody says."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from decimal import Decimal

import pytest

from monitor.cli import packed
from monitor.cli.extract import read
from monitor.core import zstd

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


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
def test_a_compressed_file_is_read_as_what_is_in_it_and_a_cut_one_is_refused(pack: Callable[[bytes], bytes]) -> None:
    assert [row.amount for row in read(pack(OPENAI.encode()), "", "").rows] == [Decimal("1.25"), Decimal("5.00")]
    feed = b'{"m-1": {"litellm_provider": "x", "input_cost_per_token": 1e-06}}'
    assert read(pack(b"\xef\xbb\xbf" + feed), "", "").format == "litellm"
    whole = pack(OPENAI.encode())
    assert len(read(whole + pack(b"\n" * 5000), "", "").rows) == 2
    for cut in (whole[: len(whole) // 2], whole[:-1], whole[:9]):
        assert "cut or damaged" in read(cut, "", "").unreadable


def test_a_file_that_bursts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "LARGEST", 1000)
    for pack in (gzip.compress, zstd.compress):
        assert "more than 1000 bytes" in read(pack(b"x" * 100_000), "", "").unreadable


def test_a_recorded_history_is_no_page_and_the_command_that_reads_it_is_named() -> None:
    line = b'{"observed_at": "2026-07-30T00:00:00Z", "status": "ok", "payload": {}}\n'
    for form in ("", "litellm", "pricing_page"):
        assert "access-monitor replay" in read(line * 2, form, "").unreadable
