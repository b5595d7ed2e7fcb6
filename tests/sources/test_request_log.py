"""What is read from a sample of a request log, under which names, and what is kept of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.request_log import Fields
from monitor.sources.attested.request_log import read
from monitor.sources.extraction import Unreadable


def row(**more: Any) -> dict[str, Any]:
    usage = {"input_tokens": 1000, "input_tokens_details": {"cached_tokens": 400}, "output_tokens": 50}
    base = {
        "timestamp": "2026-07-30T10:00:00Z",
        "model": "gpt-luna",
        "latency_ms": 812,
        "usage": usage,
        "cost_usd": 0.00094,
        "error": None,
        "retries": 0,
        "prompt": "Dear Inês, my card is 4111",
    }
    return {**base, **more}


def lines(*rows: Any) -> bytes:
    return "".join(json.dumps(one) + "\n" for one in rows).encode()


def one(fields: Fields = Fields(), **more: Any) -> Any:  # noqa: B008 - frozen
    (request,) = read(lines(row(**more)), fields).requests
    return request


def test_a_line_is_read_with_the_cached_tokens_taken_out_of_the_input() -> None:
    request = one()
    assert request.tokens == {"input": 600, "cached_input": 400, "output": 50}
    assert (request.model, request.cost, request.failed, request.retries) == ("gpt-luna", Decimal("0.00094"), False, 0)
    assert (request.at, request.lacks) == (datetime(2026, 7, 30, 10, tzinfo=UTC), ())


def test_input_may_be_counted_apart_from_the_cache() -> None:
    assert one(Fields(cached_in_input=False)).tokens["input"] == 1000


def test_fields_may_have_any_name_nested_or_with_dots_in_it() -> None:
    names = {
        "at": "time",
        "input": "gen_ai.usage.input",
        "cached": "gen_ai.usage.cached",
        "cost": "cost.usd",
        "cache_write": "w",
    }
    flat = {
        "time": 1785405600,
        "gen_ai.usage.input": 10,
        "gen_ai": {"usage": {"cached": 4}},
        "cost": {"usd": "0.1"},
        "w": 1,
    }
    request = one(Fields(**names), **flat)
    assert request.tokens == {"input": 5, "cached_input": 4, "cache_write": 1, "output": 50}
    assert (request.at, request.cost) == (datetime(2026, 7, 30, 10, tzinfo=UTC), Decimal("0.1"))


@pytest.mark.parametrize("at", [1785405600, 1785405600000, "2026-07-30T12:00:00+02:00", 1785405600.0])
def test_a_time_is_one_moment_however_it_is_written(at: Any) -> None:
    assert one(timestamp=at).at == datetime(2026, 7, 30, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("more", "lacks"),
    [
        ({"timestamp": "2026-07-30T12:00:00"}, "timestamp"),
        ({"timestamp": True}, "timestamp"),
        ({"timestamp": 10**30}, "timestamp"),
        ({"model": ""}, "model"),
        ({"latency_ms": None}, "latency_ms"),
        ({"latency_ms": -1}, "latency_ms"),
        ({"retries": "none"}, "retries"),
        ({"retries": -1}, "retries"),
        ({"cost_usd": None}, "cost_usd"),
        ({"cost_usd": "NaN"}, "cost_usd"),
        ({"cost_usd": -1}, "cost_usd"),
        ({"usage": {"input_tokens": 1, "output_tokens": 1}}, "usage.input_tokens_details.cached_tokens"),
        ({"usage": {"input_tokens": 1, "input_tokens_details": {"cached_tokens": 0}}}, "usage.output_tokens"),
        (
            {"usage": {"input_tokens": 1.5, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 1}},
            "usage.input_tokens",
        ),
        (
            {"usage": {"input_tokens": 1, "input_tokens_details": {"cached_tokens": 2}, "output_tokens": 1}},
            "usage.input_tokens",
        ),
    ],
)
def test_what_a_line_does_not_state_is_named(more: dict[str, Any], lacks: str) -> None:
    assert one(**more).lacks == (lacks,)


def test_a_line_without_the_field_of_errors_does_not_say_that_there_was_none() -> None:
    silent = {key: value for key, value in row().items() if key != "error"}
    (request,) = read(lines(silent), Fields()).requests
    assert request.lacks == ("error",)


def test_a_request_that_failed_need_not_have_tokens_or_a_cost() -> None:
    request = one(error="429 rate_limit_exceeded", usage=None, cost_usd=None, retries=3)
    assert (request.failed, request.tokens, request.lacks, request.retries) == (True, {}, (), 3)


def test_only_the_configured_fields_are_kept() -> None:
    kept = read(lines(row(error="for Inês: 4111"), row()), Fields()).kept
    assert b"4111" not in kept
    assert b"prompt" not in kept
    first = json.loads(kept.splitlines()[0])
    assert (first["model"], first["failed"], first["tokens"]["cached_input"]) == ("gpt-luna", True, 400)


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"time=1 model=x\n", b"[]\n", b'"x"\n', lines(row()) + b'{"a": ', b"\xff\xfe"]
)
def test_what_is_not_json_lines_is_refused(content: bytes) -> None:
    with pytest.raises(Unreadable):
        read(content, Fields())


VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.dictionaries(st.text(max_size=2), st.integers(), max_size=1)
)


@given(st.dictionaries(st.sampled_from(sorted(row())), VALUES))
def test_no_line_breaks_the_reader_and_nothing_negative_comes_out(more: dict[str, Any]) -> None:
    try:
        request = one(**more)
    except Unreadable:
        return
    assert all(tokens > 0 for tokens in request.tokens.values())
    assert request.cost is None or request.cost >= 0
