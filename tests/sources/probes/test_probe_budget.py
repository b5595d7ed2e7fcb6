"""Money: nothing is called that could exceed the budget, and what was spent is what was counted."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import httpx2
import pytest
from probe_world import FakeBudget, M, error, luna_prices, ok, probe, response

from monitor.core.facts import FailureReason, Snapshot
from monitor.core.ports import Reservation, Unavailable
from monitor.sources.behaviour.calls import PLANS

FREE = ("retrieve", "tokens")


@pytest.mark.parametrize("route", [route for route in PLANS if route not in FREE])
def test_without_money_no_call_is_made(route: str) -> None:
    polled = probe(route, ok({}), budget=FakeBudget(money=Decimal(0)))
    assert polled.failure().reason is FailureReason.OVER_BUDGET
    assert polled.requests == []


def test_without_money_no_batch_is_made() -> None:
    polled = probe("batch", ok({"data": [], "id": "file_1"}), budget=FakeBudget(money=Decimal(0)))
    assert polled.failure().reason is FailureReason.OVER_BUDGET
    assert ("POST", "/v1/batches") not in {(one.method, one.url.path) for one in polled.requests}


@pytest.mark.parametrize("route", FREE)
def test_what_costs_nothing_is_asked_without_money(route: str) -> None:
    polled = probe(route, ok({"id": M, "input_tokens": 1}), budget=FakeBudget(money=Decimal(0), prices={}))
    assert isinstance(polled.poll(), Snapshot)


def test_a_refusal_names_the_amount_what_is_left_and_the_setting() -> None:
    detail = probe("responses", ok(response()), budget=FakeBudget(money=Decimal("0.00001"))).failure().detail
    assert "$0.0000" in detail
    assert "$0.00001 left" in detail
    assert "per_day in [budget]" in detail


def test_without_a_known_price_nothing_is_called_and_the_price_is_named() -> None:
    prices = luna_prices()
    del prices["output"]
    polled = probe("responses", ok(response()), budget=FakeBudget(prices={"standard": prices}))
    seen = polled.failure()
    assert seen.reason is FailureReason.OVER_BUDGET
    assert "(standard: output)" in seen.detail
    assert M in seen.detail
    assert polled.requests == []


def test_a_tier_is_priced_as_that_tier() -> None:
    prices = {
        "standard": luna_prices(),
        "priority": {name: str(Decimal(one) * 2) for name, one in luna_prices().items()},
    }
    dear = probe("priority", ok(response(service_tier="priority")), budget=FakeBudget(prices=prices))
    dear.poll()
    assert dear.budget.settled == [Decimal("0.0000088")]
    assert "(flex: input, output)" in probe("flex", ok(response()), budget=FakeBudget(prices=prices)).failure().detail


def test_what_is_set_aside_is_never_less_than_what_is_spent() -> None:
    for route in ("responses", "structured", "tools", "region"):
        polled = probe(route, ok(response('{"ok": true}')))
        polled.poll()
        assert len(polled.budget.reserved) == len(polled.budget.settled) == 1
        assert polled.budget.settled[0] <= polled.budget.reserved[0]


def test_a_cache_is_priced_by_what_was_written_and_read() -> None:
    def answer(written: int, read: int) -> httpx2.Response:
        body = response()
        body["usage"]["input_tokens"] = 1500
        body["usage"]["input_tokens_details"] = {"cached_tokens": read, "cache_write_tokens": written}
        return ok(body)

    polled = probe("caching", [answer(1400, 0), answer(0, 1400)])
    polled.poll()
    written, read = polled.budget.settled
    assert written == (100 * Decimal("0.2") + 1400 * Decimal("0.25") + 2 * Decimal("1.2")) / 1_000_000
    assert read == (100 * Decimal("0.2") + 1400 * Decimal("0.02") + 2 * Decimal("1.2")) / 1_000_000
    assert all(aside >= spent for aside, spent in zip(polled.budget.reserved, polled.budget.settled, strict=True))


def test_a_model_without_prices_for_its_cache_pays_for_input() -> None:
    prices = {name: luna_prices()[name] for name in ("input", "output")}
    body = response()
    body["usage"]["input_tokens_details"] = {"cached_tokens": 5}
    polled = probe("caching", lambda _: ok(body), budget=FakeBudget(prices={"standard": prices}))
    assert isinstance(polled.poll(), Snapshot)
    assert polled.budget.settled == [(10 * Decimal("0.2") + 2 * Decimal("1.2")) / 1_000_000] * 2


def test_a_refusal_costs_nothing() -> None:
    polled = probe("responses", error(404, "Gone.", code="model_not_found"))
    polled.poll()
    assert polled.budget.settled == [Decimal(0)]


def test_what_may_have_been_served_stays_spent() -> None:
    def broken(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadTimeout("too late")

    for answer in (broken, error(500, "Sorry"), ok({"result": "?"})):
        polled = probe("responses", answer)
        polled.poll()
        assert polled.budget.settled == []
        assert polled.budget.money < 1


def test_processing_in_a_region_costs_a_tenth_more() -> None:
    here, there = probe("responses", ok(response())), probe("region", ok(response()))
    here.poll()
    there.poll()
    assert there.budget.settled[0] == here.budget.settled[0] * Decimal("1.1")


class Shut(FakeBudget):
    """A budget whose store cannot be reached, from the given call on."""

    opened: bool = True

    def settle(self, reservation: Reservation, spent: Decimal) -> None:
        raise Unavailable("the database is locked")

    def reserve(self, surface: str, amount: Decimal, at: datetime) -> Reservation | None:
        if not self.opened:
            raise Unavailable("the database is locked")
        return super().reserve(surface, amount, at)


def test_while_the_budget_cannot_be_asked_nothing_is_called() -> None:
    budget = Shut()
    budget.opened = False
    polled = probe("responses", ok(response()), budget=budget)
    seen = polled.failure()
    assert (seen.reason, polled.requests) == (FailureReason.OVER_BUDGET, [])
    assert "the database is locked" in seen.detail


def test_a_poll_is_not_lost_because_its_cost_cannot_be_written_down() -> None:
    seen = probe("responses", ok(response()), budget=Shut()).poll()
    assert isinstance(seen, Snapshot)
    assert seen.measured[0].cost is None
