"""What each layout and each statement of a page means, on small pages written for it."""

from __future__ import annotations

import json
from decimal import Decimal
from html import escape

import pytest

from monitor.core.facts import ANYTHING
from monitor.sources.extraction import Unreadable, facts_of
from monitor.sources.pricing_page import extract

Prices = dict[tuple[str, str, str, str, str], str]


def read(text: str) -> Prices:
    return {(row.model, *row.identity[:4]): str(row.amount) for row in extract(text, provider="openai").rows}


def refusals(text: str) -> str:
    try:
        return "\n".join(f"{where}: {reason}" for where, reason, _ in extract(text, provider="openai").refused)
    except Unreadable as unreadable:
        return unreadable.reason


def section(title: str, body: str, unit: str = "Prices per 1M tokens.") -> str:
    return f"# {title}\n\n{unit}\n\n{body}\n\n"


def table(header: str, *rows: str) -> str:
    lines = [header, "|".join(["---"] * (header.count("|") + 1)), *rows]
    return "\n".join(f"| {line} |" for line in lines)


PLAIN = table("Model | Input | Cached input | Output", "m-1 | $2.00 | $0.20 | $8.00")
STANDARD_ROWS = {
    ("m-1", "standard", "short", "text", "input"): "2.00",
    ("m-1", "standard", "short", "text", "cached_input"): "0.20",
    ("m-1", "standard", "short", "text", "output"): "8.00",
}


def test_columns_are_bound_by_their_headers_whatever_their_order() -> None:
    assert read(section("Text", PLAIN)) == STANDARD_ROWS
    moved = table("Output | Cached input | Model | Input", "$8.00 | $0.20 | m-1 | $2.00")
    assert read(section("Text", moved)) == STANDARD_ROWS


def test_short_and_long_context_columns_are_bands_and_plain_ones_short() -> None:
    got = read(
        section(
            "Text", table("Model | Short context input | Long context input | Output", "m-1 | $1.00 | $2.00 | $3.00")
        )
    )
    assert got == {
        ("m-1", "standard", "short", "text", "input"): "1.00",
        ("m-1", "standard", "long", "text", "input"): "2.00",
        ("m-1", "standard", "short", "text", "output"): "3.00",
    }


def test_a_label_for_long_contexts_sets_the_band_of_plain_columns_and_contradicts_short_ones() -> None:
    rows = ("m-1 (<272K context length) | $1.00", "m-1 (>272K context length) | $2.00")
    got = read(section("Text", table("Model | Input", *rows)))
    assert got == {
        ("m-1", "standard", "short", "text", "input"): "1.00",
        ("m-1", "standard", "long", "text", "input"): "2.00",
    }
    assert "the label is for long contexts" in refusals(section("Text", table("Model | Short context input", rows[1])))


@pytest.mark.parametrize(
    ("header", "meter"),
    [
        ("Cache writes", "cache_write"),
        ("12h cache writes", "cache_write_12h"),
        ("30-minute cache writes", "cache_write_30m"),
    ],
)
def test_cache_writes_keep_a_stated_lifetime(header: str, meter: str) -> None:
    assert read(section("Text", table(f"Model | {header}", "m-1 | $5.00"))) == {
        ("m-1", "standard", "short", "text", meter): "5.00"
    }


@pytest.mark.parametrize("label", ["Fast mode", "Fast", "Priority", "priority processing"])
def test_fast_mode_is_the_tier_priority(label: str) -> None:
    assert {key[1] for key in read(section("Text", f"{label}\n\n{PLAIN}"))} == {"priority"}


@pytest.mark.parametrize(
    ("label", "tier"), [("Standard", "standard"), ("Batch", "batch"), ("Flex", "flex"), ("Ultrafast", "ultrafast")]
)
@pytest.mark.parametrize(
    "written", ["{0}\n\n", "### {0}\n\n", "{0}\n---\n\n", "### {0} pricing data\n\n", "<div hidden>{0}</div>\n\n"]
)
def test_a_tier_is_named_by_a_line_a_heading_or_a_caption(label: str, tier: str, written: str) -> None:
    assert {key[1] for key in read(section("Text", written.format(label) + PLAIN))} == {tier}


def test_a_tier_does_not_leak_into_the_next_section() -> None:
    other = PLAIN.replace("m-1", "m-2")
    got = read(section("Text", f"Batch\n\n{PLAIN}") + section("Cyber", other))
    assert {(key[0], key[1]) for key in got} == {("m-1", "batch"), ("m-2", "standard")}
    loose = (
        f"First models\n\nPrices per 1M tokens.\n\nFast mode\n\n{PLAIN}\n\nOther models\n\nPrices per 1M "
        f"tokens.\n\n{other}\n"
    )
    assert {(key[0], key[1]) for key in read(loose)} == {("m-1", "priority"), ("m-2", "standard")}


def test_a_table_without_a_tier_among_tabs_of_tiers_is_refused() -> None:
    page = section("Text", f"{PLAIN}\n\nBatch\n\n{PLAIN.replace('m-1', 'm-2')}\n\n{PLAIN.replace('m-1', 'm-3')}")
    assert {key[0] for key in read(page)} == {"m-2"}
    assert refusals(page).count("none of them is over this table") == 2


def test_labels_in_a_row_are_a_list_of_tabs_and_label_nothing() -> None:
    assert "more than one" in refusals(section("Text", f"Standard\n\nBatch\n\n{PLAIN}"))
    assert read(section("Text", f"StandardBatch\n\nStandard\n\n{PLAIN}")) == STANDARD_ROWS


def test_labels_that_disagree_and_unknown_tiers_are_refused() -> None:
    assert "more than one" in refusals(section("Text", f"Batch\n\n### Standard pricing data\n\n{PLAIN}"))
    assert "its tier is not known" in refusals(section("Text", f"### Turbo pricing data\n\n{PLAIN}"))
    assert "another tier" in refusals(section("Batch and cached work", PLAIN))


@pytest.mark.parametrize(
    "unit",
    [
        "",
        "Prices per 1K tokens.",
        "Prices per second.",
        "Prices in EUR per 1M tokens.",
        "Prices in US cents per 1M tokens.",
        "Prices / 1K tokens",
    ],
)
def test_a_table_that_is_not_stated_to_be_per_million_tokens_in_dollars_is_refused(unit: str) -> None:
    with pytest.raises(Unreadable):
        extract(section("Text", PLAIN, unit), provider="openai")


def test_a_unit_holds_in_its_section_only() -> None:
    page = section("Text", PLAIN) + section("Other", PLAIN.replace("m-1", "m-2"), "")
    assert read(page) == STANDARD_ROWS
    assert "Other, line 13: no unit is stated" in refusals(page)


def test_a_header_may_state_the_unit_but_not_contradict_the_section() -> None:
    stated = table("Model | Input (per 1M tokens)", "m-1 | $2.00")
    assert read(section("Text", stated, "")) == {("m-1", "standard", "short", "text", "input"): "2.00"}
    assert "not per 1M tokens" in refusals(section("Text", stated, "Prices per 1K tokens."))
    assert "no price column" in refusals(section("Text", table("Model | Input (per 1K tokens)", "m-1 | $2.00")))


@pytest.mark.parametrize("cell", ["-", "—", "–", "", "Free", "N/A"])
def test_a_blank_states_no_price_and_is_no_refusal(cell: str) -> None:
    page = section("Text", table("Model | Input | Output", f"m-1 | $1.00 | {cell}"))
    assert read(page) == {("m-1", "standard", "short", "text", "input"): "1.00"}
    assert refusals(page) == ""


@pytest.mark.parametrize(
    "cell",
    [
        "$15.00 / 1M characters",
        "$0.006 / minute",
        "$100 / hour",
        "125 credits",
        "€4.00",
        "CA$4.00",
        "4.00",
        "$4.00 $8.00",
        "~~$4.00~~",
        "<del>$4.00</del>",
        "from $4.00",
        "$4.00–$8.00",
        "$4,00",
        "-$4.00",
        "$4.00 / KTok",
        "$1e3",
        "$٤",
    ],
)
def test_a_cell_that_is_not_a_plain_amount_is_refused_and_not_converted(cell: str) -> None:
    page = section("Text", table("Model | Input | Output", f"m-1 | $1.00 | {cell}"))
    assert read(page) == {("m-1", "standard", "short", "text", "input"): "1.00"}
    assert "line 5, row 7, m-1 output" in refusals(page)


@pytest.mark.parametrize(
    "cell", [r"\$4.00", "US$4.00", "$4.00<sup>1</sup>", "**$4.00**", "$4.00 / 1M tokens", "[$4.00](/x)", "$4.00¹"]
)
def test_an_amount_is_read_through_its_markup(cell: str) -> None:
    assert list(read(section("Text", table("Model | Input", f"m-1 | {cell}"))).values()) == ["4.00"]


@pytest.mark.parametrize(
    "cell",
    [
        "`m-1`",
        "[m-1](/models/m-1)",
        "m-1<sup>2</sup>",
        "m-1 (<272K context length)",
        "m-1 (&lt;272K context length)",
        "**m-1**",
        "m-1*",
    ],
)
def test_a_model_id_is_read_through_its_markup(cell: str) -> None:
    assert {key[0] for key in read(section("Text", table("Model | Input", f"{cell} | $4.00")))} == {"m-1"}


@pytest.mark.parametrize(
    "cell",
    [
        "m-1 (data sharing)",
        "m-1 (legacy)",
        "m-1 with data sharing",
        "Claude Opus 4.6",
        "Whisper",
        "Text",
        "$4.00",
        "-",
        "",
    ],
)
def test_a_label_that_is_not_an_id_refuses_the_row(cell: str) -> None:
    page = section("Text", table("Model | Input", f"{cell} | $4.00", "m-2 | $5.00"))
    assert {key[0] for key in read(page)} == {"m-2"}
    assert "is not a model id" in refusals(page)


def test_fine_tuning_prices_are_refused_by_their_column_and_by_their_section() -> None:
    for page in (
        section("Text", table("Model | Training | Input", "m-1 | $25.00 | $3.00")),
        section("Finetuning", PLAIN),
        section("Fine-tuning", PLAIN),
    ):
        assert "fine-tuning prices, not inference" in refusals(page)


def test_a_row_of_another_width_is_refused() -> None:
    page = section(
        "Text", table("Model | Input | Output", "m-1 | $1.00", "m-2 | $1.00 | $2.00 | $3.00", "m-3 | $1.00 | $2.00")
    )
    assert {key[0] for key in read(page)} == {"m-3"}
    assert "has 2 cells and the header 3" in refusals(page)
    assert "has 4 cells and the header 3" in refusals(page)


def test_a_header_that_says_the_same_twice_refuses_the_table() -> None:
    for header in ("Model | Input | Input", "Model | Input | Short context input", "Model | Model | Input"):
        with pytest.raises(Unreadable):
            extract(section("Text", table(header, "m-1 | $1.00 | $2.00")), provider="openai")


def test_an_unknown_column_of_amounts_is_left_out_and_one_of_words_refuses_the_table() -> None:
    amounts = section("Text", table("Model | Reasoning | Output", "m-1 | $9.00 | $8.00"))
    assert read(amounts) == {("m-1", "standard", "short", "text", "output"): "8.00"}
    assert "'reasoning' is not recognised" in refusals(amounts)
    assert "may set a condition ('EU only')" in refusals(
        section("Text", table("Model | Availability | Output", "m-1 | EU only | $8.00"))
    )


def test_a_column_of_regions_is_a_condition_of_its_rows_and_any_other_word_in_it_refuses_the_table() -> None:
    def page(*regions: str) -> str:
        rows = (f"m-{number} | {region} | ${number}.00" for number, region in enumerate(regions, 1))
        return section("Text", table("Model | Region | Output", *rows))

    rows = extract(page("EU", "us-east-1"), provider="openai").rows
    assert [(row.model, row.condition) for row in rows] == [("m-1", "region EU"), ("m-2", "region us-east-1")]
    assert {(subject.name, field) for subject, fields in facts_of(rows).facts.items() for field in fields} == {
        ("m-1", "price.standard.short.output{region EU}"),
        ("m-2", "price.standard.short.output{region us-east-1}"),
    }
    assert {fact.field for fact in facts_of(rows).unclear} == {"price.standard.short.output"}
    assert "none that is known" in refusals(page("EU", "Batch, prompts > 200k tokens"))


def test_the_same_price_twice_merges_and_two_prices_for_the_same_are_both_refused() -> None:
    assert read(section("Text", PLAIN) + section("Cyber", PLAIN.replace("$2.00", "$2.0"))) == STANDARD_ROWS
    page = section("Text", PLAIN) + section("Cyber", PLAIN.replace("$2.00", "$3.00"))
    assert set(read(page)) == set(STANDARD_ROWS) - {("m-1", "standard", "short", "text", "input")}
    assert "m-1 price.standard.short.input: stated more than once, as 2, 3" in refusals(page)


def test_a_modality_comes_from_its_column_or_section_and_is_not_guessed() -> None:
    column = table(
        "Model | Modality | Input | Output / cost",
        "m-1 | Audio | $1.00 | $0.03 / minute",
        "m-1 | Text | $2.00 | $3.00",
        "m-2 | Smell | $1.00 | -",
    )
    page = section("Realtime and audio generation models", column, "Prices per 1M tokens unless noted.")
    assert read(page) == {
        ("m-1", "standard", "short", "audio", "input"): "1.00",
        ("m-1", "standard", "short", "text", "input"): "2.00",
        ("m-1", "standard", "short", "text", "output"): "3.00",
    }
    assert "'Smell' is not a known modality" in refusals(page)
    assert {key[3] for key in read(section("Audio tokens", PLAIN))} == {"audio"}
    assert "names no modality" in refusals(section("Image generation models", PLAIN))


def test_merged_header_cells_group_the_columns_below_them() -> None:
    head = "|  | Short context | | Long context | |\n|---|---|---|---|---|\n"
    page = section("Text", head + "| Model | Input | Output | Input | Output |\n| m-1 | $1.00 | $2.00 | $3.00 | - |")
    assert read(page) == {
        ("m-1", "standard", "short", "text", "input"): "1.00",
        ("m-1", "standard", "short", "text", "output"): "2.00",
        ("m-1", "standard", "long", "text", "input"): "3.00",
    }
    moved = section("Text", head + "| Model | Input | Output | Output | Input |\n| m-1 | $1.00 | $2.00 | $3.00 | - |")
    assert read(moved)["m-1", "standard", "long", "text", "output"] == "3.00"
    uneven = section("Text", head + "| Model | Input | Output | Input | Input |\n| m-1 | $1.00 | $2.00 | $3.00 | - |")
    assert "do not hold the same columns" in refusals(uneven)
    outside = (
        "|  | | Short context | Long context |\n|---|---|---|---|\n| Model | Input | Input | Input |\n| m-1 | $1 | "
        "$2 | $3 |"
    )
    assert "do not hold the same columns" in refusals(section("Text", outside))


def test_a_group_titled_like_a_meter_names_no_meter_of_the_columns_below_it() -> None:
    page = (
        "<html><h2>Text</h2><p>Prices per 1M tokens.</p><table>"
        "<tr><th></th><th colspan=2>Cached input</th></tr><tr><th>Model</th><th>Cached input</th><th>Output</th></tr>"
        "<tr><td>m-1</td><td>$1.00</td><td>$2.00</td></tr></table></html>"
    )
    with pytest.raises(Unreadable):
        extract(page, provider="p")


def test_a_last_row_that_alone_fits_a_header_that_lost_a_cell_was_cut_off() -> None:
    page = section("Text", table("Model | Input | Output", "m-1 | $1 | $2 | $3", "m-2 | $1 | $2 | $3"))
    cut = page.rstrip()[: -len("| $3 |")].rstrip() + " |"
    with pytest.raises(Unreadable):
        extract(cut, provider="p")


def test_a_header_that_names_models_in_two_ways_is_refused() -> None:
    header = "Model | Short context model | Short context input"
    assert "does not name one column of models" in refusals(section("Text", table(header, "m-1 | $1.00 | $2.00")))


def test_code_comments_and_quotes_of_tables_are_not_statements() -> None:
    code, comment, remark = (PLAIN.replace("m-1", model) for model in ("m-2", "m-3", "m-4"))
    shown = f"```\n{code}\n```\n\n<!--\n{comment}\n-->\n\n{{/*\n{remark}\n*/}}\n"
    assert read(section("Text", f"{shown}\n{PLAIN}")) == STANDARD_ROWS


def test_a_leading_section_without_its_table_makes_the_page_unreadable() -> None:
    with pytest.raises(Unreadable, match="'Text tokens' announces prices"):
        extract(section("Text tokens", "Standard\n\nBatch") + section("Embeddings", PLAIN), provider="openai")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "<html></html>",
        "# Pricing\n",
        "Just a moment...",
        "{}",
        "|",
        "| --- |",
        "<table>",
        "<" * 2000,
        "<div " * 2000,
    ],
)
def test_a_page_without_prices_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable, match="no price was recognised in"):
        extract(text, provider="openai")


TUPLES = """
<div data-content-switcher-pane data-value="{pane}">
  <div class="hidden">{pane}</div>
  <TextTokenPricingTables
    client:load
    tier="{tier}"
    allModelsFootnote={{pricingHtml('Regional processing is charged a 10% uplift for models that are <b>eligible</b> for it.')}}
    rows={{[
      {rows},
    ]}}
  />
</div>
"""


def mdx(*rows: str, tier: str = "flex", pane: str = "flex") -> str:
    return section("Flagship", TUPLES.format(tier=tier, pane=pane, rows=",\n      ".join(rows)))


def test_component_rows_are_read_by_their_two_known_lengths() -> None:
    page = mdx('["m-1 (<272K context length)", 2, 0.2, 2.5, 8]', '["m-2", 1, null, 4]', "['m-3', 1, \"-\", 4]")
    assert read(page) == {
        ("m-1", "flex", "short", "text", "input"): "2",
        ("m-1", "flex", "short", "text", "cached_input"): "0.2",
        ("m-1", "flex", "short", "text", "cache_write"): "2.5",
        ("m-1", "flex", "short", "text", "output"): "8",
        ("m-2", "flex", "short", "text", "input"): "1",
        ("m-2", "flex", "short", "text", "output"): "4",
        ("m-3", "flex", "short", "text", "input"): "1",
        ("m-3", "flex", "short", "text", "output"): "4",
    }
    assert extract(page, provider="openai").notes == (
        "Regional processing is charged a 10% uplift for models that are eligible for it.",
    )


@pytest.mark.parametrize(
    "row",
    [
        '["m-1", 2, 0.2, 2.5, 8, 9]',
        '["m-1", 2, 8]',
        '["m-1", 0.2, 2, 8]',
        '["m-1", 2, 0.2, 8, 2.5]',
        '["m-1", 2, 2.5, 0.2, 8]',
        '["m-1", "-", 0.2, 8]',
    ],
)
def test_a_component_row_of_another_shape_is_refused(row: str) -> None:
    page = mdx(row, '["m-2", 1, null, 4]')
    assert {key[0] for key in read(page)} == {"m-2"}


@pytest.mark.parametrize(
    "row",
    [
        '["m-1", price, 0.2, 8]',
        '["m-1", 2 * 3, 0.2, 8]',
        '["m-1", [2], 0.2, 8]',
        '["m-1", 2 0.2, 8]',
        '["m-1", 2,, 8]',
        '["m-1", 2, 0.2, 8',
    ],
)
def test_a_component_whose_rows_are_not_literals_is_refused_whole(row: str) -> None:
    with pytest.raises(Unreadable):
        extract(mdx('["m-2", 1, null, 4]', row), provider="openai")


def test_a_component_under_another_tab_than_its_tier_and_one_cut_off_are_refused() -> None:
    assert "more than one" in refusals(mdx('["m-1", 2, 0.2, 8]', tier="batch", pane="flex"))
    whole = mdx('["m-1", 2, 0.2, 8]', '["m-2", 2, 0.2, 8]')
    assert "TextTokenPricingTables" in refusals(whole[: whole.index("m-2")])


CELL = '<td style="x">{}</td>'


def html_page(*tabs: tuple[str, str], unit: str = "Prices per 1M tokens.", extra: str = "") -> str:
    panes = "".join(
        f'<div data-content-switcher-pane data-value="{value}"><div class="hidden">{label}</div>{body}</div>'
        for (label, body) in tabs
        for value in (label.lower(),)
    )
    menu = "".join(f'<button role="tab">{label}</button>' for label, _ in tabs)
    return (
        "<!doctype html><html><head><title>Batch</title><style>x{}</style><script>var "
        "a='<table>'</script></head><body><nav><a>Batch</a></nav>"
        "<h1>Pricing</h1><ul><li>Flex</li></ul><h2>Flagship "
        f"models</h2><small>{unit}</small><div>{menu}</div>{panes}{extra}</body></html>"
    )


def html_table(*rows: tuple[str, ...], end: str = "</tr></tbody></table>") -> str:
    head = (
        '<table><colgroup><col/></colgroup><thead><tr><th rowspan="2">Model</th><th colspan="2">Short '
        'context</th><th colspan="2">Long context</th></tr>'
        "<tr><th>Input</th><th>Output</th><th>Input</th><th>Output</th></tr></thead><tbody>"
    )
    body = "</tr>".join("<tr>" + "".join(CELL.format(escape(cell)) for cell in row) for row in rows)
    return head + body + end


def test_an_html_page_is_read_with_spans_tabs_and_entities() -> None:
    standard = html_table(("m-1 (<272K context length)", "$1.00", "$2.00", "$3.00", "-"))
    batch = html_table(("m-1", "$0.50", "$1.00", "-", "-"))
    assert read(html_page(("Standard", standard), ("Batch", batch))) == {
        ("m-1", "standard", "short", "text", "input"): "1.00",
        ("m-1", "standard", "short", "text", "output"): "2.00",
        ("m-1", "standard", "long", "text", "input"): "3.00",
        ("m-1", "batch", "short", "text", "input"): "0.50",
        ("m-1", "batch", "short", "text", "output"): "1.00",
    }


def test_a_model_that_spans_rows_holds_for_each_of_them() -> None:
    body = (
        "<h2>Realtime models</h2><p>Prices per 1M tokens unless "
        "noted.</p><table><tr><th>Model</th><th>Modality</th><th>Input</th></tr>"
        '<tr><td rowSpan="2">m-1</td><td>Audio</td><td>$3.00</td></tr><tr><td>Text</td><td>$1.00</td></tr>'
        '<tr><td colspan="3"></td></tr><tr><td>m-2</td><td '
        'colspan="2">$9.00</td></tr><tr><td>m-3</td><td>Text</td><td>$2<del>$5</del></td></tr></table>'
    )
    page = html_page(("Standard", html_table(("m-0", "$1.00", "-", "-", "-"))), extra=body)
    got = read(page)
    assert got["m-1", "standard", "short", "audio", "input"] == "3.00"
    assert got["m-1", "standard", "short", "text", "input"] == "1.00"
    assert {key[0] for key in got} == {"m-0", "m-1", "m-3"}
    assert got["m-3", "standard", "short", "text", "input"] == "2"
    assert "spans several columns" in refusals(page)


def test_an_html_page_cut_anywhere_states_no_new_price() -> None:
    page = html_page(
        ("Standard", html_table(("m-1", "$11.00", "$12.50", "$13.75", "-"), ("m-2", "$21.25", "$22.00", "-", "-")))
    )
    whole = read(page).items()
    for cut in range(len(page)):
        try:
            assert read(page[:cut]).items() <= whole, page[:cut][-40:]
        except Unreadable:
            continue


def island(tier: str, *rows: list[object]) -> str:
    encoded = [[1, [[0, cell] for cell in row]] for row in rows]
    props = escape(json.dumps({"tier": [0, tier], "rows": [1, encoded]}))
    return (
        f'<astro-island props="{props}" opts="{escape(json.dumps({"name": "TextTokenPricingTables", "value": True}))}">'
    )


def test_an_island_states_the_rows_that_its_rendered_table_leaves_out() -> None:
    shown = html_table(("m-1", "$2.00", "$8.00", "-", "-"))
    page = html_page(
        ("Batch", island("batch", ["m-1", 2, 0.2, 8], ["m-2", 4, None, 5.5, 16]) + shown + "</astro-island>")
    )
    assert read(page) == {
        ("m-1", "batch", "short", "text", "input"): "2",
        ("m-1", "batch", "short", "text", "cached_input"): "0.2",
        ("m-1", "batch", "short", "text", "output"): "8",
        ("m-2", "batch", "short", "text", "input"): "4",
        ("m-2", "batch", "short", "text", "cache_write"): "5.5",
        ("m-2", "batch", "short", "text", "output"): "16",
    }


def test_an_island_that_its_rendered_table_contradicts_is_refused_where_they_differ() -> None:
    shown = html_table(("m-1", "$3.00", "$8.00", "-", "-"))
    got = read(html_page(("Batch", island("batch", ["m-1", 2, None, 8]) + shown + "</astro-island>")))
    assert got == {("m-1", "batch", "short", "text", "output"): "8"}


def test_amounts_are_exact_decimals() -> None:
    (row,) = extract(section("Text", table("Model | Input", "m-1 | $1,234.0375")), provider="openai").rows
    assert row.amount == Decimal("1234.0375")


def _spoken_of(text: str) -> set[str]:
    return {name for refusal in extract(text, provider="openai").refused for name in refusal.about}


PRICED = "m-1 | $2.00 | $0.20 | $8.00"
HEADER = "Model | Input | Cached input | Output"


@pytest.mark.parametrize(
    ("page", "name"),
    [
        (section("Text", table(HEADER, PRICED, "m-2 | Contact us | $0.20 | $8.00")), "m-2"),
        (section("Text", table(HEADER, PRICED, "m-2 | $2.00 | $8.00") + "\n\nMore."), "m-2"),
        (section("Text", table(HEADER, PRICED, "m-2 (promo) | $2.00 | $0.20 | $8.00")), "m-2"),
        (section("Text", table(HEADER, PRICED, "m-2 | $2.00 | $0.20 | $8.00", "m-2 | $3.00 | $0.20 | $8.00")), "m-2"),
        (section("Text", PLAIN) + section("Image", table("Model | What goes in", "m-2 | $2.00")), "m-2"),
        (section("Text", table(HEADER, PRICED) + "\n| m-2 | $2."), ANYTHING),
        (section("Text", table(HEADER, PRICED) + "\n| m-2 |"), ANYTHING),
        (section("Text", table(HEADER, PRICED) + "\n|"), ANYTHING),
    ],
)
def test_what_is_refused_names_the_models_that_stand_in_it(page: str, name: str) -> None:
    assert name in _spoken_of(page.rstrip())
    assert "m-1" not in _spoken_of(page.rstrip())


def test_prices_of_another_offer_are_understood_and_say_nothing_of_a_plain_call() -> None:
    page = section("Text", PLAIN) + section("Fine-tuning", table(HEADER, "m-2 | $2.00 | $0.20 | $8.00"))
    assert refusals(page)
    assert _spoken_of(page) == set()
