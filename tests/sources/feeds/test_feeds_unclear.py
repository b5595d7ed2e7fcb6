"""What a feed says twice, or in other money than its format's, is unclear for what it concerns and for nothing else."""

from __future__ import annotations

import json

import pytest
from feed_reading import observed

from monitor.core.facts import Snapshot, Subject
from monitor.detection.confirmation import unclear

INPUT = "price.standard.short.input"


def litellm(entry: str, more: str = "") -> str:
    other = '"n": {"litellm_provider": "p", "input_cost_per_token": 1e-6}'
    return f'{{"m": {{"litellm_provider": "p", {entry}}}, {other}{more}}}'


def llm_prices(row: str, more: str = "") -> str:
    other = '{"vendor": "p", "id": "n", "name": "n", "input": 1}'
    return f'{{"prices": [{{"vendor": "p", "id": "m", "name": "m", {row}}}, {other}]{more}}}'


def models_dev(model: str, more: str = "") -> str:
    return f'{{"p": {{"id": "p", "models": {{"m": {{{model}}}, "n": {{"cost": {{"input": 1}}}}}}{more}}}}}'


def openrouter(item: str, more: str = "") -> str:
    other = '{"id": "p/n", "pricing": {"prompt": "0.000001"}}'
    return f'{{"data": [{{"id": "p/m", {item}}}, {other}]{more}}}'


def genai(model: str, more: str = "") -> str:
    return f'[{{"id": "p", "models": [{{"id": "m", {model}}}, {{"id": "n", "prices": {{"input_mtok": 1}}}}]{more}}}]'


def watch(item: str) -> str:
    return f'[{{"id": "p-m", "provider": "p", {item}}}, {{"id": "p-n", "provider": "p", "input_per_mtok": 1}}]'


TWICE = [
    ("litellm", litellm('"input_cost_per_token": 1e-6, "input_cost_per_token": 5e-6')),
    (
        "litellm",
        litellm('"input_cost_per_token": 1e-6', ', "m": {"litellm_provider": "p", "input_cost_per_token": 5e-6}'),
    ),
    ("litellm", litellm('"litellm_provider": "q", "input_cost_per_token": 1e-6')),
    ("llm_prices", llm_prices('"input": 1, "input": 5')),
    ("llm_prices", llm_prices('"input": 1, "from_date": "2026-01-01", "from_date": "2027-01-01"')),
    ("models_dev", models_dev('"cost": {"input": 1, "input": 5}')),
    ("models_dev", models_dev('"cost": {"input": 1}, "cost": {"input": 5}')),
    ("openrouter", openrouter('"pricing": {"prompt": "0.000001", "prompt": "0.000005"}')),
    ("openrouter", openrouter('"pricing": {"prompt": "0.000001"}, "pricing": {"prompt": "0.000005"}')),
    ("genai_prices", genai('"prices": {"input_mtok": 1, "input_mtok": 5}')),
    ("genai_prices", genai('"prices": {"input_mtok": {"base": 1, "base": 5}}')),
    ("modelpricewatch", watch('"input_per_mtok": 1, "input_per_mtok": 5')),
]
MONEY = [
    ("litellm", litellm('"input_cost_per_token": 1e-6, "currency": "CNY"')),
    ("litellm", litellm('"input_cost_per_token": 1e-6, "price_unit": "1K tokens"')),
    ("llm_prices", llm_prices('"input": 1, "currency": "EUR"')),
    ("llm_prices", llm_prices('"input": 1, "unit": "1K tokens"')),
    ("models_dev", models_dev('"cost": {"input": 1, "currency": "EUR"}')),
    ("models_dev", models_dev('"cost": {"input": 1}, "currency": "EUR"')),
    ("models_dev", models_dev('"cost": {"input": 1, "tiers": [{"input": 2, "tier": {"size": 200000}, "unit": "1K"}]}')),
    ("openrouter", openrouter('"pricing": {"prompt": "0.000001", "currency": "EUR"}')),
    ("openrouter", openrouter('"pricing": {"prompt": "0.000001"}, "quote_currency": "EUR"')),
    ("openrouter", openrouter('"pricing": {"prompt": "0.000001", "per": "1M tokens"}')),
    ("genai_prices", genai('"prices": {"input_mtok": 1, "currency": "EUR"}')),
    ("genai_prices", genai('"prices": {"input_mtok": 1}, "currency": "EUR"')),
    ("modelpricewatch", watch('"input_per_mtok": 1, "currency": "EUR"')),
    ("modelpricewatch", watch('"input_per_mtok": 1, "currency": "USD", "currency": "EUR"')),
]


BESIDE = [
    ("llm_prices", llm_prices('"input": 1, "plan": "students"')),
    ("models_dev", models_dev('"cost": {"input": 1, "when": "night"}')),
    ("models_dev", models_dev('"cost": {"input": 1, "tiers": [{"input": 2, "tier": {"size": 9}, "plan": "pro"}]}')),
    ("openrouter", openrouter('"pricing": {"prompt": "0.000001", "region": "eu"}')),
    ("genai_prices", genai('"prices": {"input_mtok": 1, "region": "eu"}')),
    ("genai_prices", genai('"prices": {"input_mtok": {"base": 1, "region": "eu"}}')),
]
"""A key beside an amount that is neither known nor an amount of its own."""


@pytest.mark.parametrize(("form", "text"), TWICE + MONEY + BESIDE)
def test_what_is_not_certain_of_one_model_is_unclear_for_it_and_for_no_other(form: str, text: str) -> None:
    json.loads(text)
    seen = observed(form, text.encode())
    assert isinstance(seen, Snapshot), seen
    prefix = "p-" if form == "modelpricewatch" else ""
    sure, unsure = Subject("p", f"{prefix}n"), Subject("p", f"{prefix}m")
    assert seen.facts[sure][INPUT] == "1"
    assert INPUT not in seen.facts.get(unsure, {})
    baseline = {sure: {INPUT: "1"}, unsure: {INPUT: "1"}}
    assert {fact.subject for fact in unclear(baseline, seen)} == {unsure}, "it is not gone"
    assert seen.refused


def test_what_stands_twice_alike_or_in_dollars_is_read() -> None:
    for form, text in (
        ("litellm", litellm('"input_cost_per_token": 1e-6, "input_cost_per_token": 0.000001, "currency": "USD"')),
        ("models_dev", models_dev('"cost": {"input": 1, "currency": "usd", "unit": "1M tokens"}')),
        ("openrouter", openrouter('"pricing": {"prompt": "0.000001"}, "currency": null')),
    ):
        seen = observed(form, text.encode())
        assert seen.facts[Subject("p", "m")][INPUT] == "1"
        assert not seen.refused


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("llm_prices", llm_prices('"input": 1', ', "currency": "EUR"')),
        ("openrouter", openrouter('"pricing": {"prompt": "0.000001"}', ', "currency": "EUR"')),
        ("models_dev", models_dev('"cost": {"input": 1}', ', "currency": "EUR"')),
        ("genai_prices", genai('"prices": {"input_mtok": 1}', ', "currency": "EUR"')),
    ],
)
def test_a_currency_of_the_whole_document_or_provider_is_that_of_all_its_prices(form: str, text: str) -> None:
    assert not isinstance(observed(form, text.encode()), Snapshot)


def test_a_document_that_may_go_on_takes_no_model_away() -> None:
    text = openrouter('"pricing": {"prompt": "0.000001"}', ', "links": {"next": "x"}, "links": {"next": null}')
    seen = observed("openrouter", text.encode())
    gone = Subject("p", "gone")
    assert not isinstance(seen, Snapshot) or {fact.subject for fact in unclear({gone: {INPUT: "1"}}, seen)} == {gone}


def test_a_provider_that_stands_twice_is_unclear_for_all_that_either_holds() -> None:
    text = (
        '{"p": {"models": {"m": {"cost": {"input": 1}}}}, "p": {"models": {"k": {"cost": {"input": 5}}}}, "q": '
        '{"models": {"n": {"cost": {"input": 1}}}}}'
    )
    seen = observed("models_dev", text.encode())
    assert isinstance(seen, Snapshot)
    assert set(seen.facts) == {Subject("q", "n")}
    baseline = {Subject("p", "m"): {INPUT: "1"}, Subject("p", "k"): {INPUT: "5"}}
    assert {fact.subject for fact in unclear(baseline, seen)} == set(baseline)
