"""The pure function behind every answer of the gate."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from gate_examples import (
    HOUR,
    LEASE,
    NOW,
    callers,
    environments,
    question,
    registry,
    spared,
    standing,
    standings,
)
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.configuration import GateRules
from monitor.core.entry import Status
from monitor.gate.decision import (
    DENY,
    Ambiguous,
    Answer,
    GateQuestion,
    OtherSurfaces,
    Standing,
    answer,
    decide,
    named_keys,
    resolve,
)


def ask(
    entry: Standing | Ambiguous | None,
    environment: str = "production",
    caller: str = "",
    now: datetime = NOW,
) -> Answer:
    return decide(entry, question(environment, caller=caller, now=now))


@given(standings(), environments, callers)
def test_invariant_8_the_gate_fails_safe(registered: dict[str, Standing], environment: str, caller: str) -> None:
    for entry in registered.values():
        fresh = all(until is not None and until > NOW for until in (entry.access_until, entry.price_until))
        active = entry.status is Status.ACTIVE and fresh
        within_grace = (
            entry.status is Status.PAUSED
            and entry.on_pause == "deny_new"
            and entry.price_shift
            and caller != ""
            and caller in entry.callers
            and (entry.grace_until is None or entry.grace_until > NOW)
            and entry.access_until is not None
            and entry.access_until > NOW
        )
        decided = ask(entry, environment, caller)
        if environment != "staging":
            assert not decided.allowed or active or within_grace
        elif decided.allowed:
            assert active or within_grace or entry.status is Status.EVALUATING
        if decided.allowed:
            ready = entry.ready(question(environment))
            assert ready.until is None or ready.until > NOW
            assert ready.unready == "" or within_grace
            if caller in ready.reviewed:
                assert ready.unreviewed == ""
                assert ready.review_until is None or ready.review_until > NOW
            assert decided.expires_at is not None
            assert NOW < decided.expires_at <= NOW + LEASE


def test_an_active_and_fresh_entry_is_allowed_until_the_lease_ends() -> None:
    decided = ask(standing())
    assert (decided.allowed, decided.status, decided.position) == (True, "active", 17)
    assert decided.expires_at == NOW + LEASE


@pytest.mark.parametrize("limit", ["access_until", "price_until"])
def test_the_answer_expires_when_the_first_fact_goes_stale(limit: str) -> None:
    assert ask(standing(**{limit: NOW + HOUR})).expires_at == NOW + HOUR


@pytest.mark.parametrize("until", [None, NOW - HOUR, NOW])
@pytest.mark.parametrize("limit", ["access_until", "price_until"])
def test_a_stale_entry_keeps_its_status_and_is_denied_as_stale(limit: str, until: datetime | None) -> None:
    decided = ask(standing(**{limit: until}))
    assert (decided.allowed, decided.status) == (False, "active")
    assert decided.reason.startswith("stale: ")


def test_limits_count_in_whole_seconds_as_a_flagd_rule_does() -> None:
    half = timedelta(milliseconds=500)
    entry = standing(access_until=NOW + HOUR + half)
    assert ask(entry).expires_at == NOW + HOUR
    assert not ask(entry, now=NOW + HOUR).allowed


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.ACTIVE])
def test_production_denies_every_status_but_active_and_says_why(status: Status) -> None:
    decided = ask(standing(status=status))
    assert not decided.allowed
    assert decided.reason.startswith(status.value)
    assert ask(standing(status=status, reason="the reason")).reason == "the reason"


def test_another_configured_environment_may_use_what_is_being_evaluated() -> None:
    evaluating = standing(status=Status.EVALUATING, reason="evaluating: nobody accepted it", price_until=None)
    assert ask(evaluating, "staging").allowed
    assert not ask(evaluating, "production").allowed
    assert not ask(standing(status=Status.EVALUATING, access_until=None), "staging").allowed


def test_an_environment_that_nobody_configured_is_judged_like_production() -> None:
    assert not ask(standing(status=Status.EVALUATING), "elsewhere").allowed
    assert ask(standing(), "elsewhere").allowed


def test_production_never_uses_what_is_being_evaluated_wherever_it_stands_in_the_configuration() -> None:
    decided = decide(
        standing(status=Status.EVALUATING),
        GateQuestion(rules=GateRules(environments=("staging", "production")), now=NOW),
    )
    assert not decided.allowed


def test_a_pause_that_denies_new_callers_spares_those_it_had_until_the_grace_ends() -> None:
    decided = ask(spared(), caller="support-agent")
    assert (decided.allowed, decided.status, decided.expires_at) == (True, "paused", NOW + 3 * HOUR)
    late = ask(spared(), caller="support-agent", now=NOW + 3 * HOUR)
    assert (late.allowed, late.reason) == (False, "paused: input price 0.20 → 0.25")


@pytest.mark.parametrize(
    ("changes", "caller"),
    [
        ({}, "newcomer"),
        ({}, ""),
        ({"callers": ("",)}, ""),
        ({"price_shift": False}, "support-agent"),
        ({"on_pause": DENY}, "support-agent"),
        ({"grace_until": NOW}, "support-agent"),
        ({"access_until": NOW}, "support-agent"),
        ({"access_until": None}, "support-agent"),
        ({"status": Status.RETIRED}, "support-agent"),
    ],
)
def test_nothing_but_a_price_shift_spares_and_nobody_but_a_named_caller(
    changes: dict[str, object], caller: str
) -> None:
    assert not ask(spared(**changes), caller=caller).allowed


def test_a_price_that_went_stale_does_not_end_the_grace_of_a_price_shift() -> None:
    decided = ask(spared(price_until=NOW - HOUR), caller="support-agent")
    assert (decided.allowed, decided.expires_at) == (True, NOW + 3 * HOUR)


def test_what_nobody_registered_is_denied() -> None:
    decided = answer("gpt-9", registry(standing()), question(environment="staging"))
    assert (decided.key, decided.allowed, decided.status, decided.position) == ("gpt-9", False, "unregistered", 0)


def test_a_key_is_an_entry_first_and_else_the_model_id_of_exactly_one() -> None:
    luna, sol = standing("luna", model_ids=("gpt-5.6-luna", "sol")), standing("sol", model_ids=("gpt-5.6-sol",))
    registered = registry(luna, sol)
    assert resolve("sol", registered) is sol
    assert resolve("gpt-5.6-luna", registered) is luna
    assert resolve("", registry(standing(model_ids=("",)))) is None
    asked = answer("gpt-5.6-luna", registered, question())
    assert (asked.key, asked.allowed) == ("gpt-5.6-luna", True)


def test_a_model_id_that_two_entries_hold_is_ambiguous_and_denied() -> None:
    registered = registry(standing("luna", model_ids=("shared",)), standing("sol", model_ids=("shared",)))
    assert resolve("shared", registered) == Ambiguous(key="shared", entries=("luna", "sol"))
    decided = answer("shared", registered, question())
    assert (decided.allowed, decided.status) == (False, "ambiguous")
    assert decided.reason == "ambiguous: luna and sol hold this model id; ask by the key of one of them"


def test_an_entry_that_ended_does_not_make_the_id_of_a_living_one_ambiguous() -> None:
    old = standing("old", model_ids=("shared",), status=Status.WITHDRAWN)
    new = standing("new", model_ids=("shared",))
    assert resolve("shared", registry(old, new)) is new
    assert resolve("shared", registry(old)) is old


def test_the_fallback_is_the_first_of_the_chain_that_is_allowed_itself() -> None:
    registered = registry(
        spared("luna", fallback="sol"),
        standing("sol", status=Status.RETIRED, fallback="terra"),
        standing("terra", fallback="luna"),
    )
    asked = answer("luna", registered, question())
    assert (asked.allowed, asked.fallback) == (False, "terra")


@pytest.mark.parametrize("fallback", ["luna", "sol", "nobody", ""])
def test_a_chain_that_turns_in_a_circle_or_leads_nowhere_has_no_fallback(fallback: str) -> None:
    registered = registry(spared("luna", fallback=fallback), standing("sol", status=Status.RETIRED, fallback="luna"))
    assert answer("luna", registered, question()).fallback == ""


@given(standings(), environments, callers, st.sampled_from(["luna", "sol", "gpt-a", "gpt-b", "nobody"]))
def test_a_fallback_that_is_named_is_allowed(
    registered: dict[str, Standing], environment: str, caller: str, key: str
) -> None:
    asked = answer(key, registered, question(environment, caller=caller))
    if asked.fallback:
        assert answer(asked.fallback, registered, question(environment, caller=caller)).allowed


CODEX = standing("luna@codex", model_ids=("gpt-5.6-luna",), surface="codex")
AZURE = standing("terra", model_ids=("gpt-5.6-luna", "terra-1"), surface="azure")


def test_a_key_names_the_row_of_the_surface_that_is_asked() -> None:
    registered = registry(standing("luna"), CODEX)
    luna = registered["luna"]
    for key, surface, row in (
        ("luna", "", luna),
        ("luna", "openai", luna),
        ("luna@openai", "", luna),
        ("luna@openai", "openai", luna),
        ("luna", "codex", CODEX),
        ("luna@codex", "", CODEX),
        ("gpt-5.6-luna", "", luna),
        ("gpt-5.6-luna", "codex", CODEX),
        ("gpt-5.6-luna@codex", "", CODEX),
    ):
        assert resolve(key, registered, surface) is row, (key, surface)
    for key, surface in (("luna", "azure"), ("luna@azure", "")):
        assert resolve(key, registered, surface) == OtherSurfaces(
            key="luna", surface="azure", surfaces=("openai", "codex")
        )
    assert resolve("sol@codex", registered) is None


def test_an_id_is_ambiguous_only_within_one_surface() -> None:
    registered = registry(standing("luna"), AZURE)
    assert resolve("gpt-5.6-luna", registered, "openai") is registered["luna"]
    assert resolve("gpt-5.6-luna", registered, "azure") is AZURE
    decided = answer("gpt-5.6-luna", registered, question())
    assert decided.status == "ambiguous"
    assert decided.reason.endswith("ask by the key of one of them, or name the surface, openai or azure")
    twice = registered | registry(standing("mars", model_ids=("gpt-5.6-luna",), surface="azure"))
    assert isinstance(resolve("gpt-5.6-luna", twice, "azure"), Ambiguous)


def test_an_id_that_looks_like_an_address_is_found_as_it_is() -> None:
    registered = registry(standing("opus", model_ids=("opus@20260801",)), CODEX, standing("luna"))
    assert resolve("opus@20260801", registered) is registered["opus"]


def test_a_row_that_ended_gives_its_key_to_the_one_that_took_its_surface() -> None:
    moved = standing("luna", surface="codex")
    ended = standing("luna@codex", surface="codex", status=Status.WITHDRAWN)
    assert resolve("luna@codex", registry(moved, ended)) is moved


@given(standings())
def test_every_key_that_is_named_leads_somewhere(registered: dict[str, Standing]) -> None:
    assert all(resolve(key, registered) is not None for key in named_keys(registered))


def test_a_fallback_is_on_the_same_surface_where_it_can_be() -> None:
    sol, sol_on_codex = standing("sol"), standing("sol@codex", surface="codex")
    api, codex = (replace(row, fallback="sol", status=Status.RETIRED) for row in (standing("luna"), CODEX))
    registered = registry(api, codex, sol, sol_on_codex)
    keys = ("luna", "luna@codex")
    assert [answer(key, registered, question()).fallback for key in keys] == [
        "sol",
        "sol@codex",
    ]
    registered = registry(api, codex, sol, replace(sol_on_codex, status=Status.PAUSED))
    assert answer("luna@codex", registered, question()).fallback == "sol"
