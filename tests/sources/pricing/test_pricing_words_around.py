"""Words around a table, wherever they stand and however they are put, state no wrong price; words of anything else take
none away.
"""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

import pytest

from monitor.sources.pricing_page import extract
from tests.support.pricing_words import BELOW, NOTES, PLACES, ROW, TABLE, UNIT, grid, html, rows, silent

CURRENCIES = [
    "All prices are in Canadian dollars.",
    "Prices in EUR.",
    "Amounts shown are in Swiss francs.",
    "Prices are listed in Japanese yen (JPY).",
    "All figures in NOK, excl. VAT.",
    "Currency: AUD",
    "Prices are denominated in Mexican pesos.",
    (
        "All prices on this page are shown in Brazilian reais, exclude taxes, and may vary with the exchange rate "
        "on the day on which you are billed by your bank."
    ),
    "Please note that prices are in A$.",
    "Our prices are in S$.",
    "We bill in euros.",
    "Customers are charged in Korean won.",
    "Prices shown in your local currency.",
    "Prices: CHF",
    "* Prices are in CAD.",
    "Costs are given in South African rand.",
    "Prices are in thousands of dollars.",
    "Prices quoted in £.",
]
UNITS = [
    "Prices are per 1K tokens.",
    "All prices are per 1,000 tokens.",
    "Prices per million characters.",
    "Rates are per token.",
    "Output prices are per 1K tokens.",
    "Prices are for 1,000 tokens.",
    (
        "All prices are per thousand tokens and exclude taxes of any kind that may apply in the country where your "
        "business is registered or uses the service."
    ),
    "Token prices are per kilotoken.",
    "Prices are per billion tokens.",
]
DAYS = [
    "The following prices take effect on October 1, 2027:",
    "Effective October 1, 2027, the new prices are:",
    "New prices from 1 October 2027:",
    "From 2027-10-01 onwards:",
    "Future pricing",
    "The old price list, valid until August 31, 2025:",
    "Prices before August 31, 2025:",
    "Superseded on August 31, 2025",
    "The current price list will remain in effect until October 1, 2027:",
    "Starting from 16:00 UTC on Sept 5th, 2027, we will apply the following price list:",
    "The prices below come into force on 2027-11-01.",
    "New rates apply as of November 2027:",
    "Old prices",
    "Planned prices for next quarter",
    "These prices are no longer valid.",
    "These rates expire on December 31, 2025.",
    "Price list 2025",
    "Starting Q1 2028:",
    "Not yet in effect",
    "Preise ab 1. Januar 2028",
    "Prices (from 10/01/2027)",
    "Prices will take effect next month.",
    "On October 1, 2027 our prices change to the following:",
    "As of tomorrow:",
]
OFFERS = [
    "These prices apply to nonprofits only.",
    "The following prices are for enterprise customers.",
    "Prices for accredited universities.",
    "These prices are available to startups in our accelerator.",
    "Only available in the EU.",
    "For students only.",
    "The prices below apply to prompts over 200K tokens.",
    "These prices are for audio tokens.",
    "The following rates apply in the China region.",
    "These are promotional prices.",
    "Prices below include a 20% launch discount.",
    "The table below shows prices for committed use of one year.",
    "These prices apply at night (22:00-06:00 UTC).",
    "These prices apply with data sharing enabled.",
    "Reserved for partners.",
]
TITLES = [
    "Nonprofit rates",
    "Hackathon deal",
    "Weekend pricing",
    "Loyalty program",
    "Night tariff",
    "Pricing for startups",
    "APAC",
    "Volume over 1B tokens",
    "Usage tier 1 (first 10M tokens)",
    "Annual commitment",
    "Fine-tuned models",
    "Government cloud",
    "With caching",
    "Bulk",
    "Lite plan",
    "Free trial",
    "Grandfathered",
    "Spot",
    "Prompts above 128K",
    "Off-peak hours (UTC 16:30-00:30)",
    "On Azure",
    "Thinking enabled",
    "Turbo",
    "Beta",
    "Tool use",
]


@pytest.mark.parametrize("said", CURRENCIES)
@pytest.mark.parametrize("place", [*PLACES, *BELOW, *NOTES])
def test_prices_in_another_currency_are_refused_wherever_it_is_said(place: str, said: str) -> None:
    assert silent((PLACES | BELOW | NOTES)[place].format(said)) == []


@pytest.mark.parametrize("said", UNITS)
@pytest.mark.parametrize("place", [*PLACES, *BELOW, *NOTES])
def test_prices_by_another_unit_are_refused_wherever_it_is_said(place: str, said: str) -> None:
    assert silent((PLACES | BELOW | NOTES)[place].format(said)) == []


@pytest.mark.parametrize("said", DAYS)
@pytest.mark.parametrize("place", [*PLACES, "below the table", "a footnote"])
def test_prices_of_another_time_bear_their_day_or_are_refused(place: str, said: str) -> None:
    assert silent((PLACES | BELOW)[place].format(said)) == []


@pytest.mark.parametrize("said", OFFERS)
@pytest.mark.parametrize("place", [*PLACES, *BELOW])
def test_prices_that_a_sentence_limits_are_refused(place: str, said: str) -> None:
    if place != "an item":
        assert silent((PLACES | BELOW)[place].format(said)) == []


@pytest.mark.parametrize("title", TITLES)
@pytest.mark.parametrize(
    "place", ["the title", "a heading", "a caption", "over the table", "in bold", "over a loose title"]
)
def test_a_title_that_is_not_understood_makes_an_offer_of_its_own(place: str, title: str) -> None:
    text = PLACES[place].format(title)
    assert silent(text) == []
    assert silent(text.replace(title, f"{title}:")) == []
    within = TABLE.replace("| orion-2", f"| **{title}** | | |\n| orion-2")
    assert silent(f"# Pricing\n\n{UNIT}\n\n{within}") == []


def test_an_offer_of_its_own_is_named_after_its_title_and_stands_beside_the_standard_prices() -> None:
    page = f"# Pricing\n\n{UNIT}\n\n## Text models\n\n{TABLE}\n\n## Startup program\n\n{TABLE.replace('1.25', '0.25')}"
    found = {(row.tier, row.meter): str(row.amount) for row in rows(page)}
    assert found["standard", "input"] == "1.25"
    assert found["other:startup-program", "input"] == "0.25"


@pytest.mark.parametrize(
    "title", ["Orion", "Orion models", "ORION-2", "Our latest Orion models", "Pricing – Orion API"]
)
def test_the_names_of_the_models_of_a_table_tell_nothing_apart(title: str) -> None:
    assert len(silent(PLACES["a heading"].format(title))) == 2


HARMLESS = [
    "orion-2 was released on August 7, 2025.",
    "Last updated: August 1, 2026",
    "Prices may change at any time.",
    "Contact sales for enterprise pricing.",
    "Priority processing was renamed Fast mode on July 30, 2026.",
    "Batch requests are billed at 50% of these rates.",
    "Cached input is billed at 10% of the input price.",
    "All prices are in USD.",
    "All prices are in U.S. dollars and exclude taxes.",
    "A token is about four characters.",
    "Regional processing endpoints are charged a 10% uplift for models released on or after March 5, 2026.",
    "Web search is billed at $10 per 1,000 calls.",
    "The following table shows prices for all models.",
    "Learn more about prompt caching",
    "orion-1 will be retired on October 1, 2027.",
    "Discounts for startups are available on request.",
    "Volume discounts may be available for high-volume users.",
    "The API is available in 150 countries.",
    "© 2026 Orion Inc. All rights reserved.",
    "Prices were updated on July 1, 2026.",
    "All prices are per 1M tokens in USD.",
    "Prompts over 272K tokens are billed at 2x input.",
    "GPT-5.6 Sol, Terra and Luna are in limited preview; a price here is not a grant of access.",
    "Orion 3's launch price holds at least through November 21, 2026.",
]


@pytest.mark.parametrize("said", HARMLESS)
@pytest.mark.parametrize("place", [*PLACES, *BELOW, *NOTES])
def test_words_of_anything_else_take_no_price_away(place: str, said: str) -> None:
    if place not in ("the title", "a heading", "a caption", "a row"):
        assert len(silent((PLACES | BELOW | NOTES)[place].format(said))) == 2


def test_a_day_said_of_a_table_is_when_its_prices_hold() -> None:
    page = (
        f"# Pricing\n\n{UNIT}\n\nThe current prices remain in effect until 16:00 UTC on Sept 5th, 2027:\n\n{TABLE}\n\n"
        f"From 16:00 UTC on Sept 5th, 2027:\n\n{TABLE.replace('1.25', '2.50')}"
    )
    change = datetime(2027, 9, 5, 16, tzinfo=UTC)
    inputs = {str(row.amount): (row.valid_from, row.valid_to) for row in rows(page) if row.meter == "input"}
    assert inputs == {"1.25": (None, change), "2.50": (change, None)}


@pytest.mark.parametrize(
    ("said", "begin", "end"),
    [
        ("Prices from 1 October 2027", "2027-10-01", None),
        ("Prices as of January 2024", "2024-01-01", None),
        ("Prices from Q4 2027", "2027-10-01", None),
        ("Valid until 2027-09-30", None, "2027-09-30"),
        ("Prices through December 31, 2027", None, "2028-01-01"),
        ("Prices from 2027-10-01 to 2027-12-31", "2027-10-01", "2027-12-31"),
        ("Prices after October 1, 2027", "2027-10-02", None),
    ],
)
def test_days_are_read_in_their_usual_spellings(said: str, begin: str | None, end: str | None) -> None:
    def day(text: str | None) -> datetime | None:
        return datetime.fromisoformat(f"{text}T00:00:00+00:00") if text else None

    found = {(row.valid_from, row.valid_to) for row in rows(PLACES["a heading"].format(said))}
    assert found == {(day(begin), day(end))}


@pytest.mark.parametrize(
    "said",
    [
        "From October 1, 2027 the following prices apply.",
        "On October 1, 2027 the following prices take effect.",
        "As of October 1, 2027 we charge the following.",
        "Beginning October 1, 2027 the rates below apply to all customers.",
        "Beginning on October 1, 2027, usage will be billed as follows.",
        "As from 1 Oct 2027 these rates will be charged.",
        "Usage after September 30, 2027 is charged at these rates.",
        "We charge this from October 1, 2027.",
        "Announced on August 15, 2027, effective October 1, 2027.",
        "We are raising prices on October 1, 2027. The new prices:",
        "Until July 31, 2026 the following prices applied.",
        "Through December 31, 2026 the following prices apply.",
        "Valid to: September 30, 2026",
        "Introductory pricing until September 30, 2026.",
        "These were our prices in 2025.",
        "Last year's prices",
    ],
)
def test_a_day_that_a_sentence_begins_with_is_that_of_the_prices_it_points_at(said: str) -> None:
    """As of 2027-02: none of them is a price of today."""
    today = datetime(2027, 2, 1, tzinfo=UTC)
    for row in (row for place in PLACES.values() for row in rows(place.format(said)) if row.model == "orion-2"):
        assert (row.valid_from and row.valid_from > today) or (row.valid_to and row.valid_to < today)


def test_a_day_said_of_one_model_is_that_of_its_rows_alone() -> None:
    page = (
        f"# Pricing\n\n{UNIT}\n\n{TABLE}| orion-2-mini | $0.25 | $2.00 |\n\nOrion 2's introductory pricing ends on "
        "November 21, 2027.\n"
    )
    ends = {row.model: row.valid_to for row in rows(page)}
    assert ends == {"orion-2": datetime(2027, 11, 21, tzinfo=UTC), "orion-2-mini": None}


def test_what_is_so_of_every_price_is_a_note() -> None:
    said = ("Prices may change at any time.", "All prices are in USD and exclude taxes.")
    page = f"# Pricing\n\n{UNIT} {said[0]}\n\n{TABLE}\n\n{said[1]} Our models are great.\n"
    assert extract(page, provider="openai").notes == said


def test_a_unit_and_a_tier_of_one_paragraph_both_hold() -> None:
    for said in (
        "Prices per 1M tokens. These prices apply to the Batch API.",
        "These prices apply to the Batch API. Prices per 1M tokens.",
        "Prices per 1M tokens. Batch prices.",
    ):
        assert {row.tier for row in rows(f"# Pricing\n\n{said}\n\n{TABLE}")} == {"batch"}


BESIDE = {
    "the document's title": html(grid(), "<title>Pricing (CAD) | Orion</title>"),
    "its description": html(grid(), '<meta name="description" content="All prices in EUR.">'),
    "its markup": html(grid(), '<script type="application/ld+json">{"price":"1.25","priceCurrency":"CAD"}</script>'),
    "its foot": html(grid() + "<footer><p>All prices in <b>CAD</b>, excl. tax.</p></footer>"),
    "a choice": html("<select><option>USD</option><option selected>EUR</option></select>" + grid()),
    "a label": html(grid().replace("<table>", '<table aria-label="Prices in EUR">')),
    "a header": html(grid().replace("<th>Input", "<th>Input (EUR)")),
}


@pytest.mark.parametrize("place", BESIDE)
def test_a_currency_beside_the_page_counts_as_well(place: str) -> None:
    assert silent(BESIDE[place]) == []


def cells(first: str, second: str = "$10.00") -> str:
    return html(grid(f"<tr><td>orion-2</td><td>{first}</td><td>{second}</td></tr>"))


UNSEEN = {
    "hidden": html(f"<section hidden>{grid()}</section>"),
    "not displayed": html(f'<div style="display: none">{grid()}</div>'),
    "for nobody": html(f'<div aria-hidden="true">{grid()}</div>'),
    "a hidden table": html(grid().replace("<table>", "<table hidden>")),
    "a hidden body": html(grid().replace("<tbody>", '<tbody class="hidden">')),
    "a hidden row": html(grid(ROW.replace("<tr>", '<tr class="sr-only">'))),
    "a struck row": html(grid(ROW.replace("<tr>", '<tr style="text-decoration: line-through">'))),
    "hidden cells": html(grid(ROW.replace("<td>$", '<td class="d-none">$'))),
    "struck by style": cells(*['<span style="text-decoration-line:line-through">$5</span>'] * 2),
    "struck by class": cells('<span class="price--old">$5</span>', '<span class="old-price strike">$5</span>'),
    "struck by a tag": cells("<s>$5</s>", "<strike>$5</strike>"),
    "struck in a table": f"# Pricing\n\n{UNIT}\n\n"
    + TABLE.replace("$1.25", "~~$1.25~~").replace("$10.00", "<del>$9</del>"),
    "struck in a span": f"# Pricing\n\n{UNIT}\n\n"
    + TABLE.replace("$1.25", '<span class="line-through">$1.25</span>').replace("$10.00", "<s>$10</s>"),
    "hidden in MDX": f"# Pricing\n\n{UNIT}\n\n<div style={{{{display: 'none'}}}}>\n\n{TABLE}\n\n</div>\n",
    "a template": f"# Pricing\n\n{UNIT}\n\n<template>\n\n{TABLE}\n\n</template>\n",
}


@pytest.mark.parametrize("how", UNSEEN)
def test_what_is_hidden_or_struck_out_is_no_price(how: str) -> None:
    assert silent(UNSEEN[how]) == []


@pytest.mark.parametrize(
    "cell",
    [
        '$1.25<span aria-hidden="true">↗</span>',
        '<span class="overflow-hidden">$1.25</span>',
        '<span class="hidden md:inline">$1.25</span>',
    ],
)
def test_what_a_reader_sees_is_a_price_in_whatever_dress(cell: str) -> None:
    assert len(silent(cells(cell))) == 2


def test_the_pane_of_a_tab_that_is_not_open_is_no_hidden_one() -> None:
    pane = '<div role="tabpanel" aria-label="{0}" {1}>{2}</div>'
    page = html(pane.format("Standard", "", grid()) + pane.format("Batch", "hidden", grid()))
    assert {row.tier for row in rows(page)} == {"standard", "batch"}


def within(*lines: str) -> str:
    return f"# Pricing\n\n{UNIT}\n\n" + TABLE.replace("orion-2", "orion-1") + "\n".join(f"| {line} |" for line in lines)


@pytest.mark.parametrize(
    "header",
    [
        "Model | Input (EUR) | Output (EUR)",
        "Name | Completion | Prompt",
        "Modell | Eingabe | Ausgabe",
        "Batch | Input | Output",
        "Startup program | Input | Output",
        "From October 1, 2027 | Input | Output",
        "Model | Per 1K input | Per 1K output",
        " | EUR | EUR",
    ],
)
def test_a_row_of_headers_within_a_table_that_is_not_understood_refuses_what_follows(header: str) -> None:
    assert silent(within(header, "orion-2 | $1.25 | $10.00")) == []


def test_a_row_of_headers_within_a_table_binds_what_follows() -> None:
    swapped = within("Model | Output | Input", "orion-2 | $10.00 | $1.25")
    assert sorted(silent(swapped)) == [("orion-2", "input", "1.25"), ("orion-2", "output", "10.00")]
    batch = within("**Model** | **Batch input** | **Batch output**", "orion-2 | $0.60 | $5.00")
    assert {row.tier for row in rows(batch) if row.model == "orion-2"} == {"batch"}
    assert {row.tier for row in rows(within("Batch | Batch | Batch", "orion-2 | $1 | $5"))} == {"batch"}


def component(*tuples: str) -> str:
    listed = ",".join(tuples)
    return f"# Pricing\n\n{UNIT}\n\n<TextTokenPricingTables rows={{[{listed}]}} />\n"


def test_five_cells_without_a_header_are_read_where_their_order_shows() -> None:
    assert len(rows(component('["orion-2", 2, 0.2, 2.5, 8]', '["orion-1", 2, 0.2, "-", 8]'))) == 7
    assert rows(component('["orion-2", 1.75, 0.175, 14, 15.4]', '["orion-1", 1.25, 0.125, 10, 11]')) == []
    assert rows(component('["orion-2", 1.75, 0.175, "-", 15.4]')) == []


def test_a_labels_modality_counts() -> None:
    head = "| Model | Base Input Tokens | Output Tokens |\n|---|---|---|\n"
    page = (
        f"# Pricing\n\n{head}| Claude Opus 5 | $5 / MTok | $25 / MTok |\n| Claude Haiku 5 (audio) | $10 / MTok | "
        "$50 / MTok |\n"
    )
    assert {(row.model, row.modality) for row in rows(page, "anthropic")} == {
        ("Claude Opus 5", "text"),
        ("Claude Haiku 5", "audio"),
    }


@pytest.mark.parametrize("provider", ["openai", "google", "anthropic", "deepseek"])
def test_an_unknown_column_that_may_set_a_condition_refuses_the_table_for_every_provider(provider: str) -> None:
    table = "| Model | Availability | Input | Output |\n|---|---|---|---|\n| orion-2 | EU | $1.25 | $10.00 |\n"
    assert rows(f"# Pricing\n\n{UNIT}\n\n{table}", provider) == []


@pytest.mark.parametrize("cell", ["orion-2/orion-2-mini", "orion-2, orion-3", "orion-2 and orion-3", "orion-2:orion-3"])
def test_a_cell_that_names_two_models_is_refused_and_speaks_of_both(cell: str) -> None:
    page = f"# Pricing\n\n{UNIT}\n\n{TABLE.replace('orion-2', cell)}| orion-9 | $1 | $2 |\n"
    extraction = extract(page, provider="openai")
    assert {row.model for row in extraction.rows} == {"orion-9"}
    assert "orion-2" in {name for refusal in extraction.refused for name in refusal.about} or ":" in cell


def test_an_island_with_a_key_twice_is_refused() -> None:
    props = '{"tier":[0,"standard"],"rows":[1,[[1,[[0,"orion-2"],[0,2],[0,0.2],[0,8]]]]],"tier":[0,"batch"]}'
    opts = escape('{"name":"TextTokenPricingTables","value":true}')
    assert rows(html(f'<astro-island props="{escape(props)}" opts="{opts}"></astro-island>')) == []
