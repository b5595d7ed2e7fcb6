"""What the routes to a model say together, what an account's settings mean for it, and what each cause of a pause asks
for.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.core.access import SETTINGS
from monitor.core.entry import Pin
from monitor.core.entry_spec import EntrySpec
from monitor.core.facts import Subject, Value
from monitor.detection.routes import Signal, in_words, reopened
from monitor.registry.causes import ASKS, Cause, cause

ORION = Subject("openai", "orion-2")
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
GONE = "404 model_not_found"


def lost(route: str, answer: str = "", polls: int = 2) -> Signal:
    return Signal(route=route, source=route, says="lost", polls=polls, since=NOW, until=NOW, answer=answer)


def open_(route: str, *, before: bool = False) -> Signal:
    at = NOW - timedelta(minutes=5) if before else NOW
    return Signal(route=route, source=route, says="granted", polls=1, since=at, until=at)


def spec(**stated: Any) -> EntrySpec:
    return EntrySpec(key="orion", name="Orion", surfaces={"openai": "orion-2"}, owners=("platform",), **stated)


@pytest.mark.parametrize(
    ("signals", "said"),
    [
        (
            (open_("list", before=True), lost("responses", GONE), lost("chat", GONE)),
            (
                "calls to orion-2 are refused: responses and chat answer 404 model_not_found (2 polls); the models "
                "list still shows it"
            ),
        ),
        (
            (lost("responses", GONE), lost("chat", "403 model_not_found", 1)),
            (
                "calls to orion-2 are refused: responses answers 404 model_not_found (2 polls), chat answers 403 "
                "model_not_found (1 poll)"
            ),
        ),
        (
            (lost("list", polls=3), lost("retrieve", GONE, 1), open_("responses", before=True)),
            (
                "openai no longer serves orion-2: missing from the models list (3 polls), retrieve answers 404 "
                "model_not_found (1 poll)"
            ),
        ),
        (
            (lost("list", polls=3), open_("responses"), open_("chat")),
            "openai no longer lists orion-2: missing from the models list (3 polls); responses and chat still answer",
        ),
        (
            (open_("list"), lost("retrieve", GONE, 0)),
            "orion-2 can no longer be retrieved: retrieve answers 404 model_not_found; the models list still shows it",
        ),
        (
            (open_("list"), lost("responses", GONE), open_("chat")),
            (
                "calls to orion-2 are refused: responses answers 404 model_not_found (2 polls); the models list "
                "still shows it; chat still answers"
            ),
        ),
    ],
)
def test_the_routes_say_together_how_access_was_lost(signals: tuple[Signal, ...], said: str) -> None:
    assert in_words(ORION, signals) == said


def test_a_route_that_opened_again_is_said_with_those_that_did_not() -> None:
    assert reopened(ORION, (open_("responses"), lost("chat", GONE))) == (
        "responses reaches orion-2 again; chat answers 404 model_not_found (2 polls)"
    )


@pytest.mark.parametrize(
    ("name", "stated", "verdict"),
    [
        ("model_permissions", {"mode": "none", "models": "none"}, "granted"),
        ("model_permissions", {"mode": "allow_list", "models": '["orion-2"]'}, "granted"),
        ("model_permissions", {"mode": "allow_list", "models": '["orion-20"]'}, "not on the allow list"),
        ("model_permissions", {"mode": "allow_list", "models": "[]"}, "not on the allow list"),
        ("model_permissions", {"mode": "deny_list", "models": '["orion-1"]'}, "granted"),
        ("model_permissions", {"mode": "deny_list", "models": '["orion-2"]'}, "on the deny list"),
        ("model_permissions", {"mode": "deny_list"}, None),
        ("model_permissions", {"mode": "some_day", "models": '["orion-2"]'}, None),
        ("project", {"status": "active"}, "granted"),
        ("project", {"status": "archived"}, "archived"),
        ("project", {}, None),
        ("service_tiers", {"enabled": "all"}, "granted"),
        ("service_tiers", {"enabled": '["fast","flex"]'}, "granted"),
        ("service_tiers", {"enabled": '["flex"]'}, "without priority"),
        ("service_tiers", {"enabled": "some"}, None),
    ],
)
def test_a_setting_of_the_account_is_judged_for_one_model(
    name: str, stated: dict[str, Value], verdict: str | None
) -> None:
    judge = SETTINGS[name].judge
    assert judge is not None
    facts = {f"{name}/{field}": value for field, value in stated.items()}
    assert judge(facts, "orion-2", spec(tiers=("standard", "flex", "priority"))) == verdict


@pytest.mark.parametrize(
    ("own", "organisation", "verdict"),
    [
        (None, None, None),
        ("none", "inactive", "granted"),
        ("inactive", None, "granted"),
        ("enforcing", "none", "enforced"),
        ("none", "enforcing", "enforced"),
    ],
)
def test_a_spend_limit_of_either_level_that_is_enforced_denies(
    own: str | None, organisation: str | None, verdict: str | None
) -> None:
    judge = SETTINGS["spend_limit"].judge
    assert judge is not None
    stated = {"spend_limit/enforcement": own, "organization_spend_limit/enforcement": organisation}
    assert judge({name: value for name, value in stated.items() if value is not None}, "orion-2", spec()) == verdict


@pytest.mark.parametrize(
    ("field", "now", "expected"),
    [
        ("listed", None, Cause.ACCESS),
        ("access.responses", "access_lost", Cause.ACCESS),
        ("access.responses", "quota", Cause.MONEY),
        ("access.region", "region", Cause.ACCESS),
        ("access.model_permissions", "on the deny list", Cause.ACCESS),
        ("access.spend_limit", "enforced", Cause.MONEY),
        ("behaviour.responses.model", "orion-3", Cause.ACCESS),
        ("alias.target", "orion-3", Cause.ACCESS),
        ("price.standard.short.input", "2", Cause.PRICE),
        ("limit.requests", 5, Cause.CHECK),
    ],
)
def test_what_moved_names_the_cause_of_a_pause(field: str, now: Value | None, expected: Cause) -> None:
    assert cause(Pin(scope="openai", name="orion-2", field=field, value="granted"), now) is expected


def test_every_cause_has_its_row_and_our_own_side_is_one() -> None:
    assert ASKS.keys() == set(Cause)
    assert cause(Pin(scope="config", name="openai", field="base_url", value="x"), "y") is Cause.OURS
    assert cause(Pin(scope="openai", name="residency", field="setting.value", value="EU"), "GLOBAL") is Cause.ACCESS


@pytest.mark.parametrize(
    ("fleet", "least", "verdict"),
    [
        ("0.48", "0.48.0", "granted"),
        ("0.100.0", "0.48.0", "granted"),
        ("0.48.0", "0.48.1", "asks for version 0.48.1 or newer, and the fleet runs 0.48.0"),
        ("0.48.0-alpha.2", "0.48.0", "asks for version 0.48.0 or newer, and the fleet runs 0.48.0-alpha.2"),
        ("0.48.0-alpha.10", "0.48.0-alpha.9", "granted"),
        ("v1.0.0+build", "1", "granted"),
        ("", "0.48.0", None),
        ("0.48", "soon", None),
        ("0.48", None, None),
    ],
)
def test_a_fleet_is_new_enough_for_a_model_or_not(fleet: str, least: str | None, verdict: str | None) -> None:
    judge = SETTINGS["client_version"].judge
    assert judge is not None
    stated = {} if least is None else {"/minimal_client_version": least}
    assert judge(stated, "orion-2", spec(codex_version=fleet)) == verdict
