"""What stands around a table, in it and over it decides what its prices are: none of that may be passed over in
silence.
"""

from __future__ import annotations

import json
from html import escape

import pytest

from monitor.sources.extraction import Unreadable
from monitor.sources.pricing_page import extract

PAGE = "# Pricing\n\nPrices per 1M tokens.\n\n"
TABLE = "| Model | Input | Output |\n| --- | --- | --- |\n| m-1 | $1.00 | $6.00 |\n"
HTML = "<!doctype html><html><body><h1>Pricing</h1><p>Prices per 1M tokens.</p>{}</body></html>"
ROWS = "<thead><tr><th>Model</th><th>Input</th></tr></thead><tbody><tr><td>m-1</td><td>$1.00</td></tr></tbody></table>"


def places(text: str) -> set[tuple[str, str, str]]:
    return {(row.model, row.tier, row.context) for row in extract(text, provider="openai").rows}


@pytest.mark.parametrize(
    ("caption", "tier"),
    [("Batch", "batch"), ("Batch API prices", "batch"), ("Flex pricing data", "flex"), ("Flagship", "standard")],
)
@pytest.mark.parametrize("written", ["<table><caption>{}</caption>", "<table><caption>{}", '<table aria-label="{}">'])
def test_a_tables_own_caption_says_its_tier(written: str, caption: str, tier: str) -> None:
    table = written.format(caption) + ROWS
    assert places(HTML.format(table)) == {("m-1", tier, "short")}
    assert places(PAGE + table) == {("m-1", tier, "short")}


def test_a_caption_holds_for_its_own_table_alone() -> None:
    other = "<table>" + ROWS.replace("m-1", "m-2")
    first = "<table><caption>{}</caption>" + ROWS
    assert places(HTML.format(first.format("Audio tokens") + other)) == {
        ("m-1", "standard", "short"),
        ("m-2", "standard", "short"),
    }
    assert places(HTML.format(first.format("Batch") + other)) == {("m-1", "batch", "short")}


@pytest.mark.parametrize("caption", ["Prices per 1K tokens", "All prices are in EUR", "Table 1: batch", "Fine-tuning"])
def test_a_caption_of_another_unit_tier_or_offer_is_refused(caption: str) -> None:
    with pytest.raises(Unreadable):
        extract(HTML.format(f"<table><caption>{caption}</caption>{ROWS}"), provider="openai")


@pytest.mark.parametrize(
    "tabs",
    [
        '<div role="tablist"><button role="tab">Standard</button><button role="tab">Batch</button></div>',
        "<button>Standard</button><button>Batch</button>",
        "<select><option>Standard</option><option selected>Batch</option></select>",
        '<div role="tablist"><a>Standard</a> <a>Flex</a></div>',
    ],
)
def test_a_table_among_tabs_that_only_controls_name_is_no_standard_one(tabs: str) -> None:
    with pytest.raises(Unreadable, match="tabs of tiers"):
        extract(HTML.format(tabs + "<table>" + ROWS), provider="openai")
    panel = f'{tabs}<div role="tabpanel" aria-label="Batch"><table>{ROWS}</div>'
    assert places(HTML.format(panel)) == {("m-1", "batch", "short")}
    assert places(HTML.format("<button>Copy page</button><table>" + ROWS)) == {("m-1", "standard", "short")}


@pytest.mark.parametrize("title", ["## Long context", "Long context", "### Long-context pricing (>272K tokens)"])
def test_plain_columns_under_a_title_of_long_contexts_are_of_that_band(title: str) -> None:
    assert places(f"{PAGE}{TABLE}\n\n{title}\n\n{TABLE.replace('m-1', 'm-2')}") == {
        ("m-1", "standard", "short"),
        ("m-2", "standard", "long"),
    }


@pytest.mark.parametrize("title", ["Prompts over 272K tokens", "Longer prompts", "Medium context", "Above 1M"])
def test_a_title_of_some_other_size_of_prompts_is_refused(title: str) -> None:
    with pytest.raises(Unreadable, match="prompts of some size"):
        extract(f"{PAGE}## {title}\n\n{TABLE}", provider="openai")


def test_a_title_of_long_contexts_over_short_columns_is_refused() -> None:
    short = TABLE.replace("Input", "Short context input").replace("Output", "Short context output")
    with pytest.raises(Unreadable, match="long contexts"):
        extract(f"{PAGE}## Long context\n\n{short}", provider="openai")


@pytest.mark.parametrize(
    "title",
    [
        "Government",
        "Historical pricing",
        "Promotional prices",
        "Off-peak",
        "Example",
        "Turbo mode",
        "Economy tier",
    ],
)
def test_a_title_of_an_offer_or_a_tier_that_is_not_known_is_refused(title: str) -> None:
    with pytest.raises(Unreadable):
        extract(f"{PAGE}### {title}\n\n{TABLE}", provider="openai")


def test_a_loose_sentence_that_only_mentions_an_offer_is_no_title_of_one() -> None:
    assert places(f"{PAGE}Contact sales for enterprise pricing\n\n{TABLE}") == {("m-1", "standard", "short")}


@pytest.mark.parametrize(
    "said",
    [
        "Batch:",
        "Tier: Batch",
        "Processing mode: Batch",
        "The following prices apply to the Batch API.",
        "Prices below are for batch processing.",
    ],
)
def test_a_tier_said_with_a_colon_or_in_a_sentence_is_that_of_the_next_table(said: str) -> None:
    assert places(f"{PAGE}{said}\n\n{TABLE}") == {("m-1", "batch", "short")}


def test_a_sentence_about_two_tiers_leaves_the_next_table_without_one() -> None:
    with pytest.raises(Unreadable, match="its tier is not known"):
        extract(f"{PAGE}The following prices apply to Batch API and Flex processing.\n\n{TABLE}", provider="openai")


@pytest.mark.parametrize(
    "said", ["All prices are in AUD.", "Prices are in Canadian dollars.", "Prices: CHF.", "Price in HK$."]
)
def test_a_page_in_another_currency_is_refused(said: str) -> None:
    with pytest.raises(Unreadable, match="not per 1M tokens"):
        extract(f"{PAGE}{said}\n\n{TABLE}", provider="openai")


def test_a_row_that_is_a_title_holds_for_the_rows_below_it() -> None:
    groups = "| **Standard** | | |\n| m-1 | $1.00 | $6.00 |\n| **Batch** | | |\n| m-1 | $0.50 | $3.00 |\n"
    head = "| Model | Input | Output |\n| --- | --- | --- |\n"
    assert places(PAGE + head + groups) == {("m-1", "standard", "short"), ("m-1", "batch", "short")}
    spanned = "<table><tr><th>Model</th><th>Input</th></tr>{}<tr><td>m-1</td><td>$1</td></tr></table>"
    for title, place in {"Batch": "batch", "Latest models": "standard"}.items():
        page = HTML.format(spanned.format(f'<tr><td colspan="2">{title}</td></tr>'))
        assert places(page) == {("m-1", place, "short")}
    for title in ("Realtime API", "Regional processing", "Batches for batch", "Prices per 1K tokens"):
        with pytest.raises(Unreadable):
            extract(HTML.format(spanned.format(f'<tr><td colspan="2">{title}</td></tr>')), provider="openai")


def test_a_row_above_the_first_title_of_a_tier_is_refused() -> None:
    head = "| Model | Input | Output |\n| --- | --- | --- |\n"
    page = f"{PAGE}{head}| m-2 | $1.00 | $6.00 |\n| Batch | | |\n| m-1 | $0.50 | $3.00 |\n"
    assert places(page) == {("m-1", "batch", "short")}


@pytest.mark.parametrize("told", ["Batch", "Long context", "Prompts over 200K"])
def test_a_condition_in_a_column_of_descriptions_is_refused(told: str) -> None:
    table = f"| Category | Model | Input |\n|---|---|---|\n| {told} | m-1 | $1.00 |\n| Search | m-2 | $2.00 |\n"
    assert places(PAGE + table) == {("m-2", "standard", "short")}


def component(properties: str) -> str:
    return f"{PAGE}<TextTokenPricingTables {properties} rows={{[['m-1', 2, 0.2, 8]]}} />\n"


@pytest.mark.parametrize(
    "properties",
    [
        'context="long"',
        'region="eu"',
        'unit="1K tokens"',
        "currency={'EUR'}",
        "columns={['Model', 'Output', 'Cached', 'Input']}",
        "tier={tier}",
        "tier={`${tier}`}",
        "{...props}",
        'tier="batch" tier="flex"',
        "rows={[['m-1', 3, 0.3, 9]]}",
    ],
)
def test_a_component_with_a_condition_or_with_what_the_page_does_not_state_is_refused(properties: str) -> None:
    with pytest.raises(Unreadable, match="TextTokenPricingTables"):
        extract(component(properties), provider="openai")


@pytest.mark.parametrize(
    "properties",
    [
        'tier="batch"',
        "tier={'batch'}",
        'tier = { "batch" }',
        "client:load note=\"tier='flex' was\" tier='batch'",
        'footnote={html(\'rows={[]} of tier="flex" {not} it’s\')} tier="batch" region={null} context=""',
    ],
)
def test_a_components_tier_is_its_property_and_no_text_within_another(properties: str) -> None:
    assert places(component(properties)) == {("m-1", "batch", "short")}


def test_an_island_with_a_condition_is_refused() -> None:
    def page(**properties: object) -> str:
        props = {"tier": [0, "batch"], "rows": [1, [[1, [[0, "m-1"], [0, 2], [0, 0.2], [0, 8]]]]], **properties}
        opts = escape(json.dumps({"name": "TextTokenPricingTables", "value": True}))
        return HTML.format(f'<astro-island props="{escape(json.dumps(props))}" opts="{opts}"></astro-island>')

    assert places(page(latestSectionLabel=[0, None], region=[0, None])) == {("m-1", "batch", "short")}
    with pytest.raises(Unreadable, match="props"):
        extract(page(region=[0, "eu"]), provider="openai")


@pytest.mark.parametrize(
    ("raised", "read"),
    [("1", True), ("[2]", True), ("a", True), ("†", True), ("New", True), ("EU only", False), ("batch", False)],
)
def test_a_superscript_is_a_footnotes_mark_or_a_condition(raised: str, read: bool) -> None:
    table = f"| Model | Input |\n|---|---|\n| m-0 | $2.00 |\n| m-1<sup>{raised}</sup> | $1.00 |\n"
    cells = ROWS.replace("<td>m-1</td>", f"<td>m-1<sup><a href='#n'>{raised}</a></sup></td>")
    cells = cells.replace("<tbody>", "<tbody><tr><td>m-0</td><td>$2.00</td></tr>")
    for page in (PAGE + table, HTML.format("<table>" + cells)):
        assert (("m-1", "standard", "short") in places(page)) is read
