"""What holds for every format: nothing makes an extractor fail otherwise than by saying so, and each knows its own kind
of document.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from decimal import Decimal

import pytest
from feed_reading import HISTORIES, amounts, lines, needs_histories, observed, whole
from hypothesis import given
from hypothesis import strategies as st

from monitor.cli.extract import as_json
from monitor.cli.extract import read as read_file
from monitor.core.facts import Snapshot
from monitor.sources.extraction import Unreadable, facts_of
from monitor.sources.feed import FORMATS, read
from monitor.sources.feeds.sheet import PriceTable

SMALL = {
    "litellm": {"m": {"litellm_provider": "p", "input_cost_per_token": 1e-6}},
    "openrouter": {"data": [{"id": "p/m", "pricing": {"prompt": "0.000001"}}]},
    "models_dev": {"p": {"models": {"m": {"cost": {"input": 1}}}}},
    "llm_prices": {"prices": [{"id": "m", "vendor": "p", "name": "M", "input": 1}]},
    "genai_prices": [{"id": "p", "models": [{"id": "m", "prices": {"input_mtok": 1}}]}],
    "modelpricewatch": [{"id": "m", "provider": "p", "input_per_mtok": 1}],
}


def test_there_is_a_small_document_for_every_format() -> None:
    assert SMALL.keys() == FORMATS.keys()


@pytest.mark.parametrize("form", sorted(SMALL))
def test_the_format_is_told_from_the_content_alone(form: str) -> None:
    reading = read_file(json.dumps(SMALL[form]).encode(), "", "openai")
    assert (reading.format, reading.extractor, reading.unreadable) == (form, FORMATS[form].extractor, "")
    (row,) = as_json(reading)["rows"]  # type: ignore[misc]
    assert (row["provider"], row["model"], row["tier"], row["context"], row["modality"], row["meter"],
    row["amount"]) == (
        "p", "m", "standard", "short", "text", "input", "1",
    )  # fmt: skip


@pytest.mark.parametrize("form", sorted(SMALL))
def test_a_document_of_one_format_is_unreadable_as_any_other(form: str) -> None:
    content = json.dumps(SMALL[form]).encode()
    for other in FORMATS.keys() - {form}:
        with pytest.raises(Unreadable):
            read(content, other)


def test_what_is_no_json_is_said_to_be_none() -> None:
    assert "broken JSON" in read_file(b'{"m": {', "", "openai").unreadable


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_the_rows_of_a_feed_are_its_facts(form: str) -> None:
    extraction = read(json.dumps(SMALL[form]).encode(), form)
    assert len(extraction.rows) == len(list(extraction.rows)) == 1
    assert extraction.rows[0] == extraction.rows[-1] == extraction.rows[:1][0]
    assert facts_of(extraction.rows).facts == observed(form, SMALL[form]).facts


KEYS = [
    "id", "data", "models", "pricing", "prices", "cost", "tiers", "tier", "size", "range", "overrides",
    "min_prompt_tokens", "constraint",
    "start_date", "base", "start", "price", "provider", "litellm_provider", "input", "input_mtok", "input_per_mtok",
    "prompt", "links", "next",
    "input_cost_per_token", "input_cost_per_token_above_128k_tokens", "tiered_pricing", "experimental", "modes",
    "fast", "alias_target", "slug",
    "context", "context_over_200k", "total_count", "promo_until",
]  # fmt: skip


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.decimals()
        | st.text()
        | st.sampled_from(["a/b", "1", "-1", "2026-01-01"]),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner),
        max_leaves=40,
    )
)
def test_no_json_makes_an_extractor_raise_anything_but_unreadable(payload: object) -> None:
    for form in FORMATS.values():
        with contextlib.suppress(Unreadable):
            tuple(form.extract(payload).rows)


def mutants(payload: object, rubbish: object) -> Iterator[object]:
    """Yield the payload with each of its values in turn replaced."""
    yield rubbish
    if isinstance(payload, dict):
        for key, value in payload.items():
            yield from ({**payload, key: mutant} for mutant in mutants(value, rubbish))
    elif isinstance(payload, list):
        for index, value in enumerate(payload):
            yield from ([*payload[:index], mutant, *payload[index + 1 :]] for mutant in mutants(value, rubbish))


@pytest.mark.parametrize("form", sorted(SMALL))
@pytest.mark.parametrize("rubbish", [None, True, "x", [], {}, [None], {"x": 1}, Decimal("0.5"), -1], ids=str)
def test_a_value_replaced_by_rubbish_never_yields_another_price(form: str, rubbish: object) -> None:
    amounts = set()
    for mutant in mutants(SMALL[form], rubbish):
        with contextlib.suppress(Unreadable):
            amounts |= {row.amount for row in FORMATS[form].extract(mutant).rows}
    per_token = Decimal(10**6) if form == "litellm" else 1
    allowed = {Decimal(1)} | ({rubbish * per_token} if rubbish == Decimal("0.5") else set())  # type: ignore[operator]
    assert amounts <= allowed | ({Decimal(-1)} if form == "llm_prices" else set())


@needs_histories
@pytest.mark.parametrize(
    ("history", "form"),
    [
        ("litellm_weishaw_full", "litellm"),
        ("mw_openrouter_models_openai_anthropic", "openrouter"),
        ("genai_prices_v1_openai_anthropic", "genai_prices"),
        ("genai_prices_v2_openai_anthropic", "genai_prices"),
        ("modelpricewatch_openai_anthropic", "modelpricewatch"),
    ],
)
def test_every_recorded_document_is_read_and_nothing_in_it_is_refused_but_what_is_no_price(
    history: str, form: str
) -> None:
    count = 0
    for line in lines(history):
        extraction = FORMATS[form].extract(line["payload"])
        count += 1
        assert len(extraction.rows) > 50
        assert {refusal.reason for refusal in extraction.refused} <= {"-1 says that there is no fixed price"}
    assert count > 10


@needs_histories
def test_a_raw_feed_is_recognised_and_no_amount_in_it_bears_an_exponent() -> None:
    assert HISTORIES.is_dir()
    for name, form in (
        ("litellm_full_2026-08-01.json.gz", "litellm"),
        ("openrouter_models_2026-08-01.json.gz", "openrouter"),
    ):
        reading = read_file(whole(name), "", "openai")
        assert reading.format == form
        assert isinstance(reading.rows, PriceTable)
        seen = observed(form, whole(name))
        assert isinstance(seen, Snapshot)
        assert all(set(amount) <= set("0123456789.") for amount in amounts(seen))
