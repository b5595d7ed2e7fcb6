"""The real pages against the rows that an independent script read from them."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path

import pytest

from monitor.sources.extraction import Extraction, Unreadable
from monitor.sources.pricing_page import extract

SHARED = Path(os.environ.get("ACCESS_MONITOR_SHARED", Path(__file__).parents[3].parent / "shared"))
PAGES = SHARED / "pages"
OFFICIAL = "openai-pricing/2026-08-22plus_llms-txt-archive_pricing.md"
GROUPED_HEADER = "openai-pricing/2026-06-26_ainative_pricing.md"
MIXED_TUPLES = "openai-pricing/2026-07-15_piercecohen_pricing.md"
METERS = ("input", "cached_input", "cache_write", "output")

Prices = dict[tuple[str, str, str, str, str], Decimal]

pytestmark = pytest.mark.skipif(
    not PAGES.is_dir(), reason=f"NO REAL PAGES: {PAGES} is absent, set ACCESS_MONITOR_SHARED"
)


def page(name: str) -> str:
    return (PAGES / name).read_text(encoding="utf-8")


def prices(extraction: Extraction) -> Prices:
    return {(row.model, *row.identity[:4]): row.amount for row in extraction.rows}


def truth() -> dict[str, Prices]:
    pages = json.loads(page("openai-pricing/TRUTH_prices.json"), parse_float=Decimal)
    return {
        entry["file"]: {
            (row["model"], row["tier"], row["context"], "text", meter): Decimal(row[meter])
            for row in entry["prices"]
            for meter in METERS
            if row.get(meter) is not None
        }
        for entry in pages
    }


TRUE_PAGES = {
    "openai-pricing/2026-05-29_piercecohen_pricing.md": 273,
    GROUPED_HEADER: 83,
    MIXED_TUPLES: 321,
    "openai-pricing/2026-08-01to20_id61738398389_pricing_trimmed.md": 24,
    OFFICIAL: 358,
    "openai-pricing/2026-09_id71053967748_pricing_gpt6_partial.md": 269,
}


@pytest.mark.parametrize("name", TRUE_PAGES)
def test_a_real_page_yields_every_true_price_and_no_other_for_its_models(name: str) -> None:
    want, got = truth()[name], prices(extract(page(name), provider="openai"))
    assert len(want) == TRUE_PAGES[name]
    models = {key[0] for key in want}
    assert {key: amount for key, amount in got.items() if key[0] in models} == want


def test_every_row_names_provider_unit_and_currency() -> None:
    rows = extract(page(OFFICIAL), provider="someone").rows
    assert {(row.provider, row.unit, row.currency) for row in rows} == {("someone", "1M tokens", "USD")}


def test_the_official_page_yields_multimodal_prices_by_modality() -> None:
    got = prices(extract(page(OFFICIAL), provider="openai"))
    assert got["gpt-realtime-2.1", "standard", "short", "audio", "output"] == Decimal("64")
    assert got["gpt-realtime-2.1", "standard", "short", "text", "output"] == Decimal("24")
    assert got["gpt-image-2", "batch", "short", "image", "input"] == Decimal("4")
    assert ("gpt-realtime-2.1", "standard", "short", "image", "output") not in got


def test_the_official_page_names_what_it_refuses() -> None:
    refused = {
        (refusal.where.split(", line")[0], refusal.reason)
        for refusal in extract(page(OFFICIAL), provider="openai").refused
    }
    assert ("Pricing › Finetuning", "fine-tuning prices, not inference") in refused
    assert any(
        where == "Pricing › Realtime and audio generation models" and "1M characters" in reason
        for where, reason in refused
    )
    assert any(where == "Pricing › Tools" for where, _ in refused)
    assert not any("Flagship" in where or "Cyber" in where for where, _ in refused)


def test_the_official_page_tells_uplifts_promotions_and_aliases_as_notes() -> None:
    notes = " ".join(extract(page(OFFICIAL), provider="openai").notes)
    assert "10% uplift" in notes
    assert "at least through November 21, 2026" in notes
    assert "aliases that currently point to gpt-5.6-sol" in notes


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("openai-pricing/2026-02-26_piercecohen_pricing.md", "holds no table"),
        ("openai-pricing/2026-08-22plus_nougentracker_astro_island_fragment.html", "no unit is stated"),
        ("openai-codex-pricing/2026-07-06_piercecohen_codex_pricing.md", "no price was recognised"),
        ("anthropic-pricing/2026-04-16_onewesong_pricing.md", "no price was recognised"),
        ("other-pricing/2026-04-17_albertus_deepseek_pricing.md", "holds no table"),
        ("openai-deprecations/2025-11-13_leblancfg_openai_deprecations.html", "no price was recognised"),
        ("openai-deprecations/2026-07-06_piercecohen_deprecations.md", "no price was recognised"),
        ("openai-models/2026-06-26_ainative_models_all.md", "no price was recognised"),
    ],
)
def test_a_page_without_recognised_token_prices_is_unreadable(name: str, says: str) -> None:
    with pytest.raises(Unreadable) as caught:
        extract(page(name), provider="openai")
    assert says in caught.value.reason


def readable(text: str) -> Prices:
    try:
        return prices(extract(text, provider="openai"))
    except Unreadable:
        return {}


@pytest.mark.parametrize("name", [OFFICIAL, GROUPED_HEADER, MIXED_TUPLES])
def test_a_real_page_without_one_of_its_lines_states_no_new_price(name: str) -> None:
    text = page(name)
    whole, lines = readable(text), text.split("\n")
    unspaced = [i for i, line in enumerate(lines) if line.strip() and not line.startswith(("| gpt", "| o"))]
    for i in unspaced[::2]:
        got = readable("\n".join(lines[:i] + lines[i + 1 :]))
        assert got.items() <= whole.items(), f"without line {i + 1}: {lines[i]!r}"


@pytest.mark.parametrize("name", [OFFICIAL, GROUPED_HEADER, MIXED_TUPLES])
def test_a_real_page_cut_at_either_end_states_no_new_price(name: str) -> None:
    text = page(name)
    whole = readable(text)
    for cut in range(0, len(text), 211):
        assert readable(text[:cut]).items() <= whole.items(), f"cut after {cut}"
        assert readable(text[cut:]).items() <= whole.items(), f"cut before {cut}"
