"""The money that paid calls may cost: priced from baselines, refused in time, and never set aside twice."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from monitor.core.configuration import Configuration, SourceSpec, Surface
from monitor.core.entry_spec import EntrySpec
from monitor.core.facts import SourceState, Subject, Value
from monitor.detection.budget import FREE_FIRST, DailyBudget, accounts, first_poll, price_subject, unpaid
from monitor.sources.catalog import source_spec
from monitor.store import SqlStore, open_store

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 7, 30, 23, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
TOKENS = {"input": 1_000_000, "output": 500_000}

PAGE = source_spec(key="page", kind="pricing_page", every=HOUR, provider="openai")
OTHER_PAGE = source_spec(key="other-page", kind="pricing_page", every=HOUR, provider="openai")
FEED = source_spec(key="feed", kind="price_feed", every=HOUR, trust="third_party")
PROBE = source_spec(key="probes/gpt-luna/chat", kind="behaviour", every=HOUR, surface="eu")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    opened = open_store(str(tmp_path / "monitor.db"))
    yield opened
    opened.close()


def configuration(*entries: EntrySpec) -> Configuration:
    return Configuration(
        surfaces={
            key: Surface(key=key, base_url="https://api.example/v1", provider="openai") for key in ("openai", "eu")
        },
        sources={spec.key: spec for spec in (PAGE, OTHER_PAGE, FEED, PROBE)},
        entries={entry.key: entry for entry in entries},
    )


def entry(key: str = "luna", *, surface: str = "eu", model: str = "gpt-luna", price_model: str = "") -> EntrySpec:
    return EntrySpec(key=key, name=key, surfaces={surface: model}, owners=("a",), price_model=price_model)


def confirm(store: SqlStore, source: str, model: str, prices: Mapping[str, str], provider: str = "openai") -> None:
    facts = {Subject(provider, model): {f"price.{name}": amount for name, amount in prices.items()}}
    with store.write() as tx:
        tx.put_source(SourceState(key=source, baseline=tx.put_facts(facts)))


def priced(store: SqlStore, *entries: EntrySpec, model: str = "gpt-luna", tier: str = "standard") -> Decimal | None:
    return DailyBudget(store, configuration(*entries), Decimal(1)).price("eu", model, TOKENS, tier=tier)


def test_a_call_is_priced_by_the_believed_prices_of_the_provider_of_its_surface(store: SqlStore) -> None:
    confirm(store, "page", "gpt-luna", {"standard.short.input": "0.2", "standard.short.output": "1.2"})
    assert priced(store) == Decimal("0.8")


def test_a_price_that_nobody_states_is_not_known_and_a_meter_without_tokens_needs_none(store: SqlStore) -> None:
    assert priced(store) is None
    confirm(
        store,
        "page",
        "gpt-luna",
        {"standard.short.input": "0.2", "standard.long.output": "9", "batch.short.output": "1"},
    )
    assert priced(store) is None
    budget = DailyBudget(store, configuration(), Decimal(1))
    assert budget.price("eu", "gpt-luna", {"input": 1_000_000, "output": 0}) == Decimal("0.2")
    assert budget.price("nowhere", "gpt-luna", {"input": 1}) is None


def test_a_price_of_another_provider_or_a_similar_id_is_never_taken(store: SqlStore) -> None:
    both = {"standard.short.input": "0.2", "standard.short.output": "1.2"}
    confirm(store, "feed", "gpt-luna", both, provider="reseller")
    confirm(store, "page", "gpt-luna-2026-07-01", both)
    assert priced(store) is None


def test_a_tier_is_priced_by_its_own_prices_alone(store: SqlStore) -> None:
    confirm(
        store,
        "page",
        "gpt-luna",
        {
            "standard.short.input": "0.2",
            "standard.short.output": "1.2",
            "flex.short.input": "0.1",
            "flex.short.output": "0.6",
        },
    )
    assert priced(store, tier="flex") == Decimal("0.4")
    assert priced(store, tier="priority") is None


def test_the_id_that_the_entry_of_this_model_names_is_the_one_its_price_goes_by(store: SqlStore) -> None:
    confirm(store, "page", "luna-price", {"standard.short.input": "0.2", "standard.short.output": "1.2"})
    assert priced(store, entry(price_model="luna-price")) == Decimal("0.8")
    assert priced(store, entry(price_model="luna-price", surface="openai")) is None
    assert priced(store, entry(price_model="luna-price", model="gpt-sol")) is None


def test_entries_that_name_different_ids_for_one_model_leave_its_price_unknown() -> None:
    twice = configuration(entry("a", price_model="one"), entry("b", price_model="two"))
    assert price_subject(twice, "eu", "gpt-luna") is None
    agreed = configuration(entry("a", price_model="one"), entry("b", price_model="one"))
    assert price_subject(agreed, "eu", "gpt-luna") == Subject("openai", "one")


def test_an_official_price_counts_before_an_aggregators_and_of_two_official_ones_the_dearer(store: SqlStore) -> None:
    confirm(store, "feed", "gpt-luna", {"standard.short.input": "5", "standard.short.output": "1.2"})
    confirm(store, "page", "gpt-luna", {"standard.short.input": "0.2"})
    assert priced(store) == Decimal("0.8")  # the aggregator speaks only where nobody official does
    confirm(store, "other-page", "gpt-luna", {"standard.short.input": "10"})
    assert priced(store) == Decimal("10.6")


def test_what_would_exceed_the_day_is_refused_and_the_last_cent_can_be_spent(store: SqlStore) -> None:
    budget = DailyBudget(store, configuration(), Decimal("1.00"))
    assert budget.left("eu", NOW) == 1
    assert budget.reserve("eu", Decimal("0.70"), NOW) is not None
    assert budget.reserve("eu", Decimal("0.31"), NOW) is None
    assert budget.reserve("eu", Decimal("0.30"), NOW) is not None
    assert budget.left("eu", NOW) == 0
    assert budget.reserve("eu", Decimal("0.00000001"), NOW) is None
    assert budget.left("openai", NOW) == 1, "a surface has a budget of its own"


def test_a_new_utc_day_has_a_new_budget(store: SqlStore) -> None:
    budget = DailyBudget(store, configuration(), Decimal(1))
    assert budget.reserve("eu", Decimal(1), NOW) is not None
    assert budget.left("eu", NOW + timedelta(minutes=29)) == 0
    assert budget.left("eu", NOW + timedelta(minutes=30)) == 1
    with pytest.raises(ValueError, match="no sum"):
        budget.reserve("eu", Decimal(-1), NOW)


def test_what_a_call_did_not_cost_comes_back_and_a_call_that_died_stays_spent(store: SqlStore, tmp_path: Path) -> None:
    budget = DailyBudget(store, configuration(), Decimal(1))
    settled, died = budget.reserve("eu", Decimal("0.5"), NOW), budget.reserve("eu", Decimal("0.4"), NOW)
    assert settled is not None
    assert died is not None
    budget.settle(settled, Decimal("0.002"))
    again = open_store(str(tmp_path / "monitor.db"))  # another process, after the one that reserved is gone
    assert DailyBudget(again, configuration(), Decimal(1)).left("eu", NOW) == Decimal("0.598")
    again.close()


def test_a_call_that_cost_more_than_was_set_aside_overdraws_the_day_and_ends_it(store: SqlStore) -> None:
    budget = DailyBudget(store, configuration(), Decimal(1))
    reservation = budget.reserve("eu", Decimal("0.1"), NOW)
    assert reservation is not None
    budget.settle(reservation, Decimal("1.5"))
    assert budget.left("eu", NOW) == 0
    assert budget.reserve("eu", Decimal(0), NOW) is None


def test_a_budget_of_nothing_refuses_every_call_that_costs_something(store: SqlStore) -> None:
    budget = DailyBudget(store, configuration(), Decimal(0))
    assert budget.reserve("eu", Decimal("0.000001"), NOW) is None


def test_threads_that_ask_together_never_get_more_than_the_day_has(store: SqlStore) -> None:
    budget = DailyBudget(store, configuration(), Decimal("1.00"))
    got: list[object] = []
    start = threading.Barrier(8)

    def ask() -> None:
        start.wait()
        got.extend(budget.reserve("eu", Decimal("0.09"), NOW) for _ in range(4))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 32
    assert sum(one is not None for one in got) == 11
    assert budget.left("eu", NOW) == Decimal("0.01")


PROGRAM = """
import sys
from datetime import datetime
from decimal import Decimal
from monitor.core.configuration import Configuration
from monitor.detection.budget import DailyBudget
from monitor.store import open_store

store = open_store(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
budget = DailyBudget(store, Configuration(), Decimal("1.00"))
print(sum(budget.reserve("eu", Decimal("0.04"), datetime.fromisoformat(sys.argv[2])) is not None for _ in range(20)))
"""


def test_two_processes_that_ask_together_never_get_more_than_the_day_has(store: SqlStore, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "monitor.db"), NOW.isoformat()]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    granted = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(granted) == 25
    with store.read() as reader:
        assert reader.spent("eu", NOW.date()) == Decimal("1.00")


def test_an_account_says_what_is_spent_and_which_probes_wait_for_money(store: SqlStore) -> None:
    declared = configuration()
    with store.write() as tx:
        tx.reserve("eu", Decimal("0.75"), NOW)
        tx.put_source(SourceState(key=PROBE.key, outage="over_budget", outage_since=NOW))
    with store.read() as reader:
        openai, eu = accounts(reader, declared, Decimal(1), NOW)
    assert (openai.surface, openai.spent, openai.left, openai.refused) == ("openai", Decimal(0), Decimal(1), ())
    assert (eu.surface, eu.spent, eu.left, eu.refused) == ("eu", Decimal("0.75"), Decimal("0.25"), (PROBE.key,))
    with store.write() as tx:
        tx.put_source(replace(SourceState(key=PROBE.key), outage="timeout"))
    with store.read() as reader:
        assert accounts(reader, declared, Decimal(1), NOW)[1].refused == ()


def _probe(route: str) -> SourceSpec:
    options = {"model": "gpt-luna", "route": route}
    return source_spec(key=f"probes/gpt-luna/{route}", kind="behaviour", every=HOUR, surface="eu", options=options)


PAID, FREE = _probe("chat"), _probe("retrieve")


def test_after_a_start_what_costs_money_comes_after_what_states_its_price() -> None:
    assert first_poll(PAGE, None, NOW) == first_poll(FREE, None, NOW) == NOW
    assert first_poll(PAID, None, NOW) == NOW + FREE_FIRST


def test_a_restart_does_not_pay_again_for_what_was_looked_at_within_its_interval() -> None:
    good = SourceState(key=PAID.key, looked_at=NOW - HOUR / 4, attention=False)
    assert first_poll(PAID, good, NOW) == NOW + HOUR * 3 / 4
    for due in (
        replace(good, looked_at=NOW - 2 * HOUR),
        replace(good, outage="probe_rejected"),
        replace(good, attention=True),
        replace(good, looked_at=NOW + HOUR),  # the clock was set back
    ):
        assert first_poll(PAID, due, NOW) == NOW + FREE_FIRST


def test_what_could_not_be_paid_for_is_due_once_a_source_of_prices_says_something_new(store: SqlStore) -> None:
    with store.write() as tx:
        tx.put_source(SourceState(key=PROBE.key, outage="over_budget"))
        tx.put_source(SourceState(key="page", outage="timeout"))
    with store.read() as reader:
        assert unpaid(reader, configuration(), "page") == [PROBE.key]
        assert unpaid(reader, configuration(), PROBE.key) == unpaid(reader, configuration(), "gone") == []


def test_a_price_of_the_surfaces_region_counts_before_the_one_of_every_call(store: SqlStore) -> None:
    confirm(
        store,
        "page",
        "gpt-luna",
        {
            "standard.short.input": "0.2",
            "standard.short.output": "1.2",
            "standard.short.input{region EU}": "0.4",
            "standard.short.output{region EU}": "2.4",
            "standard.short.input{hours 16:30-00:30 UTC}": "0.1",
        },
    )
    assert priced(store) == Decimal("0.8")
    conf = configuration()
    there = replace(conf, surfaces={**conf.surfaces, "eu": replace(conf.surfaces["eu"], region="eu")})
    assert DailyBudget(store, there, Decimal(1)).price("eu", "gpt-luna", TOKENS) == Decimal("1.6")


def test_an_announced_price_counts_from_its_day_on(store: SqlStore) -> None:
    facts: dict[str, Value] = {
        "price.standard.short.input": "0.2",
        "price.standard.short.output": "1.2",
        "announced.price.standard.short.output@2027-03-01": "2.4",
    }
    with store.write() as tx:
        tx.put_source(SourceState(key="page", baseline=tx.put_facts({Subject("openai", "gpt-luna"): facts})))
    budget = DailyBudget(store, configuration(), Decimal(1))
    before, after = datetime(2027, 2, 28, 23, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC)
    costs = [budget.price("eu", "gpt-luna", TOKENS, at=at) for at in (None, before, after)]
    assert costs[:2] == [Decimal("0.8"), Decimal("0.8")]
    assert costs[2] is not None
    assert costs[2] > Decimal("0.8")
