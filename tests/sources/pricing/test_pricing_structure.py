"""How tables are built and dressed decides as well: what is shown to some readers, on some days or in some regions
alone is no plain price, and a cell is bound by the header that stands over it.
"""

from __future__ import annotations

import pytest

from tests.support.pricing_words import ROW, TABLE, UNIT, grid, html, rows, silent

PAGE = f"# Pricing\n\n{UNIT}\n\n"
GRID = grid()

CONDITIONAL = {
    "mdx cond": PAGE + '{region === "eu" && (\n\n' + TABLE + "\n)}\n",
    "mdx ternary": PAGE + "{isBatch ? (\n\n" + TABLE + "\n) : null}\n",
    "if comp": PAGE + '<If condition="region == eu">\n\n' + TABLE + "\n</If>\n",
    "show when": PAGE + '<Show when={region() === "eu"}>\n\n' + TABLE + "\n</Show>\n",
    "region comp": PAGE + '<Region name="eu">\n\n' + TABLE + "\n</Region>\n",
    "plan comp": PAGE + '<Plan name="enterprise">\n\n' + TABLE + "\n</Plan>\n",
    "liquid": PAGE + '{% if region == "eu" %}\n\n' + TABLE + "\n{% endif %}\n",
    "jinja tight": PAGE + '{% if region == "eu" %}\n' + TABLE + "{% endif %}\n",
    "handlebars": PAGE + "{{#if eu}}\n\n" + TABLE + "\n{{/if}}\n",
    "details md": PAGE + "<details>\n<summary>EU pricing</summary>\n\n" + TABLE + "\n</details>\n",
    "details html": html(f"<details><summary>Startup pricing</summary>{GRID}</details>"),
    "data-region": html(f'<div data-region="eu">{GRID}</div>'),
    "data-currency": html(f'<div data-currency="EUR">{GRID}</div>'),
    "table data-currency": html(GRID.replace("<table>", '<table data-currency="EUR">')),
    "td data-currency": html(GRID.replace("<td>$", '<td data-currency="EUR">$')),
    "tab md": PAGE + '<Tabs>\n<Tab title="EU">\n\n' + TABLE + "\n</Tab>\n</Tabs>\n",
    "tabitem": PAGE + '<Tabs>\n<TabItem value="enterprise" label="Enterprise">\n\n' + TABLE + "\n</TabItem>\n</Tabs>\n",
    "mkdocs tab": PAGE + '=== "Enterprise"\n\n' + TABLE + "\n",
    "mkdocs tab indented": PAGE + '=== "Enterprise"\n\n    ' + TABLE.replace("\n", "\n    ") + "\n",
    "section aria-label": html(f'<section aria-label="Batch">{GRID}</section>'),
    "section aria EU": html(f'<section aria-label="Prices in EUR">{GRID}</section>'),
    "fieldset": html(f"<fieldset><legend>Batch</legend>{GRID}</fieldset>"),
    "figcaption": html(f"<figure>{GRID}<figcaption>Prices in EUR.</figcaption></figure>"),
    "figcaption offer": html(f"<figure><figcaption>Nonprofit rates</figcaption>{GRID}</figure>"),
    "table title": html(GRID.replace("<table>", '<table title="Prices in EUR">')),
    "table summary": html(GRID.replace("<table>", '<table summary="Batch prices">')),
    "tfoot": html(GRID.replace("</tbody>", '</tbody><tfoot><tr><td colspan="3">All prices in EUR</td></tr></tfoot>')),
    "tfoot2": html(
        GRID.replace("</tbody>", "</tbody><tfoot><tr><td>Prices in EUR</td><td></td><td></td></tr></tfoot>")
    ),
    "frontmatter cur": "---\ntitle: Pricing\ncurrency: EUR\n---\n\n" + PAGE + TABLE,
    "frontmatter unit": "---\ntitle: Pricing\nunit: 1K tokens\n---\n\n" + PAGE + TABLE,
    "frontmatter eff": "---\ntitle: Pricing\neffective: 2099-10-01\n---\n\n" + PAGE + TABLE,
    "frontmatter title": "---\ntitle: Old prices\n---\n\n" + PAGE + TABLE,
    "frontmatter region": "---\nregion: eu\n---\n\n" + PAGE + TABLE,
    "admonition": PAGE + ":::note EU only\n\n" + TABLE + "\n:::\n",
    "admonition2": PAGE + "::: tab Enterprise\n\n" + TABLE + "\n:::\n",
    "admonition3": PAGE + ":::info\nThe prices in this box are for startups.\n:::\n\n" + TABLE,
    "gfm alert": PAGE + "> [!NOTE]\n> These prices are for nonprofits.\n\n" + TABLE,
    "thead twice": html(
        GRID.replace("orion-2", "orion-1")
        + "<table><thead><tr><th>Model</th><th>Input (EUR)</th><th>Output (EUR)</th></tr></thead>"
        + "<tbody><tr><td>orion-2</td><td>$9</td><td>$90</td></tr></tbody></table>"
    ),
    "colspan title": html(
        grid('<tr><td>orion-1</td><td>$1</td><td>$2</td></tr><tr><td colspan="3">Nonprofits</td></tr>' + ROW)
    ),
    "colspan title2": html(grid('<tr><th colspan="3">Batch prices in EUR</th></tr>' + ROW)),
    "th row title": html(grid('<tr><th colspan="3">Committed use</th></tr>' + ROW)),
    "title row 1 cell": PAGE + TABLE.replace("| orion-2", "| Nonprofits |\n| orion-2"),
    "title row ---": PAGE + TABLE.replace("| orion-2", "| --- EU --- | | |\n| orion-2"),
    "header unit 1K": PAGE + TABLE.replace("Input", "Input ($/1K)").replace("Output", "Output ($/1K)"),
    "header unit 1K b": PAGE + TABLE.replace("Input", "Input per 1K").replace("Output", "Output per 1K"),
    "header EUR": PAGE + TABLE.replace("Input", "Input (€)"),
    "header eu": PAGE + TABLE.replace("Input", "Input (EU)").replace("Output", "Output (EU)"),
    "group eu": PAGE + "| | EU | EU |\n" + TABLE,
    "group hdr": "# Pricing\n\n"
    + UNIT
    + "\n\n|  | Enterprise | |\n|---|---|---|\n| Model | Input | Output |\n| orion-2 | $1.25 | $10.00 |\n",
    "html group": html(GRID.replace("<thead>", '<thead><tr><th></th><th colspan="2">Enterprise</th></tr>')),
    "html group2": html(GRID.replace("<thead>", '<thead><tr><th colspan="3">Batch API (EUR)</th></tr>')),
    "html group3": html(GRID.replace("<thead>", '<thead><tr><th colspan="3">Volume over 1B tokens</th></tr>')),
    "notes col": PAGE
    + "| Model | Input | Output | Notes |\n|---|---|---|---|\n| orion-2 | $1.25 | $10.00 | EU only |\n",
    "blank col": PAGE + "| Model | Input | Output | |\n|---|---|---|---|\n| orion-2 | $1.25 | $10.00 | EU only |\n",
    "context col": PAGE
    + "| Model | Context | Input | Output |\n|---|---|---|---|\n| orion-2 | > 200K | $1.25 | $10.00 |\n",
    "desc col": PAGE
    + "| Model | Description | Input | Output |\n|---|---|---|---|\n| orion-2 | For EU customers | $1.25 | $10.00 |\n",
    "cat col": PAGE
    + "| Category | Model | Input | Output |\n|---|---|---|---|\n| Enterprise | orion-2 | $1.25 | $10.00 |\n",
    "cell star": PAGE + TABLE.replace("$1.25", "$1.25*") + "\n* In EUR.\n",
    "cell star2": PAGE + TABLE.replace("$1.25", "$1.25*") + "\n\\* Promotional price until 2026-12-31.\n",
    "cell star3": PAGE + TABLE.replace("orion-2", "orion-2*") + "\n\\* Price for nonprofits.\n",
    "cell dagger": PAGE + TABLE.replace("$1.25", "$1.25†") + "\n† EU only\n",
    "foot num": PAGE + TABLE.replace("$1.25", "$1.25[^1]") + "\n[^1]: Per 1K tokens.\n",
    "foot sup": html(GRID.replace("$1.25", "$1.25<sup>1</sup>") + "<p><sup>1</sup> In euros.</p>"),
    "foot sup2": html(GRID.replace("$1.25", "$1.25<sup>1</sup>") + "<p><sup>1</sup> For startups only.</p>"),
    "foot sup3": html(
        GRID.replace("$1.25", "$1.25<sup>1</sup>") + "<p><sup>1</sup> Introductory price through December 31, 2026.</p>"
    ),
    "foot sup4": html(GRID.replace("$1.25", "$1.25<sup>1</sup>") + "<p><sup>1</sup> Off-peak.</p>"),
    "foot ol": html(GRID.replace("$1.25", "$1.25<sup>1</sup>") + "<ol><li>Requires annual commitment.</li></ol>"),
    "label cond": PAGE + TABLE.replace("| orion-2", "| orion-2 (batch)"),
    "label eu": PAGE + TABLE.replace("| orion-2", "| orion-2 (EU)"),
    "label preview": PAGE + TABLE.replace("| orion-2", "| orion-2 preview"),
    "merged model": html(GRID.replace("<td>orion-2</td><td>$1.25</td>", '<td colspan="2">orion-2</td>')),
    "rowspan": html(
        grid('<tr><td rowspan="2">orion-2</td><td>$1.25</td><td>$10</td></tr><tr><td>$2.50</td><td>$15</td></tr>')
    ),
    "struck row md": PAGE + TABLE.replace("| orion-2 | $1.25 | $10.00 |", "| ~~orion-2~~ | ~~$1.25~~ | ~~$10.00~~ |"),
    "struck model": PAGE + TABLE.replace("orion-2", "~~orion-2~~"),
    "struck html row": html(GRID.replace("<tr><td>orion-2", '<tr class="line-through"><td>orion-2')),
    "struck table": html(f"<s>{GRID}</s>"),
    "struck div": html(f'<div style="text-decoration: line-through">{GRID}</div>'),
    "dialog": html(f"<dialog>{GRID}</dialog>"),
    "noscript": html(f"<noscript>{GRID}</noscript>"),
    "iframe": html(f"<iframe>{GRID}</iframe>"),
    "textarea": html(f"<textarea>{GRID}</textarea>"),
    "del block": PAGE + "<del>\n\n" + TABLE + "\n</del>\n",
    "quote table": PAGE + "> " + TABLE.replace("\n", "\n> "),
    "code fence": PAGE + "```\n" + TABLE + "```\n",
    "example md": PAGE + "Example:\n\n" + TABLE,
    "aria-labelledby": html(
        '<p id="x" hidden>Prices in EUR</p>' + GRID.replace("<table>", '<table aria-labelledby="x">')
    ),
    "mdx tuple hdr": PAGE
    + "<TextTokenPricingTables header={['Model','Output','Cached','Input']} rows={[['orion-2', 2, 0.2, 8]]} />\n",
    "mdx tuple 6": PAGE + "<TextTokenPricingTables rows={[['orion-2', 2, 0.2, 2.5, 8, 1]]} />\n",
    "mdx map": PAGE + "<TextTokenPricingTables rows={rows.map(r => [r.model, r.a, r.b, r.c])} />\n",
    "mdx cond comp": PAGE + "{eu && <TextTokenPricingTables rows={[['orion-2', 2, 0.2, 8]]} />}\n",
    "mdx wrap region": PAGE + '<Region eu>\n<TextTokenPricingTables rows={[["orion-2", 2, 0.2, 8]]} />\n</Region>\n',
    "mdx prop price": PAGE + "<TextTokenPricingTables batchPrices rows={[['orion-2', 2, 0.2, 8]]} />\n",
    "mdx prop eu": PAGE + "<TextTokenPricingTables location='eu' rows={[['orion-2', 2, 0.2, 8]]} />\n",
    "mdx prop plan": PAGE + "<TextTokenPricingTables plan='enterprise' rows={[['orion-2', 2, 0.2, 8]]} />\n",
    "mdx prop effective": PAGE + "<TextTokenPricingTables effective='2099-10-01' rows={[['orion-2', 2, 0.2, 8]]} />\n",
    "mdx prop title": PAGE + "<TextTokenPricingTables title='Enterprise' rows={[['orion-2', 2, 0.2, 8]]} />\n",
    "dup model": PAGE + TABLE + "| orion-2 | $2.00 | $12.00 |\n",
}


@pytest.mark.parametrize("written", CONDITIONAL)
def test_what_is_shown_under_a_condition_or_bound_by_another_header_is_no_plain_price(written: str) -> None:
    assert silent(CONDITIONAL[written]) == []


@pytest.mark.parametrize(
    "around",
    [
        "<Note>\n\n{}\n\n</Note>",
        "<Tabs>\n<Tab>\n\n{}\n\n</Tab>\n</Tabs>",
        "<CardGroup>\n\n{}\n\n</CardGroup>",
        '<div className="overflow-x-auto">\n\n{}\n\n</div>',
        '<div data-currency="USD">\n\n{}\n\n</div>',
        "{{/* the prices of the API */}}\n\n{}",
        ":::note\n\n{}\n\n:::",
    ],
)
def test_frames_that_every_reader_sees_take_no_price_away(around: str) -> None:
    assert len(silent(PAGE + around.format(TABLE))) == 2


def test_front_matter_that_says_what_is_so_of_every_page_takes_no_price_away() -> None:
    front = "---\ntitle: Pricing\ncurrency: USD\nunit: 1M tokens\nupdated: 2026-08-01\n---\n\n"
    assert len(silent(front + PAGE + TABLE)) == 2


def test_a_header_row_inside_a_table_binds_what_follows_it() -> None:
    text = html(
        grid(
            "<tr><td>orion-1</td><td>$1</td><td>$2</td></tr><tr><td>Model</td><td>Output</td><td>Input</td></tr>"
            "<tr><td>orion-2</td><td>$10</td><td>$1.25</td></tr>"
        )
    )
    found = {(row.model, row.meter, str(row.amount)) for row in rows(text)}
    assert {("orion-2", "output", "10"), ("orion-2", "input", "1.25"), ("orion-1", "input", "1")} <= found


@pytest.mark.parametrize("cell", ["~~$5.00~~ $1.25", "<s>$5.00</s> $1.25", "<del>$5</del><ins>$1.25</ins>"])
def test_an_amount_beside_a_struck_one_is_the_price(cell: str) -> None:
    assert [amount for _, meter, amount in silent(PAGE + TABLE.replace("$1.25", cell)) if meter == "input"] == ["1.25"]
    inside = html(GRID.replace("$1.25", cell.replace("~~$5.00~~", "<s>$5.00</s>")))
    assert [amount for _, meter, amount in silent(inside) if meter == "input"] == ["1.25"]


@pytest.mark.parametrize("cell", ["~~$1.25~~", "~~$1.25", "$1.25~~", "~~$5~~ ~~$1.25~~", "~~$5~~ $1.25 $1.50"])
def test_a_struck_amount_alone_is_no_price(cell: str) -> None:
    assert {meter for _, meter, _ in silent(PAGE + TABLE.replace("$1.25", cell))} == {"output"}


def test_a_model_of_which_a_component_has_a_row_that_cannot_be_read_has_no_price() -> None:
    listed = "['orion-1', 1, 0.1, 4], ['orion-2', 2, 0.2, 8], ['orion-2', '-', '-', 80]"
    found = rows(f"{PAGE}<TextTokenPricingTables rows={{[{listed}]}} />\n")
    assert {row.model for row in found} == {"orion-1"}
