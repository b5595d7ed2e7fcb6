"""Pages with one table per model, whose meters stand in its rows and whose cells state several amounts under
conditions.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from monitor.core.price import PriceRow
from monitor.sources.extraction import Extraction, Unreadable
from monitor.sources.pricing_page import extract

HEAD = "|   | Free Tier | Paid Tier, per 1M tokens in USD |\n|---|---|---|\n"
PRO = f"""# Gemini Developer API pricing

## Gemini 2.5 Pro

*[`gemini-2.5-pro`](https://ai.google.dev/gemini-api/docs/models/gemini-2.5-pro)*

[Try it in Google AI Studio](https://aistudio.google.com/prompts/new_chat?model=gemini-2.5-pro)

Our state-of-the-art multipurpose model, which excels at coding and complex reasoning tasks.

### Standard

{HEAD}| Input price | Free of charge | $1.25, prompts \\<= 200k tokens $2.50, prompts \\> 200k tokens |
| Output price (including thinking tokens) | Free of charge | $10.00, prompts \\<= 200k tokens $15.00, prompts \\> 200k |
| Context caching price | Not available | $0.125, prompts \\<= 200k tokens $0.25, prompts \\> 200k $4.50 / 1,000,000 tokens per hour (storage price) |
| Grounding with Google Search^\\*^ | Not available | 1,500 RPD (free), then $35 / 1,000 grounded prompts |
| Used to improve our products | [Yes](https://ai.google.dev/gemini-api/terms) | [No](https://ai.google.dev/gemini-api/terms) |

### Batch

{HEAD}| Input price | Not available | $0.625, prompts \\<= 200k tokens $1.25, prompts \\> 200k tokens |
| Output price (including thinking tokens) | Not available | $5.00, prompts \\<= 200k tokens $7.50, prompts \\> 200k |
"""
FLASH = f"""
## Gemini 3.8 Flash

*`gemini-3.8-flash` and `gemini-3.8-flash-customtools`*

### Standard

{HEAD}| Input price | Free of charge | $0.75 through December 31, 2026. $1.50 starting January 1, 2027. |
| Output price (including thinking tokens) | Free of charge | $3.75 through December 31, 2026. $7.50 starting January 1, 2027. |
| Context caching price | Free of charge | $0.075 through December 31, 2026. $0.15 starting January 1, 2027. $0.50 / 1,000,000 tokens per hour (storage price) through December 31, 2026. |

### Priority

{HEAD}| Input price | Not available | $0.54 (text / image / video) $1.80 (audio) |
| Output price | Not available | Not available |
"""
OTHERS = f"""
## Gemini 3.1 Flash Image 🍌

*`gemini-3.1-flash-image`*

### Standard

{HEAD}| Input price | Not available | $0.50 (text/image) |
| Output price | Not available | $3 (text and thinking) $60.00 (images) |

## Veo 3.1

*`veo-3.1-generate-preview`*

### Standard

|   | Free Tier | Paid Tier, per second in USD |
|---|---|---|
| Veo 3.1 Standard video with audio price | Not available | $0.40 |

## Pricing for tools

{HEAD}| Google Search | 500 RPD free | $9.99 |
"""
HTML = """<!DOCTYPE html><html><body><div class="models-section"><div class="heading-group">
<h2 id="gemini-2.5-pro" data-text="Gemini 2.5 Pro" tabindex="-1">Gemini 2.5 Pro</h2>
<em><code translate="no" dir="ltr">gemini-2.5-pro</code></em></div>
<p><a href="https://aistudio.google.com?model=gemini-2.5-pro" class="button button-primary">Try it in Google AI Studio</a></p></div>
<p>Our state-of-the-art multipurpose model, which excels at coding and complex
reasoning tasks.</p>
<div><devsite-selector><section><h3 id="standard_11" data-text="Standard">Standard</h3><table class="pricing-table">
<colgroup><col><col class="free-tier"><col class="paid-tier"></colgroup>
<thead><tr><th></th><th scope="col">Free Tier</th><th scope="col">Paid Tier, per 1M tokens in USD</th></tr></thead><tbody>
<tr><td>Input price</td><td>Free of charge</td><td>$1.25, prompts <= 200k tokens<br>$2.50, prompts > 200k tokens</td></tr>
<tr><td>Output price (including thinking tokens)</td><td>Free of charge</td><td>$10.00, prompts &lt;= 200k tokens<br>$15.00, prompts &gt; 200k</td></tr>
<tr><td>Context caching price</td><td>Not available</td>
<td>$0.125, prompts <= 200k tokens<br>$0.25, prompts > 200k<br>$4.50 / 1,000,000 tokens per hour (storage price)</td></tr>
<tr><td>Grounding with Google Search</td><td>Not available</td><td>1,500 RPD (free), then $35 / 1,000 grounded prompts</td></tr>
<tr><td>Used to improve our products</td><td><a href="/gemini-api/terms">Yes</a></td><td><a href="/gemini-api/terms">No</a></td></tr>
</tbody></table></section><section><h3 id="batch_10">Batch</h3><table class="pricing-table">
<thead><tr><th></th><th>Free Tier</th><th>Paid Tier, per 1M tokens in USD</th></tr></thead><tbody>
<tr><td>Input price</td><td>Not available</td><td>$0.625, prompts <= 200k tokens<br>$1.25, prompts > 200k tokens</td></tr>
<tr><td>Output price (including thinking tokens)</td><td>Not available</td><td>$5.00, prompts <= 200k tokens<br>$7.50, prompts > 200k</td></tr>
</tbody></table></section></devsite-selector></div></body></html>"""
EXPECTED = {
    ("gemini-2.5-pro", "standard", "short", "text", "input"): "1.25",
    ("gemini-2.5-pro", "standard", "long", "text", "input"): "2.50",
    ("gemini-2.5-pro", "standard", "short", "text", "output"): "10.00",
    ("gemini-2.5-pro", "standard", "long", "text", "output"): "15.00",
    ("gemini-2.5-pro", "standard", "short", "text", "cached_input"): "0.125",
    ("gemini-2.5-pro", "standard", "long", "text", "cached_input"): "0.25",
    ("gemini-2.5-pro", "batch", "short", "text", "input"): "0.625",
    ("gemini-2.5-pro", "batch", "long", "text", "input"): "1.25",
    ("gemini-2.5-pro", "batch", "short", "text", "output"): "5.00",
    ("gemini-2.5-pro", "batch", "long", "text", "output"): "7.50",
}
NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)


def read(text: str) -> Extraction:
    return extract(text, provider="google")


def identified(rows: object) -> dict[tuple[str, ...], str]:
    assert isinstance(rows, tuple | list)
    return {(row.model, *row.identity[:4]): str(row.amount) for row in rows}


def table(*lines: str, id: str = "*`gemini-x-1`*", tier: str = "### Standard") -> str:
    return f"## Gemini X\n\n{id}\n\n{tier}\n\n{HEAD}" + "\n".join(lines) + "\n"


@pytest.mark.parametrize("page", [PRO, HTML], ids=["markdown", "html"])
def test_each_table_is_about_the_ids_of_its_section_and_the_tier_of_its_tab(page: str) -> None:
    extraction = read(page)
    assert identified(extraction.rows) == EXPECTED
    assert len(extraction.rows) == len(EXPECTED)
    assert extraction.refused == ()


def test_a_dated_price_holds_on_its_days_and_its_successor_from_then_on() -> None:
    rows = [row for row in read(PRO + FLASH).rows if row.model == "gemini-3.8-flash" and row.tier == "standard"]
    assert identified([row for row in rows if row.effective(datetime(2026, 12, 31, 23, 59, tzinfo=UTC))]) == {
        ("gemini-3.8-flash", "standard", "short", "text", "input"): "0.75",
        ("gemini-3.8-flash", "standard", "short", "text", "output"): "3.75",
        ("gemini-3.8-flash", "standard", "short", "text", "cached_input"): "0.075",
    }
    assert identified([row for row in rows if row.effective(NEW_YEAR)]) == {
        ("gemini-3.8-flash", "standard", "short", "text", "input"): "1.50",
        ("gemini-3.8-flash", "standard", "short", "text", "output"): "7.50",
        ("gemini-3.8-flash", "standard", "short", "text", "cached_input"): "0.15",
    }
    assert {row.valid_to for row in rows} | {row.valid_from for row in rows} == {None, NEW_YEAR}


def test_several_ids_over_a_table_have_the_same_prices_and_kinds_of_tokens_their_own() -> None:
    found = identified([row for row in read(PRO + FLASH).rows if row.tier == "priority"])
    assert found == {
        (model, "priority", "short", kind, "input"): amount
        for model in ("gemini-3.8-flash", "gemini-3.8-flash-customtools")
        for kind, amount in (("text", "0.54"), ("image", "0.54"), ("video", "0.54"), ("audio", "1.80"))
    }


def test_what_is_free_or_not_available_is_no_price() -> None:
    extraction = read(
        PRO
        + table("| Input price | Free of charge | Free of charge |", "| Output price | Not available | Not available |")
    )
    assert not any(row.model == "gemini-x-1" or row.amount == 0 for row in extraction.rows)


def test_videos_and_tools_are_refused_with_their_place_and_tokens_of_images_are_read() -> None:
    extraction = read(PRO + OTHERS)
    image = {
        ("gemini-3.1-flash-image", "standard", "short", "text", "input"): "0.50",
        ("gemini-3.1-flash-image", "standard", "short", "image", "input"): "0.50",
        ("gemini-3.1-flash-image", "standard", "short", "text", "output"): "3",
        ("gemini-3.1-flash-image", "standard", "short", "image", "output"): "60.00",
    }
    assert identified(extraction.rows) == EXPECTED | image
    said = "\n".join(f"{where}: {reason}" for where, reason, _ in extraction.refused)
    for title in ("Veo 3.1", "Pricing for tools"):
        assert title in said


@pytest.mark.parametrize(
    "cell",
    [
        "$0.039 per image*",
        "$0.50 (pictures)",
        "$0.50 in Europe",
        "from $0.50",
        "$0.50 $0.60",
        "$0.50, prompts <= 200k tokens $0.60, prompts > 128k tokens",
        "$0.50, prompts <= 200k tokens, prompts > 200k tokens",
        "$0.50 through February 30, 2026.",
        "$0.50 through May 1, 2026 through June 1, 2026",
        "$0.50 until the end",
        "$0.50/second",
        "$0.50 / 1,000 tokens",
        "$0.5.0",
        "~~$0.50~~",
        "€0.50",
        "50 cents",
    ],
)
def test_a_cell_with_a_word_that_is_not_understood_is_refused_whole_and_alone(cell: str) -> None:
    extraction = read(table(f"| Input price | Free of charge | {cell} |", "| Output price | Free of charge | $2.00 |"))
    assert identified(extraction.rows) == {("gemini-x-1", "standard", "short", "text", "output"): "2.00"}
    assert ["gemini-x-1" in about for _, _, about in extraction.refused] == [True]


def test_a_price_of_storage_is_by_the_hour_and_none_of_tokens() -> None:
    extraction = read(
        table(
            "| Input price | - | $1 |",
            "| Context caching price | - | $1.00 / 1,000,000 tokens per hour (storage price) |",
        )
    )
    assert identified(extraction.rows) == {("gemini-x-1", "standard", "short", "text", "input"): "1"}


@pytest.mark.parametrize("id", ["", "A model without an id of its own.", "*`gemini-x-1` (preview)*"])
def test_a_section_that_names_no_id_yields_nothing(id: str) -> None:
    extraction = read(PRO + table("| Input price | - | $1 |", id=id))
    assert identified(extraction.rows) == EXPECTED
    assert any("names no model by id" in reason for _, reason, _ in extraction.refused)


@pytest.mark.parametrize("tier", ["### Economy", "### Standard (Live API)"])
def test_a_tab_that_names_no_tier_yields_nothing_beside_tabs_that_do(tier: str) -> None:
    page = PRO + tier + f"\n\n{HEAD}| Input price | - | $9 |\n"
    assert identified(read(page).rows) == EXPECTED


@pytest.mark.parametrize(
    "head",
    [
        "|   | Free Tier | Paid Tier, per 1K tokens in USD |",
        "|   | Free Tier | Paid Tier |",
        "|   | Paid Tier, per 1M tokens in USD | Enterprise Tier, per 1M tokens in USD |",
        "| Region | Free Tier | Paid Tier, per 1M tokens in USD |",
        "|   | Paid Tier, per 1M tokens in USD | Paid Tier, per 1M tokens in USD |",
    ],
)
def test_columns_other_than_those_of_the_profile_are_refused(head: str) -> None:
    page = f"## Gemini X\n\n*`gemini-x-1`*\n\n### Standard\n\n{head}\n|---|---|---|\n| Input price | $1 | $2 |\n"
    with pytest.raises(Unreadable):
        read(page)


def test_the_same_table_is_refused_for_a_provider_without_these_words() -> None:
    with pytest.raises(Unreadable):
        extract(PRO, provider="openai")


def test_one_meter_under_two_labels_is_refused() -> None:
    with pytest.raises(Unreadable, match="the same price twice"):
        read(table("| Input price | - | $1 |", "| Text input price | - | $2 |"))


# -- the words of another provider whose rows are dated ---------------------------------------------------------------

MODELS = """## Model pricing

| Model | Base input tokens | 5m cache writes | 1h cache writes | Cache hits and refreshes | Output tokens |
| --- | --- | --- | --- | --- | --- |
| Claude Fable 5.1 | $10 / MTok | $12.50 / MTok | $20 / MTok | $0.25 / MTok<sup>1</sup> | $50 / MTok |
| Claude Opus 5.5 | $4 / MTok | $5 / MTok | $8 / MTok | $0.20 / MTok2 | $20 / MTok |
| Claude Mythos 5 ([limited availability](https://x.example)) | $10 / MTok | $12.50 / MTok | $20 / MTok | $1 / MTok | $50 / MTok |
| Claude Opus 4.1 ([retired, except on Bedrock](https://x.example)) | $15 / MTok | $18.75 / MTok | $30 / MTok | $1.50 / MTok | $75 / MTok |
| Claude Sonnet 5 through August 31, 2026 | $2 / MTok | $2.50 / MTok | $4 / MTok | $0.20 / MTok | $10 / MTok |
| Claude Sonnet 5 starting September 1, 2026 | $3 / MTok | $3.75 / MTok | $6 / MTok | $0.30 / MTok | $15 / MTok |
| Claude Haiku 5.5 (for prompts up to 100,000 tokens) | $0.10 / MTok | $0.125 / MTok | $0.20 / MTok | $0.01 / MTok | $0.50 / MTok |
| Claude Haiku 5.5 (for prompts over 100,000 tokens) | $0.50 / MTok | $0.625 / MTok | $1 / MTok | $0.05 / MTok | $2.50 / MTok |

## Feature-specific pricing

### Batch processing

| Model | Batch input | Batch output |
| --- | --- | --- |
| Claude Sonnet 5 through August 31, 2026 | $1 / MTok | $5 / MTok |
| Claude Sonnet 5 starting September 1, 2026 | $1.50 / MTok | $7.50 / MTok |

### Fast mode pricing

| Model | Input | Output |
| --- | --- | --- |
| Claude Opus 5.5 | $8 / MTok | $40 / MTok |
| Claude Opus 5 / Claude Opus 4.8 | $10 / MTok | $50 / MTok |
"""


def priced(rows: object, model: str, meter: str, tier: str = "standard", context: str = "short") -> list[Decimal]:
    assert isinstance(rows, tuple)
    found: list[PriceRow] = [row for row in rows if row.model == model]
    return [row.amount for row in found if (row.tier, row.context, row.meter) == (tier, context, meter)]


def test_rows_for_prompts_of_two_sizes_are_the_two_bands_of_one_model() -> None:
    rows = extract(MODELS, provider="anthropic").rows
    assert priced(rows, "Claude Haiku 5.5", "input") == [Decimal("0.10")]
    assert priced(rows, "Claude Haiku 5.5", "input", context="long") == [Decimal("0.50")]
    assert priced(rows, "Claude Haiku 5.5", "cache_write_1h", context="long") == [Decimal("1")]


def test_rows_with_dates_are_the_schedule_of_one_model() -> None:
    rows = extract(MODELS, provider="anthropic").rows
    autumn = datetime(2026, 9, 1, tzinfo=UTC)
    for tier, before, after in (("standard", "2", "3"), ("batch", "1", "1.50")):
        dated = [r for r in rows if (r.model, r.meter, r.tier) == ("Claude Sonnet 5", "input", tier)]
        assert {(r.amount, r.valid_from, r.valid_to) for r in dated} == {
            (Decimal(before), None, autumn),
            (Decimal(after), autumn, None),
        }


def test_a_row_of_several_names_and_a_footnote_behind_a_unit_are_understood() -> None:
    extraction = extract(MODELS, provider="anthropic")
    assert priced(extraction.rows, "Claude Fable 5.1", "cached_input") == [Decimal("0.25")]
    assert priced(extraction.rows, "Claude Opus 5.5", "cached_input") == [Decimal("0.20")]
    assert priced(extraction.rows, "Claude Mythos 5", "input") == [Decimal("10")]
    for name, amount in (("Claude Opus 5.5", "8"), ("Claude Opus 5", "10"), ("Claude Opus 4.8", "10")):
        assert priced(extraction.rows, name, "input", tier="priority") == [Decimal(amount)]
    (refused,) = extraction.refused
    assert "retired, except on Bedrock" in refused.reason
    assert "4.1" in refused.about


@pytest.mark.parametrize(
    "label",
    [
        "Claude Opus 5 on Bedrock",
        "Claude Opus 5 (US only)",
        "Claude Opus 5 / GPT-5",
        "Claude Opus 5 through August 31, 2026 / Claude Opus 4.8",
        "Claude Opus 5 / ",
        "Claude Opus 5 5x",
    ],
)
def test_a_label_with_a_condition_that_is_not_understood_is_refused(label: str) -> None:
    page = MODELS + f"| {label} | $77 / MTok | $78 / MTok |\n"
    extraction = extract(page, provider="anthropic")
    assert Decimal(77) not in {row.amount for row in extraction.rows}
    assert len(extraction.refused) == 2
