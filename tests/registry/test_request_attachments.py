"""A sample of the request log beside the word of a person: what it has to say, and the usage that it shows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pipeline_world import LUNA, START, VIA, World, configuration, entry_spec, furnish, world_of

from monitor.core.entry import CheckState, Status
from monitor.core.facts import Body
from monitor.core.ports import Refused
from monitor.core.request_log import LoggedRequest
from monitor.registry.attachments import RequestPaper

TOKENS = {"input": 600_000, "cached_input": 400_000, "output": 50_000}
COST = Decimal("0.94")  # at 1, 0.1 and 6 USD per 1M tokens
HOUR = timedelta(hours=1)
HANDED_IN = START + timedelta(days=30)


def request(line: int = 1, **more: Any) -> LoggedRequest:
    base = LoggedRequest(line=line, model="gpt-luna", at=START + line * HOUR, tokens=TOKENS, cost=COST)
    return replace(base, **more)


def sample(*requests: LoggedRequest) -> RequestPaper:
    content = repr(requests).encode()
    body = Body(content=content, sha256=hashlib.sha256(content).hexdigest(), size=len(content))
    return RequestPaper(requests=requests, body=body, tolerance=Decimal("0.01"), now=HANDED_IN)


@pytest.fixture
def logged() -> Iterator[World]:
    """Provide an entry that needs request logging, and another that shares the log."""
    entries = {"luna": entry_spec(checks=("logging",)), "old": entry_spec("old", "m03")}
    with world_of(configuration(entries=entries)) as world:
        furnish(world)
        yield world


def attest(world: World, *requests: LoggedRequest) -> Any:
    return world.operator.verify("luna", "logging", by="ann", via=VIA, paper=sample(*requests)).data["logging"]


def refused(world: World, *requests: LoggedRequest) -> str:
    at = world.head
    with pytest.raises(Refused) as error:
        attest(world, *requests)
    assert world.head == at
    return str(error.value)


def test_requests_that_agree_verify_the_check_and_show_a_usage(logged: World) -> None:
    failed = request(3, failed=True, tokens={}, cost=None, retries=2)
    found = attest(logged, request(1), request(2), failed, request(4, model="m03"))
    assert (found["requests"], found["errors"], found["retries"], found["cost"]) == (3, 1, 2, "1.88")
    assert found["ignored"] == {"m03": 1}
    # Three hours of log; a month has 240 of them.
    assert found["usage"] == {"input": 288_000_000, "output": 24_000_000, "cached_input": 192_000_000}
    entry = logged.entry()
    assert entry.checks["logging"].state is CheckState.VERIFIED
    assert (entry.observed, entry.spec.usage) == (found["usage"], {})
    assert logged.replayed() == dict(logged.entries())
    logged.activate()


def test_the_observed_usage_speaks_in_a_pause_notice_where_none_is_configured(logged: World) -> None:
    attest(logged, request(1), request(241))
    logged.activate()
    logged.sources["page"].set(LUNA, input="2")
    logged.polls(2, "page")
    assert logged.entry().status is Status.PAUSED
    # Ten days of log with two requests: six in a month.
    assert logged.notices()[-1].items[0].summary == (
        "a month of the observed usage, in short context, costs 9.24 USD instead of 5.64 USD (+3.60 USD)"
    )


def test_a_configured_usage_goes_before_an_observed_one() -> None:
    spec = entry_spec(usage={"input": 1_000_000})
    with world_of(configuration(entries={"luna": spec})) as world:
        furnish(world)
        attest(world, request(1), request(2))
        world.activate()
        world.sources["page"].set(LUNA, input="2")
        world.polls(2, "page")
        assert "configured usage" in world.notices()[-1].items[0].summary


def test_a_sample_of_minutes_verifies_and_shows_no_usage(logged: World) -> None:
    attest(logged, request(1), request(2))
    before = logged.entry().observed
    assert attest(logged, request(1), request(2, at=START + HOUR + timedelta(minutes=59)))["usage"] == {}
    assert logged.entry().observed == before


def test_what_is_missing_is_said_field_by_field(logged: World) -> None:
    said = refused(logged, request(1, lacks=("latency_ms", "retries")), request(2), request(3, lacks=("latency_ms",)))
    assert "latency_ms is missing or unreadable in 2 of 3 lines, first in line 1" in said
    assert "retries is missing or unreadable in 1 of 3 lines" in said


def test_what_the_lines_of_other_entries_lack_is_not_asked(logged: World) -> None:
    assert attest(logged, request(1), request(2, model="m03", lacks=("cost_usd",)))["requests"] == 1


def test_a_model_that_no_entry_holds_is_refused_by_name(logged: World) -> None:
    said = refused(logged, request(1), request(2, model="gpt-luna-2026-07-01"))
    assert "1 of 2 lines name gpt-luna-2026-07-01, which no entry holds, first line 2" in said


def test_a_line_without_a_model_is_one_that_lacks_it(logged: World) -> None:
    assert "model is missing" in refused(logged, request(1), request(2, model="", lacks=("model",)))


def test_a_sample_without_a_request_that_succeeded_proves_nothing(logged: World) -> None:
    assert "no request that succeeded is of gpt-luna" in refused(logged, request(1, failed=True))
    assert "no request that succeeded is of gpt-luna" in refused(logged, request(1, model="m03"))


def test_a_cost_that_is_not_price_times_tokens_is_refused_with_both(logged: World) -> None:
    said = refused(logged, request(1), request(2, cost=Decimal("0.96")))
    assert "the cost of 1 of 2 requests differs" in said
    assert "line 2 says 0.96 USD where accepted prices make it 0.94" in said
    attest(logged, request(1, cost=Decimal("0.949")))


def test_a_cost_is_held_against_the_pins_not_against_what_is_believed_since(logged: World) -> None:
    attest(logged, request(1))
    logged.activate()
    logged.sources["page"].set(LUNA, input="2")
    logged.polls(2, "page")
    attest(logged, request(1))
    assert "0.94" in refused(logged, request(1, cost=Decimal("1.54")))


def test_a_cost_may_be_that_of_either_context_band(logged: World) -> None:
    long = {
        f"price.standard.long.{meter}": amount
        for meter, amount in {"input": "2", "cached_input": "0.2", "output": "9"}.items()
    }
    logged.sources["page"].set(LUNA, **long)
    logged.polls(2, "page")
    attest(logged, request(1), request(2, cost=Decimal("1.73")))
    assert "0.94 or 1.73" in refused(logged, request(1, cost=Decimal("1.2")))


def test_a_cost_is_not_held_against_a_price_that_is_blank(logged: World) -> None:
    written = {**TOKENS, "cache_write": 1000}
    assert attest(logged, request(1), request(2, tokens=written, cost=Decimal(7)))["unpriced"] == 1


def test_a_tier_that_the_entry_does_not_use_is_refused(logged: World) -> None:
    attest(logged, request(1, tier="default"), request(2, tier="standard"))
    said = refused(logged, request(1), request(2, tier="flex"))
    assert "1 request ran in a tier that it does not use: line 2 says flex" in said


def test_of_an_entry_without_a_model_id_nothing_can_be_logged() -> None:
    with world_of(configuration(entries={"luna": entry_spec(model_id="")})) as world:
        furnish(world)
        assert "no model id yet" in refused(world, request(1))


def test_a_sample_from_a_clock_that_is_ahead_bears_nothing_out(logged: World) -> None:
    assert "still to come" in refused(logged, request(1, at=HANDED_IN - HOUR), request(2, at=HANDED_IN + HOUR))
    attest(logged, request(1, at=HANDED_IN - HOUR), request(2, at=HANDED_IN))
