"""A provider's page of one model: what is read of it, and what is refused by part. The page is made up, in the public
form.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import escape
from pathlib import Path

import pytest
from configurations import MINIMAL, loaded

from monitor.core.facts import Body, Fact, PollFailure, Snapshot, Subject
from monitor.core.ports import ConfigurationError
from monitor.sources import model_page
from monitor.sources.catalog import SourceDeps, build, source_spec
from monitor.sources.extraction import Unreadable
from monitor.sources.http import HttpClient
from monitor.sources.model_page import ModelReading, read

PAGE = (Path(__file__).parent / "data" / "model_page.md").read_text(encoding="utf-8")
SMALL = Subject("acme", "orion-small")
AT = datetime(2026, 8, 1, tzinfo=UTC)


def changed(old: str, new: str) -> ModelReading:
    """Read the page with one text replaced."""
    assert PAGE.count(old) >= 1, old
    return read(PAGE.replace(old, new), provider="acme")


def reasons(page: ModelReading) -> list[str]:
    return [refusal.reason for refusal in (*page.prices.refused, *page.refused)]


def test_everything_that_the_page_states_is_read() -> None:
    page = read(PAGE, provider="acme")
    assert page.model == "orion-small"
    assert page.alias_of == "orion-small-2026-07-09"
    assert (page.unclear, reasons(page)) == (frozenset(), [])
    expected = {
        "stage": "preview",
        "modality.input": "image, text",
        "modality.output": "text",
        "context_window": 400_000,
        "max_input_tokens": 272_000,
        "max_output_tokens": 128_000,
        "knowledge_cutoff": "2026-02-16",
        "endpoint.v1/responses": "supported",
        "endpoint.v1/chat/completions": "not supported",
        "feature.structured_outputs": "supported",
        "tool.web_search": "supported",
        "snapshots": "orion-small-2026-07-09",
        "region.standard.eu": "supported",
        "region.priority.eu": "not supported",
        "usage_tier.default.free.rpm": "not supported",
        "usage_tier.default.tier_1.tpm": 200_000,
        "usage_tier.default.tier_5.batch_queue": 15_000_000_000,
    }
    assert {name: page.facts.get(name) for name in expected} == expected


def test_prices_have_the_identity_that_a_pricing_page_gives_them() -> None:
    rows = {row.identity.field: row.amount for row in read(PAGE, provider="acme").prices.rows}
    assert rows == {
        "price.standard.short.input": Decimal("0.2"),
        "price.standard.short.cached_input": Decimal("0.02"),
        "price.standard.short.cache_write": Decimal("0.25"),
        "price.standard.short.output": Decimal("1.2"),
    }


def test_the_prices_of_the_models_that_it_is_compared_with_are_not_its_own() -> None:
    assert {row.model for row in read(PAGE, provider="acme").prices.rows} == {"orion-small"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("| Input | $0.2 | 1M tokens |", "| Input | $0.2 | minute |", "Input is priced per minute"),
        ("| Input | $0.2 | 1M tokens |", "| Input | €0.2 | 1M tokens |", "€0.2"),
        ("| Input | $0.2 | 1M tokens |", "| Input | $0.2 |", "number of cells"),
        ("| Metric | Price | Unit |", "| Metric | Cost | Unit |", "its header is not Metric, Price, Unit"),
        ("### Text tokens", "### Text tokens in EUR", "EUR"),
    ],
)
def test_a_price_that_is_not_understood_is_refused_and_no_other_meter_takes_its_amount(
    old: str, new: str, said: str
) -> None:
    page = changed(old, new)
    assert "price.standard.short.input" not in {row.identity.field for row in page.prices.rows}
    assert any(said in reason for reason in reasons(page)), reasons(page)
    assert page.facts["endpoint.v1/responses"] == "supported", "what stands elsewhere is read all the same"


def test_an_offer_of_its_own_is_never_the_standard_price() -> None:
    page = changed("### Text tokens", "### Partner offer")
    assert all(row.tier != "standard" for row in page.prices.rows)


def test_prices_that_are_announced_for_a_day_are_no_prices_of_today() -> None:
    page = changed("### Text tokens", "### Text tokens, effective September 1, 2026")
    assert all(row.valid_from is not None and row.valid_from > AT for row in page.prices.rows)


@pytest.mark.parametrize(
    ("old", "new", "unclear", "said"),
    [
        (
            "| Responses | `v1/responses` | Supported |",
            "| Responses | `v1/responses` | Soon |",
            "endpoint.v1/responses",
            "neither Supported nor Not supported",
        ),
        (
            "| Responses | `v1/responses` | Supported |",
            "| Responses | `v1/responses` | Supported |\n| Responses | `v1/responses` | Not supported |",
            "endpoint.v1/responses",
            "stated as supported and as not supported",
        ),
        ("| Tier 1 | 500 |", "| Tier 1 | many |", "usage_tier.default.tier_1.rpm", "'many' is no number"),
        ("| Tier 1 | 500 |", "| Tier 1 | 5,00 |", "usage_tier.default.tier_1.rpm", "'5,00' is no number"),
        ("| EU | Supported |", "| EU | On request |", "region.standard.eu", "neither Supported nor Not supported"),
        ("- 400,000 context window", "- 400,000 context window\n- Context window: 1", "context_window", "stated as"),
        ("- Output modalities: text", "- Status: Sunset", "stage", "'Sunset' is no stage that is known"),
    ],
)
def test_what_is_not_understood_is_unknown_and_refused_by_part(old: str, new: str, unclear: str, said: str) -> None:
    page = changed(old, new)
    assert unclear in page.unclear
    assert unclear not in page.facts
    assert any(said in reason for reason in reasons(page)), reasons(page)
    assert all(refusal.about == ("orion-small",) for refusal in page.refused)
    assert page.prices.rows


@pytest.mark.parametrize(
    ("old", "new", "gone"),
    [
        ("| Endpoint | Route | Support |", "| Endpoint | Path | State |", "endpoint."),
        ("| Endpoint | Route | Support |", "| Endpoint | Route | Support | Support |", "endpoint."),
        ("| Tier | RPM | TPM | Batch queue limit |", "| Tier | RPM | TPM | Dollars |", "usage_tier."),
        ("| Region | Standard | Batch | Fast mode |", "| Region | Standard | Batch | Gold |", "region."),
    ],
)
def test_a_table_under_another_header_is_refused_whole(old: str, new: str, gone: str) -> None:
    page = changed(old, new)
    assert not [name for name in page.facts if name.startswith(gone)]
    assert any("header" in reason or "cells" in reason for reason in reasons(page)), reasons(page)


def test_columns_are_bound_by_their_headers_and_never_by_their_place() -> None:
    page = changed(
        "| Tier | RPM | TPM | Batch queue limit |\n| --- | ---: | ---: | ---: |\n| Free | Not supported | - | - |\n"
        "| Tier 1 | 500 | 200,000 | 2,000,000 |",
        "| Tier | TPM | RPM | Batch queue limit |\n| --- | ---: | ---: | ---: |\n| Free | Not supported | - | - |\n"
        "| Tier 1 | 200,000 | 500 | 2,000,000 |",
    )
    assert page.facts["usage_tier.default.tier_1.rpm"] == 500


@pytest.mark.parametrize(
    ("old", "new", "stage"),
    [
        ("Orion Small is in limited preview.", "Orion Small is generally available.", "general"),
        ("Orion Small is in limited preview.", "\n\nAccess: Limited preview", "preview"),
        ("Orion Small is in limited preview.", "This model is available in public preview.", "preview"),
        ("Orion Small is in limited preview.", "Orion Small Pro is in limited preview.", None),
        ("Orion Small is in limited preview.", "Orion Small is not yet generally available.", None),
        ("Orion Small is in limited preview.", "Orion Small is no longer in preview.", None),
        ("Orion Small is in limited preview.", "Until Orion Small is generally available, apply here.", None),
        ("Orion Small is in limited preview.", "Orion Large is in limited preview.", None),
        ("Orion Small is in limited preview.", "", None),
    ],
)
def test_a_stage_is_read_only_where_the_page_says_it_of_this_model(old: str, new: str, stage: str | None) -> None:
    assert changed(old, new).facts.get("stage") == stage


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<!doctype html><html><body><p>Model ID: <code>orion-small</code></p></body></html>", "no section of a model"),
        (PAGE.replace("Model ID: `orion-small`", "Model: Orion Small"), "names no model by its id"),
        (PAGE.replace("Model ID: `orion-small`", "Model ID: `orion-small`\nModel ID: `orion-large`"), "names orion"),
        ("# Orion Small\n\nModel ID: `orion-small`\n\n## Company\n\n- We hire.\n" + " " * 60, "no section of a model"),
    ],
)
def test_what_is_no_page_of_a_model_yields_nothing(text: str, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        read(text, provider="acme")


def test_an_alias_points_to_its_default_snapshot_and_a_model_that_is_none_to_nothing() -> None:
    assert changed("`orion-small-2026-07-09`\n- Input", "`orion-small`\n- Input").alias_of == ""


def polled(text: str, model: str = "") -> Snapshot | PollFailure:
    options = {"model": model} if model else {}
    spec = source_spec(
        key="page", kind="model_page", every=timedelta(hours=1), provider="acme", url="https://p.example/m.md"
    )
    source = build(replace(spec, options=options), SourceDeps(http=HttpClient(), surface=None, secret=lambda _: ""))
    content = text.encode()
    observation = source.extract(Body(content=content, sha256="0" * 64, size=len(content)), AT)
    assert isinstance(observation, Snapshot | PollFailure)
    return observation


def test_a_poll_states_facts_and_prices_of_one_subject() -> None:
    snapshot = polled(PAGE)
    assert isinstance(snapshot, Snapshot)
    assert snapshot.extractor == model_page.EXTRACTOR
    assert list(snapshot.facts) == [SMALL]
    facts = snapshot.facts[SMALL]
    assert facts["price.standard.short.input"] == "0.2"
    assert facts["alias.target"] == "orion-small-2026-07-09"
    assert facts["endpoint.v1/responses"] == "supported"


def test_what_is_unclear_is_neither_stated_nor_gone() -> None:
    snapshot = polled(PAGE.replace("| `v1/responses` | Supported |", "| `v1/responses` | Soon |"))
    assert isinstance(snapshot, Snapshot)
    assert Fact(SMALL, "endpoint.v1/responses") in snapshot.unclear


def test_the_page_of_another_model_is_unreadable() -> None:
    failure = polled(PAGE, model="orion-large")
    assert isinstance(failure, PollFailure)
    assert "the page is about orion-small, not about orion-large" in failure.detail


TABLE = """
[[source]]
key = "pages"
kind = "model_page"
url = "https://docs.example/models/{model}.md"
provider = "openai"
"""


def test_one_table_makes_a_source_for_each_model_of_the_provider(tmp_path: Path) -> None:
    sources = loaded(tmp_path, MINIMAL + TABLE).configuration.sources
    made = [spec for spec in sources.values() if spec.kind == "model_page"]
    assert [(spec.key, spec.url, spec.model) for spec in made] == [
        ("pages/gpt-5.6-luna", "https://docs.example/models/gpt-5.6-luna.md", "gpt-5.6-luna")
    ]


def test_models_without_a_place_for_their_ids_are_refused(tmp_path: Path) -> None:
    table = TABLE.replace("{model}", "luna") + 'models = ["gpt-5.6-luna"]\n'
    with pytest.raises(ConfigurationError, match=r"models .*has no effect without \{model\} in url"):
        loaded(tmp_path, MINIMAL + table)


def span(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))


def tables(lines: list[str]) -> str:
    """Return the lines of one Markdown table as HTML."""
    head, _, *body = [[span(cell.strip()) for cell in line.strip("|").split("|")] for line in lines]
    return "".join(
        [
            "<table><thead><tr>",
            *(f"<th>{cell}</th>" for cell in head),
            "</tr></thead><tbody>",
            *(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in body),
            "</tbody></table>",
        ]
    )


def rendered(markdown: str, *, newline: str = "\n") -> str:
    """Return the page as a renderer makes it."""
    parts = ["<!doctype html><html><head><title>Orion Small</title></head><body><nav>Models</nav><main>"]
    for block in re.split(r"\n{2,}", markdown.strip()):
        lines = block.split("\n")
        if match := re.fullmatch(r"(#{1,6}) (.+)", block):
            level = len(match[1])
            parts.append(f"<h{level}>{span(match[2])}</h{level}>")
        elif block.startswith("|"):
            parts.append(tables(lines))
        elif block.startswith("- "):
            parts.append(f"<ul>{''.join(f'<li>{span(line[2:])}</li>' for line in lines)}</ul>")
        else:
            parts.append(f"<p>{span(block.removeprefix('> '))}</p>")
    return newline.join([*parts, "</main></body></html>"])


@pytest.mark.parametrize("newline", ["\n", ""])
@pytest.mark.parametrize("code", [True, False])
def test_the_rendered_page_states_what_its_markdown_states(newline: str, code: bool) -> None:
    html = rendered(PAGE, newline=newline)
    page, other = read(html if code else re.sub("</?code>", "", html), provider="acme"), read(PAGE, provider="acme")
    assert (page.model, page.alias_of) == (other.model, other.alias_of)
    assert page.facts == other.facts
    assert {row.identity: row.amount for row in page.prices.rows} == {
        row.identity: row.amount for row in other.prices.rows
    }
    assert (page.unclear, reasons(page)) == (frozenset(), [])


def test_a_card_has_the_label_and_the_id_in_two_elements() -> None:
    card = "<div><div>Model ID</div><div>orion-small</div></div>"
    html = rendered(PAGE).replace("<p>Model ID: <code>orion-small</code></p>", card)
    assert card in html
    assert read(html, provider="acme").model == "orion-small"


@pytest.mark.parametrize(
    ("old", "new", "gone"),
    [
        ("<li>400,000 context window</li>", "<li hidden>400,000 context window</li>", "context_window"),
        ("<li>400,000 context window</li>", "<li><del>400,000 context window</del></li>", "context_window"),
        (
            "<td>Responses</td><td><code>v1/responses</code></td>",
            '<td colspan="2">Responses</td>',
            "endpoint.v1/responses",
        ),
        ("<th>Support</th>", "<th>Status</th>", "endpoint.v1/responses"),
    ],
)
def test_what_is_hidden_struck_or_not_understood_on_a_rendered_page_is_not_stated(
    old: str, new: str, gone: str
) -> None:
    html = rendered(PAGE)
    assert old in html
    page = read(html.replace(old, new), provider="acme")
    assert gone not in page.facts
    assert page.facts["tool.web_search"] == "supported"


def test_a_rendered_page_that_is_cut_off_states_nothing_that_the_whole_does_not() -> None:
    html = rendered(PAGE)
    whole = read(html, provider="acme")
    prices = {row.identity: row.amount for row in whole.prices.rows}
    for end in range(0, len(html), 13):
        try:
            part = read(html[:end], provider="acme")
        except Unreadable:
            continue
        assert part.model == whole.model
        assert all(prices[row.identity] == row.amount for row in part.prices.rows), end
        assert all(whole.facts[name] == value for name, value in part.facts.items()), end


def test_a_page_that_is_cut_off_states_nothing_that_the_whole_does_not() -> None:
    whole = read(PAGE, provider="acme")
    prices = {row.identity: row.amount for row in whole.prices.rows}
    for end in range(0, len(PAGE), 13):
        try:
            part = read(PAGE[:end], provider="acme")
        except Unreadable:
            continue
        assert part.model == whole.model
        assert all(prices[row.identity] == row.amount for row in part.prices.rows), end
        for name in ("endpoint.v1/responses", "region.priority.eu", "stage"):
            assert part.facts.get(name) in (None, whole.facts[name]), end
