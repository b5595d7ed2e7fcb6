"""JSON as received: what a key that stands twice in one object comes to."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from monitor.sources.json_text import KeyTwice, NotJson, canonical_text, contradictions, parse


def test_a_key_stated_twice_alike_is_stated() -> None:
    assert parse(b'{"a": [1, {"b": 2.50}], "a": [1, {"b": 2.5}]}') == {"a": [1, {"b": Decimal("2.50")}]}


@pytest.mark.parametrize(
    "text", ['{"a": 1, "a": 2}', '{"a": 1, "a": true}', '{"a": null, "a": 0}', '{"a": {"b": 1}, "a": {"b": 1, "c": 2}}']
)
def test_a_key_stated_twice_and_not_alike_is_no_value_of_json(text: str) -> None:
    parsed = parse(text.encode())
    assert isinstance(parsed, dict)
    assert isinstance(parsed["a"], KeyTwice)
    assert parsed["a"]
    assert not isinstance(parsed["a"], str | int | float | list | dict | Decimal)


def test_of_three_values_of_which_one_differs_none_is_taken() -> None:
    parsed = parse(b'{"a": 1, "a": 2, "a": 1}')
    assert isinstance(parsed, dict)
    assert parsed["a"].values == (1, 2, 1)


def test_every_contradiction_is_named_by_its_place() -> None:
    text = (
        b'{"data": [{"id": "x", "id": "y"}, {"id": "z", "pricing": {"prompt": 1, "prompt": 2}}], "more": 1, "more": 2}'
    )
    assert [where for where, _ in contradictions(parse(text))] == ["data[0].id", "data[1].pricing.prompt", "more"]
    assert list(contradictions(parse(b'{"a": 1, "a": 1}'))) == []


def test_the_canonical_text_of_a_contradiction_holds_all_that_was_stated() -> None:
    assert json.loads(canonical_text(parse(b'{"a": 1.5, "a": [2]}'))) == {"a": {"stated": ["1.5", [2]]}}


def test_a_nesting_beyond_any_reason_is_not_json() -> None:
    with pytest.raises(NotJson):
        parse(b"[" * 100_000)
