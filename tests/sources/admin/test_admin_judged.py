"""What becomes of the account's settings and bills once the monitor polls them: events, pauses, who is told, and whose
price counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from admin_account import (
    KEY,
    NOW,
    OF_PROJECT,
    Account,
    audited,
    buckets,
    completion,
    cost,
    error,
    listed,
    rate_limit,
    spec,
)
from pipeline_world import INPUT, LUNA, OUTPUT, World, configuration, entry_spec, furnish, world_of

from monitor.audit import queries
from monitor.audit.agreement import PriceView, weigh
from monitor.core.entry import CheckState, Status
from monitor.core.facts import Subject
from monitor.core.notices import Reason
from monitor.core.ports import Refused
from monitor.registry import checklist
from monitor.registry.freshness import Freshness
from monitor.registry.terms import priced
from monitor.sources.admin import AdminSource
from monitor.sources.http import HttpClient

COSTS, USAGE = "/organization/costs", "/organization/usage/completions"
MODEL = LUNA.name

Watching = Callable[..., AbstractContextManager[World]]


@pytest.fixture
def watching(account: Account, http: HttpClient) -> Watching:
    """Provide a monitor of these parts beside a list and a page, with one entry."""

    @contextmanager
    def watch(*parts: str, **entry: Any) -> Iterator[World]:
        base = configuration(entries={"luna": entry_spec(**entry)})
        surface = account.surface(key="openai", api_key="env:KEY")
        specs = {one.key: one for one in (spec(part, surface="openai") for part in parts)}
        sources = {key: one for key, one in base.sources.items() if key != "feed"} | specs
        conf = configuration(surfaces={"openai": surface}, sources=sources, entries=base.entries)
        with world_of(conf) as world:
            for key, one in specs.items():
                world.sources[key] = AdminSource(one, surface, http, lambda _: KEY)  # type: ignore[assignment]
            world.now = NOW
            furnish(world)
            yield world

    return watch


def data(world: World, kind: str) -> list[tuple[str, Any, Any, Any]]:
    return [(one.subject, one.data["field"], one.data["old"], one.data["new"]) for one in world.events(kind)]


# -- settings --------------------------------------------------------------


def limits(account: Account, **numbers: int) -> None:
    rows = (rate_limit(MODEL, **numbers), rate_limit("other"))
    account.answers[f"{OF_PROJECT}/rate_limits"] = (200, listed(*rows))


def test_a_lowered_limit_pauses_an_entry_that_stands_on_it_and_a_raised_one_only_informs(
    account: Account, watching: Watching
) -> None:
    limits(account)
    with watching("rate_limits", checks=("rate_limits",), pause_on="worse") as world:
        world.activate()
        limits(account, max_requests_per_1_minute=9000)
        world.settle()
        assert world.entry().status is Status.ACTIVE
        limits(account, max_requests_per_1_minute=500)
        world.settle()
        assert data(world, "limit.changed") == [
            (MODEL, "limit.requests_per_minute", 5000, 9000),
            (MODEL, "limit.requests_per_minute", 9000, 500),
        ]
        assert world.entry().status is Status.PAUSED
        (paused,) = world.events("entry.paused")
        assert (paused.data["old"], paused.data["new"]) == (5000, 500)
        assert "rate_limits" in [one.data["check"] for one in world.events("check.stale")]


def test_a_limit_of_another_model_concerns_nobody(account: Account, watching: Watching) -> None:
    limits(account)
    with watching("rate_limits", checks=("rate_limits",)) as world:
        world.activate()
        before = len(world.notices())
        rows = (rate_limit(MODEL), rate_limit("other", max_requests_per_1_minute=1))
        account.answers[f"{OF_PROJECT}/rate_limits"] = (200, listed(*rows))
        world.settle()
        assert [one.subject for one in world.events("limit.changed")] == ["other"]
        assert world.entry().status is Status.ACTIVE
        assert len(world.notices()) == before


@pytest.mark.parametrize(
    ("part", "path", "change", "told"),
    [
        ("project", OF_PROJECT, {"residency": "GLOBAL"}, ("residency", "setting.value")),
        ("project", OF_PROJECT, {"status": "archived"}, ("project", "setting.status")),
        (
            "spend_limit",
            f"{OF_PROJECT}/spend_limit",
            {"enforcement": {"status": "enforcing"}},
            ("spend_limit", "setting.enforcement"),
        ),
        (
            "model_permissions",
            f"{OF_PROJECT}/model_permissions",
            {"model_ids": ["gpt-5.6-terra"]},
            ("model_permissions", "setting.models"),
        ),
    ],
    ids=["residency", "status", "enforcement", "permissions"],
)
def test_a_changed_setting_is_told_to_every_entry_on_the_surface_and_pauses_none_that_ignores_it(
    account: Account, watching: Watching, part: str, path: str, change: dict[str, Any], told: tuple[str, str]
) -> None:
    account.change(f"{OF_PROJECT}/model_permissions", model_ids=["gpt-5.6-terra", MODEL])
    with watching(part, ignore=(told[0],)) as world:
        world.activate()
        account.change(path, **change)
        world.settle()
        ((subject, field, _, _),) = data(world, "setting.changed")
        assert (subject, field) == told
        assert world.entry().status is Status.ACTIVE
        (item,) = world.notices()[-1].items
        assert item.reason is Reason.CHANGED
        assert [(one.subject, one.what) for one in item.differences] == [told]


@pytest.mark.parametrize(
    ("part", "path", "change", "said"),
    [
        ("project", OF_PROJECT, {"residency": "GLOBAL"}, "residency setting.value: EU_STORAGE_PROCESSING → GLOBAL"),
        ("project", OF_PROJECT, {"status": "archived"}, "the project is archived"),
        (
            "spend_limit",
            f"{OF_PROJECT}/spend_limit",
            {"enforcement": {"status": "enforcing"}},
            "a spend limit of the account is enforced, so calls are refused",
        ),
        (
            "model_permissions",
            f"{OF_PROJECT}/model_permissions",
            {"model_ids": ["gpt-5.6-terra"]},
            f"the project's model permissions deny {MODEL}, which is not on the allow list",
        ),
        (
            "model_permissions",
            f"{OF_PROJECT}/model_permissions",
            {"mode": "deny_list"},
            f"the project's model permissions deny {MODEL}, which is on the deny list",
        ),
        (
            "service_tiers",
            f"{OF_PROJECT}/service_tier_settings",
            {"enabled_tiers": ["fast"]},
            f"the project's service tiers leave {MODEL} without flex",
        ),
    ],
    ids=["residency", "status", "enforcement", "allow list", "deny list", "tier"],
)
def test_a_setting_that_denies_a_model_pauses_its_entry_for_everybody(
    account: Account, watching: Watching, part: str, path: str, change: dict[str, Any], said: str
) -> None:
    account.change(f"{OF_PROJECT}/model_permissions", model_ids=["gpt-5.6-terra", MODEL])
    spared = {"callers": ("agent",), "on_pause": "deny_new", "grace": timedelta(hours=72)}
    with watching(part, tiers=("standard", "flex"), **spared) as world:
        flex = {INPUT.replace("standard", "flex"): "0.5", OUTPUT.replace("standard", "flex"): "3"}
        world.sources["page"].set(LUNA, **flex)
        world.polls(2)
        world.activate()
        account.change(path, **change)
        world.polls(2)
        entry = world.entry()
        assert (entry.status, entry.reason) == (Status.PAUSED, said)
        assert not world.standing().price_shift
        (item,) = [item for item in world.notices()[-1].items if item.reason is Reason.PAUSED]
        assert item.denied
        access = {"model_id", "visibility", "pricing", "rate_limits", "evals", "safety_review"}
        assert set(checklist.asked(entry)) == ({"test_call", "billing"} if part == "spend_limit" else access)
        assert item.asks == checklist.asked(entry)
        assert world.replayed() == world.entries()


def test_a_permission_of_another_model_and_a_limit_that_is_not_reached_pause_nothing(
    account: Account, watching: Watching
) -> None:
    account.change(f"{OF_PROJECT}/model_permissions", model_ids=[MODEL])
    with watching("model_permissions", "spend_limit", "service_tiers") as world:
        world.activate()
        account.change(f"{OF_PROJECT}/model_permissions", model_ids=[MODEL, "gpt-5.6-terra"])
        account.change(f"{OF_PROJECT}/spend_limit", threshold_amount=1)
        account.change(f"{OF_PROJECT}/service_tier_settings", enabled_tiers=["fast"])
        world.polls(3)
        assert len(world.events("setting.changed")) == 3
        assert world.entry().status is Status.ACTIVE


def test_an_entry_that_a_setting_denies_is_activated_only_where_a_person_accepts_that_by_name(
    account: Account, watching: Watching
) -> None:
    with watching("model_permissions") as world:  # the allow list does not name it
        with pytest.raises(Refused, match=r"not on the allow list \(--accept-loss model_permissions"):
            world.activate()
        with pytest.raises(Refused, match="spend_limit cannot be accepted as lost"):
            world.activate(losses=frozenset({"model_permissions", "spend_limit"}))
        event = world.activate(losses=frozenset({"model_permissions"}))
        assert event.data["losses"] == ["model_permissions"]
        world.polls(3)
        assert world.entry().status is Status.ACTIVE


def test_a_residency_that_an_entry_rests_on_pauses_it(account: Account, watching: Watching) -> None:
    with watching("project", checks=("residency",)) as world:
        world.attest("residency")
        world.activate()
        account.change(OF_PROJECT, residency="GLOBAL")
        world.settle()
        assert world.entry().status is Status.PAUSED


def test_a_watched_event_of_the_audit_log_is_told_once_and_its_age_is_no_change(
    account: Account, watching: Watching
) -> None:
    with watching("audit_log") as world:
        assert world.events("source.anomaly") == []
        lowered = {"rate_limit.updated": {"id": "rl-1", "changes_requested": {"max_requests_per_1_minute": 9}}}
        event = audited("rate_limit.updated", NOW, **lowered)
        account.answers["/organization/audit_logs"] = (200, listed(event))
        world.settle()
        ((subject, field, old, new),) = data(world, "setting.changed")
        assert (subject, field, old) == ("audit_log", "setting.rate_limit.updated", None)
        assert '"max_requests_per_1_minute":9' in new
        account.answers["/organization/audit_logs"] = (200, listed())
        world.settle()
        assert len(world.events("setting.changed")) == 1
        assert len(world.notices()) == 1 + len(
            [one for one in world.notices() if one.items[0].reason is Reason.VISIBLE]
        )


def test_a_part_that_may_not_be_read_fails_alone_and_moves_nothing(account: Account, watching: Watching) -> None:
    with watching("project", "rate_limits") as world:
        account.answers[f"{OF_PROJECT}/rate_limits"] = (403, error("Missing scopes: api.management.read", None))
        account.change(OF_PROJECT, residency="GLOBAL")
        world.settle()
        (failed,) = world.events("source.failed")
        assert failed.source == "account/rate_limits"
        assert "api.management.read" in str(failed.data)
        assert [one.subject for one in world.events("setting.changed")] == ["residency"]
        assert world.events("limit.changed") == []


def test_without_an_admin_key_the_outage_says_so(watching: Watching) -> None:
    with watching("project") as world:
        of_account = world.sources["account/project"]
        of_account._surface = replace(of_account._surface, admin_key="")  # type: ignore[attr-defined]
        world.poll("account")
        (failed,) = world.events("source.failed")
        assert failed.data["reason"] == "no_credential"


# -- usage -----------------------------------------------------------------


def test_billing_is_verified_by_usage_and_only_by_a_poll_that_shows_it(account: Account, watching: Watching) -> None:
    account.answers[USAGE] = (200, buckets((3, [completion(MODEL)])))
    with watching("usage", checks=("billing",)) as world:
        world.settle()
        verified = world.entry().checks["billing"]
        assert verified.state is CheckState.VERIFIED
        account.answers[USAGE] = (200, buckets())
        world.polls(5, every=timedelta(hours=20))
        assert world.entry().checks["billing"] == verified
        assert world.baseline("account/usage") == {LUNA: {"behaviour.billing.visible": True}}
        assert world.events("source.anomaly") == []
        assert world.events("behaviour.changed") == []


def test_an_account_without_usage_has_a_baseline_and_no_anomaly(account: Account, watching: Watching) -> None:
    account.answers[USAGE] = (200, buckets())
    with watching("usage") as world:
        assert world.events("source.anomaly") == []
        account.answers[USAGE] = (200, buckets((3, [completion(MODEL)])))
        world.settle()
        assert data(world, "behaviour.changed") == [(MODEL, "behaviour.billing.visible", None, True)]


# -- costs -----------------------------------------------------------------


def charge(account: Account, price: float, output: float = 6, *, model: str = MODEL) -> None:
    rows = [cost(f"{model}, input", price * 100, 100_000_000), cost(f"{model}, output", output * 100, 100_000_000)]
    account.answers[COSTS] = (200, buckets((3, rows), (2, rows)))


def test_costs_win_over_a_page_that_says_otherwise_and_nothing_is_disputed(
    account: Account, watching: Watching
) -> None:
    charge(account, 0.9)  # the page says 1: this account has a discount
    with watching("costs") as world:
        world.activate()
        pins = {pin.key: pin.value for pin in world.entry().pins}
        assert pins[f"openai/{MODEL}/{INPUT}"] == "0.9"
        assert pins[f"source/page/{MODEL}/{INPUT}"] == "1"
        world.settle()
        assert world.entry().status is Status.ACTIVE


def test_a_page_that_moves_pauses_at_once_although_the_costs_lag(account: Account, watching: Watching) -> None:
    charge(account, 0.9)
    with watching("costs") as world:
        world.activate()
        world.sources["page"].set(LUNA, input="2")
        world.settle("page")
        assert world.entry().status is Status.PAUSED
        (paused,) = world.events("entry.paused")
        assert (paused.data["old"], paused.data["new"]) == ("1", "2")
        (changed,) = world.events("price.changed")
        assert paused.cause == changed.position


def test_costs_that_follow_a_page_whose_price_was_accepted_pause_nothing(account: Account, watching: Watching) -> None:
    charge(account, 1)
    with watching("costs") as world:
        world.activate()
        world.sources["page"].set(LUNA, input="2")
        world.settle()
        world.resume()
        charge(account, 2)
        world.settle()
        assert [one.source for one in world.events("price.changed")] == ["page", "account/costs"]
        assert world.entry().status is Status.ACTIVE
        assert len(world.events("entry.paused")) == 1


def test_costs_that_move_on_their_own_pause(account: Account, watching: Watching) -> None:
    charge(account, 1)
    with watching("costs") as world:
        world.activate()
        charge(account, 1.5)
        world.settle()
        assert world.entry().status is Status.PAUSED
        assert world.entry().deviations == {f"openai/{MODEL}/{INPUT}": "1.5"}


def test_costs_that_begin_after_the_activation_do_not_hide_a_page_that_moves(
    account: Account, watching: Watching
) -> None:
    account.answers[COSTS] = (200, buckets())
    with watching("costs") as world:
        world.activate()
        charge(account, 1)
        world.settle()
        assert {one.source for one in world.events("price.listed")} == {"account/costs"}
        assert world.entry().status is Status.ACTIVE
        world.sources["page"].set(LUNA, input="2")
        world.settle("page")
        assert world.entry().status is Status.PAUSED


def test_a_page_whose_source_is_called_as_its_provider_is_pinned_apart_as_well(
    account: Account, watching: Watching
) -> None:
    charge(account, 0.9)
    with watching("costs") as world:
        renamed = {("openai" if key == "page" else key): one for key, one in world.conf.sources.items()}
        renamed["openai"] = replace(renamed["openai"], key="openai")
        shown = world.sources["page"].facts
        world.configure(replace(world.conf, sources=renamed, version="2"))
        world.sources["openai"].facts = shown
        world.poll()
        world.activate()
        world.settle()
        assert world.entry().status is Status.ACTIVE
        world.sources["openai"].set(LUNA, input="2")
        world.settle("openai")
        assert world.entry().status is Status.PAUSED


def test_days_without_usage_are_neither_removal_nor_anomaly_nor_news(account: Account, watching: Watching) -> None:
    charge(account, 1)
    with watching("costs") as world:
        world.activate()
        seen = world.now
        head, told = world.head, len(world.notices())
        account.answers[COSTS] = (200, buckets())
        world.polls(10, "account/costs", every=timedelta(hours=5))
        assert world.types(after=head) == []
        assert len(world.notices()) == told
        assert world.baseline("account/costs")[LUNA] == {INPUT: "1", OUTPUT: "6"}
        with world.store.read() as reader:
            fresh = Freshness(reader, world.conf)
            assert fresh.seen(world.conf.sources["account/costs"], fact()) == seen
        charge(account, 1)
        world.poll("account/costs")
        with world.store.read() as reader:
            fresh = Freshness(reader, world.conf)
            assert fresh.seen(world.conf.sources["account/costs"], fact()) == world.now


def fact() -> Any:
    from monitor.core.facts import Fact

    return Fact(LUNA, INPUT)


def test_models_that_were_billed_in_turns_are_not_taken_for_renames(account: Account, watching: Watching) -> None:
    charge(account, 1)
    with watching("costs") as world:
        charge(account, 1, model="gpt-sol")
        world.settle("account/costs")
        assert {one.subject for one in world.events("price.listed")} == {"gpt-sol"}
        assert all("renamed_from" not in one.data for one in world.events("price.*"))
        assert set(world.baseline("account/costs")) == {LUNA, Subject("openai", "gpt-sol")}


def test_agreement_and_terms_are_held_against_the_costs(account: Account, watching: Watching) -> None:
    charge(account, 0.9)
    with watching("costs") as world, world.store.read() as reader:
        facts = queries.prices(reader, world.conf, (LUNA,))
        words = weigh(facts, fresh_since=world.now - timedelta(days=7))
        said = {(word.fact.source, word.fact.meter.field): (word.view, word.official) for word in words}
        assert said["account/costs", INPUT] == (PriceView.OFFICIAL, "0.9")
        assert said["page", INPUT] == (PriceView.DIFFERS, "0.9")
        assert said["page", OUTPUT] == (PriceView.AGREES, "6")
        assert said["page", "price.standard.short.cached_input"] == (PriceView.OFFICIAL, "0.1")
        terms = priced(reader, world.conf, world.entries())["luna"].terms
        assert terms.disputed == ()
