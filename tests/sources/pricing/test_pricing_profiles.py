"""Pages of other providers: the same extractor with the words of their profile, and nothing for whoever has none."""

from __future__ import annotations

import os
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from monitor.sources.extraction import Extraction, Unreadable
from monitor.sources.pricing_page import extract

SHARED = Path(os.environ.get("ACCESS_MONITOR_SHARED", Path(__file__).parents[3].parent / "shared"))
ANTHROPIC = SHARED / "pages" / "anthropic-pricing" / "2026-04-16_onewesong_pricing.md"

DEEPSEEK = """<!DOCTYPE html><html><body><h1>Models &amp; Pricing</h1>
<p>The prices listed below are in units of per 1M tokens. A token, the smallest unit of text, can be a word.</p>
<h2>Model Details</h2><table><tbody>
<tr><td colspan="2">MODEL</td><td>deepseek-chat</td><td>deepseek-reasoner</td></tr>
<tr><td colspan="2">BASE URL</td><td colspan="2">https://api.deepseek.com</td></tr>
<tr><td rowspan="2">FEATURES</td><td>Json Output</td><td>yes</td><td>yes</td></tr>
<tr><td>Tool Calls</td><td>yes</td><td>yes</td></tr>
<tr><td rowspan="3">PRICING</td><td>1M INPUT TOKENS (CACHE HIT)</td><td colspan="2">$0.028</td></tr>
<tr><td>1M INPUT TOKENS (CACHE MISS)</td><td colspan="2">$0.28</td></tr>
<tr><td>1M OUTPUT TOKENS</td><td>$0.42</td><td>$0.43</td></tr>
</tbody></table></body></html>"""


def prices(extraction: Extraction) -> dict[tuple[str, str, str], Decimal]:
    return {(row.model, row.tier, row.meter): row.amount for row in extraction.rows}


def refusals(extraction: Extraction) -> str:
    return "\n".join(f"{where}: {reason}" for where, reason, _ in extraction.refused)


@pytest.mark.skipif(not ANTHROPIC.is_file(), reason=f"NO REAL PAGE: {ANTHROPIC} is absent, set ACCESS_MONITOR_SHARED")
def test_the_page_of_anthropic_yields_its_token_prices_under_the_names_it_uses() -> None:
    extraction = extract(ANTHROPIC.read_text(encoding="utf-8"), provider="anthropic")
    got = prices(extraction)
    assert Counter((tier, meter) for _, tier, meter in got) == {
        ("standard", "input"): 12,
        ("standard", "cache_write"): 12,
        ("standard", "cache_write_1h"): 12,
        ("standard", "cached_input"): 12,
        ("standard", "output"): 12,
        ("batch", "input"): 12,
        ("batch", "output"): 12,
    }
    assert got["Claude Opus 4.6", "standard", "cache_write"] == Decimal("6.25")
    assert got["Claude Opus 4.6", "standard", "cache_write_1h"] == Decimal("10")
    assert got["Claude Sonnet 3.7", "standard", "cached_input"] == Decimal("0.30")
    assert got["Claude Haiku 3", "batch", "output"] == Decimal("0.625")
    assert {(row.context, row.modality, row.unit) for row in extraction.rows} == {("short", "text", "1M tokens")}
    assert "Fast mode pricing" in refusals(extraction)  # its table names no model


def test_the_words_of_one_provider_are_not_those_of_another() -> None:
    page = "## Prices\n\n| Model | Base Input Tokens |\n|---|---|\n| claude-opus-4-6 | $5 / MTok |\n"
    assert len(extract(page, provider="anthropic").rows) == 1
    with pytest.raises(Unreadable):
        extract(page, provider="openai")


@pytest.mark.parametrize("name", ["Claude Opus 4.6 and 4.5", "Claude 4.x models", "Claude Opus 4.6 (US only)", "All"])
def test_what_is_no_single_display_name_is_no_model(name: str) -> None:
    page = f"## Prices\n\n| Model | Base Input Tokens |\n|---|---|\n| {name} | $5 / MTok |\n"
    with pytest.raises(Unreadable):
        extract(page, provider="anthropic")


def test_a_column_that_names_a_tier_states_it_and_contradicts_another_label() -> None:
    body = "| Model | Batch input | Batch output |\n|---|---|---|\n| m-1 | $1 | $2 |\n"
    got = prices(extract(f"# Text\n\nPrices per 1M tokens.\n\n{body}", provider="p"))
    assert set(got) == {("m-1", "batch", "input"), ("m-1", "batch", "output")}
    for page in (
        f"# Text\n\nPrices per 1M tokens.\n\n## Flex\n\n{body}",
        f"# Text\n\nPrices per 1M tokens.\n\n{body.replace('Batch input', 'Input')}",
    ):
        with pytest.raises(Unreadable):
            extract(page, provider="p")


def test_amounts_name_their_own_unit_only_all_together() -> None:
    page = "# Text\n\n| Model | Input | Output |\n|---|---|---|\n| m-1 | $1 / 1M tokens | $2{} |\n"
    assert len(extract(page.format(" / MTok"), provider="p").rows) == 2
    with pytest.raises(Unreadable, match="no unit is stated"):
        extract(page.format(""), provider="p")
    with pytest.raises(Unreadable, match="not per 1M tokens"):
        extract("# A\n\nPrices per 1K tokens.\n" + page.format(" / MTok").removeprefix("# Text\n"), provider="p")


def test_a_table_with_models_across_is_read_as_one_with_models_down() -> None:
    assert prices(extract(DEEPSEEK, provider="deepseek")) == {
        ("deepseek-chat", "standard", "cached_input"): Decimal("0.028"),
        ("deepseek-chat", "standard", "input"): Decimal("0.28"),
        ("deepseek-chat", "standard", "output"): Decimal("0.42"),
        ("deepseek-reasoner", "standard", "cached_input"): Decimal("0.028"),
        ("deepseek-reasoner", "standard", "input"): Decimal("0.28"),
        ("deepseek-reasoner", "standard", "output"): Decimal("0.43"),
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("PRICING", "DISCOUNT PRICE (UTC 16:30-00:30)"),
        ("deepseek-reasoner</td>", "DeepSeek Reasoner</td>"),
        ("<td>$0.43</td>", ""),
        ("BASE URL", "REGION"),
        ("$0.28<", "2元<"),
    ],
)
def test_a_table_with_models_across_that_says_more_than_is_known_yields_no_other_price(old: str, new: str) -> None:
    assert old in DEEPSEEK
    try:
        got = prices(extract(DEEPSEEK.replace(old, new), provider="deepseek"))
    except Unreadable:
        return
    assert got.items() < prices(extract(DEEPSEEK, provider="deepseek")).items()
